//! Each future, dropped after each number of polls, before and after it was woken: no item is lost or doubled, and a
//! wake-up that it got goes to the next one.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use annulet::Spsc;
use annulet::channel::{SendError, TryRecvError};

use crate::common::{Many, ManyRx, ManyTx, Task, many, over, waiting};

/// How often it is polled before it is dropped, up to this.
const POLLS: usize = 4;

/// Each number of polls, and whether it is woken after them.
fn cases() -> impl Iterator<Item = (usize, bool)> {
    (0..POLLS).flat_map(|polls| [(polls, false), (polls, true)])
}

type Item = Arc<&'static str>;
type Tx<'c> = ManyTx<'c, Item, 2>;
type Rx<'c> = ManyRx<'c, Item, 2>;
type Boxed<'f> = Pin<Box<dyn Future<Output = ()> + 'f>>;
type Receiving = for<'r> fn(&'r mut Rx<'_>) -> Boxed<'r>;
type Sending = for<'s> fn(&'s mut Tx<'_>, Item) -> Boxed<'s>;

fn recv<'r>(rx: &'r mut Rx<'_>) -> Boxed<'r> {
    Box::pin(async { drop(rx.recv_async().await) })
}

fn recv_ready<'r>(rx: &'r mut Rx<'_>) -> Boxed<'r> {
    Box::pin(async { rx.ready().await })
}

#[cfg(feature = "futures-v0.3")]
fn next<'r>(rx: &'r mut Rx<'_>) -> Boxed<'r> {
    use futures_core::Stream;
    Box::pin(async {
        let mut stream = rx.stream();
        drop(std::future::poll_fn(|context| Pin::new(&mut stream).poll_next(context)).await);
    })
}

fn send<'s>(tx: &'s mut Tx<'_>, item: Item) -> Boxed<'s> {
    Box::pin(async { drop(tx.send_async(item).await) })
}

fn send_ready<'s>(tx: &'s mut Tx<'_>, item: Item) -> Boxed<'s> {
    Box::pin(async {
        tx.ready().await;
        drop(item);
    })
}

/// As a sink of its own: it keeps the item from the beginning, as after another sender has taken the room.
#[cfg(feature = "futures-v0.3")]
fn sink_send<'s>(tx: &'s mut Tx<'_>, item: Item) -> Boxed<'s> {
    use futures_sink::Sink;
    Box::pin(async {
        let mut sink = tx.clone().into_sink();
        Pin::new(&mut sink).start_send(item).unwrap();
        std::future::poll_fn(|context| Pin::new(&mut sink).poll_flush(context)).await.unwrap();
    })
}

/// As a sink of its own that waits for room before it takes the item.
#[cfg(feature = "futures-v0.3")]
fn sink_ready<'s>(tx: &'s mut Tx<'_>, item: Item) -> Boxed<'s> {
    use futures_sink::Sink;
    Box::pin(async {
        let mut sink = tx.clone().into_sink();
        std::future::poll_fn(|context| Pin::new(&mut sink).poll_ready(context)).await.unwrap();
        Pin::new(&mut sink).start_send(item).unwrap();
    })
}

fn receive_and_drop(make: Receiving, polls: usize, woken: bool) {
    let item = Item::new("item");
    let channel: Many<Item, 2> = many();
    let (mut tx, mut rx) = channel.try_split().unwrap();
    let mut other = rx.clone();
    let (gone, stays) = (Task::new(), Task::new());

    let mut future = make(&mut rx);
    for _ in 0..polls {
        assert!(gone.poll(&mut future).is_pending());
    }
    let mut next = other.recv_async();
    assert!(stays.poll(&mut next).is_pending());
    assert_eq!(waiting(&channel), (1 + usize::from(polls > 0), 0));
    if woken {
        tx.try_send(Arc::clone(&item)).unwrap();
        // The first one to wait is the first to be woken by the first signal.
        assert_eq!((gone.wakes() > 0, stays.wakes() > 0), (polls > 0, polls == 0));
    }
    drop(future);
    assert_eq!(gone.wakers(), 0);
    if woken {
        assert_eq!(stays.wakes() > 0, polls > 0, "the wake-up is passed on");
    } else {
        assert_eq!(stays.wakes(), 0);
        tx.try_send(Arc::clone(&item)).unwrap();
        assert_eq!((gone.wakes(), stays.wakes()), (0, 1), "who is gone is not woken");
    }
    assert_eq!(stays.poll(&mut next), Poll::Ready(Ok(Arc::clone(&item))));
    drop(next);
    assert_eq!(waiting(&channel), (0, 0));
    assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
    assert_eq!(Arc::strong_count(&item), 1);
}

