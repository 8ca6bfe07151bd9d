//! A ring on the heap whose capacity is chosen when it is made.

use alloc::vec::Vec;
use core::cell::UnsafeCell;
use core::fmt;
use core::mem::MaybeUninit;

use super::Ends;
use super::any_ring::AnyRing;
use super::any_ring::sealed::Raw;
#[cfg(compare_and_swap)]
use super::owner::Ref;
use super::slots::RingPtr;
#[cfg(compare_and_swap)]
use super::{Consumer, Producer};
use crate::error::says;
use crate::index::{Arity, Header, HeapStamps, IndexPtr, OneToOne, SideRules as _};
use crate::stats::{Counts, RingStats};
use crate::sync::Pos;
#[cfg(arc)]
use {super::owner::ArcRef, crate::sync::Arc};

/// A ring whose capacity is chosen when it is made: of the same arities, with the same ends, and the same guarantees as a
/// [`Ring`](super::Ring).
///
/// Its slots are on the heap, so it holds pointers, and cannot live in a `static` or in memory that processes share. There, and
/// where the capacity is known when the program is compiled, take a [`Ring`](super::Ring).
///
/// ```
/// # #[cfg(target_has_atomic = "ptr")] {
/// use annulet::ring::HeapRing;
///
/// let (mut tx, mut rx) = HeapRing::<u32>::new_split(1000);
/// assert_eq!(tx.capacity(), 1024); // rounded up to a power of two
/// std::thread::spawn(move || tx.try_push(7).unwrap()).join().unwrap();
/// assert_eq!(rx.try_pop(), Ok(7));
/// # }
/// ```
#[cfg_attr(docsrs, doc(cfg(feature = "alloc")))]
pub struct HeapRing<T, A: Arity = OneToOne> {
    header: Header<A::Stats>,
    written: HeapStamps<A::Producers>,
    freed: HeapStamps<A::Consumers>,
    /// As many as its capacity, a power of two.
    slots: Vec<UnsafeCell<MaybeUninit<T>>>,
}

// SAFETY: as for `Ring`: a shared ring moves `T` across threads, and nothing more. That its slots are behind a pointer makes no
// difference, since nobody changes it as long as the ring lives.
unsafe impl<T: Send, A: Arity> Sync for HeapRing<T, A> {}
// SAFETY: what it holds is memory of its own, with items in it that may move across threads.
unsafe impl<T: Send, A: Arity> Send for HeapRing<T, A> {}

/// Why a ring of that capacity was not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CapacityError {
    /// Positions cannot tell so many slots apart: the capacity, and the largest one that they can.
    TooLarge {
        /// What was asked for.
        capacity: usize,
        /// The most there can be.
        most: usize,
    },
    /// There was no memory for so many slots.
    OutOfMemory {
        /// What was asked for.
        capacity: usize,
    },
}

says! { CapacityError {
    Self::TooLarge { capacity, most } => "a ring of {capacity} slots is too large: there can be {most}",
    Self::OutOfMemory { capacity } => "there is no memory for a ring of {capacity} slots",
} }

impl<T, A: Arity> HeapRing<T, A> {
    /// The largest capacity that positions can tell full from empty.
    // In the narrow build a position is not a `usize`.
    #[allow(clippy::unnecessary_cast)]
    const MOST: usize =
        (Pos::MAX >> if A::Producers::SHARED || A::Consumers::SHARED { 3 } else { 1 }) as usize + 1;

