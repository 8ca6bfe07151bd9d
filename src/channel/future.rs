//! Sending and receiving as futures. None of them allocates; each is cancelled by dropping it.
//!
//! A future counts as waiting from its first poll that found nothing until it is ready or dropped. If it was woken and is
//! dropped before it is polled again, it wakes the next one, so no wake-up is lost with it. If it is forgotten, one may be,
//! and its place among those who wait is taken until the channel is next split or reopened.

use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, ready};

use super::ends::{Feed, Quiet, Source};
use super::guard::pay;
use super::line::sealed::Line as _;
use super::line::{For, Hold, Place, Told};
use super::receiver::{Receiver, look};
use super::sender::{Gone, Sender, offer, tell};
use super::{RecvError, SendError};
use crate::ring::{Arity, Owner, Producer, Single, WriteGrant};
use crate::wait::{Look, Outcome, Role};

/// Polls for something at one end; what was found, and whether it had waited. `takes`: what is found is taken, so that a
/// wake-up has done its work. If not, somebody else may have to be woken for it.
///
/// # Safety
/// The place is used with the line of this hold and `what` only.
unsafe fn poll<R, E, L: Hold>(
    hold: &L,
    what: For,
    place: &mut Place<L>,
    context: &mut Context<'_>,
    takes: bool,
    look: impl FnMut() -> Look<Result<R, E>>,
) -> Poll<(Result<R, E>, bool)> {
    let line = hold.line();
    // SAFETY: as the caller says.
    let Poll::Ready(found) = (unsafe { place.poll(line, what, context, look) }) else { return Poll::Pending };
    let waited = place.waits();
    let outcome = if found.is_ok() { Outcome::Found } else { Outcome::Ended };
    // Even if the drop of a waker panics: what was taken is room, and what was sent is data.
    let told = takes.then(|| Told(hold, what.other(), u32::MAX));
    // SAFETY: as the caller says.
    unsafe { place.leave(line, what, takes && found.is_ok(), outcome) };
    core::mem::forget(told);
    Poll::Ready((found, waited))
}

/// The next item of a receiver; see [`Receiver::recv_async`].
#[must_use = "a future does nothing until it is polled"]
pub struct RecvFuture<'r, E: Source, L: Hold> {
    receiver: &'r mut Receiver<E, L>,
    place: Place<L>,
}

impl<E: Source, L: Hold> Receiver<E, L> {
    /// Receives one item.
    ///
    /// Cancel-safe: an item is received when the future is ready, and not before; dropping it loses none.
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv).
    pub fn recv_async(&mut self) -> RecvFuture<'_, E, L> {
        RecvFuture { receiver: self, place: Place::NONE }
    }

    /// Waits until there is an item, or nothing more will come: then [`try_recv`](Self::try_recv) says more than
    /// `Empty` or `Pending`, unless another receiver was faster; or one of many senders gave up a place, which it goes past.
    pub fn ready(&mut self) -> RecvReady<'_, E, L> {
        RecvReady { receiver: self, place: Place::NONE }
    }

    pub(super) fn poll_recv(
        &mut self,
        place: &mut Place<L>,
        context: &mut Context<'_>,
    ) -> Poll<Result<E::Item, RecvError>> {
        pay(&mut self.end, &mut self.line);
        let hold = self.line.hold();
        let end = &mut self.end;
        // The first look of a future is counted, if there is nothing.
        let mut quiet = place.waits();
        let look = || look(&mut *Quiet::when(core::mem::replace(&mut quiet, true), end), hold, E::take);
        // SAFETY: the places of a receiver's futures are used for the data of its line only.
        let polled = unsafe { poll(hold, For::Data, place, context, true, look) };
        polled.map(|(item, waited)| {
            if item.is_ok() {
                self.received(1, waited);
            }
            item
        })
    }

    pub(super) fn leave(&self, place: &mut Place<L>) {
        // SAFETY: as in `poll_recv`.
        unsafe { place.leave(self.line.line(), For::Data, false, Outcome::Ended) };
    }
}

impl<E: Source, L: Hold> Unpin for RecvFuture<'_, E, L> {}
impl<E: Source, L: Hold> Future for RecvFuture<'_, E, L> {
    type Output = Result<E::Item, RecvError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { receiver, place } = self.get_mut();
        receiver.poll_recv(place, context)
    }
}

impl<E: Source, L: Hold> Drop for RecvFuture<'_, E, L> {
    fn drop(&mut self) {
        self.receiver.leave(&mut self.place);
    }
}

/// See [`Receiver::ready`].
#[must_use = "a future does nothing until it is polled"]
pub struct RecvReady<'r, E: Source, L: Hold> {
    receiver: &'r mut Receiver<E, L>,
    place: Place<L>,
}

