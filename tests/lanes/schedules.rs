//! Priority, round robin and adaptive round robin, one thread at a time.

use annulet::Lanes;
use annulet::error::PopError;
use annulet::ring::lanes::{AdaptiveRoundRobin, LaneProducer, Priority, RegisterError, RoundRobin, Schedule};

type Number = (u32, u32);

/// Producers of each lane; an item is its lane and its number there.
struct Sources<'a, const N: usize, const L: usize> {
    producers: [LaneProducer<'a, Number>; L],
    next: [u32; L],
}

impl<'a, const N: usize, const L: usize> Sources<'a, N, L> {
    fn new(lanes: &'a Lanes<Number, N, L>) -> Self {
        let producers = std::array::from_fn(|lane| lanes.register_at(lane as u32).unwrap());
        Self { producers, next: [0; L] }
    }

    /// Pushes one item, if there is room.
    fn push(&mut self, lane: usize) -> bool {
        let pushed = self.producers[lane].try_push((lane as u32, self.next[lane])).is_ok();
        self.next[lane] += u32::from(pushed);
        pushed
    }

    fn fill(&mut self, lane: usize) {
        while self.push(lane) {}
    }
}

#[test]
fn rm09_strict_takes_the_first_lane_that_has_an_item() {
    let lanes = Lanes::<Number, 4, 3>::starting_at(usize::MAX);
    let mut rx = lanes.try_consumer(Priority).unwrap();
    let mut sources = Sources::new(&lanes);
    sources.fill(2);
    sources.fill(1);
    for number in 0..20 {
        sources.push(0);
        assert_eq!(rx.try_pop(), Ok((0, number)), "whatever is behind it");
    }
    // A batch is in the same order.
    sources.push(0);
    let mut seen = Vec::new();
    assert_eq!(rx.consume(7, |from, item| seen.push((from.index(), item.1))), 7);
    assert_eq!(seen, [(0, 20), (1, 0), (1, 1), (1, 2), (1, 3), (2, 0), (2, 1)]);
}

/// After how many items of others an item is taken that is alone in its lane, while all other lanes are kept full.
fn wait_under_flood<const L: usize, O: Schedule>(order: O, quiet: usize, batch: usize) -> usize {
    let lanes = Lanes::<Number, 8, L>::starting_at(usize::MAX - 1);
    let mut rx = lanes.try_consumer(order).unwrap();
    let mut sources = Sources::new(&lanes);
    let mut worst = 0;
    let flood = |sources: &mut Sources<8, L>| {
        (0..L).filter(|lane| *lane != quiet).for_each(|lane| sources.fill(lane));
    };
    for calm in 0..if cfg!(miri) { 3 } else { 200 } {
        // The quiet lane is looked at in vain for a while.
        for _ in 0..calm {
            flood(&mut sources);
            rx.skip(batch);
        }
        assert!(sources.push(quiet));
        let mut waited = 0;
        let mut found = false;
        while !found {
            flood(&mut sources);
            rx.drain(batch, |from, _| {
                if from.index() as usize == quiet {
                    found = true;
                } else if !found {
                    waited += 1;
                }
            });
            assert!(waited < 100_000, "starved");
        }
        worst = worst.max(waited);
    }
    worst
}

#[test]
fn rm11_a_flooded_lane_costs_the_others_one_visit_a_round() {
    for (budget, batch) in [(1, 1), (2, 1), (5, 3), (8, 64), (3, 7)] {
        let worst = wait_under_flood::<4, _>(RoundRobin::with_budget(budget), 2, batch);
        assert!(worst <= 3 * budget, "{worst} items before, with budget {budget}");
    }
    assert!(wait_under_flood::<2, _>(RoundRobin::with_budget(1), 0, 1) <= 1);
}

/// What comes into a lane after a batch has found it empty is for the next one, however long this one goes on.
#[test]
fn rm11_a_batch_looks_at_an_empty_lane_once() {
    let lanes = Lanes::<Number, 8, 2>::starting_at(usize::MAX - 1);
    let mut rx = lanes.try_consumer(RoundRobin::with_budget(2)).unwrap();
    let mut sources = Sources::new(&lanes);
    sources.fill(1);
    let mut seen = Vec::new();
    let count = rx.drain(usize::MAX, |from, _| {
        seen.push(from.index());
        if seen.len() == 1 {
            sources.push(0);
        }
        sources.push(1);
    });
    assert_eq!((count, seen.contains(&0)), (16, false), "as many as the lanes hold, from the other one");
    assert_eq!(rx.try_pop().map(|item| item.0), Ok(0));
}

#[test]
fn rm11_fair_gives_each_flooded_lane_the_same() {
    let lanes = Lanes::<Number, 8, 3>::new();
    let mut rx = lanes.try_consumer(RoundRobin::with_budget(4)).unwrap();
    let mut sources = Sources::new(&lanes);
    let mut taken = [0_usize; 3];
    for _ in 0..60 {
        (0..3).for_each(|lane| sources.fill(lane));
        rx.drain(7, |from, _| taken[from.index() as usize] += 1);
    }
    let (least, most) = (taken.iter().min().unwrap(), taken.iter().max().unwrap());
    assert!(most - least <= 4, "{taken:?}");
}

