//! A box that is filled once, while other threads look for it.

use alloc::boxed::Box;
use core::alloc::Layout;
use core::fmt;
use core::marker::PhantomData;
use core::ptr;

use super::site::{Site, order};
use crate::sync::{AtomicPtr, Ordering, const_fn};

/// The place for one value on the heap: empty, until it is filled for as long as it is shared.
///
/// All-zero memory is an empty place.
#[repr(transparent)]
pub(crate) struct OnceBox<T> {
    /// Null, or what a box was turned into.
    place: AtomicPtr<T>,
    /// A box of `T`, that one thread makes and another one may drop.
    owned: PhantomData<(Box<T>, *mut ())>,
}

// SAFETY: it is a box, which goes with it.
unsafe impl<T: Send> Send for OnceBox<T> {}
// SAFETY: shared, it lends its value to several threads, which `Sync` permits, and is filled by one thread and emptied by
// another one, which is to send a value there, as `Send` permits.
unsafe impl<T: Send + Sync> Sync for OnceBox<T> {}

impl<T> OnceBox<T> {
    const_fn! {
        pub(crate) const fn new() -> Self {
            Self { place: AtomicPtr::new(ptr::null_mut()), owned: PhantomData }
        }
    }

    /// What is there, if it is filled.
    #[inline(always)]
    pub(crate) fn get(&self) -> Option<&T> {
        // Acquire: pairs with `fill`. What was made there is seen.
        let value = self.place.load(order(Site::OnceObserve, Ordering::Acquire));
        // SAFETY:
        // - if not null, it came from a box, so it is aligned and points to a value, which was made before the place was
        //   filled, and that is seen since the load acquires it;
        // - the value is alive as long as `self` is shared: it goes only by `&mut` access;
        // - it is only ever shared meanwhile.
        unsafe { value.as_ref() }
    }

    /// Fills the place.
    ///
    /// # Errors
    ///
    /// With the box, if the place is filled already.
    pub(crate) fn fill(&self, value: Box<T>) -> Result<(), Box<T>> {
        let value = Box::into_raw(value);
        // Release: pairs with `get`. Relaxed if another thread was faster: nothing of its value is used.
        let release = order(Site::OncePublish, Ordering::Release);
        match self.place.compare_exchange(ptr::null_mut(), value, release, Ordering::Relaxed) {
            Ok(_) => Ok(()),
            // SAFETY: it came from a box just now, and the exchange has not given it away.
            Err(_) => Err(unsafe { Box::from_raw(value) }),
        }
    }

    /// Empties the place by exclusive access.
    pub(crate) fn take(&mut self) -> Option<Box<T>> {
        #[cfg(not(loom))]
        let value = core::mem::replace(self.place.get_mut(), ptr::null_mut());
        #[cfg(loom)]
        let value = self.place.with_mut(|place| core::mem::replace(place, ptr::null_mut()));
        // SAFETY: if not null, it came from a box, and is not reached again, having been taken out of its place; it is not
        // borrowed, since that is a borrow of `self`.
        (!value.is_null()).then(|| unsafe { Box::from_raw(value) })
    }
}

impl<T> Drop for OnceBox<T> {
    fn drop(&mut self) {
        drop(self.take());
    }
}

impl<T: fmt::Debug> fmt::Debug for OnceBox<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}

/// Boxes a value, or drops it if there is no memory for it.
pub(crate) fn try_box<T>(value: T) -> Option<Box<T>> {
    let layout = const {
        assert!(size_of::<T>() > 0, "nothing is allocated for a value without a size");
        Layout::new::<T>()
    };
    // SAFETY: the layout is not empty, as was asserted.
    let memory = unsafe { alloc::alloc::alloc(layout) }.cast::<T>();
    if memory.is_null() {
        return None;
    }
    // SAFETY: allocated with the layout of `T`, so valid for a write and aligned.
    unsafe { memory.write(value) };
    // SAFETY: it comes from the global allocator with the layout of `T`, is this thread's alone, and holds a value now.
    Some(unsafe { Box::from_raw(memory) })
}
