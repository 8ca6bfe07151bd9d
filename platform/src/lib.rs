//! The parts of Linux that `annulet` needs to share memory with a process that it does not trust.
//!
//! | module | for |
//! |---|---|
//! | [`clock`] | deadlines on the monotonic clock, without overflow |
//! | [`memfd`] | sealed memory files, and the check of one that a stranger sent |
//! | [`mapping`] | mappings that unmap themselves; `&[u8]` only if no process can write |
//! | [`futex`] | waiting for a word to change, across processes |
//! | [`membarrier`] | a fence for all threads of the process, so that other threads need none |
//! | [`fdpass`] | descriptors over a Unix socket: the expected number or none |
//! | [`closer`] | one thread that closes strangers' descriptors, so that no caller waits past its deadline |
//! | [`pidfd`] | the kernel's word that a process has ended |
//! | [`affinity`] | pinning the calling thread |
//!
//! The crate knows nothing of rings. On systems other than Linux it is empty.
//!
//! # Threat model
//!
//! The other end of a socket may be hostile, and so may any process with a descriptor of a shared memory file. It may send any
//! descriptors, any number of them, any bytes, at any time, or nothing at all. No function here panics because of that, or blocks
//! past its deadline. None keeps a descriptor that it did not hand to the caller, except a bounded number that a stranger keeps
//! from being closed ([`closer`]).
//!
//! The kernel, the other code of this process, and failures of memory (out-of-memory kills, failing hardware) are outside the
//! model.

#![cfg_attr(not(target_os = "linux"), no_std)]

#[cfg(target_os = "linux")]
pub mod affinity;
#[cfg(target_os = "linux")]
pub mod clock;
#[cfg(target_os = "linux")]
pub mod closer;
#[cfg(target_os = "linux")]
pub mod fdpass;
#[cfg(target_os = "linux")]
pub mod futex;
#[cfg(target_os = "linux")]
pub mod mapping;
#[cfg(target_os = "linux")]
pub mod membarrier;
#[cfg(target_os = "linux")]
pub mod memfd;
#[cfg(target_os = "linux")]
pub mod pidfd;

#[cfg(target_os = "linux")]
mod cmsg;
#[cfg(target_os = "linux")]
mod poll;
#[cfg(target_os = "linux")]
mod sockopt;
