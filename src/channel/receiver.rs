//! The receiving end.

use core::fmt;
use core::time::Duration;

use super::ends::{Quiet, Source, sealed::Many};
use super::guard::{EndGuard, pay};
use super::line::{For, Hold, Member, Told, sealed::Line, signal};
use super::sender::close;
use super::{RecvError, TryRecvError};
use crate::wait::{Deadline, Look, Role, Strategy, TimedOut};

/// A receiver of a [`Channel`](super::Channel): the one there is, or one of many.
///
/// It can be cloned where the ring has many consumers. When the last one is dropped, sends are refused, and of an owned
/// channel what is queued is dropped; a borrowed one keeps it for its next receiver.
///
/// | | nothing there | closed |
/// |---|---|---|
/// | [`try_recv`](Self::try_recv) | `Empty` (or `Pending`, `Contended`: try again) | what was sent (`Pending` while a sender is in the middle of it), then `Closed` |
/// | [`recv`](Self::recv) | waits | likewise |
/// | [`recv_timeout`](Self::recv_timeout), [`recv_deadline`](Self::recv_deadline) | waits, then `Timeout` | likewise |
/// | [`recv_async`](Self::recv_async) | is pending | likewise |
#[must_use = "dropping the last receiver closes the channel"]
pub struct Receiver<E: Source, L: Hold> {
    pub(super) end: E,
    /// Dropped after the end.
    pub(super) line: Member<L>,
    pub(super) strategy: Strategy,
}

impl<E: Source, L: Hold> Receiver<E, L> {
    pub(super) fn new(end: E, line: L) -> Self {
        let strategy = line.line().patience();
        Self { end, line: Member::join(line, Role::Receiver, E::LEAVING_MAKES_ROOM), strategy }
            .with_strategy(strategy)
    }

    /// Waits in this way from now on.
    pub fn set_strategy(&mut self, strategy: Strategy) {
        self.strategy = strategy;
        self.end.keep_away(strategy.away());
    }

    /// The same receiver, which waits in this way.
    pub fn with_strategy(mut self, strategy: Strategy) -> Self {
        self.set_strategy(strategy);
        self
    }

    /// Receives one item if there is one now.
    ///
    /// # Errors
    ///
    /// [`TryRecvError`].
    #[inline]
    pub fn try_recv(&mut self) -> Result<E::Item, TryRecvError> {
        match self.end.take() {
            Ok(item) => {
                signal(self.line.hold(), For::Room, E::wakes(1));
                Ok(item)
            }
            Err(why) => self.try_recv_last(why),
        }
    }

    /// As `try_recv`, after there was nothing.
    #[cold]
    fn try_recv_last(&mut self, why: TryRecvError) -> Result<E::Item, TryRecvError> {
        let hold = self.line.hold();
        let item = once_more(&mut *Quiet::of(&mut self.end), hold, why, E::take)?;
        signal(hold, For::Room, E::wakes(1));
        Ok(item)
    }

    /// Receives one item, waiting for it.
    ///
    /// # Errors
    ///
    /// [`RecvError::Closed`] once everything that was sent is received; [`RecvError::Lagged`] of a broadcast that
    /// overwrites.
    #[inline]
    pub fn recv(&mut self) -> Result<E::Item, RecvError> {
        self.recv_deadline(Deadline::NEVER)
    }

    /// Receives one item, waiting for it for up to `span`.
    ///
    /// # Errors
    ///
    /// [`RecvError`].
    #[inline]
    pub fn recv_timeout(&mut self, span: Duration) -> Result<E::Item, RecvError> {
        match self.try_recv() {
            Ok(item) => Ok(item),
            // The clock is read only now.
            Err(why) => self.wait_to_recv(why, self.line.line().after(span)),
        }
    }

    /// Receives one item, waiting for it until `until`, by the clock of the channel's [`Wait`](crate::wait::Wait).
    ///
    /// # Errors
    ///
    /// [`RecvError`].
    #[inline]
    pub fn recv_deadline(&mut self, until: Deadline) -> Result<E::Item, RecvError> {
        match self.try_recv() {
            Ok(item) => Ok(item),
            Err(why) => self.wait_to_recv(why, until),
        }
    }

    #[cold]
    fn wait_to_recv(&mut self, why: TryRecvError, until: Deadline) -> Result<E::Item, RecvError> {
        if let Some(why) = for_good(why) {
            return Err(why);
        }
        let mut item = None;
        self.wait_and(until, |end| end.take().map(|taken| (item = Some(taken), 1).1))?;
        // There is one: it was not `Ok` before there was.
        item.ok_or(RecvError::Closed)
    }

