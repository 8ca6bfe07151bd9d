//! One battery of behaviours, run over every ring.
//!
//! - [`rings`]: which rings there are, how each is made at any starting position, and what keeps it alive. A new
//!   kind of ring joins the battery by one `impl RingUnderTest` there, and its ends by one `impl Tx` and `impl Rx`.
//! - [`others`]: broadcasts, which with one reader that keeps up are queues.
//! - [`model`]: what a ring must do, said with a `VecDeque`; [`ops`], of lists of operations, as the fuzz target plays them.
//! - [`items`]: items that count their drops, and blow up when told to.
//! - `order`, `drops`, `ends`, `threads`, `random`: the behaviours of every ring; `arities`, `many`: those of sides of many
//!   ends; `counted`: those of rings that count.
//! - `large`: items larger than the stack.
//! - `stress`: every form, from several ends at once. `linear`: recorded histories, and a checker.
//!
//! A test whose name starts with an id (`e02_…`) proves that promise of `PROMISES.md`.
#![cfg(not(loom))]
// In a test, `pub` says: for the other modules.
#![allow(unreachable_pub)]

#[macro_use]
mod rings;
mod items;
mod model;
#[path = "../common/ops.rs"]
mod ops;
mod others;
#[path = "../common/patience.rs"]
mod patience;

mod arities;
mod counted;
mod drops;
mod ends;
#[cfg(feature = "alloc")]
mod large;
mod linear;
mod many;
mod order;
mod random;
mod stress;
mod threads;
