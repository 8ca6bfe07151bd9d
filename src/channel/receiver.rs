//! The receiving end.

use core::fmt;
use core::time::Duration;

use super::channel_ref::sealed::Attached as _;
use super::channel_ref::{ChannelRef, LendsEnds, apart};
use super::end_traits::Quiet;
use super::end_traits::sealed::{End as _, Many, RecvEnd};
use super::guard::{EndGuard, pay};
use super::state::sealed::AnyChannel as _;
use super::state::{Condition, SignalOnDrop, close, signal};
use super::{RecvError, TryRecvError};
use crate::atomic::Role;
use crate::wait::{Attempt, Deadline, Strategy, TimedOut};

/// A receiver of a [`Channel`](super::Channel): the one there is, or one of many.
///
/// It can be cloned where the ring has many consumers. When the last one is dropped, sends are refused, and of an owned
/// channel what is queued is dropped; a borrowed one keeps it for its next receiver.
///
/// | | nothing there | closed |
/// |---|---|---|
/// | [`try_recv`](Self::try_recv) | `Empty` (or `Pending`, `Contended`: try again) | what was sent (`Pending` while a sender is in the middle of it), then `Closed` |
/// | [`recv`](Self::recv) | waits | likewise |
/// | [`recv_timeout`](Self::recv_timeout), [`recv_deadline`](Self::recv_deadline) | waits, then `Timeout` | likewise |
/// | [`recv_async`](Self::recv_async) | is pending | likewise |
///
/// ```
/// # #[cfg(feature = "std")] {
/// use annulet::channel::TryRecvError;
/// use annulet::{Channel, Spsc, host::Futex};
///
/// let mut channel = Channel::new(Spsc::<u32, 4>::new(), Futex::new());
/// let (mut tx, mut rx) = channel.split();
/// assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
/// tx.send(7).unwrap();
/// drop(tx);
/// assert_eq!(rx.try_recv(), Ok(7));
/// assert_eq!(rx.try_recv(), Err(TryRecvError::Closed));
/// # }
/// ```
#[must_use = "dropping the last receiver disconnects the senders"]
pub struct Receiver<C: ChannelRef> {
    pub(super) rx: C::Rx,
}

impl<C: ChannelRef> Receiver<C> {
    pub(super) fn new(rx: C::Rx) -> Self {
        let strategy = rx.membership().strategy;
        Self { rx }.with_strategy(strategy)
    }

    /// Returns how it reaches its channel.
    #[cfg(arc)]
    pub(crate) fn channel_ref(&self) -> &C {
        self.rx.membership().channel_ref()
    }

    /// Returns the channel that it belongs to: for what that says of itself, such as its counters.
    #[inline(always)]
    #[must_use]
    pub fn channel(&self) -> &C::Channel {
        self.rx.membership().channel()
    }

    /// Waits in this way from now on.
    pub fn set_strategy(&mut self, strategy: Strategy) {
        self.rx.membership_mut().strategy = strategy;
        self.rx.end_mut().set_max_pause(strategy.max_pause());
    }

    /// Returns the same receiver, which waits in this way.
    pub fn with_strategy(mut self, strategy: Strategy) -> Self {
        self.set_strategy(strategy);
        self
    }

    /// Receives one item if there is one now.
    ///
    /// # Errors
    ///
    /// [`TryRecvError`].
    #[inline]
    pub fn try_recv(&mut self) -> Result<C::Item, TryRecvError> {
        match self.rx.end_mut().take() {
            Ok(item) => {
                signal(self.channel(), Condition::Room, C::RecvEnd::wakes(1));
                Ok(item)
            }
            Err(why) => self.try_recv_last(why),
        }
    }

    /// As `try_recv`, after there was nothing.
    #[cold]
    fn try_recv_last(&mut self, why: TryRecvError) -> Result<C::Item, TryRecvError> {
        let (end, channel) = apart(&mut self.rx);
        let item = once_more::<C, _>(&mut Quiet::of(end), channel, why, C::RecvEnd::take)?;
        signal(channel, Condition::Room, C::RecvEnd::wakes(1));
        Ok(item)
    }

