//! What both sides of a channel share beside the ring: how many ends there are, how many wait, and how.

use core::fmt;
use core::task::{Context, Poll};
use core::time::Duration;

use crate::atomic::{PeerCounts, Role};
use crate::cpu::CachePadded;
use crate::sync::{const_fn, is_over};
use crate::wait::{
    Attempt, Deadline, Event, Outcome, SlotClaim, Strategy, TimedOut, Wait, WaitTimer, Waiter,
};
use sealed::AnyChannel;

/// Something of the senders, and of the receivers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)] // a channel has two sides
pub struct PerSide<N> {
    /// Of the senders.
    pub senders: N,
    /// Of the receivers.
    pub receivers: N,
}

/// Everything of a [`Channel`](super::Channel) but its ring: the counts of its ends, the two events, and the platform.
#[repr(C)]
pub(super) struct State<W, const TASKS: usize> {
    pub(super) peers: CachePadded<PeerCounts>,
    /// Signalled when items were sent.
    pub(super) data: CachePadded<Event<TASKS>>,
    /// Signalled when slots became free.
    pub(super) room: CachePadded<Event<TASKS>>,
    /// Signalled when it is closed, or the last end of a side has gone: for those who wait for that alone.
    pub(super) ended: Event<1>,
    /// Its ends keep it, and it is closed for good once the last receiver is gone: what is queued then is dropped. A channel
    /// that is borrowed or `static` keeps it for its next receiver.
    pub(super) owned: bool,
    pub(super) wait: W,
}

impl<W, const TASKS: usize> State<W, TASKS> {
    const_fn! {
        pub(super) const fn new(wait: W) -> Self {
            Self {
                owned: false,
                ended: Event::new(),
                peers: CachePadded(PeerCounts::new()),
                data: CachePadded(Event::new()),
                room: CachePadded(Event::new()),
                wait,
            }
        }
    }

    /// Opens it again, without ends and waiters, by exclusive access.
    pub(super) fn reset(&mut self) {
        self.peers.0.reset();
        self.data.0.reset();
        self.room.0.reset();
        self.ended.reset();
    }

    #[inline(always)]
    pub(super) const fn event(&self, what: Condition) -> &Event<TASKS> {
        match what {
            Condition::Data => &self.data.0,
            Condition::Room => &self.room.0,
        }
    }
}

impl<W, const TASKS: usize> fmt::Debug for State<W, TASKS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State")
            .field("senders", &self.peers.0.count(Role::Sender))
            .field("receivers", &self.peers.0.count(Role::Receiver))
            .field("closed", &self.peers.0.is_closed())
            .finish_non_exhaustive()
    }
}

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// By receivers.
    Data,
    /// By senders.
    Room,
}

impl Condition {
    /// What the ends of this role wait for.
    pub(super) const fn of(role: Role) -> Self {
        match role {
            Role::Sender => Self::Room,
            Role::Receiver => Self::Data,
        }
    }

    /// What the ends of the other role wait for.
    pub(super) const fn other(self) -> Self {
        match self {
            Self::Data => Self::Room,
            Self::Room => Self::Data,
        }
    }

    pub(super) const fn role(self) -> Role {
        match self {
            Self::Data => Role::Receiver,
            Self::Room => Role::Sender,
        }
    }
}

pub(crate) mod sealed {
    use super::Outcome;
    use super::{
        Attempt, Condition, Context, Deadline, Duration, PeerCounts, Poll, Strategy, TimedOut, Wait,
        WaitState, Waiter,
    };

    /// What a channel can be made over: a ring, lanes, or a broadcast.
    pub trait Core {
        /// Gives an end back to the ring.
        ///
        /// # Safety
        /// The caller holds it, and does not use it any more.
        unsafe fn give_back(&self, end: u32) {
            let _ = end;
        }
        /// Counts none of its ends as held any more, by exclusive access.
        fn forget_ends(&mut self);
        /// Drops what is queued.
        fn discard(&self) {}
    }

