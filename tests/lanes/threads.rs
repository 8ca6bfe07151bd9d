//! Producers that come and go, and consumers, at once.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use annulet::Lanes;
use annulet::error::PopError;
use annulet::handle::{Handle, Lane};
#[cfg(not(annulet_narrow))]
use annulet::ring::Multi;
use annulet::ring::lanes::{
    AdaptiveRoundRobin, LaneConsumer, Priority, RegisterError, RoundRobin, Schedule, Storage,
};
use annulet::ring::{Side, Sides, Single};
use annulet::stats::Off;

use crate::patience::Patience;

/// Items of each producer's time in a lane.
const ITEMS: u32 = if cfg!(miri) { 4 } else { 400 };
/// How often each thread becomes a producer.
const TIMES: u32 = if cfg!(miri) { 2 } else { 30 };
const PRODUCERS: u32 = if cfg!(miri) { 2 } else { 4 };

/// Whose it is, and its number in that one's time there.
type Item = (u64, u32);

/// One item after the other, from as many producers as there are times, in turns one at a time and several.
fn produce<const N: usize, const L: usize, C: Side, H: Storage>(
    lanes: &Lanes<Item, N, L, Sides<Single, C, Off>, H>,
) where
    for<'a> &'a Lanes<Item, N, L, Sides<Single, C, Off>, H>: Send,
{
    let patience = Patience::new();
    for _ in 0..TIMES {
        let mut tx = loop {
            match lanes.register() {
                Ok(tx) => break tx,
                Err(RegisterError::Taken | RegisterError::Undrained | RegisterError::Contended) => {
                    patience.wait()
                }
                Err(why) => panic!("{why}"),
            }
        };
        let whose = tx.lane().to_raw();
        let mut number = 0;
        while number < ITEMS {
            let items: Vec<Item> =
                (number..(number + 1 + number % 3).min(ITEMS)).map(|n| (whose, n)).collect();
            let sent = tx.push_slice(&items) as u32;
            number += sent;
            if sent == 0 {
                patience.wait();
            }
        }
    }
}

/// Reads until nothing is to come, and returns what it saw.
fn receive<const N: usize, const L: usize, C: Side, H: Storage, O: Schedule>(
    rx: &mut LaneConsumer<'_, Item, N, L, O, Sides<Single, C, Off>, H>,
    received: &AtomicUsize,
) -> Vec<Item> {
    let patience = Patience::new();
    let total = (PRODUCERS * TIMES * ITEMS) as usize;
    let mut seen: Vec<Item> = Vec::new();
    let mut turn = 0;
    while received.load(Ordering::Relaxed) < total {
        turn += 1;
        let before = seen.len();
        let keep = |from: Handle<Lane>, item: Item| {
            assert_eq!(from.to_raw(), item.0, "said to be another one's");
            item
        };
        match turn % 3 {
            0 => match rx.try_pop_from() {
                Ok((from, item)) => seen.push(keep(from, item)),
                Err(why) => assert!(matches!(why, PopError::Empty | PopError::Contended)),
            },
            1 => _ = rx.drain(5, |from, item| seen.push(keep(from, item))),
            _ => _ = rx.consume(7, |from, item| seen.push(keep(from, *item))),
        }
        received.fetch_add(seen.len() - before, Ordering::Relaxed);
        if seen.len() == before {
            patience.wait();
        }
    }
    seen
}

/// Of each producer every item once; of each producer in order for each consumer.
fn check(seen: &[Vec<Item>]) {
    for seen in seen {
        let mut last = std::collections::HashMap::new();
        for (whose, number) in seen {
            assert!(last.insert(whose, number).is_none_or(|last| last < number), "out of order");
        }
    }
    let mut all: Vec<Item> = seen.concat();
    all.sort_unstable();
    let producers = PRODUCERS * TIMES;
    assert_eq!(all.len(), (producers * ITEMS) as usize);
    for times in all.chunks(ITEMS as usize) {
        assert!(times.iter().all(|item| item.0 == times[0].0));
        assert!(times.iter().map(|item| item.1).eq(0..ITEMS), "each item once");
    }
}

