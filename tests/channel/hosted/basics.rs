//! Sending and receiving, and what is refused.

use std::thread;
use std::time::{Duration, Instant};

use annulet::channel::{RecvError, SendError, TryRecvError, TrySendError};
use annulet::host::Futex;
use annulet::wait::{Deadline, Strategy};
use annulet::{Channel, Mpmc, Spsc};

use crate::hosted::common::{Probe, SOON, Watchdog};
use crate::hosted::kinds::{Chan, N, Rx, SpscChannel, Tx, fill};

/// Each try says why nothing came of it, and gives the value back.
fn rm05_each_try_says_why<C: Chan>() {
    let channel = C::with(&Probe::new());
    let (mut tx, mut rx) = channel.ends();
    assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
    assert_eq!(rx.try_drain(9, &mut |_| panic!("nothing is there")), Err(TryRecvError::Empty));
    tx.try_send(1).unwrap();
    assert_eq!(rx.try_recv(), Ok(1));
    if !C::OVERWRITES {
        assert_eq!(fill(&mut tx), N as u32);
        assert!(matches!(tx.try_send(77), Err(TrySendError::Full(77))));
        assert!(matches!(tx.send_timeout(78, Duration::from_millis(1)), Err(SendError::Timeout(78))));
        assert!(matches!(tx.send_deadline(79, Deadline::at(0)), Err(SendError::Timeout(79))));
        assert_eq!((0..N).map(|_| rx.try_recv().unwrap()).collect::<Vec<_>>(), [0, 1, 2, 3]);
    }
    assert!(!tx.is_closed() && !rx.is_closed());
    drop(rx);
    assert!(tx.is_closed());
    assert!(matches!(tx.try_send(80), Err(TrySendError::Closed(80))));
    assert!(matches!(tx.send(81), Err(SendError::Closed(81))));
    assert!(matches!(tx.send_timeout(82, Duration::MAX), Err(SendError::Closed(82))));
    assert!(matches!(tx.send_deadline(83, Deadline::at(0)), Err(SendError::Closed(83))));
    assert!(matches!(tx.send_iter(&mut (0..2)), Err(SendError::Closed(()))));
}

/// With nobody waiting, neither side makes a system call, nor begins to sleep.
fn nx13_who_waits_for_nobody_wakes_nobody<C: Chan>() {
    let probe = Probe::new();
    let channel = C::with(&probe);
    let (mut tx, mut rx) = channel.ends();
    for round in 0..100 {
        tx.send(round).unwrap();
        tx.send_iter(&mut (0..2)).unwrap();
        assert_eq!(rx.recv(), Ok(round));
        assert_eq!(rx.drain(2, &mut |_| ()), Ok(2));
    }
    assert_eq!((probe.notifies(), probe.waits()), (0, 0));
    // The control: with somebody waiting, it does.
    thread::scope(|scope| {
        let waiting = scope.spawn(move || rx.recv());
        probe.until_asleep(1);
        tx.send(7).unwrap();
        assert_eq!(waiting.join().unwrap(), Ok(7));
    });
    assert!(probe.notifies() > 0 && probe.waits() > 0);
}

