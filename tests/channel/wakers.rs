//! Wakers of other people's making: they panic when they wake or when they are dropped, or come back to the channel that
//! wakes them. Nobody else is stranded by that, and no seat is lost.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, RawWaker, RawWakerVTable, Wake, Waker};
use std::thread;
use std::time::Duration;

use annulet::channel::{RecvError, SendError, TryRecvError};
use annulet::wait::{Event, Strategy, Wait, Waiter};
use annulet::{Channel, Mpmc};

use crate::common::{Lot, Task, many, panics, poll_with, rude, silently, sore, waiting};

#[test]
fn rm07_a_waker_that_panics_leaves_no_task_asleep() {
    for position in 0..4 {
        for turn in 0..8 {
            let (event, lot) = (Event::<4>::new(), Lot::new());
            let tasks = [(); 4].map(|()| Task::new());
            let mut first = Waiter::new(&event, &lot);
            assert!(tasks[0].with(|context| first.poll(context, || None::<()>)).is_pending());
            (0..turn).for_each(|_| event.signal(&lot, 0));
            let mut tickets = [(); 4].map(|()| Waiter::new(&event, &lot));
            drop(first);
            for (at, ticket) in tickets.iter_mut().enumerate() {
                let waker = if at == position { rude() } else { tasks[at].waker() };
                assert!(ticket.poll(&mut Context::from_waker(&waker), || None::<()>).is_pending());
            }
            assert!(panics(|| event.signal_all(&lot)));
            let woken: Vec<_> = (0..4).filter(|at| tasks[*at].wakes() > 0).collect();
            assert_eq!(woken, (0..4).filter(|at| *at != position).collect::<Vec<_>>(), "turn {turn}");
            // Of one signal that was for it, the next one has the use.
            drop(tickets);
            assert_eq!(event.waiting(), 0);
        }
    }
}

#[test]
fn rm07_a_waker_that_panics_leaves_no_thread_asleep() {
    for turn in 0..4 {
        let (event, lot) = (Event::<1>::new(), Lot::new());
        let mut ticket = Waiter::new(&event, &lot);
        let rude = rude();
        assert!(ticket.poll(&mut Context::from_waker(&rude), || None::<()>).is_pending());
        (0..turn).for_each(|_| event.signal(&lot, 0));
        let there = AtomicBool::new(false);
        let until = lot.now().plus(Duration::from_secs(20));
        thread::scope(|scope| {
            let sleeper = scope.spawn(|| {
                event
                    .wait_until(&lot, Strategy::block(), until, || there.load(Ordering::SeqCst).then_some(()))
            });
            while event.waiting() < 2 {
                thread::sleep(Duration::from_millis(1));
            }
            thread::sleep(Duration::from_millis(5));
            there.store(true, Ordering::SeqCst);
            assert!(panics(|| event.signal_all(&lot)));
            assert_eq!(sleeper.join().unwrap(), Ok(()));
        });
    }
}

/// A receiver waits for an item that is claimed and not written, and a sender for room.
#[test]
fn d08_a_close_whose_waker_panics_wakes_both_sides() {
    let channel = many::<u32, 1, 8>();
    let (mut tx, mut rx) = channel.try_split().unwrap();
    let mut other = tx.clone();
    let mut end = tx.end();
    let grant = end.try_claim(1).unwrap();
    let (mut recv, mut send) = (rx.recv_async(), other.send_async(2));
    assert!(poll_with(rude(), &mut recv).is_pending());
    let task = Task::waiting(&mut send);
    let closer = channel.try_receiver().unwrap();
    assert!(panics(|| closer.close()));
    assert_eq!(task.wakes(), 1);
    assert_eq!(task.poll(&mut send), Poll::Ready(Err(SendError::Closed(2))));
    drop(grant);
    drop(end);
    assert_eq!(task.poll(&mut recv), Poll::Ready(Err(RecvError::Closed)));
}

