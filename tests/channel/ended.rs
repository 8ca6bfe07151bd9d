//! Tasks that wait for the end of a channel, and channels that are opened again.

use std::future::Future;
use std::pin::pin;
use std::task::Poll;
use std::thread;

use annulet::channel::{RecvError, TrySendError};
use annulet::{Channel, Spsc};

use crate::common::{Lot, Many, Task, block_on, many, over, rounds, rude, waiting};

fn poll<F: Future>(task: &Task, future: std::pin::Pin<&mut F>) -> bool {
    task.with(|context| future.poll(context)).is_ready()
}

/// It hears of a close and of the last end, of nothing else, and takes no wake-up from those who wait for items or for room.
#[test]
fn rm05_the_end_wakes_who_waits_for_it() {
    for closes in [false, true] {
        let channel: Many<u32, 1> = many();
        let (mut tx, rx) = channel.try_split().unwrap();
        let (mut waiting_rx, other) = (rx.clone(), rx.clone());
        let mut recv = waiting_rx.recv_async();
        let receiver = Task::waiting(&mut recv);
        let (ended, mut closed) = (Task::new(), pin!(other.closed()));
        assert!(!poll(&ended, closed.as_mut()));
        tx.try_send(1).unwrap();
        assert_eq!((receiver.wakes(), ended.wakes()), (1, 0));
        assert_eq!(receiver.poll(&mut recv), Poll::Ready(Ok(1)));
        if closes {
            channel.close();
        }
        drop(tx);
        assert!(ended.wakes() > 0);
        assert!(poll(&ended, closed.as_mut()));
        drop(rx);
    }
}

#[test]
fn rm05_a_sender_hears_of_the_end() {
    for _ in 0..rounds(200) {
        let (tx, rx) = Channel::<Spsc<u32, 4>, Lot>::new_split(Lot::new());
        let receiver = thread::spawn(move || drop(rx));
        block_on(pin!(tx.closed()));
        assert!(tx.is_closed());
        receiver.join().unwrap();
    }
}

/// A waker that panics keeps nobody else from hearing of it.
#[test]
fn rm05_the_end_is_heard_beside_a_waker_that_panics() {
    let channel: Many<u32, 1> = many();
    let (tx, rx) = channel.try_split().unwrap();
    let mut other = rx.clone();
    let mut recv = other.recv_async();
    assert!(crate::common::poll_with(rude(), &mut recv).is_pending());
    let (ended, mut closed) = (Task::new(), pin!(rx.closed()));
    assert!(!poll(&ended, closed.as_mut()));
    assert!(crate::common::panics(|| channel.close()));
    assert_eq!(ended.wakes(), 1);
    drop(tx);
}

#[test]
fn a_closed_channel_is_opened_when_nobody_has_an_end() {
    let channel = over(Spsc::<u32, 4>::new());
    for round in 0..3 {
        let (mut tx, rx) = channel.try_split().unwrap();
        tx.send(round).unwrap();
        channel.close();
        assert!(!channel.try_reopen(), "there are ends");
        drop(tx);
        assert!(!channel.try_reopen(), "there is one");
        assert!(channel.is_closed());
        drop(rx);
        assert!(channel.try_reopen());
        assert!(!channel.is_closed());
    }
    let (tx, mut rx) = channel.try_split().unwrap();
    assert!((0..3).all(|round| rx.recv() == Ok(round)), "what was in it stays");
    drop(tx);
    assert_eq!(rx.recv(), Err(RecvError::Closed));
}

/// Who was gone is forgotten with the close.
#[test]
fn a_party_that_was_gone_is_not_missed_after_that() {
    let channel: Many<u32, 4> = many();
    drop(channel.try_split());
    assert_eq!(channel.try_send(1), Err(TrySendError::Closed(1)));
    assert!(channel.try_reopen());
    channel.try_send(1).unwrap();
    assert_eq!(channel.try_recv(), Ok(1));
    assert_eq!(waiting(&channel), (0, 0));
}

/// Against closes and ends that come and go: it is closed for both sides, or for neither.
#[test]
fn it_is_opened_and_closed_at_once() {
    let channel = over(Spsc::<u32, 4>::new());
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| (0..rounds(5000)).for_each(|_| channel.close()));
            scope.spawn(|| (0..rounds(5000)).for_each(|_| _ = channel.try_reopen()));
        }
    });
    let (tx, rx) = channel.try_split().unwrap();
    assert_eq!(tx.is_closed(), rx.is_closed());
    assert_eq!(tx.is_closed(), channel.is_closed());
}
