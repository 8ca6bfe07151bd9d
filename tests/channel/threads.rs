//! Threads that block and threads that poll, on the same channels.

use std::thread;

use annulet::Spsc;

use crate::common::{Many, block_on, many, over, rounds, waiting};

#[test]
fn nx10_thread_and_task_play_ping_pong() {
    let mut there = over(Spsc::<usize, 2>::new());
    let mut back = over(Spsc::<usize, 2>::new());
    let (mut tx, mut rx) = there.split();
    let (mut btx, mut brx) = back.split();
    thread::scope(|scope| {
        scope.spawn(move || {
            block_on(async {
                while let Ok(number) = rx.recv_async().await {
                    btx.send_async(number + 1).await.unwrap();
                }
            });
        });
        for number in 0..rounds(20_000) {
            tx.send(number).unwrap();
            assert_eq!(brx.recv(), Ok(number + 1));
        }
        drop(tx);
    });
    drop(brx);
    assert_eq!((waiting(&there), waiting(&back)), ((0, 0), (0, 0)));
}

fn stress<const TASKS: usize>() {
    let channel: Many<usize, 2, TASKS> = many();
    let (tx, rx) = channel.try_split().unwrap();
    let each = rounds(20_000);
    let total: usize = thread::scope(|scope| {
        let takers: Vec<_> = (0..2)
            .map(|number| {
                let mut rx = rx.clone();
                scope.spawn(move || {
                    if number == 0 {
                        return rx.iter().sum::<usize>();
                    }
                    block_on(async {
                        let mut sum = 0;
                        while let Ok(item) = rx.recv_async().await {
                            sum += item;
                        }
                        sum
                    })
                })
            })
            .collect();
        for number in 0..2 {
            let mut tx = tx.clone();
            scope.spawn(move || {
                for item in 0..each {
                    if number == 0 {
                        tx.send(item).unwrap();
                    } else {
                        block_on(tx.send_async(item)).unwrap();
                    }
                }
            });
        }
        drop(tx);
        takers.into_iter().map(|taker| taker.join().unwrap()).sum()
    });
    assert_eq!(total, each * (each - 1));
    assert_eq!(waiting(&channel), (0, 0));
}

#[test]
fn d06_stress_of_threads_and_tasks() {
    stress::<0>();
    stress::<1>();
    stress::<8>();
}

/// A channel on the heap is made there, however large its ring is.
// The 32 cells that positions of eight bits leave room for are no more than what moves one item, unoptimised.
#[cfg(not(annulet_narrow))]
#[test]
fn a_large_channel_is_never_on_the_stack() {
    const LARGE: usize = 1024;
    const SIZE: usize = 16 * 1024;
    type Item = [u8; SIZE];
    type Ring = annulet::Channel<annulet::Mpmc<Item, LARGE>, crate::common::Lot>;
    // An eighth of the ring: enough for the items that go through it, unoptimised.
    let little = thread::Builder::new().stack_size(LARGE * SIZE / 8);
    let check = || {
        let (mut tx, mut rx) = Ring::new_split(crate::common::Lot::new());
        tx.try_send([7; SIZE]).unwrap();
        assert_eq!(rx.try_recv().map(|item| item[0]), Ok(7));
        assert_eq!((tx.receivers(), rx.senders(), rx.end().capacity()), (1, 1, LARGE));
    };
    little.spawn(check).unwrap().join().unwrap();
}
