//! What a consumer knows and does: claims of items, taken out one by one.

use core::fmt;
use core::iter::FusedIterator;

use super::cells::Raw;
use super::side::{Side, Single, VOID, give_way, known};
use crate::cursor::compared;
use crate::error::PopError;
use crate::span::{Counter, Span};
use crate::stats::{Off, Refusal, Stats};
use crate::sync::{Pos, pause};

/// What a consumer knows: its own position, and up to where there are items.
// On cache lines of its own: were the two ends of a ring beside each other in one stack frame, each operation of one
// would take the line from the other (9 Mops/s in place of 350).
#[cfg_attr(any(target_arch = "x86_64", target_arch = "aarch64"), repr(align(128)))]
#[cfg_attr(
    all(target_pointer_width = "64", not(any(target_arch = "x86_64", target_arch = "aarch64"))),
    repr(align(64))
)]
pub(super) struct ReadEnd<T, P: Side, C: Side, S: Stats> {
    pub(super) raw: Raw<T, P, C, S>,
    /// My position, if I am alone: the shared copy is behind or equal, and I alone store it. One of many: where the
    /// shared position was when I last knew.
    pub(super) head: Pos,
    /// The first position that I do not know to be written.
    limit: Pos,
    /// A drain was made and has not settled. Only of a single consumer.
    pub(super) draining: bool,
    /// Where that drain began.
    drained_from: Pos,
}

// SAFETY: the end receives items of `T` from a producer's thread and reaches its ring through atomics and slots
// that are its alone; the pointers in it are valid on any thread as long as the ring lives, which `keep` sees to.
unsafe impl<T: Send, P: Side, C: Side, S: Stats> Send for ReadEnd<T, P, C, S> {}

impl<T, P: Side, C: Side, S: Stats> ReadEnd<T, P, C, S> {
    pub(super) fn new(raw: Raw<T, P, C, S>, head: Pos) -> Self {
        Self { raw, head, limit: head, draining: false, drained_from: head }
    }

    /// At least `wanted` items from `at` on if there are that many, looking only if need be; more than the capacity
    /// where `at` is out of date.
    #[inline(always)]
    fn available(&mut self, at: Pos, wanted: usize) -> usize {
        let known = known::<C>(self.limit, at, self.raw.capacity());
        if known >= wanted { known } else { self.look(at, known, wanted) }
    }

    #[inline]
    pub(super) fn look(&mut self, at: Pos, known: usize, wanted: usize) -> usize {
        if !C::SHARED && self.draining {
            // It was forgotten. Whoever waits for its slots must not wait for ever.
            self.settle();
        }
        self.limit = self.raw.written_until(at, known, wanted);
        self.limit.since(at)
    }

    /// Takes up to `most` items, which is at most the capacity: the first one, and how many. One of many consumers must
    /// then [`finish`](Self::finish) all of them. From a single one they are not taken until it does.
    ///
    /// One of many begins at the position it last knew, as producers do.
    ///
    /// The error is why there is none.
    #[inline(always)]
    pub(super) fn claim(&mut self, most: usize) -> Result<(Pos, usize), Refusal> {
        let capacity = self.raw.capacity();
        let (mut lost, mut void) = (0, 0);
        while lost < C::TRIES {
            let at = self.head;
            let items = self.available(at, most);
            if (items == 0 && most > 0) || (C::SHARED && items > capacity) {
                if self.is_behind() {
                    lost += 1;
                    continue;
                }
                if P::SHARED && self.raw.outcome(at) == Some(VOID) {
                    // There can be a ring full of them; more, and producers give up slots as fast as we go past.
                    if void > capacity {
                        return Err(Refusal::Pending);
                    }
                    void += 1;
                    if !self.pass(at) {
                        lost += 1;
                    }
                    continue;
                }
                if P::SHARED && self.is_coming(at) {
                    // To one of many, it may have come and gone.
                    lost += usize::from(C::SHARED);
                    continue;
                }
                match self.refusal(at) {
                    Some(why) => return Err(why),
                    None => {
                        lost += 1;
                        continue;
                    }
                }
            }
            let count = items.min(most);
            let to = at.plus(count);
            match C::take(&self.raw.header().head.0, at, to) {
                Ok(()) => {
                    if C::SHARED {
                        self.head = to;
                    }
                    return Ok((at, count));
                }
                Err(now) => self.head = now,
            }
            give_way(lost);
            lost += 1;
        }
        Err(Refusal::Contended)
    }

    /// Whether the other consumers have moved on from where I thought they were; I know now.
    #[inline(always)]
    fn is_behind(&mut self) -> bool {
        let at = self.head;
        self.head = C::stands(at, &self.raw.header().head.0);
        self.head != at
    }

    /// Goes past the slot of `at`, which was given up; false if another consumer did.
    #[cold]
    fn pass(&mut self, at: Pos) -> bool {
        if let Err(now) = C::take(&self.raw.header().head.0, at, at.plus(1)) {
            self.head = now;
            return false;
        }
        if C::SHARED {
            self.head = at.plus(1);
        }
        // A single consumer's head stays behind its limit, which was this slot.
        self.limit = at.plus(1);
        // SAFETY: taken just now, and there is no item in it.
        unsafe { self.free(at, 1) };
        true
    }

