//! The ends of a ring: who has them, how they come back, and what happens when they never do.

use std::mem::{MaybeUninit, forget};

use annulet::Spsc;

use crate::items::{Counted, Ledger};
use crate::model::Model;
use crate::patience::Patience;
use crate::rings::{
    GrantRx, GrantTx, Granting, Put, RingUnderTest, Rx, Take, Tx, lengths, origins, pairs, thin,
};

#[cfg(feature = "alloc")]
use std::sync::Arc;

over_every_arity! {
    e07_what_is_in_the_ring_is_there_for_the_next_ends (lasting)
}

over_every_ring! {
    e10_a_forgotten_write_grant_leaks_what_was_put_into_it
    e10_a_forgotten_read_grant_consumes_nothing
    e10_an_iterator_that_is_left_leaves_nothing_behind
}

/// Each round has new ends; they go on where the last ones stopped, whatever those knew.
fn e07_what_is_in_the_ring_is_there_for_the_next_ends<W: RingUnderTest>() {
    for origin in origins(W::N) {
        let mut next = 0;
        let mut model = Model::new(W::N, origin);
        W::rounds::<u32>(origin, 2 * W::N.min(8) + 2, |round, mut tx, mut rx| {
            model.check_tx(&tx);
            model.check_rx(&mut rx);
            let number = || {
                next += 1;
                next
            };
            model.put(&mut tx, Put::One, round % (W::N + 1), number);
            model.take(&mut rx, Take::Drain, round / 2);
            // In either order.
            if round % 2 == 0 {
                drop(tx);
                drop(rx);
            } else {
                drop(rx);
                drop(tx);
            }
        });
    }
}

fn e10_a_forgotten_write_grant_leaks_what_was_put_into_it<W: Granting<Counted>>() {
    for origin in origins(W::N) {
        for filled in lengths(W::N) {
            let ledger = Ledger::new();
            W::play::<Counted, _>(origin, |mut tx, mut rx| {
                let mut grant = tx.try_claim_exact(W::N).unwrap();
                grant.fill_from(ledger.items().take(filled));
                forget(grant);
                assert_eq!(ledger.dropped(), 0, "leaked, as documented");
                assert_eq!((tx.says().0, rx.says().0), (0, 0), "nothing is handed over");
                // The slots are granted again, all of them.
                let mut grant = tx.try_claim_exact(W::N).unwrap();
                assert_eq!(grant.fill_from(ledger.items()), W::N);
                assert_eq!(grant.commit_all(), W::N);
                let mut seen = Vec::new();
                assert_eq!(rx.take(Take::One, W::N, &mut |item| seen.push(item.0 as usize)), W::N);
                assert!(seen.into_iter().eq(filled..filled + W::N));
            });
            let leaked: Vec<u32> = (0..filled as u32).collect();
            assert_eq!(ledger.alive(), leaked, "and nothing else");
        }
    }
}

fn e10_a_forgotten_read_grant_consumes_nothing<W: Granting<Counted>>() {
    for origin in origins(W::N) {
        let ledger = Ledger::new();
        W::play::<Counted, _>(origin, |mut tx, mut rx| {
            tx.put(Put::One, W::N, &mut ledger.items());
            // That it makes no difference is what is tested.
            #[allow(clippy::forget_non_drop)]
            {
                forget(rx.try_read_grant(W::N));
                forget(rx.try_read_grant_parts(W::N));
            }
            assert_eq!((ledger.dropped(), rx.says().0, tx.says().0), (0, W::N, W::N));
            assert_eq!(rx.skip(1), 1);
            assert_eq!((ledger.dropped(), tx.says().0), (1, W::N - 1));
        });
        ledger.assert_all_dropped();
    }
}

fn e10_an_iterator_that_is_left_leaves_nothing_behind<W: Granting<Counted>>() {
    for (origin, taken) in thin(5, pairs(origins(W::N), lengths(W::N))) {
        let ledger = Ledger::new();
        W::play::<Counted, _>(origin, |mut tx, mut rx| {
            tx.put(Put::One, W::N, &mut ledger.items());
            let mut items = rx.try_iter();
            assert_eq!(items.by_ref().take(taken).count(), taken);
            assert_eq!((ledger.dropped(), tx.says().0, rx.says().0), (taken, W::N - taken, W::N - taken));
            assert_eq!(tx.put(Put::One, W::N, &mut ledger.items()), taken, "their slots are free");
            assert_eq!(rx.try_iter().count(), W::N, "and it goes to the end");
            assert!(rx.try_iter().next().is_none());
        });
        ledger.assert_all_dropped();
    }
}

