//! What a channel counts, and what a batch takes at most: of every kind of channel, not of rings alone.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::thread;

use annulet::channel::{ChannelRef, PerSide, Receiver, RecvError, Sender, TryRecvError, TrySendError};
use annulet::ring::broadcast::{Gated, Overwrite};
use annulet::ring::lanes::Priority;
use annulet::stats::Counts;
use annulet::wait::{Deadline, Strategy};
use annulet::{Broadcast, Channel, Lanes, Mpmc, Spsc};

use crate::common::{ByHand, Lot, Task, over};

fn is_ready(future: impl Future) -> bool {
    pin!(future).poll(&mut Context::from_waker(Waker::noop())).is_ready()
}

/// Polls what nothing is there for, again and again.
fn waits(task: &Task, future: &mut (impl Future + Unpin)) {
    (0..9).for_each(|_| assert!(task.poll(future).is_pending()));
}

/// A call that has to wait is refused once, however often it looks.
#[test]
fn rm20_a_call_that_waits_is_one_refusal() {
    let channel = over(Mpmc::<u32, 2, Counts>::new());
    let (mut tx, mut rx) = channel.try_split().unwrap();
    let refused = || {
        let stats = channel.stats();
        (stats.producers.refused, stats.consumers.refused)
    };
    // A thread, which is woken for nothing.
    thread::scope(|scope| {
        let mut late = tx.clone();
        let receiver = scope.spawn(|| rx.recv());
        for _ in 0..20 {
            while channel.waiting().receivers == 0 {
                thread::yield_now();
            }
            drop(late.end());
            thread::yield_now();
        }
        late.try_send(1).unwrap();
        assert_eq!(receiver.join().unwrap(), Ok(1));
    });
    assert_eq!(refused(), (0, 1));
    // A task, which is polled for nothing.
    let task = Task::new();
    let mut recv = rx.recv_async();
    waits(&task, &mut recv);
    tx.try_send(2).unwrap();
    assert_eq!(task.poll(&mut recv), Poll::Ready(Ok(2)));
    drop(recv);
    assert_eq!(refused(), (0, 2));
    // A sender.
    (0..2).for_each(|item| tx.try_send(item).unwrap());
    let mut send = tx.send_async(3);
    waits(&task, &mut send);
    assert_eq!(rx.try_recv(), Ok(0));
    assert_eq!(task.poll(&mut send), Poll::Ready(Ok(())));
    drop(send);
    assert_eq!(refused(), (1, 2));
    assert!(tx.try_send(4).is_err() && tx.try_send(4).is_err());
    assert_eq!(refused(), (3, 2), "each try is a call");
}

/// A reader of a broadcast whose call waits is refused once, however often it looks.
#[test]
fn rm20_a_reader_that_waits_is_one_refusal() {
    let news = over(Broadcast::<u32, 4, Overwrite, Counts>::new());
    let mut rx = news.receiver_at_newest();
    let mut tx = news.try_sender().unwrap();
    let task = Task::new();
    let mut recv = rx.recv_async();
    waits(&task, &mut recv);
    tx.send(1).unwrap();
    assert!(task.poll(&mut recv).is_ready());
    drop(recv);
    assert_eq!(news.stats().readers.refused, 1);
    assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
    assert_eq!(news.stats().readers.refused, 2, "each try is a call");
}

