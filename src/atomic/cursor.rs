//! One side's position: stored by one side, or moved by the ends of one side, and watched by the other.

use super::site::{Site, order};
use crate::sync::{AtomicPos, Ordering, Pos, const_fn};
use crate::zeroed::{Zeroed, empty_in_models};

/// One side's position, in shared memory.
#[derive(Debug)]
#[repr(transparent)]
pub struct Cursor(AtomicPos);

// SAFETY: an integer: position 0.
unsafe impl Zeroed for Cursor {
    empty_in_models!(Self::new(0));
}

impl Cursor {
    const_fn! {
        pub(crate) const fn new(at: Pos) -> Self {
            Self(AtomicPos::new(at))
        }
    }

    /// My own position, read back when a handle is made.
    ///
    /// Relaxed: only this side stores it, and a handle that succeeds another one got its end through
    /// [`Bitmap::claim`](super::Bitmap::claim), whose Acquire pairs with the Release with which the
    /// earlier handle gave it back, or holds the ring exclusively. Of a side of many it is a guess, which an exchange confirms.
    #[inline(always)]
    pub(crate) fn own(&self) -> Pos {
        self.0.load(Ordering::Relaxed)
    }

    /// The other side's position.
    ///
    /// Acquire: pairs with its [`publish`](Self::publish). For a consumer, the items before the tail it sees
    /// are written; for a producer, the items before the head it sees have been moved out.
    #[inline(always)]
    pub(crate) fn observe(&self) -> Pos {
        self.0.load(order(Site::CursorObserve, Ordering::Acquire))
    }

    /// Moves my position on, handing over what is behind it.
    ///
    /// Release: pairs with the other side's [`observe`](Self::observe). What this side did to the slots (wrote
    /// them, or moved items out of them) happens before the other side may touch them.
    #[inline(always)]
    pub(crate) fn publish(&self, to: Pos) {
        self.0.store(to, order(Site::CursorPublish, Ordering::Release));
    }

    /// The position of a side that several ends move by [`claim`](Self::claim): a first guess, or a look whether
    /// it has moved.
    ///
    /// Acquire: pairs with `claim`. The slots themselves need none of it. But an end that sees this position, and then looks at
    /// the other side's, must not see one from before it was reached.
    #[cfg(compare_and_swap)]
    #[inline(always)]
    pub(crate) fn hint(&self) -> Pos {
        self.0.load(order(Site::CursorHint, Ordering::Acquire))
    }

    /// Moves a shared position on from `from` to `to`, unless another end of this side was faster.
    ///
    /// It takes numbers, and hands over no slot: that the slots of `from..to` are free (or filled) was seen by an
    /// Acquire of the other side's commits before the exchange, and stays so while the position is `from`, because
    /// only the end that moves it on may touch them.
    ///
    /// Release: pairs with [`hint`](Self::hint) and [`observe`](Self::observe), for ends that compare positions.
    ///
    /// The error is the position that it had instead. Relaxed: a guess, as of [`own`](Self::own). An end that finds nothing
    /// there to take looks by `hint` before it says so.
    #[cfg(compare_and_swap)]
    #[inline(always)]
    pub(crate) fn claim(&self, from: Pos, to: Pos) -> Result<(), Pos> {
        let release = order(Site::CursorClaim, Ordering::Release);
        self.0.compare_exchange(from, to, release, Ordering::Relaxed).map(|_| ())
    }
}
