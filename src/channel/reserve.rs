//! A place for one item, got by waiting and filled without.

use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, ready};

use super::SendError;
use super::channel_ref::sealed::Attached as _;
use super::channel_ref::{ChannelRef, Owed, apart};
use super::sender::{Sender, signal_sent};
use super::state::WaitState;
use super::state::sealed::AnyChannel as _;
use crate::atomic::Role;
use crate::ring::{Arity, Owner, Producer, SideRules as _, WriteGrant};

/// A place for one item, to be filled without waiting; see [`Sender::reserve`].
#[must_use = "dropping a permit gives the place up"]
pub struct Permit<'s, T, A: Arity, C: ChannelRef> {
    /// Until it is sent or dropped.
    grant: Option<WriteGrant<'s, T, A>>,
    channel: &'s C::Channel,
}

impl<T, A: Arity, C: ChannelRef> Permit<'_, T, A, C> {
    /// Sends the item.
    ///
    /// # Errors
    ///
    /// [`SendError::Closed`], with the item, if nothing will be received any more: the channel was closed since the place
    /// was granted, or the last receiver is gone.
    pub fn send(mut self, item: T) -> Result<(), SendError<T>> {
        if self.channel.peers().is_disconnected(Role::Receiver) {
            return Err(SendError::Closed(item));
        }
        // It is there until now.
        if let Some(mut grant) = self.grant.take() {
            // One place was granted, so it fits.
            let _ = grant.push(item);
            grant.commit_all();
            signal_sent::<C>(self.channel, 1);
        }
        Ok(())
    }
}

impl<T, A: Arity, C: ChannelRef> Drop for Permit<'_, T, A, C> {
    fn drop(&mut self) {
        let given_up = self.grant.take().is_some();
        if given_up && A::Producers::SHARED {
            // Receivers go past the place, and find what was sent after it.
            signal_sent::<C>(self.channel, 1);
        }
    }
}

impl<'p, T, A: Arity, K: Owner, C> Sender<C>
where
    C: ChannelRef<SendEnd = Producer<'p, T, A, K>>,
{
    /// Waits for a place for one item, and grants it; `None` if nothing will be received any more.
    ///
    /// Cancel-safe: nothing is lost by dropping it, nor by dropping the permit.
    ///
    /// A place that one of many senders holds keeps up what other senders send after it, until it is filled or given up: so do
    /// not hold it for long. If the permit is forgotten, its place is given up when this sender is next used, or dropped.
    ///
    /// ```
    /// # #[cfg(feature = "std")] {
    /// use annulet::{Channel, Mpsc, host::Futex};
    /// use futures::executor::block_on;
    ///
    /// let mut channel = Channel::new(Mpsc::<u32, 4>::new(), Futex::new());
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
impl<'s, 'p: 's, T: 's, A: Arity, K: Owner + 's, C> Future for Reserve<'s, C>
where
    C: ChannelRef<SendEnd = Producer<'p, T, A, K>>,
{
    type Output = Option<Permit<'s, T, A, C>>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { sender, state } = self.get_mut();
        // Polled after it was ready.
        let Some(waiting) = sender else { return Poll::Ready(None) };
        if !ready!(waiting.poll_room(state, context)) {
            *sender = None;
            return Poll::Ready(None);
        }
        let Some(at) = waiting.tx.end_mut().claim_one() else {
            // Others were faster.
            context.waker().wake_by_ref();
            return Poll::Pending;
        };
        let permit = sender.take().map(|sender| {
            // If the permit is forgotten, the place is given up and this is signalled when the sender is used again.
            let owes = &mut sender.tx.membership_mut().owes;
            if A::Producers::SHARED && *owes == Owed::Nothing {
                *owes = Owed::Place;
            }
            let (end, channel) = apart(&mut sender.tx);
            // SAFETY: just claimed.
            let grant = unsafe { end.granted(at) };
            Permit { grant: Some(grant), channel }
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

impl<T, A: Arity, C: ChannelRef> fmt::Debug for Permit<'_, T, A, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").finish_non_exhaustive()
    }
}
