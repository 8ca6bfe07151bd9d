//! Channels: a ring, of any arity, whose ends wait for each other; lanes, and broadcasts.
//!
//! A [`Channel`] is the ring, an [`Event`](crate::wait::Event) for data and one for room, and one word for each side that says
//! how many ends it has and whether it was closed. Its ends, [`Sender`] and [`Receiver`], are the ring's ends with that beside them.
//!
//! Take a channel if a party has to wait for the other one, or has to hear that the other one is gone. If both are polled
//! anyway, the [ring](crate::ring) alone does. If something else than a ring is waited for, an
//! [`Event`](crate::wait::Event) does.
//!
//! ```
//! # #[cfg(feature = "std")] {
//! use annulet::{Channel, Mpsc, host::Futex};
//!
//! static LOG: Channel<Mpsc<u32, 64>, Futex> = Channel::new(Mpsc::new(), Futex::new());
//!
//! let (tx, mut rx) = LOG.try_split().unwrap();
//! for number in 0..4 {
//!     let mut tx = tx.clone();
//!     std::thread::spawn(move || tx.send(number).unwrap());
//! }
//! drop(tx);
//! assert_eq!(rx.iter().sum::<u32>(), 0 + 1 + 2 + 3);
//! # }
//! ```
//!
//! # Calls
//!
//! | | at once | waits | until an instant | for a time | as a future |
//! |---|---|---|---|---|---|
//! | one in | [`try_send`](Sender::try_send) | [`send`](Sender::send) | [`send_deadline`](Sender::send_deadline) | [`send_timeout`](Sender::send_timeout) | [`send_async`](Sender::send_async) |
//! | several in | [`try_send_iter`](Sender::try_send_iter) | [`send_iter`](Sender::send_iter) | [`send_iter_deadline`](Sender::send_iter_deadline) | [`send_iter_timeout`](Sender::send_iter_timeout) | |
//! | one out | [`try_recv`](Receiver::try_recv) | [`recv`](Receiver::recv) | [`recv_deadline`](Receiver::recv_deadline) | [`recv_timeout`](Receiver::recv_timeout) | [`recv_async`](Receiver::recv_async) |
//! | several out | [`try_drain`](Receiver::try_drain) | [`drain`](Receiver::drain) | [`drain_deadline`](Receiver::drain_deadline) | [`drain_timeout`](Receiver::drain_timeout) | |
//! | a look | | | | | [`Sender::ready`], [`Receiver::ready`], [`Sender::reserve`] |
//!
//! With feature `futures-v0.3` a receiver is a `Stream` (`Receiver::into_stream`, `Receiver::stream`) and a sender a
//! `Sink` (`Sender::into_sink`).
//!
//! | what is there | as an iterator | as long as nobody says stop | into a collection, as a future | none of it |
//! |---|---|---|---|---|
//! | | [`iter`](Receiver::iter), [`try_iter`](Receiver::try_iter), `for item in rx` | [`recv_unless`](Receiver::recv_unless) | [`recv_many`](Receiver::recv_many) | [`clear`](Receiver::clear) |
//!
//! One thread waits for several channels by `select`, a task by the `select!` of its executor; either waits for the end of a
//! channel by [`Sender::closed`] and [`Receiver::closed`].
//!
//! # Ends
//!
//! An end that is kept, a [`Sender`] or a [`Receiver`], knows where it was, and is counted: when the last one of a side goes, the
//! other side hears of it. A side of many needs none: [`Channel::send`], [`Channel::recv`] and the like work through a shared
//! reference, from anywhere, and [`Sender::shared`] does so for an end that threads share.
//!
//! | where the channel is | what gives its ends |
//! |---|---|
//! | borrowed | `split` |
//! | shared, or `static` | `try_split`, `try_sender`, `try_receiver`; of a side of many, `sender`, `receiver`; of lanes, `register`; of a broadcast, `subscribe` |
//! | kept by its ends | `mpsc(capacity)` and the like (feature `std`), `into_split`, `new_split`; of lanes, `into_receiver`; of a broadcast, `into_sender` |
//! | in an `Arc` | `try_split_arc` |
//!
//! # Types
//!
//! An end says by one parameter how it reaches its channel: `Sender<&'static Jobs>`, or `Sender<Arc<Jobs>>`, where `Jobs` is
//! the type of the channel; what `mpsc(capacity)` makes is an `mpsc::Sender<u32>`. A function over ends of any channel asks for a [`ChannelRef`]. A receiver of lanes says its schedule,
//! too: [`LaneReceiver`]. An end is invariant in the lifetime of its channel.

