//! The end of a test, as other threads see it.

use std::sync::atomic::{AtomicBool, Ordering};

/// Says that it is over when it is dropped: on every way out, so that no thread goes on after a failure.
pub struct Over<'f>(pub &'f AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}