pub fn stress_one<const N: usize, const L: usize, H: Storage, O: Schedule>(
    lanes: &Lanes<Item, N, L, Sides<Single, Single, Off>, H>,
    order: O,
) where
    Lanes<Item, N, L, Sides<Single, Single, Off>, H>: Sync,
{
    let received = AtomicUsize::new(0);
    let mut rx = lanes.try_consumer(order).unwrap();
    let seen = thread::scope(|scope| {
        for _ in 0..PRODUCERS {
            scope.spawn(|| produce(lanes));
        }
        receive(&mut rx, &received)
    });
    check(&[seen]);
    assert!(lanes.is_empty() && lanes.active() == 0);
    assert_eq!(rx.try_pop(), Err(PopError::Empty));
}

#[cfg(not(annulet_narrow))]
pub fn stress_many<const N: usize, const L: usize, H: Storage, O: Schedule + Sync>(
    lanes: &Lanes<Item, N, L, Sides<Single, Multi, Off>, H>,
    order: O,
) where
    Lanes<Item, N, L, Sides<Single, Multi, Off>, H>: Sync,
{
    let received = AtomicUsize::new(0);
    let seen: Vec<Vec<Item>> = thread::scope(|scope| {
        for _ in 0..PRODUCERS {
            scope.spawn(|| produce(lanes));
        }
        let consumers: Vec<_> = (0..if cfg!(miri) { 2 } else { 3 })
            .map(|_| scope.spawn(|| receive(&mut lanes.try_consumer(order.clone()).unwrap(), &received)))
            .collect();
        consumers.into_iter().map(|consumer| consumer.join().unwrap()).collect()
    });
    check(&seen);
    assert!(lanes.is_empty() && lanes.active() == 0);
}

/// More producers than lanes: they wait for each other to leave.
#[test]
fn rm09_threads_that_come_and_go_lose_nothing() {
    stress_one(&Lanes::<Item, 4, 2>::starting_at(usize::MAX - 9), Priority);
    stress_one(&Lanes::<Item, 1, 3>::starting_at(usize::MAX - 9), RoundRobin::with_budget(2));
    stress_one(&Lanes::<Item, 16, 4>::starting_at(usize::MAX - 9), AdaptiveRoundRobin::default());
}

#[test]
#[cfg(not(annulet_narrow))] // positions of eight bits: a claim can come a lap late
fn rm11_threads_that_steal_lose_nothing() {
    stress_many(&Lanes::<Item, 4, 2, Sides<Single, Multi>>::starting_at(usize::MAX - 9), Priority);
    stress_many(
        &Lanes::<Item, 2, 3, Sides<Single, Multi>>::starting_at(usize::MAX - 9),
        RoundRobin::with_budget(2),
    );
    stress_many(
        &Lanes::<Item, 16, 4, Sides<Single, Multi>>::starting_at(usize::MAX - 9),
        AdaptiveRoundRobin::default(),
    );
}

#[test]
fn d16_a_third_thread_sees_numbers_in_range() {
    let lanes = Lanes::<u32, 2, 2>::starting_at(usize::MAX - 3);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..TIMES {
                let Ok(mut tx) = lanes.register() else {
                    thread::yield_now();
                    continue;
                };
                (0..ITEMS).for_each(|item| _ = tx.try_push(item));
            }
            done.store(true, Ordering::Release);
        });
        scope.spawn(|| {
            let mut rx = lanes.try_consumer(RoundRobin::default()).unwrap();
            while !done.load(Ordering::Acquire) {
                rx.skip(3);
                thread::yield_now();
            }
        });
        while !done.load(Ordering::Acquire) {
            assert!(lanes.total_len() <= 4 && lanes.active() <= 1);
            if let Some((lane, len)) = lanes.longest() {
                assert!(lane.index() < 2 && (1..=2).contains(&len));
                assert!(lanes.len_of(lane).is_none_or(|len| len <= 2));
            }
            thread::yield_now();
        }
    });
}
