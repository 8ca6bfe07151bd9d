//! The reading end of a broadcast whose writer overwrites.

use core::fmt;

use super::{Broadcast, LatestError, Overwrite, Pressure, ReadError, count};
use crate::atomic::Sequence;
use crate::stats::{Off, Refusal, Stats};
use crate::words::Entry;

/// How many items [`Reader::latest`] tries.
const TRIES: usize = 8;

/// A reader of a [`Broadcast`] whose writer overwrites.
///
/// There may be any number, and the writer does not know of them. A clone reads on from the same item, on its own.
///
/// A stale answer does no harm: an item may be overwritten before it is read, and then reading it says so.
///
/// # Examples
///
/// ```
/// use annulet::ring::broadcast::ReadError;
///
/// let mut ring = annulet::Broadcast::<u32, 4>::new();
/// let (mut writer, ring) = ring.split();
/// let mut reader = ring.reader_at_newest();
/// assert_eq!(reader.try_read(), Err(ReadError::Empty));
/// writer.publish_slice(&[1, 2, 3, 4, 5, 6]);
/// assert_eq!(reader.try_read(), Err(ReadError::Lagged(2)));
/// assert_eq!(reader.try_read(), Ok(3));
/// assert_eq!((reader.lag(), reader.latest()), (3, Ok(6)));
/// ```
pub struct Reader<'a, T: Entry, const N: usize, S: Stats = Off> {
    ring: &'a Broadcast<T, N, Overwrite, S>,
    /// Next to read.
    at: Sequence,
    /// The writer's tail when last observed.
    tail: Sequence,
    /// Whether refusals are not counted: they are further looks of one call.
    quiet: bool,
}

impl<T: Entry, const N: usize, S: Stats> Broadcast<T, N, Overwrite, S> {
    /// Returns a reader that begins with the oldest item that is there.
    #[must_use]
    #[inline]
    pub fn reader_at_oldest(&self) -> Reader<'_, T, N, S> {
        let at = self.line.0.head.observe();
        // After the head, so it is not before it: storing the head handed over what was published by then.
        Reader { ring: self, at, tail: self.line.0.tail.observe(), quiet: false }
    }

    /// Returns a reader that begins with the next item to be published.
    #[must_use]
    #[inline]
    pub fn reader_at_newest(&self) -> Reader<'_, T, N, S> {
        let tail = self.line.0.tail.observe();
        Reader { ring: self, at: tail, tail, quiet: false }
    }
}

