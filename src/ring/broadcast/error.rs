//! What reading and joining can be refused for.

use core::fmt;

/// Why a reader that can be overtaken got no item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReadError {
    /// Nothing new was there at one point inside the call; the writer may have published since.
    Empty,
    /// The writer has overwritten so many items that this reader has not read. It now stands at the oldest one that
    /// was left.
    ///
    /// Each missed item is counted once, whether by one of these errors or by several.
    Lagged(u64),
    /// [`latest`](super::Reader::latest) only: each item that it tried was overwritten while it was copied.
    Contended,
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("nothing new is in the ring"),
            Self::Lagged(missed) => write!(f, "the writer overtook this reader: {missed} items are missed"),
            Self::Contended => f.write_str("the writer was faster at each try"),
        }
    }
}

impl core::error::Error for ReadError {}

/// Why nobody could join the readers that the writer waits for.
#[cfg(compare_and_swap)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum JoinError {
    /// As many readers are there as there are places.
    NoPlace,
    /// The writer took back what was to be read first at each of the tries.
    Contended,
}

#[cfg(compare_and_swap)]
impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoPlace => f.write_str("every reader's place is taken"),
            Self::Contended => f.write_str("the writer was faster at each try"),
        }
    }
}

#[cfg(compare_and_swap)]
impl core::error::Error for JoinError {}