mod broadcast;
mod by_reference;
mod channel_ref;
mod closed;
mod end_traits;
mod error;
mod fill;
mod guard;
#[cfg(all(hosted, not(loom)))]
mod heap;
mod iter;
mod lanes;
#[cfg(arc)]
mod owned;
#[cfg(arc)]
mod owned_broadcast;
#[cfg(arc)]
mod owned_lanes;
mod poll;
mod receiver;
mod recv_batch;
mod recv_future;
mod reserve;
mod ring;
#[cfg(all(arc, not(loom)))]
mod select;
mod send_batch;
mod send_future;
mod sender;
#[cfg(feature = "futures-v0.3")]
mod sink;
mod state;
mod stop;
#[cfg(feature = "futures-v0.3")]
mod stream;
mod subscribe;
mod unwind;

use core::fmt;
use core::task::{Context, Poll};
use core::time::Duration;

pub use channel_ref::{ChannelRef, InChannel, LendsEnds, Membership};
pub use end_traits::{RecvEnd, SendEnd};
pub use error::{RecvError, SendError, TryRecvError, TrySendError};
pub use guard::EndGuard;
#[cfg(all(hosted, not(loom)))]
pub use heap::{BroadcastReceiver, BroadcastSender, Threads, broadcast, mpmc, mpsc, spmc, spsc};
pub use iter::{IntoIter, Iter, TryIter};
pub use lanes::{LaneReceiver, Scheduled};
#[cfg(arc)]
pub use owned::OwnedEnds;
#[cfg(arc)]
pub use owned_lanes::OwnedLaneReceiver;
pub use receiver::Receiver;
pub use recv_future::{RecvFuture, RecvReady};
pub use reserve::{Permit, Reserve};
#[cfg(all(arc, not(loom)))]
pub use select::{Selectable, select};
pub use send_future::{SendFuture, SendReady};
pub use sender::Sender;
#[cfg(feature = "futures-v0.3")]
pub use sink::SendSink;
pub use state::PerSide;
#[cfg(all(feature = "std", target_os = "linux"))]
pub(crate) use stop::wake_receivers;
#[cfg(feature = "futures-v0.3")]
pub use stream::{RecvStream, RecvStreamRef};

use crate::atomic::{PeerCounts, Role};
use crate::sync::const_fn;
use crate::wait::{Attempt, Deadline, Outcome, Strategy, TimedOut, Wait, Waiter};
use state::sealed::{AnyChannel, Core};
use state::{Condition, SignalOnDrop, State, WaitState};

/// A ring whose ends can wait for each other: `R` is a [`Ring`](crate::ring::Ring), [`Lanes`](crate::Lanes) or a
/// [`Broadcast`](crate::Broadcast).
///
/// `W` is what the platform sleeps with (`host::Futex` on Linux). With `wait::Metered` around it, it is
/// counted how long ends wait. Any number of threads can wait on each side without polling, and with feature `alloc` any number
/// of asynchronous tasks. Without it `TASKS` tasks can, and further tasks poll repeatedly: see [`Event`](crate::wait::Event).
///
/// Like the ring in it, it contains no pointer into itself, so it can live anywhere. If `W` has no state or may be zero, all-zero memory is an empty, open
/// channel.
///
/// # Guarantees
///
/// | | |
/// |---|---|
/// | order, progress of tries | the ring's |
/// | no end waits | sending and receiving cost what they cost in the ring, at most three loads, and a fence if the platform has none for the whole process |
/// | the last sender goes | receivers get everything that was sent, and then `Closed` |
/// | the last receiver goes | sends are refused, and give the item back |
/// | what is queued then | stays for the next receiver; an owned channel, which can have none, drops it |
/// | [`close`](Sender::close) | both, for sends that begin after it |
/// | an item that was sent before a close | is received before `Closed`; a receiver waits for a send that is under way |
/// | a waiting end | wakes up in each of these cases |
/// | a borrowed end ([`Sender::end`]) | signals what was done through it when its guard is dropped |
/// | data and room | are two events: a signal for one never goes to an end that waits for the other |
/// | an end of a side that was gone | can be made again: a task that starts anew goes on where the last one stopped |
/// | ends | of each side 2²⁷ are counted. If there were more at once, it no longer closes when they go |
#[repr(C)]
pub struct Channel<R, W, const TASKS: usize = 8> {
    state: State<W, TASKS>,
    ring: R,
}