/// The same of a gated one, and of its writer.
#[test]
fn rm20_both_ends_of_a_gated_broadcast_that_wait_are_one_refusal_each() {
    let news = over(Broadcast::<u32, 2, Gated<1>, Counts>::new());
    let mut rx = news.join_at_newest().unwrap();
    let mut tx = news.try_sender().unwrap();
    let refused = || (news.stats().writer.refused, news.stats().readers.refused);
    let task = Task::new();
    let mut recv = rx.recv_async();
    waits(&task, &mut recv);
    tx.send(1).unwrap();
    assert!(task.poll(&mut recv).is_ready());
    drop(recv);
    assert_eq!(refused(), (0, 1));

    assert_eq!(tx.try_send_iter(&mut [2, 3].into_iter()).unwrap(), 2);
    let mut send = tx.send_async(4);
    waits(&task, &mut send);
    assert_eq!(rx.try_recv(), Ok(2));
    assert!(task.poll(&mut send).is_ready());
    drop(send);
    assert_eq!(refused(), (1, 1));
    // A batch of nothing asks for nothing, and one of something is a call.
    assert_eq!(tx.try_send_iter(&mut [].into_iter()).unwrap(), 0);
    assert_eq!(refused(), (1, 1));
    assert!(matches!(tx.try_send_iter(&mut [5].into_iter()), Err(TrySendError::Full(()))));
    assert_eq!(refused(), (2, 1));
}

/// A batch is one lap at most, or a receiver that keeps up would keep the sender for ever.
#[test]
fn h16_a_batch_ends_although_its_items_are_received_meanwhile() {
    fn sends_a_lap<C, X>(mut tx: Sender<C>, mut rx: Receiver<X>)
    where
        C: ChannelRef<Item = u32>,
        X: ChannelRef<Item = u32>,
    {
        let mut asked = 0;
        let mut items = std::iter::repeat_with(|| {
            let _ = rx.try_recv();
            asked += 1;
            assert!(asked < 100, "it would not end");
            asked
        });
        assert_eq!(tx.try_send_iter(&mut items), Ok(4));
    }
    let ring = over(Spsc::<u32, 4>::new());
    sends_a_lap(ring.try_sender().unwrap(), ring.try_receiver().unwrap());
    let news = over(Broadcast::<u32, 4, Overwrite>::new());
    let rx = news.receiver_at_newest();
    sends_a_lap(news.try_sender().unwrap(), rx);
    let news = over(Broadcast::<u32, 4, Gated<1>>::new());
    let rx = news.join_at_newest().unwrap();
    sends_a_lap(news.try_sender().unwrap(), rx);
}

/// The sender of a broadcast is ready when it can send.
#[test]
fn rm10_a_sender_of_a_broadcast_is_ready_when_there_is_room() {
    let news = over(Broadcast::<u32, 2, Overwrite>::new());
    let _rx = news.receiver_at_newest();
    let mut tx = news.try_sender().unwrap();
    for item in 0..5 {
        assert!(is_ready(tx.ready()), "it overwrites");
        tx.send(item).unwrap();
    }
    let news = over(Broadcast::<u32, 2, Gated<1>>::new());
    let mut rx = news.join_at_newest().unwrap();
    let mut tx = news.try_sender().unwrap();
    for item in 0..2 {
        assert!(is_ready(tx.ready()));
        tx.send(item).unwrap();
    }
    assert!(!is_ready(tx.ready()));
    assert_eq!(rx.try_recv(), Ok(0));
    assert!(is_ready(tx.ready()));
}

/// A task that finds no slot is counted on its side.
#[test]
fn d19_tasks_without_a_slot_are_counted_on_their_side() {
    let channel = Channel::<Mpmc<u32, 1>, Lot, 0>::over(Mpmc::new(), Lot::new());
    let (mut tx, mut rx) = channel.try_split().unwrap();
    let task = Task::new();
    assert_eq!(channel.crowded(), PerSide::default());
    (0..3).for_each(|_| assert!(task.poll(&mut rx.recv_async()).is_pending()));
    let PerSide { senders, receivers } = channel.crowded();
    assert!(receivers >= 3);
    assert_eq!(senders, 0);
    tx.try_send(1).unwrap();
    (0..3).for_each(|_| assert!(task.poll(&mut tx.send_async(2)).is_pending()));
    assert_eq!(channel.crowded().receivers, receivers);
    assert!(channel.crowded().senders >= 3);
}

