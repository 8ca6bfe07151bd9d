//! Waiting: one event count, put on top of whatever a platform sleeps with.
//!
//! Rings never wait. To wait for one, put an [`Event`] beside it: the other side signals it after each
//! operation, which costs one load as long as there is no waiter, and a fence if the platform has none for the whole process. A [`Channel`](crate::channel::Channel) is a ring with two
//! of them, one for data and one for room.
//!
//! ```text
//!   the waiter                                 the signaller
//!   ──────────                                 ─────────────
//!   announce: count myself in                  change what is waited for (push, pop, close)
//!   fence (the heavy half)                     fence (the light half)
//!   read the epoch                             nobody counted? done: this load was all
//!   look: is it there by now? done             advance the epoch
//!   sleep while the epoch is as read           wake as many as there is work for
//! ```
//!
//! Of the two fences one is the first: either the signaller sees the waiter's count, or the waiter sees the change.
//! If the epoch advances between being read and the sleep, the platform does not let it sleep.
//!
//! # Which platform?
//!
//! | the program runs | waits by | which is there with |
//! |---|---|---|
//! | on Linux | `host::Futex`: the kernel's futexes | feature `std`, Linux |
//! | on macOS, Windows, another Unix, or on any of them | `ParkingLot`: locks of `std` | feature `std`, Unix or Windows |
//! | without an operating system; interrupt handlers signal | `processor::Wfi`: `wfi` or `hlt` | Cortex-M, RISC-V, x86-64, aarch64: targets whose system is `none` |
//! | likewise; other processors signal, too | `processor::Wfe`: `wfe` and `sev` | Cortex-M, aarch64, likewise |
//! | as tasks of an executor; no thread ever blocks | [`TasksOnly`] | every target |
//! | in a kernel or an operating system of its own | two traits, as below | every target |
//!
//! Around each of them, `Metered` counts how long ends wait.
//!
//! # What a platform supplies
//!
//! [`Notify`], a wake-up, and [`Wait`], a sleep in the manner of a futex: while a [`Word`] holds a value, until a
//! [`Deadline`]. Either may happen for no reason. A kernel has this over its wait queue:
//!
//! ```
//! use annulet::wait::{Deadline, Notify, Wait, Word};
//! # mod kernel {
//! #     // A wait queue as kernels have them, made of what std has.
//! #     use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
//! #     use std::time::{Duration, Instant};
//! #     pub static QUEUE: Queue = Queue { lock: Mutex::new(()), sleepers: Condvar::new() };
//! #     pub struct Queue { lock: Mutex<()>, sleepers: Condvar }
//! #     impl Queue {
//! #         pub fn lock(&self) -> MutexGuard<'_, ()> { self.lock.lock().unwrap_or_else(PoisonError::into_inner) }
//! #         pub fn sleep(&self, lock: MutexGuard<'_, ()>, nanos: u64) {
//! #             drop(self.sleepers.wait_timeout(lock, Duration::from_nanos(nanos.min(1 << 40))));
//! #         }
//! #         pub fn wake_all(&self, _lock: MutexGuard<'_, ()>) { self.sleepers.notify_all() }
//! #     }
//! #     pub fn uptime_nanos() -> u64 {
//! #         static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
//! #         u64::try_from(START.get_or_init(Instant::now).elapsed().as_nanos()).unwrap_or(u64::MAX)
//! #     }
//! # }
//!
//! struct Queues;
//!
//! impl Notify for Queues {
//!     fn notify(&self, _: &Word, _: u32) -> u32 {
//!         kernel::QUEUE.wake_all(kernel::QUEUE.lock());
//!         0 // how many, this queue does not say
//!     }
//! }
//!
//! impl Wait for Queues {
//!     fn now(&self) -> Deadline {
//!         Deadline::at(kernel::uptime_nanos())
//!     }
//!     fn wait(&self, word: &Word, seen: u32, until: Deadline) {
//!         let lock = kernel::QUEUE.lock();
//!         if word.get() == seen {
//!             // Lets go of the lock and sleeps in one step, as any kernel's queue does.
//!             kernel::QUEUE.sleep(lock, until.nanos().saturating_sub(kernel::uptime_nanos()));
//!         }
//!     }
//! }
//!
//! use annulet::channel::Channel;
//!
//! static EVENTS: Channel<annulet::Spsc<u32, 16>, Queues> = Channel::new(annulet::Spsc::new(), Queues);
//! let (mut tx, mut rx) = EVENTS.try_split().unwrap();
//! std::thread::spawn(move || tx.send(7).unwrap());
//! assert_eq!(rx.recv(), Ok(7));
//! ```
//!
//! # Guarantees
//!
//! | | |
//! |---|---|
//! | a wake-up | is never lost: modelled, every order of steps, with mutants that fail when a fence is left out |
//! | there is no waiter | a signal is one load, and a fence if the platform has none for the whole process |
//! | a deadline | is never early; after it came, one more look is taken before `Timeout` |
//! | asleep | costs no processor time |
//! | a call that the platform cannot do | does not compile: a blocking one over [`TasksOnly`], a time-out without a clock |
//! | a wake-up that reaches a waiter that gives up | is passed on |
//! | interrupts | a signal may come from an interrupt handler if `Notify::notify` may: no lock, no loop without bound |
//! | memory | all-zero memory is an event without waiters. Threads and signals never allocate. With feature `alloc`, a task that begins to wait while `TASKS` others do may: slots for as many more, which the event keeps |

