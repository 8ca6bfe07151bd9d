//! A receiver that is told to stop by another thread.

use core::time::Duration;

use super::channel_ref::sealed::Attached as _;
use super::channel_ref::{ChannelRef, apart};
use super::end_traits::Quiet;
use super::end_traits::sealed::RecvEnd as _;
use super::guard::pay;
use super::receiver::{for_good, last};
use super::state::Condition;
use super::state::sealed::AnyChannel as _;
#[cfg(all(feature = "std", target_os = "linux"))]
use super::state::signal;
use super::{Receiver, RecvError, TryRecvError};
use crate::wait::{Attempt, Deadline, Strategy, TimedOut};

/// Has all waiting receivers look again.
#[cfg(all(feature = "std", target_os = "linux"))]
pub(crate) fn wake_receivers<C: ChannelRef>(channel: &C) {
    signal(channel.channel(), Condition::Data, u32::MAX);
}

impl<C: ChannelRef> Receiver<C> {
    /// Returns how many items were sent and not received: at least all that were before this was called.
    #[cfg(all(feature = "std", target_os = "linux"))]
    pub(crate) fn pending(&self) -> usize {
        self.rx.end().len()
    }

    /// Receives one item, waiting for it as long as `stop` returns false while nothing is there: then `None`. What is being sent at
    /// that moment is waited for.
    ///
    /// `stop` is called before each look. After a change of what it says, call
    /// [`Channel::wake_receivers`](super::Channel::wake_receivers), so that a receiver that sleeps asks it.
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv).
    ///
    /// ```
    /// # #[cfg(feature = "std")] {
    /// use annulet::{Channel, Mpsc, host::Futex};
    /// use std::sync::OnceLock;
    ///
    /// static JOBS: Channel<Mpsc<u32, 4>, Futex> = Channel::new(Mpsc::new(), Futex::new());
    /// static STOP: OnceLock<()> = OnceLock::new();
    ///
    /// let (_tx, mut rx) = JOBS.try_split().unwrap();
    /// let worker = std::thread::spawn(move || rx.recv_unless(|| STOP.get().is_some()));
    /// STOP.set(()).unwrap();
    /// JOBS.wake_receivers();
    /// assert_eq!(worker.join().unwrap(), Ok(None));
    /// # }
    /// ```
    pub fn recv_unless(&mut self, stop: impl Fn() -> bool) -> Result<Option<C::Item>, RecvError> {
        /// How long it sleeps at once when it is stopped.
        const GLANCE: Duration = Duration::from_millis(1);
        enum Unreceived {
            /// Nothing is there.
            Stopped,
            /// Something is on its way.
            Stopping,
            For(RecvError),
        }
        pay(&mut self.rx);
        let mut strategy = self.rx.membership().strategy;
        let (end, channel) = apart(&mut self.rx);
        // Its first look is counted, if there is nothing.
        let mut looked = false;
        let (item, slept) = loop {
            let glances = stop();
            if glances {
                strategy = Strategy::timed(GLANCE);
            }
            let mut look = || {
                // Before the look: what was sent before the stop is found.
                let stopped = stop();
                let mut end = Quiet::when(core::mem::replace(&mut looked, true), end);
                match last::<C, _>(&mut end, channel, C::RecvEnd::take) {
                    Ok(item) => Attempt::Ready(Ok(item)),
                    Err(TryRecvError::Empty) if stopped => Attempt::Ready(Err(Unreceived::Stopped)),
                    // If another receiver gets it, no signal tells this one that there is nothing.
                    Err(TryRecvError::Pending) if stopped && !glances => {
                        Attempt::Ready(Err(Unreceived::Stopping))
                    }
                    Err(TryRecvError::Contended) => Attempt::Retry,
                    Err(why) => {
                        for_good(why).map_or(Attempt::NotYet, |why| Attempt::Ready(Err(Unreceived::For(why))))
                    }
                }
            };
            let (received, slept) = match look() {
                Attempt::Ready(received) => (received, false),
                _ => channel
                    .wait(Condition::Data, strategy, Deadline::NEVER, look)
                    .map_err(|TimedOut| RecvError::Timeout)?,
            };
            match received {
                Ok(item) => break (item, slept),
                Err(Unreceived::Stopping) => {}
                Err(Unreceived::Stopped) => return Ok(None),
                Err(Unreceived::For(why)) => return Err(why),
            }
        };
        self.received(1, slept);
        Ok(Some(item))
    }
}