/// Runs `$body` for `Spsc`s of several sizes.
macro_rules! sizes {
    (|$n:ident| $body:block) => {
        sizes!(@ $n $body 1 2 4 8);
    };
    (@ $n:ident $body:block $($size:literal)*) => {$({
        const $n: usize = $size;
        $body
    })*};
}

#[test]
fn e05_moving_a_ring_moves_its_items() {
    sizes!(|N| {
        for origin in origins(N) {
            let ledger = Ledger::new();
            let mut ring = Spsc::<Counted, N>::starting_at(origin);
            let (mut tx, mut rx) = ring.split();
            tx.put(Put::One, N, &mut ledger.items());
            drop(rx.try_pop());
            tx.put(Put::One, 1, &mut ledger.items());
            drop((tx, rx));
            let mut moved = Box::new([ring]);
            let [ring] = &mut *moved;
            let mut place = std::mem::take(ring);
            assert_eq!(
                (ring.len(), place.len(), ledger.dropped()),
                (0, N, 1),
                "nothing was dropped at the source"
            );
            let (_, mut rx) = place.split();
            let mut seen = Vec::new();
            rx.look(&mut |item| seen.push(item.0 as usize));
            assert!(seen.into_iter().eq(1..=N));
            drop(rx);
            drop((moved, place));
            ledger.assert_all_dropped();
        }
    });
}

#[test]
fn e06_a_look_can_be_cloned_half_way() {
    let mut ring = Spsc::<u32, 8>::starting_at(usize::MAX - 3);
    let (mut tx, mut rx) = ring.split();
    tx.put(Put::One, 8, &mut (0..));
    let mut look = rx.iter();
    look.by_ref().take(3).for_each(drop);
    let again = look.clone();
    assert!(look.eq(&[3, 4, 5, 6, 7]));
    assert!(again.eq(&[3, 4, 5, 6, 7]));
    // It shows and takes nothing. What takes, `TryIter`, is not `Clone` (`tests/static_asserts.rs`).
    assert_eq!(rx.len(), 8);
}

#[test]
fn e07_each_end_has_one_holder() {
    sizes!(|N| {
        let ring = Spsc::<u32, N>::new();
        let both = ring.try_split().unwrap();
        assert!(ring.try_split().is_none());
        assert!(ring.try_producer().is_none());
        assert!(ring.try_consumer().is_none());
        let (tx, rx) = both;
        drop(tx);
        assert!(ring.try_split().is_none(), "the consumer is still held");
        assert!(ring.try_consumer().is_none());
        // The failed claim of both did not take the producer.
        let tx = ring.try_producer().unwrap();
        assert!(ring.try_producer().is_none());
        drop(rx);
        assert!(ring.try_split().is_none(), "the producer is still held");
        let rx = ring.try_consumer().unwrap();
        drop((tx, rx));
        for _ in 0..3 {
            assert!(ring.try_split().is_some(), "both came back");
        }
    });
}

#[test]
#[cfg(feature = "alloc")]
fn e07_each_end_of_a_kept_ring_has_one_holder() {
    let ring = Arc::new(Spsc::<u32, 4>::new());
    let (tx, rx) = ring.try_split_arc().unwrap();
    assert_eq!(Arc::strong_count(&ring), 3, "each end keeps the ring");
    assert!(ring.try_split_arc().is_none());
    assert!(ring.try_producer().is_none());
    drop(rx);
    assert!(ring.try_split_arc().is_none());
    // Both kinds of handles count as holders.
    let borrowed = ring.try_consumer().unwrap();
    drop(tx);
    assert!(ring.try_split_arc().is_none());
    drop(borrowed);
    let ends = ring.try_split_arc().unwrap();
    drop(ring);
    let (mut tx, mut rx) = ends;
    tx.try_push(1).unwrap();
    drop(tx);
    assert_eq!(rx.try_pop(), Ok(1), "one end is enough to keep the ring");
}

