//! Every item, in order, at every position: each form of putting in and taking out against the model.

use crate::items::{CountedUnit, Ledger};
use crate::model::Model;
use crate::rings::{
    GrantRx, GrantTx, Granting, Put, RingUnderTest, Rx, Take, Tx, lengths, origins, pairs, thin,
};
use annulet::error::ClaimError;

over_every_arity! {
    d11_three_laps_of_the_integer_equal_the_model
    d12_every_form_at_every_position_equals_the_model
    d14_zero_sized_items_are_counted
    rm03_a_slice_of_any_length_gives_a_count
    rv03_every_slot_is_used_and_positions_wrap
}

over_every_ring! {
    d10_a_held_read_grant_makes_full_exact
    d14_nothing_wanted_is_nothing_done
    d18_a_partial_commit_hands_over_exactly_that_many
    rm02_a_claim_is_contiguous_and_commits_no_more_than_was_filled
    rm02_a_grant_says_what_each_way_to_fill_it_has_added
    rm04_every_way_to_read_takes_what_it_says
    rv16_a_look_takes_nothing
    rv04_refusals_give_back_what_they_refuse
}

/// Plays one game for every origin, fill and length worth trying.
///
/// `game` gets the ends, a model that holds the same `fill` items, and the length.
fn everywhere<W: RingUnderTest>(
    mut game: impl for<'r> FnMut(&mut W::Tx<'r, u32>, &mut W::Rx<'r, u32>, &mut Model<u32>, usize),
) {
    let lengths_and_more = lengths(W::N).into_iter().chain([W::N + 1]);
    let cases = pairs(pairs(origins(W::N), lengths(W::N)), lengths_and_more);
    for ((origin, fill), length) in thin(101, cases) {
        W::play::<u32, _>(origin, |mut tx, mut rx| {
            let mut model = Model::new(W::N, origin);
            model.put(&mut tx, Put::One, fill, numbers());
            game(&mut tx, &mut rx, &mut model, length);
            // Whatever was done: the ring goes on, and everything comes out in order.
            model.put(&mut tx, Put::One, 1, numbers());
            model.take(&mut rx, Take::One, W::N + 1);
            model.put(&mut tx, Put::One, W::N + 1, numbers());
            model.take(&mut rx, Take::One, W::N + 1);
        });
    }
}

/// Numbers of which no two close together are equal.
fn numbers() -> impl FnMut() -> u32 {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    || NEXT.fetch_add(1, Ordering::Relaxed)
}

fn d12_every_form_at_every_position_equals_the_model<W: RingUnderTest>() {
    for &form in W::Tx::<'_, u32>::FORMS {
        everywhere::<W>(|tx, _, model, length| model.put(tx, form, length, numbers()));
    }
    for &form in W::Rx::<'_, u32>::FORMS {
        everywhere::<W>(|_, rx, model, length| model.take(rx, form, length));
    }
    // The copying forms, with the model's own slices.
    everywhere::<W>(|tx, _, model, length| {
        let slice: Vec<u32> = (0..length as u32).collect();
        let expected = length.min(model.free());
        assert_eq!(tx.push_slice(&slice), expected);
        model.push_all(slice[..expected].iter().copied());
        model.check_tx(tx);
    });
    everywhere::<W>(|_, rx, model, length| {
        let mut out = vec![u32::MAX; length];
        let expected = length.min(model.len());
        assert_eq!(rx.pop_slice(&mut out), expected);
        assert_eq!(out[..expected], model.pop_many(expected));
        assert!(out[expected..].iter().all(|item| *item == u32::MAX), "wrote past what it took");
        model.check_rx(rx);
    });
}

/// Whole laps of the position's integer where it has eight bits; past its end where it is wide.
fn d11_three_laps_of_the_integer_equal_the_model<W: RingUnderTest>() {
    let distance = match (cfg!(miri), cfg!(annulet_narrow)) {
        (true, _) => 2 * W::N + 8,
        (_, true) => 3 * 256,
        _ => 4 * W::N + 8,
    };
    let puts = W::Tx::<'_, u32>::FORMS;
    let takes = W::Rx::<'_, u32>::FORMS;
    for origin in origins(W::N) {
        W::play::<u32, _>(origin, |mut tx, mut rx| {
            let mut model = Model::new(W::N, origin);
            let (mut moved, mut step) = (0, 0);
            while moved < distance {
                // Lengths and forms in step with nothing, so that fills, wraps and forms meet in many ways.
                model.put(&mut tx, puts[step % puts.len()], 1 + step * 7 % (W::N + 1), numbers());
                let before = model.len();
                model.take(&mut rx, takes[step / 2 % takes.len()], 1 + step * 5 % (W::N + 1));
                moved += before - model.len();
                step += 1;
            }
        });
    }
}

