//! What the two sides of a ring share besides the slots, and the pointers by which an end reaches it.

use core::ptr::NonNull;

use super::arity::Arity;
use super::side::sealed::Sealed as _;
use super::side::{ABORTED, Commit, CommitQuery, WRITTEN};
use crate::atomic::Bitmap;
use crate::atomic::Cursor;
use crate::cpu::CachePadded;
use crate::span::{Counter, Span};
use crate::stats::Stats;
use crate::sync::{Pos, const_fn};
use crate::zeroed::zeroed;

/// A line for each side's position, the claimed ends, and the counters.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct Header<S> {
    /// Next to write. Stored by the producers alone.
    pub(crate) tail: CachePadded<Cursor>,
    /// Next to read. Stored by the consumers alone.
    pub(crate) head: CachePadded<Cursor>,
    /// Which ends are handed out. A line that is not written while items move.
    pub(crate) ends: CachePadded<Bitmap>,
    /// What the producers count.
    pub(crate) sent: CachePadded<S>,
    /// What the consumers count.
    pub(crate) received: CachePadded<S>,
}

impl<S: Stats> Header<S> {
    const_fn! {
        pub(crate) const fn new(at: Pos) -> Self {
            Self {
                tail: CachePadded(Cursor::new(at)),
                head: CachePadded(Cursor::new(at)),
                ends: CachePadded(Bitmap::new()),
                sent: zeroed(),
                received: zeroed(),
            }
        }
    }
}

type StampPtr<X> = <X as super::side::sealed::Sealed>::StampPtr;
pub(crate) type Stamps<X, const N: usize> = <X as super::side::sealed::Sealed>::Stamps<N>;
#[cfg(all(feature = "alloc", not(loom)))]
pub(crate) type HeapStamps<X> = <X as super::side::sealed::Sealed>::HeapStamps;

/// How an end finds its slots: where the header and the stamps are, and the slot mask.
///
/// Copies of one ring's `IndexPtr` may exist on both sides. Each is held by something that keeps the ring alive, or by the ring
/// itself. Which slots an end may touch follows from the positions.
pub(crate) struct IndexPtr<A: Arity> {
    header: NonNull<Header<A::Stats>>,
    /// What the producers have committed, if their position does not say it.
    written: StampPtr<A::Producers>,
    /// What the consumers have.
    freed: StampPtr<A::Consumers>,
    mask: usize,
}

impl<A: Arity> Clone for IndexPtr<A> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<A: Arity> Copy for IndexPtr<A> {}

impl<A: Arity> IndexPtr<A> {
    pub(crate) fn new<const N: usize>(
        header: &Header<A::Stats>,
        written: &Stamps<A::Producers, N>,
        freed: &Stamps<A::Consumers, N>,
    ) -> Self {
        Self {
            header: NonNull::from(header),
            written: A::Producers::stamp_ptr(written),
            freed: A::Consumers::stamp_ptr(freed),
            mask: N - 1,
        }
    }

    /// As [`new`](Self::new), of a ring whose capacity its type does not say: a power of two, and there are as many stamps.
    #[cfg(all(feature = "alloc", not(loom)))]
    pub(crate) fn on_the_heap(
        header: &Header<A::Stats>,
        written: &HeapStamps<A::Producers>,
        freed: &HeapStamps<A::Consumers>,
        capacity: usize,
    ) -> Self {
        Self {
            header: NonNull::from(header),
            written: A::Producers::heap_stamp_ptr(written),
            freed: A::Consumers::heap_stamp_ptr(freed),
            mask: capacity - 1,
        }
    }

    #[inline(always)]
    pub(crate) fn capacity(&self) -> usize {
        self.mask + 1
    }

    #[inline(always)]
    pub(crate) fn header(&self) -> &Header<A::Stats> {
        // SAFETY:
        // - the pointer was made from a reference to the header, so it is aligned and dereferenceable;
        // - an `IndexPtr` is held only by a handle that keeps the ring alive, or by the ring itself;
        // - the header is only ever shared (its fields are atomics), except by `&mut` access to the whole ring,
        //   which the handles' lifetimes exclude.
        unsafe { self.header.as_ref() }
    }

    /// Returns the slot of position `at`: below the capacity.
    #[inline(always)]
    pub(crate) fn slot(&self, at: Pos) -> usize {
        at.slot(self.mask)
    }

    /// Returns the slots from position `at` on, `len <= capacity` of them.
    #[inline(always)]
    pub(crate) fn span(&self, at: Pos, len: usize) -> Span {
        Span::new(self.slot(at), len, self.capacity())
    }

    /// Returns the first position from `at` on that no consumer has freed yet, or that was not looked at: the first `known`
    /// are free, and `wanted` are enough. It may be out of range if `at` is out of date.
    #[inline(always)]
    pub(crate) fn free_until(&self, at: Pos, known: usize, wanted: usize) -> Pos {
        let (lead, mask) = (self.capacity(), self.mask);
        let query = CommitQuery { at, known, wanted, lead, state: super::side::FREED, mask };
        // SAFETY: the stamps are of this ring, which is alive as for `header`.
        unsafe { A::Consumers::committed(&self.header().head.0, self.freed, query) }
    }

    /// Returns the first position from `at` on without an item, in the same way.
    #[inline(always)]
    pub(crate) fn written_until(&self, at: Pos, known: usize, wanted: usize) -> Pos {
        let query = CommitQuery { at, known, wanted, lead: 0, state: WRITTEN, mask: self.mask };
        // SAFETY: the stamps are of this ring, which is alive as for `header`.
        unsafe { A::Producers::committed(&self.header().tail.0, self.written, query) }
    }

    /// Returns what became of the slot of `at`, if producers say so by stamps: [`WRITTEN`], [`ABORTED`], or `None` as long as
    /// it is neither.
    #[inline(always)]
    pub(crate) fn slot_state(&self, at: Pos) -> Option<Pos> {
        // SAFETY: the stamps are of this ring, which is alive as for `header`.
        let stamp = unsafe { A::Producers::stamp(self.written, at, self.mask) }?;
        [WRITTEN, ABORTED].into_iter().find(|state| stamp == at.lap(self.mask) | state)
    }

    /// Hands `count` slots, which are written or aborted as `state` says, to the consumers.
    ///
    /// # Safety
    /// The caller, a producer, claimed these positions, has not committed them yet, and wrote items if it says so.
    #[inline(always)]
    pub(crate) unsafe fn commit_written(&self, at: Pos, count: usize, state: Pos) {
        let commit = Commit { at, count, lead: 0, state, mask: self.mask };
        // SAFETY: the stamps are of this ring, which is alive; the rest is the caller's word.
        unsafe { A::Producers::commit(&self.header().tail.0, self.written, commit) };
    }

    /// Hands `count` slots back to the producers.
    ///
    /// # Safety
    /// The caller, a consumer, claimed these positions, has not freed them yet, and moved the items out.
    #[inline(always)]
    pub(crate) unsafe fn commit_freed(&self, at: Pos, count: usize) {
        let commit = Commit { at, count, lead: self.capacity(), state: super::side::FREED, mask: self.mask };
        // SAFETY: the stamps are of this ring, which is alive; the rest is the caller's word.
        unsafe { A::Consumers::commit(&self.header().head.0, self.freed, commit) };
    }
}
