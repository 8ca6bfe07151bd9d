//! Iterators and closures that panic: nothing is lost, and nobody is stranded.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Poll;
use std::thread;

use annulet::channel::RecvError;
use annulet::wait::{Deadline, Event, Strategy};
use annulet::{Channel, Mpmc, Spsc};

use crate::common::{Task, panics, silently};
use crate::hosted::common::{Probe, Watchdog};
use crate::hosted::kinds::{Chan, N, Rx, Tx, fill};

/// What is received is a beginning of what was taken from the iterator, and the channel goes on.
fn rm05_an_iterator_that_panics_breaks_nothing<C: Chan>() {
    let channel = C::with(&Probe::new());
    let (mut tx, mut rx) = channel.ends();
    let mut items = (0..).map(|item| if item < 2 { item } else { panic!("no more") });
    assert!(panics(|| tx.send_iter(&mut items)));
    let mut got = Vec::new();
    while rx.try_drain(9, &mut |item| got.push(item)).is_ok() {}
    assert!(got.len() <= 2 && got.iter().copied().eq(0..got.len() as u32), "{got:?}");
    for item in 10..30 {
        tx.send(item).unwrap();
        assert_eq!(rx.recv(), Ok(item));
    }
}

/// A closure that panics in a batch: its room is told, and the channel goes on.
fn rm05_a_drain_that_panics_strands_no_sender<C: Chan>() {
    if C::OVERWRITES {
        return;
    }
    let probe = Probe::new();
    let channel = C::with(&probe);
    let (mut tx, mut rx) = channel.ends();
    fill(&mut tx);
    thread::scope(|scope| {
        let sending = scope.spawn(move || tx.send(77));
        probe.until_asleep(1);
        assert!(panics(|| rx.drain(N, &mut |_| panic!("not this one"))));
        sending.join().unwrap().unwrap();
        loop {
            if rx.recv() == Ok(77) {
                break;
            }
        }
    });
}

over_every_channel! {
    rm05_an_iterator_that_panics_breaks_nothing
    rm05_a_drain_that_panics_strands_no_sender
}

/// Of two who wait, the one that is woken panics in its look: the other one is woken in its place.
#[test]
fn rm07_a_look_that_panics_passes_its_wake_on() {
    let _watchdog = Watchdog::new();
    let probe = Probe::new();
    let data = Event::<0>::new();
    let mut ring = Spsc::<u32, 4>::new();
    let (mut tx, rx) = ring.split();
    let rx = std::sync::Mutex::new(rx);
    let armed = std::sync::atomic::AtomicBool::new(false);
    thread::scope(|scope| {
        let wait = |panics: bool| {
            let (probe, data, rx, armed) = (&probe, &data, &rx, &armed);
            scope.spawn(move || {
                let look = || {
                    if panics && armed.load(std::sync::atomic::Ordering::SeqCst) {
                        std::panic::resume_unwind(Box::new(()));
                    }
                    rx.lock().unwrap().try_pop().ok()
                };
                catch_unwind(AssertUnwindSafe(|| {
                    data.wait_until(probe, Strategy::block(), Deadline::NEVER, look)
                }))
            })
        };
        // The kernel wakes the one first who slept first.
        let first = wait(true);
        probe.until_asleep(1);
        let second = wait(false);
        probe.until_asleep(2);
        armed.store(true, std::sync::atomic::Ordering::SeqCst);
        tx.try_push(7).unwrap();
        data.signal(&probe, 1);
        assert_eq!(second.join().unwrap().unwrap(), Ok(7));
        // Where the kernel has another order, it sleeps still.
        data.signal_all(&probe);
        assert!(first.join().unwrap().is_err());
    });
}

/// Who was woken for two items, and panics at the first, wakes the next.
#[test]
fn e03_a_closure_that_panics_loses_no_wake_up() {
    let _watchdog = Watchdog::new();
    let probe = Probe::new();
    let channel = Channel::<Mpmc<u32, 4>, Probe>::over(Mpmc::new(), probe.clone());
    let (mut tx, rx) = channel.try_split().unwrap();
    let (mut thread, mut rx) = (rx.clone().with_strategy(Strategy::block()), rx);
    let task = Task::new();
    // The first signal is for tasks, the second for threads.
    {
        let mut recv = rx.recv_async();
        assert!(task.poll(&mut recv).is_pending());
        tx.try_send(0).unwrap();
        assert!(task.wakes() > 0);
        assert_eq!(task.poll(&mut recv), Poll::Ready(Ok(0)));
    }
    let mut recv = rx.recv_async();
    assert!(task.poll(&mut recv).is_pending());
    thread::scope(|scope| {
        let thread = scope.spawn(move || {
            let panicked = panics(|| thread.drain(1, |_| panic!("not this one")));
            (panicked, thread)
        });
        probe.until_asleep(1);
        silently(tx.end(), |end| end.try_push(1)).unwrap();
        tx.try_send(2).unwrap();
        assert!(thread.join().unwrap().0, "the thread was woken, and not the task");
    });
    assert!(task.wakes() > 0, "there is a second item");
    assert_eq!(task.poll(&mut recv), Poll::Ready(Ok(2)));
    drop(tx);
    assert_eq!(channel.try_receiver().unwrap().recv(), Err(RecvError::Closed));
}
