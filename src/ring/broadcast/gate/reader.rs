//! The reading end of a gated broadcast, and how a reader joins.

use core::fmt;

use super::{Gated, place_of};
use crate::atomic::{Cursor, NoNumber, Sequence, fence};
use crate::cpu::CachePadded;
use crate::error::PopError;
use crate::ring::broadcast::{Broadcast, JoinError, Pressure, count, sealed};
use crate::stats::{Off, Stats};
use crate::words::Entry;

/// How often a reader that joins tries again because the writer took back what it was to begin with.
pub(super) const TRIES: usize = 64;

impl<T: Entry, const N: usize, const R: usize, S: Stats> Broadcast<T, N, Gated<R>, S> {
    /// Returns a new reader that begins with the oldest item that is there.
    ///
    /// At least three quarters of the last `N` items are there, if they were published one at a time. A slice takes the room
    /// that it needs. A reader that joins while the writer gives up items may get older ones.
    ///
    /// # Errors
    ///
    /// - [`JoinError::NoPlace`] if `R` readers have joined.
    /// - [`JoinError::Contended`] if the writer, or other readers that joined or left, were faster at each of 64 tries.
    pub fn join_at_oldest(&self) -> Result<GatedReader<'_, T, N, R, S>, JoinError> {
        self.join(|ring| ring.line.0.head.observe())
    }

    /// Returns a new reader that begins with the next item to be published.
    ///
    /// # Errors
    ///
    /// As for [`join_at_oldest`](Self::join_at_oldest).
    pub fn join_at_newest(&self) -> Result<GatedReader<'_, T, N, R, S>, JoinError> {
        self.join(|ring| ring.line.0.tail.observe())
    }

    pub(super) fn join(
        &self,
        begin: impl Fn(&Self) -> Sequence,
    ) -> Result<GatedReader<'_, T, N, R, S>, JoinError> {
        // As for the capacity: a ring of zeroed memory has not been through a constructor.
        let () = <Gated<R> as sealed::Sealed>::CHECKED;
        let number = self.policy.present.0.claim_any(u32::MAX >> (32 - R)).map_err(|why| match why {
            NoNumber::Taken => JoinError::NoPlace,
            NoNumber::Contended => JoinError::Contended,
        })? as usize;
        // There are 1 to 32 places, and the number is below theirs; written so that no panic remains.
        let place = self.policy.places.get(number).ok_or(JoinError::NoPlace)?;
        let mut reader = GatedReader {
            ring: self,
            place,
            number,
            at: Sequence::new(0),
            tail: Sequence::new(0),
            quiet: false,
        };
        for _ in 0..TRIES {
            reader.at = begin(self);
            reader.place.0.publish(place_of(reader.at));
            fence::after_join();
            let head = self.line.0.head.observe();
            // After the head, so it is not before it: storing the head handed over what was published by then.
            reader.tail = self.line.0.tail.observe();
            // `head <= at <= tail`.
            if reader.at.since(head) <= reader.tail.since(head) {
                return Ok(reader);
            }
        }
        // The reader gives its place back.
        Err(JoinError::Contended)
    }
}

/// A reader of a [`Broadcast`] whose writer waits for it.
///
/// Dropping it gives its place back, and the writer waits for it no longer. If it is forgotten, the writer waits for it until
/// the next [`split`](Broadcast::split).
///
/// # Examples
///
/// ```
/// use annulet::Broadcast;
/// use annulet::ring::broadcast::{Gated, JoinError};
///
/// static STEPS: Broadcast<u32, 2, Gated<1>> = Broadcast::new();
///
/// let mut writer = STEPS.try_writer().unwrap();
/// let mut reader = STEPS.join_at_newest().unwrap();
/// assert_eq!(STEPS.join_at_newest().unwrap_err(), JoinError::NoPlace);
/// assert_eq!(writer.publish_partial_slice(&[1, 2, 3]), 2);
/// let mut out = [0; 4];
/// assert_eq!((reader.read_slice(&mut out), out), (2, [1, 2, 0, 0]));
/// assert!(writer.has_room());
/// ```
pub struct GatedReader<'a, T: Entry, const N: usize, const R: usize, S: Stats = Off> {
    ring: &'a Broadcast<T, N, Gated<R>, S>,
    place: &'a CachePadded<Cursor>,
    number: usize,
    /// Next to read. The place has the same, and I alone store it.
    pub(super) at: Sequence,
    /// The writer's tail when last observed.
    tail: Sequence,
    /// Whether refusals are not counted: they are further looks of one call.
    quiet: bool,
}

