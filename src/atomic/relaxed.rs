//! Numbers that hand nothing over: where to begin a search, how many there may be to find.
//!
//! Relaxed, all of them: what depends on one is ordered by a fence, or needs no order.

use crate::sync::{AtomicU32, Ordering, StaticU32, const_fn};

/// How many there are of something. A model explores it.
#[derive(Debug)]
#[repr(transparent)]
pub(crate) struct RelaxedCount(AtomicU32);

impl RelaxedCount {
    const_fn! {
        pub(crate) const fn new() -> Self {
            Self(AtomicU32::new(0))
        }
    }

    pub(crate) fn get(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn sub(&self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A number on whose value nothing depends but speed, fairness or a report. No model explores it.
#[derive(Debug)]
#[repr(transparent)]
pub(crate) struct RelaxedHint(StaticU32);

impl RelaxedHint {
    pub(crate) const fn new() -> Self {
        Self(StaticU32::new(0))
    }

    pub(crate) fn get(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn set(&self, to: u32) {
        self.0.store(to, Ordering::Relaxed);
    }

    pub(crate) fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}
