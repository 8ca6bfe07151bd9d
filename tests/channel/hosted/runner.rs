//! The managed receiver.

use std::error::Error;
use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, mpsc};
use std::task::{Context, Waker};
use std::thread;
use std::time::{Duration, Instant};

use annulet::channel::{ChannelRef, Receiver, RecvError, SendError, TryRecvError, TrySendError};
use annulet::host::{Futex, Runner};
use annulet::ring::broadcast::{Gated, Overwrite};
use annulet::ring::lanes::{Fair, Strict};
use annulet::ring::{Multi, Ring, Sides, Single};
use annulet::{Broadcast, Channel, Lanes, Mpmc, Mpsc, Spsc};

use crate::common::{poll_with, rude};
use crate::hosted::common::{Probe, SOON, Watchdog, late, processor_time};
use crate::hosted::kinds::Tx;
use crate::hosted::process::alone;

type Log = Channel<Mpsc<u32, 8>, Probe>;

fn until(what: impl Fn() -> bool) {
    let begun = Instant::now();
    while !what() {
        assert!(begun.elapsed() < SOON, "waited in vain");
        thread::sleep(Duration::from_micros(100));
    }
}

/// A thousand items, each handled once and in order, by a thread with the runner's name; then stopped at once. What a
/// broadcast overwrites is counted.
fn handles_all<C>(mut tx: impl Tx, rx: Receiver<C>)
where
    C: ChannelRef<Item = u32, Rx: Send> + Send + 'static,
{
    let mut next = 0;
    let runner = Runner::spawn("the runner", rx, move |item| {
        assert!(item >= next);
        next = item + 1;
        assert_eq!(thread::current().name(), Some("the runner"));
    })
    .unwrap();
    (0..1000).for_each(|item| tx.send(item).unwrap());
    let finished = runner.stop().unwrap();
    // Items in order, none twice, and as many as were sent, if those that were overwritten are counted: these are all.
    assert_eq!(finished.processed + finished.lagged, 1000);
    assert!(!tx.is_closed());
    // Once more, with what the first one has left; this one ends by itself.
    let runner = Runner::spawn("the runner", finished.receiver, finished.handler).unwrap();
    tx.send(1000).unwrap();
    drop(tx);
    until(|| !runner.is_running());
    assert_eq!(runner.stop().unwrap().processed, 1);
}

/// One that is there for good.
fn lasting<R>(ring: R) -> &'static Channel<R, Probe> {
    Box::leak(Box::new(Channel::over(ring, Probe::new())))
}

/// Calls `$f` with a sender and a receiver of every kind of channel whose ends outlive their thread: kept by an `Arc`, or of
/// something that is there for good.
macro_rules! with_every_kind {
    ($f:ident) => {
        with_every_kind!(@kept $f Single Single, Multi Single, Single Multi, Multi Multi);
        let (tx, rx) = lasting(Mpmc::<u32, 4>::new()).try_split().unwrap();
        $f(tx, rx);
        let lanes = lasting(Lanes::<u32, 4, 4>::new());
        $f(lanes.register().unwrap(), lanes.try_receiver(Strict).unwrap());
        let lanes = lasting(Lanes::<u32, 4, 4>::new());
        $f(lanes.register().unwrap(), lanes.try_receiver(Fair::default()).unwrap());
        let gated = lasting(Broadcast::<u32, 4, Gated<2>>::new());
        let rx = gated.join_at_newest().unwrap();
        $f(gated.try_sender().unwrap(), rx);
        let news = lasting(Broadcast::<u32, 4, Overwrite>::new());
        let rx = news.receiver_at_newest();
        $f(news.try_sender().unwrap(), rx);
    };
    (@kept $f:ident $($producers:ident $consumers:ident),*) => {$(
        let (tx, rx) = Channel::<Ring<u32, 4, Sides<$producers, $consumers>>, Probe>::new_split(Probe::new());
        $f(tx, rx);
    )*};
}

#[test]
fn rm21_every_kind_of_receiver() {
    let _watchdog = Watchdog::new();
    with_every_kind!(handles_all);
}

