//! The slot of one task that waits: a waker, and a state that says which thread may touch it.
//!
//! A task claims a slot for as long as it waits, and leaves its waker there each time it is about to be put aside. A
//! signaller takes the waker out, which wakes that task and no other.
//!
//! ```text
//!          claim            arm (task)            wake (signaller)           done (signaller)
//!     Free ─────▶ Idle ────────────────▶ Armed ────────────────▶ Waking ────────────────────▶ Idle
//!      ▲           │ ▲                     │                       │ vacate (task)
//!      └───────────┘ └─────────────────────┘                       └──────────▶ Abandoned ──▶ Free
//!        vacate       arm again, vacate (task)                                  done (signaller)
//! ```
//!
//! Neither side waits for the other: a task that finds its slot `Waking` is being woken, and tries again. A task that leaves
//! then lets the signaller free the slot. So a signal may come from an interrupt handler that has interrupted either.

use core::cell::UnsafeCell;
use core::mem::MaybeUninit;
use core::task::Waker;

use super::site::{Site, order};
use crate::shadow::Shadow;
use crate::sync::{AtomicU32, Ordering};
use crate::zeroed::{Zeroed, empty_in_models};

const FREE: u32 = 0;
const IDLE: u32 = 1;
const ARMED: u32 = 2;
const WAKING: u32 = 3;
const ABANDONED: u32 = 4;

/// A cell in which one task leaves its waker.
pub(crate) struct WakerCell {
    state: AtomicU32,
    /// Initialised while `state` is `ARMED`, `WAKING` or `ABANDONED`. Zeroed memory is a cell.
    waker: UnsafeCell<MaybeUninit<Waker>>,
    shadow: Shadow<1>,
}

// SAFETY: the waker in it may be sent and shared. It is written and taken out by the thread that has the cell by its state:
// its task while `IDLE` (and after taking `ARMED` back), one signaller while `WAKING` or `ABANDONED`.
unsafe impl Sync for WakerCell {}

/// What came of leaving a waker.
#[derive(Debug)]
pub(crate) enum Armed {
    /// It will be woken.
    Yes,
    /// It will be woken, in place of this one.
    Replaced(Waker),
    /// The task is being woken just now, by the waker that it left before, and has to look again.
    Woken,
}

// SAFETY: an integer, of a free cell; and a waker that is not there.
unsafe impl Zeroed for WakerCell {
    empty_in_models!(Self {
        state: AtomicU32::new(FREE),
        waker: UnsafeCell::new(MaybeUninit::uninit()),
        shadow: Shadow::new(),
    });
}

