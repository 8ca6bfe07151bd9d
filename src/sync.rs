//! The only switch between core atomics, portable-atomic and loom.
//!
//! All other code takes its atomics from here, so that the code that loom explores is the code that ships. With them stand what
//! else differs between the three: the width of a position, `Arc`, and what can be made in a constant.

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

/// Whether a model has failed, and its threads are unwound where they stand: what is dropped then can touch no atomic.
/// Never outside loom.
// Asked by waiters, for which compare-and-swap is needed.
#[cfg(compare_and_swap)]
#[inline(always)]
pub(crate) fn is_over() -> bool {
    #[cfg(loom)]
    return std::thread::panicking();
    #[cfg(not(loom))]
    false
}
