//! Ping-pong between threads: nobody sleeps through a message.
//!
//! Without `ANNULET_WAKES`, 20 000 round trips in which sleeps have no end but their wake, so that a lost one would hang.
//! With it, that many sleeps at least, in slices of 50 ms: a sleep that was ended by its timer, says the kernel, although
//! the message was sent and signalled before the timer's time, is a wake-up that was lost, and is counted. A thread that
//! was woken and is kept from the processor is none, however long that takes. A control that forgets to wake shows that
//! lost ones are seen, and one that omits a fence that the moment is met in which they are lost.

use std::hint;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Acquire, Ordering::Relaxed, Ordering::Release};
use std::thread;
use std::time::{Duration, Instant};

use annulet::channel::{RecvError, TryRecvError};
use annulet::host::Futex;
use annulet::wait::{Deadline, Metered, Notify, ParkingLot, Strategy, Wait, Word};
use annulet::{Channel, Spsc};
use annulet_platform::futex;

use crate::hosted::common::{SOON, Watchdog, number};

/// The longest sleep of the long variant.
pub const SLICE: Duration = Duration::from_millis(50);
const ROUND_TRIPS: u64 = 20_000;

/// One direction, as it is seen by who looks for lost wake-ups. All-zero memory is one in which nothing has happened.
#[derive(Debug, Default)]
#[repr(C)]
pub struct Watched {
    sent: AtomicU64,
    /// When the last one was, after its signal.
    sent_at: AtomicU64,
    received: AtomicU64,
    sleeps: AtomicU64,
    /// Sleeps that ended by their slice.
    slices: AtomicU64,
    lost: AtomicU64,
    /// The longest wait for a message, in nanoseconds.
    longest: AtomicU64,
}

impl Watched {
    /// After a message was sent and signalled.
    pub fn sent(&self) {
        self.sent_at.store(Deadline::now().nanos(), Relaxed);
        self.sent.fetch_add(1, Release);
    }

    /// Receives by `receive`, and notes how long it took.
    pub fn receive<R>(&self, receive: impl FnOnce() -> R) -> R {
        let begun = Instant::now();
        let received = receive();
        self.longest.fetch_max(u64::try_from(begun.elapsed().as_nanos()).unwrap(), Relaxed);
        self.received.fetch_add(1, Relaxed);
        received
    }

    /// What was until now was no wait to be judged by.
    pub fn forget_longest(&self) {
        self.longest.store(0, Relaxed);
    }

    pub fn sleeps(&self) -> u64 {
        self.sleeps.load(Relaxed)
    }
}

/// Sleeps by `futex`, and watches.
#[derive(Debug)]
pub struct Slices<'w> {
    futex: Futex,
    scope: futex::Scope,
    watched: &'w Watched,
    /// One of so many times, it does not wake; 0 is never.
    forgets: u64,
    notifies: AtomicU64,
    /// It does not do its half of the fence.
    unfenced: bool,
}

impl<'w> Slices<'w> {
    /// Between threads.
    fn threads(futex: Futex, watched: &'w Watched) -> Self {
        let (scope, notifies) = (futex::Scope::Private, AtomicU64::new(0));
        Self { futex, scope, watched, forgets: 0, notifies, unfenced: false }
    }

    /// Between processes.
    pub fn processes(watched: &'w Watched) -> Self {
        Self { scope: futex::Scope::Shared, ..Self::threads(Futex::shared(), watched) }
    }
}

impl Notify for Slices<'_> {
    fn notify(&self, word: &Word, count: u32) -> u32 {
        if self.forgets != 0 && self.notifies.fetch_add(1, Relaxed) % self.forgets == self.forgets - 1 {
            return 0;
        }
        self.futex.notify(word, count)
    }
    fn has_process_fence(&self) -> bool {
        self.futex.has_process_fence()
    }
}

