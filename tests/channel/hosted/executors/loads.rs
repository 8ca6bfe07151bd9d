//! What is run on each executor.

use std::future::poll_fn;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use annulet::channel::{ChannelRef, Receiver, RecvError, Sender};
use annulet::host::Futex;
use annulet::ring::broadcast::{Gated, Overwrite};
use annulet::ring::lanes::RoundRobin;
use annulet::wait::Strategy;
use annulet::{Broadcast, Channel, Lanes, Mpmc, Mpsc, Spsc};
use futures::{SinkExt, StreamExt, stream};

use super::hosts::{Host, Job, job, run};
use crate::common::waiting;

/// A sender's number in the upper half, and how many it had sent before.
pub type Item = u64;

pub fn item(sender: u32, number: u32) -> Item {
    Item::from(sender) << 32 | Item::from(number)
}

/// What was received: each receiver's items in the order in which they came.
#[derive(Clone, Default)]
pub struct Seen(Arc<Mutex<Vec<Vec<Item>>>>);

impl Seen {
    pub fn add(&self, items: Vec<Item>) {
        self.0.lock().unwrap().push(items);
    }

    /// By each receiver, what it has seen of this sender. It is in order.
    fn of(&self, sender: u32) -> Vec<Vec<Item>> {
        let seen = self.0.lock().unwrap();
        let of = |items: &Vec<Item>| -> Vec<Item> {
            items.iter().copied().filter(|item| item >> 32 == Item::from(sender)).collect()
        };
        let seen: Vec<_> = seen.iter().map(of).collect();
        assert!(seen.iter().all(|items| items.is_sorted()), "out of order");
        seen
    }

    /// All receivers together have received each item once.
    pub fn check_shared(&self, senders: u32, each: u32) {
        for sender in 0..senders {
            let mut all = self.of(sender).concat();
            all.sort_unstable();
            assert!(all.into_iter().eq((0..each).map(|number| item(sender, number))), "lost or doubled");
        }
    }

    /// Each receiver has received each item once.
    fn check_each(&self, each: u32) {
        for items in self.of(0) {
            assert!(items.into_iter().eq((0..each).map(|number| item(0, number))), "lost or doubled");
        }
    }
}

pub fn sends<C>(mut tx: Sender<C>, sender: u32, each: u32) -> Job
where
    C: ChannelRef<Item = Item, Tx: Send> + 'static,
{
    job(async move {
        for number in 0..each {
            tx.send_async(item(sender, number)).await.unwrap();
        }
    })
}

pub fn receives<C>(mut rx: Receiver<C>, seen: &Seen) -> Job
where
    C: ChannelRef<Item = Item, Rx: Send> + 'static,
{
    let seen = seen.clone();
    job(async move {
        let mut items = Vec::new();
        let why = loop {
            match rx.recv_async().await {
                Ok(item) => items.push(item),
                Err(why) => break why,
            }
        };
        assert_eq!(why, RecvError::Closed);
        seen.add(items);
    })
}

fn ping_pong(host: Host, futex: Futex) {
    let (mut tx, mut rx) = Channel::<Spsc<u32, 2>, Futex>::new_split(futex);
    let (mut btx, mut brx) = Channel::<Spsc<u32, 2>, Futex>::new_split(futex);
    let there = job(async move {
        for number in 0..5_000 {
            tx.send_async(number).await.unwrap();
            assert_eq!(brx.recv_async().await, Ok(number + 1));
        }
    });
    let back = job(async move {
        while let Ok(number) = rx.recv_async().await {
            btx.reserve().await.unwrap().send(number + 1).unwrap();
        }
    });
    run(host, [there, back]);
}

/// Four senders, four receivers, and seats for so many tasks on each side.
fn stress<const TASKS: usize>(host: Host, futex: Futex) {
    const EACH: u32 = 2_000;
    let seen = Seen::default();
    let (tx, rx) = Channel::<Mpmc<Item, 4>, Futex, TASKS>::new_split(futex);
    let sending = (0..4).map(|sender| sends(tx.clone(), sender, EACH)).collect::<Vec<_>>();
    let receiving = (0..4).map(|_| receives(rx.clone(), &seen)).collect::<Vec<_>>();
    drop((tx, rx));
    run(host, sending.into_iter().chain(receiving));
    seen.check_shared(4, EACH);
}

/// Room in a lane is for its sender only, whoever waits beside it.
fn lanes(host: Host) {
    type Four = Channel<Lanes<Item, 2, 4>, Futex>;
    const EACH: u32 = 1_000;
    let channel: &'static Four = Box::leak(Box::new(Channel::over(Lanes::new(), Futex::new())));
    let seen = Seen::default();
    let mut jobs: Vec<_> = (0..4).map(|sender| sends(channel.register().unwrap(), sender, EACH)).collect();
    jobs.push(receives(channel.try_receiver(RoundRobin::default()).unwrap(), &seen));
    run(host, jobs);
    seen.check_shared(4, EACH);
    assert_eq!(waiting(channel), (0, 0));
}

/// Each reader gets each item, and the writer waits for the slowest.
fn gated(host: Host) {
    type Slowest = Channel<Broadcast<Item, 4, Gated<3>>, Futex>;
    const EACH: u32 = 1_000;
    let channel: &'static Slowest = Box::leak(Box::new(Channel::over(Broadcast::new(), Futex::new())));
    let seen = Seen::default();
    let mut jobs: Vec<_> = (0..3).map(|_| receives(channel.join_at_oldest().unwrap(), &seen)).collect();
    jobs.push(sends(channel.try_sender().unwrap(), 0, EACH));
    run(host, jobs);
    seen.check_each(EACH);
    assert_eq!(waiting(channel), (0, 0));
}

