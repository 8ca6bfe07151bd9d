//! Several items received at once.

use core::time::Duration;

use super::channel_ref::{ChannelRef, apart};
use super::end_traits::Quiet;
use super::end_traits::sealed::RecvEnd as _;
use super::error::{RecvError, TryRecvError};
use super::receiver::{Receiver, for_good, once_more};
use super::state::sealed::AnyChannel as _;
use super::state::{Condition, SignalOnDrop, signal};
use crate::wait::Deadline;

impl<C: ChannelRef> Receiver<C> {
    /// Moves at least one item and at most `max`, those that are there, into `f`. Returns how many. Waits for the first one.
    ///
    /// If `f` panics, what becomes of the items is the ring's business: see its `drain`.
    ///
    /// The slots of the items become free together, when this returns. So `f` must not wait for room in the same channel:
    /// if that is full, `try_send` in `f` says `Full`, and `send` would wait for this very call.
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv). `max` 0 is `Ok(0)` at once.
    ///
    /// ```
    /// # #[cfg(feature = "std")] {
    /// use annulet::{Channel, Spsc, host::Futex};
    ///
    /// let mut channel = Channel::new(Spsc::<u32, 4>::new(), Futex::new());
    /// let (mut tx, mut rx) = channel.split();
    /// tx.send_iter(&mut (1..4)).unwrap();
    /// let mut sum = 0;
    /// assert_eq!(rx.drain(8, |number| sum += number), Ok(3));
    /// assert_eq!(sum, 6);
    /// # }
    /// ```
    pub fn drain(&mut self, max: usize, f: impl FnMut(C::Item)) -> Result<usize, RecvError> {
        self.drain_deadline(max, Deadline::NEVER, f)
    }

    /// As [`drain`](Self::drain), waiting for up to `span`.
    ///
    /// # Errors
    ///
    /// [`RecvError`].
    pub fn drain_timeout(
        &mut self,
        max: usize,
        span: Duration,
        f: impl FnMut(C::Item),
    ) -> Result<usize, RecvError> {
        let until = self.channel().after(span);
        self.drain_deadline(max, until, f)
    }

    /// As [`drain`](Self::drain), waiting until `until`.
    ///
    /// # Errors
    ///
    /// [`RecvError`].
    pub fn drain_deadline(
        &mut self,
        max: usize,
        until: Deadline,
        mut f: impl FnMut(C::Item),
    ) -> Result<usize, RecvError> {
        match self.try_drain(max, &mut f) {
            Ok(count) => Ok(count),
            Err(why) => match for_good(why) {
                Some(why) => Err(why),
                None => self.wait_and(until, |end| end.take_each(max, &mut f)),
            },
        }
    }

    /// Drops the items that are there now, in their slots. Returns how many: of a broadcast, also those that were missed.
    ///
    /// ```
    /// # #[cfg(feature = "std")] {
    /// use annulet::channel::{TrySendError, spsc};
    ///
    /// let (mut tx, mut rx) = spsc(2);
    /// tx.send_iter(&mut (0..2)).unwrap();
    /// assert_eq!(tx.try_send(2), Err(TrySendError::Full(2)));
    /// assert_eq!(rx.clear(), 2);
    /// tx.try_send(2).unwrap();
    /// # }
    /// ```
    pub fn clear(&mut self) -> usize {
        let (end, channel) = apart(&mut self.rx);
        // Also if the drop of an item panics: some of them have made room.
        let _room = SignalOnDrop(channel, Condition::Room, u32::MAX);
        end.clear()
    }

    /// Gives up to `max` items that are there now to `f`, one after the other. Returns how many. Their room is made, and
    /// told to senders, when this returns: see [`drain`](Self::drain) for what `f` must not do.
    ///
    /// # Errors
    ///
    /// [`TryRecvError`], if there was not one.
    pub fn try_drain(&mut self, max: usize, mut f: impl FnMut(C::Item)) -> Result<usize, TryRecvError> {
        let (end, channel) = apart(&mut self.rx);
        // If `f` panics: what it has taken has made room.
        let room = SignalOnDrop(channel, Condition::Room, u32::MAX);
        let taken = match end.take_each(max, &mut f) {
            Err(why) => {
                once_more::<C, _>(&mut Quiet::of(end), channel, why, |end| end.take_each(max, &mut f))
            }
            done => done,
        };
        core::mem::forget(room);
        let count = taken?;
        if count > 0 {
            signal(channel, Condition::Room, C::RecvEnd::wakes(count));
        }
        Ok(count)
    }
}
