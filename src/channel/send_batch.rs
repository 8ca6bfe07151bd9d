//! Several items sent at once.

use core::time::Duration;

use super::channel_ref::sealed::Attached as _;
use super::channel_ref::{ChannelRef, apart};
use super::end_traits::Quiet;
use super::end_traits::sealed::SendEnd as _;
use super::error::{SendError, TrySendError};
use super::guard::pay;
use super::sender::{Gone, Sender};
use super::state::sealed::AnyChannel as _;
use super::state::{Condition, SignalOnDrop};
use crate::atomic::Role;
use crate::error::PushError;
use crate::wait::{Attempt, Deadline, TimedOut};

impl<C: ChannelRef> Sender<C> {
    /// Sends as many items of `items` as there is room for now, together where the ring can. Returns how many: none only if
    /// there is none in `items`. No item is taken from `items` that is not sent.
    ///
    /// # Errors
    ///
    /// [`TrySendError`], if not one could be sent; no item was taken then.
    pub fn try_send_iter(
        &mut self,
        items: &mut (impl Iterator<Item = C::Item> + ?Sized),
    ) -> Result<usize, TrySendError<()>> {
        if self.is_closed() {
            return Err(TrySendError::Closed(()));
        }
        pay(&mut self.tx);
        let mut items = Noted { items, over: false };
        let (end, channel) = apart(&mut self.tx);
        // As in `send_iter_deadline`.
        let sent = SignalOnDrop(channel, Condition::Data, u32::MAX);
        let (count, refused) = end.put_iter(&mut items);
        core::mem::forget(sent);
        if count > 0 || refused.is_ok() {
            self.sent(count.max(1), false);
        }
        match refused {
            Err(why) if count == 0 && !items.is_over() => Err(why.into()),
            _ => Ok(count),
        }
    }

    /// Sends at least one item of `items`, if it has one, and as many more as there is room for, together where the ring
    /// can. Returns how many. Waits for room for the first, also if it turns out that there is none, unless `items` says so
    /// by its size. No item is taken from `items` that is not sent.
    ///
    /// # Errors
    ///
    /// [`SendError::Closed`]; no item was taken then.
    ///
    /// ```
    /// # #[cfg(feature = "std")] {
    /// use annulet::{Channel, Spsc, host::Futex};
    ///
    /// let mut channel = Channel::new(Spsc::<u32, 4>::new(), Futex::new());
    /// let (mut tx, _rx) = channel.split();
    /// let mut numbers = 0..10;
    /// assert_eq!(tx.send_iter(&mut numbers), Ok(4));
    /// assert_eq!(numbers.next(), Some(4)); // none was taken that was not sent
    /// # }
    /// ```
    pub fn send_iter(
        &mut self,
        items: &mut (impl Iterator<Item = C::Item> + ?Sized),
    ) -> Result<usize, SendError<()>> {
        self.send_iter_deadline(items, Deadline::NEVER)
    }

    /// As [`send_iter`](Self::send_iter), waiting for up to `span`.
    ///
    /// # Errors
    ///
    /// [`SendError`]; no item was taken then.
    pub fn send_iter_timeout(
        &mut self,
        items: &mut (impl Iterator<Item = C::Item> + ?Sized),
        span: Duration,
    ) -> Result<usize, SendError<()>> {
        let until = self.channel().after(span);
        self.send_iter_deadline(items, until)
    }

    /// As [`send_iter`](Self::send_iter), waiting until `until`.
    ///
    /// # Errors
    ///
    /// [`SendError`]; no item was taken then.
    pub fn send_iter_deadline(
        &mut self,
        items: &mut (impl Iterator<Item = C::Item> + ?Sized),
        until: Deadline,
    ) -> Result<usize, SendError<()>> {
        pay(&mut self.tx);
        let strategy = self.tx.membership().strategy;
        let (end, channel) = apart(&mut self.tx);
        let mut items = Noted { items, over: false };
        let mut look = |end: &mut C::SendEnd| {
            if channel.peers().is_disconnected(Role::Receiver) {
                return Attempt::Ready(Err(Gone));
            }
            match end.put_iter(&mut items) {
                (0, Err(PushError::Contended(()))) if !items.is_over() => Attempt::Retry,
                (0, _) if !items.is_over() => Attempt::NotYet,
                (count, _) => Attempt::Ready(Ok(count)),
            }
        };
        // If `items` panics: what went before that is to be received, and so is what others had sent behind slots that
        // are given up now.
        let signal = SignalOnDrop(channel, Condition::Data, u32::MAX);
        let waited = match look(end) {
            Attempt::Ready(sent) => Ok((sent, false)),
            _ => {
                let mut end = Quiet::of(end);
                channel.wait(Condition::Room, strategy, until, || look(&mut end))
            }
        };
        core::mem::forget(signal);
        let (sent, slept) = waited.map_err(|TimedOut| SendError::Timeout(()))?;
        let count = sent.map_err(|Gone| SendError::Closed(()))?;
        // Also if there was no item: a slot that was claimed for one and given up is no longer in the way of those
        // behind it.
        self.sent(count.max(1), slept);
        Ok(count)
    }
}

/// An iterator, and whether it is known to have ended.
struct Noted<'i, I: ?Sized> {
    items: &'i mut I,
    over: bool,
}

impl<I: Iterator + ?Sized> Noted<'_, I> {
    fn is_over(&self) -> bool {
        self.over || self.items.size_hint().1 == Some(0)
    }
}

impl<I: Iterator + ?Sized> Iterator for Noted<'_, I> {
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        let item = self.items.next();
        self.over |= item.is_none();
        item
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.items.size_hint()
    }
}
