//! Tasks that wait: a slot at an event for as long as they do, and a waker in it whenever they are put aside.

use core::task::{Context, Poll};

use super::event::Attempt;
use super::{Event, Wait};
use crate::atomic::{Armed, Left, WakerCell};
use crate::sync::is_over;

/// A task's place at one event, to be used with that event only.
#[derive(Debug, Default)]
pub(crate) struct SlotClaim {
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

impl SlotClaim {
    pub(crate) const NONE: Self =
        Self { waits: false, counted: false, number: None, armed: false, owes: false };

    /// Returns whether a signal may have been for it.
    pub(crate) fn waits(&self) -> bool {
        self.waits
    }

    /// Looks, and if there is nothing, sees to it that the task is woken when that may have changed.
    ///
    /// # Safety
    /// The claim was used with no other event since it was last [`left`](Self::leave).
    pub(crate) unsafe fn poll<W: Wait, R, const TASKS: usize>(
        &mut self,
        event: &Event<TASKS>,
        wait: &W,
        context: &Context<'_>,
        mut look: impl FnMut() -> Attempt<R>,
    ) -> Poll<R> {
        if let Attempt::Ready(found) = look() {
            return Poll::Ready(found);
        }
        if !self.waits {
            // First, and once: the platform may panic in what comes next.
            self.counted = self.counted || event.count_task();
            event.announce_task(wait);
            self.waits = true;
            self.number = event.tasks().claim();
        }
        // Dropped at the end: it may panic.
        let mut replaced = None;
        let sleeps = match event.tasks().slot(self.number) {
            Some(slot) => {
                let waker = context.waker().clone();
                event.tasks().arming();
                let armed = slot.arm(waker);
                self.armed |= !matches!(armed, Armed::Woken);
                if !matches!(armed, Armed::Yes) {
                    event.tasks().disarmed();
                }
                let sleeps = !matches!(armed, Armed::Woken);
                if let Armed::Replaced(waker) = armed {
                    replaced = Some(waker);
                }
                sleeps
            }
            // No slot is free: it tries again, like one that was woken.
            None => false,
        };
        Event::<TASKS>::fence_task();
        let looked = look();
        self.owes = matches!(looked, Attempt::Retry);
        match looked {
            Attempt::Ready(found) => return Poll::Ready(found),
            Attempt::NotYet if sleeps => {}
            Attempt::NotYet | Attempt::Retry => {
                if self.number.is_none() {
                    // One may be free by the next time.
                    self.number = event.tasks().claim();
                }
                context.waker().wake_by_ref();
            }
        }
        drop(replaced);
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
            match event.tasks().slot(Some(number)).map_or(Left::Awake, WakerCell::vacate) {
                Left::Asleep(left) => {
                    event.tasks().disarmed();
                    waker = Some(left);
                }
                Left::Waking => {}
                Left::Awake => woken |= was_armed,
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
/// it was woken and before it found something, it wakes the next one. If it is forgotten, it keeps its claim as long as
/// the event is there, and one wake-up may be lost with it.
///
/// ```
/// use annulet::wait::{Event, Waiter};
/// # #[cfg(feature = "std")] {
/// use annulet::{host::Futex, Spsc};
/// use core::task::{Context, Poll, Waker};
///
/// let mut ring = Spsc::<u32, 8>::new();
/// let (mut tx, mut rx) = ring.split();
/// let (data, futex) = (Event::<8>::new(), Futex::new());
/// let mut waiter = Waiter::new(&data, &futex);
/// let mut context = Context::from_waker(Waker::noop());
/// assert_eq!(waiter.poll(&mut context, || rx.try_pop().ok()), Poll::Pending);
/// tx.try_push(7).unwrap();
/// data.signal(&futex, 1); // wakes the task
/// assert_eq!(waiter.poll(&mut context, || rx.try_pop().ok()), Poll::Ready(7));
/// # }
/// ```
#[derive(Debug)]
pub struct Waiter<'e, W: Wait, const TASKS: usize = 8> {
    event: &'e Event<TASKS>,
    wait: &'e W,
    claim: SlotClaim,
}

impl<'e, W: Wait, const TASKS: usize> Waiter<'e, W, TASKS> {
    /// Makes the waiter of a task that has not begun to wait.
    #[must_use]
    pub const fn new(event: &'e Event<TASKS>, wait: &'e W) -> Self {
        Self { event, wait, claim: SlotClaim::NONE }
    }

    /// Looks, and if nothing is found, has the task woken by the next signal. What is found ends the wait; the
    /// next `poll` begins another one.
    pub fn poll<R>(&mut self, context: &mut Context<'_>, mut look: impl FnMut() -> Option<R>) -> Poll<R> {
        let look = || look().map_or(Attempt::NotYet, Attempt::Ready);
        // SAFETY: the claim is used with this event only.
        let polled = unsafe { self.claim.poll(self.event, self.wait, context, look) };
        if polled.is_ready() {
            // SAFETY: as above.
            unsafe { self.claim.leave(self.event, self.wait, true) };
        }
        polled
    }
}

impl<W: Wait, const TASKS: usize> Drop for Waiter<'_, W, TASKS> {
    fn drop(&mut self) {
        // SAFETY: the claim is used with this event only.
        unsafe { self.claim.leave(self.event, self.wait, false) };
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use alloc::sync::Arc;
    use alloc::task::Wake;
    use core::task::Waker;
    use std::sync::Mutex;

    use super::super::tests::Never;
    use super::*;

    #[derive(Default)]
    struct Wakes(Mutex<usize>);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            *self.0.lock().unwrap() += 1;
        }
    }

