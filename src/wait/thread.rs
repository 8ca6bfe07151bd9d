//! Threads that wait: how they look, spin and sleep, in the phases of a strategy.
//!
//! The word they sleep on and the fence that they owe are the [`Event`]'s.

use core::time::Duration;

use super::backoff::{Backoff, Step};
use super::event::{Attempt, TimedOut, UNSURE};
use super::meter::{Outcome, Role};
use super::strategy::Strategy;
use super::timer::WaitTimer;
use super::{Deadline, Event, Wait, Word};
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
        let look = || look().map_or(Attempt::NotYet, Attempt::Ready);
        self.wait_metered(wait, strategy, until, None, look, |_| true).map(|(found, _)| found)
    }

    /// As [`wait_until`](Self::wait_until), after a first look. The platform's meter for `role` is told what it took, and whether
    /// what ended it is what was waited for. Returns, too, whether it was asleep, or may have been woken.
    #[inline(never)]
    pub(crate) fn wait_metered<W: Wait, R>(
        &self,
        wait: &W,
        strategy: Strategy,
        until: Deadline,
        role: Option<Role>,
        mut look: impl FnMut() -> Attempt<R>,
        is_found: impl FnOnce(&R) -> bool,
    ) -> Result<(R, bool), TimedOut> {
        let mut waited = WaitTimer::begin(wait, role);
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
        waited.end(wait, role, outcome);
        result
    }

    /// The phases in which signallers need not know of the waiter.
    fn poll<W: Wait, R>(
        &self,
        wait: &W,
        strategy: Strategy,
        until: Deadline,
        look: &mut impl FnMut() -> Attempt<R>,
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
                Step::Sleep(span) => wait.sleep_until(wait.now().plus(span).earlier(until)),
                Step::Block(slice) => return Polled::Block(slice),
            }
            spins = spins.wrapping_add(1);
            let timed = step != Step::Spin || spins.is_multiple_of(SPINS_TO_A_LOOK_AT_THE_CLOCK);
            // Before the look, which is then one after the deadline.
            let over = timed && until != Deadline::NEVER && until.has_come(wait.now());
            if let Attempt::Ready(found) = look() {
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
        waited: &mut WaitTimer,
        look: &mut impl FnMut() -> Attempt<R>,
    ) -> Result<R, TimedOut> {
        // Before the thread is counted: a call that comes after that advances the epoch after this.
        let mut seen = self.epoch().get();
        let mut sleeper = Sleeper::announced(self, wait);
        loop {
            let over = until != Deadline::NEVER && until.has_come(wait.now());
            let again = match look() {
                Attempt::Ready(found) => {
                    sleeper.unwinding = false;
                    return Ok(found);
                }
                Attempt::NotYet => false,
                Attempt::Retry => true,
            };
            waited.looked();
            if over {
                sleeper.unwinding = false;
                if again {
                    // There may be something that another waiter, which is asleep, can have.
                    self.signal(wait, 1);
                }
                return Err(TimedOut);
            }
            if again {
                core::hint::spin_loop();
            } else {
                let slice = if sleeper.sure { slice } else { Some(slice.unwrap_or(UNSURE).min(UNSURE)) };
                let slice = slice.map_or(Deadline::NEVER, |slice| wait.now().plus(slice));
                let until = slice.earlier(until);
                if sleeper.called {
                    wait.wait(self.epoch(), seen, until);
                } else {
                    // A call is for one of the others. If it ended this sleep in place of theirs, nobody would call them.
                    wait.wait(&Word::new(), 0, until);
                }
                waited.woke();
            }
            // If a signal comes after this, the platform does not let us sleep on this value.
            let now = self.epoch().get();
            if now != seen {
                seen = now;
                sleeper.called = sleeper.called && self.await_again();
                sleeper.sure &= sleeper.called;
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
    /// It is counted as one that signallers call.
    counted: bool,
    /// They do so: a call for it is to come, or on its way.
    called: bool,
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
        let mut sleeper = Self { event, wait, counted, called: counted, sure: counted, unwinding: true };
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

#[cfg(all(test, not(loom)))]
mod tests {
    use alloc::sync::Arc;
    use alloc::task::Wake;
    use core::task::{Context, Waker};
    use std::sync::Mutex;

    use super::super::{Notify, Waiter};
    use super::*;

    #[derive(Default)]
    struct Wakes(Mutex<usize>);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            *self.0.lock().unwrap() += 1;
        }
    }

    /// Each look at its clock is a nanosecond later than the last one. Nobody sleeps here.
    #[derive(Default)]
    struct Ticking(Mutex<u64>);

    impl Notify for Ticking {
        fn notify(&self, _: &Word, _: u32) -> u32 {
            0
        }
    }

    impl Wait for Ticking {
        fn now(&self) -> Deadline {
            let mut now = self.0.lock().unwrap();
            *now += 1;
            Deadline::at(*now)
        }
        fn wait(&self, _: &Word, _: u32, _: Deadline) {}
    }

    /// A thread finds at each look that others were faster, until its deadline. What it may have been woken for may still be
    /// there, so a task that waits has to look.
    #[test]
    fn d19_a_thread_that_was_outrun_until_its_deadline_wakes_the_next() {
        type Look = fn() -> Attempt<()>;
        let looks: [(Look, usize); 2] = [(|| Attempt::Retry, 1), (|| Attempt::NotYet, 0)];
        for (look, woken) in looks {
            let (event, platform, wakes) = (Event::<2>::new(), Ticking::default(), Arc::<Wakes>::default());
            let waker = Waker::from(Arc::clone(&wakes));
            let mut ticket = Waiter::new(&event, &platform);
            assert!(ticket.poll(&mut Context::from_waker(&waker), || None::<()>).is_pending());
            let (strategy, until) = (Strategy::phased(0, 0), platform.now().plus(Duration::from_nanos(9)));
            let waited = event.wait_metered(&platform, strategy, until, None, look, |()| true);
            assert_eq!(waited, Err(TimedOut));
            assert_eq!(*wakes.0.lock().unwrap(), woken);
        }
    }

    /// More threads wait than can be counted. One that is not does not sleep where the others do: a call that is for one of them
    /// would end its sleep, and theirs would go on.
    #[test]
    fn h16_a_thread_that_is_not_counted_takes_no_call_of_others() {
        /// The epoch is signalled during the first sleep. Whether that was on the epoch.
        struct Calling<'e>(&'e Event<0>, Mutex<u32>, Mutex<alloc::vec::Vec<bool>>);
        impl Notify for Calling<'_> {
            fn notify(&self, _: &Word, count: u32) -> u32 {
                *self.1.lock().unwrap() += count;
                count
            }
        }
        impl Wait for Calling<'_> {
            fn now(&self) -> Deadline {
                Deadline::at(0)
            }
            fn wait(&self, word: &Word, _: u32, until: Deadline) {
                assert_ne!(until, Deadline::NEVER, "it looks from time to time");
                self.0.signal(self, 1);
                self.2.lock().unwrap().push(core::ptr::eq(word, self.0.epoch()));
            }
        }
        let event = Event::<0>::of_threads(u16::MAX.into(), 1);
        let platform = Calling(&event, Mutex::default(), Mutex::default());
        let mut looks = 0;
        let found = event.wait_until(&platform, Strategy::phased(0, 0), Deadline::NEVER, || {
            looks += 1;
            (looks == 4).then_some(7)
        });
        assert_eq!(found, Ok(7));
        assert_eq!(*platform.1.lock().unwrap(), 1, "the one that was not called by then");
        assert_eq!(*platform.2.lock().unwrap(), [false, false]);
    }
}
