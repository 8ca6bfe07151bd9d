//! Which lane a consumer visits next.
//!
//! A schedule says which lane is next, and how many items may be taken there. It knows neither rings nor items. One call
//! of the consumer is one *sweep*: it visits lanes until it has what is wanted, or until each lane was found empty. A
//! schedule picks from the lanes that this sweep has not found empty yet, so it cannot leave one out.

/// Which lane a consumer visits next: [`Priority`], [`RoundRobin`] or [`AdaptiveRoundRobin`]. Sealed.
///
/// A consumer has its schedule by value, as part of its type. How long an item waits:
///
/// | | visits next | an item waits at most for |
/// |---|---|---|
/// | [`Priority`] | the first lane that has an item | all items of lanes before its own: no bound |
/// | [`RoundRobin`] | the next lane in a circle, for up to `budget` items | one round for each `budget` items before it in its lane |
/// | [`AdaptiveRoundRobin`] | the same, but idle lanes less often | [`ROUNDS`](AdaptiveRoundRobin::ROUNDS) times that, and one more round |
///
/// The bounds are for one consumer. Of several consumers, each has its own schedule, and the bounds hold for them together. A
/// lane on which other consumers were faster at each try is passed over as an empty one is.
///
/// The bounds are for an item that is there when a call begins. One call does not come back to a lane that it has found empty.
/// An item that comes into it later waits for the rest of that call. So ask for fewer items at once if that is too long.
///
/// # Examples
///
/// ```
/// use annulet::Lanes;
/// use annulet::ring::lanes::RoundRobin;
///
/// let mut lanes = Lanes::<&str, 8, 2>::new();
/// let ([a, b], mut rx) = lanes.split_all(RoundRobin::with_budget(2));
/// a.unwrap().push_slice(&["a1", "a2", "a3"]);
/// b.unwrap().push_slice(&["b1"]);
/// let mut seen = vec![];
/// rx.drain(usize::MAX, |_, item| seen.push(item));
/// assert_eq!(seen, ["a1", "a2", "b1", "a3"]);
/// ```
pub trait Schedule: sealed::Sealed {}

pub(crate) mod sealed {
    pub trait Sealed: Clone + core::fmt::Debug + Send {
        /// Of the lanes of a set that is not empty, the one to visit, and the most items to take there, at least one.
        fn next(&mut self, open: u32) -> (u32, usize);
        /// `found` items were taken from the lane that [`next`](Self::next) named, of `asked` wanted.
        fn visited(&mut self, lane: u32, asked: usize, found: usize);
    }
}

/// Visits the lanes by their numbers: the lower the number, the higher the priority.
///
/// An item is taken only if the lanes before its own were found empty in the same call. A call looks at each lane once: an
/// item that comes into an earlier lane after that is for the next call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Priority;

impl Schedule for Priority {}
impl sealed::Sealed for Priority {
    #[inline(always)]
    fn next(&mut self, open: u32) -> (u32, usize) {
        (open.trailing_zeros(), usize::MAX)
    }

    #[inline(always)]
    fn visited(&mut self, _: u32, _: usize, _: usize) {}
}

/// Visits lane after lane, each for up to `budget` items, or until it is empty.
///
/// So a flooded lane costs another lane's next item at most `budget` items. With `L` lanes, an item is taken after at most
/// `(L - 1) * budget` items of other lanes, for each `budget` items that are before it in its own lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoundRobin {
    budget: usize,
    /// The lane that is being visited.
    at: u32,
    /// What may still be taken in this visit.
    left: usize,
}

impl RoundRobin {
    /// The budget of [`default`](Self::default).
    pub const BUDGET: usize = 16;

    /// Makes a schedule that takes up to `budget` items in each visit, at least one.
    #[must_use]
    pub const fn with_budget(budget: usize) -> Self {
        Self { budget: if budget == 0 { 1 } else { budget }, at: u32::MAX, left: 0 }
    }

