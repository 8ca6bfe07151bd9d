//! Many ends at once, of every arity, in every form.
//!
//! ANNULET_STRESS_SECONDS: how long each arity is stressed (default a third of a second; `.ci/deep/stress` takes a minute).

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use annulet::ring::{Consumer, Producer, Ring, Side, Sides, Single};

use crate::patience::Patience;
use crate::rings::Looking;
use crate::threads::Dice;

type Tx<'r, P, C> = Producer<'r, Item, Sides<P, C>>;
type Rx<'r, P, C> = Consumer<'r, Item, Sides<P, C>>;
/// Makes as many ends of one as its side may have.
type Producers<P, C> = for<'r> fn(Tx<'r, P, C>) -> Txs<'r, P, C>;
type Consumers<P, C> = for<'r> fn(Rx<'r, P, C>) -> Rxs<'r, P, C>;
type Txs<'r, P, C> = Vec<Tx<'r, P, C>>;
type Rxs<'r, P, C> = Vec<Rx<'r, P, C>>;

/// Four words that belong together, so that a torn item shows.
type Item = [u64; 4];

fn item(producer: u64, number: u64) -> Item {
    [producer, number, !producer, number.wrapping_mul(0x9e37_79b9_7f4a_7c15)]
}

fn read(item: &Item) -> (usize, u64) {
    let [producer, number, ..] = *item;
    assert_eq!(*item, self::item(producer, number), "torn");
    (producer as usize, number)
}

/// A sum in which each number has its own share.
fn share(number: u64) -> u64 {
    let mixed = (number ^ number >> 31).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed ^ mixed >> 29).wrapping_mul(0x94d0_49bb_1331_11eb)
}

/// What one end has seen of one producer: how many items, the last one, and the sum of their shares.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Seen {
    count: u64,
    next: u64,
    sum: u64,
}

impl Seen {
    fn note(&mut self, number: u64) {
        assert!(number >= self.next, "{number} after {}", self.next);
        *self = Self { count: self.count + 1, next: number + 1, sum: self.sum.wrapping_add(share(number)) };
    }
}

fn produce<P: Side, C: Side>(
    mut tx: Producer<'_, Item, Sides<P, C>>,
    me: u64,
    go_on: impl Fn(u64) -> bool,
) -> Seen {
    let mut dice = Dice::new(me);
    let mut seen = Seen::default();
    while go_on(seen.count) {
        let wanted = 1 + dice.roll(tx.capacity());
        let first = seen.next;
        let mut items = (first..).map(|number| item(me, number));
        let count = match dice.roll(6) {
            0 => tx.push_slice(&items.take(wanted).collect::<Vec<_>>()),
            1 => tx.push_iter(items.take(wanted)),
            2 => tx.try_claim(wanted).map_or(0, |mut grant| {
                grant.fill_from(items);
                grant.commit_all()
            }),
            3 => tx.try_claim_exact(wanted).map_or(0, |mut grant| {
                // All but the last; that one goes with a later form.
                grant.fill_from(items);
                grant.commit(wanted - 1)
            }),
            4 => {
                // Nothing comes of this one.
                if let Ok(mut grant) = tx.try_claim(1) {
                    grant.fill_from(items);
                }
                0
            }
            _ => usize::from(tx.try_push(items.next().unwrap()).is_ok()),
        };
        (first..first + count as u64).for_each(|number| seen.note(number));
        if count == 0 {
            thread::yield_now();
        }
    }
    seen
}

fn consume<P: Side, C: Looking>(
    mut rx: Consumer<'_, Item, Sides<P, C>>,
    seed: u64,
    producers: usize,
    over: impl Fn() -> bool,
) -> Vec<Seen> {
    let mut dice = Dice::new(seed);
    let mut seen = vec![Seen::default(); producers];
    let mut see = |item: &Item| {
        let (producer, number) = read(item);
        seen[producer].note(number);
    };
    let mut patience = None;
    loop {
        // Asked first: what was pushed before it was over is found after. Then there is an end to waiting, too.
        let last = over().then(|| patience.get_or_insert_with(Patience::new));
        let wanted = 1 + dice.roll(rx.capacity());
        let count = match dice.roll(4) {
            0 => rx.drain(wanted, |item| see(&item)),
            1 => rx.consume(wanted, &mut see),
            2 => {
                let mut out = vec![[0; 4]; wanted];
                let count = rx.pop_slice(&mut out);
                out[..count].iter().for_each(&mut see);
                count
            }
            _ => rx.try_pop().map_or(0, |item| {
                see(&item);
                1
            }),
        };
        if count == 0 {
            // Nothing, not even something that somebody is still writing or gave up.
            match last {
                Some(_) if rx.is_empty() => return seen,
                Some(patience) => patience.wait(),
                None => thread::yield_now(),
            }
        }
    }
}