    /// One task is woken, finds that others were faster at each try, and gives up. What it was woken for may still be
    /// there, so the other task has to look.
    #[test]
    fn d19_who_was_outrun_and_gives_up_wakes_the_next() {
        let event = Event::<2>::new();
        let wakes = [(); 2].map(|()| Arc::<Wakes>::default());
        let count = |at: usize| *wakes[at].0.lock().unwrap();
        let mut seats = [SlotClaim::NONE, SlotClaim::NONE];
        let poll = |claim: &mut SlotClaim, at: usize, look: fn() -> Attempt<()>| {
            let waker = Waker::from(Arc::clone(&wakes[at]));
            // SAFETY: both seats are used with this event only.
            unsafe { claim.poll(&event, &Never, &Context::from_waker(&waker), look) }
        };
        for (at, claim) in seats.iter_mut().enumerate() {
            assert!(poll(claim, at, || Attempt::NotYet).is_pending());
        }
        event.signal(&Never, 1);
        let first = usize::from(count(0) == 0);
        assert_eq!((count(first), count(1 - first)), (1, 0), "one signal is for one of them");
        assert!(poll(&mut seats[first], first, || Attempt::Retry).is_pending());
        assert_eq!(count(first), 2, "it will look again by itself");
        // SAFETY: as above.
        unsafe { seats[first].leave(&event, &Never, false) };
        assert_eq!(count(1 - first), 1, "so the other one has to, now");
        // SAFETY: as above.
        unsafe { seats[1 - first].leave(&event, &Never, true) };
        assert_eq!((event.waiting(), count(first), count(1 - first)), (0, 2, 1));
    }

    /// Without an allocator, the slots of an event are all there are: as many as its parameter says, more than 32 too. A task
    /// beyond them tries again until one is free, and is counted.
    #[cfg(not(feature = "alloc"))]
    #[test]
    fn d19_without_a_slot_a_task_tries_again_until_it_has_one() {
        const TASKS: usize = 40;
        let event = Event::<TASKS>::new();
        let wakes = [(); TASKS + 1].map(|()| Arc::<Wakes>::default());
        let woken = |at: usize| core::mem::take(&mut *wakes[at].0.lock().unwrap());
        let mut waiters: alloc::vec::Vec<_> = wakes.iter().map(|_| Waiter::new(&event, &Never)).collect();
        let poll = |waiter: &mut Waiter<'_, Never, TASKS>, at: usize| {
            let waker = Waker::from(Arc::clone(&wakes[at]));
            assert!(waiter.poll(&mut Context::from_waker(&waker), || None::<()>).is_pending());
        };
        for (at, waiter) in waiters.iter_mut().enumerate().take(TASKS) {
            poll(waiter, at);
            assert_eq!((woken(at), event.crowded()), (0, 0), "it has a slot");
        }
        let mut standing = waiters.pop().unwrap();
        for times in 1..4 {
            poll(&mut standing, TASKS);
            assert_eq!(woken(TASKS), 1, "it has to be polled again");
            assert!(event.crowded() >= times);
        }
        waiters.truncate(1);
        // One poll sees that a slot is free, the next one leaves its waker there.
        (0..2).for_each(|_| poll(&mut standing, TASKS));
        woken(TASKS);
        poll(&mut standing, TASKS);
        assert_eq!(woken(TASKS), 0, "now it is woken by signals only");
        event.signal_all(&Never);
        assert_eq!((woken(0), woken(TASKS)), (1, 1));
    }
}
