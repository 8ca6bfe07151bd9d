//! The errors of rings: what each says, and what to do.
//!
//! | error | says | what to do |
//! |---|---|---|
//! | [`PushError::Full`] | no slot is free now | wait for the consumer |
//! | [`PopError::Empty`] | nothing is in the ring now | wait for the producer |
//! | `Pending` | another end is in the middle of the next slot | try again soon |
//! | `Contended` | other ends were faster at each of the tries | try again |
//! | [`ClaimError::TooLarge`] | it can never fit | split the message |
//!
//! Errors that belong to one module are in that module: [`LinkError`](crate::link::LinkError),
//! [`CapError`](crate::cap::CapError), [`DescriptorError`](crate::region::DescriptorError) and others.
//!
//! # Examples
//!
//! ```
//! use annulet::error::{PopError, PushError};
//!
//! let mut ring = annulet::Spsc::<&str, 1>::new();
//! let (mut tx, mut rx) = ring.split();
//! assert_eq!(rx.try_pop(), Err(PopError::Empty));
//! tx.try_push("one").unwrap();
//! let refused = tx.try_push("two").unwrap_err();
//! assert_eq!(refused, PushError::Full("two"));
//! assert_eq!(refused.into_inner(), "two");
//! ```
//!
//! # Guarantees
//!
//! All errors are small and `non_exhaustive`, hold no strings and no allocation, implement [`core::error::Error`], and give back
//! what was refused.

use core::fmt;

/// Why a value was not pushed. It carries the value back.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PushError<T> {
    /// Every slot was taken at one point inside the call. The consumer may have made room since.
    Full(T),
    /// The next slot is being read: a consumer has claimed its item, and has not given the slot back yet.
    Pending(T),
    /// Other producers were faster at each of the tries.
    Contended(T),
}

impl<T> PushError<T> {
    /// Returns the value that was refused.
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
    /// Nothing was there at one point inside the call. The producer may have pushed since.
    Empty,
    /// The next item is being written: a producer has claimed its slot, and has not handed it over yet.
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
    /// Fewer slots than wanted were free at one point inside the call.
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
    /// One of the slots is being read: a consumer has claimed its item, and has not given the slot back yet.
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
