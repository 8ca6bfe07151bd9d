//! Waiting and channels, step by step, with wakers and a `Wait` made by hand: nothing here needs an operating system
//! of its own, so Miri runs all of it.
#![cfg(all(feature = "alloc", not(loom)))]

mod cancel;
mod cells;
mod close;
mod common;
mod counted;
mod events;
mod leaving;
mod owed;
mod random;
#[cfg(feature = "futures-v0.3")]
mod streams;
mod threads;
mod wakers;
