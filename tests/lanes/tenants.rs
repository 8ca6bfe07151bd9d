//! Who gets a lane, who leaves it, and whose an item is.

use annulet::Lanes;
use annulet::error::PopError;
use annulet::handle::Handle;
use annulet::ring::lanes::{Adaptive, Fair, RegisterError, Strict};
use annulet::ring::{Multi, Side, Sides, Single};
use annulet::stats::Counts;

use crate::ORIGINS;

/// The lanes that were given out are all, and one is free as soon as it was left and drained.
fn lanes_are_reused<C: Side>() {
    for origin in ORIGINS {
        let mut lanes = Lanes::<u32, 4, 2, Sides<Single, C>>::starting_at(origin);
        let (mut rx, lanes) = lanes.split(Fair::default());
        let mut kept = lanes.register().unwrap();
        let mut handles = vec![kept.lane()];
        // Where places are not used again, that is all the producers there can ever be, however few are there at once.
        for cycle in 0..if cfg!(miri) { 10 } else { 100 } {
            let mut tx = lanes.register().unwrap();
            assert_eq!(lanes.active(), 2);
            assert_eq!(lanes.register().unwrap_err(), RegisterError::Taken);
            assert_eq!(lanes.register_at(tx.lane().index()).unwrap_err(), RegisterError::Taken);
            let count = cycle % 5;
            assert_eq!((0..count).filter(|item| tx.try_push(*item).is_ok()).count(), count as usize);
            let lane = tx.lane();
            assert!(!handles.contains(&lane), "a handle was used twice");
            handles.push(lane);
            if cycle % 2 == 0 {
                drop(tx);
            } else {
                assert_eq!(tx.deregister(), lane);
            }
            assert_eq!(lanes.active(), 1);
            kept.try_push(cycle).unwrap();
            if count > 0 {
                assert_eq!(lanes.register().unwrap_err(), RegisterError::Undrained);
            }
            assert_eq!(lanes.len_of(lane), Some(count as usize), "it left, but its items are here");
            let mut seen = Vec::new();
            assert_eq!(rx.drain(usize::MAX, |from, item| seen.push((from, item))), count as usize + 1);
            seen.sort_by_key(|(from, _)| from.index());
            let mut expected = vec![(kept.lane(), cycle)];
            expected.extend((0..count).map(|item| (lane, item)));
            expected.sort_by_key(|(from, _)| from.index());
            assert_eq!(seen, expected);
        }
        for old in &handles[1..handles.len() - 1] {
            assert_eq!(lanes.len_of(*old), None, "the lane is another one's");
        }
        assert_eq!(lanes.len_of(kept.lane()), Some(0));
    }
}

#[test]
fn rm09_a_lane_is_reused_once_it_is_left_and_drained() {
    lanes_are_reused::<annulet::ring::Single>();
    lanes_are_reused::<Multi>();
}

#[test]
fn rm09_items_of_who_left_come_first_and_stay_its_own() {
    let lanes = Lanes::<u32, 4, 1>::starting_at(usize::MAX - 1);
    let mut rx = lanes.try_consumer(Strict).unwrap();
    let mut old = lanes.register().unwrap();
    assert_eq!(old.push_slice(&[0, 1, 2]), 3);
    let old = old.deregister();
    assert_eq!(rx.try_pop_from(), Ok((old, 0)));
    assert_eq!(lanes.register().unwrap_err(), RegisterError::Undrained, "the next one must wait");
    assert_eq!(rx.try_pop_from(), Ok((old, 1)));
    assert_eq!(rx.try_pop_from(), Ok((old, 2)));
    let mut new = lanes.register().unwrap();
    assert_eq!((new.lane().index(), new.lane().generation()), (old.index(), old.generation() + 1));
    new.try_push(3).unwrap();
    assert_eq!(rx.try_pop_from(), Ok((new.lane(), 3)));
    assert_eq!(rx.try_pop_from(), Err(PopError::Empty));
}

#[test]
fn rm09_lanes_are_bounded_and_named() {
    let lanes = Lanes::<u8, 1, 32>::new();
    let producers: Vec<_> = (0..32).map(|_| lanes.register().unwrap()).collect();
    let numbers: Vec<u32> = producers.iter().map(|tx| tx.lane().index()).collect();
    assert_eq!(numbers, (0..32).collect::<Vec<_>>());
    assert_eq!(lanes.register().unwrap_err(), RegisterError::Taken);
    assert_eq!(lanes.register_at(32).unwrap_err(), RegisterError::NoSuchLane);
    assert_eq!(lanes.register_at(u32::MAX).unwrap_err(), RegisterError::NoSuchLane);
    assert_eq!((lanes.active(), lanes.lanes(), lanes.capacity()), (32, 32, 1));
    drop(producers);
    assert_eq!(lanes.active(), 0);
    assert_eq!(lanes.register_at(17).unwrap().lane(), Handle::new(17, 2));
    assert_eq!(lanes.len_of(Handle::new(3, 0)), None, "no producer has generation 0");
    assert_eq!(lanes.len_of(Handle::new(32, 1)), None);
    assert_eq!(RegisterError::Taken.to_string(), "every lane has a producer");
}

