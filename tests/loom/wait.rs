//! Models of events: threads and tasks that wait for them, and those who signal.
//!
//! What is waited for is a ring, or where there are several who wait, a token that one of them takes. A wake-up that is
//! lost is a deadlock, which loom reports. Modelled is the form of the fence that both sides pass.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use annulet::Spsc;
use annulet::ring::{Consumer, Producer};
use annulet::wait::{Deadline, Event, Strategy, TimedOut, Wait, Waiter};
use loom::sync::atomic::{AtomicU32, Ordering};

use crate::harness::{Main, at_once, three};
use crate::platform::{Bell, Platform, SOON, block_on, lent};

models! {
    fn d06_a_push_against_a_wait = |main| push_and_wait(main, true),
        kills [SignalFence ThreadFence] mutant |main| push_and_wait(main, false);
    fn d06_a_signal_during_the_second_sleep = |main| two_signals(main, 2),
        kills [SignalFence ThreadFence AgainFence] mutant |main| two_signals(main, 1);
    fn h15_each_thread_is_called_for_each_sleep = |main| two_calls(main, 2),
        within 2 kills [SignalFence] mutant |main| two_calls(main, 1);
    fn h16_a_push_against_phases = |main| push_and_wait_in_phases(main, true),
        kills [SignalFence ThreadFence] mutant |main| push_and_wait_in_phases(main, false);
    fn h15_one_wake_for_two_threads = |main| two_threads(main, Platform::new()),
        kills [SignalFence ThreadFence] mutant |main| two_threads(main, Platform::forgetful());
    fn h15_one_wake_for_a_thread_and_a_task kills [SignalFence TaskFence];
    fn h15_a_task_that_was_woken_is_dropped = |main| two_tasks(main, false),
        within 2 kills [SignalFence TaskFence] mutant |main| two_tasks(main, true);
    fn d19_a_push_against_a_poll = |main| push_and_poll(main, true),
        kills [SignalFence TaskFence TaskArm TaskWake] mutant |main| push_and_poll(main, false);
    fn d19_a_waker_is_replaced = |main| replace(main, true),
        kills [TaskArm TaskWake TaskDone TaskRetake] mutant |main| replace(main, false);
    fn d19_a_seat_is_used_again kills [SlotGiveBack] mutant d19_mutant_expects_a_seat;
    fn d19_a_seat_that_a_signaller_frees kills [TaskDone] mutant d19_mutant_counts_wakers_too_early;
    fn d19_a_seat_changes_hands_during_a_wake within 2 kills [SlotGiveBack TaskDone TaskRetake];
    fn d19_a_seat_is_left_after_a_wake kills [TaskDone TaskVacate];
}

type Ring = Spsc<u32, 1>;

/// What waits are for, where there are several: one of them takes it.
struct Token(AtomicU32);

impl Token {
    fn new() -> Self {
        Self(AtomicU32::new(0))
    }
    fn put(&self) {
        self.0.store(1, Ordering::Relaxed);
    }
    fn take(&self) -> Option<()> {
        self.0.compare_exchange(1, 0, Ordering::Relaxed, Ordering::Relaxed).ok().map(drop)
    }
}

/// An event, what it is of, and what its users sleep with.
struct Stage<T, const TASKS: usize> {
    event: Event<TASKS>,
    platform: Platform,
    of: T,
}

