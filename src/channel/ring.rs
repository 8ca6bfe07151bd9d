//! Channels over a ring: one sender or many, one receiver or many.

use super::channel_ref::sealed::{Attached, Lent};
use super::channel_ref::{ChannelRef, Membership};
use super::end_traits::sealed;
use super::state::sealed::{AnyChannel as _, Core};
use super::{Channel, Receiver, RecvEnd, SendEnd, Sender, TryRecvError};
use crate::atomic::Role;
use crate::error::PushError;
use crate::ring::{AnyRing, Arity, Consumer, Owner, Producer, Raw, SharedSide, SideRules as _};
use crate::stats::{Counts, RingStats};
use crate::wait::Wait;

/// The producer of a ring `R`, in the channel that `C` refers to.
type ProducerOf<'a, R, C> = Producer<'a, <R as Raw>::Item, <R as Raw>::Arity, Membership<C>>;
/// Its consumer.
type ConsumerOf<'a, R, C> = Consumer<'a, <R as Raw>::Item, <R as Raw>::Arity, Membership<C>>;

impl<R: AnyRing> Core for R {
    unsafe fn give_back(&self, end: u32) {
        // SAFETY: as the caller says.
        unsafe { self.ptr().give_back(end) };
    }
    fn forget_ends(&mut self) {
        Raw::forget_ends(self);
    }
    fn discard(&self) {
        self.ptr().discard();
    }
}

impl<'a, R: AnyRing, W: Wait, const TASKS: usize> ChannelRef for &'a Channel<R, W, TASKS> {
    type Item = R::Item;
    type SendEnd = ProducerOf<'a, R, Self>;
    type RecvEnd = ConsumerOf<'a, R, Self>;
    type Tx = Self::SendEnd;
    type Rx = Self::RecvEnd;
}

impl<R: AnyRing, W: Wait, const TASKS: usize> Channel<R, W, TASKS> {
    /// Returns both ends, for as long as the channel stays borrowed. It is open then, whatever was before. A channel that is
    /// shared, such as a `static`, has [`try_split`](Self::try_split) in its place.
    ///
    /// ```
    /// # #[cfg(feature = "std")] {
    /// use annulet::{Channel, Spsc, host::Futex};
    ///
    /// let mut channel = Channel::new(Spsc::<u32, 4>::new(), Futex::new());
    /// let (mut tx, mut rx) = channel.split();
    /// tx.send(7).unwrap();
    /// assert_eq!(rx.recv(), Ok(7));
    /// # }
    /// ```
    pub fn split(&mut self) -> (Sender<&Self>, Receiver<&Self>) {
        self.reopen();
        let this = &*self;
        let strategy = this.default_strategy();
        let join = |role| Membership::join(this, role, strategy);
        // SAFETY: borrowed exclusively until now, and from now on for as long as the ends live: these are its only ones.
        let (producer, consumer) =
            unsafe { this.ring.ptr().ends_of(join(Role::Sender), join(Role::Receiver)) };
        (Sender::new(producer), Receiver::new(consumer))
    }

    /// Returns both ends, or `None` while an end of a single side is in use. They go back on drop.
    ///
    /// ```
    /// # #[cfg(feature = "std")] {
    /// use annulet::{Channel, Spsc, host::Futex};
    ///
    /// static CHANNEL: Channel<Spsc<u32, 4>, Futex> = Channel::new(Spsc::new(), Futex::new());
    ///
    /// let ends = CHANNEL.try_split().unwrap();
    /// assert!(CHANNEL.try_split().is_none()); // there is one producer, and one consumer
    /// drop(ends);
    /// assert!(CHANNEL.try_split().is_some());
    /// # }
    /// ```
    #[must_use]
    pub fn try_split(&self) -> Option<(Sender<&Self>, Receiver<&Self>)> {
        let strategy = self.default_strategy();
        let join = |role| Membership::join(self, role, strategy);
        // SAFETY: each end borrows the channel, and gives its bit back to this ring.
        let ends = unsafe { self.ring.ptr().try_ends_of(|| (join(Role::Sender), join(Role::Receiver))) };
        ends.map(|(producer, consumer)| (Sender::new(producer), Receiver::new(consumer)))
    }

    /// Returns a sender, or `None` while the only one is in use.
    #[must_use]
    pub fn try_sender(&self) -> Option<Sender<&Self>> {
        let strategy = self.default_strategy();
        // SAFETY: as in `try_split`.
        let producer =
            unsafe { self.ring.ptr().try_producer_of(|| Membership::join(self, Role::Sender, strategy)) };
        producer.map(Sender::new)
    }

    /// Returns a receiver, or `None` while the only one is in use.
    #[must_use]
    pub fn try_receiver(&self) -> Option<Receiver<&Self>> {
        let strategy = self.default_strategy();
        // SAFETY: as in `try_split`.
        let consumer =
            unsafe { self.ring.ptr().try_consumer_of(|| Membership::join(self, Role::Receiver, strategy)) };
        consumer.map(Receiver::new)
    }
}