/// Several runners of one channel share its items.
#[test]
fn rm21_several_share_the_work() {
    let _watchdog = Watchdog::new();
    let (mut tx, rx) = Channel::<Mpmc<u64, 8>, Futex>::new_split(Futex::new());
    let sum = Arc::new(AtomicUsize::new(0));
    let runners = [rx.clone(), rx.clone(), rx].map(|rx| {
        let sum = Arc::clone(&sum);
        let handler = move |item: u64| {
            sum.fetch_add(item as usize, SeqCst);
        };
        Runner::spawn("one of three", rx, handler).unwrap()
    });
    (0..10_000).for_each(|item| tx.send(item).unwrap());
    let processed: usize = runners.into_iter().map(|runner| runner.stop().unwrap().processed).sum();
    assert_eq!((processed, sum.load(SeqCst)), (10_000, (0..10_000).sum()));
}

/// Without a thread, nothing is lost: the receiver and the handler come back.
#[test]
fn rm21_what_cannot_start_gives_everything_back() {
    let (mut tx, rx) = Log::new_split(Probe::new());
    tx.send(1).unwrap();
    let refused = Runner::spawn("a\0b", rx, |item| assert_eq!(item, 1)).unwrap_err();
    assert_eq!(refused.error.kind(), std::io::ErrorKind::InvalidInput);
    assert_eq!(refused.to_string(), "no thread was started: the name of a thread has a zero byte");
    assert_eq!(refused.source().map(ToString::to_string), Some(refused.error.to_string()));
    let runner = Runner::spawn("ab", refused.receiver, refused.handler).unwrap();
    assert_eq!(runner.stop().unwrap().processed, 1);
}

/// A handler may drop its own runner, which does not wait for itself; it gets what is there, and that is all.
#[test]
fn rm21_a_handler_may_drop_its_runner() {
    let _watchdog = Watchdog::new();
    let (mut tx, rx) = Log::new_split(Probe::new());
    let count = Arc::new(AtomicUsize::new(0));
    let (give, taken) = mpsc::channel::<Box<dyn std::any::Any + Send>>();
    let runner = Runner::spawn("log", rx, {
        let count = Arc::clone(&count);
        move |item| {
            count.fetch_add(1, SeqCst);
            if item == 0 {
                drop(taken.recv().unwrap());
            }
        }
    })
    .unwrap();
    (0..5).for_each(|item| tx.send(item).unwrap());
    give.send(Box::new(runner)).unwrap();
    until(|| tx.is_closed());
    assert_eq!(count.load(SeqCst), 5);
    assert!(matches!(tx.try_send(5), Err(TrySendError::Closed(5))));
}

/// Everything that was sent before it is stopped is handled, each item once and in order.
#[test]
fn rm21_stop_handles_all_that_is_there() {
    let _watchdog = Watchdog::new();
    for count in [0, 1, 8, 1000] {
        let (mut tx, rx) = Log::new_split(Probe::new());
        let mut next = 0;
        let handler = move |item| {
            assert_eq!(item, next);
            next += 1;
        };
        let runner = Runner::spawn("log", rx, handler).unwrap();
        (0..count).for_each(|item| tx.send(item).unwrap());
        let finished = runner.stop().unwrap();
        assert_eq!((finished.processed, finished.lagged), (count as usize, 0));
        // The channel is open still, and its receiver is there.
        let mut rx = finished.receiver;
        assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
        tx.send(7).unwrap();
        assert_eq!(rx.recv(), Ok(7));
    }
}

/// Of every kind: what was there when it was stopped, in the middle of the first item, is handled.
#[test]
fn rm21_stop_handles_what_is_behind_the_item_at_work() {
    fn handles_three<C>(mut tx: impl Tx, rx: Receiver<C>)
    where
        C: ChannelRef<Item = u32, Rx: Send> + Send + 'static,
    {
        let (begun, at_work) = mpsc::channel();
        let (go_on, told) = mpsc::channel();
        let handler = move |item| {
            begun.send(item).unwrap();
            told.recv().unwrap();
        };
        let runner = Runner::spawn("three", rx, handler).unwrap();
        (1..=3).for_each(|item| tx.send(item).unwrap());
        assert_eq!(at_work.recv_timeout(SOON), Ok(1));
        let stopping = thread::spawn(|| runner.stop());
        // Time for the stop; were it later than the rest, all of them would be handled before it.
        thread::sleep(Duration::from_millis(20));
        (0..3).for_each(|_| go_on.send(()).unwrap());
        assert_eq!(stopping.join().unwrap().unwrap().processed, 3);
        assert_eq!(at_work.try_iter().collect::<Vec<_>>(), [2, 3]);
    }
    let _watchdog = Watchdog::new();
    with_every_kind!(handles_three);
}