impl<T, const TASKS: usize> Stage<T, TASKS> {
    fn new(of: T) -> Self {
        Self { event: Event::new(), platform: Platform::new(), of }
    }
    fn signal(&self, count: u32) {
        self.event.signal(&self.platform, count);
    }
    fn wait_until<R>(&self, until: Deadline, look: impl FnMut() -> Option<R>) -> Result<R, TimedOut> {
        self.event.wait_until(&self.platform, self.platform.default_strategy(), until, look)
    }
    fn ticket(&'static self) -> Waiter<'static, Platform, TASKS> {
        Waiter::new(&self.event, &self.platform)
    }
}

impl<const TASKS: usize> Stage<Token, TASKS> {
    fn put(&self) {
        self.of.put();
        self.signal(1);
    }
}

type Ends = (Producer<'static, u32>, Consumer<'static, u32>);

/// Lends an event, and both ends of a ring.
fn with_ring<const TASKS: usize>(play: impl FnOnce(&'static Stage<(), TASKS>, Ends)) {
    lent(Ring::new(), |ring| {
        let ends = ring.split();
        lent(Stage::new(()), |stage| play(stage, ends));
    });
}

/// Lends an event, and a token.
fn with_token<const TASKS: usize>(play: impl FnOnce(&'static Stage<Token, TASKS>)) {
    lent(Stage::new(Token::new()), |stage| play(stage));
}

/// An item is pushed, and waited for.
fn push_and_wait(main: Main, signals: bool) {
    with_ring::<0>(|stage, (mut tx, mut rx)| {
        let pushes = move || {
            tx.try_push(7).unwrap();
            if signals {
                stage.signal(1);
            }
        };
        let waits = move || assert_eq!(stage.wait_until(Deadline::NEVER, || rx.try_pop().ok()), Ok(7));
        at_once(main, pushes, waits);
    });
}

/// Who waits spins, yields and then sleeps: in whichever phase the item comes, it is found.
fn push_and_wait_in_phases(main: Main, signals: bool) {
    with_ring::<0>(|stage, (mut tx, mut rx)| {
        let pushes = move || {
            tx.try_push(7).unwrap();
            if signals {
                stage.signal(1);
            }
        };
        let phases = Strategy::phased(1, 1);
        let waits = move || {
            let look = || rx.try_pop().ok();
            assert_eq!(stage.event.wait_until(&stage.platform, phases, Deadline::NEVER, look), Ok(7));
        };
        at_once(main, pushes, waits);
    });
}

/// A thread that is called, and finds nothing, is called again when it sleeps again.
fn two_signals(main: Main, signals: u32) {
    lent(Stage::<AtomicU32, 0>::new(AtomicU32::new(0)), |stage| {
        let stage = &*stage;
        let counts = move || {
            for number in 1..3 {
                stage.of.store(number, Ordering::Relaxed);
                if number <= signals {
                    stage.signal(1);
                }
            }
        };
        let look = move || (stage.of.load(Ordering::Relaxed) == 2).then_some(());
        at_once(main, counts, move || stage.wait_until(Deadline::NEVER, look)).1.unwrap();
    });
}

/// Takes one of so many, if one is left.
fn take_one(many: &AtomicU32) -> Option<()> {
    many.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |many| many.checked_sub(1)).ok().map(drop)
}

/// Two threads, and one signal for each: whichever of them the platform wakes, both are called.
fn two_calls(main: Main, calls: u32) {
    lent(Stage::<AtomicU32, 0>::new(AtomicU32::new(0)), |stage| {
        let stage = &*stage;
        let puts = move || {
            for number in 0..2 {
                stage.of.fetch_add(1, Ordering::Relaxed);
                if number < calls {
                    stage.signal(1);
                }
            }
        };
        let takes = move || {
            stage.wait_until(Deadline::NEVER, || take_one(&stage.of)).unwrap();
        };
        three(main, puts, takes, takes);
    });
}

/// Tasks beyond the slots of the event, which get slots on the heap.
#[cfg(feature = "alloc")]
pub mod crowded {
    use super::{Main, Stage, Token, at_once, block_on, lent, pass_by_of, take_one, three};
    use loom::sync::atomic::{AtomicU32, Ordering};

    models! {
        fn d19_tasks_beyond_the_slots_are_woken = |main| two_tasks(main, 2),
            within 2 kills [SignalFence TaskFence] mutant |main| two_tasks(main, 1);
        fn d19_two_tasks_get_more_slots_at_once within 2 kills [OncePublish OnceObserve];
    }

    /// Two tasks at an event with one slot, and a signal for each.
    fn two_tasks(main: Main, calls: u32) {
        lent(Stage::<AtomicU32, 1>::new(AtomicU32::new(0)), |stage| {
            let stage = &*stage;
            let puts = move || {
                stage.of.store(2, Ordering::Relaxed);
                stage.signal(calls);
            };
            let takes = move || {
                let mut ticket = stage.ticket();
                block_on(|context| ticket.poll(context, || take_one(&stage.of)));
            };
            three(main, puts, takes, takes);
        });
    }

    /// Both find the slot taken, and each makes more: one of the blocks stays.
    fn d19_two_tasks_get_more_slots_at_once(main: Main) {
        lent(Stage::<Token, 1>::new(Token::new()), |stage| {
            let stage = &*stage;
            let mut first = stage.ticket();
            let waker = std::task::Waker::noop();
            let mut context = std::task::Context::from_waker(waker);
            assert!(first.poll(&mut context, || None::<()>).is_pending());
            let (one, two) = at_once(main, move || pass_by_of(stage), move || pass_by_of(stage));
            assert_eq!(stage.event.crowded(), 0);
            assert_eq!(
                [one, two].map(|bell| std::sync::Arc::strong_count(&bell)),
                [1, 1],
                "wakers that are left"
            );
            drop(first);
        });
    }
}

/// One wakes one of two threads, to one of which its deadline comes at the same moment. If it was in time, it puts the
/// token back, so the other one gets it in any case.
fn two_threads(main: Main, platform: Platform) {
    lent(Stage::<Token, 0> { platform, ..Stage::new(Token::new()) }, |stage| {
        let stage = &*stage;
        let hasty = move || {
            if stage.wait_until(SOON, || stage.of.take()).is_ok() {
                stage.put();
            }
        };
        three(main, || stage.put(), hasty, || stage.wait_until(Deadline::NEVER, || stage.of.take()).unwrap());
    });
}

/// The same, where the other one is a task.
fn h15_one_wake_for_a_thread_and_a_task(main: Main) {
    with_token::<1>(|stage| {
        let hasty = move || {
            if stage.wait_until(SOON, || stage.of.take()).is_ok() {
                stage.put();
            }
        };
        let task = move || {
            let mut ticket = stage.ticket();
            block_on(|context| ticket.poll(context, || stage.of.take()));
        };
        three(main, || stage.put(), hasty, task);
    });
}

/// Two tasks, one of which is dropped after one poll, or forgotten.
fn two_tasks(main: Main, forgets: bool) {
    with_token::<2>(|stage| {
        let hasty = move || {
            let mut ticket = stage.ticket();
            let mut context = Context::from_waker(Waker::noop());
            if ticket.poll(&mut context, || stage.of.take()).is_ready() {
                stage.put();
            } else if forgets {
                std::mem::forget(ticket);
            }
        };
        let task = move || {
            let mut ticket = stage.ticket();
            block_on(|context| ticket.poll(context, || stage.of.take()));
        };
        three(main, || stage.put(), hasty, task);
    });
}

fn push_and_poll(main: Main, signals: bool) {
    with_ring::<1>(|stage, (mut tx, mut rx)| {
        let pushes = move || {
            tx.try_push(7).unwrap();
            if signals {
                stage.signal(1);
            }
        };
        let task = move || {
            let mut ticket = stage.ticket();
            assert_eq!(block_on(|context| ticket.poll(context, || rx.try_pop().ok())), 7);
        };
        at_once(main, pushes, task);
    });
}

/// A task is polled with one waker and then with another one, and sleeps on one of them: the latest, if it is right. No
/// waker is left over, and none is dropped twice.
fn replace(main: Main, right: bool) {
    with_ring::<1>(|stage, (mut tx, mut rx)| {
        let pushes = move || {
            tx.try_push(7).unwrap();
            stage.signal(1);
        };
        let task = move || {
            let bells = [Bell::new(), Bell::new()];
            let mut ticket = stage.ticket();
            let mut poll = |bell: &Arc<Bell>| {
                let waker = Waker::from(Arc::clone(bell));
                ticket.poll(&mut Context::from_waker(&waker), || rx.try_pop().ok())
            };
            let mut polled = poll(&bells[0]);
            while polled.is_pending() {
                polled = poll(&bells[1]);
                if polled.is_pending() {
                    bells[usize::from(right)].wait();
                }
            }
            assert_eq!(polled, Poll::Ready(7));
            drop(ticket);
            bells
        };
        let (_, bells) = at_once(main, pushes, task);
        assert_eq!(bells.map(|bell| Arc::strong_count(&bell)), [1, 1], "wakers that are left");
    });
}

/// A task polls once, finds nothing, and goes. If it is being woken then, the signaller still has its waker.
fn pass_by(stage: &'static Stage<(), 1>) -> Arc<Bell> {
    pass_by_of(stage)
}

fn pass_by_of<T>(stage: &'static Stage<T, 1>) -> Arc<Bell> {
    let bell = Bell::new();
    let mut ticket = stage.ticket();
    let waker = Waker::from(Arc::clone(&bell));
    assert!(ticket.poll(&mut Context::from_waker(&waker), || None::<()>).is_pending());
    bell
}

/// Nobody waits any more, no waker is left, and the seat is free.
fn all_left<const N: usize>(stage: &'static Stage<(), 1>, bells: [Arc<Bell>; N]) {
    assert_eq!(stage.event.waiting(), 0);
    assert_eq!(bells.map(|bell| Arc::strong_count(&bell)), [1; N], "wakers that are left");
    let bell = Bell::new();
    let mut ticket = stage.ticket();
    let waker = Waker::from(Arc::clone(&bell));
    assert!(ticket.poll(&mut Context::from_waker(&waker), || None::<()>).is_pending());
    // This one, the one that was given, and the one in the seat.
    assert_eq!(Arc::strong_count(&bell), 3, "no seat was free");
}

fn with_seat(play: impl FnOnce(&'static Stage<(), 1>)) {
    lent(Stage::new(()), |stage| play(stage));
}

/// Two tasks in a row, or at once, have the one seat.
fn d19_a_seat_is_used_again(main: Main) {
    with_seat(|stage| {
        let (one, two) = at_once(main, move || pass_by(stage), move || pass_by(stage));
        all_left(stage, [one, two]);
    });
}

fn d19_mutant_expects_a_seat(main: Main) {
    with_seat(|stage| {
        let poll = move || all_left(stage, []);
        at_once(main, poll, poll);
    });
}

/// A task goes while it is being woken, and so may the signaller be the one to free its seat, which the next one takes: it
/// gets what the first one has left. What they wait for does not come.
fn d19_a_seat_that_a_signaller_frees(main: Main) {
    with_seat(|stage| {
        let (_, bells) = at_once(main, || stage.signal(1), move || [pass_by(stage), pass_by(stage)]);
        all_left(stage, bells);
    });
}

/// The same of two threads' tasks.
fn d19_a_seat_changes_hands_during_a_wake(main: Main) {
    with_seat(|stage| {
        let (_, one, two) = three(main, || stage.signal(1), move || pass_by(stage), move || pass_by(stage));
        all_left(stage, [one, two]);
    });
}

/// A task finds what it waited for, and goes, when a signaller has taken its waker: the next one to have its slot is told of
/// that by the task alone.
fn d19_a_seat_is_left_after_a_wake(main: Main) {
    with_seat(|stage| {
        let task = move || {
            let bell = Bell::new();
            let waker = Waker::from(Arc::clone(&bell));
            let mut context = Context::from_waker(&waker);
            let mut ticket = stage.ticket();
            assert!(ticket.poll(&mut context, || None::<()>).is_pending());
            assert!(ticket.poll(&mut context, || Some(())).is_ready());
            // It took something, so it signals nobody, and passes no fence.
            drop(ticket);
            drop(waker);
            [bell, pass_by(stage)]
        };
        let (_, bells) = at_once(main, || stage.signal(1), task);
        all_left(stage, bells);
    });
}

/// The signaller's waker is looked for before it has let go of it.
fn d19_mutant_counts_wakers_too_early(main: Main) {
    with_seat(|stage| {
        let passes = move || assert_eq!(Arc::strong_count(&pass_by(stage)), 1, "a waker that is left");
        at_once(main, || stage.signal(1), passes);
    });
}
