//! What both sides of a channel share beside the ring: how many ends there are, how many wait, and how.

use core::fmt;
use core::task::{Context, Poll};
use core::time::Duration;

use super::Channel;
use super::reach::ChannelRef;
use crate::atomic::{PeerCounts, Role};
use crate::sync::{CachePadded, const_fn, is_over};
use crate::wait::{Attempt, Deadline, Event, Outcome, SlotClaim, Strategy, TimedOut, Wait, Waiting};

/// Everything of a [`Channel`] but its ring: the counts of its ends, the two events, and the platform.
#[repr(C)]
pub(super) struct State<W, const TASKS: usize> {
    pub(super) peers: CachePadded<PeerCounts>,
    /// Signalled when items were sent.
    pub(super) data: CachePadded<Event<TASKS>>,
    /// Signalled when slots became free.
    pub(super) room: CachePadded<Event<TASKS>>,
    pub(super) wait: W,
}

impl<W, const TASKS: usize> State<W, TASKS> {
    const_fn! {
        pub(super) const fn new(wait: W) -> Self {
            Self {
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
    }

    #[inline(always)]
    const fn event(&self, what: Condition) -> &Event<TASKS> {
        match what {
            Condition::Data => &self.data.0,
            Condition::Room => &self.room.0,
        }
    }
}

impl<W: Wait, const TASKS: usize> State<W, TASKS> {
    /// As [`close`], by a party that has no end.
    pub(super) fn close(&self) {
        /// Senders hear of it, too, if a waker of receivers panics.
        struct Room<'s, W: Wait, const TASKS: usize>(&'s State<W, TASKS>);
        impl<W: Wait, const TASKS: usize> Drop for Room<'_, W, TASKS> {
            fn drop(&mut self) {
                if !is_over() {
                    self.0.room.0.signal_all(&self.0.wait);
                }
            }
        }
        self.peers.0.close();
        let _room = Room(self);
        self.data.0.signal_all(&self.wait);
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

    const fn role(self) -> Role {
        match self {
            Self::Data => Role::Receiver,
            Self::Room => Role::Sender,
        }
    }
}

pub(crate) mod sealed {
    use super::Outcome;
    use super::{
        Attempt, Condition, Context, Deadline, Duration, PeerCounts, Poll, Strategy, TimedOut, WaitState,
    };

    /// What a channel can be made over: a ring, lanes, or a broadcast.
    pub trait Core {
        /// Gives an end back to the ring.
        fn give_back(&self, end: u32) {
            let _ = end;
        }
        /// Drops what is queued.
        fn discard(&self) {}
    }

    /// A [`Channel`](super::Channel), whatever its parameters.
    pub trait AnyChannel {
        fn peers(&self) -> &PeerCounts;
        /// `count` more of the waiting ends can have what they wait for. Returns whether any end waits.
        fn signal(&self, what: Condition, count: u32) -> bool;
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
        fn give_back(&self, end: u32);
        /// Drops what is queued.
        fn discard(&self);
    }
}

/// A task's wait: its claim of a slot at one of the two events, and for how long it has waited by now.
#[derive(Debug)]
pub struct WaitState {
    claim: SlotClaim,
    waiting: Waiting,
}

impl WaitState {
    pub(super) const NONE: Self = Self { claim: SlotClaim::NONE, waiting: Waiting::NOT_YET };

    /// Whether a signal may have been for it.
    pub(super) fn waits(&self) -> bool {
        self.claim.waits()
    }
}

impl<R: sealed::Core, W: Wait, const TASKS: usize> sealed::AnyChannel for Channel<R, W, TASKS> {
    #[inline(always)]
    fn peers(&self) -> &PeerCounts {
        &self.state.peers.0
    }

    #[inline(always)]
    fn signal(&self, what: Condition, count: u32) -> bool {
        self.state.event(what).signal_and_tell(&self.state.wait, count)
    }

    fn keep_watch(&self) {
        self.state.data.0.keep_watch(&self.state.wait);
    }

    fn default_strategy(&self) -> Strategy {
        self.state.wait.default_strategy()
    }

    fn after(&self, span: Duration) -> Deadline {
        self.state.wait.now().plus(span)
    }

    fn wait<T, E>(
        &self,
        what: Condition,
        strategy: Strategy,
        until: Deadline,
        look: impl FnMut() -> Attempt<Result<T, E>>,
    ) -> Result<(Result<T, E>, bool), TimedOut> {
        let role = Some(what.role());
        self.state.event(what).wait_metered(&self.state.wait, strategy, until, role, look, Result::is_ok)
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
        // SAFETY: as the caller says.
        unsafe { state.claim.leave(self.state.event(what), wait, took) };
        state.waiting.settled(wait, what.role(), outcome);
    }

    fn give_back(&self, end: u32) {
        self.ring.give_back(end);
    }

    fn discard(&self) {
        self.ring.discard();
    }
}

use sealed::AnyChannel as _;

/// Tells up to `count` of the waiting ends that they can have what they wait for.
#[inline(always)]
pub(super) fn signal<C: ChannelRef>(channel: &C::Target, what: Condition, count: u32) {
    if channel.signal(what, count) && C::OWNED && what == Condition::Data {
        discard_if_abandoned::<C>(channel);
    }
}

/// Drops what was sent if the last receiver is gone, which drops it too: between the two of them, nothing stays. After a signal
/// of data that was waited for, and its fence.
#[cold]
fn discard_if_abandoned<C: ChannelRef>(channel: &C::Target) {
    if channel.peers().is_gone(Role::Receiver) {
        channel.discard();
    }
}

/// Signals when it is dropped: whatever panics in between.
pub(super) struct SignalOnDrop<'c, C: ChannelRef>(
    pub(super) &'c C::Target,
    pub(super) Condition,
    pub(super) u32,
);

impl<C: ChannelRef> Drop for SignalOnDrop<'_, C> {
    fn drop(&mut self) {
        if !is_over() {
            signal::<C>(self.0, self.1, self.2);
        }
    }
}

/// Has all waiting ends look: after the life of a channel has changed.
pub(super) fn wake_all<C: ChannelRef>(channel: &C::Target) {
    let _room = SignalOnDrop::<C>(channel, Condition::Room, u32::MAX);
    signal::<C>(channel, Condition::Data, u32::MAX);
}

/// Closes the channel, and wakes all waiting ends.
pub(super) fn close<C: ChannelRef>(channel: &C::Target) {
    channel.peers().close();
    wake_all::<C>(channel);
}