/// Of every kind: a receiver is ready when something is there, and not before.
#[test]
fn rm10_every_kind_is_ready_when_something_is_there() {
    fn is_ready_in_time<C: ChannelRef<Item = u32>>(mut tx: impl Tx, mut rx: Receiver<C>) {
        let mut context = Context::from_waker(Waker::noop());
        let mut poll = |rx: &mut Receiver<C>| pin!(rx.ready()).poll(&mut context).is_ready();
        assert!(!poll(&mut rx));
        tx.send(7).unwrap();
        assert!(poll(&mut rx));
        assert_eq!(rx.try_recv(), Ok(7));
        assert!(!poll(&mut rx));
        drop(tx);
        assert!(poll(&mut rx), "nobody is left to send");
    }
    with_every_kind!(is_ready_in_time);
}

/// Stopped at any moment of a stream: what it has not handled is in the receiver, and nothing is missing between.
#[test]
fn rm21_nothing_is_lost_between_the_handler_and_the_receiver() {
    let _watchdog = Watchdog::new();
    for round in 0..50 {
        let (mut tx, rx) = Log::new_split(Probe::new());
        let got = Arc::new(AtomicUsize::new(0));
        let runner = Runner::spawn("log", rx, {
            let got = Arc::clone(&got);
            move |item| assert_eq!(got.fetch_add(1, SeqCst), item as usize)
        })
        .unwrap();
        let sending = thread::spawn(move || {
            for item in 0..400 {
                tx.send(item).unwrap();
                if item % 8 == 7 {
                    // It pauses, so that there is a moment in which nothing is there.
                    thread::sleep(Duration::from_micros(20));
                }
            }
        });
        thread::sleep(Duration::from_micros(40 * round));
        let mut finished = runner.stop().unwrap();
        assert_eq!(finished.processed, got.load(SeqCst));
        assert!(finished.receiver.iter().eq(finished.processed as u32..400));
        sending.join().unwrap();
    }
}

/// Asleep, it is woken by the stop; its sender, who may be asleep as well, is not told that anything has ended.
#[test]
fn rm21_stop_wakes_it() {
    let _watchdog = Watchdog::new();
    let probe = Probe::new();
    let (tx, rx) = Log::new_split(probe.clone());
    let runner = Runner::spawn("log", rx, |_| ()).unwrap();
    probe.until_asleep(1);
    assert!(runner.is_running());
    let finished = runner.stop().unwrap();
    assert!(!tx.is_closed());
    assert_eq!(finished.processed, 0);
    // And so it is by being dropped, which drops the receiver, too.
    let runner = Runner::spawn("again", finished.receiver, finished.handler).unwrap();
    probe.until_asleep(1);
    drop(runner);
    assert!(tx.is_closed());
}

/// It is stopped while an item is on its way, for which others wait as well, and one of them gets it.
#[test]
fn rm21_stop_comes_to_an_end_where_others_get_the_last_item() {
    let _watchdog = Watchdog::new();
    for _ in 0..10 {
        let probe = Probe::new();
        let (mut tx, rx) = Channel::<Mpmc<u32, 4>, Probe>::new_split(probe.clone());
        let others = [rx.clone(), rx.clone(), rx.clone()];
        let (mut late, begun, go) = late(Some(7));
        thread::scope(|scope| {
            let sending = scope.spawn(move || {
                assert_eq!(tx.send_iter(&mut late).unwrap(), 1);
                tx
            });
            begun.recv().unwrap();
            let runner = Runner::spawn("stopped", rx, |_| ()).unwrap();
            let others = others.map(|mut rx| scope.spawn(move || rx.iter().count()));
            probe.until_asleep(4);
            let stopping = scope.spawn(move || runner.stop().unwrap().processed);
            thread::sleep(Duration::from_millis(5));
            go.send(()).unwrap();
            let tx = sending.join().unwrap();
            let stopped = stopping.join().unwrap();
            drop(tx);
            assert_eq!(stopped + others.map(|other| other.join().unwrap()).iter().sum::<usize>(), 1);
        });
    }
}

