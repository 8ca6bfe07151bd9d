//! Histories of real threads, checked for linearizability against a bounded queue.
//!
//! Rounds of some operations by each of two or three threads, on an empty ring of two slots. Each operation is stamped
//! before and after by one shared clock. The checker looks for an order of all of them in which each happens at once
//! somewhere between its stamps, and has the answer that a queue of two would give (J. M. Wing and C. Gong, "Testing
//! and verifying concurrent objects", 1993; with G. Lowe's memory of states that were tried). `Pending` and
//! `Contended` are always allowed: they promise nothing about the queue, and move nothing.
//!
//! ANNULET_LINEAR_OPERATIONS: how many for each arity.

use std::collections::HashSet;
use std::hint;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Barrier, Mutex, PoisonError};
use std::thread;

use annulet::error::{PopError, PushError};
use annulet::ring::{Consumer, Producer, Ring, Side, Sides};

use crate::threads::Dice;

const CAPACITY: usize = 2;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Did {
    Pushed(u32),
    Full,
    Popped(u32),
    Empty,
}

#[derive(Clone, Copy, Debug)]
struct Operation {
    did: Did,
    from: u32,
    to: u32,
}

/// A queue of up to [`CAPACITY`] items, by value, so that it can be remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
struct Queue {
    items: [u32; CAPACITY],
    len: usize,
}

impl Queue {
    /// What it is after an operation, if that can have happened to it.
    fn after(mut self, did: Did) -> Option<Self> {
        match did {
            Did::Pushed(item) => {
                *self.items.get_mut(self.len)? = item;
                self.len += 1;
            }
            Did::Popped(item) => {
                if self.len == 0 || self.items[0] != item {
                    return None;
                }
                self.items.rotate_left(1);
                self.len -= 1;
                // One state has one form.
                self.items[self.len..].fill(0);
            }
            Did::Full if self.len < CAPACITY => return None,
            Did::Empty if self.len > 0 => return None,
            Did::Full | Did::Empty => {}
        }
        Some(self)
    }
}

/// True if there is an order in which all of it can have happened, one after the other.
fn is_linearizable(history: &[Operation]) -> bool {
    fn search(history: &[Operation], done: u64, queue: Queue, tried: &mut HashSet<(u64, Queue)>) -> bool {
        if done == (1 << history.len()) - 1 {
            return true;
        }
        if !tried.insert((done, queue)) {
            return false;
        }
        let left = |at: &usize| done >> at & 1 == 0;
        // Whatever is next began before any of the others was over.
        let first_over = (0..history.len()).filter(left).map(|at| history[at].to).min().unwrap();
        (0..history.len()).filter(left).any(|at| {
            history[at].from < first_over
                && queue
                    .after(history[at].did)
                    .is_some_and(|queue| search(history, done | 1 << at, queue, tried))
        })
    }
    assert!(history.len() < 64);
    search(history, 0, Queue::default(), &mut HashSet::new())
}

#[test]
fn d20_the_checker_knows_what_a_queue_does() {
    use Did::{Empty, Full, Popped, Pushed};
    let check = |history: &[(Did, u32, u32)]| {
        let history: Vec<Operation> =
            history.iter().map(|(did, from, to)| Operation { did: *did, from: *from, to: *to }).collect();
        is_linearizable(&history)
    };
    // One after the other.
    assert!(check(&[
        (Pushed(1), 0, 1),
        (Pushed(2), 2, 3),
        (Full, 4, 5),
        (Popped(1), 6, 7),
        (Popped(2), 8, 9)
    ]));
    assert!(check(&[(Empty, 0, 1), (Pushed(1), 2, 3), (Popped(1), 4, 5), (Empty, 6, 7)]));
    assert!(!check(&[(Pushed(1), 0, 1), (Pushed(2), 2, 3), (Popped(2), 4, 5)]), "out of order");
    assert!(!check(&[(Pushed(1), 0, 1), (Popped(1), 2, 3), (Popped(1), 4, 5)]), "twice");
    assert!(!check(&[(Pushed(1), 0, 1), (Empty, 2, 3)]), "lost");
    assert!(!check(&[(Popped(1), 0, 1), (Pushed(1), 2, 3)]), "before it was there");
    assert!(!check(&[(Pushed(1), 0, 1), (Full, 2, 3)]), "full too early");
    assert!(!check(&[(Pushed(1), 0, 1), (Pushed(2), 2, 3), (Pushed(3), 4, 5)]), "more than it holds");
    // At once: either order will do, but it must be one.
    assert!(check(&[(Pushed(1), 0, 9), (Pushed(2), 1, 8), (Popped(2), 10, 11), (Popped(1), 12, 13)]));
    assert!(check(&[(Pushed(1), 0, 9), (Empty, 1, 8), (Popped(1), 10, 11)]));
    assert!(check(&[(Pushed(1), 0, 3), (Popped(1), 1, 2), (Empty, 4, 5)]));
    assert!(!check(&[(Pushed(1), 0, 9), (Popped(1), 1, 8), (Popped(1), 2, 7)]));
    assert!(
        !check(&[(Pushed(1), 0, 9), (Pushed(2), 10, 11), (Popped(2), 1, 12), (Popped(1), 13, 14)]),
        "the first was over before the second began"
    );
}

