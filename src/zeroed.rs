//! Values for which all-zero memory is valid: an empty ring, an event without waiters, a count of zero.
//!
//! So they can live in a `static` that costs nothing at start-up, in memory straight from an allocator, or in a mapping straight
//! from the kernel. Here is the condition for that, and how such values are made in place.

#[cfg(not(loom))]
use core::mem::MaybeUninit;

use crate::cpu::CachePadded;
use crate::sync::{AtomicU32, const_fn};

/// A type for which all-zero memory is a value: its empty state.
///
/// # Safety
///
/// - Memory that is aligned for the type, and whose first [`ZEROS`](Self::ZEROS) bytes are zero, whatever the others are, is a
///   valid value: its fields are integers, atomics, uninitialised slots, null pointers that it takes for none, and such values.
/// - `ZEROS` is at most the size of the type.
pub unsafe trait Zeroed: Sized {
    /// How many of its bytes have to be zero.
    const ZEROS: usize = size_of::<Self>();
    /// The empty value.
    #[cfg(not(loom))]
    // SAFETY: all of its bytes are zero, which is a valid value, as the implementation says.
    const EMPTY: Self = unsafe { MaybeUninit::zeroed().assume_init() };
    /// Makes the empty value. The atomics of loom are not zero memory.
    #[cfg(loom)]
    fn empty() -> Self;
}

/// Implements for models how the empty value of a [`Zeroed`] type is made.
macro_rules! empty_in_models {
    ($value:expr) => {
        #[cfg(loom)]
        fn empty() -> Self {
            $value
        }
    };
}
pub(crate) use empty_in_models;

// SAFETY: an array is its elements, one after the other.
unsafe impl<T: Zeroed, const N: usize> Zeroed for [T; N] {
    empty_in_models!(core::array::from_fn(|_| T::empty()));
}

// SAFETY: nothing.
unsafe impl Zeroed for () {
    empty_in_models!(());
}

// SAFETY: the value, and padding, which may be anything.
unsafe impl<T: Zeroed> Zeroed for CachePadded<T> {
    empty_in_models!(Self(T::empty()));
}

// SAFETY: an integer in memory, zero or another.
unsafe impl Zeroed for AtomicU32 {
    empty_in_models!(Self::new(0));
}

const_fn! {
    /// Returns the empty value.
    pub(crate) const fn zeroed<T: Zeroed>() -> T {
        #[cfg(not(loom))]
        {
            T::EMPTY
        }
        #[cfg(loom)]
        T::empty()
    }
}

/// Makes the empty value at `place`, in place: no copy of it is ever on the stack.
///
/// # Safety
/// `place` is valid for writes and aligned, and the caller's alone.
#[cfg(all(arc, not(loom)))]
pub(crate) unsafe fn make_at<T: Zeroed>(place: *mut T) {
    // SAFETY: valid for writes, as the caller says, and so are the first of its bytes, since they are at most as many. It is a
    // valid value then, as the implementation of `Zeroed` says.
    unsafe { place.cast::<u8>().write_bytes(0, T::ZEROS) };
}

/// Makes the empty value on the heap, in place. Returns `None` if there is no memory for it.
#[cfg(feature = "alloc")]
pub(crate) fn try_boxed<T: Zeroed>() -> Option<alloc::boxed::Box<T>> {
    #[cfg(loom)]
    {
        Some(alloc::boxed::Box::new(T::empty()))
    }
    #[cfg(not(loom))]
    {
        const { assert!(size_of::<T>() > 0, "nothing is allocated for a value without a size") };
        // SAFETY: the layout is not empty.
        let memory = unsafe { alloc::alloc::alloc_zeroed(core::alloc::Layout::new::<T>()) }.cast::<T>();
        if memory.is_null() {
            return None;
        }
        // SAFETY:
        // - the memory comes from the global allocator with the layout of `T`, and is ours alone;
        // - all of it is zero, which is a valid value, as the implementation of `Zeroed` says.
        Some(unsafe { alloc::boxed::Box::from_raw(memory) })
    }
}

/// Makes the empty value in an `Arc`, in place.
#[cfg(arc)]
pub(crate) fn in_arc<T: Zeroed>() -> crate::sync::Arc<T> {
    #[cfg(loom)]
    {
        crate::sync::Arc::new(T::empty())
    }
    #[cfg(not(loom))]
    {
        let value = crate::sync::Arc::<T>::new_uninit();
        // SAFETY: of a new allocation with the layout of `T`, to which there is no other `Arc`.
        unsafe { make_at(crate::sync::Arc::as_ptr(&value).cast::<T>().cast_mut()) };
        // SAFETY: a value was made there.
        unsafe { value.assume_init() }
    }
}
