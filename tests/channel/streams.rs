//! Receivers as streams and senders as sinks.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use annulet::channel::{RecvError, RecvStream, TrySendError};
use annulet::ring::broadcast::Overwrite;
use annulet::{Broadcast, Spsc};
use futures_core::stream::{FusedStream, Stream};
use futures_sink::Sink;

use crate::common::{Many, Task, block_on, many, over, rounds, silently, waiting};

fn next<S: Stream + Unpin>(stream: &mut S, task: &Task) -> Poll<Option<S::Item>> {
    task.with(|context| Pin::new(stream).poll_next(context))
}

fn ready<T, S: Sink<T> + Unpin>(sink: &mut S, task: &Task) -> Poll<Result<(), S::Error>> {
    task.with(|context| Pin::new(sink).poll_ready(context))
}

fn flush<T, S: Sink<T> + Unpin>(sink: &mut S, task: &Task) -> Poll<Result<(), S::Error>> {
    task.with(|context| Pin::new(sink).poll_flush(context))
}

fn close<T, S: Sink<T> + Unpin>(sink: &mut S, task: &Task) -> Poll<Result<(), S::Error>> {
    task.with(|context| Pin::new(sink).poll_close(context))
}

fn start<T, S: Sink<T> + Unpin>(sink: &mut S, item: T) -> Result<(), S::Error> {
    Pin::new(sink).start_send(item)
}

#[test]
fn nx12_a_stream_ends_after_what_was_sent() {
    let channel: Many<u32, 4> = many();
    let (mut tx, rx) = channel.try_split().unwrap();
    let task = Task::new();
    let mut stream = rx.into_stream();
    assert!(next(&mut stream, &task).is_pending());
    assert_eq!(waiting(&channel), (1, 0));
    tx.try_send(1).unwrap();
    assert_eq!(task.wakes(), 1);
    tx.try_send(2).unwrap();
    assert_eq!(next(&mut stream, &task), Poll::Ready(Some(1)));
    drop(tx);
    assert!(!stream.is_terminated());
    assert_eq!(stream.size_hint(), (0, None));
    assert_eq!(next(&mut stream, &task), Poll::Ready(Some(2)));
    for _ in 0..2 {
        assert_eq!(next(&mut stream, &task), Poll::Ready(None));
        assert!(stream.is_terminated());
    }
    assert_eq!((stream.size_hint(), stream.missed()), ((0, Some(0)), 0));
    assert_eq!(waiting(&channel), (0, 0));
    // A stream that has ended has ended; the receiver goes on with who comes after.
    channel.try_sender().unwrap().try_send(3).unwrap();
    assert_eq!(next(&mut stream, &task), Poll::Ready(None));
    assert_eq!(stream.into_inner().try_recv(), Ok(3));
}

#[test]
fn d19_a_stream_that_goes_passes_its_wake_on() {
    for turned_back in [true, false] {
        let channel: Many<u32, 4> = many();
        let (mut tx, rx) = channel.try_split().unwrap();
        let mut other = rx.clone();
        let (gone, stays) = (Task::new(), Task::new());
        let mut stream = rx.into_stream();
        assert!(next(&mut stream, &gone).is_pending());
        let mut recv = other.recv_async();
        assert!(stays.poll(&mut recv).is_pending());
        tx.try_send(1).unwrap();
        assert_eq!((gone.wakes(), stays.wakes()), (1, 0));
        let back = Some(stream).filter(|_| turned_back).map(RecvStream::into_inner);
        assert_eq!((gone.wakers(), stays.wakes()), (0, 1));
        assert_eq!(stays.poll(&mut recv), Poll::Ready(Ok(1)));
        assert_eq!((waiting(&channel), back.is_some()), ((0, 0), turned_back));
    }
}

#[test]
fn d19_a_borrowed_stream_leaves_the_receiver() {
    let channel: Many<u32, 4> = many();
    let (mut tx, mut rx) = channel.try_split().unwrap();
    let task = Task::new();
    for number in 0..4 {
        let mut stream = rx.stream();
        assert!(next(&mut stream, &task).is_pending());
        drop(stream);
        assert_eq!((waiting(&channel), task.wakers()), ((0, 0), 0));
        tx.try_send(number).unwrap();
        assert_eq!(task.wakes(), 0);
        let mut stream = rx.stream();
        assert_eq!(next(&mut stream, &task), Poll::Ready(Some(number)));
        assert!(!stream.is_terminated());
    }
    drop(tx);
    assert_eq!(next(&mut rx.stream(), &task), Poll::Ready(None));
    assert_eq!(rx.recv(), Err(RecvError::Closed));
}

