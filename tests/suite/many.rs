//! What only sides of many ends have: claims that others have gone past, given up or forgotten; cloned ends; answers
//! that are neither yes nor no.

use std::mem::forget;

use annulet::error::{ClaimError, PopError, PushError};
use annulet::ring::{Consumer, Multi, Producer, Ring, Side, Sides, Single};
use annulet::stats::Counts;
use annulet::{Mpmc, Mpsc, Spmc, Spsc};

use crate::items::{Counted, Ledger, boom, defuse};
use crate::rings::{Looking, RingUnderTest, Split, Take, drained, origins, pairs};

/// Runs a behaviour over every arity with many producers, or with many consumers.
macro_rules! over {
    ($($behaviour:ident $one:tt $two:tt;)*) => {$(
        #[test]
        fn $behaviour() {
            over!(@ $behaviour $one);
            over!(@ $behaviour $two);
        }
    )*};
    (@ $behaviour:ident ($producers:ident $consumers:ident)) => {
        behaviour::$behaviour::<Split<2, $producers, $consumers>>();
        if !cfg!(miri) {
            behaviour::$behaviour::<Split<4, $producers, $consumers>>();
            behaviour::$behaviour::<Split<8, $producers, $consumers>>();
        }
    };
}

over! {
    d09_a_claimed_slot_holds_back_what_is_after_it (Multi Single) (Multi Multi);
    d09_a_slot_being_read_is_not_free_and_the_ring_not_full (Single Multi) (Multi Multi);
    d18_slots_that_are_given_up_are_gone_past (Multi Single) (Multi Multi);
    e02_a_panicking_drop_leaves_no_slot_behind (Single Multi) (Multi Multi);
    e02_a_panicking_drop_in_an_aborted_grant_leaves_no_slot_behind (Multi Single) (Multi Multi);
    e03_a_panicking_handler_leaves_no_slot_behind (Single Multi) (Multi Multi);
    e09_an_aborted_grant_drops_what_is_in_it (Multi Single) (Multi Multi);
    e10_a_forgotten_grant_stops_the_ring_until_it_is_split_again (Multi Single) (Multi Multi);
    e10_a_forgotten_grant_is_given_up_with_the_next_one_or_its_producer (Multi Single) (Multi Multi);
    rm03_an_iterator_is_pushed_whatever_it_says_of_its_length (Multi Single) (Multi Multi);
    rm11_a_cloned_end_is_an_end (Multi Multi) (Multi Multi);
}

/// The sides of the ring that a marker type stands for.
trait Shape {
    const N: usize;
    type P: Side;
    type C: Looking;

    /// A ring that starts at `origin`, and holds nothing.
    fn play<T: 'static>(
        origin: usize,
        game: impl for<'r> FnOnce(
            Producer<'r, T, Sides<Self::P, Self::C>>,
            Consumer<'r, T, Sides<Self::P, Self::C>>,
        ),
    );

    /// The same ring over and over, its ends forgotten by whatever the game does.
    fn rounds<T: 'static>(
        origin: usize,
        rounds: usize,
        game: impl for<'r> FnMut(
            usize,
            Producer<'r, T, Sides<Self::P, Self::C>>,
            Consumer<'r, T, Sides<Self::P, Self::C>>,
        ),
    );
}

impl<const N: usize, P: Side, C: Looking> Shape for Split<N, P, C> {
    const N: usize = N;
    type P = P;
    type C = C;

    fn play<T: 'static>(
        origin: usize,
        game: impl for<'r> FnOnce(Producer<'r, T, Sides<P, C>>, Consumer<'r, T, Sides<P, C>>),
    ) {
        <Self as RingUnderTest>::play::<T, _>(origin, game);
    }

    fn rounds<T: 'static>(
        origin: usize,
        rounds: usize,
        game: impl for<'r> FnMut(usize, Producer<'r, T, Sides<P, C>>, Consumer<'r, T, Sides<P, C>>),
    ) {
        <Self as RingUnderTest>::rounds::<T>(origin, rounds, game);
    }
}

