//! Waiting for another thread, and an end of it.

use std::thread;
use std::time::{Duration, Instant};

/// Waits for the other side, but not for ever: if it never moves on, the test fails and does not hang.
pub struct Patience(Instant);

impl Patience {
    pub fn new() -> Self {
        Self(Instant::now())
    }

    /// Lets the others run. Under Miri, and with fewer cores than threads, they only do when we yield.
    pub fn wait(&self) {
        assert!(self.0.elapsed() < Duration::from_secs(60), "waited in vain");
        thread::yield_now();
    }
}
