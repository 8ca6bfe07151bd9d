//! Channels: sending, receiving, waiting and closing, over every ring, lanes and both broadcasts.
#![cfg(all(target_os = "linux", feature = "std", not(loom), not(miri), not(annulet_narrow)))]

use std::thread;
use std::time::{Duration, Instant};

use annulet::channel::{RecvError, SendError, TryRecvError, TrySendError};
use annulet::host::Futex;
use annulet::wait::Strategy;
use annulet::{Channel, Mpmc, Spsc};

#[test]
fn smoke_ping_pong() {
    let mut there = Channel::<Spsc<u32, 4>, Futex>::over(Spsc::new(), Futex::new());
    let mut back = Channel::<Spsc<u32, 4>, Futex>::over(Spsc::new(), Futex::new());
    let (mut tx, mut rx) = there.split();
    let (mut btx, mut brx) = back.split();
    tx.set_strategy(Strategy::block());
    rx.set_strategy(Strategy::block());
    brx.set_strategy(Strategy::block());
    thread::scope(|scope| {
        scope.spawn(move || {
            while let Ok(n) = rx.recv() {
                btx.send(n + 1).unwrap();
            }
        });
        let start = Instant::now();
        let mut longest = Duration::ZERO;
        for n in 0..20_000 {
            let one = Instant::now();
            tx.send(n).unwrap();
            assert_eq!(brx.recv(), Ok(n + 1));
            longest = longest.max(one.elapsed());
        }
        println!("{:?} per round trip, longest {longest:?}", start.elapsed() / 20_000);
        drop(tx);
    });
    assert_eq!(brx.recv(), Err(RecvError::Closed));
    assert_eq!(brx.try_recv(), Err(TryRecvError::Closed));
}

#[test]
fn smoke_storm() {
    let channel = Channel::<Mpmc<u32, 4>, Futex>::over(Mpmc::new(), Futex::new());
    let (tx, rx) = channel.try_split().unwrap();
    let total: u64 = thread::scope(|scope| {
        for _ in 0..4 {
            let mut tx = tx.clone();
            scope.spawn(move || (0..50_000).for_each(|n| tx.send(n).unwrap()));
        }
        drop(tx);
        let takers: Vec<_> = (0..4)
            .map(|_| {
                let mut rx = rx.clone();
                scope.spawn(move || rx.iter().map(u64::from).sum::<u64>())
            })
            .collect();
        takers.into_iter().map(|taker| taker.join().unwrap()).sum()
    });
    assert_eq!(total, 4 * (0..50_000_u64).sum::<u64>());
    drop(rx);
    let mut tx = channel.try_sender().unwrap();
    assert!(matches!(tx.try_send(1), Err(TrySendError::Closed(1))));
    assert!(matches!(tx.send_timeout(1, Duration::from_secs(1)), Err(SendError::Closed(1))));
}