impl<E: Source, L: Hold> Unpin for RecvReady<'_, E, L> {}
impl<E: Source, L: Hold> Future for RecvReady<'_, E, L> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let Self { receiver, place } = self.get_mut();
        pay(&mut receiver.end, &mut receiver.line);
        let hold = receiver.line.hold();
        let line = hold.line();
        let end = &mut receiver.end;
        let look = || {
            // Before the looks: what those who are gone had sent is seen by them.
            let over = line.peers().is_over(Role::Sender);
            if end.has_items() {
                Look::Found(Ok(()))
            } else if over && !end.is_pending() {
                Look::Found(Err(Gone))
            } else {
                Look::Nothing
            }
        };
        // SAFETY: as in `poll_recv`.
        let polled = unsafe { poll(hold, For::Data, place, context, false, look) };
        polled.map(|_| ())
    }
}

impl<E: Source, L: Hold> Drop for RecvReady<'_, E, L> {
    fn drop(&mut self) {
        self.receiver.leave(&mut self.place);
    }
}

/// An item on its way; see [`Sender::send_async`].
#[must_use = "a future does nothing until it is polled"]
pub struct SendFuture<'s, E: Feed, L: Hold> {
    sender: &'s mut Sender<E, L>,
    item: Option<E::Item>,
    place: Place<L>,
}

impl<E: Feed, L: Hold> Sender<E, L> {
    /// Sends one item.
    ///
    /// Cancel-safe: the item is sent when the future is ready, and not before. If the future is dropped earlier, the
    /// item is dropped with it, unless it is taken back by [`SendFuture::into_inner`].
    ///
    /// # Errors
    ///
    /// [`SendError::Closed`], with the item.
    pub fn send_async(&mut self, item: E::Item) -> SendFuture<'_, E, L> {
        SendFuture { sender: self, item: Some(item), place: Place::NONE }
    }

    /// Waits until there is room, or nothing will be received any more: then [`try_send`](Self::try_send) says something
    /// else than `Full`, unless another sender was faster. Nothing is lost by dropping it.
    pub fn ready(&mut self) -> SendReady<'_, E, L> {
        SendReady { sender: self, place: Place::NONE }
    }

    /// Sends what is in `item`; it is taken out when it is sent. Whether it was; or it was closed.
    pub(super) fn poll_send(
        &mut self,
        item: &mut Option<E::Item>,
        place: &mut Place<L>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), Gone>> {
        pay(&mut self.end, &mut self.line);
        let hold = self.line.hold();
        let end = &mut self.end;
        let mut quiet = place.waits();
        let look = || offer(&mut *Quiet::when(core::mem::replace(&mut quiet, true), end), hold.line(), item);
        // SAFETY: the places of a sender's futures are used for the room of its line only.
        let polled = unsafe { poll(hold, For::Room, place, context, true, look) };
        polled.map(|(sent, waited)| {
            if sent.is_ok() {
                self.sent(1, waited);
            }
            sent
        })
    }

    /// Returns whether there is room: true; or it was closed. It takes nothing, so a wake-up is passed on.
    pub(super) fn poll_room(&mut self, place: &mut Place<L>, context: &mut Context<'_>) -> Poll<bool> {
        pay(&mut self.end, &mut self.line);
        let hold = self.line.hold();
        let line = hold.line();
        let end = &mut self.end;
        let look = || {
            if line.peers().is_over(Role::Receiver) {
                Look::Found(Err(Gone))
            } else if end.has_room() {
                Look::Found(Ok(()))
            } else {
                Look::Nothing
            }
        };
        // SAFETY: as in `poll_send`.
        let polled = unsafe { poll(hold, For::Room, place, context, false, look) };
        polled.map(|(found, _)| found.is_ok())
    }

    pub(super) fn leave(&self, place: &mut Place<L>) {
        // SAFETY: as in `poll_send`.
        unsafe { place.leave(self.line.line(), For::Room, false, Outcome::Ended) };
    }
}

impl<E: Feed, L: Hold> SendFuture<'_, E, L> {
    /// The item, if it was not sent.
    #[must_use]
    pub fn into_inner(mut self) -> Option<E::Item> {
        // First: wakers may panic in this. What is returned already when a drop panics is leaked.
        self.sender.leave(&mut self.place);
        self.item.take()
    }
}

// The item is never pinned.
impl<E: Feed, L: Hold> Unpin for SendFuture<'_, E, L> {}
impl<E: Feed, L: Hold> Future for SendFuture<'_, E, L> {
    type Output = Result<(), SendError<E::Item>>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { sender, item, place } = self.get_mut();
        if item.is_none() {
            // Polled after it was ready.
            return Poll::Ready(Ok(()));
        }
        sender.poll_send(item, place, context).map(|sent| match (sent, item.take()) {
            (Err(_), Some(item)) => Err(SendError::Closed(item)),
            _ => Ok(()),
        })
    }
}

