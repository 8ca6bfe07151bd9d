//! What waiting costs is counted exactly: scripted sequences, by a clock that stands still unless it is told to go.

use std::cell::{OnceCell, RefCell};
use std::collections::VecDeque;
use std::future::Future;
use std::mem::size_of;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use annulet::channel::{Line, RecvError, SendError};
use annulet::host::Futex;
use annulet::ring::broadcast::Overwrite;
use annulet::stats::Off;
use annulet::wait::{Deadline, Latencies, Strategy, Summary, Wait};
use annulet::{Broadcast, Channel, Mpmc, Spsc};

use crate::common::ByHand;

/// What happens while the thread of a test sleeps: each sleep takes the next step.
#[derive(Default)]
struct Script {
    /// So many nanoseconds pass, and then so many items are sent; or the channel is closed, if it is `CLOSE`.
    steps: RefCell<VecDeque<(u64, usize)>>,
    send: OnceCell<Box<dyn Fn()>>,
    close: OnceCell<Box<dyn Fn()>>,
}

const CLOSE: usize = usize::MAX;

impl Script {
    fn set(&self, steps: &[(u64, usize)]) {
        assert!(self.steps.borrow().is_empty(), "all steps were taken");
        self.steps.borrow_mut().extend(steps);
    }
}

/// A channel whose threads sleep as a script says, by a clock that is its platform's. All are forgotten, since they are used
/// while they are lent.
fn scripted() -> (&'static Script, &'static ByHand<'static>, &'static Scripted) {
    let script: &Script = Box::leak(Box::default());
    let platform = Box::leak(Box::new(ByHand {
        clock: 1_000.into(),
        sleep: Box::new(|platform, _, _, until| {
            let step = script.steps.borrow_mut().pop_front();
            let (nanos, items) = step.expect("it sleeps no more often than it should");
            platform.pass(nanos.min(until.since(platform.now()).as_nanos() as u64));
            if items == CLOSE {
                return script.close.get().unwrap()();
            }
            (0..items).for_each(|_| script.send.get().unwrap()());
        }),
        ..ByHand::default()
    }));
    (script, platform, Box::leak(Box::new(Channel::over(Mpmc::new(), &*platform))))
}

fn nanos(nanos: u64) -> Duration {
    Duration::from_nanos(nanos)
}

type Scripted = Channel<Mpmc<u32, 2>, &'static ByHand<'static>, Latencies>;

