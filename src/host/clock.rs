//! The clock of everything here that waits: `CLOCK_MONOTONIC`.

use annulet_platform::clock;

use crate::wait::Deadline;

impl Deadline {
    /// Returns this instant.
    pub(crate) fn of_the_system() -> Self {
        Self::at(clock::now())
    }
}
