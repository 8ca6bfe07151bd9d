//! What a producer knows: its end of the index, the slots, and what a grant has claimed.

use super::slots::{RingPtr, Slots};
use crate::index::{Arity, ClaimRequest, End, Lent as _, Producers, SideRules};
use crate::span::{Counter, Span};
use crate::stats::Refusal;
use crate::sync::Pos;

/// What a producer knows.
pub(super) struct WriteEnd<T, A: Arity> {
    pub(super) index: End<A, Producers>,
    pub(super) slots: Slots<T>,
    /// Slots that a grant has claimed on a side of many ends: to be aborted if it is forgotten.
    pub(super) lent: <A::Producers as SideRules>::Lent,
}

// SAFETY: the end moves items of `T` to a consumer's thread and reaches its ring through atomics and slots that
// are its alone; the pointers in it are valid on any thread as long as the ring lives, which its owner sees to.
unsafe impl<T: Send, A: Arity> Send for WriteEnd<T, A> {}

/// How far ahead of the tail a line is fetched for writing, in bytes.
///
/// Chosen with `benches/peers`, single items of 8 bytes, far processors, medians of 20 to 25 interleaved runs: in a ring
/// of 1024 slots 229 Mops/s without, 352 with 1024 bytes, 384 with 2048, 383 with 4096 (274, 357, 364, 364 when waiting
/// sides pause); in one of 65536 slots between 360 and 770 whatever is done (when they pause, 440, 688, 974, 999).
///
/// Many producers of one consumer do without: with it, 45 Mops/s in place of 71 with one of them, and 61 in place of 79
/// with two (far; near, as many). With many consumers it makes no difference, or a small one for the better.
const AHEAD: usize = 2048;
const LINE: usize = 64;

impl<T, A: Arity> WriteEnd<T, A> {
    pub(super) fn new(ring: RingPtr<T, A>) -> Self {
        Self { index: End::new(ring.index), slots: ring.slots, lent: Default::default() }
    }

    #[cfg(compare_and_swap)]
    pub(super) fn ring(&self) -> RingPtr<T, A> {
        RingPtr { index: *self.index.ptr(), slots: self.slots }
    }

    #[inline(always)]
    pub(super) fn claim(&mut self, request: ClaimRequest) -> Result<(Pos, usize), (Refusal, usize)> {
        self.index.claim(request)
    }

    #[inline(always)]
    pub(super) fn span(&self, at: Pos, len: usize) -> Span {
        self.index.ptr().span(at, len)
    }

    /// Writes an item to the slot of `at`.
    ///
    /// # Safety
    /// This end has claimed it.
    #[inline(always)]
    pub(super) unsafe fn write(&mut self, at: Pos, value: T) {
        self.fetch_ahead(at);
        // SAFETY: a slot of this ring, as the index found it; free and this end's alone, since it was claimed. The ring is alive,
        // since this end is.
        unsafe { self.slots.write(self.index.ptr().slot(at), value) };
    }

    /// Fetches for writing what will be written after `at`, if anything of it begins a line.
    #[inline(always)]
    fn fetch_ahead(&self, at: Pos) {
        if size_of::<T>() == 0 || (A::Producers::SHARED && !A::Consumers::SHARED) {
            return;
        }
        // One prefetch for each line the tail crosses.
        let per_line =
            const { if size_of::<T>() < LINE { LINE / size_of::<T>().next_power_of_two() } else { 1 } };
        if at.slot(per_line - 1) == 0 {
            // Zero-sized items never come here, but unoptimised builds evaluate the constant for them too.
            let ahead = const { if matches!(size_of::<T>(), 1..AHEAD) { AHEAD / size_of::<T>() } else { 1 } };
            // A small ring has its consumer that near.
            let index = self.index.ptr();
            // SAFETY: a slot of this ring, as the index found it.
            unsafe { self.slots.fetch(index.slot(at.plus(ahead.min(index.capacity() / 4)))) };
        }
    }

    /// Hands over the first `count` of `claimed` slots that were claimed from `at` on, and aborts the rest.
    ///
    /// # Safety
    /// They were claimed from there on, and not finished, and `count` of them are written.
    #[inline(always)]
    pub(super) unsafe fn finish(&mut self, at: Pos, count: usize, claimed: usize) {
        // SAFETY: as the caller says.
        unsafe { self.index.finish(at, count, claimed) };
    }

    /// Aborts the slots of a grant that was forgotten. Returns whether one was.
    #[inline]
    pub(super) fn reclaim_forgotten(&mut self) -> bool {
        let Some((at, count)) = self.lent.take() else { return false };
        // SAFETY: the grant had claimed them and committed none, or it would have said so; and it is gone, since it
        // borrowed this end.
        unsafe { self.finish(at, 0, count) };
        true
    }
}
