//! How threads of any operating system wait: by the locks of `std`.

use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;

use super::{Deadline, Notify, Strategy, Wait, Word};
use crate::cpu::CachePadded;

/// How many queues there are. A word belongs to one of them by its address.
const BUCKETS: usize = 64;

static TABLE: [CachePadded<Bucket>; BUCKETS] = [const { CachePadded(Bucket::new()) }; BUCKETS];

/// The queue of some words.
struct Bucket {
    queue: Mutex<Queue>,
    changed: Condvar,
}

/// The threads that sleep in a bucket.
struct Queue {
    count: usize,
    /// The address of the word that the first of them sleeps on.
    word: usize,
    /// Others may sleep on other words.
    mixed: bool,
}

impl Queue {
    const NONE: Self = Self { count: 0, word: 0, mixed: false };

    fn enter(&mut self, word: usize) {
        if self.count == 0 {
            *self = Self { word, ..Self::NONE };
        }
        self.mixed |= self.word != word;
        self.count += 1;
    }

    fn leave(&mut self) {
        self.count = self.count.saturating_sub(1);
    }
}

impl Bucket {
    const fn new() -> Self {
        Self { queue: Mutex::new(Queue::NONE), changed: Condvar::new() }
    }

    /// Returns the bucket of the word at this address.
    fn of(address: usize) -> &'static Self {
        // Knuth's multiplicative hash: the upper bits depend on all bits of the address.
        #[allow(clippy::cast_possible_truncation)] // the upper bits of 64 are less than the number of buckets
        let at = ((address as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - BUCKETS.ilog2())) as usize;
        &TABLE[at % BUCKETS].0
    }

    /// A thread that panics with the lock held has left nothing half done: each change under it is of one field after the
    /// other, without a call in between.
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sleep(&self, address: usize, until: Deadline, still: impl FnOnce() -> bool) {
        let mut queue = self.lock();
        if !still() {
            return;
        }
        queue.enter(address);
        let mut queue = match until.remaining() {
            None => self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner),
            Some(span) => self.changed.wait_timeout(queue, span).unwrap_or_else(PoisonError::into_inner).0,
        };
        queue.leave();
    }

    fn wake(&self, address: usize, count: u32) {
        let queue = self.lock();
        if queue.count == 0 || !queue.mixed && queue.word != address {
            return;
        }
        // If they sleep on several words, one that is woken may be one of another word.
        if queue.mixed || count as usize >= queue.count {
            self.changed.notify_all();
        } else {
            (0..count).for_each(|_| self.changed.notify_one());
        }
    }
}

/// Waits by the locks and the clock of `std`: for threads of one process, on each system that has them.
///
/// Use it where there is no `host::Futex`: on macOS, Windows, the BSDs. It works on Linux, too, where `Futex` is faster:
/// a signal without waiters needs no fence there. Both use the same clock, that of [`Deadline::now`].
///
/// It has no state. All channels of a process share one static table of locks and condition variables, where a word is found
/// by its address. So if many channels wait at once, a thread may wake up for another channel's signal, and sleep again.
///
/// # Guarantees
///
/// | | |
/// |---|---|
/// | a wake-up | is never lost: a thread compares the word under the lock that each signal takes after its change |
/// | memory | allocates nothing; the locks of some systems do, when each is first used |
/// | a panic | poisons nothing: a lock is held for a few loads and stores, and for no code of yours |
/// | processes | of one process only: for shared memory, there is `host::Futex::shared` |
/// | signal handlers | must not signal: they might interrupt a thread that holds the lock |
///
/// # Examples
///
/// ```
/// use annulet::{Channel, Spsc, wait::ParkingLot};
///
/// static NUMBERS: Channel<Spsc<u32, 4>, ParkingLot> = Channel::new(Spsc::new(), ParkingLot::new());
///
/// let (mut tx, mut rx) = NUMBERS.try_split().unwrap();
/// let receiver = std::thread::spawn(move || rx.recv());
/// tx.send(7).unwrap();
/// assert_eq!(receiver.join().unwrap(), Ok(7));
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct ParkingLot(());

impl ParkingLot {
    /// Makes one. All are alike.
    #[must_use]
    pub const fn new() -> Self {
        Self(())
    }
}

fn address(word: &Word) -> usize {
    word.as_ptr().addr()
}

impl Notify for ParkingLot {
    /// Returns 0: it does not know which of those that it wakes had been woken before.
    fn notify(&self, word: &Word, count: u32) -> u32 {
        Bucket::of(address(word)).wake(address(word), count);
        0
    }
}

impl Wait for ParkingLot {
    fn now(&self) -> Deadline {
        Deadline::now()
    }

    fn wait(&self, word: &Word, seen: u32, until: Deadline) {
        Bucket::of(address(word)).sleep(address(word), until, || word.get() == seen);
    }