/// Which ends a thread has.
struct Ends<'r, P: Side, C: Side> {
    tx: Option<Producer<'r, u32, Sides<P, C>>>,
    rx: Option<Consumer<'r, u32, Sides<P, C>>>,
}

impl<P: Side, C: Side> Ends<'_, P, C> {
    fn step(&mut self, item: u32, dice: &mut Dice, clock: &AtomicU32) -> Option<Operation> {
        let push = self.rx.is_none() || (self.tx.is_some() && dice.roll(2) == 0);
        let slow = dice.roll(if cfg!(miri) { 8 } else { 64 }) == 0;
        let from = clock.fetch_add(1, Ordering::SeqCst);
        if slow {
            // The others come in between, also where they have to share a processor.
            thread::yield_now();
        }
        let did = if push {
            match self.tx.as_mut()?.try_push(item) {
                Ok(()) => Some(Did::Pushed(item)),
                Err(PushError::Full(refused)) => {
                    assert_eq!(refused, item);
                    Some(Did::Full)
                }
                Err(_) => None,
            }
        } else {
            match self.rx.as_mut()?.try_pop() {
                Ok(item) => Some(Did::Popped(item)),
                Err(PopError::Empty) => Some(Did::Empty),
                Err(_) => None,
            }
        };
        let to = clock.fetch_add(1, Ordering::SeqCst);
        did.map(|did| Operation { did, from, to })
    }
}

/// Checks histories until one in a thousand has operations that were at once: threads that only took turns prove nothing.
fn histories<P: Side, C: Side>(
    name: &str,
    crowd: impl for<'r> Fn(&'r Ring<u32, CAPACITY, Sides<P, C>>) -> Vec<Ends<'r, P, C>>,
) {
    // One arity at a time: each has as many threads as there may be processors, or more.
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let (mut rounds, mut overlapping) = (0, 0);
    for _ in 0..20 {
        let (more, at_once) = some_histories(name, &crowd);
        rounds += more;
        overlapping += at_once;
        // Under Miri there are too few of them to be counted.
        if cfg!(miri) || overlapping * 1000 >= rounds {
            return;
        }
    }
    panic!("{name}: of {rounds} histories, only {overlapping} were of threads at once");
}

