//! Whoever is blocked wakes up when there is nothing left to wait for.

use std::thread;
use std::time::Duration;

use annulet::channel::{RecvError, SendError, TrySendError};
use annulet::{Channel, Mpmc, Spsc};

use crate::hosted::common::{Probe, Watchdog, late};
use crate::hosted::kinds::{Chan, Rx, Tx, fill};

/// How a channel ends for its receivers, or for its senders.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    CloseBySender,
    CloseByReceiver,
    Drop,
}
const WAYS: [Way; 3] = [Way::CloseBySender, Way::CloseByReceiver, Way::Drop];

/// Every receiver that sleeps: two where there may be two.
fn rm05_blocked_receivers_wake<C: Chan>() {
    for way in WAYS {
        let probe = Probe::new();
        let channel = C::with(&probe);
        let (tx, mut rx) = channel.ends();
        let second = channel.rx_beside(&rx);
        let third = second.as_ref().and_then(|rx| channel.rx_beside(rx));
        if way == Way::CloseByReceiver && third.is_none() {
            continue;
        }
        thread::scope(|scope| {
            let mut blocked = vec![scope.spawn(move || rx.recv())];
            blocked.extend(second.map(|mut rx| scope.spawn(move || rx.recv())));
            probe.until_asleep(blocked.len());
            match (way, third) {
                (Way::CloseBySender, _) => tx.close(),
                (Way::CloseByReceiver, rx) => rx.unwrap().close(),
                (Way::Drop, _) => drop(tx),
            }
            for blocked in blocked {
                assert_eq!(blocked.join().unwrap(), Err(RecvError::Closed), "{way:?}");
            }
        });
    }
}

/// Every sender that sleeps, and each gets its value back.
fn rm05_blocked_senders_wake<C: Chan>() {
    if C::OVERWRITES {
        return;
    }
    for way in WAYS {
        let probe = Probe::new();
        let channel = C::with(&probe);
        let (mut tx, rx) = channel.ends();
        let mut second = channel.tx_beside(&tx);
        let third = second.as_ref().and_then(|tx| channel.tx_beside(tx));
        if way == Way::CloseBySender && third.is_none() {
            continue;
        }
        fill(&mut tx);
        if let Some(tx) = &mut second {
            fill(tx);
        }
        thread::scope(|scope| {
            let mut blocked = vec![scope.spawn(move || tx.send(41))];
            blocked.extend(second.map(|mut tx| scope.spawn(move || tx.send(41))));
            probe.until_asleep(blocked.len());
            match (way, third) {
                (Way::CloseByReceiver, _) => rx.close(),
                (Way::CloseBySender, tx) => tx.unwrap().close(),
                (Way::Drop, _) => drop(rx),
            }
            for blocked in blocked {
                assert!(matches!(blocked.join().unwrap(), Err(SendError::Closed(41))), "{way:?}");
            }
        });
    }
}

/// Two who wait, and things for both in one go: each wakes.
fn rm07_two_who_wait_are_both_served<C: Chan>() {
    let probe = Probe::new();
    let channel = C::with(&probe);
    let (mut tx, mut rx) = channel.ends();
    let Some(mut second) = channel.rx_beside(&rx) else { return };
    thread::scope(|scope| {
        let blocked = [scope.spawn(move || rx.recv()), scope.spawn(move || second.recv())];
        probe.until_asleep(2);
        assert_eq!(tx.send_iter(&mut (5..7)).unwrap(), 2);
        let mut got = blocked.map(|blocked| blocked.join().unwrap().unwrap());
        got.sort_unstable();
        assert_eq!(got, if C::FOR_ALL { [5, 5] } else { [5, 6] });
    });
}

/// Room for several, made at once.
fn rm07_two_who_wait_for_room_both_get_it<C: Chan>() {
    if C::OVERWRITES {
        return;
    }
    let probe = Probe::new();
    let channel = C::with(&probe);
    let (mut tx, mut rx) = channel.ends();
    let Some(mut second) = channel.tx_beside(&tx) else { return };
    let there = fill(&mut tx) + fill(&mut second);
    thread::scope(|scope| {
        let blocked = [scope.spawn(move || tx.send(41)), scope.spawn(move || second.send(42))];
        probe.until_asleep(2);
        let mut got = 0;
        while got < there as usize {
            got += rx.drain(there as usize - got, &mut |item| assert!(item < 4)).unwrap();
        }
        for blocked in blocked {
            blocked.join().unwrap().unwrap();
        }
        let mut got = [rx.recv().unwrap(), rx.recv().unwrap()];
        got.sort_unstable();
        assert_eq!(got, [41, 42]);
    });
}

/// It is closed while an item is on its way, for which several receivers wait. One of them gets it, and that there are no more
/// is told to the others; also where there was none after all.
#[test]
fn rm05_blocked_receivers_wake_after_a_send_that_a_close_overtook() {
    let _watchdog = Watchdog::new();
    for there_is_one in [true, false] {
        let probe = Probe::new();
        let (mut tx, mut rx) = Channel::<Mpmc<u32, 4>, Probe>::new_split(probe.clone());
        let (closes, receivers) = (tx.clone(), [rx.clone(), rx.clone(), rx.clone()]);
        let (mut late, begun, go) = late(there_is_one.then_some(7));
        thread::scope(|scope| {
            let sending = scope.spawn(move || {
                assert_eq!(tx.send_iter(&mut late).unwrap(), usize::from(there_is_one));
                tx
            });
            begun.recv().unwrap();
            let blocked = receivers.map(|mut rx| scope.spawn(move || rx.recv()));
            probe.until_asleep(3);
            closes.close();
            thread::sleep(Duration::from_millis(20));
            probe.until_asleep(3);
            go.send(()).unwrap();
            // It stays.
            let _tx = sending.join().unwrap();
            let mut got = blocked.map(|blocked| blocked.join().unwrap());
            got.sort_unstable_by_key(|got| got.is_err());
            let first = if there_is_one { Ok(7) } else { Err(RecvError::Closed) };
            assert_eq!(got, [first, Err(RecvError::Closed), Err(RecvError::Closed)]);
            assert_eq!(rx.recv(), Err(RecvError::Closed));
        });
    }
}

/// Whoever supervises two ends ends both waits; neither end is asked for it.
#[test]
fn rm05_a_channel_is_closed_by_who_has_neither_end() {
    let _watchdog = Watchdog::new();
    for full in [false, true] {
        let probe = Probe::new();
        let channel = Channel::<Spsc<u32, 2>, Probe>::over(Spsc::new(), probe.clone());
        let (mut tx, mut rx) = channel.try_split().unwrap();
        assert!(!channel.is_closed());
        thread::scope(|scope| {
            if full {
                (0..2).for_each(|item| tx.try_send(item).unwrap());
                let blocked = scope.spawn(move || tx.send(41));
                probe.until_asleep(1);
                channel.close();
                assert!(matches!(blocked.join().unwrap(), Err(SendError::Closed(41))));
                assert_eq!(rx.iter().collect::<Vec<_>>(), [0, 1]);
            } else {
                let blocked = scope.spawn(move || rx.recv());
                probe.until_asleep(1);
                channel.close();
                assert_eq!(blocked.join().unwrap(), Err(RecvError::Closed));
                assert!(matches!(tx.try_send(5), Err(TrySendError::Closed(5))));
            }
        });
        assert!(channel.is_closed());
    }
}

over_every_channel! {
    rm05_blocked_receivers_wake
    rm05_blocked_senders_wake
    rm07_two_who_wait_are_both_served
    rm07_two_who_wait_for_room_both_get_it
}
