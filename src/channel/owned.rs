//! Owned channels: on the heap, and kept there by their ends.

use super::channel_ref::{ChannelRef, Membership, sealed};
#[cfg(not(loom))]
use super::state::State;
use super::state::sealed::AnyChannel;
use super::{Channel, Receiver, Sender};
use crate::atomic::Role;
use crate::ring::{AnyRing, Arity, Consumer, Producer, Ring};
use crate::sync::Arc;
use crate::wait::Wait;
use crate::zeroed::Zeroed;

/// Both ends of a channel `X`, which keep it.
#[cfg_attr(docsrs, doc(cfg(feature = "alloc")))]
pub type OwnedEnds<X> = (Sender<Arc<X>>, Receiver<Arc<X>>);

impl<X: AnyChannel> sealed::Reach for Arc<X> {
    type Channel = X;
    #[inline(always)]
    fn channel(&self) -> &X {
        self
    }
}

impl<R: AnyRing, W: Wait, const TASKS: usize> ChannelRef for Arc<Channel<R, W, TASKS>> {
    type Item = R::Item;
    type SendEnd = Producer<'static, R::Item, R::Arity, Membership<Self>>;
    type RecvEnd = Consumer<'static, R::Item, R::Arity, Membership<Self>>;
    type Tx = Self::SendEnd;
    type Rx = Self::RecvEnd;
}

impl<R: Zeroed, W: Wait, const TASKS: usize> Channel<R, W, TASKS> {
    /// A new channel on the heap, made in the one place where it stays, however large it is.
    #[cfg(not(loom))]
    pub(super) fn in_arc(wait: W, owned: bool) -> Arc<Self> {
        let channel = Arc::<Self>::new_uninit();
        let place = Arc::as_ptr(&channel).cast::<Self>().cast_mut();
        // SAFETY: of a new allocation with the layout of `Self`, to which there is no other `Arc`.
        let state = unsafe { &raw mut (*place).state };
        // SAFETY: likewise.
        let ring = unsafe { &raw mut (*place).ring };
        // SAFETY: a field of that allocation, so valid and aligned, and nobody else's.
        unsafe { state.write(State { owned, ..State::new(wait) }) };
        // SAFETY: likewise.
        unsafe { crate::zeroed::make_at(ring) };
        // SAFETY: both of its fields are written.
        unsafe { channel.assume_init() }
    }

    #[cfg(loom)]
    pub(super) fn in_arc(wait: W, owned: bool) -> Arc<Self> {
        let mut channel = Self::over(R::empty(), wait);
        channel.state.owned = owned;
        Arc::new(channel)
    }
}

#[cfg_attr(docsrs, doc(cfg(feature = "alloc")))]
impl<T, const N: usize, A: Arity, W: Wait, const TASKS: usize> Channel<Ring<T, N, A>, W, TASKS> {
    /// Returns both ends of a new channel on the heap, where it is made in place; it goes with the last of them.
    ///
    /// When the last receiver goes, the channel is closed for good, and what is queued is dropped: a request that carries
    /// the sender of its reply lets its client go, and an item that holds a sender of this channel does not keep it. A
    /// send that races with that is accepted, and its item dropped, or refused. A channel that is borrowed, or `static`,
    /// keeps what is queued for its next receiver.
    ///
    /// ```
    /// # #[cfg(feature = "std")] {
    /// use annulet::{Channel, Mpsc, channel::Sender, host::Futex};
    /// use std::sync::Arc;
    ///
    /// type Jobs = Channel<Mpsc<u32, 64>, Futex>;
    /// struct Pool {
    ///     jobs: Sender<Arc<Jobs>>,
    /// }
    ///
    /// let (jobs, mut rx) = Jobs::new_split(Futex::new());
    /// let mut pool = Pool { jobs };
    /// let worker = std::thread::spawn(move || rx.recv());
    /// pool.jobs.send(7).unwrap();
    /// assert_eq!(worker.join().unwrap(), Ok(7));
    /// # }
    /// ```
    pub fn new_split(wait: W) -> OwnedEnds<Self> {
        ends_of_new(&Self::in_arc(wait, true))
    }
}

/// A ring that is in a channel, and its ends.
#[cfg_attr(docsrs, doc(cfg(feature = "alloc")))]
impl<R: AnyRing, W: Wait, const TASKS: usize> Channel<R, W, TASKS> {
    /// Moves the channel to the heap, and returns both ends; it goes with the last of them, and is as one that
    /// [`new_split`](Channel::new_split) makes. It is open then, and has no other end.
    ///
    /// ```
    /// # #[cfg(feature = "std")] {
    /// use annulet::channel::Channel;
    /// use annulet::host::Futex;
    /// use annulet::ring::HeapRing;
    ///
    /// let (mut tx, mut rx) = Channel::new(HeapRing::<u32>::new(100), Futex::new()).into_split();
    /// std::thread::spawn(move || tx.send(7).unwrap());
    /// assert_eq!(rx.recv(), Ok(7));
    /// # }
    /// ```
    pub fn into_split(mut self) -> OwnedEnds<Self> {
        self.reopen();
        self.state.owned = true;
        ends_of_new(&Arc::new(self))
    }

    /// Returns both ends, which keep the channel alive, or `None` while an end of a single side is in use. They go back on drop.
    ///
    /// Who else has the `Arc` can take the ends after them, so what is queued stays when the last receiver goes.
    ///
    /// ```
    /// # #[cfg(feature = "std")] {
    /// use annulet::{Channel, Spsc, host::Futex};
    /// use std::sync::Arc;
    ///
    /// let channel = Arc::new(Channel::new(Spsc::<u32, 4>::new(), Futex::new()));
    /// let (mut tx, mut rx) = channel.try_split_arc().unwrap();
    /// assert!(channel.try_split_arc().is_none());
    /// std::thread::spawn(move || tx.send(7).unwrap());
    /// assert_eq!(rx.recv(), Ok(7));
    /// # }
    /// ```
    #[cfg(not(loom))]
    #[must_use]
    pub fn try_split_arc(self: &Arc<Self>) -> Option<OwnedEnds<Self>> {
        let strategy = self.default_strategy();
        let join = |role| Membership::join(Arc::clone(self), role, strategy);
        // SAFETY: each end keeps an `Arc` of the channel, and gives its bit back to the ring in it.
        let ends = unsafe { self.ring.ptr().try_ends_of(|| (join(Role::Sender), join(Role::Receiver))) };
        ends.map(|(producer, consumer)| (Sender::new(producer), Receiver::new(consumer)))
    }
}

/// Returns both ends of a channel that is new.
fn ends_of_new<R: AnyRing, W: Wait, const TASKS: usize>(
    channel: &Arc<Channel<R, W, TASKS>>,
) -> OwnedEnds<Channel<R, W, TASKS>> {
    let strategy = channel.default_strategy();
    let join = |role| Membership::join(Arc::clone(channel), role, strategy);
    // SAFETY: the ring is new, so these are its only ends, and each keeps an `Arc` of what it is in.
    let (producer, consumer) =
        unsafe { channel.ring.ptr().ends_of(join(Role::Sender), join(Role::Receiver)) };
    (Sender::new(producer), Receiver::new(consumer))
}
