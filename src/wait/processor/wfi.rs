//! Waiting for an interrupt.

use core::time::Duration;

use super::instructions;
use crate::wait::clock::{Clock, NoClock, needs_clock};
use crate::wait::{Deadline, Notify, Wait, Word};

/// Waits for an interrupt: `wfi`, or `hlt` on x86-64.
///
/// For one processor whose interrupt handlers signal what its one thread of execution waits for. The [module](super) says what
/// that needs.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wfi<C = NoClock> {
    clock: C,
}

impl Wfi {
    /// Makes one without a clock, for programs without deadlines: see [`NoClock`].
    #[must_use]
    pub const fn new() -> Self {
        Self { clock: NoClock }
    }
}

impl<C: Clock> Wfi<C> {
    /// Makes one whose deadlines are by this clock.
    #[must_use]
    pub const fn with_clock(clock: C) -> Self {
        Self { clock }
    }
}

impl<C: Clock> Notify for Wfi<C> {
    /// The signaller is a handler, whose interrupt has ended the sleep.
    #[inline]
    fn notify(&self, _: &Word, _: u32) -> u32 {
        0
    }
}

impl<C: Clock> Wait for Wfi<C> {
    #[inline]
    fn now(&self) -> Deadline {
        self.clock.now()
    }

    fn after(&self, span: Duration) -> Deadline {
        needs_clock::<C>();
        self.clock.now().plus(span)
    }

    /// Sleeps until the next interrupt, whichever it is.
    fn wait(&self, word: &Word, seen: u32, _: Deadline) {
        sleep_while(word, seen);
    }

    /// Without a clock, sleeps until the next interrupt.
    fn sleep_until(&self, until: Deadline) {
        let word = Word::new();
        while !until.has_come(self.clock.now()) {
            sleep_while(&word, 0);
            if !C::TICKS {
                break;
            }
        }
    }
}

/// Sleeps until the next interrupt, if the word still holds that.
// A function of its own, so that `.ci/bare` finds it: interrupts off, the load, the sleep, interrupts as they were. If the
// load is a critical section of its own, that leaves them off, as it has found them.
#[inline(never)]
fn sleep_while(word: &Word, seen: u32) {
    let before = instructions::interrupts_off();
    if word.get() == seen {
        instructions::sleep(before);
    } else {
        instructions::restore(before);
    }
}
