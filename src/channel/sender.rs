//! The sending end.

use core::fmt;
use core::time::Duration;

use super::ends::{Feed, Quiet, sealed::Many};
use super::guard::{EndGuard, pay};
use super::line::{For, Hold, Member, Told, sealed::Line, signal, wake_all};
use super::{SendError, TrySendError};
use crate::error::PushError;
use crate::sync::is_over;
use crate::wait::{Deadline, Look, Role, Strategy, TimedOut};

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
#[must_use = "dropping the last sender closes the channel"]
pub struct Sender<E: Feed, L: Hold> {
    pub(super) end: E,
    /// Dropped after the end.
    pub(super) line: Member<L>,
    pub(super) strategy: Strategy,
}

impl<E: Feed, L: Hold> Sender<E, L> {
    pub(super) fn new(end: E, line: L) -> Self {
        let strategy = line.line().patience();
        Self { end, line: Member::join(line, Role::Sender, false), strategy }.with_strategy(strategy)
    }

    /// Waits in this way from now on.
    pub fn set_strategy(&mut self, strategy: Strategy) {
        self.strategy = strategy;
        self.end.keep_away(strategy.away());
    }

    /// The same sender, which waits in this way.
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
    pub fn try_send(&mut self, item: E::Item) -> Result<(), TrySendError<E::Item>> {
        if self.line.line().peers().is_over(Role::Receiver) {
            return Err(TrySendError::Closed(item));
        }
        self.end.put(item)?;
        tell::<E, L>(self.line.hold(), 1);
        Ok(())
    }

    /// Sends one item, waiting for room.
    ///
    /// # Errors
    ///
    /// [`SendError::Closed`], with the item.
    #[inline]
    pub fn send(&mut self, item: E::Item) -> Result<(), SendError<E::Item>> {
        self.send_deadline(item, Deadline::NEVER)
    }

    /// Sends one item, waiting for room for up to `span`.
    ///
    /// # Errors
    ///
    /// [`SendError`], with the item.
    #[inline]
    pub fn send_timeout(&mut self, item: E::Item, span: Duration) -> Result<(), SendError<E::Item>> {
        match self.try_send(item) {
            Ok(()) => Ok(()),
            Err(TrySendError::Closed(item)) => Err(SendError::Closed(item)),
            // The clock is read only now.
            Err(refused) => self.wait_to_send(refused.into_inner(), self.line.line().after(span)),
        }
    }

    /// Sends one item, waiting for room until `until`, by the clock of the channel's [`Wait`](crate::wait::Wait).
    ///
    /// # Errors
    ///
    /// [`SendError`], with the item.
    #[inline]
    pub fn send_deadline(&mut self, item: E::Item, until: Deadline) -> Result<(), SendError<E::Item>> {
        match self.try_send(item) {
            Ok(()) => Ok(()),
            Err(TrySendError::Closed(item)) => Err(SendError::Closed(item)),
            Err(refused) => self.wait_to_send(refused.into_inner(), until),
        }
    }