impl WakerCell {
    /// Claims the slot for a task, unless another one has it.
    pub(crate) fn claim(&self) -> bool {
        // Relaxed: a look that spares the exchange.
        if self.state.load(Ordering::Relaxed) != FREE {
            return false;
        }
        // Relaxed: that the last holder, and the last signaller, are done with the waker is seen in `arm`, which reads what
        // this exchange has put in place of what `free` stored.
        self.state.compare_exchange(FREE, IDLE, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    /// Frees the slot, by the last party that had it.
    fn free(&self) {
        // Release: pairs with the next holder's `arm`.
        self.state.store(FREE, order(Site::SlotGiveBack, Ordering::Release));
    }

    /// Leaves a waker. Only for the task that has the slot.
    pub(crate) fn arm(&self, waker: Waker) -> Armed {
        let mut replaced = None;
        // Acquire: pairs with the end of `wake`, whose signaller has read the waker that was here before; and of a slot that
        // was claimed since, with `free`, by way of the exchange of `claim`.
        match self.state.load(order(Site::TaskRetake, Ordering::Acquire)) {
            IDLE => {}
            ARMED => match self.take_back() {
                Some(last) => replaced = Some(last),
                None => return Armed::Woken,
            },
            _ => return Armed::Woken,
        }
        self.shadow.write(0);
        // SAFETY: the cell is idle, so no signaller has it, and the caller has the slot, so no other task has it.
        let cell = unsafe { &mut *self.waker.get() };
        cell.write(waker);
        // Release: pairs with `wake`.
        self.state.store(ARMED, order(Site::TaskArm, Ordering::Release));
        replaced.map_or(Armed::Yes, Armed::Replaced)
    }

    /// Turns armed into idle and returns the waker, unless a signaller was faster. Only for the task that has the slot.
    pub(crate) fn take_back(&self) -> Option<Waker> {
        // Relaxed: the waker is the task's own, and if a signaller was faster, nothing is touched.
        self.state.compare_exchange(ARMED, IDLE, Ordering::Relaxed, Ordering::Relaxed).ok()?;
        self.shadow.write(0);
        // SAFETY: it is idle now, so no signaller has it, and the caller has the slot.
        let cell = unsafe { &*self.waker.get() };
        // SAFETY: it was armed, so the waker is initialised; and it is not used again before it is written.
        Some(unsafe { cell.assume_init_read() })
    }

    /// Takes the waker out and wakes the task. Returns whether there was a task to be woken.
    ///
    /// `taken` is called between the two, before the waker's own code.
    pub(crate) fn wake(&self, taken: impl FnOnce()) -> bool {
        // Relaxed: the exchange looks again.
        if self.state.load(Ordering::Relaxed) != ARMED {
            return false;
        }
        // Acquire: pairs with the store in `arm`.
        let acquire = order(Site::TaskWake, Ordering::Acquire);
        if self.state.compare_exchange(ARMED, WAKING, acquire, Ordering::Relaxed).is_err() {
            return false;
        }
        self.shadow.write(0);
        // SAFETY: the exchange made the cell this signaller's alone until it says so below.
        let cell = unsafe { &*self.waker.get() };
        // SAFETY: initialised, since it was armed; and read once, since only this thread can leave `WAKING`.
        let waker = unsafe { cell.assume_init_read() };
        taken();
        // Release: pairs with the next `arm` of this task.
        if self.state.swap(IDLE, order(Site::TaskDone, Ordering::Release)) == ABANDONED {
            // The task has left, and no other one has claimed the slot.
            self.free();
            return false;
        }
        waker.wake();
        true
    }

    /// Gives the slot up, and returns how the task stands.
    pub(crate) fn vacate(&self) -> Left {
        if let Some(waker) = self.take_back() {
            self.free();
            return Left::Asleep(waker);
        }
        // Relaxed: all that the task did to the cell was before it armed it, which the signaller has seen. Acquire, if the
        // signaller was faster: pairs with the end of `wake`, to be handed on by `free`.
        let retake = order(Site::TaskVacate, Ordering::Acquire);
        match self.state.compare_exchange(WAKING, ABANDONED, Ordering::Relaxed, retake) {
            Ok(_) => Left::Waking,
            Err(_) => {
                self.free();
                Left::Awake
            }
        }
    }
}

/// How a task has left.
pub(crate) enum Left {
    /// No signaller has woken it.
    Asleep(Waker),
    /// A signaller is about to: it frees the slot, and wakes another task.
    Waking,
    /// There was no waker: if the task has left one, it was woken.
    Awake,
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    /// However a task leaves, its slot is the next one's, once.
    #[test]
    fn d19_a_slot_that_is_left_is_free() {
        let cell = crate::zeroed::zeroed::<WakerCell>();
        let arm = || assert!(matches!(cell.arm(Waker::noop().clone()), Armed::Yes));
        let is_free_once = || assert_eq!((cell.claim(), cell.claim()), (true, false));
        is_free_once();
        assert!(matches!(cell.vacate(), Left::Awake), "it left no waker");
        is_free_once();
        arm();
        assert!(matches!(cell.vacate(), Left::Asleep(_)));
        is_free_once();
        arm();
        assert!(cell.wake(|| ()));
        assert!(matches!(cell.vacate(), Left::Awake), "it was woken");
        is_free_once();
        arm();
        // It leaves while it is being woken, and the signaller frees the slot.
        assert!(!cell.wake(|| {
            assert!(matches!(cell.vacate(), Left::Waking));
            assert!(!cell.claim());
        }));
        is_free_once();
    }
}
