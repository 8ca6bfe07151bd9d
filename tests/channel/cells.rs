//! The cells of an event, where tasks leave their wakers: arm, arm again, wake, abandon, reuse, drop.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::thread;

use annulet::wait::{Event, Waiter};

use crate::common::{Lot, Task, rounds, waker};

fn wait<const TASKS: usize>(ticket: &mut Waiter<'_, Lot, TASKS>, task: &Task) -> Poll<()> {
    task.with(|context| ticket.poll(context, || None))
}

#[test]
fn d19_of_two_wakers_the_last_one_is_woken() {
    let (event, lot) = (Event::<2>::new(), Lot::new());
    let (old, new) = (Task::new(), Task::new());
    let mut ticket = Waiter::new(&event, &lot);
    assert!(wait(&mut ticket, &old).is_pending());
    assert!(wait(&mut ticket, &new).is_pending());
    assert_eq!((old.wakers(), new.wakers()), (0, 1), "the old one is dropped");
    event.signal(&lot, 1);
    assert_eq!((old.wakes(), new.wakes()), (0, 1));
    assert_eq!(new.wakers(), 0, "a waker is used once");
    event.signal(&lot, 1);
    assert_eq!((old.wakes(), new.wakes()), (0, 0), "and nobody is woken before it has looked");
    // After a wake, too.
    assert!(wait(&mut ticket, &old).is_pending());
    event.signal_all(&lot);
    assert_eq!((old.wakes(), new.wakes()), (1, 0));
}

#[test]
fn d19_a_wake_that_nobody_used_goes_to_the_next() {
    for polls in 1..4 {
        let (event, lot) = (Event::<4>::new(), Lot::new());
        let tasks = [Task::new(), Task::new(), Task::new()];
        let mut tickets = [(); 3].map(|()| Some(Waiter::new(&event, &lot)));
        for _ in 0..polls {
            for (ticket, task) in tickets.iter_mut().zip(&tasks) {
                assert!(wait(ticket.as_mut().unwrap(), task).is_pending());
            }
        }
        assert_eq!(event.waiting(), 3);
        event.signal(&lot, 1);
        for left in (0..3).rev() {
            let woken: Vec<_> = (0..3).filter(|at| tasks[*at].wakes() > 0).collect();
            assert_eq!(woken.len(), 1, "one signal, one task, then the next: {woken:?}");
            tickets[woken[0]] = None;
            assert_eq!((event.waiting(), tasks[woken[0]].wakers()), (left, 0));
        }
        assert!(tasks.iter().all(|task| task.wakes() == 0));
    }
}

#[test]
fn d19_a_waiter_that_was_not_woken_passes_nothing_on() {
    let (event, lot) = (Event::<4>::new(), Lot::new());
    let (gone, stays) = (Task::new(), Task::new());
    let mut ticket = Waiter::new(&event, &lot);
    assert!(wait(&mut ticket, &stays).is_pending());
    let mut other = Waiter::new(&event, &lot);
    assert!(wait(&mut other, &gone).is_pending());
    drop(other);
    assert_eq!((stays.wakes(), gone.wakes(), gone.wakers()), (0, 0, 0));
    // It had found something after it was woken: that is what it was woken for.
    let mut other = Waiter::new(&event, &lot);
    assert!(wait(&mut other, &gone).is_pending());
    event.signal_all(&lot);
    assert_eq!((stays.wakes(), gone.wakes()), (1, 1));
    assert!(wait(&mut ticket, &stays).is_pending());
    assert_eq!(gone.with(|context| other.poll(context, || Some(7))), Poll::Ready(7));
    drop(other);
    assert_eq!((stays.wakes(), event.waiting()), (0, 1));
}

#[test]
fn d19_seats_are_used_again() {
    let (event, lot) = (Event::<2>::new(), Lot::new());
    let task = Task::new();
    for round in 0..10 {
        let mut tickets = [(); 2].map(|()| Waiter::new(&event, &lot));
        for ticket in &mut tickets {
            assert!(wait(ticket, &task).is_pending());
        }
        assert_eq!((task.wakes(), task.wakers()), (0, 2), "both have a seat in round {round}");
        if round % 2 == 0 {
            event.signal_all(&lot);
            assert_eq!((task.wakes(), task.wakers()), (2, 0));
        }
    }
    assert_eq!((event.waiting(), task.wakers()), (0, 0));
}

/// However many tasks wait, each sleeps until it is woken, and is woken in turn.
#[test]
fn d19_any_number_of_tasks_waits_for_nothing() {
    const MANY: usize = if cfg!(miri) { 70 } else { 1_000 };
    let (event, lot) = (Event::<8>::new(), Lot::new());
    let tasks: Vec<_> = (0..MANY).map(|_| Task::new()).collect();
    let mut tickets: Vec<_> = tasks.iter().map(|_| Waiter::new(&event, &lot)).collect();
    for (ticket, task) in tickets.iter_mut().zip(&tasks) {
        assert!(wait(ticket, task).is_pending());
        assert_eq!((task.wakes(), task.wakers()), (0, 1), "it has a slot");
    }
    assert_eq!((event.waiting(), event.crowded()), (MANY, 0));
    for (number, task) in tasks.iter().enumerate() {
        event.signal(&lot, 1);
        assert_eq!(task.wakes(), 1, "it is the turn of {number}");
    }
    assert!(tasks.iter().all(|task| task.wakes() == 0), "each once");
    // Those who go leave the others where they are.
    let mut at = 0;
    tickets.retain(|_| {
        at += 1;
        at % 3 == 0
    });
    assert_eq!(event.waiting(), MANY / 3);
    for (ticket, task) in tickets.iter_mut().zip(&tasks) {
        assert!(wait(ticket, task).is_pending());
    }
    event.signal_all(&lot);
    assert_eq!(tasks.iter().map(Task::wakes).sum::<usize>(), MANY / 3);
    drop(tickets);
    assert_eq!(event.waiting(), 0);
    assert!(tasks.iter().all(|task| task.wakers() == 0));
}

