//! The end of a channel's life: what is queued when the last receiver goes, and what was sent before a close.

use std::mem::forget;
use std::sync::Arc;
use std::task::Poll;
use std::thread;

use annulet::channel::{RecvError, SendError, Sender, TryRecvError, TrySendError};
use annulet::{Channel, Mpmc, Mpsc, Spmc, Spsc};

use crate::common::{Lot, Task, block_on, over, panics, poll_with, rounds, rude};

type Owned<R> = Channel<R, Lot>;

/// A request carries the sender of its reply. When the server goes, the client hears of it.
#[test]
fn d08_a_client_hears_that_its_request_was_dropped() {
    let (mut requests, server) = Owned::<Mpsc<_, 4>>::new_split(Lot::new());
    let (reply, mut replies) = Owned::<Spsc<u32, 1>>::new_split(Lot::new());
    requests.send(reply).unwrap();
    drop(server);
    assert_eq!(replies.recv(), Err(RecvError::Closed));
    drop(requests);
}

/// Its last receiver closes an owned channel for good: one that comes after it hears of the end, and sends are refused.
#[test]
fn d08_the_last_receiver_of_an_owned_channel_closes_it() {
    let (mut tx, rx) = Owned::<Mpmc<Vec<u32>, 4>>::new_split(Lot::new());
    tx.send(vec![1]).unwrap();
    drop(rx);
    assert!(tx.is_closed());
    assert_eq!((tx.channel().len(), tx.receivers(), tx.channel().waiting().receivers), (0, 0, 0));
    let channel: &Owned<Mpmc<_, 4>> = tx.channel();
    let mut late = channel.receiver();
    assert_eq!(late.recv(), Err(RecvError::Closed));
    assert_eq!(tx.shared().try_send(vec![2]), Err(TrySendError::Closed(vec![2])));
    assert!(!channel.try_reopen(), "it has ends");
    drop(late);
    assert_eq!(tx.try_send(vec![2]), Err(TrySendError::Closed(vec![2])));
}

/// While what is queued is dropped, another thread may make a receiver and send to it: what is accepted then is received.
#[test]
fn d08_what_is_sent_while_the_queue_is_dropped_is_refused() {
    type Items = Owned<Mpmc<Item, 4>>;
    struct Item(Option<Arc<Sender<Arc<Items>>>>);
    impl Drop for Item {
        fn drop(&mut self) {
            // What another thread could do at this moment.
            if let Some(tx) = self.0.take() {
                let mut late = tx.channel().receiver();
                assert!(matches!(tx.shared().try_send(Item(None)), Err(TrySendError::Closed(_))));
                assert_eq!(late.recv().err(), Some(RecvError::Closed));
            }
        }
    }
    let (tx, rx) = Items::new_split(Lot::new());
    let tx = Arc::new(tx);
    assert!(tx.shared().try_send(Item(Some(Arc::clone(&tx)))).is_ok());
    drop(rx);
    assert_eq!(Arc::strong_count(&tx), 1);
}

