//! Channels whose ends wait: ours, and those of others.

use core::num::NonZeroUsize;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::io::{PipeReader, PipeWriter, Read, Write, pipe};
use std::os::fd::OwnedFd;
use std::sync::{Condvar, Mutex};

use annulet::channel::{Receiver, Sender};
use annulet::host::Futex;
use annulet::ring::{Consumer, Producer};
use annulet::wait::{Event, Strategy};
use annulet::{Channel, Spsc};
use annulet_platform::clock;
use annulet_platform::futex::{self, Scope};
use rustix::event::{EventfdFlags, epoll, eventfd};

use super::{Ring, Role, Single};
use crate::waiting::{Asynchronous, Blocking};

const N: usize = 1024;

pub(crate) type Tx<'c, const CAPACITY: usize = N> = Sender<&'c Channel<Spsc<u64, CAPACITY>, Futex>>;
pub(crate) type Rx<'c, const CAPACITY: usize = N> = Receiver<&'c Channel<Spsc<u64, CAPACITY>, Futex>>;

/// Ours. `BLOCK`: asleep at once, without a spin before. `FENCED`: both sides fence.
pub(crate) struct Ours<const BLOCK: bool, const FENCED: bool = false>;

fn ours<const FENCED: bool>() -> Box<Channel<Spsc<u64, N>, Futex>> {
    Box::new(Channel::over(Spsc::new(), if FENCED { Futex::fenced() } else { Futex::new() }))
}

impl<const BLOCK: bool, const FENCED: bool> Blocking for Ours<BLOCK, FENCED> {
    const NAME: &str = match (BLOCK, FENCED) {
        (false, false) => "annulet::Channel",
        (false, true) => "annulet::Channel, fenced",
        (true, false) => "annulet::Channel, Strategy::block",
        (true, true) => "annulet::Channel, Strategy::block, fenced",
    };
    const ROLE: Role = Role::Ours;
    type Tx<'c> = Tx<'c>;
    type Rx<'c> = Rx<'c>;

    fn with<R>(body: impl FnOnce(Self::Tx<'_>, Self::Rx<'_>) -> R) -> R {
        let mut channel = ours::<FENCED>();
        let (mut tx, mut rx) = channel.split();
        if BLOCK {
            tx.set_strategy(Strategy::block());
            rx.set_strategy(Strategy::block());
        }
        body(tx, rx)
    }
    fn send(tx: &mut Self::Tx<'_>, item: u64) {
        tx.send(item).expect("the receiver is there");
    }
    fn recv(rx: &mut Self::Rx<'_>) -> u64 {
        rx.recv().expect("the sender is there")
    }
}

impl Asynchronous for Ours<false> {
    const NAME: &str = "annulet::Channel";
    const ROLE: Role = Role::Ours;
    type Tx<'c> = Tx<'c>;
    type Rx<'c> = Rx<'c>;

    fn with<R>(body: impl FnOnce(Self::Tx<'_>, Self::Rx<'_>) -> R) -> R {
        let mut channel = ours::<false>();
        let (tx, rx) = channel.split();
        body(tx, rx)
    }
    async fn send(tx: &mut Self::Tx<'_>, item: u64) {
        tx.send_async(item).await.expect("the receiver is there");
    }
    async fn recv(rx: &mut Self::Rx<'_>) -> u64 {
        rx.recv_async().await.expect("the sender is there")
    }
}

/// One word and a futex, and the item beside it: what sleeping and waking cost by themselves.
pub(crate) struct BareFutex;

#[derive(Default)]
#[repr(align(128))]
pub(crate) struct Cell {
    full: AtomicU32,
    item: AtomicU64,
}

impl Blocking for BareFutex {
    const NAME: &str = "FLOOR: a word, and a futex each way";
    const ROLE: Role = Role::Reference;
    type Tx<'c> = &'c Cell;
    type Rx<'c> = &'c Cell;

