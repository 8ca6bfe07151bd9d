//! Sides of many that are used through a shared reference: to the channel, or to an end.

use std::sync::Arc;
use std::task::Poll;
use std::thread;
use std::time::Duration;

use annulet::channel::{RecvError, SendError, TryRecvError, TrySendError};
use annulet::wait::Deadline;
use annulet::{Channel, Mpmc, Mpsc, Spmc};

use crate::common::{Lot, Many, Task, block_on, many, over, rounds, waiting};

#[test]
fn every_form_of_a_call_sends_and_receives() {
    let channel: Many<u32, 8> = many();
    let span = Duration::from_secs(3600);
    channel.try_send(0).unwrap();
    channel.send(1).unwrap();
    channel.send_timeout(2, span).unwrap();
    channel.send_deadline(3, Deadline::NEVER).unwrap();
    block_on(channel.send_async(4)).unwrap();
    channel.send(5).unwrap();
    assert_eq!(channel.len(), 6);
    assert_eq!(channel.try_recv(), Ok(0));
    assert_eq!(channel.recv(), Ok(1));
    assert_eq!(channel.recv_timeout(span), Ok(2));
    assert_eq!(channel.recv_deadline(Deadline::NEVER), Ok(3));
    assert_eq!(block_on(channel.recv_async()), Ok(4));
    assert_eq!(channel.clear(), 1);
    assert_eq!(channel.try_recv(), Err(TryRecvError::Empty));
    assert_eq!(channel.recv_timeout(Duration::ZERO), Err(RecvError::Timeout));
}

/// A call is no end: it neither keeps a channel open nor closes it.
#[test]
fn calls_are_not_counted() {
    let channel: Many<u32, 2> = many();
    channel.send(1).unwrap();
    channel.recv().unwrap();
    let (mut tx, mut rx) = (channel.sender(), channel.receiver());
    assert_eq!((tx.receivers(), rx.senders()), (1, 1));
    drop((tx.shared(), rx.shared()));
    assert_eq!((tx.receivers(), rx.senders()), (1, 1));
    channel.send(2).unwrap();
    assert!(!tx.is_closed() && !rx.is_closed());
    assert_eq!(rx.recv(), Ok(2));
    // The last receiver goes. That is heard by who calls.
    drop(rx);
    assert_eq!(channel.try_send(3), Err(TrySendError::Closed(3)));
    assert_eq!(channel.send(3), Err(SendError::Closed(3)));
    assert_eq!(tx.send(3), Err(SendError::Closed(3)));
    // Another one comes.
    rx = channel.receiver();
    tx.send(4).unwrap();
    drop(tx);
    assert_eq!(channel.recv(), Ok(4));
    assert_eq!(channel.recv(), Err(RecvError::Closed));
    drop(rx);
    channel.close();
    assert_eq!(channel.try_recv(), Err(TryRecvError::Closed));
}

/// A call that waits is woken by a close, and by what it waits for; nothing of it is left.
#[test]
fn a_call_waits() {
    for _ in 0..rounds(200) {
        let channel: Arc<Many<u32, 1>> = Arc::new(many());
        let there = Arc::clone(&channel);
        let receiver = thread::spawn(move || (there.recv(), there.recv(), there.recv()));
        channel.send(1).unwrap();
        channel.send(2).unwrap();
        channel.close();
        assert_eq!(receiver.join().unwrap(), (Ok(1), Ok(2), Err(RecvError::Closed)));
        assert_eq!(waiting(&channel), (0, 0));
    }
}

/// A future that is dropped while it waits takes no wake-up along.
#[test]
fn a_future_of_a_call_that_is_dropped_passes_its_wake_up_on() {
    let channel: Many<u32, 4> = many();
    let (mut one, mut two) = (Box::pin(channel.recv_async()), Box::pin(channel.recv_async()));
    let (first, second) = (Task::waiting(&mut one), Task::waiting(&mut two));
    channel.send(1).unwrap();
    assert_eq!((first.wakes(), second.wakes()), (1, 0));
    drop(one);
    assert_eq!(second.wakes(), 1);
    assert_eq!(second.poll(&mut two), Poll::Ready(Ok(1)));
    drop(two);
    assert_eq!(waiting(&channel), (0, 0));
    // An item that was not sent goes with its future.
    let item = Arc::new(());
    let channel: Many<Arc<()>, 1> = many();
    channel.send(Arc::clone(&item)).unwrap();
    let mut send = Box::pin(channel.send_async(Arc::clone(&item)));
    let _task = Task::waiting(&mut send);
    assert_eq!(Arc::strong_count(&item), 3);
    drop(send);
    assert_eq!(Arc::strong_count(&item), 2);
}

/// In a state that threads share.
#[test]
fn ends_of_many_are_shared() {
    struct State<T: Send> {
        jobs: annulet::channel::Sender<Arc<Channel<Mpsc<T, 4>, Lot>>>,
    }
    fn is_sync<T: Sync>(_: &T) {}

    let (jobs, mut rx) = Channel::<Mpsc<usize, 4>, Lot>::new_split(Lot::new());
    let state = Arc::new(State { jobs });
    is_sync(&state);
    let senders: Vec<_> = (0..4)
        .map(|sender| {
            let state = Arc::clone(&state);
            thread::spawn(move || (0..rounds(1000)).for_each(|_| state.jobs.shared().send(sender).unwrap()))
        })
        .collect();
    let received: Vec<_> = (0..4 * rounds(1000)).map(|_| rx.recv().unwrap()).collect();
    senders.into_iter().for_each(|sender| sender.join().unwrap());
    for sender in 0..4 {
        assert_eq!(received.iter().filter(|item| **item == sender).count(), rounds(1000));
    }
    // The one that is shared is the last one.
    drop(state);
    assert_eq!(rx.recv(), Err(RecvError::Closed));
}

/// The sides of one use a handle, beside the side of many that needs none.
#[test]
fn one_side_of_many_is_enough() {
    let channel = over(Mpsc::<u32, 4>::new());
    let mut rx = channel.try_receiver().unwrap();
    channel.send(7).unwrap();
    assert_eq!(rx.recv(), Ok(7));
    let channel = over(Spmc::<u32, 4>::new());
    let mut tx = channel.try_sender().unwrap();
    tx.send(7).unwrap();
    assert_eq!(channel.recv(), Ok(7));
}

/// The ring alike.
#[test]
fn rings_of_many_need_no_handle() {
    let ring = Mpmc::<u32, 4>::new();
    ring.try_push(1).unwrap();
    assert_eq!(ring.push_slice(&[2, 3, 4, 5]), 3);
    assert_eq!(ring.try_push(5).unwrap_err().into_inner(), 5);
    assert_eq!(ring.try_pop(), Ok(1));
    let mut two = [0; 2];
    assert_eq!((ring.pop_slice(&mut two), two), (2, [2, 3]));
    let mut rest = Vec::new();
    assert_eq!(ring.drain(9, |item| rest.push(item)), 1);
    assert_eq!(rest, [4]);
    assert!(ring.try_pop().is_err());
    let (mut tx, mut rx) = (ring.producer(), ring.consumer());
    tx.try_push(6).unwrap();
    assert_eq!(rx.try_pop(), Ok(6));
}
