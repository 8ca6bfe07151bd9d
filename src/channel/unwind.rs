//! Channels and their ends are used after a panic as before it.
//!
//! Whatever panics in a call, a closure, a `Drop`, a waker or the platform, leaves a channel that works: the guarantees of the
//! [ring](crate::ring::Ring), and of the [channel](super::Channel), say what became of the items. So an end may be used on both
//! sides of `catch_unwind`, as the standard library's may.

use core::panic::{RefUnwindSafe, UnwindSafe};

use super::channel_ref::ChannelRef;
use super::{Channel, Receiver, Sender};

impl<R, W, const TASKS: usize> UnwindSafe for Channel<R, W, TASKS> {}
impl<R, W, const TASKS: usize> RefUnwindSafe for Channel<R, W, TASKS> {}
impl<C: ChannelRef> UnwindSafe for Sender<C> {}
impl<C: ChannelRef> RefUnwindSafe for Sender<C> {}
impl<C: ChannelRef> UnwindSafe for Receiver<C> {}
impl<C: ChannelRef> RefUnwindSafe for Receiver<C> {}
