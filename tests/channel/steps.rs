//! Wake-ups that could be lost, and answers that could be wrong, in a fixed order of steps: tasks are polled by hand.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

use annulet::channel::RecvError;
use annulet::host::Futex;
use annulet::ring::broadcast::Gated;
use annulet::wait::Strategy;
use annulet::{Broadcast, Channel, Mpmc, Mpsc, Spmc};

use crate::common::silently;

/// How often a task was woken.
#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Woken {
    /// Whether it was, since the last time.
    fn take(&self) -> bool {
        self.0.swap(0, Ordering::SeqCst) > 0
    }
    fn poll<F: Future>(self: &Arc<Self>, future: Pin<&mut F>) -> Poll<F::Output> {
        future.poll(&mut Context::from_waker(&Waker::from(Arc::clone(self))))
    }
}

/// The writer of a gated broadcast waits for the slowest reader; when that goes, for the next one.
#[test]
fn d06_a_slow_reader_that_goes_makes_room() {
    let channel = Channel::<Broadcast<u64, 2, Gated<2>>, Futex>::over(Broadcast::new(), Futex::new());
    let (slow, mut fast) = (channel.join_at_oldest().unwrap(), channel.join_at_oldest().unwrap());
    let mut tx = channel.try_sender().unwrap();
    for item in 0..2 {
        tx.try_send(item).unwrap();
        assert_eq!(fast.try_recv(), Ok(item));
    }
    let woken = Arc::<Woken>::default();
    let mut send = pin!(tx.send_async(2));
    assert!(woken.poll(send.as_mut()).is_pending());
    assert!(!woken.take());
    drop(slow);
    assert!(woken.take(), "there is room now");
    assert_eq!(woken.poll(send), Poll::Ready(Ok(())));
}

/// A slot that one of many receivers is reading is not closed.
#[test]
fn nx10_a_place_is_reserved_once_its_slot_was_read() {
    let mut channel = Channel::<Spmc<u32, 1>, Futex>::over(Spmc::new(), Futex::new());
    let (mut tx, mut rx) = channel.split();
    tx.try_send(1).unwrap();
    let woken = Arc::<Woken>::default();
    let mut reserve = pin!(tx.reserve());
    rx.end().drain(1, |_| assert!(woken.poll(reserve.as_mut()).is_pending()));
    assert!(woken.take());
    let Poll::Ready(Some(permit)) = woken.poll(reserve) else { panic!("it is open, and has room") };
    permit.send(2).unwrap();
    assert_eq!(rx.try_recv(), Ok(2));
}

/// Being ready takes nothing, so the wake-up is still good for somebody else.
#[test]
fn h15_ready_passes_its_wake_up_on() {
    let mut channel = Channel::<Mpmc<u32, 4>, Futex>::over(Mpmc::new(), Futex::new());
    let (mut tx, rx) = channel.split();
    let mut receivers = [rx.clone(), rx];
    let woken = [(); 2].map(|()| Arc::<Woken>::default());
    let [one, two] = &mut receivers;
    let (mut one, mut two) = (pin!(one.ready()), pin!(two.ready()));
    assert!(woken[0].poll(one.as_mut()).is_pending() && woken[1].poll(two.as_mut()).is_pending());
    tx.try_send(1).unwrap();
    let was = [woken[0].take(), woken[1].take()];
    assert!(was[0] != was[1], "one item, one of them");
    let (polled, other) =
        if was[0] { (woken[0].poll(one), &woken[1]) } else { (woken[1].poll(two), &woken[0]) };
    assert!(polled.is_ready());
    assert!(other.take(), "nobody has taken the item");
}

/// The same of senders and room.
#[test]
fn h15_ready_to_send_passes_its_wake_up_on() {
    let mut channel = Channel::<Mpmc<u32, 1>, Futex>::over(Mpmc::new(), Futex::new());
    let (mut tx, mut rx) = channel.split();
    tx.try_send(1).unwrap();
    let mut senders = [tx.clone(), tx];
    let woken = [(); 2].map(|()| Arc::<Woken>::default());
    let [one, two] = &mut senders;
    let (mut one, mut two) = (pin!(one.ready()), pin!(two.ready()));
    assert!(woken[0].poll(one.as_mut()).is_pending() && woken[1].poll(two.as_mut()).is_pending());
    rx.try_recv().unwrap();
    let was = [woken[0].take(), woken[1].take()];
    assert!(was[0] != was[1], "one slot, one of them");
    let (polled, other) =
        if was[0] { (woken[0].poll(one), &woken[1]) } else { (woken[1].poll(two), &woken[0]) };
    assert!(polled.is_ready());
    assert!(other.take(), "nobody has taken the slot");
}