impl<R, W: Wait> Channel<R, W> {
    const_fn! {
        /// Makes a channel over this ring, lanes or broadcast, whose ends sleep by `wait`. Without feature `alloc`, eight
        /// tasks can wait on each side without polling.
        #[must_use]
        pub const fn new(ring: R, wait: W) -> Self {
            Self::over(ring, wait)
        }
    }
}

impl<R, W: Wait, const TASKS: usize> Channel<R, W, TASKS> {
    const_fn! {
        /// As [`new`](Channel::new), with a number of slots for tasks that the type says.
        #[must_use]
        pub const fn over(ring: R, wait: W) -> Self {
            Self { state: State::new(wait), ring }
        }
    }

    /// Returns the ring. That it is borrowed exclusively proves that there is no end.
    #[must_use]
    pub const fn ring_mut(&mut self) -> &mut R {
        &mut self.ring
    }

    /// Returns the platform, by which its ends sleep.
    #[must_use]
    pub const fn platform(&self) -> &W {
        &self.state.wait
    }

    /// Returns whether it was closed, by an end or by [`close`](Self::close). That all ends of a side are gone is not asked: the
    /// other ends know it. What was sent before the close is in it now, or was received.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.state.peers.0.is_closed()
    }

    /// Returns how many senders wait for room, and how many receivers for items: a snapshot. Ends that spin are not counted.
    #[must_use]
    pub fn waiting(&self) -> PerSide<usize> {
        // In an owned channel without receivers, the event counts a waiter for good: so senders drop what they have sent.
        let abandoned = self.state.owned && self.state.peers.0.is_gone(Role::Receiver);
        let receivers = if abandoned { 0 } else { self.state.data.0.waiting() };
        PerSide { senders: self.state.room.0.waiting(), receivers }
    }

    /// Returns how many times a task that waited found no slot and kept its executor busy: see
    /// [`Event::crowded`](crate::wait::Event::crowded).
    #[must_use]
    pub fn crowded(&self) -> PerSide<u32> {
        PerSide { senders: self.state.room.0.crowded(), receivers: self.state.data.0.crowded() }
    }
}

#[allow(private_bounds)] // sealed: a ring, lanes, or a broadcast
impl<R: Core, W: Wait, const TASKS: usize> Channel<R, W, TASKS> {
    /// Opens it again after it was closed; what is in it stays. That it is borrowed exclusively proves that there is no end:
    /// one that is still counted, as held or as waiting, was forgotten.
    ///
    /// ```
    /// # #[cfg(feature = "std")] {
    /// use annulet::{Channel, Spsc, host::Futex};
    ///
    /// let mut channel = Channel::new(Spsc::<u32, 4>::new(), Futex::new());
    /// channel.close();
    /// channel.reopen();
    /// assert!(!channel.is_closed());
    /// # }
    /// ```
    pub fn reopen(&mut self) {
        self.state.reset();
        self.ring.forget_ends();
    }

    /// Opens it again after it was closed, if nobody has an end of it, also one that is shared or `static`; what is in it stays.
    /// Returns whether it is open then: also not if another party opens or closes it at the same time.
    ///
    /// An end that was forgotten is still held: then only [`reopen`](Self::reopen) can open it.
    ///
    /// ```
    /// # #[cfg(feature = "std")] {
    /// use annulet::{Channel, Spsc, host::Futex};
    ///
    /// static CHANNEL: Channel<Spsc<u32, 4>, Futex> = Channel::new(Spsc::new(), Futex::new());
    ///
    /// let ends = CHANNEL.try_split().unwrap();
    /// CHANNEL.close();
    /// assert!(!CHANNEL.try_reopen()); // somebody has an end
    /// drop(ends);
    /// assert!(CHANNEL.try_reopen());
    /// let (mut tx, _rx) = CHANNEL.try_split().unwrap();
    /// tx.send(7).unwrap();
    /// # }
    /// ```
    #[must_use = "it is not opened if somebody has an end"]
    pub fn try_reopen(&self) -> bool {
        self.state.peers.0.try_reopen()
    }

