//! Lists of operations against a model of one `VecDeque` a lane.

use std::collections::VecDeque;

use annulet::Lanes;
use annulet::error::PopError;
use annulet::handle::{Handle, Lane};
use annulet::ring::lanes::{Adaptive, Fair, LaneProducer, Order, RegisterError, Strict};
use annulet::ring::{Multi, Side, Sides, Single};
use proptest::prelude::*;

const N: usize = 4;
const L: usize = 3;

/// One operation; `who` is one of the producers there are.
#[derive(Clone, Debug)]
enum Op {
    Register,
    RegisterAt(u32),
    Leave { who: usize },
    Push { who: usize, count: u32 },
    Pop,
    PopSlice(usize),
    Drain(usize),
    Consume(usize),
    Skip(usize),
}

fn op() -> impl Strategy<Value = Op> {
    let (who, count) = (|| any::<usize>(), || 0..9_usize);
    prop_oneof![
        3 => Just(Op::Register),
        1 => (0..5_u32).prop_map(Op::RegisterAt),
        2 => who().prop_map(|who| Op::Leave { who }),
        8 => (who(), 0..6_u32).prop_map(|(who, count)| Op::Push { who, count }),
        6 => Just(Op::Pop),
        1 => count().prop_map(Op::PopSlice),
        2 => count().prop_map(Op::Drain),
        2 => count().prop_map(Op::Consume),
        1 => count().prop_map(Op::Skip),
    ]
}

type Item = (Handle<Lane>, u32);

/// What is in the lanes, and whose it is.
#[derive(Default)]
struct Model {
    lanes: [VecDeque<Item>; L],
}

impl Model {
    /// What came out is, lane by lane, what was in front; `wanted` of it, or all.
    fn took(&mut self, wanted: usize, items: &[u32]) {
        let there: usize = self.lanes.iter().map(VecDeque::len).sum();
        assert_eq!(items.len(), wanted.min(there));
        for item in items {
            let lane = self.lanes.iter_mut().find(|lane| lane.front().is_some_and(|front| front.1 == *item));
            lane.expect("it was the first of its lane").pop_front();
        }
    }

    fn took_from(&mut self, wanted: usize, items: &[Item]) {
        for (from, item) in items {
            let lane = self.lanes[from.index() as usize].iter().find(|there| there.1 == *item);
            assert_eq!(lane, Some(&(*from, *item)), "it is said to be another one's");
        }
        self.took(wanted, &items.iter().map(|(_, item)| *item).collect::<Vec<_>>());
    }

    /// A strict consumer's order: within a call, lane by lane.
    fn is_strict(items: &[Item]) -> bool {
        items.is_sorted_by_key(|(from, _)| from.index())
    }
}

