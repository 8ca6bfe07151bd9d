//! Sleeping in the kernel until a word changes.

use core::sync::atomic::AtomicU32;
use core::time::Duration;
use std::sync::OnceLock;
use std::thread;

use annulet_platform::{affinity, futex, membarrier};

use crate::wait::{Deadline, Notify, Strategy, Wait, Word};

/// Looks at full speed before a wait gives the processor away, where there is another one: they last somewhat longer than an
/// answer takes from a thread that runs there (640 ns, where a round trip takes 270 to 540).
const SPINS: u32 = 32;
/// Looks after each of which other threads run, before a wait sleeps. Where there are more threads than processors, what is
/// waited for is made by a thread that has none: by the time a spinning one gives up, its turn is over. And a sleep and its
/// wake-up cost each side two switches, for often a single item. With 1, 2, 4 and 8 senders on two processors, capacity 1024,
/// 500 spins and no yields made 9, 6, 4 and 4 Mops/s, and 32 spins and 32 yields 19, 39, 40 and 25, before ends kept away from
/// streams (`benches/peers`, acceptance, throughput). More spins made less, more yields no difference.
const YIELDS: u32 = 32;
/// What a thread sleeps at once where the kernel refuses to let it sleep on a word.
const POLL: Duration = Duration::from_millis(1);

/// Waiting by Linux futexes; the deadlines are of `CLOCK_MONOTONIC`.
///
/// | | between | a signaller, when nobody waits |
/// |---|---|---|
/// | [`new`](Self::new) | threads of one process | one load; whoever goes to sleep has the kernel fence for all (`membarrier`) |
/// | [`fenced`](Self::fenced) | threads of one process | a fence and a load |
/// | [`shared`](Self::shared) | processes that map the same memory, and trust each other | a fence and a load |
///
/// All who use one event use the same kind. Between processes that is one without seats for tasks, `Event<0>`: a waker is
/// of one process.
#[derive(Clone, Copy, Debug)]
pub struct Futex {
    scope: futex::Scope,
    asymmetric: bool,
}

impl Futex {
    /// Between threads of this process.
    #[must_use]
    pub const fn new() -> Self {
        Self { scope: futex::Scope::Private, asymmetric: true }
    }

    /// Between threads of this process, with a fence on either side: for those who sleep more often than they are
    /// signalled, and for futures.
    #[must_use]
    pub const fn fenced() -> Self {
        Self { scope: futex::Scope::Private, asymmetric: false }
    }

    /// Between processes.
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

/// The word as the kernel's interface wants it.
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
        static SPIN: OnceLock<u32> = OnceLock::new();
        Strategy::phased(*SPIN.get_or_init(|| if affinity::is_alone() { 0 } else { SPINS }), YIELDS)
    }
}

// Not in the builds that have no libc among what tests use.
#[cfg(all(test, not(any(loom, miri, annulet_narrow))))]
mod tests {
    use super::*;

    /// Signallers leave their fence out only where the kernel does it for them, and for threads of one process only.
    #[test]
    fn who_does_without_a_fence_has_the_kernel_do_it() {
        assert_eq!(Futex::new().has_process_fence(), membarrier::is_available());
        assert_eq!(Futex::default().has_process_fence(), membarrier::is_available());
        assert!(!Futex::fenced().has_process_fence());
        assert!(!Futex::shared().has_process_fence());
        assert_eq!(Futex::new().process_fence(), membarrier::is_available());
    }

    /// A fence that the kernel has not done is none.
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    #[test]
    fn a_fence_that_is_refused_is_not_claimed() {
        use super::super::port::tests::forbid;

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

    /// Where the kernel lets nobody sleep on a word, or not on this one, a wait takes a moment all the same.
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    #[test]
    fn h08_a_sleep_that_is_refused_is_no_spin() {
        use super::super::port::tests::forbid;
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

    /// A wait spins only where what it waits for can happen meanwhile, and sleeps in the end.
    #[test]
    fn a_wait_spins_then_yields_then_sleeps() {
        let spins = if affinity::is_alone() { 0 } else { SPINS };
        assert_eq!(Futex::new().default_strategy(), Strategy::phased(spins, YIELDS));
    }
}
