//! Behaviours of every ring with a side of many ends: claims that others have gone past, given up or forgotten.

use std::mem::forget;

use annulet::error::{ClaimError, PopError, PushError};
use annulet::ring::{Multi, Side, Single};

use crate::items::{Counted, Ledger, all_dropped, boom, defuse};
use crate::rings::{Looking, RingUnderTest, Split, Take, drained, origins, pairs};

/// Runs a behaviour over every arity with many producers, or with many consumers: whatever the other side is.
macro_rules! over {
    ($($behaviour:ident)*) => {$(
        #[test]
        fn $behaviour() {
            over!(@ $behaviour Single);
            over!(@ $behaviour Multi);
        }
    )*};
    (@ $behaviour:ident $other:ident) => {
        behaviour::$behaviour::<2, $other>();
        if !cfg!(miri) {
            behaviour::$behaviour::<4, $other>();
            behaviour::$behaviour::<8, $other>();
        }
    };
}

over! {
    d09_a_claimed_slot_holds_back_what_is_after_it
    d09_a_slot_being_read_is_not_free_and_the_ring_not_full
    d18_slots_that_are_given_up_are_gone_past
    e02_a_panicking_drop_leaves_no_slot_behind
    e02_a_panicking_drop_in_an_aborted_grant_leaves_no_slot_behind
    e03_a_panicking_handler_leaves_no_slot_behind
    e09_an_aborted_grant_drops_what_is_in_it
    e10_a_forgotten_grant_stops_the_ring_until_it_is_split_again
    e10_a_forgotten_grant_is_given_up_with_the_next_one_or_its_producer
    rm03_an_iterator_is_pushed_whatever_it_says_of_its_length
}

mod behaviour {
    use super::*;

    pub fn d09_a_claimed_slot_holds_back_what_is_after_it<const N: usize, C: Looking>() {
        for origin in origins(N) {
            Split::<N, Multi, C>::play::<usize, _>(origin, |mut slow, mut rx| {
                let mut tx = slow.clone();
                tx.try_push(0).unwrap();
                let mut held = slow.try_claim(1).unwrap();
                // Others go on, until the ring is full. Nobody waits for anybody.
                for number in 2..N {
                    tx.try_push(number).unwrap();
                }
                assert_eq!(tx.try_push(99), Err(PushError::Full(99)));
                assert_eq!(tx.try_claim_exact(1).unwrap_err(), ClaimError::Full { free: 0 });
                assert_eq!((tx.len(), rx.len()), (N, N));
                // The first item is there, the second is not, and that is not the same as none.
                assert_eq!(rx.try_pop(), Ok(0));
                assert_eq!(rx.try_pop(), Err(PopError::Pending));
                assert_eq!((rx.drain(9, |_| ()), rx.skip(9), rx.pop_slice(&mut [0; 9])), (0, 0, 0));
                held.push(1).unwrap();
                assert_eq!(rx.try_pop(), Err(PopError::Pending), "not committed");
                assert_eq!(held.commit_all(), 1);
                assert!(drained(&mut rx, N).into_iter().eq(1..N));
                assert_eq!(rx.try_pop(), Err(PopError::Empty));
            });
        }
    }

