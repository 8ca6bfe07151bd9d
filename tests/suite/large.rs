//! Items larger than the stack: a ring on the heap is made in place, and what is not handed out is dropped in place.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use annulet::ring::{Consumer, Multi, OwnedEnds, Owner, Producer, Ring, Side, Sides, Single, WriteGrant};
use annulet::stats::Off;

use crate::items::{Counted, Ledger, defuse};

/// More than the stack that these tests have. Miri has its own idea of a stack.
const SIZE: usize = if cfg!(miri) { 1 << 10 } else { 1 << 20 };
const STACK: usize = 64 << 10;
const N: usize = 4;

/// An item that never fits on the stack. It is only ever made where it stays.
#[repr(C)]
struct Large {
    counted: Counted,
    room: [u8; SIZE],
}

/// Runs `test` where no item fits.
fn on_a_small_stack(test: fn()) {
    std::thread::Builder::new().stack_size(STACK).spawn(test).unwrap().join().unwrap();
}

/// Pushes `count` items without moving any.
fn fill<P: Side, C: Side, K: Owner>(
    tx: &mut Producer<'_, Large, Sides<P, C, Off>, K>,
    count: usize,
    ledger: &Ledger,
) {
    let mut grant = tx.try_claim_exact(count).unwrap();
    make(&mut grant, count, ledger);
    assert_eq!(grant.commit_all(), count);
}

/// Makes `count` items in the slots of a grant.
fn make<P: Side, C: Side>(grant: &mut WriteGrant<'_, Large, Sides<P, C>>, count: usize, ledger: &Ledger) {
    for _ in 0..count {
        let (first, second) = grant.uninit_parts();
        let place = first.first_mut().or(second.first_mut()).unwrap().as_mut_ptr();
        // SAFETY: of a slot, which has the layout of an item.
        let counted = unsafe { &raw mut (*place).counted };
        // SAFETY: a field of that slot, which is this grant's alone.
        unsafe { counted.write(ledger.item()) };
        // SAFETY: likewise.
        let room = unsafe { &raw mut (*place).room };
        // SAFETY: likewise; any bytes are valid there.
        unsafe { room.write_bytes(7, 1) };
        // SAFETY: both fields of the next slot were just written.
        unsafe { grant.assume_filled(1) };
    }
}

/// Plays with the ends of a ring on the heap that starts just before its wrap, and then drops it.
fn play<P: Side, C: Side>(
    ledger: &Ledger,
    game: impl FnOnce(&mut Producer<'_, Large, Sides<P, C>>, &mut Consumer<'_, Large, Sides<P, C>>),
) {
    let mut ring = Ring::<Large, N, Sides<P, C>>::boxed();
    let (mut tx, mut rx) = ring.split();
    fill(&mut tx, N - 1, ledger);
    assert_eq!(rx.skip(N), N - 1);
    game(&mut tx, &mut rx);
    drop((tx, rx));
    drop(ring);
    ledger.assert_all_dropped();
}

/// Runs a test over every arity.
macro_rules! over_arities {
    ($($test:ident)*) => {$(
        #[test]
        fn $test() {
            on_a_small_stack(arities::$test::<Single, Single>);
            on_a_small_stack(arities::$test::<Multi, Single>);
            on_a_small_stack(arities::$test::<Single, Multi>);
            on_a_small_stack(arities::$test::<Multi, Multi>);
        }
    )*};
}

over_arities! {
    e01_a_ring_drops_its_items_where_they_are
    e01_what_is_skipped_or_consumed_is_dropped_where_it_is
    e02_a_panicking_drop_of_a_large_item_loses_no_other
    e09_what_a_grant_does_not_hand_over_is_dropped_where_it_is
}

mod arities {
    use super::*;

    pub fn e01_a_ring_drops_its_items_where_they_are<P: Side, C: Side>() {
        for count in 0..=N {
            let ledger = Ledger::new();
            // Also one that is empty: what it would drop is not there, but room for it on the stack would be.
            play::<P, C>(&ledger, |tx, _| fill(tx, count, &ledger));
        }
        drop(Ring::<Large, 16, Sides<P, C>>::boxed());
        // With a slot in it that was given up, where that is possible.
        let ledger = Ledger::new();
        play::<P, C>(&ledger, |tx, _| {
            fill(tx, 1, &ledger);
            drop(tx.try_claim(1).unwrap());
            fill(tx, 1, &ledger);
        });
    }

    pub fn e01_what_is_skipped_or_consumed_is_dropped_where_it_is<P: Side, C: Side>() {
        let ledger = Ledger::new();
        play::<P, C>(&ledger, |tx, rx| {
            fill(tx, N, &ledger);
            assert_eq!(rx.skip(1), 1);
            assert_eq!(rx.consume(2, |item| assert_eq!(item.room[SIZE - 1], 7)), 2);
            assert_eq!(ledger.alive().len(), 1);
            let panicked = defuse(|| rx.consume(1, |_| crate::items::boom()));
            assert!(panicked.is_none());
            // One of many has claimed it; a single consumer has not.
            let left = ledger.alive().len();
            assert_eq!(rx.skip(N), left);
            assert_eq!(ledger.alive(), []);
        });
    }

