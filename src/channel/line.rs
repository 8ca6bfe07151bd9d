//! What both sides of a channel share beside the ring: who is there, who waits, and how.

use core::fmt;
use core::task::{Context, Poll};

use sealed::Line as _;

use crate::stats::Off;
use crate::sync::{CachePadded, const_fn, is_over};
use crate::wait::{
    Counted, Deadline, Event, Look, Meter, Outcome, PeerCounts, Role, Seat, Strategy, TimedOut, Told as _,
    Wait,
};

/// Who is there, who waits for what, and how: everything of a [`Channel`](super::Channel) but its ring.
#[repr(C)]
pub struct Line<W, M = Off, const TASKS: usize = 8> {
    peers: CachePadded<PeerCounts>,
    /// Signalled when items were sent.
    data: CachePadded<Event<TASKS>>,
    /// Signalled when slots became free.
    room: CachePadded<Event<TASKS>>,
    wait: W,
    receiving: M,
    sending: M,
}

impl<W, M: Meter, const TASKS: usize> Line<W, M, TASKS> {
    const_fn! {
        pub(super) const fn new(wait: W) -> Self {
            Self {
                peers: CachePadded(PeerCounts::new()),
                data: CachePadded(Event::new()),
                room: CachePadded(Event::new()),
                wait,
                receiving: M::NEW,
                sending: M::NEW,
            }
        }
    }

    /// Returns how many times a task found no slot on the receivers' and on the senders' side.
    pub(super) fn crowded(&self) -> (u32, u32) {
        (self.data.0.crowded(), self.room.0.crowded())
    }

    /// The last receiver is gone for good: every signal of data finds somebody who waits from now on. Who calls this then
    /// looks for data, after a whole fence.
    #[cfg(arc)]
    pub(super) fn keep_watch(&self)
    where
        W: Wait,
    {
        self.data.0.keep_watch(&self.wait);
    }

    /// Open again, with nobody there who waits, by exclusive access.
    pub(super) fn reset(&mut self) {
        self.peers.0.reset();
        self.data.0.reset();
        self.room.0.reset();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.peers.0.is_closed()
    }

    /// Returns how many receivers, and how many senders wait, in this order.
    pub(super) fn waiting(&self) -> (usize, usize) {
        (self.data.0.waiting(), self.room.0.waiting())
    }

    /// What receivers, and what senders have waited, in this order.
    pub(super) fn meters(&self) -> (&M, &M) {
        (&self.receiving, &self.sending)
    }
}

impl<W, M, const TASKS: usize> fmt::Debug for Line<W, M, TASKS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line")
            .field("senders", &self.peers.0.count(Role::Sender))
            .field("receivers", &self.peers.0.count(Role::Receiver))
            .field("closed", &self.peers.0.is_closed())
            .finish_non_exhaustive()
    }
}

/// How an end reaches its [`Line`]: by a borrow, or by an `Arc` of the channel. Sealed.
pub trait Hold: sealed::Hold {}

/// An end's place in the [`Line`]: it is counted as one of its party until this is dropped, which is after the ring's end
/// was: it comes behind it in [`Sender`](super::Sender) and [`Receiver`](super::Receiver). So whoever is woken because
/// somebody has gone finds the end given back, and the room that went with it.
pub(super) struct Member<L: Hold> {
    hold: L,
    party: Role,
    counted: Counted,
    /// That it goes may make room.
    frees: bool,
    /// The end was borrowed, and what it did may not have been signalled.
    pub(super) owes: bool,
}

impl<L: Hold> Member<L> {
    pub(super) fn join(hold: L, party: Role, frees: bool) -> Self {
        let counted = hold.line().peers().join(party);
        Self { hold, party, counted, frees, owes: false }
    }

    #[inline(always)]
    pub(super) fn line(&self) -> &L::Line {
        self.hold.line()
    }

    pub(super) fn hold(&self) -> &L {
        &self.hold
    }
}

impl<L: Hold> Drop for Member<L> {
    fn drop(&mut self) {
        if is_over() {
            return;
        }
        let hold = &self.hold;
        if hold.line().peers().leave(self.party, self.counted) {
            // Also if a waker panics.
            let _abandon = (self.party == Role::Receiver).then(|| Abandon(hold));
            wake_all(hold);
        } else if self.frees || self.owes {
            let what = if self.party == Role::Receiver { For::Room } else { For::Data };
            signal(hold, what, u32::MAX);
        }
    }
}

