//! Lanes: single-producer rings read as one.
//!
//! - `producers`: who gets a lane, who leaves it, and whose an item is.
//! - `schedules`: priority, round robin and adaptive round robin, one thread at a time.
//! - `items`: drops, panics, what is forgotten.
//! - `random`: lists of operations against a model of one `VecDeque` a lane.
//! - `threads`: producers that come and go, and consumers.
//! - `growing`: lanes whose rings are made when they are needed.
//!
//! A test whose name starts with an id (`rm09_…`) proves that promise of `PROMISES.md`.
#![cfg(not(loom))]
// In a test, `pub` says: for the other modules.
#![allow(unreachable_pub)]

#[path = "../common/patience.rs"]
mod patience;

mod growing;
mod items;
mod producers;
mod random;
mod schedules;
mod threads;

/// Where positions start: at the beginning, and just below the end of the integer.
pub const ORIGINS: [usize; 3] = [0, usize::MAX - 2, usize::MAX];
