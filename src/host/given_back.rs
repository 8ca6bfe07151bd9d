//! What a runner gives back: when it has stopped, when its handler has panicked, and when it could not be started.

use core::any::Any;
use core::fmt;
use std::boxed::Box;
use std::io;
use std::string::String;

use crate::channel::{ChannelRef, Receiver};

/// What a runner gives back.
pub struct Finished<C: ChannelRef, H> {
    /// The receiver. Whatever was sent after the runner stopped is still in its channel.
    pub receiver: Receiver<C>,
    /// The handler, with whatever it has kept.
    pub handler: H,
    /// How many items it has handled.
    pub processed: usize,
    /// How many items were overwritten before they were received.
    pub lagged: usize,
}

/// The handler has panicked, or what was called to receive its next item.
pub struct Panicked<C: ChannelRef> {
    /// The receiver, with all that was not given to the handler.
    pub receiver: Receiver<C>,
    /// How many items were handled before the panic.
    pub processed: usize,
    /// How many items were overwritten before they were received.
    pub lagged: usize,
    /// What it has panicked with.
    pub payload: Box<dyn Any + Send>,
}

/// There is no thread.
pub struct SpawnError<C: ChannelRef, H> {
    /// The receiver, as it was.
    pub receiver: Receiver<C>,
    /// The handler, as it was.
    pub handler: H,
    /// Why not.
    pub error: io::Error,
}

impl<C: ChannelRef> Panicked<C> {
    /// Returns what the panic said, if that is text.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        let text = self.payload.downcast_ref::<&str>().copied();
        text.or_else(|| self.payload.downcast_ref::<String>().map(String::as_str))
    }
}

impl<C: ChannelRef, H> fmt::Debug for Finished<C, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Finished")
            .field("processed", &self.processed)
            .field("lagged", &self.lagged)
            .finish_non_exhaustive()
    }
}

impl<C: ChannelRef> fmt::Debug for Panicked<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Panicked")
            .field("processed", &self.processed)
            .field("lagged", &self.lagged)
            .field("message", &self.message())
            .finish_non_exhaustive()
    }
}

impl<C: ChannelRef, H> fmt::Debug for SpawnError<C, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpawnError").field("error", &self.error).finish_non_exhaustive()
    }
}

impl<C: ChannelRef> fmt::Display for Panicked<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the handler panicked after {} items", self.processed)?;
        self.message().map_or(Ok(()), |message| write!(f, ": {message}"))
    }
}

impl<C: ChannelRef> core::error::Error for Panicked<C> {}

impl<C: ChannelRef, H> fmt::Display for SpawnError<C, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no thread was started: {}", self.error)
    }
}

impl<C: ChannelRef, H> core::error::Error for SpawnError<C, H> {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        Some(&self.error)
    }
}
