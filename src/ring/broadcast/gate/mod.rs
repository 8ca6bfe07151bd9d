//! A writer that waits for its readers, and readers that it waits for.
//!
//! A reader has a *place*: a claimed number, and its position. The writer may write a position when every reader's position is
//! less than `N` behind it. It does not look at the readers each time: it keeps a limit, and looks when it comes there.
//!
//! Joining races with that. The reader's first item must not be overwritten after the reader finds it there, and before the
//! writer knows of the reader. Hence the head: each reader that joins must start at or after it, and the writer moves it on
//! before it looks.
//!
//! ```text
//!   writer                                  reader
//!   1  publish head h'                      1  claim a place, publish position j in it
//!   2  whole fence                          2  whole fence
//!   3  look at every place                  3  look at the head h
//!   4  write before the earliest            4  h <= j: it has joined. Otherwise again, from h
//!      position + N and before h' + N
//! ```
//!
//! *No item at `j` or after it is overwritten once a reader has joined at `j`.* One of the two fences is first.
//! - The writer's: then the reader's look finds `h'` or a later head. It joined, so `h' <= j`, and what the writer
//!   takes from this look is before `h' + N <= j + N`.
//! - The reader's: then the writer's look finds the place claimed, and `j` or a later position of that reader. So does every
//!   look from then on. What it takes is before `j + N`.
//!
//! Looks without a new head (and so without a fence) take nothing beyond the last head + `N`, which the first case
//! covers. A place that is being taken may still have its last holder's position. If that is at most `N` behind, the writer
//! waits for it until the new holder publishes its own. If it is further behind, the writer ignores it: no reader that has
//! joined is that far behind.

mod reader;

use super::{OverflowPolicy, Pressure, Writer, sealed};
use crate::atomic::Bitmap;
use crate::atomic::{Cursor, Sequence, fence};
use crate::cpu::CachePadded;
use crate::error::PushError;
use crate::stats::Stats;
use crate::sync::Pos;
use crate::words::Entry;
#[cfg(loom)]
use crate::zeroed::zeroed;
use crate::zeroed::{Zeroed, empty_in_models};

pub use reader::GatedReader;

/// The writer waits for the slowest of up to `R` registered readers. `R` is `1..=32`.
///
/// While no reader has joined, it overwrites the oldest items as it comes to them.
#[repr(C)]
#[derive(Debug)]
pub struct Gated<const R: usize> {
    /// Which places have a reader.
    present: CachePadded<Bitmap>,
    /// For each place, what its reader reads next. Stored by that reader alone.
    places: [CachePadded<Cursor>; R],
}

impl<const R: usize> Gated<R> {
    /// Returns how far the slowest reader is behind `tail`, or 0 if there is none.
    #[inline]
    fn behind<const N: usize>(&self, tail: Sequence) -> usize {
        let present = self.present.0.claimed();
        let mut most = 0;
        for (number, place) in self.places.iter().enumerate() {
            if present >> number & 1 != 0 {
                let behind = distance(tail, place.0.observe());
                // A greater distance is not that of a reader that has joined.
                if behind <= N {
                    most = most.max(behind);
                }
            }
        }
        most
    }
}

// SAFETY: no reader is present, and each place is position 0.
unsafe impl<const R: usize> Zeroed for Gated<R> {
    empty_in_models!(Self { present: CachePadded(Bitmap::new()), places: zeroed() });
}
impl<const R: usize> OverflowPolicy for Gated<R> {}
impl<const R: usize> sealed::Sealed for Gated<R> {
    const EXCLUSIVE: bool = true;
    const CHECKED: () = assert!(R >= 1 && R <= 32, "there are 1 to 32 places for readers");
    fn forget_readers(&mut self) {
        self.present.0.clear();
    }
}

/// Returns the part of a position that a place holds.
// The truncation is the wrap itself.
#[allow(clippy::cast_possible_truncation, clippy::unnecessary_cast)]
#[inline(always)]
fn place_of(at: Sequence) -> Pos {
    at.number() as Pos
}

