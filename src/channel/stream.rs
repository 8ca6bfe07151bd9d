//! A receiver as a [`Stream`], and a sender as a [`Sink`]: the traits of futures 0.3. Nothing here allocates.

use core::fmt;
use core::mem::ManuallyDrop;
use core::pin::Pin;
use core::task::{Context, Poll};

use futures_core::stream::{FusedStream, Stream};
use futures_sink::Sink;

use super::ends::{Feed, Source};
use super::line::{Hold, Place};
use super::receiver::Receiver;
use super::sender::Sender;
use super::{RecvError, TrySendError};

/// How often a reader that is overtaken again and again tries before others have their turn.
const LAPS: u32 = 8;

/// What a stream has beside its receiver.
struct Flow<L: Hold> {
    place: Place<L>,
    missed: u64,
    over: bool,
}

impl<L: Hold> Flow<L> {
    const NEW: Self = Self { place: Place::NONE, missed: 0, over: false };

    fn poll_next<E: Source>(
        &mut self,
        receiver: &mut Receiver<E, L>,
        context: &mut Context<'_>,
    ) -> Poll<Option<E::Item>> {
        if self.over {
            return Poll::Ready(None);
        }
        for _ in 0..LAPS {
            match receiver.poll_recv(&mut self.place, context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(item)) => return Poll::Ready(Some(item)),
                Poll::Ready(Err(RecvError::Lagged(count))) => self.missed = self.missed.saturating_add(count),
                // A receiver that is polled has no deadline.
                Poll::Ready(Err(RecvError::Closed | RecvError::Timeout)) => {
                    self.over = true;
                    return Poll::Ready(None);
                }
            }
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

/// A receiver as a stream of its items; see [`Receiver::into_stream`].
#[must_use = "a stream does nothing until it is polled, and dropping the last receiver closes the channel"]
pub struct RecvStream<E: Source, L: Hold> {
    receiver: Receiver<E, L>,
    flow: Flow<L>,
}

/// A borrowed receiver as a stream of its items; see [`Receiver::stream`].
#[must_use = "a stream does nothing until it is polled"]
pub struct RecvStreamRef<'r, E: Source, L: Hold> {
    receiver: &'r mut Receiver<E, L>,
    flow: Flow<L>,
}

impl<E: Source, L: Hold> Receiver<E, L> {
    /// Each item as it comes, until the channel is closed and everything that was sent is received; then `None`, for
    /// good.
    ///
    /// Of a broadcast that overwrites, what was overwritten before it was read is passed over, and counted:
    /// [`RecvStream::missed`].
    ///
    /// Cancel-safe: an item is received when the stream gives it, and not before. A stream that was pending waits for
    /// its next item until it gives one, or is dropped or turned back by [`RecvStream::into_inner`]; a wake-up that it
    /// gets is its own until then. So where a channel has other receivers, and this one may be left unpolled for long,
    /// use [`stream`](Self::stream), and drop that.
    ///
    /// ```
    /// # #[cfg(feature = "std")] {
    /// use annulet::{Channel, Spsc, host::Futex};
    /// use futures::{StreamExt, executor::block_on};
    ///
    /// static NUMBERS: Channel<Spsc<u32, 4>, Futex> = Channel::over(Spsc::new(), Futex::fenced());
    ///
    /// let (mut tx, rx) = NUMBERS.try_split().unwrap();
    /// std::thread::spawn(move || (0..10).for_each(|number| tx.send(number).unwrap()));
    /// assert_eq!(block_on(rx.into_stream().collect::<Vec<_>>()), Vec::from_iter(0..10));
    /// # }
    /// ```
    pub fn into_stream(self) -> RecvStream<E, L> {
        RecvStream { receiver: self, flow: Flow::NEW }
    }

    /// As [`into_stream`](Self::into_stream), for as long as the receiver stays borrowed.
    pub fn stream(&mut self) -> RecvStreamRef<'_, E, L> {
        RecvStreamRef { receiver: self, flow: Flow::NEW }
    }
}

