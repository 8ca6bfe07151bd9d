//! What a channel says of what is in it.
//!
//! The ring itself is not to be had while the channel is shared: what is done through an end that the channel does not know
//! of wakes nobody.

use super::Channel;
use crate::ring::broadcast::{OverflowPolicy, Overwrite};
use crate::ring::lanes::Storage;
use crate::ring::{Arity, Broadcast, Lanes, Ring, Single};
use crate::stats::{Counts, DirectionStats, Stats};
use crate::wait::Meter;
use crate::words::Entry;

impl<T, const N: usize, A: Arity, W, M: Meter, const TASKS: usize> Channel<Ring<T, N, A>, W, M, TASKS> {
    /// The number of items that it holds when it is full: `N`.
    #[must_use]
    pub const fn capacity(&self) -> usize {
        N
    }

    /// The number of items in it: as [`Ring::len`].
    #[must_use]
    pub fn len(&self) -> usize {
        self.ring.len()
    }

    /// Returns true if [`len`](Self::len) is 0.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ring.is_empty()
    }

    /// Returns true if [`len`](Self::len) is the capacity.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.ring.is_full()
    }
}

impl<T, const N: usize, A: Arity<Stats = Counts>, W, M: Meter, const TASKS: usize>
    Channel<Ring<T, N, A>, W, M, TASKS>
{
    /// What the senders and the receivers have counted, in this order. A call that had to wait is one refusal, however
    /// often it looked.
    #[must_use]
    pub fn stats(&self) -> (DirectionStats, DirectionStats) {
        let stats = self.ring.stats();
        (stats.producers, stats.consumers)
    }
}

impl<
    T,
    const N: usize,
    const L: usize,
    A: Arity<Producers = Single>,
    H: Storage,
    W,
    M: Meter,
    const TASKS: usize,
> Channel<Lanes<T, N, L, A, H>, W, M, TASKS>
{
    /// The number of items in all lanes: as [`Lanes::total_len`].
    #[must_use]
    pub fn len(&self) -> usize {
        self.ring.total_len()
    }

    /// Returns true if [`len`](Self::len) is 0.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ring.is_empty()
    }
}

impl<T: Entry, const N: usize, P: OverflowPolicy, S: Stats, W, M: Meter, const TASKS: usize>
    Channel<Broadcast<T, N, P, S>, W, M, TASKS>
{
    /// The number of items that it holds when it is full: `N`.
    #[must_use]
    pub const fn capacity(&self) -> usize {
        N
    }

    /// The number of items that are there for a receiver that begins with the oldest.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ring.len()
    }

    /// Returns true if [`len`](Self::len) is 0.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ring.is_empty()
    }
}

impl<T: Entry, const N: usize, P: OverflowPolicy, W, M: Meter, const TASKS: usize>
    Channel<Broadcast<T, N, P, Counts>, W, M, TASKS>
{
    /// What the sender, and all receivers together, have counted, in this order. A call that had to wait is one refusal,
    /// however often it looked.
    #[must_use]
    pub fn stats(&self) -> (DirectionStats, DirectionStats) {
        let stats = self.ring.stats();
        (stats.writer, stats.readers)
    }
}

impl<T: Entry, const N: usize, W, M: Meter, const TASKS: usize>
    Channel<Broadcast<T, N, Overwrite, Counts>, W, M, TASKS>
{
    /// How often receivers were told that they missed items, and how many.
    #[must_use]
    pub fn lagged(&self) -> DirectionStats {
        self.ring.lagged()
    }
}