/// Senders who never pause do not keep it: it handles what was there, and what they send after that stays there.
#[test]
fn rm21_stop_comes_to_an_end_while_items_keep_coming() {
    let _watchdog = Watchdog::new();
    let (mut tx, rx) = Log::new_split(Probe::new());
    let (over, begun) = (AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        let sending = scope.spawn(|| {
            let mut sent = 0;
            // Full all the time, since the handler is slower than this.
            while over.load(SeqCst) == 0 {
                if tx.try_send(sent).is_ok() {
                    sent += 1;
                }
                begun.store(sent as usize, SeqCst);
            }
            sent
        });
        let mut next = 0;
        let runner = Runner::spawn("pressed", rx, move |item| {
            assert_eq!(item, next);
            next += 1;
            thread::sleep(Duration::from_micros(200));
        })
        .unwrap();
        until(|| begun.load(SeqCst) > 20);
        let mut finished = runner.stop().unwrap();
        // It was not kept until the sender had stopped, who goes on.
        until(|| begun.load(SeqCst) > finished.processed);
        over.store(1, SeqCst);
        let sent = sending.join().unwrap();
        let left = finished.receiver.try_drain(9, |_| ()).unwrap_or(0);
        assert_eq!(finished.processed + left, sent as usize, "none is lost");
        assert!(left > 0, "what came after it is there");
    });
}

/// Nor does a handler that sends on what it gets, so that its channel is never empty.
#[test]
fn rm21_stop_comes_to_an_end_where_the_handler_sends() {
    let _watchdog = Watchdog::new();
    let (mut tx, rx) = Log::new_split(Probe::new());
    let mut on = tx.clone();
    let runner =
        Runner::spawn("circle", rx, move |item: u32| on.send(item.wrapping_add(1)).unwrap()).unwrap();
    (0..3).for_each(|item| tx.send(item).unwrap());
    until(|| runner.processed() > 20);
    let mut finished = runner.stop().unwrap();
    assert_eq!(finished.receiver.try_drain(9, |_| ()), Ok(3), "each is on its way still");
}

#[test]
fn rm21_dropping_it_handles_what_is_there() {
    let _watchdog = Watchdog::new();
    let (mut tx, rx) = Log::new_split(Probe::new());
    let count = Arc::new(AtomicUsize::new(0));
    let runner = Runner::spawn("log", rx, {
        let count = Arc::clone(&count);
        move |_| {
            thread::sleep(Duration::from_millis(1));
            count.fetch_add(1, SeqCst);
        }
    })
    .unwrap();
    (0..8).for_each(|item| tx.send(item).unwrap());
    drop(runner);
    assert_eq!(count.load(SeqCst), 8);
    assert!(matches!(tx.try_send(9), Err(TrySendError::Closed(9))));
}

/// It ends by itself when everything is received, and says so; how many it has handled can be seen while it runs.
#[test]
fn rm21_it_ends_with_its_channel_and_counts() {
    let _watchdog = Watchdog::new();
    let (mut tx, rx) = Log::new_split(Probe::new());
    let runner = Runner::spawn("log", rx, |_| ()).unwrap();
    for item in 0..5 {
        tx.send(item).unwrap();
        until(|| runner.processed() == item as usize + 1);
        assert!(runner.is_running());
    }
    (0..8).for_each(|item| tx.send(item).unwrap());
    drop(tx);
    until(|| !runner.is_running());
    assert_eq!(runner.processed(), 13);
    let mut finished = runner.stop().unwrap();
    assert_eq!(finished.receiver.recv(), Err(RecvError::Closed));
}

