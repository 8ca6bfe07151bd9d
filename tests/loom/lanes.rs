//! Models of lanes: who gets one, whose an item is, who takes it.

use annulet::Lanes;
use annulet::handle::{Handle, Lane};
use annulet::ring::lanes::{LaneConsumer, Priority, RegisterError, RoundRobin, Schedule};
use annulet::ring::{Multi, Side, Sides, Single};

use crate::harness::{Main, at_once};
use crate::platform::lent;

models! {
    fn rm09_a_lane_changes_hands = |main| _ = change_hands(main),
        kills [BitmapClaim BitmapGiveBack] mutant |main| assert_eq!(change_hands(main), (true, true));
    fn rm09_two_who_register_at_once_have_two_lanes = |main| _ = register_at_once(main),
        kills [] mutant |main| assert_eq!(register_at_once(main)[0].index(), 0);
    fn rm09_an_item_is_its_producers = tenants::<Single>, kills [CursorPublish CursorObserve];
    fn rm09_a_stolen_item_is_its_producers = tenants::<Multi>,
        kills [CursorPublish CursorObserve StampCommit StampObserve];
    fn rm11_consumers_steal_each_item_once kills [StampCommit StampObserve];
    fn rm11_consumers_follow_each_other kills [BitmapClaim BitmapGiveBack];
}

/// Positions start just below the end of their integer, so that every model wraps it, too.
const ORIGIN: usize = usize::MAX;

/// Whose it is, and a number.
type Item = (u64, u32);

