//! The only switch between core atomics, portable-atomic and loom.
//!
//! Everything else in the crate takes its atomics from here, so that the code loom explores is the code that
//! ships. Two more things differ between the worlds, and live here for the same reason: the cache-line padding of a
//! target, and the shadow cells that let loom see accesses made through raw pointers ([`Shadow`]).

use crate::zeroed::{Zeroed, empty_in_models};

#[cfg(all(not(loom), not(feature = "portable-atomic")))]
pub(crate) use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
#[cfg(loom)]
pub(crate) use loom::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
#[cfg(all(not(loom), feature = "portable-atomic"))]
pub(crate) use portable_atomic::{AtomicU32, AtomicUsize, Ordering};

#[cfg(not(loom))]
pub(crate) use core::sync::atomic::{compiler_fence, fence};
#[cfg(loom)]
pub(crate) use loom::sync::atomic::fence;

#[cfg(all(not(loom), not(feature = "portable-atomic"), annulet_narrow))]
pub(crate) use core::sync::atomic::AtomicU8 as AtomicPos;
/// The atomic that holds a ring position, as wide as [`Pos`].
#[cfg(all(not(loom), not(feature = "portable-atomic"), not(annulet_narrow)))]
pub(crate) use core::sync::atomic::AtomicUsize as AtomicPos;
#[cfg(all(loom, annulet_narrow))]
pub(crate) use loom::sync::atomic::AtomicU8 as AtomicPos;
#[cfg(all(loom, not(annulet_narrow)))]
pub(crate) use loom::sync::atomic::AtomicUsize as AtomicPos;
#[cfg(all(not(loom), feature = "portable-atomic", annulet_narrow))]
pub(crate) use portable_atomic::AtomicU8 as AtomicPos;
#[cfg(all(not(loom), feature = "portable-atomic", not(annulet_narrow)))]
pub(crate) use portable_atomic::AtomicUsize as AtomicPos;

#[cfg(all(arc, not(loom)))]
pub(crate) use core::sync::atomic::AtomicPtr;
#[cfg(all(feature = "alloc", loom))]
pub(crate) use loom::sync::atomic::AtomicPtr;

/// For numbers that hand nothing over, also in a static: loom need not see them, and has no atomic for a static.
#[cfg(not(feature = "portable-atomic"))]
pub(crate) use core::sync::atomic::AtomicU32 as StaticU32;
/// For counters, that hand nothing over: loom need not see them.
#[cfg(target_has_atomic = "64")]
pub(crate) use core::sync::atomic::AtomicU64;
#[cfg(feature = "portable-atomic")]
pub(crate) use portable_atomic::AtomicU32 as StaticU32;

/// A ring position: a counter that runs freely and wraps at the integer.
#[cfg(not(annulet_narrow))]
pub(crate) type Pos = usize;
/// A ring position of eight bits, in the narrow build: its tests walk whole laps of the integer.
#[cfg(annulet_narrow)]
pub(crate) type Pos = u8;

/// `Arc` as the handles keep it: loom must see its reference count, or it would report the drop of the last
/// handle as a race.
#[cfg(all(arc, not(loom)))]
pub(crate) use alloc::sync::Arc;
#[cfg(all(feature = "alloc", loom))]
pub(crate) use loom::sync::Arc;