mod behaviour {
    use super::*;

    pub fn d09_a_claimed_slot_holds_back_what_is_after_it<W: Shape<P = Multi>>() {
        for origin in origins(W::N) {
            W::play::<usize>(origin, |mut slow, mut rx| {
                let mut tx = slow.clone();
                tx.try_push(0).unwrap();
                let mut held = slow.try_claim(1).unwrap();
                // Others go on, until the ring is full. Nobody waits for anybody.
                for number in 2..W::N {
                    tx.try_push(number).unwrap();
                }
                assert_eq!(tx.try_push(99), Err(PushError::Full(99)));
                assert_eq!(tx.try_claim_exact(1).unwrap_err(), ClaimError::Full { free: 0 });
                assert_eq!((tx.len(), rx.len()), (W::N, W::N));
                // The first item is there, the second is not, and that is not the same as none.
                assert_eq!(rx.try_pop(), Ok(0));
                assert_eq!(rx.try_pop(), Err(PopError::Pending));
                assert_eq!((rx.drain(9, |_| ()), rx.skip(9), rx.pop_slice(&mut [0; 9])), (0, 0, 0));
                held.push(1).unwrap();
                assert_eq!(rx.try_pop(), Err(PopError::Pending), "not committed");
                assert_eq!(held.commit_all(), 1);
                assert!(drained(&mut rx, W::N).into_iter().eq(1..W::N));
                assert_eq!(rx.try_pop(), Err(PopError::Empty));
            });
        }
    }

    pub fn d09_a_slot_being_read_is_not_free_and_the_ring_not_full<W: Shape<C = Multi>>() {
        for origin in origins(W::N) {
            W::play::<usize>(origin, |mut tx, mut slow| {
                let mut rx = slow.clone();
                assert_eq!(tx.push_iter(0..W::N), W::N);
                assert_eq!(tx.try_push(99), Err(PushError::Full(99)));
                slow.drain(1, |first| {
                    assert_eq!(first, 0);
                    // It has been taken, so the ring is not full; its slot is not free yet.
                    assert_eq!(tx.try_push(99), Err(PushError::Pending(99)));
                    assert_eq!(tx.try_claim(1).unwrap_err(), ClaimError::Pending);
                    assert_eq!(rx.try_pop(), Ok(1), "others go on");
                    assert_eq!(
                        tx.try_push(99),
                        Err(PushError::Pending(99)),
                        "the next slot is the first one"
                    );
                    assert_eq!(
                        tx.try_claim_exact(W::N - 1).unwrap_err(),
                        if W::N == 2 { ClaimError::Pending } else { ClaimError::Full { free: 0 } }
                    );
                });
                assert_eq!(tx.push_slice(&[7, 8, 9]), 2);
                assert!(drained(&mut rx, W::N).into_iter().eq((2..W::N).chain([7, 8])));
            });
        }
    }

