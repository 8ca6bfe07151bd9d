//! What is done through a borrowed end lets others go on, so it is signalled: claims that are given up, in part or in whole,
//! by a drop, a panic or a forgotten grant; slots that are skipped, released or drained.

use std::mem::forget;
use std::task::Poll;
use std::thread;
use std::time::Duration;

use annulet::channel::TryRecvError;
use annulet::error::PopError;
use annulet::ring::{Multi, Ring, Side, Sides, Single};
use annulet::{Mpmc, Mpsc, Spsc};

use crate::common::{Many, ManyTx, OneRx, Task, block_on, many, over, panics, silently};

/// Long enough for every machine, and yet an end.
const LONG: Duration = Duration::from_secs(60);

/// The receiver sleeps, all slots are claimed and given up, and then one is sent.
fn given_up_and_sent<P: Side, C: Side>() {
    let channel = over(Ring::<u32, 4, Sides<P, C>>::new());
    let (mut tx, mut rx) = channel.try_split().unwrap();
    thread::scope(|scope| {
        let receiver = scope.spawn(move || rx.recv_timeout(LONG));
        while channel.waiting().receivers == 0 {
            thread::yield_now();
        }
        drop(tx.end().try_claim(4).unwrap());
        assert_eq!(tx.send_timeout(7, LONG), Ok(()));
        assert_eq!(receiver.join().unwrap(), Ok(7));
    });
}

#[test]
fn d06_a_claim_of_all_that_is_given_up_wakes_the_receiver() {
    given_up_and_sent::<Multi, Single>();
    given_up_and_sent::<Multi, Multi>();
}

/// The same of tasks.
#[test]
fn d06_a_claim_of_all_that_is_given_up_wakes_a_task() {
    let channel = over(Mpsc::<u32, 4>::new());
    let (mut tx, mut rx) = channel.try_split().unwrap();
    thread::scope(|scope| {
        let receiver = scope.spawn(move || block_on(rx.recv_async()));
        while channel.waiting().receivers == 0 {
            thread::yield_now();
        }
        (0..4).for_each(|_| drop(tx.end().try_claim(1).unwrap()));
        assert_eq!(block_on(tx.send_async(7)), Ok(()));
        assert_eq!(receiver.join().unwrap(), Ok(7));
    });
}

