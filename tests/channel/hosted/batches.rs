//! Several items at once.

use std::thread;
use std::time::Duration;

use annulet::Channel;
use annulet::channel::{RecvError, SendError, TryRecvError, TrySendError};
use annulet::ring::{Multi, Ring, Side, Sides, Single};
use annulet::stats::Counts;

use crate::hosted::common::Probe;
use crate::hosted::kinds::{Chan, N, Rx, Tx, fill};

/// What is sent is taken from the iterator, and nothing else is.
fn rm05_no_item_is_taken_that_is_not_sent<C: Chan>() {
    let channel = C::with(&Probe::new());
    let (mut tx, mut rx) = channel.ends();
    let mut items = 0..2 * N as u32;
    let sent = tx.send_iter(&mut items).unwrap();
    assert!((1..=N).contains(&sent));
    assert_eq!(items.start, sent as u32);
    if !C::OVERWRITES {
        // One by one: iterators that do not say how many they have are asked claim by claim.
        while items.start < N as u32 {
            assert!(tx.send_iter(&mut items).unwrap() > 0);
        }
        for span in [Duration::ZERO, Duration::from_millis(2)] {
            assert!(matches!(tx.send_iter_timeout(&mut items, span), Err(SendError::Timeout(()))));
        }
        assert_eq!(items.start, N as u32);
    }
    // An iterator that is over has nothing to wait for.
    assert_eq!(tx.send_iter(&mut (0..0)).unwrap(), 0);
    let mut got = Vec::new();
    while rx.try_drain(3, &mut |item| got.push(item)).is_ok() {}
    assert!(got.iter().copied().eq(0..items.start));
    assert_eq!(rx.drain(0, &mut |_| ()), Ok(0));
    // One that says nothing of its length.
    let mut items = (0..3).filter(|item| item % 2 == 0);
    let mut sent = tx.send_iter(&mut items).unwrap();
    sent += tx.send_iter(&mut items).unwrap();
    assert_eq!(sent, 2);
    assert_eq!(tx.send_iter(&mut items).unwrap(), 0);
    assert_eq!([rx.recv(), rx.recv()], [Ok(0), Ok(2)]);
    rx.close();
    let mut items = 0..3;
    assert!(matches!(tx.send_iter(&mut items), Err(SendError::Closed(()))));
    assert_eq!(items.start, 0);
}

/// At once, too, nothing is taken that is not sent, and each reason is its own.
fn rm05_what_is_sent_at_once_is_sent_or_left<C: Chan>() {
    let probe = Probe::new();
    let channel = C::with(&probe);
    let (mut tx, mut rx) = channel.ends();
    assert_eq!(tx.try_send_iter(&mut (0..0)).unwrap(), 0);
    let mut items = 0..2 * N as u32;
    while !C::OVERWRITES && items.start < N as u32 {
        assert!(tx.try_send_iter(&mut items).unwrap() > 0);
    }
    if !C::OVERWRITES {
        assert!(matches!(tx.try_send_iter(&mut items), Err(TrySendError::Full(()))));
        assert_eq!((items.start, tx.try_send_iter(&mut (0..0)).unwrap()), (N as u32, 0));
        assert_eq!(rx.drain(N, &mut |_| ()), Ok(N));
    }
    // Who waits is woken.
    thread::scope(|scope| {
        let blocked = scope.spawn(move || (rx.recv(), rx));
        probe.until_asleep(1);
        assert_eq!(tx.try_send_iter(&mut (7..8)).unwrap(), 1);
        let (got, rx) = blocked.join().unwrap();
        assert_eq!(got, Ok(7));
        rx.close();
    });
    let mut items = 0..3;
    assert!(matches!(tx.try_send_iter(&mut items), Err(TrySendError::Closed(()))));
    assert_eq!(items.start, 0);
}