#[test]
fn rm05_a_stream_counts_what_was_overwritten() {
    let channel = over(Broadcast::<u32, 4, Overwrite>::new());
    let mut tx = channel.try_sender().unwrap();
    let task = Task::new();
    let mut stream: RecvStream<_> = channel.receiver_at_oldest().into_stream();
    let mut seen = Vec::new();
    let mut sent = 0;
    for lap in [1, 3, 9, 4, 30] {
        for _ in 0..lap {
            tx.try_send(sent).unwrap();
            sent += 1;
        }
        while let Poll::Ready(item) = next(&mut stream, &task) {
            seen.push(item.unwrap());
        }
    }
    assert!(seen.is_sorted());
    assert_eq!(seen.last(), Some(&(sent - 1)));
    assert_eq!(seen.len() as u64 + stream.missed(), u64::from(sent), "each was given or counted");
    assert!(stream.missed() > 0);
    drop(tx);
    assert_eq!(next(&mut stream, &task), Poll::Ready(None));
}

#[test]
fn rm05_a_sink_of_one_sender_keeps_nothing_back() {
    let channel = over(Spsc::<u32, 2>::new());
    let (tx, mut rx) = channel.try_split().unwrap();
    let task = Task::new();
    let mut sink = tx.into_sink();
    for number in 0..2 {
        assert!(matches!(ready(&mut sink, &task), Poll::Ready(Ok(()))));
        start(&mut sink, number).unwrap();
        assert!(matches!(flush(&mut sink, &task), Poll::Ready(Ok(()))), "it was sent by the start");
    }
    assert!(ready(&mut sink, &task).is_pending());
    assert_eq!(waiting(&channel), (0, 1));
    assert_eq!(rx.try_recv(), Ok(0));
    assert_eq!(task.wakes(), 1);
    assert!(matches!(ready(&mut sink, &task), Poll::Ready(Ok(()))));
    start(&mut sink, 2).unwrap();
    // Without being ready: one is kept, and no more.
    start(&mut sink, 3).unwrap();
    assert!(matches!(start(&mut sink, 4), Err(TrySendError::Full(4))));
    assert!(flush(&mut sink, &task).is_pending());
    let (sender, kept) = sink.into_inner();
    assert_eq!((kept, waiting(&channel), task.wakers()), (Some(3), (0, 0), 0));
    let mut sink = sender.unwrap().into_sink();
    assert_eq!((rx.try_recv(), rx.try_recv()), (Ok(1), Ok(2)));
    start(&mut sink, 5).unwrap();
    drop(sink);
    assert_eq!((rx.recv(), rx.recv()), (Ok(5), Err(RecvError::Closed)));
}

#[test]
fn rm05_a_sink_keeps_the_item_whose_room_was_taken() {
    let channel: Many<u32, 2> = many();
    let (mut tx, mut rx) = channel.try_split().unwrap();
    let task = Task::new();
    let mut sink = tx.clone().into_sink();
    tx.try_send(0).unwrap();
    assert!(matches!(ready(&mut sink, &task), Poll::Ready(Ok(()))));
    tx.try_send(1).unwrap();
    start(&mut sink, 2).unwrap();
    assert!(flush(&mut sink, &task).is_pending());
    assert_eq!((waiting(&channel), task.wakes()), ((0, 1), 0));
    assert_eq!(rx.try_recv(), Ok(0));
    assert_eq!(task.wakes(), 1);
    assert!(ready(&mut sink, &task).is_pending(), "it sends what it keeps, and there is no room for more");
    assert_eq!(rx.try_recv(), Ok(1));
    assert_eq!(task.wakes(), 1);
    assert!(matches!(flush(&mut sink, &task), Poll::Ready(Ok(()))));
    assert_eq!((rx.try_recv(), waiting(&channel)), (Ok(2), (0, 0)));
}

/// A task that was told that it is not ready, and flushes what there is meanwhile, is woken when it is.
#[test]
fn rm05_a_flush_does_not_end_the_wait_for_room() {
    let channel: Many<u32, 1> = many();
    let (tx, mut rx) = channel.try_split().unwrap();
    let task = Task::new();
    let (mut other, mut sink) = (tx.clone().into_sink(), tx.into_sink());
    start(&mut sink, 0).unwrap();
    assert!(ready(&mut sink, &task).is_pending());
    assert!(matches!(flush(&mut sink, &task), Poll::Ready(Ok(()))));
    assert_eq!((waiting(&channel), task.wakes()), ((0, 1), 0));
    assert_eq!(rx.try_recv(), Ok(0));
    assert_eq!(task.wakes(), 1);
    // If it flushes once more in place of asking, it does not keep the wake-up from others, and is told to ask.
    let another = Task::new();
    start(&mut other, 1).unwrap();
    assert!(ready(&mut other, &another).is_pending());
    assert!(matches!(flush(&mut sink, &task), Poll::Ready(Ok(()))));
    assert_eq!((task.wakes(), another.wakes()), (0, 0), "there is no room again");
    assert_eq!(rx.try_recv(), Ok(1));
    assert_eq!(task.wakes() + another.wakes(), 1);
    assert!(matches!(flush(&mut sink, &task), Poll::Ready(Ok(()))));
    assert!(matches!(flush(&mut other, &another), Poll::Ready(Ok(()))));
    assert!(task.wakes() > 0 && another.wakes() > 0);
    assert_eq!(waiting(&channel), (0, 0));
    // What it waits for may be room for an item that it keeps, which a flush finds before anybody is told.
    start(&mut sink, 2).unwrap();
    start(&mut sink, 3).unwrap();
    assert!(ready(&mut sink, &task).is_pending());
    assert_eq!(silently(rx.end(), |end| end.try_pop()), Ok(2));
    assert!(matches!(flush(&mut sink, &task), Poll::Ready(Ok(()))));
    drop(rx.end());
    assert_eq!(task.wakes(), 1, "it is asked to look again");
    assert!(ready(&mut sink, &task).is_pending());
    assert_eq!(rx.try_recv(), Ok(3));
    assert_eq!(task.wakes(), 1);
}

