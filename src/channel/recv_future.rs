//! Receiving as a future.

use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};

use super::RecvError;
use super::channel_ref::{ChannelRef, apart};
use super::end_traits::Quiet;
use super::end_traits::sealed::RecvEnd as _;
use super::guard::pay;
use super::poll::poll;
use super::receiver::{Receiver, for_good, look};
use super::sender::Gone;
use super::state::sealed::AnyChannel as _;
use super::state::{Condition, WaitState};
use crate::atomic::Role;
use crate::wait::{Attempt, Outcome};

/// The next item of a receiver; see [`Receiver::recv_async`].
#[must_use = "a future does nothing until it is polled"]
pub struct RecvFuture<'r, C: ChannelRef> {
    receiver: &'r mut Receiver<C>,
    state: WaitState,
}

impl<C: ChannelRef> Receiver<C> {
    /// Receives one item.
    ///
    /// Cancel-safe: an item is received when the future is ready, and not before; dropping it loses none.
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv).
    ///
    /// ```
    /// # #[cfg(feature = "std")] {
    /// use annulet::{Channel, Spsc, host::Futex};
    /// use futures::executor::block_on;
    ///
    /// let mut channel = Channel::new(Spsc::<u32, 4>::new(), Futex::new());
    /// let (mut tx, mut rx) = channel.split();
    /// block_on(tx.send_async(7)).unwrap();
    /// assert_eq!(block_on(rx.recv_async()), Ok(7));
    /// # }
    /// ```
    pub fn recv_async(&mut self) -> RecvFuture<'_, C> {
        RecvFuture { receiver: self, state: WaitState::NONE }
    }

    /// Receives at least one item and at most `max`, those that are there, into `items`. Returns how many: 0 if `max` is 0.
    ///
    /// Cancel-safe: nothing is received before it is ready.
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv).
    ///
    /// ```
    /// # #[cfg(feature = "std")] {
    /// use annulet::channel::mpsc;
    /// use futures::executor::block_on;
    ///
    /// let (mut tx, mut rx) = mpsc(8);
    /// tx.send_iter(&mut (0..5)).unwrap();
    /// let mut numbers = Vec::new();
    /// assert_eq!(block_on(rx.recv_many(&mut numbers, 3)), Ok(3));
    /// assert_eq!(numbers, [0, 1, 2]);
    /// # }
    /// ```
    pub async fn recv_many(
        &mut self,
        items: &mut impl Extend<C::Item>,
        max: usize,
    ) -> Result<usize, RecvError> {
        loop {
            match self.try_drain(max, |item| items.extend(Some(item))) {
                Ok(count) => return Ok(count),
                Err(why) => match for_good(why) {
                    Some(why) => return Err(why),
                    // Also what another receiver takes before this one comes to it.
                    None => self.ready().await,
                },
            }
        }
    }

    /// Waits until there is an item, or nothing more will come. Then [`try_recv`](Self::try_recv) answers neither `Empty` nor
    /// `Pending`, unless another receiver was faster. The exception is a slot that one of many senders aborted: the receiver skips
    /// it, and may find nothing behind it.
    ///
    /// ```
    /// # #[cfg(feature = "std")] {
    /// use annulet::{Channel, Spsc, host::Futex};
    /// use futures::executor::block_on;
    ///
    /// let mut channel = Channel::new(Spsc::<u32, 4>::new(), Futex::new());
    /// let (mut tx, mut rx) = channel.split();
    /// tx.send(7).unwrap();
    /// block_on(rx.ready());
    /// assert_eq!(rx.try_recv(), Ok(7));
    /// # }
    /// ```
    pub fn ready(&mut self) -> RecvReady<'_, C> {
        RecvReady { receiver: self, state: WaitState::NONE }
    }

    pub(super) fn poll_recv(
        &mut self,
        state: &mut WaitState,
        context: &mut Context<'_>,
    ) -> Poll<Result<C::Item, RecvError>> {
        pay(&mut self.rx);
        let (end, channel) = apart(&mut self.rx);
        // The first look of a future is counted, if there is nothing.
        let mut quiet = state.waits();
        let look = || {
            let mut end = Quiet::when(core::mem::replace(&mut quiet, true), end);
            look::<C, _>(&mut end, channel, C::RecvEnd::take)
        };
        // SAFETY: a receiver's wait state is used with its channel, and for data, only.
        let polled = unsafe { poll::<C, _, _>(channel, Condition::Data, state, context, true, look) };
        polled.map(|(item, waited)| {
            if item.is_ok() {
                self.received(1, waited);
            }
            item
        })
    }

    /// Returns whether there is an item, or nothing more will come. It takes nothing, so a wake-up is passed on.
    pub(super) fn poll_ready(&mut self, state: &mut WaitState, context: &mut Context<'_>) -> Poll<()> {
        pay(&mut self.rx);
        let (end, channel) = apart(&mut self.rx);
        let look = || {
            // Before the looks: what senders that are gone had sent is seen by them.
            let over = channel.peers().is_disconnected(Role::Sender);
            if end.has_items() {
                Attempt::Ready(Ok(()))
            } else if over && !end.is_pending() {
                Attempt::Ready(Err(Gone))
            } else {
                Attempt::NotYet
            }
        };
        // SAFETY: as in `poll_recv`.
        let polled = unsafe { poll::<C, _, _>(channel, Condition::Data, state, context, false, look) };
        polled.map(|_| ())
    }

    pub(super) fn leave(&self, state: &mut WaitState) {
        // SAFETY: as in `poll_recv`.
        unsafe { self.channel().leave(Condition::Data, state, false, Outcome::Ended) };
    }
}

impl<C: ChannelRef> Unpin for RecvFuture<'_, C> {}
impl<C: ChannelRef> Future for RecvFuture<'_, C> {
    type Output = Result<C::Item, RecvError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { receiver, state } = self.get_mut();
        receiver.poll_recv(state, context)
    }
}

impl<C: ChannelRef> Drop for RecvFuture<'_, C> {
    fn drop(&mut self) {
        self.receiver.leave(&mut self.state);
    }
}

/// See [`Receiver::ready`].
#[must_use = "a future does nothing until it is polled"]
pub struct RecvReady<'r, C: ChannelRef> {
    receiver: &'r mut Receiver<C>,
    state: WaitState,
}

impl<C: ChannelRef> Unpin for RecvReady<'_, C> {}
impl<C: ChannelRef> Future for RecvReady<'_, C> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let Self { receiver, state } = self.get_mut();
        receiver.poll_ready(state, context)
    }
}

impl<C: ChannelRef> Drop for RecvReady<'_, C> {
    fn drop(&mut self) {
        self.receiver.leave(&mut self.state);
    }
}

macro_rules! debug {
    ($($name:ident: $inner:ident;)*) => {$(
        impl<C: ChannelRef> fmt::Debug for $name<'_, C>
        where
            C::RecvEnd: fmt::Debug,
        {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).field(stringify!($inner), &self.$inner).finish_non_exhaustive()
            }
        }
    )*};
}
debug! {
    RecvFuture: receiver;
    RecvReady: receiver;
}
