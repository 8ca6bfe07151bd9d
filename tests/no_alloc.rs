//! No operation of a ring allocates, or frees.
#![cfg(all(target_os = "linux", not(loom), not(miri)))]

use std::hint::black_box;

use annulet::ring::broadcast::Gated;
use annulet::ring::lanes::Fair;
use annulet::{Broadcast, Lanes, Mpmc, Spsc};
use assert_no_alloc::{AllocDisabler, assert_no_alloc, violation_count};

#[global_allocator]
static ALLOCATOR: AllocDisabler = AllocDisabler;

/// How often `f` called the allocator.
fn calls_in<R>(f: impl FnOnce() -> R) -> u32 {
    let before = violation_count();
    let result = assert_no_alloc(f);
    let calls = violation_count() - before;
    drop(result);
    calls
}

#[test]
fn an_allocation_is_noticed() {
    assert_eq!(calls_in(|| black_box(Box::new(1))), 1);
    assert_eq!(calls_in(|| drop(black_box(Box::new(1)))), 2);
}

#[test]
fn no_operation_of_a_ring_allocates() {
    let calls = calls_in(|| {
        let mut ring = Spsc::<u32, 4>::starting_at(usize::MAX - 1);
        for _ in 0..3 {
            let (mut tx, mut rx) = ring.split();
            // In: single, slices, iterators, grants of both kinds; refused, partly committed, and aborted.
            tx.try_push(1).unwrap();
            assert_eq!(tx.try_push_slice(&[2, 3]), 2);
            assert_eq!(tx.try_push_iter(4..9), 1);
            assert!(tx.try_push(5).is_err() && tx.try_claim(1).is_err() && tx.try_claim_exact(5).is_err());
            // Out: the same.
            assert_eq!(rx.peek(), Some(&1));
            assert!(rx.iter().eq(&[1, 2, 3, 4]));
            assert_eq!(rx.try_pop(), Ok(1));
            assert_eq!(rx.try_pop_slice(&mut [0; 2]), 2);
            assert_eq!(rx.skip(9), 1);
            assert!(rx.try_pop().is_err() && rx.try_read(1).is_err());

            let mut grant = tx.try_claim(4).unwrap();
            grant.fill_with(|index| index as u32);
            grant.commit();
            drop(tx.try_claim_exact(1));
            if let Ok(mut grant) = tx.try_claim_exact(2) {
                grant.push(7).unwrap();
                assert_eq!(grant.copy_from(&[8, 9]), 1);
                grant.commit_first(1);
            }
            assert_eq!(rx.drain(1).count(), 1);
            assert!(
                rx.consume(1, |item| {
                    black_box(*item);
                }) <= 1
            );
            if let Ok(grant) = rx.try_read_parts(4) {
                let _ = (grant.iter().count(), grant.release(1));
            }
            std::mem::forget(rx.drain(1));
            rx.skip(usize::MAX);
            black_box((tx.len(), rx.len(), tx.is_full(), rx.is_empty()));
        }
        // Ends, claimed and given back.
        for _ in 0..2 {
            let (tx, rx) = ring.try_split().unwrap();
            assert!(ring.try_split().is_none());
            drop((tx, rx));
            black_box((ring.try_producer().unwrap().len(), ring.try_consumer().unwrap().len()));
        }
        ring
    });
    assert_eq!(calls, 0);
}

