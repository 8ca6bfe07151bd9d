//! How many wait for an event, and which fence the signallers owe them.
//!
//! `SAFETY.md` has the argument for the asymmetric form, and `tests/loom/wait.rs` the models of the other one.

#[cfg(not(loom))]
use super::site::light_fence;
use super::site::{Site, fence};
use crate::sync::{AtomicU32, Ordering, const_fn};

/// How many wait, and which fence the signallers owe them. One word, so that a signal needs one load.
///
/// ```text
///   bits 2.. how many wait     bits 0..2 what signallers do before they read this word:
///                                0 a fence; no signaller has asked yet whether there is need of it
///                                1 none: a thread that waits makes them pass one
///                                3 a fence, but some may not have heard of it yet
///                                2 a fence, for good
/// ```
///
/// A signaller makes 0 to 1, if the platform has the asymmetric form. That suits threads that sleep: the heavy half is a small
/// part of a sleep's price. A task is cheaper to switch than that half: the first one to wait makes it 2, by way of 3.
#[derive(Debug)]
#[repr(transparent)]
pub(crate) struct WaiterCount(AtomicU32);

/// Signallers need no fence.
const LIGHT: u32 = 0b01;
/// They do, whether they need it or not.
const FENCED: u32 = 0b10;
/// One more that waits.
const ONE: u32 = 0b100;
/// More tasks than that are not counted, so that forgotten tasks cannot wrap the count to zero. There is no memory for so many
/// that could still go, so those that are not counted are not the last ones.
const MANY: u32 = 1 << 29;

/// What a signaller has seen after its fence.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen(u32);

impl Seen {
    /// Returns whether a thread or task waits.
    pub(crate) const fn any(self) -> bool {
        self.0 / ONE > 0
    }

    /// Returns whether there are no waiters, and no signaller has asked yet whether it needs a fence.
    pub(crate) const fn is_undecided(self) -> bool {
        self.0 == 0
    }
}

impl WaiterCount {
    const_fn! {
        pub(crate) const fn new() -> Self {
            Self(AtomicU32::new(0))
        }
    }

    /// Returns how many wait: a snapshot.
    pub(crate) fn count(&self) -> u32 {
        self.0.load(Ordering::Relaxed) / ONE
    }

    /// Returns whether there are no waiters, after the light half of the fence. Under loom there is no asymmetric form.
    #[cfg(not(loom))]
    #[inline(always)]
    pub(crate) fn is_lightly_zero(&self) -> bool {
        light_fence();
        // Relaxed: it is ordered by the fence that the heavy half makes this thread pass.
        self.0.load(Ordering::Relaxed) == LIGHT
    }

    /// Passes the fence of a signal, between a change and the look for waiters. Pairs with those of
    /// [`fence_thread`](Self::fence_thread), [`fence_again`](Self::fence_again) and [`fence_task`](Self::fence_task).
    pub(crate) fn fence_and_look(&self) -> Seen {
        fence(Site::SignalFence, Ordering::SeqCst);
        // Relaxed: ordered by the fence.
        Seen(self.0.load(Ordering::Relaxed))
    }

    /// Makes the light form begin, unless a thread or task has begun to wait, or has ended it.
    pub(crate) fn begin_light(&self) {
        // A thread that begins to wait from now on sees that it has to fence for signallers. If one has begun already, this
        // fails. Relaxed: it hands over nothing.
        let _ = self.0.compare_exchange(0, LIGHT, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Counts a thread in. Returns whether signallers rely on the heavy half of the fence.
    pub(crate) fn add_thread(&self) -> bool {
        // Relaxed: what comes next is ordered by the fence of `fence_thread`.
        self.0.fetch_add(ONE, Ordering::Relaxed) & LIGHT != 0
    }

    /// The fence of a thread that was counted in, before its look. Pairs with that of
    /// [`fence_and_look`](Self::fence_and_look).
    pub(crate) fn fence_thread() {
        fence(Site::ThreadFence, Ordering::SeqCst);
    }

    /// The fence of a thread that has counted itself as uncalled again, before its look. Pairs with that of
    /// [`fence_and_look`](Self::fence_and_look).
    pub(crate) fn fence_again() {
        fence(Site::AgainFence, Ordering::SeqCst);
    }

    /// Counts a task in, until [`sub`](Self::sub). Returns false if there are too many to count.
    pub(crate) fn add_task(&self) -> bool {
        // Relaxed: what comes next is ordered by the fence of `fence_task`.
        let counted = self.0.fetch_add(ONE, Ordering::Relaxed) / ONE < MANY;
        if !counted {
            self.sub();
        }
        counted
    }

    /// Asks signallers to fence. Returns whether some may not know of it yet: then the caller makes each of them pass a fence
    /// before [`end_light`](Self::end_light).
    pub(crate) fn ask_for_fences(&self) -> bool {
        // Relaxed: what comes next is ordered by the fence of `fence_task`.
        self.0.fetch_or(FENCED, Ordering::Relaxed) & LIGHT != 0
    }

    /// Says that each signaller knows that it has to fence.
    pub(crate) fn end_light(&self) {
        // Relaxed: as above. Until this, each caller of `ask_for_fences` makes them pass a fence.
        self.0.fetch_and(!LIGHT, Ordering::Relaxed);
    }

    /// The fence of a task, between saying that it waits, and its look. Pairs with that of
    /// [`fence_and_look`](Self::fence_and_look).
    pub(crate) fn fence_task() {
        fence(Site::TaskFence, Ordering::SeqCst);
    }

    /// Counts one out.
    pub(crate) fn sub(&self) {
        // Relaxed: one that is still counted is signalled for nothing.
        self.0.fetch_sub(ONE, Ordering::Relaxed);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    /// Saturates, so that forgotten tasks cannot wrap the count to zero.
    #[test]
    fn h16_forgotten_tasks_are_never_nobody() {
        let waiters = WaiterCount(AtomicU32::new(((MANY - 1) * ONE) | FENCED));
        assert!(waiters.add_task());
        for _ in 0..3 {
            assert!(!waiters.add_task());
            assert_eq!(waiters.count(), MANY);
        }
        waiters.sub();
        assert!(waiters.add_task());
        assert_eq!(waiters.0.load(Ordering::Relaxed), (MANY * ONE) | FENCED);
    }
}
