//! The thread that closes descriptors that strangers have made.
//!
//! The maker of a descriptor can keep `close` from returning for as long as it likes. It can use a connection with unsent data
//! that lingers (`SO_LINGER`), gigabytes behind a memory file, a file of a filesystem that is a program (FUSE), or any of them
//! queued in a socket. No check tells such a descriptor from another one. So [`discard`] closes nothing itself: it gives the
//! descriptors to one thread, which closes them one by one.
//!
//! # Guarantees
//!
//! | | |
//! |---|---|
//! | threads | one for the process; it starts with the first descriptor, and ends after an idle second |
//! | deadlines | a caller waits for that thread at most a second, and never past its deadline |
//! | no thread | the descriptors stay queued, open, until a later call can start one |
//! | a bound | while a quarter of this process's descriptors wait to be closed, [`wait_for_room`] refuses |
//! | messages | while it refuses, [`fdpass::recv`] takes none |
//!
//! A descriptor that does not close holds up those behind it. So a stranger can bring the process to the bound, and keep it
//! there until it lets go. Descriptors that are given to [`discard`] all the same are queued on top. A server that waits for
//! room before it accepts a connection has a bounded number of them.
//!
//! # Forking
//!
//! A forked child has no such thread, and copies of what was queued. It starts a thread of its own with the first descriptor
//! that it discards, and closes the copies as well. As for every lock of the standard library, a child that was forked while
//! another thread held the queue's can only call `exec`.

use core::time::Duration;
use std::collections::VecDeque;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::vec::Vec;

use crate::clock;
use crate::fdpass;

/// The longest that a caller waits, that one descriptor is waited for, and that the thread waits for another one.
const PATIENCE: Duration = Duration::from_secs(1);

/// The part of what this process may have open that may wait to be closed.
const PART: u64 = 4;

static QUEUE: Mutex<Queue> = Mutex::new(Queue::new());
/// Something was queued.
static WORK: Condvar = Condvar::new();
/// Something was closed.
static DONE: Condvar = Condvar::new();

struct Queue {
    waiting: VecDeque<OwnedFd>,
    /// How many were queued, ever.
    queued: u64,
    /// How many of them were closed.
    closed: u64,
    /// When the one that is being closed has taken too long to be waited for.
    stuck: u64,
    /// The process whose thread closes them. That of a parent closes nothing for its child.
    process: Option<u32>,
}

impl Queue {
    const fn new() -> Self {
        Self { waiting: VecDeque::new(), queued: 0, closed: 0, stuck: clock::NEVER, process: None }
    }

    /// Those that are open still, with the one that is being closed.
    fn unclosed(&self) -> u64 {
        self.queued.saturating_sub(self.closed)
    }

    fn has_thread(&self) -> bool {
        self.process == Some(std::process::id())
    }

    /// Starts the thread, if there is none and something to close. One that cannot be started is tried again by the next
    /// call.
    fn start(&mut self) {
        if self.has_thread() {
            return;
        }
        // The one that a parent's thread was closing when it forked is not this process's.
        self.closed = self.queued.saturating_sub(self.waiting.len() as u64);
        self.stuck = clock::NEVER;
        if self.waiting.is_empty() {
            return;
        }
        // It takes the lock first, and finds that it was started.
        let started: io::Result<_> = thread::Builder::new().name("annulet-close".into()).spawn(close_all);
        self.process = started.is_ok().then(std::process::id);
    }
}

/// Closes descriptors that a stranger passed. Waits for that until `deadline`, but at most a second.
///
/// Descriptors that are not closed by then are closed later. With a deadline in the past it does not wait. Nor does it wait
/// while an earlier descriptor has not closed for a second.
pub fn discard(fds: impl IntoIterator<Item = OwnedFd>, deadline: impl Into<u64>) {
    // Not under the lock: the iterator is the caller's.
    let fds: Vec<OwnedFd> = fds.into_iter().collect();
    if fds.is_empty() {
        return;
    }
    let mut queue = lock();
    queue.queued = queue.queued.saturating_add(fds.len() as u64);
    queue.waiting.extend(fds);
    let last = queue.queued;
    queue.start();
    WORK.notify_one();
    wait(queue, deadline.into(), |queue| queue.closed >= last);
}

/// Returns how many descriptors wait to be closed, with the one that is being closed.
#[must_use]
pub fn unclosed() -> u64 {
    let mut queue = lock();
    queue.start();
    queue.unclosed()
}

/// Waits until fewer descriptors than a quarter of [`fdpass::limit`] wait to be closed.
///
/// It waits until `deadline`, but at most a second. Call it before anything is taken from a stranger.
///
/// # Errors
///
/// That quarter, if it takes longer.
pub fn wait_for_room(deadline: impl Into<u64>) -> Result<(), u64> {
    // One is always taken, or a small limit would let nothing in.
    let limit = (fdpass::limit() / PART).max(1);
    let mut queue = lock();
    // Where there is no room, nothing is queued that would try it again.
    queue.start();
    if wait(queue, deadline.into(), |queue| queue.unclosed() < limit) { Ok(()) } else { Err(limit) }
}

/// Waits until `over`, for a second at most, and only while descriptors are closed. Returns whether it is over.
fn wait(mut queue: MutexGuard<'_, Queue>, deadline: u64, over: impl Fn(&Queue) -> bool) -> bool {
    let until = deadline.min(clock::after(PATIENCE));
    loop {
        if over(&queue) {
            return true;
        }
        let until = until.min(queue.stuck);
        if clock::is_past(until) || !queue.has_thread() {
            return false;
        }
        let left = clock::remaining(until).unwrap_or(PATIENCE);
        queue = DONE.wait_timeout(queue, left).unwrap_or_else(PoisonError::into_inner).0;
    }
}

/// Runs the thread. It ends if nothing has come for a while. The next caller starts another one.
fn close_all() {
    let mut queue = lock();
    loop {
        let Some(fd) = queue.waiting.pop_front() else {
            let (back, time) = WORK.wait_timeout(queue, PATIENCE).unwrap_or_else(PoisonError::into_inner);
            queue = back;
            if time.timed_out() && queue.waiting.is_empty() {
                queue.process = None;
                return;
            }
            continue;
        };
        queue.stuck = clock::after(PATIENCE);
        drop(queue);
        // For as long as its maker likes.
        drop(fd);
        queue = lock();
        queue.stuck = clock::NEVER;
        queue.closed = queue.closed.saturating_add(1);
        DONE.notify_all();
    }
}

fn lock() -> MutexGuard<'static, Queue> {
    // No panic leaves it half changed.
    QUEUE.lock().unwrap_or_else(PoisonError::into_inner)
}