fn send_and_drop(make: Sending, polls: usize, woken: bool) {
    let [full, lost, kept] = ["full", "lost", "kept"].map(Item::new);
    let channel: Many<Item, 2> = many();
    let (mut tx, mut rx) = channel.try_split().unwrap();
    let mut other = tx.clone();
    for _ in 0..2 {
        tx.try_send(Arc::clone(&full)).unwrap();
    }
    let (gone, stays) = (Task::new(), Task::new());

    let mut future = make(&mut tx, Arc::clone(&lost));
    for _ in 0..polls {
        assert!(gone.poll(&mut future).is_pending());
    }
    let mut next = other.send_async(Arc::clone(&kept));
    assert!(stays.poll(&mut next).is_pending());
    assert_eq!(waiting(&channel), (0, 1 + usize::from(polls > 0)));
    if woken {
        assert_eq!(rx.try_recv().as_ref(), Ok(&full));
        assert_eq!((gone.wakes() > 0, stays.wakes() > 0), (polls > 0, polls == 0));
    }
    drop(future);
    assert_eq!((gone.wakers(), Arc::strong_count(&lost)), (0, 1), "it is dropped with the future");
    if woken {
        assert_eq!(stays.wakes() > 0, polls > 0, "the wake-up is passed on");
    } else {
        assert_eq!(stays.wakes(), 0);
        assert_eq!(rx.try_recv().as_ref(), Ok(&full));
        assert_eq!((gone.wakes(), stays.wakes()), (0, 1), "who is gone is not woken");
    }
    assert!(matches!(stays.poll(&mut next), Poll::Ready(Ok(()))));
    drop(next);
    assert_eq!(waiting(&channel), (0, 0));
    assert_eq!(rx.try_recv(), Ok(full));
    assert_eq!(rx.try_recv().as_ref(), Ok(&kept));
    assert_eq!(rx.try_recv(), Err(TryRecvError::Empty), "what was cancelled was not sent");
    assert_eq!(Arc::strong_count(&kept), 1);
}

#[test]
fn d19_dropped_receives_lose_nothing() {
    let all: &[Receiving] = &[
        recv,
        recv_ready,
        #[cfg(feature = "futures-v0.3")]
        next,
    ];
    for make in all {
        cases().for_each(|(polls, woken)| receive_and_drop(*make, polls, woken));
    }
}

#[test]
fn d19_dropped_sends_lose_nothing() {
    let all: &[Sending] = &[
        send,
        send_ready,
        #[cfg(feature = "futures-v0.3")]
        sink_send,
        #[cfg(feature = "futures-v0.3")]
        sink_ready,
    ];
    for make in all {
        cases().for_each(|(polls, woken)| send_and_drop(*make, polls, woken));
    }
}

#[test]
fn d19_a_send_gives_its_item_back() {
    for polls in 0..POLLS {
        let channel: Many<Item, 2> = many();
        let (mut tx, mut rx) = channel.try_split().unwrap();
        while tx.try_send(Item::new("full")).is_ok() {}
        let mut other = tx.clone();
        let (gone, stays) = (Task::new(), Task::new());
        let item = Item::new("back");
        let mut future = tx.send_async(Arc::clone(&item));
        for _ in 0..polls {
            assert!(gone.poll(&mut future).is_pending());
        }
        let mut next = other.send_async(Item::new("next"));
        assert!(stays.poll(&mut next).is_pending());
        drop(rx.try_recv());
        assert_eq!(gone.wakes() + stays.wakes(), 1);
        let back = future.into_inner().unwrap();
        assert!(Arc::ptr_eq(&back, &item));
        assert!(matches!(stays.poll(&mut next), Poll::Ready(Ok(()))));
        assert!(next.into_inner().is_none(), "it was sent");
        assert_eq!(waiting(&channel), (0, 0));
        assert_eq!(Arc::strong_count(&item), 2);
    }
}