impl Wait for Slices<'_> {
    fn now(&self) -> Deadline {
        self.futex.now()
    }
    fn wait(&self, word: &Word, seen: u32, until: Deadline) {
        let watched = self.watched;
        watched.sleeps.fetch_add(1, Relaxed);
        if until == Deadline::NEVER {
            return self.futex.wait(word, seen, until);
        }
        // As `Futex` does, which does not say how it ended.
        // SAFETY: the pointer is of an atomic of 32 bits, which lives as long as its borrow; all accesses are atomic.
        let atomic = unsafe { AtomicU32::from_ptr(word.as_ptr()) };
        if futex::wait(atomic, seen, self.scope, until) == futex::Wake::TimedOut {
            watched.slices.fetch_add(1, Relaxed);
            // Whoever was woken before the timer's time was not asleep any more when it came, and is told so.
            let there = watched.sent.load(Acquire) > watched.received.load(Relaxed);
            watched.lost.fetch_add((there && watched.sent_at.load(Relaxed) < until.nanos()).into(), Relaxed);
        }
    }
    fn process_fence(&self) -> bool {
        self.unfenced || self.futex.process_fence()
    }
}

/// How long it goes on, and how it sleeps.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Of both sides together; 0 if round trips are counted.
    sleeps: u64,
    pub strategy: Strategy,
}

impl Plan {
    pub fn get() -> Self {
        match number("ANNULET_WAKES", 0) {
            0 => Self { sleeps: 0, strategy: Strategy::block() },
            sleeps => Self { sleeps, strategy: Strategy::timed(SLICE) },
        }
    }

    /// A watchdog that lets it come to its end.
    pub fn watchdog(self) -> Watchdog {
        Watchdog::of(Duration::from_secs(60 + self.sleeps / 1_000))
    }

    /// Whether there is more to do after `trips` round trips.
    pub fn goes_on(self, trips: u64, there: &Watched, back: &Watched) -> bool {
        if self.sleeps == 0 { trips < ROUND_TRIPS } else { there.sleeps() + back.sleeps() < self.sleeps }
    }

    /// Says what was, and checks it.
    pub fn over(self, name: &str, trips: u64, begun: Instant, there: &Watched, back: &Watched) {
        let sum = |count: fn(&Watched) -> &AtomicU64| count(there).load(Relaxed) + count(back).load(Relaxed);
        let longest = Duration::from_nanos(there.longest.load(Relaxed).max(back.longest.load(Relaxed)));
        let (sleeps, slices, lost) = (sum(|w| &w.sleeps), sum(|w| &w.slices), sum(|w| &w.lost));
        println!(
            "{name}: {trips} round trips in {:.1?}, {sleeps} sleeps, longest wait {longest:?}, {slices} slices ended, \
             {lost} wakes lost",
            begun.elapsed()
        );
        assert_eq!(lost, 0, "wake-ups were lost");
        if self.sleeps == 0 {
            assert_eq!(slices, 0, "there was no slice to end");
            assert!(longest < Duration::from_secs(2), "the longest wait was {longest:?}");
        }
        assert!(sleeps > 0, "nobody ever slept");
    }
}

/// Lets some time pass, another each time, about as long as a wake-up takes: before a message, and before the wait for the
/// next one. So one side signals at each moment of the other one's falling asleep.
pub struct Jitter(u64);

impl Jitter {
    pub const fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    pub fn pause(&mut self) {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        // Every other time at once, otherwise for up to some microseconds.
        if self.0 & 1 == 0 {
            (0..self.0 >> 8 & 511).for_each(|_| hint::spin_loop());
        }
    }
}

/// Keeps this thread to one processor, so that it shares none with the other one; to any, if there is none of that number.
///
/// The kernel brings those together that wake each other, where they cannot meet in the moment that is looked for.
pub fn keep_to(processor: usize) {
    let mut set = rustix::thread::CpuSet::new();
    set.set(processor);
    let _ = rustix::thread::sched_setaffinity(None, &set);
}

