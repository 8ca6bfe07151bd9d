//! Items on their way out of a ring: claimed, taken out one by one, and their slots given back.

use core::fmt;
use core::iter::FusedIterator;

use super::reading::ReadEnd;
use super::side::{Side, Single};
use crate::span::{Counter, Span};
use crate::stats::{Off, Stats};
use crate::sync::Pos;

/// Items that were claimed, to be taken out one by one; the slots are given back when it is dropped.
///
/// Of a single consumer, items that were not taken stay in the ring. One of many cannot give them back: they are
/// dropped.
pub(super) struct Taking<'g, T, P: Side, C: Side, S: Stats> {
    pub(super) end: &'g mut ReadEnd<T, P, C, S>,
    /// The first one that was claimed.
    start: Pos,
    /// The next one.
    pub(super) at: Pos,
    pub(super) left: usize,
}

impl<'g, T, P: Side, C: Side, S: Stats> Taking<'g, T, P, C, S> {
    /// Of `left` items from `at` on, that were claimed.
    #[inline(always)]
    pub(super) fn new(end: &'g mut ReadEnd<T, P, C, S>, at: Pos, left: usize) -> Self {
        Self { end, start: at, at, left }
    }

    /// The next item's slot; the item is claimed and stays where it is.
    #[inline(always)]
    fn next_slot(&self) -> Option<Span> {
        (self.left > 0).then(|| self.end.raw.span(self.at, 1))
    }

    /// Shows the items that are left to `f`, one after the other, and drops each.
    #[inline(always)]
    pub(super) fn show(&mut self, mut f: impl FnMut(&T)) {
        while let Some(span) = self.next_slot() {
            // SAFETY: claimed, so written and nobody else's; the reference ends before the item is taken.
            let (item, _) = unsafe { self.end.raw.parts(span) };
            item.iter().for_each(&mut f);
            self.drop_first(1);
        }
    }

    /// Copies the items that are left into `out`, which has room for them, and takes them; how many.
    #[inline(always)]
    pub(super) fn copy_to(self, out: &mut [T]) -> usize
    where
        T: Copy,
    {
        let span = self.end.raw.span(self.at, self.left);
        // SAFETY: these items were claimed, so they are written, and nobody touches them until they are given back.
        let (first, second) = unsafe { self.end.raw.parts(span) };
        let count = first.len() + second.len();
        // No more were claimed than `out` takes, so both splits are in range; written so that no panic remains.
        if let Some((to_first, rest)) = out.split_at_mut_checked(first.len()) {
            to_first.copy_from_slice(first);
            if let Some(to_second) = rest.get_mut(..second.len()) {
                to_second.copy_from_slice(second);
            }
        }
        self.discard();
        count
    }

    #[inline(always)]
    pub(super) fn next(&mut self) -> Option<T> {
        let at = self.pass_next()?;
        // SAFETY: claimed and written, as all of the `left`; having moved on, we do not take it again. It is moved out
        // before anything is done with it, so a panic there cannot drop it twice.
        Some(unsafe { self.end.raw.take(at) })
    }

    /// Moves on past the next item, which is the caller's to take or to drop: where it is.
    #[inline(always)]
    fn pass_next(&mut self) -> Option<Pos> {
        self.left = self.left.checked_sub(1)?;
        let at = self.at;
        self.move_on(1);
        Some(at)
    }

    #[inline(always)]
    fn move_on(&mut self, count: usize) {
        self.at = self.at.plus(count);
        if !C::SHARED {
            // So that nothing is taken twice should this be forgotten.
            self.end.head = self.at;
        }
    }

    /// Drops the next `count` of the items that are left, or all of them, where they are. If the `Drop` of one panics,
    /// those after it are still left.
    #[inline]
    pub(super) fn drop_first(&mut self, count: usize) {
        let count = count.min(self.left);
        if core::mem::needs_drop::<T>() {
            for _ in 0..count {
                if let Some(at) = self.pass_next() {
                    // SAFETY: claimed and written, as all of the `left`; having moved on, we do not come to it again,
                    // also if its `Drop` panics.
                    unsafe { self.end.raw.drop_item(at) };
                }
            }
        } else {
            self.left -= count;
            self.move_on(count);
        }
    }

