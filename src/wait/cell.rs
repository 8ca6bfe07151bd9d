//! Cells for the wakers of tasks that wait, beside the word that threads sleep on.
//!
//! A task takes a seat for as long as it waits, and leaves its waker there each time it is about to be put aside. Who
//! signals takes a waker out, which wakes that task and no other.
//!
//! ```text
//!             arm (task)            wake (signaller)           done (signaller)
//!     Idle ────────────────▶ Armed ────────────────▶ Waking ────────────────────▶ Idle
//!       ▲                      │                       │ vacate (task)
//!       └──────────────────────┘                       └──────────▶ Abandoned ──▶ Idle, the seat is free
//!        arm again, vacate (task)                                   done (signaller)
//! ```
//!
//! Nobody waits for anybody here: a task that finds its cell `Waking` is being woken, and tries again; one that leaves
//! then lets the signaller free the seat. So a signal may come from an interrupt handler that has interrupted either.

use core::cell::UnsafeCell;
use core::fmt;
use core::mem::MaybeUninit;
use core::task::Waker;

use crate::sync::{AtomicU32, Ordering, Shadow, Site, const_fn, is_over, order};

const IDLE: u32 = 0;
const ARMED: u32 = 1;
const WAKING: u32 = 2;
const ABANDONED: u32 = 3;

/// How often a seat is tried for while others take some.
const TRIES: usize = 64;

/// Where one task leaves its waker.
pub(super) struct Cell {
    state: AtomicU32,
    /// Initialised while `state` is `ARMED`, `WAKING` or `ABANDONED`. Zeroed memory is a cell.
    waker: UnsafeCell<MaybeUninit<Waker>>,
    shadow: Shadow<1>,
}

// SAFETY: the waker in it may be sent and shared. It is written and taken out by whoever the state says has the cell:
// its task while `IDLE` (and after taking `ARMED` back), one signaller while `WAKING` or `ABANDONED`.
unsafe impl Sync for Cell {}

/// What came of leaving a waker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Armed {
    /// It will be woken.
    Yes,
    /// It is being woken just now, and has to look again.
    Woken,
}

impl Cell {
    const_fn! {
        const fn new() -> Self {
            Self {
                state: AtomicU32::new(IDLE),
                waker: UnsafeCell::new(MaybeUninit::uninit()),
                shadow: Shadow::new(),
            }
        }
    }

    /// Leaves a waker. Only for who has the seat.
    pub(super) fn arm(&self, waker: &Waker) -> Armed {
        // Acquire: pairs with the end of `wake`, whose signaller has read the waker that was here before; also if that was
        // another task's, of whose seat this is the next holder: a later state than it saw is not older than that end.
        match self.state.load(order(Site::TaskRetake, Ordering::Acquire)) {
            IDLE => {}
            ARMED => match self.take_back() {
                Some(last) => drop(last),
                None => return Armed::Woken,
            },
            _ => return Armed::Woken,
        }
        let waker = waker.clone();
        self.shadow.write(0);
        // SAFETY: the cell is idle, so no signaller has it, and whoever calls this has the seat, so no other task.
        let cell = unsafe { &mut *self.waker.get() };
        cell.write(waker);
        // Release: pairs with `wake`.
        self.state.store(ARMED, order(Site::TaskArm, Ordering::Release));
        Armed::Yes
    }

    /// From armed to idle, and the waker, if no signaller is faster. Only for who has the seat.
    fn take_back(&self) -> Option<Waker> {
        // Relaxed: the waker is the task's own, and where a signaller was faster, nothing is touched.
        self.state.compare_exchange(ARMED, IDLE, Ordering::Relaxed, Ordering::Relaxed).ok()?;
        self.shadow.write(0);
        // SAFETY: it is idle now, so no signaller has the cell, and whoever calls this has the seat.
        let cell = unsafe { &*self.waker.get() };
        // SAFETY: it was armed, so the waker is initialised; and it is not used again before it is written.
        Some(unsafe { cell.assume_init_read() })
    }

    /// Takes the waker out, if there is one, and wakes the task; whether it did. If the task has left meanwhile, `free`
    /// is called in its place.
    fn wake(&self, free: impl FnOnce()) -> bool {
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
        // SAFETY: initialised, since it was armed; and read once, since nobody but us can leave `WAKING`.
        let waker = unsafe { cell.assume_init_read() };
        // Release: pairs with the next `arm`, of the task or of who gets the seat next.
        if self.state.swap(IDLE, order(Site::TaskDone, Ordering::Release)) == ABANDONED {
            free();
            return false;
        }
        waker.wake();
        true
    }

