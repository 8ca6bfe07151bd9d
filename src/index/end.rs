//! What one end knows of its ring, and how it claims slots and commits them.

use core::marker::PhantomData;

use super::arity::Arity;
use super::header::IndexPtr;
#[cfg(compare_and_swap)]
use super::poll_pause::PollPause;
use super::role::EndRole;
use super::side::sealed::Sealed as _;
use super::side::{ABORTED, backoff, known};
#[cfg(compare_and_swap)]
use crate::cpu::pause;
use crate::span::Counter;
use crate::stats::{Refusal, sealed::Sealed as _};
use crate::sync::Pos;

/// Which slots an end wants.
#[derive(Clone, Copy)]
pub(crate) struct ClaimRequest {
    /// At most so many.
    pub(crate) most: usize,
    /// Fewer are none.
    pub(crate) least: usize,
    /// Only up to where the ring wraps.
    pub(crate) contiguous: bool,
}

/// What one end of side `R` knows: its own position, and up to where the other side has committed.
pub(crate) struct End<A: Arity, R: EndRole<A>> {
    ptr: IndexPtr<A>,
    /// The position of an end that is alone on its side: the shared copy is behind or equal, and this end alone stores it. Of
    /// one of several: where the shared position was when it last knew.
    at: Pos,
    /// The first position that is not known to be committed.
    limit: Pos,
    /// How long to keep away from a stream. Without compare-and-swap there are no channels, and no sides of many, and nobody does.
    #[cfg(compare_and_swap)]
    pace: PollPause,
    /// Refusals are not counted: they are further looks of one call, of a channel.
    #[cfg(compare_and_swap)]
    quiet: bool,
    role: PhantomData<R>,
}

// SAFETY: an end reaches its ring through atomics alone; the pointers in it are valid on any thread as long as the ring lives,
// which its holder sees to.
unsafe impl<A: Arity, R: EndRole<A>> Send for End<A, R> {}

impl<A: Arity, R: EndRole<A>> End<A, R> {
    /// An end that begins at its side's position. Of a single side, the end before has told how far it was by giving itself
    /// back.
    pub(crate) fn new(ptr: IndexPtr<A>) -> Self {
        let at = R::own(ptr.header()).own();
        Self {
            ptr,
            at,
            limit: at,
            #[cfg(compare_and_swap)]
            pace: PollPause::new(at, R::MAX_PAUSE),
            #[cfg(compare_and_swap)]
            quiet: false,
            role: PhantomData,
        }
    }

    #[inline(always)]
    pub(crate) fn ptr(&self) -> &IndexPtr<A> {
        &self.ptr
    }

    /// Returns the position at which it last knew its side to be.
    #[inline(always)]
    pub(crate) fn at(&self) -> Pos {
        self.at
    }

    /// Claims slots. Returns the first one, and how many. From a single side they are not taken: a claim that is not followed
    /// by [`finish`](Self::finish) has not been. One of several ends must finish all of them.
    ///
    /// One of several begins at the position it last knew. A wrong guess costs nothing, since the exchange finds out; a right
    /// one spares a look at the line of all ends of its side.
    ///
    /// The error is why there are none, and how many there are.
    #[inline(always)]
    pub(crate) fn claim(&mut self, request: ClaimRequest) -> Result<(Pos, usize), (Refusal, usize)> {
        let ClaimRequest { most, least, contiguous } = request;
        let capacity = self.ptr.capacity();
        let (mut lost, mut skipped) = (0, 0);
        while lost < R::Own::TRIES {
            let at = self.at;
            let there = self.available(at, most);
            if there < least || (R::Own::SHARED && there > capacity) {
                if self.is_behind() {
                    lost += 1;
                    continue;
                }
                if self.is_aborted(at) {
                    // There can be a ring full of them; more, and producers abort as fast as this end skips.
                    if skipped > capacity {
                        return Err((Refusal::Pending, there));
                    }
                    skipped += 1;
                    if !self.skip_aborted(at) {
                        lost += 1;
                    }
                    continue;
                }
                #[cfg(compare_and_swap)]
                if self.pace.is_on() && least == 1 && self.spin_once(at) {
                    // Of one of several, it may have come and gone.
                    lost += usize::from(R::Own::SHARED);
                    continue;
                }
                match self.refusal(at, least) {
                    Some(why) => return Err((why, there)),
                    None => {
                        lost += 1;
                        continue;
                    }
                }
            }
            let mut count = most.min(there);
            if contiguous {
                count = count.min(capacity - self.ptr.slot(at));
            }
            let to = at.plus(count);
            match R::Own::take(R::own(self.ptr.header()), at, to) {
                Ok(()) => {
                    if R::Own::SHARED {
                        self.at = to;
                    }
                    return Ok((at, count));
                }
                Err(now) => self.at = now,
            }
            backoff(lost);
            lost += 1;
        }
        Err((Refusal::Contended, 0))
    }

    /// Returns how many positions from `at` on are committed, at least `wanted` if there are that many. Looks only if need be.
    /// The answer is more than the capacity if `at` is out of date.
    #[inline(always)]
    fn available(&mut self, at: Pos, wanted: usize) -> usize {
        let known = known::<R::Own>(self.limit, at, self.ptr.capacity());
        if known >= wanted { known } else { self.look(at, known, wanted) }
    }