fn stress<P: Side, C: Looking, const N: usize>(
    origin: usize,
    producers: Producers<P, C>,
    consumers: Consumers<P, C>,
    time: Duration,
) -> u64 {
    let mut ring = Ring::<Item, N, Sides<P, C>>::starting_at(origin);
    let (tx, rx) = ring.split();
    let (tx, rx) = (producers(tx), consumers(rx));
    let (producers, working) = (tx.len(), AtomicUsize::new(tx.len()));
    let (begun, stop) = (Instant::now(), AtomicBool::new(false));
    let (sent, received) = thread::scope(|scope| {
        let (working, stop) = (&working, &stop);
        let sent: Vec<_> = (0..)
            .zip(tx)
            .map(|(me, tx)| {
                scope.spawn(move || {
                    let enough =
                        |count: u64| if cfg!(miri) { count >= 12 } else { stop.load(Ordering::Relaxed) };
                    let seen = produce(tx, me, |count| !enough(count));
                    working.fetch_sub(1, Ordering::Release);
                    seen
                })
            })
            .collect();
        let received: Vec<_> = (100..)
            .zip(rx)
            .map(|(seed, rx)| {
                scope.spawn(move || consume(rx, seed, producers, || working.load(Ordering::Acquire) == 0))
            })
            .collect();
        while !cfg!(miri) && begun.elapsed() < time {
            thread::sleep(Duration::from_millis(5));
        }
        stop.store(true, Ordering::Relaxed);
        let sent: Vec<Seen> = sent.into_iter().map(|thread| thread.join().unwrap()).collect();
        let received: Vec<Vec<Seen>> = received.into_iter().map(|thread| thread.join().unwrap()).collect();
        (sent, received)
    });
    for (producer, sent) in sent.iter().enumerate() {
        let count: u64 = received.iter().map(|seen| seen[producer].count).sum();
        let sum = received.iter().fold(0_u64, |sum, seen| sum.wrapping_add(seen[producer].sum));
        assert_eq!((count, sum), (sent.count, sent.sum), "of producer {producer}: each item once");
    }
    let total = sent.iter().map(|seen| seen.count).sum();
    assert!(total > 0, "nothing moved");
    total
}

/// One arity, with rings that are small enough to be full and empty all the time, and one that is not.
fn stress_all<P: Side, C: Looking>(name: &str, producers: Producers<P, C>, consumers: Consumers<P, C>) {
    let seconds = std::env::var("ANNULET_STRESS_SECONDS").map_or(0.3, |seconds| seconds.parse().unwrap());
    let time = Duration::from_secs_f64(seconds / 3.0);
    let mut total = stress::<P, C, 2>(usize::MAX - 5, producers, consumers, time);
    if !cfg!(miri) {
        total += stress::<P, C, 8>(usize::MAX - 1000, producers, consumers, time);
        total += stress::<P, C, 64>(0, producers, consumers, time);
    }
    println!("{name}: {total} items");
}

#[test]
fn d15_stress_one_to_one() {
    stress_all::<Single, Single>("one to one", |tx| vec![tx], |rx| vec![rx]);
}

// With positions of eight bits, an end that is stopped for a lap of the integer while it claims comes a lap late, as is
// documented; a stress test stops ends for longer.
#[cfg(not(annulet_narrow))]
mod of_many {
    use annulet::ring::Multi;

    use super::*;

    /// Ends of each side of many.
    const MANY: usize = if cfg!(miri) { 2 } else { 4 };

    #[test]
    fn rv05_d04_d15_stress_many_to_one() {
        stress_all::<Multi, Single>("many to one", |tx| vec![tx; MANY], |rx| vec![rx]);
    }

    #[test]
    fn d05_d15_stress_one_to_many() {
        stress_all::<Single, Multi>("one to many", |tx| vec![tx], |rx| vec![rx; MANY]);
    }

    #[test]
    fn rm11_d15_stress_many_to_many() {
        stress_all::<Multi, Multi>("many to many", |tx| vec![tx; MANY], |rx| vec![rx; MANY]);
    }
}