/// Lanes whose ends were forgotten are given back, and what is in them stays.
#[test]
fn rm20_lanes_whose_ends_were_forgotten_are_made_anew() {
    let mut lanes = over(Lanes::<u32, 4, 1>::new());
    let mut tx = lanes.register().unwrap();
    tx.try_send(7).unwrap();
    core::mem::forget((tx, lanes.try_receiver(Priority).unwrap()));
    assert!(lanes.register().is_err() && lanes.try_receiver(Priority).is_none());
    lanes.close();
    lanes.reopen();
    assert!(!lanes.is_closed());
    let mut rx = lanes.try_receiver(Priority).unwrap();
    assert_eq!(rx.try_recv(), Ok(7));
    drop(lanes.register().unwrap());
}

/// What is lost is said with its number.
#[test]
fn rm20_lost_items_are_named() {
    let news = over(Broadcast::<u32, 2, Overwrite>::new());
    let mut rx = news.receiver_at_newest();
    let mut tx = news.try_sender().unwrap();
    (0..5).for_each(|item| tx.send(item).unwrap());
    let lost = rx.try_recv().unwrap_err();
    assert_eq!(lost, TryRecvError::Lagged(3));
    assert_eq!(lost.to_string(), "3 items were overwritten before they were read");
}

/// A channel says how much is in it, whatever it is made of.
#[test]
fn rv16_a_channel_says_what_is_in_it() {
    let ring = over(Spsc::<u32, 4>::new());
    let (mut tx, mut rx) = (ring.try_sender().unwrap(), ring.try_receiver().unwrap());
    let said = || (ring.len(), ring.is_empty(), ring.is_full(), ring.capacity());
    assert_eq!(said(), (0, true, false, 4));
    for count in 1..4 {
        tx.try_send(7).unwrap();
        assert_eq!(said(), (count, false, false, 4));
    }
    tx.try_send(7).unwrap();
    assert_eq!(said(), (4, false, true, 4));
    assert_eq!(rx.try_drain(3, |_| ()), Ok(3));
    assert_eq!(said(), (1, false, false, 4));

    let lanes = over(Lanes::<u32, 4, 2>::new());
    let mut ends = [lanes.register().unwrap(), lanes.register().unwrap()];
    assert_eq!((lanes.len(), lanes.is_empty()), (0, true));
    for count in 1..=5 {
        ends[count % 2].try_send(7).unwrap();
        assert_eq!((lanes.len(), lanes.is_empty()), (count, false));
    }

    let news = over(Broadcast::<u32, 4, Overwrite>::new());
    let mut tx = news.try_sender().unwrap();
    assert_eq!((news.len(), news.is_empty()), (0, true));
    for count in 1..=5 {
        tx.send(7).unwrap();
        assert_eq!((news.len(), news.is_empty()), (count.min(4), false), "what can still be read");
    }
}

/// Who says nothing waits as the platform says, and who says something as it has said.
#[test]
fn rm06_a_channel_waits_as_its_platform_or_its_user_says() {
    for (patience, said) in [(Strategy::yielding(), None), (Strategy::block(), Some(Strategy::yielding()))] {
        // Threads here give their turn away, and never sleep.
        let platform = ByHand { patience, turn: Box::new(|platform| platform.pass(1)), ..ByHand::default() };
        let channel = Channel::<Mpmc<u32, 1>, ByHand<'_>>::over(Mpmc::new(), platform);
        let (mut tx, mut rx) = channel.try_split().unwrap();
        if let Some(said) = said {
            tx.set_strategy(said);
            rx.set_strategy(said);
        }
        assert_eq!(rx.recv_deadline(Deadline::at(5)), Err(RecvError::Timeout));
        tx.try_send(1).unwrap();
        assert!(tx.send_deadline(2, Deadline::at(9)).is_err());
        let (mut tx, mut rx) = (tx.clone(), rx.clone());
        assert!(tx.send_deadline(2, Deadline::at(15)).is_err());
        assert_eq!(rx.try_recv(), Ok(1));
        assert_eq!(rx.recv_deadline(Deadline::at(19)), Err(RecvError::Timeout));
    }
}
