//! The word that threads sleep on.

use crate::sync::{AtomicU32, Ordering, Site, const_fn, order};

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

    /// Its value now.
    ///
    /// Relaxed: whoever compares it before a sleep does so under the lock, or in the kernel, that the one who changes it
    /// passes through next in `notify`.
    #[must_use]
    #[inline]
    pub fn get(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }

    /// Where it is: what a platform tells words apart by. To be read atomically, and not to be written.
    #[cfg(not(loom))]
    #[must_use]
    #[inline]
    pub fn as_ptr(&self) -> *mut u32 {
        self.0.as_ptr()
    }

    /// The epoch before a look.
    ///
    /// Acquire: pairs with the fence of [`signal`](super::Event::signal), after which [`advance`](Self::advance) stores. Whoever
    /// reads the epoch of a signal sees what was signalled, and so does not need to be woken by it.
    #[inline]
    pub(super) fn observe(&self) -> u32 {
        self.0.load(order(Site::EpochObserve, Ordering::Acquire))
    }

    /// Ends the sleep of whoever has read an earlier epoch.
    ///
    /// Relaxed: who signals has passed a whole fence since the change that it signals, which hands that over to
    /// [`observe`](Self::observe) as a Release here would.
    #[inline]
    pub(super) fn advance(&self) -> u32 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }
}
