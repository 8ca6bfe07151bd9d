//! Why reading or joining is refused.

use crate::error::says;

/// Why a reader that can be overtaken got no item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReadError {
    /// Nothing new was there at one point inside the call. The writer may have published since.
    Empty,
    /// The writer has overwritten so many items that this reader had not read. The reader goes on at the oldest one that
    /// is left.
    ///
    /// Each missed item is counted once, by one of these errors.
    Lagged(u64),
}

says! { ReadError {
    Self::Empty => "nothing new is in the ring",
    Self::Lagged(missed) => "the writer overtook this reader: {missed} items are missed",
} }

/// Why the newest item was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LatestError {
    /// Nothing was published yet, or the writer was overwriting everything there was.
    Empty,
    /// The writer overwrote each item that was tried while it was copied.
    Contended,
}

says! { LatestError {
    Self::Empty => "nothing is in the ring",
    Self::Contended => "the writer was faster at each try",
} }

/// Why a reader could not join those that the writer waits for.
#[cfg(compare_and_swap)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum JoinError {
    /// Every place for a reader is taken.
    NoPlace,
    /// At each of the tries, the writer overwrote the item that was to be read first, or other readers joined or left.
    Contended,
}

#[cfg(compare_and_swap)]
says! { JoinError {
    Self::NoPlace => "every reader's place is taken",
    Self::Contended => "the writer or other readers were faster at each try",
} }
