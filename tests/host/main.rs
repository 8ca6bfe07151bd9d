//! Links in sealed memory files: what is refused before it is mapped, and ports that wait.
//!
//! The peers here are other threads with descriptors and mappings of their own, or child processes; what another
//! process could do to the files it does through its own copy of the descriptor.
#![cfg(all(feature = "std", target_os = "linux", not(miri), not(loom)))]
// Each file is a module of this program: `pub` is for the others.
#![allow(unreachable_pub)]

#[path = "../common/alone.rs"]
mod alone;
#[path = "../common/entries.rs"]
mod entries;

mod clock;
mod closing;
mod common;
mod handshakes;
mod hostile;
mod memory;
mod ports;
mod storms;
mod windows;