/// Idle tasks that take an item each time they are woken, and wait again, get the same number of them.
#[test]
fn h15_idle_tasks_have_turns() {
    let turns = if cfg!(miri) { 5 } else { 100 };
    for count in [2, 3, 8] {
        let (event, lot) = (Event::<8>::new(), Lot::new());
        let tasks: Vec<_> = (0..count).map(|_| Task::new()).collect();
        let mut tickets: Vec<_> = tasks.iter().map(|_| Waiter::new(&event, &lot)).collect();
        let mut got = vec![0; count];
        for (ticket, task) in tickets.iter_mut().zip(&tasks) {
            assert!(wait(ticket, task).is_pending());
        }
        for _ in 0..turns * count {
            event.signal(&lot, 1);
            let woken: Vec<_> = (0..count).filter(|number| tasks[*number].wakes() > 0).collect();
            let [woken] = woken[..] else { panic!("one signal is for one task, not for {woken:?}") };
            got[woken] += 1;
            // It takes the item, and then it waits for the next one.
            assert_eq!(tasks[woken].with(|context| tickets[woken].poll(context, || Some(7))), Poll::Ready(7));
            assert!(wait(&mut tickets[woken], &tasks[woken]).is_pending());
        }
        assert_eq!(got, vec![turns; count]);
    }
}

/// An event without slots gets none on the heap, either: several processes may share it.
#[test]
fn d19_an_event_without_slots_keeps_no_waker() {
    let lot = Lot::new();
    let (event, task) = (Event::<0>::new(), Task::new());
    let mut ticket = Waiter::new(&event, &lot);
    for _ in 0..3 {
        assert!(wait(&mut ticket, &task).is_pending());
        assert_eq!((task.wakes(), task.wakers(), event.waiting()), (1, 0, 1));
    }
    assert!(event.crowded() >= 3);
    event.signal_all(&lot);
    drop(ticket);
    assert_eq!(event.waiting(), 0);
}

#[test]
fn d19_what_comes_between_two_looks_is_found() {
    let (event, lot) = (Event::<2>::new(), Lot::new());
    let task = Task::new();
    let mut ticket = Waiter::new(&event, &lot);
    let mut looks = 0;
    let polled = task.with(|context| {
        ticket.poll(context, || {
            looks += 1;
            (looks == 2).then_some(looks)
        })
    });
    assert_eq!(polled, Poll::Ready(2), "it looks again after it has left its waker");
    assert_eq!((event.waiting(), task.wakers(), task.wakes()), (0, 0, 0));
}

#[test]
fn d08_a_waker_may_signal_the_event_it_waits_for() {
    static ECHO: Event<2> = Event::new();
    static LOT: Lot = Lot::new();
    static ECHOES: AtomicUsize = AtomicUsize::new(0);
    let wakes = || {
        ECHOES.fetch_add(1, Ordering::Relaxed);
        ECHO.signal_all(&LOT);
    };
    let polls = |ticket: &mut Waiter<'_, Lot, 2>| {
        let waker = waker(wakes, || ECHO.signal_all(&LOT));
        assert!(ticket.poll::<()>(&mut Context::from_waker(&waker), || None).is_pending());
    };
    let mut tickets = [(); 2].map(|()| Waiter::new(&ECHO, &LOT));
    tickets.iter_mut().for_each(polls);
    ECHO.signal(&LOT, 1);
    assert_eq!(ECHOES.load(Ordering::Relaxed), 2, "the first has woken the second");
    // The last clone of a waker is dropped in its cell, and signals from there.
    for ticket in &mut tickets {
        (0..2).for_each(|_| polls(ticket));
    }
    drop(tickets);
    assert_eq!(ECHO.waiting(), 0);
}

/// A signaller and tasks that come, replace their wakers and go, all at once: no waker is lost, leaked or used after it
/// was dropped.
#[test]
fn d08_thread_wakes_while_tasks_come_and_go() {
    let (event, lot, over) = (Event::<2>::new(), Lot::new(), AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                event.signal(&lot, 1);
                thread::yield_now();
            }
        });
        let tasks: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    for round in 0..rounds(20_000) {
                        let (task, other) = (Task::new(), Task::new());
                        let mut ticket = Waiter::new(&event, &lot);
                        for poll in 0..round % 4 {
                            let task = if poll % 2 == 0 { &task } else { &other };
                            assert!(wait(&mut ticket, task).is_pending());
                        }
                        drop(ticket);
                        // A signaller may still be waking it.
                        while task.wakers() + other.wakers() > 0 {
                            thread::yield_now();
                        }
                    }
                })
            })
            .collect();
        for task in tasks {
            task.join().unwrap();
        }
        over.store(true, Ordering::Relaxed);
    });
    assert_eq!(event.waiting(), 0);
}
