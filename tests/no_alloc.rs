//! No operation of a ring allocates, or frees, nor does waiting for one: in a thread, as a future, as a stream or a sink.
#![cfg(all(target_os = "linux", not(loom), not(miri), not(annulet_narrow)))]

use std::hint::black_box;

use annulet::ring::broadcast::Gated;
use annulet::ring::lanes::Fair;
use annulet::{Broadcast, Lanes, Mpmc, Spsc};
use assert_no_alloc::{AllocDisabler, assert_no_alloc, violation_count};

#[global_allocator]
static ALLOCATOR: AllocDisabler = AllocDisabler;

/// How often `f` called the allocator.
fn calls_in<R>(f: impl FnOnce() -> R) -> u32 {
    let before = violation_count();
    let result = assert_no_alloc(f);
    let calls = violation_count() - before;
    drop(result);
    calls
}

#[test]
fn an_allocation_is_noticed() {
    assert_eq!(calls_in(|| black_box(Box::new(1))), 1);
    assert_eq!(calls_in(|| drop(black_box(Box::new(1)))), 2);
}

#[test]
fn no_operation_of_a_ring_allocates() {
    let calls = calls_in(|| {
        let mut ring = Spsc::<u32, 4>::starting_at(usize::MAX - 1);
        for _ in 0..3 {
            let (mut tx, mut rx) = ring.split();
            // In: single, slices, iterators, grants of both kinds; refused, partly committed, and aborted.
            tx.try_push(1).unwrap();
            assert_eq!(tx.push_slice(&[2, 3]), 2);
            assert_eq!(tx.push_iter(4..9), 1);
            assert!(tx.try_push(5).is_err() && tx.try_claim(1).is_err() && tx.try_claim_exact(5).is_err());
            // Out: the same.
            assert_eq!(rx.peek(), Some(&1));
            assert!(rx.iter().eq(&[1, 2, 3, 4]));
            assert_eq!(rx.try_pop(), Ok(1));
            assert_eq!(rx.pop_slice(&mut [0; 2]), 2);
            assert_eq!(rx.skip(9), 1);
            assert!(rx.try_pop().is_err() && rx.try_read_grant(1).is_err());

            let mut grant = tx.try_claim(4).unwrap();
            grant.fill_with(|index| index as u32);
            grant.commit_all();
            drop(tx.try_claim_exact(1));
            if let Ok(mut grant) = tx.try_claim_exact(2) {
                grant.push(7).unwrap();
                assert_eq!(grant.copy_from(&[8, 9]), 1);
                grant.commit(1);
            }
            assert_eq!(rx.drain(1, |item| _ = black_box(item)), 1);
            assert!(
                rx.consume(1, |item| {
                    black_box(*item);
                }) <= 1
            );
            if let Ok(grant) = rx.try_read_grant_parts(4) {
                let _ = (grant.iter().count(), grant.release(1));
            }
            rx.try_iter().for_each(drop);
            rx.skip(usize::MAX);
            black_box((tx.len(), rx.len(), tx.is_full(), rx.is_empty()));
        }
        // Ends, claimed and given back.
        for _ in 0..2 {
            let (tx, rx) = ring.try_split().unwrap();
            assert!(ring.try_split().is_none());
            drop((tx, rx));
            black_box((ring.try_producer().unwrap().len(), ring.try_consumer().unwrap().len()));
        }
        ring
    });
    assert_eq!(calls, 0);
}

