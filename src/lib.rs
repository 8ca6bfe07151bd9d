// One of its examples needs `std`; it is tested with it.
#![cfg_attr(any(feature = "std", not(doctest)), doc = include_str!("../README.md"))]
#![cfg_attr(not(test), no_std)]
#![cfg_attr(docsrs, feature(doc_cfg))]
// The pages say which features and targets an item needs. These are no reader's choice: two builds of the tests, one of core,
// and what build.rs makes of features and targets.
#![cfg_attr(
    docsrs,
    doc(auto_cfg(hide(loom, annulet_narrow, no_global_oom_handling, arc, hosted, processor)))
)]

#[cfg(any(feature = "alloc", test))]
extern crate alloc;
// On a target without threads, the feature `std` adds nothing, and needs no `std`: all features build on every target.
#[cfg(any(hosted, test, loom))]
extern crate std;

mod atomic;
mod cpu;
mod index;
#[cfg(not(compare_and_swap))]
mod needs_cas;
mod shadow;
mod span;
mod sync;
mod zeroed;

pub mod cap;
pub mod error;
pub mod handle;
#[cfg(all(feature = "std", target_os = "linux"))]
pub mod host;
pub mod link;
pub mod ring;
pub mod stats;
pub mod words;

// The feature implies compare-and-swap. It is named all the same: the compiler shows these lines, and the comments with them,
// if such an item is used on a target without compare-and-swap.
#[cfg(any(compare_and_swap, feature = "portable-atomic"))]
// In Cargo.toml: annulet = { version = "0.1", features = ["portable-atomic"] }
pub mod channel;
#[cfg(any(compare_and_swap, feature = "portable-atomic"))]
// In Cargo.toml: annulet = { version = "0.1", features = ["portable-atomic"] }
pub mod region;
#[cfg(any(compare_and_swap, feature = "portable-atomic"))]
// In Cargo.toml: annulet = { version = "0.1", features = ["portable-atomic"] }
pub mod wait;

#[cfg(any(compare_and_swap, feature = "portable-atomic"))]
// In Cargo.toml: annulet = { version = "0.1", features = ["portable-atomic"] }
pub use channel::Channel;
pub use ring::{Broadcast, Lanes, Spsc};
#[cfg(any(compare_and_swap, feature = "portable-atomic"))]
// In Cargo.toml: annulet = { version = "0.1", features = ["portable-atomic"] }
pub use ring::{Mpmc, Mpsc, Spmc};

#[cfg(loom)]
#[doc(hidden)]
pub mod model {
    //! What the loom models need: the ordering sites, the switch that weakens one of them, and the forms of a position.
    pub use crate::atomic::site::{Site, form, weaken};
}
