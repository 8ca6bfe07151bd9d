//! The end of a channel, from either side, by closing it or by leaving, while futures are pending.

use std::mem::forget;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

use annulet::channel::{RecvError, SendError, TryRecvError, TrySendError};
use annulet::ring::broadcast::Gated;
use annulet::ring::lanes::Priority;
use annulet::wait::{Deadline, Notify, Strategy, Wait, Word};
use annulet::{Broadcast, Channel, Lanes, Spsc};

use crate::common::{Many, ManyRx, ManyTx, Task, block_on, many, over, panics, silently, waiting};

type Item = Arc<u32>;

/// Ways for a channel to end, by whoever is not pending.
const BY_SENDER: &[fn(ManyTx<'_, Item, 4>)] = &[
    |tx| drop(tx),
    |tx| {
        tx.close();
        // It does not leave, too.
        std::mem::forget(tx);
    },
];
const BY_RECEIVER: &[fn(ManyRx<'_, Item, 2>)] = &[
    |rx| drop(rx),
    |rx| {
        rx.close();
        std::mem::forget(rx);
    },
];

#[test]
fn rm05_the_end_wakes_pending_receivers() {
    for end in BY_SENDER {
        let channel: Many<Item, 4> = many();
        let (tx, mut rx) = channel.try_split().unwrap();
        let mut other = rx.clone();
        let (mut recv, mut ready) = (rx.recv_async(), other.ready());
        let (one, two) = (Task::waiting(&mut recv), Task::waiting(&mut ready));
        end(tx);
        assert!(one.wakes() > 0 && two.wakes() > 0);
        assert_eq!(one.poll(&mut recv), Poll::Ready(Err(RecvError::Closed)));
        assert!(two.poll(&mut ready).is_ready());
        drop((recv, ready));
        assert_eq!(waiting(&channel), (0, 0));
    }
}

#[test]
fn rm05_the_end_wakes_pending_senders_and_gives_items_back() {
    for end in BY_RECEIVER {
        let channel: Many<Item, 2> = many();
        let (mut tx, rx) = channel.try_split().unwrap();
        tx.try_send(Item::new(0)).unwrap();
        tx.try_send(Item::new(1)).unwrap();
        let mut other = tx.clone();
        let item = Item::new(2);
        let (mut send, mut ready) = (tx.send_async(Arc::clone(&item)), other.ready());
        let (one, two) = (Task::waiting(&mut send), Task::waiting(&mut ready));
        end(rx);
        assert!(one.wakes() > 0 && two.wakes() > 0);
        let Poll::Ready(Err(SendError::Closed(back))) = one.poll(&mut send) else { panic!("it is closed") };
        assert!(Arc::ptr_eq(&back, &item));
        assert!(two.poll(&mut ready).is_ready());
        drop((send, ready));
        assert!(matches!(other.try_send(back), Err(TrySendError::Closed(back)) if Arc::ptr_eq(&back, &item)));
        assert_eq!((waiting(&channel), Arc::strong_count(&item)), ((0, 0), 1));
    }
}

/// Closing from one's own side wakes one's own kind.
#[test]
fn rm05_closing_wakes_both_sides() {
    for by_sender in [true, false] {
        // What is there was put there silently, so the receiver is still pending when the sender is, too.
        let channel: Many<Item, 2> = many();
        let (mut tx, mut rx) = channel.try_split().unwrap();
        let (mut tx_closes, rx_closes) = (tx.clone(), rx.clone());
        let (one, two) = (Task::new(), Task::new());
        let mut recv = rx.recv_async();
        assert!(one.poll(&mut recv).is_pending());
        silently(tx_closes.end(), |end| while end.try_push(Item::new(1)).is_ok() {});
        let mut send = tx.send_async(Item::new(2));
        assert!(two.poll(&mut send).is_pending());
        assert_eq!((one.wakes(), two.wakes(), waiting(&channel)), (0, 0, (1, 1)));
        if by_sender {
            tx_closes.close()
        } else {
            rx_closes.close()
        }
        assert!(one.wakes() > 0 && two.wakes() > 0);
        assert_eq!(one.poll(&mut recv), Poll::Ready(Ok(Item::new(1))), "what was sent before is received");
        assert!(matches!(two.poll(&mut send), Poll::Ready(Err(SendError::Closed(_)))));
        drop((recv, send));
        assert_eq!(block_on(rx.recv_async()), Ok(Item::new(1)));
        assert_eq!(block_on(rx.recv_async()), Err(RecvError::Closed));
        assert_eq!(waiting(&channel), (0, 0));
    }
}

#[test]
fn nx12_what_was_sent_comes_before_closed() {
    for end in BY_SENDER {
        let channel: Many<Item, 4> = many();
        let (mut tx, mut rx) = channel.try_split().unwrap();
        for number in 0..3 {
            block_on(tx.send_async(Item::new(number))).unwrap();
        }
        let last = tx.clone();
        drop(tx);
        assert!(!rx.is_closed(), "one is left");
        assert_eq!(block_on(rx.recv_async()), Ok(Item::new(0)));
        end(last);
        assert!(rx.is_closed());
        block_on(rx.ready());
        assert_eq!(block_on(rx.recv_async()), Ok(Item::new(1)));
        assert_eq!(rx.try_recv(), Ok(Item::new(2)));
        assert_eq!(rx.try_recv(), Err(TryRecvError::Closed));
        for _ in 0..2 {
            assert_eq!(block_on(rx.recv_async()), Err(RecvError::Closed));
        }
    }
}

#[test]
fn rm05_reserving_ends_with_the_channel() {
    for by_drop in [true, false] {
        let channel = over(Spsc::<u32, 2>::new());
        let (mut tx, rx) = channel.try_split().unwrap();
        tx.try_send(0).unwrap();
        tx.try_send(1).unwrap();
        let mut reserve = tx.reserve();
        let task = Task::waiting(&mut reserve);
        if by_drop {
            drop(rx)
        } else {
            rx.close()
        }
        assert_eq!(task.wakes(), 1);
        assert!(matches!(task.poll(&mut reserve), Poll::Ready(None)));
        drop(reserve);
        assert_eq!(waiting(&channel), (0, 0));
    }
}

/// Where words have 32 bits, too, a channel counts as many senders, and as many receivers, as there is memory for.
#[test]
fn rm05_the_last_of_thousands_of_ends_closes_a_channel() {
    // To Miri each of them is one more borrow of the channel. It counts thousands in a test of `atomic/peer_counts.rs`.
    const THOUSANDS: usize = if cfg!(miri) { 100 } else { 4200 };
    let channel: Many<u32, 2> = many();
    let (tx, mut rx) = channel.try_split().unwrap();
    let senders: Vec<_> = (1..THOUSANDS).map(|_| tx.clone()).collect();
    assert_eq!(rx.senders(), THOUSANDS);
    drop(senders);
    assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
    drop(tx);
    assert_eq!(rx.try_recv(), Err(TryRecvError::Closed));

    let mut tx = channel.try_sender().unwrap();
    let receivers: Vec<_> = (1..THOUSANDS).map(|_| rx.clone()).collect();
    assert_eq!(tx.receivers(), THOUSANDS);
    drop((rx, receivers));
    assert_eq!(tx.try_send(7), Err(TrySendError::Closed(7)));
}

/// Ends that were forgotten are free again when the channel is opened again, of each kind.
#[test]
fn rm05_a_channel_that_is_opened_again_has_its_ends() {
    let mut ring = over(Spsc::<u32, 2>::new());
    forget(ring.split());
    ring.reopen();
    assert!(ring.try_split().is_some());
    let mut lanes = over(Lanes::<u32, 2, 1>::new());
    forget((lanes.register().unwrap(), lanes.try_receiver(Priority).unwrap()));
    lanes.reopen();
    assert!(lanes.register().is_ok() && lanes.try_receiver(Priority).is_some());
    let mut broadcast = over(Broadcast::<u32, 2, Gated<1>>::new());
    forget((broadcast.try_sender().unwrap(), broadcast.join_at_newest().unwrap()));
    broadcast.reopen();
    assert!(broadcast.try_sender().is_some() && broadcast.join_at_newest().is_ok());
}

/// A receiver whose senders were never there is open, and one whose senders are gone is not.
#[test]
fn rm05_a_receiver_is_closed_once_its_senders_are_gone() {
    let channel = over(Spsc::<u32, 2>::new());
    let rx = channel.try_receiver().unwrap();
    assert_eq!((rx.senders(), rx.is_closed()), (0, false));
    let tx = channel.try_sender().unwrap();
    assert!(!rx.is_closed());
    drop(tx);
    assert_eq!((rx.senders(), rx.is_closed(), channel.is_closed()), (0, true, false));
}

/// A platform panics when it is asked how to wait. The end was never there: the other side is not told that it is gone.
#[test]
fn d08_a_platform_that_panics_at_the_beginning_closes_nothing() {
    struct Shy;
    impl Notify for Shy {
        fn notify(&self, _: &Word, _: u32) -> u32 {
            0
        }
    }
    impl Wait for Shy {
        fn now(&self) -> Deadline {
            Deadline::at(0)
        }
        fn wait(&self, _: &Word, _: u32, _: Deadline) {}
        fn default_strategy(&self) -> Strategy {
            static ASKED: AtomicUsize = AtomicUsize::new(0);
            assert!(ASKED.fetch_add(1, Ordering::Relaxed) % 2 == 1, "not at once");
            Strategy::block()
        }
    }
    let channel = Channel::new(Spsc::<u32, 2>::new(), Shy);
    assert!(panics(|| drop(channel.try_split())));
    let mut rx = channel.try_receiver().unwrap();
    assert!(panics(|| drop(channel.try_sender())));
    assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
    assert!(channel.try_sender().is_some(), "no end is held by what panicked");
}
