//! Rings of fixed-size items between parties that trust each other.
//!
//! A ring is one place-free value: no pointer inside, and all-zero memory is its valid empty state. So the same
//! type lives in a `static`, in a struct, in an `Arc`, or in a kernel page. Rings never block, and wait for nobody: every
//! operation is a try of so many steps at most, which says what is the case. (Where a side is of many, it may keep out of
//! the others' way for some spin-loop hints in between: see [`Producer`] and [`Consumer`].)
//!
//! All arities are one struct, [`Ring`], whose two sides are [`Single`] or [`Multi`]:
//!
//! | | one consumer | many consumers |
//! |---|---|---|
//! | one producer | [`Spsc`]: wait-free on both sides | [`Spmc`] |
//! | many producers | [`Mpsc`] | [`Mpmc`] |
//!
//! [`Lanes`] are many rings of one producer each, read as one; see [`lanes`].
//!
//! [`Broadcast`] has one writer and many readers, each of which reads everything; see [`broadcast`].
//!
//! The ends of a [`Ring`] are [`Producer`] and [`Consumer`]. Besides single items they have
//! - slices: [`Producer::try_push_slice`], [`Consumer::try_pop_slice`];
//! - grants, to write and read in place: [`Producer::try_claim`] → [`WriteGrant`], [`Consumer::try_read`] →
//!   [`ReadGrant`] (of a single consumer);
//! - iterators: [`Producer::try_push_iter`], [`Consumer::try_iter`], [`Consumer::iter`] (of a single consumer);
//! - batches: [`Consumer::drain`], [`Consumer::consume`], [`Consumer::skip`]; [`Consumer::peek`] (of a single consumer).
//!
//! An item leaves its slot only to be handed out. What is skipped, shown, aborted or left over is dropped in its slot, so an
//! item may be larger than any stack.
//!
//! Every batch form claims its slots once and hands over its items together, and nothing is handed over by dropping a
//! grant. With [`Counts`](crate::stats::Counts) for its last parameter, a ring counts what it does, and so does a broadcast.

mod body;
pub mod broadcast;
mod cells;
mod consumer;
#[cfg(arc)]
mod discard;
mod drain;
mod grant;
#[cfg(feature = "alloc")]
mod heap;
mod keep;
pub mod lanes;
mod pace;
mod producer;
mod reading;
mod side;
mod writing;

pub use body::{Ring, Spsc};
pub use broadcast::Broadcast;
pub use consumer::Consumer;
pub use drain::TryIter;
pub use grant::{ReadGrant, WriteGrant};
pub use keep::{Borrowed, CloneEnds, Keep};
pub use lanes::Lanes;
pub use producer::Producer;
pub use side::{Side, Single};

/// Both ends of a ring that is borrowed.
pub type Ends<'a, T, P = Single, C = Single, S = crate::stats::Off> =
    (Producer<'a, T, P, C, S>, Consumer<'a, T, P, C, S>);

#[cfg(compare_and_swap)]
pub use body::{Mpmc, Mpsc, Spmc};
#[cfg(compare_and_swap)]
pub use keep::InChannel;
#[cfg(compare_and_swap)]
pub use side::Multi;

#[cfg(arc)]
pub use keep::Owned;
#[cfg(arc)]
pub(crate) use keep::sealed::HasEnds;

/// A [`Producer`] that keeps its ring alive by an `Arc`.
#[cfg(arc)]
#[cfg_attr(docsrs, doc(cfg(feature = "alloc")))]
pub type OwnedProducer<T, const N: usize, P = Single, C = Single, S = crate::stats::Off> =
    Producer<'static, T, P, C, S, Owned<Ring<T, N, P, C, S>>>;

/// A [`Consumer`] that keeps its ring alive by an `Arc`.
#[cfg(arc)]
#[cfg_attr(docsrs, doc(cfg(feature = "alloc")))]
pub type OwnedConsumer<T, const N: usize, P = Single, C = Single, S = crate::stats::Off> =
    Consumer<'static, T, P, C, S, Owned<Ring<T, N, P, C, S>>>;

/// Both ends of a ring that they keep alive by an `Arc`.
#[cfg(arc)]
#[cfg_attr(docsrs, doc(cfg(feature = "alloc")))]
pub type OwnedEnds<T, const N: usize, P = Single, C = Single, S = crate::stats::Off> =
    (OwnedProducer<T, N, P, C, S>, OwnedConsumer<T, N, P, C, S>);
