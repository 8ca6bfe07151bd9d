//! The channels under test.

use std::marker::PhantomData;
use std::sync::Mutex;
use std::time::Duration;

use annulet::channel::{
    Feed, Hold, OwnedReceiver, OwnedSender, Receiver, RecvError, SendError, Sender, Source, TryRecvError,
    TrySendError,
};
use annulet::ring::broadcast::{Gated, Overwrite};
use annulet::ring::lanes::{AdaptiveRoundRobin, Heap, Inline, Priority, RoundRobin, Schedule, Storage};
use annulet::ring::{Multi, Ring, Sides, Single};
use annulet::stats::Off;
use annulet::wait::{Deadline, Strategy};
use annulet::{Broadcast, Channel, Lanes};

use crate::common::Probe;

/// How many items each of them holds: for lanes, each lane.
pub const N: usize = 4;

/// A sender of any channel.
pub trait Tx: Send {
    fn try_send(&mut self, item: u32) -> Result<(), TrySendError<u32>>;
    fn send(&mut self, item: u32) -> Result<(), SendError<u32>>;
    fn send_timeout(&mut self, item: u32, span: Duration) -> Result<(), SendError<u32>>;
    fn send_deadline(&mut self, item: u32, until: Deadline) -> Result<(), SendError<u32>>;
    fn try_send_iter(&mut self, items: &mut dyn Iterator<Item = u32>) -> Result<usize, TrySendError<()>>;
    fn send_iter(&mut self, items: &mut dyn Iterator<Item = u32>) -> Result<usize, SendError<()>>;
    fn send_iter_timeout(
        &mut self,
        items: &mut dyn Iterator<Item = u32>,
        span: Duration,
    ) -> Result<usize, SendError<()>>;
    fn set_strategy(&mut self, strategy: Strategy);
    fn close(&self);
    fn is_closed(&self) -> bool;
    fn receivers(&self) -> usize;
}

/// A receiver of any channel.
pub trait Rx: Send {
    fn try_recv(&mut self) -> Result<u32, TryRecvError>;
    fn recv(&mut self) -> Result<u32, RecvError>;
    fn recv_timeout(&mut self, span: Duration) -> Result<u32, RecvError>;
    fn recv_deadline(&mut self, until: Deadline) -> Result<u32, RecvError>;
    fn drain(&mut self, max: usize, f: &mut dyn FnMut(u32)) -> Result<usize, RecvError>;
    fn drain_timeout(
        &mut self,
        max: usize,
        span: Duration,
        f: &mut dyn FnMut(u32),
    ) -> Result<usize, RecvError>;
    fn try_drain(&mut self, max: usize, f: &mut dyn FnMut(u32)) -> Result<usize, TryRecvError>;
    fn set_strategy(&mut self, strategy: Strategy);
    fn close(&self);
    fn is_closed(&self) -> bool;
    fn senders(&self) -> usize;
}

impl<E: Feed<Item = u32> + Send, L: Hold + Send> Tx for Sender<E, L> {
    fn try_send(&mut self, item: u32) -> Result<(), TrySendError<u32>> {
        self.try_send(item)
    }
    fn send(&mut self, item: u32) -> Result<(), SendError<u32>> {
        self.send(item)
    }
    fn send_timeout(&mut self, item: u32, span: Duration) -> Result<(), SendError<u32>> {
        self.send_timeout(item, span)
    }
    fn send_deadline(&mut self, item: u32, until: Deadline) -> Result<(), SendError<u32>> {
        self.send_deadline(item, until)
    }
    fn try_send_iter(&mut self, items: &mut dyn Iterator<Item = u32>) -> Result<usize, TrySendError<()>> {
        self.try_send_iter(items)
    }
    fn send_iter(&mut self, items: &mut dyn Iterator<Item = u32>) -> Result<usize, SendError<()>> {
        self.send_iter(items)
    }
    fn send_iter_timeout(
        &mut self,
        items: &mut dyn Iterator<Item = u32>,
        span: Duration,
    ) -> Result<usize, SendError<()>> {
        self.send_iter_timeout(items, span)
    }
    fn set_strategy(&mut self, strategy: Strategy) {
        self.set_strategy(strategy);
    }
    fn close(&self) {
        self.close();
    }
    fn is_closed(&self) -> bool {
        self.is_closed()
    }
    fn receivers(&self) -> usize {
        self.receivers()
    }
}

