//! The errors of rings: what each says, and what to do.
//!
//! | error | says | what to do |
//! |---|---|---|
//! | [`PushError::Full`] | no slot is free now | wait for the consumer |
//! | [`PopError::Empty`] | nothing is in the ring now | wait for the producer |
//! | `Pending` | another end is in the middle of the next slot | try again soon |
//! | `Contended` | other ends were faster at each of the tries | try again |
//! | [`ClaimError::TooLarge`], [`GrantError::TooLarge`] | it can never fit | split the message |
//! | [`GrantError::TooFew`] | not that many items are there now | wait for the producer |
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
//! The errors of this module are small and `non_exhaustive`, do not allocate, and implement [`core::error::Error`]. [`PushError`]
//! gives back the value that was refused.

/// What an error says, variant by variant, in the words of `write!`.
macro_rules! says {
    ($name:ty { $($variant:pat => $text:literal,)* }) => {
        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                match self {
                    $($variant => write!(f, $text),)*
                }
            }
        }

        impl core::error::Error for $name {}
    };
}
pub(crate) use says;

/// What an error says that carries back the value that was refused, whatever that is.
macro_rules! gives_back {
    ($name:ident { $($variant:ident => $text:literal,)* }) => {
        impl<T> $name<T> {
            /// Returns the value that was refused.
            #[must_use]
            pub fn into_inner(self) -> T {
                match self {
                    $(Self::$variant(value))|* => value,
                }
            }
        }

        impl<T> core::fmt::Debug for $name<T> {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(match self {
                    $(Self::$variant(_) => concat!(stringify!($variant), "(..)"),)*
                })
            }
        }

        impl<T> core::fmt::Display for $name<T> {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(match self {
                    $(Self::$variant(_) => $text,)*
                })
            }
        }

        impl<T> core::error::Error for $name<T> {}
    };
}
#[cfg(compare_and_swap)]
pub(crate) use gives_back;

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

gives_back! { PushError {
    Full => "the ring is full",
    Pending => "the next slot is still being read",
    Contended => "other producers were faster each time",
} }

impl<T> PushError<T> {
    /// Returns true if every slot is taken.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        matches!(self, Self::Full(_))
    }
}

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

says! { PopError {
    Self::Empty => "the ring is empty",
    Self::Pending => "the next item is still being written",
    Self::Contended => "other consumers were faster each time",
} }

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

says! { ClaimError {
    Self::Full { free } => "the ring is full: {free} slots are free",
    Self::TooLarge { wanted, capacity } => "too large: {wanted} slots wanted of a ring of {capacity}",
    Self::Pending => "a slot is still being read",
    Self::Contended => "other producers were faster each time",
} }

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

says! { GrantError {
    Self::TooFew { available } => "too few items: {available} are there",
    Self::TooLarge { wanted, capacity } => "too large: {wanted} items wanted of a ring of {capacity}",
    Self::Pending => "an item is still being written",
} }