impl<T: Entry, const N: usize, S: Stats> Reader<'_, T, N, S> {
    /// Looks at the writer's position. Returns how many items were published since mine.
    #[inline]
    fn refresh(&mut self) -> u64 {
        self.tail = self.ring.line.0.tail.observe();
        self.tail.since(self.at)
    }

    /// Returns a copy of the item of `at`, which was published, or the oldest position there is, if that is later.
    #[inline(always)]
    fn copy(&self, at: Sequence) -> Result<T, Sequence> {
        let image = self.ring.load(at);
        // If one of those words is of a later item, the head confirmed here is past this one.
        let head = self.ring.line.0.head.validate();
        // Published, and not given up: `head <= at < head + N`, and nothing else is that close.
        if at.since(head) < N as u64 { Ok(T::from_image(image)) } else { Err(head) }
    }

    /// Takes the next item, or says why not. Counts refusals, but not the item.
    #[inline(always)]
    fn take_next(&mut self) -> Result<T, ReadError> {
        if self.at == self.tail && self.refresh() == 0 {
            if !self.quiet {
                self.ring.counters.refused(Refusal::NoneAvailable);
            }
            return Err(ReadError::Empty);
        }
        match self.copy(self.at) {
            Ok(item) => {
                self.at = self.at.plus(1);
                Ok(item)
            }
            Err(head) => {
                let missed = head.since(self.at);
                self.at = head;
                // What was published before the head was stored is seen, so the tail is not behind it.
                self.refresh();
                self.ring.counters.lagged(missed);
                Err(ReadError::Lagged(missed))
            }
        }
    }

    /// Reads the next item.
    ///
    /// Wait-free, and one try. A reader that stays at the oldest item can be overtaken again and again, and is told so each
    /// time. To catch up, it can [`skip`](Self::skip) items.
    ///
    /// # Errors
    ///
    /// - [`ReadError::Empty`] if there was none.
    /// - [`ReadError::Lagged`] with the number of items that were overwritten before this reader came to them. The
    ///   next one it reads is the oldest that was left.
    #[inline]
    pub fn try_read(&mut self) -> Result<T, ReadError> {
        let read = self.take_next();
        if read.is_ok() {
            self.ring.counters.received(1);
        }
        read
    }

    /// Reads up to `out.len()` items into `out`, and at most `N`. Returns how many: 0 only if `out` is empty.
    ///
    /// If the writer overtakes this reader half way, the items before that are returned, and the next call says how many were
    /// missed.
    ///
    /// # Errors
    ///
    /// As for [`try_read`](Self::try_read), if not one item was read.
    #[inline]
    pub fn try_read_slice(&mut self, out: &mut [T]) -> Result<usize, ReadError> {
        let most = out.len();
        let mut places = out.iter_mut();
        self.try_drain(most, |item| {
            // There is one for each.
            if let Some(place) = places.next() {
                *place = item;
            }
        })
    }

    /// Reads up to `max` items into `f`, and at most `N`. Returns how many: 0 only if `max` is 0.
    ///
    /// Items that are published meanwhile are read as well. `N` bounds the call, however fast the writer is.
    ///
    /// # Errors
    ///
    /// As for [`try_read_slice`](Self::try_read_slice).
    ///
    /// # Examples
    ///
    /// A writer that publishes an item for each one that is read does not prolong the call without bound:
    ///
    /// ```
    /// let mut ring = annulet::Broadcast::<u32, 4>::new();
    /// let (mut writer, ring) = ring.split();
    /// let mut reader = ring.reader_at_oldest();
    /// writer.publish(0);
    /// assert_eq!(reader.try_drain(usize::MAX, |number| writer.publish(number + 1)), Ok(4));
    /// assert_eq!(reader.try_read(), Ok(4));
    /// ```
    #[inline]
    pub fn try_drain(&mut self, max: usize, mut f: impl FnMut(T)) -> Result<usize, ReadError> {
        if max == 0 {
            return Ok(0);
        }
        let item = self.take_next()?;
        let batch = Batch { from: self.at.before(), reader: self };
        let reader = &mut *batch.reader;
        f(item);
        let (mut read, max) = (1, max.min(N));
        while read < max {
            if reader.at == reader.tail && reader.refresh() == 0 {
                break;
            }
            let Ok(item) = reader.copy(reader.at) else { break };
            reader.at = reader.at.plus(1);
            f(item);
            read += 1;
        }
        Ok(read)
    }

    /// Sets whether refusals are not counted from now on.
    #[cfg(compare_and_swap)]
    pub(crate) fn set_quiet(&mut self, quiet: bool) {
        self.quiet = quiet;
    }

    /// Returns a copy of the newest item, whether this reader has read it or not.
    ///
    /// This reader does not move on: [`lag`](Self::lag) says whether there are items that it has not read.
    ///
    /// # Errors
    ///
    /// - [`LatestError::Empty`] if nothing was published yet, or while the writer overwrites everything: in a ring of one slot,
    ///   and with a slice of `N` items or more.
    /// - [`LatestError::Contended`] if the writer overwrote the newest item at each of a few tries. It has then published at
    ///   least `N - 1` items during each copy.
    #[inline]
    pub fn latest(&self) -> Result<T, LatestError> {
        for _ in 0..TRIES {
            // Head first: if the tail is not past it, nothing was there when the head was observed.
            let head = self.ring.line.0.head.observe();
            let tail = self.ring.line.0.tail.observe();
            if tail == head {
                self.ring.counters.refused(Refusal::NoneAvailable);
                return Err(LatestError::Empty);
            }
            if let Ok(item) = self.copy(tail.before()) {
                return Ok(item);
            }
        }
        self.ring.counters.refused(Refusal::Contended);
        Err(LatestError::Contended)
    }

    /// Skips up to `count` items, missed ones included. Returns how many. `u64::MAX` skips all there are.
    #[inline]
    pub fn skip(&mut self, count: u64) -> u64 {
        let passed = count.min(self.refresh());
        self.at = self.at.plus(passed);
        self.ring.counters.received_of(passed, count);
        passed
    }

    /// Returns how many items were published that this reader has not read, including those that it has missed.
    #[must_use]
    #[inline]
    pub fn lag(&self) -> u64 {
        self.ring.line.0.tail.observe().since(self.at)
    }

    /// Returns the number of items that are there for this reader: a snapshot, `0..=N`.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        count(self.lag()).min(N)
    }

    /// Returns true if nothing new was there.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.lag() == 0
    }

    /// Returns the number of items that the ring holds: `N`.
    #[must_use]
    #[inline]
    pub const fn capacity(&self) -> usize {
        N
    }

    /// Returns how close the writer is to overtaking this reader.
    #[must_use]
    #[inline]
    pub fn backpressure(&self) -> Pressure {
        Pressure::new(self.len(), N)
    }
}

