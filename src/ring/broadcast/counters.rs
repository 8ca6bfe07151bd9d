//! What a broadcast ring counts.

use crate::cpu::CachePadded;
use crate::stats::{Refusal, Stats};
use crate::sync::const_fn;
use crate::zeroed::zeroed;

/// A cache line of the writer's and one of all readers', or nothing.
#[repr(C)]
#[derive(Debug)]
pub(super) struct Counters<S> {
    pub(super) writer: CachePadded<S>,
    pub(super) readers: CachePadded<Readers<S>>,
}

#[repr(C)]
#[derive(Debug)]
pub(super) struct Readers<S> {
    pub(super) received: S,
    pub(super) lagged: S,
}

impl<S: Stats> Counters<S> {
    const_fn! {
        pub(super) const fn new() -> Self {
            Self {
                writer: zeroed(),
                readers: CachePadded(Readers { received: zeroed(), lagged: zeroed() }),
            }
        }
    }

    /// Counts items that the writer hands over at once.
    #[inline(always)]
    pub(super) fn published(&self, items: u64) {
        self.writer.0.passed(items, false);
    }

    /// Counts a refusal of the writer.
    // Only one policy refuses, and it needs compare-and-swap.
    #[cfg(compare_and_swap)]
    #[inline(always)]
    pub(super) fn full(&self) {
        self.writer.0.refused(Refusal::NoneAvailable, false);
    }

    /// Counts items that a reader takes at once.
    #[inline(always)]
    pub(super) fn received(&self, items: u64) {
        self.readers.0.received.passed(items, true);
    }

    /// Counts a batch. It counts as refused only if it wanted items and moved none.
    #[inline(always)]
    pub(super) fn received_of(&self, items: u64, wanted: u64) {
        if items == 0 && wanted > 0 {
            self.refused(Refusal::NoneAvailable);
        } else {
            self.received(items);
        }
    }

    /// Counts a refusal of a reader.
    #[inline(always)]
    pub(super) fn refused(&self, why: Refusal) {
        self.readers.0.received.refused(why, true);
    }

    /// Counts items that a reader is told it missed.
    #[inline(always)]
    pub(super) fn lagged(&self, missed: u64) {
        self.readers.0.lagged.passed(missed, true);
    }
}
