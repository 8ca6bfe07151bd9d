//! What a broadcast ring counts.

#[cfg(compare_and_swap)]
use super::{Broadcast, OverflowPolicy, Overwrite};
#[cfg(compare_and_swap)]
use crate::stats::{BroadcastStats, Counts, DirectionStats};
use crate::stats::{Refusal, Stats};
use crate::sync::{CachePadded, const_fn};
#[cfg(compare_and_swap)]
use crate::words::Entry;
use crate::zeroed::zeroed;

/// A cache line of the writer's and one of all readers', or nothing.
#[repr(C)]
#[derive(Debug)]
pub(super) struct Counters<S> {
    writer: CachePadded<S>,
    readers: CachePadded<Readers<S>>,
}

#[repr(C)]
#[derive(Debug)]
struct Readers<S> {
    received: S,
    lagged: S,
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

#[cfg(compare_and_swap)]
impl<T: Entry, const N: usize, P: OverflowPolicy> Broadcast<T, N, P, Counts> {
    /// Returns what the writer, and all readers together, have counted.
    ///
    /// An item that three readers have read counts three times. [`latest`](super::Reader::latest) takes nothing, so
    /// only its refusals count. Joining and leaving do not count.
    ///
    /// # Examples
    ///
    /// ```
    /// use annulet::Broadcast;
    /// use annulet::ring::broadcast::Overwrite;
    /// use annulet::stats::Counts;
    ///
    /// static PRICES: Broadcast<u64, 4, Overwrite, Counts> = Broadcast::new();
    ///
    /// let mut writer = PRICES.try_writer().unwrap();
    /// let mut readers = [PRICES.reader_at_newest(), PRICES.reader_at_newest()];
    /// writer.publish_slice(&[1, 2, 3]);
    /// writer.publish_slice(&[4, 5, 6]);
    /// readers.iter_mut().for_each(|reader| assert!(reader.try_read().is_err(), "two are missed"));
    /// assert_eq!(readers[0].try_drain(9, drop), Ok(4));
    ///
    /// let stats = PRICES.stats();
    /// assert_eq!((stats.writer.items, stats.writer.batches, stats.writer.largest), (6, 2, 3));
    /// assert_eq!((stats.readers.items, stats.readers.batches, stats.readers.largest), (4, 1, 4));
    /// assert_eq!((PRICES.lagged().items, PRICES.lagged().batches), (2 + 2, 2));
    /// ```
    #[must_use]
    pub fn stats(&self) -> BroadcastStats {
        BroadcastStats {
            writer: self.counters.writer.0.read(),
            readers: self.counters.readers.0.received.read(),
        }
    }
}

#[cfg(compare_and_swap)]
impl<T: Entry, const N: usize> Broadcast<T, N, Overwrite, Counts> {
    /// Returns what all readers together have missed.
    ///
    /// `items` were missed in `batches`, each of which is one answer [`Lagged`], and the `largest` of them is the greatest. There
    /// are no refusals.
    ///
    /// A reader has received or missed each item that it has gone past, and never both. Items that it passes over by
    /// [`skip`](super::Reader::skip) count as received, whether they were still there or not.
    ///
    /// [`Lagged`]: super::ReadError::Lagged
    #[must_use]
    pub fn lagged(&self) -> DirectionStats {
        self.counters.readers.0.lagged.read()
    }
}
