//! The methods of rings that claim an end, on a target without compare-and-swap: none can be called.

use super::broadcast::{Broadcast, OverflowPolicy, Writer};
use super::lanes::{LaneConsumer, LaneProducer, Lanes, RegisterError, Schedule, Storage};
use super::{Consumer, Ends, Producer, Ring};
use crate::index::{Arity, Single};
use crate::needs_cas::CompareAndSwap;
use crate::stats::Stats;
use crate::words::Entry;

impl<T, const N: usize, A: Arity> Ring<T, N, A> {
    /// Needs compare-and-swap, which this target has with feature `portable-atomic`. Without it, see [`split`](Self::split) and
    /// [`split_unchecked`](Self::split_unchecked).
    #[must_use]
    pub fn try_split(&self) -> Option<Ends<'_, T, A>>
    where
        Self: CompareAndSwap,
    {
        None
    }

    /// Needs compare-and-swap, as [`try_split`](Self::try_split).
    #[must_use]
    pub fn try_producer(&self) -> Option<Producer<'_, T, A>>
    where
        Self: CompareAndSwap,
    {
        None
    }

    /// Needs compare-and-swap, as [`try_split`](Self::try_split).
    #[must_use]
    pub fn try_consumer(&self) -> Option<Consumer<'_, T, A>>
    where
        Self: CompareAndSwap,
    {
        None
    }
}

impl<T, const N: usize, const L: usize, A: Arity<Producers = Single>, H: Storage> Lanes<T, N, L, A, H> {
    /// Needs compare-and-swap, which this target has with feature `portable-atomic`. Without it, see
    /// [`split_all`](Self::split_all) and [`split_all_unchecked`](Self::split_all_unchecked).
    ///
    /// # Errors
    ///
    /// None here.
    pub fn register(&self) -> Result<LaneProducer<'_, T, A>, RegisterError>
    where
        Self: CompareAndSwap,
    {
        Err(RegisterError::NoSuchLane)
    }

    /// Needs compare-and-swap, as [`register`](Self::register).
    ///
    /// # Errors
    ///
    /// None here.
    pub fn register_at(&self, _lane: u32) -> Result<LaneProducer<'_, T, A>, RegisterError>
    where
        Self: CompareAndSwap,
    {
        Err(RegisterError::NoSuchLane)
    }

    /// Needs compare-and-swap, as [`register`](Self::register).
    #[must_use]
    pub fn try_consumer<O: Schedule>(&self, _schedule: O) -> Option<LaneConsumer<'_, T, N, L, O, A, H>>
    where
        Self: CompareAndSwap,
    {
        None
    }
}

impl<T: Entry, const N: usize, P: OverflowPolicy, S: Stats> Broadcast<T, N, P, S> {
    /// Needs compare-and-swap, which this target has with feature `portable-atomic`. Without it, see [`split`](Self::split) and
    /// [`writer_unchecked`](Self::writer_unchecked).
    #[must_use]
    pub fn try_writer(&self) -> Option<Writer<'_, T, N, P, S>>
    where
        Self: CompareAndSwap,
    {
        None
    }
}
