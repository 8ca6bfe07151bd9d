//! The operating system's monotonic clock: that of `host` and of [`ParkingLot`](super::ParkingLot).

use core::time::Duration;
#[cfg(not(target_os = "linux"))]
use std::{sync::OnceLock, time::Instant};

use super::Deadline;

// On Linux, `host` has the kernel's own number of the instant.
#[cfg(not(target_os = "linux"))]
impl Deadline {
    /// Returns this instant, counted from the first call in this process: an `Instant` has no number.
    pub(crate) fn of_the_system() -> Self {
        static START: OnceLock<Instant> = OnceLock::new();
        Self::at(0).plus(START.get_or_init(Instant::now).elapsed())
    }
}

/// With feature `std`, on Unix and Windows: on the clock of [`ParkingLot`](super::ParkingLot), and on Linux of `host`, too.
#[cfg_attr(docsrs, doc(cfg(feature = "std")))]
impl Deadline {
    /// Returns this instant. A wait with this deadline looks once and does not sleep.
    #[must_use]
    pub fn now() -> Self {
        Self::of_the_system()
    }

    /// Returns the instant `span` from now, or [`NEVER`](Self::NEVER) if that is out of range.
    #[must_use]
    pub fn after(span: Duration) -> Self {
        Self::now().plus(span)
    }

    /// Returns whether the deadline has come. [`NEVER`](Self::NEVER) has not.
    #[must_use]
    pub fn is_past(self) -> bool {
        self != Self::NEVER && self.has_come(Self::now())
    }

    /// Returns the time left: zero if it is past, `None` if there is no deadline.
    #[must_use]
    pub fn remaining(self) -> Option<Duration> {
        (self != Self::NEVER).then(|| self.since(Self::now()))
    }
}

/// With feature `std`: the nanoseconds of the monotonic clock.
#[cfg_attr(docsrs, doc(cfg(feature = "std")))]
impl From<Deadline> for u64 {
    fn from(deadline: Deadline) -> Self {
        deadline.nanos()
    }
}