impl<T: Entry, const N: usize, const R: usize, S: Stats> GatedReader<'_, T, N, R, S> {
    /// Returns how many of `wanted` items are there. Looks only if need be.
    #[inline(always)]
    pub(crate) fn available(&mut self, wanted: u64) -> u64 {
        if self.tail.since(self.at) < wanted {
            self.tail = self.ring.line.0.tail.observe();
        }
        self.tail.since(self.at).min(wanted)
    }

    /// Sets whether refusals are not counted from now on.
    pub(crate) fn set_quiet(&mut self, quiet: bool) {
        self.quiet = quiet;
    }

    /// Moves on by `count` items, and tells the writer.
    #[inline(always)]
    fn release(&mut self, count: u64) {
        self.at = self.at.plus(count);
        self.place.0.publish(place_of(self.at));
    }

    /// Reads the next item.
    ///
    /// Wait-free. Its slot is free for the writer when this returns.
    ///
    /// # Errors
    ///
    /// [`PopError::Empty`] if there was none.
    #[inline]
    pub fn try_read(&mut self) -> Result<T, PopError> {
        if self.available(1) == 0 {
            if !self.quiet {
                self.ring.counters.received_of(0, 1);
            }
            return Err(PopError::Empty);
        }
        // Before the observed tail, so it is written. It is not overwritten before this reader has moved on.
        let item = T::from_image(self.ring.load(self.at));
        self.ring.counters.received(1);
        self.release(1);
        Ok(item)
    }

    /// Reads up to `out.len()` items into `out`. Returns how many. Their slots become free together.
    #[inline]
    pub fn read_slice(&mut self, out: &mut [T]) -> usize {
        let available = self.available(out.len() as u64);
        let mut at = self.at;
        for (place, _) in out.iter_mut().zip(0..available) {
            *place = T::from_image(self.ring.load(at));
            at = at.plus(1);
        }
        self.ring.counters.received_of(available, out.len() as u64);
        self.release(available);
        count(available)
    }

    /// Skips up to `count` items. Returns how many.
    #[inline]
    pub fn skip(&mut self, count: usize) -> usize {
        let available = self.available(count as u64);
        self.ring.counters.received_of(available, count as u64);
        self.release(available);
        crate::ring::broadcast::count(available)
    }

    /// Returns the number of items that are there for this reader. Only this reader makes them fewer.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        count(self.ring.line.0.tail.observe().since(self.at))
    }

    /// Returns true if nothing new was there.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the number of items that the ring holds: `N`.
    #[must_use]
    #[inline]
    pub const fn capacity(&self) -> usize {
        N
    }

    /// Returns how close this reader is to holding back the writer.
    #[must_use]
    #[inline]
    pub fn backpressure(&self) -> Pressure {
        Pressure::new(self.len(), N)
    }
}

impl<T: Entry, const N: usize, const R: usize, S: Stats> Drop for GatedReader<'_, T, N, R, S> {
    fn drop(&mut self) {
        self.ring.policy.present.0.give_back(1 << self.number);
    }
}

impl<T: Entry, const N: usize, const R: usize, S: Stats> fmt::Debug for GatedReader<'_, T, N, R, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GatedReader").field("len", &self.len()).field("capacity", &N).finish()
    }
}
