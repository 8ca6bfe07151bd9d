//! Tasks and blocking threads on the same channel.

use std::thread;
use std::time::{Duration, Instant};

use annulet::channel::RecvError;
use annulet::host::Futex;
use annulet::stats::Off;
use annulet::wait::Strategy;
use annulet::{Channel, Mpmc};

use crate::hosts::{Host, on_each_host};
use crate::loads::{Item, Seen, item, receives, sends};

/// Two tasks and two threads send; two of each receive.
fn mixed<H: Host, const TASKS: usize>(futex: Futex) {
    const EACH: u32 = 2_000;
    let seen = Seen::default();
    let (tx, rx) = Channel::<Mpmc<Item, 4>, Futex, Off, TASKS>::new_split(futex);
    let mut jobs = Vec::new();
    let mut threads = Vec::new();
    for sender in 0..2 {
        jobs.push(sends(tx.clone(), sender, EACH));
        jobs.push(receives(rx.clone(), &seen));
        let mut tx = tx.clone().with_strategy(Strategy::block());
        threads.push(thread::spawn(move || {
            (0..EACH).for_each(|number| tx.send(item(2 + sender, number)).unwrap());
        }));
        let (mut rx, seen) = (rx.clone().with_strategy(Strategy::block()), seen.clone());
        threads.push(thread::spawn(move || seen.add(rx.iter().collect())));
    }
    drop((tx, rx));
    H::run(jobs);
    for thread in threads {
        thread.join().unwrap();
    }
    seen.check_shared(4, EACH);
}

on_each_host! {
    d06_tasks_and_threads: mixed::<Here, 8>(Futex::new());
    d06_tasks_and_threads_with_fences: mixed::<Here, 8>(Futex::fenced());
    d06_tasks_without_seats_and_threads: mixed::<Here, 0>(Futex::new());
}

/// Whatever tasks do beside it, and whoever signals for nothing, a thread does not time out early.
#[test]
fn nx11_no_time_out_is_early_whoever_signals() {
    const SPAN: Duration = Duration::from_millis(100);
    let (mut tx, rx) = Channel::<Mpmc<Item, 4>, Futex>::new_split(Futex::new());
    let mut waits = rx.clone().with_strategy(Strategy::block());
    let thread = thread::spawn(move || {
        let start = Instant::now();
        (waits.recv_timeout(SPAN), start.elapsed())
    });
    let mut polled = rx;
    while !thread.is_finished() {
        drop(tx.end());
        // A task that comes, is woken for nothing, and goes.
        let mut ready = polled.ready();
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(std::pin::Pin::new(&mut ready).poll(&mut context).is_pending());
    }
    let (received, span) = thread.join().unwrap();
    assert_eq!(received, Err(RecvError::Timeout));
    assert!(span >= SPAN, "after {span:?}");
}
