//! What waiting costs is counted exactly: scripted sequences, by a clock that stands still unless it is told to go.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::VecDeque;
use std::future::Future;
use std::mem::size_of;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use annulet::channel::{RecvError, SendError};
use annulet::host::Futex;
use annulet::wait::{
    Deadline, Latencies, Meter, Metered, Notify, Outcome, Role, Strategy, Summary, Wait, Waited, Word,
};
use annulet::{Channel, Mpmc, Spsc};

use crate::common::{Task, panics};

/// One thread's clock, and what happens while it sleeps: each sleep takes the next step.
struct Script {
    now: Cell<u64>,
    /// So many nanoseconds pass, and then so many items are sent; or the channel is closed, if it is `CLOSE`.
    steps: RefCell<VecDeque<(u64, usize)>>,
    send: OnceCell<Box<dyn Fn()>>,
    close: OnceCell<Box<dyn Fn()>>,
}

const CLOSE: usize = usize::MAX;

impl Script {
    /// Forgotten: it sends while it is used.
    fn leak() -> &'static Self {
        Box::leak(Box::new(Self {
            now: Cell::new(1_000),
            steps: RefCell::default(),
            send: OnceCell::new(),
            close: OnceCell::new(),
        }))
    }

    fn pass(&self, nanos: u64) {
        self.now.set(self.now.get() + nanos);
    }

    fn set(&self, steps: &[(u64, usize)]) {
        assert!(self.steps.borrow().is_empty(), "all steps were taken");
        self.steps.borrow_mut().extend(steps);
    }
}

impl Notify for Script {
    fn notify(&self, _: &Word, _: u32) -> u32 {
        0
    }
}

impl Wait for Script {
    fn now(&self) -> Deadline {
        Deadline::at(self.now.get())
    }
    fn wait(&self, _: &Word, _: u32, until: Deadline) {
        let (nanos, items) =
            self.steps.borrow_mut().pop_front().expect("it sleeps no more often than it should");
        self.now.set((self.now.get() + nanos).min(until.nanos()));
        if items == CLOSE {
            return self.close.get().unwrap()();
        }
        (0..items).for_each(|_| self.send.get().unwrap()());
    }
}

fn nanos(nanos: u64) -> Duration {
    Duration::from_nanos(nanos)
}

type Scripted = Channel<Mpmc<u32, 2>, Metered<&'static Script>>;

#[test]
fn rm20_waits_are_counted_exactly() {
    let script = Script::leak();
    let channel: &'static Scripted = Box::leak(Box::new(Channel::over(Mpmc::new(), Metered::new(script))));
    let (mut tx, mut rx) = channel.try_split().unwrap();
    let sender = RefCell::new(tx.clone());
    assert!(script.send.set(Box::new(move || sender.borrow_mut().try_send(5).unwrap())).is_ok());
    let sends = script.send.get().unwrap();
    let receiving = || channel.platform().receivers().summary();
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
    assert_eq!(channel.platform().senders().summary(), Summary::default());
    (0..2).for_each(|_| sends());
    script.set(&[(50, 0)]);
    assert!(matches!(tx.send_timeout(6, nanos(50)), Err(SendError::Timeout(6))));
    let sending = channel.platform().senders().summary();
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
    let script = Script::leak();
    let channel: &'static Scripted = Box::leak(Box::new(Channel::over(Mpmc::new(), Metered::new(script))));
    let (mut tx, mut rx) = channel.try_split().unwrap();
    let handle = tx.clone();
    assert!(script.close.set(Box::new(move || handle.close())).is_ok());

    script.set(&[(300, CLOSE)]);
    assert_eq!(rx.recv(), Err(RecvError::Closed));
    let summary = channel.platform().receivers().summary();
    assert_eq!((summary.waits, summary.timeouts, summary.ended), (1, 0, 1));
    assert_eq!((summary.time, summary.latency), (nanos(300), nanos(0)));
    assert_eq!((summary.shortest, summary.mean(), summary.longest), (None, None, None));

    // At once, it is no wait.
    assert_eq!(rx.recv(), Err(RecvError::Closed));
    assert!(matches!(tx.send(1), Err(SendError::Closed(1))));
    assert_eq!(channel.platform().receivers().summary(), summary);
    assert_eq!(channel.platform().senders().summary(), Summary::default());
}