fn run<C: Side, O: Order>(origin: usize, order: O, strict: bool, ops: &[Op]) {
    let lanes = Lanes::<u32, N, L, Sides<Single, C>>::starting_at(origin);
    let mut rx = lanes.try_consumer(order).unwrap();
    let mut model = Model::default();
    let mut producers: Vec<LaneProducer<'_, u32, Sides<Single, C>>> = Vec::new();
    let mut next = 0;
    for op in ops {
        match *op {
            Op::Register | Op::RegisterAt(_) => {
                let at = if let Op::RegisterAt(lane) = *op { lane..lane + 1 } else { 0..L as u32 };
                let (mut free, mut undrained) = (None, false);
                for lane in at.clone().filter(|lane| *lane < L as u32) {
                    if producers.iter().all(|tx| tx.lane().index() != lane) {
                        if model.lanes[lane as usize].is_empty() {
                            free = free.or(Some(lane));
                        } else {
                            undrained = true;
                        }
                    }
                }
                let made =
                    if let Op::RegisterAt(lane) = *op { lanes.register_at(lane) } else { lanes.register() };
                match (made, free) {
                    (Ok(tx), Some(lane)) => {
                        assert_eq!(tx.lane().index(), lane);
                        producers.push(tx);
                    }
                    (Err(why), None) if at.start >= L as u32 => assert_eq!(why, RegisterError::NoSuchLane),
                    (Err(why), None) if undrained => assert_eq!(why, RegisterError::Undrained),
                    (Err(why), None) => assert_eq!(why, RegisterError::Taken),
                    (made, free) => panic!("{made:?} where {free:?} was free"),
                }
            }
            Op::Leave { .. } | Op::Push { .. } if producers.is_empty() => {}
            Op::Leave { who } => drop(producers.swap_remove(who % producers.len())),
            Op::Push { who, count } => {
                let who = who % producers.len();
                let tx = &mut producers[who];
                let items: Vec<u32> = (next..next + count).collect();
                next += count;
                let sent = tx.push_slice(&items);
                let lane = &mut model.lanes[tx.lane().index() as usize];
                assert_eq!(sent, items.len().min(N - lane.len()));
                lane.extend(items[..sent].iter().map(|item| (tx.lane(), *item)));
            }
            Op::Pop => match rx.try_pop_from() {
                Ok(popped) => {
                    let before = &model.lanes[..popped.0.index() as usize];
                    assert!(!strict || before.iter().all(VecDeque::is_empty), "it went before others");
                    model.took_from(1, &[popped]);
                }
                Err(why) => {
                    assert_eq!(why, PopError::Empty);
                    model.took(1, &[]);
                }
            },
            Op::PopSlice(count) => {
                let mut out = vec![0; count];
                let popped = rx.pop_slice(&mut out);
                model.took(count, &out[..popped]);
            }
            Op::Drain(count) | Op::Consume(count) => {
                let mut seen = Vec::new();
                let taken = if matches!(op, Op::Drain(_)) {
                    rx.drain(count, |from, item| seen.push((from, item)))
                } else {
                    rx.consume(count, |from, item| seen.push((from, *item)))
                };
                assert_eq!(taken, seen.len());
                assert!(!strict || Model::is_strict(&seen), "{seen:?}");
                model.took_from(count, &seen);
            }
            Op::Skip(count) => {
                let there: usize = model.lanes.iter().map(VecDeque::len).sum();
                assert_eq!(rx.skip(count), count.min(there));
                // Which ones went is seen by how many are left in each lane.
                for (lane, items) in model.lanes.iter_mut().enumerate() {
                    if let Some((from, _)) = items.front().copied() {
                        let left = lanes.len_of(from).expect("drained lanes alone change hands");
                        assert_eq!(from.index() as usize, lane);
                        items.drain(..items.len() - left);
                    }
                }
            }
        }
        let lens: Vec<usize> = model.lanes.iter().map(VecDeque::len).collect();
        assert_eq!(lanes.total_len(), lens.iter().sum::<usize>());
        assert_eq!(lanes.is_empty(), lens.iter().all(|len| *len == 0));
        let hottest = lanes.hottest().map(|(lane, len)| (lens[lane.index() as usize], len));
        assert_eq!(hottest, lens.iter().max().filter(|len| **len > 0).map(|len| (*len, *len)));
        assert_eq!(lanes.active(), producers.len());
        for tx in &producers {
            assert_eq!(lanes.len_of(tx.lane()), Some(model.lanes[tx.lane().index() as usize].len()));
        }
    }
}

fn origins() -> impl Strategy<Value = usize> {
    prop_oneof![Just(0), (0..40_usize).prop_map(|back| usize::MAX - back)]
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(miri) { 2 } else { 256 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn d11_lanes_are_their_model_across_the_wrap(
        origin in origins(),
        ops in prop::collection::vec(op(), 0..if cfg!(miri) { 20 } else { 200 }),
    ) {
        run::<Single, _>(origin, Strict, true, &ops);
        run::<Single, _>(origin, Fair::with_budget(2), false, &ops);
        run::<Single, _>(origin, Adaptive::with_budget(1), false, &ops);
        run::<Multi, _>(origin, Strict, true, &ops);
        run::<Multi, _>(origin, Fair::default(), false, &ops);
        run::<Multi, _>(origin, Adaptive::default(), false, &ops);
    }
}
