//! A position that never comes round, of one word or of two: one writer stores it, and its observers may be any number of
//! laps behind.
//!
//! Of two words, an observer could see one that is old and one that is new; that it does not is proved at
//! [`SplitCursor::observe`]. [`invalidate`](SplitCursor::invalidate) and [`validate`](SplitCursor::validate) are those of a
//! seqlock, with the position for its sequence number.

use super::site::{Site, fence, order};
use crate::sync::{AtomicPos, AtomicU32, Ordering, Pos, const_fn};

/// A position that never comes round. loom gets turns of two positions each, so that its models cross them.
pub(crate) type Sequence = crate::span::Sequence<{ if cfg!(loom) { 1 } else { Pos::BITS - 1 } }>;

/// A position of one writer, watched by many that may be far behind: it never comes round.
///
/// Where a word has 64 bits, it is one word; the second is not used. Elsewhere the writer stores the first word, and
/// then the second when its turn has changed ([`Sequence`]).
#[derive(Debug)]
#[repr(C)]
pub(crate) struct SplitCursor {
    low: AtomicPos,
    turn: AtomicU32,
}

const_fn! {
    /// Returns whether a position is two words: one that does not fit in a word. Under loom either form is, whatever fits.
    #[inline(always)]
    const fn is_split() -> bool {
        #[cfg(not(loom))]
        {
            Sequence::SPLIT
        }
        #[cfg(loom)]
        super::site::form::is_split()
    }
}

const_fn! {
    /// The first word of a position, as it is stored.
    // Its bits are those of a `Pos` at most.
    #[allow(clippy::cast_possible_truncation, clippy::unnecessary_cast)]
    #[inline(always)]
    const fn low(at: Sequence) -> Pos {
        (if is_split() { at.low() } else { at.number() }) as Pos
    }
}

impl SplitCursor {
    /// How often [`observe`](Self::observe) looks for two words of one time.
    const LOOKS: usize = 4;

    const_fn! {
        pub(crate) const fn new(at: Sequence) -> Self {
            let turn = if is_split() { at.turn() } else { 0 };
            Self { low: AtomicPos::new(low(at)), turn: AtomicU32::new(turn) }
        }
    }

    /// My own position, read back when a handle is made.
    ///
    /// Relaxed, as for [`Cursor::own`](super::Cursor::own): only this side stores it, and no store of its own is under way.
    // In the narrow build a position is not a `u64`.
    #[allow(clippy::unnecessary_cast)]
    pub(crate) fn own(&self) -> Sequence {
        let low = self.low.load(Ordering::Relaxed) as u64;
        if is_split() { Sequence::join(self.turn.load(Ordering::Relaxed), low) } else { Sequence::new(low) }
    }

    /// The writer's position: one that it had during the call, whatever it does meanwhile.
    ///
    /// Acquire: pairs with [`publish`](Self::publish); what was done before it is seen.
    ///
    /// Wait-free. Two words of one time are told by the second being the same before and after the first is loaded:
    /// - the first word is not older than the second, because loading a turn acquires what was stored before it, and
    ///   that is a first word of the same turn;
    /// - it is newer by one turn at most, because loading it acquires the turn that was stored before it, which is
    ///   that of the position, or the one before;
    /// - the bit that both have says which.
    ///
    /// If the writer starts a turn during each of the looks, the answer is where the last one started. So many turns
    /// are more than a ring of [`STRIDE`](crate::span::Sequence::STRIDE) slots holds: whatever the writer's position was
    /// when the call began, the answer is more than such a ring ahead of it, and the writer has passed it.
    // In the narrow build a position is not a `u64`.
    #[allow(clippy::unnecessary_cast)]
    #[inline(always)]
    pub(crate) fn observe(&self) -> Sequence {
        if !is_split() {
            return Sequence::new(self.low.load(order(Site::SplitObserve, Ordering::Acquire)) as u64);
        }
        let mut turn = self.turn.load(order(Site::TurnObserve, Ordering::Acquire));
        for _ in 0..Self::LOOKS {
            let low = self.low.load(order(Site::LowObserve, Ordering::Acquire)) as u64;
            let again = self.turn.load(order(Site::TurnAgain, Ordering::Acquire));
            if again == turn {
                return Sequence::join(turn, low);
            }
            turn = again;
        }
        Sequence::start_of(turn)
    }

    /// Moves my position on from `from` to `to`, not further than [`STRIDE`](crate::span::Sequence::STRIDE) at once,
    /// handing over what is behind it.
    ///
    /// Release: pairs with [`observe`](Self::observe). The turn is stored after the first position in it, as its
    /// observers rely on.
    #[inline(always)]
    pub(crate) fn publish(&self, from: Sequence, to: Sequence) {
        self.low.store(low(to), order(Site::SplitPublish, Ordering::Release));
        if is_split() && from.turn() != to.turn() {
            self.turn.store(to.turn(), order(Site::TurnPublish, Ordering::Release));
        }
    }

    /// As [`publish`](Self::publish), and whatever this side stores from now on is seen only by parties that then see
    /// this position, too: *say that it is about to go, fence, overwrite it*.
    ///
    /// The fence is Release: it pairs with the Acquire fence of [`validate`](Self::validate). A party that loads something
    /// that was stored after it, and then passes that fence, loads this position or a later one.
    #[inline(always)]
    pub(crate) fn invalidate(&self, from: Sequence, to: Sequence) {
        self.publish(from, to);
        fence(Site::InvalidateFence, Ordering::Release);
    }

    /// As [`observe`](Self::observe), after what this side has loaded: *copy it, fence, ask whether it was still
    /// there*.
    ///
    /// The fence is Acquire, and pairs with that of [`invalidate`](Self::invalidate).
    #[inline(always)]
    pub(crate) fn validate(&self) -> Sequence {
        fence(Site::ValidateFence, Ordering::Acquire);
        self.observe()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::{Sequence, SplitCursor};

    /// Also by steps that start a turn each time. Where a position is two words (in the narrow build), either alone would
    /// be another position.
    #[test]
    fn d11_a_position_is_read_as_it_was_published() {
        let far = Sequence::STRIDE;
        for start in [0, 5, far - 2, far, u64::MAX - 3] {
            let mut at = Sequence::new(start);
            let track = SplitCursor::new(at);
            assert_eq!((track.own(), track.observe()), (at, at));
            for step in [1, 2, far, far, far, 1, far - 1, far - 1, far - 1, far / 2, far / 2, far / 2, 0, far]
            {
                let to = at.plus(step);
                track.publish(at, to);
                at = to;
                assert_eq!((track.own(), track.observe(), track.validate()), (at, at, at), "{start} {step}");
            }
        }
    }
}
