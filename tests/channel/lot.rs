//! A platform for the builds without the feature `std`, in which the crate has none.

use std::sync::{Condvar, Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use annulet::wait::{Deadline, Notify, Wait, Word};

/// A platform where threads sleep, made of a lock and a condition variable.
#[derive(Debug)]
pub struct Lot {
    lock: Mutex<()>,
    changed: Condvar,
}

impl Lot {
    pub const fn new() -> Self {
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
