//! Sending as a future.

use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};

use super::SendError;
use super::channel_ref::{ChannelRef, apart};
use super::end_traits::Quiet;
use super::end_traits::sealed::SendEnd as _;
use super::guard::pay;
use super::poll::poll;
use super::sender::{Gone, Sender, try_put};
use super::state::sealed::AnyChannel as _;
use super::state::{Condition, WaitState};
use crate::atomic::Role;
use crate::wait::{Attempt, Outcome};

/// An item on its way; see [`Sender::send_async`].
#[must_use = "a future does nothing until it is polled"]
pub struct SendFuture<'s, C: ChannelRef> {
    sender: &'s mut Sender<C>,
    item: Option<C::Item>,
    state: WaitState,
}

impl<C: ChannelRef> Sender<C> {
    /// Sends one item.
    ///
    /// Cancel-safe: the item is sent when the future is ready, and not before. If the future is dropped earlier, the
    /// item is dropped with it, unless it is taken back by [`SendFuture::into_inner`].
    ///
    /// # Errors
    ///
    /// [`SendError::Closed`], with the item.
    pub fn send_async(&mut self, item: C::Item) -> SendFuture<'_, C> {
        SendFuture { sender: self, item: Some(item), state: WaitState::NONE }
    }

    /// Waits until there is room, or nothing will be received any more: then [`try_send`](Self::try_send) says something
    /// else than `Full`, unless another sender was faster. Nothing is lost by dropping it.
    ///
    /// ```
    /// # #[cfg(feature = "std")] {
    /// use annulet::{Channel, Spsc, host::Futex};
    /// use futures::executor::block_on;
    ///
    /// let mut channel = Channel::new(Spsc::<u32, 4>::new(), Futex::new());
    /// let (mut tx, _rx) = channel.split();
    /// block_on(tx.ready());
    /// assert_eq!(tx.try_send(7), Ok(()));
    /// # }
    /// ```
    pub fn ready(&mut self) -> SendReady<'_, C> {
        SendReady { sender: self, state: WaitState::NONE }
    }

    /// Sends what is in `item`; it is taken out when it is sent. Whether it was; or it was closed.
    pub(super) fn poll_send(
        &mut self,
        item: &mut Option<C::Item>,
        state: &mut WaitState,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), Gone>> {
        pay(&mut self.tx);
        let (end, channel) = apart(&mut self.tx);
        let mut quiet = state.waits();
        let look = || {
            let mut end = Quiet::when(core::mem::replace(&mut quiet, true), end);
            try_put::<C>(&mut end, channel, item)
        };
        // SAFETY: a sender's wait state is used with its channel, and for room, only.
        let polled = unsafe { poll::<C, _, _>(channel, Condition::Room, state, context, true, look) };
        polled.map(|(sent, waited)| {
            if sent.is_ok() {
                self.sent(1, waited);
            }
            sent
        })
    }

    /// Returns whether there is room: true; or it was closed. It takes nothing, so a wake-up is passed on.
    pub(super) fn poll_room(&mut self, state: &mut WaitState, context: &mut Context<'_>) -> Poll<bool> {
        pay(&mut self.tx);
        let (end, channel) = apart(&mut self.tx);
        let look = || {
            if channel.peers().is_disconnected(Role::Receiver) {
                Attempt::Ready(Err(Gone))
            } else if end.has_room() {
                Attempt::Ready(Ok(()))
            } else {
                Attempt::NotYet
            }
        };
        // SAFETY: as in `poll_send`.
        let polled = unsafe { poll::<C, _, _>(channel, Condition::Room, state, context, false, look) };
        polled.map(|(found, _)| found.is_ok())
    }

    pub(super) fn leave(&self, state: &mut WaitState) {
        // SAFETY: as in `poll_send`.
        unsafe { self.channel().leave(Condition::Room, state, false, Outcome::Ended) };
    }
}

impl<C: ChannelRef> SendFuture<'_, C> {
    /// Returns the item, if it was not sent.
    ///
    /// ```
    /// # #[cfg(feature = "std")] {
    /// use annulet::{Channel, Spsc, host::Futex};
    ///
    /// let mut channel = Channel::new(Spsc::<u32, 4>::new(), Futex::new());
    /// let (mut tx, _rx) = channel.split();
    /// let sending = tx.send_async(7); // not polled yet
    /// assert_eq!(sending.into_inner(), Some(7));
    /// # }
    /// ```
    #[must_use]
    pub fn into_inner(mut self) -> Option<C::Item> {
        // First: wakers may panic in this. What is returned already when a drop panics is leaked.
        self.sender.leave(&mut self.state);
        self.item.take()
    }
}

// The item is never pinned.
impl<C: ChannelRef> Unpin for SendFuture<'_, C> {}
impl<C: ChannelRef> Future for SendFuture<'_, C> {
    type Output = Result<(), SendError<C::Item>>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { sender, item, state } = self.get_mut();
        if item.is_none() {
            // Polled after it was ready.
            return Poll::Ready(Ok(()));
        }
        sender.poll_send(item, state, context).map(|sent| match (sent, item.take()) {
            (Err(_), Some(item)) => Err(SendError::Closed(item)),
            _ => Ok(()),
        })
    }
}

impl<C: ChannelRef> Drop for SendFuture<'_, C> {
    fn drop(&mut self) {
        self.sender.leave(&mut self.state);
    }
}

/// See [`Sender::ready`].
#[must_use = "a future does nothing until it is polled"]
pub struct SendReady<'s, C: ChannelRef> {
    sender: &'s mut Sender<C>,
    state: WaitState,
}

impl<C: ChannelRef> Unpin for SendReady<'_, C> {}
impl<C: ChannelRef> Future for SendReady<'_, C> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let Self { sender, state } = self.get_mut();
        sender.poll_room(state, context).map(|_| ())
    }
}

impl<C: ChannelRef> Drop for SendReady<'_, C> {
    fn drop(&mut self) {
        self.sender.leave(&mut self.state);
    }
}

macro_rules! debug {
    ($($name:ident: $inner:ident;)*) => {$(
        impl<C: ChannelRef> fmt::Debug for $name<'_, C>
        where
            C::SendEnd: fmt::Debug,
        {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).field(stringify!($inner), &self.$inner).finish_non_exhaustive()
            }
        }
    )*};
}
debug! {
    SendFuture: sender;
    SendReady: sender;
}
