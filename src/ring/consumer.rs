//! The reading end.

use core::fmt;
use core::iter::Chain;
use core::marker::PhantomData;
use core::slice;

use super::cells::Raw;
#[cfg(compare_and_swap)]
use super::keep::CloneEnds;
use super::keep::{Borrowed, CONSUMER, Keep};
use super::reading::ReadEnd;
#[cfg(compare_and_swap)]
use super::side::Multi;
use super::side::{Side, Single};
#[cfg(compare_and_swap)]
use super::taking::Taking;
use super::{Drain, ReadGrant};
use crate::error::PopError;
use crate::span::Counter;
use crate::stats::{Off, Stats};
#[cfg(compare_and_swap)]
use core::mem::ManuallyDrop;

/// A consumer of a ring: the one there is, or one of many.
///
/// It borrows the ring for `'a`, or keeps it alive by `K`. Dropping it gives the end back; unread items stay. Where the
/// side is [`Multi`], it can be cloned; each item goes to one of the consumers.
///
/// A stale answer never harms: only consumers take items out, so what a single one has seen stays until it takes it,
/// and "empty" may be over by the time it is read.
///
/// # Errors
///
/// `Empty`, `Pending` and `Contended` are three things, and the last two do not occur everywhere:
///
/// | | the next slot | single producer, single consumer | many producers | many consumers |
/// |---|---|---|---|---|
/// | `Empty` | holds no item | yes | yes | yes |
/// | `Pending` | is being written; or producers give up slots faster than they are gone past | | yes | |
/// | `Contended` | went to other consumers, 64 times | | | yes |
///
/// Where there are many producers, an end that finds no item after two or more that it has found looks again, once, 8
/// spin-loop hints later, before it says so: it spares producers that are at work.
///
/// # Forms
///
/// A single consumer can look at items that stay in the ring: [`peek`](Consumer::peek), [`iter`](Consumer::iter),
/// [`try_read`](Consumer::try_read). One of many cannot: another one might take them. What is claimed for it is its own,
/// and is dropped where it is not taken.
pub struct Consumer<'a, T, P: Side = Single, C: Side = Single, S: Stats = Off, K: Keep = Borrowed<'a>> {
    pub(super) end: ReadEnd<T, P, C, S>,
    keep: K,
    ring: PhantomData<&'a ()>,
}

impl<'a, T, P: Side, C: Side, S: Stats, K: Keep> Consumer<'a, T, P, C, S, K> {
    /// # Safety
    /// No other consumer of a single side of this ring is in use while this one is, and `keep` keeps the ring alive.
    pub(super) unsafe fn new(raw: Raw<T, P, C, S>, keep: K) -> Self {
        let head = raw.header().head.0.own();
        let mut end = ReadEnd::new(raw, head);
        if !C::SHARED {
            // All that is there: a forgotten drain announced no more.
            let known = end.look(head, 0, raw.capacity());
            let forgotten = raw.header().ends.0.draining(known);
            if forgotten > 0 {
                end.head = head.plus(forgotten);
                end.settle();
            }
        }
        Self { end, keep, ring: PhantomData }
    }

    /// Pops one item. Its slot is free for the producers when this returns.
    ///
    /// # Errors
    ///
    /// [`PopError::Empty`] if there was none, [`PopError::Pending`] and [`PopError::Contended`] as the
    /// [table](Self#errors) says.
    #[inline]
    pub fn try_pop(&mut self) -> Result<T, PopError> {
        let end = &mut self.end;
        match end.claim(1) {
            Ok((at, _)) => {
                // SAFETY: claimed and written; freed below, so not taken again.
                let value = unsafe { end.raw.take(at) };
                // SAFETY: claimed, and moved out.
                unsafe { end.finish(at, 1) };
                Ok(value)
            }
            Err(why) => Err(end.refuse(why)),
        }
    }

