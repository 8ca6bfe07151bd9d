//! How to wait: looking again and again, giving the processor away, or asleep until woken.

use core::time::Duration;

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
    pub(super) spins: u32,
    pub(super) yields: u32,
    pub(super) rest: Rest,
}

/// For how many hints an end that may spin keeps away from a stream, at most. A hint is some 15 to 50 ns, an item of two
/// processors that are far from each other 100 ns if it is fetched alone: with up to 8 hints one sender and one receiver on two
/// Intel processors make 22 Mops/s, with 16 33, with 32 41 and with 64 69; without, 7 to 13 (`benches/peers`, acceptance).
pub(super) const MAX_PAUSE: u16 = 64;

/// Looks at full speed before a thread of an operating system gives the processor away, if there is another one. They last
/// 640 ns, somewhat longer than a thread that runs there takes to answer: a round trip takes 270 to 540.
#[cfg(hosted)]
const SPINS: u32 = 32;
/// Looks after each of which other threads run, before a wait sleeps. If there are more threads than processors, the thread that
/// is waited for may have none, and spinning keeps it from one. A sleep and its wake-up cost each side two switches, often for a
/// single item. With 1, 2, 4 and 8 senders on two processors, 500 spins and no yields made 9, 6, 4 and 4 Mops/s, and 32 spins
/// and 32 yields made 19, 39, 40 and 25 (`benches/peers`, acceptance, throughput, before ends kept away from streams). More
/// spins made less, more yields no difference.
#[cfg(hosted)]
const YIELDS: u32 = 32;

/// What is done once spins and yields are used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rest {
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

    /// Returns a strategy as [`block`](Self::block) that looks every `slice` anyway: for a peer that may fail to signal.
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

    /// How threads of an operating system wait: a short spin, unless there is one processor only, then some yields, then sleep.
    #[cfg(hosted)]
    pub(crate) const fn of_threads(is_uniprocessor: bool) -> Self {
        Self::phased(if is_uniprocessor { 0 } else { SPINS }, YIELDS)
    }

    /// For how many hints an end that waits in this way may keep away from a stream that it has caught up with. Where spins
    /// are of no use, as on a single processor, none.
    pub(crate) fn max_pause(self) -> u16 {
        if self.spins > 0 || self.rest == Rest::Spin { MAX_PAUSE } else { 0 }
    }

    /// Returns the same strategy after `spins` looks at full speed, and `yields` that give way in between.
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

#[cfg(all(test, hosted, not(loom)))]
mod tests {
    use super::*;

    /// A wait spins only if there is another processor, and sleeps in the end.
    #[test]
    fn a_thread_spins_then_yields_then_sleeps() {
        assert_eq!(Strategy::of_threads(false), Strategy::phased(SPINS, YIELDS));
        assert_eq!(Strategy::of_threads(true), Strategy::phased(0, YIELDS));
    }
}
