//! What a channel is made of: the ends of rings, of lanes and of broadcasts, as one sees them who waits.

use core::ops::{Deref, DerefMut};

use super::TryRecvError;
use super::line::For;
use crate::error::PushError;
use crate::ring::broadcast::{Gated, GatedReader, OverflowPolicy, Overwrite, Reader, Writer};
use crate::ring::lanes::{LaneConsumer, Schedule, Storage};
use crate::ring::{Arity, Consumer, Multi, Owner, Producer, SideRules as _, Single};
use crate::stats::Stats;
use crate::words::Entry;

/// An end whose refusals are not counted while this lives: a call that waits is refused once, by its first look.
pub(super) struct Quiet<'e, E: sealed::End>(&'e mut E);

impl<'e, E: sealed::End> Quiet<'e, E> {
    pub(super) fn of(end: &'e mut E) -> Self {
        Self::when(true, end)
    }

    /// If `quiet`: it is not the first look of a call.
    pub(super) fn when(quiet: bool, end: &'e mut E) -> Self {
        end.set_quiet(quiet);
        Self(end)
    }
}

impl<E: sealed::End> Deref for Quiet<'_, E> {
    type Target = E;
    fn deref(&self) -> &E {
        self.0
    }
}

impl<E: sealed::End> DerefMut for Quiet<'_, E> {
    fn deref_mut(&mut self) -> &mut E {
        self.0
    }
}

impl<E: sealed::End> Drop for Quiet<'_, E> {
    fn drop(&mut self) {
        self.0.set_quiet(false);
    }
}

/// An end that items are put into: a [`Producer`] (of a ring, or of a lane), or a broadcast's [`Writer`]. Sealed.
pub trait Feed: sealed::Feed {}

/// An end that items are taken out of: a [`Consumer`], a [`LaneConsumer`], or a broadcast's [`Reader`] or
/// [`GatedReader`]. Sealed.
pub trait Source: sealed::Source {}

pub(crate) mod sealed {
    use super::super::line::For;
    use super::{PushError, TryRecvError};

    /// What both kinds of ends have.
    pub trait End {
        /// What those wait for whom a change of this end concerns.
        const CHANGES: For;
        /// Whether refusals are not counted from now on: they are further looks of one call.
        fn set_quiet(&mut self, quiet: bool);
        /// Gives back what a forgotten grant had.
        fn reclaim_forgotten(&mut self) {}
        /// Keeps away for up to that many hints from a stream that it has caught up with.
        fn keep_away(&mut self, hints: u16) {
            let _ = hints;
        }
    }

    /// An end of a side of many.
    pub trait Many {
        /// One more of them.
        fn another(&self) -> Self;
    }

    pub trait Feed: End {
        /// What is put in.
        type Item;
        /// Each receiver gets each item, so each has to be woken for it.
        const FOR_ALL: bool;
        /// Several receivers may wait for one item that is on its way.
        const AWAITED: bool = false;
        /// Returns how many receivers can have something of so many items.
        #[inline(always)]
        fn wakes(items: usize) -> u32 {
            if Self::FOR_ALL { u32::MAX } else { u32::try_from(items).unwrap_or(u32::MAX) }
        }
        fn put(&mut self, item: Self::Item) -> Result<(), PushError<Self::Item>>;
        /// As many as there is room for: how many; and why no more, if it was refused.
        fn put_iter(
            &mut self,
            items: &mut dyn Iterator<Item = Self::Item>,
        ) -> (usize, Result<(), PushError<()>>);
        /// Returns whether there is room, as far as can be seen without taking it.
        fn has_room(&mut self) -> bool;
    }

    pub trait Source: End {
        /// What is taken out.
        type Item;
        /// The room that it makes is for one sender in particular, who may be any of those who wait.
        const ROOM_IS_SOMEBODYS: bool;
        /// A sender may wait for this very receiver, and no longer if it goes.
        const LEAVING_MAKES_ROOM: bool = false;
        /// It goes past slots that were given up, which makes room even where nothing is taken.
        const PASSES: bool = false;
        /// Returns how many senders have to look for so much room.
        #[inline(always)]
        fn wakes(items: usize) -> u32 {
            if Self::ROOM_IS_SOMEBODYS { u32::MAX } else { u32::try_from(items).unwrap_or(u32::MAX) }
        }
        /// Never `Closed`.
        fn take(&mut self) -> Result<Self::Item, TryRecvError>;
        /// Moves up to `max` items into `f`, one after the other. Returns how many.
        fn take_each(&mut self, max: usize, f: &mut dyn FnMut(Self::Item)) -> Result<usize, TryRecvError>;
        /// Returns whether there is something, as far as can be seen without taking it.
        fn has_items(&mut self) -> bool;
        /// After there was nothing: whether something is on its way.
        fn is_pending(&mut self) -> bool {
            false
        }
        /// Returns how many were sent and not received: at least all that were before this was called.
        #[cfg(all(feature = "std", target_os = "linux"))]
        fn pending(&self) -> usize;
    }
}

