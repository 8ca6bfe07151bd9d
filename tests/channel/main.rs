//! Channels: sending, receiving, waiting and closing, over every ring, lanes and both broadcasts.
//!
//! [`common`] has the platforms and the wakers, and the names of what channels are made of.
//!
//! Step by step, with tasks that are polled by hand. It needs no operating system, so Miri and the narrow build run it:
//!
//! - `cells`, `fences`: an event by itself, and platforms that panic or have half of a fence.
//! - `events`, `owed`, `steps`: who is woken by what, and that nobody sleeps for what is there.
//! - `close`, `leaving`, `cancel`: the end of a channel, of its ends, and of futures. `wakers`: wakers that panic.
//! - `by_reference`: sides of many without a handle. `on_the_heap`: channels that their ends keep, of every kind. `permits`,
//!   `iterators`: what the names say. `ended`, `selects`: tasks that wait for the end, and threads that wait for several channels.
//! - `counted`: what is counted. `streams`: streams and sinks. `threads`: threads and tasks on one channel.
//! - `random`: random programs over each kind of channel. `.ci/deep/programs` plays them for long.
//!
//! With an operating system, `hosted`.
#![cfg(all(feature = "alloc", not(loom)))]
// In a test, `pub` says: for the other modules.
#![allow(unreachable_pub)]

mod common;

mod by_reference;
mod cancel;
mod cells;
mod close;
mod counted;
mod ended;
mod events;
mod fences;
#[cfg(all(target_os = "linux", feature = "std", not(miri), not(annulet_narrow)))]
mod hosted;
mod iterators;
mod leaving;
#[cfg(not(hosted))]
mod lot;
mod on_the_heap;
mod owed;
mod permits;
mod random;
mod selects;
mod steps;
#[cfg(feature = "futures-v0.3")]
mod streams;
mod threads;
mod wakers;
