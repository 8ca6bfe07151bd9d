//! A platform made of a lock and a condition variable, and tasks that are polled by hand.

use std::future::Future;
use std::mem::ManuallyDrop;
use std::ops::DerefMut;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use annulet::wait::{Deadline, Notify, Wait, Word};
use annulet::{Channel, Mpmc};

/// Where threads sleep.
#[derive(Debug)]
pub(crate) struct Lot {
    lock: Mutex<()>,
    changed: Condvar,
}

impl Lot {
    pub(crate) const fn new() -> Self {
        Self { lock: Mutex::new(()), changed: Condvar::new() }
    }
}

fn uptime() -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    u64::try_from(START.get_or_init(Instant::now).elapsed().as_nanos()).unwrap_or(u64::MAX - 1)
}

impl Notify for Lot {
    fn notify(&self, _: &Word, _: u32) -> u32 {
        drop(self.lock.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_all();
        0
    }
}

impl Wait for Lot {
    fn now(&self) -> Deadline {
        Deadline::at(uptime())
    }
    fn wait(&self, word: &Word, seen: u32, until: Deadline) {
        let lock = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        if word.get() == seen {
            // A day is as good as never.
            let span = until.nanos().saturating_sub(uptime()).min(86_400_000_000_000);
            drop(self.changed.wait_timeout(lock, Duration::from_nanos(span)));
        }
    }
    fn yield_now(&self) {
        thread::yield_now();
    }
}

/// A channel whose both sides are many, over the platform above.
pub(crate) type Many<T, const N: usize, const TASKS: usize = 8> =
    Channel<Mpmc<T, N>, Lot, annulet::stats::Off, TASKS>;

pub(crate) fn many<T, const N: usize, const TASKS: usize>() -> Many<T, N, TASKS> {
    Channel::over(Mpmc::new(), Lot::new())
}

/// A task that is polled by hand, and counts how often it was woken.
#[derive(Default)]
pub(crate) struct Task(Arc<Wakes>);

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Task {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn waker(&self) -> Waker {
        Waker::from(Arc::clone(&self.0))
    }

    pub(crate) fn poll<F: Future + Unpin>(&self, future: &mut F) -> Poll<F::Output> {
        self.with(|context| pin!(future).poll(context))
    }

    pub(crate) fn with<R>(&self, poll: impl FnOnce(&mut Context<'_>) -> R) -> R {
        poll(&mut Context::from_waker(&self.waker()))
    }

    /// How often it was woken since it was last asked.
    pub(crate) fn wakes(&self) -> usize {
        self.0.0.swap(0, Ordering::SeqCst)
    }

    /// How many wakers of it there are.
    pub(crate) fn wakers(&self) -> usize {
        Arc::strong_count(&self.0) - 1
    }
}

struct Parked(Thread);

impl Wake for Parked {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// The smallest executor there is.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Parked(thread::current())));
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        thread::park();
    }
}

/// As much work as there is time for.
pub(crate) fn rounds(natively: usize) -> usize {
    if cfg!(miri) { 20 } else { natively }
}

/// Uses an end without the signal that its guard gives when it is dropped.
pub(crate) fn silently<G: DerefMut, R>(guard: G, f: impl FnOnce(&mut G::Target) -> R) -> R {
    f(&mut ManuallyDrop::new(guard))
}