impl<T, A: Arity, K: Owner> sealed::End for Producer<'_, T, A, K> {
    const CHANGES: For = For::Data;
    fn set_quiet(&mut self, quiet: bool) {
        self.set_quiet(quiet);
    }
    fn reclaim_forgotten(&mut self) {
        self.reclaim_forgotten();
    }
    fn keep_away(&mut self, hints: u16) {
        self.keep_away(hints);
    }
}

impl<T, A: Arity<Producers = Multi>, K: Owner> sealed::Many for Producer<'_, T, A, K> {
    fn another(&self) -> Self {
        self.another()
    }
}

impl<T, A: Arity, K: Owner> Feed for Producer<'_, T, A, K> {}
impl<T, A: Arity, K: Owner> sealed::Feed for Producer<'_, T, A, K> {
    type Item = T;
    const FOR_ALL: bool = false;
    const AWAITED: bool = A::Producers::SHARED && A::Consumers::SHARED;

    #[inline(always)]
    fn put(&mut self, item: T) -> Result<(), PushError<T>> {
        self.try_push(item)
    }
    #[inline]
    fn put_iter(&mut self, items: &mut dyn Iterator<Item = T>) -> (usize, Result<(), PushError<()>>) {
        self.push_from(items)
    }
    #[inline]
    fn has_room(&mut self) -> bool {
        self.has_room()
    }
}

impl<T, A: Arity, K: Owner> sealed::End for Consumer<'_, T, A, K> {
    const CHANGES: For = For::Room;
    fn set_quiet(&mut self, quiet: bool) {
        self.set_quiet(quiet);
    }
    fn keep_away(&mut self, hints: u16) {
        self.keep_away(hints);
    }
}

impl<T, A: Arity<Consumers = Multi>, K: Owner> sealed::Many for Consumer<'_, T, A, K> {
    fn another(&self) -> Self {
        self.another()
    }
}

impl<T, A: Arity, K: Owner> Source for Consumer<'_, T, A, K> {}
impl<T, A: Arity, K: Owner> sealed::Source for Consumer<'_, T, A, K> {
    type Item = T;
    const ROOM_IS_SOMEBODYS: bool = false;
    const PASSES: bool = A::Producers::SHARED;

    #[inline(always)]
    fn take(&mut self) -> Result<T, TryRecvError> {
        Ok(self.try_pop()?)
    }
    #[inline]
    fn take_each(&mut self, max: usize, f: &mut dyn FnMut(T)) -> Result<usize, TryRecvError> {
        Ok(self.try_drain(max, f)?)
    }
    #[inline]
    fn has_items(&mut self) -> bool {
        self.has_items()
    }
    #[inline]
    fn is_pending(&mut self) -> bool {
        A::Producers::SHARED && !self.is_empty()
    }
    #[cfg(all(feature = "std", target_os = "linux"))]
    fn pending(&self) -> usize {
        self.len()
    }
}

impl<T, const N: usize, const L: usize, O: Schedule, A: Arity<Producers = Single>, H: Storage> sealed::End
    for LaneConsumer<'_, T, N, L, O, A, H>
{
    const CHANGES: For = For::Room;
    fn set_quiet(&mut self, quiet: bool) {
        // A visit that finds nothing is not counted anyway.
        let _ = quiet;
    }
}

impl<
    T,
    const N: usize,
    const L: usize,
    O: Schedule,
    A: Arity<Producers = Single, Consumers = Multi>,
    H: Storage,
> sealed::Many for LaneConsumer<'_, T, N, L, O, A, H>
{
    fn another(&self) -> Self {
        self.clone()
    }
}

impl<T, const N: usize, const L: usize, O: Schedule, A: Arity<Producers = Single>, H: Storage> Source
    for LaneConsumer<'_, T, N, L, O, A, H>
{
}
impl<T, const N: usize, const L: usize, O: Schedule, A: Arity<Producers = Single>, H: Storage> sealed::Source
    for LaneConsumer<'_, T, N, L, O, A, H>
{
    type Item = T;
    const ROOM_IS_SOMEBODYS: bool = true;

    #[inline]
    fn take(&mut self) -> Result<T, TryRecvError> {
        Ok(self.try_pop()?)
    }
    #[inline]
    fn take_each(&mut self, max: usize, f: &mut dyn FnMut(T)) -> Result<usize, TryRecvError> {
        Ok(self.try_drain(max, f)?)
    }
    #[inline]
    fn has_items(&mut self) -> bool {
        !self.lanes().is_empty()
    }
    #[cfg(all(feature = "std", target_os = "linux"))]
    fn pending(&self) -> usize {
        self.lanes().total_len()
    }
}

