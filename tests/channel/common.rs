//! What the tests share: platforms, wakers, and the names of what a channel is made of.

use std::future::Future;
use std::mem::ManuallyDrop;
use std::ops::DerefMut;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;

use annulet::channel::{Receiver, Sender};
use annulet::wait::{Deadline, Notify, Strategy, Wait, Word};
use annulet::{Channel, Mpmc, Spsc};

// --- channels

/// A channel with many senders and many receivers, over the platform that most tests use.
pub type Many<T, const N: usize, const TASKS: usize = 8> = Channel<Mpmc<T, N>, Lot, TASKS>;
pub type ManyTx<'c, T, const N: usize> = Sender<&'c Many<T, N>>;
pub type ManyRx<'c, T, const N: usize> = Receiver<&'c Many<T, N>>;
/// The receiver of a channel with one sender and one receiver.
pub type OneRx<'c, T, const N: usize> = Receiver<&'c Channel<Spsc<T, N>, Lot>>;

pub fn many<T, const N: usize, const TASKS: usize>() -> Many<T, N, TASKS> {
    Channel::over(Mpmc::new(), Lot::new())
}

pub fn over<R>(ring: R) -> Channel<R, Lot> {
    Channel::over(ring, Lot::new())
}

/// Returns how many receivers and how many senders wait.
pub fn waiting<R, W: Wait, const TASKS: usize>(channel: &Channel<R, W, TASKS>) -> (usize, usize) {
    let waiting = channel.waiting();
    (waiting.receivers, waiting.senders)
}

/// Uses an end without the signal that its guard gives when it is dropped.
pub fn silently<G: DerefMut, R>(guard: G, f: impl FnOnce(&mut G::Target) -> R) -> R {
    f(&mut ManuallyDrop::new(guard))
}

/// Returns as many rounds as there is time for.
pub fn rounds(natively: usize) -> usize {
    if cfg!(miri) { 20 } else { natively }
}

/// Returns whether it panics.
pub fn panics<R>(f: impl FnOnce() -> R) -> bool {
    catch_unwind(AssertUnwindSafe(f)).is_err()
}

// --- platforms

#[cfg(not(hosted))]
pub use crate::lot::Lot;
/// With the feature `std`, the platform that most tests use is the portable one.
#[cfg(hosted)]
pub use annulet::wait::ParkingLot as Lot;

/// What is done in place of a sleep: of this platform, on this word, while it holds this, until then.
type Sleep<'t> = dyn Fn(&ByHand<'t>, &Word, u32, Deadline) + 't;

/// A platform of closures, by which a test says what happens. Without them, nobody may sleep.
pub struct ByHand<'t> {
    pub clock: AtomicU64,
    /// How far the clock goes on each time that it is read.
    pub tick: u64,
    pub asymmetric: bool,
    pub patience: Strategy,
    pub notify: Box<dyn Fn(u32) -> u32 + 't>,
    pub sleep: Box<Sleep<'t>>,
    pub fence: Box<dyn Fn() -> bool + 't>,
    pub turn: Box<dyn Fn(&Self) + 't>,
}

impl Default for ByHand<'_> {
    fn default() -> Self {
        Self {
            clock: AtomicU64::new(0),
            tick: 0,
            asymmetric: false,
            patience: Strategy::block(),
            notify: Box::new(|_| 0),
            sleep: Box::new(|_, _, _, _| panic!("it sleeps")),
            fence: Box::new(|| true),
            turn: Box::new(|_| ()),
        }
    }
}

impl ByHand<'_> {
    /// Lets time pass.
    pub fn pass(&self, nanos: u64) {
        self.clock.fetch_add(nanos, Ordering::Relaxed);
    }

    /// Lets time pass until a deadline.
    pub fn pass_until(&self, until: Deadline) {
        self.clock.fetch_max(until.nanos(), Ordering::Relaxed);
    }
}

impl Notify for ByHand<'_> {
    fn notify(&self, _: &Word, count: u32) -> u32 {
        (self.notify)(count)
    }
    fn has_process_fence(&self) -> bool {
        self.asymmetric
    }
}

impl Wait for ByHand<'_> {
    fn now(&self) -> Deadline {
        Deadline::at(self.clock.fetch_add(self.tick, Ordering::Relaxed))
    }
    fn wait(&self, word: &Word, seen: u32, until: Deadline) {
        (self.sleep)(self, word, seen, until);
    }
    fn process_fence(&self) -> bool {
        (self.fence)()
    }
    fn yield_now(&self) {
        (self.turn)(self);
    }
    fn default_strategy(&self) -> Strategy {
        self.patience
    }
}

// --- tasks and their wakers

struct Hooks<W, D: Fn()>(W, D);

impl<W: Fn() + Send + Sync, D: Fn() + Send + Sync> Wake for Hooks<W, D> {
    fn wake(self: Arc<Self>) {
        (self.0)();
    }
}

impl<W, D: Fn()> Drop for Hooks<W, D> {
    fn drop(&mut self) {
        (self.1)();
    }
}

/// Returns a waker that calls `wake` when it is used, and `gone` when the last of it is dropped.
pub fn waker(wake: impl Fn() + Send + Sync + 'static, gone: impl Fn() + Send + Sync + 'static) -> Waker {
    Waker::from(Arc::new(Hooks(wake, gone)))
}

/// Returns a waker that panics when it is used.
pub fn rude() -> Waker {
    waker(|| resume_unwind(Box::new("rude")), || ())
}

/// Returns a waker that panics when the last of it is dropped.
pub fn sore() -> Waker {
    let gone = || {
        if !thread::panicking() {
            resume_unwind(Box::new("sore"));
        }
    };
    waker(|| (), gone)
}

/// Polls once, with a waker that is left with whoever has kept a clone of it.
pub fn poll_with<F: Future + Unpin>(waker: Waker, future: &mut F) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(&waker))
}

/// A task that is polled by hand, and counts how often it was woken.
#[derive(Default)]
pub struct Task(Arc<Wakes>);

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Task {
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns a task that waits for this future.
    pub fn waiting<F: Future + Unpin>(future: &mut F) -> Self {
        let task = Self::new();
        assert!(task.poll(future).is_pending());
        task
    }

    pub fn waker(&self) -> Waker {
        Waker::from(Arc::clone(&self.0))
    }

    pub fn poll<F: Future + Unpin>(&self, future: &mut F) -> Poll<F::Output> {
        poll_with(self.waker(), future)
    }

    pub fn with<R>(&self, poll: impl FnOnce(&mut Context<'_>) -> R) -> R {
        poll(&mut Context::from_waker(&self.waker()))
    }

    /// How often it was woken since it was last asked.
    pub fn wakes(&self) -> usize {
        self.0.0.swap(0, Ordering::SeqCst)
    }

    /// How many wakers of it there are.
    pub fn wakers(&self) -> usize {
        Arc::strong_count(&self.0) - 1
    }
}

/// The smallest executor there is.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let this = thread::current();
    let waker = waker(move || this.unpark(), || ());
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        thread::park();
    }
}
