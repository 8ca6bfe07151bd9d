//! Counters as a type: [`Off`] counts nothing and costs nothing, [`Counts`] counts what happens.
//!
//! A ring has one set of counters for its producers and one for its consumers, each on cache lines of its own. They can be read
//! at any time by [`Ring::stats`](crate::ring::Ring::stats). Each number is exact, but they are read one after the other.
//!
//! A [`Broadcast`](crate::ring::Broadcast) has one set for its writer, and one for all readers together: see
//! [`stats`](crate::ring::Broadcast::stats). An item counts once for each reader that reads it. A third set is for items that
//! readers miss: see [`lagged`](crate::ring::Broadcast::lagged).
//!
//! # Examples
//!
//! ```
//! use annulet::Spsc;
//! use annulet::stats::Counts;
//!
//! let ring = Spsc::<u32, 4, Counts>::new();
//! let (mut tx, mut rx) = ring.try_split().unwrap();
//! tx.push_slice(&[1, 2, 3]);
//! assert_eq!((rx.try_pop(), rx.try_pop()), (Ok(1), Ok(2)));
//!
//! let stats = ring.stats();
//! assert_eq!((stats.producers.items, stats.producers.batches), (3, 1));
//! assert_eq!((stats.consumers.items, stats.consumers.batches), (2, 2));
//! ```
//!
//! # Guarantees
//!
//! | counter | of producers | of consumers |
//! |---|---|---|
//! | [`items`](DirectionStats::items) | items handed over | items taken out, or skipped |
//! | [`batches`](DirectionStats::batches) | times items were handed over; a push is one | times items were taken |
//! | [`largest`](DirectionStats::largest) | most items handed over at once | most items taken at once |
//! | [`refused`](DirectionStats::refused) | answers `Full` | answers `Empty` |
//! | [`pending`](DirectionStats::pending) | answers `Pending` | answers `Pending` |
//! | [`contended`](DirectionStats::contended) | answers `Contended` | answers `Contended` |
//!
//! A batch call counts as refused only if it wanted items and moved none.
//!
//! If a side has many ends, they count by atomic additions. So on a target without compare-and-swap, a broadcast that counts
//! does not compile without the feature `portable-atomic`.

use core::fmt;

use crate::sync::{AtomicUsize, Ordering};
use crate::zeroed::{Zeroed, empty_in_models};

/// Whether a ring counts what happens: [`Off`] or [`Counts`]. Sealed.
pub trait Stats: sealed::Sealed {}

pub(crate) mod sealed {
    /// Why an operation moved nothing.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Refusal {
        /// Full, or empty.
        NoneAvailable,
        /// Another party is in the middle of the slot in question.
        Pending,
        /// Other parties were faster at each of the tries.
        Contended,
    }

    pub trait Sealed: crate::zeroed::Zeroed + Send + Sync + core::fmt::Debug + 'static {
        /// Whether it counts at all.
        const COUNTS: bool;
        /// Counts items that were moved at once. `shared`: other ends of this side may count at the same time.
        fn moved(&self, count: usize, shared: bool);
        /// Counts a distance, which may be longer than any memory.
        fn passed(&self, distance: u64, shared: bool);
        /// Counts a refusal.
        fn refused(&self, why: Refusal, shared: bool);
    }
}
pub(crate) use sealed::Refusal;

/// Counts nothing, and costs neither memory nor time.
#[derive(Debug)]
pub struct Off(pub(crate) ());

// SAFETY: nothing.
unsafe impl Zeroed for Off {
    empty_in_models!(Self(()));
}
impl Stats for Off {}
impl sealed::Sealed for Off {
    const COUNTS: bool = false;
    #[inline(always)]
    fn moved(&self, _: usize, _: bool) {}
    #[inline(always)]
    fn passed(&self, _: u64, _: bool) {}
    #[inline(always)]
    fn refused(&self, _: Refusal, _: bool) {}
}

/// Counts everything. The numbers wrap at `usize::MAX`.
#[derive(Debug)]
#[repr(C)]
pub struct Counts {
    items: AtomicUsize,
    batches: AtomicUsize,
    largest: AtomicUsize,
    refused: AtomicUsize,
    pending: AtomicUsize,
    contended: AtomicUsize,
}

/// What one side of a ring has counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DirectionStats {
    /// Items moved.
    pub items: usize,
    /// Times items were moved.
    pub batches: usize,
    /// Most items moved at once.
    pub largest: usize,
    /// Times nothing was moved because the ring was full (sending) or empty (receiving).
    pub refused: usize,
    /// Times nothing was moved because another party was in the middle of the next slot.
    pub pending: usize,
    /// Times nothing was moved because other parties were faster at each of the tries.
    pub contended: usize,
}

impl fmt::Display for DirectionStats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { items, batches, largest, refused, pending, contended } = self;
        write!(
            f,
            "{items} items in {batches} batches (largest {largest}), {refused} refused, {pending} pending, \
             {contended} contended"
        )
    }
}

