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
            drop(self.next());
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
        self.left = self.left.checked_sub(1)?;
        let at = self.at;
        self.move_on(1);
        // SAFETY: claimed and written, as all of the `left`; having moved on, we do not take it again. It is moved out
        // before anything is done with it, so a panic there cannot drop it twice.
        Some(unsafe { self.end.raw.take(at) })
    }

    #[inline(always)]
    fn move_on(&mut self, count: usize) {
        self.at = self.at.plus(count);
        if !C::SHARED {
            // So that nothing is taken twice should this be forgotten.
            self.end.head = self.at;
        }
    }

    /// Drops the items that are left.
    #[inline]
    pub(super) fn discard(mut self) {
        if core::mem::needs_drop::<T>() {
            while let Some(item) = self.next() {
                drop(item);
            }
        } else {
            let left = core::mem::take(&mut self.left);
            self.move_on(left);
        }
    }
}

impl<T, P: Side, C: Side, S: Stats> Drop for Taking<'_, T, P, C, S> {
    #[inline]
    fn drop(&mut self) {
        if C::SHARED && core::mem::needs_drop::<T>() {
            // The rest goes even if the `Drop` of one of it panics, and the slots are given back in any case.
            let rest = Rest(self);
            while let Some(item) = rest.0.next() {
                drop(item);
            }
        } else {
            self.give_back();
        }
    }
}

impl<T, P: Side, C: Side, S: Stats> Taking<'_, T, P, C, S> {
    #[inline]
    fn give_back(&mut self) {
        if C::SHARED {
            let left = core::mem::take(&mut self.left);
            self.move_on(left);
        }
        let count = self.at.since(self.start);
        if count > 0 {
            // SAFETY: claimed from `start` on, and moved out (or in no need of a `Drop`) up to `at`.
            unsafe { self.end.finish(self.start, count) };
        } else if !C::SHARED && self.end.draining {
            // A forgotten drain is over with the next operation, even with one that takes nothing.
            self.end.settle();
        }
    }
}

/// Ends a [`Taking`] of one of many consumers.
struct Rest<'t, 'g, T, P: Side, C: Side, S: Stats>(&'t mut Taking<'g, T, P, C, S>);

impl<T, P: Side, C: Side, S: Stats> Drop for Rest<'_, '_, T, P, C, S> {
    fn drop(&mut self) {
        while let Some(item) = self.0.next() {
            drop(item);
        }
        self.0.give_back();
    }
}

/// Takes items out of a ring; made by [`Consumer::drain`](super::Consumer::drain).
///
/// Each item it yields is consumed; those it has not come to stay in the ring, or are dropped where there are many
/// consumers.
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
}

impl<T, P: Side, C: Side, S: Stats> ExactSizeIterator for Drain<'_, T, P, C, S> {}
impl<T, P: Side, C: Side, S: Stats> FusedIterator for Drain<'_, T, P, C, S> {}

impl<T, P: Side, C: Side, S: Stats> fmt::Debug for Drain<'_, T, P, C, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Drain").field("left", &self.taking.left).finish()
    }
}
