//! The channels under test.

use std::marker::PhantomData;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use annulet::channel::{
    ChannelRef, LaneReceiver, Receiver, RecvError, SendError, Sender, TryRecvError, TrySendError,
};
use annulet::ring::broadcast::{Gated, Overwrite};
use annulet::ring::lanes::{AdaptiveRoundRobin, Heap, Inline, Priority, RoundRobin, Schedule, Storage};
use annulet::ring::{Multi, Ring, Sides, Single};
use annulet::stats::Off;
use annulet::wait::{Deadline, Strategy};
use annulet::{Broadcast, Channel, Lanes};

use crate::hosted::common::Probe;

/// How many items each of them holds: for lanes, each lane.
pub const N: usize = 4;

/// Makes a trait of the methods that ends of every kind have, each of which does what the end's own method does.
macro_rules! any_end {
    (
        $(#[$doc:meta])* $any:ident for $end:ident;
        by reference { $(fn $look:ident() $(-> $seen:ty)?;)* }
        $(fn $method:ident($($argument:ident: $type:ty),*) $(-> $result:ty)?;)*
    ) => {
        $(#[$doc])*
        pub trait $any: Send {
            $(fn $look(&self) $(-> $seen)?;)*
            $(fn $method(&mut self, $($argument: $type),*) $(-> $result)?;)*
        }

        impl<C: ChannelRef<Item = u32>> $any for $end<C>
        where
            $end<C>: Send,
        {
            $(fn $look(&self) $(-> $seen)? {
                self.$look()
            })*
            $(fn $method(&mut self, $($argument: $type),*) $(-> $result)? {
                self.$method($($argument),*)
            })*
        }
    };
}
any_end! {
    /// A sender of any channel.
    Tx for Sender;
    by reference {
        fn close();
        fn is_closed() -> bool;
        fn receivers() -> usize;
    }
    fn try_send(item: u32) -> Result<(), TrySendError<u32>>;
    fn send(item: u32) -> Result<(), SendError<u32>>;
    fn send_timeout(item: u32, span: Duration) -> Result<(), SendError<u32>>;
    fn send_deadline(item: u32, until: Deadline) -> Result<(), SendError<u32>>;
    fn try_send_iter(items: &mut dyn Iterator<Item = u32>) -> Result<usize, TrySendError<()>>;
    fn send_iter(items: &mut dyn Iterator<Item = u32>) -> Result<usize, SendError<()>>;
    fn send_iter_timeout(items: &mut dyn Iterator<Item = u32>, span: Duration) -> Result<usize, SendError<()>>;
    fn set_strategy(strategy: Strategy);
}
any_end! {
    /// A receiver of any channel.
    Rx for Receiver;
    by reference {
        fn close();
        fn is_closed() -> bool;
        fn senders() -> usize;
    }
    fn try_recv() -> Result<u32, TryRecvError>;
    fn recv() -> Result<u32, RecvError>;
    fn recv_timeout(span: Duration) -> Result<u32, RecvError>;
    fn recv_deadline(until: Deadline) -> Result<u32, RecvError>;
    fn drain(max: usize, f: &mut dyn FnMut(u32)) -> Result<usize, RecvError>;
    fn drain_timeout(max: usize, span: Duration, f: &mut dyn FnMut(u32)) -> Result<usize, RecvError>;
    fn try_drain(max: usize, f: &mut dyn FnMut(u32)) -> Result<usize, TryRecvError>;
    fn set_strategy(strategy: Strategy);
}

/// A kind of channel.
pub trait Chan: Sync + Sized {
    type Tx<'c>: Tx
    where
        Self: 'c;
    type Rx<'c>: Rx
    where
        Self: 'c;

    /// It is never full.
    const OVERWRITES: bool = false;
    /// Each receiver gets each item.
    const FOR_ALL: bool = false;
    /// An end that was dropped can be made again.
    const LASTING: bool = true;

    fn with(probe: &Probe) -> Self;
    /// The sender there is, or one more.
    fn tx(&self) -> Option<Self::Tx<'_>>;
    fn rx(&self) -> Option<Self::Rx<'_>>;
    /// One more beside this one, if there can be.
    fn tx_beside<'c>(&'c self, _: &Self::Tx<'c>) -> Option<Self::Tx<'c>> {
        self.tx()
    }
    fn rx_beside<'c>(&'c self, _: &Self::Rx<'c>) -> Option<Self::Rx<'c>> {
        self.rx()
    }
    /// A sender and a receiver.
    fn ends(&self) -> (Self::Tx<'_>, Self::Rx<'_>) {
        // A receiver of a broadcast gets what is sent from now on.
        let rx = self.rx().unwrap();
        (self.tx().unwrap(), rx)
    }
}

macro_rules! rings {
    ($($name:ident $p:ty, $c:ty;)*) => {$(
        pub type $name = Channel<Ring<u32, N, Sides<$p, $c>>, Probe>;
        impl Chan for $name {
            type Tx<'c> = Sender<&'c Self>;
            type Rx<'c> = Receiver<&'c Self>;
            fn with(probe: &Probe) -> Self {
                Self::over(Ring::new(), probe.clone())
            }
            fn tx(&self) -> Option<Self::Tx<'_>> {
                self.try_sender()
            }
            fn rx(&self) -> Option<Self::Rx<'_>> {
                self.try_receiver()
            }
        }
    )*};
}
rings! {
    SpscChannel Single, Single;
    MpscChannel Multi, Single;
    SpmcChannel Single, Multi;
    MpmcChannel Multi, Multi;
}

