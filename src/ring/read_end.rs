//! What a consumer knows: its end of the index, and the slots.

use super::slots::{RingPtr, Slots};
use crate::error::PopError;
use crate::index::{Arity, ClaimRequest, Consumers, End};
use crate::span::Span;
use crate::stats::Refusal;
use crate::sync::Pos;

/// What a consumer knows.
pub(super) struct ReadEnd<T, A: Arity> {
    pub(super) index: End<A, Consumers>,
    pub(super) slots: Slots<T>,
}

// SAFETY: the end receives items of `T` from a producer's thread and reaches its ring through atomics and slots
// that are its alone; the pointers in it are valid on any thread as long as the ring lives, which its owner sees to.
unsafe impl<T: Send, A: Arity> Send for ReadEnd<T, A> {}

impl<T, A: Arity> ReadEnd<T, A> {
    pub(super) fn new(ring: RingPtr<T, A>) -> Self {
        Self { index: End::new(ring.index), slots: ring.slots }
    }

    #[cfg(compare_and_swap)]
    pub(super) fn ring(&self) -> RingPtr<T, A> {
        RingPtr { index: *self.index.ptr(), slots: self.slots }
    }

    /// Claims up to `most` items. Returns the first one, and how many. The error is why there is none; it is not counted.
    #[inline(always)]
    pub(super) fn claim(&mut self, most: usize) -> Result<(Pos, usize), Refusal> {
        let most = most.min(self.index.ptr().capacity());
        let request = ClaimRequest { most, least: most.min(1), contiguous: false };
        self.index.claim(request).map_err(|(why, _)| why)
    }

    /// Returns the slot of `at`.
    #[inline(always)]
    pub(super) fn slot(&self, at: Pos) -> usize {
        self.index.ptr().slot(at)
    }

    #[inline(always)]
    pub(super) fn span(&self, at: Pos, len: usize) -> Span {
        self.index.ptr().span(at, len)
    }

    /// Frees the slots of items that were claimed.
    ///
    /// # Safety
    /// They were claimed and not freed, and the items in them have been moved out or dropped.
    #[inline(always)]
    pub(super) unsafe fn finish(&mut self, at: Pos, count: usize) {
        // SAFETY: as the caller says.
        unsafe { self.index.finish(at, count, count) };
    }

    /// Pops one item.
    #[inline(always)]
    pub(super) fn pop(&mut self) -> Result<T, PopError> {
        // Not by `claim`: that a ring has room for one item need not be asked.
        match self.index.claim(ClaimRequest { most: 1, least: 1, contiguous: false }) {
            Ok((at, _)) => {
                // SAFETY: a slot of this ring, as the index found it, claimed and written; freed below, so not taken again.
                let value = unsafe { self.slots.take(self.slot(at)) };
                // SAFETY: claimed, and moved out.
                unsafe { self.finish(at, 1) };
                Ok(value)
            }
            Err((why, _)) => Err(self.refuse(why)),
        }
    }

    /// Counts that there was nothing. Returns the error that says why.
    #[inline]
    pub(super) fn refuse(&self, why: Refusal) -> PopError {
        self.index.count_refusal(why);
        match why {
            Refusal::NoneAvailable => PopError::Empty,
            Refusal::Pending => PopError::Pending,
            Refusal::Contended => PopError::Contended,
        }
    }
}