    /// Whether one of many producers commits the slot of `at` within a moment.
    ///
    /// `Empty` needs a look at the position of the producers, which takes its line away from them, and so does a look at
    /// the stamp with that one. A consumer that asks again and again thus slows down who it waits for, and finds one item
    /// at a time. One that keeps away for as long as a few items take finds these few, in lines that nobody fights over:
    /// with one thread on either side 145 Mops/s in place of 30 on processors near each other, and 82 in place of 50 on
    /// far ones (`benches/peers`, mpsc single). With four looks that are two hints apart, 80 and 80.
    #[cold]
    fn is_coming(&self, at: Pos) -> bool {
        /// In loom's world time does not pass, so one look is as good as two.
        const LOOKS: usize = if cfg!(loom) { 1 } else { 2 };

        for _ in 0..LOOKS {
            pause(8);
            if self.raw.outcome(at).is_some() {
                return true;
            }
        }
        false
    }

    /// Why there is no item at `at`, where the head is; `None` if there may be one by now.
    #[cold]
    fn refusal(&self, at: Pos) -> Option<Refusal> {
        if !P::SHARED && !C::SHARED {
            return Some(Refusal::Refused);
        }
        compared();
        // Producers have claimed up to the tail.
        if P::observed(&self.raw.header().tail.0) == at {
            Some(Refusal::Refused)
        } else if P::SHARED {
            Some(Refusal::Pending)
        } else {
            None
        }
    }

    /// Gives slots back to the producers.
    ///
    /// # Safety
    /// They were claimed, and the items in them, if any, have been moved out.
    #[inline(always)]
    pub(super) unsafe fn free(&mut self, at: Pos, count: usize) {
        if !C::SHARED {
            if self.draining {
                // A drain was forgotten, and what it took goes with this.
                self.count_drained(at);
                self.end_drain();
            }
            self.head = at.plus(count);
        }
        // SAFETY: claimed, not freed before, and empty, as the caller says.
        unsafe { self.raw.commit_freed(at, count) };
    }

    /// Counts what a forgotten drain took, up to `at`.
    #[cold]
    fn count_drained(&self, at: Pos) {
        self.raw.header().received.0.moved(at.since(self.drained_from), C::SHARED);
    }

    /// As [`free`](Self::free), of items.
    ///
    /// # Safety
    /// As for `free`.
    #[inline(always)]
    pub(super) unsafe fn finish(&mut self, at: Pos, count: usize) {
        self.raw.header().received.0.moved(count, C::SHARED);
        // SAFETY: as the caller says.
        unsafe { self.free(at, count) };
    }

    /// Claims up to `most` items to take them out one by one.
    #[inline]
    pub(super) fn taking(&mut self, most: usize) -> Taking<'_, T, P, C, S> {
        let (at, left) = match self.claim(most.min(self.raw.capacity())) {
            Ok(claimed) => claimed,
            Err(why) => {
                self.count_refusal(why);
                (self.head, 0)
            }
        };
        Taking { end: self, start: at, at, left }
    }

    /// As [`taking`](Self::taking), and the error is why there are none; it is not counted.
    #[inline]
    pub(super) fn try_taking(&mut self, most: usize) -> Result<Taking<'_, T, P, C, S>, Refusal> {
        let (at, left) = self.claim(most.min(self.raw.capacity()))?;
        Ok(Taking { end: self, start: at, at, left })
    }

    #[inline(always)]
    fn count_refusal(&self, why: Refusal) {
        self.raw.header().received.0.refused(why, C::SHARED);
    }

    #[inline]
    pub(super) fn refuse(&self, why: Refusal) -> PopError {
        self.count_refusal(why);
        match why {
            Refusal::Refused => PopError::Empty,
            Refusal::Pending => PopError::Pending,
            Refusal::Contended => PopError::Contended,
        }
    }

    /// Tells the ring that the next `count` items may be taken out without a word, until [`settle`](Self::settle).
    #[inline]
    pub(super) fn begin_drain(&mut self, count: usize) {
        if self.draining {
            // The last drain was forgotten, and the count starts at the head as it was told.
            self.settle();
        }
        self.draining = true;
        self.drained_from = self.head;
        self.raw.header().ends.0.set_draining(count);
    }

    /// Tells the producer how far I am, and the ring that nothing is being taken out without a word.
    #[inline]
    pub(super) fn settle(&mut self) {
        if self.draining {
            self.count_drained(self.head);
        }
        // SAFETY: no slot at all is freed but those that a drain has emptied, and moved the head past.
        unsafe { self.raw.commit_freed(self.head, 0) };
        self.end_drain();
    }

    #[inline]
    fn end_drain(&mut self) {
        self.draining = false;
        self.raw.header().ends.0.set_draining(0);
    }

    /// Drops the next `count` items of a single consumer, telling the producer once: also when a `Drop` panics, up to
    /// that item.
    ///
    /// # Safety
    /// There are that many.
    pub(super) unsafe fn discard(&mut self, count: usize) {
        let (start, at) = (self.head, self.head);
        Taking { end: self, start, at, left: count }.discard();
    }
}

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

impl<T, P: Side, C: Side, S: Stats> Taking<'_, T, P, C, S> {
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