/// The ends of a channel on the heap, until they are asked for.
pub struct Kept<X>(Mutex<Option<Sender<Arc<X>>>>, Mutex<Option<Receiver<Arc<X>>>>)
where
    Arc<X>: ChannelRef;

macro_rules! kept {
    ($($name:ident $p:ty, $c:ty, $beside:expr, $rx_beside:expr;)*) => {$(
        pub type $name = Kept<Channel<Ring<u32, N, Sides<$p, $c>>, Probe>>;
        impl Chan for $name {
            type Tx<'c> = Sender<Arc<Channel<Ring<u32, N, Sides<$p, $c>>, Probe>>>;
            type Rx<'c> = Receiver<Arc<Channel<Ring<u32, N, Sides<$p, $c>>, Probe>>>;
            const LASTING: bool = false;
            fn with(probe: &Probe) -> Self {
                let (tx, rx) = Channel::<Ring<u32, N, Sides<$p, $c>>, Probe>::new_split(probe.clone());
                Self(Mutex::new(Some(tx)), Mutex::new(Some(rx)))
            }
            fn tx(&self) -> Option<Self::Tx<'_>> {
                self.0.lock().unwrap().take()
            }
            fn rx(&self) -> Option<Self::Rx<'_>> {
                self.1.lock().unwrap().take()
            }
            fn tx_beside<'c>(&'c self, tx: &Self::Tx<'c>) -> Option<Self::Tx<'c>> {
                ($beside)(tx)
            }
            fn rx_beside<'c>(&'c self, rx: &Self::Rx<'c>) -> Option<Self::Rx<'c>> {
                ($rx_beside)(rx)
            }
        }
    )*};
}
kept! {
    KeptSpsc Single, Single, |_| None, |_| None;
    KeptMpmc Multi, Multi, |tx: &Self::Tx<'c>| Some(tx.clone()), |rx: &Self::Rx<'c>| Some(rx.clone());
}

type LaneChannel<H> = Channel<Lanes<u32, N, 4, Sides<Single, Single, Off>, H>, Probe>;

/// Lanes, visited in the order `O`, whose rings are where `H` says.
pub struct Laned<O, H: Storage = Inline> {
    pub channel: LaneChannel<H>,
    order: PhantomData<fn() -> O>,
}

impl<O: Schedule + Default + Send + 'static, H: Storage + 'static> Chan for Laned<O, H>
where
    for<'c> LaneReceiver<'c, LaneChannel<H>, O>: Send,
    Lanes<u32, N, 4, Sides<Single, Single, Off>, H>: Sync,
{
    type Tx<'c> = Sender<&'c LaneChannel<H>>;
    type Rx<'c> = LaneReceiver<'c, LaneChannel<H>, O>;
    fn with(probe: &Probe) -> Self {
        Self { channel: Channel::over(Lanes::new(), probe.clone()), order: PhantomData }
    }
    fn tx(&self) -> Option<Self::Tx<'_>> {
        self.channel.register().ok()
    }
    fn rx(&self) -> Option<Self::Rx<'_>> {
        self.channel.try_receiver(O::default())
    }
}
pub type PriorityLanes = Laned<Priority>;
pub type RoundRobinLanes = Laned<RoundRobin>;
/// Each made when its sender comes.
pub type GrowingAdaptiveLanes = Laned<AdaptiveRoundRobin, Heap>;

