//! Sides of many, used through a shared reference: to the channel, or to an end that is shared.
//!
//! | who | has | and so |
//! |---|---|---|
//! | [`Sender`], [`Receiver`] | an end that is kept | is counted: when the last of them goes, the other side hears of it |
//! | a call on the [`Channel`] | an end for that call | is not counted. It hears of a close, and that all ends of the other side are gone |
//! | [`Sender::shared`], [`Receiver::shared`] | likewise | the end that is shared is, as long as it lives |

use core::time::Duration;

use super::channel_ref::sealed::Reach;
use super::channel_ref::{ChannelRef, Membership};
use super::state::sealed::AnyChannel as _;
use super::{Channel, Receiver, RecvError, SendError, Sender, TryRecvError, TrySendError};
use crate::atomic::Role;
use crate::ring::{AnyRing, Arity, Consumer, Producer, Raw, SharedSide};
use crate::wait::{Deadline, Wait};

impl<R: AnyRing + Raw<Arity: Arity<Producers: SharedSide>>, W: Wait, const TASKS: usize>
    Channel<R, W, TASKS>
{
    fn sender_of<'c>(&'c self, membership: Membership<&'c Self>) -> Sender<&'c Self> {
        // SAFETY: a side of many may have one more, and the membership borrows the channel.
        Sender::new(unsafe { Producer::new(self.ring.ptr(), membership) })
    }

    /// Returns a sender that is not counted.
    #[inline]
    fn visiting_sender(&self) -> Sender<&Self> {
        self.sender_of(Membership::visit(self, Role::Sender, self.default_strategy()))
    }
}

/// Many senders need no handle.
// Each call says so, and not all of them at once: so the compiler says what to do if this side has a single end.
impl<R: AnyRing, W: Wait, const TASKS: usize> Channel<R, W, TASKS> {
    /// Returns one more sender.
    pub fn sender(&self) -> Sender<&Self>
    where
        R: Raw<Arity: Arity<Producers: SharedSide>>,
    {
        self.sender_of(Membership::join(self, Role::Sender, self.default_strategy()))
    }

    /// Sends one item if there is room now, as [`Sender::try_send`].
    ///
    /// A [`sender`](Self::sender) that is kept need not look for its place each time: with two or four threads on each
    /// side of a ring, it moved 1.8 times as many items.
    ///
    /// # Errors
    ///
    /// [`TrySendError`], with the item.
    #[inline]
    pub fn try_send(&self, item: R::Item) -> Result<(), TrySendError<R::Item>>
    where
        R: Raw<Arity: Arity<Producers: SharedSide>>,
    {
        self.visiting_sender().try_send(item)
    }

    /// Sends one item, waiting for room, as [`Sender::send`].
    ///
    /// # Errors
    ///
    /// [`SendError::Closed`], with the item.
    ///
    /// ```
    /// # #[cfg(feature = "std")] {
    /// use annulet::{Channel, Mpmc, host::Futex};
    ///
    /// static JOBS: Channel<Mpmc<u32, 64>, Futex> = Channel::new(Mpmc::new(), Futex::new());
    ///
    /// let worker = std::thread::spawn(|| JOBS.recv());
    /// JOBS.send(7).unwrap();
    /// assert_eq!(worker.join().unwrap(), Ok(7));
    /// # }
    /// ```
    #[inline]
    pub fn send(&self, item: R::Item) -> Result<(), SendError<R::Item>>
    where
        R: Raw<Arity: Arity<Producers: SharedSide>>,
    {
        self.visiting_sender().send(item)
    }

    /// Sends one item, waiting for room for up to `span`, as [`Sender::send_timeout`].
    ///
    /// # Errors
    ///
    /// [`SendError`], with the item.
    #[inline]
    pub fn send_timeout(&self, item: R::Item, span: Duration) -> Result<(), SendError<R::Item>>
    where
        R: Raw<Arity: Arity<Producers: SharedSide>>,
    {
        self.visiting_sender().send_timeout(item, span)
    }

    /// Sends one item, waiting for room until `until`, as [`Sender::send_deadline`].
    ///
    /// # Errors
    ///
    /// [`SendError`], with the item.
    #[inline]
    pub fn send_deadline(&self, item: R::Item, until: Deadline) -> Result<(), SendError<R::Item>>
    where
        R: Raw<Arity: Arity<Producers: SharedSide>>,
    {
        self.visiting_sender().send_deadline(item, until)
    }

    /// Sends one item, as [`Sender::send_async`]. If the future is dropped before it is ready, the item is dropped with it.
    ///
    /// # Errors
    ///
    /// [`SendError::Closed`], with the item.
    pub async fn send_async(&self, item: R::Item) -> Result<(), SendError<R::Item>>
    where
        R: Raw<Arity: Arity<Producers: SharedSide>>,
    {
        self.visiting_sender().send_async(item).await
    }
}