    /// Every pattern of slots committed and given up.
    pub fn d18_slots_that_are_given_up_are_gone_past<W: Shape<P = Multi>>() {
        for origin in origins(W::N) {
            for pattern in 0..1_u32 << W::N {
                W::play::<usize>(origin, |tx, mut rx| {
                    let kept = |slot: &usize| pattern >> *slot & 1 == 1;
                    // Each grant by an end of its own, all at once, committed from the last to the first.
                    let mut ends: Vec<_> = (0..W::N).map(|_| tx.clone()).collect();
                    let grants: Vec<_> = ends.iter_mut().map(|tx| tx.try_claim(1).unwrap()).collect();
                    for (slot, mut grant) in grants.into_iter().enumerate().rev() {
                        grant.push(slot).unwrap();
                        if kept(&slot) {
                            assert_eq!(grant.commit_all(), 1);
                        }
                    }
                    let expected: Vec<usize> = (0..W::N).filter(kept).collect();
                    let mut seen = Vec::new();
                    // Runs end at the slots that were given up.
                    loop {
                        let before = seen.len();
                        match pattern % 3 {
                            0 => _ = rx.drain(W::N, |item| seen.push(item)),
                            1 => seen.extend(rx.try_pop()),
                            _ => drop(rx.consume(W::N, |number| seen.push(*number))),
                        }
                        if seen.len() == before {
                            break;
                        }
                    }
                    assert_eq!(seen, expected);
                    assert_eq!((rx.try_pop(), rx.len()), (Err(PopError::Empty), 0));
                    // A batch of which only the front is committed.
                    let mut tx = tx;
                    let mut grant = tx.try_claim_exact(W::N).unwrap();
                    grant.fill_with(|slot| slot);
                    let front = pattern as usize % W::N;
                    assert_eq!(grant.commit(front), front);
                    assert!(drained(&mut rx, W::N).into_iter().eq(0..front));
                    assert_eq!(rx.try_pop(), Err(PopError::Empty));
                    assert_eq!(tx.push_iter(0..W::N + 1), W::N, "all slots are free again");
                });
            }
        }
    }

    pub fn e02_a_panicking_drop_leaves_no_slot_behind<W: Shape<C = Multi>>() {
        for origin in origins(W::N) {
            for bomb in 0..W::N {
                for how in 0..3 {
                    let ledger = Ledger::new();
                    W::play::<Counted>(origin, |mut tx, mut rx| {
                        assert_eq!(tx.push_iter(ledger.items().take(W::N)), W::N);
                        ledger.arm(bomb);
                        let outcome = defuse(|| match how {
                            0 => drop(rx.skip(W::N)),
                            1 => drop(rx.drain(W::N, drop)),
                            _ => drop(rx.consume(W::N, |_| ())),
                        });
                        assert!(outcome.is_none(), "it went off");
                        assert_eq!(ledger.dropped(), W::N, "the others went all the same");
                        assert_eq!(tx.push_iter(ledger.items().take(W::N)), W::N, "every slot is free");
                    });
                    ledger.assert_all_dropped();
                }
            }
        }
    }

    pub fn e02_a_panicking_drop_in_an_aborted_grant_leaves_no_slot_behind<W: Shape<P = Multi>>() {
        for origin in origins(W::N) {
            for bomb in 0..W::N {
                for committed in [None, Some(0), Some(bomb)] {
                    let ledger = Ledger::new();
                    W::play::<Counted>(origin, |mut tx, mut rx| {
                        let mut grant = tx.try_claim_exact(W::N).unwrap();
                        assert_eq!(grant.fill_from(ledger.items()), W::N);
                        ledger.arm(bomb);
                        let outcome = defuse(|| match committed {
                            None => drop(grant),
                            Some(count) => drop(grant.commit(count)),
                        });
                        assert!(outcome.is_none(), "it went off");
                        ledger.assert_all_dropped();
                        assert!(matches!(rx.try_pop(), Err(PopError::Empty)), "nothing was handed over");
                        assert_eq!(tx.push_iter(ledger.items().take(W::N)), W::N, "every slot is free");
                    });
                    ledger.assert_all_dropped();
                }
            }
        }
    }

    pub fn e03_a_panicking_handler_leaves_no_slot_behind<W: Shape<C = Multi>>() {
        for origin in origins(W::N) {
            for (at, form) in pairs(0..W::N, [Take::Drain, Take::Consume]) {
                let ledger = Ledger::new();
                W::play::<Counted>(origin, |mut tx, mut rx| {
                    assert_eq!(tx.push_iter(ledger.items().take(W::N)), W::N);
                    let mut seen = 0;
                    let mut handle = || {
                        if seen == at {
                            boom();
                        }
                        seen += 1;
                    };
                    let outcome = defuse(|| match form {
                        Take::Drain => rx.drain(W::N, |_| handle()),
                        _ => rx.consume(W::N, |_| handle()),
                    });
                    assert_eq!((outcome, seen), (None, at));
                    assert_eq!(ledger.dropped(), W::N, "what was claimed with it is dropped");
                    assert_eq!((rx.len(), rx.try_pop().is_err()), (0, true));
                    assert_eq!(tx.push_iter(ledger.items().take(W::N)), W::N, "every slot is free");
                });
                ledger.assert_all_dropped();
            }
        }
    }

