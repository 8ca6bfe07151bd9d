//! Channels over a broadcast that are kept by their ends.

use super::broadcast::BroadcastChannel;
use super::channel_ref::{ChannelRef, InChannel, Membership, kept};
use super::end_traits::sealed;
use super::state::sealed::{AnyChannel as _, Core};
use super::state::{Condition, SignalOnDrop};
use super::{Channel, Receiver, Sender};
use crate::atomic::Role;
use crate::ring::broadcast::{Gated, GatedReader, JoinError, OverflowPolicy, Overwrite, Reader, Writer};
use crate::stats::Stats;
use crate::sync::Arc;
use crate::wait::Wait;
use crate::words::Entry;

impl<T: Entry + 'static, const N: usize, S: Stats + 'static, W: Wait, const TASKS: usize> ChannelRef
    for Arc<BroadcastChannel<T, N, Overwrite, S, W, TASKS>>
{
    type Item = T;
    type SendEnd = Writer<'static, T, N, Overwrite, S>;
    type RecvEnd = Reader<'static, T, N, S>;
    type Tx = InChannel<Self::SendEnd, Self>;
    type Rx = InChannel<Self::RecvEnd, Self>;
}

impl<T: Entry + 'static, const N: usize, const R: usize, S: Stats + 'static, W: Wait, const TASKS: usize>
    ChannelRef for Arc<BroadcastChannel<T, N, Gated<R>, S, W, TASKS>>
{
    type Item = T;
    type SendEnd = Writer<'static, T, N, Gated<R>, S>;
    type RecvEnd = GatedReader<'static, T, N, R, S>;
    type Tx = InChannel<Self::SendEnd, Self>;
    type Rx = InChannel<Self::RecvEnd, Self>;
}

#[cfg_attr(docsrs, doc(cfg(feature = "alloc")))]
impl<
    T: Entry + 'static,
    const N: usize,
    P: OverflowPolicy + 'static,
    S: Stats + 'static,
    W: Wait,
    const TASKS: usize,
> BroadcastChannel<T, N, P, S, W, TASKS>
where
    Arc<Self>: ChannelRef<Tx = InChannel<Writer<'static, T, N, P, S>, Arc<Self>>>,
{
    /// Moves the channel to the heap, and returns its sender, of which receivers are made; it goes with the last of its ends.
    /// It is open then, and has no other end.
    ///
    /// ```
    /// # #[cfg(feature = "std")] {
    /// use annulet::{Broadcast, Channel, host::Futex};
    ///
    /// let mut tx = Channel::new(Broadcast::<u32, 16>::new(), Futex::new()).into_sender();
    /// let mut early = tx.subscribe();
    /// tx.send(7).unwrap();
    /// let (mut late, mut all) = (tx.subscribe(), tx.subscribe_at_oldest());
    /// tx.send(8).unwrap();
    /// drop(tx);
    /// assert!(early.iter().eq([7, 8]));
    /// assert!(late.iter().eq([8]));
    /// assert!(all.iter().eq([7, 8]));
    /// # }
    /// ```
    pub fn into_sender(mut self) -> Sender<Arc<Self>> {
        self.reopen();
        Self::sender_of_new(Arc::new(self))
    }

    /// Returns the sender of a channel that has no other end.
    pub(super) fn sender_of_new(channel: Arc<Self>) -> Sender<Arc<Self>> {
        let strategy = channel.default_strategy();
        // SAFETY: what it makes goes into the `InChannel` below, before an `Arc` of the channel.
        let ring = unsafe { kept(&channel.ring) };
        // The channel was this call's alone until now, so its writer is free.
        let writer = ring.writer_of_new();
        Sender::new(InChannel::new(writer, Membership::join(channel, Role::Sender, strategy)))
    }
}

/// Returns a receiver of a reader that is kept by `channel`.
fn receiver_of<E: sealed::End, R: Core, W: Wait, const TASKS: usize>(
    channel: &Arc<Channel<R, W, TASKS>>,
    reader: E,
) -> Receiver<Arc<Channel<R, W, TASKS>>>
where
    Arc<Channel<R, W, TASKS>>: ChannelRef<Rx = InChannel<E, Arc<Channel<R, W, TASKS>>>>,
{
    let strategy = channel.default_strategy();
    Receiver::new(InChannel::new(reader, Membership::join(Arc::clone(channel), Role::Receiver, strategy)))
}

impl<T: Entry + 'static, const N: usize, S: Stats + 'static, W: Wait, const TASKS: usize>
    Sender<Arc<BroadcastChannel<T, N, Overwrite, S, W, TASKS>>>
{
    /// Returns a receiver that begins with the next item.
    pub fn subscribe(&self) -> Receiver<Arc<BroadcastChannel<T, N, Overwrite, S, W, TASKS>>> {
        let channel = self.channel_ref();
        // SAFETY: what it makes goes into the `InChannel` of the receiver, before an `Arc` of the channel.
        receiver_of(channel, unsafe { kept(&channel.ring) }.reader_at_newest())
    }

    /// Returns a receiver that begins with the oldest item that is there.
    pub fn subscribe_at_oldest(&self) -> Receiver<Arc<BroadcastChannel<T, N, Overwrite, S, W, TASKS>>> {
        let channel = self.channel_ref();
        // SAFETY: likewise.
        receiver_of(channel, unsafe { kept(&channel.ring) }.reader_at_oldest())
    }
}

impl<T: Entry + 'static, const N: usize, const R: usize, S: Stats + 'static, W: Wait, const TASKS: usize>
    Sender<Arc<BroadcastChannel<T, N, Gated<R>, S, W, TASKS>>>
{
    /// Returns a receiver that begins with the next item, and for which this sender waits.
    ///
    /// # Errors
    ///
    /// As for [`Broadcast::join_at_newest`](crate::Broadcast::join_at_newest).
    pub fn subscribe(&self) -> Joined<T, N, R, S, W, TASKS> {
        let channel = self.channel_ref();
        // SAFETY: what it makes goes into the `InChannel` of the receiver, before an `Arc` of the channel.
        joined(channel, || unsafe { kept(&channel.ring) }.join_at_newest())
    }

    /// Returns a receiver that begins with the oldest item that is there, and for which this sender waits.
    ///
    /// # Errors
    ///
    /// As for [`Broadcast::join_at_oldest`](crate::Broadcast::join_at_oldest).
    pub fn subscribe_at_oldest(&self) -> Joined<T, N, R, S, W, TASKS> {
        let channel = self.channel_ref();
        // SAFETY: likewise.
        joined(channel, || unsafe { kept(&channel.ring) }.join_at_oldest())
    }
}

/// A receiver of a broadcast whose sender waits for it.
type Joined<T, const N: usize, const R: usize, S, W, const TASKS: usize> =
    Result<Receiver<Arc<BroadcastChannel<T, N, Gated<R>, S, W, TASKS>>>, JoinError>;

fn joined<
    T: Entry + 'static,
    const N: usize,
    const R: usize,
    S: Stats + 'static,
    W: Wait,
    const TASKS: usize,
>(
    channel: &Arc<BroadcastChannel<T, N, Gated<R>, S, W, TASKS>>,
    join: impl FnOnce() -> Result<GatedReader<'static, T, N, R, S>, JoinError>,
) -> Joined<T, N, R, S, W, TASKS> {
    // As in a channel that is borrowed: the sender may have found the place of this reader in its way.
    let _room = SignalOnDrop(&**channel, Condition::Room, u32::MAX);
    Ok(receiver_of(channel, join()?))
}
