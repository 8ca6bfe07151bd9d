//! How threads of Linux wait: they sleep in the kernel until a word changes.

use core::sync::atomic::AtomicU32;
use core::time::Duration;
use std::sync::OnceLock;
use std::thread;

use annulet_platform::{affinity, futex, membarrier};

use crate::wait::{Deadline, Notify, Strategy, Wait, Word};

/// How long a thread sleeps at once if the kernel refuses to let it sleep on a word.
const POLL: Duration = Duration::from_millis(1);

/// Waits by Linux futexes, with deadlines of `CLOCK_MONOTONIC`.
///
/// | | between | a signal without waiters costs |
/// |---|---|---|
/// | [`new`](Self::new) | threads of one process | one load; a sleeper fences for all (`membarrier`) |
/// | [`fenced`](Self::fenced) | threads of one process | a fence and a load |
/// | [`shared`](Self::shared) | processes that map the same memory, and trust each other | a fence and a load |
///
/// All users of one event use the same kind. Between processes, tasks cannot wait, since a waker is of one process: use an
/// `Event<0>`.
///
/// # Examples
///
/// ```
/// use annulet::{Channel, Spsc, host::Futex};
///
/// static NUMBERS: Channel<Spsc<u32, 4>, Futex> = Channel::over(Spsc::new(), Futex::new());
///
/// let (mut tx, mut rx) = NUMBERS.try_split().unwrap();
/// let receiver = std::thread::spawn(move || rx.recv());
/// tx.send(7).unwrap();
/// assert_eq!(receiver.join().unwrap(), Ok(7));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Futex {
    scope: futex::Scope,
    asymmetric: bool,
}

impl Futex {
    /// Makes one for threads of this process.
    #[must_use]
    pub const fn new() -> Self {
        Self { scope: futex::Scope::Private, asymmetric: true }
    }

    /// Makes one for threads of this process, with a fence on either side.
    ///
    /// It is for waiters that sleep more often than they are signalled, and for futures.
    #[must_use]
    pub const fn fenced() -> Self {
        Self { scope: futex::Scope::Private, asymmetric: false }
    }

    /// Makes one for processes that map the same memory.
    #[must_use]
    pub const fn shared() -> Self {
        Self { scope: futex::Scope::Shared, asymmetric: false }
    }
}

impl Default for Futex {
    fn default() -> Self {
        Self::new()
    }
}

/// Returns the word as core's atomic, which the kernel's interface takes.
fn atomic(word: &Word) -> &AtomicU32 {
    // SAFETY:
    // - the pointer is of an atomic of 32 bits, so it is aligned and valid for reads and writes as long as the borrow
    //   lives, which the result has the lifetime of;
    // - all accesses to the word, everywhere, are atomic and of 32 bits.
    unsafe { AtomicU32::from_ptr(word.as_ptr()) }
}

impl Notify for Futex {
    fn notify(&self, word: &Word, count: u32) -> u32 {
        futex::wake(atomic(word), count, self.scope)
    }

    fn has_process_fence(&self) -> bool {
        self.asymmetric && membarrier::is_available()
    }
}

impl Wait for Futex {
    fn now(&self) -> Deadline {
        Deadline::now()
    }

    fn wait(&self, word: &Word, seen: u32, until: Deadline) {
        match futex::wait(atomic(word), seen, self.scope, until) {
            futex::Wake::Unsupported | futex::Wake::Fault => {
                thread::sleep(until.remaining().unwrap_or(POLL).min(POLL));
            }
            _ => {}
        }
    }

    fn process_fence(&self) -> bool {
        membarrier::fence()
    }

    fn yield_now(&self) {
        thread::yield_now();
    }

    /// A short spin, unless there is one processor only, then some yields, then sleep.
    fn default_strategy(&self) -> Strategy {
        static ALONE: OnceLock<bool> = OnceLock::new();
        Strategy::of_threads(*ALONE.get_or_init(affinity::is_uniprocessor))
    }
}

// Not in the builds that have no libc among what tests use.
#[cfg(all(test, not(any(loom, miri, annulet_narrow))))]
mod tests {
    use super::*;

    /// Signallers leave their fence out only if the kernel does it for them, and only for threads of one process.
    #[test]
    fn who_does_without_a_fence_has_the_kernel_do_it() {
        assert_eq!(Futex::new().has_process_fence(), membarrier::is_available());
        assert_eq!(Futex::default().has_process_fence(), membarrier::is_available());
        assert!(!Futex::fenced().has_process_fence());
        assert!(!Futex::shared().has_process_fence());
        assert_eq!(Futex::new().process_fence(), membarrier::is_available());
    }

    /// A fence that the kernel refuses does not count as done.
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    #[test]
    fn a_fence_that_is_refused_is_not_claimed() {
        use super::super::endpoint::tests::forbid;

        // Its answer, which never changes, is that of a thread that may ask.
        let available = membarrier::is_available();
        let claimed = thread::spawn(|| {
            forbid(libc::SYS_membarrier, libc::EPERM);
            (Futex::new().has_process_fence(), Futex::new().process_fence())
        });
        assert_eq!(claimed.join().unwrap(), (available, false));
    }

    #[test]
    fn who_notifies_learns_how_many_it_has_woken() {
        for futex in [Futex::new(), Futex::fenced(), Futex::shared()] {
            let word = Word::new();
            assert_eq!(futex.notify(&word, 1), 0);
            // Generous: only a test that fails meets it.
            let until = Deadline::after(Duration::from_secs(20));
            thread::scope(|scope| {
                scope.spawn(|| futex.wait(&word, 0, until));
                let mut woken = 0;
                while woken == 0 && !until.is_past() {
                    thread::yield_now();
                    woken = futex.notify(&word, 1);
                }
                assert_eq!(woken, 1, "{futex:?}");
            });
        }
    }

    /// If the kernel lets no thread sleep on a word, or not on this one, a wait takes a moment all the same.
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    #[test]
    fn h08_a_sleep_that_is_refused_is_no_spin() {
        use super::super::endpoint::tests::forbid;
        use std::time::Instant;

        for number in [libc::ENOSYS, libc::EFAULT] {
            let refused = thread::spawn(move || {
                forbid(libc::SYS_futex, number);
                let (word, begun) = (Word::new(), Instant::now());
                (0..20).for_each(|_| Futex::new().wait(&word, 0, Deadline::NEVER));
                begun.elapsed()
            });
            let took = refused.join().unwrap();
            assert!(took >= 20 * POLL, "{took:?}");
        }
    }

    /// A wait spins only if there is another processor, and sleeps in the end.
    #[test]
    fn a_wait_spins_then_yields_then_sleeps() {
        assert_eq!(Futex::new().default_strategy(), Strategy::of_threads(affinity::is_uniprocessor()));
    }
}
