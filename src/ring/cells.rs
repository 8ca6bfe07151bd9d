//! The slots of a ring, and the pointer bundle with which a handle reaches them.

use core::cell::UnsafeCell;
use core::marker::PhantomData;
use core::mem::MaybeUninit;
use core::ptr::{self, NonNull};

use super::side::{FREED, Question, Side, VOID, WRITTEN};
use crate::bitmap::Bitmap;
use crate::cursor::Cursor;
use crate::span::{Counter, Span};
use crate::stats::Stats;
use crate::sync::{CachePadded, Pos, Shadow, Tracker, const_fn, prefetch_write};

/// What the two sides share besides the slots: a line for each side's position, and who holds the ends.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct Header<S> {
    /// Next to write; stored by the producers alone.
    pub(crate) tail: CachePadded<Cursor>,
    /// Next to read; stored by the consumers alone.
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
                #[cfg(not(loom))]
                sent: CachePadded(S::ZERO),
                #[cfg(not(loom))]
                received: CachePadded(S::ZERO),
                #[cfg(loom)]
                sent: CachePadded(S::zero()),
                #[cfg(loom)]
                received: CachePadded(S::zero()),
            }
        }
    }
}

/// `N` slots, initialised or not; which of them are is the positions' business.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct Cells<T, const N: usize> {
    slots: UnsafeCell<[MaybeUninit<T>; N]>,
    shadow: Shadow<N>,
}

impl<T, const N: usize> Cells<T, N> {
    const_fn! {
        pub(crate) const fn new() -> Self {
            Self { slots: UnsafeCell::new([const { MaybeUninit::uninit() }; N]), shadow: Shadow::new() }
        }
    }
}

/// How a handle reaches its ring: where the header, the stamps and the slots are, and the slot mask.
///
/// Copies of one ring's `Raw` may exist on both sides. Whoever holds one keeps the ring alive; which slots it may
/// touch follows from the positions.
pub(crate) struct Raw<T, P: Side, C: Side, S: Stats> {
    header: NonNull<Header<S>>,
    /// What the producers have committed, where their position does not say it.
    written: P::Reach,
    /// What the consumers have.
    freed: C::Reach,
    slots: NonNull<MaybeUninit<T>>,
    mask: usize,
    tracker: Tracker,
    /// Invariant: a producer of `&'static str` must not pass for one of shorter-lived strings.
    items: PhantomData<fn(T) -> T>,
}

impl<T, P: Side, C: Side, S: Stats> Clone for Raw<T, P, C, S> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T, P: Side, C: Side, S: Stats> Copy for Raw<T, P, C, S> {}

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

impl<T, P: Side, C: Side, S: Stats> Raw<T, P, C, S> {
    pub(crate) fn new<const N: usize>(
        header: &Header<S>,
        written: &P::Stamps<N>,
        freed: &C::Stamps<N>,
        cells: &Cells<T, N>,
    ) -> Self {
        Self {
            header: NonNull::from(header),
            written: P::reach(written),
            freed: C::reach(freed),
            // They are behind an UnsafeCell, so a pointer derived from the shared reference may write to them.
            slots: NonNull::from(&cells.slots).cast::<MaybeUninit<T>>(),
            mask: N - 1,
            tracker: cells.shadow.tracker(),
            items: PhantomData,
        }
    }

    #[inline(always)]
    pub(crate) fn capacity(&self) -> usize {
        self.mask + 1
    }

    #[inline(always)]
    pub(crate) fn header(&self) -> &Header<S> {
        // SAFETY:
        // - the pointer was made from a reference to the header, so it is aligned and dereferenceable;
        // - a `Raw` is held only by a handle that keeps the ring alive, or by the ring itself;
        // - the header is only ever shared (its fields are atomics), except by `&mut` access to the whole ring,
        //   which the handles' lifetimes exclude.
        unsafe { self.header.as_ref() }
    }

    /// Up to where producers may write: the first position from `at` on that no consumer has freed yet, or that was
    /// not looked at, since `known` are free and `wanted` are enough. Out of range where `at` is out of date.
    #[inline(always)]
    pub(super) fn free_until(&self, at: Pos, known: usize, wanted: usize) -> Pos {
        let (ahead, mask) = (self.capacity(), self.mask);
        let question = Question { at, known, wanted, ahead, state: FREED, mask };
        // SAFETY: the stamps are of this ring, which is alive as for `header`.
        unsafe { C::committed(&self.header().head.0, self.freed, question) }
    }

