//! A word to sleep on: the epoch of an event count.

use crate::sync::{AtomicU32, Ordering, const_fn};

/// A word to sleep on: 32 bits, four bytes aligned.
#[derive(Debug)]
#[repr(transparent)]
pub struct Word(AtomicU32);

impl Word {
    const_fn! {
        pub(crate) const fn new() -> Self {
            Self(AtomicU32::new(0))
        }
    }

    /// Returns its value now.
    ///
    /// Relaxed: a thread that is going to sleep has a fence to pass before it looks. A platform compares it before a sleep
    /// under the lock, or in the kernel, that `notify` passes through after the change.
    #[must_use]
    #[inline]
    pub fn get(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }

    /// Returns its address, by which a platform tells words apart. Read it atomically, and do not write it.
    #[cfg(not(loom))]
    #[must_use]
    #[inline]
    pub fn as_ptr(&self) -> *mut u32 {
        self.0.as_ptr()
    }

    /// Ends the sleep of each thread that has read an earlier epoch.
    ///
    /// Relaxed: it hands nothing over. A thread that sees it has a fence to pass before it looks.
    #[inline]
    pub(crate) fn advance(&self) -> u32 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }
}