    #[inline]
    fn look(&mut self, at: Pos, known: usize, wanted: usize) -> usize {
        self.limit = R::committed_until(&self.ptr, at, known, wanted);
        self.limit.since(at)
    }

    /// Returns whether the other ends of its side have moved on from where it thought they were. It knows now.
    #[inline(always)]
    fn is_behind(&mut self) -> bool {
        let at = self.at;
        self.at = self.position();
        self.at != at
    }

    /// Returns where its side is.
    #[inline(always)]
    pub(crate) fn position(&self) -> Pos {
        R::Own::position(self.at, R::own(self.ptr.header()))
    }

    #[inline(always)]
    fn is_aborted(&self, at: Pos) -> bool {
        R::SKIPS_ABORTED && self.ptr.slot_state(at) == Some(ABORTED)
    }

    /// Skips the aborted slot of `at`. Returns false if another end did.
    #[cold]
    fn skip_aborted(&mut self, at: Pos) -> bool {
        let next = at.plus(1);
        if let Err(now) = R::Own::take(R::own(self.ptr.header()), at, next) {
            self.at = now;
            return false;
        }
        // The limit of a single end stays ahead of its position, or equal.
        (self.at, self.limit) = (next, next);
        // SAFETY: claimed just now, and there is no item in it.
        unsafe { R::abort(&self.ptr, at, 1) };
        true
    }

    /// Waits for a moment if the end is in a stream. Returns whether something has come to `at`.
    // Out of line: inlined, its loop of hints takes registers from the way of a claim that finds something.
    #[cfg(compare_and_swap)]
    #[cold]
    #[inline(never)]
    fn spin_once(&mut self, at: Pos) -> bool {
        let hints = self.pace.pause(at);
        if hints == 0 {
            return false;
        }
        pause(hints);
        let has_come = self.look(at, 0, 1) > 0 || self.is_aborted(at);
        self.pace.paid(has_come);
        has_come
    }

    /// Keeps away from a stream for up to that many hints.
    #[cfg(compare_and_swap)]
    pub(crate) fn set_max_pause(&mut self, hints: u16) {
        self.pace.set_longest(hints, R::MAX_PAUSE, self.ptr.capacity());
    }

    /// Returns whether it ever keeps away.
    #[cfg(all(test, not(loom), not(annulet_narrow)))]
    pub(crate) fn keeps_away(&self) -> bool {
        self.pace.is_on()
    }

    /// Returns whether a claim would find something: a slot that is committed, or one that is to be skipped.
    // Asked by channels, which need compare-and-swap.
    #[cfg(compare_and_swap)]
    #[inline]
    pub(crate) fn is_ready(&mut self) -> bool {
        self.is_behind();
        self.look(self.at, 0, 1) > 0 || self.is_aborted(self.at)
    }

    /// Returns why there are not `least` slots from `at` on, where its side is; `None` if there may be by now.
    #[cold]
    fn refusal(&self, at: Pos, least: usize) -> Option<Refusal> {
        if !R::Own::SHARED && !R::Other::SHARED {
            return Some(Refusal::NoneAvailable);
        }
        R::fence_refusal();
        // The other side has claimed up to its position: what is before it is committed, or will be soon.
        let there = R::Other::observed(R::other(self.ptr.header())).plus(R::lead(&self.ptr)).since(at);
        if there > self.ptr.capacity() {
            // Ends of both sides have moved past `at` meanwhile.
            None
        } else if there < least {
            Some(Refusal::NoneAvailable)
        } else if R::Other::SHARED {
            Some(Refusal::Pending)
        } else {
            None
        }
    }

    /// Commits the first `count` of `claimed` slots that were claimed from `at` on, and aborts the others. A single side, from
    /// which they were not taken, keeps the others.
    ///
    /// # Safety
    /// They were claimed from there on, and not finished. A producer has written the first `count`, a consumer has emptied
    /// them, and then `count` is `claimed`.
    #[inline(always)]
    pub(crate) unsafe fn finish(&mut self, at: Pos, count: usize, claimed: usize) {
        if R::Own::SHARED && count < claimed {
            // SAFETY: claimed and not committed, as the caller says.
            unsafe { R::abort(&self.ptr, at.plus(count), claimed - count) };
        }
        if count > 0 {
            if !R::Own::SHARED {
                self.at = at.plus(count);
            }
            // First, so that an item that was received is counted as sent.
            R::counter(self.ptr.header()).moved(count, R::Own::SHARED);
            // SAFETY: claimed, not committed, and written or emptied, as the caller says.
            unsafe { R::commit(&self.ptr, at, count) };
        }
    }

    /// Returns how many items are in the ring, as this end sees it.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        R::items(self.position(), R::other(self.ptr.header()).observe()).min(self.ptr.capacity())
    }

    /// Refusals are not counted from now on, or are.
    #[cfg(compare_and_swap)]
    pub(crate) fn set_quiet(&mut self, quiet: bool) {
        self.quiet = quiet;
    }

    #[inline(always)]
    pub(crate) fn count_refusal(&self, why: Refusal) {
        #[cfg(compare_and_swap)]
        if self.quiet {
            return;
        }
        R::counter(self.ptr.header()).refused(why, R::Own::SHARED);
    }
}