mod backoff;
mod clock;
mod deadline;
mod event;
#[cfg(target_has_atomic = "64")]
mod latencies;
mod meter;
#[cfg(target_has_atomic = "64")]
mod metered;
#[cfg(hosted)]
mod parking_lot;
#[cfg(processor)]
#[cfg_attr(docsrs, doc(cfg(target_os = "none")))]
pub mod processor;
mod slots;
mod strategy;
#[cfg(hosted)]
mod system_clock;
mod task;
mod tasks_only;
mod thread;
mod timer;

use core::time::Duration;

pub use crate::atomic::Word;
pub use backoff::{Backoff, Step};
pub use clock::{Clock, NoClock};
pub use deadline::Deadline;
pub use event::{Event, TimedOut};
#[cfg(target_has_atomic = "64")]
pub use latencies::{Latencies, Summary};
pub use meter::{Meter, Outcome, Role, Waited};
#[cfg(target_has_atomic = "64")]
pub use metered::Metered;
#[cfg(hosted)]
#[cfg_attr(docsrs, doc(cfg(feature = "std")))]
pub use parking_lot::ParkingLot;
pub use strategy::Strategy;
pub use task::Waiter;
pub use tasks_only::TasksOnly;

pub(crate) use event::Attempt;
pub(crate) use task::SlotClaim;
pub(crate) use timer::WaitTimer;

/// Wakes the threads that sleep on a word.
///
/// An implementation that wakes no thread makes its users sleep too long, and does no other harm.
pub trait Notify {
    /// Wakes at least `count` of the threads that sleep in [`Wait::wait`] on `word`, or all if they are fewer. Waking more is
    /// allowed.
    ///
    /// Returns how many sleepers were certainly woken; 0 if it does not know. The rest of `count` is made up by waking tasks.
    fn notify(&self, word: &Word, count: u32) -> u32;

    /// Returns whether [`Wait::process_fence`], on any thread, makes each thread that signals pass a whole fence, so that signallers
    /// need none of their own. It must not be true before that is so, nor false after it was true.
    fn has_process_fence(&self) -> bool {
        false
    }
}