/// One thread races for the ends against another; whoever has one is alone.
#[test]
fn e07_an_end_has_one_holder_among_threads() {
    let ring = Spsc::<u32, 2>::new();
    let holders = std::sync::atomic::AtomicUsize::new(0);
    let patience = Patience::new();
    let rounds = if cfg!(miri) { 50 } else { 20_000 };
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let mut held = 0;
                while held < rounds {
                    let Some(mut tx) = ring.try_producer() else {
                        patience.wait();
                        continue;
                    };
                    held += 1;
                    assert_eq!(holders.fetch_add(1, std::sync::atomic::Ordering::Relaxed), 0);
                    // What the last holder did is seen: the slots it found full are full for us.
                    let free = 2 - tx.len();
                    let pushed = (0..3).take_while(|_| tx.try_push(0).is_ok()).count();
                    assert_eq!(pushed, free);
                    holders.fetch_sub(1, std::sync::atomic::Ordering::Relaxed);
                }
            });
        }
    });
    assert_eq!(ring.len(), 2);
}

#[test]
#[cfg(feature = "alloc")]
fn e08_ends_dropped_at_once_free_the_ring_and_its_items_once() {
    for round in 0..if cfg!(miri) { 10 } else { 2_000 } {
        // Heap items: freed twice or never, the allocator or Miri would say so. The count is of the ring's.
        let item = Arc::new(());
        let (mut tx, mut rx) = Spsc::<Arc<()>, 4>::new_split();
        for _ in 0..4 {
            tx.try_push(Arc::clone(&item)).unwrap();
        }
        let (for_tx, for_rx) = (Arc::clone(&item), Arc::clone(&item));
        let start = std::sync::Barrier::new(2);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                start.wait();
                let _ = tx.try_push(for_tx);
                drop(tx);
            });
            start.wait();
            if round % 2 == 0 {
                drop(rx.try_pop());
            }
            drop((rx, for_rx));
        });
        assert_eq!(Arc::strong_count(&item), 1, "every item went with the ring");
    }
}

#[test]
fn e10_a_forgotten_end_stays_taken_until_the_ring_is_borrowed_exclusively() {
    let ledger = Ledger::new();
    let mut ring = Spsc::<Counted, 4>::starting_at(usize::MAX);
    let (mut tx, mut rx) = ring.try_split().unwrap();
    tx.put(Put::One, 4, &mut ledger.items());
    rx.skip(1);
    forget(tx);
    assert!(ring.try_producer().is_none(), "kept for the ring's life, as documented");
    // The other end is as it was.
    rx.skip(1);
    drop(rx);
    forget(ring.try_consumer().unwrap());
    assert!(ring.try_consumer().is_none());
    let (mut tx, mut rx) = ring.split();
    assert_eq!((tx.says().0, rx.says().0), (2, 2), "the items are still there");
    assert_eq!(tx.put(Put::One, 4, &mut ledger.items()), 2);
    let mut seen = Vec::new();
    rx.take(Take::Drain, 4, &mut |item| seen.push(item.0));
    assert_eq!(seen, [2, 3, 4, 5]);
    // `split` hands nothing out for good: forgetting these changes nothing.
    tx.put(Put::One, 1, &mut ledger.items());
    forget(tx);
    forget(rx);
    assert!(ring.try_split().is_some());
    drop(ring);
    ledger.assert_all_dropped();
}

#[test]
#[cfg(feature = "alloc")]
fn e10_a_forgotten_kept_end_keeps_the_ring() {
    let item = Arc::new(());
    let ring = Arc::new(Spsc::<Arc<()>, 2>::new());
    let (mut tx, rx) = ring.try_split_arc().unwrap();
    tx.try_push(Arc::clone(&item)).unwrap();
    forget(tx);
    drop(rx);
    assert_eq!((Arc::strong_count(&ring), Arc::strong_count(&item)), (2, 2), "leaked with its items");
    // Not really, so that the leak check stays on: the count of the forgotten end is taken back.
    let ring = Arc::into_raw(ring);
    // SAFETY: the pointer is an `Arc`'s, and the count belonged to the end that was forgotten.
    unsafe { Arc::decrement_strong_count(ring) };
    // SAFETY: it came from `into_raw`.
    drop(unsafe { Arc::from_raw(ring) });
    assert_eq!(Arc::strong_count(&item), 1);
}

#[test]
fn j10_a_static_ring_splits_once() {
    static RING: Spsc<u32, 4> = Spsc::new();
    let (mut tx, mut rx) = RING.try_split().unwrap();
    assert!(RING.try_split().is_none());
    // The handles have no lifetime to keep them here.
    let producer = std::thread::spawn(move || tx.try_push(7).unwrap());
    producer.join().unwrap();
    assert_eq!(rx.try_pop(), Ok(7));
    assert!(RING.try_split().is_none(), "the consumer is still held");
    drop(rx);
    assert!(RING.try_split().is_some());
}

