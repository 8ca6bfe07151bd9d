//! Deadlines that hold whatever wakes up, and waits that cost nothing.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use annulet::channel::{RecvError, SendError, TrySendError};
use annulet::host::Futex;
use annulet::wait::{Deadline, Event, Strategy, TimedOut};
use annulet::{Channel, Mpmc};

use crate::hosted::common::{Probe, SOON, Watchdog, thread_time};
use crate::hosted::kinds::{Chan, N, Rx, SpscChannel, Tx, fill, receives_all};

const SPAN: Duration = Duration::from_millis(30);

/// Runs what should time out at `SPAN` from now: never earlier.
fn not_early<R>(wait: impl FnOnce() -> R) -> R {
    let before = Deadline::now();
    let result = wait();
    let took = Deadline::now().since(before);
    assert!(took >= SPAN, "{:?} too early", SPAN - took);
    assert!(took < SOON);
    result
}

/// By each form, on both sides: not before its time.
fn nx11_no_timeout_is_early<C: Chan>() {
    for strategy in
        [Strategy::block(), Strategy::spin(), Strategy::sleep(SPAN * 2), Strategy::timed(SPAN / 4)]
    {
        let channel = C::with(&Probe::new());
        let (mut tx, mut rx) = channel.ends();
        tx.set_strategy(strategy);
        rx.set_strategy(strategy);
        assert_eq!(not_early(|| rx.recv_timeout(SPAN)), Err(RecvError::Timeout));
        assert_eq!(not_early(|| rx.recv_deadline(Deadline::after(SPAN))), Err(RecvError::Timeout));
        assert_eq!(not_early(|| rx.drain_timeout(3, SPAN, &mut |_| ())), Err(RecvError::Timeout));
        if !C::OVERWRITES {
            fill(&mut tx);
            assert!(matches!(not_early(|| tx.send_timeout(7, SPAN)), Err(SendError::Timeout(7))));
            let sent = not_early(|| tx.send_iter_timeout(&mut (0..2), SPAN));
            assert!(matches!(sent, Err(SendError::Timeout(()))));
        }
    }
}

/// Every sleep ends at once, for no reason: deadlines hold, and so does everything else.
fn h01_spurious_wakes_change_nothing<C: Chan>() {
    let probe = Probe::new();
    probe.set_spurious(true);
    let channel = C::with(&probe);
    let (mut tx, mut rx) = channel.ends();
    assert_eq!(not_early(|| rx.recv_timeout(SPAN)), Err(RecvError::Timeout));
    assert!(probe.waits() > 1, "it was woken for nothing, and has slept again");
    if !C::OVERWRITES {
        fill(&mut tx);
        assert!(matches!(not_early(|| tx.send_timeout(7, SPAN)), Err(SendError::Timeout(7))));
        assert_eq!(rx.drain(N, &mut |_| ()), Ok(N));
    }
    thread::scope(|scope| {
        scope.spawn(move || {
            for item in 0..100 {
                tx.send(item).unwrap();
                if item % 8 == 0 {
                    thread::sleep(Duration::from_micros(100));
                }
            }
        });
        receives_all::<C>(&mut rx, 100);
    });
}

/// Blocked for a third of a second, on either side, a thread uses a twentieth of a processor at most, the spins before its
/// sleep included. Measured by the clock of the thread itself.
fn rv12_who_sleeps_uses_no_processor<C: Chan>() {
    const SLEEP: Duration = Duration::from_millis(300);
    let strategies = [
        Strategy::block(),
        Strategy::phased(500, 20),
        Strategy::timed(SLEEP / 10),
        Strategy::sleep(SLEEP / 10),
    ];
    let (probe, full_probe) = (Probe::new(), Probe::new());
    let empty = strategies.map(|_| C::with(&probe));
    let full = strategies.map(|_| C::with(&full_probe));
    thread::scope(|scope| {
        let (mut blocked, mut ends, mut full_ends) = (Vec::new(), Vec::new(), Vec::new());
        for ((empty, full), strategy) in empty.iter().zip(&full).zip(strategies) {
            let (tx, mut rx) = empty.ends();
            rx.set_strategy(strategy);
            ends.push(tx);
            blocked.push(scope.spawn(move || {
                let before = thread_time();
                assert_eq!(rx.recv(), Ok(7));
                (strategy, thread_time() - before)
            }));
            if C::OVERWRITES {
                continue;
            }
            let (mut tx, rx) = full.ends();
            tx.set_strategy(strategy);
            fill(&mut tx);
            full_ends.push(rx);
            blocked.push(scope.spawn(move || {
                let before = thread_time();
                tx.send(7).unwrap();
                (strategy, thread_time() - before)
            }));
        }
        thread::sleep(SLEEP);
        assert!(blocked.iter().all(|blocked| !blocked.is_finished()), "they are blocked");
        ends.iter_mut().for_each(|tx| tx.send(7).unwrap());
        full_ends.iter_mut().for_each(|rx| assert_eq!(rx.recv(), Ok(0)));
        for blocked in blocked {
            let (strategy, used) = blocked.join().unwrap();
            assert!(used < SLEEP / 20, "{used:?} of processor time by {strategy:?}");
        }
    });
}