#[test]
fn rm20_waits_are_counted_exactly() {
    let (script, _, channel) = scripted();
    let (mut tx, mut rx) = channel.try_split().unwrap();
    let sender = RefCell::new(tx.clone());
    assert!(script.send.set(Box::new(move || sender.borrow_mut().try_send(5).unwrap())).is_ok());
    let sends = script.send.get().unwrap();
    let receiving = || channel.meters().0.summary();
    let expect = |[waits, timeouts, wakes, spurious]: [u64; 4], time: u64, latency: &[u64]| {
        let summary = receiving();
        assert_eq!(
            [summary.waits, summary.timeouts, summary.wakes, summary.spurious],
            [waits, timeouts, wakes, spurious]
        );
        assert_eq!(summary.time, nanos(time));
        assert_eq!(summary.latency, nanos(latency.iter().sum()));
        assert_eq!(summary.shortest, latency.iter().min().map(|&least| nanos(least)));
        assert_eq!(summary.longest, latency.iter().max().map(|&most| nanos(most)));
        let mean = latency.iter().sum::<u64>().checked_div(latency.len() as u64);
        assert_eq!(summary.mean(), mean.map(nanos));
    };
    expect([0; 4], 0, &[]);
    assert_eq!(
        receiving().to_string(),
        "0 waits (0 timed out, 0 ended otherwise), 0 wakes (0 spurious), 0ns in all"
    );

    // What is there is no wait.
    sends();
    assert_eq!(rx.recv(), Ok(5));
    expect([0; 4], 0, &[]);

    // A wake, and there it is.
    script.set(&[(300, 1)]);
    assert_eq!(rx.recv(), Ok(5));
    expect([1, 0, 1, 0], 300, &[300]);

    // Two for nothing, and then one for something.
    script.set(&[(10, 0), (20, 0), (30, 1)]);
    assert_eq!(rx.recv(), Ok(5));
    expect([2, 0, 4, 2], 360, &[300, 60]);

    // A timeout: the sleep ended by it found nothing either.
    script.set(&[(40, 0), (999, 0)]);
    assert_eq!(rx.recv_timeout(nanos(100)), Err(RecvError::Timeout));
    expect([3, 1, 6, 4], 460, &[300, 60]);

    // The item comes with the deadline: no timeout, and no time that is not counted.
    script.set(&[(100, 1)]);
    assert_eq!(rx.recv_timeout(nanos(100)), Ok(5));
    expect([4, 1, 7, 4], 560, &[300, 60, 100]);

    // A deadline that has come already: it waits, for no time and without sleep.
    assert_eq!(rx.recv_timeout(nanos(0)), Err(RecvError::Timeout));
    expect([5, 2, 7, 4], 560, &[300, 60, 100]);

    // A batch is one wait.
    script.set(&[(7, 2)]);
    assert_eq!(rx.drain(9, |_| ()), Ok(2));
    expect([6, 2, 8, 4], 567, &[300, 60, 100, 7]);
    assert_eq!(
        receiving().to_string(),
        "6 waits (2 timed out, 0 ended otherwise), 8 wakes (4 spurious), 567ns in all; \
         latency 7ns / 116ns / 300ns (min / mean / max)"
    );

    // Of senders, nothing was told so far, and nothing of what is told now goes to the receivers.
    assert_eq!(channel.meters().1.summary(), Summary::default());
    (0..2).for_each(|_| sends());
    script.set(&[(50, 0)]);
    assert!(matches!(tx.send_timeout(6, nanos(50)), Err(SendError::Timeout(6))));
    let sending = channel.meters().1.summary();
    assert_eq!((sending.waits, sending.timeouts, sending.wakes, sending.spurious), (1, 1, 1, 1));
    assert_eq!((sending.time, sending.mean()), (nanos(50), None));
    expect([6, 2, 8, 4], 567, &[300, 60, 100, 7]);

    // Without sleep, there are no wakes.
    rx.set_strategy(Strategy::spin());
    assert_eq!(rx.drain(2, |_| ()), Ok(2));
    assert_eq!(rx.recv_deadline(Deadline::at(1)), Err(RecvError::Timeout));
    expect([7, 3, 8, 4], 567, &[300, 60, 100, 7]);
}

/// The end of a channel is not something that came: a wait for it is no latency.
#[test]
fn rm20_what_ends_otherwise_is_no_batch() {
    let (script, _, channel) = scripted();
    let (mut tx, mut rx) = channel.try_split().unwrap();
    let handle = tx.clone();
    assert!(script.close.set(Box::new(move || handle.close())).is_ok());

    script.set(&[(300, CLOSE)]);
    assert_eq!(rx.recv(), Err(RecvError::Closed));
    let summary = channel.meters().0.summary();
    assert_eq!((summary.waits, summary.timeouts, summary.ended), (1, 0, 1));
    assert_eq!((summary.time, summary.latency), (nanos(300), nanos(0)));
    assert_eq!((summary.shortest, summary.mean(), summary.longest), (None, None, None));

    // At once, it is no wait.
    assert_eq!(rx.recv(), Err(RecvError::Closed));
    assert!(matches!(tx.send(1), Err(SendError::Closed(1))));
    assert_eq!(channel.meters().0.summary(), summary);
    assert_eq!(channel.meters().1.summary(), Summary::default());
}

