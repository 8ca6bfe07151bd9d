//! A position that never wraps, of one word or of two. One writer stores it, and its observers may be any number of laps
//! behind.
//!
//! An observer never uses an old word together with a new one: that is proved at [`SplitCursor::observe`]. [`invalidate`](SplitCursor::invalidate) and [`validate`](SplitCursor::validate) are those of a
//! seqlock, with the position for its sequence number.

use super::site::{Site, fence, order};
use crate::sync::{AtomicPos, AtomicU32, Ordering, Pos, const_fn};

/// A position that never wraps. Under loom, hi changes after two positions, so that models come to it.
pub(crate) type Sequence = crate::span::Sequence<{ if cfg!(loom) { 1 } else { Pos::BITS - 1 } }>;

/// A position of one writer, watched by many observers that may be far behind. It never wraps.
///
/// If a word has 64 bits, it is one word, and the second is not used. Otherwise the writer stores the first word, and then the
/// second, if that has changed ([`Sequence`]).
#[derive(Debug)]
#[repr(C)]
pub(crate) struct SplitCursor {
    lo: AtomicPos,
    hi: AtomicU32,
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
    const fn lo(at: Sequence) -> Pos {
        (if is_split() { at.lo() } else { at.number() }) as Pos
    }
}

impl SplitCursor {
    /// How often [`observe`](Self::observe) looks for two words of one time.
    const LOOKS: usize = 4;

    const_fn! {
        pub(crate) const fn new(at: Sequence) -> Self {
            let hi = if is_split() { at.hi() } else { 0 };
            Self { lo: AtomicPos::new(lo(at)), hi: AtomicU32::new(hi) }
        }
    }

    /// My own position, read back when a handle is made.
    ///
    /// Relaxed, as for [`Cursor::own`](super::Cursor::own): only this side stores it, and no store of its own is under way.
    // In the narrow build a position is not a `u64`.
    #[allow(clippy::unnecessary_cast)]
    pub(crate) fn own(&self) -> Sequence {
        let lo = self.lo.load(Ordering::Relaxed) as u64;
        if is_split() { Sequence::join(self.hi.load(Ordering::Relaxed), lo) } else { Sequence::new(lo) }
    }

    /// The writer's position: one that it had during the call, whatever it does meanwhile.
    ///
    /// Acquire: pairs with [`publish`](Self::publish); what was done before it is seen.
    ///
    /// Wait-free. Two words are of one time if hi is the same before and after lo is loaded:
    /// - lo is not older than hi: loading hi acquires what was stored before it, and that is a lo of the same hi;
    /// - lo is newer by one hi at most: loading it acquires the hi that was stored before it, which is that of the position or
    ///   the one before;
    /// - the bit that both have says which.
    ///
    /// If the writer changes hi during each of the looks, the answer is the first position of the last hi. So many changes are
    /// more than a ring of [`STRIDE`](crate::span::Sequence::STRIDE) slots holds. So the answer is more than such a ring ahead
    /// of the writer's position when the call began, and the writer has passed it.
    // In the narrow build a position is not a `u64`.
    #[allow(clippy::unnecessary_cast)]
    #[inline(always)]
    pub(crate) fn observe(&self) -> Sequence {
        if !is_split() {
            return Sequence::new(self.lo.load(order(Site::SplitObserve, Ordering::Acquire)) as u64);
        }
        let mut hi = self.hi.load(order(Site::HiObserve, Ordering::Acquire));
        for _ in 0..Self::LOOKS {
            let lo = self.lo.load(order(Site::LoObserve, Ordering::Acquire)) as u64;
            let again = self.hi.load(order(Site::HiAgain, Ordering::Acquire));
            if again == hi {
                return Sequence::join(hi, lo);
            }
            hi = again;
        }
        Sequence::start_of(hi)
    }

    /// Moves my position on from `from` to `to`, not further than [`STRIDE`](crate::span::Sequence::STRIDE) at once,
    /// handing over what is behind it.
    ///
    /// Release: pairs with [`observe`](Self::observe). A new hi is stored after the first lo of it, as observers rely on.
    #[inline(always)]
    pub(crate) fn publish(&self, from: Sequence, to: Sequence) {
        self.lo.store(lo(to), order(Site::SplitPublish, Ordering::Release));
        if is_split() && from.hi() != to.hi() {
            self.hi.store(to.hi(), order(Site::HiPublish, Ordering::Release));
        }
    }

    /// As [`publish`](Self::publish). A reader that sees a later store of this side then sees this position, too: *say that it is about to go, fence, overwrite it*.
    ///
    /// The fence is Release: it pairs with the Acquire fence of [`validate`](Self::validate). A reader that loads something
    /// stored after it, and then passes that fence, loads this position or a later one.
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

    /// Also by steps that change hi each time. Where a position is two words (in the narrow build), either alone would
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