    fn with<R>(body: impl FnOnce(Self::Tx<'_>, Self::Rx<'_>) -> R) -> R {
        let cell = Cell::default();
        body(&cell, &cell)
    }
    // Only for a ping-pong: the cell is empty whenever something is sent.
    fn send(cell: &mut Self::Tx<'_>, item: u64) {
        cell.item.store(item, Ordering::Relaxed);
        cell.full.store(1, Ordering::Release);
        futex::wake(&cell.full, 1, Scope::Private);
    }
    fn recv(cell: &mut Self::Rx<'_>) -> u64 {
        while cell.full.load(Ordering::Acquire) == 0 {
            let _ = futex::wait(&cell.full, 0, Scope::Private, clock::NEVER);
        }
        let item = cell.item.load(Ordering::Relaxed);
        cell.full.store(0, Ordering::Relaxed);
        item
    }
}

macro_rules! blocking {
    ($($type:ident, $name:literal, $tx:ty, $rx:ty, $new:expr, |$stx:ident, $item:ident| $send:expr, |$srx:ident| $recv:expr;)*) => {$(
        pub(crate) struct $type;
        impl Blocking for $type {
            const NAME: &str = $name;
            const ROLE: Role = Role::Peer;
            type Tx<'c> = $tx;
            type Rx<'c> = $rx;

            fn with<R>(body: impl FnOnce(Self::Tx<'_>, Self::Rx<'_>) -> R) -> R {
                let (tx, rx) = $new;
                body(tx, rx)
            }
            fn send($stx: &mut Self::Tx<'_>, $item: u64) {
                $send
            }
            fn recv($srx: &mut Self::Rx<'_>) -> u64 {
                $recv.expect("the sender is there")
            }
        }
    )*};
}
blocking! {
    StdSync, "std::sync::mpsc::sync_channel", std::sync::mpsc::SyncSender<u64>, std::sync::mpsc::Receiver<u64>,
        std::sync::mpsc::sync_channel(N), |tx, item| tx.send(item).expect("open"), |rx| rx.recv();
    Crossbeam, "crossbeam-channel", crossbeam_channel::Sender<u64>, crossbeam_channel::Receiver<u64>,
        crossbeam_channel::bounded(N), |tx, item| tx.send(item).expect("open"), |rx| rx.recv();
    Kanal, "kanal", kanal::Sender<u64>, kanal::Receiver<u64>,
        kanal::bounded(N), |tx, item| tx.send(item).expect("open"), |rx| rx.recv();
    Flume, "flume", flume::Sender<u64>, flume::Receiver<u64>,
        flume::bounded(N), |tx, item| tx.send(item).expect("open"), |rx| rx.recv();
    GilParking, "gil::spsc::parking", gil::spsc::parking::Sender<u64>, gil::spsc::parking::Receiver<u64>,
        gil::spsc::parking::channel(NonZeroUsize::MIN.saturating_add(N - 1)), |tx, item| tx.send(item), |rx| Some(rx.recv());
    GilYielding, "gil::mpsc, which yields", gil::mpsc::Sender<u64>, gil::mpsc::Receiver<u64>,
        gil::mpsc::channel(NonZeroUsize::MIN.saturating_add(N - 1)), |tx, item| tx.send(item), |rx| Some(rx.recv());
    ThingbufBlocking, "thingbuf::mpsc::blocking", thingbuf::mpsc::blocking::Sender<u64>, thingbuf::mpsc::blocking::Receiver<u64>,
        thingbuf::mpsc::blocking::channel(N), |tx, item| tx.send(item).expect("open"), |rx| rx.recv();
    TokioBlocking, "tokio::sync::mpsc, blocking_*", tokio::sync::mpsc::Sender<u64>, tokio::sync::mpsc::Receiver<u64>,
        tokio::sync::mpsc::channel(N), |tx, item| tx.blocking_send(item).expect("open"), |rx| rx.blocking_recv();
}

/// An item under a lock, and a condition variable.
pub(crate) struct Condition;

#[derive(Default)]
#[repr(align(128))]
pub(crate) struct Locked {
    item: Mutex<Option<u64>>,
    put: Condvar,
}

impl Blocking for Condition {
    const NAME: &str = "std Mutex and Condvar";
    const ROLE: Role = Role::Reference;
    type Tx<'c> = &'c Locked;
    type Rx<'c> = &'c Locked;

