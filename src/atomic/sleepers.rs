//! The threads that wait for one event: how many there are, and how many of them no signal has called yet.

use crate::sync::{AtomicU32, Ordering, const_fn};

/// One more thread that waits.
const PRESENT: u32 = 1 << 16;
const LOW: u32 = PRESENT - 1;
/// How often a change is tried while other parties change the word.
const TRIES: usize = 64;

/// Counts threads in one word: `present` in the upper half, `uncalled` in the lower one.
///
/// A thread takes some microseconds from being called to being awake. Whatever is sent meanwhile is found by the look that
/// it then takes, so no signal in that time needs to call it again, which is a system call. So each thread is called once
/// for each sleep.
///
/// Which thread a call reaches is the platform's choice, so calls are not for one thread in particular: there are at least
/// as many `uncalled` as threads asleep that no call is on its way to, and at most as many as are present. A thread that
/// wakes, finds nothing, and sees by the epoch that there were calls since it last fell asleep, counts itself as uncalled
/// again, whether or not it was the one that was called. One call too many is a wake-up for nothing; one too few would be
/// lost.
#[derive(Debug)]
#[repr(transparent)]
pub(crate) struct Sleepers(AtomicU32);

impl Sleepers {
    const_fn! {
        pub(crate) const fn new() -> Self {
            Self(AtomicU32::new(0))
        }
    }

    #[cfg(all(test, not(loom)))]
    pub(crate) fn of(present: u32, uncalled: u32) -> Self {
        Self(AtomicU32::new(present * PRESENT + uncalled))
    }

    /// Changes the numbers of present and of uncalled threads, unless `change` does not want to, or other parties change them
    /// in between at each of a number of tries. Returns what was taken from the uncalled ones.
    ///
    /// `order` is that of the exchange: see [`again`](Self::again).
    fn change(&self, order: Ordering, change: impl Fn(u32, u32) -> Option<(u32, u32)>) -> Option<u32> {
        // Relaxed: a first guess.
        let mut now = self.0.load(Ordering::Relaxed);
        for _ in 0..TRIES {
            let (present, uncalled) = change(now / PRESENT, now & LOW)?;
            let uncalled = uncalled.min(present);
            // Relaxed, if it fails: a guess again.
            match self.0.compare_exchange(now, present * PRESENT + uncalled, order, Ordering::Relaxed) {
                Ok(_) => return Some((now & LOW).saturating_sub(uncalled)),
                Err(seen) => now = seen,
            }
        }
        None
    }

    /// Counts a thread in. Returns false if it is not counted: then no signal calls it, and it has to look from time to time.
    /// That is so for more than 65535. After it has observed the epoch that it is going to sleep on.
    ///
    /// Release: as for [`again`](Self::again).
    pub(crate) fn enter(&self) -> bool {
        self.change(Ordering::Release, |present, uncalled| {
            (present < LOW).then_some((present + 1, uncalled + 1))
        })
        .is_some()
    }

    /// Counts a thread out that was counted in.
    pub(crate) fn leave(&self) {
        // If it stays counted, threads are called for nothing. Relaxed: it sleeps no more, so that nothing is to be kept in
        // order with it; and what others have released stays released, since this is an exchange.
        self.change(Ordering::Relaxed, |present, uncalled| Some((present.saturating_sub(1), uncalled)));
    }

    /// Counts a thread as uncalled that may have been called. After it has observed the epoch that it is going to sleep on,
    /// and before the fence and the look that it takes before that.
    ///
    /// Release; pairs with the Acquire of [`call`](Self::call). If a call comes before this, this thread is counted after it.
    /// If it comes after this, it takes this thread for called, so the sleep must not begin: the epoch is advanced after the
    /// call, so the one that was observed before this is an earlier one. Without the two, a processor may do the load of the
    /// epoch after this, or advance it before the call. Then the thread sleeps on the epoch of a call that has been, and
    /// no call comes for it.
    ///
    /// loom does the steps of a thread one after the other, and has no load that sees a later store, so no model can fail
    /// without them.
    ///
    /// Returns false if it could not be counted: then it has to look from time to time.
    pub(crate) fn again(&self) -> bool {
        self.change(Ordering::Release, |present, uncalled| Some((present, uncalled + 1))).is_some()
    }

    /// Calls up to `count` threads. Returns how many are to be woken. Before the epoch is advanced.
    ///
    /// Acquire: see [`again`](Self::again).
    pub(crate) fn call(&self, count: u32) -> u32 {
        // A thread that is missed here has a fence still to pass, after which it sees what was signalled.
        let uncalled = self.0.load(Ordering::Relaxed) & LOW;
        if uncalled == 0 || count == 0 {
            return 0;
        }
        // If they stay counted as uncalled, they are called again for nothing.
        self.change(Ordering::Acquire, |present, uncalled| Some((present, uncalled.saturating_sub(count))))
            .unwrap_or(uncalled.min(count))
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn now(sleepers: &Sleepers) -> (u32, u32) {
        let now = sleepers.0.load(Ordering::Relaxed);
        (now / PRESENT, now & LOW)
    }

    /// A thread is called once for each sleep, however many signals come until it is awake.
    #[test]
    fn h15_a_thread_is_called_once_for_each_sleep() {
        let sleepers = Sleepers::new();
        assert!(sleepers.enter());
        assert_eq!([(); 3].map(|()| sleepers.call(1)), [1, 0, 0]);
        assert!(sleepers.again());
        assert_eq!([(); 2].map(|()| sleepers.call(u32::MAX)), [1, 0]);
        sleepers.leave();
        assert_eq!(now(&sleepers), (0, 0));
    }

    /// However often threads look again, no more calls are counted than there are threads.
    #[test]
    fn h15_no_more_are_uncalled_than_present() {
        let sleepers = Sleepers::new();
        assert!(sleepers.enter() && sleepers.enter());
        (0..9).for_each(|_| assert!(sleepers.again()));
        assert_eq!(now(&sleepers), (2, 2));
        sleepers.leave();
        assert_eq!(now(&sleepers), (1, 1), "the one that is left is still to be called");
        assert_eq!(sleepers.call(9), 1);
    }

    #[test]
    fn h16_too_many_threads_are_not_counted() {
        let sleepers = Sleepers::of(LOW - 1, 7);
        assert!(sleepers.enter());
        assert_eq!(now(&sleepers), (LOW, 8));
        assert!(!sleepers.enter());
        assert_eq!(now(&sleepers), (LOW, 8));
    }
}
