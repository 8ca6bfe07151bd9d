//! The event count: a waiter says that it waits, looks again, and sleeps; a signaller looks whether there is a waiter.
//!
//! The idea is Dmitry Vyukov's eventcount, and the split of the fence in two halves that of folly's `AsymmetricThreadFence`.
//! `SAFETY.md` has the argument for the asymmetric form, and `tests/loom/wait.rs` the models of the other one.

use core::fmt;
use core::time::Duration;

use super::slots::WakerSlots;
use super::{Notify, Wait};
use crate::atomic::{Sleepers, WaiterCount, Word};
use crate::sync::{const_fn, is_over};

/// How long to sleep at once where the heavy half of the fence, which was available, is no longer: a filter was installed
/// that forbids it. Signallers may miss a sleeper then, which sees what they have done when it next looks.
pub(super) const UNSURE: Duration = Duration::from_millis(10);

/// Something that can be waited for: an event count.
///
/// What is waited for is looked at again and again by the waiting thread or task; each change of it is to be followed by a
/// [`signal`](Self::signal).
///
/// Any number of threads can wait without polling. `TASKS` asynchronous tasks have their slots in the event. With feature
/// `alloc`, further tasks get slots on the heap, which the event keeps, so any number of tasks can wait without polling.
///
/// Without `alloc` or without memory, the tasks beyond `TASKS` poll repeatedly, which keeps their executor busy. An executor that
/// polls a task that has woken itself before all others lets those starve. [`crowded`](Self::crowded) counts how often that was:
/// choose `TASKS` large enough. The same holds for tasks that are polled in an interrupt handler, in which nothing may be
/// allocated. An event in memory that several processes share has `TASKS` 0: a waker belongs to one process.
///
/// Tasks are woken in turn, and so are threads if the platform does so.
///
/// A task that is polled while a signaller is in the middle of waking it tries again: an executor in an interrupt handler
/// that polls it until it sleeps would keep a signaller that it has interrupted from getting done. Let it return between two
/// polls of one task.
///
/// ```
/// use annulet::wait::{Deadline, Event, Strategy};
/// # #[cfg(feature = "std")] {
/// use annulet::{host::Futex, Spsc};
///
/// static RING: Spsc<u32, 8> = Spsc::new();
/// static DATA: Event = Event::new();
///
/// let (mut tx, mut rx) = RING.try_split().unwrap();
/// std::thread::spawn(move || {
///     tx.try_push(7).unwrap();
///     DATA.signal(&Futex::new(), 1);
/// });
/// let look = || rx.try_pop().ok();
/// assert_eq!(DATA.wait_until(&Futex::new(), Strategy::block(), Deadline::NEVER, look), Ok(7));
/// # }
/// ```
#[derive(Debug)]
#[repr(C)]
pub struct Event<const TASKS: usize = 8> {
    waiters: WaiterCount,
    epoch: Word,
    sleepers: Sleepers,
    tasks: WakerSlots<TASKS>,
}

/// The deadline came first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimedOut;

impl fmt::Display for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("timed out")
    }
}

impl core::error::Error for TimedOut {}

impl<const TASKS: usize> Default for Event<TASKS> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const TASKS: usize> Event<TASKS> {
    const_fn! {
        /// Makes an event without waiters.
        #[must_use]
        pub const fn new() -> Self {
            Self { waiters: WaiterCount::new(), epoch: Word::new(), sleepers: Sleepers::new(), tasks: WakerSlots::new() }
        }
    }

