//! Channels under executors: tokio, those of futures, and embassy's; tasks and blocking threads together; what is
//! cancelled by `select!`, by time-outs and by aborts.
//!
//! Step by step, with wakers made by hand, it is in `tests/channel_core`.
#![cfg(all(
    target_os = "linux",
    feature = "std",
    feature = "futures-v0.3",
    not(loom),
    not(miri),
    not(annulet_narrow)
))]

mod cancel;
mod crowds;
mod hosts;
mod loads;
mod mixed;
