//! Which idle worker gets an item: items come slowly, one after the other, and all workers wait for each.

use core::future::Future;
use core::time::Duration;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, scope};

use annulet::host::Futex;
use annulet::wait::Strategy;
use annulet::{Channel, Mpmc};

use crate::executor::run;
use crate::{Row, Unit};

/// After so long, whoever spins first is asleep.
const PAUSE: Duration = Duration::from_micros(400);

/// Sends items, each after a pause, for about `time`.
fn slowly(time: Duration, mut send: impl FnMut(u64)) {
    for item in 0..(time.as_micros() / PAUSE.as_micros()).max(1) as u64 {
        thread::sleep(PAUSE);
        send(item);
    }
}

/// The parts of all that was received, in percent, the largest first.
fn parts(received: &[AtomicU64]) -> Vec<f64> {
    let received: Vec<u64> = received.iter().map(|count| count.load(Ordering::Relaxed)).collect();
    let all = received.iter().sum::<u64>().max(1);
    let mut parts: Vec<f64> = received.iter().map(|&count| count as f64 * 100.0 / all as f64).collect();
    parts.sort_by(|a, b| b.total_cmp(a));
    parts
}

fn threads<R: FnMut() -> bool + Send>(time: Duration, workers: Vec<R>, send: impl FnMut(u64)) -> Vec<f64> {
    let received: Vec<AtomicU64> = workers.iter().map(|_| AtomicU64::new(0)).collect();
    scope(|all| {
        for (mut receive, count) in workers.into_iter().zip(&received) {
            all.spawn(move || {
                while receive() {
                    count.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        // The sender goes with this call, so that the workers end.
        slowly(time, send);
    });
    parts(&received)
}

fn tasks<F: Future + Send>(
    time: Duration,
    workers: usize,
    mut worker: impl FnMut(&'static AtomicU64) -> F,
    send: impl FnMut(u64),
) -> Vec<f64> {
    let received: &'static [AtomicU64] = Box::leak((0..workers).map(|_| AtomicU64::new(0)).collect());
    let futures: Vec<F> = received.iter().map(&mut worker).collect();
    drop(worker);
    scope(|all| {
        all.spawn(move || run(futures, Duration::from_secs(3600)));
        slowly(time, send);
    });
    parts(received)
}

macro_rules! of_threads {
    ($time:ident, $tx:expr, $rx:expr) => {{
        let (tx, workers) = ($tx, $rx.into_iter().map(|rx| move || rx.recv().is_ok()).collect());
        threads($time, workers, move |item| tx.send(item).expect("there are workers"))
    }};
}
macro_rules! of_tasks {
    ($time:ident, $workers:ident, $tx:expr, $rx:expr, $recv:ident) => {{
        let (tx, rx) = ($tx, $rx);
        let worker = move |count: &'static AtomicU64| {
            let rx = rx.clone();
            async move {
                while rx.$recv().await.is_ok() {
                    count.fetch_add(1, Ordering::Relaxed);
                }
            }
        };
        tasks($time, $workers, worker, move |item| tx.send(item).expect("there are workers"))
    }};
}

fn annulet_threads(workers: usize, block: bool, time: Duration) -> Vec<f64> {
    let channel = Box::new(Channel::<Mpmc<u64, 1024>, Futex>::over(Mpmc::new(), Futex::new()));
    let (mut tx, mut rx) = channel.try_split().expect("nobody has split it");
    if block {
        rx.set_strategy(Strategy::block());
    }
    let receivers = vec![rx; workers].into_iter().map(|mut rx| move || rx.recv().is_ok()).collect();
    threads(time, receivers, move |item| tx.send(item).expect("there are workers"))
}

fn annulet_tasks(workers: usize, time: Duration) -> Vec<f64> {
    let channel: &'static _ =
        Box::leak(Box::new(Channel::<Mpmc<u64, 1024>, Futex>::over(Mpmc::new(), Futex::new())));
    let (mut tx, rx) = channel.try_split().expect("nobody has split it");
    let worker = move |count: &'static AtomicU64| {
        let mut rx = rx.clone();
        async move {
            while rx.recv_async().await.is_ok() {
                count.fetch_add(1, Ordering::Relaxed);
            }
        }
    };
    tasks(time, workers, worker, move |item| tx.send(item).expect("there are workers"))
}

fn crossbeam_threads(workers: usize, time: Duration) -> Vec<f64> {
    let (tx, rx) = crossbeam_channel::bounded::<u64>(1024);
    of_threads!(time, tx, vec![rx; workers])
}

fn flume_threads(workers: usize, time: Duration) -> Vec<f64> {
    let (tx, rx) = flume::bounded::<u64>(1024);
    of_threads!(time, tx, vec![rx; workers])
}

fn flume_tasks(workers: usize, time: Duration) -> Vec<f64> {
    let (tx, rx) = flume::bounded::<u64>(1024);
    of_tasks!(time, workers, tx, rx, recv_async)
}

fn async_channel_tasks(workers: usize, time: Duration) -> Vec<f64> {
    let (tx, rx) = async_channel::bounded::<u64>(1024);
    let worker = move |count: &'static AtomicU64| {
        let rx = rx.clone();
        async move {
            while rx.recv().await.is_ok() {
                count.fetch_add(1, Ordering::Relaxed);
            }
        }
    };
    tasks(time, workers, worker, move |item| tx.send_blocking(item).expect("there are workers"))
}

pub(crate) fn add(rows: &mut Vec<Row>) {
    for workers in [2, 3, 8] {
        let mut row = |kind, name, ours, run: Box<dyn Fn(Duration) -> Vec<f64>>| {
            let scenario = format!("shares of {workers} idle {kind}");
            rows.push(Row { scenario, name, ours, unit: Unit::Shares, run });
        };
        row("threads", "annulet Mpmc", true, Box::new(move |time| annulet_threads(workers, false, 4 * time)));
        let block = Box::new(move |time| annulet_threads(workers, true, 4 * time));
        row("threads", "annulet Mpmc, Strategy::block", true, block);
        row(
            "threads",
            "crossbeam-channel",
            false,
            Box::new(move |time| crossbeam_threads(workers, 4 * time)),
        );
        row("threads", "flume", false, Box::new(move |time| flume_threads(workers, 4 * time)));
        row("tasks", "annulet Mpmc", true, Box::new(move |time| annulet_tasks(workers, 4 * time)));
        row("tasks", "async-channel", false, Box::new(move |time| async_channel_tasks(workers, 4 * time)));
        row("tasks", "flume", false, Box::new(move |time| flume_tasks(workers, 4 * time)));
    }
}
