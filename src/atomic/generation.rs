//! Which of the holders of one number, such as a lane, is the present one.

use crate::handle::{FIRST_GENERATION, LAST_GENERATION};
use crate::sync::{AtomicU32, Ordering};
use crate::zeroed::{Zeroed, empty_in_models};

/// Which holder of a number is the present one, or was the last. They are never the same twice.
#[derive(Debug)]
#[repr(transparent)]
pub(crate) struct Generation(AtomicU32);

// Zero is the generation before the first one.
const _: () = assert!(FIRST_GENERATION == 1);

// SAFETY: an integer: the generation before the first one.
unsafe impl Zeroed for Generation {
    empty_in_models!(Self(AtomicU32::new(0)));
}

impl Generation {
    /// The present holder's; before the first one it is no generation.
    ///
    /// Relaxed: a snapshot. It is exact for a thread that has seen something that this holder handed over after it began, and has
    /// not handed back what a next holder waits for.
    #[inline(always)]
    pub(crate) fn now(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }

    /// Begins the next one, if there is one left. Called by the holder of the number alone.
    ///
    /// Relaxed: the holder before stored its own before it gave the number back, and what the new one hands over goes by
    /// a Release after this.
    pub(crate) fn begin(&self) -> Option<u32> {
        // In one step if there is one. It need not be, but loom forgets which threads have loaded a word if the thread that
        // stores it loads it before.
        #[cfg(compare_and_swap)]
        let before = self.0.fetch_add(1, Ordering::Relaxed);
        #[cfg(not(compare_and_swap))]
        let before = self.now();
        if before == LAST_GENERATION {
            self.0.store(before, Ordering::Relaxed);
            return None;
        }
        #[cfg(not(compare_and_swap))]
        self.0.store(before + 1, Ordering::Relaxed);
        Some(before + 1)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::Generation;
    use crate::handle::LAST_GENERATION;
    use crate::zeroed::zeroed;

    /// A number whose holders are used up has no next one, however often it is asked for.
    #[test]
    fn c03_the_last_holder_of_a_number_stays_the_last() {
        let holders = zeroed::<Generation>();
        holders.0.store(LAST_GENERATION - 2, super::Ordering::Relaxed);
        assert_eq!(holders.begin(), Some(LAST_GENERATION - 1));
        assert_eq!(holders.begin(), Some(LAST_GENERATION));
        for _ in 0..3 {
            assert_eq!((holders.begin(), holders.now()), (None, LAST_GENERATION));
        }
    }
}
