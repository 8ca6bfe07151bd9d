//! The clock of a platform that is told which one to use.

use super::Deadline;

/// A clock for deadlines. A function that returns the current time is one: `fn() -> Deadline`.
///
/// ```
/// use annulet::wait::{Clock, Deadline};
///
/// /// Milliseconds since the start, as an interrupt handler counts them.
/// fn ticks() -> u64 { 7 }
///
/// fn uptime() -> Deadline {
///     Deadline::at(ticks() * 1_000_000)
/// }
/// assert_eq!(uptime.now(), Deadline::at(7_000_000));
/// ```
pub trait Clock {
    /// Whether time passes. Without it, calls with a time-out do not compile: see [`NoClock`].
    const TICKS: bool = true;

    /// Returns the current time. It does not go back.
    fn now(&self) -> Deadline;
}

impl<F: Fn() -> Deadline> Clock for F {
    #[inline]
    fn now(&self) -> Deadline {
        self()
    }
}

/// No clock, for programs without deadlines.
///
/// Its time stands still at zero, so no deadline ever comes but `Deadline::at(0)`. A call with a time-out would wait without
/// one. So it does not compile: the error comes when the program is built, not from `cargo check`. What is left:
///
/// | | without a clock |
/// |---|---|
/// | `send_timeout`, `recv_timeout` and their like | do not compile |
/// | `send_deadline`, `recv_deadline` and their like | `NEVER` waits, `at(0)` has come, and nothing else ever comes |
/// | [`Strategy::sleep`](super::Strategy::sleep) | sleeps until any interrupt, however short, in place of a fixed time |
/// | [`Strategy::timed`](super::Strategy::timed) | looks after each interrupt, as `block` does |
/// | a [`Meter`](super::Meter) | is told that each wait took no time |
#[derive(Clone, Copy, Debug, Default)]
#[allow(clippy::exhaustive_structs)] // nothing is in it
pub struct NoClock;

impl Clock for NoClock {
    const TICKS: bool = false;

    #[inline]
    fn now(&self) -> Deadline {
        Deadline::at(0)
    }
}

/// Fails to compile if there is no clock: for a time-out.
#[cfg(processor)]
#[inline(always)]
pub(super) const fn needs_clock<C: Clock>() {
    const {
        assert!(
            C::TICKS,
            "a call with a time-out needs a clock: make the platform by `with_clock`, or call without a time-out"
        );
    }
}