    /// Moves at least one item and at most `max`, those that are there, into `f`. Returns how many. Waits for the first one.
    ///
    /// If `f` panics, what becomes of the items is the ring's business: see its `drain`.
    ///
    /// The slots of the items become free together, when this returns. So `f` must not wait for room in the same channel:
    /// if that is full, `try_send` in `f` says `Full`, and `send` would wait for this very call.
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv). `max` 0 is `Ok(0)` at once.
    pub fn drain(&mut self, max: usize, f: impl FnMut(E::Item)) -> Result<usize, RecvError> {
        self.drain_deadline(max, Deadline::NEVER, f)
    }

    /// As [`drain`](Self::drain), waiting for up to `span`.
    ///
    /// # Errors
    ///
    /// [`RecvError`].
    pub fn drain_timeout(
        &mut self,
        max: usize,
        span: Duration,
        f: impl FnMut(E::Item),
    ) -> Result<usize, RecvError> {
        let until = self.line.line().after(span);
        self.drain_deadline(max, until, f)
    }

    /// As [`drain`](Self::drain), waiting until `until`.
    ///
    /// # Errors
    ///
    /// [`RecvError`].
    pub fn drain_deadline(
        &mut self,
        max: usize,
        until: Deadline,
        mut f: impl FnMut(E::Item),
    ) -> Result<usize, RecvError> {
        match self.try_drain(max, &mut f) {
            Ok(count) => Ok(count),
            Err(why) => match for_good(why) {
                Some(why) => Err(why),
                None => self.wait_and(until, |end| end.take_each(max, &mut f)),
            },
        }
    }

    /// Gives up to `max` items that are there now to `f`, one after the other. Returns how many. Their room is made, and
    /// told to senders, when this returns: see [`drain`](Self::drain) for what `f` must not do.
    ///
    /// # Errors
    ///
    /// [`TryRecvError`], if there was not one.
    pub fn try_drain(&mut self, max: usize, mut f: impl FnMut(E::Item)) -> Result<usize, TryRecvError> {
        let hold = self.line.hold();
        // If `f` panics: what it has taken has made room.
        let room = Told(hold, For::Room, u32::MAX);
        let taken = match self.end.take_each(max, &mut f) {
            Err(why) => {
                once_more(&mut *Quiet::of(&mut self.end), hold, why, |end| end.take_each(max, &mut f))
            }
            done => done,
        };
        core::mem::forget(room);
        let count = taken?;
        if count > 0 {
            signal(hold, For::Room, E::wakes(count));
        }
        Ok(count)
    }

    /// Waits until `take` has taken something. Returns how many. Nothing was there a moment ago.
    fn wait_and(
        &mut self,
        until: Deadline,
        mut take: impl FnMut(&mut E) -> Result<usize, TryRecvError>,
    ) -> Result<usize, RecvError> {
        pay(&mut self.end, &mut self.line);
        let hold = self.line.hold();
        let mut end = Quiet::of(&mut self.end);
        // If `take` panics: what it had taken has made room.
        let room = Told(hold, For::Room, u32::MAX);
        let waited = hold.line().wait(For::Data, self.strategy, until, || look(&mut *end, hold, &mut take));
        core::mem::forget(room);
        drop(end);
        let (taken, slept) = waited.map_err(|TimedOut| RecvError::Timeout)?;
        let count = taken?;
        self.received(count, slept);
        Ok(count)
    }

    /// Receives one item, waiting for it until `stop` says so while nothing is there: then `None`. What is being sent at
    /// that moment is waited for. Who changes what `stop` says calls [`wake_receivers`] after that.
    #[cfg(all(feature = "std", target_os = "linux"))]
    pub(crate) fn recv_unless(&mut self, stop: impl Fn() -> bool) -> Result<Option<E::Item>, RecvError> {
        /// How long it sleeps at once when it is stopped.
        const GLANCE: Duration = Duration::from_millis(1);
        enum Unreceived {
            /// Nothing is there.
            Stopped,
            /// Something is on its way.
            Stopping,
            For(RecvError),
        }
        pay(&mut self.end, &mut self.line);
        let hold = self.line.hold();
        let line = hold.line();
        let end = &mut self.end;
        // Its first look is counted, if there is nothing.
        let mut looked = false;
        let mut strategy = self.strategy;
        let (item, slept) = loop {
            let glances = stop();
            if glances {
                strategy = Strategy::timed(GLANCE);
            }
            let mut look = || {
                // Before the look: what was sent before the stop is found.
                let stopped = stop();
                let mut end = Quiet::when(core::mem::replace(&mut looked, true), end);
                match last(&mut *end, hold, E::take) {
                    Ok(item) => Look::Found(Ok(item)),
                    Err(TryRecvError::Empty) if stopped => Look::Found(Err(Unreceived::Stopped)),
                    // If another receiver gets it, nobody tells this one that there is nothing.
                    Err(TryRecvError::Pending) if stopped && !glances => {
                        Look::Found(Err(Unreceived::Stopping))
                    }
                    Err(TryRecvError::Contended) => Look::Again,
                    Err(why) => {
                        for_good(why).map_or(Look::Nothing, |why| Look::Found(Err(Unreceived::For(why))))
                    }
                }
            };
            let (received, slept) = match look() {
                Look::Found(received) => (received, false),
                _ => line
                    .wait(For::Data, strategy, Deadline::NEVER, look)
                    .map_err(|TimedOut| RecvError::Timeout)?,
            };
            match received {
                Ok(item) => break (item, slept),
                Err(Unreceived::Stopping) => {}
                Err(Unreceived::Stopped) => return Ok(None),
                Err(Unreceived::For(why)) => return Err(why),
            }
        };
        self.received(1, slept);
        Ok(Some(item))
    }

    /// Returns how many were sent and not received: at least all that were before this was called.
    #[cfg(all(feature = "std", target_os = "linux"))]
    pub(crate) fn pending(&self) -> usize {
        self.end.pending()
    }

    /// How it reaches its channel.
    #[cfg(all(feature = "std", target_os = "linux"))]
    pub(crate) fn hold(&self) -> &L {
        self.line.hold()
    }

    /// After `count` items were taken. `slept`: a signal of data may have been for this receiver.
    pub(super) fn received(&mut self, count: usize, slept: bool) {
        let hold = self.line.hold();
        // One signal may stand for more than one item: the next one who waits is to have its look.
        let _next = (slept && self.end.has_items()).then(|| Told(hold, For::Data, 1));
        signal(hold, For::Room, E::wakes(count));
    }

    /// Closes the channel for both sides, as [`Sender::close`](super::Sender::close). What was sent before can still be
    /// received.
    pub fn close(&self) {
        close(self.line.hold());
    }

    /// Returns true if nothing more will be sent: it was closed, or all senders are gone. There may still be items.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.line.line().peers().is_over(Role::Sender)
    }

    /// Returns how many senders there are: a snapshot.
    #[must_use]
    pub fn senders(&self) -> usize {
        self.line.line().peers().count(Role::Sender)
    }

    /// Borrows the ring's end, to peek, skip, and read in place. All senders that wait are signalled when the guard is
    /// dropped, whatever was done.
    pub fn end(&mut self) -> EndGuard<'_, E, L> {
        EndGuard::new(&mut self.end, &mut self.line)
    }

    /// Each item as it comes, waiting for it, until the channel is closed. What was overwritten before it was read is
    /// passed over.
    pub fn iter(&mut self) -> impl Iterator<Item = E::Item> + '_ {
        core::iter::from_fn(move || {
            loop {
                match self.recv() {
                    Err(RecvError::Lagged(_)) => {}
                    received => return received.ok(),
                }
            }
        })
    }
}

