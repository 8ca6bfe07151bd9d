//! The items of a receiver: as iterators, many at once, until somebody says so, and none of them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use annulet::channel::{RecvError, TrySendError};
use annulet::ring::broadcast::Gated;
use annulet::ring::lanes::Priority;
use annulet::{Broadcast, Lanes, Spsc};

use crate::common::{Many, Task, block_on, many, over, rounds, waiting};

#[test]
fn iterators_end_as_they_say() {
    let channel = over(Spsc::<u32, 8>::new());
    let (mut tx, mut rx) = channel.try_split().unwrap();
    tx.send_iter(&mut (0..6)).unwrap();
    assert!(rx.try_iter().take(2).eq(0..2));
    assert_eq!((&mut rx).into_iter().next(), Some(2));
    assert!(rx.try_iter().eq(3..6));
    assert_eq!(rx.try_iter().next(), None);
    tx.send_iter(&mut (6..8)).unwrap();
    drop(tx);
    assert!(rx.into_iter().eq(6..8));
}

/// What was overwritten is passed over.
#[test]
fn iterators_of_broadcasts_go_on_after_a_lag() {
    let channel = over(Broadcast::<u32, 2>::new());
    let mut tx = channel.try_sender().unwrap();
    let mut rx = channel.receiver_at_oldest();
    (0..9).for_each(|item| tx.send(item).unwrap());
    assert!(rx.try_iter().eq(7..9));
    (9..19).for_each(|item| tx.send(item).unwrap());
    drop(tx);
    assert!(rx.iter().eq(17..19));
}

#[test]
fn many_are_received_at_once() {
    let channel: Many<u32, 8> = many();
    let (mut tx, mut rx) = channel.try_split().unwrap();
    let mut items = Vec::new();
    {
        let mut many = Box::pin(rx.recv_many(&mut items, 3));
        let task = Task::waiting(&mut many);
        tx.send_iter(&mut (0..5)).unwrap();
        assert!(task.wakes() > 0);
        assert_eq!(task.poll(&mut many), std::task::Poll::Ready(Ok(3)));
    }
    assert_eq!(block_on(Box::pin(rx.recv_many(&mut items, 9))), Ok(2));
    assert_eq!(items, [0, 1, 2, 3, 4]);
    assert_eq!(block_on(Box::pin(rx.recv_many(&mut items, 0))), Ok(0));
    drop(tx);
    assert_eq!(block_on(Box::pin(rx.recv_many(&mut items, 1))), Err(RecvError::Closed));
    assert_eq!(waiting(&channel), (0, 0));
}

/// Of every kind of channel: what is there goes, and who waits for room hears of it.
#[test]
fn clearing_makes_room() {
    let channel = over(Spsc::<u32, 2>::new());
    let (mut tx, mut rx) = channel.try_split().unwrap();
    tx.send_iter(&mut (0..2)).unwrap();
    let mut send = tx.send_async(2);
    let task = Task::waiting(&mut send);
    assert_eq!(rx.clear(), 2);
    assert!(task.wakes() > 0);
    assert!(task.poll(&mut send).is_ready());
    drop(send);
    assert_eq!((rx.clear(), rx.clear()), (1, 0));

    // Past a place that was given up.
    let channel: Many<u32, 8> = many();
    let (mut tx, mut rx) = channel.try_split().unwrap();
    for clear in [&mut || rx.clear(), &mut || channel.clear()] as [&mut dyn FnMut() -> usize; 2] {
        tx.try_send(1).unwrap();
        drop(block_on(tx.reserve()));
        tx.try_send(2).unwrap();
        tx.try_send(3).unwrap();
        assert_eq!((clear(), channel.len()), (3, 0));
    }

    let lanes = over(Lanes::<u32, 2, 2>::new());
    let mut rx = lanes.try_receiver(Priority).unwrap();
    let (mut one, mut two) = (lanes.register().unwrap(), lanes.register().unwrap());
    one.send(1).unwrap();
    two.send(2).unwrap();
    assert_eq!((rx.clear(), lanes.len()), (2, 0));

    let news = over(Broadcast::<u32, 2>::new());
    let (mut tx, mut rx) = (news.try_sender().unwrap(), news.receiver_at_newest());
    (0..5).for_each(|item| tx.send(item).unwrap());
    assert_eq!((rx.clear(), rx.clear()), (5, 0));

    let gated = over(Broadcast::<u32, 2, Gated<1>>::new());
    let (mut tx, mut rx) = (gated.try_sender().unwrap(), gated.join_at_newest().unwrap());
    tx.send_iter(&mut (0..2)).unwrap();
    assert_eq!(tx.try_send(2), Err(TrySendError::Full(2)));
    assert_eq!(rx.clear(), 2);
    tx.try_send(2).unwrap();
}

/// A receiver that sleeps is told to stop, without an item; what is there comes first.
#[test]
fn a_wake_up_without_an_item() {
    for _ in 0..rounds(200) {
        let channel: Many<u32, 4> = many();
        let stop = AtomicBool::new(false);
        let (mut tx, mut rx) = channel.try_split().unwrap();
        thread::scope(|scope| {
            let receiver = scope.spawn(|| {
                let mut received = 0;
                while rx.recv_unless(|| stop.load(Ordering::Relaxed)).unwrap().is_some() {
                    received += 1;
                }
                received
            });
            tx.send(1).unwrap();
            tx.send(2).unwrap();
            stop.store(true, Ordering::Relaxed);
            channel.wake_receivers();
            assert_eq!(receiver.join().unwrap(), 2);
        });
        drop(tx);
        assert_eq!(rx.recv_unless(|| false), Err(RecvError::Closed));
    }
}

/// A writer that overwrites takes any number of items.
#[test]
fn a_broadcast_is_extended() {
    let mut ring = Broadcast::<u32, 2>::new();
    let (mut writer, ring) = ring.split();
    writer.extend(0..5);
    assert_eq!(ring.reader_at_oldest().try_read(), Ok(3));
}
