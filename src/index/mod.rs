//! The index engine of rings: positions, stamps and claims. It knows nothing of what is in the slots.
//!
//! A ring of `N` slots has two sides, its producers and its consumers. Each side has a position, and commits slots to the
//! other side: written, or free. An [`End`] is what one producer or consumer knows of them. It claims slots by
//! [`End::claim`], which is the same for both sides: a producer may run ahead of the consumers by the capacity, a consumer
//! must stay behind the producers (the shape of DPDK's `__rte_ring_move_head`).
//!
//! | file | what |
//! |---|---|
//! | `arity` | how many ends each side has, as one type |
//! | `header` | what the sides share: a line for each position, the claimed ends, the counters |
//! | `heap_stamps` | the stamps of a ring whose capacity its type does not say |
//! | `lent` | what a grant has claimed, to be aborted if it is forgotten |
//! | `side` | the two commit rules: one end, or several |
//! | `role` | what a producer and a consumer do differently |
//! | `end` | what one end knows, and how it claims and commits |
//! | `poll_pause` | how long an end that finds nothing pauses before it polls again |

mod arity;
mod end;
mod header;
#[cfg(all(feature = "alloc", compare_and_swap, not(loom)))]
mod heap_stamps;
mod lent;
#[cfg(compare_and_swap)]
mod poll_pause;
mod role;
mod side;

pub(crate) use arity::OneToOne;
pub use arity::{Arity, Sides};
pub(crate) use end::{ClaimRequest, End};
#[cfg(all(feature = "alloc", not(loom)))]
pub(crate) use header::HeapStamps;
pub(crate) use header::{Header, IndexPtr, Stamps};
pub(crate) use lent::Lent;
pub(crate) use role::{Consumers, Producers};
pub(crate) use side::sealed::Sealed as SideRules;
pub(crate) use side::{ABORTED, Store, WRITTEN};
#[cfg(compare_and_swap)]
pub use side::{Multi, SharedSide};
pub use side::{Side, Single};
