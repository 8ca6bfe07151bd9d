//! Dropping what is in a ring that nobody will read: of an owned channel whose receivers are gone.

use super::{Ring, Side};
use crate::cursor::compared;
use crate::span::Counter;
use crate::stats::Stats;

impl<T, const N: usize, P: Side, C: Side, S: Stats> Ring<T, N, P, C, S> {
    /// Drops all items that are there and those that come while it is at it, unless another thread is at it: then that one
    /// does. What is on its way then is left to its producer, which calls this after it.
    pub(crate) fn discard(&self) {
        // If the drop of an item panics, the others are dropped all the same.
        let resume = Resume(self);
        while let Some(mut consumer) = self.try_consumer() {
            while consumer.skip(N) > 0 {}
            drop(consumer);
            // A producer that found the end taken has left its item to this thread. It has passed a fence between the
            // item and that, so the item is seen after this one.
            compared();
            if !self.is_ready() {
                break;
            }
        }
        core::mem::forget(resume);
    }

    /// Whether the next slot holds an item, or was given up.
    fn is_ready(&self) -> bool {
        let (raw, head) = (self.raw(), C::observed(&self.header.head.0));
        raw.written_until(head, 0, 1).since(head) > 0 || (P::SHARED && raw.outcome(head).is_some())
    }
}

/// Goes on with [`Ring::discard`] when it is dropped.
struct Resume<'r, T, const N: usize, P: Side, C: Side, S: Stats>(&'r Ring<T, N, P, C, S>);

impl<T, const N: usize, P: Side, C: Side, S: Stats> Drop for Resume<'_, T, N, P, C, S> {
    fn drop(&mut self) {
        if !crate::sync::is_over() {
            self.0.discard();
        }
    }
}
