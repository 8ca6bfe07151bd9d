//! Lanes whose rings are made when they are needed.
#![cfg(feature = "alloc")]

use annulet::error::PopError;
use annulet::ring::lanes::{GrowingLanes, Priority, RegisterError, RoundRobin};
use annulet::ring::{Multi, Side, Sides, Single};

use crate::threads;

/// Where a producer counts before it has a ring, the consumer reads beyond the rings there are.
#[test]
fn rm09_a_lane_is_there_once_its_ring_is() {
    let lanes = GrowingLanes::<u32, 4, 3>::new();
    let mut rx = lanes.try_consumer(Priority).unwrap();
    assert_eq!((lanes.lanes(), lanes.active(), rx.try_pop()), (0, 0, Err(PopError::Empty)));
    let mut last = lanes.register_at(2).unwrap();
    assert_eq!((lanes.lanes(), lanes.active()), (1, 1));
    last.try_push(9).unwrap();
    assert_eq!(rx.try_pop_from(), Ok((last.lane(), 9)));
    let mut first = lanes.register().unwrap();
    assert_eq!((first.lane().index(), lanes.lanes()), (0, 2), "the other two are taken or not there");
    first.try_push(1).unwrap();
    last.try_push(10).unwrap();
    assert_eq!(rx.drain(9, |_, item| assert!([1, 10].contains(&item))), 2);
}

#[test]
fn rm09_rings_are_reused_and_bounded() {
    let mut lanes = GrowingLanes::<u32, 2, 3>::new();
    let mut rx = lanes.try_consumer(RoundRobin::default()).unwrap();
    for item in 0..100 {
        let mut tx = lanes.register().unwrap();
        tx.try_push(item).unwrap();
        let lane = tx.deregister();
        assert_eq!(rx.try_pop_from(), Ok((lane, item)));
        assert_eq!(lanes.lanes(), 1, "the one that is drained comes before a new one");
    }
    let mut producers: Vec<_> = (0..3).map(|_| lanes.register().unwrap()).collect();
    assert_eq!(lanes.register().unwrap_err(), RegisterError::Taken);
    producers[1].try_push(7).unwrap();
    let lane = producers[1].lane();
    drop(producers);
    drop(rx);
    assert_eq!(lanes.shrink(), 2);
    assert_eq!((lanes.lanes(), lanes.total_len(), lanes.len_of(lane)), (1, 1, Some(1)));
    let (mut rx, lanes) = lanes.split(Priority);
    let anew = lanes.register_at(0).unwrap();
    assert_eq!(anew.lane().generation(), 102, "those before are stale");
    assert_eq!(rx.try_pop_from(), Ok((lane, 7)));
}

/// An item that is larger than the stack never comes there: not to be made, shown, passed over or dropped.
#[test]
fn e01_items_larger_than_the_stack_are_dropped_where_they_are() {
    const SIZE: usize = if cfg!(miri) { 1 << 10 } else { 1 << 20 };
    struct Large {
        counted: std::rc::Rc<()>,
        room: [u8; SIZE],
    }

    fn play<C: Side>() {
        let item = std::rc::Rc::new(());
        let mut lanes = GrowingLanes::<Large, 4, 2, Sides<Single, C>>::new();
        let mut rx = lanes.try_consumer(RoundRobin::default()).unwrap();
        for lane in 0..2 {
            let mut tx = lanes.register_at(lane).unwrap();
            let mut grant = tx.try_claim(3).unwrap();
            for _ in 0..3 {
                let place = grant.uninit()[0].as_mut_ptr();
                // SAFETY: of a slot, which has the layout of an item.
                let counted = unsafe { &raw mut (*place).counted };
                // SAFETY: a field of that slot, which is this grant's alone.
                unsafe { counted.write(item.clone()) };
                // SAFETY: likewise.
                let room = unsafe { &raw mut (*place).room };
                // SAFETY: likewise; any bytes are valid there.
                unsafe { room.write_bytes(7, 1) };
                // SAFETY: both fields of the next slot were just written.
                unsafe { grant.assume_filled(1) };
            }
            assert_eq!(grant.commit_all(), 3);
        }
        assert_eq!(rx.skip(2), 2);
        assert_eq!(rx.consume(2, |_, large| assert_eq!(large.room[SIZE - 1], 7)), 2);
        assert_eq!(std::rc::Rc::strong_count(&item), 1 + 2);
        assert_eq!(rx.skip(1), 1);
        drop(rx);
        assert_eq!(lanes.shrink(), 1);
        drop(lanes);
        assert_eq!(std::rc::Rc::strong_count(&item), 1, "the last one went with its ring");
    }

    for play in [play::<Single>, play::<Multi>] {
        std::thread::Builder::new().stack_size(64 << 10).spawn(play).unwrap().join().unwrap();
    }
}

/// What is left in the rings is dropped with them.
#[test]
fn e01_items_left_are_dropped_once() {
    let item = std::rc::Rc::new(());
    let lanes = GrowingLanes::<_, 4, 2>::new();
    let mut tx = lanes.register().unwrap();
    (0..3).for_each(|_| tx.try_push(item.clone()).unwrap());
    drop(tx);
    drop(lanes);
    assert_eq!(std::rc::Rc::strong_count(&item), 1);
}

/// A ring of more bytes than there are addresses.
#[test]
#[cfg(all(target_pointer_width = "64", not(miri)))]
fn rm09_without_memory_nothing_changes() {
    let lanes = GrowingLanes::<[u8; 1 << 45], 4, 2>::new();
    for _ in 0..3 {
        assert_eq!(lanes.register().unwrap_err(), RegisterError::NoMemory);
        assert_eq!((lanes.active(), lanes.lanes(), lanes.total_len()), (0, 0, 0));
    }
}

#[test]
fn rm09_threads_grow_lanes_while_they_are_read() {
    threads::stress_one(&GrowingLanes::<_, 4, 3>::new(), RoundRobin::with_budget(2));
    #[cfg(not(annulet_narrow))]
    threads::stress_many(&GrowingLanes::<_, 4, 32, Sides<Single, Multi>>::new(), RoundRobin::default());
    let _ = GrowingLanes::<u8, 4, 32, Sides<Single, Multi>>::new();
}

/// A ring that is there and free is used again before another is made, whatever its number.
#[test]
fn rm09_a_ring_is_reused_before_another_is_made() {
    let lanes = GrowingLanes::<u32, 2, 3>::new();
    drop(lanes.register_at(2).unwrap());
    assert_eq!(lanes.register().unwrap().lane().index(), 2);
    assert_eq!(lanes.lanes(), 1);
}
