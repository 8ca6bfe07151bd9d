//! Tasks that wait: a few cells for wakers, beside the words that threads sleep on.
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
use core::task::{Context, Poll, Waker};

use super::event::Look;
use super::{Event, Wait};
use crate::sync::{AtomicU32, Ordering, Shadow, Site, const_fn, is_over, order};

const IDLE: u32 = 0;
const ARMED: u32 = 1;
const WAKING: u32 = 2;
const ABANDONED: u32 = 3;

/// How often a seat is tried for while others take some.
const TRIES: usize = 64;

/// Where one task leaves its waker.
struct Cell {
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
enum Armed {
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
    fn arm(&self, waker: &Waker) -> Armed {
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
    fn vacate(&self) -> Left {
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
enum Left {
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
    fn claim(&self) -> Option<u32> {
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

    fn give_back(&self, seat: u32) {
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

    fn cell(&self, seat: Option<u32>) -> Option<&Cell> {
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

/// A task's place at one event, to be used with that event only.
#[derive(Debug, Default)]
pub struct Seat {
    /// It waits, and signallers know.
    waits: bool,
    /// It is counted at the event.
    counted: bool,
    number: Option<u32>,
    /// It has left a waker, which it has not taken back.
    armed: bool,
    /// Others were faster at its last look: what it was woken for may still be there.
    owes: bool,
}

impl Seat {
    pub(crate) const NONE: Self = Self { waits: false, counted: false, number: None, armed: false, owes: false };

    /// Whether somebody may have been signalled for it.
    pub(crate) fn waits(&self) -> bool {
        self.waits
    }

    /// Looks, and if there is nothing, sees to it that the task is woken when that may have changed.
    ///
    /// # Safety
    /// The seat was used with no other event since it was last [`left`](Self::leave).
    pub(crate) unsafe fn poll<W: Wait, R, const TASKS: usize>(
        &mut self,
        event: &Event<TASKS>,
        wait: &W,
        context: &Context<'_>,
        mut look: impl FnMut() -> Look<R>,
    ) -> Poll<R> {
        if let Look::Found(found) = look() {
            return Poll::Ready(found);
        }
        if !self.waits {
            // First, and once: the platform may panic in what comes next.
            self.counted = self.counted || event.count_task();
            event.announce_task(wait);
            self.waits = true;
            self.number = event.tasks().claim();
        }
        let armed = match event.tasks().cell(self.number) {
            Some(cell) => {
                let armed = cell.arm(context.waker());
                // If it is being woken, that is of the waker that it left before.
                self.armed |= armed == Armed::Yes;
                armed
            }
            // No seat is free: it tries again, like one that was woken.
            None => Armed::Woken,
        };
        Event::<TASKS>::fence_task();
        let looked = look();
        self.owes = matches!(looked, Look::Again);
        match looked {
            Look::Found(found) => return Poll::Ready(found),
            Look::Nothing if armed == Armed::Yes => {}
            Look::Nothing | Look::Again => {
                if self.number.is_none() {
                    // One may be free by the next time.
                    self.number = event.tasks().claim();
                }
                context.waker().wake_by_ref();
            }
        }
        Poll::Pending
    }

    /// Gives the place up. If it was woken for something that it did not take, the next one is woken.
    ///
    /// # Safety
    /// As for `poll`.
    pub(crate) unsafe fn leave<const TASKS: usize>(
        &mut self,
        event: &Event<TASKS>,
        notify: &impl super::Notify,
        took: bool,
    ) {
        if !(core::mem::take(&mut self.waits) || self.counted) || is_over() {
            return;
        }
        let was_armed = core::mem::take(&mut self.armed);
        let mut woken = core::mem::take(&mut self.owes);
        let mut waker = None;
        if let Some(number) = self.number.take() {
            match event.tasks().cell(Some(number)).map_or(Left::Awake, Cell::vacate) {
                Left::Asleep(left) => {
                    waker = Some(left);
                    event.tasks().give_back(number);
                }
                Left::Waking => {}
                Left::Awake => {
                    woken |= was_armed;
                    event.tasks().give_back(number);
                }
            }
        }
        if core::mem::take(&mut self.counted) {
            event.retract();
        }
        if woken && !took {
            event.signal(notify, 1);
        }
        // Last, since it may panic.
        drop(waker);
    }
}

/// A task that waits for an [`Event`].
///
/// It is counted there from the first [`poll`](Self::poll) that found nothing until it is dropped. If it is dropped after
/// it was woken and before it found something, it wakes the next one. If it is forgotten, it keeps its seat as long as
/// the event is there, and one wake-up may be lost with it.
///
/// ```
/// use annulet::wait::{Event, Ticket};
/// # #[cfg(feature = "std")] {
/// use annulet::{host::Futex, Spsc};
/// use core::task::{Context, Poll, Waker};
///
/// let mut ring = Spsc::<u32, 8>::new();
/// let (mut tx, mut rx) = ring.split();
/// let (data, futex) = (Event::<8>::new(), Futex::new());
/// let mut ticket = Ticket::new(&data, &futex);
/// let mut context = Context::from_waker(Waker::noop());
/// assert_eq!(ticket.poll(&mut context, || rx.try_pop().ok()), Poll::Pending);
/// tx.try_push(7).unwrap();
/// data.signal(&futex, 1); // wakes the task
/// assert_eq!(ticket.poll(&mut context, || rx.try_pop().ok()), Poll::Ready(7));
/// # }
/// ```
#[derive(Debug)]
pub struct Ticket<'e, W: Wait, const TASKS: usize = 8> {
    event: &'e Event<TASKS>,
    wait: &'e W,
    seat: Seat,
}

impl<'e, W: Wait, const TASKS: usize> Ticket<'e, W, TASKS> {
    /// For a task that has not begun to wait.
    #[must_use]
    pub const fn new(event: &'e Event<TASKS>, wait: &'e W) -> Self {
        Self { event, wait, seat: Seat::NONE }
    }

    /// Looks, and if nothing is found, has the task woken once somebody has signalled. What is found ends the wait; the
    /// next `poll` begins another one.
    pub fn poll<R>(&mut self, context: &mut Context<'_>, mut look: impl FnMut() -> Option<R>) -> Poll<R> {
        let look = || look().map_or(Look::Nothing, Look::Found);
        // SAFETY: the seat is used with this event only.
        let polled = unsafe { self.seat.poll(self.event, self.wait, context, look) };
        if polled.is_ready() {
            // SAFETY: as above.
            unsafe { self.seat.leave(self.event, self.wait, true) };
        }
        polled
    }
}

impl<W: Wait, const TASKS: usize> Drop for Ticket<'_, W, TASKS> {
    fn drop(&mut self) {
        // SAFETY: the seat is used with this event only.
        unsafe { self.seat.leave(self.event, self.wait, false) };
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use alloc::sync::Arc;
    use alloc::task::Wake;
    use core::sync::atomic;

    use super::super::tests::Never;
    use super::*;

    #[derive(Default)]
    struct Wakes(atomic::AtomicUsize);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, atomic::Ordering::Relaxed);
        }
    }

    /// One task is woken, finds that others were faster at each try, and gives up. What it was woken for may still be
    /// there, so the other task has to look.
    #[test]
    fn d19_who_was_outrun_and_gives_up_wakes_the_next() {
        let event = Event::<2>::new();
        let wakes = [(); 2].map(|()| Arc::<Wakes>::default());
        let count = |at: usize| wakes[at].0.load(atomic::Ordering::Relaxed);
        let mut seats = [Seat::NONE, Seat::NONE];
        let poll = |seat: &mut Seat, at: usize, look: fn() -> Look<()>| {
            let waker = Waker::from(Arc::clone(&wakes[at]));
            // SAFETY: both seats are used with this event only.
            unsafe { seat.poll(&event, &Never, &Context::from_waker(&waker), look) }
        };
        for (at, seat) in seats.iter_mut().enumerate() {
            assert!(poll(seat, at, || Look::Nothing).is_pending());
        }
        event.signal(&Never, 1);
        let first = usize::from(count(0) == 0);
        assert_eq!((count(first), count(1 - first)), (1, 0), "one signal is for one of them");
        assert!(poll(&mut seats[first], first, || Look::Again).is_pending());
        assert_eq!(count(first), 2, "it will look again by itself");
        // SAFETY: as above.
        unsafe { seats[first].leave(&event, &Never, false) };
        assert_eq!(count(1 - first), 1, "so the other one has to, now");
        // SAFETY: as above.
        unsafe { seats[1 - first].leave(&event, &Never, true) };
        assert_eq!((event.waiting(), count(first), count(1 - first)), (0, 2, 1));
    }
}
