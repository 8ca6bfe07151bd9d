//! Items on their way out of a ring: claimed together, moved out or dropped one by one, their slots given back together.

use core::fmt;

use super::read_end::ReadEnd;
use crate::index::{Arity, OneToOne, SideRules as _};
use crate::span::Counter;
use crate::stats::Refusal;
use crate::sync::Pos;

impl<T, A: Arity> ReadEnd<T, A> {
    /// Claims up to `most` items, to take them out. The error is why there are none; it is not counted.
    #[inline]
    pub(super) fn try_claim_items(&mut self, most: usize) -> Result<ClaimedItems<'_, T, A>, Refusal> {
        let (at, left) = self.claim(most)?;
        Ok(ClaimedItems::new(self, at, left))
    }

    /// Claims up to `most` items, to take them out. That there are none is counted.
    #[inline]
    pub(super) fn claim_items(&mut self, most: usize) -> ClaimedItems<'_, T, A> {
        let (at, left) = self.claim(most).unwrap_or_else(|why| {
            self.index.count_refusal(why);
            (self.index.at(), 0)
        });
        ClaimedItems::new(self, at, left)
    }

    /// Drops the next `count` items of a single consumer, telling the producer once: also when a `Drop` panics, up to
    /// that item.
    ///
    /// # Safety
    /// There are that many.
    pub(super) unsafe fn discard(&mut self, count: usize) {
        let start = self.index.at();
        ClaimedItems::new(self, start, count).discard();
    }
}

/// Items that were claimed, and leave the ring one by one. Their slots are given back when this is dropped.
///
/// Items of a single consumer that were not taken stay in the ring. One of many consumers cannot give them back: they are
/// dropped. It is never handed out, so it is always dropped: also if the caller's code, or the `Drop` of an item, panics.
pub(super) struct ClaimedItems<'e, T, A: Arity> {
    end: &'e mut ReadEnd<T, A>,
    /// The first one that was claimed.
    start: Pos,
    /// The next one.
    at: Pos,
    left: usize,
}

impl<'e, T, A: Arity> ClaimedItems<'e, T, A> {
    /// Of `left` items from `at` on, which `end` has claimed.
    #[inline(always)]
    pub(super) fn new(end: &'e mut ReadEnd<T, A>, at: Pos, left: usize) -> Self {
        Self { end, start: at, at, left }
    }

    /// Moves all items into `f`, one after the other. Returns how many.
    #[inline(always)]
    pub(super) fn give_to(mut self, mut f: impl FnMut(T)) -> usize {
        let count = self.left;
        while let Some(at) = self.pass_next() {
            // SAFETY: a slot of this ring, claimed and written, as all of the `left`; having moved on, we do not take it again, also if `f`
            // panics. It is moved out before `f` is called, so a panic there cannot drop it twice.
            f(unsafe { self.end.slots.take(self.end.slot(at)) });
        }
        count
    }

    /// Shows all items to `f`, one after the other, and drops each. Returns how many.
    #[inline(always)]
    pub(super) fn show_to(mut self, mut f: impl FnMut(&T)) -> usize {
        let count = self.left;
        while self.left > 0 {
            let span = self.end.span(self.at, 1);
            // SAFETY: claimed, so written and this end's alone; the reference ends before the item is dropped.
            let (item, _) = unsafe { self.end.slots.parts(span) };
            item.iter().for_each(&mut f);
            self.drop_first(1);
        }
        count
    }

    /// Copies all items into `out`, which has room for them. Returns how many.
    #[inline(always)]
    pub(super) fn copy_to(self, out: &mut [T]) -> usize
    where
        T: Copy,
    {
        let span = self.end.span(self.at, self.left);
        // SAFETY: these items were claimed, so they are written, and no other end touches them until they are given back.
        let (first, second) = unsafe { self.end.slots.parts(span) };
        // No more were claimed than `out` takes, so both splits are in range; written so that no panic remains.
        if let Some((to_first, rest)) = out.split_at_mut_checked(first.len()) {
            to_first.copy_from_slice(first);
            if let Some(to_second) = rest.get_mut(..second.len()) {
                to_second.copy_from_slice(second);
            }
        }
        self.discard()
    }

    /// Drops all items in place: an item may be larger than the stack. Returns how many. If the `Drop` of one panics, those
    /// after it are still left.
    #[inline]
    pub(super) fn discard(mut self) -> usize {
        let count = self.left;
        self.drop_first(count);
        count
    }

    /// Moves on past the next item, which is the caller's to take or to drop. Returns its position.
    #[inline(always)]
    fn pass_next(&mut self) -> Option<Pos> {
        self.left = self.left.checked_sub(1)?;
        let at = self.at;
        self.at = at.plus(1);
        Some(at)
    }

    #[inline]
    fn drop_first(&mut self, count: usize) {
        if core::mem::needs_drop::<T>() {
            for _ in 0..count {
                if let Some(at) = self.pass_next() {
                    // SAFETY: a slot of this ring, claimed and written, as all of the `left`; having moved on, we do not come to it again,
                    // also if its `Drop` panics.
                    unsafe { self.end.slots.drop_item(self.end.slot(at)) };
                }
            }
        } else {
            self.left -= count;
            self.at = self.at.plus(count);
        }
    }

    /// Drops the items that are left in place: all of them, even if the `Drop` of one panics.
    #[inline]
    fn drop_rest(&mut self) {
        let rest = self.end.span(self.at, self.left);
        self.at = self.at.plus(core::mem::take(&mut self.left));
        if core::mem::needs_drop::<T>() {
            // SAFETY: claimed, so they are written and this end's alone; having moved on past all of them, we do not come
            // to them again. The end keeps the ring alive.
            unsafe { self.end.slots.drop_items(rest) };
        }
    }
}

impl<T, A: Arity> Drop for ClaimedItems<'_, T, A> {
    #[inline]
    fn drop(&mut self) {
        // The slots are given back even if the `Drop` of an item panics.
        let items = GiveBack(self);
        if A::Consumers::SHARED {
            items.0.drop_rest();
        }
    }
}

/// Gives back the slots of [`ClaimedItems`] when it is dropped.
struct GiveBack<'i, 'e, T, A: Arity>(&'i mut ClaimedItems<'e, T, A>);

impl<T, A: Arity> Drop for GiveBack<'_, '_, T, A> {
    #[inline]
    fn drop(&mut self) {
        let items = &mut *self.0;
        let count = items.at.since(items.start);
        if count > 0 {
            // SAFETY: claimed from `start` on, and moved out (or in no need of a `Drop`) up to `at`.
            unsafe { items.end.finish(items.start, count) };
        }
    }
}

/// Pops items one by one; made by [`Consumer::try_iter`](super::Consumer::try_iter).
///
/// It ends where a pop finds nothing, and goes on if there is something later. It may be dropped or forgotten at any time:
/// each item it yields has left the ring.
///
/// ```
/// let mut ring = annulet::Spsc::<u8, 4>::new();
/// let (mut tx, mut rx) = ring.split();
/// tx.push_slice(&[1, 2, 3]);
/// for item in rx.try_iter().take(2) {
///     assert!(item < 3);
/// }
/// assert_eq!(rx.len(), 1);
/// ```
#[must_use = "an iterator does nothing until it is iterated"]
pub struct TryIter<'e, T, A: Arity = OneToOne> {
    pub(super) end: &'e mut ReadEnd<T, A>,
}

impl<T, A: Arity> Iterator for TryIter<'_, T, A> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        self.end.pop().ok()
    }
}

impl<T, A: Arity> fmt::Debug for TryIter<'_, T, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TryIter").finish_non_exhaustive()
    }
}