    pub fn e09_an_aborted_grant_drops_what_is_in_it<W: Shape<P = Multi>>() {
        for origin in origins(W::N) {
            for filled in 0..=W::N {
                let ledger = Ledger::new();
                W::play::<Counted>(origin, |mut tx, mut rx| {
                    let mut grant = tx.try_claim_exact(W::N).unwrap();
                    assert_eq!(grant.fill_from(ledger.items().take(filled)), filled);
                    drop(grant);
                    ledger.assert_all_dropped();
                    assert!(matches!(rx.try_pop(), Err(PopError::Empty)));
                    // And by a panic while it is filled, through the iterator form.
                    let mut left = filled;
                    let outcome = defuse(|| {
                        tx.push_iter((0..W::N).map(|_| {
                            left = left.checked_sub(1).unwrap_or_else(|| boom());
                            ledger.item()
                        }))
                    });
                    assert_eq!(outcome.is_some(), filled == W::N);
                    if filled < W::N {
                        ledger.assert_all_dropped();
                        assert!(matches!(rx.try_pop(), Err(PopError::Empty)), "it pushes nothing");
                    }
                });
                ledger.assert_all_dropped();
            }
        }
    }

    pub fn e10_a_forgotten_grant_stops_the_ring_until_it_is_split_again<W: Shape<P = Multi>>() {
        for origin in origins(W::N) {
            let ledger = Ledger::new();
            W::rounds::<Counted>(origin, 3, |round, mut tx, mut rx| {
                if round > 0 {
                    // What the last round left.
                    let left: Vec<Counted> = std::iter::from_fn(|| rx.try_pop().ok()).collect();
                    assert_eq!(left.len(), W::N - 1, "the others' items are there, its own are gone");
                    assert!(matches!(rx.try_pop(), Err(PopError::Empty)));
                    assert_eq!(tx.push_iter(ledger.items().take(W::N)), W::N, "every slot is there");
                    assert_eq!(rx.skip(W::N), W::N);
                }
                let mut grant = tx.try_claim_exact(1).unwrap();
                grant.push(ledger.item()).unwrap();
                forget(grant);
                for _ in 1..W::N {
                    tx.try_push(ledger.item()).unwrap();
                }
                assert!(matches!(tx.try_push(ledger.item()), Err(PushError::Full(_))));
                assert!(matches!(rx.try_pop(), Err(PopError::Pending)));
            });
            assert_eq!(
                ledger.alive().len(),
                3,
                "each forgotten grant leaked its item, and nothing else is lost"
            );
        }
    }

    pub fn e10_a_forgotten_grant_is_given_up_with_the_next_one_or_its_producer<W: Shape<P = Multi>>() {
        for origin in origins(W::N) {
            W::play::<usize>(origin, |mut tx, mut rx| {
                for next in 0..6 {
                    let mut slow = tx.clone();
                    forget(slow.try_claim(1).unwrap());
                    tx.try_push(next).unwrap();
                    assert_eq!(rx.try_pop(), Err(PopError::Pending));
                    match next % 3 {
                        0 => drop(slow.try_claim(0).unwrap()),
                        1 => assert_eq!(slow.push_iter([]), 0),
                        _ => drop(slow),
                    }
                    assert_eq!((rx.try_pop(), rx.try_pop()), (Ok(next), Err(PopError::Empty)));
                }
            });
        }
    }