fn rv03_every_slot_is_used_and_positions_wrap<W: RingUnderTest>() {
    W::play::<u32, _>(usize::MAX - 3, |mut tx, mut rx| {
        for lap in 0..if cfg!(miri) { 5 } else { 600 } {
            for item in 0..W::N as u32 {
                assert_eq!(tx.try_push(lap + item), Ok(()), "a slot is not usable");
            }
            assert_eq!(tx.try_push(0), Err(0));
            for item in 0..W::N as u32 {
                assert_eq!(rx.try_pop(), Some(lap + item));
            }
            assert_eq!(rx.try_pop(), None);
        }
    });
}

fn rv04_refusals_give_back_what_they_refuse<W: Granting<Box<u32>>>() {
    W::play::<Box<u32>, _>(usize::MAX, |mut tx, mut rx| {
        assert_eq!(rx.try_pop(), None);
        assert!(rx.try_read_grant(1).is_none());
        assert!(rx.try_read_grant_parts(W::N).is_none());
        assert_eq!(tx.put(Put::One, W::N, &mut (0..).map(Box::new)), W::N);
        assert_eq!(tx.try_push(Box::new(77)), Err(Box::new(77)), "the refused item comes back");
        assert_eq!(tx.try_claim(1).err(), Some(ClaimError::Full { free: 0 }));
        assert_eq!(tx.try_claim_exact(1).err(), Some(ClaimError::Full { free: 0 }));
        let (wanted, capacity) = (W::N + 1, W::N);
        assert_eq!(tx.try_claim_exact(wanted).err(), Some(ClaimError::TooLarge { wanted, capacity }));
        let (wanted, capacity) = (usize::MAX, W::N);
        assert_eq!(tx.try_claim_exact(wanted).err(), Some(ClaimError::TooLarge { wanted, capacity }));
        assert_eq!(rx.try_pop(), Some(Box::new(0)));
        // Exactly the one slot is free, and said to be.
        assert_eq!(tx.try_claim(usize::MAX).map(|grant| grant.len()), Ok(1));
        if W::N > 1 {
            assert_eq!(tx.try_claim_exact(W::N).err(), Some(ClaimError::Full { free: 1 }));
        }
        let mut grant = tx.try_claim_exact(1).unwrap();
        grant.push(Box::new(1)).unwrap();
        assert_eq!(grant.push(Box::new(88)).unwrap_err().into_inner(), Box::new(88));
    });
}

fn d14_nothing_wanted_is_nothing_done<W: Granting<u32>>() {
    for (origin, fill) in thin(3, pairs(origins(W::N), lengths(W::N))) {
        W::play::<u32, _>(origin, |mut tx, mut rx| {
            let mut model = Model::new(W::N, origin);
            model.put(&mut tx, Put::One, fill, numbers());
            for &form in W::Tx::<'_, u32>::FORMS {
                model.put(&mut tx, form, 0, numbers());
            }
            for &form in W::Rx::<'_, u32>::FORMS {
                model.take(&mut rx, form, 0);
            }
            assert_eq!(tx.push_slice(&[]), 0);
            assert_eq!(rx.pop_slice(&mut []), 0);
            // On a full ring and on an empty one too, an empty grant is granted.
            let mut grant = tx.try_claim(0).unwrap();
            assert!(grant.is_empty());
            assert_eq!(grant.push(9).unwrap_err().into_inner(), 9);
            assert_eq!((grant.uninit().len(), grant.copy_from(&[1, 2])), (0, 0));
            assert_eq!(grant.commit_all(), 0);
            assert_eq!(tx.try_claim_exact(0).unwrap().commit(5), 0);
            assert_eq!(rx.try_read_grant(0).unwrap().release(5), 0);
            assert_eq!(rx.try_read_grant_parts(0).unwrap().release_all(), 0);
            assert_eq!(rx.drain(0, |_| panic!("given an item")), 0);
            assert_eq!(rx.consume(0, |_| panic!("shown an item")), 0);
            model.check_tx(&tx);
            model.check_rx(&mut rx);
        });
    }
}