over_every_channel! {
    rv12_who_sleeps_uses_no_processor
    nx11_no_timeout_is_early
    h01_spurious_wakes_change_nothing
}

/// Somebody signals a million times a second and sends nothing: the wait ends at its deadline, and looks again no more
/// often than it was signalled.
#[test]
fn h06_a_storm_of_signals_without_data() {
    let _watchdog = Watchdog::new();
    let probe = Probe::new();
    let data = Event::<4>::new();
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let storm = scope.spawn(|| {
            let mut signals = 0_usize;
            while !over.load(Relaxed) {
                data.signal(&probe, 1);
                signals += 1;
            }
            signals
        });
        let span = Duration::from_millis(300);
        let (before, mut looks) = (Deadline::now(), 0_usize);
        let result = data.wait_until(&probe, Strategy::block(), before.plus(span), || -> Option<()> {
            looks += 1;
            None
        });
        let took = Deadline::now().since(before);
        over.store(true, Relaxed);
        let signals = storm.join().unwrap();
        assert_eq!(result, Err(TimedOut));
        assert!(took >= span && took < SOON);
        println!("{looks} looks for {signals} signals in {took:?}");
        // One before it waits, one after others had a turn, one before it sleeps first, and the last one; each other one is
        // for a signal.
        assert!(looks <= signals + 4, "{looks} looks for {signals} signals");
        assert!(looks <= probe.waits() + 3, "{looks} looks for {} sleeps", probe.waits());
    });
}

/// The same through a channel: a borrowed end signals, and nothing is there. A receiver that is woken without cause does not
/// report a timeout for that.
#[test]
fn nx11_a_wake_without_data_is_no_timeout() {
    let _watchdog = Watchdog::new();
    let channel = SpscChannel::with(&Probe::new());
    let (mut tx, mut rx) = channel.ends();
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Relaxed) {
                drop(tx.end());
                thread::sleep(Duration::from_micros(70));
            }
            tx.send(9).unwrap();
        });
        assert_eq!(not_early(|| rx.recv_timeout(SPAN)), Err(RecvError::Timeout));
        over.store(true, Relaxed);
        assert_eq!(rx.recv_timeout(SOON), Ok(9));
    });
}

/// A sender whose receiver is too slow sleeps: it looks once for each item that is taken, and not in between.
#[test]
fn rm06_a_slow_receiver_makes_no_sender_spin() {
    let _watchdog = Watchdog::new();
    let probe = Probe::new();
    let channel = Channel::<Mpmc<u32, 2>, Probe>::over(Mpmc::new(), probe.clone());
    let (mut tx, mut rx) = channel.try_split().unwrap();
    thread::scope(|scope| {
        let sending = scope.spawn(move || {
            (0..42).for_each(|item| tx.send(item).unwrap());
        });
        for item in 0..42 {
            // Until it has gone to sleep once for each item so far: that it is still asleep for the last one does not count.
            while item < 40 && probe.waits() <= item as usize {
                thread::sleep(Duration::from_millis(1));
            }
            assert_eq!(rx.recv(), Ok(item));
        }
        sending.join().unwrap();
    });
    println!("{} sleeps for 40 items that had no room", probe.waits());
    assert!((40..=120).contains(&probe.waits()), "{} sleeps", probe.waits());
}

/// More at once than there is room for is no reason to wait for ever: the rest is said to be the caller's.
#[test]
fn rm05_more_than_its_capacity_goes_in_parts() {
    let channel = SpscChannel::with(&Probe::new());
    let (mut tx, rx) = channel.ends();
    let mut items = 0..1_000_000;
    assert_eq!(tx.send_iter(&mut items).unwrap(), N);
    assert!(matches!(tx.send_iter_timeout(&mut items, Duration::ZERO), Err(SendError::Timeout(()))));
    assert!(matches!(tx.try_send(1), Err(TrySendError::Full(1))));
    drop(rx);
    assert!(matches!(tx.send_iter(&mut items), Err(SendError::Closed(()))));
}

/// The clock of a wait is the monotonic one, which is not set back: it is the one of `Instant`.
#[test]
fn rm08_waits_are_by_the_monotonic_clock() {
    use annulet::wait::Wait;
    for _ in 0..100 {
        let (a, begun) = (Futex::new().now(), Instant::now());
        let monotonic = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
        let nanos = u64::try_from(monotonic.tv_sec).unwrap() * 1_000_000_000
            + u64::try_from(monotonic.tv_nsec).unwrap();
        let b = Futex::new().now();
        assert!(a.nanos() <= nanos && nanos <= b.nanos());
        assert!(begun.elapsed() < SOON);
    }
    let channel = SpscChannel::with(&Probe::new());
    let (_tx, mut rx) = channel.ends();
    let begun = Instant::now();
    assert_eq!(rx.recv_timeout(SPAN), Err(RecvError::Timeout));
    assert!(begun.elapsed() >= SPAN);
}