    /// The task goes; how it stands then.
    pub(super) fn vacate(&self) -> Left {
        if let Some(waker) = self.take_back() {
            return Left::Asleep(waker);
        }
        // Relaxed: all that the task did to the cell was before it armed it, which the signaller has seen. Whoever gets the
        // seat next sees the signaller's end in `arm`.
        match self.state.compare_exchange(WAKING, ABANDONED, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => Left::Waking,
            Err(_) => Left::Awake,
        }
    }
}

/// How a task has left.
pub(super) enum Left {
    /// Nobody has woken it.
    Asleep(Waker),
    /// A signaller is about to: it frees the seat, and wakes somebody else.
    Waking,
    /// There was no waker: if it has left one, it was woken.
    Awake,
}

/// The cells of an event.
pub(super) struct Tasks<const N: usize> {
    /// A set bit is a seat that is taken.
    taken: AtomicU32,
    cells: [Cell; N],
}

impl<const N: usize> fmt::Debug for Tasks<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tasks").field("taken", &self.taken.load(Ordering::Relaxed).count_ones()).finish()
    }
}

impl<const N: usize> Tasks<N> {
    const AT_MOST_32: () = assert!(N <= 32, "an event has seats for at most 32 tasks");

    const_fn! {
        pub(super) const fn new() -> Self {
            let () = Self::AT_MOST_32;
            #[cfg(not(loom))]
            let cells = [const { Cell::new() }; N];
            #[cfg(loom)]
            let cells = core::array::from_fn(|_| Cell::new());
            Self { taken: AtomicU32::new(0), cells }
        }
    }

    /// Takes a seat, if one is free.
    pub(super) fn claim(&self) -> Option<u32> {
        // Relaxed: the exchange decides.
        let mut taken = self.taken.load(Ordering::Relaxed);
        for _ in 0..TRIES {
            let seat = taken.trailing_ones();
            if seat as usize >= N {
                return None;
            }
            // Acquire: pairs with `give_back`.
            let acquire = order(Site::SeatClaim, Ordering::Acquire);
            match self.taken.compare_exchange(taken, taken | 1 << seat, acquire, Ordering::Relaxed) {
                Ok(_) => return Some(seat),
                Err(now) => taken = now,
            }
        }
        None
    }

    pub(super) fn give_back(&self, seat: u32) {
        // Release: pairs with `claim`.
        self.taken.fetch_and(!(1 << seat), order(Site::SeatGiveBack, Ordering::Release));
    }

    /// Wakes up to `count` tasks, beginning at one that depends on `turn`; how many.
    pub(super) fn wake(&self, turn: u32, count: u32) -> u32 {
        // Relaxed: who is not seen has a fence still to pass, and then sees what was signalled.
        let taken = self.taken.load(Ordering::Relaxed);
        if N == 0 || taken == 0 {
            return 0;
        }
        let mut round = Round { tasks: self, taken, next: turn as usize, steps: N, left: count };
        round.go();
        count - round.left
    }

    /// Nobody has a seat, by exclusive access.
    pub(super) fn clear(&mut self) {
        // Whoever had one was forgotten.
        self.cells.iter().for_each(|cell| drop(cell.take_back()));
    }

    pub(super) fn cell(&self, seat: Option<u32>) -> Option<&Cell> {
        self.cells.get(seat? as usize)
    }
}

/// A signal on its way around the seats. If a waker panics, it goes on when this is dropped, and wakes another one for that
/// one.
struct Round<'t, const N: usize> {
    tasks: &'t Tasks<N>,
    taken: u32,
    next: usize,
    steps: usize,
    /// How many are still to be woken.
    left: u32,
}

impl<const N: usize> Round<'_, N> {
    fn go(&mut self) {
        while self.left > 0 && self.steps > 0 {
            self.steps -= 1;
            let seat = self.next.checked_rem(N).unwrap_or(0);
            self.next = seat + 1;
            let Some(cell) = self.tasks.cells.get(seat).filter(|_| self.taken & 1 << seat != 0) else { continue };
            let tasks = self.tasks;
            #[allow(clippy::cast_possible_truncation)] // below 32
            let free = || tasks.give_back(seat as u32);
            self.left -= u32::from(cell.wake(free));
        }
    }
}

impl<const N: usize> Drop for Round<'_, N> {
    fn drop(&mut self) {
        if !is_over() {
            self.go();
        }
    }
}