/// Both sides in batches, and each of them waiting for the other one.
fn rm05_batches_of_all_sizes_arrive<C: Chan>() {
    const ITEMS: u32 = 500;
    let channel = C::with(&Probe::new());
    let (mut tx, mut rx) = channel.ends();
    thread::scope(|scope| {
        scope.spawn(move || {
            let mut items = 0..ITEMS;
            while !items.is_empty() {
                let most = 1 + items.start as usize % 7;
                tx.send_iter(&mut items.by_ref().take(most)).unwrap();
            }
        });
        let (mut next, mut size) = (0, 1);
        loop {
            let received = rx.drain(size, &mut |item| {
                assert!(item == next || C::OVERWRITES && item > next);
                next = item + 1;
            });
            match received {
                Ok(count) => assert!((1..=size).contains(&count)),
                Err(RecvError::Lagged(_)) if C::OVERWRITES => {}
                Err(why) => break assert_eq!(why, RecvError::Closed),
            }
            size = size % 6 + 1;
        }
        assert_eq!(next, ITEMS);
    });
}

/// A batch that waits is ended by its deadline, by an item, and by the other side's going.
fn rm05_batches_wait<C: Chan>() {
    let probe = Probe::new();
    let channel = C::with(&probe);
    let (mut tx, mut rx) = channel.ends();
    assert_eq!(rx.drain_timeout(4, Duration::from_millis(2), &mut |_| ()), Err(RecvError::Timeout));
    thread::scope(|scope| {
        let receiving = scope.spawn(move || {
            let mut got = Vec::new();
            (rx.drain(4, &mut |item| got.push(item)), got, rx)
        });
        probe.until_asleep(1);
        tx.send(5).unwrap();
        let (received, got, mut rx) = receiving.join().unwrap();
        assert_eq!((received, got), (Ok(1), vec![5]));
        if C::OVERWRITES {
            return;
        }
        fill(&mut tx);
        let sending = scope.spawn(move || (tx.send_iter(&mut (50..52)), tx));
        probe.until_asleep(1);
        assert_eq!(rx.drain(2, &mut |_| ()), Ok(2));
        let (sent, mut tx) = sending.join().unwrap();
        assert!(matches!(sent, Ok(1 | 2)));
        fill(&mut tx);
        let sending = scope.spawn(move || {
            let mut items = 60..62;
            (tx.send_iter(&mut items), items.start)
        });
        probe.until_asleep(1);
        drop(rx);
        assert!(matches!(sending.join().unwrap(), (Err(SendError::Closed(())), 60)));
    });
}

/// A ring in a channel counts what it counts by itself: an answer that there is nothing, once.
#[test]
fn rm20_a_ring_in_a_channel_counts_each_answer_once() {
    fn check<P: Side, C: Side>() {
        let channel = Channel::<Ring<u32, 4, Sides<P, C, Counts>>, Probe>::over(Ring::new(), Probe::new());
        let (mut tx, mut rx) = channel.try_split().unwrap();
        assert_eq!(rx.try_drain(9, |_| ()), Err(TryRecvError::Empty));
        assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
        assert_eq!(tx.try_send_iter(&mut (0..9)).unwrap(), 4);
        assert!(matches!(tx.try_send_iter(&mut (4..9)), Err(TrySendError::Full(()))));
        assert!(matches!(tx.try_send(4), Err(TrySendError::Full(4))));
        assert_eq!((rx.try_drain(0, |_| ()), rx.try_drain(3, |_| ()), rx.try_recv()), (Ok(0), Ok(3), Ok(3)));
        let (sent, received) = channel.stats();
        assert_eq!((sent.items, sent.batches, sent.refused), (4, 1, 2));
        assert_eq!((received.items, received.batches, received.refused), (4, 2, 2));
    }
    check::<Single, Single>();
    check::<Multi, Single>();
    check::<Single, Multi>();
    check::<Multi, Multi>();
}

over_every_channel! {
    rm05_no_item_is_taken_that_is_not_sent
    rm05_what_is_sent_at_once_is_sent_or_left
    rm05_batches_of_all_sizes_arrive
    rm05_batches_wait
}
