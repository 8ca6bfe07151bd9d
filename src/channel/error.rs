//! Why nothing was sent, or received.

use core::fmt;

use crate::error::{PopError, PushError};
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

impl<T> TrySendError<T> {
    /// The value that was refused.
    #[must_use]
    pub fn into_inner(self) -> T {
        match self {
            Self::Full(value) | Self::Pending(value) | Self::Contended(value) | Self::Closed(value) => value,
        }
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

impl<T> SendError<T> {
    /// The value that was refused.
    #[must_use]
    pub fn into_inner(self) -> T {
        match self {
            Self::Closed(value) | Self::Timeout(value) => value,
        }
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
    /// Others were faster at each of the tries: receivers, or the sender of a broadcast that overwrites.
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

const CLOSED: &str = "the channel is closed";
const TIMEOUT: &str = "timed out";

impl<T> fmt::Debug for TrySendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "Full(..)",
            Self::Pending(_) => "Pending(..)",
            Self::Contended(_) => "Contended(..)",
            Self::Closed(_) => "Closed(..)",
        })
    }
}

impl<T> fmt::Display for TrySendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "the channel is full",
            Self::Pending(_) => "the next slot is still being read",
            Self::Contended(_) => "other senders were faster each time",
            Self::Closed(_) => CLOSED,
        })
    }
}

impl<T> fmt::Debug for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed(_) => "Closed(..)",
            Self::Timeout(_) => "Timeout(..)",
        })
    }
}

impl<T> fmt::Display for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed(_) => CLOSED,
            Self::Timeout(_) => TIMEOUT,
        })
    }
}

/// What both ways to be told of lost items say.
fn lagged(f: &mut fmt::Formatter<'_>, count: u64) -> fmt::Result {
    write!(f, "{count} items were overwritten before they were read")
}

impl fmt::Display for TryRecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "the channel is empty",
            Self::Pending => "the next item is still being sent",
            Self::Contended => "others were faster each time",
            Self::Lagged(count) => return lagged(f, *count),
            Self::Closed => CLOSED,
        })
    }
}

impl fmt::Display for RecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => CLOSED,
            Self::Timeout => TIMEOUT,
            Self::Lagged(count) => return lagged(f, *count),
        })
    }
}

impl<T> core::error::Error for TrySendError<T> {}
impl<T> core::error::Error for SendError<T> {}
impl core::error::Error for TryRecvError {}
impl core::error::Error for RecvError {}