    pub fn d09_a_slot_being_read_is_not_free_and_the_ring_not_full<const N: usize, P: Side>() {
        for origin in origins(N) {
            Split::<N, P, Multi>::play::<usize, _>(origin, |mut tx, mut slow| {
                let mut rx = slow.clone();
                assert_eq!(tx.push_iter(0..N), N);
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
                        tx.try_claim_exact(N - 1).unwrap_err(),
                        if N == 2 { ClaimError::Pending } else { ClaimError::Full { free: 0 } }
                    );
                });
                assert_eq!(tx.push_slice(&[7, 8, 9]), 2);
                assert!(drained(&mut rx, N).into_iter().eq((2..N).chain([7, 8])));
            });
        }
    }

    /// Every pattern of slots committed and given up.
    pub fn d18_slots_that_are_given_up_are_gone_past<const N: usize, C: Looking>() {
        for origin in origins(N) {
            for pattern in 0..1_u32 << N {
                Split::<N, Multi, C>::play::<usize, _>(origin, |tx, mut rx| {
                    let kept = |slot: &usize| pattern >> *slot & 1 == 1;
                    // Each grant by an end of its own, all at once, committed from the last to the first.
                    let mut ends: Vec<_> = (0..N).map(|_| tx.clone()).collect();
                    let grants: Vec<_> = ends.iter_mut().map(|tx| tx.try_claim(1).unwrap()).collect();
                    for (slot, mut grant) in grants.into_iter().enumerate().rev() {
                        grant.push(slot).unwrap();
                        if kept(&slot) {
                            assert_eq!(grant.commit_all(), 1);
                        }
                    }
                    let expected: Vec<usize> = (0..N).filter(kept).collect();
                    let mut seen = Vec::new();
                    // Runs end at the slots that were given up.
                    loop {
                        let before = seen.len();
                        match pattern % 3 {
                            0 => _ = rx.drain(N, |item| seen.push(item)),
                            1 => seen.extend(rx.try_pop()),
                            _ => drop(rx.consume(N, |number| seen.push(*number))),
                        }
                        if seen.len() == before {
                            break;
                        }
                    }
                    assert_eq!(seen, expected);
                    assert_eq!((rx.try_pop(), rx.len()), (Err(PopError::Empty), 0));
                    // A batch of which only the front is committed.
                    let mut tx = tx;
                    let mut grant = tx.try_claim_exact(N).unwrap();
                    grant.fill_with(|slot| slot);
                    let front = pattern as usize % N;
                    assert_eq!(grant.commit(front), front);
                    assert!(drained(&mut rx, N).into_iter().eq(0..front));
                    assert_eq!(rx.try_pop(), Err(PopError::Empty));
                    assert_eq!(tx.push_iter(0..N + 1), N, "all slots are free again");
                });
            }
        }
    }

    pub fn e02_a_panicking_drop_leaves_no_slot_behind<const N: usize, P: Side>() {
        for origin in origins(N) {
            for bomb in 0..N {
                for how in 0..3 {
                    all_dropped::<Split<N, P, Multi>>(origin, |ledger, mut tx, mut rx| {
                        assert_eq!(tx.push_iter(ledger.items().take(N)), N);
                        ledger.arm(bomb);
                        let outcome = defuse(|| match how {
                            0 => drop(rx.skip(N)),
                            1 => drop(rx.drain(N, drop)),
                            _ => drop(rx.consume(N, |_| ())),
                        });
                        assert!(outcome.is_none(), "it went off");
                        assert_eq!(ledger.dropped(), N, "the others went all the same");
                        assert_eq!(tx.push_iter(ledger.items().take(N)), N, "every slot is free");
                    });
                }
            }
        }
    }

    pub fn e02_a_panicking_drop_in_an_aborted_grant_leaves_no_slot_behind<const N: usize, C: Looking>() {
        for origin in origins(N) {
            for bomb in 0..N {
                for committed in [None, Some(0), Some(bomb)] {
                    all_dropped::<Split<N, Multi, C>>(origin, |ledger, mut tx, mut rx| {
                        let mut grant = tx.try_claim_exact(N).unwrap();
                        assert_eq!(grant.fill_from(ledger.items()), N);
                        ledger.arm(bomb);
                        let outcome = defuse(|| match committed {
                            None => drop(grant),
                            Some(count) => drop(grant.commit(count)),
                        });
                        assert!(outcome.is_none(), "it went off");
                        ledger.assert_all_dropped();
                        assert!(matches!(rx.try_pop(), Err(PopError::Empty)), "nothing was handed over");
                        assert_eq!(tx.push_iter(ledger.items().take(N)), N, "every slot is free");
                    });
                }
            }
        }
    }

    pub fn e03_a_panicking_handler_leaves_no_slot_behind<const N: usize, P: Side>() {
        for origin in origins(N) {
            for (at, form) in pairs(0..N, [Take::Drain, Take::Consume]) {
                all_dropped::<Split<N, P, Multi>>(origin, |ledger, mut tx, mut rx| {
                    assert_eq!(tx.push_iter(ledger.items().take(N)), N);
                    let mut seen = 0;
                    let mut handle = || {
                        if seen == at {
                            boom();
                        }
                        seen += 1;
                    };
                    let outcome = defuse(|| match form {
                        Take::Drain => rx.drain(N, |_| handle()),
                        _ => rx.consume(N, |_| handle()),
                    });
                    assert_eq!((outcome, seen), (None, at));
                    assert_eq!(ledger.dropped(), N, "what was claimed with it is dropped");
                    assert_eq!((rx.len(), rx.try_pop().is_err()), (0, true));
                    assert_eq!(tx.push_iter(ledger.items().take(N)), N, "every slot is free");
                });
            }
        }
    }

    pub fn e09_an_aborted_grant_drops_what_is_in_it<const N: usize, C: Looking>() {
        for origin in origins(N) {
            for filled in 0..=N {
                all_dropped::<Split<N, Multi, C>>(origin, |ledger, mut tx, mut rx| {
                    let mut grant = tx.try_claim_exact(N).unwrap();
                    assert_eq!(grant.fill_from(ledger.items().take(filled)), filled);
                    drop(grant);
                    ledger.assert_all_dropped();
                    assert!(matches!(rx.try_pop(), Err(PopError::Empty)));
                    // And by a panic while it is filled, through the iterator form.
                    let mut left = filled;
                    let outcome = defuse(|| {
                        tx.push_iter((0..N).map(|_| {
                            left = left.checked_sub(1).unwrap_or_else(|| boom());
                            ledger.item()
                        }))
                    });
                    assert_eq!(outcome.is_some(), filled == N);
                    if filled < N {
                        ledger.assert_all_dropped();
                        assert!(matches!(rx.try_pop(), Err(PopError::Empty)), "it pushes nothing");
                    }
                });
            }
        }
    }

    pub fn e10_a_forgotten_grant_stops_the_ring_until_it_is_split_again<const N: usize, C: Looking>() {
        for origin in origins(N) {
            let ledger = Ledger::new();
            Split::<N, Multi, C>::rounds::<Counted>(origin, 3, |round, mut tx, mut rx| {
                if round > 0 {
                    // What the last round left.
                    let left: Vec<Counted> = std::iter::from_fn(|| rx.try_pop().ok()).collect();
                    assert_eq!(left.len(), N - 1, "the others' items are there, its own are gone");
                    assert!(matches!(rx.try_pop(), Err(PopError::Empty)));
                    assert_eq!(tx.push_iter(ledger.items().take(N)), N, "every slot is there");
                    assert_eq!(rx.skip(N), N);
                }
                let mut grant = tx.try_claim_exact(1).unwrap();
                grant.push(ledger.item()).unwrap();
                forget(grant);
                for _ in 1..N {
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

    pub fn e10_a_forgotten_grant_is_given_up_with_the_next_one_or_its_producer<const N: usize, C: Looking>() {
        for origin in origins(N) {
            Split::<N, Multi, C>::play::<usize, _>(origin, |mut tx, mut rx| {
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

    pub fn rm03_an_iterator_is_pushed_whatever_it_says_of_its_length<const N: usize, C: Looking>() {
        for origin in origins(N) {
            for len in 0..=2 * N {
                Split::<N, Multi, C>::play::<usize, _>(origin, |mut tx, mut rx| {
                    let fits = len.min(N);
                    // It says how long it is.
                    assert_eq!(tx.push_iter(0..len), fits);
                    assert_eq!(tx.is_full(), fits == N);
                    assert!(drained(&mut rx, N).into_iter().eq(0..fits));
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
                    assert_eq!(next, if len < N { len + 1 } else { N });
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
                    assert!(drained(&mut rx, N).into_iter().eq(0..fits));
                    assert_eq!(rx.try_pop(), Err(PopError::Empty));
                    assert_eq!(tx.push_iter(0..N), N, "every slot is there");
                });
            }
        }
    }

    pub fn rm11_a_cloned_end_is_an_end<const N: usize>() {
        for origin in origins(N) {
            Split::<N, Multi, Multi>::play::<usize, _>(origin, |mut one, mut rx| {
                for lap in 0..3 {
                    let mut two = one.clone();
                    // What one knows of the ring, the other has changed.
                    for number in 0..N {
                        let tx = if number % 2 == 0 { &mut one } else { &mut two };
                        tx.try_push(lap * 100 + number).unwrap();
                    }
                    assert_eq!(one.try_push(0), Err(PushError::Full(0)));
                    assert_eq!(two.try_push(0), Err(PushError::Full(0)));
                    drop(two);
                    let mut other = rx.clone();
                    for number in 0..N {
                        let rx = if number % 3 == 0 { &mut rx } else { &mut other };
                        assert_eq!(rx.try_pop(), Ok(lap * 100 + number));
                    }
                    assert_eq!((rx.try_pop(), other.try_pop()), (Err(PopError::Empty), Err(PopError::Empty)));
                }
            });
        }
    }
}

#[test]
fn rm11_a_cloned_end_is_an_end() {
    behaviour::rm11_a_cloned_end_is_an_end::<2>();
    behaviour::rm11_a_cloned_end_is_an_end::<8>();
}
