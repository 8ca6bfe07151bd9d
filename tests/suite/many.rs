//! What only sides of many ends have, ring by ring: ends that come and go, and answers that are neither yes nor no.

use std::mem::forget;

use annulet::error::{PopError, PushError};
use annulet::ring::{Consumer, Multi, Ring, Side, Sides, Single};
use annulet::stats::Counts;
use annulet::{Mpmc, Mpsc, Spmc};

use crate::rings::drained;

/// An end of a single side is there once; one of many, as often as it is asked for.
#[test]
fn rv13_a_side_of_many_has_ends_for_everybody() {
    let ring = Mpsc::<u8, 4>::new();
    let (mut one, mut two) = (ring.try_producer().unwrap(), ring.try_producer().unwrap());
    let mut rx = ring.try_consumer().unwrap();
    assert!(ring.try_consumer().is_none() && ring.try_split().is_none());
    one.try_push(1).unwrap();
    two.try_push(2).unwrap();
    assert!(rx.iter().eq(&[1, 2]));
    drop((one, rx));
    let (mut three, mut rx) = ring.try_split().unwrap();
    three.try_push(3).unwrap();
    assert!(drained(&mut rx, 4).into_iter().eq([1, 2, 3]));
    drop((rx, three));

    let ring = Spmc::<u8, 4>::new();
    let (mut tx, mut one) = ring.try_split().unwrap();
    let mut two = ring.try_consumer().unwrap();
    assert!(ring.try_producer().is_none());
    tx.push_slice(&[1, 2]);
    assert_eq!((two.try_pop(), one.try_pop()), (Ok(1), Ok(2)));
    drop(tx);
    assert!(ring.try_producer().is_some() && ring.try_split().is_some());

    let ring = Mpmc::<u8, 4>::new();
    let ends: Vec<_> = (0..9).map(|_| ring.try_split().unwrap()).collect();
    assert_eq!(ends.len(), 9);
}

/// A look at many producers' items ends where one of them is still writing.
#[test]
fn rv16_a_look_ends_at_what_is_being_written() {
    let mut ring = Mpsc::<u8, 8>::new();
    let (mut tx, mut rx) = ring.split();
    let mut slow = tx.clone();
    tx.push_slice(&[1, 2]);
    let mut held = slow.try_claim(1).unwrap();
    tx.try_push(4).unwrap();
    assert!(rx.iter().eq(&[1, 2]));
    assert_eq!(rx.try_read_grant(9).unwrap().release_all(), 2);
    assert_eq!(rx.peek(), None);
    assert_eq!(rx.try_read_grant(1).unwrap_err(), PopError::Pending);
    held.push(3).unwrap();
    held.commit_all();
    assert!(rx.try_read_grant_parts(9).unwrap().iter().eq(&[3, 4]));
    // And goes past what was given up.
    assert!(rx.try_pop().is_ok());
    assert!(rx.try_pop().is_ok());
    drop(slow.try_claim(3));
    assert_eq!(rx.peek(), None);
    tx.try_push(5).unwrap();
    assert_eq!(rx.peek(), Some(&5));
}

/// The last of the kept ends takes the ring with it, and what is in it.
#[cfg(feature = "alloc")]
#[test]
fn e07_cloned_ends_keep_their_ring() {
    use std::sync::Arc;
    let item = Arc::new(());
    let (mut tx, rx) = Mpmc::<Arc<()>, 4>::new_split();
    let mut other = tx.clone();
    let last = rx.clone();
    tx.try_push(Arc::clone(&item)).unwrap();
    drop((tx, rx));
    other.try_push(Arc::clone(&item)).unwrap();
    // A slot given up, and one forgotten, hold nothing to drop.
    drop(other.try_claim(1));
    forget(other.try_claim(1));
    drop(other);
    assert_eq!(Arc::strong_count(&item), 3);
    drop(last);
    assert_eq!(Arc::strong_count(&item), 1);
}