    #[cold]
    fn wait_to_send(&mut self, item: E::Item, until: Deadline) -> Result<(), SendError<E::Item>> {
        pay(&mut self.end, &mut self.line);
        let line = self.line.line();
        let (mut end, mut left) = (Quiet::of(&mut self.end), Some(item));
        // If the platform panics: what was sent by then is to be received.
        let told = Told(self.line.hold(), For::Data, u32::MAX);
        let waited = line.wait(For::Room, self.strategy, until, || offer(&mut *end, line, &mut left));
        core::mem::forget(told);
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

    /// Sends as many items of `items` as there is room for now, together where the ring can; how many: none only if there
    /// is none in `items`. No item is taken from `items` that is not sent.
    ///
    /// # Errors
    ///
    /// [`TrySendError`], if not one could be sent; no item was taken then.
    pub fn try_send_iter(
        &mut self,
        items: &mut (impl Iterator<Item = E::Item> + ?Sized),
    ) -> Result<usize, TrySendError<()>> {
        let line = self.line.line();
        if line.peers().is_over(Role::Receiver) {
            return Err(TrySendError::Closed(()));
        }
        let mut items = Noted { items, over: false };
        // As in `send_iter_deadline`.
        let told = Told(self.line.hold(), For::Data, u32::MAX);
        let (count, refused) = self.end.put_iter(&mut items);
        core::mem::forget(told);
        if count > 0 || refused.is_ok() {
            self.sent(count.max(1), false);
        }
        match refused {
            Err(why) if count == 0 && !items.is_over() => Err(why.into()),
            _ => Ok(count),
        }
    }

    /// Sends at least one item of `items`, if it has one, and as many more as there is room for, together where the ring
    /// can; how many. Waits for room for the first, also if it turns out that there is none, unless `items` says so by its
    /// size. No item is taken from `items` that is not sent.
    ///
    /// # Errors
    ///
    /// [`SendError::Closed`]; no item was taken then.
    pub fn send_iter(
        &mut self,
        items: &mut (impl Iterator<Item = E::Item> + ?Sized),
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
        items: &mut (impl Iterator<Item = E::Item> + ?Sized),
        span: Duration,
    ) -> Result<usize, SendError<()>> {
        let until = self.line.line().after(span);
        self.send_iter_deadline(items, until)
    }

    /// As [`send_iter`](Self::send_iter), waiting until `until`.
    ///
    /// # Errors
    ///
    /// [`SendError`]; no item was taken then.
    pub fn send_iter_deadline(
        &mut self,
        items: &mut (impl Iterator<Item = E::Item> + ?Sized),
        until: Deadline,
    ) -> Result<usize, SendError<()>> {
        pay(&mut self.end, &mut self.line);
        let line = self.line.line();
        let mut items = Noted { items, over: false };
        let mut look = |end: &mut E| {
            if line.peers().is_over(Role::Receiver) {
                return Look::Found(Err(Gone));
            }
            match end.put_iter(&mut items) {
                (0, Err(PushError::Contended(()))) if !items.is_over() => Look::Again,
                (0, _) if !items.is_over() => Look::Nothing,
                (count, _) => Look::Found(Ok(count)),
            }
        };
        // If `items` panics: what went before that is to be received, and so is what others had sent behind slots that
        // are given up now.
        let told = Told(self.line.hold(), For::Data, u32::MAX);
        let waited = match look(&mut self.end) {
            Look::Found(sent) => Ok((sent, false)),
            _ => {
                let mut end = Quiet::of(&mut self.end);
                line.wait(For::Room, self.strategy, until, || look(&mut end))
            }
        };
        core::mem::forget(told);
        let (sent, slept) = waited.map_err(|TimedOut| SendError::Timeout(()))?;
        let count = sent.map_err(|Gone| SendError::Closed(()))?;
        // Also if there was no item: a slot that was claimed for one and given up is no longer in the way of those
        // behind it.
        self.sent(count.max(1), slept);
        Ok(count)
    }

    /// After `count` items were put into the ring. `slept`: a signal of room may have been for this sender.
    #[inline]
    pub(super) fn sent(&mut self, count: usize, slept: bool) {
        let hold = self.line.hold();
        // One signal may stand for more room than one item takes: the next one who waits is to have its look.
        let _next = (slept && self.end.has_room()).then(|| Told(hold, For::Room, 1));
        tell::<E, L>(hold, count);
    }

    /// Closes the channel for both sides. Sends that begin from now on are refused; receivers get what was sent before,
    /// and then `Closed`. Everything that waits wakes up.
    ///
    /// A receiver waits on for a sender that is in the middle of an item, or holds a grant, until that is committed or given
    /// up: items that were sent behind it would be lost otherwise. If such a sender was forgotten, or its task is gone
    /// without having dropped it, nobody ever says so, and a deadline ends the wait.
    ///
    /// A send that runs at the same time may be accepted and come after a receiver was told `Closed`: it is found by
    /// [`try_recv`](super::Receiver::try_recv), or dropped with the ring. Where that matters, drop the senders instead:
    /// what they had sent is always received before `Closed`.
    pub fn close(&self) {
        close(self.line.hold());
    }

    /// Returns true if a send would be refused: it was closed, or all receivers are gone.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.line.line().peers().is_over(Role::Receiver)
    }

    /// Returns how many receivers there are: a snapshot.
    #[must_use]
    pub fn receivers(&self) -> usize {
        self.line.line().peers().count(Role::Receiver)
    }

    /// Borrows the ring's end, for grants and slices. All receivers that wait are signalled when the guard is dropped,
    /// whatever was done.
    ///
    /// What is pushed through it after the channel was closed, or after the last receiver has gone, is as if it had been
    /// sent just before: nothing refuses it. An owned channel whose last receiver has gone drops it.
    pub fn end(&mut self) -> EndGuard<'_, E, L> {
        EndGuard::new(&mut self.end, &mut self.line)
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

/// Nothing will be received any more.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gone;

/// Sends what is there, if that is possible now, or ever.
pub(super) fn offer<E: Feed>(
    end: &mut E,
    line: &impl Line,
    left: &mut Option<E::Item>,
) -> Look<Result<(), Gone>> {
    if line.peers().is_over(Role::Receiver) {
        return Look::Found(Err(Gone));
    }
    // Not reached without one.
    let Some(item) = left.take() else { return Look::Found(Ok(())) };
    match end.put(item) {
        Ok(()) => Look::Found(Ok(())),
        Err(why) => {
            let again = matches!(why, PushError::Contended(_));
            *left = Some(why.into_inner());
            if again { Look::Again } else { Look::Nothing }
        }
    }
}

/// Tells receivers that so many items were sent.
#[inline(always)]
pub(super) fn tell<E: Feed, L: Hold>(hold: &L, items: usize) {
    // Also if a waker panics.
    let _ended = E::AWAITED.then(|| Ended(hold));
    signal(hold, For::Data, E::wakes(items));
}

/// After the signal of items that several receivers may have waited for: a receiver that was told of the close while they were
/// on their way waits for them, and if others get them, it has to hear that they were the last. By that signal, each of them is
/// asleep or looks once more.
struct Ended<'h, L: Hold>(&'h L);

impl<L: Hold> Drop for Ended<'_, L> {
    #[inline(always)]
    fn drop(&mut self) {
        if !is_over() && self.0.line().peers().is_closed() {
            signal(self.0, For::Data, u32::MAX);
        }
    }
}

/// Closes, and wakes everybody.
pub(super) fn close(hold: &impl Hold) {
    hold.line().peers().close();
    wake_all(hold);
}

impl<E: Feed + Many, L: Hold> Clone for Sender<E, L> {
    /// One more sender.
    fn clone(&self) -> Self {
        Self::new(self.end.another(), self.line.hold().clone()).with_strategy(self.strategy)
    }
}

impl<E: Feed + fmt::Debug, L: Hold> fmt::Debug for Sender<E, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").field("end", &self.end).field("closed", &self.is_closed()).finish()
    }
}
