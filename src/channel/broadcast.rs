//! Channels over a broadcast: one sender, and each receiver gets each item.

use super::channel_ref::{ChannelRef, InChannel, Membership};
use super::end_traits::sealed;
use super::state::sealed::{AnyChannel as _, Core};
use super::state::{Condition, SignalOnDrop};
use super::{Channel, Receiver, RecvEnd, SendEnd, Sender, TryRecvError};
use crate::atomic::Role;
use crate::error::PushError;
use crate::ring::Broadcast;
use crate::ring::broadcast::{Gated, GatedReader, JoinError, OverflowPolicy, Overwrite, Reader, Writer};
use crate::stats::{BroadcastStats, Counts, DirectionStats, Stats};
use crate::wait::Wait;
use crate::words::Entry;

/// A channel over a broadcast.
pub(super) type BroadcastChannel<T, const N: usize, P, S, W, const TASKS: usize> =
    Channel<Broadcast<T, N, P, S>, W, TASKS>;

impl<T: Entry, const N: usize, P: OverflowPolicy, S: Stats> Core for Broadcast<T, N, P, S> {
    fn forget_ends(&mut self) {
        drop(self.split());
    }
}

impl<'a, T: Entry, const N: usize, S: Stats, W: Wait, const TASKS: usize> ChannelRef
    for &'a BroadcastChannel<T, N, Overwrite, S, W, TASKS>
{
    type Item = T;
    type SendEnd = Writer<'a, T, N, Overwrite, S>;
    type RecvEnd = Reader<'a, T, N, S>;
    type Tx = InChannel<Self::SendEnd, Self>;
    type Rx = InChannel<Self::RecvEnd, Self>;
}

impl<'a, T: Entry, const N: usize, const R: usize, S: Stats, W: Wait, const TASKS: usize> ChannelRef
    for &'a BroadcastChannel<T, N, Gated<R>, S, W, TASKS>
{
    type Item = T;
    type SendEnd = Writer<'a, T, N, Gated<R>, S>;
    type RecvEnd = GatedReader<'a, T, N, R, S>;
    type Tx = InChannel<Self::SendEnd, Self>;
    type Rx = InChannel<Self::RecvEnd, Self>;
}

impl<T: Entry, const N: usize, P: OverflowPolicy, S: Stats, W: Wait, const TASKS: usize>
    BroadcastChannel<T, N, P, S, W, TASKS>
{
    /// Returns the sender, or `None` while it is in use.
    #[must_use]
    pub fn try_sender<'a>(&'a self) -> Option<Sender<&'a Self>>
    where
        &'a Self: ChannelRef<Tx = InChannel<Writer<'a, T, N, P, S>, &'a Self>>,
    {
        let strategy = self.default_strategy();
        let writer = self.ring.try_writer()?;
        Some(Sender::new(InChannel::new(writer, Membership::join(self, Role::Sender, strategy))))
    }
}

impl<T: Entry, const N: usize, S: Stats, W: Wait, const TASKS: usize>
    BroadcastChannel<T, N, Overwrite, S, W, TASKS>
{
    /// Returns a receiver that begins with the oldest item that is there.
    pub fn receiver_at_oldest(&self) -> Receiver<&Self> {
        self.receiver_with(self.ring.reader_at_oldest())
    }

    /// Returns a receiver that begins with the next item.
    ///
    /// ```
    /// # #[cfg(feature = "std")] {
    /// use annulet::{Broadcast, Channel, host::Futex};
    ///
    /// static READINGS: Channel<Broadcast<u32, 16>, Futex> = Channel::new(Broadcast::new(), Futex::new());
    ///
    /// let mut tx = READINGS.try_sender().unwrap();
    /// let (mut one, mut two) = (READINGS.receiver_at_newest(), READINGS.receiver_at_newest());
    /// tx.send(7).unwrap();
    /// assert_eq!((one.recv(), two.recv()), (Ok(7), Ok(7)));
    /// # }
    /// ```
    pub fn receiver_at_newest(&self) -> Receiver<&Self> {
        self.receiver_with(self.ring.reader_at_newest())
    }

    fn receiver_with<'a>(&'a self, reader: Reader<'a, T, N, S>) -> Receiver<&'a Self> {
        let strategy = self.default_strategy();
        Receiver::new(InChannel::new(reader, Membership::join(self, Role::Receiver, strategy)))
    }
}