// The ring itself is not to be had while the channel is shared: what is done through an end that the channel does not know of
// wakes nobody. So the channel says what the ring would.
impl<R: AnyRing, W, const TASKS: usize> Channel<R, W, TASKS> {
    /// Returns the number of items that it holds when it is full.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.ring.ptr().index.capacity()
    }

    /// Returns the number of items in it: as [`Ring::len`](crate::ring::Ring::len).
    #[must_use]
    pub fn len(&self) -> usize {
        self.ring.ptr().len()
    }

    /// Returns true if [`len`](Self::len) is 0.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns true if [`len`](Self::len) is the capacity.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.len() == self.capacity()
    }
}

impl<R: AnyRing + Raw<Arity: Arity<Stats = Counts>>, W, const TASKS: usize> Channel<R, W, TASKS> {
    /// Returns what the senders, as producers, and the receivers, as consumers, have counted. A call that had to wait is one
    /// refusal, however often it looked.
    #[must_use]
    pub fn stats(&self) -> RingStats {
        self.ring.ptr().stats()
    }
}

impl<T, A: Arity, K: Owner> sealed::End for Producer<'_, T, A, K> {
    fn set_quiet(&mut self, quiet: bool) {
        self.set_quiet(quiet);
    }
    fn reclaim_forgotten(&mut self) -> bool {
        self.reclaim_forgotten()
    }
    fn set_max_pause(&mut self, hints: u16) {
        self.set_max_pause(hints);
    }
}

impl<T, A: Arity, K: Owner> SendEnd for Producer<'_, T, A, K> {}
impl<T, A: Arity, K: Owner> sealed::SendEnd for Producer<'_, T, A, K> {
    type Item = T;
    const IS_BROADCAST: bool = false;
    const PENDING_IS_SHARED: bool = A::Producers::SHARED && A::Consumers::SHARED;

    #[inline(always)]
    fn put(&mut self, item: T) -> Result<(), PushError<T>> {
        self.try_push(item)
    }
    #[inline]
    fn put_iter(&mut self, items: &mut dyn Iterator<Item = T>) -> (usize, Result<(), PushError<()>>) {
        self.push_each(items)
    }
    #[inline]
    fn has_room(&mut self) -> bool {
        self.has_room()
    }
}

impl<T, A: Arity, K: Owner> sealed::End for Consumer<'_, T, A, K> {
    fn set_quiet(&mut self, quiet: bool) {
        self.set_quiet(quiet);
    }
    fn set_max_pause(&mut self, hints: u16) {
        self.set_max_pause(hints);
    }
}

impl<T, A: Arity, K: Owner> RecvEnd for Consumer<'_, T, A, K> {}
impl<T, A: Arity, K: Owner> sealed::RecvEnd for Consumer<'_, T, A, K> {
    type Item = T;
    const SKIPS_ABORTED: bool = A::Producers::SHARED;

    #[inline(always)]
    fn take(&mut self) -> Result<T, TryRecvError> {
        Ok(self.try_pop()?)
    }
    #[inline]
    fn take_each(&mut self, max: usize, f: &mut dyn FnMut(T)) -> Result<usize, TryRecvError> {
        Ok(self.try_drain(max, f)?)
    }
    fn clear(&mut self) -> usize {
        let (most, mut dropped) = (self.capacity(), 0);
        // Each claim ends at a slot that was given up.
        while dropped < most {
            match self.skip(most - dropped) {
                0 => break,
                more => dropped += more,
            }
        }
        dropped
    }
    #[inline]
    fn has_items(&mut self) -> bool {
        self.has_items()
    }
    #[inline]
    fn is_pending(&mut self) -> bool {
        A::Producers::SHARED && !self.is_empty()
    }
    fn len(&self) -> usize {
        self.len()
    }
}

macro_rules! attached {
    ($($end:ident),*) => {$(
        // It keeps the channel alive by itself.
        impl<T, A: Arity, C: ChannelRef> Lent for $end<'_, T, A, Membership<C>> {}
        impl<T, A: Arity, C: ChannelRef> Attached for $end<'_, T, A, Membership<C>> {
            type Channel = C;
            type End = Self;
            #[inline(always)]
            fn end(&self) -> &Self {
                self
            }
            #[inline(always)]
            fn end_mut(&mut self) -> &mut Self {
                self
            }
            #[inline(always)]
            fn membership(&self) -> &Membership<C> {
                &self.owner
            }
            #[inline(always)]
            fn membership_mut(&mut self) -> &mut Membership<C> {
                &mut self.owner
            }
        }
    )*};
}
attached!(Producer, Consumer);

impl<T, A: Arity<Producers: SharedSide>, K: Owner> sealed::Many for Producer<'_, T, A, K> {
    fn another(&self) -> Self {
        self.another()
    }
}

impl<T, A: Arity<Consumers: SharedSide>, K: Owner> sealed::Many for Consumer<'_, T, A, K> {
    fn another(&self) -> Self {
        self.another()
    }
}
