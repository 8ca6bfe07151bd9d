//! How many bytes of an append-only region are committed.

use super::site::{Site, order};
use crate::sync::{AtomicUsize, Ordering};
use crate::zeroed::{Zeroed, empty_in_models};

/// How many bytes of a region are committed. It only ever grows while the region lives.
#[derive(Debug)]
#[repr(transparent)]
pub(crate) struct Length(AtomicUsize);

// SAFETY: an integer: nothing is committed.
unsafe impl Zeroed for Length {
    empty_in_models!(Self(AtomicUsize::new(0)));
}

impl Length {
    /// Returns my own length, as the one writer, or as the thread that fills the slot.
    ///
    /// Relaxed: only the writer stores it, and a writer that succeeds another one got its place through a
    /// bitmap claim that synchronises with the earlier one's give-back.
    pub(crate) fn own(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// The writer's length. Acquire: pairs with [`commit`](Self::commit); the bytes before it are written.
    pub(crate) fn observe(&self) -> usize {
        self.0.load(order(Site::LengthObserve, Ordering::Acquire))
    }

    /// Commits the bytes before `to`. Release: pairs with [`observe`](Self::observe).
    pub(crate) fn commit(&self, to: usize) {
        self.0.store(to, order(Site::LengthCommit, Ordering::Release));
    }
}
