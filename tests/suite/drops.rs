//! Every item is dropped exactly once, whatever happens: on every path, when a `Drop` panics, when your code does.

use crate::items::{Counted, Ledger, boom, defuse};
use crate::rings::{
    GrantRx, GrantTx, Granting, Put, RingUnderTest, Rx, Take, Tx, lengths, origins, pairs, thin,
};

over_every_arity! {
    e01_items_are_dropped_once_on_every_path
    e02_a_panicking_drop_when_the_ring_goes
}

over_every_ring! {
    e01_grants_drop_what_they_do_not_hand_over
    e02_a_panicking_drop_while_items_are_discarded
    e02_a_panicking_drop_while_items_are_drained
    e02_a_panicking_drop_in_a_grant
    e03_a_panic_while_a_grant_is_filled_hands_over_nothing
    e03_a_panic_in_an_iterator_pushes_nothing
    e03_a_panicking_handler_consumes_exactly_what_it_finished
    e09_an_uncommitted_grant_drops_what_is_in_it
}

/// Fills, empties and fills the ring once more, so that every slot is used again; then empties it.
fn still_usable<T>(tx: &mut impl Tx<T>, rx: &mut impl Rx<T>, mut item: impl FnMut() -> T) {
    let (_, capacity, ..) = rx.says();
    rx.take(Take::One, capacity, &mut |_| ());
    for _ in 0..2 {
        assert_eq!(tx.put(Put::One, capacity, &mut std::iter::repeat_with(&mut item)), capacity);
        assert_eq!(rx.take(Take::One, capacity, &mut |_| ()), capacity);
    }
}

fn numbers(items: impl IntoIterator<Item = usize>) -> Vec<u32> {
    items.into_iter().map(|number| number as u32).collect()
}

fn e01_items_are_dropped_once_on_every_path<W: RingUnderTest>() {
    let (puts, takes) = (W::Tx::<'_, Counted>::FORMS, W::Rx::<'_, Counted>::FORMS);
    let forms: Vec<(Put, Take)> = pairs(puts.iter().copied(), takes.iter().copied()).collect();
    for ((origin, taken), (put, take)) in thin(17, pairs(pairs(origins(W::N), lengths(W::N)), forms)) {
        let ledger = Ledger::new();
        W::play::<Counted, _>(origin, |mut tx, mut rx| {
            // Two goes, because a contiguous claim ends at the wrap.
            tx.put(put, W::N, &mut ledger.items());
            let room = W::N - ledger.made();
            tx.put(put, room, &mut ledger.items());
            assert_eq!(ledger.made(), W::N);
            assert_eq!(ledger.dropped(), 0, "{put:?} dropped an item on the way in");
            let count = rx.take(take, taken, &mut |item| {
                assert!(ledger.is_alive(item), "{take:?} shows a dropped item");
            });
            assert_eq!(ledger.alive(), numbers(count..W::N), "{take:?} drops what it takes");
            // What was taken out makes room, and no more than that.
            assert_eq!(tx.put(put, count + 1, &mut ledger.items()), ledger.made() - W::N);
            tx.put(Put::One, W::N, &mut ledger.items());
            assert_eq!(ledger.made(), W::N + count, "{put:?} took an item without a slot");
        });
        // What was left went with the ring.
        ledger.assert_all_dropped();
    }
}

fn e01_grants_drop_what_they_do_not_hand_over<W: Granting<Counted>>() {
    for ((origin, filled), kept) in thin(5, pairs(pairs(origins(W::N), lengths(W::N)), lengths(W::N))) {
        let ledger = Ledger::new();
        W::play::<Counted, _>(origin, |mut tx, mut rx| {
            let mut grant = tx.try_claim_exact(W::N).unwrap();
            assert_eq!(grant.fill_from(ledger.items().take(filled)), filled);
            let kept = grant.commit(kept);
            assert_eq!(ledger.alive(), numbers(0..kept), "the surplus is dropped");
            // Items stay when a read grant is dropped, and when it is released in part.
            if let Some(grant) = rx.try_read_grant_parts(W::N) {
                drop(grant);
                assert_eq!(ledger.alive(), numbers(0..kept));
                let released = rx.try_read_grant_parts(W::N).unwrap().release(kept / 2);
                assert_eq!(ledger.alive(), numbers(released..kept));
            }
            still_usable(&mut tx, &mut rx, || ledger.item());
        });
        ledger.assert_all_dropped();
    }
}