    pub fn rm03_an_iterator_is_pushed_whatever_it_says_of_its_length<W: Shape<P = Multi>>() {
        for origin in origins(W::N) {
            for len in 0..=2 * W::N {
                W::play::<usize>(origin, |mut tx, mut rx| {
                    let fits = len.min(W::N);
                    // It says how long it is.
                    assert_eq!(tx.push_iter(0..len), fits);
                    assert_eq!(tx.is_full(), fits == W::N);
                    assert!(drained(&mut rx, W::N).into_iter().eq(0..fits));
                    // It says nothing, and takes nothing that it has no slot for.
                    let mut next = 0;
                    let unknown = std::iter::from_fn(|| {
                        next += 1;
                        (next <= len).then_some(next)
                    });
                    assert_eq!(tx.push_iter(unknown), fits);
                    let mut seen = Vec::new();
                    while let Ok(item) = rx.try_pop() {
                        seen.push(item);
                    }
                    assert!(seen.into_iter().eq(1..=fits));
                    assert_eq!(next, if len < W::N { len + 1 } else { W::N });
                    // It says too much: what was claimed for it is given up.
                    struct Boast<I>(I, usize);
                    impl<I: Iterator> Iterator for Boast<I> {
                        type Item = I::Item;
                        fn next(&mut self) -> Option<I::Item> {
                            self.0.next()
                        }
                        fn size_hint(&self) -> (usize, Option<usize>) {
                            (self.1, None)
                        }
                    }
                    assert_eq!(tx.push_iter(Boast(0..len, usize::MAX)), fits);
                    assert!(drained(&mut rx, W::N).into_iter().eq(0..fits));
                    assert_eq!(rx.try_pop(), Err(PopError::Empty));
                    assert_eq!(tx.push_iter(0..W::N), W::N, "every slot is there");
                });
            }
        }
    }

    pub fn rm11_a_cloned_end_is_an_end<W: Shape<P = Multi, C = Multi>>() {
        for origin in origins(W::N) {
            W::play::<usize>(origin, |mut one, mut rx| {
                for lap in 0..3 {
                    let mut two = one.clone();
                    // What one knows of the ring, the other has changed.
                    for number in 0..W::N {
                        let tx = if number % 2 == 0 { &mut one } else { &mut two };
                        tx.try_push(lap * 100 + number).unwrap();
                    }
                    assert_eq!(one.try_push(0), Err(PushError::Full(0)));
                    assert_eq!(two.try_push(0), Err(PushError::Full(0)));
                    drop(two);
                    let mut other = rx.clone();
                    for number in 0..W::N {
                        let rx = if number % 3 == 0 { &mut rx } else { &mut other };
                        assert_eq!(rx.try_pop(), Ok(lap * 100 + number));
                    }
                    assert_eq!((rx.try_pop(), other.try_pop()), (Err(PopError::Empty), Err(PopError::Empty)));
                }
            });
        }
    }
}

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

/// Every counter counts what it says, in every form, and nothing else.
#[test]
fn rv17_rm20_everything_is_counted() {
    counted::<Single, Single>();
    counted::<Multi, Single>();
    counted::<Single, Multi>();
    counted::<Multi, Multi>();
}

