//! Wake-ups that could be lost, and answers that could be wrong, in a fixed order of steps: tasks are polled by hand.

use std::task::Poll;

use annulet::ring::broadcast::Gated;
use annulet::{Broadcast, Mpsc, Spmc};

use crate::common::{Task, over, panics};

/// The writer of a gated broadcast waits for the slowest reader; when that goes, for the next one.
#[test]
fn d06_a_slow_reader_that_goes_makes_room() {
    let channel = over(Broadcast::<u64, 2, Gated<2>>::new());
    let (slow, mut fast) = (channel.join_at_oldest().unwrap(), channel.join_at_oldest().unwrap());
    let mut tx = channel.try_sender().unwrap();
    for item in 0..2 {
        tx.try_send(item).unwrap();
        assert_eq!(fast.try_recv(), Ok(item));
    }
    let mut send = tx.send_async(2);
    let task = Task::waiting(&mut send);
    assert_eq!(task.wakes(), 0);
    drop(slow);
    assert!(task.wakes() > 0, "there is room now");
    assert_eq!(task.poll(&mut send), Poll::Ready(Ok(())));
}

/// A slot that one of many receivers is reading is not closed.
#[test]
fn nx10_a_place_is_reserved_once_its_slot_was_read() {
    let mut channel = over(Spmc::<u32, 1>::new());
    let (mut tx, mut rx) = channel.split();
    tx.try_send(1).unwrap();
    let task = Task::new();
    let mut reserve = tx.reserve();
    rx.end().drain(1, |_| assert!(task.poll(&mut reserve).is_pending()));
    assert!(task.wakes() > 0);
    let Poll::Ready(Some(permit)) = task.poll(&mut reserve) else { panic!("it is open, and has room") };
    permit.send(2).unwrap();
    assert_eq!(rx.try_recv(), Ok(2));
}

/// What was sent before the iterator panics is received.
#[test]
fn e03_an_iterator_that_panics_loses_no_wake_up() {
    let mut channel = over(Mpsc::<u32, 4>::new());
    let (mut tx, mut rx) = channel.split();
    let mut recv = rx.recv_async();
    let task = Task::waiting(&mut recv);
    let mut items = (1..).map(|item| if item < 2 { item } else { panic!("no more") }).filter(|_| true);
    assert!(panics(|| tx.send_iter(&mut items)));
    // What became of the first item is the ring's business: an iterator that does not say how many it has gives them one
    // by one.
    assert!(task.wakes() > 0, "an item was sent");
    assert_eq!(task.poll(&mut recv), Poll::Ready(Ok(1)));
}

/// Slots that were claimed for items that did not come are gone past, and are room.
#[test]
fn d06_slots_that_were_given_up_are_room() {
    let mut channel = over(Mpsc::<u32, 2>::new());
    let (mut tx, mut rx) = channel.split();
    let mut other = tx.clone();
    let mut recv = rx.recv_async();
    let receiver = Task::waiting(&mut recv);
    // Says that it has two items at least, and has none.
    struct Liar;
    impl Iterator for Liar {
        type Item = u32;
        fn next(&mut self) -> Option<u32> {
            None
        }
        fn size_hint(&self) -> (usize, Option<usize>) {
            (2, None)
        }
    }
    assert_eq!(tx.send_iter(&mut Liar), Ok(0));
    let mut send = other.send_async(5);
    // Nobody has gone past the slots.
    let sender = Task::waiting(&mut send);
    assert!(receiver.wakes() > 0);
    assert!(receiver.poll(&mut recv).is_pending());
    assert!(sender.wakes() > 0, "somebody has");
    assert_eq!(sender.poll(&mut send), Poll::Ready(Ok(())));
    assert!(receiver.wakes() > 0);
    assert_eq!(receiver.poll(&mut recv), Poll::Ready(Ok(5)));
}
