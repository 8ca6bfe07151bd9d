//! Channels under executors: tokio, those of futures, and embassy's; tasks and blocking threads together; what is
//! cancelled by `select!`, by time-outs and by aborts.

#[macro_use]
mod hosts;
mod loads;
mod select;
