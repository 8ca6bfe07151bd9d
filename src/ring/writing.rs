//! What a producer knows and does: claims of free slots.

use super::cells::Raw;
use super::pace::Pace;
use super::side::{Side, VOID, WRITTEN, give_way, known};
use crate::cursor::before_full;
use crate::span::Counter;
use crate::stats::{Refusal, Stats};
use crate::sync::{Pos, pause};

/// What a producer knows: its own position, and up to where it may write.
// On cache lines of its own: were the two ends of a ring beside each other in one stack frame, each operation of one
// would take the line from the other (9 Mops/s in place of 350).
#[cfg_attr(any(target_arch = "x86_64", target_arch = "aarch64"), repr(align(128)))]
#[cfg_attr(
    all(target_pointer_width = "64", not(any(target_arch = "x86_64", target_arch = "aarch64"))),
    repr(align(64))
)]
pub(super) struct WriteEnd<T, P: Side, C: Side, S: Stats> {
    pub(super) raw: Raw<T, P, C, S>,
    /// My position, if I am alone: the shared copy is behind or equal, and I alone store it. One of many: where the
    /// shared position was when I last knew.
    pub(super) tail: Pos,
    /// The first position that I do not know to be free.
    limit: Pos,
    /// Slots that a grant has claimed, of one of many: to be given up if it is forgotten.
    pub(super) lent: Option<(Pos, usize)>,
    /// How long to keep away.
    pub(super) pace: Pace,
    /// Refusals are not counted: they are further looks of one call.
    pub(super) quiet: bool,
}

/// What of the free slots is wanted.
#[derive(Clone, Copy)]
pub(super) struct Wanted {
    /// At most so many.
    pub(super) most: usize,
    /// Fewer are none.
    pub(super) least: usize,
    /// Only up to where the ring wraps.
    pub(super) contiguous: bool,
}

// SAFETY: the end moves items of `T` to a consumer's thread and reaches its ring through atomics and slots that
// are its alone; the pointers in it are valid on any thread as long as the ring lives, which `keep` sees to.
unsafe impl<T: Send, P: Side, C: Side, S: Stats> Send for WriteEnd<T, P, C, S> {}

impl<T, P: Side, C: Side, S: Stats> WriteEnd<T, P, C, S> {
    pub(super) fn new(raw: Raw<T, P, C, S>) -> Self {
        let tail = raw.header().tail.0.own();
        let mut end = Self { raw, tail, limit: tail, lent: None, pace: Pace::new(tail, 0), quiet: false };
        end.look(tail, 0, 1);
        end
    }

    /// At least `wanted` free slots from `at` on if there are that many, looking only if need be; more than the
    /// capacity where `at` is out of date.
    #[inline(always)]
    fn free(&mut self, at: Pos, wanted: usize) -> usize {
        let known = known::<P>(self.limit, at, self.raw.capacity());
        if known >= wanted { known } else { self.look(at, known, wanted) }
    }

    #[inline]
    fn look(&mut self, at: Pos, known: usize, wanted: usize) -> usize {
        self.limit = self.raw.free_until(at, known, wanted);
        self.limit.since(at)
    }

    /// Takes free slots: the first one, and how many. Where the side is single they are not taken from anybody: a
    /// claim that is not followed by [`finish`](Self::finish) has not been.
    ///
    /// One of many begins at the position it last knew. A guess costs nothing if it is wrong, since the exchange finds
    /// out, and spares a look at the line of all producers if it is right.
    ///
    /// The error is why there are none, and how many there are.
    #[inline(always)]
    pub(super) fn claim(&mut self, wanted: Wanted) -> Result<(Pos, usize), (Refusal, usize)> {
        let Wanted { most, least, contiguous } = wanted;
        let capacity = self.raw.capacity();
        for lost in 0..P::TRIES {
            let at = self.tail;
            let mut free = self.free(at, most);
            let is_refused = |free| free < least || (P::SHARED && free > capacity);
            if is_refused(free) {
                if self.is_behind() {
                    continue;
                }
                if self.pace.is_on() && least == 1 {
                    free = self.wait_for_room(at, most);
                }
                if is_refused(free) {
                    match self.refusal(at, least) {
                        Some(why) => return Err((why, free)),
                        None => continue,
                    }
                }
            }
            let mut count = most.min(free);
            if contiguous {
                count = count.min(capacity - at.slot(capacity - 1));
            }
            let to = at.plus(count);
            match P::take(&self.raw.header().tail.0, at, to) {
                Ok(()) => {
                    if P::SHARED {
                        self.tail = to;
                    }
                    return Ok((at, count));
                }
                Err(now) => self.tail = now,
            }
            give_way(lost);
        }
        Err((Refusal::Contended, 0))
    }

