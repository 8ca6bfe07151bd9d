//! Channels over lanes: each sender has a lane, and a receiver visits them in its order.

use core::marker::PhantomData;

use super::channel_ref::sealed::{Borrowed, Reach};
use super::channel_ref::{ChannelRef, InChannel, Membership};
use super::end_traits::sealed;
use super::state::sealed::{AnyChannel as _, Core};
use super::{Channel, Receiver, RecvEnd, Sender, TryRecvError};
use crate::atomic::Role;
use crate::ring::lanes::{LaneConsumer, LaneProducer, Priority, RegisterError, Schedule, Storage};
use crate::ring::{Arity, Lanes, Single};
use crate::wait::Wait;

/// A channel over lanes.
pub(super) type LaneChannel<T, const N: usize, const L: usize, A, H, W, const TASKS: usize> =
    Channel<Lanes<T, N, L, A, H>, W, TASKS>;

/// A [`Receiver`] of a channel over lanes, `X`, which visits them in the order `O`.
pub type LaneReceiver<'a, X, O> = Receiver<Scheduled<&'a X, O>>;

/// How a receiver of lanes reaches its channel: as `C` does, to visit them in the order `O`.
#[derive(Debug)]
pub struct Scheduled<C, O> {
    pub(super) channel: C,
    pub(super) order: PhantomData<fn() -> O>,
}

impl<C: Clone, O> Clone for Scheduled<C, O> {
    fn clone(&self) -> Self {
        Self { channel: self.channel.clone(), order: PhantomData }
    }
}

impl<C: Borrowed, O> Borrowed for Scheduled<C, O> {}
impl<C: Reach, O> Reach for Scheduled<C, O> {
    type Channel = C::Channel;
    #[inline(always)]
    fn channel(&self) -> &C::Channel {
        self.channel.channel()
    }
}

impl<T, const N: usize, const L: usize, A: Arity<Producers = Single>, H: Storage> Core
    for Lanes<T, N, L, A, H>
{
    fn forget_ends(&mut self) {
        drop(self.split(Priority));
    }
    fn discard(&self) {
        self.discard();
    }
}

/// Of its senders. Those that receive say how they visit the lanes: [`Scheduled`].
impl<'a, T, const N: usize, const L: usize, A, H, W, const TASKS: usize> ChannelRef
    for &'a LaneChannel<T, N, L, A, H, W, TASKS>
where
    A: Arity<Producers = Single>,
    H: Storage,
    W: Wait,
{
    type Item = T;
    type SendEnd = LaneProducer<'a, T, A>;
    type RecvEnd = LaneConsumer<'a, T, N, L, Priority, A, H>;
    type Tx = InChannel<Self::SendEnd, Self>;
    type Rx = InChannel<Self::RecvEnd, Self>;
}

impl<'a, T, const N: usize, const L: usize, O, A, H, W, const TASKS: usize> ChannelRef
    for Scheduled<&'a LaneChannel<T, N, L, A, H, W, TASKS>, O>
where
    O: Schedule,
    A: Arity<Producers = Single>,
    H: Storage,
    W: Wait,
{
    type Item = T;
    type SendEnd = LaneProducer<'a, T, A>;
    type RecvEnd = LaneConsumer<'a, T, N, L, O, A, H>;
    type Tx = InChannel<Self::SendEnd, Self>;
    type Rx = InChannel<Self::RecvEnd, Self>;
}

impl<T, const N: usize, const L: usize, A, H, W, const TASKS: usize> LaneChannel<T, N, L, A, H, W, TASKS>
where
    A: Arity<Producers = Single>,
    H: Storage,
    W: Wait,
{
    /// Returns a receiver, which visits lanes in this order, or `None` while the only one is in use.
    #[must_use]
    pub fn try_receiver<O: Schedule>(&self, schedule: O) -> Option<LaneReceiver<'_, Self, O>> {
        let strategy = self.default_strategy();
        let consumer = self.ring.try_consumer(schedule)?;
        let channel = Scheduled { channel: self, order: PhantomData };
        Some(Receiver::new(InChannel::new(consumer, Membership::join(channel, Role::Receiver, strategy))))
    }

    /// Returns a sender with a lane of its own.
    ///
    /// # Errors
    ///
    /// As for [`Lanes::register`].
    ///
    /// ```
    /// # #[cfg(feature = "std")] {
    /// use annulet::ring::lanes::Priority;
    /// use annulet::{Channel, Lanes, host::Futex};
    ///
    /// static EVENTS: Channel<Lanes<u32, 16, 2>, Futex> = Channel::new(Lanes::new(), Futex::new());
    ///
    /// let mut rx = EVENTS.try_receiver(Priority).unwrap();
    /// let (mut urgent, mut other) = (EVENTS.register().unwrap(), EVENTS.register().unwrap());
    /// other.send(1).unwrap();
    /// urgent.send(2).unwrap();
    /// assert_eq!(rx.recv(), Ok(2));
    /// assert_eq!(rx.recv(), Ok(1));
    /// # }
    /// ```
    pub fn register(&self) -> Result<Sender<&Self>, RegisterError> {
        let strategy = self.default_strategy();
        let producer = self.ring.register()?;
        Ok(Sender::new(InChannel::new(producer, Membership::join(self, Role::Sender, strategy))))
    }

    /// Returns a sender with this lane.
    ///
    /// # Errors
    ///
    /// As for [`Lanes::register_at`].
    pub fn register_at(&self, lane: u32) -> Result<Sender<&Self>, RegisterError> {
        let strategy = self.default_strategy();
        let producer = self.ring.register_at(lane)?;
        Ok(Sender::new(InChannel::new(producer, Membership::join(self, Role::Sender, strategy))))
    }
}

impl<T, const N: usize, const L: usize, A: Arity<Producers = Single>, H: Storage, W, const TASKS: usize>
    LaneChannel<T, N, L, A, H, W, TASKS>
{
    /// Returns the number of items in all lanes: as [`Lanes::total_len`].
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

impl<T, const N: usize, const L: usize, O: Schedule, A: Arity<Producers = Single>, H: Storage> sealed::End
    for LaneConsumer<'_, T, N, L, O, A, H>
{
    fn set_quiet(&mut self, quiet: bool) {
        // A visit that finds nothing is not counted anyway.
        let _ = quiet;
    }
}

impl<T, const N: usize, const L: usize, O: Schedule, A: Arity<Producers = Single>, H: Storage> RecvEnd
    for LaneConsumer<'_, T, N, L, O, A, H>
{
}
impl<T, const N: usize, const L: usize, O: Schedule, A: Arity<Producers = Single>, H: Storage> sealed::RecvEnd
    for LaneConsumer<'_, T, N, L, O, A, H>
{
    type Item = T;
    const ROOM_IS_PER_SENDER: bool = true;

    #[inline]
    fn take(&mut self) -> Result<T, TryRecvError> {
        Ok(self.try_pop()?)
    }
    #[inline]
    fn take_each(&mut self, max: usize, f: &mut dyn FnMut(T)) -> Result<usize, TryRecvError> {
        Ok(self.try_drain(max, f)?)
    }
    fn clear(&mut self) -> usize {
        self.skip(usize::MAX)
    }
    #[inline]
    fn has_items(&mut self) -> bool {
        !self.lanes().is_empty()
    }
    fn len(&self) -> usize {
        self.lanes().total_len()
    }
}