fn zeroed<T, const N: usize, P: Side, C: Side>() {
    let bytes = size_of::<Ring<T, N, Sides<P, C>>>();
    // SAFETY: all-zero memory is an empty ring, which is what this test is about.
    let ring = unsafe { std::mem::MaybeUninit::<Ring<T, N, Sides<P, C>>>::zeroed().assume_init() };
    let (tx, mut rx) = ring.try_split().unwrap();
    assert_eq!((tx.len(), rx.skip(9), bytes % align_of_val(&ring)), (0, 0, 0));
    drop((tx, rx));
}

#[test]
fn rv01_zeroed_memory_is_an_empty_ring_of_every_arity() {
    zeroed::<u32, 4, Multi, Single>();
    zeroed::<u32, 4, Single, Multi>();
    zeroed::<String, 8, Multi, Multi>();
    static SHARED: Mpmc<u32, 8> = Mpmc::new();
    let (mut tx, mut rx) = SHARED.try_split().unwrap();
    tx.try_push(1).unwrap();
    assert_eq!(rx.try_pop(), Ok(1));
}

/// The one consumer is nobody's rival, however many slots are given up before it.
#[test]
fn d09_a_single_consumer_is_never_contended() {
    let mut ring = Mpsc::<u32, 1>::new();
    let (tx, mut rx) = ring.split();
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            let (mut tx, stop) = (tx.clone(), &stop);
            scope.spawn(move || {
                while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                    drop(tx.try_claim(1));
                    if cfg!(miri) {
                        std::thread::yield_now();
                    }
                }
            });
        }
        for _ in 0..if cfg!(miri) { 30 } else { 200_000 } {
            let answer = rx.try_pop();
            if answer == Err(PopError::Contended) {
                stop.store(true, std::sync::atomic::Ordering::Relaxed);
                panic!("Contended, to the only consumer");
            }
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    });
}

/// Where positions are narrow, an end can sleep for a lap of the integer. What it knew of the other side then looks new,
/// and is not: it must look again, or it takes a slot that is not free, or an item that is not there.
#[test]
#[cfg(annulet_narrow)]
fn d11_an_end_that_slept_for_a_lap_of_the_integer_knows_nothing() {
    const LAP: usize = 256;
    for origin in 0..LAP {
        // A producer that knows of free slots. The one consumer tells of all of them at once.
        let mut ring = Mpsc::<usize, 4>::starting_at(origin);
        let (mut tx, mut rx) = ring.split();
        let mut sleeper = tx.clone();
        sleeper.try_push(0).unwrap();
        for number in 1..=LAP {
            if number >= 4 {
                assert_eq!(rx.try_pop(), Ok(number - 4));
            }
            tx.try_push(number).unwrap();
        }
        assert_eq!(sleeper.try_push(999), Err(PushError::Full(999)));
        assert!(drained(&mut rx, 9).into_iter().eq(LAP - 3..=LAP));

        // A consumer that knows of items. The one producer tells of all of them at once.
        let mut ring = Spmc::<usize, 4>::starting_at(origin);
        let (mut tx, mut rx) = ring.split();
        let mut sleeper = rx.clone();
        assert_eq!(tx.push_iter(0..4), 4);
        assert_eq!(sleeper.try_pop(), Ok(0));
        for number in 4..LAP + 1 {
            assert_eq!(rx.try_pop(), Ok(number - 3));
            tx.try_push(number).unwrap();
        }
        assert_eq!(rx.skip(9), 3);
        // As many items as a lap has went by since, and none is there.
        assert_eq!(sleeper.try_pop(), Err(PopError::Empty));
    }
}

/// What is claimed at once is handed over together: whoever sees the first item sees all.
#[test]
fn rm03_a_batch_is_seen_whole_or_not_at_all() {
    let mut ring = Mpsc::<usize, 4>::new();
    let (mut tx, mut rx) = ring.split();
    let rounds = if cfg!(miri) { 30 } else { 5_000 };
    std::thread::scope(|scope| {
        scope.spawn(move || {
            for round in 0..rounds {
                while tx.push_slice(&[round; 4]) == 0 {
                    std::thread::yield_now();
                }
            }
        });
        for round in 0..rounds {
            let mut count = 0;
            while count == 0 {
                std::thread::yield_now();
                count = rx.drain(4, |item| assert_eq!(item, round));
            }
            assert_eq!(count, 4, "a part of batch {round}");
        }
    });
}