    /// Has all receivers that wait look again, although nothing was sent: for what [`Receiver::recv_unless`] asks.
    pub fn wake_receivers(&self) {
        state::signal(self, Condition::Data, u32::MAX);
    }

    /// Closes it for both sides, as [`Sender::close`] does: for a supervisor that has no end.
    ///
    /// ```
    /// # #[cfg(feature = "std")] {
    /// use annulet::{Channel, Spsc, host::Futex};
    ///
    /// static CHANNEL: Channel<Spsc<u32, 4>, Futex> = Channel::new(Spsc::new(), Futex::new());
    ///
    /// let (_tx, mut rx) = CHANNEL.try_split().unwrap();
    /// let receiver = std::thread::spawn(move || rx.recv());
    /// CHANNEL.close(); // the receiver is woken
    /// assert!(receiver.join().unwrap().is_err());
    /// assert!(CHANNEL.is_closed());
    /// # }
    /// ```
    pub fn close(&self) {
        state::close(self);
    }
}

impl<R: Default, W: Wait + Default, const TASKS: usize> Default for Channel<R, W, TASKS> {
    fn default() -> Self {
        Self::over(R::default(), W::default())
    }
}

impl<R: fmt::Debug, W, const TASKS: usize> fmt::Debug for Channel<R, W, TASKS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel").field("ring", &self.ring).field("state", &self.state).finish()
    }
}

impl<R: Core, W: Wait, const TASKS: usize> AnyChannel for Channel<R, W, TASKS> {
    type Platform = W;

    #[inline(always)]
    fn peers(&self) -> &PeerCounts {
        &self.state.peers.0
    }

    fn is_owned(&self) -> bool {
        // Where there is no `Arc`, there is nothing that could own it.
        cfg!(arc) && self.state.owned
    }

    #[inline(always)]
    fn signal(&self, what: Condition, count: u32) -> bool {
        self.state.event(what).signal_and_tell(&self.state.wait, count)
    }

    fn signal_end(&self) {
        self.state.ended.signal_all(&self.state.wait);
    }

    fn wait_for_end(&self) -> Waiter<'_, W, 1> {
        Waiter::new(&self.state.ended, &self.state.wait)
    }

    fn keep_watch(&self) {
        self.state.data.0.keep_watch(&self.state.wait);
    }

    fn default_strategy(&self) -> Strategy {
        self.state.wait.default_strategy()
    }

    fn after(&self, span: Duration) -> Deadline {
        self.state.wait.after(span)
    }

    fn wait<T, E>(
        &self,
        what: Condition,
        strategy: Strategy,
        until: Deadline,
        look: impl FnMut() -> Attempt<Result<T, E>>,
    ) -> Result<(Result<T, E>, bool), TimedOut> {
        let role = Some(what.role());
        // If the platform panics, or its meter: what this wait was woken for may be there for the next one.
        let next = SignalOnDrop(self, what, 1);
        let waited =
            self.state.event(what).wait_metered(&self.state.wait, strategy, until, role, look, Result::is_ok);
        core::mem::forget(next);
        waited
    }

    unsafe fn poll<T>(
        &self,
        what: Condition,
        state: &mut WaitState,
        context: &mut Context<'_>,
        look: impl FnMut() -> Attempt<T>,
    ) -> Poll<T> {
        let wait = &self.state.wait;
        // SAFETY: the claim is used with this event only, as the caller says.
        let polled = unsafe { state.claim.poll(self.state.event(what), wait, context, look) };
        if polled.is_pending() {
            state.waiting.pended(wait, what.role());
        }
        polled
    }

    unsafe fn leave(&self, what: Condition, state: &mut WaitState, took: bool, outcome: Outcome) {
        let wait = &self.state.wait;
        // If a waker panics, or the meter: what this wait was woken for may be there for the next one.
        let next = SignalOnDrop(self, what, 1);
        // SAFETY: as the caller says.
        unsafe { state.claim.leave(self.state.event(what), wait, took) };
        state.waiting.settled(wait, what.role(), outcome);
        core::mem::forget(next);
    }

    unsafe fn give_back(&self, end: u32) {
        // SAFETY: as the caller says.
        unsafe { self.ring.give_back(end) };
    }

    fn discard(&self) {
        self.ring.discard();
    }
}
