//! More threads than processors: how many items go through, by ends that wait.

use core::time::Duration;
use std::sync::Barrier;
use std::thread::scope;
use std::time::Instant;

use annulet::host::Futex;
use annulet::wait::Strategy;
use annulet::{Channel, Mpmc, Mpsc, Spmc};

use crate::{Row, Unit};

const N: usize = 1024;

/// Lets each of `send` send for `time`, and each of `receive` receive until all senders are gone: million items a second.
///
/// A sender gives back whether the item went; a receiver gives an item, or `None` when there will be none.
fn move_items<S: FnMut(u64) + Send, R: FnMut() -> Option<u64> + Send>(
    time: Duration,
    senders: Vec<S>,
    receivers: Vec<R>,
) -> Vec<f64> {
    /// Items between two looks at the clock.
    const BLOCK: u64 = 256;
    let start = &Barrier::new(senders.len() + receivers.len() + 1);
    scope(|threads| {
        let senders: Vec<_> = senders
            .into_iter()
            .map(|mut send| {
                threads.spawn(move || {
                    start.wait();
                    let (begun, mut sent, mut sum) = (Instant::now(), 0, 0_u64);
                    while begun.elapsed() < time {
                        for _ in 0..BLOCK {
                            send(sent);
                            sum = sum.wrapping_add(sent);
                            sent += 1;
                        }
                    }
                    (sent, sum)
                })
            })
            .collect();
        let receivers: Vec<_> = receivers
            .into_iter()
            .map(|mut receive| {
                threads.spawn(move || {
                    start.wait();
                    let (mut received, mut sum) = (0_u64, 0_u64);
                    while let Some(item) = receive() {
                        received += 1;
                        sum = sum.wrapping_add(item);
                    }
                    (received, sum, Instant::now())
                })
            })
            .collect();
        start.wait();
        let begun = Instant::now();
        let add =
            |(items, sum): (u64, u64), (more, other): (u64, u64)| (items + more, sum.wrapping_add(other));
        let sent = senders.into_iter().map(|thread| thread.join().expect("it sent")).fold((0, 0), add);
        let received: Vec<_> =
            receivers.into_iter().map(|thread| thread.join().expect("it received")).collect();
        let end = received.iter().map(|&(_, _, end)| end).max().expect("there are receivers");
        let received = received.iter().map(|&(items, sum, _)| (items, sum)).fold((0, 0), add);
        assert_eq!(received, sent, "each item is received once");
        vec![received.0 as f64 / (end - begun).as_secs_f64() / 1e6]
    })
}

/// Sends and receives through ends that are cloned, and are gone when their thread has ended.
macro_rules! through {
    ($time:ident, $tx:expr, $rx:expr) => {{
        let senders =
            $tx.into_iter().map(|mut tx| move |item| tx.send(item).expect("a receiver is there")).collect();
        let receivers = $rx.into_iter().map(|mut rx| move || rx.recv().ok()).collect();
        move_items($time, senders, receivers)
    }};
}

/// The same for ends that are shared, so that they need not be `mut`.
macro_rules! through_shared {
    ($time:ident, $tx:expr, $rx:expr) => {{
        let senders =
            $tx.into_iter().map(|tx| move |item| tx.send(item).expect("a receiver is there")).collect();
        let receivers = $rx.into_iter().map(|rx| move || rx.recv().ok()).collect();
        move_items($time, senders, receivers)
    }};
}

fn clones<T: Clone>(first: T, count: usize) -> Vec<T> {
    vec![first; count]
}

/// Ours: how it waits by default, or asleep at once.
macro_rules! ours {
    ($function:ident, $ring:ident, |$tx:ident, $senders:ident| $all_tx:expr, |$rx:ident, $receivers:ident| $all_rx:expr) => {
        fn $function($senders: usize, $receivers: usize, block: bool, time: Duration) -> Vec<f64> {
            let channel = Box::new(Channel::<$ring<u64, N>, Futex>::over($ring::new(), Futex::new()));
            let (mut $tx, mut $rx) = channel.try_split().expect("nobody has split it");
            if block {
                $tx.set_strategy(Strategy::block());
                $rx.set_strategy(Strategy::block());
            }
            through!(time, $all_tx, $all_rx)
        }
    };
}
ours!(mpsc, Mpsc, |tx, senders| clones(tx, senders), |rx, _receivers| [rx]);
ours!(spmc, Spmc, |tx, _senders| [tx], |rx, receivers| clones(rx, receivers));
ours!(mpmc, Mpmc, |tx, senders| clones(tx, senders), |rx, receivers| clones(rx, receivers));

fn crossbeam(senders: usize, receivers: usize, time: Duration) -> Vec<f64> {
    let (tx, rx) = crossbeam_channel::bounded::<u64>(N);
    through_shared!(time, clones(tx, senders), clones(rx, receivers))
}

fn kanal(senders: usize, receivers: usize, time: Duration) -> Vec<f64> {
    let (tx, rx) = kanal::bounded::<u64>(N);
    through_shared!(time, clones(tx, senders), clones(rx, receivers))
}

fn flume(senders: usize, receivers: usize, time: Duration) -> Vec<f64> {
    let (tx, rx) = flume::bounded::<u64>(N);
    through_shared!(time, clones(tx, senders), clones(rx, receivers))
}

fn std_sync(senders: usize, time: Duration) -> Vec<f64> {
    let (tx, rx) = std::sync::mpsc::sync_channel::<u64>(N);
    through_shared!(time, clones(tx, senders), [rx])
}

pub(crate) fn add(rows: &mut Vec<Row>) {
    let sides = [1, 2, 4, 8].map(|senders| (senders, 1));
    for (senders, receivers) in sides.into_iter().chain([2, 4, 8].map(|receivers| (1, receivers))) {
        let mut row = |name, ours, run: Box<dyn Fn(Duration) -> Vec<f64>>| {
            let scenario = format!("throughput, {senders} to {receivers} threads, capacity {N}");
            rows.push(Row { scenario, name, ours, unit: Unit::Rate, run });
        };
        if receivers == 1 {
            row("annulet Mpsc", true, Box::new(move |time| mpsc(senders, 1, false, time)));
            row("annulet Mpsc, Strategy::block", true, Box::new(move |time| mpsc(senders, 1, true, time)));
        }
        if senders == 1 {
            row("annulet Spmc", true, Box::new(move |time| spmc(1, receivers, false, time)));
            row("annulet Spmc, Strategy::block", true, Box::new(move |time| spmc(1, receivers, true, time)));
        }
        row("annulet Mpmc", true, Box::new(move |time| mpmc(senders, receivers, false, time)));
        row(
            "annulet Mpmc, Strategy::block",
            true,
            Box::new(move |time| mpmc(senders, receivers, true, time)),
        );
        row("crossbeam-channel", false, Box::new(move |time| crossbeam(senders, receivers, time)));
        row("kanal", false, Box::new(move |time| kanal(senders, receivers, time)));
        row("flume", false, Box::new(move |time| flume(senders, receivers, time)));
        if receivers == 1 {
            row("std sync_channel", false, Box::new(move |time| std_sync(senders, time)));
        }
    }
}
