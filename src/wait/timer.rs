//! The timer of one wait, for its meter.

use super::meter::{Outcome, Role, Waited};
use super::{Deadline, Wait};

/// A wait under way, if anything is to be told of it.
#[derive(Debug)]
pub(crate) struct WaitTimer {
    begun: Option<Deadline>,
    wakes: u32,
    spurious: u32,
    /// Woken, and not looked since.
    woken: bool,
}

impl WaitTimer {
    pub(crate) const NOT_YET: Self = Self { begun: None, wakes: 0, spurious: 0, woken: false };

    /// Begins now, if a meter is there.
    pub(super) fn begin(wait: &impl Wait, role: Option<Role>) -> Self {
        let meter = role.and_then(|role| wait.meter(role));
        Self { begun: meter.map(|_| wait.now()), ..Self::NOT_YET }
    }

    /// A sleep is over.
    pub(super) fn woke(&mut self) {
        self.wakes = self.wakes.saturating_add(1);
        self.woken = true;
    }

    /// There was nothing.
    pub(super) fn looked(&mut self) {
        if core::mem::take(&mut self.woken) {
            self.spurious = self.spurious.saturating_add(1);
        }
    }

    /// A task's poll has found nothing.
    pub(crate) fn pended(&mut self, wait: &impl Wait, role: Role) {
        if self.begun.is_some() {
            self.woke();
            self.looked();
        } else {
            *self = Self::begin(wait, Some(role));
        }
    }

    /// A task's wait is over, if it was one.
    pub(crate) fn settled(&mut self, wait: &impl Wait, role: Role, outcome: Outcome) {
        if outcome == Outcome::Found {
            // By the poll that has found it.
            self.woke();
        }
        core::mem::replace(self, Self::NOT_YET).end(wait, Some(role), outcome);
    }

    pub(super) fn end(&self, wait: &impl Wait, role: Option<Role>, outcome: Outcome) {
        if let (Some(begun), Some(meter)) = (self.begun, role.and_then(|role| wait.meter(role))) {
            let time = wait.now().since(begun);
            meter.record(&Waited { time, wakes: self.wakes, spurious: self.spurious, outcome });
        }
    }
}