fn counted<P: Side, C: Side>() {
    let mut ring = Ring::<u32, 4, Sides<P, C, Counts>>::starting_at(usize::MAX - 1);
    assert_eq!(ring.stats(), Default::default());
    {
        let (mut tx, mut rx) = ring.split();
        tx.try_push(1).unwrap();
        assert_eq!(tx.push_slice(&[2, 3, 4, 5]), 3);
        assert!(tx.try_push(6).is_err());
        assert_eq!(tx.push_slice(&[6]), 0);
        assert!(tx.try_claim(1).is_err());
        assert_eq!(rx.try_pop(), Ok(1));
        assert_eq!(rx.drain(2, |_| ()), 2);
        assert_eq!(rx.skip(9), 1);
        assert!(rx.try_pop().is_err());
        assert_eq!((rx.drain(1, |_| ()), rx.skip(1), rx.pop_slice(&mut [0])), (0, 0, 0));
        let mut grant = tx.try_claim(2).unwrap();
        grant.fill_with(|i| i as u32);
        assert_eq!(grant.commit_all(), 2);
        drop(tx.try_claim(1));
        assert_eq!(rx.consume(9, |_| ()), 2);
        assert_eq!(tx.push_iter([7, 8]), 2);
        assert_eq!(rx.pop_slice(&mut [0; 9]), 2);
    }
    let (sent, received) = ring.stats();
    assert_eq!((sent.items, sent.batches, sent.largest), (8, 4, 3));
    assert_eq!((sent.refused, sent.pending, sent.contended), (3, 0, 0));
    assert_eq!((received.items, received.batches, received.largest), (8, 5, 2));
    assert_eq!((received.refused, received.pending, received.contended), (4, 0, 0));
    let shown = sent.to_string();
    assert!(shown.contains("8 items in 4 batches (largest 3), 3 refused"), "{shown}");
}

/// What moved something was not refused; and whoever has received an item finds it counted as sent.
#[test]
fn rm20_what_moves_something_is_not_refused() {
    let mut ring = Spsc::<u32, 4, Counts>::new();
    {
        let (mut tx, mut rx) = ring.split();
        assert_eq!(tx.push_iter(0..4), 4);
        assert_eq!(tx.push_iter(0..4), 0);
        assert_eq!(tx.push_iter(std::iter::empty()), 0);
        assert_eq!(rx.try_iter().take(2).sum::<u32>(), 1);
        assert_eq!(rx.drain(9, |_| ()), 2);
        assert_eq!(rx.try_pop(), Err(PopError::Empty));
    }
    let (sent, received) = ring.stats();
    assert_eq!((sent.items, sent.refused), (4, 1));
    assert_eq!((received.items, received.batches, received.refused), (4, 3, 1));

    let mut ring = Mpsc::<u32, 4, Counts>::new();
    let (mut tx, mut rx) = ring.split();
    let mut next = 0;
    let unsized_one = std::iter::from_fn(|| {
        next += 1;
        Some(next)
    });
    assert_eq!(tx.push_iter(unsized_one), 4);
    assert_eq!(tx.push_iter(0..1), 0);
    assert_eq!(rx.skip(9), 4);
    drop((tx, rx));
    assert_eq!(ring.stats().0.refused, 1);
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

/// Who is in the middle of something is counted apart from full and empty.
#[test]
fn rm20_pending_is_counted_apart() {
    let ring = Mpmc::<u32, 2, Counts>::new();
    let (mut tx, mut rx) = ring.try_split().unwrap();
    let (mut slow_tx, mut slow_rx) = (tx.clone(), rx.clone());
    let held = slow_tx.try_claim(1).unwrap();
    assert_eq!(rx.try_pop(), Err(PopError::Pending));
    drop(held);
    tx.try_push(1).unwrap();
    assert!(tx.try_push(2).is_err(), "the given up slot is still there");
    slow_rx.drain(1, |_| {
        assert_eq!(tx.try_push(2), Ok(()), "and gone past now");
        assert_eq!(tx.try_push(3), Err(PushError::Pending(3)));
    });
    let (sent, received) = ring.stats();
    assert_eq!((sent.items, sent.refused, sent.pending), (2, 1, 1));
    assert_eq!((received.items, received.refused, received.pending), (1, 0, 1));
    assert_eq!(
        size_of::<Spsc<u8, 1>>(),
        size_of::<Ring<u8, 1, Sides<Single, Single, annulet::stats::Off>>>()
    );
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
    assert_eq!((ring.stats().0.items, ring.stats().0.refused), (8, 0));
    assert_eq!(tx.push_iter(Growing(0, || ())), 0);
    assert_eq!(ring.stats().0.refused, 1);

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
