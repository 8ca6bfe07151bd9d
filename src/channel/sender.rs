//! The sending end.

use core::fmt;
use core::time::Duration;

use super::channel_ref::sealed::Attached as _;
use super::channel_ref::{ChannelRef, LendsEnds, apart};
use super::end_traits::Quiet;
use super::end_traits::sealed::{End as _, Many, SendEnd};
use super::guard::{EndGuard, pay};
use super::state::sealed::AnyChannel as _;
use super::state::{Condition, SignalOnDrop, close, signal};
use super::{SendError, TrySendError};
use crate::atomic::Role;
use crate::error::PushError;
use crate::sync::is_over;
use crate::wait::{Attempt, Deadline, Strategy, TimedOut};

/// A sender of a [`Channel`](super::Channel): the one there is, or one of many.
///
/// It can be cloned where the ring has many producers. When the last one is dropped, receivers get what was sent and
/// then [`Closed`](super::RecvError::Closed).
///
/// | | no room | closed |
/// |---|---|---|
/// | [`try_send`](Self::try_send) | `Full` (or `Pending`, `Contended`: try again) | `Closed` |
/// | [`send`](Self::send) | waits | `Closed` |
/// | [`send_timeout`](Self::send_timeout), [`send_deadline`](Self::send_deadline) | waits, then `Timeout` | `Closed` |
/// | [`send_async`](Self::send_async) | is pending | `Closed` |
///
/// The value comes back with each of them.
///
/// ```
/// # #[cfg(feature = "std")] {
/// use annulet::channel::TrySendError;
/// use annulet::{Channel, Spsc, host::Futex};
///
/// let mut channel = Channel::new(Spsc::<&str, 1>::new(), Futex::new());
/// let (mut tx, rx) = channel.split();
/// tx.try_send("first").unwrap();
/// assert_eq!(tx.try_send("second"), Err(TrySendError::Full("second")));
/// drop(rx);
/// assert_eq!(tx.try_send("third"), Err(TrySendError::Closed("third")));
/// # }
/// ```
#[must_use = "dropping the last sender disconnects the receivers"]
pub struct Sender<C: ChannelRef> {
    pub(super) tx: C::Tx,
}

impl<C: ChannelRef> Sender<C> {
    pub(super) fn new(tx: C::Tx) -> Self {
        let strategy = tx.membership().strategy;
        Self { tx }.with_strategy(strategy)
    }

    /// Returns how it reaches its channel.
    pub(crate) fn channel_ref(&self) -> &C {
        self.tx.membership().channel_ref()
    }

    /// Returns the channel that it belongs to: for what that says of itself, such as its counters.
    ///
    /// ```
    /// # #[cfg(feature = "std")] {
    /// use annulet::{Channel, Mpsc, host::Futex};
    ///
    /// let (mut tx, _rx) = Channel::<Mpsc<u32, 4>, Futex>::new_split(Futex::new());
    /// tx.send(7).unwrap();
    /// assert_eq!((tx.channel().len(), tx.channel().waiting().receivers), (1, 0));
    /// # }
    /// ```
    #[inline(always)]
    #[must_use]
    pub fn channel(&self) -> &C::Channel {
        self.tx.membership().channel()
    }

    /// Waits in this way from now on.
    ///
    /// ```
    /// # #[cfg(feature = "std")] {
    /// use annulet::{Channel, Spsc, host::Futex, wait::Strategy};
    ///
    /// let mut channel = Channel::new(Spsc::<u32, 1>::new(), Futex::new());
    /// let (mut tx, _rx) = channel.split();
    /// tx.set_strategy(Strategy::phased(100, 10)); // looks 100 times, yields 10 times, and then sleeps
    /// # }
    /// ```
    pub fn set_strategy(&mut self, strategy: Strategy) {
        self.tx.membership_mut().strategy = strategy;
        self.tx.end_mut().set_max_pause(strategy.max_pause());
    }

    /// Returns the same sender, which waits in this way.
    pub fn with_strategy(mut self, strategy: Strategy) -> Self {
        self.set_strategy(strategy);
        self
    }