fn d14_zero_sized_items_are_counted<W: RingUnderTest>() {
    for origin in origins(W::N) {
        W::play::<(), _>(origin, |mut tx, mut rx| {
            let (puts, takes) = (W::Tx::<'_, ()>::FORMS, W::Rx::<'_, ()>::FORMS);
            for (put, take) in thin(7, pairs(puts.iter().copied(), takes.iter().copied())) {
                let mut model = Model::new(W::N, origin);
                // Where the slots end matters even if they have no size.
                for _ in 0..2 {
                    let room = model.free();
                    let count = tx.put(put, room, &mut std::iter::repeat_n((), room));
                    assert!(count == room || put == Put::Claim || put == Put::ClaimFill);
                    model.push_all(std::iter::repeat_n((), count));
                }
                model.check_tx(&tx);
                assert_eq!(model.free(), 0, "two claims are as much as one wrap");
                let mut left = W::N;
                while left > 0 {
                    let count = rx.take(take, left, &mut |()| ());
                    assert!(count > 0);
                    left -= count;
                }
                assert_eq!(rx.says(), (0, W::N, true, false));
            }
            assert_eq!(tx.push_slice(&vec![(); W::N + 1]), W::N);
            assert_eq!(rx.pop_slice(&mut vec![(); W::N + 1]), W::N);
        });
        let ledger = Ledger::new();
        let (first, second) = (W::N, W::N / 2);
        W::play::<CountedUnit, _>(origin, |mut tx, mut rx| {
            assert_eq!(tx.put(Put::Iter, first, &mut std::iter::repeat_with(|| ledger.unit())), first);
            assert_eq!(rx.take(Take::One, first, &mut |_| ()), first);
            assert_eq!(ledger.dropped(), first);
            assert_eq!(tx.put(Put::One, second, &mut std::iter::repeat_with(|| ledger.unit())), second);
        });
        assert_eq!(ledger.dropped(), first + second, "the ring drops what is left in it");
    }
}

fn d18_a_partial_commit_hands_over_exactly_that_many<W: Granting<u32>>() {
    let kept = lengths(W::N).into_iter().chain([W::N + 1, usize::MAX]);
    for ((origin, filled), kept) in thin(5, pairs(pairs(origins(W::N), lengths(W::N)), kept)) {
        W::play::<u32, _>(origin, |mut tx, mut rx| {
            let mut model = Model::new(W::N, origin);
            let mut grant = tx.try_claim_exact(W::N).unwrap();
            let items: Vec<u32> = std::iter::repeat_with(numbers()).take(filled).collect();
            assert_eq!(grant.fill_from(items.iter().copied()), filled);
            assert_eq!(grant.filled(), filled);
            let expected = kept.min(filled);
            assert_eq!(grant.commit(kept), expected);
            model.push_all(items[..expected].iter().copied());
            model.check_tx(&tx);
            model.check_rx(&mut rx);
            // And on the other side: a grant of everything, of which a part is released.
            let grant = rx.try_read_grant_parts(W::N);
            assert_eq!(grant.is_some(), expected > 0);
            let released = grant.map_or(0, |grant| grant.release(kept / 2));
            assert_eq!(released, expected.min(kept / 2));
            model.pop_many(released);
            model.check_rx(&mut rx);
            model.put(&mut tx, Put::One, W::N, numbers());
            model.take(&mut rx, Take::One, W::N);
        });
    }
}

fn d10_a_held_read_grant_makes_full_exact<W: Granting<u32>>() {
    for origin in origins(W::N) {
        W::play::<u32, _>(origin, |mut tx, mut rx| {
            let mut next = numbers();
            let first = next();
            tx.try_push(first).unwrap();
            let grant = rx.try_read_grant_parts(W::N).unwrap();
            let mut pushed = 0;
            while tx.try_push(next()).is_ok() {
                pushed += 1;
            }
            assert_eq!(pushed, W::N - 1, "everything but the slot that is lent out");
            assert_eq!((grant.len(), grant.items()), (1, &[first][..]), "what was lent did not change");
            assert_eq!(grant.release_all(), 1);
            assert_eq!((tx.try_push(1), tx.try_push(2)), (Ok(()), Err(2)));
        });
    }
}

/// A claim says what is the case, and not just no: an empty grant for nothing wanted,
/// fewer slots (`try_claim`) or `TooLarge` (`try_claim_exact`) for more than there are. That a grant is committed
/// once is in its type: `commit` takes it (`tests/ui`).
fn rm02_a_claim_is_contiguous_and_commits_no_more_than_was_filled<W: Granting<u32>>() {
    everywhere::<W>(|tx, _, model, length| {
        let (run, free) = (model.free_run(), model.free());
        match tx.try_claim(length) {
            Err(error) => {
                assert!(free == 0 && length > 0);
                assert_eq!(error, ClaimError::Full { free: 0 });
            }
            Ok(mut grant) => {
                assert_eq!(grant.len(), length.min(run));
                let (first, second) = grant.uninit_parts();
                assert_eq!((first.len(), second.len()), (length.min(run), 0));
                // Half of it is filled. The commit of more hands over that half.
                let half: Vec<u32> = (0..length.min(run) as u32 / 2).collect();
                assert_eq!(grant.copy_from(&half), half.len());
                assert_eq!(grant.uninit().len(), length.min(run) - half.len());
                assert_eq!(grant.commit(usize::MAX), half.len());
                model.push_all(half);
            }
        }
        model.check_tx(tx);
        let (run, free) = (model.free_run(), model.free());
        if let Ok(mut grant) = tx.try_claim_exact(length) {
            let (first, second) = grant.uninit_parts();
            assert_eq!((first.len(), second.len()), (length.min(run), length - length.min(run)));
        } else {
            assert!(length > free);
        }
        // An aborted claim leaves the ring as it was.
        model.check_tx(tx);
    });
}