impl<E: Source, L: Hold> RecvStream<E, L> {
    /// The receiver again. It does not wait any more; if it was woken for something that it did not take, the next one
    /// is woken.
    pub fn into_inner(self) -> Receiver<E, L> {
        let mut this = ManuallyDrop::new(self);
        // SAFETY:
        // - valid, aligned and initialised: it comes from a reference;
        // - not used again: `this` is not dropped, and of it only `flow` is touched after this, which needs no drop.
        let receiver = unsafe { core::ptr::read(&raw const this.receiver) };
        // The wakers of others may panic in this; then the receiver is dropped.
        receiver.leave(&mut this.flow.place);
        receiver
    }
}

macro_rules! stream {
    ([$($generics:tt)*] $name:ty) => {
        impl<$($generics)* E: Source, L: Hold> $name {
            /// Returns how many items were passed over: a broadcast had overwritten them before they were read. At most
            /// `u64::MAX`.
            #[must_use]
            pub fn missed(&self) -> u64 {
                self.flow.missed
            }
        }

        impl<$($generics)* E: Source, L: Hold> Unpin for $name {}
        impl<$($generics)* E: Source, L: Hold> Stream for $name {
            type Item = E::Item;

            fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<E::Item>> {
                let Self { receiver, flow } = self.get_mut();
                flow.poll_next(receiver, context)
            }

            fn size_hint(&self) -> (usize, Option<usize>) {
                (0, self.flow.over.then_some(0))
            }
        }

        impl<$($generics)* E: Source, L: Hold> FusedStream for $name {
            fn is_terminated(&self) -> bool {
                self.flow.over
            }
        }

        impl<$($generics)* E: Source, L: Hold> Drop for $name {
            fn drop(&mut self) {
                self.receiver.leave(&mut self.flow.place);
            }
        }

        impl<$($generics)* E: Source + fmt::Debug, L: Hold> fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct("RecvStream")
                    .field("receiver", &self.receiver)
                    .field("missed", &self.flow.missed)
                    .finish_non_exhaustive()
            }
        }
    };
}
stream!([] RecvStream<E, L>);
stream!(['r,] RecvStreamRef<'r, E, L>);

/// A sender as a sink of items; see [`Sender::into_sink`].
#[must_use = "dropping the last sender closes the channel"]
pub struct SendSink<E: Feed, L: Hold> {
    /// Until the sink is closed.
    sender: Option<Sender<E, L>>,
    /// Accepted when there was room, which another sender then took.
    item: Option<E::Item>,
    place: Place<L>,
    /// Somebody was told that it is not ready, and that they will be woken when it is.
    asked: bool,
}

impl<E: Feed, L: Hold> Sender<E, L> {
    /// Accepts items when there is room for them.
    ///
    /// | | |
    /// |---|---|
    /// | ready | there is room, and nothing is left from before; or it is closed, which the next item is told |
    /// | start | sends the item. If another sender took the room meanwhile, the sink keeps it, at most one |
    /// | flush | sends what the sink keeps |
    /// | close | does that, and lets go of the sender, even if that fails |
    ///
    /// The error is [`TrySendError::Closed`], with the item; nothing can be sent after it. An item that is started while the
    /// sink still keeps one, so without being ready, comes back as [`TrySendError::Full`].
    ///
    /// Cancel-safe: whatever is polled, each item was sent, is kept or came back. What is kept when the sink is dropped is
    /// dropped with it, unless [`SendSink::into_inner`] takes it back. A sink that was pending waits for room until it is
    /// ready, or is dropped or turned back; a wake-up that it gets is its own until then.
    ///
    /// ```
    /// # #[cfg(feature = "std")] {
    /// use annulet::{Channel, Spsc, host::Futex};
    /// use futures::{SinkExt, executor::block_on, stream};
    ///
    /// static NUMBERS: Channel<Spsc<u32, 4>, Futex> = Channel::over(Spsc::new(), Futex::fenced());
    ///
    /// let (tx, mut rx) = NUMBERS.try_split().unwrap();
    /// let sum = std::thread::spawn(move || rx.iter().sum::<u32>());
    /// let mut sink = tx.into_sink();
    /// block_on(sink.send_all(&mut stream::iter((0..10).map(Ok)))).unwrap();
    /// block_on(sink.close()).unwrap();
    /// assert_eq!(sum.join().unwrap(), 45);
    /// # }
    /// ```
    pub fn into_sink(self) -> SendSink<E, L> {
        SendSink { sender: Some(self), item: None, place: Place::NONE, asked: false }
    }
}

impl<E: Feed, L: Hold> SendSink<E, L> {
    /// The sender again, if the sink was not closed, and the item that it kept, if it did. The sender does not wait any
    /// more; if it was woken for room that it did not take, the next one is woken.
    pub fn into_inner(mut self) -> (Option<Sender<E, L>>, Option<E::Item>) {
        (self.let_go(), self.item.take())
    }

    fn let_go(&mut self) -> Option<Sender<E, L>> {
        let sender = self.sender.take()?;
        sender.leave(&mut self.place);
        Some(sender)
    }

    /// Sends what is kept.
    fn poll_item(&mut self, context: &mut Context<'_>) -> Poll<Result<(), TrySendError<E::Item>>> {
        if let (Some(sender), Some(_)) = (&mut self.sender, &self.item) {
            if sender.poll_send(&mut self.item, &mut self.place, context).is_pending() {
                return Poll::Pending;
            }
        }
        // What was not sent by now will never be.
        Poll::Ready(self.item.take().map_or(Ok(()), |item| Err(TrySendError::Closed(item))))
    }
}

impl<E: Feed, L: Hold> Unpin for SendSink<E, L> {}
impl<E: Feed, L: Hold> Sink<E::Item> for SendSink<E, L> {
    type Error = TrySendError<E::Item>;

    fn poll_ready(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        let this = self.get_mut();
        this.asked = false;
        let mut ready = this.poll_item(context)?;
        if let (Some(sender), true) = (&mut this.sender, ready.is_ready()) {
            ready = sender.poll_room(&mut this.place, context).map(|_| ());
        }
        this.asked = ready.is_pending();
        ready.map(Ok)
    }

    fn start_send(self: Pin<&mut Self>, item: E::Item) -> Result<(), Self::Error> {
        let this = self.get_mut();
        let Some(sender) = &mut this.sender else { return Err(TrySendError::Closed(item)) };
        if this.item.is_some() {
            return Err(TrySendError::Full(item));
        }
        match sender.try_send(item) {
            Err(refused) if !matches!(refused, TrySendError::Closed(_)) => {
                this.item = Some(refused.into_inner());
                Ok(())
            }
            sent => sent,
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        let this = self.get_mut();
        let flushed = this.poll_item(context);
        if let (Some(sender), true) = (&mut this.sender, flushed.is_ready() && this.asked) {
            // They still have to be woken. If it is ready by now, a wake-up that came for that is for somebody else.
            this.asked = sender.poll_room(&mut this.place, context).is_pending();
            if !this.asked {
                context.waker().wake_by_ref();
            }
        }
        flushed
    }

    fn poll_close(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        let this = self.get_mut();
        let flushed = this.poll_item(context);
        if flushed.is_ready() {
            drop(this.let_go());
        }
        flushed
    }
}

impl<E: Feed, L: Hold> Drop for SendSink<E, L> {
    fn drop(&mut self) {
        drop(self.let_go());
    }
}

impl<E: Feed + fmt::Debug, L: Hold> fmt::Debug for SendSink<E, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendSink")
            .field("sender", &self.sender)
            .field("keeps", &self.item.is_some())
            .finish_non_exhaustive()
    }
}
