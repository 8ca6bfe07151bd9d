//! How near the two processors are to each other while something is measured.
//!
//! On a shared machine that changes within seconds, and throughput with it, several times over. So each
//! measurement stands between two short ping-pongs over bare atomics, and figures are compared only with figures
//! of the same regime.

use core::fmt;
use core::time::Duration;

use crate::measure::{Budget, Tight, round_trip};
use crate::rings::Bare;

/// The round trip, in nanoseconds, that parts near from far. Processors that share a cache are well below it,
/// processors that don't are above.
const BORDER: f64 = 200.0;
/// How many times longer one bracket may be than the other.
const AGREE: f64 = 1.5;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Regime {
    /// One thread: there is no distance.
    Alone,
    Near,
    Far,
}

impl Regime {
    /// The regime of a measurement between two brackets, if they agree on it.
    pub(crate) fn between(before: f64, after: f64) -> Option<Self> {
        let (less, more) = (before.min(after), before.max(after));
        if more > less * AGREE {
            None
        } else if more < BORDER {
            Some(Self::Near)
        } else if less >= BORDER {
            Some(Self::Far)
        } else {
            None
        }
    }
}

impl fmt::Display for Regime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Alone => f.write_str("one thread"),
            Self::Near => write!(f, "NEAR (bare round trip under {BORDER} ns)"),
            Self::Far => write!(f, "FAR (bare round trip over {BORDER} ns)"),
        }
    }
}

/// The bare round trip at this moment, in nanoseconds.
pub(crate) fn bracket() -> f64 {
    round_trip::<Bare, Tight>(Budget { time: Duration::from_millis(1), items: 0 }).value
}

#[cfg(test)]
mod tests {
    use super::Regime;

    #[test]
    fn brackets_that_disagree_have_no_regime() {
        assert_eq!(Regime::between(110.0, 120.0), Some(Regime::Near));
        assert_eq!(Regime::between(470.0, 450.0), Some(Regime::Far));
        assert_eq!(Regime::between(110.0, 470.0), None);
        assert_eq!(Regime::between(470.0, 110.0), None);
        assert_eq!(Regime::between(190.0, 210.0), None);
        assert_eq!(Regime::between(300.0, 500.0), None);
    }
}