    /// Moves up to `out.len()` items into `out`, across the wrap if need be; how many.
    ///
    /// Fewer than `out.len()` means that no more were there in one piece: the ring was empty after them, or one of many
    /// producers had claimed the next slot and not handed it over, or given it up.
    #[inline]
    pub fn try_pop_slice(&mut self, out: &mut [T]) -> usize
    where
        T: Copy,
    {
        self.end.taking(out.len()).copy_to(out)
    }

    /// Drops up to `count` items; how many. Their slots become free together.
    #[inline]
    pub fn skip(&mut self, count: usize) -> usize {
        let taking = self.end.taking(count);
        let count = taking.left;
        taking.discard();
        count
    }

    /// Shows up to `max` items to `f`, one after the other, and drops each; how many. Their slots become free
    /// together.
    ///
    /// If `f` panics, the items before are consumed and the one it was shown stays, with those after it. Where there
    /// are many consumers, these are dropped.
    #[inline]
    pub fn consume(&mut self, max: usize, f: impl FnMut(&T)) -> usize {
        let mut taking = self.end.taking(max);
        let count = taking.left;
        taking.show(f);
        count
    }

    /// Takes out up to `max` of the items that are there now. Their slots become free together, when the iterator
    /// is dropped.
    ///
    /// Items that it does not come to stay in the ring. Where there are many consumers, they are dropped.
    ///
    /// If it is forgotten, the slots become free at the latest when this end next tries to take or look at an item and finds
    /// none, or is dropped. Asking for its [`len`](Self::len) does not free them: until then the ring may be empty to this
    /// end, and full to the producers.
    /// If this end is forgotten too, what is left of the `max` items is leaked. Where there are many consumers, they are
    /// leaked, and the ring stops at their slots until the next [`split`](super::Ring::split).
    #[inline]
    pub fn drain(&mut self, max: usize) -> Drain<'_, T, P, C, S> {
        let taking = self.end.taking(max);
        if !C::SHARED {
            taking.end.begin_drain(taking.left);
        }
        Drain { taking }
    }

    /// As [`drain`](Self::drain), of items that go to `f` one after the other; how many. If there is none: why.
    // Asked by channels, which need compare-and-swap.
    #[cfg(compare_and_swap)]
    #[inline]
    pub(crate) fn drain_to(&mut self, max: usize, f: impl FnMut(T)) -> Result<usize, PopError> {
        if max == 0 {
            return Ok(0);
        }
        let (at, count) = match self.end.claim(max.min(self.capacity())) {
            Ok(claimed) => claimed,
            Err(why) => return Err(self.end.refuse(why)),
        };
        if !C::SHARED {
            self.end.begin_drain(count);
        }
        Drain { taking: Taking::new(&mut self.end, at, count) }.for_each(f);
        Ok(count)
    }

    /// The number of items the ring holds when full.
    #[must_use]
    #[inline]
    pub fn capacity(&self) -> usize {
        self.end.raw.capacity()
    }

    /// Items in the ring. Of a single consumer: it may be more by the time it is read, never fewer. Slots that one of many
    /// producers is still writing, or gave up, count as well until a consumer comes to them.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        let header = self.end.raw.header();
        let head = C::stands(self.end.head, &header.head.0);
        header.tail.0.observe().since(head).min(self.capacity())
    }

    /// True when no item was in the ring.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// True when no slot was free.
    #[must_use]
    #[inline]
    pub fn is_full(&self) -> bool {
        self.len() == self.capacity()
    }

    /// Whether a pop would find an item, or slots to go past, as far as can be seen without one: unlike a ring that is
    /// not empty, not an item that its producer has not handed over.
    // Asked by channels, which need compare-and-swap.
    #[cfg(compare_and_swap)]
    #[inline]
    pub(crate) fn has_items(&mut self) -> bool {
        self.end.is_ready()
    }

    /// Whether refusals are not counted from now on.
    #[cfg(compare_and_swap)]
    pub(crate) fn set_quiet(&mut self, quiet: bool) {
        self.end.quiet = quiet;
    }

    /// Keeps away from a stream for up to that many hints.
    #[cfg(compare_and_swap)]
    pub(crate) fn keep_away(&mut self, hints: u16) {
        self.end.keep_away(hints);
    }

    /// Frees the slots of items that a forgotten drain has taken, if one was.
    #[cfg(compare_and_swap)]
    pub(crate) fn reclaim_forgotten(&mut self) {
        if self.end.draining {
            self.end.settle();
        }
    }

    /// The same consumer, whose ring is kept alive in another way.
    #[cfg(compare_and_swap)]
    pub(crate) fn map_keep<L: Keep>(mut self, map: impl FnOnce(K) -> L) -> Consumer<'a, T, P, C, S, L> {
        self.reclaim_forgotten();
        let this = ManuallyDrop::new(self);
        // SAFETY: valid, aligned and initialised, as a field of a value; and not used again, since `this` is not dropped.
        let keep = unsafe { core::ptr::read(&raw const this.keep) };
        // SAFETY: `this` was the consumer of its side, and is gone; what kept the ring alive is in the new one.
        unsafe { Consumer::new(this.end.raw, map(keep)) }
    }
}