/// A deadline of zero, one in the past, one that never comes, and a time that no clock reaches.
fn h13_deadlines_of_all_sizes<C: Chan>() {
    let probe = Probe::new();
    let channel = C::with(&probe);
    let (mut tx, mut rx) = channel.ends();
    for past in [Deadline::at(0), Deadline::at(1), Deadline::now()] {
        assert_eq!(rx.recv_deadline(past), Err(RecvError::Timeout));
    }
    assert_eq!(rx.recv_timeout(Duration::ZERO), Err(RecvError::Timeout));
    assert_eq!(rx.drain_timeout(3, Duration::ZERO, &mut |_| ()), Err(RecvError::Timeout));
    // What is there is received, whatever the deadline.
    tx.send_timeout(1, Duration::ZERO).unwrap();
    assert_eq!(rx.recv_deadline(Deadline::at(0)), Ok(1));
    tx.send_deadline(2, Deadline::at(0)).unwrap();
    assert_eq!(rx.recv_timeout(Duration::ZERO), Ok(2));
    thread::scope(|scope| {
        let waiting = scope.spawn(move || {
            let got = [rx.recv_timeout(Duration::MAX), rx.recv_deadline(Deadline::NEVER)];
            (got, rx.recv_timeout(Duration::from_secs(u64::MAX)), rx)
        });
        for item in 3..=5 {
            probe.until_asleep(1);
            tx.send(item).unwrap();
            thread::sleep(Duration::from_millis(2));
        }
        let (got, last, mut rx) = waiting.join().unwrap();
        assert_eq!((got, last), ([Ok(3), Ok(4)], Ok(5)));
        if !C::OVERWRITES {
            fill(&mut tx);
            let waiting = scope.spawn(move || tx.send_timeout(6, Duration::MAX));
            probe.until_asleep(1);
            assert_eq!(rx.recv(), Ok(0));
            waiting.join().unwrap().unwrap();
        }
    });
}

/// Everything that was sent is received before `Closed` is, however the sender went.
fn nx12_everything_is_received_before_closed<C: Chan>() {
    for explicitly in [false, true] {
        let channel = C::with(&Probe::new());
        let (mut tx, mut rx) = channel.ends();
        for item in 0..N as u32 {
            tx.send(item).unwrap();
        }
        let kept = explicitly.then(|| tx.close()).is_some().then_some(tx);
        assert!(rx.is_closed());
        let mut got = vec![rx.recv().unwrap(), rx.try_recv().unwrap(), rx.recv_timeout(SOON).unwrap()];
        assert_eq!(rx.drain(9, &mut |item| got.push(item)), Ok(1));
        assert_eq!(got, [0, 1, 2, 3]);
        for _ in 0..2 {
            assert_eq!(rx.recv(), Err(RecvError::Closed));
            assert_eq!(rx.try_recv(), Err(TryRecvError::Closed));
            assert_eq!(rx.recv_timeout(Duration::ZERO), Err(RecvError::Closed));
            assert_eq!(rx.drain(1, &mut |_| ()), Err(RecvError::Closed));
            assert_eq!(rx.try_drain(1, &mut |_| ()), Err(TryRecvError::Closed));
        }
        drop(kept);
    }
}

/// The same while the receiver is waiting, many times over: the last item and the last sender go at once.
fn nx12_no_item_is_lost_when_the_sender_goes<C: Chan>() {
    if !C::LASTING {
        return;
    }
    let channel = C::with(&Probe::new());
    let mut rx = channel.rx().unwrap();
    thread::scope(|scope| {
        for round in 0..300_u32 {
            let mut tx = channel.tx().unwrap();
            assert_eq!(rx.senders(), 1);
            let sending = scope.spawn(move || tx.send(round).unwrap());
            assert_eq!(rx.recv(), Ok(round));
            assert_eq!(rx.recv(), Err(RecvError::Closed));
            sending.join().unwrap();
        }
    });
}

