//! Counters as a type: [`Off`] is nothing at all, [`Counts`] counts what happens.
//!
//! A ring has one set for each direction, on a cache line of its own, written by the ends of that direction alone.
//! They can be read at any time ([`Ring::stats`](crate::ring::Ring::stats)); each number is exact, but they are read
//! one after the other. Everything that is published is counted, by every form.
//!
//! Of a [`Broadcast`](crate::ring::Broadcast) the writer is one direction, and all readers together are the other one:
//! [`stats`](crate::ring::Broadcast::stats) counts an item once for each of them who reads it. What readers miss has a set
//! of its own, [`lagged`](crate::ring::Broadcast::lagged), next to theirs.
//!
//! | counter | of the sending direction | of the receiving direction |
//! |---|---|---|
//! | [`items`](DirectionStats::items) | items handed over | items taken out, or skipped |
//! | [`batches`](DirectionStats::batches) | times items were handed over: of a single push, one | times items were taken |
//! | [`largest`](DirectionStats::largest) | most items handed over at once | most items taken at once |
//! | [`refused`](DirectionStats::refused) | answers `Full` | answers `Empty` |
//! | [`pending`](DirectionStats::pending) | answers `Pending` | answers `Pending` |
//! | [`contended`](DirectionStats::contended) | answers `Contended` | answers `Contended` |
//!
//! A form that answers with a number of items has not been refused unless it is 0 and more was wanted.
//!
//! Ends that are many count by atomic additions. Targets without compare-and-swap have many ends only as readers of a
//! broadcast, and there, a broadcast that counts does not compile without the feature `portable-atomic`.

use core::fmt;

use crate::sync::{AtomicUsize, Ordering};
use crate::zeroed::{Zeroed, empty_in_models};

/// What counts, or doesn't. Sealed: [`Off`] and [`Counts`].
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
        /// `count` items went, at once. `shared`: other ends of this direction may count at the same time.
        fn moved(&self, count: usize, shared: bool);
        /// The same of a distance, which may be longer than any memory.
        fn passed(&self, distance: u64, shared: bool);
        /// Nothing went.
        fn refused(&self, why: Refusal, shared: bool);
    }
}
pub(crate) use sealed::Refusal;

/// Counts nothing, and takes no room and no time.
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

/// Counts everything. The numbers wrap at their integer.
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

/// What one direction of a ring has counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DirectionStats {
    /// Items moved.
    pub items: usize,
    /// Times at which items were moved.
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

/// Adds to a counter; without an exchange where nobody else does.
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

/// Counters of 64 bits, of several who count.
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

    /// Makes it `to`, if that is more.
    pub(crate) fn raise(counter: &AtomicU64, to: u64) {
        counter.fetch_max(to, Ordering::Relaxed);
    }
}

/// A number that some add to and others read.
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