#[test]
fn dropping_items_for_you_allocates_nothing() {
    struct Item(&'static std::cell::Cell<u32>);
    impl Drop for Item {
        fn drop(&mut self) {
            self.0.set(self.0.get() + 1);
        }
    }
    let drops = Box::leak(Box::new(std::cell::Cell::new(0)));
    let calls = calls_in(|| {
        let mut ring = Spsc::<Item, 8>::new();
        let (mut tx, mut rx) = ring.split();
        assert_eq!(tx.try_push_iter((0..9).map(|_| Item(drops))), 8);
        drop(tx.try_push(Item(drops)).unwrap_err().into_inner());
        assert_eq!(rx.skip(3), 3);
        let mut grant = tx.try_claim(2).unwrap();
        grant.fill_with(|_| Item(drops));
        assert_eq!(grant.commit_first(1), 1);
        drop(rx.drain(1));
    });
    assert_eq!((calls, drops.get()), (0, 11));
}

#[test]
fn no_operation_of_a_broadcast_allocates() {
    let calls = calls_in(|| {
        let mut ring = Broadcast::<u64, 4>::starting_at(usize::MAX - 1);
        let (mut writer, ring) = ring.split();
        let (mut lapped, mut reader) = (ring.reader_at_newest(), ring.reader_at_oldest().clone());
        writer.publish(1);
        assert_eq!((reader.try_read(), reader.latest()), (Ok(1), Ok(1)));
        writer.publish_slice(&[2, 3, 4, 5, 6, 7]);
        assert!(lapped.try_read().is_err() && lapped.try_read_slice(&mut [0; 3]) == Ok(3));
        black_box((lapped.skip(9), lapped.lag(), reader.len(), reader.backpressure().percent(), ring.len()));

        let gated = Broadcast::<[u32; 3], 4, Gated<2>>::starting_at(usize::MAX - 1);
        let mut writer = gated.try_writer().unwrap();
        let (mut fast, mut slow) = (gated.join_at_oldest().unwrap(), gated.join_at_newest().unwrap());
        assert!(gated.join_at_newest().is_err() && gated.try_writer().is_none());
        assert_eq!(writer.try_publish_slice(&[[1; 3]; 9]), 4);
        assert!(writer.try_publish([2; 3]).is_err());
        assert_eq!(
            (fast.try_read(), fast.try_read_slice(&mut [[0; 3]; 2]), slow.skip(9)),
            (Ok([1; 3]), 2, 4)
        );
        drop((fast, slow));
        black_box((writer.readers(), writer.backpressure().behind()));
    });
    assert_eq!(calls, 0);
}

#[test]
fn no_operation_of_a_ring_of_many_allocates() {
    let calls = calls_in(|| {
        let mut ring = Mpmc::<u32, 4>::starting_at(usize::MAX - 1);
        for _ in 0..3 {
            let (mut tx, mut rx) = ring.split();
            let (mut other, mut another) = (tx.clone(), rx.clone());
            tx.try_push(1).unwrap();
            assert_eq!(other.try_push_slice(&[2, 3]), 2);
            assert_eq!(tx.try_push_iter((4..9).filter(|number| *number > 4)), 1);
            assert!(tx.try_push(5).is_err() && other.try_claim(1).is_err());
            assert_eq!(another.try_pop(), Ok(1));
            assert_eq!(rx.try_pop_slice(&mut [0; 2]), 2);
            assert_eq!(another.drain(9).count() + rx.skip(9), 1);
            assert!(rx.try_pop().is_err());
            drop(tx.try_claim(1));
            let mut grant = other.try_claim_exact(2).unwrap();
            grant.fill_with(|index| index as u32);
            grant.commit_first(1);
            let mut seen = 0;
            while rx.consume(9, |item| seen += *item + 1) > 0 {}
            assert_eq!(seen, 1);
        }
    });
    assert_eq!(calls, 0);
}

#[test]
fn no_operation_of_lanes_allocates() {
    let calls = calls_in(|| {
        let lanes = Lanes::<u32, 4, 3>::new();
        let mut rx = lanes.try_consumer(Fair::default()).unwrap();
        for _ in 0..3 {
            let (mut one, mut two) = (lanes.register().unwrap(), lanes.register().unwrap());
            assert_eq!(one.try_push_slice(&[1, 2, 3]), 3);
            two.try_push(4).unwrap();
            drop(one);
            assert_eq!(lanes.hottest().map(|(_, items)| items), Some(3));
            assert!(rx.try_pop_from().is_ok());
            assert_eq!(rx.drain(9, |_, _| ()) + rx.skip(9), 3);
            assert!(rx.try_pop().is_err());
        }
    });
    assert_eq!(calls, 0);
}
