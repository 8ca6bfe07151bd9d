//! What a broadcast has counted, read.

use super::{Broadcast, OverflowPolicy, Overwrite};
use crate::stats::{BroadcastStats, Counts, DirectionStats};
use crate::words::Entry;

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
