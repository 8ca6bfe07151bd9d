//! What waiting costs: a hook of the platform, and what is ready to be hung on it.
//!
//! Nothing is counted unless [`Wait::meter`] says where. It says so by itself for no platform; [`Metered`] puts [`Latencies`] on
//! any of them, and a [`Meter`] of one's own may keep a histogram.

use core::fmt;
use core::time::Duration;

use super::{Deadline, Wait};
#[cfg(target_has_atomic = "64")]
use super::{Notify, Word};
pub use crate::atomic::Role;
#[cfg(target_has_atomic = "64")]
use crate::{
    stats::wide,
    sync::{AtomicU64, const_fn},
};

/// Is told of each wait when it is over, by the thread or task that waited. Several may do so at once.
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

/// A wait under way, if anything is to be told of it.
#[derive(Debug)]
pub(crate) struct Waiting {
    begun: Option<Deadline>,
    wakes: u32,
    spurious: u32,
    /// Woken, and not looked since.
    woken: bool,
}

impl Waiting {
    pub(crate) const NOT_YET: Self = Self { begun: None, wakes: 0, spurious: 0, woken: false };

    /// Begins now, if a meter is there.
    pub(super) fn begin(wait: &impl Wait, role: Option<Role>) -> Self {
        let meter = role.and_then(|role| wait.meter(role));
        Self { begun: meter.map(|_| wait.now()), ..Self::NOT_YET }
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

    /// A task's poll has found nothing.
    pub(crate) fn pended(&mut self, wait: &impl Wait, role: Role) {
        if self.begun.is_some() {
            self.woke();
            self.looked();
        } else {
            *self = Self::begin(wait, Some(role));
        }
    }

    /// A task's wait is over, if it was one.
    pub(crate) fn settled(&mut self, wait: &impl Wait, role: Role, outcome: Outcome) {
        if outcome == Outcome::Found {
            // By the poll that has found it.
            self.woke();
        }
        core::mem::replace(self, Self::NOT_YET).end(wait, Some(role), outcome);
    }

    pub(super) fn end(&self, wait: &impl Wait, role: Option<Role>, outcome: Outcome) {
        if let (Some(begun), Some(meter)) = (self.begun, role.and_then(|role| wait.meter(role))) {
            let time = wait.now().since(begun);
            meter.record(&Waited { time, wakes: self.wakes, spurious: self.spurious, outcome });
        }
    }
}

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
impl Default for Latencies {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(target_has_atomic = "64")]
impl Latencies {
    const_fn! {
        /// Nothing was counted yet.
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

#[cfg(target_has_atomic = "64")]
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

/// A platform whose waits are counted: those of senders, and those of receivers.
///
/// For targets that have atomics of 64 bits.
///
/// ```
/// # #[cfg(feature = "std")] {
/// use annulet::{Channel, Spsc, host::Futex, wait::Metered};
/// use std::time::Duration;
///
/// static READINGS: Channel<Spsc<u32, 8>, Metered<Futex>> = Channel::new(Spsc::new(), Metered::new(Futex::new()));
///
/// let (_tx, mut rx) = READINGS.try_split().unwrap();
/// rx.recv_timeout(Duration::from_millis(1)).unwrap_err();
/// assert_eq!(READINGS.platform().receivers().summary().timeouts, 1);
/// assert_eq!(READINGS.platform().senders().summary().waits, 0);
/// # }
/// ```
#[cfg(target_has_atomic = "64")]
#[derive(Debug, Default)]
#[repr(C)]
pub struct Metered<W> {
    wait: W,
    senders: Latencies,
    receivers: Latencies,
}

#[cfg(target_has_atomic = "64")]
impl<W> Metered<W> {
    const_fn! {
        /// This platform, and nothing counted yet.
        #[must_use]
        pub const fn new(wait: W) -> Self {
            Self { wait, senders: Latencies::new(), receivers: Latencies::new() }
        }
    }

    /// Returns what senders have waited for room.
    #[must_use]
    pub const fn senders(&self) -> &Latencies {
        &self.senders
    }

    /// Returns what receivers have waited for items.
    #[must_use]
    pub const fn receivers(&self) -> &Latencies {
        &self.receivers
    }
}

#[cfg(target_has_atomic = "64")]
impl<W: Notify> Notify for Metered<W> {
    fn notify(&self, word: &Word, count: u32) -> u32 {
        self.wait.notify(word, count)
    }
    fn has_process_fence(&self) -> bool {
        self.wait.has_process_fence()
    }
}

#[cfg(target_has_atomic = "64")]
impl<W: Wait> Wait for Metered<W> {
    fn now(&self) -> Deadline {
        self.wait.now()
    }
    fn wait(&self, word: &Word, seen: u32, until: Deadline) {
        self.wait.wait(word, seen, until);
    }
    fn process_fence(&self) -> bool {
        self.wait.process_fence()
    }
    fn yield_now(&self) {
        self.wait.yield_now();
    }
    fn default_strategy(&self) -> super::Strategy {
        self.wait.default_strategy()
    }
    fn meter(&self, role: Role) -> Option<&dyn Meter> {
        Some(match role {
            Role::Sender => &self.senders,
            Role::Receiver => &self.receivers,
        })
    }
}