/// An item holds a sender of its own channel, which is freed all the same.
#[test]
fn d08_an_item_that_holds_its_own_channel_does_not_keep_it() {
    struct Item(#[allow(dead_code)] Option<Sender<Arc<Owned<Mpsc<Item, 4>>>>>, #[allow(dead_code)] Arc<()>);
    let alive = Arc::new(());
    let (mut tx, rx) = Owned::<Mpsc<Item, 4>>::new_split(Lot::new());
    for _ in 0..3 {
        let again = tx.clone();
        assert!(tx.try_send(Item(Some(again), Arc::clone(&alive))).is_ok());
    }
    drop(tx);
    assert_eq!(rx.senders(), 3);
    drop(rx);
    assert_eq!(Arc::strong_count(&alive), 1);
}

/// Whoever goes first, and whichever arity: no item of an owned channel outlives its last receiver.
#[test]
fn d08_what_is_queued_goes_with_the_last_receiver() {
    macro_rules! check {
        ($($ring:ident)*) => {$({
            let alive = Arc::new(());
            let (mut tx, mut rx) = Owned::<$ring<Arc<()>, 4>>::new_split(Lot::new());
            (0..4).for_each(|_| tx.try_send(Arc::clone(&alive)).unwrap());
            drop(rx.try_recv().unwrap());
            drop(rx);
            assert_eq!(Arc::strong_count(&alive), 1, stringify!($ring));
            assert!(matches!(tx.try_send(Arc::clone(&alive)), Err(TrySendError::Closed(_))));
            assert_eq!(Arc::strong_count(&alive), 1);
        })*};
    }
    check!(Spsc Mpsc Spmc Mpmc);
    // Not the last one.
    let alive = Arc::new(());
    let (mut tx, rx) = Owned::<Spmc<Arc<()>, 4>>::new_split(Lot::new());
    let mut other = rx.clone();
    tx.try_send(Arc::clone(&alive)).unwrap();
    drop(rx);
    assert_eq!(Arc::strong_count(&alive), 2);
    drop(other.try_recv().unwrap());
}

/// An item whose drop panics does not keep the others.
#[test]
fn e02_an_item_whose_drop_panics_keeps_no_other() {
    struct Item(bool, Arc<()>);
    impl Drop for Item {
        fn drop(&mut self) {
            assert!(!self.0 || thread::panicking(), "not this one, of {}", Arc::strong_count(&self.1));
        }
    }
    macro_rules! check {
        ($($ring:ident)*) => {$({
            let alive = Arc::new(());
            let (mut tx, rx) = Owned::<$ring<Item, 8>>::new_split(Lot::new());
            for number in 0..6 {
                assert!(tx.try_send(Item(number == 2, Arc::clone(&alive))).is_ok());
            }
            assert!(panics(|| drop(rx)));
            assert_eq!(Arc::strong_count(&alive), 1, stringify!($ring));
            assert!(tx.is_closed());
        })*};
    }
    check!(Spsc Mpsc Spmc Mpmc);
}

/// A channel that is borrowed keeps what is queued for its next receiver.
#[test]
fn d08_a_borrowed_channel_keeps_what_is_queued_for_the_next_receiver() {
    static CHANNEL: Owned<Spsc<u32, 4>> = Channel::over(Spsc::new(), Lot::new());
    let (mut tx, rx) = CHANNEL.try_split().unwrap();
    tx.try_send(1).unwrap();
    drop(rx);
    assert_eq!(tx.try_send(2), Err(TrySendError::Closed(2)));
    let mut rx = CHANNEL.try_receiver().unwrap();
    tx.try_send(3).unwrap();
    assert_eq!((rx.recv(), rx.recv()), (Ok(1), Ok(3)));
}

/// A permit that is used after the end gives the item back.
#[test]
fn d08_a_permit_gives_the_item_back_after_the_end() {
    let alive = Arc::new(());
    let (mut tx, rx) = Owned::<Spsc<Arc<()>, 4>>::new_split(Lot::new());
    let permit = block_on(tx.reserve()).unwrap();
    drop(rx);
    assert!(matches!(permit.send(Arc::clone(&alive)), Err(SendError::Closed(_))));
    assert_eq!(Arc::strong_count(&alive), 1);

    let (mut tx, mut rx) = Owned::<Spsc<u32, 4>>::new_split(Lot::new());
    let permit = block_on(tx.reserve()).unwrap();
    rx.close();
    assert_eq!(rx.try_recv(), Err(TryRecvError::Closed));
    assert_eq!(permit.send(7), Err(SendError::Closed(7)));
    assert_eq!(rx.try_recv(), Err(TryRecvError::Closed));
    assert!(block_on(tx.reserve()).is_none());
}

/// What is behind a slot that a sender is in the middle of is dropped once that is over.
#[test]
fn d08_what_is_behind_a_claim_is_dropped_when_the_claim_is_over() {
    for commits in [true, false] {
        let alive = Arc::new(());
        let (mut tx, rx) = Owned::<Mpmc<Arc<()>, 4>>::new_split(Lot::new());
        let mut other = tx.clone();
        let mut end = tx.end();
        let mut grant = end.try_claim(1).unwrap();
        grant.push(Arc::clone(&alive)).unwrap();
        other.try_send(Arc::clone(&alive)).unwrap();
        drop(rx);
        if commits {
            assert_eq!(grant.commit_all(), 1);
        } else {
            drop(grant);
        }
        drop(end);
        assert_eq!(Arc::strong_count(&alive), 1);
    }
}

/// Senders race with the last receiver. Each item that was accepted is received or dropped while the senders are still there.
#[test]
fn d08_threads_that_send_while_the_last_receiver_goes_leave_nothing() {
    macro_rules! race {
        ($($ring:ident $senders:expr;)*) => {$(
            for round in 0..rounds(300) {
                let alive = Arc::new(());
                let (tx, mut rx) = Owned::<$ring<Arc<()>, 4>>::new_split(Lot::new());
                thread::scope(|scope| {
                    let sending = $senders(tx).map(|mut tx| {
                        let alive = Arc::clone(&alive);
                        scope.spawn(move || {
                            while !matches!(tx.try_send(Arc::clone(&alive)), Err(TrySendError::Closed(_))) {
                                thread::yield_now();
                            }
                            tx
                        })
                    });
                    for _ in 0..round % 7 {
                        drop(rx.try_recv());
                    }
                    drop(rx);
                    let senders = sending.map(|thread| thread.join().unwrap());
                    assert_eq!(Arc::strong_count(&alive), 1, "{} in round {round}", stringify!($ring));
                    drop(senders);
                });
            }
        )*};
    }
    race! {
        Spsc |tx| [tx];
        Mpsc |tx: Sender<Arc<Owned<Mpsc<_, 4>>>>| [tx.clone(), tx.clone(), tx];
        Spmc |tx| [tx];
        Mpmc |tx: Sender<Arc<Owned<Mpmc<_, 4>>>>| [tx.clone(), tx.clone(), tx];
    }
}

/// One sender is in the middle of its item when the channel is closed, behind which there is another one; then it commits and
/// all senders go. Nothing that was sent before the close comes after `Closed`, at whichever moment the receiver looks. The
/// model of the same name walks through all of them.
#[test]
fn d07_closed_comes_after_everything_that_was_sent_before_the_close() {
    for _ in 0..rounds(500) {
        let (mut first, mut rx) = Owned::<Mpsc<u32, 2>>::new_split(Lot::new());
        let mut second = first.clone();
        let mut end = first.end();
        let mut grant = end.try_claim(1).unwrap();
        second.try_send(2).unwrap();
        let receiver = thread::spawn(move || {
            let got: Vec<_> = std::iter::from_fn(|| rx.recv().ok()).collect();
            (got, rx.try_recv())
        });
        second.close();
        drop(second);
        grant.push(1).unwrap();
        grant.commit_all();
        drop(end);
        drop(first);
        assert_eq!(receiver.join().unwrap(), (vec![1, 2], Err(TryRecvError::Closed)));
    }
}

/// A slot that was claimed and forgotten does not hide what is behind it, once its sender is gone.
#[test]
fn d07_a_forgotten_claim_hides_nothing_that_was_sent_behind_it() {
    let (mut first, mut rx) = Owned::<Mpsc<u32, 4>>::new_split(Lot::new());
    let mut second = first.clone();
    forget(first.end().try_claim(1).unwrap());
    second.try_send(2).unwrap();
    drop((first, second));
    assert_eq!((rx.recv(), rx.recv()), (Ok(2), Err(RecvError::Closed)));
}

/// Being ready says that a try says more than `Pending`, also of a channel that was closed.
#[test]
fn d07_a_slot_that_is_pending_makes_no_receiver_ready() {
    let channel = over(Mpsc::<u32, 4>::new());
    let (mut tx, mut rx) = channel.try_split().unwrap();
    let other = tx.clone();
    let mut end = tx.end();
    let grant = end.try_claim(1).unwrap();
    other.close();
    let mut ready = rx.ready();
    let task = Task::waiting(&mut ready);
    drop(grant);
    drop(end);
    assert_eq!(task.wakes(), 1);
    assert!(task.poll(&mut ready).is_ready());
    drop(ready);
    assert_eq!(rx.try_recv(), Err(TryRecvError::Closed));
}

/// A sender's waker panics when the last receiver goes. What is queued goes all the same.
#[test]
fn d08_a_waker_that_panics_keeps_nothing_that_is_queued() {
    let alive = Arc::new(());
    let (mut tx, rx) = Owned::<Spsc<Arc<()>, 2>>::new_split(Lot::new());
    (0..2).for_each(|_| tx.try_send(Arc::clone(&alive)).unwrap());
    let mut send = tx.send_async(Arc::clone(&alive));
    assert!(poll_with(rude(), &mut send).is_pending());
    assert!(panics(|| drop(rx)));
    drop(send);
    assert_eq!(Arc::strong_count(&alive), 1);
    assert!(tx.is_closed());
}

/// It is closed while an item is on its way for which three wait. The waker of the first one panics; one of the others gets
/// the item, and the last one hears of the end.
#[test]
fn d07_a_waker_that_panics_keeps_the_end_from_nobody() {
    let channel = over(Mpmc::<u32, 4>::new());
    let (mut tx, rx) = channel.try_split().unwrap();
    let mut receivers = [rx.clone(), rx.clone(), rx];
    let tasks = [Task::new(), Task::new()];
    {
        let [a, b, c] = &mut receivers;
        let (mut a, mut b, mut c) = (a.recv_async(), b.recv_async(), c.recv_async());
        let mut items = std::iter::once_with(|| {
            channel.close();
            assert!(poll_with(rude(), &mut a).is_pending());
            assert!(tasks[0].poll(&mut b).is_pending());
            assert!(tasks[1].poll(&mut c).is_pending());
            7
        });
        assert!(panics(|| tx.try_send_iter(&mut items)));
        assert!(tasks[0].wakes() > 0 && tasks[1].wakes() > 0);
        assert_eq!(tasks[0].poll(&mut b), Poll::Ready(Ok(7)));
        assert_eq!(tasks[1].poll(&mut c), Poll::Ready(Err(RecvError::Closed)));
    }
}

/// A future that is forgotten leaves its waker with the channel, and goes with it.
#[test]
fn d19_a_forgotten_future_goes_with_its_channel() {
    let task = Task::new();
    let (tx, mut rx) = Owned::<Spsc<u32, 2>>::new_split(Lot::new());
    let mut recv = rx.recv_async();
    assert!(task.poll(&mut recv).is_pending());
    forget(recv);
    assert_eq!(task.wakers(), 1);
    drop((tx, rx));
    assert_eq!(task.wakers(), 0);
}

/// The ends of two channels are exchanged through their guards. Each keeps the channel that it is an end of, signals it, and
/// closes it when it goes: none is used after it was freed, and none has two producers.
#[test]
fn d08_ends_that_are_exchanged_stay_with_their_channels() {
    let (mut one, mut one_rx) = Owned::<Spsc<u32, 2>>::new_split(Lot::new());
    let (mut two, mut two_rx) = Owned::<Spsc<u32, 2>>::new_split(Lot::new());
    std::mem::swap(&mut *one.end(), &mut *two.end());
    let mut recv = two_rx.recv_async();
    let task = Task::waiting(&mut recv);
    one.try_send(2).unwrap();
    assert_eq!((task.wakes(), task.poll(&mut recv)), (1, Poll::Ready(Ok(2))));
    drop(recv);
    two.try_send(1).unwrap();
    assert_eq!(one_rx.try_recv(), Ok(1));
    drop(one);
    assert_eq!((one_rx.try_recv(), two_rx.try_recv()), (Err(TryRecvError::Empty), Err(TryRecvError::Closed)));
    drop((two_rx, one_rx));
    assert_eq!(two.try_send(3), Err(TrySendError::Closed(3)));
}