    /// Returns how many waiters there are: a snapshot.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiters.count() as usize
    }

    /// Returns how many times a task that began or went on to wait found no slot, and so keeps its executor busy. It wraps at
    /// 32 bits.
    #[must_use]
    pub fn crowded(&self) -> u32 {
        self.tasks.crowded()
    }

    /// Wakes up to `count` waiters, if there are any. What they wait for has been changed before this.
    ///
    /// `count` is how many of them can have what they wait for: of one pushed item, one. Where each of them can,
    /// [`signal_all`](Self::signal_all).
    ///
    /// Call it after the change. What was changed before is seen by each waiter that this call does not wake.
    #[inline(always)]
    pub fn signal(&self, notify: &impl Notify, count: u32) {
        // The light half of the fence: pairs with that of a waiter that announces itself.
        self.signal_and_tell(notify, count);
    }

    /// As [`signal`](Self::signal). Returns whether a thread or task was counted as waiting.
    #[inline(always)]
    pub(crate) fn signal_and_tell(&self, notify: &impl Notify, count: u32) -> bool {
        // Under loom there is no asymmetric form.
        #[cfg(not(loom))]
        if self.waiters.is_lightly_zero() {
            return false;
        }
        self.signal_fenced(notify, count)
    }

    /// Wakes all waiters.
    #[inline]
    pub fn signal_all(&self, notify: &impl Notify) {
        self.signal(notify, u32::MAX);
    }

    #[cold]
    #[inline(never)]
    fn signal_fenced(&self, notify: &impl Notify, count: u32) -> bool {
        let seen = self.waiters.fence_and_look();
        if seen.any() {
            self.wake(notify, count);
            return true;
        }
        if seen.is_undecided() && notify.has_process_fence() {
            self.waiters.begin_light();
        }
        false
    }

    /// Wakes up to `count`: tasks and threads have turns at being asked first. After the fence of a signal.
    fn wake(&self, notify: &impl Notify, count: u32) {
        // Each call advances the epoch.
        let tasks_first = self.epoch.get() & 1 == 0;
        // The other kind has its turn when this is dropped: a waker may panic, and so may the platform.
        let mut rest = Rest { event: self, notify, tasks: !tasks_first, left: count };
        rest.left -= if tasks_first { self.wake_tasks(count) } else { self.wake_threads(notify, count) };
    }

    fn wake_tasks(&self, count: u32) -> u32 {
        let woken = self.tasks.wake(count);
        if woken > 0 {
            self.epoch.advance();
        }
        woken
    }

    /// Returns how many sleepers were certainly woken: a thread that is called may be about to sleep, or to leave.
    fn wake_threads(&self, notify: &impl Notify, count: u32) -> u32 {
        let called = self.sleepers.call(count);
        if called == 0 {
            return 0;
        }
        self.epoch.advance();
        notify.notify(&self.epoch, called).min(called)
    }

    /// Counts a thread in, until [`retract_thread`](Self::retract_thread). Returns whether signallers rely on its heavy half of
    /// the fence, and whether it can be called.
    pub(super) fn count_thread(&self) -> (bool, bool) {
        let counted = self.sleepers.enter();
        (self.waiters.add_thread(), counted)
    }

    /// Tells signallers of a thread, which is counted. Returns whether all of them know. `light`: they rely on the heavy half.
    pub(super) fn announce_thread(light: bool, wait: &impl Wait) -> bool {
        WaiterCount::fence_thread();
        !light || wait.process_fence()
    }

    /// Counts a thread out. `counted`: it could be called.
    pub(super) fn retract_thread(&self, counted: bool) {
        self.retract();
        if counted {
            self.sleepers.leave();
        }
    }

    /// A thread that has looked in vain is going to look once more and then to sleep on an epoch that it has not slept on.
    /// Each signaller calls it from now on, or is seen by that look, unless this returns false.
    pub(super) fn await_again(&self) -> bool {
        let counted = self.sleepers.again();
        WaiterCount::fence_again();
        counted
    }

    pub(super) fn epoch(&self) -> &Word {
        &self.epoch
    }

    /// Counts a task in, until [`retract`](Self::retract). Returns false if there are too many to count.
    pub(super) fn count_task(&self) -> bool {
        self.waiters.add_task()
    }

    /// Tells signallers of a task, which is counted.
    pub(super) fn announce_task(&self, wait: &impl Wait) {
        if self.waiters.ask_for_fences() {
            // There may be signallers that do not know yet that they have to fence. After this, there are none: each has
            // passed a fence, and sees the word as it is now.
            if !wait.process_fence() {
                // By then each has passed one, though not at our bidding.
                wait.sleep_until(wait.now().plus(UNSURE));
            }
            self.waiters.end_light();
        }
    }

    /// The task's half of the fence, between saying that it waits, and its look.
    pub(super) fn fence_task() {
        WaiterCount::fence_task();
    }

    /// Counts one out.
    pub(super) fn retract(&self) {
        self.waiters.sub();
    }

    /// Has every signaller know for good of a waiter, as if a task waited.
    ///
    /// The caller passes a whole fence before it looks for what was changed: as for a task, that look sees it, or the
    /// signaller sees after its own fence that there is a waiter, and what the caller did before this.
    pub(crate) fn keep_watch(&self, wait: &impl Wait) {
        // If there are too many to count, the count is not zero anyway.
        self.count_task();
        self.announce_task(wait);
    }

    pub(super) fn tasks(&self) -> &WakerSlots<TASKS> {
        &self.tasks
    }

    /// An event for which so many threads wait, of which so many were not called.
    #[cfg(all(test, not(loom)))]
    pub(super) fn of_threads(present: u32, uncalled: u32) -> Self {
        Self { sleepers: Sleepers::of(present, uncalled), ..Self::new() }
    }

    /// Counts no waiter any more: that it is borrowed exclusively proves that those that are counted were forgotten.
    pub(crate) fn reset(&mut self) {
        self.tasks.clear();
        *self = Self::new();
    }
}

/// The second half of a signal.
struct Rest<'e, W: Notify, const TASKS: usize> {
    event: &'e Event<TASKS>,
    notify: &'e W,
    /// Whether it is the tasks'.
    tasks: bool,
    /// How many are still to be woken.
    left: u32,
}

impl<W: Notify, const TASKS: usize> Drop for Rest<'_, W, TASKS> {
    #[inline]
    fn drop(&mut self) {
        if is_over() {
            return;
        }
        if self.tasks {
            self.event.wake_tasks(self.left);
        } else {
            self.event.wake_threads(self.notify, self.left);
        }
    }
}

/// What one look at what is waited for came to.
#[derive(Debug)]
pub enum Attempt<R> {
    Ready(R),
    /// Not yet. A signal will follow when that changes.
    NotYet,
    /// Not yet, and perhaps no signal follows: other ends were faster.
    Retry,
}