impl<T: Entry, const N: usize, const R: usize, S: Stats, W: Wait, const TASKS: usize>
    BroadcastChannel<T, N, Gated<R>, S, W, TASKS>
{
    /// Returns a receiver that begins with the oldest item that is there.
    ///
    /// # Errors
    ///
    /// As for [`Broadcast::join_at_oldest`].
    pub fn join_at_oldest(&self) -> Result<Receiver<&Self>, JoinError> {
        self.joined(self.ring.join_at_oldest())
    }

    /// Returns a receiver that begins with the next item.
    ///
    /// # Errors
    ///
    /// As for [`Broadcast::join_at_newest`].
    ///
    /// ```
    /// # #[cfg(feature = "std")] {
    /// use annulet::ring::broadcast::Gated;
    /// use annulet::{Broadcast, Channel, channel::TrySendError, host::Futex};
    ///
    /// static ORDERS: Channel<Broadcast<u32, 1, Gated<2>>, Futex> = Channel::new(Broadcast::new(), Futex::new());
    ///
    /// let mut tx = ORDERS.try_sender().unwrap();
    /// let mut rx = ORDERS.join_at_newest().unwrap();
    /// tx.try_send(1).unwrap();
    /// assert_eq!(tx.try_send(2), Err(TrySendError::Full(2))); // the receiver has not read the first one
    /// assert_eq!(rx.recv(), Ok(1));
    /// tx.try_send(2).unwrap();
    /// # }
    /// ```
    pub fn join_at_newest(&self) -> Result<Receiver<&Self>, JoinError> {
        self.joined(self.ring.join_at_newest())
    }

    fn joined<'a>(
        &'a self,
        reader: Result<GatedReader<'a, T, N, R, S>, JoinError>,
    ) -> Result<Receiver<&'a Self>, JoinError> {
        // Before a reader was where it begins, its place was where its last holder had left it, or an earlier try. If the
        // writer has found that in its way, and waits, this alone tells it that it is not there any more.
        let _room = SignalOnDrop(self, Condition::Room, u32::MAX);
        let (reader, strategy) = (reader?, self.default_strategy());
        Ok(Receiver::new(InChannel::new(reader, Membership::join(self, Role::Receiver, strategy))))
    }
}

impl<T: Entry, const N: usize, P: OverflowPolicy, S: Stats, W, const TASKS: usize>
    BroadcastChannel<T, N, P, S, W, TASKS>
{
    /// Returns the number of items that it holds when it is full: `N`.
    #[must_use]
    pub const fn capacity(&self) -> usize {
        N
    }

    /// Returns the number of items that are there for a receiver that begins with the oldest.
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

impl<T: Entry, const N: usize, P: OverflowPolicy, W, const TASKS: usize>
    BroadcastChannel<T, N, P, Counts, W, TASKS>
{
    /// Returns what the sender, as the writer, and all receivers together, as readers, have counted. A call that had to wait is
    /// one refusal, however often it looked.
    #[must_use]
    pub fn stats(&self) -> BroadcastStats {
        self.ring.stats()
    }
}

impl<T: Entry, const N: usize, W, const TASKS: usize> BroadcastChannel<T, N, Overwrite, Counts, W, TASKS> {
    /// Returns how often receivers were told that they missed items, and how many.
    #[must_use]
    pub fn lagged(&self) -> DirectionStats {
        self.ring.lagged()
    }
}

impl<T: Entry, const N: usize, P: OverflowPolicy, S: Stats> sealed::End for Writer<'_, T, N, P, S> {
    fn set_quiet(&mut self, quiet: bool) {
        self.set_quiet(quiet);
    }
}

