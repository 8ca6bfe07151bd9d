//! A sender as a [`Sink`] of futures 0.3. Nothing here allocates.

use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll};

use futures_sink::Sink;

use super::TrySendError;
use super::channel_ref::ChannelRef;
use super::sender::Sender;
use super::state::WaitState;

/// A sender as a sink of items; see [`Sender::into_sink`].
#[must_use = "dropping the last sender disconnects the receivers"]
pub struct SendSink<C: ChannelRef> {
    /// Until the sink is closed.
    sender: Option<Sender<C>>,
    /// Accepted when there was room, which another sender then took.
    item: Option<C::Item>,
    state: WaitState,
    /// A task was told that it is not ready, and that it will be woken when it is.
    asked: bool,
}

impl<C: ChannelRef> Sender<C> {
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
    /// static NUMBERS: Channel<Spsc<u32, 4>, Futex> = Channel::new(Spsc::new(), Futex::fenced());
    ///
    /// let (tx, mut rx) = NUMBERS.try_split().unwrap();
    /// let sum = std::thread::spawn(move || rx.iter().sum::<u32>());
    /// let mut sink = tx.into_sink();
    /// block_on(sink.send_all(&mut stream::iter((0..10).map(Ok)))).unwrap();
    /// block_on(sink.close()).unwrap();
    /// assert_eq!(sum.join().unwrap(), 45);
    /// # }
    /// ```
    pub fn into_sink(self) -> SendSink<C> {
        SendSink { sender: Some(self), item: None, state: WaitState::NONE, asked: false }
    }
}

impl<C: ChannelRef> SendSink<C> {
    /// Returns the sender, unless the sink was closed, and the item that the sink kept, if there is one. The sender does not
    /// wait any more. If it was woken for room that it did not take, the next one is woken.
    pub fn into_inner(mut self) -> (Option<Sender<C>>, Option<C::Item>) {
        (self.let_go(), self.item.take())
    }

    fn let_go(&mut self) -> Option<Sender<C>> {
        let sender = self.sender.take()?;
        sender.leave(&mut self.state);
        Some(sender)
    }

    /// Sends what is kept.
    fn poll_item(&mut self, context: &mut Context<'_>) -> Poll<Result<(), TrySendError<C::Item>>> {
        if let (Some(sender), Some(_)) = (&mut self.sender, &self.item) {
            if sender.poll_send(&mut self.item, &mut self.state, context).is_pending() {
                return Poll::Pending;
            }
        }
        // What was not sent by now will never be.
        Poll::Ready(self.item.take().map_or(Ok(()), |item| Err(TrySendError::Closed(item))))
    }
}

impl<C: ChannelRef> Unpin for SendSink<C> {}
impl<C: ChannelRef> Sink<C::Item> for SendSink<C> {
    type Error = TrySendError<C::Item>;

    fn poll_ready(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        let this = self.get_mut();
        this.asked = false;
        let mut ready = this.poll_item(context)?;
        if let (Some(sender), true) = (&mut this.sender, ready.is_ready()) {
            ready = sender.poll_room(&mut this.state, context).map(|_| ());
        }
        this.asked = ready.is_pending();
        ready.map(Ok)
    }

    fn start_send(self: Pin<&mut Self>, item: C::Item) -> Result<(), Self::Error> {
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
            // That task still has to be woken. If it is ready by now, a wake-up that came for that is for another one.
            this.asked = sender.poll_room(&mut this.state, context).is_pending();
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

impl<C: ChannelRef> Drop for SendSink<C> {
    fn drop(&mut self) {
        drop(self.let_go());
    }
}

impl<C: ChannelRef> fmt::Debug for SendSink<C>
where
    C::SendEnd: fmt::Debug,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendSink")
            .field("sender", &self.sender)
            .field("keeps", &self.item.is_some())
            .finish_non_exhaustive()
    }
}