/// Tasks wait as well: from the poll that was pending to the one that was not.
#[test]
fn rm20_futures_are_counted_exactly() {
    let script = Script::leak();
    let channel: &'static Scripted = Box::leak(Box::new(Channel::over(Mpmc::new(), Metered::new(script))));
    let (mut tx, mut rx) = channel.try_split().unwrap();
    let mut context = Context::from_waker(Waker::noop());
    let expect = |summary: Summary, numbers: [u64; 5], time: u64, latency: u64| {
        let Summary { waits, timeouts, ended, wakes, spurious, .. } = summary;
        assert_eq!([waits, timeouts, ended, wakes, spurious], numbers);
        assert_eq!((summary.time, summary.latency), (nanos(time), nanos(latency)));
    };
    let receiving = || channel.platform().receivers().summary();
    let sending = || channel.platform().senders().summary();

    // What is there is no wait, and neither is a future that was never polled.
    tx.try_send(5).unwrap();
    assert_eq!(pin!(rx.recv_async()).poll(&mut context), Poll::Ready(Ok(5)));
    drop(rx.recv_async());
    expect(receiving(), [0; 5], 0, 0);

    // Polled for nothing once, and then there it is.
    {
        let mut future = pin!(rx.recv_async());
        assert!(future.as_mut().poll(&mut context).is_pending());
        script.pass(10);
        assert!(future.as_mut().poll(&mut context).is_pending());
        script.pass(20);
        tx.try_send(5).unwrap();
        expect(receiving(), [0; 5], 0, 0);
        assert_eq!(future.as_mut().poll(&mut context), Poll::Ready(Ok(5)));
    }
    expect(receiving(), [1, 0, 0, 2, 1], 30, 30);

    // Given up.
    {
        let mut future = pin!(rx.recv_async());
        assert!(future.as_mut().poll(&mut context).is_pending());
        script.pass(40);
    }
    expect(receiving(), [2, 0, 1, 2, 1], 70, 30);

    // Readiness is what is waited for, too.
    {
        let mut future = pin!(rx.ready());
        assert!(future.as_mut().poll(&mut context).is_pending());
        script.pass(5);
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
        script.pass(8);
        assert_eq!(rx.try_recv(), Ok(6));
        assert!(matches!(future.as_mut().poll(&mut context), Poll::Ready(Ok(()))));
    }
    expect(sending(), [1, 0, 0, 1, 0], 8, 8);
    {
        let mut future = pin!(tx.send_async(8));
        assert!(future.as_mut().poll(&mut context).is_pending());
        script.pass(2);
        rx.close();
        assert!(matches!(future.as_mut().poll(&mut context), Poll::Ready(Err(SendError::Closed(8)))));
    }
    expect(sending(), [2, 0, 1, 1, 0], 10, 8);
    assert_eq!((sending().shortest, sending().longest), (Some(nanos(8)), Some(nanos(8))));
    expect(receiving(), [3, 0, 1, 3, 1], 75, 35);
}

/// A meter is asked for by its platform: without one, a channel has no room for it, and its clock is not read.
#[test]
fn rm20_without_a_meter_nothing_is_kept_and_no_clock_is_read() {
    /// A platform without a meter, whose clock must not be looked at.
    struct Timeless;
    impl Notify for Timeless {
        fn notify(&self, _: &Word, _: u32) -> u32 {
            0
        }
    }
    impl Wait for Timeless {
        fn now(&self) -> Deadline {
            panic!("nobody has asked for the time");
        }
        fn wait(&self, _: &Word, _: u32, _: Deadline) {}
    }
    assert_eq!(size_of::<Latencies>(), 9 * 8);
    assert_eq!(size_of::<Metered<Futex>>(), size_of::<Futex>().next_multiple_of(8) + 2 * 72);

    let channel = Channel::new(Mpmc::<u32, 2>::new(), Timeless);
    let (mut tx, mut rx) = channel.try_split().unwrap();
    let mut context = Context::from_waker(Waker::noop());
    let mut future = pin!(rx.recv_async());
    assert!(future.as_mut().poll(&mut context).is_pending());
    assert!(future.as_mut().poll(&mut context).is_pending());
    tx.try_send(7).unwrap();
    assert_eq!(future.as_mut().poll(&mut context), Poll::Ready(Ok(7)));
}