/// Lets other tasks run.
async fn give_way() {
    let mut given = false;
    poll_fn(|context| {
        if std::mem::replace(&mut given, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// A writer that waits for nobody: each stream gives an item or counts it.
fn overwritten(host: Host) {
    type Newest = Channel<Broadcast<Item, 4, Overwrite>, Futex>;
    const EACH: u32 = 5_000;
    let channel: &'static Newest = Box::leak(Box::new(Channel::over(Broadcast::new(), Futex::new())));
    let mut tx = channel.try_sender().unwrap();
    let mut jobs: Vec<_> = (0..3)
        .map(|_| {
            let mut items = channel.receiver_at_oldest().into_stream();
            job(async move {
                let (mut count, mut last) = (0, None);
                while let Some(item) = items.next().await {
                    assert!(last < Some(item), "out of order");
                    (count, last) = (count + 1, Some(item));
                }
                assert_eq!(last, Some(item(0, EACH - 1)));
                assert_eq!(count + items.missed(), u64::from(EACH));
            })
        })
        .collect();
    jobs.push(job(async move {
        for number in 0..EACH {
            tx.send_async(item(0, number)).await.unwrap();
            if number % 64 == 0 {
                // Room is no reason to wait here, so others get their turn otherwise.
                give_way().await;
            }
        }
    }));
    run(host, jobs);
    assert_eq!(waiting(channel), (0, 0));
}

/// Sinks of many senders into one stream, that is forwarded into the next channel.
fn sinks(host: Host) {
    const EACH: u32 = 1_000;
    let (tx, rx) = Channel::<Mpsc<Item, 2>, Futex>::new_split(Futex::new());
    let (next_tx, next_rx) = Channel::<Spsc<Item, 2>, Futex>::new_split(Futex::new());
    let seen = Seen::default();
    let mut jobs: Vec<_> = (0..4)
        .map(|sender| {
            let mut sink = tx.clone().into_sink();
            job(async move {
                let mut items = stream::iter((0..EACH).map(|number| Ok(item(sender, number))));
                sink.send_all(&mut items).await.unwrap();
                sink.close().await.unwrap();
            })
        })
        .collect();
    drop(tx);
    jobs.push(job(async move { rx.into_stream().map(Ok).forward(next_tx.into_sink()).await.unwrap() }));
    jobs.push(receives(next_rx, &seen));
    run(host, jobs);
    seen.check_shared(4, EACH);
}

/// Two tasks and two threads send; two of each receive.
fn mixed<const TASKS: usize>(host: Host, futex: Futex) {
    const EACH: u32 = 2_000;
    let seen = Seen::default();
    let (tx, rx) = Channel::<Mpmc<Item, 4>, Futex, TASKS>::new_split(futex);
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
    run(host, jobs);
    for thread in threads {
        thread.join().unwrap();
    }
    seen.check_shared(4, EACH);
}

/// More tasks than seats: those without one try again and again. Ten receivers, of which so many have a seat; each of them gets as many items as it asks for.
fn crowd<const TASKS: usize>(host: Host) {
    const CROWD: u32 = 10;
    const ITEMS: u32 = 50;
    let (tx, rx) = Channel::<Mpmc<Item, 2>, Futex, TASKS>::new_split(Futex::new());
    let seen = Seen::default();
    let asking = |_| {
        let (mut rx, seen) = (rx.clone(), seen.clone());
        job(async move {
            let mut items = Vec::new();
            for _ in 0..ITEMS {
                items.push(rx.recv_async().await.unwrap());
            }
            seen.add(items);
        })
    };
    let mut jobs: Vec<_> = (0..CROWD).map(asking).collect();
    jobs.push(sends(tx, 0, CROWD * ITEMS));
    drop(rx);
    run(host, jobs);
    seen.check_shared(1, CROWD * ITEMS);
}

on_each_host! {
    nx10_ping_pong: ping_pong(HERE, Futex::new());
    nx10_ping_pong_with_fences: ping_pong(HERE, Futex::fenced());
    d06_stress: stress::<8>(HERE, Futex::new());
    d06_stress_with_fences: stress::<8>(HERE, Futex::fenced());
    d06_stress_for_two_seats: stress::<2>(HERE, Futex::new());
    d06_lanes: lanes(HERE);
    d06_gated: gated(HERE);
    rm05_overwritten: overwritten(HERE);
    d06_sinks: sinks(HERE);
    d06_tasks_and_threads: mixed::<8>(HERE, Futex::new());
    d06_tasks_and_threads_with_fences: mixed::<8>(HERE, Futex::fenced());
    d06_tasks_without_seats_and_threads: mixed::<0>(HERE, Futex::new());
}

mod crowds {
    use super::*;

    on_fair_hosts! {
        d19_a_crowd_without_seats: crowd::<0>(HERE);
        d19_a_crowd_for_two_seats: crowd::<2>(HERE);
        d19_a_crowd_that_is_seated: crowd::<16>(HERE);
    }
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
        let mut context = Context::from_waker(Waker::noop());
        assert!(std::pin::Pin::new(&mut ready).poll(&mut context).is_pending());
    }
    let (received, span) = thread.join().unwrap();
    assert_eq!(received, Err(RecvError::Timeout));
    assert!(span >= SPAN, "after {span:?}");
}
