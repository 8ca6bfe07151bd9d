//! The clock of all waits: nanoseconds of `CLOCK_MONOTONIC`.
//!
//! A relative time-out restarts with every retry, so a peer that causes retries could stretch it. An absolute deadline cannot
//! be stretched.

use core::time::Duration;

use rustix::time::{ClockId, Timespec, clock_gettime};

const NANOS_PER_SEC: u64 = 1_000_000_000;

/// An instant of `CLOCK_MONOTONIC`, or never.
///
/// The resolution is one nanosecond, and the range is 584 years after boot. Later instants are [`Deadline::NEVER`], which
/// orders after every other deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Deadline {
    /// Nanoseconds since the clock's start; `u64::MAX` is never.
    nanos: u64,
}

impl Deadline {
    /// The deadline that never comes.
    pub const NEVER: Self = Self { nanos: u64::MAX };

    /// Returns the instant that many nanoseconds after the clock's start. `u64::MAX` is never.
    #[must_use]
    pub const fn at(nanos: u64) -> Self {
        Self { nanos }
    }

    /// Returns the nanoseconds since the clock's start, or `u64::MAX` for never.
    #[must_use]
    pub const fn nanos(self) -> u64 {
        self.nanos
    }

    /// Returns this instant. A wait with this deadline looks once and does not sleep.
    #[must_use]
    pub fn now() -> Self {
        let now = clock_gettime(ClockId::Monotonic);
        // The monotonic clock starts at zero; a negative reading cannot be, and would mean "long past".
        let secs = u64::try_from(now.tv_sec).unwrap_or(0);
        let nanos = u64::try_from(now.tv_nsec).unwrap_or(0);
        Self { nanos: secs.saturating_mul(NANOS_PER_SEC).saturating_add(nanos) }
    }

    /// Returns the instant `span` from now, or [`Deadline::NEVER`] if that is out of range.
    #[must_use]
    pub fn after(span: Duration) -> Self {
        let span = u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
        Self { nanos: Self::now().nanos.saturating_add(span) }
    }

    /// Returns whether the deadline has come. [`Deadline::NEVER`] has not.
    #[must_use]
    pub fn is_past(self) -> bool {
        // The clock does not come to `NEVER`.
        Self::now() >= self
    }

    /// Returns the time left: zero if it is past, `None` if there is no deadline.
    #[must_use]
    pub fn remaining(self) -> Option<Duration> {
        if self == Self::NEVER {
            return None;
        }
        Some(Duration::from_nanos(self.nanos.saturating_sub(Self::now().nanos)))
    }

    /// Returns the deadline that comes first.
    #[must_use]
    pub fn earlier(self, other: Self) -> Self {
        self.min(other)
    }

    /// Returns the absolute time for the kernel. `None` waits without limit.
    pub(crate) fn absolute(self) -> Option<Timespec> {
        (self != Self::NEVER).then(|| timespec(self.nanos))
    }

    /// Returns the time left, for the kernel. `None` waits without limit.
    pub(crate) fn relative(self) -> Option<Timespec> {
        (self != Self::NEVER).then(|| timespec(self.nanos.saturating_sub(Self::now().nanos)))
    }
}

/// Returns whether the deadline has come. [`NEVER`] has not.
#[must_use]
pub fn is_past(deadline: u64) -> bool {
    // The clock does not come to `NEVER`.
    now() >= deadline
}

/// Returns the time left: zero when past, `None` when there is no deadline.
#[must_use]
pub fn remaining(deadline: u64) -> Option<Duration> {
    (deadline != NEVER).then(|| Duration::from_nanos(deadline.saturating_sub(now())))
}

/// Returns the absolute time for the kernel; `None` waits without limit.
pub(crate) fn absolute(deadline: u64) -> Option<Timespec> {
    (deadline != NEVER).then(|| timespec(Duration::from_nanos(deadline)))
}

/// Returns the span for the kernel.
pub(crate) fn timespec(span: Duration) -> Timespec {
    // A deadline has no more than 1.8e10 seconds, so neither field overflows its type.
    let secs = i64::try_from(span.as_secs()).unwrap_or(i64::MAX);
    Timespec { tv_sec: secs, tv_nsec: span.subsec_nanos() as _ }
}

fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(NEVER)
}