#[test]
fn rm10_adaptive_passes_over_a_lane_for_a_bounded_time() {
    for (budget, batch) in [(1, 1), (4, 4), (3, 8)] {
        let worst = wait_under_flood::<4, _>(AdaptiveRoundRobin::with_budget(budget), 1, batch);
        let bound = (AdaptiveRoundRobin::ROUNDS + 1) * 3 * budget;
        assert!(worst <= bound, "{worst} items before, at most {bound}");
        if !cfg!(miri) {
            assert!(worst > 3 * budget, "it never passed over the lane: {worst}");
        }
    }
}

/// Priorities: with strict order, a lane waits as long as one before it has items, without bound, as is said there. Who
/// wants a bound takes turns: then it is one visit to each other lane.
#[test]
fn d17_high_goes_before_low_and_turns_bound_the_wait() {
    const HIGH: usize = 0;
    const LOW: usize = 3;
    let lanes = Lanes::<Number, 8, 4>::starting_at(usize::MAX - 1);
    let mut rx = lanes.try_consumer(Priority).unwrap();
    let mut sources = Sources::new(&lanes);
    assert!(sources.push(LOW));
    for _ in 0..if cfg!(miri) { 9 } else { 1000 } {
        (HIGH..LOW).for_each(|lane| sources.fill(lane));
        let (mut seen, wanted) = (Vec::new(), 3 * 8);
        assert_eq!(rx.drain(wanted, |from, _| seen.push(from.index() as usize)), wanted);
        assert!(seen.is_sorted() && !seen.contains(&LOW), "{seen:?}");
    }
    assert_eq!(rx.try_pop(), Ok((LOW as u32, 0)), "it was there all the time");
    for budget in [1, 4] {
        let worst = wait_under_flood::<4, _>(RoundRobin::with_budget(budget), LOW, 1);
        assert!(worst <= 3 * budget, "{worst} items before, with budget {budget}");
    }
}

/// A consumer that asks less often the longer it finds nothing does not see a message for many polls more.
#[test]
fn rm10_adaptive_hides_nothing_from_who_is_told_empty() {
    for polls in if cfg!(miri) { 20..22 } else { 0..300 } {
        for lane in 0..3 {
            let lanes = Lanes::<Number, 2, 3>::new();
            let mut rx = lanes.try_consumer(AdaptiveRoundRobin::default()).unwrap();
            let mut sources = Sources::new(&lanes);
            for _ in 0..polls {
                assert_eq!(rx.try_pop(), Err(PopError::Empty));
            }
            sources.push(lane);
            assert_eq!(rx.try_pop(), Ok((lane as u32, 0)), "hidden after {polls} polls");
            // The same of a batch, when another lane was busy meanwhile.
            let busy = (lane + 1) % 3;
            for _ in 0..polls {
                sources.push(busy);
                assert_eq!(rx.skip(1), 1);
            }
            sources.push(lane);
            assert_eq!(rx.consume(9, |_, item| assert_eq!(*item, (lane as u32, 1))), 1);
        }
    }
}

/// Whatever the order, a call takes what is there, up to what is wanted.
fn takes_all<O: Schedule>(order: O) {
    let lanes = Lanes::<Number, 4, 5>::new();
    let mut rx = lanes.try_consumer(order).unwrap();
    let mut sources = Sources::new(&lanes);
    for rounds in 0..if cfg!(miri) { 3 } else { 20 } {
        for lane in 0..5 {
            (0..(rounds + 2 * lane) % 5).for_each(|_| assert!(sources.push(lane)));
        }
        let there = lanes.total_len();
        let mut out = [(0, 0); 9];
        assert_eq!(rx.pop_slice(&mut out), there.min(9));
        assert_eq!(rx.skip(3), there.saturating_sub(9).min(3));
        assert_eq!(rx.drain(usize::MAX, |_, _| ()), there.saturating_sub(12));
        assert_eq!(rx.try_pop(), Err(PopError::Empty));
        assert_eq!(rx.pop_slice(&mut []), 0);
    }
    assert_eq!(lanes.register().unwrap_err(), RegisterError::Taken);
}

#[test]
fn rm10_a_call_takes_what_is_there() {
    takes_all(Priority);
    takes_all(RoundRobin::with_budget(1));
    takes_all(RoundRobin::default());
    takes_all(AdaptiveRoundRobin::with_budget(2));
}

/// A batch looks at a lane that it has found empty no more: what comes into it meanwhile is for the next call.
#[test]
fn rm10_a_batch_comes_to_a_lane_that_was_empty_once() {
    let lanes = Lanes::<u32, 4, 2>::new();
    let mut rx = lanes.try_consumer(Priority).unwrap();
    let (mut urgent, mut other) = (lanes.register().unwrap(), lanes.register().unwrap());
    urgent.try_push(1).unwrap();
    other.try_push(2).unwrap();
    let mut seen = Vec::new();
    let count = rx.drain(9, |_, item| {
        seen.push(item);
        if item == 1 {
            urgent.try_push(3).unwrap();
        }
    });
    assert_eq!((count, seen), (2, vec![1, 2]));
    assert_eq!(rx.try_pop(), Ok(3));
}