/// What only a single consumer can do: items that it looks at are not taken by others.
impl<T, P: Side, S: Stats, K: Keep> Consumer<'_, T, P, Single, S, K> {
    /// The next item, where it is; `None` if there is none. It stays in the ring.
    #[inline]
    pub fn peek(&mut self) -> Option<&T> {
        self.items(1).0.first()
    }

    /// The items of up to two parts, looking for `wanted`, at most that many.
    #[inline]
    fn items(&mut self, wanted: usize) -> (&[T], &[T]) {
        let (at, count) = self.end.claim(wanted.min(self.capacity())).unwrap_or((self.end.head, 0));
        let span = self.end.raw.span(at, count);
        // SAFETY: these items are before the observed tail, so they are written, and producers do not touch them
        // until this end has moved on, which the borrow of it excludes. The ring outlives the borrow.
        unsafe { self.end.raw.parts(span) }
    }

    /// Grants up to `wanted` items in one contiguous run, to be read in place.
    ///
    /// The run is shorter where the ring wraps or holds less. `wanted` 0 is an empty grant. Nothing is consumed
    /// until [`ReadGrant::release`].
    ///
    /// # Errors
    ///
    /// [`PopError::Empty`] if there was no item, [`PopError::Pending`] if many producers are, and one of them is in the
    /// middle of writing the next one.
    #[inline]
    pub fn try_read(&mut self, wanted: usize) -> Result<ReadGrant<'_, T, P, S>, PopError> {
        match self.end.claim(wanted.min(self.capacity())) {
            Ok((at, count)) => {
                let span = self.end.raw.span(at, count).contiguous();
                // SAFETY: the span starts at the head and holds only items that are known.
                Ok(unsafe { ReadGrant::new(&mut self.end, span) })
            }
            Err(why) => Err(self.end.refuse(why)),
        }
    }

    /// Grants up to `wanted` items in two parts, the second one empty unless the ring wraps.
    ///
    /// # Errors
    ///
    /// As [`try_read`](Self::try_read).
    #[inline]
    pub fn try_read_parts(&mut self, wanted: usize) -> Result<ReadGrant<'_, T, P, S>, PopError> {
        match self.end.claim(wanted.min(self.capacity())) {
            Ok((at, count)) => {
                let span = self.end.raw.span(at, count);
                // SAFETY: the span starts at the head and holds only items that are known.
                Ok(unsafe { ReadGrant::new(&mut self.end, span) })
            }
            Err(why) => Err(self.end.refuse(why)),
        }
    }

    /// Looks at the items that are there now, in order, without consuming any. Where there are many producers, up to
    /// the first slot that one of them has claimed and not handed over.
    #[inline]
    pub fn iter(&mut self) -> Chain<slice::Iter<'_, T>, slice::Iter<'_, T>> {
        let (first, second) = self.items(usize::MAX);
        first.iter().chain(second)
    }
}