impl<E: Source<Item = u32> + Send, L: Hold + Send> Rx for Receiver<E, L> {
    fn try_recv(&mut self) -> Result<u32, TryRecvError> {
        self.try_recv()
    }
    fn recv(&mut self) -> Result<u32, RecvError> {
        self.recv()
    }
    fn recv_timeout(&mut self, span: Duration) -> Result<u32, RecvError> {
        self.recv_timeout(span)
    }
    fn recv_deadline(&mut self, until: Deadline) -> Result<u32, RecvError> {
        self.recv_deadline(until)
    }
    fn drain(&mut self, max: usize, f: &mut dyn FnMut(u32)) -> Result<usize, RecvError> {
        self.drain(max, f)
    }
    fn drain_timeout(
        &mut self,
        max: usize,
        span: Duration,
        f: &mut dyn FnMut(u32),
    ) -> Result<usize, RecvError> {
        self.drain_timeout(max, span, f)
    }
    fn try_drain(&mut self, max: usize, f: &mut dyn FnMut(u32)) -> Result<usize, TryRecvError> {
        self.try_drain(max, f)
    }
    fn set_strategy(&mut self, strategy: Strategy) {
        self.set_strategy(strategy);
    }
    fn close(&self) {
        self.close();
    }
    fn is_closed(&self) -> bool {
        self.is_closed()
    }
    fn senders(&self) -> usize {
        self.senders()
    }
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

    fn new(probe: &Probe) -> Self;
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
            type Tx<'c> = annulet::channel::RingSender<'c, u32, Sides<$p, $c>, Probe>;
            type Rx<'c> = annulet::channel::RingReceiver<'c, u32, Sides<$p, $c>, Probe>;
            fn new(probe: &Probe) -> Self {
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
pub struct Kept<P: annulet::ring::Side, C: annulet::ring::Side> {
    tx: Mutex<Option<OwnedSender<u32, N, Sides<P, C>, Probe>>>,
    rx: Mutex<Option<OwnedReceiver<u32, N, Sides<P, C>, Probe>>>,
}

macro_rules! kept {
    ($($name:ident $p:ty, $c:ty, $beside:expr, $rx_beside:expr;)*) => {$(
        pub type $name = Kept<$p, $c>;
        impl Chan for $name {
            type Tx<'c> = OwnedSender<u32, N, Sides<$p, $c>, Probe>;
            type Rx<'c> = OwnedReceiver<u32, N, Sides<$p, $c>, Probe>;
            const LASTING: bool = false;
            fn new(probe: &Probe) -> Self {
                let (tx, rx) = Channel::<Ring<u32, N, Sides<$p, $c>>, Probe>::new_split(probe.clone());
                Self { tx: Mutex::new(Some(tx)), rx: Mutex::new(Some(rx)) }
            }
            fn tx(&self) -> Option<Self::Tx<'_>> {
                self.tx.lock().unwrap().take()
            }
            fn rx(&self) -> Option<Self::Rx<'_>> {
                self.rx.lock().unwrap().take()
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

/// Lanes, visited in the order `O`, whose rings are where `H` says.
pub struct Laned<O, H: Storage = Inline> {
    pub channel: Channel<Lanes<u32, N, 4, Sides<Single, Single, Off>, H>, Probe>,
    order: PhantomData<fn() -> O>,
}

impl<O: Schedule + Default + Send + 'static, H: Storage + 'static> Chan for Laned<O, H>
where
    for<'c> annulet::channel::LaneReceiver<'c, u32, N, 4, O, Sides<Single, Single, Off>, Probe, H>: Send,
    Lanes<u32, N, 4, Sides<Single, Single, Off>, H>: Sync,
{
    type Tx<'c> = annulet::channel::LaneSender<'c, u32, Sides<Single, Single>, Probe>;
    type Rx<'c> = annulet::channel::LaneReceiver<'c, u32, N, 4, O, Sides<Single, Single, Off>, Probe, H>;
    fn new(probe: &Probe) -> Self {
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
    type Tx<'c> =
        Sender<annulet::ring::broadcast::Writer<'c, u32, N, Gated<4>>, &'c annulet::channel::Line<Probe>>;
    type Rx<'c> = annulet::channel::GatedReceiver<'c, u32, N, 4, Probe>;
    const FOR_ALL: bool = true;
    fn new(probe: &Probe) -> Self {
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
    type Tx<'c> =
        Sender<annulet::ring::broadcast::Writer<'c, u32, N, Overwrite>, &'c annulet::channel::Line<Probe>>;
    type Rx<'c> = Receiver<annulet::ring::broadcast::Reader<'c, u32, N>, &'c annulet::channel::Line<Probe>>;
    const OVERWRITES: bool = true;
    const FOR_ALL: bool = true;
    fn new(probe: &Probe) -> Self {
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

/// Says which channel it was when an assertion fails in it.
pub struct SayOnPanic(pub &'static str);

impl Drop for SayOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("this was {}", self.0);
        }
    }
}

/// Runs behaviours over every kind of channel.
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
    };
    (@kinds $behaviour:ident: $($kind:ident)*) => {
        let _watchdog = crate::common::Watchdog::new();
        $({
            let _name = crate::kinds::SayOnPanic(stringify!($kind));
            super::$behaviour::<crate::kinds::$kind>();
        })*
    };
}