    /// Sends one item if there is room now.
    ///
    /// # Errors
    ///
    /// [`TrySendError`], with the item.
    #[inline]
    pub fn try_send(&mut self, item: C::Item) -> Result<(), TrySendError<C::Item>> {
        if self.is_closed() {
            return Err(TrySendError::Closed(item));
        }
        pay(&mut self.tx);
        self.tx.end_mut().put(item)?;
        signal_sent::<C>(self.channel(), 1);
        Ok(())
    }

    /// Sends one item, waiting for room.
    ///
    /// # Errors
    ///
    /// [`SendError::Closed`], with the item.
    #[inline]
    pub fn send(&mut self, item: C::Item) -> Result<(), SendError<C::Item>> {
        self.send_deadline(item, Deadline::NEVER)
    }

    /// Sends one item, waiting for room for up to `span`.
    ///
    /// # Errors
    ///
    /// [`SendError`], with the item.
    ///
    /// ```
    /// # #[cfg(feature = "std")] {
    /// use annulet::{Channel, Spsc, host::Futex};
    /// use annulet::channel::SendError;
    /// use std::time::Duration;
    ///
    /// let mut channel = Channel::new(Spsc::<u32, 1>::new(), Futex::new());
    /// let (mut tx, _rx) = channel.split();
    /// tx.send(1).unwrap();
    /// assert_eq!(tx.send_timeout(2, Duration::from_millis(1)), Err(SendError::Timeout(2)));
    /// # }
    /// ```
    #[inline]
    pub fn send_timeout(&mut self, item: C::Item, span: Duration) -> Result<(), SendError<C::Item>> {
        match self.try_send(item) {
            Ok(()) => Ok(()),
            Err(TrySendError::Closed(item)) => Err(SendError::Closed(item)),
            // The clock is read only now.
            Err(refused) => self.wait_to_send(refused.into_inner(), self.channel().after(span)),
        }
    }

    /// Sends one item, waiting for room until `until`, by the clock of the channel's [`Wait`](crate::wait::Wait).
    ///
    /// # Errors
    ///
    /// [`SendError`], with the item.
    #[inline]
    pub fn send_deadline(&mut self, item: C::Item, until: Deadline) -> Result<(), SendError<C::Item>> {
        match self.try_send(item) {
            Ok(()) => Ok(()),
            Err(TrySendError::Closed(item)) => Err(SendError::Closed(item)),
            Err(refused) => self.wait_to_send(refused.into_inner(), until),
        }
    }

    #[cold]
    fn wait_to_send(&mut self, item: C::Item, until: Deadline) -> Result<(), SendError<C::Item>> {
        let strategy = self.tx.membership().strategy;
        let (end, channel) = apart(&mut self.tx);
        let (mut end, mut left) = (Quiet::of(end), Some(item));
        // If the platform panics: what was sent by then is to be received.
        let sent = SignalOnDrop(channel, Condition::Data, u32::MAX);
        let look = || try_put::<C>(&mut end, channel, &mut left);
        let waited = channel.wait(Condition::Room, strategy, until, look);
        core::mem::forget(sent);
        drop(end);
        let closed = match waited {
            Ok((Ok(()), slept)) => {
                self.sent(1, slept);
                return Ok(());
            }
            Ok((Err(Gone), _)) => true,
            Err(TimedOut) => false,
        };
        match left {
            Some(item) if closed => Err(SendError::Closed(item)),
            Some(item) => Err(SendError::Timeout(item)),
            // Not reached: what was not sent is left.
            None => Ok(()),
        }
    }

    /// After `count` items were put into the ring. `slept`: a signal of room may have been for this sender.
    #[inline]
    pub(super) fn sent(&mut self, count: usize, slept: bool) {
        let (end, channel) = apart(&mut self.tx);
        // One signal may stand for more room than one item takes: the next sender that waits is to have its look.
        let _next = (slept && end.has_room()).then(|| SignalOnDrop(channel, Condition::Room, 1));
        signal_sent::<C>(channel, count);
    }

