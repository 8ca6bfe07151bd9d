//! How to wait: looking again and again, giving the processor away, or asleep until woken.

use core::time::Duration;

use super::{Deadline, Wait, Word};

/// How to wait: so many looks at full speed, then so many after giving the processor away, and then one way for good.
///
/// | | between looks | wakes up | costs |
/// |---|---|---|---|
/// | [`spin`](Self::spin) | a pause of the processor | at once | a processor |
/// | [`yielding`](Self::yielding) | others run | when it is our turn | a processor, if nobody else wants it |
/// | [`sleep`](Self::sleep) | sleeps a fixed time, and nobody wakes it | up to that late | the looks |
/// | [`block`](Self::block) | sleeps until signalled | a wake-up late | nothing |
/// | [`timed`](Self::timed) | as `block`, and looks again after a time at the latest | likewise | the looks |
/// | [`phased`](Self::phased) | spins, then yields, then blocks | at once, if it does not take long | briefly a processor |
///
/// A deadline ends each of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Strategy {
    spins: u32,
    yields: u32,
    rest: Rest,
}

/// What is done once spins and yields are used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rest {
    Spin,
    Yield,
    Sleep(Duration),
    Block(Option<Duration>),
}

impl Strategy {
    const fn only(rest: Rest) -> Self {
        Self { spins: 0, yields: 0, rest }
    }

    /// Looks again and again.
    #[must_use]
    pub const fn spin() -> Self {
        Self::only(Rest::Spin)
    }

    /// Looks whenever it is its turn.
    #[must_use]
    pub const fn yielding() -> Self {
        Self::only(Rest::Yield)
    }

    /// Looks every `nap`, which may be zero; signals do not wake it.
    #[must_use]
    pub const fn sleep(nap: Duration) -> Self {
        Self::only(Rest::Sleep(nap))
    }

    /// Sleeps until signalled.
    #[must_use]
    pub const fn block() -> Self {
        Self::only(Rest::Block(None))
    }

    /// Sleeps until signalled, and looks every `slice` anyway: for a peer that may fail to signal.
    #[must_use]
    pub const fn timed(slice: Duration) -> Self {
        Self::only(Rest::Block(Some(slice)))
    }

    /// Looks `spins` times at full speed, then `yields` times when it is its turn, then blocks.
    #[must_use]
    pub const fn phased(spins: u32, yields: u32) -> Self {
        Self { spins, yields, rest: Rest::Block(None) }
    }

    /// The same, but first `spins` looks at full speed and then `yields` when it is its turn.
    #[must_use]
    pub const fn after(self, spins: u32, yields: u32) -> Self {
        Self { spins, yields, rest: self.rest }
    }
}

impl Default for Strategy {
    /// [`block`](Self::block).
    fn default() -> Self {
        Self::block()
    }
}

/// What to do before looking again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// Let the processor pause.
    Spin,
    /// Let others run.
    Yield,
    /// Sleep that long.
    Sleep(Duration),
    /// Sleep until signalled, and no longer than that, if so.
    Block(Option<Duration>),
}

/// A [`Strategy`] under way: what to do next.
///
/// For loops of your own over something that no [`Event`](super::Event) belongs to; there, `Block` is to be taken as a
/// nap of your choice.
///
/// ```
/// use annulet::wait::{Backoff, Step, Strategy};
///
/// let mut backoff = Backoff::new(Strategy::phased(2, 1));
/// assert_eq!([(); 5].map(|()| backoff.step()), [
///     Step::Spin, Step::Spin, Step::Yield, Step::Block(None), Step::Block(None),
/// ]);
/// ```
#[derive(Clone, Debug)]
pub struct Backoff {
    strategy: Strategy,
    taken: u32,
}

impl Backoff {
    /// At its beginning.
    #[must_use]
    pub const fn new(strategy: Strategy) -> Self {
        Self { strategy, taken: 0 }
    }

    /// The next step.
    #[must_use]
    #[inline]
    pub fn step(&mut self) -> Step {
        let Strategy { spins, yields, rest } = self.strategy;
        let phases = spins.saturating_add(yields);
        if self.taken < phases {
            self.taken += 1;
            return if self.taken <= spins { Step::Spin } else { Step::Yield };
        }
        match rest {
            Rest::Spin => Step::Spin,
            Rest::Yield => Step::Yield,
            Rest::Sleep(nap) => Step::Sleep(nap),
            Rest::Block(slice) => Step::Block(slice),
        }
    }

    /// Starts from the beginning: something has come.
    pub fn reset(&mut self) {
        self.taken = 0;
    }

    /// Takes the next step, and says which. `Block` is taken as no step at all.
    #[inline]
    pub fn snooze(&mut self, wait: &impl Wait) -> Step {
        let step = self.step();
        match step {
            Step::Spin => core::hint::spin_loop(),
            Step::Yield => wait.yield_now(),
            Step::Sleep(span) => nap(wait, wait.now().plus(span)),
            Step::Block(_) => {}
        }
        step
    }
}

/// Sleeps until a deadline, on a word that nobody knows.
pub(super) fn nap(wait: &impl Wait, until: Deadline) {
    let word = Word::new();
    // It may return early.
    while !until.has_come(wait.now()) {
        wait.wait(&word, 0, until);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rm06_each_strategy_has_its_steps() {
        let nap = Duration::from_micros(3);
        let steps = |strategy: Strategy, count: usize| {
            let mut backoff = Backoff::new(strategy);
            (0..count).map(|_| backoff.step()).collect::<alloc::vec::Vec<_>>()
        };
        assert_eq!(steps(Strategy::spin(), 2), [Step::Spin; 2]);
        assert_eq!(steps(Strategy::yielding(), 2), [Step::Yield; 2]);
        assert_eq!(steps(Strategy::sleep(nap), 2), [Step::Sleep(nap); 2]);
        assert_eq!(steps(Strategy::block(), 2), [Step::Block(None); 2]);
        assert_eq!(steps(Strategy::timed(nap), 2), [Step::Block(Some(nap)); 2]);
        assert_eq!(steps(Strategy::spin().after(0, 1), 2), [Step::Yield, Step::Spin]);
        assert_eq!(steps(Strategy::phased(0, 0), 1), [Step::Block(None)]);
        assert_eq!(Strategy::default(), Strategy::block());
    }

    /// The number of steps taken does not overflow, nor does the sum of both phases.
    #[test]
    fn h16_phases_end_where_they_should() {
        let mut backoff = Backoff::new(Strategy::phased(u32::MAX, u32::MAX));
        backoff.taken = u32::MAX - 1;
        assert_eq!(backoff.step(), Step::Spin);
        assert_eq!(backoff.step(), Step::Block(None));
        assert_eq!(backoff.step(), Step::Block(None));
        backoff.reset();
        assert_eq!(backoff.step(), Step::Spin);
        let mut backoff = Backoff::new(Strategy::phased(1, 1));
        assert_eq!([(); 3].map(|()| backoff.step()), [Step::Spin, Step::Yield, Step::Block(None)]);
    }
}
