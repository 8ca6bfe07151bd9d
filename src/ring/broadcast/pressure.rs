//! How far behind a reader is.

/// How far a reader is behind the writer, and how far it may be: whole numbers, compared exactly.
///
/// # Examples
///
/// ```
/// let mut ring = annulet::Broadcast::<u32, 16>::new();
/// let (mut writer, ring) = ring.split();
/// let reader = ring.reader_at_oldest();
/// (0..13).for_each(|item| writer.publish(item));
/// let pressure = reader.backpressure();
/// assert_eq!((pressure.behind(), pressure.capacity(), pressure.percent()), (13, 16, 81));
/// assert!(pressure.is_under_pressure() && !pressure.should_throttle());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pressure {
    behind: usize,
    capacity: usize,
}

impl Pressure {
    /// Makes a pressure of `behind` items, at most `capacity`.
    pub(super) fn new(behind: usize, capacity: usize) -> Self {
        Self { behind: behind.min(capacity), capacity }
    }

    /// Returns how many items are published and not read, at most the capacity.
    #[must_use]
    pub const fn behind(self) -> usize {
        self.behind
    }

    /// Returns how many items the ring holds.
    #[must_use]
    pub const fn capacity(self) -> usize {
        self.capacity
    }

    /// Returns [`behind`](Self::behind) in hundredths of the capacity: `0..=100`. It is rounded down, and inexact if the
    /// capacity is above `usize::MAX / 100`.
    #[must_use]
    pub fn percent(self) -> u32 {
        // Large capacities lose their lowest bits, which are less than a hundredth.
        let (behind, capacity) = match self.behind.checked_mul(100) {
            Some(hundredfold) => (hundredfold, self.capacity),
            None => (self.behind, self.capacity / 100),
        };
        behind.checked_div(capacity).map_or(0, |percent| u32::try_from(percent).unwrap_or(100).min(100))
    }

    /// Returns true from 80 % on: the reader should hurry.
    #[must_use]
    pub const fn is_under_pressure(self) -> bool {
        // behind / capacity >= 4/5, without a product that could overflow.
        self.capacity - self.behind <= self.capacity / 5
    }

    /// Returns true from 90 % on: the writer should be slowed down, if there is a way.
    #[must_use]
    pub const fn should_throttle(self) -> bool {
        self.capacity - self.behind <= self.capacity / 10
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::Pressure;

    #[test]
    fn rr10_thresholds_are_exact() {
        for capacity in [1usize, 2, 4, 8, 16, 64, 128, 1024, 1 << 16] {
            for behind in (0..=capacity).step_by(if cfg!(miri) { capacity.div_ceil(20) } else { 1 }) {
                let pressure = Pressure::new(behind, capacity);
                assert_eq!(pressure.is_under_pressure(), 10 * behind >= 8 * capacity, "{pressure:?}");
                assert_eq!(pressure.should_throttle(), 10 * behind >= 9 * capacity, "{pressure:?}");
                assert_eq!(pressure.percent() as usize, 100 * behind / capacity, "{pressure:?}");
            }
        }
        assert_eq!(Pressure::new(9, 8), Pressure::new(8, 8));
    }

    #[test]
    fn rr10_no_product_overflows() {
        let half = usize::MAX / 2 + 1;
        for (behind, percent) in [(0, 0), (half / 2, 50), (half / 4 * 3, 75), (half - 1, 100), (half, 100)] {
            assert_eq!(Pressure::new(behind, half).percent(), percent, "{behind} of {half}");
        }
        assert!(Pressure::new(half, half).should_throttle());
        assert!(!Pressure::new(half / 4 * 3, half).is_under_pressure());
    }
}