/// A consumer that others have gone past, by more than a lap, says what is the case where they are.
#[test]
fn rm11_a_consumer_that_was_passed_by_is_neither_pending_nor_lost() {
    let mut ring = Mpmc::<u32, 2>::new();
    let (mut tx, mut rx) = ring.split();
    for laps in 1..6 {
        let mut late = rx.clone();
        for item in 0..2 * laps {
            tx.try_push(item).unwrap();
            assert_eq!(rx.try_pop(), Ok(item));
        }
        assert_eq!(late.try_pop(), Err(PopError::Empty), "{laps} laps later");
        let mut late = rx.clone();
        for item in 0..2 * laps {
            tx.try_push(item).unwrap();
            assert_eq!(rx.try_pop(), Ok(item));
        }
        tx.try_push(99).unwrap();
        assert_eq!(late.try_pop(), Ok(99));
    }
}

/// An iterator is pushed for a lap at most, though items are taken out meanwhile; and what moved something was not refused.
#[test]
fn rm03_an_iterator_is_pushed_for_a_lap_at_most() {
    /// Says that it has one item at first, and then many; takes an item out for each that it gives.
    struct Growing<F>(usize, F);
    impl<F: FnMut()> Iterator for Growing<F> {
        type Item = usize;
        fn next(&mut self) -> Option<usize> {
            (self.1)();
            self.0 += 1;
            Some(self.0)
        }
        fn size_hint(&self) -> (usize, Option<usize>) {
            (if self.0 == 0 { 1 } else { 9 }, None)
        }
    }

    let ring = Mpsc::<usize, 4, Counts>::new();
    let (mut tx, mut rx) = ring.try_split().unwrap();
    assert_eq!(tx.push_iter(Growing(0, || _ = rx.try_pop())), 4);
    rx.skip(9);
    tx.try_push(0).unwrap();
    assert_eq!(tx.push_iter(Growing(0, || ())), 3);
    assert_eq!((ring.stats().producers.items, ring.stats().producers.refused), (8, 0));
    assert_eq!(tx.push_iter(Growing(0, || ())), 0);
    assert_eq!(ring.stats().producers.refused, 1);

    /// The same, which takes everything out whenever it is asked how many it has.
    struct Emptying<'r, 'a>(
        usize,
        std::cell::RefCell<&'r mut Consumer<'a, usize, Sides<Multi, Single, Counts>>>,
    );
    impl Iterator for Emptying<'_, '_> {
        type Item = usize;
        fn next(&mut self) -> Option<usize> {
            self.0 += 1;
            Some(self.0)
        }
        fn size_hint(&self) -> (usize, Option<usize>) {
            self.1.borrow_mut().skip(9);
            (if self.0 == 0 { 1 } else { 9 }, None)
        }
    }
    assert_eq!(tx.push_iter(Emptying(0, std::cell::RefCell::new(&mut rx))), 4);
}

/// A split gives back every slot that a forgotten end has claimed, up to the last, and no slot that has an item.
#[test]
fn e10_a_split_gives_back_what_was_claimed_and_nothing_else() {
    for origin in [0, usize::MAX - 2, usize::MAX] {
        for items in 0..=4 {
            let mut ring = Mpmc::<usize, 4>::starting_at(origin);
            let (mut tx, rx) = ring.split();
            assert_eq!(tx.push_iter(0..items), items);
            if items < 4 {
                forget(tx.try_claim_exact(4 - items).unwrap());
            }
            drop((tx, rx));
            let (mut tx, mut rx) = ring.split();
            assert_eq!(tx.try_push(9), Err(PushError::Full(9)), "those given up are still to be gone past");
            assert!(drained(&mut rx, 4).into_iter().eq(0..items));
            assert_eq!(rx.try_pop(), Err(PopError::Empty));
            assert_eq!(tx.push_iter(0..9), 4);
        }
    }
}
