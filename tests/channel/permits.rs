//! Permits of many senders.

use std::mem::forget;
use std::task::Poll;
use std::thread;

use annulet::Mpsc;
use annulet::channel::{SendError, TryRecvError, TrySendError};

use crate::common::{Many, ManyTx, Task, block_on, many, over, rounds};

#[test]
fn a_permit_of_many_is_filled_or_given_up() {
    let channel = over(Mpsc::<u32, 4>::new());
    let (mut tx, mut rx) = channel.try_split().unwrap();
    let mut other = tx.clone();
    let permit = block_on(tx.reserve()).unwrap();
    other.try_send(2).unwrap();
    assert_eq!(rx.try_recv(), Err(TryRecvError::Pending), "its place is before that");
    permit.send(1).unwrap();
    assert_eq!((rx.try_recv(), rx.try_recv()), (Ok(1), Ok(2)));

    // One that is given up, while a receiver waits for what is behind it.
    let permit = block_on(tx.reserve()).unwrap();
    other.try_send(3).unwrap();
    let mut recv = rx.recv_async();
    let task = Task::waiting(&mut recv);
    drop(permit);
    assert!(task.wakes() > 0);
    assert_eq!(task.poll(&mut recv), Poll::Ready(Ok(3)));
    drop(recv);

    // One that is forgotten: the next use of its sender gives it up.
    forget(block_on(tx.reserve()));
    other.try_send(4).unwrap();
    let mut recv = rx.recv_async();
    let task = Task::waiting(&mut recv);
    drop(tx);
    assert!(task.wakes() > 0);
    assert_eq!(task.poll(&mut recv), Poll::Ready(Ok(4)));
}

/// The place of a forgotten permit is given up by whatever its sender does next, and receivers hear of it.
#[test]
fn a_forgotten_permit_is_in_nobodys_way() {
    let channel: Many<u32, 4> = many();
    let (mut tx, mut rx) = channel.try_split().unwrap();
    for send in [
        |tx: &mut ManyTx<'_, u32, 4>| tx.try_send(1).unwrap(),
        |tx: &mut ManyTx<'_, u32, 4>| tx.send(1).unwrap(),
    ] {
        forget(block_on(tx.reserve()));
        send(&mut tx);
        assert_eq!(rx.try_recv(), Ok(1));
    }
    let single: Many<u32, 1> = many();
    let (mut tx, mut rx) = single.try_split().unwrap();
    forget(block_on(tx.reserve()));
    assert_eq!(tx.try_send(1), Err(TrySendError::Full(1)), "a consumer has not gone past it yet");
    assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
    assert_eq!(tx.try_send(2), Ok(()));
    drop((tx, rx));

    // By a send that finds no room, too.
    let channel: Many<u32, 2> = many();
    let (mut tx, mut rx) = channel.try_split().unwrap();
    let mut other = tx.clone();
    forget(block_on(tx.reserve()));
    other.try_send(2).unwrap();
    let mut recv = rx.recv_async();
    let task = Task::waiting(&mut recv);
    assert_eq!(tx.try_send_iter(&mut [5].into_iter()), Err(TrySendError::Full(())));
    assert!(task.wakes() > 0);
    assert_eq!(task.poll(&mut recv), Poll::Ready(Ok(2)));
    drop(recv);

    // One that was sent is none: nobody is woken for it.
    block_on(tx.reserve()).unwrap().send(3).unwrap();
    assert_eq!(rx.try_recv(), Ok(3));
    let (mut one, mut two) = (rx.clone(), rx);
    let (mut one, mut two) = (one.recv_async(), two.recv_async());
    let tasks = [Task::waiting(&mut one), Task::waiting(&mut two)];
    tx.try_send(4).unwrap();
    assert_eq!(tasks.map(|task| task.wakes()), [1, 0]);
}

#[test]
fn a_permit_of_many_does_not_outlast_the_channel() {
    let channel: Many<u32, 4> = many();
    let (mut tx, rx) = channel.try_split().unwrap();
    let permit = block_on(tx.reserve()).unwrap();
    drop(rx);
    assert_eq!(permit.send(1), Err(SendError::Closed(1)));
    assert!(block_on(tx.reserve()).is_none());
    assert_eq!(tx.try_send(1), Err(TrySendError::Closed(1)));
}

/// A permit is waited for, and another sender may be faster.
#[test]
fn permits_of_many_wait_for_room() {
    let channel: Many<usize, 2> = many();
    let (tx, mut rx) = channel.try_split().unwrap();
    let count = rounds(2000);
    thread::scope(|scope| {
        for _ in 0..3 {
            let mut tx = tx.clone();
            scope.spawn(move || {
                for item in 0..count {
                    let permit = block_on(tx.reserve()).unwrap();
                    if item % 3 == 0 {
                        drop(permit);
                    } else {
                        permit.send(item).unwrap();
                    }
                }
            });
        }
        drop(tx);
        let sent: usize = (0..count).filter(|item| item % 3 != 0).sum();
        assert_eq!(rx.iter().sum::<usize>(), 3 * sent);
    });
}
