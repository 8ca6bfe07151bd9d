//! What the tests share that need an operating system: a platform that sleeps in it, watchdogs, clocks.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use annulet::host::Futex;
use annulet::wait::{Deadline, Notify, ParkingLot, Strategy, Wait, Word};

/// Far beyond anything that should happen, so that a slow machine fails no test.
pub const SOON: Duration = Duration::from_secs(60);

/// Ends the process if the test that made it takes too long: a lost wake-up would hang.
pub struct Watchdog(#[allow(dead_code)] mpsc::Sender<()>);

impl Watchdog {
    pub fn new() -> Self {
        Self::of(SOON)
    }

    pub fn of(span: Duration) -> Self {
        let (stop, stopped) = mpsc::channel::<()>();
        let test = thread::current().name().unwrap_or("a test").to_owned();
        thread::spawn(move || {
            if stopped.recv_timeout(span) == Err(mpsc::RecvTimeoutError::Timeout) {
                eprintln!("{test} hangs: no end after {span:?}");
                std::process::exit(3);
            }
        });
        Self(stop)
    }
}

/// What a [`Probe`] waits by.
#[derive(Clone, Copy, Debug)]
pub enum Platform {
    Futex(Futex),
    ParkingLot(ParkingLot),
}

impl Platform {
    fn wait(&self) -> &dyn Wait {
        match self {
            Self::Futex(futex) => futex,
            Self::ParkingLot(lot) => lot,
        }
    }
}

thread_local! {
    /// What a new probe of this thread waits by.
    static PLATFORM: Cell<Platform> = const { Cell::new(Platform::Futex(Futex::new())) };
}

/// Waits by a platform, and counts.
#[derive(Clone, Debug)]
pub struct Probe(Arc<Counts>);

#[derive(Debug)]
struct Counts {
    platform: Platform,
    notifies: AtomicUsize,
    waits: AtomicUsize,
    asleep: AtomicUsize,
    spurious: AtomicBool,
}

impl Probe {
    pub fn new() -> Self {
        Self::over(PLATFORM.get())
    }

    /// New probes that `f` makes wait by this platform.
    pub fn with_new_over(platform: Platform, f: impl FnOnce()) {
        let before = PLATFORM.replace(platform);
        f();
        PLATFORM.set(before);
    }

    fn over(platform: Platform) -> Self {
        Self(Arc::new(Counts {
            platform,
            notifies: AtomicUsize::new(0),
            waits: AtomicUsize::new(0),
            asleep: AtomicUsize::new(0),
            spurious: AtomicBool::new(false),
        }))
    }

    /// Every wait returns at once from now on.
    pub fn set_spurious(&self, spurious: bool) {
        self.0.spurious.store(spurious, Relaxed);
    }

    /// System calls that were made to wake somebody.
    pub fn notifies(&self) -> usize {
        self.0.notifies.load(Relaxed)
    }

    /// Sleeps that were begun.
    pub fn waits(&self) -> usize {
        self.0.waits.load(Relaxed)
    }

    /// Waits until so many threads sleep.
    pub fn until_asleep(&self, count: usize) {
        let begun = Instant::now();
        while self.0.asleep.load(Relaxed) != count {
            assert!(begun.elapsed() < SOON, "{} instead of {count} sleep", self.0.asleep.load(Relaxed));
            thread::sleep(Duration::from_micros(50));
        }
        // They have said so a moment before.
        thread::sleep(Duration::from_millis(1));
    }
}

impl Notify for Probe {
    fn notify(&self, word: &Word, count: u32) -> u32 {
        self.0.notifies.fetch_add(1, Relaxed);
        self.0.platform.wait().notify(word, count)
    }
    fn has_process_fence(&self) -> bool {
        self.0.platform.wait().has_process_fence()
    }
}

impl Wait for Probe {
    fn now(&self) -> Deadline {
        self.0.platform.wait().now()
    }
    fn wait(&self, word: &Word, seen: u32, until: Deadline) {
        self.0.waits.fetch_add(1, Relaxed);
        if self.0.spurious.load(Relaxed) {
            return thread::yield_now();
        }
        self.0.asleep.fetch_add(1, Relaxed);
        self.0.platform.wait().wait(word, seen, until);
        self.0.asleep.fetch_sub(1, Relaxed);
    }
    fn process_fence(&self) -> bool {
        self.0.platform.wait().process_fence()
    }
    fn yield_now(&self) {
        thread::yield_now();
    }
    /// Asleep at once, so that tests can see it.
    fn default_strategy(&self) -> Strategy {
        Strategy::block()
    }
}

/// The processor time that this process has used.
pub fn processor_time() -> Duration {
    clock(rustix::time::ClockId::ProcessCPUTime)
}

/// The processor time that this thread has used.
pub fn thread_time() -> Duration {
    clock(rustix::time::ClockId::ThreadCPUTime)
}

fn clock(id: rustix::time::ClockId) -> Duration {
    let time = rustix::time::clock_gettime(id);
    Duration::new(time.tv_sec.try_into().unwrap(), time.tv_nsec.try_into().unwrap())
}

/// A number from the environment, for the long variants.
pub fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |value| value.parse().unwrap())
}

/// At most one item, which is asked for when the slot for it is taken, and comes when it is told to; how that is heard, and
/// told.
pub fn late(item: Option<u32>) -> (impl Iterator<Item = u32> + Send, mpsc::Receiver<()>, mpsc::Sender<()>) {
    let (begin, begun) = mpsc::channel();
    let (go, gone) = mpsc::channel::<()>();
    let comes = move || {
        begin.send(()).unwrap();
        gone.recv().unwrap();
        item
    };
    (std::iter::from_fn(comes).take(1), begun, go)
}