/// Sleeps while a word holds a value.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no platform by which a thread waits: it does not implement `Wait`",
    label = "does not implement `Wait`",
    note = "there are `host::Futex` on Linux, `wait::ParkingLot` on other systems, `wait::processor` without one, and `wait::TasksOnly` if only tasks wait",
    note = "a kernel implements `Wait` and `Notify` over its own sleep and wake-up"
)]
pub trait Wait: Notify {
    /// Returns the current time, by the clock of all deadlines that are given to this value. It does not go back.
    ///
    /// A platform without a clock returns `Deadline::at(0)` each time. Then no deadline comes, and [`after`](Self::after) should
    /// refuse: see [`NoClock`].
    fn now(&self) -> Deadline;

    /// Returns the instant `span` from now: the deadline of a call with a time-out. A platform without a clock refuses it
    /// when the program is compiled.
    fn after(&self, span: Duration) -> Deadline {
        self.now().plus(span)
    }

    /// Sleeps while `word` holds `seen`, until [`notify`](Notify::notify) or the deadline. It may return at any time for
    /// any reason. That the word is compared and the sleep begins must be one step for `notify`: a change that is
    /// followed by it ends the sleep.
    ///
    /// Where tasks give way to each other, to give way once is a correct `wait`, with a `notify` that returns 0.
    fn wait(&self, word: &Word, seen: u32, until: Deadline);

    /// Sleeps until a deadline. No signal ends it. By default it sleeps on a word that is never signalled.
    ///
    /// It is called for [`Strategy::sleep`], and once for a task if [`process_fence`](Self::process_fence) has failed.
    fn sleep_until(&self, until: Deadline) {
        let word = Word::new();
        // It may return early.
        while !until.has_come(self.now()) {
            self.wait(&word, 0, until);
        }
    }

    /// Passes a whole fence on every thread of the process. It is called only if
    /// [`has_process_fence`](Notify::has_process_fence) returns true. Returns false if that failed: then waiters look again from
    /// time to time.
    fn process_fence(&self) -> bool {
        false
    }

    /// Yields to other threads, where a [`Strategy`] says so before it sleeps. A scheduler whose tasks give way to each other
    /// puts that here, too: by default it is a hint to the processor.
    fn yield_now(&self) {
        core::hint::spin_loop();
    }

    /// Returns the strategy that ends begin with. If it spins, ends of channels also pause before they poll again a stream that
    /// they have caught up with: see [`Strategy::phased`].
    fn default_strategy(&self) -> Strategy {
        Strategy::block()
    }

    /// Returns the meter that is told of each wait of this role at a channel when it is over. By default there is none, and no
    /// clock is read for it.
    ///
    /// `Metered` adds this to any platform, on targets that have atomics of 64 bits.
    fn meter(&self, role: Role) -> Option<&dyn Meter> {
        let _ = role;
        None
    }
}

impl<W: Notify + ?Sized> Notify for &W {
    fn notify(&self, word: &Word, count: u32) -> u32 {
        (**self).notify(word, count)
    }
    fn has_process_fence(&self) -> bool {
        (**self).has_process_fence()
    }
}

impl<W: Wait + ?Sized> Wait for &W {
    fn now(&self) -> Deadline {
        (**self).now()
    }
    fn after(&self, span: Duration) -> Deadline {
        (**self).after(span)
    }
    fn sleep_until(&self, until: Deadline) {
        (**self).sleep_until(until);
    }
    fn wait(&self, word: &Word, seen: u32, until: Deadline) {
        (**self).wait(word, seen, until);
    }
    fn process_fence(&self) -> bool {
        (**self).process_fence()
    }
    fn yield_now(&self) {
        (**self).yield_now();
    }
    fn default_strategy(&self) -> Strategy {
        (**self).default_strategy()
    }
    fn meter(&self, role: Role) -> Option<&dyn Meter> {
        (**self).meter(role)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    /// Nobody sleeps here.
    pub(super) struct Never;

    impl Notify for Never {
        fn notify(&self, _: &Word, _: u32) -> u32 {
            0
        }
    }

    impl Wait for Never {
        fn now(&self) -> Deadline {
            Deadline::at(0)
        }
        fn wait(&self, _: &Word, _: u32, _: Deadline) {}
    }
}