/// Items that are read together. They are counted when this is dropped, also if `f` panics.
struct Batch<'b, 'a, T: Entry, const N: usize, S: Stats> {
    reader: &'b mut Reader<'a, T, N, S>,
    /// The first of them.
    from: Sequence,
}

impl<T: Entry, const N: usize, S: Stats> Drop for Batch<'_, '_, T, N, S> {
    #[inline(always)]
    fn drop(&mut self) {
        self.reader.ring.counters.received(self.reader.at.since(self.from));
    }
}

impl<T: Entry, const N: usize, S: Stats> Clone for Reader<'_, T, N, S> {
    fn clone(&self) -> Self {
        Self { ring: self.ring, at: self.at, tail: self.tail, quiet: false }
    }
}

impl<T: Entry, const N: usize, S: Stats> fmt::Debug for Reader<'_, T, N, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("lag", &self.lag()).field("capacity", &N).finish()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::{LatestError, ReadError, TRIES};
    use crate::atomic::Sequence;
    use crate::ring::Broadcast;
    use crate::ring::broadcast::{Overwrite, Writer};
    use crate::stats::Counts;
    use crate::sync::AtomicU32;
    use crate::words::{Entry, Image, SealedImage};
    use std::cell::RefCell;

    type Ring = Broadcast<Raced, 2, Overwrite, Counts>;

    /// A number. Each time that a reader has copied it, the writer is given a moment before the reader goes on.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    struct Raced([u32; 1]);

    /// The writer, how many of the next copies it races with, and what it publishes next.
    type Race = (Writer<'static, Raced, 2, Overwrite, Counts>, usize, u32);

    std::thread_local! {
        static RACE: RefCell<Option<Race>> = const { RefCell::new(None) };
    }

    /// For the next `copies`, as many items as there are slots are published behind each.
    fn race(copies: usize) {
        RACE.with_borrow_mut(|race| race.as_mut().expect("the writer is there").1 = copies);
    }

    impl SealedImage for Raced {}
    impl Image for Raced {
        const WORDS: usize = 1;
        const ZERO: Self = Self([0]);
        fn from_words(next: &mut impl FnMut() -> u32) -> Self {
            Self([next()])
        }
        fn for_each_word(&self, f: &mut impl FnMut(u32)) {
            f(self.0[0]);
        }
        type Atomics = [AtomicU32; 1];
        #[allow(clippy::declare_interior_mutable_const)] // as of every image
        fn load(cells: &Self::Atomics) -> Self {
            let image = Self(<[u32; 1]>::load(cells));
            RACE.with_borrow_mut(|race| {
                if let Some((writer, copies @ 1.., next)) = race {
                    *copies -= 1;
                    for _ in 0..2 {
                        writer.publish(Self([*next]));
                        *next += 1;
                    }
                }
            });
            image
        }
        fn store(self, cells: &Self::Atomics) {
            self.0.store(cells);
        }
    }
    impl Entry for Raced {
        type Image = Self;
        fn to_image(&self) -> Self {
            *self
        }
        fn from_image(image: Self) -> Self {
            image
        }
    }

    /// Further looks of one call of a channel are not counted.
    #[test]
    fn rm20_a_quiet_reader_counts_no_refusals() {
        let ring = Broadcast::<u32, 2, Overwrite, Counts>::new();
        let mut reader = ring.reader_at_newest();
        for (quiet, counted) in [(false, 1), (true, 1), (false, 2)] {
            reader.set_quiet(quiet);
            assert_eq!(reader.try_read(), Err(ReadError::Empty));
            assert_eq!(ring.stats().readers.refused, counted);
        }
    }

    /// A copy is good if it is of one of the `N` items from the head on. A slot has no other: for any other position, the
    /// copy would be of another item.
    #[test]
    fn a_copy_is_good_from_the_head_on_and_not_a_lap_after_it() {
        const N: u64 = 4;
        for origin in [0, 5, usize::MAX - 2, usize::MAX] {
            let ring = Broadcast::<u32, { N as usize }>::starting_at(origin);
            let mut writer = ring.try_writer().unwrap();
            let mut reader = ring.reader_at_oldest();
            (0..6).for_each(|item| writer.publish(item));
            let head = reader.at.plus(2);
            for behind in 1..=2 {
                assert_eq!(reader.copy(Sequence::new(head.number().wrapping_sub(behind))), Err(head));
            }
            for ahead in 0..N {
                assert_eq!(reader.copy(head.plus(ahead)), Ok(2 + ahead as u32));
            }
            for ahead in N..2 * N + 1 {
                assert_eq!(reader.copy(head.plus(ahead)), Err(head), "not published, {ahead} after the head");
            }
            assert_eq!(reader.try_read(), Err(ReadError::Lagged(2)));
        }
    }

    /// Of copies that are overwritten, none is shown, and each answer is counted.
    #[test]
    fn rv17_rm20_what_is_overwritten_while_it_is_copied_is_counted() {
        static RING: Ring = Broadcast::new();
        let mut writer = RING.try_writer().unwrap();
        writer.publish(Raced([0]));
        let mut reader = RING.reader_at_oldest();
        RACE.set(Some((writer, 0, 1)));

        race(TRIES - 1);
        assert_eq!(reader.latest(), Ok(Raced([2 * (TRIES as u32 - 1)])), "the last try is good");
        assert_eq!(RING.stats().readers, Default::default());
        race(TRIES);
        assert_eq!(reader.latest(), Err(LatestError::Contended));
        assert_eq!((RING.stats().readers.contended, RING.stats().readers.refused), (1, 0));

        let passed = reader.skip(u64::MAX);
        race(0);
        RACE.with_borrow_mut(|race| {
            let (writer, _, next) = race.as_mut().unwrap();
            writer.publish(Raced([*next]));
            *next += 1;
        });
        race(1);
        assert_eq!(reader.try_read(), Err(ReadError::Lagged(1)));
        let mut seen = std::vec![];
        // The second one is gone when it is copied.
        let drained = reader.try_drain(9, |item| {
            seen.push(item);
            race(1);
        });
        assert_eq!((drained, seen.len()), (Ok(1), 1));
        race(0);
        assert_eq!(reader.try_read(), Err(ReadError::Lagged(1)));
        let (received, lagged) = (RING.stats().readers, RING.lagged());
        assert_eq!((received.items as u64, received.batches), (passed + 1, 2));
        assert_eq!((lagged.items, lagged.batches, lagged.largest), (2, 2, 1));
        assert_eq!((received.contended, received.refused, received.pending), (1, 0, 0));
        assert_eq!(RING.stats().writer.items, received.items + lagged.items + 2, "two are left");
        RACE.set(None);
    }
}
