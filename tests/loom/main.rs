//! Every interleaving of small programs, and proof that each of the models can fail.
//!
//! Run with `RUSTFLAGS="--cfg loom" cargo test --release --test loom --features alloc -- --nocapture`. How often a
//! thread may be pre-empted is `LOOM_MAX_PREEMPTIONS`, 3 by default; 100 is as good as no bound.
//!
//! loom can pass a model without having looked: a thread that loads its own position from the atomic, and then
//! stores it, makes loom forget the other side's accesses before that (tokio-rs/loom 166, 392). The handles keep
//! their positions for that reason, too, but nothing would say so if they stopped. Therefore
//! - each model is played with the main thread on either side ([`harness::Main`]);
//! - it must have explored more than one execution;
//! - it has mutants that must fail: the same model with one ordering of the crate weakened to `Relaxed`
//!   (`Model::kills`), or a program that breaks what the model demands (`Model::mutant`).
//!
//! [`table`] lists the models of everything, and demands that each ordering site is in one of them.
#![cfg(loom)]
// In a test, `pub` says: for the other modules.
#![allow(unreachable_pub)]

#[macro_use]
mod harness;

mod arity;
mod broadcast;
mod channel;
mod lanes;
mod link;
mod platform;
mod region;
mod ring;
mod table;
mod wait;