/// In the narrow build a lane has 255 producers in its time.
#[test]
#[cfg(annulet_narrow)]
fn rm09_a_lane_whose_handles_are_used_up_is_retired() {
    let lanes = Lanes::<u8, 1, 2>::new();
    let mut last = 0;
    for _ in 0..255 {
        let tx = lanes.register_at(1).unwrap();
        assert!(tx.lane().generation() > last);
        last = tx.lane().generation();
    }
    assert_eq!(lanes.register_at(1).unwrap_err(), RegisterError::Retired);
    let other = lanes.register().unwrap();
    assert_eq!(other.lane().index(), 0);
    assert_eq!(lanes.register().unwrap_err(), RegisterError::Taken);
}

#[test]
fn rm09_ends_go_back_and_a_split_forgets_who_is_gone() {
    let mut lanes = Lanes::<u32, 4, 2>::new();
    let rx = lanes.try_consumer(Fair::default()).unwrap();
    assert!(lanes.try_consumer(Strict).is_none(), "there is one");
    drop(rx);
    std::mem::forget(lanes.try_consumer(Strict).unwrap());
    assert!(lanes.try_consumer(Strict).is_none());
    let mut forgotten = lanes.register().unwrap();
    forgotten.try_push(1).unwrap();
    let lane = forgotten.lane();
    std::mem::forget(forgotten);
    assert_eq!(lanes.active(), 1);
    let (mut rx, lanes) = lanes.split(Adaptive::default());
    assert!(lanes.try_consumer(Strict).is_none(), "the one of the split");
    assert_eq!(lanes.active(), 0);
    assert_eq!(lanes.register_at(0).unwrap_err(), RegisterError::Undrained);
    assert_eq!(rx.try_pop_from(), Ok((lane, 1)));
    assert_eq!(lanes.register_at(0).unwrap().lane().generation(), lane.generation() + 1);
}

#[test]
fn rm09_all_lanes_at_once_need_no_claim() {
    let mut lanes = Lanes::<u32, 2, 3>::starting_at(usize::MAX);
    {
        let ([a, b, c], mut rx) = lanes.split_all(Strict);
        let (mut a, mut b, mut c) = (a.unwrap(), b.unwrap(), c.unwrap());
        c.try_push(2).unwrap();
        b.try_push(1).unwrap();
        a.try_push(0).unwrap();
        assert_eq!(rx.try_pop_from(), Ok((a.lane(), 0)));
        assert_eq!(rx.try_pop_from(), Ok((b.lane(), 1)));
        assert_eq!(rx.lanes().register().unwrap_err(), RegisterError::Taken);
        drop(a);
        assert_eq!(rx.lanes().register().unwrap().lane(), Handle::new(0, 2));
    }
    let ([a, b, c], mut rx) = lanes.split_all(Fair::default());
    assert_eq!(a.unwrap().lane(), Handle::new(0, 3));
    assert_eq!(b.unwrap().lane(), Handle::new(1, 2));
    assert_eq!(c.unwrap_err(), RegisterError::Undrained, "its item is its last producer's");
    assert_eq!(rx.try_pop_from(), Ok((Handle::new(2, 1), 2)));
    drop(rx);
    // SAFETY: no handle is left.
    let ([_, _, c], _) = unsafe { lanes.split_all_unchecked(Strict) };
    assert_eq!(c.unwrap().lane(), Handle::new(2, 2));
}