/// What was sent before the iterator panics is received.
#[test]
fn e03_an_iterator_that_panics_loses_no_wake_up() {
    let mut channel = Channel::<Mpsc<u32, 4>, Futex>::over(Mpsc::new(), Futex::new());
    let (mut tx, mut rx) = channel.split();
    let woken = Arc::<Woken>::default();
    let mut recv = pin!(rx.recv_async());
    assert!(woken.poll(recv.as_mut()).is_pending());
    let mut items = (1..).map(|item| if item < 2 { item } else { panic!("no more") }).filter(|_| true);
    assert!(catch_unwind(AssertUnwindSafe(|| tx.send_iter(&mut items))).is_err());
    // What became of the first item is the ring's business: an iterator that does not say how many it has gives them one
    // by one.
    assert!(woken.take(), "an item was sent");
    assert_eq!(woken.poll(recv), Poll::Ready(Ok(1)));
}

/// Says that it has two items at least, and has none.
struct Liar;

impl Iterator for Liar {
    type Item = u32;
    fn next(&mut self) -> Option<u32> {
        None
    }
    fn size_hint(&self) -> (usize, Option<usize>) {
        (2, None)
    }
}

/// Slots that were claimed for items that did not come are gone past, and are room.
#[test]
fn d06_slots_that_were_given_up_are_room() {
    let mut channel = Channel::<Mpsc<u32, 2>, Futex>::over(Mpsc::new(), Futex::new());
    let (mut tx, mut rx) = channel.split();
    let mut other = tx.clone();
    let (receiver, sender) = (Arc::<Woken>::default(), Arc::<Woken>::default());
    let mut recv = pin!(rx.recv_async());
    assert!(receiver.poll(recv.as_mut()).is_pending());
    assert_eq!(tx.send_iter(&mut Liar), Ok(0));
    let mut send = pin!(other.send_async(5));
    assert!(sender.poll(send.as_mut()).is_pending(), "nobody has gone past the slots");
    assert!(receiver.take());
    assert!(receiver.poll(recv.as_mut()).is_pending());
    assert!(sender.take(), "somebody has");
    assert_eq!(sender.poll(send), Poll::Ready(Ok(())));
    assert!(receiver.take());
    assert_eq!(receiver.poll(recv), Poll::Ready(Ok(5)));
}

/// Who was woken for two items, and panics at the first, wakes the next.
#[test]
fn e03_a_closure_that_panics_loses_no_wake_up() {
    let channel = Channel::<Mpmc<u32, 4>, Futex>::over(Mpmc::new(), Futex::new());
    let (mut tx, rx) = channel.try_split().unwrap();
    let (mut thread, mut task) = (rx.clone().with_strategy(Strategy::block()), rx);
    let woken = Arc::<Woken>::default();
    // The first signal is for tasks, the second for threads.
    {
        let mut recv = pin!(task.recv_async());
        assert!(woken.poll(recv.as_mut()).is_pending());
        tx.try_send(0).unwrap();
        assert!(woken.take());
        assert_eq!(woken.poll(recv), Poll::Ready(Ok(0)));
    }
    let mut recv = pin!(task.recv_async());
    assert!(woken.poll(recv.as_mut()).is_pending());
    thread::scope(|scope| {
        let thread = scope.spawn(move || {
            let panics = AssertUnwindSafe(|| thread.drain(1, |_| panic!("not this one")));
            let panicked = catch_unwind(panics).is_err();
            (panicked, thread)
        });
        // Until it is asleep.
        thread::sleep(Duration::from_millis(200));
        silently(tx.end(), |end| end.try_push(1)).unwrap();
        tx.try_send(2).unwrap();
        assert!(thread.join().unwrap().0, "the thread was woken, and not the task");
    });
    assert!(woken.take(), "there is a second item");
    assert_eq!(woken.poll(recv), Poll::Ready(Ok(2)));
    drop(tx);
    assert_eq!(channel.try_receiver().unwrap().recv(), Err(RecvError::Closed));
}
