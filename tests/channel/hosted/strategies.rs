//! The same results, however one waits.

use std::thread;
use std::time::Duration;

use annulet::channel::{RecvError, SendError};
use annulet::wait::Strategy;

use crate::hosted::common::Probe;
use crate::hosted::kinds::{Chan, N, Rx, SpscChannel, Tx, fill, receives_all};

const NAP: Duration = Duration::from_micros(50);

fn strategies() -> Vec<Strategy> {
    let mut all = vec![
        Strategy::spin(),
        Strategy::spin().after(3, 1),
        Strategy::yielding(),
        Strategy::sleep(NAP),
        Strategy::sleep(Duration::ZERO),
        Strategy::block(),
        Strategy::timed(NAP),
        Strategy::timed(Duration::ZERO),
        Strategy::timed(Duration::MAX),
    ];
    for spins in [0, 1, 300] {
        for yields in [0, 1, 20] {
            all.push(Strategy::phased(spins, yields));
        }
    }
    all
}

/// Whatever both sides do between their looks, everything arrives in order, then `Closed`.
fn rm06_every_strategy_gives_the_same<C: Chan>() {
    for strategy in strategies() {
        let channel = C::with(&Probe::new());
        let (mut tx, mut rx) = channel.ends();
        tx.set_strategy(strategy);
        rx.set_strategy(strategy);
        assert_eq!(rx.recv_timeout(NAP), Err(RecvError::Timeout), "{strategy:?}");
        if !C::OVERWRITES {
            fill(&mut tx);
            assert!(matches!(tx.send_timeout(9, NAP), Err(SendError::Timeout(9))), "{strategy:?}");
            assert_eq!(rx.drain(N, &mut |_| ()), Ok(N));
        }
        thread::scope(|scope| {
            scope.spawn(move || {
                for item in 0..60 {
                    tx.send(item).unwrap();
                    if item % 16 == 0 {
                        thread::sleep(NAP);
                    }
                }
            });
            receives_all::<C>(&mut rx, 60);
        });
    }
}

over_every_channel! { rm06_every_strategy_gives_the_same }

/// Each pair of phases, on either side, with its boundaries at nothing, one and many, against each other one: and the wait
/// that comes after them does sleep.
#[test]
fn h16_phases_of_all_lengths_meet() {
    let phases: Vec<Strategy> = [0, 1, 300]
        .iter()
        .flat_map(|&spins| [0, 1, 20].map(|yields| Strategy::phased(spins, yields)))
        .collect();
    for &ours in &phases {
        for &theirs in &phases {
            let probe = Probe::new();
            let channel = SpscChannel::with(&probe);
            let (mut tx, mut rx) = channel.ends();
            tx.set_strategy(ours);
            rx.set_strategy(theirs);
            thread::scope(|scope| {
                let receiving = scope.spawn(move || (0..20).map(|_| rx.recv().unwrap()).collect::<Vec<_>>());
                probe.until_asleep(1);
                for item in 0..20 {
                    tx.send(item).unwrap();
                }
                assert!(receiving.join().unwrap().into_iter().eq(0..20), "{ours:?} and {theirs:?}");
            });
            assert!(probe.waits() > 0);
        }
    }
}
