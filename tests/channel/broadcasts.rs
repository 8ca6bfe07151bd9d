//! Broadcasts: each receiver gets each item, so each wakes for it.

use std::thread;
use std::time::Duration;

use annulet::channel::{RecvError, TryRecvError};

use crate::common::{Probe, Watchdog};
use crate::kinds::{Chan, GatedChannel, N, OverwriteChannel, Rx, Tx, fill};

fn all_wake<C: Chan>() {
    let probe = Probe::new();
    let channel = C::new(&probe);
    let readers: Vec<_> = (0..4).map(|_| channel.rx().unwrap()).collect();
    let mut tx = channel.tx().unwrap();
    assert_eq!(tx.receivers(), 4);
    thread::scope(|scope| {
        let readers: Vec<_> = readers
            .into_iter()
            .map(|mut rx| scope.spawn(move || (rx.recv(), rx.recv(), rx.recv())))
            .collect();
        for item in [7, 8] {
            probe.until_asleep(4);
            tx.send(item).unwrap();
            thread::sleep(Duration::from_millis(5));
        }
        probe.until_asleep(4);
        drop(tx);
        for reader in readers {
            assert_eq!(reader.join().unwrap(), (Ok(7), Ok(8), Err(RecvError::Closed)));
        }
    });
}

#[test]
fn rm07_every_reader_wakes_for_every_item() {
    let _watchdog = Watchdog::new();
    all_wake::<GatedChannel>();
    all_wake::<OverwriteChannel>();
}

/// What was overwritten is said once, by each form, and what follows is the oldest that is there.
#[test]
fn rm05_a_receiver_that_lags_is_told_and_goes_on() {
    let probe = Probe::new();
    let channel = OverwriteChannel::new(&probe);
    let (mut tx, mut rx) = channel.ends();
    let mut next = 0;
    let mut overtake = |lost: u32| {
        for _ in 0..N as u32 + lost {
            tx.send(next).unwrap();
            next += 1;
        }
        next - N as u32
    };
    let oldest = overtake(3);
    assert_eq!(rx.recv(), Err(RecvError::Lagged(3)));
    assert!((oldest..oldest + N as u32).all(|item| rx.recv() == Ok(item)));
    let oldest = overtake(1);
    assert_eq!(rx.try_recv(), Err(TryRecvError::Lagged(1)));
    assert!((oldest..oldest + N as u32).all(|item| rx.try_recv() == Ok(item)));
    let oldest = overtake(2);
    assert_eq!(rx.drain(9, &mut |_| panic!("it lags")), Err(RecvError::Lagged(2)));
    let mut got = Vec::new();
    assert_eq!(rx.drain(9, &mut |item| got.push(item)), Ok(N));
    assert_eq!(got, (oldest..oldest + N as u32).collect::<Vec<_>>());
    let oldest = overtake(5);
    assert_eq!(rx.iter().next(), Some(oldest), "an iterator passes over what is lost");
    assert_eq!(rx.try_drain(9, |_| ()), Ok(N - 1));
    assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
}

/// The writer waits for the slowest reader. When that one goes, and others stay, there is nothing left to wait for.
#[test]
fn rm07_a_writer_wakes_when_the_slowest_reader_goes() {
    let _watchdog = Watchdog::new();
    let probe = Probe::new();
    let channel = GatedChannel::new(&probe);
    let (mut tx, slow) = channel.ends();
    let mut fast = channel.rx().unwrap();
    fill(&mut tx);
    assert_eq!(fast.drain(9, &mut |_| ()), Ok(N));
    thread::scope(|scope| {
        let sending = scope.spawn(move || tx.send(77));
        probe.until_asleep(1);
        drop(slow);
        sending.join().unwrap().unwrap();
        assert_eq!(fast.recv(), Ok(77));
    });
}

/// One who has waited in vain has made no room, and wakes nobody who waits for some.
#[test]
fn rm07_a_time_out_of_one_reader_wakes_no_writer() {
    let _watchdog = Watchdog::new();
    let probe = Probe::new();
    let channel = GatedChannel::new(&probe);
    let (mut tx, mut slow) = channel.ends();
    let mut fast = channel.rx().unwrap();
    fill(&mut tx);
    assert_eq!(fast.drain(9, &mut |_| ()), Ok(N));
    thread::scope(|scope| {
        let sending = scope.spawn(move || tx.send(77));
        probe.until_asleep(1);
        let before = probe.notifies();
        for _ in 0..20 {
            assert_eq!(fast.recv_timeout(Duration::from_millis(1)), Err(RecvError::Timeout));
        }
        assert_eq!(fast.try_drain(9, |_| ()), Err(TryRecvError::Empty));
        let nothing = fast.drain_timeout(9, Duration::from_millis(1), |_| ());
        assert_eq!(nothing, Err(RecvError::Timeout));
        assert_eq!(probe.notifies(), before);
        assert_eq!(slow.drain(9, &mut |_| ()), Ok(N));
        sending.join().unwrap().unwrap();
        assert_eq!(fast.recv(), Ok(77));
    });
}