    /// A [`Channel`](crate::channel::Channel), whatever its parameters.
    pub trait AnyChannel: Sized {
        /// What its ends sleep with.
        type Platform: Wait;
        fn peers(&self) -> &PeerCounts;
        /// Returns whether its ends keep it, so that it is closed for good once the last receiver is gone.
        fn is_owned(&self) -> bool;
        /// `count` more of the waiting ends can have what they wait for. Returns whether any end waits.
        fn signal(&self, what: Condition, count: u32) -> bool;
        /// Wakes those who wait for its end.
        fn signal_end(&self);
        /// Returns a task's wait for its end.
        fn wait_for_end(&self) -> Waiter<'_, Self::Platform, 1>;
        /// From now on every signal of data finds a waiter. The caller then looks for data, after a whole fence.
        fn keep_watch(&self);
        /// How to wait where nothing else was said.
        fn default_strategy(&self) -> Strategy;
        /// The instant `span` from now.
        fn after(&self, span: Duration) -> Deadline;
        /// Waits, after a first look that has found nothing: for something, or for why there will be nothing. Returns, too,
        /// whether a signal may have been for this.
        fn wait<R, E>(
            &self,
            what: Condition,
            strategy: Strategy,
            until: Deadline,
            look: impl FnMut() -> Attempt<Result<R, E>>,
        ) -> Result<(Result<R, E>, bool), TimedOut>;
        /// Looks, and if there is nothing, sees to it that the task is woken when that may have changed.
        ///
        /// # Safety
        /// The wait is one of this channel, and for `what`, until it is left.
        unsafe fn poll<R>(
            &self,
            what: Condition,
            state: &mut WaitState,
            context: &mut Context<'_>,
            look: impl FnMut() -> Attempt<R>,
        ) -> Poll<R>;
        /// Ends a task's wait. If it was woken for something that it did not take, the next one is woken.
        ///
        /// # Safety
        /// As for `poll`.
        unsafe fn leave(&self, what: Condition, state: &mut WaitState, took: bool, outcome: Outcome);
        /// Gives an end back to the ring.
        ///
        /// # Safety
        /// As for [`Core::give_back`].
        unsafe fn give_back(&self, end: u32);
        /// Drops what is queued.
        fn discard(&self);
    }
}

/// A task's wait: its claim of a slot at one of the two events, and for how long it has waited by now.
#[derive(Debug)]
pub struct WaitState {
    pub(super) claim: SlotClaim,
    pub(super) waiting: WaitTimer,
}

impl WaitState {
    pub(super) const NONE: Self = Self { claim: SlotClaim::NONE, waiting: WaitTimer::NOT_YET };

    /// Whether a signal may have been for it.
    pub(super) fn waits(&self) -> bool {
        self.claim.waits()
    }
}

/// Tells up to `count` of the waiting ends that they can have what they wait for.
#[inline(always)]
pub(super) fn signal(channel: &impl AnyChannel, what: Condition, count: u32) {
    if channel.signal(what, count) && what == Condition::Data && channel.is_owned() {
        discard_if_abandoned(channel);
    }
}

/// Drops what was sent if the last receiver is gone, which drops it too: between the two of them, nothing stays. After a signal
/// of data that was waited for, and its fence.
#[cold]
fn discard_if_abandoned(channel: &impl AnyChannel) {
    if channel.peers().is_gone(Role::Receiver) {
        channel.discard();
    }
}

/// Signals when it is dropped: whatever panics in between.
pub(super) struct SignalOnDrop<'c, X: AnyChannel>(pub(super) &'c X, pub(super) Condition, pub(super) u32);

impl<X: AnyChannel> Drop for SignalOnDrop<'_, X> {
    fn drop(&mut self) {
        if !is_over() {
            signal(self.0, self.1, self.2);
        }
    }
}

/// Wakes those who wait for the end of a channel when it is dropped: whatever panics in between.
struct SignalEndOnDrop<'c, X: AnyChannel>(&'c X);

impl<X: AnyChannel> Drop for SignalEndOnDrop<'_, X> {
    fn drop(&mut self) {
        if !is_over() {
            self.0.signal_end();
        }
    }
}

/// Has all waiting ends look: after the life of a channel has changed.
pub(super) fn wake_all(channel: &impl AnyChannel) {
    let _end = SignalEndOnDrop(channel);
    let _room = SignalOnDrop(channel, Condition::Room, u32::MAX);
    signal(channel, Condition::Data, u32::MAX);
}

/// Closes the channel, and wakes all waiting ends.
pub(super) fn close(channel: &impl AnyChannel) {
    channel.peers().close();
    wake_all(channel);
}
