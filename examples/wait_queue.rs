//! A channel over a wait queue as kernels have them: what a kernel supplies is the two impls below.
//!
//! The kernel is a small one: its tasks are threads of this process, blocked and unblocked by a scheduler that is made of
//! `std::thread::park`, and its queue is a list under a lock. Of annulet nothing is used that needs an operating system.
//!
//! `cargo run --features std --example wait_queue`

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::thread;

use annulet::channel::{Channel, RecvError};
use annulet::wait::{Deadline, Notify, Wait, Word};
use annulet::{Mpmc, Spsc};

/// What any kernel has already.
mod kernel {
    use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
    use std::thread::{self, Thread};
    use std::time::{Duration, Instant};

    /// Tasks that sleep, each for something that a number stands for.
    pub(super) struct WaitQueue(Mutex<Vec<(usize, Thread)>>);

    impl WaitQueue {
        pub(super) const fn new() -> Self {
            Self(Mutex::new(Vec::new()))
        }

        /// A kernel's is a spin lock, with interrupts off, if handlers are to wake somebody.
        fn lock(&self) -> MutexGuard<'_, Vec<(usize, Thread)>> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner)
        }

        /// Puts this task to sleep, if it still should, until it is woken or that much uptime. It is in the list before the
        /// lock is let go, under which it has looked: whoever changes what it has seen comes after that, and finds it.
        pub(super) fn sleep_if(&self, key: usize, should: impl FnOnce() -> bool, until: u64) {
            let this = thread::current();
            let mut list = self.lock();
            if !should() {
                return;
            }
            // A kernel links the tasks themselves, and needs no memory for that.
            list.push((key, this.clone()));
            drop(list);
            // If it was unblocked since, that does not block.
            thread::park_timeout(Duration::from_nanos(until.saturating_sub(uptime()).min(1 << 40)));
            // If its time has come before somebody has, it is in the list yet.
            self.lock().retain(|(_, task)| task.id() != this.id());
        }

        /// Wakes so many of those who sleep for that; how many there were.
        pub(super) fn wake(&self, key: usize, count: u32) -> u32 {
            let mut woken = 0;
            self.lock().retain(|(for_what, task)| {
                if *for_what != key || woken == count {
                    return true;
                }
                task.unpark();
                woken += 1;
                false
            });
            woken
        }

        pub(super) fn len(&self) -> usize {
            self.lock().len()
        }
    }

    /// Nanoseconds since the kernel was started.
    pub(super) fn uptime() -> u64 {
        static START: OnceLock<Instant> = OnceLock::new();
        u64::try_from(START.get_or_init(Instant::now).elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

static QUEUE: kernel::WaitQueue = kernel::WaitQueue::new();

// What the kernel supplies.

#[derive(Clone, Copy, Debug)]
struct Kernel;

impl Notify for Kernel {
    fn notify(&self, word: &Word, count: u32) -> u32 {
        QUEUE.wake(word.as_ptr().addr(), count)
    }
}

impl Wait for Kernel {
    fn now(&self) -> Deadline {
        Deadline::at(kernel::uptime())
    }
    fn wait(&self, word: &Word, seen: u32, until: Deadline) {
        QUEUE.sleep_if(word.as_ptr().addr(), || word.get() == seen, until.nanos());
    }
}

// And what it is for.

static JOBS: Channel<Mpmc<u32, 4>, Kernel> = Channel::over(Mpmc::new(), Kernel);
static SIGNS: Channel<Spsc<u32, 1>, Kernel> = Channel::over(Spsc::new(), Kernel);

const PRODUCERS: u32 = 3;
const JOBS_EACH: u32 = 2_000;
const WORKERS: usize = 4;

fn main() {
    let uptime = kernel::uptime();

    // Jobs: more than there is room for, so that both sides sleep, each on a queue that it shares with the other one.
    let done: Vec<AtomicU32> = (0..PRODUCERS * JOBS_EACH).map(|_| AtomicU32::new(0)).collect();
    let (tx, rx) = JOBS.try_split().expect("nobody has an end yet");
    thread::scope(|scope| {
        for producer in 0..PRODUCERS {
            let mut tx = tx.clone();
            scope.spawn(move || {
                for job in 0..JOBS_EACH {
                    tx.send(producer * JOBS_EACH + job).expect("there are workers");
                }
            });
        }
        drop(tx);
        for _ in 0..WORKERS {
            let (mut rx, done) = (rx.clone(), &done);
            scope.spawn(move || {
                for job in rx.iter() {
                    done[job as usize].fetch_add(1, Relaxed);
                }
            });
        }
        drop(rx);
    });
    assert!(done.iter().all(|times| times.load(Relaxed) == 1), "each job is done once");
    println!("{} jobs of {PRODUCERS} producers done by {WORKERS} workers", done.len());

    // A deadline: not before its time.
    let (mut tx, mut rx) = SIGNS.try_split().expect("nobody has an end yet");
    let until = Kernel.now().plus(std::time::Duration::from_millis(20));
    assert_eq!(rx.recv_deadline(until), Err(RecvError::Timeout));
    assert!(until.has_come(Kernel.now()));
    println!("no sign for 20 ms");

    // And the end, which wakes whoever sleeps.
    let sleeper = thread::spawn(move || (rx.recv(), rx.recv()));
    while QUEUE.len() == 0 {
        thread::yield_now();
    }
    tx.send(7).expect("there is somebody");
    while JOBS.waiting().receivers + SIGNS.waiting().receivers == 0 && !sleeper.is_finished() {
        thread::yield_now();
    }
    drop(tx);
    assert_eq!(sleeper.join().expect("no panic"), (Ok(7), Err(RecvError::Closed)));
    assert_eq!(QUEUE.len(), 0, "nobody is asleep any more");
    println!("a sign, and the end; nobody sleeps after {} ms", (kernel::uptime() - uptime) / 1_000_000);
}

/// The example is a test: what it says is asserted.
#[test]
fn runs() {
    main();
}