fn ping_pong(name: &str, futex: Futex) {
    let plan = Plan::get();
    let _watchdog = plan.watchdog();
    let watched = (Watched::default(), Watched::default());
    let slices = |watched| Slices::threads(futex, watched);
    let (trips, begun) = play(plan, &watched, slices(&watched.0), slices(&watched.1));
    plan.over(name, trips, begun, &watched.0, &watched.1);
}

/// Ping-pong as planned; how many round trips, since when.
fn play<'w>(
    plan: Plan,
    watched: &'w (Watched, Watched),
    there: Slices<'w>,
    back: Slices<'w>,
) -> (u64, Instant) {
    type Way<'w> = Channel<Spsc<u64, 4>, Metered<Slices<'w>>>;
    let mut there = Way::over(Spsc::new(), Metered::new(there));
    let mut back = Way::over(Spsc::new(), Metered::new(back));
    let begun = Instant::now();
    let mut trips = 0;
    {
        let (mut tx, mut rx) = there.split();
        let (mut pong_tx, mut pong_rx) = back.split();
        rx.set_strategy(plan.strategy);
        pong_rx.set_strategy(plan.strategy);
        thread::scope(|scope| {
            scope.spawn(move || {
                keep_to(1);
                let mut jitter = Jitter::new(7);
                while let Ok(number) = watched.0.receive(|| rx.recv()) {
                    jitter.pause();
                    pong_tx.send(number + 1).unwrap();
                    watched.1.sent();
                    jitter.pause();
                }
            });
            keep_to(0);
            let mut jitter = Jitter::new(9);
            while plan.goes_on(trips, &watched.0, &watched.1) {
                tx.send(trips).unwrap();
                watched.0.sent();
                jitter.pause();
                assert_eq!(watched.1.receive(|| pong_rx.recv()), Ok(trips + 1));
                trips += 1;
                jitter.pause();
            }
            drop(tx);
        });
        assert_eq!(pong_rx.recv(), Err(RecvError::Closed));
        assert_eq!(pong_rx.try_recv(), Err(TryRecvError::Closed));
    }
    // The meters have seen what was seen here.
    let metered = [&there, &back].map(|way| way.platform().receivers().summary().wakes).iter().sum::<u64>();
    assert_eq!(metered, watched.0.sleeps() + watched.1.sleeps());
    (trips, begun)
}

#[test]
fn nx10_no_wake_is_lost_between_threads_by_the_kernels_fence() {
    ping_pong("threads, kernel's fence", Futex::new());
}

#[test]
fn nx10_no_wake_is_lost_between_threads_by_both_fences() {
    ping_pong("threads, both fences", Futex::fenced());
}

/// The control: a wake-up that is forgotten is a lost one, and is seen.
#[test]
fn nx10_control_forgets_to_wake() {
    let plan = Plan { sleeps: 3_000, strategy: Strategy::timed(SLICE) };
    let _watchdog = plan.watchdog();
    let watched = (Watched::default(), Watched::default());
    let back = Slices { forgets: 100, ..Slices::threads(Futex::new(), &watched.1) };
    play(plan, &watched, Slices::threads(Futex::new(), &watched.0), back);
    let lost = (watched.0.lost.load(Relaxed), watched.1.lost.load(Relaxed));
    println!("control: {} wakes lost of those that were forgotten", lost.1);
    assert_eq!(lost.0, 0, "none was forgotten on this way");
    assert!(lost.1 > 0, "lost wake-ups are not seen");
}