/// Who is woken for one of two items, and passes the second wake-up on, does so even if a sender's waker panics.
#[test]
fn rm07_a_sender_that_panics_does_not_keep_the_next_receiver_asleep() {
    let channel = many::<u32, 2, 8>();
    let (mut tx, rx) = channel.try_split().unwrap();
    let mut receivers = [rx.clone(), rx];
    let [one, two] = &mut receivers;
    let (mut one, mut two) = (one.recv_async(), two.recv_async());
    let tasks = [Task::new(), Task::new()];
    assert!(tasks[0].poll(&mut one).is_pending());
    assert!(tasks[1].poll(&mut two).is_pending());
    let mut late = tx.clone();
    silently(tx.end(), |end| end.try_push(1)).unwrap();
    tx.try_send(2).unwrap();
    let mut send = late.send_async(3);
    assert!(poll_with(rude(), &mut send).is_pending());
    let woken = usize::from(tasks[0].wakes() == 0);
    let (first, second) = if woken == 0 { (&mut one, &mut two) } else { (&mut two, &mut one) };
    assert!(panics(|| tasks[woken].poll(first)), "it makes room for the rude one");
    assert_eq!(tasks[1 - woken].wakes(), 1);
    assert_eq!(tasks[1 - woken].poll(second), Poll::Ready(Ok(2)));
}

#[test]
fn d19_a_waker_whose_drop_panics_costs_no_seat() {
    let (event, lot) = (Event::<1>::new(), Lot::new());
    for _ in 0..3 {
        let mut ticket = Waiter::new(&event, &lot);
        let waker = sore();
        assert!(ticket.poll(&mut Context::from_waker(&waker), || None::<()>).is_pending());
        // That of the seat is the last one now.
        drop(waker);
        assert!(panics(|| drop(ticket)));
        assert_eq!(event.waiting(), 0);
    }
    let task = Task::new();
    let mut ticket = Waiter::new(&event, &lot);
    assert!(task.with(|context| ticket.poll(context, || None::<()>)).is_pending());
    assert_eq!((task.wakes(), task.wakers()), (0, 1), "the seat is free");
    // Replaced by another one, too.
    let mut ticket = Some(ticket);
    for _ in 0..2 {
        let sore = sore();
        let polled = ticket.as_mut().unwrap().poll(&mut Context::from_waker(&sore), || None::<()>);
        assert!(polled.is_pending());
        drop(sore);
        assert!(panics(|| task.with(|context| ticket.as_mut().unwrap().poll(context, || None::<()>))));
        assert!(task.with(|context| ticket.as_mut().unwrap().poll(context, || None::<()>)).is_pending());
        event.signal_all(&lot);
        assert_eq!((task.wakes(), event.waiting()), (1, 1));
    }
    ticket = None;
    assert_eq!((event.waiting(), ticket.is_none()), (0, true));
}

/// The receiver's own waker panics once it is not needed any more. The item is gone with that, and its room is told.
#[test]
fn d19_a_waker_whose_drop_panics_strands_no_sender() {
    let channel = many::<u32, 1, 8>();
    let (mut tx, mut rx) = channel.try_split().unwrap();
    let mut other = tx.clone();
    let mut recv = rx.recv_async();
    assert!(poll_with(sore(), &mut recv).is_pending());
    silently(tx.end(), |end| end.try_push(1)).unwrap();
    let (mut send, task) = (other.send_async(2), Task::new());
    assert!(task.poll(&mut send).is_pending());
    assert!(panics(|| Task::new().poll(&mut recv)));
    assert_eq!(task.wakes(), 1, "there is room");
    assert_eq!(task.poll(&mut send), Poll::Ready(Ok(())));
    drop(recv);
    assert_eq!(waiting(&channel), (0, 0));
}

/// The sender's own waker panics when it is dropped, as its item is taken back: that is dropped, and not leaked.
#[test]
fn d19_a_waker_whose_drop_panics_costs_no_item() {
    let channel = many::<Arc<()>, 1, 8>();
    let (mut tx, _rx) = channel.try_split().unwrap();
    tx.try_send(Arc::new(())).unwrap();
    let item = Arc::new(());
    let mut send = tx.send_async(Arc::clone(&item));
    assert!(poll_with(sore(), &mut send).is_pending());
    assert!(panics(|| send.into_inner()));
    assert_eq!(Arc::strong_count(&item), 1);
}

