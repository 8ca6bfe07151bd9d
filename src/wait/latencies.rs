//! A meter that counts: waits, wakes and times.

use core::fmt;
use core::time::Duration;

use super::meter::{Meter, Outcome, Waited};
use crate::stats::wide;
use crate::sync::{AtomicU64, const_fn};

/// What [`Latencies`] have counted: each number exact, read one after the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// Calls that found nothing at first, and waited; and futures that were pending.
    pub waits: u64,
    /// Of these, the ones that [timed out](Outcome::TimedOut).
    pub timeouts: u64,
    /// Of these, the ones that [ended otherwise](Outcome::Ended).
    pub ended: u64,
    /// Ends of sleeps; and polls of a future after the first one that was pending, whatever they came from.
    pub wakes: u64,
    /// Of these, the ones after which there was nothing.
    pub spurious: u64,
    /// Time in waits, those that ended without anything included.
    pub time: Duration,
    /// The shortest time from the first look to the batch that it ended with; `None` before the first one.
    pub shortest: Option<Duration>,
    /// The longest.
    pub longest: Option<Duration>,
    /// All of them together.
    pub latency: Duration,
}

impl Summary {
    /// Returns the mean time from the first look to the batch; `None` before the first one.
    #[must_use]
    pub fn mean(&self) -> Option<Duration> {
        let batches = self.waits.saturating_sub(self.timeouts).saturating_sub(self.ended);
        let nanos = self.latency.as_nanos().checked_div(u128::from(batches))?;
        Some(Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX)))
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { waits, timeouts, ended, wakes, spurious, time, .. } = self;
        write!(f, "{waits} waits ({timeouts} timed out, {ended} ended otherwise), ")?;
        write!(f, "{wakes} wakes ({spurious} spurious), {time:?} in all")?;
        if let (Some(shortest), Some(mean), Some(longest)) = (self.shortest, self.mean(), self.longest) {
            write!(f, "; latency {shortest:?} / {mean:?} / {longest:?} (min / mean / max)")?;
        }
        Ok(())
    }
}

/// Counts waits, wakes and times, of threads and of tasks. Numbers wrap at 64 bits.
///
/// For targets that have atomics of 64 bits.
#[derive(Debug)]
#[repr(C)]
pub struct Latencies {
    waits: AtomicU64,
    timeouts: AtomicU64,
    ended: AtomicU64,
    wakes: AtomicU64,
    spurious: AtomicU64,
    nanos: AtomicU64,
    latency: AtomicU64,
    longest: AtomicU64,
    /// Zero is "none yet", so the shortest is kept as how far it is below the largest number.
    shortest: AtomicU64,
}

impl Default for Latencies {
    fn default() -> Self {
        Self::new()
    }
}

impl Latencies {
    const_fn! {
        /// Makes a meter that has counted nothing.
        #[must_use]
        pub const fn new() -> Self {
            Self {
                waits: AtomicU64::new(0),
                timeouts: AtomicU64::new(0),
                ended: AtomicU64::new(0),
                wakes: AtomicU64::new(0),
                spurious: AtomicU64::new(0),
                nanos: AtomicU64::new(0),
                latency: AtomicU64::new(0),
                longest: AtomicU64::new(0),
                shortest: AtomicU64::new(0),
            }
        }
    }

    /// Returns what was counted so far. It can be read at any time.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let shortest = wide::read(&self.shortest);
        let any = shortest > 0;
        Summary {
            waits: wide::read(&self.waits),
            timeouts: wide::read(&self.timeouts),
            ended: wide::read(&self.ended),
            wakes: wide::read(&self.wakes),
            spurious: wide::read(&self.spurious),
            time: Duration::from_nanos(wide::read(&self.nanos)),
            latency: Duration::from_nanos(wide::read(&self.latency)),
            shortest: any.then(|| Duration::from_nanos(u64::MAX - shortest)),
            longest: any.then(|| Duration::from_nanos(wide::read(&self.longest))),
        }
    }
}

impl Meter for Latencies {
    fn record(&self, waited: &Waited) {
        let nanos = u64::try_from(waited.time.as_nanos()).unwrap_or(u64::MAX);
        wide::add(&self.wakes, u64::from(waited.wakes));
        wide::add(&self.spurious, u64::from(waited.spurious));
        wide::add(&self.nanos, nanos);
        match waited.outcome {
            Outcome::Found => {
                wide::add(&self.latency, nanos);
                wide::raise(&self.longest, nanos);
                // The largest number itself would read as none.
                wide::raise(&self.shortest, u64::MAX - nanos.min(u64::MAX - 1));
            }
            Outcome::TimedOut => wide::add(&self.timeouts, 1),
            Outcome::Ended => wide::add(&self.ended, 1),
        }
        wide::add(&self.waits, 1);
    }
}