    /// Whether the other producers have moved on from where I thought they were; I know now.
    #[inline(always)]
    fn is_behind(&mut self) -> bool {
        let at = self.tail;
        self.tail = P::stands(at, &self.raw.header().tail.0);
        self.tail != at
    }

    /// Keeps away from a stream for up to that many hints.
    #[cfg(compare_and_swap)]
    pub(super) fn keep_away(&mut self, hints: u16) {
        self.pace.set_longest(hints, 0, self.raw.capacity());
    }

    /// How many slots of `most` from `at` on are free within a moment, which is waited for in a stream.
    #[cold]
    fn wait_for_room(&mut self, at: Pos, most: usize) -> usize {
        let hints = self.pace.pause(at);
        if hints == 0 {
            return 0;
        }
        pause(hints);
        let free = self.look(at, 0, most);
        self.pace.paid(free > 0);
        free
    }

    /// Whether the next slot is free.
    // Asked by channels, which need compare-and-swap.
    #[cfg(compare_and_swap)]
    #[inline]
    pub(super) fn is_ready(&mut self) -> bool {
        self.is_behind();
        self.look(self.tail, 0, 1) > 0
    }

    /// Why there are not `least` free slots from `at` on, where the tail is; `None` if there may be by now.
    #[cold]
    fn refusal(&self, at: Pos, least: usize) -> Option<Refusal> {
        if !P::SHARED && !C::SHARED {
            return Some(Refusal::Refused);
        }
        before_full();
        // Consumers have claimed up to the head: what is before it is free, or will be soon.
        let head = C::observed(&self.raw.header().head.0);
        let (items, capacity) = (at.since(head), self.raw.capacity());
        if items > capacity {
            // Consumers and other producers have gone past `at` meanwhile.
            None
        } else if least > capacity - items {
            Some(Refusal::Refused)
        } else if C::SHARED {
            Some(Refusal::Pending)
        } else {
            None
        }
    }

    /// Hands over the first `count` of `claimed` slots that were taken from `at` on, and gives up the others.
    ///
    /// # Safety
    /// They were taken from there on, and `count` of them are written.
    #[inline(always)]
    pub(super) unsafe fn finish(&mut self, at: Pos, count: usize, claimed: usize) {
        if P::SHARED && count < claimed {
            // SAFETY: taken and not committed, as the caller says; a void slot need not be written.
            unsafe { self.raw.commit_written(at.plus(count), claimed - count, VOID) };
        }
        if count > 0 {
            if !P::SHARED {
                self.tail = at.plus(count);
            }
            // First, so that whoever has received an item finds it counted.
            self.raw.header().sent.0.moved(count, P::SHARED);
            // SAFETY: taken, not committed, and written, as the caller says.
            unsafe { self.raw.commit_written(at, count, WRITTEN) };
        }
    }

    /// Gives up the slots of a grant that was forgotten, if one was.
    #[inline]
    pub(super) fn reclaim_forgotten(&mut self) {
        if !P::SHARED {
            return;
        }
        if let Some((at, count)) = self.lent.take() {
            // SAFETY: the grant had taken them and committed none, or it would have said so; and it is gone, since it
            // borrowed this end.
            unsafe { self.finish(at, 0, count) };
        }
    }

    #[inline(always)]
    pub(super) fn count_refusal(&self, why: Refusal) {
        if self.quiet {
            return;
        }
        self.raw.header().sent.0.refused(why, P::SHARED);
    }
}