/// Lends lanes to threads, all of which are joined when `play` returns, and drops them.
fn stage<const N: usize, const L: usize, C: Side, R>(
    play: impl FnOnce(&'static Lanes<Item, N, L, Sides<Single, C>>) -> R,
) -> R {
    lent(Lanes::starting_at(ORIGIN), |lanes| play(lanes))
}

/// Registers and pushes items that say whose they are: the handle, and how many went.
fn send<const N: usize, const L: usize, C: Side>(
    lanes: &Lanes<Item, N, L, Sides<Single, C>>,
    count: u32,
) -> Result<(Handle<Lane>, u32), RegisterError> {
    let mut tx = lanes.register()?;
    let whose = tx.lane().to_raw();
    let sent = (0..count).filter(|number| tx.try_push((whose, *number)).is_ok()).count();
    Ok((tx.deregister(), sent as u32))
}

/// Pops so often; each item is said to be whose it says itself.
fn receive<const N: usize, const L: usize, C: Side, O: Schedule>(
    rx: &mut LaneConsumer<'_, Item, N, L, O, Sides<Single, C>>,
    tries: u32,
) -> Vec<Item> {
    let popped = (0..tries).filter_map(|_| rx.try_pop_from().ok());
    popped
        .map(|(from, item)| {
            assert_eq!(from.to_raw(), item.0, "it is said to be another one's");
            item
        })
        .collect()
}

/// Two who use one lane, and each drains it before leaving, so that only the lane itself orders them.
fn change_hands(main: Main) -> (bool, bool) {
    stage::<2, 1, Single, _>(|lanes| {
        let visit = || {
            let Ok(mut tx) = lanes.register() else { return None };
            let whose = tx.lane();
            tx.try_push((whose.to_raw(), 0)).unwrap();
            if let Some(mut rx) = lanes.try_consumer(Priority) {
                assert_eq!(receive(&mut rx, 2), [(whose.to_raw(), 0)]);
            }
            Some(whose)
        };
        let (one, two) = at_once(main, visit, visit);
        assert!(one.is_some() || two.is_some(), "nobody was first");
        assert!(one.is_none() || one != two, "two of one name");
        (one.is_some(), two.is_some())
    })
}

fn register_at_once(main: Main) -> [Handle<Lane>; 2] {
    stage::<1, 2, Single, _>(|lanes| {
        let register = || {
            let mut tx = lanes.register().expect("there is one for each");
            tx.try_push((tx.lane().to_raw(), 0)).unwrap();
            tx
        };
        let (one, two) = at_once(main, register, register);
        assert_ne!(one.lane().index(), two.lane().index());
        let mut rx = lanes.try_consumer(Priority).unwrap();
        assert_eq!(receive(&mut rx, 3).len(), 2);
        [one.lane(), two.lane()]
    })
}

/// A lane goes from one producer to the next while its items are taken out.
fn tenants<C: Side>(main: Main) {
    stage::<1, 1, C, _>(|lanes| {
        let mut rx = lanes.try_consumer(RoundRobin::default()).unwrap();
        // Registered before, so that its first store is of a position that it did not load: loom would forget who has
        // looked at it until then.
        let mut tx = lanes.register().unwrap();
        let produce = move || {
            let whose = tx.lane();
            tx.try_push((whose.to_raw(), 0)).unwrap();
            drop(tx);
            let second = send(lanes, 1);
            match second {
                Ok((lane, _)) => assert_ne!(lane, whose),
                Err(why) => assert_eq!(why, RegisterError::Undrained),
            }
            1 + second.map_or(0, |(_, sent)| sent)
        };
        let consume = move || {
            let received = receive(&mut rx, 2);
            (received, rx)
        };
        let (sent, (mut received, mut rx)) = at_once(main, produce, consume);
        received.extend(receive(&mut rx, 2));
        assert_eq!(received.len(), sent as usize, "each item once");
        assert!(received.is_sorted(), "of the first before those of the second");
    });
}

/// Two who steal; one of them pushes again where the other one may have taken.
fn rm11_consumers_steal_each_item_once(main: Main) {
    stage::<1, 2, Multi, _>(|lanes| {
        let mut producers = [lanes.register().unwrap(), lanes.register().unwrap()];
        for tx in &mut producers {
            tx.try_push((tx.lane().to_raw(), 0)).unwrap();
        }
        let mut rx = lanes.try_consumer(Priority).unwrap();
        let mut other = rx.clone();
        let steal_and_send = move || {
            let mut got = receive(&mut rx, 1);
            let [tx, _kept] = &mut producers;
            let sent = tx.try_push((tx.lane().to_raw(), 1)).is_ok();
            got.extend(receive(&mut rx, 1));
            (got, sent)
        };
        let steal = move || receive(&mut other, 2);
        let ((mut got, sent), stolen) = at_once(main, steal_and_send, steal);
        got.extend(stolen);
        let mut rx = lanes.try_consumer(Priority).unwrap();
        got.extend(receive(&mut rx, 3));
        got.sort_unstable();
        assert_eq!(got.len(), 2 + usize::from(sent), "each item once");
        got.dedup();
        assert_eq!(got.len(), 2 + usize::from(sent), "no item twice");
    });
}

/// The consumer's end changes hands, and with it what is known of every lane.
fn rm11_consumers_follow_each_other(main: Main) {
    stage::<2, 2, Single, _>(|lanes| {
        assert_eq!(send(lanes, 1).unwrap().1, 1);
        assert_eq!(send(lanes, 2).unwrap().1, 2);
        let take = || lanes.try_consumer(Priority).map_or_else(Vec::new, |mut rx| receive(&mut rx, 1));
        let (mut got, other) = at_once(main, take, move || [take(), take()].concat());
        got.extend(other);
        got.extend(receive(&mut lanes.try_consumer(Priority).unwrap(), 3));
        got.sort_unstable();
        got.dedup();
        assert_eq!(got.len(), 3, "each item once");
    });
}

/// Lanes whose rings are made while others look for them.
#[cfg(feature = "alloc")]
pub mod growing {
    use annulet::ring::lanes::GrowingLanes;

    use super::*;

    models! {
        fn rm09_a_new_ring_is_seen_whole = |main| _ = grow_and_read(main),
            kills [OncePublish OnceObserve] mutant |main| assert_eq!(grow_and_read(main), 1);
        fn rm09_two_rings_made_at_once_are_two = |main| assert!((1..=2).contains(&grow_at_once(main))),
            kills [] mutant |main| assert_eq!(grow_at_once(main), 1);
    }

    /// Lends lanes to threads, as [`stage`](super::stage).
    fn stage<R>(play: impl FnOnce(&'static GrowingLanes<Item, 1, 2>) -> R) -> R {
        crate::platform::lent(GrowingLanes::new(), |lanes| play(lanes))
    }

    fn grow_and_read(main: Main) -> usize {
        stage(|lanes| {
            let produce = || {
                let mut tx = lanes.register().unwrap();
                tx.try_push((tx.lane().to_raw(), 0)).unwrap();
                tx
            };
            let consume = || {
                let mut rx = lanes.try_consumer(Priority).unwrap();
                let got = (0..2).filter_map(|_| {
                    // Who registers loads what it then stores, after which loom has forgotten who looked at it before.
                    // Here it has been stored when it is looked at, unless loom moves the look.
                    loom::thread::yield_now();
                    rx.try_pop_from().ok()
                });
                got.map(|(from, item)| assert_eq!(from.to_raw(), item.0)).count()
            };
            let (tx, got) = at_once(main, produce, consume);
            assert_eq!(lanes.len_of(tx.lane()), Some(1 - got), "it was taken, or is there");
            got
        })
    }

    fn grow_at_once(main: Main) -> usize {
        stage(|lanes| {
            let visit = || lanes.register().map(|tx| tx.lane());
            let (one, two) = at_once(main, visit, visit);
            // Whoever comes later may have the lane of the other one, who has left, or its own.
            assert_ne!(one.unwrap(), two.unwrap());
            assert_eq!(lanes.active(), 0);
            lanes.lanes()
        })
    }
}
