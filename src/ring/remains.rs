//! What is in a ring when it goes is dropped with it.

use super::any_ring::sealed::Raw as _;
use super::body::Ring;
use super::slots::RingPtr;
use crate::index::{Arity, SideRules as _, WRITTEN};
use crate::span::Counter as _;
use crate::sync::Pos;

impl<T, A: Arity> RingPtr<T, A> {
    /// Drops the items in it.
    ///
    /// # Safety
    /// The ring is being dropped: it has no ends, and this is called once.
    pub(super) unsafe fn drop_remains(self) {
        if !core::mem::needs_drop::<T>() {
            return;
        }
        let (head, len) = (self.index.header().head.0.own(), self.len());
        if A::Producers::SHARED {
            // Between the items there may be aborted slots. If the `Drop` of one item panics, that of `Items` drops the rest.
            Items { ring: self, at: head, left: len }.drop_all();
        } else {
            // SAFETY: no end can reach its slots any more, as the caller says; what is between its head and its tail is written.
            unsafe { self.slots.drop_items(self.index.span(head, len)) };
        }
    }
}

impl<T, const N: usize, A: Arity> Drop for Ring<T, N, A> {
    fn drop(&mut self) {
        // SAFETY: it is being dropped.
        unsafe { self.ptr().drop_remains() };
    }
}

/// The items of a ring that is being dropped, and that had many producers.
struct Items<T, A: Arity> {
    ring: RingPtr<T, A>,
    at: Pos,
    left: usize,
}

impl<T, A: Arity> Items<T, A> {
    fn drop_all(&mut self) {
        while let Some(left) = self.left.checked_sub(1) {
            let at = self.at;
            (self.at, self.left) = (at.plus(1), left);
            if self.ring.index.slot_state(at) == Some(WRITTEN) {
                // SAFETY: the ring is being dropped, so no end can reach its slots. This one holds an item, since it is
                // between head and tail and was committed as one, and it is dropped once: `at` has moved on.
                unsafe { self.ring.slots.drop_item(self.ring.index.slot(at)) };
            }
        }
    }
}

impl<T, A: Arity> Drop for Items<T, A> {
    fn drop(&mut self) {
        self.drop_all();
    }
}