    /// Makes an empty ring of at least `capacity` slots: the next power of two, and at least one.
    ///
    /// If there is no memory for it, that is handled as for any allocation; [`try_new`](Self::try_new) says so.
    ///
    /// ```
    /// use annulet::ring::HeapRing;
    ///
    /// let mut ring = HeapRing::<u8>::new(3);
    /// assert_eq!(ring.capacity(), 4);
    /// let (mut tx, mut rx) = ring.split();
    /// tx.try_push(7).unwrap();
    /// assert_eq!(rx.try_pop(), Ok(7));
    /// ```
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        use core::alloc::Layout;
        Self::try_new(capacity).unwrap_or_else(|_| {
            // What has no layout is larger than any memory, and so is this.
            let layout = Layout::array::<T>(capacity)
                .or_else(|_| Layout::from_size_align(isize::MAX.unsigned_abs(), 1))
                .unwrap_or(Layout::new::<T>());
            alloc::alloc::handle_alloc_error(layout)
        })
    }

    /// As [`new`](Self::new), with an error if that cannot be.
    ///
    /// # Errors
    ///
    /// [`CapacityError`], with the capacity.
    ///
    /// ```
    /// use annulet::ring::{CapacityError, HeapRing};
    ///
    /// assert!(matches!(HeapRing::<u8>::try_new(usize::MAX), Err(CapacityError::TooLarge { .. })));
    /// ```
    pub fn try_new(capacity: usize) -> Result<Self, CapacityError> {
        let slots = match capacity.max(1).checked_next_power_of_two() {
            Some(slots) if slots <= Self::MOST => slots,
            _ => return Err(CapacityError::TooLarge { capacity, most: Self::MOST }),
        };
        Self::of(slots).ok_or(CapacityError::OutOfMemory { capacity })
    }

    /// Of exactly so many slots: a power of two.
    fn of(capacity: usize) -> Option<Self> {
        let mut slots = Vec::new();
        slots.try_reserve_exact(capacity).ok()?;
        // SAFETY: there is room for so many, as was just seen to, and uninitialised memory is a valid `MaybeUninit`.
        unsafe { slots.set_len(capacity) };
        Some(Self {
            header: Header::new(0),
            written: A::Producers::try_heap_stamps(capacity)?,
            freed: A::Consumers::try_heap_stamps(capacity)?,
            slots,
        })
    }

    /// Makes an empty ring whose positions start at `origin` instead of 0, to test what happens when they wrap.
    #[doc(hidden)]
    #[must_use]
    // The truncation is wanted: in the narrow build, any number is a position.
    #[allow(clippy::cast_possible_truncation, clippy::unnecessary_cast)]
    pub fn starting_at(origin: usize, capacity: usize) -> Self {
        let mut ring = Self::new(capacity);
        let (capacity, origin) = (ring.capacity(), origin as Pos);
        ring.header = Header::new(origin);
        A::Producers::heap_start_at(&mut ring.written, capacity, origin);
        A::Consumers::heap_start_at(&mut ring.freed, capacity, origin);
        ring
    }

    /// Returns the number of items that the ring holds when it is full.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.slots.len()
    }

    /// Returns the number of items in the ring, as [`Ring::len`](super::Ring::len).
    #[must_use]
    pub fn len(&self) -> usize {
        self.ptr().len()
    }

    /// Returns true if [`len`](Self::len) is 0.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns true if [`len`](Self::len) is the capacity.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.len() == self.capacity()
    }

    /// Returns both ends, for as long as the ring stays borrowed, as [`Ring::split`](super::Ring::split).
    #[must_use]
    pub fn split(&mut self) -> Ends<'_, T, A> {
        self.header.ends.0.clear();
        // SAFETY: the ring is borrowed exclusively.
        unsafe { self.ptr().reclaim_forgotten() };
        // SAFETY: it is so for as long as the handles live, so these are its only ends.
        unsafe { self.ptr().ends_unclaimed() }
    }

    /// Returns both ends, or `None` while an end of a single side is in use, as [`Ring::try_split`](super::Ring::try_split).
    #[cfg(compare_and_swap)]
    #[must_use]
    pub fn try_split(&self) -> Option<Ends<'_, T, A>> {
        let ends = &self.header.ends.0;
        // SAFETY: the borrow keeps the ring alive, and the bits are this ring's.
        unsafe { self.ptr().try_ends_of(|| (Ref::claimed(ends), Ref::claimed(ends))) }
    }

    /// Returns a producer alone, or `None` while the only one is in use.
    #[cfg(compare_and_swap)]
    #[must_use]
    pub fn try_producer(&self) -> Option<Producer<'_, T, A>> {
        // SAFETY: as in `try_split`.
        unsafe { self.ptr().try_producer_of(|| Ref::claimed(&self.header.ends.0)) }
    }

    /// Returns a consumer alone, or `None` while the only one is in use.
    #[cfg(compare_and_swap)]
    #[must_use]
    pub fn try_consumer(&self) -> Option<Consumer<'_, T, A>> {
        // SAFETY: as in `try_split`.
        unsafe { self.ptr().try_consumer_of(|| Ref::claimed(&self.header.ends.0)) }
    }

    /// Returns both ends of a new ring, which keep it alive. Its capacity is that of [`new`](Self::new).
    #[cfg(arc)]
    #[must_use]
    pub fn new_split(capacity: usize) -> Ends<'static, T, A, ArcRef<Self>> {
        let ring = Arc::new(Self::new(capacity));
        // SAFETY: the ring is new, so these are its only ends, and each keeps an `Arc` of it.
        unsafe { ring.ptr().ends_of(ArcRef(Arc::clone(&ring)), ArcRef(Arc::clone(&ring))) }
    }
}

impl<T, A: Arity<Stats = Counts>> HeapRing<T, A> {
    /// Returns what the producers and the consumers have counted.
    #[must_use]
    pub fn stats(&self) -> RingStats {
        self.ptr().stats()
    }
}

impl<T, A: Arity> AnyRing for HeapRing<T, A> {}
impl<T, A: Arity> Raw for HeapRing<T, A> {
    type Item = T;
    type Arity = A;
    #[inline(always)]
    fn ptr(&self) -> RingPtr<T, A> {
        let index = IndexPtr::on_the_heap(&self.header, &self.written, &self.freed, self.slots.len());
        RingPtr::on_the_heap(index, &self.slots)
    }
    fn forget_ends(&mut self) {
        drop(self.split());
    }
}

impl<T, A: Arity> Drop for HeapRing<T, A> {
    fn drop(&mut self) {
        // SAFETY: it is being dropped.
        unsafe { self.ptr().drop_remains() };
    }
}

impl<T, A: Arity> fmt::Debug for HeapRing<T, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HeapRing").field("len", &self.len()).field("capacity", &self.capacity()).finish()
    }
}
