//! The measurements, each written once for every ring.

use core::hint::{black_box, spin_loop};
use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use core::time::Duration;
use std::thread::{scope, yield_now};
use std::time::Instant;

use crate::place::{pin, processors, waited};
use crate::rings::{Form, OneByOne, Ring, Role, Single};

/// What a side does between two attempts that found the ring full or empty.
pub(crate) trait Wait: 'static {
    fn wait();
}

/// Nothing.
pub(crate) struct Tight;
/// The processor's hint that this is a polling loop (PAUSE).
pub(crate) struct Pause;
/// Gives the processor away: where there are more threads than processors, and in tests, which may share theirs.
pub(crate) struct Yield;

impl Wait for Tight {
    #[inline(always)]
    fn wait() {}
}
impl Wait for Pause {
    #[inline(always)]
    fn wait() {
        spin_loop();
    }
}
impl Wait for Yield {
    fn wait() {
        yield_now();
    }
}

/// How long a measurement goes on: until both are reached.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Budget {
    pub(crate) time: Duration,
    pub(crate) items: u64,
}

impl Budget {
    pub(crate) fn is_spent(self, since: Instant, items: u64) -> bool {
        items >= self.items && since.elapsed() >= self.time
    }
}

/// Lets threads start together.
#[derive(Default)]
pub(crate) struct Gate(AtomicUsize);

impl Gate {
    /// Waits until `count` threads are here.
    pub(crate) fn pass(&self, count: usize) {
        self.0.fetch_add(1, Ordering::SeqCst);
        while self.0.load(Ordering::SeqCst) < count {
            yield_now();
        }
    }
}

/// Where the handles of the two sides are while the sides run.
pub(crate) trait Homes: 'static {
    fn with<S, R, O>(sender: S, receiver: R, body: impl FnOnce(&mut S, &mut R) -> O) -> O;
}

/// Each on cache lines of its own, as if each thread had taken its handle with it.
pub(crate) struct Apart;
/// Beside each other in one stack frame, which two scoped threads borrow them from.
///
/// A handle is written at each operation, so two that share a line are fought over, unless they see to it
/// themselves that they don't.
pub(crate) struct Beside;

impl Homes for Apart {
    fn with<S, R, O>(sender: S, receiver: R, body: impl FnOnce(&mut S, &mut R) -> O) -> O {
        #[repr(align(128))]
        struct Home<T>(T);

        let (mut sender, mut receiver) = (Home(sender), Home(receiver));
        body(&mut sender.0, &mut receiver.0)
    }
}

impl Homes for Beside {
    fn with<S, R, O>(sender: S, receiver: R, body: impl FnOnce(&mut S, &mut R) -> O) -> O {
        #[repr(C)]
        struct Frame<S, R> {
            sender: S,
            receiver: R,
        }

        let mut frame = Frame { sender, receiver };
        body(&mut frame.sender, &mut frame.receiver)
    }
}

/// Runs the two sides on their processors, from the same moment.
fn both_sides<A: Send, B: Send>(
    waits: &Waits,
    sends: impl FnOnce() -> A + Send,
    receives: impl FnOnce() -> B + Send,
) -> (A, B) {
    let gate = &Gate::default();
    scope(|threads| {
        let sender = threads.spawn(|| {
            pin(0);
            gate.pass(2);
            waits.during(sends)
        });
        let receiver = threads.spawn(|| {
            pin(1);
            gate.pass(2);
            waits.during(receives)
        });
        (
            sender.join().expect("the sender ran to its end"),
            receiver.join().expect("the receiver ran to its end"),
        )
    })
}

/// What a measurement found.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Figure {
    /// Million items a second, or nanoseconds.
    pub(crate) value: f64,
    /// How many items it comes from.
    pub(crate) items: u64,
    /// False when a thread had to wait for its processor for more than one part in a hundred of the time.
    pub(crate) undisturbed: bool,
    /// The part of the items that readers missed, where a writer overwrites what they have not read.
    pub(crate) missed: f64,
}