/// `const fn` in the real world, `fn` under loom, whose atomics cannot be made in a constant (loom #170).
macro_rules! const_fn {
    ($(#[$meta:meta])* $vis:vis const fn $($rest:tt)*) => {
        #[cfg(not(loom))]
        $(#[$meta])* $vis const fn $($rest)*
        #[cfg(loom)]
        $(#[$meta])* $vis fn $($rest)*
    };
}
pub(crate) use const_fn;

/// Puts a value on cache lines of its own, so that the two sides of a ring do not fight over one line.
///
/// 128 bytes on x86-64 and aarch64 (adjacent-line prefetch, 128-byte lines on some cores), 64 on other 64-bit
/// targets, nothing where memory is scarce and there is no cache to share. It is `repr(C)` with the value at
/// offset 0.
#[cfg_attr(any(target_arch = "x86_64", target_arch = "aarch64"), repr(C, align(128)))]
#[cfg_attr(
    all(target_pointer_width = "64", not(any(target_arch = "x86_64", target_arch = "aarch64"))),
    repr(C, align(64))
)]
#[cfg_attr(not(target_pointer_width = "64"), repr(C))]
#[derive(Debug, Default)]
pub(crate) struct CachePadded<T>(pub(crate) T);

// SAFETY: the value, and padding, which may be anything.
unsafe impl<T: Zeroed> Zeroed for CachePadded<T> {
    empty_in_models!(Self(T::empty()));
}

// SAFETY: an integer in memory, zero or another.
unsafe impl Zeroed for AtomicU32 {
    empty_in_models!(Self::new(0));
}

impl<T> core::ops::Deref for CachePadded<T> {
    type Target = T;
    #[inline(always)]
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> core::ops::DerefMut for CachePadded<T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

/// What loom needs to see accesses to slots that the code makes through raw pointers.
///
/// Outside loom it is empty and its methods vanish. Under loom there is one tracked cell per slot; an access is
/// recorded when a guard is made and again when it ends, so that an overlapping access of the other side is a
/// reported race.
#[derive(Debug)]
pub(crate) struct Shadow<const N: usize> {
    #[cfg(loom)]
    cells: [loom::cell::UnsafeCell<()>; N],
}

impl<const N: usize> Shadow<N> {
    const_fn! {
        pub(crate) const fn new() -> Self {
            Self {
                #[cfg(loom)]
                cells: core::array::from_fn(|_| loom::cell::UnsafeCell::new(())),
            }
        }
    }

    /// Records that a slot is written now; `slot` is below `N`.
    #[inline(always)]
    pub(crate) fn write(&self, slot: usize) {
        #[cfg(loom)]
        self.cells[slot].with_mut(|_| ());
        #[cfg(not(loom))]
        let _ = slot;
    }

    /// Records that a slot is read now; `slot` is below `N`.
    // Without compare-and-swap no reader can join those that are tracked.
    #[cfg_attr(not(compare_and_swap), allow(dead_code))]
    #[inline(always)]
    pub(crate) fn read(&self, slot: usize) {
        #[cfg(loom)]
        self.cells[slot].with(|_| ());
        #[cfg(not(loom))]
        let _ = slot;
    }

    /// The tracker that a handle keeps beside its pointers.
    pub(crate) fn tracker(&self) -> Tracker {
        Tracker {
            #[cfg(loom)]
            cells: core::ptr::NonNull::from(&self.cells[0]),
        }
    }
}

/// A pointer to the shadow cells of a ring (nothing outside loom).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tracker {
    #[cfg(loom)]
    cells: core::ptr::NonNull<loom::cell::UnsafeCell<()>>,
}

impl Tracker {
    /// Records that the slots of `span` are written (or moved out of) now.
    ///
    /// # Safety
    /// The ring that made this tracker is alive, and `span` lies in its capacity.
    #[inline(always)]
    pub(crate) unsafe fn write(self, span: crate::span::Span) {
        #[cfg(loom)]
        for slot in span.slots() {
            // SAFETY: the caller says that the slot is in range; the cells are one array.
            let cell = unsafe { self.cells.add(slot) };
            // SAFETY: the caller says that the ring is alive; the cells are only ever shared.
            let cell = unsafe { cell.as_ref() };
            cell.with_mut(|_| ());
        }
        #[cfg(not(loom))]
        let _ = span;
    }

    /// Records that the slots of `span` are read now.
    ///
    /// # Safety
    /// As for [`write`](Self::write).
    #[inline(always)]
    pub(crate) unsafe fn read(self, span: crate::span::Span) {
        #[cfg(loom)]
        for slot in span.slots() {
            // SAFETY: the caller says that the slot is in range; the cells are one array.
            let cell = unsafe { self.cells.add(slot) };
            // SAFETY: the caller says that the ring is alive; the cells are only ever shared.
            let cell = unsafe { cell.as_ref() };
            cell.with(|_| ());
        }
        #[cfg(not(loom))]
        let _ = span;
    }
}

/// Returns whether a model has failed, and its threads are being unwound. A value that is dropped then can touch no atomic.
/// Never true outside loom.
// Asked by waiters, for which compare-and-swap is needed.
#[cfg(compare_and_swap)]
#[inline(always)]
pub(crate) fn is_over() -> bool {
    #[cfg(loom)]
    return std::thread::panicking();
    #[cfg(not(loom))]
    false
}

/// Asks the cache for the line at `ptr`, to be written soon. A hint: it never faults, and any address will do.
#[inline(always)]
pub(crate) fn prefetch_write<T>(ptr: *const T) {
    #[cfg(all(target_arch = "x86_64", not(miri), not(loom)))]
    // SAFETY:
    // - PREFETCHW is a hint that never faults and changes no architectural state, whatever the address;
    // - every x86-64 processor decodes it (those without the feature treat it as a no-op);
    // - it touches no register but its input, no flag and no stack, as the options say.
    unsafe {
        core::arch::asm!("prefetchw [{}]", in(reg) ptr, options(nostack, preserves_flags, readonly));
    }
    #[cfg(all(target_arch = "aarch64", not(miri), not(loom)))]
    // SAFETY: PRFM is a hint that never faults and changes no architectural state, whatever the address; it
    // touches no register but its input, no flag and no stack, as the options say.
    unsafe {
        core::arch::asm!("prfm pstl1keep, [{}]", in(reg) ptr, options(nostack, preserves_flags, readonly));
    }
    #[cfg(not(all(any(target_arch = "x86_64", target_arch = "aarch64"), not(miri), not(loom))))]
    let _ = ptr;
}

/// Lets a moment pass: `times` hints to the processor that this thread waits for another one, of some 20 ns each on the
/// x86-64 processors of today. loom's hint says that only another thread can go on, which is not so here.
#[inline(always)]
pub(crate) fn pause(times: usize) {
    #[cfg(not(loom))]
    for _ in 0..times {
        core::hint::spin_loop();
    }
    #[cfg(loom)]
    let _ = times;
}
