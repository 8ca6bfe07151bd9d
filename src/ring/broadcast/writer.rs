//! The writing end.

use core::fmt;

use super::{Broadcast, OverflowPolicy, Overwrite, WRITER, count};
use crate::atomic::Bitmap;
use crate::atomic::Sequence;
use crate::stats::{Off, Stats};
use crate::words::Entry;

/// The one writer of a [`Broadcast`].
///
/// Dropping it gives the end back. What was published stays.
///
/// # Examples
///
/// ```
/// use annulet::Broadcast;
///
/// static NEWS: Broadcast<u32, 4> = Broadcast::new();
///
/// let mut writer = NEWS.try_writer().unwrap();
/// assert!(NEWS.try_writer().is_none());
/// writer.publish(7);
/// drop(writer);
/// assert_eq!(NEWS.reader_at_oldest().try_read(), Ok(7));
/// assert!(NEWS.try_writer().is_some());
/// ```
pub struct Writer<'a, T: Entry, const N: usize, P: OverflowPolicy = Overwrite, S: Stats = Off> {
    pub(super) ring: &'a Broadcast<T, N, P, S>,
    /// My position. The shared copy is the same, and I alone store it.
    pub(super) tail: Sequence,
    /// The oldest item that is there, as I have published it.
    pub(super) head: Sequence,
    /// The first position that I may not write before I have looked: at most `head + N`.
    pub(super) limit: Sequence,
    /// The bitmap to which the end goes back.
    // Read only if ends can be claimed at all, which needs compare-and-swap.
    ends: Option<&'a Bitmap>,
    /// Whether refusals are not counted: they are further looks of one call.
    // Only one policy refuses, and it needs compare-and-swap.
    #[cfg_attr(not(compare_and_swap), allow(dead_code))]
    pub(super) quiet: bool,
}

impl<T: Entry, const N: usize, P: OverflowPolicy, S: Stats> Broadcast<T, N, P, S> {
    /// Returns the writer, and the ring itself, to make readers of.
    ///
    /// Needs no compare-and-swap, and works again and again: the exclusive borrow proves that no end is in use, forgotten ones
    /// included. The items in the ring stay.
    ///
    /// # Examples
    ///
    /// ```
    /// let mut ring = annulet::Broadcast::<u32, 8>::new();
    /// let (mut writer, ring) = ring.split();
    /// let mut readers = [ring.reader_at_oldest(), ring.reader_at_oldest()];
    /// writer.publish(7);
    /// assert!(readers.iter_mut().all(|reader| reader.try_read() == Ok(7)));
    /// ```
    #[must_use]
    pub fn split(&mut self) -> (Writer<'_, T, N, P, S>, &Self) {
        self.line.0.ends.set_claimed(WRITER);
        self.policy.forget_readers();
        // It goes back on drop, so that the ring can be written to again without being split again.
        (Writer::claimed(self), self)
    }

    /// Returns the writer of a shared ring, without a check that it is the only one.
    ///
    /// It is for rings in a `static` on targets without compare-and-swap, which have no [`try_writer`](Self::try_writer).
    ///
    /// # Safety
    ///
    /// No other writer of this ring is in use while this one is. So call it once.
    #[must_use]
    pub unsafe fn writer_unchecked(&self) -> Writer<'_, T, N, P, S> {
        Writer::new(self)
    }

    /// Returns the writer of a ring that the caller has had alone until now.
    #[cfg(arc)]
    pub(crate) fn writer_of_new(&self) -> Writer<'_, T, N, P, S> {
        self.line.0.ends.claim(WRITER);
        Writer::claimed(self)
    }

    /// Returns the writer, or `None` while it is in use. Dropping it gives it back.
    #[cfg(compare_and_swap)]
    #[must_use]
    pub fn try_writer(&self) -> Option<Writer<'_, T, N, P, S>> {
        self.line.0.ends.claim(WRITER).then(|| Writer::claimed(self))
    }
}

impl<'a, T: Entry, const N: usize, P: OverflowPolicy, S: Stats> Writer<'a, T, N, P, S> {
    /// The caller sees to it that no other writer of this ring is in use while this one is.
    pub(super) fn new(ring: &'a Broadcast<T, N, P, S>) -> Self {
        // A ring that was made of zeroed memory has not been through a constructor; nothing is in it without this.
        let () = Broadcast::<T, N, P, S>::CHECKED;
        let tail = ring.line.0.tail.own();
        Self { ring, tail, head: ring.line.0.head.own(), limit: tail, ends: None, quiet: false }
    }