#[cfg(compare_and_swap)]
impl<T, P: Side, S: Stats, K: Keep> Consumer<'_, T, P, Multi, S, K> {
    /// One more consumer.
    pub(crate) fn another(&self) -> Self {
        // SAFETY: a side of many consumers may have one more, and what keeps the ring alive keeps it for this one.
        unsafe { Self::new(self.end.raw, self.keep.again()) }
    }
}

#[cfg(compare_and_swap)]
impl<T, P: Side, S: Stats, K: CloneEnds> Clone for Consumer<'_, T, P, Multi, S, K> {
    /// One more consumer.
    fn clone(&self) -> Self {
        self.another()
    }
}

impl<T, P: Side, C: Side, S: Stats, K: Keep> Drop for Consumer<'_, T, P, C, S, K> {
    fn drop(&mut self) {
        if self.end.draining {
            // A forgotten `Drain` has moved the head without telling.
            self.end.settle();
        }
        if !C::SHARED {
            self.keep.give_back(CONSUMER);
        }
    }
}

impl<T, P: Side, C: Side, S: Stats, K: Keep> fmt::Debug for Consumer<'_, T, P, C, S, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumer").field("len", &self.len()).field("capacity", &self.capacity()).finish()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use crate::error::{PopError, PushError};
    use crate::ring::{Multi, Ring, Side, Single};
    use crate::stats::Counts;
    use core::mem::forget;

    /// A consumer that never comes back from a handler, as in a process that is killed there, has said what it may have
    /// taken. One of many need not: it has claimed it.
    #[test]
    fn a_drain_says_what_it_may_take_before_it_does() {
        fn play<P: Side, C: Side>() {
            let ring = Ring::<u32, 4, P, C>::new();
            let (mut tx, mut rx) = ring.try_split().unwrap();
            assert_eq!(tx.try_push_slice(&[1, 2, 3]), 3);
            let said = || ring.header.ends.0.draining(4);
            let mut seen = std::vec![];
            assert_eq!(rx.drain_to(2, |item| seen.push((item, said()))), Ok(2));
            let most = if C::SHARED { 0 } else { 2 };
            assert_eq!((seen, said()), (std::vec![(1, most), (2, most)], 0));
        }
        play::<Single, Single>();
        play::<Multi, Single>();
        play::<Single, Multi>();
        play::<Multi, Multi>();
    }

    /// What a channel does with the ends of its ring: it looks again without counting that, and tells what was forgotten.
    #[test]
    fn ends_are_quiet_when_told_and_tell_what_was_forgotten() {
        fn play<P: Side, C: Side>() {
            let ring = Ring::<u32, 2, P, C, Counts>::new();
            let (mut tx, mut rx) = ring.try_split().unwrap();
            let refused = || (ring.stats().0.refused, ring.stats().1.refused);
            for (quiet, counted) in [(false, 1), (true, 1), (false, 2)] {
                tx.set_quiet(quiet);
                rx.set_quiet(quiet);
                assert_eq!((rx.try_pop(), rx.skip(1)), (Err(PopError::Empty), 0));
                assert_eq!(tx.try_push_iter([1, 2]), 2);
                assert_eq!((tx.try_push(3), tx.try_push_slice(&[3])), (Err(PushError::Full(3)), 0));
                assert_eq!(refused(), (2 * counted, 2 * counted));
                let mut drain = rx.drain(2);
                assert_eq!((drain.next(), drain.next()), (Some(1), Some(2)));
                if C::SHARED {
                    drop(drain);
                } else {
                    forget(drain);
                    assert_eq!(ring.len(), 2, "nobody was told");
                }
                rx.reclaim_forgotten();
                assert_eq!(ring.len(), 0);
                if P::SHARED {
                    forget(tx.try_claim(1));
                    assert_eq!(rx.try_pop(), Err(PopError::Pending));
                    tx.reclaim_forgotten();
                    rx.set_quiet(true);
                    assert_eq!(rx.drain(1).next(), None);
                    assert_eq!(ring.len(), 0, "what was given up is gone past");
                }
            }
        }
        play::<Single, Single>();
        play::<Multi, Single>();
        play::<Single, Multi>();
        play::<Multi, Multi>();
    }
}