impl<T: Entry, const N: usize, P: OverflowPolicy, S: Stats> sealed::End for Writer<'_, T, N, P, S> {
    const CHANGES: For = For::Data;
    fn set_quiet(&mut self, quiet: bool) {
        self.set_quiet(quiet);
    }
}

impl<T: Entry, const N: usize, S: Stats> Feed for Writer<'_, T, N, Overwrite, S> {}
impl<T: Entry, const N: usize, S: Stats> sealed::Feed for Writer<'_, T, N, Overwrite, S> {
    type Item = T;
    const FOR_ALL: bool = true;

    #[inline]
    fn put(&mut self, item: T) -> Result<(), PushError<T>> {
        self.publish(item);
        Ok(())
    }
    /// A lap at most, since there is always room.
    fn put_iter(&mut self, items: &mut dyn Iterator<Item = T>) -> (usize, Result<(), PushError<()>>) {
        (items.take(N).map(|item| self.publish(item)).count(), Ok(()))
    }
    #[inline]
    fn has_room(&mut self) -> bool {
        true
    }
}

impl<T: Entry, const N: usize, const R: usize, S: Stats> Feed for Writer<'_, T, N, Gated<R>, S> {}
impl<T: Entry, const N: usize, const R: usize, S: Stats> sealed::Feed for Writer<'_, T, N, Gated<R>, S> {
    type Item = T;
    const FOR_ALL: bool = true;

    #[inline]
    fn put(&mut self, item: T) -> Result<(), PushError<T>> {
        self.try_publish(item)
    }
    fn put_iter(&mut self, items: &mut dyn Iterator<Item = T>) -> (usize, Result<(), PushError<()>>) {
        let mut count = 0;
        // A lap at most, or readers that keep up would keep us for ever.
        while count < N {
            if !self.has_room() {
                // As any form that has moved something, it was not refused.
                if count == 0 && items.size_hint().1 != Some(0) {
                    self.count_full();
                }
                return (count, Err(PushError::Full(())));
            }
            let Some(item) = items.next() else { break };
            if self.try_publish(item).is_err() {
                // Not after it had room, which only this writer takes.
                break;
            }
            count += 1;
        }
        (count, Ok(()))
    }
    #[inline]
    fn has_room(&mut self) -> bool {
        self.has_room()
    }
}

impl<T: Entry, const N: usize, S: Stats> sealed::End for Reader<'_, T, N, S> {
    const CHANGES: For = For::Room;
    fn set_quiet(&mut self, quiet: bool) {
        self.set_quiet(quiet);
    }
}

impl<T: Entry, const N: usize, S: Stats> sealed::Many for Reader<'_, T, N, S> {
    fn another(&self) -> Self {
        self.clone()
    }
}

impl<T: Entry, const N: usize, S: Stats> Source for Reader<'_, T, N, S> {}
impl<T: Entry, const N: usize, S: Stats> sealed::Source for Reader<'_, T, N, S> {
    type Item = T;
    const ROOM_IS_SOMEBODYS: bool = false;

    #[inline]
    fn take(&mut self) -> Result<T, TryRecvError> {
        Ok(self.try_read()?)
    }
    fn take_each(&mut self, max: usize, f: &mut dyn FnMut(T)) -> Result<usize, TryRecvError> {
        Ok(self.try_drain(max, f)?)
    }
    #[inline]
    fn has_items(&mut self) -> bool {
        !self.is_empty()
    }
    #[cfg(all(feature = "std", target_os = "linux"))]
    fn pending(&self) -> usize {
        self.len()
    }
}

impl<T: Entry, const N: usize, const R: usize, S: Stats> sealed::End for GatedReader<'_, T, N, R, S> {
    const CHANGES: For = For::Room;
    fn set_quiet(&mut self, quiet: bool) {
        self.set_quiet(quiet);
    }
}

impl<T: Entry, const N: usize, const R: usize, S: Stats> Source for GatedReader<'_, T, N, R, S> {}
impl<T: Entry, const N: usize, const R: usize, S: Stats> sealed::Source for GatedReader<'_, T, N, R, S> {
    type Item = T;
    const ROOM_IS_SOMEBODYS: bool = false;
    const LEAVING_MAKES_ROOM: bool = true;

    #[inline]
    fn take(&mut self) -> Result<T, TryRecvError> {
        Ok(self.try_read()?)
    }
    fn take_each(&mut self, max: usize, f: &mut dyn FnMut(T)) -> Result<usize, TryRecvError> {
        if max == 0 {
            return Ok(0);
        }
        f(self.try_read()?);
        let mut count = 1;
        // A lap at most, or a writer that keeps up would keep us for ever.
        while count < max.min(N) && self.available(1) > 0 {
            f(self.try_read()?);
            count += 1;
        }
        Ok(count)
    }
    #[inline]
    fn has_items(&mut self) -> bool {
        !self.is_empty()
    }
    #[cfg(all(feature = "std", target_os = "linux"))]
    fn pending(&self) -> usize {
        self.len()
    }
}