    /// Returns the lane of this visit, if something is left of its budget and the lane is open.
    #[inline(always)]
    fn stay(&self, open: u32) -> Option<(u32, usize)> {
        (self.left > 0 && open >> (self.at & 31) & 1 != 0).then_some((self.at, self.left))
    }

    /// Returns those of the lanes that come after the present one.
    #[inline(always)]
    fn ahead(&self, open: u32) -> u32 {
        open & u32::MAX.checked_shl(self.at.wrapping_add(1)).unwrap_or(0)
    }

    #[inline(always)]
    fn begin(&mut self, lane: u32) -> (u32, usize) {
        self.at = lane;
        self.left = self.budget;
        (lane, self.left)
    }
}

impl Default for RoundRobin {
    fn default() -> Self {
        Self::with_budget(Self::BUDGET)
    }
}

impl Schedule for RoundRobin {}
impl sealed::Sealed for RoundRobin {
    #[inline(always)]
    fn next(&mut self, open: u32) -> (u32, usize) {
        self.stay(open).unwrap_or_else(|| {
            let ahead = self.ahead(open);
            self.begin(if ahead != 0 { ahead } else { open }.trailing_zeros())
        })
    }

    #[inline(always)]
    fn visited(&mut self, _: u32, asked: usize, found: usize) {
        self.left = if found < asked { 0 } else { self.left.saturating_sub(found) };
    }
}

/// As [`RoundRobin`], but visits idle lanes less often: a look at a lane that its producer writes costs a cache miss.
///
/// A lane that was found empty is visited in every second round only, then in every fourth, eighth, and so on, as long as
/// other lanes have items. It is visited in at least one of [`ROUNDS`](Self::ROUNDS) rounds, and in each round again once an
/// item was found.
///
/// `Empty` is exact all the same: before a call answers it, it looks at each lane.
#[derive(Clone, Debug)]
pub struct AdaptiveRoundRobin {
    fair: RoundRobin,
    /// Rounds begun. Wraps.
    round: u32,
    /// Lanes to be visited in this round.
    due: u32,
    /// `idle[k]` are the lanes that are visited in every `2 << k`th round. The others are visited in each.
    idle: [u32; Self::LEVELS],
}

impl AdaptiveRoundRobin {
    const LEVELS: usize = 6;

    /// An idle lane is visited in at least one of so many rounds.
    pub const ROUNDS: usize = 1 << Self::LEVELS;

    /// Makes a schedule that takes up to `budget` items in each visit, at least one.
    #[must_use]
    pub const fn with_budget(budget: usize) -> Self {
        Self { fair: RoundRobin::with_budget(budget), round: 0, due: 0, idle: [0; Self::LEVELS] }
    }

    /// Begins a round, and says which lanes are visited in it.
    #[inline]
    fn next_round(&mut self) {
        self.round = self.round.wrapping_add(1);
        let turns = self.round.trailing_zeros() as usize;
        self.due = !self.idle.iter().skip(turns).fold(0, |lanes, level| lanes | level);
    }
}

impl Default for AdaptiveRoundRobin {
    fn default() -> Self {
        Self::with_budget(RoundRobin::BUDGET)
    }
}

impl Schedule for AdaptiveRoundRobin {}
impl sealed::Sealed for AdaptiveRoundRobin {
    #[inline]
    fn next(&mut self, open: u32) -> (u32, usize) {
        if let Some(stay) = self.fair.stay(open) {
            return stay;
        }
        let mut lanes = self.fair.ahead(open & self.due);
        if lanes == 0 {
            self.next_round();
            lanes = open & self.due;
        }
        // Each lane that was due was found empty in this sweep: now those that were passed over.
        self.fair.begin(if lanes != 0 { lanes } else { open }.trailing_zeros())
    }