    /// As [`new`](Self::new), of a ring whose writer's end was claimed for this one.
    pub(super) fn claimed(ring: &'a Broadcast<T, N, P, S>) -> Self {
        Self { ends: Some(&ring.line.0.ends), ..Self::new(ring) }
    }

    /// Sets whether refusals are not counted from now on.
    #[cfg(compare_and_swap)]
    pub(crate) fn set_quiet(&mut self, quiet: bool) {
        self.quiet = quiet;
    }

    /// Returns how many slots may be written without a look.
    #[inline(always)]
    pub(super) fn known_room(&self) -> usize {
        count(self.limit.since(self.tail))
    }

    /// Returns the head that `wanted` more items need. Items before it are given up.
    #[inline(always)]
    pub(super) fn head_for(&self, wanted: usize) -> Sequence {
        let held = self.tail.since(self.head);
        self.head.plus((held + wanted as u64).saturating_sub(N as u64))
    }

    /// Writes items from my position on, and publishes them together.
    ///
    /// There are at most [`known_room`](Self::known_room) of them. If one's `to_image` panics, none is published.
    #[inline(always)]
    pub(super) fn write<'t>(&mut self, items: impl Iterator<Item = &'t T>)
    where
        T: 't,
    {
        let mut tail = self.tail;
        for item in items {
            self.ring.store(tail, item);
            tail = tail.plus(1);
        }
        // First, so that a reader that has read an item finds it counted.
        self.ring.counters.published(tail.since(self.tail));
        self.ring.line.0.tail.publish(self.tail, tail);
        self.tail = tail;
    }

    /// Returns the number of items that the ring holds: `N`.
    #[must_use]
    #[inline]
    pub const fn capacity(&self) -> usize {
        N
    }

    /// Returns the number of items that are there for a reader that begins with the oldest.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        count(self.tail.since(self.head))
    }

    /// Returns true if [`len`](Self::len) is 0.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<T: Entry, const N: usize, S: Stats> Writer<'_, T, N, Overwrite, S> {
    /// Makes room for `wanted <= N` items. Gives up as many of the oldest as need be.
    #[inline(always)]
    fn make_room(&mut self, wanted: usize) {
        if self.known_room() >= wanted {
            return;
        }
        let head = self.head_for(wanted);
        if head != self.head {
            // Before the first of their words is overwritten: a reader that copies a new word sees the new head.
            self.ring.line.0.head.invalidate(self.head, head);
            self.head = head;
        }
        self.limit = head.plus(N as u64);
    }

    /// Publishes one item. Overwrites the oldest one if the ring is full.
    ///
    /// Wait-free. The item is visible to the readers when this returns.
    #[inline]
    pub fn publish(&mut self, item: T) {
        self.make_room(1);
        self.write([item].iter());
    }

    /// Publishes items in order, up to `N` of them together.
    ///
    /// If there are more than `N`, the last `N` items are left.
    ///
    /// # Examples
    ///
    /// ```
    /// let mut ring = annulet::Broadcast::<u32, 4>::new();
    /// let (mut writer, ring) = ring.split();
    /// writer.publish_slice(&[1, 2, 3, 4, 5, 6]);
    /// let mut out = [0; 8];
    /// assert_eq!(ring.reader_at_oldest().try_read_slice(&mut out), Ok(4));
    /// assert_eq!(out[..4], [3, 4, 5, 6]);
    /// ```
    #[inline]
    pub fn publish_slice(&mut self, items: &[T]) {
        for part in items.chunks(N) {
            self.make_room(part.len());
            self.write(part.iter());
        }
    }
}

impl<T: Entry, const N: usize, P: OverflowPolicy, S: Stats> Drop for Writer<'_, T, N, P, S> {
    fn drop(&mut self) {
        #[cfg(compare_and_swap)]
        if let Some(ends) = self.ends {
            ends.give_back(WRITER);
        }
        #[cfg(not(compare_and_swap))]
        let _ = (self.ends, WRITER);
    }
}

impl<T: Entry, const N: usize, P: OverflowPolicy, S: Stats> fmt::Debug for Writer<'_, T, N, P, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").field("len", &self.len()).field("capacity", &N).finish()
    }
}