/// A handler that panics is reported, with what it said; all other items are in the receiver.
#[test]
fn rm21_a_panic_of_the_handler_is_reported_and_loses_nothing() {
    let _watchdog = Watchdog::new();
    let (mut tx, rx) = Log::new_split(Probe::new());
    let (go, gone) = mpsc::channel::<()>();
    let runner = Runner::spawn("log", rx, move |item| {
        gone.recv().unwrap_or_default();
        assert!(item != 3, "not {item}");
    })
    .unwrap();
    (0..8).for_each(|item| tx.send(item).unwrap());
    (0..8).for_each(|_| go.send(()).unwrap_or_default());
    until(|| !runner.is_running());
    // Somebody who waits for room does so still: the receiver exists.
    assert!(!tx.is_closed());
    (8..12).for_each(|item| tx.send(item).unwrap());
    assert!(matches!(tx.send_timeout(12, Duration::from_millis(1)), Err(SendError::Timeout(12))));
    let mut panicked = runner.stop().unwrap_err();
    assert_eq!(panicked.message(), Some("not 3"));
    assert_eq!(panicked.processed, 3);
    assert_eq!(panicked.to_string(), "the handler panicked after 3 items: not 3");
    drop(tx);
    assert!(panicked.receiver.iter().eq(4..12));
    // Dropped in place of stopped, it goes as quietly.
    let (mut tx, rx) = Log::new_split(Probe::new());
    let runner = Runner::spawn("log", rx, |_| std::panic::panic_any(5)).unwrap();
    tx.send(1).unwrap();
    until(|| !runner.is_running());
    assert_eq!(runner.stop().unwrap_err().message(), None);
}

/// A waker that panics, of a task that waits for room: the receiver is there still.
#[test]
fn rm21_a_panic_of_a_waker_loses_no_receiver() {
    let _watchdog = Watchdog::new();
    let (mut tx, rx) = Log::new_split(Probe::new());
    (0..8).for_each(|item| tx.send(item).unwrap());
    let mut late = tx.clone();
    let mut send = late.send_async(8);
    assert!(poll_with(rude(), &mut send).is_pending());
    let runner = Runner::spawn("log", rx, |_| ()).unwrap();
    until(|| !runner.is_running());
    assert!(!tx.is_closed());
    let mut panicked = runner.stop().map(drop).unwrap_err();
    assert_eq!((panicked.message(), panicked.processed), (Some("rude"), 0));
    assert!(poll_with(rude(), &mut send).is_ready());
    tx.close();
    assert!(panicked.receiver.iter().eq(1..9), "but for the one that made room");
}

/// Of a broadcast that overwrites, it counts what it came too late for.
#[test]
fn rm21_what_was_overwritten_is_counted() {
    let _watchdog = Watchdog::new();
    static NEWS: Channel<Broadcast<u32, 4, Overwrite>, Futex> = Channel::over(Broadcast::new(), Futex::new());
    let (rx, mut tx) = (NEWS.receiver_at_newest(), NEWS.try_sender().unwrap());
    let (go, gone) = mpsc::channel::<()>();
    let runner = Runner::spawn("news", rx, move |_| gone.recv().unwrap_or_default()).unwrap();
    (0..30).for_each(|item| tx.send(item).unwrap());
    drop(go);
    until(|| runner.processed() + runner.lagged() == 30);
    let finished = runner.stop().unwrap();
    assert_eq!(finished.processed + finished.lagged, 30);
    assert!(finished.lagged >= 25, "{}", finished.lagged);
}

/// Five seconds without an item: less than a hundredth of a processor.
#[test]
fn rm21_idle_it_uses_no_processor() {
    alone("hosted::runner::rm21_idle_it_uses_no_processor", || {
        let (mut tx, rx) = Channel::<Spsc<u32, 8>, Futex>::new_split(Futex::new());
        let runner = Runner::spawn("idle", rx, |_| ()).unwrap();
        tx.send(1).unwrap();
        until(|| runner.processed() == 1);
        thread::sleep(Duration::from_millis(100));
        let (begun, used) = (Instant::now(), processor_time());
        thread::sleep(Duration::from_secs(5));
        let (wall, used) = (begun.elapsed(), processor_time() - used);
        println!("{used:?} of processor time in {wall:?} idle");
        assert!(used < wall / 100, "{used:?} of {wall:?}");
        tx.send(2).unwrap();
        assert_eq!(runner.stop().unwrap().processed, 2);
    });
}
