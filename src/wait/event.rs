//! The event count: who waits says so, looks again, and sleeps; who signals looks whether anybody has said so.
//!
//! The idea is Dmitry Vyukov's eventcount, and the split of the fence in two halves that of folly's `AsymmetricThreadFence`.
//! `SAFETY.md` has the argument for the asymmetric form, and `tests/loom/wait.rs` the models of the other one.

use core::fmt;
use core::time::Duration;

use super::sleepers::Sleepers;
use super::slots::Slots;
use super::strategy::nap;
use super::{Notify, Wait};
use crate::atomic::site::{Site, fence};
use crate::sync::{AtomicU32, Ordering, const_fn, is_over};

/// A word to sleep on: 32 bits, four bytes aligned.
#[derive(Debug)]
#[repr(transparent)]
pub struct Word(AtomicU32);

impl Word {
    const_fn! {
        pub(crate) const fn new() -> Self {
            Self(AtomicU32::new(0))
        }
    }

    /// Its value now.
    ///
    /// Relaxed: a thread that is going to sleep has a fence to pass before it looks; whoever compares it before a sleep does so under the lock, or in the kernel, that the one who changes it
    /// passes through next in `notify`.
    #[must_use]
    #[inline]
    pub fn get(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }

    /// Where it is: what a platform tells words apart by. To be read atomically, and not to be written.
    #[cfg(not(loom))]
    #[must_use]
    #[inline]
    pub fn as_ptr(&self) -> *mut u32 {
        self.0.as_ptr()
    }

    /// Ends the sleep of each thread that has read an earlier epoch.
    ///
    /// Relaxed: it hands nothing over. A thread that sees it has a fence to pass before it looks.
    #[inline]
    fn advance(&self) -> u32 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }
}

/// Who waits: how many, and which fence the signallers owe them. One word, so that a signal needs one load.
///
/// ```text
///   bits 2.. how many wait     bits 0..2 what signallers do before they read this word:
///                                0 a fence; nobody has asked yet whether there is need of it
///                                1 none: whoever waits makes them pass one
///                                3 a fence, but some may not have heard of it yet
///                                2 a fence, for good
/// ```
///
/// 0 becomes 1 by a signaller, where the platform has the asymmetric form. It suits those who sleep, to whom the heavy
/// half is a small part of a sleep's price. A task is cheaper to switch than that half: the first one to wait makes it 2,
/// by way of 3.
#[derive(Debug)]
#[repr(transparent)]
struct Gate(AtomicU32);

/// Signallers need no fence.
const LIGHT: u32 = 0b01;
/// They do, whether they need it or not.
const FENCED: u32 = 0b10;
/// How long to sleep at once where the heavy half of the fence, which was available, is no longer: a filter was installed
/// that forbids it. Signallers may miss a sleeper then, who sees what they have done when it next looks.
pub(super) const UNSURE: Duration = Duration::from_millis(10);
/// One more that waits.
const ONE: u32 = 0b100;
/// More tasks than that are not counted, so that no number of forgotten ones makes it nobody. There is no memory for so
/// many that could still go, so those who are not counted are not the last ones.
const MANY: u32 = 1 << 29;

impl Gate {
    const_fn! {
        const fn new() -> Self {
            Self(AtomicU32::new(0))
        }
    }

    /// How many wait.
    fn count(gate: u32) -> u32 {
        gate / ONE
    }
}

