//! What sleeps and is woken: round trips, what waking costs, and what it costs when nobody sleeps.

use core::future::Future;
use core::hint::{black_box, spin_loop};
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use core::time::Duration;
use std::thread::scope;
use std::time::Instant;

use crate::measure::{Budget, Figure, Gate, median};
use crate::place::{pin, processors};
use crate::rings::Role;

/// A channel for two threads, whose ends wait.
pub(crate) trait Blocking: 'static {
    const NAME: &str;
    const ROLE: Role;
    type Tx<'c>: Send;
    type Rx<'c>: Send;

    fn with<R>(body: impl FnOnce(Self::Tx<'_>, Self::Rx<'_>) -> R) -> R;
    fn send(tx: &mut Self::Tx<'_>, item: u64);
    fn recv(rx: &mut Self::Rx<'_>) -> u64;
}

/// The item after which the other side ends.
const STOP: u64 = u64::MAX;

/// A thread that sleeps gives its processor away on purpose, so that others run on it is no disturbance.
fn figure(value: f64, items: u64) -> Figure {
    Figure { value, items, undisturbed: true, missed: 0.0 }
}

/// Runs a body on the first processor, and what it talks to on the second.
fn with_peer<A: Send>(body: impl FnOnce() -> A + Send, peer: impl FnOnce() + Send) -> A {
    let _ = processors();
    let gate = &Gate::default();
    scope(|threads| {
        threads.spawn(move || {
            pin(1);
            gate.pass(2);
            peer();
        });
        let body = threads.spawn(move || {
            pin(0);
            gate.pass(2);
            body()
        });
        body.join().expect("the measuring thread ran to its end")
    })
}

/// One item there and one back: nanoseconds, the median over single round trips.
pub(crate) fn round_trip<C: Blocking>(budget: Budget) -> Figure {
    C::with(|mut ping, mut heard| {
        C::with(|mut answer, mut answered| {
            let call = || {
                let mut times = Vec::with_capacity(1 << 16);
                let start = Instant::now();
                let mut item = 0;
                while item < 64 || !budget.is_spent(start, item) {
                    let one = Instant::now();
                    C::send(&mut ping, item);
                    assert_eq!(C::recv(&mut answered), item, "{} lost the order", C::NAME);
                    times.push(one.elapsed().as_nanos() as f64);
                    item += 1;
                }
                C::send(&mut ping, STOP);
                figure(median(&mut times), item)
            };
            with_peer(call, move || {
                loop {
                    let item = C::recv(&mut heard);
                    if item == STOP {
                        break;
                    }
                    C::send(&mut answer, item);
                }
            })
        })
    })
}

/// How long a send takes that wakes a sleeping receiver: nanoseconds, the median.
pub(crate) fn wake_cost<C: Blocking>(budget: Budget) -> Figure {
    /// After so long, everybody who spins first is asleep.
    const ASLEEP: Duration = Duration::from_micros(300);

    let received = &AtomicU64::new(0);
    C::with(|mut tx, mut rx| {
        let call = || {
            let mut times = Vec::with_capacity(1 << 12);
            let start = Instant::now();
            let mut item = 0;
            while item < 16 || !budget.is_spent(start, item) {
                while received.load(Ordering::Acquire) < item {
                    spin_loop();
                }
                let quiet = Instant::now();
                while quiet.elapsed() < ASLEEP {
                    spin_loop();
                }
                let one = Instant::now();
                C::send(&mut tx, item);
                times.push(one.elapsed().as_nanos() as f64);
                item += 1;
            }
            C::send(&mut tx, STOP);
            figure(median(&mut times), item)
        };
        with_peer(call, move || {
            while C::recv(&mut rx) != STOP {
                received.fetch_add(1, Ordering::Release);
            }
        })
    })
}

/// Pushes only, on one thread, `push` against an empty ring of `room` slots that `drain` empties again: nanoseconds for
/// each, the median over laps. Nobody waits.
pub(crate) fn pushes(
    budget: Budget,
    room: u64,
    mut push: impl FnMut(u64) -> bool + Send,
    mut drain: impl FnMut() + Send,
) -> Figure {
    let _ = processors();
    let run = || {
        pin(0);
        let mut laps = Vec::with_capacity(1 << 14);
        let (mut sent, mut pushed) = (0, true);
        let start = Instant::now();
        while laps.len() < 64 || !budget.is_spent(start, sent) {
            let lap = Instant::now();
            for _ in 0..room {
                pushed &= push(black_box(sent));
                sent += 1;
            }
            laps.push(lap.elapsed().as_nanos() as f64 / room as f64);
            drain();
        }
        assert!(pushed, "there was room");
        figure(median(&mut laps), sent)
    };
    scope(|threads| threads.spawn(run).join().expect("the thread ran to its end"))
}

/// A channel for two tasks.
pub(crate) trait Asynchronous: 'static {
    const NAME: &str;
    const ROLE: Role;
    type Tx<'c>;
    type Rx<'c>;

    fn with<R>(body: impl FnOnce(Self::Tx<'_>, Self::Rx<'_>) -> R) -> R;
    fn send(tx: &mut Self::Tx<'_>, item: u64) -> impl Future<Output = ()>;
    fn recv(rx: &mut Self::Rx<'_>) -> impl Future<Output = u64>;
}

/// One item there and one back between two tasks of one executor: nanoseconds, the median over groups.
pub(crate) fn round_trip_of_tasks<C: Asynchronous>(budget: Budget) -> Figure {
    const GROUP: u64 = 64;

    let _ = processors();
    let run = || {
        pin(0);
        let runtime =
            tokio::runtime::Builder::new_current_thread().build().expect("a runtime without drivers");
        C::with(|mut ping, mut heard| {
            C::with(|mut answer, mut answered| {
                let over = AtomicBool::new(false);
                let call = async {
                    let mut groups = Vec::with_capacity(1 << 12);
                    let start = Instant::now();
                    let mut item = 0;
                    while groups.len() < 8 || !budget.is_spent(start, item) {
                        let group = Instant::now();
                        for _ in 0..GROUP {
                            C::send(&mut ping, item).await;
                            assert_eq!(C::recv(&mut answered).await, item, "{} lost the order", C::NAME);
                            item += 1;
                        }
                        groups.push(group.elapsed().as_nanos() as f64 / GROUP as f64);
                    }
                    over.store(true, Ordering::Relaxed);
                    C::send(&mut ping, STOP).await;
                    figure(median(&mut groups), item)
                };
                let echo = async {
                    loop {
                        let item = C::recv(&mut heard).await;
                        if item == STOP {
                            break;
                        }
                        C::send(&mut answer, item).await;
                    }
                };
                let (figure, ()) = runtime.block_on(async { tokio::join!(call, echo) });
                assert!(over.load(Ordering::Relaxed), "the caller ended it");
                figure
            })
        })
    };
    scope(|threads| threads.spawn(run).join().expect("the thread ran to its end"))
}
