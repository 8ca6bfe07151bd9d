//! The adaptive pause of an end that finds nothing, so that it does not pull the other side's cache line over for each item.

use crate::span::Counter;
use crate::sync::Pos;

/// Pauses of an end that finds nothing after it was in a stream.
///
/// An end that asks again and again takes the line of the other side's position away from it, and moves one item at a time,
/// each as late as the way between two processors. An end that keeps away finds many items, in lines that no other end needs.
/// How long many items take differs tenfold between processors, and so does a hint. So it tries: a pause doubles as long as it
/// brings an item for each four hints of it, and is halved otherwise.
///
/// It pauses only if two items or more were moved since the last time. A stream moves them. An end that polls a ring that stays
/// empty, or waits for one answer at a time, does not pause. A pause that brings nothing was the end of the stream: it leaves out
/// the next chances, twice as many each time.
#[derive(Clone, Copy, Debug)]
pub(super) struct PollPause {
    /// The longest pause, in hints; none at all if it is shorter than the first.
    longest: u16,
    /// The last pause, or 0.
    hints: u16,
    /// Chances to be let go, of so many.
    left_out: u16,
    leave_out: u16,
    /// The position at which the end found nothing the last time.
    since: Pos,
}

/// As long as a few items take on near processors.
const FIRST: u16 = 8;
/// Of chances in a row that are let go.
const MOST_LEFT_OUT: u16 = 63;

impl PollPause {
    pub(super) fn new(at: Pos, longest: u16) -> Self {
        Self { longest, hints: 0, left_out: 0, leave_out: 0, since: at }
    }

    /// Pauses for up to `hints` from now on, or for `least`, in a ring of that capacity.
    ///
    /// At most an eighth of the capacity: an item takes some four hints at most, so the other side has not come to half of the
    /// ring, and does not wait for the end of the pause.
    pub(super) fn set_longest(&mut self, hints: u16, least: u16, capacity: usize) {
        self.longest = u16::try_from(capacity / 8).unwrap_or(u16::MAX).min(hints).max(least);
    }

    /// Whether there may be a pause at all.
    #[inline(always)]
    pub(super) fn is_on(&self) -> bool {
        self.longest >= FIRST
    }

    /// Nothing is at `at`: for how many hints to keep away, or 0.
    pub(super) fn pause(&mut self, at: Pos) -> usize {
        let moved = at.since(core::mem::replace(&mut self.since, at));
        if moved < 2 {
            return 0;
        }
        if let Some(left) = self.left_out.checked_sub(1) {
            self.left_out = left;
            return 0;
        }
        let longer = moved >= usize::from(self.hints / 4);
        let hints = if longer { self.hints.saturating_mul(2) } else { self.hints / 2 };
        // Not `clamp`, which panics if the longest is shorter than the first: there is no pause then.
        self.hints = hints.min(self.longest).max(FIRST);
        self.hints.into()
    }

    /// Returns whether the pause has brought something.
    pub(super) fn paid(&mut self, something: bool) {
        if something {
            self.leave_out = 0;
        } else {
            self.hints = 0;
            self.leave_out = (2 * self.leave_out + 1).min(MOST_LEFT_OUT);
            self.left_out = self.leave_out;
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    /// An end that finds nothing after so many items each, and the pauses that it makes; each brings something.
    fn pauses<const N: usize>(pace: &mut PollPause, moved: [usize; N]) -> [usize; N] {
        let mut at = pace.since;
        moved.map(|moved| {
            at = at.plus(moved);
            let hints = pace.pause(at);
            if hints > 0 {
                pace.paid(true);
            }
            hints
        })
    }

    #[test]
    fn a_pause_grows_while_it_pays_and_shrinks_where_less_comes() {
        let mut pace = PollPause::new(5, 64);
        assert!(pace.is_on());
        assert_eq!(pauses(&mut pace, [2, 2, 4, 8, 16, 16]), [8, 16, 32, 64, 64, 64]);
        assert_eq!(pauses(&mut pace, [15, 7, 3, 2, 2]), [32, 16, 8, 16, 8]);
        // Shorter than the first it does not get, but is made or not.
        assert_eq!(pauses(&mut pace, [2, 3]), [16, 8]);
    }

    #[test]
    fn an_end_that_waits_for_one_item_at_a_time_is_not_kept() {
        let mut pace = PollPause::new(0, 64);
        assert_eq!(pauses(&mut pace, [0, 1, 1, 0, 1]), [0; 5]);
        assert_eq!(pauses(&mut pace, [3, 1, 3]), [8, 0, 16]);
    }

    #[test]
    fn a_pause_for_nothing_is_not_made_again_soon() {
        let mut pace = PollPause::new(0, 64);
        let mut at: Pos = 0;
        let mut lets_go = || {
            let mut chances = 0;
            loop {
                at = at.plus(2);
                let hints = pace.pause(at);
                if hints > 0 {
                    assert_eq!(hints, 8, "it begins anew");
                    pace.paid(false);
                    return chances;
                }
                chances += 1;
            }
        };
        assert_eq!([(); 9].map(|()| lets_go()), [0, 1, 3, 7, 15, 31, 63, 63, 63]);
        // One that pays ends this.
        pace.left_out = 0;
        assert_eq!(pauses(&mut pace, [2]), [8]);
        assert_eq!(pace.leave_out, 0);
    }

    #[test]
    fn it_is_short_in_a_small_ring() {
        let mut pace = PollPause::new(0, 0);
        assert!(!pace.is_on());
        for (hints, least, capacity, longest) in [
            (64, 0, 1024, 64),
            (64, 0, 256, 32),
            (64, 0, 32, 0),
            (64, 8, 4, 8),
            (0, 8, 1024, 8),
            (0, 0, 1024, 0),
            (64, 0, usize::MAX, 64),
        ] {
            pace.set_longest(hints, least, capacity);
            assert_eq!(pace.is_on(), longest > 0);
            if longest > 0 {
                let mut most = 0;
                for _ in 0..9 {
                    most = most.max(pauses(&mut pace, [100])[0]);
                }
                assert_eq!(most, longest, "{hints}, {least}, {capacity}");
            }
        }
    }
}
