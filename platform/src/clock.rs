//! The clock of all waits: nanoseconds of `CLOCK_MONOTONIC`.
//!
//! A deadline is an instant of it, and [`NEVER`] is none. It is absolute: a relative time-out restarts with every retry, so a
//! peer that causes retries could stretch it. Calls take `impl Into<u64>`, for the deadline types of their callers.
//!
//! The range is 584 years after boot.

use core::time::Duration;

use rustix::time::{ClockId, Timespec, clock_gettime};

const NANOS_PER_SEC: u64 = 1_000_000_000;

/// The deadline that does not come.
pub const NEVER: u64 = u64::MAX;

/// Returns this instant: a wait with this deadline looks once and does not sleep.
#[must_use]
pub fn now() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    // The monotonic clock starts at zero; a negative reading cannot be, and would mean "long past".
    let secs = u64::try_from(now.tv_sec).unwrap_or(0);
    let nanos = u64::try_from(now.tv_nsec).unwrap_or(0);
    secs.saturating_mul(NANOS_PER_SEC).saturating_add(nanos)
}

/// Returns the instant `span` from now. A span that leaves the range gives [`NEVER`].
#[must_use]
pub fn after(span: Duration) -> u64 {
    now().saturating_add(nanos(span))
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