/// A slot in front of an item is given up in each way there is. The receiver, which was put aside for that slot, hears of it.
#[test]
fn d06_a_slot_that_is_given_up_in_front_of_an_item_is_news() {
    type Way = fn(&mut ManyTx<'_, u32, 4>, &mut dyn FnMut());
    /// A batch whose slot is claimed, and whose item does not come.
    fn nothing(between: &mut dyn FnMut(), panics: bool) -> impl Iterator<Item = u32> {
        std::iter::from_fn(move || {
            between();
            assert!(!panics, "no item after all");
            None
        })
    }
    let ways: [(&str, Way); 9] = [
        ("dropped", |tx, between| {
            let mut end = tx.end();
            let grant = end.try_claim(1).unwrap();
            between();
            drop(grant);
        }),
        ("committed in part", |tx, between| {
            let mut end = tx.end();
            let mut grant = end.try_claim(1).unwrap();
            grant.push(1).unwrap();
            between();
            assert_eq!(grant.commit(0), 0);
        }),
        ("filled by a closure that panics", |tx, between| {
            let mut end = tx.end();
            let mut grant = end.try_claim(1).unwrap();
            between();
            assert!(panics(move || grant.fill_with(|_| panic!("no item"))));
        }),
        ("forgotten", |tx, between| {
            let mut end = tx.end();
            forget(end.try_claim(1).unwrap());
            between();
        }),
        ("of a batch that waits", |tx, between| {
            assert_eq!(tx.send_iter(&mut nothing(between, false)), Ok(0));
        }),
        ("of a batch that waits, and panics", |tx, between| {
            assert!(panics(|| tx.send_iter(&mut nothing(between, true))));
        }),
        ("of a batch that tries", |tx, between| {
            assert_eq!(tx.try_send_iter(&mut nothing(between, false)), Ok(0));
        }),
        ("of a batch that tries, and panics", |tx, between| {
            assert!(panics(|| tx.try_send_iter(&mut nothing(between, true))));
        }),
        ("forgotten with the guard, which its sender makes up for when it next waits", |tx, between| {
            silently(tx.end(), |end| forget(end.try_claim(1).unwrap()));
            between();
            let task = Task::new();
            assert!(task.poll(&mut tx.ready()).is_ready());
        }),
    ];
    for (way, gives_up) in ways {
        let channel: Many<u32, 4> = many();
        let (mut tx, mut rx) = channel.try_split().unwrap();
        let mut other = tx.clone();
        let mut recv = rx.recv_async();
        let task = Task::waiting(&mut recv);
        gives_up(&mut tx, &mut || {
            other.try_send(7).unwrap();
            assert_eq!(task.wakes(), 1);
            assert!(task.poll(&mut recv).is_pending(), "it is behind the slot that was claimed");
        });
        assert_eq!(task.wakes(), 1, "{way}");
        assert_eq!(task.poll(&mut recv), Poll::Ready(Ok(7)), "{way}");
    }
}

/// A sender that is dropped gives up what it forgot, and says so, whether or not it is the last one.
#[test]
fn d06_a_sender_that_goes_gives_up_what_it_forgot() {
    let channel: Many<u32, 4> = many();
    let (mut tx, mut rx) = channel.try_split().unwrap();
    let mut other = tx.clone();
    let task = Task::new();
    let mut recv = rx.recv_async();
    silently(tx.end(), |end| forget(end.try_claim(2).unwrap()));
    other.try_send(7).unwrap();
    assert!(task.poll(&mut recv).is_pending());
    drop(tx);
    assert_eq!(task.wakes(), 1);
    assert_eq!(task.poll(&mut recv), Poll::Ready(Ok(7)));
}

/// A producer that forgot a grant gives its slots up before it claims others.
#[test]
fn e10_a_forgotten_grant_is_given_up_by_the_next_one() {
    let mut ring = Mpmc::<u32, 4>::new();
    let (mut tx, mut rx) = ring.split();
    forget(tx.try_claim(2).unwrap());
    assert_eq!(tx.try_push(7), Ok(()), "the slots stay claimed until then");
    assert_eq!(rx.try_pop(), Err(PopError::Pending));
    drop(tx.try_claim(1).unwrap());
    assert_eq!((rx.try_pop(), rx.try_pop()), (Ok(7), Err(PopError::Empty)));
    forget(tx.try_claim(4).unwrap());
    assert_eq!(tx.push_iter([1, 2, 3]), 0, "all are given up, and no consumer has come to them yet");
    assert_eq!(rx.try_pop(), Err(PopError::Empty));
    assert_eq!(tx.push_iter([1, 2, 3]), 3);
}

/// A sender waits for room, which is made through the receiver's end in each way there is.
#[test]
fn d06_room_that_is_made_through_the_end_is_news() {
    type Way = fn(&mut OneRx<'_, u32, 2>);
    let ways: [(&str, Way); 7] = [
        ("skipped", |rx| assert_eq!(rx.end().skip(1), 1)),
        ("popped", |rx| assert_eq!(rx.end().try_pop(), Ok(0))),
        ("released", |rx| assert_eq!(rx.end().try_read_grant(2).unwrap().release(1), 1)),
        ("consumed", |rx| assert_eq!(rx.end().consume(1, |_| ()), 1)),
        ("shown to a closure that panics at the second", |rx| {
            assert!(panics(|| rx.end().consume(2, |item| assert_eq!(*item, 0, "no more"))));
        }),
        ("drained", |rx| assert_eq!(rx.end().drain(1, |item| assert_eq!(item, 0)), 1)),
        ("iterated", |rx| assert_eq!(rx.end().try_iter().next(), Some(0))),
    ];
    for (way, makes_room) in ways {
        let channel = over(Spsc::<u32, 2>::new());
        let (mut tx, mut rx) = channel.try_split().unwrap();
        (0..2).for_each(|item| tx.try_send(item).unwrap());
        let mut send = tx.send_async(9);
        let task = Task::waiting(&mut send);
        makes_room(&mut rx);
        assert_eq!(task.wakes(), 1, "{way}");
        assert_eq!(task.poll(&mut send), Poll::Ready(Ok(())), "{way}");
    }
}

/// Room was made without a word, and then some with one: the sender that is woken tells the next one of what it leaves.
#[test]
fn d06_room_that_a_sender_leaves_is_news_for_the_next_one() {
    let channel: Many<u32, 4> = many();
    let (mut tx, mut rx) = channel.try_split().unwrap();
    let mut other = tx.clone();
    assert_eq!(tx.try_send_iter(&mut (0..4)), Ok(4));
    let tasks = [Task::new(), Task::new()];
    let mut sends = [tx.send_async(4), other.send_async(5)];
    for (task, send) in tasks.iter().zip(&mut sends) {
        assert!(task.poll(send).is_pending());
    }
    silently(rx.end(), |end| assert_eq!(end.skip(1), 1));
    assert_eq!(rx.try_recv(), Ok(1));
    let woken = usize::from(tasks[0].wakes() == 0);
    assert_eq!(tasks[1 - woken].wakes(), 0, "one item was taken out");
    assert_eq!(tasks[woken].poll(&mut sends[woken]), Poll::Ready(Ok(())));
    assert_eq!(tasks[1 - woken].wakes(), 1);
    assert_eq!(tasks[1 - woken].poll(&mut sends[1 - woken]), Poll::Ready(Ok(())));
}

/// A receiver whose guard was forgotten makes up for it when it waits, or goes.
#[test]
fn d06_a_forgotten_guard_of_a_receiver_is_made_up_for() {
    for waits in [true, false] {
        let channel: Many<u32, 2> = many();
        let (mut tx, mut rx) = channel.try_split().unwrap();
        let other = rx.clone();
        (0..2).for_each(|item| tx.try_send(item).unwrap());
        let mut send = tx.send_async(9);
        let task = Task::waiting(&mut send);
        silently(rx.end(), |end| assert_eq!(end.skip(2), 2));
        assert_eq!(task.wakes(), 0);
        if waits {
            assert!(Task::new().poll(&mut rx.recv_async()).is_pending());
        } else {
            drop(rx);
        }
        assert_eq!(task.wakes(), 1);
        assert_eq!(task.poll(&mut send), Poll::Ready(Ok(())));
        drop(other);
    }
}

/// Room is made when a drain ends: until then the ring is as full as it was, to the closure too.
#[test]
fn rm05_a_drain_makes_room_when_it_ends() {
    let channel = over(Mpmc::<u32, 2>::new());
    let (mut tx, mut rx) = channel.try_split().unwrap();
    (0..2).for_each(|item| tx.try_send(item).unwrap());
    let mut refused = 0;
    let drained = rx.try_drain(2, |_| refused += usize::from(tx.try_send(7).is_err()));
    assert_eq!((drained, refused), (Ok(2), 2));
    assert_eq!(tx.try_send(7), Ok(()));
}

/// A guard of a sender that was forgotten is made up for by each call that waits, and by the next guard.
#[test]
fn d06_a_forgotten_guard_of_a_sender_is_made_up_for() {
    type Way = fn(&mut ManyTx<'_, u32, 2>);
    let ways: [(&str, Way); 4] = [
        ("send", |tx| assert!(tx.send_timeout(9, Duration::ZERO).is_err())),
        ("send_iter", |tx| assert!(tx.send_iter_timeout(&mut [9].into_iter(), Duration::ZERO).is_err())),
        ("send_async", |tx| assert!(Task::new().poll(&mut tx.send_async(9)).is_pending())),
        // However long it is borrowed for: here, for good.
        ("end", |tx| forget(tx.end())),
    ];
    for (way, waits) in ways {
        let channel: Many<u32, 2> = many();
        let (mut tx, mut rx) = channel.try_split().unwrap();
        let mut recv = rx.recv_async();
        let task = Task::waiting(&mut recv);
        assert_eq!(silently(tx.end(), |end| end.push_iter([1, 2])), 2);
        assert_eq!(task.wakes(), 0);
        waits(&mut tx);
        assert_eq!(task.wakes(), 1, "{way}");
        assert_eq!(task.poll(&mut recv), Poll::Ready(Ok(1)), "{way}");
    }
}

/// A batch that does not fit is news of what did.
#[test]
fn d06_the_part_of_a_batch_that_was_sent_is_news() {
    let channel = many::<u32, 4, 2>();
    let (mut tx, mut rx) = channel.try_split().unwrap();
    let mut recv = rx.recv_async();
    let task = Task::waiting(&mut recv);
    assert_eq!(tx.try_send_iter(&mut (0..6)).unwrap(), 4);
    assert_eq!(task.wakes(), 1);
    assert_eq!(task.poll(&mut recv), Poll::Ready(Ok(0)));
}

/// A receiver that only tries, and finds nothing but slots that were given up, has made room.
#[test]
fn d06_slots_that_a_try_went_past_are_room() {
    let channel = over(Mpsc::<u32, 4>::new());
    let (mut tx, mut rx) = channel.try_split().unwrap();
    let mut waits = tx.clone();
    let task = Task::new();
    let mut end = tx.end();
    let grant = end.try_claim(4).unwrap();
    let mut send = waits.send_async(7);
    assert!(task.poll(&mut send).is_pending());
    drop(grant);
    drop(end);
    // The grant's end has signalled; what follows is the receiver's.
    task.wakes();
    assert!(task.poll(&mut send).is_pending());
    assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
    assert!(task.wakes() > 0);
    assert!(task.poll(&mut send).is_ready());
    assert_eq!(rx.try_recv(), Ok(7));
}