    /// Drops the items that are left.
    #[inline]
    pub(super) fn discard(mut self) {
        self.drop_first(usize::MAX);
    }
}

impl<T, P: Side, C: Side, S: Stats> Drop for Taking<'_, T, P, C, S> {
    #[inline]
    fn drop(&mut self) {
        // The slots are given back even if the `Drop` of an item panics.
        let taking = GiveBack(self);
        if C::SHARED {
            taking.0.drop_rest();
        }
    }
}

impl<T, P: Side, C: Side, S: Stats> Taking<'_, T, P, C, S> {
    /// Drops the items that are left, where they are: all of them, even if the `Drop` of one panics.
    #[inline]
    fn drop_rest(&mut self) {
        let rest = self.end.raw.span(self.at, self.left);
        let left = core::mem::take(&mut self.left);
        self.move_on(left);
        if core::mem::needs_drop::<T>() {
            // SAFETY: claimed, so they are written and nobody else's; having moved on past all of them, we do not come
            // to them again. The end keeps the ring alive.
            unsafe { self.end.raw.drop_items(rest) };
        }
    }

    #[inline]
    fn give_back(&mut self) {
        let count = self.at.since(self.start);
        if count > 0 {
            // SAFETY: claimed from `start` on, and moved out (or in no need of a `Drop`) up to `at`.
            unsafe { self.end.finish(self.start, count) };
        }
    }
}

/// Gives back the slots of a [`Taking`] when it is dropped.
struct GiveBack<'t, 'g, T, P: Side, C: Side, S: Stats>(&'t mut Taking<'g, T, P, C, S>);

impl<T, P: Side, C: Side, S: Stats> Drop for GiveBack<'_, '_, T, P, C, S> {
    #[inline]
    fn drop(&mut self) {
        self.0.give_back();
    }
}

/// Takes items out of a ring; made by [`Consumer::drain`](super::Consumer::drain).
///
/// Each item it yields is consumed; those it has not come to stay in the ring, or are dropped where there are many
/// consumers. Items that it passes over (`nth`, `count`, `last`, and what is built on them) are dropped where they are.
#[must_use = "a drain does nothing until it is iterated"]
pub struct Drain<'g, T, P: Side = Single, C: Side = Single, S: Stats = Off> {
    pub(super) taking: Taking<'g, T, P, C, S>,
}

impl<T, P: Side, C: Side, S: Stats> Drop for Drain<'_, T, P, C, S> {
    #[inline]
    fn drop(&mut self) {
        if !C::SHARED {
            // What was taken is told when `taking` is dropped, right after this.
            self.taking.end.end_drain();
        }
    }
}

impl<T, P: Side, C: Side, S: Stats> Iterator for Drain<'_, T, P, C, S> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        self.taking.next()
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.taking.left, Some(self.taking.left))
    }

    // What these do not hand out never leaves the ring: it may be larger than the stack.

    #[inline]
    fn nth(&mut self, n: usize) -> Option<T> {
        self.taking.drop_first(n);
        self.taking.next()
    }

    #[inline]
    fn count(mut self) -> usize {
        let count = self.taking.left;
        self.taking.drop_first(count);
        count
    }

    #[inline]
    fn last(mut self) -> Option<T> {
        self.nth(self.taking.left.checked_sub(1)?)
    }
}

impl<T, P: Side, C: Side, S: Stats> ExactSizeIterator for Drain<'_, T, P, C, S> {}
impl<T, P: Side, C: Side, S: Stats> FusedIterator for Drain<'_, T, P, C, S> {}

impl<T, P: Side, C: Side, S: Stats> fmt::Debug for Drain<'_, T, P, C, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Drain").field("left", &self.taking.left).finish()
    }
}
