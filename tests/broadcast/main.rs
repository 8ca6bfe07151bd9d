//! The broadcast ring: one writer, many readers.
//!
//! - [`model`]: what a ring and its readers must do, said with a `VecDeque`; the capacities and origins worth trying.
//! - `overwrite`, `gated`: the two policies, one thread at a time.
//! - `threads`: writers and readers at once.
//! - `counters`: what a ring that counts has counted.
//! - `random`: lists of operations against the model.
//!
//! A test whose name starts with an id (`rr07_…`) proves that promise of `PROMISES.md`.
#![cfg(not(loom))]
// In a test, `pub` says: for the other modules.
#![allow(unreachable_pub)]

#[macro_use]
mod model;
#[path = "../common/over.rs"]
mod over;
#[path = "../common/patience.rs"]
mod patience;

mod counters;
mod gated;
mod overwrite;
mod random;
mod threads;
