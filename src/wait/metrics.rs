//! What waiting costs, counted: nothing, or latencies.

use core::fmt;
use core::time::Duration;

use super::{Deadline, Wait};
use crate::stats::Off;
#[cfg(target_has_atomic = "64")]
use crate::{stats::wide, sync::AtomicU64};

/// What is told of each wait. Sealed: [`Off`] is told nothing, and takes no room and no time; `Latencies` counts, on
/// targets that have atomics of 64 bits.
pub trait Meter: sealed::Sealed {}

pub(crate) mod sealed {
    use super::Wait;

    /// What a wait came to.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Outcome {
        Found,
        TimedOut,
        /// Anything else: nothing will come any more, or who waited does not want it any more.
        Ended,
    }

    /// One call, or one future, that had to wait.
    #[derive(Clone, Copy, Debug)]
    pub struct Told {
        pub nanos: u64,
        pub wakes: u32,
        pub spurious: u32,
        pub outcome: Outcome,
    }

    pub trait Sealed: Send + Sync + core::fmt::Debug {
        /// Whether the clock is to be read.
        const ON: bool;
        /// The meter that was told nothing yet.
        const NEW: Self;
        fn told(&self, told: Told);

        /// What a task keeps of its wait from one poll to the next; no room where nothing is told.
        type Waited: core::fmt::Debug + Send + Sync;
        const NOT_YET: Self::Waited;
        /// A poll has found nothing.
        fn pended(waited: &mut Self::Waited, wait: &impl Wait);
        /// The wait is over, if it was one.
        fn settled(&self, waited: &mut Self::Waited, wait: &impl Wait, outcome: Outcome);
    }
}
pub(crate) use sealed::Outcome;
use sealed::Told;

impl Meter for Off {}
impl sealed::Sealed for Off {
    const ON: bool = false;
    const NEW: Self = Self(());
    #[inline(always)]
    fn told(&self, _: Told) {}

    type Waited = ();
    const NOT_YET: () = ();
    #[inline(always)]
    fn pended((): &mut (), _: &impl Wait) {}
    #[inline(always)]
    fn settled(&self, (): &mut (), _: &impl Wait, _: Outcome) {}
}

/// One wait under way.
// Part of what `Latencies` is, where that is.
#[cfg_attr(not(target_has_atomic = "64"), allow(unreachable_pub))]
#[derive(Debug)]
pub struct Waited {
    begun: Option<Deadline>,
    wakes: u32,
    spurious: u32,
    /// Woken, and not looked since.
    woken: bool,
}

impl Waited {
    pub(super) fn begin<M: Meter>(wait: &impl Wait) -> Self {
        Self { begun: M::ON.then(|| wait.now()), wakes: 0, spurious: 0, woken: false }
    }

    /// A sleep is over.
    pub(super) fn woke(&mut self) {
        self.wakes = self.wakes.saturating_add(1);
        self.woken = true;
    }

    /// There was nothing.
    pub(super) fn looked(&mut self) {
        if core::mem::take(&mut self.woken) {
            self.spurious = self.spurious.saturating_add(1);
        }
    }

    pub(super) fn end(&self, meter: &impl Meter, wait: &impl Wait, outcome: Outcome) {
        if let Some(begun) = self.begun {
            let nanos = u64::try_from(wait.now().since(begun).as_nanos()).unwrap_or(u64::MAX);
            meter.told(Told { nanos, wakes: self.wakes, spurious: self.spurious, outcome });
        }
    }
}

/// What a meter was told: each number exact, read one after the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// Calls that found nothing at first, and waited; and futures that were pending.
    pub waits: u64,
    /// Of these, the ones that ended without anything by the deadline.
    pub timeouts: u64,
    /// Of these, the ones that ended without anything by something else: the channel was closed, a reader had lagged, a
    /// runner was stopped, a future was dropped.
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
    /// The mean time from the first look to the batch; `None` before the first one.
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
#[cfg(target_has_atomic = "64")]
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

#[cfg(target_has_atomic = "64")]
impl Latencies {
    /// What it was told so far. It can be read at any time.
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

#[cfg(target_has_atomic = "64")]
impl Meter for Latencies {}
#[cfg(target_has_atomic = "64")]
impl sealed::Sealed for Latencies {
    const ON: bool = true;
    #[allow(clippy::declare_interior_mutable_const)] // the initial value of something made in a constant
    const NEW: Self = Self {
        waits: AtomicU64::new(0),
        timeouts: AtomicU64::new(0),
        ended: AtomicU64::new(0),
        wakes: AtomicU64::new(0),
        spurious: AtomicU64::new(0),
        nanos: AtomicU64::new(0),
        latency: AtomicU64::new(0),
        longest: AtomicU64::new(0),
        shortest: AtomicU64::new(0),
    };

    fn told(&self, told: Told) {
        wide::add(&self.wakes, u64::from(told.wakes));
        wide::add(&self.spurious, u64::from(told.spurious));
        wide::add(&self.nanos, told.nanos);
        match told.outcome {
            Outcome::Found => {
                wide::add(&self.latency, told.nanos);
                wide::raise(&self.longest, told.nanos);
                // The largest number itself would read as none.
                wide::raise(&self.shortest, u64::MAX - told.nanos.min(u64::MAX - 1));
            }
            Outcome::TimedOut => wide::add(&self.timeouts, 1),
            Outcome::Ended => wide::add(&self.ended, 1),
        }
        wide::add(&self.waits, 1);
    }

    type Waited = Option<Waited>;
    const NOT_YET: Option<Waited> = None;

    fn pended(waited: &mut Option<Waited>, wait: &impl Wait) {
        match waited {
            Some(waited) => {
                waited.woke();
                waited.looked();
            }
            None => *waited = Some(Waited::begin::<Self>(wait)),
        }
    }

    fn settled(&self, waited: &mut Option<Waited>, wait: &impl Wait, outcome: Outcome) {
        if let Some(mut waited) = waited.take() {
            if outcome == Outcome::Found {
                // By the poll that has found it.
                waited.woke();
            }
            waited.end(self, wait, outcome);
        }
    }
}
