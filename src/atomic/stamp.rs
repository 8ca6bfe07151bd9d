//! The commit of one slot, on a side that several ends share.

use super::site::{Site, order};
use crate::sync::{AtomicPos, Ordering, Pos};
use crate::zeroed::{Zeroed, empty_in_models};

/// The commit of one slot, for a side that several ends share: up to which lap, and how it ended.
///
/// Each side has stamps of its own, which it alone stores.
#[derive(Debug)]
#[repr(transparent)]
pub struct Stamp(AtomicPos);

// SAFETY: an integer: nothing was written in the first lap, and all is free for it.
unsafe impl Zeroed for Stamp {
    empty_in_models!(Self(AtomicPos::new(0)));
}

impl Stamp {
    /// What was last committed to the slot.
    ///
    /// Acquire: pairs with [`commit`](Self::commit). An end that sees the slot written may read it; one that sees it freed may
    /// write it.
    #[inline(always)]
    pub(crate) fn observe(&self) -> Pos {
        self.0.load(order(Site::StampObserve, Ordering::Acquire))
    }

    /// Commits the slot.
    ///
    /// Release: pairs with [`observe`](Self::observe). What this end did to the slot, and to those it commits
    /// after it, happens before the other side touches it.
    #[inline(always)]
    pub(crate) fn commit(&self, to: Pos) {
        self.0.store(to, order(Site::StampCommit, Ordering::Release));
    }

    /// Sets it, by exclusive access.
    pub(crate) fn set(&mut self, to: Pos) {
        #[cfg(not(loom))]
        {
            *self.0.get_mut() = to;
        }
        #[cfg(loom)]
        self.0.with_mut(|stamp| *stamp = to);
    }
}
