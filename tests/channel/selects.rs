//! A thread that waits for several channels.

use std::thread;
use std::time::Duration;

use annulet::channel::{Selectable, TryRecvError, select};
use annulet::ring::lanes::Priority;
use annulet::wait::{Deadline, TimedOut, Wait};
use annulet::{Broadcast, Channel, Lanes, Mpmc, Spsc};

use crate::common::{Lot, over, rounds, waiting};

/// A platform of the thread's own, which may be another one than the channels'.
#[derive(Clone)]
struct Own(std::sync::Arc<Lot>);

impl annulet::wait::Notify for Own {
    fn notify(&self, word: &annulet::wait::Word, count: u32) -> u32 {
        self.0.notify(word, count)
    }
}
impl Wait for Own {
    fn now(&self) -> Deadline {
        self.0.now()
    }
    fn wait(&self, word: &annulet::wait::Word, seen: u32, until: Deadline) {
        self.0.wait(word, seen, until);
    }
}

fn own() -> Own {
    Own(std::sync::Arc::new(Lot::new()))
}

#[test]
fn the_lowest_that_is_ready_is_told() {
    let (numbers, texts) = (over(Spsc::<u32, 4>::new()), over(Mpmc::<&str, 4>::new()));
    let ((mut numbers_tx, mut numbers_rx), (mut texts_tx, mut texts_rx)) =
        (numbers.try_split().unwrap(), texts.try_split().unwrap());
    let wait = own();
    let mut look = |until| select(&wait, until, &mut [&mut numbers_rx, &mut texts_rx]);
    assert_eq!(look(Deadline::at(0)), Err(TimedOut));
    texts_tx.send("one").unwrap();
    assert_eq!(look(Deadline::NEVER), Ok(1));
    numbers_tx.send(2).unwrap();
    assert_eq!(look(Deadline::NEVER), Ok(0));
    // It has taken nothing, and nothing of it is left.
    assert_eq!((numbers_rx.try_recv(), texts_rx.try_recv()), (Ok(2), Ok("one")));
    assert_eq!((waiting(&numbers), waiting(&texts)), ((0, 0), (0, 0)));
    drop(texts_tx);
    let closed = select(&wait, Deadline::NEVER, &mut [&mut numbers_rx, &mut texts_rx]);
    assert_eq!((closed, texts_rx.try_recv()), (Ok(1), Err(TryRecvError::Closed)));
    assert_eq!(select(&wait, wait.now().plus(Duration::from_millis(1)), &mut []), Err(TimedOut));
}

/// Rings, lanes and broadcasts, from a thread each, until each is closed.
#[test]
fn every_kind_is_waited_for() {
    // No reader of news lags: all of it has room.
    const NEWS: usize = if cfg!(annulet_narrow) { 32 } else { 2048 };
    let count = rounds(1000).min(NEWS);
    let ring = over(Mpmc::<usize, 2>::new());
    let lanes = over(Lanes::<usize, 2, 1>::new());
    let news: Channel<Broadcast<u64, NEWS>, Lot> = over(Broadcast::new());
    let (mut ring_tx, mut ring_rx) = ring.try_split().unwrap();
    let (mut lanes_tx, mut lanes_rx) = (lanes.register().unwrap(), lanes.try_receiver(Priority).unwrap());
    let (mut news_tx, mut news_rx) = (news.try_sender().unwrap(), news.receiver_at_newest());
    thread::scope(|scope| {
        scope.spawn(move || (0..count).for_each(|item| ring_tx.send(item).unwrap()));
        scope.spawn(move || (0..count).for_each(|item| lanes_tx.send(item).unwrap()));
        scope.spawn(move || (0..count as u64).for_each(|item| news_tx.send(item).unwrap()));
        let (wait, mut received, mut open) = (own(), [0; 3], [true; 3]);
        while open.contains(&true) {
            let mut ends: [&mut dyn Selectable; 3] = [&mut ring_rx, &mut lanes_rx, &mut news_rx];
            let mut numbers: Vec<_> = (0..3).filter(|number| open[*number]).collect();
            // Each has its turn.
            let turn = received.iter().sum::<usize>() % numbers.len();
            numbers.rotate_left(turn);
            let mut waiting: Vec<&mut dyn Selectable> = Vec::new();
            let mut slots: Vec<_> = ends.iter_mut().map(Some).collect();
            for number in &numbers {
                waiting.push(&mut **slots[*number].take().unwrap());
            }
            let number = numbers[select(&wait, Deadline::NEVER, &mut waiting).unwrap()];
            let item = match number {
                0 => ring_rx.try_recv().map(drop),
                1 => lanes_rx.try_recv().map(drop),
                _ => news_rx.try_recv().map(drop),
            };
            match item {
                Ok(()) => received[number] += 1,
                Err(why) => {
                    assert_eq!(why, TryRecvError::Closed);
                    open[number] = false;
                }
            }
        }
        assert_eq!(received, [count; 3]);
    });
}

/// Two threads wait for the same two channels: each item is told to one of them at least, and none is slept over.
#[test]
fn two_threads_wait_for_the_same() {
    let (one, two) = (over(Mpmc::<usize, 4>::new()), over(Mpmc::<usize, 4>::new()));
    let count = rounds(1000);
    thread::scope(|scope| {
        let (mut one_tx, one_rx) = one.try_split().unwrap();
        let (mut two_tx, two_rx) = two.try_split().unwrap();
        let receivers: Vec<_> = (0..2)
            .map(|_| {
                let (mut one_rx, mut two_rx) = (one_rx.clone(), two_rx.clone());
                scope.spawn(move || {
                    let (wait, mut received) = (own(), 0);
                    loop {
                        select(&wait, Deadline::NEVER, &mut [&mut one_rx, &mut two_rx]).unwrap();
                        match (one_rx.try_recv(), two_rx.try_recv()) {
                            (Err(TryRecvError::Closed), Err(TryRecvError::Closed)) => return received,
                            (first, second) => {
                                received += usize::from(first.is_ok()) + usize::from(second.is_ok());
                                // What is closed is always ready.
                                thread::yield_now();
                            }
                        }
                    }
                })
            })
            .collect();
        drop((one_rx, two_rx));
        scope.spawn(move || (0..count).for_each(|item| one_tx.send(item).unwrap()));
        scope.spawn(move || (0..count).for_each(|item| two_tx.send(item).unwrap()));
        assert_eq!(receivers.into_iter().map(|receiver| receiver.join().unwrap()).sum::<usize>(), 2 * count);
    });
}