/// Lets go of what is queued when it is dropped.
struct Abandon<'h, L: Hold>(&'h L);

impl<L: Hold> Drop for Abandon<'_, L> {
    fn drop(&mut self) {
        if !is_over() {
            self.0.abandon();
        }
    }
}

/// A task's place in a line: as one who waits for one of its two events, and for how long by now.
pub(super) struct Place<L: Hold> {
    seat: Seat,
    waited: <<L::Line as sealed::Line>::Meter as crate::wait::Told>::Waited,
}

impl<L: Hold> Place<L> {
    pub(super) const NONE: Self =
        Self { seat: Seat::NONE, waited: <L::Line as sealed::Line>::Meter::NOT_YET };

    /// Whether somebody may have been signalled for it.
    pub(super) fn waits(&self) -> bool {
        self.seat.waits()
    }

    /// Looks, and if there is nothing, sees to it that the task is woken when that may have changed.
    ///
    /// # Safety
    /// The place is used with this line, and with `what`, only.
    pub(super) unsafe fn poll<R>(
        &mut self,
        line: &L::Line,
        what: For,
        context: &mut Context<'_>,
        look: impl FnMut() -> Look<R>,
    ) -> Poll<R> {
        // SAFETY: as the caller says.
        let polled = unsafe { line.poll(what, &mut self.seat, context, look) };
        if polled.is_pending() {
            line.pended(&mut self.waited);
        }
        polled
    }

    /// Gives the place up. If it was woken for something that it did not take, the next one is woken.
    ///
    /// # Safety
    /// As for `poll`.
    pub(super) unsafe fn leave(&mut self, line: &L::Line, what: For, took: bool, outcome: Outcome) {
        // SAFETY: as the caller says.
        unsafe { line.leave(what, &mut self.seat, took) };
        line.settled(what, &mut self.waited, outcome);
    }
}

/// Tells up to `count` of those who wait that they can have what they wait for.
#[inline(always)]
pub(super) fn signal<L: Hold>(hold: &L, what: For, count: u32) {
    if hold.line().signal(what, count) && L::OWNED && what == For::Data {
        drop_if_left(hold);
    }
}

/// Drops what was sent if the last receiver is gone, which drops it too: between the two of them, nothing stays.
#[cold]
fn drop_if_left(hold: &impl Hold) {
    if hold.line().is_left() {
        hold.discard();
    }
}

/// Signals when it is dropped: whatever panics in between.
pub(super) struct Told<'h, L: Hold>(pub(super) &'h L, pub(super) For, pub(super) u32);

impl<L: Hold> Drop for Told<'_, L> {
    fn drop(&mut self) {
        if !is_over() {
            signal(self.0, self.1, self.2);
        }
    }
}

/// After the life of a channel has changed.
pub(super) fn wake_all(hold: &impl Hold) {
    let _room = Told(hold, For::Room, u32::MAX);
    signal(hold, For::Data, u32::MAX);
}

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum For {
    Data,
    Room,
}

impl For {
    /// What the others wait for.
    pub(super) const fn other(self) -> Self {
        match self {
            Self::Data => Self::Room,
            Self::Room => Self::Data,
        }
    }
}

pub(crate) mod sealed {
    use super::{Context, Deadline, For, Look, Meter, Outcome, PeerCounts, Poll, Seat, Strategy, TimedOut};
    use crate::wait::Told;

    pub trait Hold: Clone {
        type Line: Line;
        fn line(&self) -> &Self::Line;
        /// Nobody can come to receive once the last receiver is gone, so what is queued then is dropped. A channel that is
        /// borrowed or `static` keeps it for its next receiver.
        const OWNED: bool = false;
        /// The last receiver is gone.
        fn abandon(&self) {}
        /// Drops what is queued.
        fn discard(&self) {}
    }