/// How many histories, and of these those in which some operations were at once.
fn some_histories<P: Side, C: Side>(
    name: &str,
    crowd: impl for<'r> Fn(&'r Ring<u32, CAPACITY, Sides<P, C>>) -> Vec<Ends<'r, P, C>>,
) -> (usize, usize) {
    let wanted: usize = std::env::var("ANNULET_LINEAR_OPERATIONS")
        .map_or(if cfg!(miri) { 36 } else { 100_000 }, |count| count.parse().unwrap());
    let each = 6;
    let ring = Ring::<u32, CAPACITY, Sides<P, C>>::starting_at(usize::MAX - 40);
    let crowd = crowd(&ring);
    let rounds = wanted.div_ceil(each * crowd.len());
    let many = crowd.len();
    let (clock, ready, barrier) = (AtomicU32::new(0), AtomicUsize::new(0), Barrier::new(many));
    let histories: Vec<Mutex<Vec<Operation>>> = (0..rounds).map(|_| Mutex::default()).collect();
    // The threads stay, so that they are all awake when a round begins.
    thread::scope(|scope| {
        for (me, mut ends) in crowd.into_iter().enumerate() {
            let (clock, ready, barrier, histories) = (&clock, &ready, &barrier, &histories);
            scope.spawn(move || {
                for (round, history) in histories.iter().enumerate() {
                    let mut dice = Dice::new((round * 7 + me) as u64);
                    barrier.wait();
                    ready.fetch_add(1, Ordering::Relaxed);
                    // At full speed first, so that they begin in the same moment if they can.
                    let mut spins = 0;
                    while ready.load(Ordering::Relaxed) < (round + 1) * many {
                        spins += 1;
                        if cfg!(miri) || spins > 1000 {
                            thread::yield_now();
                        } else {
                            hint::spin_loop();
                        }
                    }
                    let mine: Vec<Operation> = (0..each)
                        .filter_map(|number| ends.step((1 + me * 100 + number) as u32, &mut dice, clock))
                        .collect();
                    history.lock().unwrap().extend(mine);
                    barrier.wait();
                    // The last one has a receiving end. What is left belongs to the history, and makes the next one
                    // begin with an empty ring.
                    if me + 1 == many {
                        let tx = ends.tx.take();
                        while let Some(last) = ends.step(0, &mut dice, clock) {
                            history.lock().unwrap().push(last);
                            if last.did == Did::Empty {
                                break;
                            }
                        }
                        ends.tx = tx;
                    }
                }
            });
        }
    });
    let (mut checked, mut overlapping) = (0, 0);
    for (round, history) in histories.into_iter().enumerate() {
        let history = history.into_inner().unwrap();
        assert_eq!(history.last().map(|last| last.did), Some(Did::Empty), "nobody else was there");
        assert!(is_linearizable(&history), "{name}, round {round}: {history:#?}");
        checked += history.len();
        // Of one thread, or of threads that took turns, the operations would be in order.
        let at_once = |one: &Operation| history.iter().any(|two| one.from < two.from && two.from < one.to);
        overlapping += usize::from(history.iter().any(at_once));
    }
    println!(
        "{name}: {checked} operations in {rounds} histories, in {overlapping} of which some were at once"
    );
    (rounds, overlapping)
}

mod over {
    use super::*;
    #[cfg(not(annulet_narrow))]
    use annulet::ring::Multi;
    use annulet::ring::Single;

    /// Two ends of each side that can have them, one to a thread.
    macro_rules! apart {
        ($(
            $(#[$attribute:meta])*
            fn $test:ident: $name:literal, $p:ty, $c:ty, |$tx:ident, $rx:ident| $txs:expr, $rxs:expr;
        )*) => {$(
            $(#[$attribute])*
            #[test]
            fn $test() {
                histories::<$p, $c>($name, |ring| {
                    let ($tx, $rx) = ring.try_split().unwrap();
                    let producers = $txs.into_iter().map(|tx| Ends { tx: Some(tx), rx: None });
                    producers.chain($rxs.into_iter().map(|rx| Ends { tx: None, rx: Some(rx) })).collect()
                });
            }
        )*};
    }
    apart! {
        fn d20_one_to_one_is_linearizable: "one to one", Single, Single, |tx, rx| [tx], [rx];
        // As for the stress tests.
        #[cfg(not(annulet_narrow))]
        fn d20_many_to_one_is_linearizable: "many to one", Multi, Single, |tx, rx| [tx.clone(), tx], [rx];
        #[cfg(not(annulet_narrow))]
        fn d20_one_to_many_is_linearizable: "one to many", Single, Multi, |tx, rx| [tx], [rx.clone(), rx];
    }

    #[cfg(not(annulet_narrow))]
    #[test]
    fn d20_many_to_many_is_linearizable() {
        histories::<Multi, Multi>("many to many", |ring| {
            (0..3)
                .map(|_| {
                    let (tx, rx) = ring.try_split().unwrap();
                    Ends { tx: Some(tx), rx: Some(rx) }
                })
                .collect()
        });
    }
}