/// The room for which a sole sender waits stays there if it gives up, before or after the room was granted.
#[test]
fn rm05_dropped_reservations_take_no_room() {
    for (polls, woken) in cases() {
        let channel = over(Spsc::<u32, 2>::new());
        let (mut tx, mut rx) = channel.try_split().unwrap();
        tx.try_send(0).unwrap();
        tx.try_send(1).unwrap();
        let task = Task::new();
        let mut reserve = tx.reserve();
        for _ in 0..polls {
            assert!(task.poll(&mut reserve).is_pending());
        }
        if woken {
            assert_eq!(rx.try_recv(), Ok(0));
            assert_eq!(task.wakes(), usize::from(polls > 0));
        }
        drop(reserve);
        assert_eq!((waiting(&channel), task.wakers()), ((0, 0), 0));
        if !woken {
            assert_eq!(rx.try_recv(), Ok(0));
        }
        let mut reserve = tx.reserve();
        let Poll::Ready(Some(permit)) = task.poll(&mut reserve) else { panic!("there is room") };
        assert!(matches!(task.poll(&mut reserve), Poll::Ready(None)), "it gives one place");
        drop(reserve);
        drop(permit);
        assert_eq!(rx.try_recv(), Ok(1));
        assert_eq!(rx.try_recv(), Err(TryRecvError::Empty), "a dropped permit sends nothing");
        let mut receive = rx.recv_async();
        assert!(task.poll(&mut receive).is_pending());
        let mut reserve = tx.reserve();
        let Poll::Ready(Some(permit)) = Task::new().poll(&mut reserve) else { panic!("there is room") };
        permit.send(2).unwrap();
        assert_eq!((task.wakes(), task.poll(&mut receive)), (1, Poll::Ready(Ok(2))));
        drop((reserve, receive));
        drop(rx);
        assert!(matches!(Task::new().poll(&mut tx.reserve()), Poll::Ready(None)));
        assert_eq!(tx.send(3), Err(SendError::Closed(3)));
    }
}

/// Whoever was told that something is there may never take it: whoever waits for it has to be told, too.
#[test]
fn h15_readiness_that_is_not_used_is_passed_on() {
    let channel: Many<u32, 2> = many();
    let (mut tx, mut rx) = channel.try_split().unwrap();
    let (mut other_tx, mut other_rx) = (tx.clone(), rx.clone());

    let (mut look, mut take) = (rx.ready(), other_rx.recv_async());
    let (ready, waits) = (Task::waiting(&mut look), Task::waiting(&mut take));
    tx.try_send(7).unwrap();
    assert_eq!((ready.wakes(), waits.wakes()), (1, 0), "one item, one of them: the one that came first");
    assert!(ready.poll(&mut look).is_ready());
    assert_eq!(waits.wakes(), 1, "the item is still there");
    assert_eq!(waits.poll(&mut take), Poll::Ready(Ok(7)));
    drop((look, take));

    tx.try_send(0).unwrap();
    tx.try_send(1).unwrap();
    let (mut look, mut put) = (tx.ready(), other_tx.send_async(2));
    let (ready, waits) = (Task::waiting(&mut look), Task::waiting(&mut put));
    assert_eq!(rx.try_recv(), Ok(0));
    assert_eq!((ready.wakes(), waits.wakes()), (1, 0), "one slot, one of them");
    assert!(ready.poll(&mut look).is_ready());
    assert_eq!(waits.wakes(), 1, "the room is still there");
    assert_eq!(waits.poll(&mut put), Poll::Ready(Ok(())));
    drop((look, put));
    assert_eq!(waiting(&channel), (0, 0));
}