    /// [`Line`](super::Line), whatever its parameters.
    pub trait Line {
        type Meter: Meter;
        fn peers(&self) -> &PeerCounts;
        /// `count` more of those who wait can have what they wait for. Returns whether anybody waits.
        fn signal(&self, what: For, count: u32) -> bool;
        /// After a signal of data that was waited for, and its fence: whether the last receiver is gone.
        fn is_left(&self) -> bool;
        /// How to wait where nothing else was said.
        fn patience(&self) -> Strategy;
        /// The instant `span` from now.
        fn after(&self, span: core::time::Duration) -> Deadline;
        /// Waits, after a first look that has found nothing: for something, or for why there will be nothing. Also, whether
        /// somebody may have been signalled for this.
        fn wait<R, E>(
            &self,
            what: For,
            strategy: Strategy,
            until: Deadline,
            look: impl FnMut() -> Look<Result<R, E>>,
        ) -> Result<(Result<R, E>, bool), TimedOut>;
        /// # Safety
        /// The seat is used with this line, and with `what`, only.
        unsafe fn poll<R>(
            &self,
            what: For,
            seat: &mut Seat,
            context: &mut Context<'_>,
            look: impl FnMut() -> Look<R>,
        ) -> Poll<R>;
        /// # Safety
        /// As for `poll`.
        unsafe fn leave(&self, what: For, seat: &mut Seat, took: bool);
        /// A task's poll has found nothing.
        fn pended(&self, waited: &mut <Self::Meter as Told>::Waited);
        /// A task's wait is over, if it was one.
        fn settled(&self, what: For, waited: &mut <Self::Meter as Told>::Waited, outcome: Outcome);
    }
}

impl<W: Wait, M: Meter, const TASKS: usize> Line<W, M, TASKS> {
    fn event(&self, what: For) -> &Event<TASKS> {
        match what {
            For::Data => &self.data.0,
            For::Room => &self.room.0,
        }
    }

    fn meter(&self, what: For) -> &M {
        match what {
            For::Data => &self.receiving,
            For::Room => &self.sending,
        }
    }
}

impl<W: Wait, M: Meter, const TASKS: usize> sealed::Line for Line<W, M, TASKS> {
    type Meter = M;

    #[inline(always)]
    fn peers(&self) -> &PeerCounts {
        &self.peers.0
    }

    #[inline(always)]
    fn signal(&self, what: For, count: u32) -> bool {
        self.event(what).signal_and_tell(&self.wait, count)
    }

    fn is_left(&self) -> bool {
        self.peers.0.is_gone(Role::Receiver)
    }

    fn patience(&self) -> Strategy {
        self.wait.patience()
    }

    fn after(&self, span: core::time::Duration) -> Deadline {
        self.wait.now().plus(span)
    }

    fn wait<R, E>(
        &self,
        what: For,
        strategy: Strategy,
        until: Deadline,
        look: impl FnMut() -> Look<Result<R, E>>,
    ) -> Result<(Result<R, E>, bool), TimedOut> {
        self.event(what).wait_metered(&self.wait, strategy, until, self.meter(what), look, Result::is_ok)
    }

    unsafe fn poll<R>(
        &self,
        what: For,
        seat: &mut Seat,
        context: &mut Context<'_>,
        look: impl FnMut() -> Look<R>,
    ) -> Poll<R> {
        // SAFETY: the seat is used with this event only, as the caller says.
        unsafe { seat.poll(self.event(what), &self.wait, context, look) }
    }

    unsafe fn leave(&self, what: For, seat: &mut Seat, took: bool) {
        // SAFETY: as the caller says.
        unsafe { seat.leave(self.event(what), &self.wait, took) }
    }

    fn pended(&self, waited: &mut M::Waited) {
        M::pended(waited, &self.wait);
    }

    fn settled(&self, what: For, waited: &mut M::Waited, outcome: Outcome) {
        self.meter(what).settled(waited, &self.wait, outcome);
    }
}

impl<W: Wait, M: Meter, const TASKS: usize> Hold for &Line<W, M, TASKS> {}
impl<W: Wait, M: Meter, const TASKS: usize> sealed::Hold for &Line<W, M, TASKS> {
    type Line = Line<W, M, TASKS>;
    #[inline(always)]
    fn line(&self) -> &Line<W, M, TASKS> {
        self
    }
}
