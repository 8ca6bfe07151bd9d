//! Deadlines: instants of a monotonic clock, or never.

use core::time::Duration;

/// An instant of a monotonic clock in nanoseconds since its start, or [`NEVER`](Self::NEVER).
///
/// Absolute, because a relative time-out starts anew with every retry, so that a party that causes retries could stretch it.
/// The range is 584 years; what is later is never, which orders after all others. No operation overflows.
///
/// Which clock is the business of the platform ([`Wait::now`](super::Wait::now)). With feature `std` there is
/// `Deadline::after(span)` for the clock of `host`.
///
/// ```
/// use annulet::wait::Deadline;
/// use core::time::Duration;
///
/// let start = Deadline::at(1_000);
/// assert_eq!(start.plus(Duration::from_micros(2)), Deadline::at(3_000));
/// assert_eq!(start.plus(Duration::MAX), Deadline::NEVER);
/// ```
///
/// ```
/// use annulet::wait::Deadline;
/// use core::time::Duration;
///
/// let now = Deadline::at(1_000);
/// let later = now.plus(Duration::from_micros(1));
/// assert_eq!(later.nanos(), 2_000);
/// assert!(!later.has_come(now) && later.has_come(later));
/// assert_eq!(Deadline::NEVER.plus(Duration::from_secs(1)), Deadline::NEVER);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Deadline {
    /// `u64::MAX` is never.
    nanos: u64,
}

impl Deadline {
    /// The deadline that does not come.
    pub const NEVER: Self = Self { nanos: u64::MAX };

    /// Makes the deadline `nanos` after the clock's start; `u64::MAX` is never.
    #[must_use]
    pub const fn at(nanos: u64) -> Self {
        Self { nanos }
    }

    /// Returns the nanoseconds since the clock's start; `u64::MAX` for never.
    #[must_use]
    pub const fn nanos(self) -> u64 {
        self.nanos
    }

    /// Returns the deadline `span` later. It saturates to [`NEVER`](Self::NEVER).
    #[must_use]
    pub const fn plus(self, span: Duration) -> Self {
        let span = span.as_nanos();
        if span > u64::MAX as u128 {
            return Self::NEVER;
        }
        // Below 2⁶⁴, as was just seen.
        #[allow(clippy::cast_possible_truncation)]
        let span = span as u64;
        Self { nanos: self.nanos.saturating_add(span) }
    }

    /// Returns the time since `earlier`, or zero if that is later. [`NEVER`](Self::NEVER) saturates.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.nanos.saturating_sub(earlier.nanos))
    }

    /// Returns whether it has come by `now`. [`NEVER`](Self::NEVER) has not.
    #[must_use]
    pub const fn has_come(self, now: Self) -> bool {
        self.nanos != u64::MAX && now.nanos >= self.nanos
    }

    /// Returns the earlier of the two.
    #[must_use]
    pub fn earlier(self, other: Self) -> Self {
        self.min(other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn h13_no_deadline_overflows() {
        let now = Deadline::at(5);
        assert_eq!(now.plus(Duration::MAX), Deadline::NEVER);
        assert_eq!(now.plus(Duration::from_nanos(u64::MAX)), Deadline::NEVER);
        assert_eq!(now.plus(Duration::from_nanos(u64::MAX - 6)), Deadline::at(u64::MAX - 1));
        assert_eq!(Deadline::NEVER.plus(Duration::from_secs(1)), Deadline::NEVER);
        assert!(!Deadline::NEVER.has_come(Deadline::NEVER), "never does not come, whatever the clock says");
        assert!(now.has_come(now), "zero from now has come");
        assert!(Deadline::at(0).has_come(now), "the past has");
        assert!(!Deadline::at(6).has_come(now));
        assert_eq!(now.since(Deadline::at(9)), Duration::ZERO);
        assert_eq!(Deadline::at(9).since(now), Duration::from_nanos(4));
        assert_eq!(Deadline::NEVER.earlier(now), now);
        assert!(Deadline::NEVER > Deadline::at(u64::MAX - 1));
    }
}