    fn yield_now(&self) {
        thread::yield_now();
    }

    /// A short spin, unless there is one processor only, then some yields, then sleep.
    fn default_strategy(&self) -> Strategy {
        static ALONE: OnceLock<bool> = OnceLock::new();
        let alone = || thread::available_parallelism().is_ok_and(|processors| processors.get() == 1);
        Strategy::of_threads(*ALONE.get_or_init(alone))
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use core::time::Duration;
    use std::vec::Vec;

    use super::*;

    /// The tests count who sleeps in a bucket, so one runs at a time: there is one table.
    fn turn() -> MutexGuard<'static, ()> {
        static TURN: Mutex<()> = Mutex::new(());
        TURN.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Generous: only a test that fails meets it.
    fn soon() -> Deadline {
        Deadline::after(Duration::from_secs(20))
    }

    /// Waits until so many threads sleep in the bucket of this word.
    fn until_asleep(word: &Word, count: usize) {
        let until = soon();
        while Bucket::of(address(word)).lock().count != count {
            assert!(!until.is_past(), "they do not sleep");
            thread::yield_now();
        }
    }

    /// Two words of one bucket.
    fn two_of_a_bucket(words: &[Word]) -> (&Word, &Word) {
        let bucket = |word| core::ptr::from_ref(Bucket::of(address(word)));
        let pairs = words.iter().flat_map(|one| words.iter().map(move |two| (one, two)));
        let mut pairs = pairs.filter(|(one, two)| address(one) < address(two));
        pairs.find(|(one, two)| bucket(one) == bucket(two)).expect("there are more words than buckets")
    }

    /// A signal for one of two words that share a bucket wakes a sleeper of its own word, whichever slept first.
    #[test]
    fn rm07_words_that_share_a_bucket_lose_no_wake_up() {
        let _turn = turn();
        let words: Vec<_> = (0..=BUCKETS).map(|_| Word::new()).collect();
        let (one, two) = two_of_a_bucket(&words);
        for (first, second) in [(one, two), (two, one)] {
            thread::scope(|scope| {
                let sleep = |word| move || ParkingLot::new().wait(word, word.get(), Deadline::NEVER);
                scope.spawn(sleep(first));
                until_asleep(one, 1);
                // No thread sleeps on this word, so none is woken.
                ParkingLot::new().notify(second, 1);
                assert_eq!(Bucket::of(address(one)).lock().count, 1);
                let other = scope.spawn(sleep(second));
                until_asleep(one, 2);
                second.advance();
                ParkingLot::new().notify(second, 1);
                other.join().expect("it is woken");
                first.advance();
                ParkingLot::new().notify(first, 1);
            });
        }
    }

    /// Of five that sleep on one word, two signals wake two.
    #[test]
    fn a_signal_wakes_as_many_as_it_is_for() {
        let _turn = turn();
        let (word, awake) = (Word::new(), Mutex::new(0));
        thread::scope(|scope| {
            for _ in 0..5 {
                scope.spawn(|| {
                    ParkingLot::new().wait(&word, 0, Deadline::NEVER);
                    *awake.lock().unwrap() += 1;
                });
            }
            until_asleep(&word, 5);
            word.advance();
            ParkingLot::new().notify(&word, 2);
            until_asleep(&word, 3);
            ParkingLot::new().notify(&word, u32::MAX);
        });
        assert_eq!(awake.into_inner().unwrap(), 5);
    }

    #[test]
    fn nx11_a_sleep_ends_at_its_deadline_and_never_sleeps_on_a_word_that_has_changed() {
        let _turn = turn();
        let (lot, word, span) = (ParkingLot::new(), Word::new(), Duration::from_millis(20));
        let until = lot.now().plus(span);
        while !until.has_come(lot.now()) {
            lot.wait(&word, 0, until);
        }
        lot.wait(&word, 0, Deadline::at(0));
        lot.wait(&word, 1, Deadline::NEVER);
        assert_eq!(Bucket::of(address(&word)).lock().count, 0);
    }

    /// A lock that a panic has poisoned is as good as any.
    #[test]
    fn d19_a_panic_with_the_lock_held_poisons_nothing() {
        let _turn = turn();
        let word = Word::new();
        let bucket = Bucket::of(address(&word));
        thread::scope(|scope| {
            let panics = scope.spawn(|| {
                let _lock = bucket.lock();
                std::panic::resume_unwind(std::boxed::Box::new("with the lock held"));
            });
            assert!(panics.join().is_err() && bucket.queue.is_poisoned());
            let sleeper = scope.spawn(|| ParkingLot::new().wait(&word, 0, Deadline::NEVER));
            until_asleep(&word, 1);
            word.advance();
            ParkingLot::new().notify(&word, 1);
            sleeper.join().expect("it is woken");
        });
    }
}
