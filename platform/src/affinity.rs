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

/// Returns the processors that the calling thread may run on, in ascending order.
///
/// # Errors
///
/// `InvalidInput` on a machine with more than 1024 processors, whose set does not fit the interface used here.
pub fn allowed() -> io::Result<Vec<usize>> {
    let set = sched_getaffinity(None)?;
    Ok((0..CpuSet::MAX_CPU).filter(|&cpu| set.is_set(cpu)).collect())
}

/// Returns whether there is only one processor, so that a thread that spins keeps every other one from running.
///
/// It takes together the processors of the first process of this system or container, of this process's first thread, and of
/// the calling thread. So a pinned thread is not taken for a system of one processor: the thread it waits for may have another.
///
/// It makes system calls only. `std::thread::available_parallelism` opens files and allocates, since it reads the quotas of
/// control groups. Those are no reason not to spin: until they are used up, threads run at the same time.
#[must_use]
pub fn is_uniprocessor() -> bool {
    let sets = [Some(Pid::INIT), Some(getpid()), None].map(sched_getaffinity);
    let known = || sets.iter().flatten();
    (0..CpuSet::MAX_CPU).filter(|&cpu| known().any(|set| set.is_set(cpu))).take(2).count() == 1
}

/// Returns the processor that the calling thread runs on. It may have moved by then, unless [`pin_current`] holds it.
#[must_use]
pub fn current_cpu() -> usize {
    sched_getcpu()
}
