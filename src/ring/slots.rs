//! The slots of a ring, and the pointer by which a handle reaches them. Which slots are whose is the index's business.

use core::cell::UnsafeCell;
use core::fmt;
use core::marker::PhantomData;
use core::mem::MaybeUninit;
use core::ptr::{self, NonNull};

use crate::cpu::prefetch_write;
use crate::index::{Arity, Header, IndexPtr, Stamps};
use crate::shadow::{Shadow, Tracker};
use crate::span::Span;
use crate::sync::const_fn;

/// `N` slots, initialised or not.
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

/// The address of the slots of a ring.
///
/// Copies of one ring's `Slots` may exist on both sides. Each is held by something that keeps the ring alive, or by the ring
/// itself. Which slots it may touch follows from the positions, which the [`IndexPtr`] knows.
pub(crate) struct Slots<T> {
    slots: NonNull<MaybeUninit<T>>,
    tracker: Tracker,
    /// Invariant: a producer of `&'static str` must not pass for one of shorter-lived strings.
    items: PhantomData<fn(T) -> T>,
}

impl<T> Clone for Slots<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Slots<T> {}

impl<T> Slots<T> {
    pub(crate) fn new<const N: usize>(cells: &Cells<T, N>) -> Self {
        Self {
            // They are behind an UnsafeCell, so a pointer derived from the shared reference may write to them.
            slots: NonNull::from(&cells.slots).cast::<MaybeUninit<T>>(),
            tracker: cells.shadow.tracker(),
            items: PhantomData,
        }
    }

    /// The slots of a ring whose capacity its type does not say.
    #[cfg(all(feature = "alloc", not(loom)))]
    fn on_the_heap(slots: &[UnsafeCell<MaybeUninit<T>>]) -> Self {
        // They are behind an UnsafeCell, as in `new`.
        let slots = NonNull::from(slots).cast::<MaybeUninit<T>>();
        Self { slots, tracker: Shadow::<0>::new().tracker(), items: PhantomData }
    }

    /// Returns a pointer to a slot.
    ///
    /// # Safety
    /// It is a slot of this ring: its number is below the capacity.
    #[inline(always)]
    unsafe fn slot(&self, slot: usize) -> NonNull<MaybeUninit<T>> {
        // SAFETY: `slots` points to an array of as many slots as the capacity, so the pointer stays in it.
        unsafe { self.slots.add(slot) }
    }

    /// Fetches a slot for writing.
    ///
    /// # Safety
    /// It is a slot of this ring.
    #[inline(always)]
    pub(crate) unsafe fn fetch(&self, slot: usize) {
        // SAFETY: in range, as the caller says.
        prefetch_write(unsafe { self.slot(slot) }.as_ptr());
    }

    /// Moves `value` into a slot.
    ///
    /// # Safety
    /// It is a slot of this ring, which is alive, and the caller's alone: a producer has claimed it, and it is free.
    #[inline(always)]
    pub(crate) unsafe fn write(&self, slot: usize, value: T) {
        // SAFETY: the ring is alive, and the slot is in range, as the caller says.
        unsafe { self.tracker.write(Span::one(slot)) };
        // SAFETY: in range, as the caller says.
        let place = unsafe { self.slot(slot) };
        // SAFETY: in bounds and aligned, as a slot of the array; no other end touches it, as the caller says.
        unsafe { place.write(MaybeUninit::new(value)) };
    }

    /// Moves the item out of a slot.
    ///
    /// # Safety
    /// It is a slot of this ring, which is alive, and the caller's alone, and initialised: a consumer has claimed it, it is
    /// written, and the caller will not take the same item again.
    #[inline(always)]
    pub(crate) unsafe fn take(&self, slot: usize) -> T {
        // SAFETY: the ring is alive, and the slot is in range, as the caller says.
        unsafe { self.tracker.write(Span::one(slot)) };
        // SAFETY: in range, as the caller says.
        let place = unsafe { self.slot(slot) };
        // SAFETY: in bounds and aligned, as a slot of the array; no other end touches it, as the caller says.
        let item = unsafe { place.read() };
        // SAFETY: initialised and not taken before, as the caller says.
        unsafe { item.assume_init() }
    }