/// Has all who wait for items look again.
#[cfg(all(feature = "std", target_os = "linux"))]
pub(crate) fn wake_receivers(hold: &impl Hold) {
    signal(hold, For::Data, u32::MAX);
}

/// Why waiting is of no use.
fn for_good(why: TryRecvError) -> Option<RecvError> {
    match why {
        TryRecvError::Closed => Some(RecvError::Closed),
        TryRecvError::Lagged(count) => Some(RecvError::Lagged(count)),
        TryRecvError::Empty | TryRecvError::Pending | TryRecvError::Contended => None,
    }
}

/// After there was nothing to be taken: if nobody is left to send anything, looks for what they had sent before, and says
/// `Closed` if there is nothing.
fn once_more<E: Source, R>(
    end: &mut E,
    hold: &impl Hold,
    why: TryRecvError,
    take: impl FnMut(&mut E) -> Result<R, TryRecvError>,
) -> Result<R, TryRecvError> {
    if matches!(why, TryRecvError::Lagged(_)) || !hold.line().peers().is_over(Role::Sender) {
        if E::PASSES {
            signal(hold, For::Room, u32::MAX);
        }
        return Err(why);
    }
    last(end, hold, take)
}

/// Takes what there is: if nobody is left to send anything, `Closed` in place of `Empty`.
///
/// What a sender is in the middle of is `Pending`, whether or not the channel was closed meanwhile: it comes, or is given up,
/// and either is signalled. So nothing that was sent before the close comes after `Closed`.
fn last<E: Source, R>(
    end: &mut E,
    hold: &impl Hold,
    mut take: impl FnMut(&mut E) -> Result<R, TryRecvError>,
) -> Result<R, TryRecvError> {
    // Before the last look: whatever those who are gone had sent is seen by it.
    let over = hold.line().peers().is_over(Role::Sender);
    let taken = take(end);
    if E::PASSES && taken.is_err() {
        signal(hold, For::Room, u32::MAX);
    }
    match taken {
        Err(TryRecvError::Empty) if over => Err(TryRecvError::Closed),
        taken => taken,
    }
}

/// A look at what is there.
pub(super) fn look<E: Source, R>(
    end: &mut E,
    hold: &impl Hold,
    take: impl FnMut(&mut E) -> Result<R, TryRecvError>,
) -> Look<Result<R, RecvError>> {
    match last(end, hold, take) {
        Ok(taken) => Look::Found(Ok(taken)),
        Err(TryRecvError::Contended) => Look::Again,
        Err(why) => for_good(why).map_or(Look::Nothing, |why| Look::Found(Err(why))),
    }
}

impl<E: Source + Many, L: Hold> Clone for Receiver<E, L> {
    /// One more receiver.
    fn clone(&self) -> Self {
        Self::new(self.end.another(), self.line.hold().clone()).with_strategy(self.strategy)
    }
}

impl<E: Source + fmt::Debug, L: Hold> fmt::Debug for Receiver<E, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").field("end", &self.end).field("closed", &self.is_closed()).finish()
    }
}
