//! What the models of waiting sleep with: a queue of sleepers under one lock, and wakers of tasks that are threads.

use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use annulet::wait::{Deadline, Notify, Strategy, Wait, Word};
use loom::sync::{Mutex, MutexGuard};
use loom::thread::{self, Thread};

/// Lets go of a lock, but not when a model has failed and its threads are unwound where they stand: loom is gone then.
struct Guard<'m, T>(ManuallyDrop<MutexGuard<'m, T>>);

fn lock<T>(mutex: &Mutex<T>) -> Guard<'_, T> {
    Guard(ManuallyDrop::new(mutex.lock().unwrap()))
}

impl<T> Drop for Guard<'_, T> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // SAFETY: dropped here only.
            unsafe { ManuallyDrop::drop(&mut self.0) };
        }
    }
}

impl<T> Deref for Guard<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for Guard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

/// Who sleeps.
struct Sleeper {
    /// On what.
    word: usize,
    number: usize,
    /// Who is to be woken; nobody if it has a deadline, which wakes it.
    thread: Option<Thread>,
}

#[derive(Default)]
struct Queue {
    sleepers: Vec<Sleeper>,
    /// How many there have been.
    count: usize,
}

/// Sleeps as a kernel does: the word is compared under the lock of the queue, and a sleep ends by a wake-up or by its
/// deadline, and for no other reason.
///
/// A deadline comes during the sleep that ends with it, at any moment of it: the sleeper lets go of the lock, and then
/// takes itself out of the queue unless somebody has done so before. The time is not loom's to watch: one thread of a
/// model has a deadline, and nobody else reads the clock.
pub struct Platform {
    queue: Mutex<Queue>,
    now: AtomicU64,
    /// Those whose time has come stay in the queue, and wake-ups are lost on them.
    forgetful: bool,
}

/// A deadline that comes while somebody sleeps.
pub const SOON: Deadline = Deadline::at(1);

impl Platform {
    pub fn new() -> Self {
        Self { queue: Mutex::new(Queue::default()), now: AtomicU64::new(0), forgetful: false }
    }

    /// One that loses wake-ups on those who have gone.
    pub fn forgetful() -> Self {
        Self { forgetful: true, ..Self::new() }
    }
}

fn address(word: &Word) -> usize {
    std::ptr::from_ref(word) as usize
}

impl Platform {
    /// Wakes up to `count` of those who sleep on this; how many.
    pub fn wake(&self, word: usize, count: u32) -> u32 {
        let mut queue = lock(&self.queue);
        let mut woken = 0;
        while woken < count {
            let Some(next) = queue.sleepers.iter().position(|one| one.word == word) else { break };
            if let Some(thread) = queue.sleepers.remove(next).thread {
                thread.unpark();
            }
            woken += 1;
        }
        woken
    }

    /// Sleeps on this, unless what it is has changed.
    pub fn sleep(&self, word: usize, is_as_seen: impl FnOnce() -> bool, until: Deadline) {
        let mut queue = lock(&self.queue);
        if !is_as_seen() {
            return;
        }
        queue.count += 1;
        let number = queue.count;
        let forever = until == Deadline::NEVER;
        let thread = forever.then(thread::current);
        queue.sleepers.push(Sleeper { word, number, thread });
        // Lets go of the lock and sleeps in one step: between this and `park`, loom switches to nobody.
        drop(queue);
        if forever {
            thread::park();
        } else {
            self.now.fetch_max(until.nanos(), Ordering::Relaxed);
            let mut queue = lock(&self.queue);
            queue.sleepers.retain(|one| self.forgetful || one.number != number);
        }
    }
}

impl Notify for Platform {
    fn notify(&self, word: &Word, count: u32) -> u32 {
        self.wake(address(word), count)
    }
}

impl Wait for Platform {
    fn now(&self) -> Deadline {
        Deadline::at(self.now.load(Ordering::Relaxed))
    }

    fn wait(&self, word: &Word, seen: u32, until: Deadline) {
        self.sleep(address(word), || word.get() == seen, until);
    }

    /// Asleep at once: each look more is many executions more, and shows nothing that the first does not.
    fn default_strategy(&self) -> Strategy {
        Strategy::phased(0, 0)
    }
}

/// A waker, and a thread that sleeps until it is used.
pub struct Bell(Mutex<State>);

enum State {
    Quiet,
    Rung,
    Awaited(Thread),
}

impl Bell {
    pub fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(State::Quiet)))
    }

    /// Sleeps until it has rung since the last time.
    pub fn wait(&self) {
        let mut state = lock(&self.0);
        if matches!(*state, State::Rung) {
            *state = State::Quiet;
            return;
        }
        *state = State::Awaited(thread::current());
        // As in `Platform::wait`.
        drop(state);
        thread::park();
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }
    fn wake_by_ref(self: &Arc<Self>) {
        let mut state = lock(&self.0);
        *state = match std::mem::replace(&mut *state, State::Quiet) {
            State::Awaited(thread) => {
                thread.unpark();
                State::Quiet
            }
            _ => State::Rung,
        };
    }
}

/// Polls until it is ready, asleep in between, with one waker, of which none is left then.
pub fn block_on<R>(mut poll: impl FnMut(&mut Context<'_>) -> Poll<R>) -> R {
    let bell = Bell::new();
    let waker = Waker::from(Arc::clone(&bell));
    loop {
        if let Poll::Ready(ready) = poll(&mut Context::from_waker(&waker)) {
            return ready;
        }
        bell.wait();
    }
}

/// Lends something to a play that joins its threads.
pub fn lent<T: 'static, R>(thing: T, play: impl FnOnce(&'static mut T) -> R) -> R {
    let thing = Box::into_raw(Box::new(thing));
    // SAFETY: it is alive until it is dropped below, and nobody else has it. If a model fails, it is leaked.
    let result = play(unsafe { &mut *thing });
    // SAFETY: it came from a box, and whoever `play` lent it to is gone.
    drop(unsafe { Box::from_raw(thing) });
    result
}