/// A future that is forgotten keeps its seat until the channel is split anew.
#[test]
fn d19_forgotten_futures_are_forgotten_by_the_next_split() {
    let mut channel = many::<u32, 2, 1>();
    let forgotten = Task::new();
    let (mut tx, mut rx) = channel.split();
    let mut recv = rx.recv_async();
    assert!(forgotten.poll(&mut recv).is_pending());
    std::mem::forget(recv);
    let mut other = tx.clone();
    assert_eq!(silently(other.end(), |end| end.push_iter([1, 2])), 2);
    let mut send = tx.send_async(3);
    assert!(forgotten.poll(&mut send).is_pending());
    std::mem::forget(send);
    // Were they dropped, all would be woken.
    std::mem::forget((tx, other, rx));
    assert_eq!((waiting(&channel), forgotten.wakers()), ((1, 1), 2));
    let (mut tx, mut rx) = channel.split();
    assert_eq!(forgotten.wakers(), 0);
    let mut send = tx.send_async(3);
    let task = Task::waiting(&mut send);
    assert_eq!((task.wakes(), task.wakers()), (0, 1), "it has a seat");
    assert_eq!(rx.try_recv(), Ok(1));
    assert_eq!((task.wakes(), forgotten.wakes()), (1, 0));
    drop(send);
    drop((tx, rx));
    assert_eq!(waiting(&channel), (0, 0));
}

/// A task that its own waker polls, on the spot.
struct Inline(Mutex<Option<Pin<Box<dyn Future<Output = ()> + Send>>>>);

impl Wake for Inline {
    fn wake(self: Arc<Self>) {
        let mut future = self.0.try_lock().expect("woken while it is polled");
        let waker = Waker::from(Arc::clone(&self));
        if future.as_mut().is_some_and(|future| poll_with(waker, future).is_ready()) {
            *future = None;
        }
    }
}

/// A waker receives what it is woken for, inside of the send that wakes it, and waits again; and sends something back,
/// which wakes another one inside of that.
#[test]
fn d19_a_waker_that_comes_back_finds_the_channel_in_order() {
    let (mut tx, mut rx) = Channel::<Mpmc<u32, 2>, Lot>::new_split(Lot::new());
    let (mut echo, mut answers) = Channel::<Mpmc<u32, 2>, Lot>::new_split(Lot::new());
    let task = Arc::new(Inline(Mutex::new(Some(Box::pin(async move {
        while let Ok(item) = rx.recv_async().await {
            echo.try_send(item).unwrap();
        }
    })))));
    Arc::clone(&task).wake();
    for item in 0..9 {
        let mut answer = answers.recv_async();
        let task = Task::waiting(&mut answer);
        tx.try_send(item).unwrap();
        assert_eq!(task.wakes(), 1, "inside of the send");
        assert_eq!(task.poll(&mut answer), Poll::Ready(Ok(item)));
    }
    tx.close();
    assert!(task.0.lock().unwrap().is_none());
    assert_eq!(answers.try_recv(), Err(TryRecvError::Closed), "it went with the task");
}

/// A waker whose clone signals the event that it is cloned for.
#[test]
fn d19_a_signal_from_inside_of_a_clone_is_not_lost() {
    static EVENT: Event<1> = Event::new();
    static LOT: Lot = Lot::new();
    static WAKES: AtomicUsize = AtomicUsize::new(0);
    static VTABLE: RawWakerVTable = RawWakerVTable::new(
        |data| {
            EVENT.signal(&LOT, 1);
            RawWaker::new(data, &VTABLE)
        },
        |_| _ = WAKES.fetch_add(1, Ordering::SeqCst),
        |_| _ = WAKES.fetch_add(1, Ordering::SeqCst),
        |_| {},
    );
    // SAFETY: there is no data, and the functions do nothing with it; they may be called from any thread.
    let waker = unsafe { Waker::from_raw(RawWaker::new(std::ptr::null(), &VTABLE)) };
    let mut ticket = Waiter::new(&EVENT, &LOT);
    for round in 1..4 {
        assert!(ticket.poll(&mut Context::from_waker(&waker), || None::<()>).is_pending());
        assert_eq!(EVENT.waiting(), 1);
        let before = WAKES.load(Ordering::SeqCst);
        EVENT.signal(&LOT, 1);
        assert_eq!(WAKES.load(Ordering::SeqCst), before + 1, "round {round}");
    }
    drop(ticket);
    assert_eq!(EVENT.waiting(), 0);
}
