//! A place for one item, got by waiting and filled without.

use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, ready};

use super::SendError;
use super::channel_ref::{ChannelRef, apart};
use super::sender::{Sender, signal_sent};
use super::state::WaitState;
use super::state::sealed::AnyChannel as _;
use crate::atomic::Role;
use crate::ring::{Arity, Owner, Producer, Single, WriteGrant};

/// A place for one item, to be filled without waiting; see [`Sender::reserve`].
#[must_use = "dropping a permit gives the place up"]
pub struct Permit<'s, T, A: Arity<Producers = Single>, C: ChannelRef> {
    grant: WriteGrant<'s, T, A>,
    channel: &'s C::Channel,
}

impl<T, A: Arity<Producers = Single>, C: ChannelRef> Permit<'_, T, A, C> {
    /// Sends the item.
    ///
    /// # Errors
    ///
    /// [`SendError::Closed`], with the item, if nothing will be received any more: the channel was closed since the place
    /// was granted, or the last receiver is gone.
    pub fn send(self, item: T) -> Result<(), SendError<T>> {
        let Self { mut grant, channel } = self;
        if channel.peers().is_disconnected(Role::Receiver) {
            return Err(SendError::Closed(item));
        }
        // One place was granted, so it fits.
        let _ = grant.push(item);
        grant.commit_all();
        signal_sent::<C>(channel, 1);
        Ok(())
    }
}

impl<'p, T, A: Arity<Producers = Single>, K: Owner, C> Sender<C>
where
    C: ChannelRef<SendEnd = Producer<'p, T, A, K>>,
{
    /// Waits for a place for one item, and grants it; `None` if nothing will be received any more.
    ///
    /// Cancel-safe: nothing is lost by dropping it, nor by dropping the permit.
    ///
    /// Only of a sole sender: a place that one of many holds would keep up all that was sent after it.
    ///
    /// ```
    /// # #[cfg(feature = "std")] {
    /// use annulet::{Channel, Spsc, host::Futex};
    /// use futures::executor::block_on;
    ///
    /// let mut channel = Channel::new(Spsc::<u32, 4>::new(), Futex::new());
    /// let (mut tx, mut rx) = channel.split();
    /// let permit = block_on(tx.reserve()).expect("there is room");
    /// permit.send(7).unwrap();
    /// assert_eq!(rx.try_recv(), Ok(7));
    /// # }
    /// ```
    pub fn reserve(&mut self) -> Reserve<'_, C> {
        Reserve { sender: Some(self), state: WaitState::NONE }
    }
}

/// A place on its way; see [`Sender::reserve`].
#[must_use = "a future does nothing until it is polled"]
pub struct Reserve<'s, C: ChannelRef> {
    /// Until it is ready.
    sender: Option<&'s mut Sender<C>>,
    state: WaitState,
}

impl<C: ChannelRef> Unpin for Reserve<'_, C> {}
impl<'s, 'p: 's, T: 's, A: Arity<Producers = Single>, K: Owner + 's, C> Future for Reserve<'s, C>
where
    C: ChannelRef<SendEnd = Producer<'p, T, A, K>>,
{
    type Output = Option<Permit<'s, T, A, C>>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { sender, state } = self.get_mut();
        let open = match sender {
            Some(sender) => ready!(sender.poll_room(state, context)),
            // Polled after it was ready.
            None => false,
        };
        // Only this sender takes room, so what was there still is.
        let permit = sender.take().filter(|_| open).and_then(|sender| {
            let (end, channel) = apart(&mut sender.tx);
            Some(Permit { grant: end.try_claim_exact(1).ok()?, channel })
        });
        Poll::Ready(permit)
    }
}

impl<C: ChannelRef> Drop for Reserve<'_, C> {
    fn drop(&mut self) {
        if let Some(sender) = &self.sender {
            sender.leave(&mut self.state);
        }
    }
}

impl<C: ChannelRef> fmt::Debug for Reserve<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reserve").finish_non_exhaustive()
    }
}

impl<T, A: Arity<Producers = Single>, C: ChannelRef> fmt::Debug for Permit<'_, T, A, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").finish_non_exhaustive()
    }
}