    fn with<R>(body: impl FnOnce(Self::Tx<'_>, Self::Rx<'_>) -> R) -> R {
        let locked = Locked::default();
        body(&locked, &locked)
    }
    // Only for a ping-pong, as all of these: there is no item whenever something is sent.
    fn send(locked: &mut Self::Tx<'_>, item: u64) {
        *locked.item.lock().expect("no panic") = Some(item);
        locked.put.notify_one();
    }
    fn recv(locked: &mut Self::Rx<'_>) -> u64 {
        let mut there = locked.item.lock().expect("no panic");
        loop {
            match there.take() {
                Some(item) => return item,
                None => there = locked.put.wait(there).expect("no panic"),
            }
        }
    }
}

/// The items themselves, through the kernel.
pub(crate) struct Pipe;

impl Blocking for Pipe {
    const NAME: &str = "pipe";
    const ROLE: Role = Role::Reference;
    type Tx<'c> = PipeWriter;
    type Rx<'c> = PipeReader;

    fn with<R>(body: impl FnOnce(Self::Tx<'_>, Self::Rx<'_>) -> R) -> R {
        let (rx, tx) = pipe().expect("a pipe");
        body(tx, rx)
    }
    fn send(tx: &mut Self::Tx<'_>, item: u64) {
        tx.write_all(&item.to_ne_bytes()).expect("the pipe is open");
    }
    fn recv(rx: &mut Self::Rx<'_>) -> u64 {
        let mut item = [0; 8];
        rx.read_exact(&mut item).expect("the pipe is open");
        u64::from_ne_bytes(item)
    }
}

/// A word, and a counter of the kernel's that is read to sleep, at once or (`POLL`) after `epoll` has said that it can be.
pub(crate) struct Counter<const POLL: bool>;

#[derive(Debug)]
pub(crate) struct Bell {
    item: AtomicU64,
    counter: OwnedFd,
    poll: OwnedFd,
}

impl<const POLL: bool> Blocking for Counter<POLL> {
    const NAME: &str = if POLL { "eventfd, epoll" } else { "eventfd" };
    const ROLE: Role = Role::Reference;
    type Tx<'c> = &'c Bell;
    type Rx<'c> = &'c Bell;

    fn with<R>(body: impl FnOnce(Self::Tx<'_>, Self::Rx<'_>) -> R) -> R {
        let counter = eventfd(0, EventfdFlags::empty()).expect("an eventfd");
        let poll = epoll::create(epoll::CreateFlags::empty()).expect("an epoll");
        epoll::add(&poll, &counter, epoll::EventData::new_u64(0), epoll::EventFlags::IN)
            .expect("it can be polled");
        let bell = Bell { item: AtomicU64::new(0), counter, poll };
        body(&bell, &bell)
    }
    fn send(bell: &mut Self::Tx<'_>, item: u64) {
        bell.item.store(item, Ordering::Release);
        rustix::io::write(&bell.counter, &1_u64.to_ne_bytes()).expect("the counter is small");
    }
    fn recv(bell: &mut Self::Rx<'_>) -> u64 {
        if POLL {
            let mut ready =
                [epoll::Event { flags: epoll::EventFlags::empty(), data: epoll::EventData::new_u64(0) }];
            while !matches!(epoll::wait(&bell.poll, &mut ready, None), Ok(1..)) {}
        }
        let read = rustix::io::read(&bell.counter, &mut [0; 8]);
        assert_eq!(read, Ok(8), "a counter is read whole");
        bell.item.load(Ordering::Acquire)
    }
}

macro_rules! asynchronous {
    ($($type:ident, $name:literal, $tx:ty, $rx:ty, $new:expr, |$stx:ident, $item:ident| $send:expr, |$srx:ident| $recv:expr;)*) => {$(
        pub(crate) struct $type;
        impl Asynchronous for $type {
            const NAME: &str = $name;
            const ROLE: Role = Role::Peer;
            type Tx<'c> = $tx;
            type Rx<'c> = $rx;

            fn with<R>(body: impl FnOnce(Self::Tx<'_>, Self::Rx<'_>) -> R) -> R {
                let (tx, rx) = $new;
                body(tx, rx)
            }
            async fn send($stx: &mut Self::Tx<'_>, $item: u64) {
                $send.await.expect("the receiver is there");
            }
            async fn recv($srx: &mut Self::Rx<'_>) -> u64 {
                $recv.await.expect("the sender is there")
            }
        }
    )*};
}
asynchronous! {
    TokioMpsc, "tokio::sync::mpsc", tokio::sync::mpsc::Sender<u64>, tokio::sync::mpsc::Receiver<u64>,
        tokio::sync::mpsc::channel(N), |tx, item| tx.send(item), |rx| rx.recv();
    KanalAsync, "kanal", kanal::AsyncSender<u64>, kanal::AsyncReceiver<u64>,
        kanal::bounded_async(N), |tx, item| tx.send(item), |rx| rx.recv();
    FlumeAsync, "flume", flume::Sender<u64>, flume::Receiver<u64>,
        flume::bounded(N), |tx, item| tx.send_async(item), |rx| rx.recv_async();
    ThingbufAsync, "thingbuf::mpsc", thingbuf::mpsc::Sender<u64>, thingbuf::mpsc::Receiver<u64>,
        thingbuf::mpsc::channel(N), |tx, item| tx.send(item), |rx| rx.recv();
}

