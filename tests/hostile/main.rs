//! A peer that lies, against the link: the cases A and K of the catalogue.
//!
//! - [`peer`]: the words a peer can say, how a link is run against a script of them, and every script there is.
//! - [`spec`]: what a link does, said once more with numbers that never wrap. It predicts each result and each
//!   shared access.
//! - `header`, `positions`, `lifecycle`, `sweep`, `backends`: the cases.
//! - `entries`: what can be sent, and what is refused of what arrives.
//!
//! Everything runs in the narrow build too (`--cfg annulet_narrow`: positions of eight bits), where "all" is all.
#![cfg(not(loom))]
// A test is a program of its own: whatever is shared between its modules is `pub`.
#![allow(unreachable_pub)]

#[path = "../common/over.rs"]
mod over;
#[path = "../common/entries.rs"]
mod panicking;
mod peer;
mod spec;

mod backends;
mod entries;
mod header;
mod lifecycle;
mod positions;
mod sweep;
