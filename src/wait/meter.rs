//! What waiting costs, told to a hook of the platform.
//!
//! Nothing is told unless [`Wait::meter`](super::Wait::meter) says to which [`Meter`]. It names none by itself for any platform;
//! [`Metered`](super::Metered) puts [`Latencies`](super::Latencies) on any of them, and a meter of one's own may keep a histogram.

use core::fmt;
use core::time::Duration;

pub use crate::atomic::Role;

/// Is told of each wait when it is over, by the thread or task that waited. Several may do so at once.
///
/// It is told before the other side is signalled, so it must not wait. If it panics, the panic goes on in the call or the poll
/// that waited; an item that was received by that is dropped, and no wake-up is lost.
///
/// ```
/// use annulet::wait::{Meter, Waited};
/// use core::sync::atomic::{AtomicU32, Ordering};
///
/// /// Counts waits that were longer than a millisecond.
/// #[derive(Debug, Default)]
/// struct Slow(AtomicU32);
///
/// impl Meter for Slow {
///     fn record(&self, waited: &Waited) {
///         self.0.fetch_add(u32::from(waited.time.as_millis() > 0), Ordering::Relaxed);
///     }
/// }
/// ```
pub trait Meter: fmt::Debug {
    /// Records one wait.
    fn record(&self, waited: &Waited);
}

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// With what was waited for.
    Found,
    /// With nothing, by the deadline.
    TimedOut,
    /// With nothing, by something else: the channel was closed, a reader had lagged, a runner was stopped, a future was
    /// dropped.
    Ended,
}

/// One wait: a call that found nothing at first, or a future that was pending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Waited {
    /// How long it took.
    pub time: Duration,
    /// Ends of sleeps; and polls of a future after the first one that was pending, whatever they came from.
    pub wakes: u32,
    /// Of these, the ones after which there was nothing.
    pub spurious: u32,
    /// How it ended.
    pub outcome: Outcome,
}

impl Waited {
    /// Makes the record of one wait, as a test of a meter does.
    #[must_use]
    pub const fn new(time: Duration, wakes: u32, spurious: u32, outcome: Outcome) -> Self {
        Self { time, wakes, spurious, outcome }
    }
}