impl<R: AnyRing + Raw<Arity: Arity<Consumers: SharedSide>>, W: Wait, const TASKS: usize>
    Channel<R, W, TASKS>
{
    fn receiver_of<'c>(&'c self, membership: Membership<&'c Self>) -> Receiver<&'c Self> {
        // SAFETY: a side of many may have one more, and the membership borrows the channel.
        Receiver::new(unsafe { Consumer::new(self.ring.ptr(), membership) })
    }

    /// Returns a receiver that is not counted.
    #[inline]
    fn visiting_receiver(&self) -> Receiver<&Self> {
        self.receiver_of(Membership::visit(self, Role::Receiver, self.default_strategy()))
    }
}

/// Many receivers need no handle.
// Each call says so, and not all of them at once: so the compiler says what to do if this side has a single end.
impl<R: AnyRing, W: Wait, const TASKS: usize> Channel<R, W, TASKS> {
    /// Returns one more receiver.
    pub fn receiver(&self) -> Receiver<&Self>
    where
        R: Raw<Arity: Arity<Consumers: SharedSide>>,
    {
        self.receiver_of(Membership::join(self, Role::Receiver, self.default_strategy()))
    }

    /// Receives one item if there is one now, as [`Receiver::try_recv`].
    ///
    /// A [`receiver`](Self::receiver) that is kept need not look for its place each time: as a sender.
    ///
    /// # Errors
    ///
    /// [`TryRecvError`].
    #[inline]
    pub fn try_recv(&self) -> Result<R::Item, TryRecvError>
    where
        R: Raw<Arity: Arity<Consumers: SharedSide>>,
    {
        self.visiting_receiver().try_recv()
    }

    /// Receives one item, waiting for it, as [`Receiver::recv`].
    ///
    /// # Errors
    ///
    /// [`RecvError::Closed`] once everything that was sent is received.
    #[inline]
    pub fn recv(&self) -> Result<R::Item, RecvError>
    where
        R: Raw<Arity: Arity<Consumers: SharedSide>>,
    {
        self.visiting_receiver().recv()
    }

    /// Receives one item, waiting for it for up to `span`, as [`Receiver::recv_timeout`].
    ///
    /// # Errors
    ///
    /// [`RecvError`].
    #[inline]
    pub fn recv_timeout(&self, span: Duration) -> Result<R::Item, RecvError>
    where
        R: Raw<Arity: Arity<Consumers: SharedSide>>,
    {
        self.visiting_receiver().recv_timeout(span)
    }

    /// Receives one item, waiting for it until `until`, as [`Receiver::recv_deadline`].
    ///
    /// # Errors
    ///
    /// [`RecvError`].
    #[inline]
    pub fn recv_deadline(&self, until: Deadline) -> Result<R::Item, RecvError>
    where
        R: Raw<Arity: Arity<Consumers: SharedSide>>,
    {
        self.visiting_receiver().recv_deadline(until)
    }

    /// Drops the items that are there now, as [`Receiver::clear`]: also for who only sends. Returns how many.
    pub fn clear(&self) -> usize
    where
        R: Raw<Arity: Arity<Consumers: SharedSide>>,
    {
        self.visiting_receiver().clear()
    }

    /// Receives one item, as [`Receiver::recv_async`]. Nothing is lost by dropping the future.
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv).
    pub async fn recv_async(&self) -> Result<R::Item, RecvError>
    where
        R: Raw<Arity: Arity<Consumers: SharedSide>>,
    {
        self.visiting_receiver().recv_async().await
    }
}

impl<C, R, W, const TASKS: usize> Sender<C>
where
    C: ChannelRef + Reach<Channel = Channel<R, W, TASKS>>,
    R: AnyRing,
    W: Wait,
{
    /// Returns a sender for a call, or for a few: of a sender that several threads share, in an `Arc` of what it is part of.
    ///
    /// It is not counted, which costs other senders nothing. A [clone](Self::clone) is.
    ///
    /// ```
    /// # #[cfg(feature = "std")] {
    /// use annulet::channel::mpsc;
    /// use std::sync::Arc;
    ///
    /// struct State {
    ///     log: mpsc::Sender<u32>,
    /// }
    ///
    /// let (log, mut rx) = mpsc(64);
    /// let state = Arc::new(State { log });
    /// let another = Arc::clone(&state);
    /// std::thread::spawn(move || another.log.shared().send(7).unwrap()).join().unwrap();
    /// assert_eq!(rx.recv(), Ok(7));
    /// # }
    /// ```
    #[inline]
    pub fn shared(&self) -> Sender<&Channel<R, W, TASKS>>
    where
        R: Raw<Arity: Arity<Producers: SharedSide>>,
    {
        self.channel().visiting_sender()
    }
}

impl<C, R, W, const TASKS: usize> Receiver<C>
where
    C: ChannelRef + Reach<Channel = Channel<R, W, TASKS>>,
    R: AnyRing,
    W: Wait,
{
    /// Returns a receiver for a call, or for a few: of a receiver that several threads share, as [`Sender::shared`].
    #[inline]
    pub fn shared(&self) -> Receiver<&Channel<R, W, TASKS>>
    where
        R: Raw<Arity: Arity<Consumers: SharedSide>>,
    {
        self.channel().visiting_receiver()
    }
}
