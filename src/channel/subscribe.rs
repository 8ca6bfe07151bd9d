//! Receivers of a broadcast in a borrowed channel, made by its sender.

use super::broadcast::BroadcastChannel;
use super::{Receiver, Sender};
use crate::ring::broadcast::{Gated, JoinError, Overwrite};
use crate::stats::Stats;
use crate::wait::Wait;
use crate::words::Entry;

impl<'a, T: Entry, const N: usize, S: Stats, W: Wait, const TASKS: usize>
    Sender<&'a BroadcastChannel<T, N, Overwrite, S, W, TASKS>>
{
    /// Returns a receiver that begins with the next item.
    pub fn subscribe(&self) -> Receiver<&'a BroadcastChannel<T, N, Overwrite, S, W, TASKS>> {
        self.channel_ref().receiver_at_newest()
    }

    /// Returns a receiver that begins with the oldest item that is there.
    pub fn subscribe_at_oldest(&self) -> Receiver<&'a BroadcastChannel<T, N, Overwrite, S, W, TASKS>> {
        self.channel_ref().receiver_at_oldest()
    }
}

impl<'a, T: Entry, const N: usize, const R: usize, S: Stats, W: Wait, const TASKS: usize>
    Sender<&'a BroadcastChannel<T, N, Gated<R>, S, W, TASKS>>
{
    /// Returns a receiver that begins with the next item, and for which this sender waits.
    ///
    /// # Errors
    ///
    /// As for [`Broadcast::join_at_newest`](crate::Broadcast::join_at_newest).
    pub fn subscribe(
        &self,
    ) -> Result<Receiver<&'a BroadcastChannel<T, N, Gated<R>, S, W, TASKS>>, JoinError> {
        self.channel_ref().join_at_newest()
    }

    /// Returns a receiver that begins with the oldest item that is there, and for which this sender waits.
    ///
    /// # Errors
    ///
    /// As for [`Broadcast::join_at_oldest`](crate::Broadcast::join_at_oldest).
    pub fn subscribe_at_oldest(
        &self,
    ) -> Result<Receiver<&'a BroadcastChannel<T, N, Gated<R>, S, W, TASKS>>, JoinError> {
        self.channel_ref().join_at_oldest()
    }
}
