//! Who is woken by what: data and room are two events, and a future is woken by its last waker.

use std::task::Poll;

use annulet::channel::RecvError;

use crate::common::{Many, Task, many, silently, waiting};

#[test]
fn vx16_data_and_room_do_not_wake_each_other() {
    let channel: Many<u32, 2> = many();
    let (mut tx, mut rx) = channel.try_split().unwrap();
    let (mut other_tx, mut other_rx) = (tx.clone(), rx.clone());
    let (receiver, sender) = (Task::new(), Task::new());
    let mut recv = rx.recv_async();
    assert!(receiver.poll(&mut recv).is_pending());
    // Silently, so that both are pending at the same time.
    silently(other_tx.end(), |end| while end.try_push(0).is_ok() {});
    let mut send = tx.send_async(1);
    assert!(sender.poll(&mut send).is_pending());
    assert_eq!((waiting(&channel), receiver.wakes(), sender.wakes()), ((1, 1), 0, 0));

    assert_eq!(other_rx.try_recv(), Ok(0));
    assert_eq!((receiver.wakes(), sender.wakes()), (0, 1), "room is for senders");
    drop(other_tx.end());
    assert_eq!((receiver.wakes(), sender.wakes()), (1, 0), "data is for receivers");
    // Sending is a signal of data, and of nothing else. The receiver has not looked yet, so it is not woken again.
    assert!(matches!(sender.poll(&mut send), Poll::Ready(Ok(()))));
    assert_eq!((receiver.wakes(), sender.wakes()), (0, 0));
    assert_eq!(receiver.poll(&mut recv), Poll::Ready(Ok(0)));
    assert_eq!((receiver.wakes(), sender.wakes()), (0, 0));
    drop((recv, send));
    // Each of many signals of one kind leaves the other kind alone.
    let mut recv = rx.recv_async();
    assert!(receiver.poll(&mut recv).is_ready());
    drop(recv);
    let mut recv = rx.recv_async();
    assert!(receiver.poll(&mut recv).is_pending());
    for _ in 0..100 {
        drop(other_rx.end());
    }
    assert_eq!(receiver.wakes(), 0);
    drop(recv);
    while other_tx.try_send(2).is_ok() {}
    let mut send = tx.send_async(3);
    assert!(sender.poll(&mut send).is_pending());
    for _ in 0..100 {
        drop(other_tx.end());
    }
    assert_eq!(sender.wakes(), 0);
}

/// A slot that is claimed and not committed is neither data nor room, and one signal is enough for both sides.
#[test]
fn vx16_a_single_signal_lets_both_sides_go_on() {
    let channel: Many<u32, 1> = many();
    let (mut tx, mut rx) = channel.try_split().unwrap();
    let mut claimer = tx.clone();
    let mut end = claimer.end();
    let mut grant = end.try_claim_exact(1).unwrap();
    let (mut send, mut recv) = (tx.send_async(2), rx.recv_async());
    let (sender, receiver) = (Task::waiting(&mut send), Task::waiting(&mut recv));
    grant.push(1).unwrap();
    grant.commit_all();
    drop(end);
    assert_eq!(receiver.wakes(), 1, "there is data");
    sender.wakes();
    assert!(sender.poll(&mut send).is_pending(), "and no room");
    assert_eq!(receiver.poll(&mut recv), Poll::Ready(Ok(1)));
    assert_eq!(sender.wakes(), 1, "who takes the item signals room");
    assert_eq!(sender.poll(&mut send), Poll::Ready(Ok(())));
    drop(recv);
    assert_eq!(rx.try_recv(), Ok(2));
}

#[test]
fn d19_a_future_is_woken_by_its_last_waker() {
    let channel: Many<u32, 2> = many();
    let (mut tx, mut rx) = channel.try_split().unwrap();
    let (old, new) = (Task::new(), Task::new());
    let mut recv = rx.recv_async();
    for task in [&old, &new, &old, &new] {
        assert!(task.poll(&mut recv).is_pending());
    }
    assert_eq!((old.wakers(), new.wakers(), waiting(&channel)), (0, 1, (1, 0)));
    tx.try_send(1).unwrap();
    assert_eq!((old.wakes(), new.wakes()), (0, 1));
    assert_eq!(old.poll(&mut recv), Poll::Ready(Ok(1)), "whoever polls it gets it");
    drop(recv);

    while tx.try_send(2).is_ok() {}
    let mut send = tx.send_async(3);
    for task in [&old, &new] {
        assert!(task.poll(&mut send).is_pending());
    }
    assert_eq!((old.wakers(), new.wakers(), waiting(&channel)), (0, 1, (0, 1)));
    assert_eq!(rx.try_recv(), Ok(2));
    assert_eq!((old.wakes(), new.wakes()), (0, 1));
    assert!(matches!(new.poll(&mut send), Poll::Ready(Ok(()))));
    drop(send);
    assert_eq!(waiting(&channel), (0, 0));
}

/// Ten tasks, and seats for some of them or none: whoever is polled when it was woken gets its item in the end.
fn crowd<const TASKS: usize>() {
    const CROWD: usize = 10;
    let channel: Many<usize, 2, TASKS> = many();
    let (mut tx, rx) = channel.try_split().unwrap();
    let mut receivers = vec![rx; 1];
    while receivers.len() < CROWD {
        receivers.push(receivers[0].clone());
    }
    let tasks: Vec<_> = (0..CROWD).map(|_| Task::new()).collect();
    let mut futures: Vec<_> = receivers.iter_mut().map(|rx| Some(rx.recv_async())).collect();
    for (task, future) in tasks.iter().zip(&mut futures) {
        assert!(task.poll(future.as_mut().unwrap()).is_pending());
    }
    assert_eq!(channel.waiting().receivers, CROWD);
    let (mut sent, mut got) = (0, Vec::new());
    for round in 0.. {
        assert!(round < 10 * CROWD, "{TASKS} seats: only {got:?} of {sent}");
        if sent < CROWD && tx.try_send(sent).is_ok() {
            sent += 1;
        }
        for (task, future) in tasks.iter().zip(&mut futures) {
            if task.wakes() == 0 {
                continue;
            }
            if let Some(Poll::Ready(item)) = future.as_mut().map(|future| task.poll(future)) {
                got.push(item.unwrap());
                *future = None;
            }
        }
        if got.len() == CROWD {
            break;
        }
    }
    assert_eq!(got, Vec::from_iter(0..CROWD), "each once, in order");
    drop(futures);
    assert_eq!(waiting(&channel), (0, 0));
    drop(tx);
    assert_eq!(receivers[0].recv(), Err(RecvError::Closed));
}

#[test]
fn d19_more_tasks_than_seats_all_get_their_items() {
    crowd::<0>();
    crowd::<1>();
    crowd::<2>();
    crowd::<32>();
}