    /// Up to where there are items, in the same way.
    #[inline(always)]
    pub(super) fn written_until(&self, at: Pos, known: usize, wanted: usize) -> Pos {
        let question = Question { at, known, wanted, ahead: 0, state: WRITTEN, mask: self.mask };
        // SAFETY: the stamps are of this ring, which is alive as for `header`.
        unsafe { P::committed(&self.header().tail.0, self.written, question) }
    }

    /// What became of the slot of `at`, if producers say so by stamps: an item, nothing, or not yet (`None`).
    #[inline(always)]
    pub(super) fn outcome(&self, at: Pos) -> Option<Pos> {
        // SAFETY: the stamps are of this ring, which is alive as for `header`.
        let stamp = unsafe { P::stamp(self.written, at, self.mask) }?;
        [WRITTEN, VOID].into_iter().find(|state| stamp == at.lap(self.mask) | state)
    }

    /// Hands `count` written (or void) slots to the consumers.
    ///
    /// # Safety
    /// The caller, a producer, took these positions, has not committed them yet, and wrote items if it says so.
    #[inline(always)]
    pub(super) unsafe fn commit_written(&self, at: Pos, count: usize, state: Pos) {
        let tail = &self.header().tail.0;
        // SAFETY: the stamps are of this ring, which is alive; the rest is the caller's word.
        unsafe { P::commit(tail, self.written, at, count, 0, state, self.mask) };
    }

    /// Hands `count` slots back to the producers.
    ///
    /// # Safety
    /// The caller, a consumer, took these positions, has not freed them yet, and moved the items out.
    #[inline(always)]
    pub(super) unsafe fn commit_freed(&self, at: Pos, count: usize) {
        let head = &self.header().head.0;
        // SAFETY: the stamps are of this ring, which is alive; the rest is the caller's word.
        unsafe { C::commit(head, self.freed, at, count, self.capacity(), FREED, self.mask) };
    }

    /// The slots from position `at` on, `len <= capacity` of them.
    #[inline(always)]
    pub(crate) fn span(&self, at: Pos, len: usize) -> Span {
        Span::new(at.slot(self.mask), len, self.capacity())
    }

    /// A pointer to the slot of position `at`.
    #[inline(always)]
    pub(crate) fn slot(&self, at: Pos) -> NonNull<MaybeUninit<T>> {
        // SAFETY: the slot number is masked, so at most `mask`, and `slots` points to an array of `mask + 1`.
        unsafe { self.slots.add(at.slot(self.mask)) }
    }

    /// Fetches for writing what will be written after `at`, if anything of it begins a line.
    #[inline(always)]
    pub(crate) fn fetch_ahead(&self, at: Pos) {
        if size_of::<T>() == 0 || (P::SHARED && !C::SHARED) {
            return;
        }
        // One prefetch for each line the tail crosses.
        let per_line =
            const { if size_of::<T>() < LINE { LINE / size_of::<T>().next_power_of_two() } else { 1 } };
        if at.slot(per_line - 1) == 0 {
            // Zero-sized items never come here, but unoptimised builds evaluate the constant for them too.
            let ahead = const { if matches!(size_of::<T>(), 1..AHEAD) { AHEAD / size_of::<T>() } else { 1 } };
            // A small ring has its consumer that near.
            prefetch_write(self.slot(at.plus(ahead.min(self.capacity() / 4))).as_ptr());
        }
    }

    /// Moves `value` into the slot of `at`.
    ///
    /// # Safety
    /// The slot is the caller's alone: it is a producer that has taken `at`, which is free.
    #[inline(always)]
    pub(crate) unsafe fn write(&self, at: Pos, value: T) {
        // SAFETY: alive as for `header`; one masked slot is in range.
        unsafe { self.tracker.write(Span::one(at.slot(self.mask))) };
        // SAFETY: in bounds and aligned by `slot`; nobody else touches the slot, as the caller says.
        unsafe { self.slot(at).write(MaybeUninit::new(value)) };
    }

    /// Moves the item out of the slot of `at`.
    ///
    /// # Safety
    /// The slot is the caller's alone and initialised: it is a consumer that has taken `at`, which
    /// is written, and it will not take the same item again.
    #[inline(always)]
    pub(crate) unsafe fn take(&self, at: Pos) -> T {
        // SAFETY: alive as for `header`; one masked slot is in range.
        unsafe { self.tracker.write(Span::one(at.slot(self.mask))) };
        // SAFETY: in bounds and aligned by `slot`; nobody else touches the slot, as the caller says.
        let slot = unsafe { self.slot(at).read() };
        // SAFETY: initialised and not taken before, as the caller says.
        unsafe { slot.assume_init() }
    }

