//! Why nothing was sent, or received.

use crate::error::{PopError, PushError, gives_back, says};
use crate::ring::broadcast::ReadError;

/// Why a value was not sent at once. It carries the value back.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TrySendError<T> {
    /// There is no room now.
    Full(T),
    /// The next slot is being read: one of several receivers is in the middle of it.
    Pending(T),
    /// Other senders were faster at each of the tries.
    Contended(T),
    /// It was closed, or all receivers are gone.
    Closed(T),
}

gives_back! { TrySendError {
    Full => "the channel is full",
    Pending => "the next slot is still being read",
    Contended => "other senders were faster each time",
    Closed => "the channel is closed",
} }

impl<T> TrySendError<T> {
    /// Returns true if there is no room now.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        matches!(self, Self::Full(_))
    }

    /// Returns true if nothing can be sent any more.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        matches!(self, Self::Closed(_))
    }
}

impl<T> From<PushError<T>> for TrySendError<T> {
    fn from(why: PushError<T>) -> Self {
        match why {
            PushError::Full(value) => Self::Full(value),
            PushError::Pending(value) => Self::Pending(value),
            PushError::Contended(value) => Self::Contended(value),
        }
    }
}

/// Why a value was not sent by a call that waits. It carries the value back.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SendError<T> {
    /// It was closed, or all receivers are gone.
    Closed(T),
    /// There was no room until the deadline.
    Timeout(T),
}

gives_back! { SendError {
    Closed => "the channel is closed",
    Timeout => "timed out",
} }

impl<T> SendError<T> {
    /// Returns true if nothing can be sent any more.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        matches!(self, Self::Closed(_))
    }

    /// Returns true if there was no room until the deadline.
    #[must_use]
    pub const fn is_timeout(&self) -> bool {
        matches!(self, Self::Timeout(_))
    }
}

/// Why nothing was received at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TryRecvError {
    /// Nothing is there now.
    Empty,
    /// The next item is being sent: one of several senders is in the middle of it.
    Pending,
    /// Other receivers were faster at each of the tries.
    Contended,
    /// This many items were overwritten before they were read. The next one is the oldest that is there.
    Lagged(u64),
    /// It was closed, or all senders are gone, and everything they had sent was received.
    Closed,
}

/// Why nothing was received by a call that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecvError {
    /// It was closed, or all senders are gone, and everything they had sent was received.
    Closed,
    /// Nothing came until the deadline.
    Timeout,
    /// This many items were overwritten before they were read. The next one is the oldest that is there.
    Lagged(u64),
}

impl From<PopError> for TryRecvError {
    fn from(why: PopError) -> Self {
        match why {
            PopError::Empty => Self::Empty,
            PopError::Pending => Self::Pending,
            PopError::Contended => Self::Contended,
        }
    }
}

impl From<ReadError> for TryRecvError {
    fn from(why: ReadError) -> Self {
        match why {
            ReadError::Empty => Self::Empty,
            ReadError::Lagged(count) => Self::Lagged(count),
        }
    }
}

says! { TryRecvError {
    Self::Empty => "the channel is empty",
    Self::Pending => "the next item is still being sent",
    Self::Contended => "other receivers were faster each time",
    Self::Lagged(count) => "{count} items were overwritten before they were read",
    Self::Closed => "the channel is closed",
} }

says! { RecvError {
    Self::Closed => "the channel is closed",
    Self::Timeout => "timed out",
    Self::Lagged(count) => "{count} items were overwritten before they were read",
} }
