//! What a consumer knows and does: claims of items.

use super::cells::Raw;
use super::pace::Pace;
use super::side::{Side, VOID, give_way, known};
use super::taking::Taking;
use crate::cursor::before_empty;
use crate::error::PopError;
use crate::span::Counter;
use crate::stats::{Refusal, Stats};
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
    /// How long to keep away.
    pub(super) pace: Pace,
    /// Refusals are not counted: they are further looks of one call.
    pub(super) quiet: bool,
}

// SAFETY: the end receives items of `T` from a producer's thread and reaches its ring through atomics and slots
// that are its alone; the pointers in it are valid on any thread as long as the ring lives, which `keep` sees to.
unsafe impl<T: Send, P: Side, C: Side, S: Stats> Send for ReadEnd<T, P, C, S> {}

impl<T, P: Side, C: Side, S: Stats> ReadEnd<T, P, C, S> {
    /// How long it keeps away from a stream where nothing else was said, in hints.
    ///
    /// A consumer of many producers looks at the position of all of them before it says `Empty`, and takes that line away
    /// from them. With one thread on either side this makes about 145 Mops/s in place of 32 on processors near each other, and
    /// 78 in place of 36 on far ones (`benches/peers`, mpsc single). Half as long gives 110 and 58, twice as long no more
    /// there, and more elsewhere: a channel that may spin keeps away for longer.
    const AWAY: u16 = if P::SHARED { 8 } else { 0 };

    pub(super) fn new(raw: Raw<T, P, C, S>, head: Pos) -> Self {
        let pace = Pace::new(head, Self::AWAY);
        Self { raw, head, limit: head, draining: false, drained_from: head, pace, quiet: false }
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
                if self.pace.is_on() && self.is_coming(at) {
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

    /// Whether there is an item, or a slot that was given up.
    // Asked by channels, which need compare-and-swap.
    #[cfg(compare_and_swap)]
    #[inline]
    pub(super) fn is_ready(&mut self) -> bool {
        self.is_behind();
        self.look(self.head, 0, 1) > 0 || (P::SHARED && self.raw.outcome(self.head).is_some())
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

    /// Keeps away from a stream for up to that many hints.
    #[cfg(compare_and_swap)]
    pub(super) fn keep_away(&mut self, hints: u16) {
        self.pace.set_longest(hints, Self::AWAY, self.raw.capacity());
    }

    /// Whether an item comes to `at` within a moment, which is waited for in a stream.
    #[cold]
    fn is_coming(&mut self, at: Pos) -> bool {
        let hints = self.pace.pause(at);
        if hints == 0 {
            return false;
        }
        pause(hints);
        let has_come = if P::SHARED { self.raw.outcome(at).is_some() } else { self.look(at, 0, 1) > 0 };
        self.pace.paid(has_come);
        has_come
    }

    /// Why there is no item at `at`, where the head is; `None` if there may be one by now.
    #[cold]
    fn refusal(&self, at: Pos) -> Option<Refusal> {
        if !P::SHARED && !C::SHARED {
            return Some(Refusal::Refused);
        }
        before_empty();
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
        Taking::new(self, at, left)
    }

    /// As [`taking`](Self::taking), and the error is why there are none; it is not counted.
    #[inline]
    pub(super) fn try_taking(&mut self, most: usize) -> Result<Taking<'_, T, P, C, S>, Refusal> {
        let (at, left) = self.claim(most.min(self.raw.capacity()))?;
        Ok(Taking::new(self, at, left))
    }

    #[inline(always)]
    fn count_refusal(&self, why: Refusal) {
        if self.quiet {
            return;
        }
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
    pub(super) fn end_drain(&mut self) {
        self.draining = false;
        self.raw.header().ends.0.set_draining(0);
    }

    /// Drops the next `count` items of a single consumer, telling the producer once: also when a `Drop` panics, up to
    /// that item.
    ///
    /// # Safety
    /// There are that many.
    pub(super) unsafe fn discard(&mut self, count: usize) {
        let start = self.head;
        Taking::new(self, start, count).discard();
    }
}
