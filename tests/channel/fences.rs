//! Platforms by hand: the two halves of an asymmetric fence, one that panics, and who has turns at being woken.

use std::cell::{Cell, RefCell};
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Waker};

use annulet::wait::{Deadline, Event, Strategy, Waiter};

use crate::common::{ByHand, Task, panics};

#[test]
fn d19_a_fence_that_panics_leaves_nobody_counted() {
    let torn = ByHand {
        asymmetric: true,
        notify: Box::new(|_| panic!("nobody sleeps")),
        fence: Box::new(|| resume_unwind(Box::new("torn"))),
        ..ByHand::default()
    };
    let event = Event::<1>::new();
    // Now those who wait have to make the fence.
    event.signal(&torn, 1);
    let look = || None::<()>;
    assert!(panics(|| event.wait_until(&torn, Strategy::block(), Deadline::NEVER, look)));
    assert_eq!(event.waiting(), 0);
    event.signal(&torn, 1);
    let mut ticket = Waiter::new(&event, &torn);
    for _ in 0..2 {
        assert!(panics(|| ticket.poll(&mut Context::from_waker(Waker::noop()), look)), "still to be made");
        assert_eq!(event.waiting(), 1);
    }
    drop(ticket);
    assert_eq!(event.waiting(), 0);
    event.signal(&torn, 1);
}

/// What was asked of a platform: how many fences, and until when threads meant to sleep.
#[derive(Default)]
struct Asked {
    fences: Cell<usize>,
    sleeps: RefCell<Vec<Deadline>>,
}

impl Asked {
    /// A platform that has the asymmetric fence, which works or not. Its clock goes on while a thread sleeps.
    fn platform(&self, works: bool) -> ByHand<'_> {
        ByHand {
            asymmetric: true,
            sleep: Box::new(|platform, word, seen, until| {
                // SAFETY: the word is borrowed, so it lives, and is accessed atomically only.
                let raw = unsafe { AtomicU32::from_ptr(word.as_ptr()) };
                assert_eq!((raw.load(Ordering::Relaxed), word.get()), (seen, seen), "it is where it says");
                self.sleeps.borrow_mut().push(until);
                if until != Deadline::NEVER {
                    platform.pass_until(until);
                }
            }),
            fence: Box::new(move || {
                self.fences.set(self.fences.get() + 1);
                works
            }),
            ..ByHand::default()
        }
    }

    fn seen(&self) -> (usize, Vec<Deadline>) {
        (self.fences.get(), self.sleeps.borrow().clone())
    }
}

/// After a signal that went without a fence, and not before one, a thread that waits has the platform fence for the
/// signallers. If that fails, it looks again after 10 ms instead of sleeping for good.
#[test]
fn d06_a_thread_fences_for_signallers_that_do_not() {
    for (signalled, works, fences, until) in [
        (false, true, 0, Deadline::NEVER),
        (true, true, 1, Deadline::NEVER),
        (true, false, 1, Deadline::at(10_000_000)),
    ] {
        let (asked, event) = (Asked::default(), Event::<1>::new());
        let platform = asked.platform(works);
        if signalled {
            event.signal(&platform, 1);
        }
        let mut looks = 0;
        let found = event.wait_until(&platform, Strategy::phased(0, 0), Deadline::NEVER, || {
            looks += 1;
            (looks == 3).then_some(7)
        });
        assert_eq!((found, asked.seen()), (Ok(7), (fences, vec![until])));
    }
}

/// A task does so once, for all that come after it. If that fails, it lets 10 ms go by.
#[test]
fn d06_a_task_ends_signals_without_a_fence() {
    for works in [true, false] {
        let mut context = Context::from_waker(Waker::noop());
        for signalled in [false, true] {
            let (asked, event) = (Asked::default(), Event::<1>::new());
            let platform = asked.platform(works);
            let naps = if works { vec![] } else { vec![Deadline::at(10_000_000)] };
            let expected = if signalled { (1, naps) } else { (0, vec![]) };
            for _ in 0..2 {
                if signalled {
                    event.signal(&platform, 1);
                }
                assert!(Waiter::new(&event, &platform).poll(&mut context, || None::<()>).is_pending());
                assert_eq!(asked.seen(), expected, "signallers fence until they hear that they need not");
            }
        }
    }
}

/// Tasks and threads have turns at being asked first, whichever of them can be had.
#[test]
fn h15_tasks_and_threads_have_turns() {
    let (event, task) = (Event::<1>::new(), Task::new());
    let (called, first) = (Cell::new(0), RefCell::new(Vec::new()));
    let platform = ByHand {
        notify: Box::new(|count| {
            called.set(called.get() + 1);
            count
        }),
        // Signals while the thread of the test is asleep.
        sleep: Box::new(|platform, _, _, _| {
            let mut ticket = Waiter::new(&event, platform);
            for _ in 0..2 {
                assert!(task.with(|context| ticket.poll(context, || None::<()>)).is_pending());
                event.signal(platform, 1);
                first.borrow_mut().push(match (task.wakes(), called.take()) {
                    (1, 0) => "task",
                    (0, 1) => "thread",
                    was => panic!("one signal is for one: {was:?}"),
                });
            }
        }),
        ..ByHand::default()
    };
    let mut looks = 0;
    let found = event.wait_until(&platform, Strategy::phased(0, 0), Deadline::NEVER, || {
        looks += 1;
        (looks == 3).then_some(7)
    });
    assert_eq!((found, event.waiting()), (Ok(7), 0));
    assert_eq!(*first.borrow(), ["task", "thread"]);
}
