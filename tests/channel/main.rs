//! Channels: sending, receiving, waiting and closing, over every ring, lanes and both broadcasts.
//!
//! - [`kinds`]: which channels there are. A new kind joins the battery by one `impl Chan` there.
//! - [`common`]: a [`Wait`](annulet::wait::Wait) that counts and can be spurious, watchdogs, processes of their own.
//! - `basics`, `closing`, `batches`, `strategies`: the behaviours of every channel; `lanes`, `broadcasts`: those of some.
//! - `timing`, `alone`: deadlines and processor time; `alone` in processes of their own.
//! - `wakes`, `processes`: no wake-up is lost, between threads and between processes. `.ci/deep/wakes` runs them for long.
//! - `steps`, `panics`: tasks polled by hand, in a fixed order; and whoever panics strands nobody.
//! - `meters`, `forged`, `runner`: what is counted, words that a peer has forged, and the managed receiver.
#![cfg(all(target_os = "linux", feature = "std", not(loom), not(miri), not(annulet_narrow)))]
// In a test, `pub` says: for the other modules.
#![allow(unreachable_pub)]

#[macro_use]
mod kinds;
mod common;

mod alone;
mod basics;
mod batches;
mod broadcasts;
mod closing;
mod forged;
mod lanes;
mod meters;
mod panics;
mod processes;
mod runner;
mod steps;
mod strategies;
mod timing;
mod wakes;
