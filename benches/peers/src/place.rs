//! Where the threads of a measurement run, and whether they were left alone.

use core::time::Duration;
use std::sync::LazyLock;

/// How many processors a measurement uses.
pub(crate) const PROCESSORS: usize = 2;

/// The two processors, or `None` where there are fewer, or no way to choose.
static FOUND: LazyLock<Option<[usize; PROCESSORS]>> = LazyLock::new(find);

/// The processors of the two sides, as the first caller may use them. A thread that is pinned already sees only
/// its own, so this is asked before any thread is started.
pub(crate) fn processors() -> Option<[usize; PROCESSORS]> {
    *FOUND
}

#[cfg(target_os = "linux")]
fn find() -> Option<[usize; PROCESSORS]> {
    match annulet_platform::affinity::allowed().ok()?[..] {
        [first, second, ..] => Some([first, second]),
        _ => None,
    }
}

#[cfg(not(target_os = "linux"))]
fn find() -> Option<[usize; PROCESSORS]> {
    None
}

/// Puts the calling thread on the processor of `side` (0 sends, 1 receives).
#[cfg(target_os = "linux")]
pub(crate) fn pin(side: usize) {
    let Some(processors) = processors() else { return };
    if let Err(error) = annulet_platform::affinity::pin_current(processors[side]) {
        eprintln!("not pinned to processor {}: {error}", processors[side]);
    }
}

/// No way to choose.
#[cfg(not(target_os = "linux"))]
pub(crate) fn pin(_: usize) {}

/// How long the calling thread has had to wait for its processor so far, while others ran on it. Zero where the
/// system does not tell.
pub(crate) fn waited() -> Duration {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(told.split(' ').nth(1).and_then(|waited| waited.parse().ok()).unwrap_or(0))
}

/// What became of a thread's time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    /// It had a processor.
    pub(crate) ran: Duration,
    /// It could have run, and others did.
    pub(crate) waited: Duration,
}

impl Times {
    pub(crate) fn since(self, before: Self) -> Self {
        Self { ran: self.ran.saturating_sub(before.ran), waited: self.waited.saturating_sub(before.waited) }
    }
}

/// What became of the calling thread's time so far, where the system tells.
#[cfg(target_os = "linux")]
pub(crate) fn times() -> Option<Times> {
    // In this order, so that what asking costs counts as time in which the thread ran, if at all.
    let waited = waited();
    let ran = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Some(Times { ran: Duration::try_from(ran).ok()?, waited })
}

/// It does not.
#[cfg(not(target_os = "linux"))]
pub(crate) fn times() -> Option<Times> {
    None
}