    #[inline]
    fn visited(&mut self, lane: u32, asked: usize, found: usize) {
        sealed::Sealed::visited(&mut self.fair, lane, asked, found);
        let lane = 1 << (lane & 31);
        let level = self.idle.iter().position(|level| level & lane != 0);
        self.idle.iter_mut().for_each(|level| *level &= !lane);
        if found == 0 {
            let up = level.map_or(0, |level| level + 1).min(Self::LEVELS - 1);
            // There is that level; written so that no panic remains.
            if let Some(level) = self.idle.get_mut(up) {
                *level |= lane;
            }
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::sealed::Sealed;
    use super::{AdaptiveRoundRobin, Priority, RoundRobin};

    #[test]
    fn strict_visits_the_first() {
        let mut schedule = Priority;
        assert_eq!(schedule.next(0b1100), (2, usize::MAX));
        schedule.visited(2, 1, 1);
        assert_eq!(schedule.next(0b1110), (1, usize::MAX));
    }

    #[test]
    fn fair_goes_round_with_its_budget() {
        let mut schedule = RoundRobin::with_budget(2);
        let mut visits = Vec::new();
        for _ in 0..7 {
            let (lane, most) = schedule.next(u32::MAX >> 29);
            schedule.visited(lane, 1, 1);
            visits.push((lane, most));
        }
        assert_eq!(visits, [(0, 2), (0, 1), (1, 2), (1, 1), (2, 2), (2, 1), (0, 2)]);
        // The last lane of 32, and from there to the first.
        schedule.visited(0, 1, 0);
        assert_eq!(schedule.next(1 << 31), (31, 2));
        schedule.visited(31, 2, 2);
        assert_eq!(schedule.next(u32::MAX).0, 0);
        assert_eq!(RoundRobin::with_budget(0).next(1), (0, 1));
    }

    /// Lane 1 is always empty, lane 0 never.
    #[test]
    fn rm10_an_idle_lane_is_passed_over_more_and_more_and_never_for_long() {
        let mut schedule = AdaptiveRoundRobin::with_budget(1);
        let mut looks = Vec::new();
        for pop in 0..500_usize {
            let mut open = 0b11;
            loop {
                let (lane, _) = schedule.next(open);
                schedule.visited(lane, 1, usize::from(lane == 0));
                if lane == 0 {
                    break;
                }
                looks.push(pop);
                open &= !0b10;
            }
        }
        let gaps: Vec<usize> = looks.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(gaps.is_sorted(), "{gaps:?}");
        assert!(gaps[0] <= 4 && *gaps.last().unwrap() == AdaptiveRoundRobin::ROUNDS, "{gaps:?}");
        // One find, and it is as the others again.
        schedule.visited(1, 1, 1);
        assert_eq!(schedule.idle, [0; 6]);
        // Whatever is open is visited, due or not.
        for _ in 0..10 {
            schedule.visited(3, 1, 0);
            assert_eq!(schedule.next(1 << 3).0, 3);
        }
        assert_eq!(schedule.idle.iter().filter(|level| **level != 0).count(), 1, "on one level at a time");
    }

    /// A visit is over once the lane was found empty, also for the next sweep; and a lane that is closed is not stayed at.
    #[test]
    fn rm10_a_visit_ends_where_the_lane_does() {
        let mut schedule = RoundRobin::with_budget(4);
        assert_eq!(schedule.next(0b11), (0, 4));
        schedule.visited(0, 4, 1);
        assert_eq!(schedule.next(0b11), (1, 4), "lane 0 was found empty");
        schedule.visited(1, 1, 1);
        assert_eq!(schedule.next(0b11), (1, 3), "the visit goes on");
        schedule.visited(1, 1, 1);
        assert_eq!(schedule.next(0b01), (0, 4), "where it may");
    }

    /// A lane that had an item is not idle, if fewer than were asked for.
    #[test]
    fn rm10_a_lane_with_few_items_is_not_idle() {
        let mut schedule = AdaptiveRoundRobin::with_budget(4);
        for _ in 0..8 {
            let (lane, asked) = schedule.next(0b11);
            schedule.visited(lane, asked, 1);
            assert_eq!(schedule.idle, [0; 6]);
        }
    }
}