/// What the two sides of a ring have counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RingStats {
    /// What the producers have counted.
    pub producers: DirectionStats,
    /// What the consumers have counted.
    pub consumers: DirectionStats,
}

/// What the writer and the readers of a broadcast have counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BroadcastStats {
    /// What the writer has counted.
    pub writer: DirectionStats,
    /// What all readers together have counted.
    pub readers: DirectionStats,
}

impl Counts {
    pub(crate) fn read(&self) -> DirectionStats {
        // Relaxed, all of them: numbers, that hand nothing over.
        DirectionStats {
            items: self.items.load(Ordering::Relaxed),
            batches: self.batches.load(Ordering::Relaxed),
            largest: self.largest.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
            pending: self.pending.load(Ordering::Relaxed),
            contended: self.contended.load(Ordering::Relaxed),
        }
    }
}

/// Adds to a counter, without an atomic addition if no other end does.
#[inline]
fn add(counter: &AtomicUsize, count: usize, shared: bool) {
    // Only targets that have an exchange have sides that are shared.
    #[cfg(compare_and_swap)]
    if shared {
        counter.fetch_add(count, Ordering::Relaxed);
        return;
    }
    let _ = shared;
    counter.store(counter.load(Ordering::Relaxed).wrapping_add(count), Ordering::Relaxed);
}

/// Counters of 64 bits that several threads add to.
#[cfg(target_has_atomic = "64")]
pub(crate) mod wide {
    // Relaxed, all of them: numbers, that hand nothing over.
    use crate::sync::{AtomicU64, Ordering};

    pub(crate) fn read(counter: &AtomicU64) -> u64 {
        counter.load(Ordering::Relaxed)
    }

    pub(crate) fn add(counter: &AtomicU64, count: u64) {
        counter.fetch_add(count, Ordering::Relaxed);
    }

    /// Raises it to `to`, if that is more.
    pub(crate) fn raise(counter: &AtomicU64, to: u64) {
        counter.fetch_max(to, Ordering::Relaxed);
    }
}

/// A number that some threads add to and others read.
#[cfg(all(feature = "std", target_os = "linux"))]
#[derive(Debug, Default)]
pub(crate) struct RelaxedCounter(AtomicUsize);

#[cfg(all(feature = "std", target_os = "linux"))]
impl RelaxedCounter {
    // Relaxed, both: a number, that hands nothing over.
    pub(crate) fn get(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn add(&self, count: usize) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }
}

// SAFETY: integers: it has counted nothing.
unsafe impl Zeroed for Counts {
    empty_in_models!(Self {
        items: AtomicUsize::new(0),
        batches: AtomicUsize::new(0),
        largest: AtomicUsize::new(0),
        refused: AtomicUsize::new(0),
        pending: AtomicUsize::new(0),
        contended: AtomicUsize::new(0),
    });
}
impl Stats for Counts {}
impl sealed::Sealed for Counts {
    const COUNTS: bool = true;

    #[inline]
    fn moved(&self, count: usize, shared: bool) {
        self.passed(count as u64, shared);
    }

    #[inline]
    fn passed(&self, distance: u64, shared: bool) {
        if distance == 0 {
            return;
        }
        // The truncation is the wrap of the counter.
        #[allow(clippy::cast_possible_truncation)]
        add(&self.items, distance as usize, shared);
        add(&self.batches, 1, shared);
        let count = usize::try_from(distance).unwrap_or(usize::MAX);
        if count <= self.largest.load(Ordering::Relaxed) {
            return;
        }
        #[cfg(compare_and_swap)]
        if shared {
            self.largest.fetch_max(count, Ordering::Relaxed);
            return;
        }
        self.largest.store(count, Ordering::Relaxed);
    }

    #[inline]
    fn refused(&self, why: Refusal, shared: bool) {
        let counter = match why {
            Refusal::NoneAvailable => &self.refused,
            Refusal::Pending => &self.pending,
            Refusal::Contended => &self.contended,
        };
        add(counter, 1, shared);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    #[test]
    #[cfg(target_has_atomic = "64")]
    fn counters_of_64_bits_add_up_and_only_rise() {
        use super::wide;
        let counter = crate::sync::AtomicU64::new(0);
        wide::add(&counter, 1 << 40);
        wide::add(&counter, 7);
        assert_eq!(wide::read(&counter), (1 << 40) + 7);
        wide::raise(&counter, 9);
        assert_eq!(wide::read(&counter), (1 << 40) + 7, "it is more already");
        wide::raise(&counter, 1 << 41);
        assert_eq!(wide::read(&counter), 1 << 41);
    }

    #[test]
    #[cfg(all(feature = "std", target_os = "linux"))]
    fn a_tally_adds_up() {
        let tally = super::RelaxedCounter::default();
        tally.add(2);
        tally.add(3);
        assert_eq!(tally.get(), 5);
    }
}
