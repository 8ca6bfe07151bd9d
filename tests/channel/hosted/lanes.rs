//! Lanes: the room of a lane is for one sender in particular.

use std::thread;

use annulet::ring::lanes::Order;

use crate::hosted::common::{Probe, Watchdog};
use crate::hosted::kinds::{Chan, FairLanes, Laned, N, StrictLanes, fill};

/// Each lane is full and each of its senders sleeps. Whichever lane the receiver makes room in, that sender wakes: a signal
/// that went to another one, who finds its own lane full still, would strand it.
fn room_reaches_its_sender<O: Order + Default + Send + 'static>(probe: &Probe, channel: &Laned<O>) {
    let mut rx = channel.rx().unwrap();
    let senders: Vec<_> = (0..4).map(|_| channel.tx().unwrap()).collect();
    thread::scope(|scope| {
        let done: Vec<_> = senders
            .into_iter()
            .enumerate()
            .map(|(number, mut tx)| {
                fill(&mut tx);
                scope.spawn(move || {
                    tx.send(100 + number as u32).unwrap();
                    // It stays, so that nobody is woken because it goes.
                    tx
                })
            })
            .collect();
        probe.until_asleep(4);
        for left in (0..4).rev() {
            // Until one of them has its room: by as few signals as there can be.
            let finished = || done.iter().filter(|done| done.is_finished()).count();
            while finished() + left < 4 {
                if rx.try_recv().is_err() {
                    thread::yield_now();
                }
                thread::sleep(std::time::Duration::from_millis(1));
            }
        }
        drop(done);
    });
}

#[test]
fn rm07_the_room_of_a_lane_wakes_its_own_sender() {
    let _watchdog = Watchdog::new();
    let probe = Probe::new();
    room_reaches_its_sender(&probe, &FairLanes::with(&probe));
    let probe = Probe::new();
    room_reaches_its_sender(&probe, &StrictLanes::with(&probe));
}

/// One item is taken, from the lane whose sender began to sleep last: exactly that one goes on.
#[test]
fn rm07_the_room_of_the_last_lane_wakes_the_last_sender() {
    let _watchdog = Watchdog::new();
    let probe = Probe::new();
    let channel = StrictLanes::with(&probe);
    let mut rx = channel.rx().unwrap();
    // Strict order takes from the first lane that has something. The others are full, and wait first.
    let mut first = channel.tx().unwrap();
    let others: Vec<_> = (0..3).map(|_| channel.tx().unwrap()).collect();
    thread::scope(|scope| {
        let others: Vec<_> = others
            .into_iter()
            .map(|mut tx| {
                fill(&mut tx);
                scope.spawn(move || tx.send(9).unwrap())
            })
            .collect();
        probe.until_asleep(3);
        fill(&mut first);
        let last = scope.spawn(move || first.send(9).unwrap());
        probe.until_asleep(4);
        assert_eq!(rx.recv(), Ok(0));
        last.join().unwrap();
        assert!(others.iter().all(|other| !other.is_finished()), "nobody else has room");
        assert_eq!(rx.drain(64, |_| ()), Ok(4 + 3 * N), "what is there, and no more");
    });
}