/// Of a grant that has something already, each way to fill it says what it has added.
fn rm02_a_grant_says_what_each_way_to_fill_it_has_added<W: Granting<u32>>() {
    for origin in origins(W::N) {
        W::play::<u32, _>(origin, |mut tx, mut rx| {
            let all: Vec<u32> = (0..W::N as u32).collect();
            let middle = 1 + (W::N - 1) / 2;
            let mut grant = tx.try_claim_exact(W::N).unwrap();
            assert!(!grant.is_empty());
            grant.push(all[0]).unwrap();
            assert_eq!(grant.fill_from(all[1..middle].iter().copied()), middle - 1);
            assert_eq!(grant.copy_from(&all[middle..]), W::N - middle);
            assert_eq!((grant.fill_from([77]), grant.copy_from(&[77]), grant.filled()), (0, 0, W::N));
            assert_eq!(grant.commit_all(), W::N);
            let grant = rx.try_read_grant_parts(W::N).unwrap();
            assert!(!grant.is_empty() && grant.iter().eq(&all));
            drop(grant);
            assert!(rx.try_read_grant(0).unwrap().is_empty());
        });
    }
}

fn rm03_a_slice_of_any_length_gives_a_count<W: RingUnderTest>() {
    for length in thin(2, [0, 1, W::N + 1, W::N - 1, 3 * W::N + 1, W::N]) {
        everywhere::<W>(|tx, rx, model, taken| {
            model.take(rx, Take::One, taken);
            let slice: Vec<u32> = std::iter::repeat_with(numbers()).take(length).collect();
            let expected = length.min(model.free());
            assert_eq!(tx.push_slice(&slice), expected);
            model.push_all(slice[..expected].iter().copied());
            model.check_rx(rx);
        });
    }
}

/// `readable` and `advance`, `peek`, `peek_many`, `recv`, `try_recv`, `drain`, `skip`, `consume_batch`,
/// `consume_up_to`, count-only, and the iterator with an explicit finish, under the names they have here. What
/// panicking handlers consume is in `drops`.
fn rm04_every_way_to_read_takes_what_it_says<W: Granting<u32>>() {
    everywhere::<W>(|_, rx, model, length| {
        // A look at a part, in place; nothing is consumed by letting go of it.
        if let Some(grant) = rx.try_read_grant(length) {
            assert_eq!(grant.len(), model.yields(Take::Read, length));
            assert!(grant.iter().eq(model.items().take(grant.len())));
        }
        model.check_rx(rx);
        if let Some(grant) = rx.try_read_grant_parts(length) {
            let (first, second) = grant.parts();
            assert_eq!(first.len(), length.min(model.item_run()));
            assert_eq!(first.len() + second.len(), length.min(model.len()));
            assert!(first.iter().chain(second).eq(model.items().take(length)));
            // Advancing by less than was readable.
            let count = grant.release(length / 2);
            assert_eq!(count, model.pop_many((length / 2).min(model.len())).len());
        }
        model.check_rx(rx);
        let some = length.div_ceil(3);
        let mut taken: Vec<u32> = Vec::new();
        assert_eq!(rx.drain(some, |item| taken.push(item)), taken.len());
        assert_eq!(taken, model.pop_many(some.min(length).min(model.len())));
        model.check_rx(rx);
        let mut shown = Vec::new();
        let count = rx.consume(some, |item| shown.push(*item));
        assert_eq!(shown, model.pop_many(some.min(model.len())));
        assert_eq!(count, shown.len());
        model.check_rx(rx);
        // Everything there is, counting only.
        assert_eq!(rx.skip(usize::MAX), model.len());
        model.pop_many(model.len());
        model.check_rx(rx);
        assert_eq!(rx.consume(usize::MAX, |_| panic!("there is none")), 0);
    });
}

fn rv16_a_look_takes_nothing<W: Granting<u32>>() {
    everywhere::<W>(|tx, rx, model, _| {
        for _ in 0..3 {
            model.check_rx(rx);
            model.check_tx(tx);
        }
        // A look sees what came after the last look.
        let before = model.len();
        model.put(tx, Put::One, 1, numbers());
        let mut seen = 0;
        rx.look(&mut |_| seen += 1);
        assert_eq!(seen, (before + 1).min(W::N));
        model.check_rx(rx);
    });
}
