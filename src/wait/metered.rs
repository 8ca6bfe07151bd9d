//! A platform with a meter.

use core::time::Duration;

use super::latencies::Latencies;
use super::meter::{Meter, Role};
use super::{Deadline, Notify, Strategy, Wait, Word};
use crate::sync::const_fn;

/// A platform whose waits are counted: those of senders, and those of receivers.
///
/// For targets that have atomics of 64 bits.
///
/// ```
/// # #[cfg(feature = "std")] {
/// use annulet::{Channel, Spsc, host::Futex, wait::Metered};
/// use std::time::Duration;
///
/// static READINGS: Channel<Spsc<u32, 8>, Metered<Futex>> = Channel::new(Spsc::new(), Metered::new(Futex::new()));
///
/// let (_tx, mut rx) = READINGS.try_split().unwrap();
/// rx.recv_timeout(Duration::from_millis(1)).unwrap_err();
/// assert_eq!(READINGS.platform().receivers().summary().timeouts, 1);
/// assert_eq!(READINGS.platform().senders().summary().waits, 0);
/// # }
/// ```
#[derive(Debug, Default)]
#[repr(C)]
pub struct Metered<W> {
    wait: W,
    senders: Latencies,
    receivers: Latencies,
}

impl<W> Metered<W> {
    const_fn! {
        /// Makes the platform `wait` with meters.
        #[must_use]
        pub const fn new(wait: W) -> Self {
            Self { wait, senders: Latencies::new(), receivers: Latencies::new() }
        }
    }

    /// Returns the platform. Its own meter, if it has one, is told nothing.
    #[must_use]
    pub const fn inner(&self) -> &W {
        &self.wait
    }

    /// Returns what senders have waited for room.
    #[must_use]
    pub const fn senders(&self) -> &Latencies {
        &self.senders
    }

    /// Returns what receivers have waited for items.
    #[must_use]
    pub const fn receivers(&self) -> &Latencies {
        &self.receivers
    }
}

impl<W: Notify> Notify for Metered<W> {
    fn notify(&self, word: &Word, count: u32) -> u32 {
        self.wait.notify(word, count)
    }
    fn has_process_fence(&self) -> bool {
        self.wait.has_process_fence()
    }
}

impl<W: Wait> Wait for Metered<W> {
    fn now(&self) -> Deadline {
        self.wait.now()
    }
    fn after(&self, span: Duration) -> Deadline {
        self.wait.after(span)
    }
    fn sleep_until(&self, until: Deadline) {
        self.wait.sleep_until(until);
    }
    fn wait(&self, word: &Word, seen: u32, until: Deadline) {
        self.wait.wait(word, seen, until);
    }
    fn process_fence(&self) -> bool {
        self.wait.process_fence()
    }
    fn yield_now(&self) {
        self.wait.yield_now();
    }
    fn default_strategy(&self) -> Strategy {
        self.wait.default_strategy()
    }
    fn meter(&self, role: Role) -> Option<&dyn Meter> {
        Some(match role {
            Role::Sender => &self.senders,
            Role::Receiver => &self.receivers,
        })
    }
}