#[test]
fn rm05_closing_a_sink_flushes_and_lets_go() {
    let channel: Many<u32, 2> = many();
    let (mut tx, mut rx) = channel.try_split().unwrap();
    let task = Task::new();
    tx.try_send(0).unwrap();
    tx.try_send(1).unwrap();
    let mut sink = tx.into_sink();
    start(&mut sink, 2).unwrap();
    assert!(close(&mut sink, &task).is_pending());
    assert!(!rx.is_closed(), "it has something to send yet");
    assert_eq!(rx.recv(), Ok(0));
    assert_eq!(task.wakes(), 1);
    assert!(matches!(close(&mut sink, &task), Poll::Ready(Ok(()))));
    assert_eq!((rx.recv(), rx.recv(), rx.recv()), (Ok(1), Ok(2), Err(RecvError::Closed)));
    // Whatever comes after that is refused.
    assert!(matches!(close(&mut sink, &task), Poll::Ready(Ok(()))));
    assert!(matches!(ready(&mut sink, &task), Poll::Ready(Ok(()))));
    assert!(matches!(start(&mut sink, 3), Err(TrySendError::Closed(3))));
    let (sender, kept) = sink.into_inner();
    assert!(sender.is_none() && kept.is_none());
}

#[test]
fn rm05_a_sink_gives_back_what_nobody_will_receive() {
    for closing in [false, true] {
        let channel: Many<Arc<u32>, 2> = many();
        let (tx, rx) = channel.try_split().unwrap();
        let (task, item) = (Task::new(), Arc::new(7));
        let mut sink = tx.into_sink();
        for _ in 0..3 {
            start(&mut sink, Arc::clone(&item)).unwrap();
        }
        assert!(flush(&mut sink, &task).is_pending());
        drop(rx);
        assert_eq!(task.wakes(), 1);
        let flushed = if closing { close(&mut sink, &task) } else { flush(&mut sink, &task) };
        let Poll::Ready(Err(TrySendError::Closed(back))) = flushed else { panic!("nobody will receive it") };
        assert!(Arc::ptr_eq(&back, &item));
        assert!(matches!(ready(&mut sink, &task), Poll::Ready(Ok(()))), "nothing is left to refuse");
        assert!(matches!(start(&mut sink, back), Err(TrySendError::Closed(_))));
        assert_eq!(waiting(&channel), (0, 0));
        drop(sink);
        drop(channel);
        assert_eq!(Arc::strong_count(&item), 1);
    }
}

#[test]
fn d06_thread_streams_what_another_one_sinks() {
    let channel: Many<usize, 2> = many();
    let (tx, rx) = channel.try_split().unwrap();
    let each = rounds(10_000);
    let total: usize = std::thread::scope(|scope| {
        for _ in 0..2 {
            let mut sink = tx.clone().into_sink();
            scope.spawn(move || {
                for item in 0..each {
                    block_on(poll_fn(|context| Pin::new(&mut sink).poll_ready(context))).unwrap();
                    start(&mut sink, item).unwrap();
                }
                block_on(poll_fn(|context| Pin::new(&mut sink).poll_close(context))).unwrap();
            });
        }
        drop(tx);
        let takers = [rx.clone(), rx].map(|rx| {
            scope.spawn(move || {
                let (mut stream, mut sum) = (rx.into_stream(), 0);
                while let Some(item) = block_on(poll_fn(|context| Pin::new(&mut stream).poll_next(context))) {
                    sum += item;
                }
                sum
            })
        });
        takers.into_iter().map(|taker| taker.join().unwrap()).sum()
    });
    assert_eq!(total, each * (each - 1));
    assert_eq!(waiting(&channel), (0, 0));
}