/// Returns how far a place is behind `tail`. It is exact for readers that have joined, since they are at most `N` behind.
// The truncation is the wrap itself.
#[allow(clippy::cast_possible_truncation, clippy::unnecessary_cast)]
#[inline(always)]
fn distance(tail: Sequence, place: Pos) -> usize {
    tail.since(Sequence::new(place as u64)) as Pos as usize
}

impl<T: Entry, const N: usize, const R: usize, S: Stats> Writer<'_, T, N, Gated<R>, S> {
    /// Returns how many of `wanted <= N` items may be written now. Looks only if need be.
    #[inline(always)]
    fn room(&mut self, wanted: usize) -> usize {
        let known = self.known_room();
        if known >= wanted { wanted } else { self.look(wanted).min(wanted) }
    }

    /// Looks at the readers. Returns how many items may be written now.
    fn look(&mut self, wanted: usize) -> usize {
        let readers = &self.ring.policy;
        let behind = readers.behind::<N>(self.tail);
        let needed = wanted.min(N - behind);
        let mut slowest = behind;
        let head = self.head_for(needed);
        if head != self.head {
            // A quarter of the ring at once, so that there is one fence for so many items; but nothing that a reader
            // has not read.
            let read_by_all = self.tail.since(self.head).saturating_sub(behind as u64);
            let head = self.head.plus(head.since(self.head).max(N as u64 / 4).min(read_by_all));
            self.ring.line.0.head.publish(self.head, head);
            self.head = head;
            fence::after_publish();
            // A reader that has joined before the head was moved is seen now; see the proof above.
            slowest = readers.behind::<N>(self.tail);
        }
        let held = self.tail.since(self.head).max(slowest as u64);
        self.limit = self.tail.plus((N as u64).saturating_sub(held));
        self.known_room()
    }

    /// Publishes one item, unless a reader has `N` that it has not read.
    ///
    /// Wait-free. The item is visible to the readers when this returns.
    ///
    /// # Errors
    ///
    /// [`PushError::Full`] with the item, if the slowest reader was `N` items behind.
    ///
    /// # Examples
    ///
    /// ```
    /// use annulet::Broadcast;
    /// use annulet::ring::broadcast::Gated;
    ///
    /// static ORDERS: Broadcast<u32, 2, Gated<4>> = Broadcast::new();
    ///
    /// let mut writer = ORDERS.try_writer().unwrap();
    /// let mut reader = ORDERS.join_at_newest().unwrap();
    /// writer.try_publish(1).unwrap();
    /// writer.try_publish(2).unwrap();
    /// assert_eq!(writer.try_publish(3).unwrap_err().into_inner(), 3);
    /// assert_eq!(reader.try_read(), Ok(1));
    /// writer.try_publish(3).unwrap();
    /// drop(reader);
    /// // No reader is there to wait for.
    /// writer.try_publish(4).unwrap();
    /// ```
    #[inline]
    pub fn try_publish(&mut self, item: T) -> Result<(), PushError<T>> {
        if self.room(1) == 0 {
            self.count_full();
            return Err(PushError::Full(item));
        }
        self.write([item].iter());
        Ok(())
    }

    /// Publishes as many of the items as there is room for, together. Returns how many.
    #[inline]
    pub fn publish_partial_slice(&mut self, items: &[T]) -> usize {
        let count = self.room(items.len().min(N));
        if count == 0 && !items.is_empty() {
            self.count_full();
        }
        // There are that many; written so that no panic remains.
        self.write(items.get(..count).unwrap_or_default().iter());
        count
    }

    #[inline(always)]
    pub(crate) fn count_full(&self) {
        if !self.quiet {
            self.ring.counters.full();
        }
    }

    /// Returns whether there is room for one item. Only this writer takes it, so it stays until then.
    #[must_use]
    pub fn has_room(&mut self) -> bool {
        self.room(1) > 0
    }

    /// Returns how many readers have joined.
    #[must_use]
    pub fn readers(&self) -> usize {
        self.ring.policy.present.0.claimed().count_ones() as usize
    }

    /// Returns how close the slowest reader is to holding back this writer. Without readers there is no pressure.
    #[must_use]
    pub fn backpressure(&self) -> Pressure {
        Pressure::new(self.ring.policy.behind::<N>(self.tail), N)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::Gated;
    use super::reader::TRIES;
    use crate::error::{PopError, PushError};
    use crate::ring::broadcast::{Broadcast, JoinError};
    use crate::stats::Counts;
    use std::cell::RefCell;

    /// Further looks of one call of a channel are not counted.
    #[test]
    fn rm20_quiet_ends_count_no_refusals() {
        let ring = Broadcast::<u32, 2, Gated<1>, Counts>::new();
        let (mut writer, mut reader) = (ring.try_writer().unwrap(), ring.join_at_newest().unwrap());
        for (quiet, counted) in [(false, 1), (true, 1), (false, 2)] {
            writer.set_quiet(quiet);
            reader.set_quiet(quiet);
            assert_eq!(reader.try_read(), Err(PopError::Empty));
            assert_eq!(writer.publish_partial_slice(&[1, 2]), 2);
            assert_eq!(writer.try_publish(3), Err(PushError::Full(3)));
            assert_eq!((ring.stats().writer.refused, ring.stats().readers.refused), (counted, counted));
            assert_eq!(reader.skip(2), 2);
        }
    }

    /// A place that is being taken still has its last holder's position. The writer does not wait for that one, which has
    /// left, if it is more than a ring behind; nor does it take the distance for room.
    #[test]
    fn a_place_that_is_being_taken_holds_back_nobody() {
        let ring = Broadcast::<u32, 4, Gated<1>>::new();
        let writer = RefCell::new(ring.try_writer().unwrap());
        drop(ring.join_at_newest().unwrap());
        let publish = |count| (0..count).for_each(|item| writer.borrow_mut().try_publish(item).unwrap());
        for behind in 1..9 {
            publish(behind);
            let reader = ring.join(|ring| {
                // The place is claimed, and its last holder was `behind` items behind by now. If that is less than a ring, there
                // is room for the others.
                let room = if behind <= 4 { 4 - behind } else { 4 };
                publish(room);
                assert_eq!(writer.borrow_mut().has_room(), behind > 4);
                ring.line.0.tail.observe()
            });
            let mut reader = reader.unwrap();
            publish(1);
            assert_eq!(reader.try_read(), Ok(0));
        }
    }

    /// A reader whose first item the writer takes back while it joins begins anew; if that happens each time, it is told, and
    /// leaves its place.
    #[test]
    fn rr06_a_reader_that_is_overtaken_while_it_joins_begins_later() {
        let ring = Broadcast::<u32, 4, Gated<1>>::new();
        let writer = RefCell::new(ring.try_writer().unwrap());
        let publish = |items: core::ops::Range<u32>| {
            items.for_each(|item| writer.borrow_mut().try_publish(item).unwrap());
        };
        publish(0..4);
        // The place says 0, where a ring begins: from 5 items on, that is no reader's position.
        publish(4..8);
        for overtaken in [1, TRIES - 1, TRIES] {
            let tries = RefCell::new(0);
            let joined = ring.join(|ring| {
                let oldest = ring.line.0.head.observe();
                let tries = &mut *tries.borrow_mut();
                *tries += 1;
                if *tries <= overtaken {
                    // So that no reader is waited for: as if the writer had looked before the place was claimed.
                    ring.policy.places[0].0.publish(super::place_of(oldest).wrapping_sub(9));
                    publish(0..4);
                }
                oldest
            });
            match joined {
                Ok(mut reader) => {
                    assert!(overtaken < TRIES);
                    assert_eq!((reader.at, reader.try_read()), (ring.line.0.head.observe(), Ok(0)));
                }
                Err(why) => assert_eq!((overtaken, why), (TRIES, JoinError::Contended)),
            }
            assert_eq!(writer.borrow().readers(), 0);
        }
    }
}