impl<T: Entry, const N: usize, S: Stats> SendEnd for Writer<'_, T, N, Overwrite, S> {}
impl<T: Entry, const N: usize, S: Stats> sealed::SendEnd for Writer<'_, T, N, Overwrite, S> {
    type Item = T;
    const IS_BROADCAST: bool = true;

    #[inline]
    fn put(&mut self, item: T) -> Result<(), PushError<T>> {
        self.publish(item);
        Ok(())
    }
    fn put_iter(&mut self, items: &mut dyn Iterator<Item = T>) -> (usize, Result<(), PushError<()>>) {
        (self.publish_iter(items), Ok(()))
    }
    #[inline]
    fn has_room(&mut self) -> bool {
        true
    }
}

impl<T: Entry, const N: usize, const R: usize, S: Stats> SendEnd for Writer<'_, T, N, Gated<R>, S> {}
impl<T: Entry, const N: usize, const R: usize, S: Stats> sealed::SendEnd for Writer<'_, T, N, Gated<R>, S> {
    type Item = T;
    const IS_BROADCAST: bool = true;

    #[inline]
    fn put(&mut self, item: T) -> Result<(), PushError<T>> {
        self.try_publish(item)
    }
    fn put_iter(&mut self, items: &mut dyn Iterator<Item = T>) -> (usize, Result<(), PushError<()>>) {
        self.publish_each(items)
    }
    #[inline]
    fn has_room(&mut self) -> bool {
        self.has_room()
    }
}

impl<T: Entry, const N: usize, S: Stats> sealed::End for Reader<'_, T, N, S> {
    fn set_quiet(&mut self, quiet: bool) {
        self.set_quiet(quiet);
    }
}

impl<T: Entry, const N: usize, S: Stats> RecvEnd for Reader<'_, T, N, S> {}
impl<T: Entry, const N: usize, S: Stats> sealed::RecvEnd for Reader<'_, T, N, S> {
    type Item = T;

    #[inline]
    fn take(&mut self) -> Result<T, TryRecvError> {
        Ok(self.try_read()?)
    }
    fn take_each(&mut self, max: usize, f: &mut dyn FnMut(T)) -> Result<usize, TryRecvError> {
        Ok(self.try_drain(max, f)?)
    }
    fn clear(&mut self) -> usize {
        usize::try_from(self.skip(u64::MAX)).unwrap_or(usize::MAX)
    }
    #[inline]
    fn has_items(&mut self) -> bool {
        !self.is_empty()
    }
    fn len(&self) -> usize {
        self.len()
    }
}

impl<T: Entry, const N: usize, const R: usize, S: Stats> sealed::End for GatedReader<'_, T, N, R, S> {
    fn set_quiet(&mut self, quiet: bool) {
        self.set_quiet(quiet);
    }
}

impl<T: Entry, const N: usize, const R: usize, S: Stats> RecvEnd for GatedReader<'_, T, N, R, S> {}
impl<T: Entry, const N: usize, const R: usize, S: Stats> sealed::RecvEnd for GatedReader<'_, T, N, R, S> {
    type Item = T;
    const LEAVING_MAKES_ROOM: bool = true;

    #[inline]
    fn take(&mut self) -> Result<T, TryRecvError> {
        Ok(self.try_read()?)
    }
    fn take_each(&mut self, max: usize, f: &mut dyn FnMut(T)) -> Result<usize, TryRecvError> {
        Ok(self.try_drain(max, f)?)
    }
    fn clear(&mut self) -> usize {
        self.skip(usize::MAX)
    }
    #[inline]
    fn has_items(&mut self) -> bool {
        !self.is_empty()
    }
    fn len(&self) -> usize {
        self.len()
    }
}
