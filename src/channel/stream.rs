//! A receiver as a [`Stream`] of futures 0.3. Nothing here allocates.

use core::fmt;
use core::mem::ManuallyDrop;
use core::pin::Pin;
use core::task::{Context, Poll};

use futures_core::stream::{FusedStream, Stream};

use super::RecvError;
use super::channel_ref::ChannelRef;
use super::receiver::Receiver;
use super::state::WaitState;

/// How often a reader that is overtaken again and again tries before others have their turn.
const LAPS: u32 = 8;

/// What a stream has beside its receiver.
struct Progress {
    state: WaitState,
    missed: u64,
    over: bool,
}

impl Progress {
    const NEW: Self = Self { state: WaitState::NONE, missed: 0, over: false };

    fn poll_next<C: ChannelRef>(
        &mut self,
        receiver: &mut Receiver<C>,
        context: &mut Context<'_>,
    ) -> Poll<Option<C::Item>> {
        if self.over {
            return Poll::Ready(None);
        }
        for _ in 0..LAPS {
            match receiver.poll_recv(&mut self.state, context) {
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
#[must_use = "a stream does nothing until it is polled, and dropping the last receiver disconnects the senders"]
pub struct RecvStream<C: ChannelRef> {
    receiver: Receiver<C>,
    progress: Progress,
}

/// A borrowed receiver as a stream of its items; see [`Receiver::stream`].
#[must_use = "a stream does nothing until it is polled"]
pub struct RecvStreamRef<'r, C: ChannelRef> {
    receiver: &'r mut Receiver<C>,
    progress: Progress,
}

impl<C: ChannelRef> Receiver<C> {
    /// Returns a stream of the items as they come. It ends, for good, once the channel is closed and everything that was
    /// sent is received.
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
    /// static NUMBERS: Channel<Spsc<u32, 4>, Futex> = Channel::new(Spsc::new(), Futex::fenced());
    ///
    /// let (mut tx, rx) = NUMBERS.try_split().unwrap();
    /// std::thread::spawn(move || (0..10).for_each(|number| tx.send(number).unwrap()));
    /// assert_eq!(block_on(rx.into_stream().collect::<Vec<_>>()), Vec::from_iter(0..10));
    /// # }
    /// ```
    pub fn into_stream(self) -> RecvStream<C> {
        RecvStream { receiver: self, progress: Progress::NEW }
    }

    /// As [`into_stream`](Self::into_stream), for as long as the receiver stays borrowed.
    pub fn stream(&mut self) -> RecvStreamRef<'_, C> {
        RecvStreamRef { receiver: self, progress: Progress::NEW }
    }
}

impl<C: ChannelRef> RecvStream<C> {
    /// Returns the receiver. It does not wait any more. If it was woken for something that it did not take, the next one is
    /// woken.
    pub fn into_inner(self) -> Receiver<C> {
        let mut this = ManuallyDrop::new(self);
        // SAFETY:
        // - valid, aligned and initialised: it comes from a reference;
        // - not used again: `this` is not dropped, and of it only `progress` is touched after this, which needs no drop.
        let receiver = unsafe { core::ptr::read(&raw const this.receiver) };
        // The wakers of others may panic in this; then the receiver is dropped.
        receiver.leave(&mut this.progress.state);
        receiver
    }
}

macro_rules! stream {
    ([$($generics:tt)*] $name:ty) => {
        impl<$($generics)* C: ChannelRef> $name {
            /// Returns how many items were passed over: a broadcast had overwritten them before they were read. At most
            /// `u64::MAX`.
            #[must_use]
            pub fn missed(&self) -> u64 {
                self.progress.missed
            }
        }

        impl<$($generics)* C: ChannelRef> Unpin for $name {}
        impl<$($generics)* C: ChannelRef> Stream for $name {
            type Item = C::Item;

            fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<C::Item>> {
                let Self { receiver, progress } = self.get_mut();
                progress.poll_next(receiver, context)
            }

            fn size_hint(&self) -> (usize, Option<usize>) {
                (0, self.progress.over.then_some(0))
            }
        }

        impl<$($generics)* C: ChannelRef> FusedStream for $name {
            fn is_terminated(&self) -> bool {
                self.progress.over
            }
        }

        impl<$($generics)* C: ChannelRef> Drop for $name {
            fn drop(&mut self) {
                self.receiver.leave(&mut self.progress.state);
            }
        }

        impl<$($generics)* C: ChannelRef> fmt::Debug for $name
        where
            C::RecvEnd: fmt::Debug,
        {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct("RecvStream")
                    .field("receiver", &self.receiver)
                    .field("missed", &self.progress.missed)
                    .finish_non_exhaustive()
            }
        }
    };
}
stream!([] RecvStream<C>);
stream!(['r,] RecvStreamRef<'r, C>);
