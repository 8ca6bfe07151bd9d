//! The end of a channel, from either side, by closing it or by leaving, while futures are pending.

use std::sync::Arc;
use std::task::Poll;

use annulet::Spsc;
use annulet::channel::{RecvError, SendError, TryRecvError, TrySendError};

use crate::common::{Many, ManyRx, ManyTx, Task, block_on, many, over, silently, waiting};

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