/// Something that can be waited for: an event count.
///
/// What is waited for is looked at again and again by the waiting thread or task; each change of it is to be followed by a
/// [`signal`](Self::signal).
///
/// Any number of threads waits at the same time for nothing. `TASKS` asynchronous tasks have their slots in the event; with
/// feature `alloc`, the tasks beyond them get slots on the heap, which are kept for the next ones, so any number of tasks
/// waits for nothing, too. Without it, or where there is no memory, or where `TASKS` is 0, the tasks beyond `TASKS` try again
/// and again, which keeps their executor busy; on one that polls a task that has woken itself before all others, they starve
/// those. [`crowded`](Self::crowded) counts them: let `TASKS` be large enough there, and where tasks are
/// polled in an interrupt handler, in which nothing may be allocated. An event in memory that several
/// processes share has `TASKS` 0: a waker is of one process.
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
    gate: Gate,
    epoch: Word,
    sleepers: Sleepers,
    tasks: Slots<TASKS>,
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
        /// An event that nobody waits for.
        #[must_use]
        pub const fn new() -> Self {
            Self { gate: Gate::new(), epoch: Word::new(), sleepers: Sleepers::new(), tasks: Slots::new() }
        }
    }

    /// How many wait: a recent picture.
    #[must_use]
    pub fn waiting(&self) -> usize {
        Gate::count(self.gate.0.load(Ordering::Relaxed)) as usize
    }

    /// Returns how many times a task that began or went on to wait found no slot, and so keeps its executor busy. It wraps at
    /// 32 bits.
    #[must_use]
    pub fn crowded(&self) -> u32 {
        self.tasks.crowded()
    }

    /// Wakes up to `count` of those who wait, if any do. What they wait for has been changed before this.
    ///
    /// `count` is how many of them can have what they wait for: of one pushed item, one. Where each of them can,
    /// [`signal_all`](Self::signal_all).
    ///
    /// The light half of the fence: pairs with that of who announces that it waits. What was changed before this is
    /// seen by whoever is not yet seen here to wait.
    #[inline(always)]
    pub fn signal(&self, notify: &impl Notify, count: u32) {
        self.signal_and_tell(notify, count);
    }

    /// As [`signal`](Self::signal). Returns whether a thread or task was counted as waiting.
    #[inline(always)]
    pub(crate) fn signal_and_tell(&self, notify: &impl Notify, count: u32) -> bool {
        // Under loom there is no asymmetric form, so this is never true there, and a choice more to explore.
        #[cfg(not(loom))]
        {
            crate::atomic::site::light_fence();
            // Relaxed: it is ordered by the fence that the heavy half makes this thread pass.
            if self.gate.0.load(Ordering::Relaxed) == LIGHT {
                return false;
            }
        }
        self.signal_fenced(notify, count)
    }

    /// Wakes all who wait.
    #[inline]
    pub fn signal_all(&self, notify: &impl Notify) {
        self.signal(notify, u32::MAX);
    }

    #[cold]
    #[inline(never)]
    fn signal_fenced(&self, notify: &impl Notify, count: u32) -> bool {
        // Pairs with that of `announce_thread`.
        fence(Site::SignalFence, Ordering::SeqCst);
        // Relaxed: ordered by the fence.
        let gate = self.gate.0.load(Ordering::Relaxed);
        if Gate::count(gate) > 0 {
            self.wake(notify, count);
            return true;
        }
        if gate == 0 && notify.asymmetric() {
            // Whoever begins to wait from now on sees that it has to fence for us. If a thread has begun already, this
            // fails. Relaxed: it hands over nothing.
            let _ = self.gate.0.compare_exchange(0, LIGHT, Ordering::Relaxed, Ordering::Relaxed);
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

    /// Counts a thread in, until [`retract_thread`](Self::retract_thread). Returns the gate before that, and whether the
    /// thread can be called.
    pub(super) fn count_thread(&self) -> (u32, bool) {
        // Relaxed: what comes next is ordered by the fence of `announce_thread`.
        let counted = self.sleepers.enter();
        (self.gate.0.fetch_add(ONE, Ordering::Relaxed), counted)
    }

    /// Has signallers know of a thread, which is counted; whether all of them do. `gate`: as it was before.
    pub(super) fn announce_thread(gate: u32, wait: &impl Wait) -> bool {
        // The heavy half; pairs with the light one, or the fence, of `signal`.
        fence(Site::ThreadFence, Ordering::SeqCst);
        gate & LIGHT == 0 || wait.heavy()
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
        // Pairs with that of `signal_fenced`.
        fence(Site::AgainFence, Ordering::SeqCst);
        counted
    }

    pub(super) fn epoch(&self) -> &Word {
        &self.epoch
    }

    /// Counts a task in, until [`retract`](Self::retract). False if there are too many to count.
    pub(super) fn count_task(&self) -> bool {
        // Relaxed: as in `announce_task`.
        let counted = Gate::count(self.gate.0.fetch_add(ONE, Ordering::Relaxed)) < MANY;
        if !counted {
            self.retract();
        }
        counted
    }

    /// Has signallers know of a task, which is counted.
    pub(super) fn announce_task(&self, wait: &impl Wait) {
        // Relaxed, all: what comes next is ordered by the fence.
        let gate = self.gate.0.fetch_or(FENCED, Ordering::Relaxed);
        if gate & LIGHT != 0 {
            // There may be signallers who do not know yet that they have to fence. After this, there are none: each has
            // passed a fence, and sees the word as it is now. Until somebody has come to here, all do it.
            if !wait.heavy() {
                // By then each has passed one, though not at our bidding.
                nap(wait, wait.now().plus(UNSURE));
            }
            self.gate.0.fetch_and(!LIGHT, Ordering::Relaxed);
        }
    }

    /// The task's half of the fence, between saying that it waits, and its look. Pairs with that of `signal_fenced`.
    pub(super) fn fence_task() {
        fence(Site::TaskFence, Ordering::SeqCst);
    }

    /// Counts one out.
    pub(super) fn retract(&self) {
        // Relaxed: who is still counted is signalled for nothing.
        self.gate.0.fetch_sub(ONE, Ordering::Relaxed);
    }

    /// Has every signaller know for good that somebody waits, as if a task did.
    ///
    /// The caller passes a whole fence before it looks for what was changed: as for a task, that look sees it, or the
    /// signaller sees after its own fence that somebody waits, and what the caller did before this.
    #[cfg(arc)]
    pub(crate) fn keep_watch(&self, wait: &impl Wait) {
        // If there are too many to count, the count is not zero anyway.
        self.count_task();
        self.announce_task(wait);
    }

    pub(super) fn tasks(&self) -> &Slots<TASKS> {
        &self.tasks
    }

    /// An event for which so many threads wait, of which so many were not called.
    #[cfg(all(test, not(loom)))]
    pub(super) fn of_threads(present: u32, uncalled: u32) -> Self {
        Self { sleepers: Sleepers::of(present, uncalled), ..Self::new() }
    }

    /// Nobody waits: that it is borrowed exclusively proves that who is still counted was forgotten.
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

/// What a look has seen.
#[derive(Debug)]
pub enum Look<R> {
    Found(R),
    /// Not yet, and who changes that will signal.
    Nothing,
    /// Not yet, and maybe nobody will signal: others were faster.
    Again,
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    /// However many tasks are forgotten, they do not add up to nobody.
    #[test]
    fn h16_forgotten_tasks_are_never_nobody() {
        let event = Event::<1>::new();
        event.gate.0.store(((MANY - 1) * ONE) | FENCED, Ordering::Relaxed);
        assert!(event.count_task());
        for _ in 0..3 {
            assert!(!event.count_task());
            assert_eq!(event.waiting(), MANY as usize);
        }
        event.retract();
        assert!(event.count_task());
        assert_eq!(event.gate.0.load(Ordering::Relaxed), (MANY * ONE) | FENCED);
    }
}
