//! Rings of fixed-size items between parties that trust each other.
//!
//! A ring has no pointer inside, and all-zero memory is its valid empty state. So the same type lives in a `static`, in a
//! struct, in an `Arc`, or in a kernel page. Rings never block: every operation is one try, of a bounded number of steps. (An end
//! of a side with many ends may back off for some spin-loop hints in between: see [`Producer`] and [`Consumer`].)
//!
//! Use a ring between parties that trust each other and do not wait. A [`Channel`](crate::Channel) is a ring whose ends wait, and
//! a [`Link`](crate::link::Link) is a ring between parties that do not trust each other.
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
//! [`Broadcast`] has one writer and many readers, each of which reads every item; see [`broadcast`].
//!
//! The ends of a [`Ring`] are [`Producer`] and [`Consumer`]. Besides single items they have
//! - slices: [`Producer::push_slice`], [`Consumer::pop_slice`];
//! - grants, to write and read in place: [`Producer::try_claim`] → [`WriteGrant`], [`Consumer::try_read_grant`] →
//!   [`ReadGrant`] (of a single consumer);
//! - iterators: [`Producer::push_iter`], [`Consumer::try_iter`], [`Consumer::iter`] (of a single consumer);
//! - batches: [`Consumer::drain`], [`Consumer::consume`], [`Consumer::skip`]; [`Consumer::peek`] (of a single consumer).
//!
//! An item leaves its slot only to be handed out. What is skipped, shown, aborted or left over is dropped in its slot, so an
//! item may be larger than any stack.
//!
//! Every batch form claims its slots once and hands over its items together, but for `push_iter` with many producers, which goes
//! claim by claim. Nothing is handed over by dropping a
//! grant. With [`Counts`](crate::stats::Counts) for its last parameter, a ring counts what it does, and so does a broadcast.
//!
//! A [`Ring`] has four aliases, one for each [`Arity`]; the type of its ends says which: `Producer<'_, T, Sides<Multi, Single>>`
//! is a producer of an `Mpsc`.

mod any_ring;
mod arities;
mod body;
pub mod broadcast;
#[cfg(compare_and_swap)]
mod by_reference;
#[cfg(compare_and_swap)]
mod cloned;
mod consumer;
#[cfg(compare_and_swap)]
mod discard;
mod drain;
mod grant;
mod hand_out;
#[cfg(feature = "alloc")]
mod heap;
#[cfg(all(feature = "alloc", not(loom)))]
mod heap_ring;
pub mod lanes;
#[cfg(not(compare_and_swap))]
mod no_cas;
pub(crate) mod owner;
mod producer;
mod read_end;
mod remains;
mod single_consumer;
mod slots;
mod write_end;

pub use crate::index::{Arity, Side, Sides, Single};
pub use any_ring::AnyRing;
pub(crate) use any_ring::sealed::Raw;
pub use arities::Spsc;
pub use body::{Ends, Ring};
pub use broadcast::Broadcast;
pub use consumer::Consumer;
pub use drain::TryIter;

pub use grant::{ReadGrant, WriteGrant};
pub use lanes::Lanes;
pub use owner::{CloneEnds, Owner, Ref};
pub use producer::Producer;

#[cfg(compare_and_swap)]
pub(crate) use crate::index::SideRules;
#[cfg(any(compare_and_swap, feature = "portable-atomic"))]
// In Cargo.toml: annulet = { version = "0.1", features = ["portable-atomic"] }
pub use crate::index::{Multi, SharedSide};
#[cfg(any(compare_and_swap, feature = "portable-atomic"))]
// In Cargo.toml: annulet = { version = "0.1", features = ["portable-atomic"] }
pub use arities::{Mpmc, Mpsc, Spmc};

#[cfg(all(feature = "alloc", not(loom)))]
pub use heap_ring::{CapacityError, HeapRing};

#[cfg(arc)]
pub use heap::{OwnedConsumer, OwnedEnds, OwnedProducer};
#[cfg(arc)]
pub use owner::ArcRef;