    /// Drops the item in the slot of `at`, where it is: an item may be larger than the stack.
    ///
    /// # Safety
    /// As for [`take`](Self::take).
    #[inline(always)]
    pub(crate) unsafe fn drop_item(&self, at: Pos) {
        // SAFETY: alive as for `header`; one masked slot is in range.
        unsafe { self.tracker.write(Span::one(at.slot(self.mask))) };
        // SAFETY:
        // - in bounds and aligned by `slot`; `MaybeUninit<T>` has the layout of `T`;
        // - initialised, nobody else's, and neither taken nor dropped again, as the caller says.
        unsafe { self.slot(at).cast::<T>().drop_in_place() };
    }

    /// Drops the items of `span`, where they are. If the `Drop` of one panics, the others are dropped all the same.
    ///
    /// # Safety
    /// The slots of `span` are the caller's alone and initialised, and their items are neither taken nor dropped again,
    /// also if this panics. The ring outlives the call.
    #[inline]
    pub(crate) unsafe fn drop_items(&self, span: Span) {
        // SAFETY: the caller's alone, as it says, for the rest of this call.
        let (first, second) = unsafe { self.parts_mut(span) };
        // The second part goes even if the first panics.
        let second = DropItems(second);
        drop(DropItems(first));
        drop(second);
    }

    /// The two parts of `span`, to write.
    ///
    /// # Safety
    /// The slots of `span` are the caller's alone for the lifetime it picks, which the ring outlives.
    #[inline(always)]
    pub(crate) unsafe fn parts_mut<'a>(
        &self,
        span: Span,
    ) -> (&'a mut [MaybeUninit<T>], &'a mut [MaybeUninit<T>]) {
        // SAFETY: alive as for `header`; spans are made by `span`, so they are in range.
        unsafe { self.tracker.write(span) };
        // SAFETY: the first part lies in the array of `mask + 1` slots, so the pointer stays in it or at its end.
        let start = unsafe { self.slots.add(span.first().start) };
        // SAFETY:
        // - in bounds: the first part lies in the array the pointer came from, and the pointer is aligned and
        //   non-null; `MaybeUninit` needs no initialisation;
        // - exclusive, as the caller says, and the two parts of a span do not overlap.
        let first = unsafe { core::slice::from_raw_parts_mut(start.as_ptr(), span.first().len()) };
        // SAFETY: as above, for the part at the start of the array.
        let second = unsafe { core::slice::from_raw_parts_mut(self.slots.as_ptr(), span.second().len()) };
        (first, second)
    }

    /// The two parts of `span`, to read.
    ///
    /// # Safety
    /// The slots of `span` are initialised, and nobody writes to them for the lifetime the caller picks, which
    /// the ring outlives.
    #[inline(always)]
    pub(crate) unsafe fn parts<'a>(&self, span: Span) -> (&'a [T], &'a [T]) {
        // SAFETY: alive as for `header`; spans are made by `span`, so they are in range.
        unsafe { self.tracker.read(span) };
        // SAFETY: the first part lies in the array of `mask + 1` slots, so the pointer stays in it or at its end.
        let start = unsafe { self.slots.add(span.first().start) };
        // SAFETY:
        // - in bounds and aligned as for `parts_mut`; `MaybeUninit<T>` has the layout of `T`;
        // - initialised and not written to, as the caller says.
        let first = unsafe { core::slice::from_raw_parts(start.cast::<T>().as_ptr(), span.first().len()) };
        // SAFETY: as above, for the part at the start of the array.
        let second =
            unsafe { core::slice::from_raw_parts(self.slots.cast::<T>().as_ptr(), span.second().len()) };
        (first, second)
    }
}

/// Drops the items of one part of a span when it is dropped itself. Made by [`Raw::drop_items`] alone.
struct DropItems<'a, T>(&'a mut [MaybeUninit<T>]);

impl<T> Drop for DropItems<'_, T> {
    fn drop(&mut self) {
        // SAFETY:
        // - valid, aligned and exclusive: it comes from a reference, and `MaybeUninit<T>` has the layout of `T`;
        // - initialised, and not used again, as the caller of `drop_items` says.
        unsafe { ptr::drop_in_place(ptr::from_mut(self.0) as *mut [T]) };
    }
}