/// How long the threads of a measurement had to wait for their processors.
#[derive(Default)]
struct Waits(AtomicU64);

impl Waits {
    /// Runs a thread's part of the measurement.
    fn during<R>(&self, part: impl FnOnce() -> R) -> R {
        let before = waited();
        let result = part();
        let waited = waited().saturating_sub(before).as_nanos() as u64;
        self.0.fetch_add(waited, Ordering::Relaxed);
        result
    }

    /// When all have ended: whether it was little against `time`.
    fn are_short(&self, time: Duration) -> bool {
        u128::from(self.0.load(Ordering::Relaxed)) * 100 <= time.as_nanos()
    }
}

/// Streams consecutive numbers from one thread to another, in chunks of up to `chunk`, as fast as the ring lets
/// them. Each item is written singly, read singly and compared with the one that must come.
///
/// The receiver measures: from the moment it has seen `warm_up` items to the end.
pub(crate) fn stream<R: Ring, F: Form<R>, W: Wait, H: Homes>(
    chunk: usize,
    warm_up: u64,
    budget: Budget,
) -> Figure {
    let _ = processors();
    // How many items there are, once the sender has decided.
    let end = &AtomicU64::new(u64::MAX);
    let waits = &Waits::default();
    R::with(|tx, rx| {
        H::with(tx, rx, |tx, rx| {
            let send = || send::<R, F, W>(tx, chunk, warm_up, budget, end);
            let receive = || receive::<R, F, W>(rx, chunk, warm_up, end);
            let (items, time) = both_sides(waits, send, receive).1;
            let value = items as f64 / time.as_secs_f64() / 1e6;
            Figure { value, items, undisturbed: waits.are_short(time), missed: 0.0 }
        })
    })
}

/// The sending side of [`stream`]: puts into `end` how many items it has sent.
pub(crate) fn send<R: Ring, F: Form<R>, W: Wait>(
    tx: &mut R::Tx<'_>,
    chunk: usize,
    warm_up: u64,
    budget: Budget,
    end: &AtomicU64,
) {
    /// Items between two looks at the clock.
    const BLOCK: u64 = 16 * 1024;

    let mut form = F::default();
    let (mut sent, mut next_look) = (0, 0);
    let start = Instant::now();
    loop {
        next_look += BLOCK;
        while sent < next_look {
            let count = form.send(tx, sent, chunk);
            if count == 0 {
                W::wait();
            }
            sent += count as u64;
        }
        if sent > warm_up && budget.is_spent(start, sent) {
            break;
        }
    }
    end.store(sent, Ordering::Release);
}

/// The receiving side of [`stream`]: how many items came after the first `warm_up`, and how long they took.
fn receive<R: Ring, F: Form<R>, W: Wait>(
    rx: &mut R::Rx<'_>,
    chunk: usize,
    warm_up: u64,
    end: &AtomicU64,
) -> (u64, Duration) {
    let mut form = F::default();
    let (mut expected, mut in_order) = (0, true);
    while expected < warm_up {
        let count = form.receive(rx, chunk, |item| {
            in_order &= item == expected;
            expected += 1;
        });
        if count == 0 {
            W::wait();
        }
    }
    let (start, before) = (Instant::now(), expected);
    loop {
        let count = form.receive(rx, chunk, |item| {
            in_order &= item == expected;
            expected += 1;
        });
        if count == 0 {
            if expected >= end.load(Ordering::Acquire) {
                break;
            }
            W::wait();
        }
    }
    let time = start.elapsed();
    assert!(in_order, "{} {} lost the order", R::NAME, F::NAME);
    (expected - before, time)
}

/// One item there and one back: nanoseconds, the median over groups of round trips.
pub(crate) fn round_trip<R: Single, W: Wait>(budget: Budget) -> Figure {
    let _ = processors();
    let waits = &Waits::default();
    R::with(|ping, heard| {
        R::with(|answer, answered| {
            Apart::with((ping, answered), (answer, heard), |(ping, answered), (answer, heard)| {
                let call = || call::<R, W>(ping, answered, budget);
                let echo = || echo::<R, W>(answer, heard);
                let (value, items, time) = both_sides(waits, call, echo).0;
                Figure { value, items, undisturbed: waits.are_short(time), missed: 0.0 }
            })
        })
    })
}

