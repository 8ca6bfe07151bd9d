//! Broadcasts: each receiver gets each item, so each wakes for it.

use std::thread;
use std::time::Duration;

use annulet::channel::{RecvError, TryRecvError, broadcast};
use annulet::ring::broadcast::{Gated, Overwrite};
use annulet::stats::{BroadcastStats, Counts};
use annulet::{Broadcast, Channel};

use crate::hosted::common::{Probe, Watchdog};
use crate::hosted::kinds::{Chan, GatedChannel, N, OverwriteChannel, Rx, Tx, fill};

fn all_wake<C: Chan>() {
    let probe = Probe::new();
    let channel = C::with(&probe);
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
    let channel = OverwriteChannel::with(&probe);
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

/// One who has waited in vain has made no room, and wakes nobody who waits for some.
#[test]
fn rm07_a_time_out_of_one_reader_wakes_no_writer() {
    let _watchdog = Watchdog::new();
    let probe = Probe::new();
    let channel = GatedChannel::with(&probe);
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

/// Items and refusals, and no other ones.
fn items_and_refusals(stats: BroadcastStats) -> [usize; 4] {
    let (sent, received) = (stats.writer, stats.readers);
    assert_eq!((sent.pending, sent.contended, received.pending, received.contended), (0, 0, 0, 0));
    [sent.items, sent.refused, received.items, received.refused]
}

/// Sends and receives in every form that does not wait, and some that need not.
fn in_every_form(tx: &mut impl Tx, rx: &mut impl Rx) {
    assert_eq!(rx.try_drain(9, &mut |_| ()), Err(TryRecvError::Empty));
    assert_eq!(tx.send_iter(&mut (0..9)), Ok(N));
    assert!(tx.try_send(9).is_err());
    assert_eq!(rx.try_recv(), Ok(0));
    assert_eq!(tx.send_iter(&mut (0..0)), Ok(0));
    assert_eq!(tx.send_iter(&mut (0..9)), Ok(1));
    assert_eq!(rx.try_drain(2, &mut |_| ()), Ok(2));
    assert_eq!(rx.drain(9, &mut |_| ()), Ok(2));
    assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
    tx.send(7).unwrap();
    assert_eq!(rx.recv(), Ok(7));
}

/// The broadcast in a channel counts: each time that a receiver finds nothing. What a batch has moved was not refused.
#[test]
fn rm20_a_broadcast_in_a_channel_counts() {
    let _watchdog = Watchdog::new();
    type Slowest = Broadcast<u32, N, Gated<2>, Counts>;
    let slowest = Channel::<Slowest, Probe>::over(Broadcast::new(), Probe::new());
    let (mut tx, mut rx) = (slowest.try_sender().unwrap(), slowest.join_at_newest().unwrap());
    in_every_form(&mut tx, &mut rx);
    assert_eq!(items_and_refusals(slowest.stats()), [N + 2, 1, N + 2, 2]);

    type Newest = Broadcast<u32, N, Overwrite, Counts>;
    let newest = Channel::<Newest, Probe>::over(Broadcast::new(), Probe::new());
    let (mut tx, mut rx) = (newest.try_sender().unwrap(), newest.receiver_at_newest());
    // A lap at a time; the second one overwrites a part of the first.
    assert_eq!((tx.send_iter(&mut (0..9)), tx.send_iter(&mut (4..7))), (Ok(N), Ok(3)));
    assert_eq!(rx.try_recv(), Err(TryRecvError::Lagged(3)));
    assert_eq!(rx.try_drain(9, &mut |_| ()), Ok(N));
    assert_eq!(items_and_refusals(newest.stats()), [N + 3, 0, N, 0]);
    let (received, lagged) = (newest.stats().readers, newest.lagged());
    assert_eq!((received.batches, lagged.items, lagged.batches), (1, 3, 1));
}

/// A broadcast that is made on the heap is made there, however large it is.
#[test]
fn a_large_broadcast_is_never_on_the_stack() {
    type Item = [u32; 1024];
    let check = || {
        let (mut tx, mut rx) = broadcast::<Item, 4096>(); // 16 MiB
        tx.send([7; 1024]).unwrap();
        assert_eq!(rx.recv().map(|item| item[1023]), Ok(7));
    };
    std::thread::Builder::new().stack_size(1 << 20).spawn(check).unwrap().join().unwrap();
}