#[test]
fn zeroed_memory_is_an_empty_ring() {
    sizes!(|N| {
        let ledger = Ledger::new();
        // SAFETY: that all-zero memory is a valid empty ring is what the documentation promises.
        let mut ring = unsafe { MaybeUninit::<Spsc<Counted, N>>::zeroed().assume_init() };
        for _ in 0..2 {
            let (mut tx, mut rx) = ring.try_split().expect("no end is taken");
            assert_eq!(rx.says(), (0, N, true, false));
            assert!(rx.try_pop().is_err());
            assert_eq!(tx.put(Put::One, N + 1, &mut ledger.items()), N);
            assert_eq!(rx.take(Take::Drain, N, &mut |_| ()), N);
        }
        assert_eq!(ring.split().0.put(Put::One, N, &mut ledger.items()), N);
        assert_eq!(ring.split().1.take(Take::One, N - 1, &mut |_| ()), N - 1);
        drop(ring);
        ledger.assert_all_dropped();
    });
}

/// In a kernel page: bytes from somewhere, zeroed, in which a ring is used in place.
#[test]
fn zeroed_bytes_on_the_heap_are_an_empty_ring() {
    type Ring = Spsc<String, 8>;
    let mut page = vec![0_u8; 2 * size_of::<Ring>() + align_of::<Ring>()];
    let start = page.as_ptr().align_offset(align_of::<Ring>());
    let bytes = &mut page[start..][..size_of::<Ring>()];
    // SAFETY: the bytes are aligned and as many as a ring has, borrowed exclusively, and zeroed, which is a valid
    // empty ring.
    let ring = unsafe { &mut *bytes.as_mut_ptr().cast::<Ring>() };
    let (mut tx, mut rx) = ring.split();
    tx.put(Put::Iter, 8, &mut (0..8).map(|number| number.to_string()));
    assert_eq!(rx.take(Take::One, 8, &mut |_| ()), 8);
}

#[test]
#[cfg(feature = "alloc")]
fn a_large_ring_is_never_on_the_stack() {
    const LARGE: usize = if cfg!(annulet_narrow) { 64 } else { 1024 };
    type Item = [u8; 16 * 1024];
    let little = std::thread::Builder::new().stack_size(256 * 1024);
    let check = || {
        let mut ring = Spsc::<Item, LARGE>::boxed();
        let (mut tx, mut rx) = ring.split();
        tx.try_push([7; 16 * 1024]).unwrap();
        assert_eq!(rx.peek().map(|item| item[0]), Some(7));
        let (tx, rx) = Spsc::<Item, LARGE>::new_split();
        assert_eq!((tx.len(), rx.capacity()), (0, LARGE));
    };
    little.spawn(check).unwrap().join().unwrap();
}

#[test]
fn handles_and_rings_show_themselves() {
    let ring = Spsc::<u32, 4>::new();
    let (mut tx, mut rx) = ring.try_split().unwrap();
    tx.try_push(1).unwrap();
    assert_eq!(format!("{tx:?}"), "Producer { len: 1, capacity: 4 }");
    assert_eq!(format!("{rx:?}"), "Consumer { len: 1, capacity: 4 }");
    assert_eq!(format!("{:?}", tx.try_claim(2).unwrap()), "WriteGrant { len: 2, filled: 0 }");
    assert_eq!(format!("{:?}", rx.try_read_grant(2).unwrap()), "ReadGrant { len: 1 }");
    assert_eq!(format!("{:?}", rx.try_iter()), "TryIter { .. }");
    assert_eq!(format!("{ring:?}"), "Ring { len: 1, capacity: 4 }");
    assert_eq!((ring.len(), ring.is_empty(), ring.is_full(), ring.capacity()), (1, false, false, 4));
}

/// A ring that nobody has an end of says what is in it, as its ends do.
#[test]
fn a_ring_says_what_is_in_it() {
    sizes!(|N| {
        for origin in origins(N) {
            let mut ring = Spsc::<usize, N>::starting_at(origin);
            for fill in 0..=N {
                assert_eq!((ring.len(), ring.capacity()), (fill, N));
                assert_eq!((ring.is_empty(), ring.is_full()), (fill == 0, fill == N));
                assert_eq!(ring.split().0.put(Put::One, 1, &mut (fill..)), usize::from(fill < N));
            }
        }
    });
}