#[repr(align(128))]
struct Alone(Event);

/// `annulet::Spsc`, each push of which is signalled to whoever may wait; nobody does.
pub(crate) struct Signalled<const CAPACITY: usize>;

impl<const CAPACITY: usize> Ring for Signalled<CAPACITY> {
    const NAME: &str = "annulet::Spsc and Event";
    const ROLE: Role = Role::Ours;
    type Tx<'r> = (Producer<'r, u64>, &'r Event);
    type Rx<'r> = Consumer<'r, u64>;

    fn with<R>(body: impl FnOnce(Self::Tx<'_>, Self::Rx<'_>) -> R) -> R {
        let mut ring = Spsc::<u64, CAPACITY>::boxed();
        // On lines of its own, as a channel's is.
        let data = Box::new(Alone(Event::new()));
        let (tx, rx) = ring.split();
        body((tx, &data.0), rx)
    }
}

impl<const CAPACITY: usize> Single for Signalled<CAPACITY> {
    #[inline(always)]
    fn push((tx, data): &mut Self::Tx<'_>, item: u64) -> bool {
        if tx.try_push(item).is_err() {
            return false;
        }
        data.signal(&Futex::new(), 1);
        true
    }

    #[inline(always)]
    fn pop(rx: &mut Self::Rx<'_>) -> Option<u64> {
        rx.try_pop().ok()
    }
}

/// `annulet::Channel` over a `Spsc`, by its tries: nobody waits.
pub(crate) struct Tries<const CAPACITY: usize>;

impl<const CAPACITY: usize> Ring for Tries<CAPACITY> {
    const NAME: &str = "annulet::Channel";
    const ROLE: Role = Role::Ours;
    type Tx<'r> = Tx<'r, CAPACITY>;
    type Rx<'r> = Rx<'r, CAPACITY>;

    fn with<R>(body: impl FnOnce(Self::Tx<'_>, Self::Rx<'_>) -> R) -> R {
        let mut channel = Box::new(Channel::<Spsc<u64, CAPACITY>, Futex>::over(Spsc::new(), Futex::new()));
        let (tx, rx) = channel.split();
        body(tx, rx)
    }
}

impl<const CAPACITY: usize> Single for Tries<CAPACITY> {
    #[inline(always)]
    fn push(tx: &mut Self::Tx<'_>, item: u64) -> bool {
        tx.try_send(item).is_ok()
    }

    #[inline(always)]
    fn pop(rx: &mut Self::Rx<'_>) -> Option<u64> {
        rx.try_recv().ok()
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;
    use crate::measure::Budget;
    use crate::waiting::round_trip;

    /// `round_trip` itself checks that each answer is the right one.
    fn answers<C: Blocking>() {
        let budget = Budget { time: Duration::ZERO, items: 200 };
        assert!(round_trip::<C>(budget).items >= 200, "{} has answered", C::NAME);
    }

    #[test]
    fn each_of_them_answers() {
        answers::<Ours<true>>();
        answers::<Ours<false, true>>();
        answers::<Crossbeam>();
        answers::<Flume>();
        answers::<GilParking>();
        answers::<GilYielding>();
        answers::<Kanal>();
        answers::<StdSync>();
        answers::<ThingbufBlocking>();
        answers::<TokioBlocking>();
        answers::<BareFutex>();
        answers::<Condition>();
        answers::<Counter<false>>();
        answers::<Counter<true>>();
        answers::<Pipe>();
    }
}
