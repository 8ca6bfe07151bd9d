//! Waiting for an event, on Arm.

use core::time::Duration;

use super::instructions;
use crate::wait::clock::{Clock, NoClock, needs_clock};
use crate::wait::{Deadline, Notify, Wait, Word};

/// Waits for an event: `wfe`, and `sev` for each signal that finds a waiter.
///
/// Interrupts stay on, and a signal may come from another processor that shares events with this one. The [module](super)
/// says what else it needs. A signal that comes after the look sets the event register, and then the sleep takes that, and
/// is none.
///
/// Anything else of the program that uses `sev` or `wfe` ends sleeps early, or is ended early by signals.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wfe<C = NoClock> {
    clock: C,
}

impl Wfe {
    /// Makes one without a clock, for programs without deadlines: see [`NoClock`].
    #[must_use]
    pub const fn new() -> Self {
        Self { clock: NoClock }
    }
}

impl<C: Clock> Wfe<C> {
    /// Makes one whose deadlines are by this clock.
    #[must_use]
    pub const fn with_clock(clock: C) -> Self {
        Self { clock }
    }
}

impl<C: Clock> Notify for Wfe<C> {
    /// Wakes every processor that waits for an event. It does not know how many do.
    fn notify(&self, _: &Word, _: u32) -> u32 {
        instructions::send_event();
        0
    }
}

impl<C: Clock> Wait for Wfe<C> {
    #[inline]
    fn now(&self) -> Deadline {
        self.clock.now()
    }

    fn after(&self, span: Duration) -> Deadline {
        needs_clock::<C>();
        self.clock.now().plus(span)
    }

    /// Sleeps until the next event, whichever it is.
    fn wait(&self, word: &Word, seen: u32, _: Deadline) {
        if word.get() == seen {
            instructions::wait_for_event();
        }
    }

    /// Without a clock, sleeps until the next event.
    fn sleep_until(&self, until: Deadline) {
        while !until.has_come(self.clock.now()) {
            instructions::wait_for_event();
            if !C::TICKS {
                break;
            }
        }
    }
}
