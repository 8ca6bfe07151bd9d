//! What `annulet` needs from Linux in order to share memory with a process it does not trust.
//!
//! | module | what it gives |
//! |---|---|
//! | [`clock`] | deadlines on the monotonic clock, without overflow |
//! | [`memfd`] | sealed memory files, and the check of one that a stranger sent |
//! | [`mapping`] | mappings that unmap themselves; `&[u8]` only where nobody can write |
//! | [`futex`] | waiting for a word to change, across processes |
//! | [`membarrier`] | a fence for all threads of the process, so that the others need none |
//! | [`fdpass`] | descriptors over a Unix socket: the expected count or none |
//! | [`closer`] | one thread that closes what strangers made, and nobody waits for longer than a deadline |
//! | [`pidfd`] | the kernel's word that a process has ended |
//! | [`affinity`] | pinning the calling thread |
//!
//! The crate knows nothing of rings. On systems other than Linux it is empty.
//!
//! # Threat model
//!
//! The other end of a socket, and whoever holds a descriptor of a shared memory file, may be hostile: it may send
//! any descriptor, any number of them, any bytes, at any time, or nothing at all. No function here panics or blocks
//! past its deadline because of that, or keeps a descriptor it did not hand to the caller, but for those that a stranger
//! keeps from being closed: a bounded number ([`closer`]). The kernel, the other
//! code of this process and the memory it was given by the system (out-of-memory kills, failing hardware) are
//! outside the model.

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
