//! Which processors the calling thread runs on.

use std::io;

use rustix::process::{Pid, getpid};
use rustix::thread::{CpuSet, sched_getaffinity, sched_getcpu, sched_setaffinity};

/// Restricts the calling thread, and threads it starts later, to processor `cpu` (numbered from zero, as the kernel
/// does).
///
/// # Errors
///
/// `InvalidInput` when `cpu` is beyond what the kernel interface can name (1024), absent, offline or outside the
/// set this process may use.
pub fn pin_current(cpu: usize) -> io::Result<()> {
    if cpu >= CpuSet::MAX_CPU {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "processor number out of range"));
    }
    let mut set = CpuSet::new();
    set.set(cpu);
    Ok(sched_setaffinity(None, &set)?)
}

/// The processors the calling thread may run on, in ascending order.
///
/// # Errors
///
/// `InvalidInput` on a machine with more than 1024 processors, whose set does not fit the interface used here.
pub fn allowed() -> io::Result<Vec<usize>> {
    let set = sched_getaffinity(None)?;
    Ok((0..CpuSet::MAX_CPU).filter(|&cpu| set.is_set(cpu)).collect())
}

/// Whether there is one processor only, so that whoever a thread spins for cannot run meanwhile.
///
/// What counts is where the first process of this system or container, this process's first thread or the calling thread
/// may run, all taken together. A thread that is pinned is thus not taken for one that is alone: the one it waits for may
/// have a processor of its own.
///
/// System calls only: no file is opened and nothing allocated, as `std::thread::available_parallelism` would, which reads
/// the quotas of control groups. Those are no reason not to spin: others run at the same time until they are used up.
#[must_use]
pub fn is_uniprocessor() -> bool {
    let sets = [Some(Pid::INIT), Some(getpid()), None].map(sched_getaffinity);
    let known = || sets.iter().flatten();
    (0..CpuSet::MAX_CPU).filter(|&cpu| known().any(|set| set.is_set(cpu))).take(2).count() == 1
}

/// The processor the calling thread runs on right now. It may have moved by the time this returns, unless
/// [`pin_current`] holds it.
#[must_use]
pub fn current_cpu() -> usize {
    sched_getcpu()
}