    /// Receives one item, waiting for it.
    ///
    /// # Errors
    ///
    /// [`RecvError::Closed`] once everything that was sent is received; [`RecvError::Lagged`] of a broadcast that
    /// overwrites.
    #[inline]
    pub fn recv(&mut self) -> Result<C::Item, RecvError> {
        self.recv_deadline(Deadline::NEVER)
    }

    /// Receives one item, waiting for it for up to `span`.
    ///
    /// # Errors
    ///
    /// [`RecvError`].
    ///
    /// ```
    /// # #[cfg(feature = "std")] {
    /// use annulet::{Channel, Spsc, host::Futex};
    /// use annulet::channel::RecvError;
    /// use std::time::Duration;
    ///
    /// let mut channel = Channel::new(Spsc::<u32, 4>::new(), Futex::new());
    /// let (_tx, mut rx) = channel.split();
    /// assert_eq!(rx.recv_timeout(Duration::from_millis(1)), Err(RecvError::Timeout));
    /// # }
    /// ```
    #[inline]
    pub fn recv_timeout(&mut self, span: Duration) -> Result<C::Item, RecvError> {
        match self.try_recv() {
            Ok(item) => Ok(item),
            // The clock is read only now.
            Err(why) => self.wait_to_recv(why, self.channel().after(span)),
        }
    }

    /// Receives one item, waiting for it until `until`, by the clock of the channel's [`Wait`](crate::wait::Wait).
    ///
    /// # Errors
    ///
    /// [`RecvError`].
    #[inline]
    pub fn recv_deadline(&mut self, until: Deadline) -> Result<C::Item, RecvError> {
        match self.try_recv() {
            Ok(item) => Ok(item),
            Err(why) => self.wait_to_recv(why, until),
        }
    }

    #[cold]
    fn wait_to_recv(&mut self, why: TryRecvError, until: Deadline) -> Result<C::Item, RecvError> {
        if let Some(why) = for_good(why) {
            return Err(why);
        }
        let mut item = None;
        self.wait_and(until, |end| end.take().map(|taken| (item = Some(taken), 1).1))?;
        // There is one: it was not `Ok` before there was.
        item.ok_or(RecvError::Closed)
    }

    /// Waits until `take` has taken something. Returns how many. Nothing was there a moment ago.
    pub(super) fn wait_and(
        &mut self,
        until: Deadline,
        mut take: impl FnMut(&mut C::RecvEnd) -> Result<usize, TryRecvError>,
    ) -> Result<usize, RecvError> {
        pay(&mut self.rx);
        let strategy = self.rx.membership().strategy;
        let (end, channel) = apart(&mut self.rx);
        let mut end = Quiet::of(end);
        // If `take` panics: what it had taken has made room.
        let room = SignalOnDrop(channel, Condition::Room, u32::MAX);
        let look = || look::<C, _>(&mut end, channel, &mut take);
        let waited = channel.wait(Condition::Data, strategy, until, look);
        core::mem::forget(room);
        drop(end);
        let (taken, slept) = waited.map_err(|TimedOut| RecvError::Timeout)?;
        let count = taken?;
        self.received(count, slept);
        Ok(count)
    }

    /// After `count` items were taken. `slept`: a signal of data may have been for this receiver.
    pub(super) fn received(&mut self, count: usize, slept: bool) {
        let (end, channel) = apart(&mut self.rx);
        // One signal may stand for more than one item: the next receiver that waits is to have its look.
        let _next = (slept && end.has_items()).then(|| SignalOnDrop(channel, Condition::Data, 1));
        signal(channel, Condition::Room, C::RecvEnd::wakes(count));
    }

    /// Closes the channel for both sides, as [`Sender::close`](super::Sender::close). What was sent before can still be
    /// received.
    pub fn close(&self) {
        close(self.channel());
    }