/// The other control, of the long variant: without the kernel's fence, wake-ups are lost where two processors meet in the
/// wrong moment, one time in ten thousand or a hundred thousand; and that is seen. So the moment is met.
#[test]
fn nx10_control_omits_the_fence() {
    let alone = thread::available_parallelism().is_ok_and(|processors| processors.get() == 1);
    if alone || !Futex::new().has_process_fence() {
        return println!("control without a fence: none here");
    }
    let long = number("ANNULET_WAKES", 0);
    let _watchdog = Watchdog::of(SOON * 10);
    let (mut sleeps, mut lost) = (0, 0);
    // As long as it takes. The short variant has no time for that, and sees only that it plays.
    while sleeps == 0 || lost == 0 && sleeps < long {
        let plan = Plan { sleeps: long.clamp(3_000, 100_000), strategy: Strategy::timed(SLICE) };
        let watched = (Watched::default(), Watched::default());
        let slices = |watched| Slices { unfenced: true, ..Slices::threads(Futex::new(), watched) };
        play(plan, &watched, slices(&watched.0), slices(&watched.1));
        sleeps += watched.0.sleeps() + watched.1.sleeps();
        lost += watched.0.lost.load(Relaxed) + watched.1.lost.load(Relaxed);
    }
    println!("control without a fence: {lost} wakes lost in {sleeps} sleeps");
    assert!(lost > 0 || long < 1_000_000, "the moment in which a wake-up is lost is not met");
}

/// Several on each side: each signal is for one of those who wait.
fn many_senders_and_receivers_over(wait: impl Wait + Sync, each: u64) {
    let channel = Channel::<annulet::Mpmc<u64, 4>, _>::over(annulet::Mpmc::new(), wait);
    let (tx, rx) = channel.try_split().unwrap();
    let total: u64 = thread::scope(|scope| {
        for _ in 0..4 {
            let mut tx = tx.clone().with_strategy(Strategy::phased(0, 0));
            scope.spawn(move || (0..each).for_each(|number| tx.send(number).unwrap()));
        }
        drop(tx);
        let takers: Vec<_> = (0..4)
            .map(|_| {
                let mut rx = rx.clone().with_strategy(Strategy::phased(0, 0));
                scope.spawn(move || rx.iter().sum::<u64>())
            })
            .collect();
        takers.into_iter().map(|taker| taker.join().unwrap()).sum()
    });
    assert_eq!(total, 4 * (0..each).sum::<u64>());
}

#[test]
fn rm07_many_senders_and_receivers_strand_nobody() {
    let _watchdog = Watchdog::new();
    many_senders_and_receivers_over(Futex::new(), 10_000);
    many_senders_and_receivers_over(Futex::fenced(), 10_000);
    many_senders_and_receivers_over(ParkingLot::new(), 10_000);
}

/// More channels than the table of a parking lot has buckets: threads of different channels sleep in one of them, and each
/// is woken for its own.
#[test]
fn rm07_a_stress_of_more_channels_than_buckets_strands_nobody() {
    type Way = Channel<Spsc<u64, 1>, ParkingLot>;
    const PAIRS: usize = 100;
    const TRIPS: u64 = 200;
    let _watchdog = Watchdog::new();
    let mut ways: Vec<_> =
        (0..PAIRS).map(|_| [(); 2].map(|()| Way::new(Spsc::new(), ParkingLot::new()))).collect();
    thread::scope(|scope| {
        for [there, back] in &mut ways {
            let ((tx, rx), (pong_tx, pong_rx)) = (there.split(), back.split());
            let strategy = Strategy::phased(0, 0);
            let (mut tx, mut rx) = (tx.with_strategy(strategy), rx.with_strategy(strategy));
            let (mut pong_tx, mut pong_rx) =
                (pong_tx.with_strategy(strategy), pong_rx.with_strategy(strategy));
            scope.spawn(move || {
                while let Ok(number) = rx.recv() {
                    pong_tx.send(number + 1).unwrap();
                }
            });
            scope.spawn(move || {
                for number in 0..TRIPS {
                    tx.send(number).unwrap();
                    assert_eq!(pong_rx.recv(), Ok(number + 1));
                }
            });
        }
    });
}
