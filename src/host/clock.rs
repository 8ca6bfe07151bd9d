//! The clock of everything here that waits: `CLOCK_MONOTONIC`.

use core::time::Duration;

use annulet_platform::clock;

use crate::wait::Deadline;

/// With feature `std`, on the clock of [`Futex`](super::Futex) and of all of [`host`](super).
impl Deadline {
    /// This instant: a wait with this deadline looks once and does not sleep.
    #[must_use]
    pub fn now() -> Self {
        Self::at(clock::now())
    }

    /// The instant `span` from now. A span that leaves the range gives [`NEVER`](Self::NEVER).
    #[must_use]
    pub fn after(span: Duration) -> Self {
        Self::now().plus(span)
    }

    /// Returns whether the deadline has come. [`NEVER`](Self::NEVER) has not.
    #[must_use]
    pub fn is_past(self) -> bool {
        self != Self::NEVER && self.has_come(Self::now())
    }

    /// The time left: zero when past, `None` when there is no deadline.
    #[must_use]
    pub fn remaining(self) -> Option<Duration> {
        (self != Self::NEVER).then(|| self.since(Self::now()))
    }
}

/// With feature `std`: the nanoseconds of the monotonic clock.
impl From<Deadline> for u64 {
    fn from(deadline: Deadline) -> Self {
        deadline.nanos()
    }
}