    pub fn e02_a_panicking_drop_of_a_large_item_loses_no_other<P: Side, C: Side>() {
        for bomb in 0..N {
            for way in ["skip", "consume", "abort", "ring"] {
                let ledger = Ledger::new();
                let went_off = defuse(|| {
                    let mut ring = Ring::<Large, N, Sides<P, C>>::boxed();
                    let (mut tx, mut rx) = ring.split();
                    ledger.arm(bomb);
                    if way == "abort" {
                        make(&mut tx.try_claim_exact(N).unwrap(), N, &ledger);
                    }
                    fill(&mut tx, N, &ledger);
                    match way {
                        "skip" => drop(rx.skip(N)),
                        "consume" => drop(rx.consume(N, |_| ())),
                        _ => {}
                    }
                });
                assert!(went_off.is_none(), "the panic comes through {way}");
                ledger.assert_all_dropped();
            }
        }
    }

    pub fn e09_what_a_grant_does_not_hand_over_is_dropped_where_it_is<P: Side, C: Side>() {
        for committed in [None, Some(0), Some(1), Some(N)] {
            let ledger = Ledger::new();
            play::<P, C>(&ledger, |tx, rx| {
                let mut grant = tx.try_claim_exact(N).unwrap();
                make(&mut grant, N, &ledger);
                match committed {
                    None => drop(grant),
                    Some(count) => assert_eq!(grant.commit(count), count),
                }
                let kept = committed.unwrap_or(0);
                assert_eq!(ledger.alive().len(), kept);
                assert_eq!(rx.skip(N), kept);
            });
        }
    }
}

#[test]
fn e01_what_a_read_grant_releases_is_dropped_where_it_is() {
    fn release<P: Side>() {
        let ledger = Ledger::new();
        play::<P, Single>(&ledger, |tx, rx| {
            fill(tx, N, &ledger);
            assert_eq!(rx.try_read_grant(N).unwrap().release_all(), 1, "up to the wrap");
            assert_eq!(rx.try_read_grant_parts(N).unwrap().release(2), 2);
            assert_eq!(ledger.alive().len(), 1);
        });
    }
    on_a_small_stack(release::<Single>);
    on_a_small_stack(release::<Multi>);
}

std::thread_local! {
    /// What this thread has allocated and not freed, and the most of it that there was.
    static HEAP: Cell<(usize, usize)> = const { Cell::new((0, 0)) };
}

/// The system's allocator, and how much a thread has of it.
struct Measured;

#[global_allocator]
static ALLOCATOR: Measured = Measured;

impl Measured {
    fn count(more: usize, less: usize) {
        // A thread that ends frees what it had in places like this one.
        let _ = HEAP.try_with(|heap| {
            let (now, most) = heap.get();
            let now = (now + more).saturating_sub(less);
            heap.set((now, most.max(now)));
        });
    }
}

// SAFETY: each method is the system's, which keeps to the contract; counting does not allocate: the cell is initialised
// in a constant and needs no drop.
unsafe impl GlobalAlloc for Measured {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        Self::count(layout.size(), 0);
        // SAFETY: as the caller says.
        unsafe { System.alloc(layout) }
    }
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        Self::count(layout.size(), 0);
        // SAFETY: as the caller says.
        unsafe { System.alloc_zeroed(layout) }
    }
    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        Self::count(size, layout.size());
        // SAFETY: as the caller says.
        unsafe { System.realloc(place, layout, size) }
    }
    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        Self::count(0, layout.size());
        // SAFETY: as the caller says.
        unsafe { System.dealloc(place, layout) }
    }
}

/// The most that is allocated while `f` runs, beside what was there before.
fn most_during<R>(f: impl FnOnce() -> R) -> (usize, R) {
    let (before, _) = HEAP.get();
    HEAP.set((before, before));
    let result = f();
    (HEAP.get().1 - before, result)
}

#[test]
fn j10_a_ring_on_the_heap_is_made_in_the_one_place_where_it_stays() {
    fn make<P: Side, C: Side>() {
        let size = size_of::<Ring<Large, N, Sides<P, C>>>();
        let (boxed, ring) = most_during(Ring::<Large, N, Sides<P, C>>::boxed);
        assert_eq!(boxed, size);
        drop(ring);
        let (kept, ends): (_, OwnedEnds<Large, N, Sides<P, C>>) =
            most_during(Ring::<Large, N, Sides<P, C>>::new_split);
        assert!((size..size + SIZE / 2).contains(&kept), "{kept} bytes for a ring of {size}");
        let ledger = Ledger::new();
        let (mut tx, rx) = ends;
        fill(&mut tx, N, &ledger);
        drop((tx, rx));
        ledger.assert_all_dropped();
    }
    on_a_small_stack(make::<Single, Single>);
    on_a_small_stack(make::<Multi, Multi>);
}
