//! Waiting for a 32-bit word to change.
//!
//! A word in memory that processes share needs [`Scope::Shared`]: a private waiter is keyed by its own address space, and no
//! other process can wake it.
//!
//! A process that maps the word, even read-only, can wake its waiters without cause, or move them to another word, so that an
//! honest wake misses them. So a return says nothing about the data: look again, and always give a deadline that is soon
//! enough to survive a lost wake.

use core::num::NonZeroU32;
use core::sync::atomic::AtomicU32;

use rustix::io::Errno;
use rustix::thread::futex;

use crate::clock;

/// Which processes can wake a waiter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Only threads of this process: cheaper, wrong for shared memory.
    Private,
    /// Every process that maps the same page.
    Shared,
}

impl Scope {
    fn flags(self) -> futex::Flags {
        match self {
            Self::Private => futex::Flags::PRIVATE,
            Self::Shared => futex::Flags::empty(),
        }
    }
}

/// Why [`wait`] returned. Only [`Wake::TimedOut`] says that the deadline has come; all others mean "look again".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[must_use]
pub enum Wake {
    /// A thread called wake on the word, with or without cause.
    Woken,
    /// The word did not hold the expected value, so there was no sleep.
    Changed,
    /// The deadline came.
    TimedOut,
    /// A signal handler ran.
    Interrupted,
    /// The word is not readable: its page was unmapped, or lies past the end of a file that was cut short.
    Fault,
    /// The kernel refuses to wait at all: no futexes, or a filter forbids them. Poll instead.
    Unsupported,
}

/// Sleeps while `word` holds `expected`, until it is woken or until `deadline`.
///
/// A read-only mapping is enough. The kernel compares the word and goes to sleep in one step, so a change followed by a [`wake`]
/// is never missed. With a past deadline it does not sleep.
pub fn wait(word: &AtomicU32, expected: u32, scope: Scope, deadline: impl Into<u64>) -> Wake {
    let until = clock::absolute(deadline.into());
    // The bitset form is the one whose time is absolute; all bits set matches every plain wake.
    match futex::wait_bitset(word, scope.flags(), expected, until.as_ref(), NonZeroU32::MAX) {
        Ok(()) => Wake::Woken,
        Err(Errno::AGAIN) => Wake::Changed,
        Err(Errno::TIMEDOUT) => Wake::TimedOut,
        Err(Errno::INTR) => Wake::Interrupted,
        Err(Errno::FAULT) => Wake::Fault,
        Err(_) => Wake::Unsupported,
    }
}

/// Wakes at most `count` waiters of `word`. Returns how many: zero if there were none, or the kernel refused. Never blocks.
pub fn wake(word: &AtomicU32, count: u32, scope: Scope) -> u32 {
    // The kernel takes a signed count and wakes one waiter for zero and for every negative number.
    let count = count.min(i32::MAX as u32);
    if count == 0 {
        return 0;
    }
    let woken = futex::wake(word, scope.flags(), count).unwrap_or(0);
    u32::try_from(woken).unwrap_or(u32::MAX)
}