    /// Closes the channel for both sides. Sends that begin from now on are refused; receivers get what was sent before,
    /// and then `Closed`. Everything that waits wakes up.
    ///
    /// A receiver waits on for a sender that is in the middle of an item, or holds a grant, until that is committed or given
    /// up: items that were sent behind it would be lost otherwise. If such a sender was forgotten, or its task is gone
    /// without having dropped it, no signal ever comes, and only a deadline ends the wait.
    ///
    /// A send that runs at the same time may be accepted and come after a receiver was told `Closed`: it is found by
    /// [`try_recv`](super::Receiver::try_recv), or dropped with the ring. Where that matters, drop the senders instead:
    /// what they had sent is always received before `Closed`.
    ///
    /// ```
    /// # #[cfg(feature = "std")] {
    /// use annulet::{Channel, Spsc, host::Futex};
    /// use annulet::channel::{RecvError, SendError};
    ///
    /// let mut channel = Channel::new(Spsc::<u32, 4>::new(), Futex::new());
    /// let (mut tx, mut rx) = channel.split();
    /// tx.send(1).unwrap();
    /// tx.close();
    /// assert_eq!(tx.send(2), Err(SendError::Closed(2)));
    /// assert_eq!(rx.recv(), Ok(1));
    /// assert_eq!(rx.recv(), Err(RecvError::Closed));
    /// # }
    /// ```
    pub fn close(&self) {
        close(self.channel());
    }

    /// Returns true if a send would be refused: it was closed, or all receivers are gone.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.channel().peers().is_disconnected(Role::Receiver)
    }

    /// Returns how many receivers there are: a snapshot.
    #[must_use]
    pub fn receivers(&self) -> usize {
        self.channel().peers().count(Role::Receiver)
    }

    /// Borrows the ring's end, for grants and slices. All receivers that wait are signalled when the guard is dropped,
    /// whatever was done.
    ///
    /// What is pushed through it after the channel was closed, or after the last receiver has gone, is as if it had been
    /// sent just before: nothing refuses it. An owned channel whose last receiver has gone drops it.
    ///
    /// The ends of lanes and of a broadcast can be borrowed if their channel is.
    pub fn end(&mut self) -> EndGuard<'_, C::Tx>
    where
        C: LendsEnds,
    {
        EndGuard::new(&mut self.tx)
    }
}

/// Nothing will be received any more.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gone;

/// Sends what is there, if that is possible now, or ever.
pub(super) fn try_put<C: ChannelRef>(
    end: &mut C::SendEnd,
    channel: &C::Channel,
    left: &mut Option<C::Item>,
) -> Attempt<Result<(), Gone>> {
    if channel.peers().is_disconnected(Role::Receiver) {
        return Attempt::Ready(Err(Gone));
    }
    // Not reached without one.
    let Some(item) = left.take() else { return Attempt::Ready(Ok(())) };
    match end.put(item) {
        Ok(()) => Attempt::Ready(Ok(())),
        Err(why) => {
            let again = matches!(why, PushError::Contended(_));
            *left = Some(why.into_inner());
            if again { Attempt::Retry } else { Attempt::NotYet }
        }
    }
}

/// Tells receivers that so many items were sent.
#[inline(always)]
pub(super) fn signal_sent<C: ChannelRef>(channel: &C::Channel, items: usize) {
    // Also if a waker panics.
    let _ended = C::SendEnd::PENDING_IS_SHARED.then(|| Ended::<C>(channel));
    signal(channel, Condition::Data, C::SendEnd::wakes(items));
}

/// After the signal of items that several receivers may have waited for: a receiver that was told of the close while they were
/// on their way waits for them, and if others get them, it has to hear that they were the last. By that signal, each of them is
/// asleep or looks once more.
struct Ended<'c, C: ChannelRef>(&'c C::Channel);

impl<C: ChannelRef> Drop for Ended<'_, C> {
    #[inline(always)]
    fn drop(&mut self) {
        if !is_over() && self.0.peers().is_closed() {
            signal(self.0, Condition::Data, u32::MAX);
        }
    }
}

impl<C: ChannelRef> Sender<C> {
    /// Returns one more sender, of a side of many.
    // Beside the trait's, so that the compiler says what to do if this side has a single end.
    #[allow(clippy::should_implement_trait)]
    pub fn clone(&self) -> Self
    where
        Self: Clone,
    {
        Clone::clone(self)
    }
}

impl<C: ChannelRef<Tx: Many>> Clone for Sender<C> {
    /// Returns one more sender.
    fn clone(&self) -> Self {
        Self::new(self.tx.another())
    }
}

impl<C: ChannelRef> fmt::Debug for Sender<C>
where
    C::SendEnd: fmt::Debug,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").field("end", self.tx.end()).field("closed", &self.is_closed()).finish()
    }
}