#[test]
fn rm09_numbers_of_lanes() {
    let lanes = Lanes::<u32, 4, 3, Sides<Single, annulet::ring::Single, Counts>>::new();
    assert!(lanes.is_empty() && lanes.hottest().is_none());
    let mut a = lanes.register().unwrap();
    let mut b = lanes.register().unwrap();
    assert_eq!(a.push_slice(&[1, 2]), 2);
    assert_eq!(b.push_slice(&[1, 2, 3]), 3);
    assert_eq!(lanes.hottest(), Some((b.lane(), 3)));
    assert_eq!((lanes.total_len(), lanes.len_of(a.lane())), (5, Some(2)));
    assert!(!lanes.is_empty());
    let mut rx = lanes.try_consumer(Strict).unwrap();
    assert_eq!(rx.skip(3), 3);
    assert_eq!(lanes.hottest(), Some((b.lane(), 2)));
    let mut out = [0; 4];
    assert_eq!((rx.pop_slice(&mut out), out), (2, [2, 3, 0, 0]));
    assert_eq!(rx.pop_slice(&mut out), 0);
    let (sent, received) = lanes.stats_of(1).unwrap();
    assert_eq!((sent.items, sent.batches, received.items, received.refused), (3, 1, 3, 0));
    assert_eq!(lanes.stats_of(3), None);
    assert_eq!(format!("{lanes:?}"), "Lanes { lanes: 3, len: 0 }");
}

/// Of items without a size, two lanes hold more than can be counted.
#[test]
#[cfg(not(annulet_narrow))]
fn d14_lengths_do_not_overflow() {
    const HALF: usize = 1 << (usize::BITS - 1);
    let lanes = Lanes::<(), HALF, 2>::new();
    let mut producers = [lanes.register().unwrap(), lanes.register().unwrap()];
    let all: &[()] = &[(); HALF];
    assert!(producers.iter_mut().all(|tx| tx.push_slice(all) == HALF));
    assert_eq!(lanes.total_len(), usize::MAX);
    let mut rx = lanes.try_consumer(Strict).unwrap();
    assert_eq!((rx.skip(usize::MAX), lanes.total_len()), (usize::MAX, 1));
    assert_eq!((rx.skip(usize::MAX), lanes.total_len()), (1, 0));
}

/// A producer that stopped in the middle of writing: the others go on, and so does the consumer.
#[test]
fn rm09_a_stalled_producer_stalls_nobody() {
    let lanes = Lanes::<u32, 2, 2, Sides<Single, Multi>>::new();
    let mut rx = lanes.try_consumer(Fair::default()).unwrap();
    let mut stalled = lanes.register().unwrap();
    let mut running = lanes.register().unwrap();
    let mut grant = stalled.try_claim(2).unwrap();
    grant.fill_with(|_| 9);
    for item in 0..20 {
        running.try_push(item).unwrap();
        assert_eq!(rx.try_pop_from(), Ok((running.lane(), item)));
        assert_eq!(rx.try_pop(), Err(PopError::Empty));
    }
    assert_eq!(grant.commit_all(), 2);
    assert_eq!(rx.skip(9), 2);
}

/// A consumer that a split made is the only one of a single side, and its producers have their lanes.
#[test]
fn e07_the_ends_of_a_split_are_held() {
    let mut lanes = Lanes::<u32, 4, 2>::new();
    let (rx, shared) = lanes.split(Strict);
    assert!(shared.try_consumer(Strict).is_none());
    drop(rx);
    assert!(shared.try_consumer(Strict).is_some());
    let (producers, rx) = lanes.split_all(Strict);
    let shared = rx.lanes();
    assert!(shared.try_consumer(Strict).is_none());
    assert_eq!(shared.register().unwrap_err(), RegisterError::Taken);
    drop((producers, rx));
    assert!(shared.try_consumer(Strict).is_some() && shared.register().is_ok());
}

/// Of several lanes that cannot be had, the one that could be had soonest says why.
#[test]
fn rm09_the_reason_is_that_of_the_lane_that_is_nearest_to_being_free() {
    let lanes = Lanes::<u32, 4, 2>::new();
    let (mut first, second) = (lanes.register_at(0).unwrap(), lanes.register_at(1).unwrap());
    first.try_push(1).unwrap();
    drop(first);
    assert_eq!(lanes.register().unwrap_err(), RegisterError::Undrained);
    drop(second);
}

/// A handle that was never given out names nobody.
#[test]
fn rm09_before_the_first_producer_a_lane_is_nobodys() {
    let lanes = Lanes::<u32, 4, 2>::new();
    assert_eq!(lanes.len_of(Handle::new(0, 0)), None);
}

/// Lanes that are to begin near the end of the integer do: each of them wraps after one slot.
#[test]
fn d11_each_lane_begins_where_it_is_told() {
    let lanes = Lanes::<u8, 4, 2>::starting_at(usize::MAX);
    let mut producers = [lanes.register().unwrap(), lanes.register().unwrap()];
    assert_eq!(producers.each_mut().map(|tx| tx.try_claim(4).unwrap().len()), [1, 1]);
}