/// The item after which [`echo`] ends.
const STOP: u64 = u64::MAX;

/// Tries until it works.
#[inline(always)]
fn insist<T, W: Wait>(mut attempt: impl FnMut() -> Option<T>) -> T {
    loop {
        match attempt() {
            Some(value) => return value,
            None => W::wait(),
        }
    }
}

/// One side of [`round_trip`]: nanoseconds for one, how many, and how long all of them took.
fn call<R: Single, W: Wait>(
    ping: &mut R::Tx<'_>,
    answered: &mut R::Rx<'_>,
    budget: Budget,
) -> (f64, u64, Duration) {
    /// Round trips between two looks at the clock.
    const GROUP: u64 = 64;
    const WARM_UP: usize = 8;

    let (mut item, mut in_order) = (0, true);
    let mut groups = Vec::with_capacity(4096);
    let start = Instant::now();
    while groups.len() <= WARM_UP || !budget.is_spent(start, item) {
        let group = Instant::now();
        for _ in 0..GROUP {
            insist::<_, W>(|| R::push(ping, item).then_some(()));
            let back = insist::<_, W>(|| R::pop(answered));
            in_order &= back == item;
            item += 1;
        }
        groups.push(group.elapsed().as_nanos() as f64 / GROUP as f64);
    }
    insist::<_, W>(|| R::push(ping, STOP).then_some(()));
    let time = start.elapsed();
    assert!(in_order, "{} lost the order", R::NAME);
    (median(&mut groups[WARM_UP..]), item, time)
}

/// The other side of [`round_trip`]: sends back what comes.
fn echo<R: Single, W: Wait>(answer: &mut R::Tx<'_>, heard: &mut R::Rx<'_>) {
    loop {
        let item = insist::<_, W>(|| R::pop(heard));
        if item == STOP {
            break;
        }
        insist::<_, W>(|| R::push(answer, item).then_some(()));
    }
}

/// `BURST` items in, then out again, on one thread: nanoseconds for each item, the median over groups.
pub(crate) fn same_thread<R: Single, const BURST: u64>(budget: Budget) -> Figure {
    /// Items between two looks at the clock.
    const GROUP: u64 = 4096;

    let _ = processors();
    let waits = Waits::default();
    R::with(|mut tx, mut rx| {
        let both = || {
            pin(0);
            let (mut sent, mut expected, mut in_order) = (0, 0, true);
            let mut groups = Vec::with_capacity(4096);
            let start = Instant::now();
            while groups.is_empty() || !budget.is_spent(start, sent) {
                let group = Instant::now();
                for _ in 0..GROUP / BURST {
                    for _ in 0..BURST {
                        in_order &= R::push(&mut tx, black_box(sent));
                        sent += 1;
                    }
                    for _ in 0..BURST {
                        in_order &= R::pop(&mut rx) == Some(expected);
                        expected += 1;
                    }
                }
                groups.push(group.elapsed().as_nanos() as f64 / GROUP as f64);
            }
            assert!(in_order || R::ROLE == Role::Reference, "{} lost the order", R::NAME);
            (median(&mut groups), sent, start.elapsed())
        };
        let (value, items, time) =
            scope(|threads| threads.spawn(|| waits.during(both)).join().expect("the thread ran to its end"));
        Figure { value, items, undisturbed: waits.are_short(time), missed: 0.0 }
    })
}

/// Streams one item at a time.
pub(crate) fn singles<R: Single, W: Wait, H: Homes>(warm_up: u64, budget: Budget) -> Figure {
    stream::<R, OneByOne, W, H>(1, warm_up, budget)
}

/// The value in the middle.
pub(crate) fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        len if len % 2 == 1 => values[len / 2],
        len => (values[len / 2 - 1] + values[len / 2]) / 2.0,
    }
}
