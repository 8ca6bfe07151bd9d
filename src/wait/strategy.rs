//! How to wait: looking again and again, giving the processor away, or asleep until woken.

use core::time::Duration;

use super::{Deadline, Wait, Word};

/// How to wait: so many looks at full speed, then so many after giving the processor away, and then one way for good.
///
/// | | between looks | wakes up | costs |
/// |---|---|---|---|
/// | [`spin`](Self::spin) | a pause of the processor | at once | a processor |
/// | [`yielding`](Self::yielding) | others run | when it is our turn | a processor, if no other thread wants it |
/// | [`sleep`](Self::sleep) | sleeps a fixed time, and nobody wakes it | up to that late | the looks |
/// | [`block`](Self::block) | lets others run once, then sleeps until signalled | a wake-up late | nothing |
/// | [`timed`](Self::timed) | as `block`, and looks again after a time at the latest | likewise | the looks |
/// | [`phased`](Self::phased) | spins, then yields, then blocks | at once, if it does not take long | briefly a processor |
///
/// A deadline ends each of them.
///
/// ```
/// use annulet::wait::Strategy;
/// use core::time::Duration;
///
/// let latency = Strategy::spin();
/// let throughput = Strategy::block().after(100, 10); // looks 100 times, yields 10 times, and sleeps
/// let unsure = Strategy::timed(Duration::from_millis(10)); // asleep, but looks every 10 ms
/// # let _ = (latency, throughput, unsure);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Strategy {
    spins: u32,
    yields: u32,
    rest: Rest,
}

/// For how many hints an end that may spin keeps away from a stream, at most. A hint is some 15 to 50 ns, an item of two
/// processors that are far from each other 100 ns if it is fetched alone: with up to 8 hints one sender and one receiver on two
/// Intel processors make 22 Mops/s, with 16 33, with 32 41 and with 64 69; without, 7 to 13 (`benches/peers`, acceptance).
const AWAY: u16 = 64;

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

    // A thread that was woken has often been put in the place of the one that signalled it, with one item sent or one slot
    // freed. Given the processor back, that one goes on, and there are many by the next look: asleep at once, 8 senders to one
    // receiver on two processors make 32 Mops/s in place of 2, and one sender to 4 receivers 38 in place of 14 (`benches/peers`,
    // acceptance). A wake-up takes a hundred times as long as this.
    const fn blocking(slice: Option<Duration>) -> Self {
        Self { spins: 0, yields: 1, rest: Rest::Block(slice) }
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

    /// Lets others run once, and sleeps until signalled. [`phased(0, 0)`](Self::phased) sleeps at once.
    #[must_use]
    pub const fn block() -> Self {
        Self::blocking(None)
    }

    /// As [`block`](Self::block), and looks every `slice` anyway: for a peer that may fail to signal.
    #[must_use]
    pub const fn timed(slice: Duration) -> Self {
        Self::blocking(Some(slice))
    }

    /// Looks `spins` times at full speed, then `yields` times when it is its turn, then blocks.
    ///
    /// With spins (as with [`spin`](Self::spin)), an end of a ring's channel that has moved several items in a row and finds no
    /// more keeps away for a moment before it says so, also when it only tries: up to 64 pauses of the processor, and an
    /// eighth of the capacity, as long as that brings more items. The two ends of a busy channel then move many items at a time,
    /// and do not fight over each. An end that waits for one item at a time is not kept.
    #[must_use]
    pub const fn phased(spins: u32, yields: u32) -> Self {
        Self { spins, yields, rest: Rest::Block(None) }
    }

    /// For how many hints an end that waits in this way may keep away from a stream that it has caught up with. Where spins
    /// are of no use, as on a single processor, none.
    pub(crate) fn away(self) -> u16 {
        if self.spins > 0 || self.rest == Rest::Spin { AWAY } else { 0 }
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
            Step::Sleep(span) => sleep_until(wait, wait.now().plus(span)),
            Step::Block(_) => {}
        }
        step
    }
}

/// Sleeps until a deadline, on a word of its own.
pub(super) fn sleep_until(wait: &impl Wait, until: Deadline) {
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
            assert_eq!(strategy.away(), AWAY, "{strategy:?}");
        }
        for strategy in [Strategy::block(), Strategy::yielding(), Strategy::phased(0, 9)] {
            assert_eq!(strategy.away(), 0, "{strategy:?}");
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
