//! What needs an operating system: threads that sleep in it, processes, and executors.
//!
//! - [`kinds`]: which channels there are. A new kind joins the battery by one `impl Chan` there.
//! - [`common`]: a [`Wait`](annulet::wait::Wait) that counts and can be spurious, watchdogs, clocks.
//! - `basics`, `blocked`, `batches`, `strategies`, `panics`: the behaviours of every channel; `lanes`, `broadcasts`: of some.
//! - `timing`, `alone`: deadlines and processor time; `alone` in processes of their own.
//! - `wakes`, `processes`: no wake-up is lost, between threads and between processes. `.ci/deep/wakes` runs them for long.
//! - `meters`, `forged`, `runner`: what is measured, words that a peer has forged, and the managed receiver.
//! - `executors`: under tokio, the executors of futures, and embassy's.

#[macro_use]
mod kinds;
mod common;
#[path = "../../common/alone.rs"]
mod process;

mod alone;
mod basics;
mod batches;
mod blocked;
mod broadcasts;
#[cfg(feature = "futures-v0.3")]
mod executors;
mod forged;
mod lanes;
mod meters;
mod panics;
mod processes;
mod runner;
mod strategies;
mod timing;
mod wakes;