/// A meter of one's own is told of each wait, with what it came to.
#[test]
fn rm20_a_meter_of_ones_own_is_told_of_each_wait() {
    #[derive(Debug, Default)]
    struct Told(RefCell<Vec<(Role, Outcome, Duration)>>);
    #[derive(Debug)]
    struct Of<'t>(&'t Told, Role);
    impl Meter for Of<'_> {
        fn record(&self, waited: &Waited) {
            self.0.0.borrow_mut().push((self.1, waited.outcome, waited.time));
        }
    }
    struct Telling<'t>(&'static Script, [Of<'t>; 2]);
    impl Notify for Telling<'_> {
        fn notify(&self, word: &Word, count: u32) -> u32 {
            self.0.notify(word, count)
        }
    }
    impl Wait for Telling<'_> {
        fn now(&self) -> Deadline {
            self.0.now()
        }
        fn wait(&self, word: &Word, seen: u32, until: Deadline) {
            self.0.wait(word, seen, until);
        }
        fn meter(&self, role: Role) -> Option<&dyn Meter> {
            self.1.iter().find(|of| of.1 == role).map(|of| of as &dyn Meter)
        }
    }
    let (script, told) = (Script::leak(), Told::default());
    let platform = Telling(script, [Of(&told, Role::Sender), Of(&told, Role::Receiver)]);
    let mut channel = Channel::new(Spsc::<u32, 1>::new(), platform);
    let (mut tx, mut rx) = channel.split();
    script.set(&[(30, 0)]);
    assert_eq!(rx.recv_timeout(nanos(30)), Err(RecvError::Timeout));
    tx.try_send(1).unwrap();
    script.set(&[(50, 0)]);
    assert_eq!(tx.send_timeout(2, nanos(50)), Err(SendError::Timeout(2)));
    drop((tx, rx));
    let timed_out = |role, time| (role, Outcome::TimedOut, nanos(time));
    assert_eq!(*told.0.borrow(), [timed_out(Role::Receiver, 30), timed_out(Role::Sender, 50)]);
}

/// A meter panics when it is told of a wait that one signal has ended, although two items are there. The next receiver is woken.
#[test]
fn d06_a_meter_that_panics_loses_no_wake_up() {
    #[derive(Debug)]
    struct Rude;
    impl Meter for Rude {
        fn record(&self, _: &Waited) {
            panic!("the meter is full");
        }
    }
    struct Metering;
    impl Notify for Metering {
        fn notify(&self, _: &Word, _: u32) -> u32 {
            0
        }
    }
    impl Wait for Metering {
        fn now(&self) -> Deadline {
            Deadline::at(0)
        }
        fn wait(&self, _: &Word, _: u32, _: Deadline) {}
        fn meter(&self, role: Role) -> Option<&dyn Meter> {
            (role == Role::Receiver).then_some(&Rude)
        }
    }
    let channel = Channel::new(Mpmc::<u32, 4>::new(), Metering);
    let (mut tx, mut one) = channel.try_split().unwrap();
    let (mut second, mut two) = (tx.clone(), one.clone());
    let tasks = [Task::new(), Task::new()];
    let mut recvs = [one.recv_async(), two.recv_async()];
    for (task, recv) in tasks.iter().zip(&mut recvs) {
        assert!(task.poll(recv).is_pending());
    }
    // The second item is behind a slot that is not committed yet: its signal finds nothing for a receiver, and wakes the first.
    let mut end = tx.end();
    let mut grant = end.try_claim(1).unwrap();
    second.try_send(2).unwrap();
    let first = usize::from(tasks[0].wakes() == 0);
    grant.push(1).unwrap();
    grant.commit_all();
    std::mem::forget(end);
    assert_eq!(tasks[1 - first].wakes(), 0);
    assert!(panics(|| tasks[first].poll(&mut recvs[first])));
    assert_eq!(tasks[1 - first].wakes(), 1, "the other item is there for it");
    // Each wait that ends is told to the meter, which panics again.
    assert!(panics(|| tasks[1 - first].poll(&mut recvs[1 - first])));
}
