//! What reading and joining can be refused for.

use crate::error::says;

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

says! { ReadError {
    Self::Empty => "nothing new is in the ring",
    Self::Lagged(missed) => "the writer overtook this reader: {missed} items are missed",
    Self::Contended => "the writer was faster at each try",
} }

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
says! { JoinError {
    Self::NoPlace => "every reader's place is taken",
    Self::Contended => "the writer was faster at each try",
} }