/// Every origin and fill of a ring of `n`, and every item of it as the one at which something panics.
fn cases(n: usize) -> impl Iterator<Item = (usize, (usize, usize))> {
    let items = move |fill| if n <= 8 { (0..fill).collect() } else { lengths(fill) };
    let bombs: Vec<(usize, usize)> = lengths(n)
        .into_iter()
        .flat_map(|fill| {
            items(fill).into_iter().filter(move |bomb| *bomb < fill).map(move |bomb| (fill, bomb))
        })
        .collect();
    thin(3, pairs(origins(n), bombs))
}

fn e02_a_panicking_drop_when_the_ring_goes<W: RingUnderTest>() {
    for (origin, (fill, bomb)) in cases(W::N) {
        let ledger = Ledger::new();
        let went_off = defuse(|| {
            W::play::<Counted, _>(origin, |mut tx, _rx| {
                tx.put(Put::One, fill, &mut ledger.items());
                ledger.arm(bomb);
            });
        });
        assert!(went_off.is_none(), "the panic comes through");
        ledger.assert_all_dropped();
    }
}

fn e02_a_panicking_drop_while_items_are_discarded<W: Granting<Counted>>() {
    for (origin, (fill, bomb)) in cases(W::N) {
        for way in ["skip", "release", "release_all", "consume"] {
            let ledger = Ledger::new();
            W::play::<Counted, _>(origin, |mut tx, mut rx| {
                tx.put(Put::One, fill, &mut ledger.items());
                ledger.arm(bomb);
                let went_off = defuse(|| match way {
                    "skip" => rx.skip(fill),
                    "release" => rx.try_read_grant_parts(W::N).unwrap().release(bomb + 1),
                    "release_all" => rx.try_read_grant_parts(fill).unwrap().release_all(),
                    _ => rx.consume(fill, |_| ()),
                });
                assert!(went_off.is_none(), "the panic comes through {way}");
                // Consumed up to and with the item that blew up; the rest is still there.
                assert_eq!(ledger.alive(), numbers(bomb + 1..fill), "{way}");
                assert_eq!(rx.says().0, fill - bomb - 1);
                assert_eq!(tx.says().0, fill - bomb - 1, "{way} told the producer");
                assert_eq!(rx.peek().unwrap().map(|item| item.0), ledger.alive().first().copied());
                still_usable(&mut tx, &mut rx, || ledger.item());
            });
            ledger.assert_all_dropped();
        }
    }
}

fn e02_a_panicking_drop_while_items_are_drained<W: Granting<Counted>>() {
    for (origin, (fill, bomb)) in cases(W::N) {
        let ledger = Ledger::new();
        W::play::<Counted, _>(origin, |mut tx, mut rx| {
            tx.put(Put::One, fill, &mut ledger.items());
            ledger.arm(bomb);
            assert!(defuse(|| rx.drain(usize::MAX, drop)).is_none());
            assert_eq!(ledger.alive(), numbers(bomb + 1..fill));
            assert_eq!(tx.says().0, fill - bomb - 1, "the drain told the producer on its way out");
            still_usable(&mut tx, &mut rx, || ledger.item());
        });
        ledger.assert_all_dropped();
    }
}

fn e02_a_panicking_drop_in_a_grant<W: Granting<Counted>>() {
    for (origin, (fill, bomb)) in cases(W::N) {
        // By dropping the grant, and by the surplus of a commit of up to `bomb` items.
        for kept in [None, Some(0), Some(bomb / 2), Some(bomb)] {
            let ledger = Ledger::new();
            W::play::<Counted, _>(origin, |mut tx, mut rx| {
                let mut grant = tx.try_claim_exact(fill).unwrap();
                grant.fill_from(ledger.items());
                ledger.arm(bomb);
                let went_off = defuse(|| match kept {
                    None => drop(grant),
                    Some(kept) => drop(grant.commit(kept)),
                });
                assert!(went_off.is_none(), "the panic comes through");
                assert_eq!(ledger.dropped(), fill, "the whole grant is aborted");
                assert_eq!((tx.says().0, rx.says().0), (0, 0), "nothing was handed over");
                still_usable(&mut tx, &mut rx, || ledger.item());
            });
            ledger.assert_all_dropped();
        }
    }
}

/// What makes the items of a grant, and panics instead of making number `at`.
fn panics_at(ledger: &Ledger, at: usize) -> impl FnMut() -> Counted {
    let mut made = 0;
    move || {
        if made == at {
            boom();
        }
        made += 1;
        ledger.item()
    }
}