    /// Returns true if the channel was closed, or if there were senders and all are gone. There may still be items.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.channel().peers().is_disconnected(Role::Sender)
    }

    /// Returns how many senders there are: a snapshot.
    #[must_use]
    pub fn senders(&self) -> usize {
        self.channel().peers().count(Role::Sender)
    }

    /// Borrows the ring's end, to peek, skip, and read in place. All senders that wait are signalled when the guard is
    /// dropped, whatever was done.
    ///
    /// The ends of lanes and of a broadcast can be borrowed if their channel is.
    pub fn end(&mut self) -> EndGuard<'_, C::Rx>
    where
        C: LendsEnds,
    {
        EndGuard::new(&mut self.rx)
    }
}

/// Why waiting is of no use.
pub(super) fn for_good(why: TryRecvError) -> Option<RecvError> {
    match why {
        TryRecvError::Closed => Some(RecvError::Closed),
        TryRecvError::Lagged(count) => Some(RecvError::Lagged(count)),
        TryRecvError::Empty | TryRecvError::Pending | TryRecvError::Contended => None,
    }
}

/// After there was nothing to be taken: if no sender is left, looks for what they had sent before, and says
/// `Closed` if there is nothing.
pub(super) fn once_more<C: ChannelRef, R>(
    end: &mut C::RecvEnd,
    channel: &C::Channel,
    why: TryRecvError,
    take: impl FnMut(&mut C::RecvEnd) -> Result<R, TryRecvError>,
) -> Result<R, TryRecvError> {
    if matches!(why, TryRecvError::Lagged(_)) || !channel.peers().is_disconnected(Role::Sender) {
        if C::RecvEnd::SKIPS_ABORTED {
            signal(channel, Condition::Room, u32::MAX);
        }
        return Err(why);
    }
    last::<C, R>(end, channel, take)
}

/// Takes what there is: if no sender is left, `Closed` in place of `Empty`.
///
/// What a sender is in the middle of is `Pending`, whether or not the channel was closed meanwhile: it comes, or is given up,
/// and either is signalled. So nothing that was sent before the close comes after `Closed`.
pub(super) fn last<C: ChannelRef, R>(
    end: &mut C::RecvEnd,
    channel: &C::Channel,
    mut take: impl FnMut(&mut C::RecvEnd) -> Result<R, TryRecvError>,
) -> Result<R, TryRecvError> {
    // Before the last look: what senders that are gone had sent is seen by it.
    let over = channel.peers().is_disconnected(Role::Sender);
    let taken = take(end);
    if C::RecvEnd::SKIPS_ABORTED && taken.is_err() {
        signal(channel, Condition::Room, u32::MAX);
    }
    match taken {
        Err(TryRecvError::Empty) if over => Err(TryRecvError::Closed),
        taken => taken,
    }
}

/// A look at what is there.
pub(super) fn look<C: ChannelRef, R>(
    end: &mut C::RecvEnd,
    channel: &C::Channel,
    take: impl FnMut(&mut C::RecvEnd) -> Result<R, TryRecvError>,
) -> Attempt<Result<R, RecvError>> {
    match last::<C, R>(end, channel, take) {
        Ok(taken) => Attempt::Ready(Ok(taken)),
        Err(TryRecvError::Contended) => Attempt::Retry,
        Err(why) => for_good(why).map_or(Attempt::NotYet, |why| Attempt::Ready(Err(why))),
    }
}

impl<C: ChannelRef> Receiver<C> {
    /// Returns one more receiver, of a side of many.
    // Beside the trait's, so that the compiler says what to do if this side has a single end.
    #[allow(clippy::should_implement_trait)]
    pub fn clone(&self) -> Self
    where
        Self: Clone,
    {
        Clone::clone(self)
    }
}

impl<C: ChannelRef<Rx: Many>> Clone for Receiver<C> {
    /// Returns one more receiver.
    fn clone(&self) -> Self {
        Self::new(self.rx.another())
    }
}

impl<C: ChannelRef> fmt::Debug for Receiver<C>
where
    C::RecvEnd: fmt::Debug,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").field("end", self.rx.end()).field("closed", &self.is_closed()).finish()
    }
}
