//! A strategy under way, step by step.

use core::time::Duration;

use super::Wait;
use super::strategy::{Rest, Strategy};

/// What to do before looking again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// Let the processor pause.
    Spin,
    /// Yield to other threads.
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
    /// Starts the strategy.
    #[must_use]
    pub const fn new(strategy: Strategy) -> Self {
        Self { strategy, taken: 0 }
    }

    /// Returns the next step.
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
            Step::Sleep(span) => wait.sleep_until(wait.now().plus(span)),
            Step::Block(_) => {}
        }
        step
    }
}

#[cfg(test)]
mod tests {
    use super::super::strategy::MAX_PAUSE;
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
        assert_eq!(steps(Strategy::block(), 3), [Step::Yield, Step::Block(None), Step::Block(None)]);
        assert_eq!(steps(Strategy::timed(nap), 2), [Step::Yield, Step::Block(Some(nap))]);
        assert_eq!(steps(Strategy::spin().after(0, 1), 2), [Step::Yield, Step::Spin]);
        assert_eq!(steps(Strategy::phased(0, 0), 1), [Step::Block(None)]);
        assert_eq!(Strategy::default(), Strategy::block());
    }

    /// A strategy that spins allows pauses of the processor, and no other one does.
    #[test]
    fn only_spins_allow_pauses() {
        for strategy in [Strategy::spin(), Strategy::phased(1, 0), Strategy::block().after(1, 1)] {
            assert_eq!(strategy.max_pause(), MAX_PAUSE, "{strategy:?}");
        }
        for strategy in [Strategy::block(), Strategy::yielding(), Strategy::phased(0, 9)] {
            assert_eq!(strategy.max_pause(), 0, "{strategy:?}");
        }
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