    /// Drops the item in a slot, in place: an item may be larger than the stack.
    ///
    /// # Safety
    /// As for [`take`](Self::take).
    #[inline(always)]
    pub(crate) unsafe fn drop_item(&self, slot: usize) {
        // SAFETY: the ring is alive, and the slot is in range, as the caller says.
        unsafe { self.tracker.write(Span::one(slot)) };
        // SAFETY: in range, as the caller says.
        let place = unsafe { self.slot(slot) };
        // SAFETY:
        // - in bounds and aligned, as a slot of the array; `MaybeUninit<T>` has the layout of `T`;
        // - initialised, the caller's alone, and neither taken nor dropped again, as the caller says.
        unsafe { place.cast::<T>().drop_in_place() };
    }

    /// Drops the items of `span`, in place. If the `Drop` of one panics, the rest are dropped all the same.
    ///
    /// # Safety
    /// The slots of `span` are slots of this ring, which outlives the call. They are the caller's alone and initialised, and
    /// their items are neither taken nor dropped again, also if this panics.
    #[inline]
    pub(crate) unsafe fn drop_items(&self, span: Span) {
        // SAFETY: the caller's alone, as it says, for the rest of this call.
        let (first, second) = unsafe { self.parts_mut(span) };
        // The second part goes even if the first panics.
        let second = DropItems(second);
        drop(DropItems(first));
        drop(second);
    }

    /// Returns the two parts of `span`, to write.
    ///
    /// # Safety
    /// The slots of `span` are slots of this ring, and the caller's alone for the lifetime it picks, which the ring outlives.
    #[inline(always)]
    pub(crate) unsafe fn parts_mut<'a>(
        &self,
        span: Span,
    ) -> (&'a mut [MaybeUninit<T>], &'a mut [MaybeUninit<T>]) {
        // SAFETY: the ring is alive, and the span in range, as the caller says.
        unsafe { self.tracker.write(span) };
        // SAFETY: the first part lies in the array of slots, so the pointer stays in it or at its end.
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

    /// Returns the two parts of `span`, to read.
    ///
    /// # Safety
    /// The slots of `span` are slots of this ring and initialised, and not written to for the lifetime the caller
    /// picks, which the ring outlives.
    #[inline(always)]
    pub(crate) unsafe fn parts<'a>(&self, span: Span) -> (&'a [T], &'a [T]) {
        // SAFETY: the ring is alive, and the span in range, as the caller says.
        unsafe { self.tracker.read(span) };
        // SAFETY: the first part lies in the array of slots, so the pointer stays in it or at its end.
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

/// How a handle reaches its ring: the index that finds the slots, and the slots, of one ring.
///
/// Copies may exist on both sides. Each is held by something that keeps the ring alive, or by the ring itself.
pub struct RingPtr<T, A: Arity> {
    pub(crate) index: IndexPtr<A>,
    pub(super) slots: Slots<T>,
}

impl<T, A: Arity> Clone for RingPtr<T, A> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T, A: Arity> Copy for RingPtr<T, A> {}

impl<T, A: Arity> fmt::Debug for RingPtr<T, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RingPtr").finish_non_exhaustive()
    }
}

impl<T, A: Arity> RingPtr<T, A> {
    pub(super) fn new<const N: usize>(
        header: &Header<A::Stats>,
        written: &Stamps<A::Producers, N>,
        freed: &Stamps<A::Consumers, N>,
        cells: &Cells<T, N>,
    ) -> Self {
        Self { index: IndexPtr::new(header, written, freed), slots: Slots::new(cells) }
    }

    /// As [`new`](Self::new), of a ring whose capacity its type does not say. `index` and `slots` are of one ring, with as many
    /// slots as the index has numbers.
    #[cfg(all(feature = "alloc", not(loom)))]
    pub(super) fn on_the_heap(index: IndexPtr<A>, slots: &[UnsafeCell<MaybeUninit<T>>]) -> Self {
        Self { index, slots: Slots::on_the_heap(slots) }
    }
}

/// Drops the items of one part of a span when it is dropped itself. Made by [`Slots::drop_items`] alone.
struct DropItems<'a, T>(&'a mut [MaybeUninit<T>]);

impl<T> Drop for DropItems<'_, T> {
    fn drop(&mut self) {
        // SAFETY:
        // - valid, aligned and exclusive: it comes from a reference, and `MaybeUninit<T>` has the layout of `T`;
        // - initialised, and not used again, as the caller of `drop_items` says.
        unsafe { ptr::drop_in_place(ptr::from_mut(self.0) as *mut [T]) };
    }
}