#[test]
fn dropping_items_for_you_allocates_nothing() {
    struct Item(&'static std::cell::Cell<u32>);
    impl Drop for Item {
        fn drop(&mut self) {
            self.0.set(self.0.get() + 1);
        }
    }
    let drops = Box::leak(Box::new(std::cell::Cell::new(0)));
    let calls = calls_in(|| {
        let mut ring = Spsc::<Item, 8>::new();
        let (mut tx, mut rx) = ring.split();
        assert_eq!(tx.push_iter((0..9).map(|_| Item(drops))), 8);
        drop(tx.try_push(Item(drops)).unwrap_err().into_inner());
        assert_eq!(rx.skip(3), 3);
        let mut grant = tx.try_claim(2).unwrap();
        grant.fill_with(|_| Item(drops));
        assert_eq!(grant.commit(1), 1);
        assert_eq!(rx.drain(1, drop), 1);
    });
    assert_eq!((calls, drops.get()), (0, 11));
}

#[test]
fn no_operation_of_a_broadcast_allocates() {
    let calls = calls_in(|| {
        let mut ring = Broadcast::<u64, 4>::starting_at(usize::MAX - 1);
        let (mut writer, ring) = ring.split();
        let (mut lapped, mut reader) = (ring.reader_at_newest(), ring.reader_at_oldest().clone());
        writer.publish(1);
        assert_eq!((reader.try_read(), reader.latest()), (Ok(1), Ok(1)));
        writer.publish_slice(&[2, 3, 4, 5, 6, 7]);
        assert!(lapped.try_read().is_err() && lapped.try_read_slice(&mut [0; 3]) == Ok(3));
        black_box((lapped.skip(9), lapped.lag(), reader.len(), reader.backpressure().percent(), ring.len()));

        let gated = Broadcast::<[u32; 3], 4, Gated<2>>::starting_at(usize::MAX - 1);
        let mut writer = gated.try_writer().unwrap();
        let (mut fast, mut slow) = (gated.join_at_oldest().unwrap(), gated.join_at_newest().unwrap());
        assert!(gated.join_at_newest().is_err() && gated.try_writer().is_none());
        assert_eq!(writer.try_publish_slice(&[[1; 3]; 9]), 4);
        assert!(writer.try_publish([2; 3]).is_err());
        assert_eq!(
            (fast.try_read(), fast.try_read_slice(&mut [[0; 3]; 2]), slow.skip(9)),
            (Ok([1; 3]), 2, 4)
        );
        drop((fast, slow));
        black_box((writer.readers(), writer.backpressure().behind()));
    });
    assert_eq!(calls, 0);
}

#[test]
fn no_operation_of_a_ring_of_many_allocates() {
    let calls = calls_in(|| {
        let mut ring = Mpmc::<u32, 4>::starting_at(usize::MAX - 1);
        for _ in 0..3 {
            let (mut tx, mut rx) = ring.split();
            let (mut other, mut another) = (tx.clone(), rx.clone());
            tx.try_push(1).unwrap();
            assert_eq!(other.push_slice(&[2, 3]), 2);
            assert_eq!(tx.push_iter((4..9).filter(|number| *number > 4)), 1);
            assert!(tx.try_push(5).is_err() && other.try_claim(1).is_err());
            assert_eq!(another.try_pop(), Ok(1));
            assert_eq!(rx.pop_slice(&mut [0; 2]), 2);
            assert_eq!(another.drain(9, |_| ()) + rx.skip(9), 1);
            assert!(rx.try_pop().is_err());
            drop(tx.try_claim(1));
            let mut grant = other.try_claim_exact(2).unwrap();
            grant.fill_with(|index| index as u32);
            grant.commit(1);
            let mut seen = 0;
            while rx.consume(9, |item| seen += *item + 1) > 0 {}
            assert_eq!(seen, 1);
        }
    });
    assert_eq!(calls, 0);
}

#[test]
fn no_operation_of_lanes_allocates() {
    let calls = calls_in(|| {
        let lanes = Lanes::<u32, 4, 3>::new();
        let mut rx = lanes.try_consumer(Fair::default()).unwrap();
        for _ in 0..3 {
            let (mut one, mut two) = (lanes.register().unwrap(), lanes.register().unwrap());
            assert_eq!(one.push_slice(&[1, 2, 3]), 3);
            two.try_push(4).unwrap();
            drop(one);
            assert_eq!(lanes.hottest().map(|(_, items)| items), Some(3));
            assert!(rx.try_pop_from().is_ok());
            assert_eq!(rx.drain(9, |_, _| ()) + rx.skip(9), 3);
            assert!(rx.try_pop().is_err());
        }
    });
    assert_eq!(calls, 0);
}

#[cfg(feature = "std")]
mod channels {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};
    use std::thread;
    use std::time::Duration;

    use annulet::channel::{ChannelRef, Receiver, RecvError, SendError, Sender, TryRecvError, TrySendError};
    use annulet::host::Futex;
    use annulet::ring::broadcast::Gated;
    use annulet::ring::lanes::Fair;
    use annulet::wait::{Deadline, Event, Metered, Strategy, Waiter};
    use annulet::{Broadcast, Channel, Lanes, Mpmc, Spsc};

    use super::calls_in;

    const SOON: Duration = Duration::from_millis(1);

    fn poll<F: Future>(future: F) -> Poll<F::Output> {
        pin!(future).poll(&mut Context::from_waker(Waker::noop()))
    }

    /// Sends until it is full, receives until it is empty: at once, in batches, until a deadline, and polled.
    fn both_ways<C, X>(tx: &mut Sender<C>, rx: &mut Receiver<X>)
    where
        C: ChannelRef<Item = u32>,
        X: ChannelRef<Item = u32>,
    {
        tx.try_send(1).unwrap();
        assert_eq!(rx.try_recv(), Ok(1));
        tx.send(2).unwrap();
        assert_eq!(rx.recv(), Ok(2));
        assert!(tx.send_iter(&mut [3, 4].into_iter()).unwrap() > 0);
        let mut sum = 0;
        while rx.try_drain(9, |item| sum += item).is_ok() {}
        assert_eq!(sum, 7);
        assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
        assert_eq!(rx.recv_timeout(SOON), Err(RecvError::Timeout));
        assert_eq!(rx.drain_timeout(9, SOON, drop), Err(RecvError::Timeout));

        // A task that waits is counted, leaves a waker if there is a seat, and is woken.
        let mut receiving = rx.recv_async();
        for _ in 0..3 {
            assert!(poll(&mut receiving).is_pending());
        }
        assert!(poll(tx.send_async(5)).is_ready());
        assert_eq!(poll(&mut receiving), Poll::Ready(Ok(5)));
        drop(receiving);
        assert!(poll(tx.ready()).is_ready());
        assert!(poll(rx.ready()).is_pending());
    }

    /// Once it is full.
    fn refused<C: ChannelRef<Item = u32>>(tx: &mut Sender<C>) {
        while tx.try_send(1).is_ok() {}
        assert_eq!(tx.try_send(1), Err(TrySendError::Full(1)));
        assert_eq!(tx.send_timeout(1, SOON), Err(SendError::Timeout(1)));
        assert_eq!(
            tx.send_iter_deadline(&mut [1].into_iter(), Deadline::after(SOON)),
            Err(SendError::Timeout(()))
        );
        assert!(poll(tx.ready()).is_pending());
        assert!(poll(tx.send_async(1)).is_pending());
    }

    #[test]
    fn no_operation_of_a_channel_allocates() {
        fn with_seats<const TASKS: usize>() {
            let mut channel = Channel::<Mpmc<u32, 2>, Futex, TASKS>::over(Mpmc::new(), Futex::new());
            let (mut tx, mut rx) = channel.split();
            both_ways(&mut tx.clone(), &mut rx.clone());
            refused(&mut tx);
            assert_eq!(rx.iter().take(2).count(), 2);
            tx.close();
            assert_eq!((rx.recv(), tx.send(1)), (Err(RecvError::Closed), Err(SendError::Closed(1))));
        }
        let calls = calls_in(|| {
            with_seats::<8>();
            with_seats::<0>();

            let spsc = Channel::<Spsc<u32, 2>, _>::over(Spsc::new(), Metered::new(Futex::fenced()));
            let (mut tx, mut rx) = spsc.try_split().unwrap();
            both_ways(&mut tx, &mut rx);
            match poll(tx.reserve()) {
                Poll::Ready(Some(permit)) => permit.send(1).unwrap(),
                _ => panic!("there is room"),
            }
            refused(&mut tx);
            assert!(poll(tx.reserve()).is_pending());
            drop(tx);
            assert_eq!(rx.iter().count(), 2);
            assert!(spsc.platform().receivers().summary().waits > 0);

            let lanes = Channel::<Lanes<u32, 2, 2>, Futex>::over(Lanes::new(), Futex::new());
            let mut tx = lanes.register().unwrap();
            both_ways(&mut tx, &mut lanes.try_receiver(Fair::default()).unwrap());
        });
        assert_eq!(calls, 0);
    }

    #[test]
    fn no_operation_of_a_channel_over_a_broadcast_allocates() {
        let calls = calls_in(|| {
            let newest = Channel::<Broadcast<u32, 4>, Futex>::over(Broadcast::new(), Futex::new());
            both_ways(&mut newest.try_sender().unwrap(), &mut newest.receiver_at_newest());
            let slowest = Channel::<Broadcast<u32, 2, Gated<2>>, Futex>::over(Broadcast::new(), Futex::new());
            let (mut tx, mut rx) = (slowest.try_sender().unwrap(), slowest.join_at_newest().unwrap());
            both_ways(&mut tx, &mut rx);
            refused(&mut tx);
        });
        assert_eq!(calls, 0);
    }

    #[cfg(feature = "futures-v0.3")]
    #[test]
    fn no_stream_and_no_sink_allocates() {
        use futures::{SinkExt, StreamExt};
        let calls = calls_in(|| {
            let channel = Channel::<Mpmc<u32, 2>, Futex>::over(Mpmc::new(), Futex::new());
            let (tx, mut rx) = channel.try_split().unwrap();
            assert!(poll(rx.stream().next()).is_pending());
            let (mut stream, mut sink) = (rx.into_stream(), tx.into_sink());
            assert_eq!(poll(sink.send(1)), Poll::Ready(Ok(())));
            assert_eq!(poll(stream.next()), Poll::Ready(Some(1)));
            assert!(poll(stream.next()).is_pending());
            while poll(sink.feed(2)).is_ready() {}
            drop(sink.into_inner());
            let mut stream = stream.into_inner().into_stream();
            assert_eq!([(); 3].map(|()| poll(stream.next())), [Some(2), Some(2), None].map(Poll::Ready));
        });
        assert_eq!(calls, 0);
    }

    /// Asleep and awake, on either side, in every way to wait.
    #[test]
    fn threads_that_wait_for_each_other_allocate_nothing() {
        static THERE: Channel<Mpmc<u32, 1>, Futex> = Channel::over(Mpmc::new(), Futex::new());
        static BACK: Channel<Spsc<u32, 1>, Futex> = Channel::over(Spsc::new(), Futex::fenced());
        let (mut tx, mut rx) = THERE.try_split().unwrap();
        let (mut btx, mut brx) = BACK.try_split().unwrap();
        let there = thread::spawn(move || {
            calls_in(|| {
                while let Ok(number) = rx.recv() {
                    btx.send(number).unwrap();
                }
            })
        });
        let calls = calls_in(|| {
            for strategy in [
                Strategy::block(),
                Strategy::yielding(),
                Strategy::phased(9, 9),
                Strategy::timed(SOON),
                Strategy::sleep(Duration::from_micros(50)),
            ] {
                tx.set_strategy(strategy);
                brx.set_strategy(strategy);
                for number in 0..50 {
                    tx.send(number).unwrap();
                    assert_eq!(brx.recv(), Ok(number));
                }
            }
            tx.close();
        });
        assert_eq!((calls, there.join().unwrap()), (0, 0));
    }

    #[test]
    fn an_event_allocates_nothing() {
        let calls = calls_in(|| {
            let (event, futex) = (Event::<2>::new(), Futex::new());
            let late = event.wait_until(&futex, Strategy::block(), Deadline::after(SOON), || None::<()>);
            assert!(late.is_err());
            let mut context = Context::from_waker(Waker::noop());
            let mut tickets = [(); 2].map(|()| Waiter::new(&event, &futex));
            for ticket in &mut tickets {
                assert!(ticket.poll(&mut context, || None::<()>).is_pending());
            }
            event.signal(&futex, 1);
            event.signal_all(&futex);
            assert_eq!(event.waiting(), 2);
        });
        assert_eq!(calls, 0);
    }
}