pub type GatedChannel = Channel<Broadcast<u32, N, Gated<4>>, Probe>;
impl Chan for GatedChannel {
    type Tx<'c> = Sender<&'c Self>;
    type Rx<'c> = Receiver<&'c Self>;
    const FOR_ALL: bool = true;
    fn with(probe: &Probe) -> Self {
        Self::over(Broadcast::new(), probe.clone())
    }
    fn tx(&self) -> Option<Self::Tx<'_>> {
        self.try_sender()
    }
    fn rx(&self) -> Option<Self::Rx<'_>> {
        self.join_at_oldest().ok()
    }
}

pub type OverwriteChannel = Channel<Broadcast<u32, N, Overwrite>, Probe>;
impl Chan for OverwriteChannel {
    type Tx<'c> = Sender<&'c Self>;
    type Rx<'c> = Receiver<&'c Self>;
    const OVERWRITES: bool = true;
    const FOR_ALL: bool = true;
    fn with(probe: &Probe) -> Self {
        Self::over(Broadcast::new(), probe.clone())
    }
    fn tx(&self) -> Option<Self::Tx<'_>> {
        self.try_sender()
    }
    fn rx(&self) -> Option<Self::Rx<'_>> {
        Some(self.receiver_at_oldest())
    }
}

/// Sends 0, 1, 2 and so on until it is full; how many.
pub fn fill(tx: &mut impl Tx) -> u32 {
    let mut count = 0;
    while tx.try_send(count).is_ok() {
        count += 1;
        assert!(count <= 64, "it is never full");
    }
    count
}

/// Receives 0, 1, 2 and so on until the channel ends: all of them, but for what was overwritten.
pub fn receives_all<C: Chan>(rx: &mut impl Rx, count: u32) {
    let mut next = 0;
    loop {
        match rx.recv() {
            Ok(item) => {
                assert!(item == next || C::OVERWRITES && item > next, "{item} in place of {next}");
                next = item + 1;
            }
            Err(RecvError::Lagged(_)) if C::OVERWRITES => {}
            Err(why) => break assert_eq!(why, RecvError::Closed),
        }
    }
    assert_eq!(next, count);
}

/// Says which channel it was when an assertion fails in it.
pub struct SayOnPanic(pub &'static str);

impl Drop for SayOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("this was {}", self.0);
        }
    }
}

/// Runs behaviours over every kind of channel, whose ends wait by futexes; and over some kinds, whose ends wait by the locks
/// of `std`.
macro_rules! over_every_channel {
    ($($behaviour:ident)*) => {
        mod over_every_channel {
            $(
                #[test]
                fn $behaviour() {
                    over_every_channel!(@kinds $behaviour: SpscChannel MpscChannel SpmcChannel MpmcChannel KeptSpsc
                        KeptMpmc PriorityLanes RoundRobinLanes GrowingAdaptiveLanes GatedChannel OverwriteChannel);
                }
            )*
        }
        mod over_a_parking_lot {
            $(
                #[test]
                fn $behaviour() {
                    use crate::hosted::common::{Platform, Probe};
                    Probe::with_new_over(Platform::ParkingLot(annulet::wait::ParkingLot::new()), || {
                        over_every_channel!(@kinds $behaviour: SpscChannel MpmcChannel KeptMpmc RoundRobinLanes
                            OverwriteChannel);
                    });
                }
            )*
        }
    };
    (@kinds $behaviour:ident: $($kind:ident)*) => {
        let _watchdog = crate::hosted::common::Watchdog::new();
        $({
            let _name = crate::hosted::kinds::SayOnPanic(stringify!($kind));
            super::$behaviour::<crate::hosted::kinds::$kind>();
        })*
    };
}