fn e03_a_panic_while_a_grant_is_filled_hands_over_nothing<W: Granting<Counted>>() {
    // One item is there already, and must stay as it is.
    for (origin, (room, at)) in cases(W::N - 1) {
        for fill_with in [true, false] {
            let ledger = Ledger::new();
            W::play::<Counted, _>(origin, |mut tx, mut rx| {
                tx.put(Put::One, 1, &mut ledger.items());
                let panicked = defuse(|| {
                    let mut grant = tx.try_claim_exact(room).unwrap();
                    let mut make = panics_at(&ledger, at);
                    if fill_with {
                        grant.fill_with(|_| make());
                    } else {
                        // What `Clone` would do, if a clone panicked.
                        grant.fill_from((0..room).map(|_| make()));
                    }
                });
                assert!(panicked.is_none());
                assert_eq!(ledger.alive(), [0], "what was made is dropped");
                assert_eq!((tx.says().0, rx.says().0), (1, 1), "the ring is as before");
                // The one who keeps the grant across the panic keeps what is in it.
                let mut grant = tx.try_claim_exact(room).unwrap();
                let mut make = panics_at(&ledger, at);
                assert!(defuse(|| grant.fill_with(|_| make())).is_none());
                assert_eq!(grant.filled(), at);
                assert_eq!(grant.commit_all(), at);
                assert_eq!(rx.says().0, 1 + at);
                assert_eq!(ledger.alive().len(), 1 + at);
                still_usable(&mut tx, &mut rx, || ledger.item());
            });
            ledger.assert_all_dropped();
        }
    }
}

fn e03_a_panic_in_an_iterator_pushes_nothing<W: Granting<Counted>>() {
    for (origin, (room, at)) in cases(W::N) {
        let ledger = Ledger::new();
        W::play::<Counted, _>(origin, |mut tx, mut rx| {
            tx.put(Put::One, W::N - room, &mut ledger.items());
            let before = ledger.alive();
            let panicked = defuse(|| {
                tx.push_iter(std::iter::repeat_with(panics_at(&ledger, at)));
            });
            assert!(panicked.is_none());
            assert_eq!(ledger.alive(), before, "what was taken is dropped");
            assert_eq!((tx.says().0, rx.says().0), (before.len(), before.len()), "the ring is as before");
            still_usable(&mut tx, &mut rx, || ledger.item());
        });
        ledger.assert_all_dropped();
    }
}

fn e03_a_panicking_handler_consumes_exactly_what_it_finished<W: Granting<Counted>>() {
    for (origin, (fill, at)) in cases(W::N) {
        let ledger = Ledger::new();
        W::play::<Counted, _>(origin, |mut tx, mut rx| {
            tx.put(Put::One, fill, &mut ledger.items());
            let panicked = defuse(|| {
                rx.consume(usize::MAX, |item| {
                    if item.0 as usize == at {
                        boom();
                    }
                });
            });
            assert!(panicked.is_none());
            assert_eq!(ledger.alive(), numbers(at..fill), "the item it was shown stays");
            assert_eq!(tx.says().0, fill - at, "the producer was told");
            assert_eq!(rx.peek().unwrap().map(|item| item.0), Some(at as u32));
            // The same while it drains: the item is the handler's.
            let panicked = defuse(|| rx.drain(usize::MAX, |_item| boom()));
            assert!(panicked.is_none());
            assert_eq!(ledger.alive(), numbers(at + 1..fill));
            assert_eq!(tx.says().0, fill - at - 1);
            still_usable(&mut tx, &mut rx, || ledger.item());
        });
        ledger.assert_all_dropped();
    }
}

fn e09_an_uncommitted_grant_drops_what_is_in_it<W: Granting<Counted>>() {
    for origin in origins(W::N) {
        for filled in lengths(W::N) {
            let ledger = Ledger::new();
            W::play::<Counted, _>(origin, |mut tx, mut rx| {
                // Twice, because the second grant lends the same slots.
                for again in 1..=2 {
                    let mut grant = tx.try_claim_exact(W::N).unwrap();
                    for item in ledger.items().take(filled) {
                        grant.push(item).unwrap();
                    }
                    assert_eq!(ledger.alive().len(), filled);
                    drop(grant);
                    assert_eq!(ledger.dropped(), again * filled, "dropped once, at once");
                    assert_eq!((tx.says().0, rx.says().0), (0, 0));
                    assert!(rx.try_pop().is_none());
                }
                // Written through the `MaybeUninit`s but not said to be: the grant knows nothing of it.
                let mut grant = tx.try_claim_exact(1).unwrap();
                grant.uninit()[0].write(ledger.item());
                // SAFETY: it was just written, and the grant will not drop it.
                let item = unsafe { grant.uninit()[0].assume_init_read() };
                drop(grant);
                assert_eq!(ledger.alive(), [item.0]);
                drop(item);
                still_usable(&mut tx, &mut rx, || ledger.item());
            });
            ledger.assert_all_dropped();
        }
    }
}