/// How many there are of the other party is counted, and a party that was gone can come again.
fn rm05_ends_that_are_gone_come_again<C: Chan>() {
    let channel = C::with(&Probe::new());
    let (mut tx, mut rx) = channel.ends();
    assert_eq!((tx.receivers(), rx.senders()), (1, 1));
    if let Some(second) = channel.tx_beside(&tx) {
        assert_eq!(rx.senders(), 2);
        drop(second);
        assert!(!rx.is_closed(), "there is one left");
    }
    if let Some(second) = channel.rx_beside(&rx) {
        assert_eq!(tx.receivers(), 2);
        drop(second);
        assert!(!tx.is_closed(), "there is one left");
    }
    tx.send(1).unwrap();
    if !C::LASTING {
        return;
    }
    drop(tx);
    assert!(rx.is_closed());
    assert_eq!(rx.senders(), 0);
    assert_eq!(rx.recv(), Ok(1));
    assert_eq!(rx.recv(), Err(RecvError::Closed));
    tx = channel.tx().unwrap();
    assert!(!rx.is_closed());
    assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
    tx.send(2).unwrap();
    assert_eq!(rx.recv(), Ok(2));
    drop(rx);
    assert!(tx.is_closed());
    rx = channel.rx().unwrap();
    assert!(!tx.is_closed());
    // A new reader of a broadcast that overwrites sees what is still there.
    while rx.try_recv().is_ok() {}
    tx.send(3).unwrap();
    assert_eq!(rx.recv(), Ok(3));
    // What was closed stays closed, whoever comes.
    tx.close();
    drop((tx, rx));
    let (mut tx, mut rx) = channel.ends();
    assert!(matches!(tx.try_send(4), Err(TrySendError::Closed(4))));
    while rx.try_recv().is_ok() {}
    assert_eq!(rx.recv(), Err(RecvError::Closed));
}

over_every_channel! {
    rm05_each_try_says_why
    nx13_who_waits_for_nobody_wakes_nobody
    h13_deadlines_of_all_sizes
    nx12_everything_is_received_before_closed
    nx12_no_item_is_lost_when_the_sender_goes
    rm05_ends_that_are_gone_come_again
}

#[test]
fn rm05_a_closed_channel_can_be_opened_again() {
    let mut channel = SpscChannel::with(&Probe::new());
    let (mut tx, rx) = channel.ends();
    tx.send(1).unwrap();
    rx.close();
    drop((tx, rx));
    channel.reopen();
    let (mut tx, mut rx) = channel.ends();
    tx.send(2).unwrap();
    assert_eq!([rx.recv(), rx.recv()], [Ok(1), Ok(2)], "what was in it stays");
    rx.close();
    drop((tx, rx));
    let (mut tx, mut rx) = channel.split();
    tx.send(3).unwrap();
    assert_eq!(rx.recv(), Ok(3), "split opens it, too");
}

/// What is done through the ends themselves is told to all who wait.
#[test]
fn rm05_a_borrowed_end_tells_what_it_did() {
    let _watchdog = Watchdog::new();
    let probe = Probe::new();
    let channel = Channel::<Mpmc<u32, 4>, Probe>::over(Mpmc::new(), probe.clone());
    let (mut tx, mut rx) = channel.try_split().unwrap();
    thread::scope(|scope| {
        let waiting = [rx.clone(), rx.clone()].map(|mut rx| scope.spawn(move || rx.recv().unwrap()));
        probe.until_asleep(2);
        assert_eq!(tx.end().push_iter([5, 6]), 2);
        let mut got = waiting.map(|waiting| waiting.join().unwrap());
        got.sort_unstable();
        assert_eq!(got, [5, 6]);
        fill(&mut tx);
        let waiting = [tx.clone(), tx.clone()].map(|mut tx| scope.spawn(move || tx.send(9).unwrap()));
        probe.until_asleep(2);
        assert_eq!(rx.end().skip(4), 4);
        waiting.into_iter().for_each(|waiting| waiting.join().unwrap());
        assert_eq!(rx.drain(4, |item| assert_eq!(item, 9)), Ok(2));
    });
}

/// An iterator of items ends with the channel.
#[test]
fn nx12_iter_ends_when_all_is_received() {
    let (mut tx, mut rx) = Channel::<Spsc<u32, 4>, Futex>::new_split(Futex::new());
    let begun = Instant::now();
    let sender = thread::spawn(move || (0..1000).for_each(|item| tx.send(item).unwrap()));
    rx.set_strategy(Strategy::block());
    assert!(rx.iter().eq(0..1000));
    sender.join().unwrap();
    assert!(begun.elapsed() < SOON);
}
