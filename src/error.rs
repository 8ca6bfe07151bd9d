//! Different things are different errors.
//!
//! | error | says | what to do |
//! |---|---|---|
//! | [`PushError::Full`] | no slot is free now | wait for the consumer |
//! | [`PopError::Empty`] | nothing is in the ring now | wait for the producer |
//! | `Pending` | the next slot is another party's, who is in the middle of it | try again soon |
//! | `Contended` | other parties were faster at each of the tries | try again |
//! | [`ClaimError::TooLarge`], [`GrantError::TooLarge`] | it can never fit | split the message |
//! | [`GrantError::TooFew`] | not that many items are there now | wait for the producer |
//!
//! Errors that belong to one module live there: [`LinkError`](crate::link::LinkError),
//! [`CapError`](crate::cap::CapError), [`DescriptorError`](crate::region::DescriptorError) and their kin. All are
//! small, `non_exhaustive`, without strings or allocation, implement [`core::error::Error`], and give back what
//! they refused.

use core::fmt;

/// Why a value was not pushed. It carries the value back.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PushError<T> {
    /// Every slot is taken. It was true at one point inside the call; the consumer may have made room since.
    Full(T),
    /// The next slot is being read: one of several consumers has claimed its item, and not given the slot back yet.
    Pending(T),
    /// Other producers were faster at each of the tries.
    Contended(T),
}

impl<T> PushError<T> {
    /// The value that was refused.
    #[must_use]
    pub fn into_inner(self) -> T {
        match self {
            Self::Full(value) | Self::Pending(value) | Self::Contended(value) => value,
        }
    }
}

impl<T> fmt::Debug for PushError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full(_) => f.write_str("Full(..)"),
            Self::Pending(_) => f.write_str("Pending(..)"),
            Self::Contended(_) => f.write_str("Contended(..)"),
        }
    }
}

impl<T> fmt::Display for PushError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full(_) => f.write_str("the ring is full"),
            Self::Pending(_) => f.write_str("the next slot is still being read"),
            Self::Contended(_) => f.write_str("other producers were faster each time"),
        }
    }
}

impl<T> core::error::Error for PushError<T> {}

/// Why nothing was popped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PopError {
    /// Nothing was there at one point inside the call; the producer may have pushed since.
    Empty,
    /// The next item is being written: one of several producers has claimed its slot, and not handed it over yet.
    Pending,
    /// Other consumers were faster at each of the tries.
    Contended,
}

impl fmt::Display for PopError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the ring is empty"),
            Self::Pending => f.write_str("the next item is still being written"),
            Self::Contended => f.write_str("other consumers were faster each time"),
        }
    }
}

impl core::error::Error for PopError {}

/// Why slots were not granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClaimError {
    /// Not that many slots are free now. `free` were, at one point inside the call.
    Full {
        /// Slots that were free.
        free: usize,
    },
    /// The ring will never have that many slots.
    TooLarge {
        /// Slots asked for.
        wanted: usize,
        /// Slots there are.
        capacity: usize,
    },
    /// A slot among them is being read: one of several consumers has claimed its item, and not given it back yet.
    Pending,
    /// Other producers were faster at each of the tries.
    Contended,
}

impl fmt::Display for ClaimError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full { free } => write!(f, "the ring is full: {free} slots are free"),
            Self::TooLarge { wanted, capacity } => {
                write!(f, "too large: {wanted} slots wanted of a ring of {capacity}")
            }
            Self::Pending => f.write_str("a slot is still being read"),
            Self::Contended => f.write_str("other producers were faster each time"),
        }
    }
}

impl core::error::Error for ClaimError {}

/// Why items were not granted to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GrantError {
    /// Not that many items are there now. `available` were, at one point inside the call.
    TooFew {
        /// Items that were there.
        available: usize,
    },
    /// The ring will never hold that many items.
    TooLarge {
        /// Items asked for.
        wanted: usize,
        /// Items that it can hold.
        capacity: usize,
    },
    /// A slot among them holds no item: one of several producers has claimed it, and not committed it yet, or aborted it.
    Pending,
}

impl fmt::Display for GrantError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooFew { available } => write!(f, "too few items: {available} are there"),
            Self::TooLarge { wanted, capacity } => {
                write!(f, "too large: {wanted} items wanted of a ring of {capacity}")
            }
            Self::Pending => f.write_str("an item is still being written"),
        }
    }
}

impl core::error::Error for GrantError {}
