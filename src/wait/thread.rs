//! Threads that wait: how they look, spin and sleep, in the phases of a strategy.
//!
//! The word they sleep on and the fence that they owe are the [`Event`]'s.

use core::time::Duration;

use super::event::{Look, TimedOut, UNSURE};
use super::metrics::{Meter, Outcome, Waited};
use super::strategy::{Backoff, Step, Strategy, nap};
use super::{Deadline, Event, Wait};
use crate::stats::Off;
use crate::sync::is_over;

impl<const TASKS: usize> Event<TASKS> {
    /// Looks until something is found, waiting in between as `strategy` says, or until the deadline. It looks at once,
    /// and once more after the deadline has come.
    ///
    /// Whatever `look` gives is taken for this caller alone, so a signal of one thing is for one look. If there may be
    /// more than it took, it is the caller's to signal the next one: see [`Channel`](crate::channel::Channel), which
    /// does.
    ///
    /// # Errors
    ///
    /// [`TimedOut`], not before the deadline.
    #[inline]
    pub fn wait_until<W: Wait, R>(
        &self,
        wait: &W,
        strategy: Strategy,
        until: Deadline,
        mut look: impl FnMut() -> Option<R>,
    ) -> Result<R, TimedOut> {
        if let Some(found) = look() {
            return Ok(found);
        }
        let look = || look().map_or(Look::Nothing, Look::Found);
        self.wait_metered(wait, strategy, until, &Off(()), look, |_| true).map(|(found, _)| found)
    }

    /// As [`wait_until`](Self::wait_until), after a first look, with what it took told to `meter`, and whether what ended
    /// it is what was waited for; also, whether it was asleep, or may have been woken.
    #[inline(never)]
    pub(crate) fn wait_metered<W: Wait, M: Meter, R>(
        &self,
        wait: &W,
        strategy: Strategy,
        until: Deadline,
        meter: &M,
        mut look: impl FnMut() -> Look<R>,
        is_found: impl FnOnce(&R) -> bool,
    ) -> Result<(R, bool), TimedOut> {
        let mut waited = Waited::begin::<M>(wait);
        let result = match self.poll(wait, strategy, until, &mut look) {
            Polled::Found(found) => Ok((found, false)),
            Polled::TimedOut => Err(TimedOut),
            Polled::Block(slice) => {
                self.sleep(wait, slice, until, &mut waited, &mut look).map(|found| (found, true))
            }
        };
        let outcome = match &result {
            Ok((found, _)) if is_found(found) => Outcome::Found,
            Ok(_) => Outcome::Ended,
            Err(TimedOut) => Outcome::TimedOut,
        };
        waited.end(meter, wait, outcome);
        result
    }

    /// The phases in which nobody needs to know that somebody waits.
    fn poll<W: Wait, R>(
        &self,
        wait: &W,
        strategy: Strategy,
        until: Deadline,
        look: &mut impl FnMut() -> Look<R>,
    ) -> Polled<R> {
        /// Reading the clock takes as long as some pauses, and is not done at each of them.
        const SPINS_TO_A_LOOK_AT_THE_CLOCK: u32 = 32;
        let mut backoff = Backoff::new(strategy);
        let mut spins = 0_u32;
        loop {
            let step = backoff.step();
            match step {
                Step::Spin => core::hint::spin_loop(),
                Step::Yield => wait.yield_now(),
                Step::Sleep(span) => nap(wait, wait.now().plus(span).earlier(until)),
                Step::Block(slice) => return Polled::Block(slice),
            }
            spins = spins.wrapping_add(1);
            let timed = step != Step::Spin || spins.is_multiple_of(SPINS_TO_A_LOOK_AT_THE_CLOCK);
            // Before the look, which is then one after the deadline.
            let over = timed && until != Deadline::NEVER && until.has_come(wait.now());
            if let Look::Found(found) = look() {
                return Polled::Found(found);
            }
            if over {
                return Polled::TimedOut;
            }
        }
    }

    fn sleep<W: Wait, R>(
        &self,
        wait: &W,
        slice: Option<Duration>,
        until: Deadline,
        waited: &mut Waited,
        look: &mut impl FnMut() -> Look<R>,
    ) -> Result<R, TimedOut> {
        // Before the thread is counted: a call that comes after that advances the epoch after this.
        let mut seen = self.epoch().get();
        let mut sleeper = Sleeper::announced(self, wait);
        loop {
            let over = until != Deadline::NEVER && until.has_come(wait.now());
            let again = match look() {
                Look::Found(found) => {
                    sleeper.unwinding = false;
                    return Ok(found);
                }
                Look::Nothing => false,
                Look::Again => true,
            };
            waited.looked();
            if over {
                sleeper.unwinding = false;
                if again {
                    // There may be something that somebody else, who is asleep, can have.
                    self.signal(wait, 1);
                }
                return Err(TimedOut);
            }
            if again {
                core::hint::spin_loop();
            } else {
                let slice = if sleeper.sure { slice } else { Some(slice.unwrap_or(UNSURE).min(UNSURE)) };
                let slice = slice.map_or(Deadline::NEVER, |slice| wait.now().plus(slice));
                wait.wait(self.epoch(), seen, slice.earlier(until));
                waited.woke();
            }
            // If a signal comes after this, the platform does not let us sleep on this value.
            let now = self.epoch().get();
            if now != seen {
                seen = now;
                sleeper.sure &= !sleeper.counted || self.await_again();
            }
        }
    }
}

/// What came of waiting without sleep.
enum Polled<R> {
    Found(R),
    TimedOut,
    Block(Option<Duration>),
}

/// A thread that is counted as waiting.
struct Sleeper<'e, W: Wait, const TASKS: usize> {
    event: &'e Event<TASKS>,
    wait: &'e W,
    /// It is among those that signallers call.
    counted: bool,
    /// All signallers see that it is.
    sure: bool,
    /// If it is dropped now, its look has panicked.
    unwinding: bool,
}

impl<'e, W: Wait, const TASKS: usize> Sleeper<'e, W, TASKS> {
    /// Counted in, until it is dropped.
    fn announced(event: &'e Event<TASKS>, wait: &'e W) -> Self {
        let (gate, counted) = event.count_thread();
        // Before the platform is asked, which may panic.
        let mut sleeper = Self { event, wait, counted, sure: counted, unwinding: true };
        sleeper.sure &= Event::<TASKS>::announce_thread(gate, wait);
        sleeper
    }
}

impl<W: Wait, const TASKS: usize> Drop for Sleeper<'_, W, TASKS> {
    fn drop(&mut self) {
        if is_over() {
            return;
        }
        self.event.retract_thread(self.counted);
        if self.unwinding {
            // It may have been woken for something that it did not take: the next one is.
            self.event.signal(self.wait, 1);
        }
    }
}