/// Tasks wait as well: from the poll that was pending to the one that was not.
#[test]
fn rm20_futures_are_counted_exactly() {
    let (_, platform, channel) = scripted();
    let (mut tx, mut rx) = channel.try_split().unwrap();
    let mut context = Context::from_waker(Waker::noop());
    let expect = |summary: Summary, numbers: [u64; 5], time: u64, latency: u64| {
        let Summary { waits, timeouts, ended, wakes, spurious, .. } = summary;
        assert_eq!([waits, timeouts, ended, wakes, spurious], numbers);
        assert_eq!((summary.time, summary.latency), (nanos(time), nanos(latency)));
    };
    let receiving = || channel.meters().0.summary();
    let sending = || channel.meters().1.summary();

    // What is there is no wait, and neither is a future that was never polled.
    tx.try_send(5).unwrap();
    assert_eq!(pin!(rx.recv_async()).poll(&mut context), Poll::Ready(Ok(5)));
    drop(rx.recv_async());
    expect(receiving(), [0; 5], 0, 0);

    // Polled for nothing once, and then there it is.
    {
        let mut future = pin!(rx.recv_async());
        assert!(future.as_mut().poll(&mut context).is_pending());
        platform.pass(10);
        assert!(future.as_mut().poll(&mut context).is_pending());
        platform.pass(20);
        tx.try_send(5).unwrap();
        expect(receiving(), [0; 5], 0, 0);
        assert_eq!(future.as_mut().poll(&mut context), Poll::Ready(Ok(5)));
    }
    expect(receiving(), [1, 0, 0, 2, 1], 30, 30);

    // Given up.
    {
        let mut future = pin!(rx.recv_async());
        assert!(future.as_mut().poll(&mut context).is_pending());
        platform.pass(40);
    }
    expect(receiving(), [2, 0, 1, 2, 1], 70, 30);

    // Readiness is what is waited for, too.
    {
        let mut future = pin!(rx.ready());
        assert!(future.as_mut().poll(&mut context).is_pending());
        platform.pass(5);
        tx.try_send(5).unwrap();
        assert!(future.as_mut().poll(&mut context).is_ready());
    }
    expect(receiving(), [3, 0, 1, 3, 1], 75, 35);
    assert_eq!(rx.try_recv(), Ok(5));

    // Of senders: room, and then the end.
    (0..2).for_each(|_| tx.try_send(6).unwrap());
    {
        let mut future = pin!(tx.send_async(7));
        assert!(future.as_mut().poll(&mut context).is_pending());
        platform.pass(8);
        assert_eq!(rx.try_recv(), Ok(6));
        assert!(matches!(future.as_mut().poll(&mut context), Poll::Ready(Ok(()))));
    }
    expect(sending(), [1, 0, 0, 1, 0], 8, 8);
    {
        let mut future = pin!(tx.send_async(8));
        assert!(future.as_mut().poll(&mut context).is_pending());
        platform.pass(2);
        rx.close();
        assert!(matches!(future.as_mut().poll(&mut context), Poll::Ready(Err(SendError::Closed(8)))));
    }
    expect(sending(), [2, 0, 1, 1, 0], 10, 8);
    assert_eq!((sending().shortest, sending().longest), (Some(nanos(8)), Some(nanos(8))));
    expect(receiving(), [3, 0, 1, 3, 1], 75, 35);
}

/// Off, a meter takes no room at all, and neither does what a future keeps for it.
#[test]
fn rm20_a_meter_that_is_off_has_no_size() {
    assert_eq!(size_of::<Off>(), 0);
    assert_eq!(size_of::<Latencies>(), 9 * 8);
    assert!(size_of::<Line<()>>() + 2 * 72 <= size_of::<Line<(), Latencies>>());
    assert_eq!(size_of::<Channel<Spsc<u32, 4>, Futex>>(), size_of::<Channel<Spsc<u32, 4>, Futex, Off>>());
    assert_eq!(
        size_of::<Channel<Broadcast<u32, 4, Overwrite>, ()>>(),
        size_of::<Channel<Broadcast<u32, 4, Overwrite>, (), Off>>()
    );
    let (off, on) = (Channel::<Spsc<u32, 4>, Futex>::new_split(Futex::new()), scripted().2);
    let (mut off, mut on) = (off.1, on.try_receiver().unwrap());
    // A reference, and a seat: five flags and a number.
    assert_eq!(size_of_val(&off.recv_async()), 24);
    assert!(size_of_val(&on.recv_async()) > 24);
}