impl<E: Feed, L: Hold> Drop for SendFuture<'_, E, L> {
    fn drop(&mut self) {
        self.sender.leave(&mut self.place);
    }
}

/// See [`Sender::ready`].
#[must_use = "a future does nothing until it is polled"]
pub struct SendReady<'s, E: Feed, L: Hold> {
    sender: &'s mut Sender<E, L>,
    place: Place<L>,
}

impl<E: Feed, L: Hold> Unpin for SendReady<'_, E, L> {}
impl<E: Feed, L: Hold> Future for SendReady<'_, E, L> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let Self { sender, place } = self.get_mut();
        sender.poll_room(place, context).map(|_| ())
    }
}

impl<E: Feed, L: Hold> Drop for SendReady<'_, E, L> {
    fn drop(&mut self) {
        self.sender.leave(&mut self.place);
    }
}

/// A place for one item, to be filled without waiting; see [`Sender::reserve`].
#[must_use = "dropping a permit gives the place up"]
pub struct Permit<'s, T, A: Arity<Producers = Single>, L: Hold> {
    grant: WriteGrant<'s, T, A>,
    hold: &'s L,
}

impl<T, A: Arity<Producers = Single>, L: Hold> Permit<'_, T, A, L> {
    /// Sends the item.
    ///
    /// # Errors
    ///
    /// [`SendError::Closed`], with the item, if nothing will be received any more: the channel was closed since the place
    /// was granted, or the last receiver is gone.
    pub fn send(self, item: T) -> Result<(), SendError<T>> {
        let Self { mut grant, hold } = self;
        if hold.line().peers().is_over(Role::Receiver) {
            return Err(SendError::Closed(item));
        }
        // One place was granted, so it fits.
        let _ = grant.push(item);
        grant.commit_all();
        tell::<Producer<'_, T, A>, L>(hold, 1);
        Ok(())
    }
}

impl<'p, T, A: Arity<Producers = Single>, K: Owner, L: Hold> Sender<Producer<'p, T, A, K>, L> {
    /// Waits for a place for one item, and grants it; `None` if nothing will be received any more.
    ///
    /// Cancel-safe: nothing is lost by dropping it, nor by dropping the permit.
    ///
    /// Only of a sole sender: a place that one of many holds would keep up all that was sent after it.
    pub fn reserve(&mut self) -> Reserve<'_, 'p, T, A, K, L> {
        Reserve { sender: Some(self), place: Place::NONE }
    }
}

/// A place on its way; see [`Sender::reserve`].
#[must_use = "a future does nothing until it is polled"]
pub struct Reserve<'s, 'p, T, A: Arity<Producers = Single>, K: Owner, L: Hold> {
    /// Until it is ready.
    sender: Option<&'s mut Sole<'p, T, A, K, L>>,
    place: Place<L>,
}

/// A sender that is the only one.
type Sole<'p, T, A, K, L> = Sender<Producer<'p, T, A, K>, L>;

impl<T, A: Arity<Producers = Single>, K: Owner, L: Hold> Unpin for Reserve<'_, '_, T, A, K, L> {}
impl<'s, T, A: Arity<Producers = Single>, K: Owner, L: Hold> Future for Reserve<'s, '_, T, A, K, L> {
    type Output = Option<Permit<'s, T, A, L>>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { sender, place } = self.get_mut();
        let open = match sender {
            Some(sender) => ready!(sender.poll_room(place, context)),
            // Polled after it was ready.
            None => false,
        };
        // Only this sender takes room, so what was there still is.
        let permit = sender.take().filter(|_| open).and_then(|Sender { end, line, .. }| {
            let grant = end.try_claim_exact(1).ok()?;
            Some(Permit { grant, hold: line.hold() })
        });
        Poll::Ready(permit)
    }
}

impl<T, A: Arity<Producers = Single>, K: Owner, L: Hold> Drop for Reserve<'_, '_, T, A, K, L> {
    fn drop(&mut self) {
        if let Some(sender) = &self.sender {
            sender.leave(&mut self.place);
        }
    }
}

impl<T, A: Arity<Producers = Single>, K: Owner, L: Hold> fmt::Debug for Reserve<'_, '_, T, A, K, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reserve").finish_non_exhaustive()
    }
}

macro_rules! debug {
    ($($name:ident: $bound:ident, $inner:ident;)*) => {$(
        impl<E: $bound + fmt::Debug, L: Hold> fmt::Debug for $name<'_, E, L> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).field(stringify!($inner), &self.$inner).finish_non_exhaustive()
            }
        }
    )*};
}
debug! {
    RecvFuture: Source, receiver;
    RecvReady: Source, receiver;
    SendFuture: Feed, sender;
    SendReady: Feed, sender;
}

impl<T, A: Arity<Producers = Single>, L: Hold> fmt::Debug for Permit<'_, T, A, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").finish_non_exhaustive()
    }
}
