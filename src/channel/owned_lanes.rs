//! Channels over lanes that are kept by their ends.

use core::marker::PhantomData;

use super::channel_ref::{ChannelRef, InChannel, Membership, kept};
use super::lanes::{LaneChannel, Scheduled};
use super::state::sealed::AnyChannel as _;
use super::{Receiver, Sender};
use crate::atomic::Role;
use crate::ring::lanes::{LaneConsumer, LaneProducer, Priority, RegisterError, Schedule, Storage};
use crate::ring::{Arity, Single};
use crate::sync::Arc;
use crate::wait::Wait;

/// A receiver of lanes that keeps its channel `X` alive, and visits them in the order `O`.
#[cfg_attr(docsrs, doc(cfg(feature = "alloc")))]
pub type OwnedLaneReceiver<X, O> = Receiver<Scheduled<Arc<X>, O>>;

/// A sender with a lane, or why there is none.
type Registered<T, const N: usize, const L: usize, A, H, W, const TASKS: usize> =
    Result<Sender<Arc<LaneChannel<T, N, L, A, H, W, TASKS>>>, RegisterError>;

/// Of its senders. Those that receive say how they visit the lanes: [`Scheduled`].
impl<T, const N: usize, const L: usize, A, H, W, const TASKS: usize> ChannelRef
    for Arc<LaneChannel<T, N, L, A, H, W, TASKS>>
where
    T: 'static,
    A: Arity<Producers = Single>,
    H: Storage + 'static,
    W: Wait,
{
    type Item = T;
    type SendEnd = LaneProducer<'static, T, A>;
    type RecvEnd = LaneConsumer<'static, T, N, L, Priority, A, H>;
    type Tx = InChannel<Self::SendEnd, Self>;
    type Rx = InChannel<Self::RecvEnd, Self>;
}

impl<T, const N: usize, const L: usize, O, A, H, W, const TASKS: usize> ChannelRef
    for Scheduled<Arc<LaneChannel<T, N, L, A, H, W, TASKS>>, O>
where
    T: 'static,
    O: Schedule + 'static,
    A: Arity<Producers = Single>,
    H: Storage + 'static,
    W: Wait,
{
    type Item = T;
    type SendEnd = LaneProducer<'static, T, A>;
    type RecvEnd = LaneConsumer<'static, T, N, L, O, A, H>;
    type Tx = InChannel<Self::SendEnd, Self>;
    type Rx = InChannel<Self::RecvEnd, Self>;
}

#[cfg_attr(docsrs, doc(cfg(feature = "alloc")))]
impl<T, const N: usize, const L: usize, A, H, W, const TASKS: usize> LaneChannel<T, N, L, A, H, W, TASKS>
where
    T: 'static,
    A: Arity<Producers = Single>,
    H: Storage + 'static,
    W: Wait,
{
    /// Moves the channel to the heap, and returns its receiver, which visits lanes in this order, and of which senders are made;
    /// it goes with the last of its ends. It is open then, and has no other end.
    ///
    /// What is queued is dropped when the last receiver goes.
    ///
    /// ```
    /// # #[cfg(feature = "std")] {
    /// use annulet::ring::lanes::Priority;
    /// use annulet::{Channel, Lanes, host::Futex};
    ///
    /// let channel = Channel::new(Lanes::<u32, 16, 4>::new(), Futex::new());
    /// let mut rx = channel.into_receiver(Priority);
    /// let mut urgent = rx.register().unwrap(); // each sender has a lane
    /// let mut other = urgent.register().unwrap();
    /// std::thread::spawn(move || {
    ///     other.send(1).unwrap();
    ///     urgent.send(2).unwrap();
    /// });
    /// assert_eq!(rx.iter().sum::<u32>(), 3);
    /// # }
    /// ```
    pub fn into_receiver<O: Schedule + 'static>(mut self, schedule: O) -> OwnedLaneReceiver<Self, O> {
        self.reopen();
        self.state.owned = true;
        let channel = Arc::new(self);
        let strategy = channel.default_strategy();
        // SAFETY: what it makes goes into the `InChannel` below, before an `Arc` of the channel.
        let consumer = unsafe { kept(&channel.ring) }.consumer_of_new(schedule);
        let channel = Scheduled { channel, order: PhantomData };
        Receiver::new(InChannel::new(consumer, Membership::join(channel, Role::Receiver, strategy)))
    }
}

/// Returns a sender with a lane: this one, or any that is free.
fn sender_of<T, const N: usize, const L: usize, A, H, W, const TASKS: usize>(
    channel: &Arc<LaneChannel<T, N, L, A, H, W, TASKS>>,
    lane: Option<u32>,
) -> Registered<T, N, L, A, H, W, TASKS>
where
    T: 'static,
    A: Arity<Producers = Single>,
    H: Storage + 'static,
    W: Wait,
{
    let strategy = channel.default_strategy();
    // SAFETY: what it makes goes into the `InChannel` below, before an `Arc` of the channel.
    let lanes = unsafe { kept(&channel.ring) };
    let producer = lane.map_or_else(|| lanes.register(), |lane| lanes.register_at(lane))?;
    let membership = Membership::join(Arc::clone(channel), Role::Sender, strategy);
    Ok(Sender::new(InChannel::new(producer, membership)))
}

macro_rules! register {
    ($([$($order:ident)?] $end:ty, |$this:ident| $channel:expr;)*) => {$(
        #[cfg_attr(docsrs, doc(cfg(feature = "alloc")))]
        impl<T, const N: usize, const L: usize, $($order,)? A, H, W, const TASKS: usize> $end
        where
            T: 'static,
            $($order: Schedule + 'static,)?
            A: Arity<Producers = Single>,
            H: Storage + 'static,
            W: Wait,
        {
            /// Returns one more sender, with a lane of its own.
            ///
            /// # Errors
            ///
            /// As for [`Lanes::register`](crate::Lanes::register).
            pub fn register(&self) -> Registered<T, N, L, A, H, W, TASKS> {
                let $this = self;
                sender_of($channel, None)
            }

            /// Returns one more sender, with this lane.
            ///
            /// # Errors
            ///
            /// As for [`Lanes::register_at`](crate::Lanes::register_at).
            pub fn register_at(
                &self,
                lane: u32,
            ) -> Registered<T, N, L, A, H, W, TASKS> {
                let $this = self;
                sender_of($channel, Some(lane))
            }
        }
    )*};
}
register! {
    [] Sender<Arc<LaneChannel<T, N, L, A, H, W, TASKS>>>, |tx| tx.channel_ref();
    [O] OwnedLaneReceiver<LaneChannel<T, N, L, A, H, W, TASKS>, O>, |rx| &rx.channel_ref().channel;
}
