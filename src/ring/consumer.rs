//! The reading end.

use core::fmt;
use core::marker::PhantomData;

use super::TryIter;
use super::owner::{CONSUMER, Owner, Ref};
use super::read_end::ReadEnd;
use super::slots::RingPtr;
use crate::cpu::CachePadded;
use crate::error::PopError;
#[cfg(compare_and_swap)]
use crate::index::SharedSide;
use crate::index::{Arity, OneToOne, SideRules as _};

/// A consumer of a ring.
///
/// It borrows the ring for `'a`, or keeps it alive by `K`. Dropping it gives the end back; unread items stay. It can be
/// cloned if its side is [`Multi`](crate::ring::Multi); each item goes to one of the consumers.
///
/// A stale answer does no harm: only consumers take items out, so an item that a single consumer has seen stays until it takes
/// it. "Empty" may be over by the time it is used.
///
/// # Errors
///
/// `Empty`, `Pending` and `Contended` are three things, and the last two do not occur everywhere:
///
/// | | the next slot | single producer, single consumer | many producers | many consumers |
/// |---|---|---|---|---|
/// | `Empty` | holds no item | yes | yes | yes |
/// | `Pending` | is being written; or producers abort slots faster than they are skipped | | yes | |
/// | `Contended` | went to other consumers, 64 times | | | yes |
///
/// If there are many producers, a consumer that finds no item after it has found two or more looks again, once, 8 spin-loop
/// hints later, before it says so. This spares producers that are at work.
///
/// # Forms
///
/// A single consumer can look at items that stay in the ring: [`peek`](Consumer::peek), [`iter`](Consumer::iter),
/// [`try_read_grant`](Consumer::try_read_grant). One of many cannot: another one might take them. Items that it claims are its own, and
/// those it does not take are dropped.
///
/// ```
/// let mut ring = annulet::Spsc::<u8, 4>::new();
/// let (mut tx, mut rx) = ring.split();
/// tx.push_slice(&[1, 2, 3]);
/// assert_eq!(rx.len(), 3);
/// assert_eq!(rx.try_pop(), Ok(1));
/// assert!(rx.try_iter().eq([2, 3]));
/// ```
pub struct Consumer<'a, T, A: Arity = OneToOne, K: Owner = Ref<'a>> {
    pub(super) end: ReadEnd<T, A>,
    pub(crate) owner: K,
    /// On cache lines of its own, as a producer.
    _lines: CachePadded<()>,
    ring: PhantomData<&'a ()>,
}

// SAFETY: as for a producer: by a shared reference to a consumer nobody reaches an item.
#[cfg(compare_and_swap)]
unsafe impl<T: Send, A: Arity<Consumers: SharedSide>, K: Owner + Sync> Sync for Consumer<'_, T, A, K> {}

impl<'a, T, A: Arity, K: Owner> Consumer<'a, T, A, K> {
    /// # Safety
    /// No other consumer of a single side of this ring is in use while this one is, and `owner` keeps the ring alive.
    pub(crate) unsafe fn new(ring: RingPtr<T, A>, owner: K) -> Self {
        Self { end: ReadEnd::new(ring), owner, _lines: CachePadded(()), ring: PhantomData }
    }

    /// Pops one item. Its slot is free for the producers when this returns.
    ///
    /// # Errors
    ///
    /// [`PopError::Empty`] if there was none, [`PopError::Pending`] and [`PopError::Contended`] as the
    /// [table](Self#errors) says.
    #[inline]
    pub fn try_pop(&mut self) -> Result<T, PopError> {
        self.end.pop()
    }

    /// Pops items one by one, until there is none.
    ///
    /// Each item it yields has left the ring, and its slot is free. [`drain`](Self::drain) is quicker: it claims many items
    /// at once, and gives their slots back together.
    ///
    /// # Examples
    ///
    /// ```
    /// let mut ring = annulet::Spsc::<u32, 4>::new();
    /// let (mut tx, mut rx) = ring.split();
    /// assert_eq!(tx.push_slice(&[1, 2, 3]), 3);
    /// assert_eq!(rx.try_iter().take(2).sum::<u32>(), 3);
    /// assert_eq!(rx.try_iter().last(), Some(3));
    /// ```
    #[inline]
    pub fn try_iter(&mut self) -> TryIter<'_, T, A> {
        TryIter { end: &mut self.end }
    }

    /// Moves up to `out.len()` items into `out`, across the wrap if need be. Returns how many.
    ///
    /// Fewer than `out.len()` means that the ring was empty after them, or that one of many producers had claimed the next slot
    /// and not committed it, or aborted it.
    ///
    /// ```
    /// let mut ring = annulet::Spsc::<u8, 4>::new();
    /// let (mut tx, mut rx) = ring.split();
    /// tx.push_slice(&[1, 2, 3]);
    /// let mut out = [0; 2];
    /// assert_eq!(rx.pop_slice(&mut out), 2);
    /// assert_eq!(out, [1, 2]);
    /// ```
    #[inline]
    pub fn pop_slice(&mut self, out: &mut [T]) -> usize
    where
        T: Copy,
    {
        self.end.claim_items(out.len()).copy_to(out)
    }

    /// Drops up to `count` items. Returns how many. Their slots become free together.
    ///
    /// ```
    /// let mut ring = annulet::Spsc::<u8, 4>::new();
    /// let (mut tx, mut rx) = ring.split();
    /// tx.push_slice(&[1, 2, 3]);
    /// assert_eq!(rx.skip(2), 2);
    /// assert_eq!(rx.try_pop(), Ok(3));
    /// ```
    #[inline]
    pub fn skip(&mut self, count: usize) -> usize {
        self.end.claim_items(count).discard()
    }

    /// Shows up to `max` items to `f`, one after the other, and drops each. Returns how many. Their slots become free together.
    ///
    /// If `f` panics, the items before are consumed; the one it was shown stays, with those after it. If there are many
    /// consumers, these are dropped.
    #[inline]
    pub fn consume(&mut self, max: usize, f: impl FnMut(&T)) -> usize {
        self.end.claim_items(max).show_to(f)
    }

    /// Moves up to `max` of the items that are there into `f`, one after the other. Returns how many. Their slots become
    /// free together.
    ///
    /// If `f` panics, the items it was given are gone, and those after them stay. If there are many consumers, these are
    /// dropped.
    ///
    /// # Examples
    ///
    /// ```
    /// let mut ring = annulet::Spsc::<u32, 4>::new();
    /// let (mut tx, mut rx) = ring.split();
    /// assert_eq!(tx.push_slice(&[1, 2, 3]), 3);
    /// let mut sum = 0;
    /// assert_eq!(rx.drain(8, |item| sum += item), 3);
    /// assert_eq!(sum, 6);
    /// ```
    #[inline]
    pub fn drain(&mut self, max: usize, f: impl FnMut(T)) -> usize {
        self.end.claim_items(max).give_to(f)
    }

    /// As [`drain`](Self::drain). The error is why there is none.
    // Asked by channels, which need compare-and-swap.
    #[cfg(compare_and_swap)]
    #[inline]
    pub(crate) fn try_drain(&mut self, max: usize, f: impl FnMut(T)) -> Result<usize, PopError> {
        if max == 0 {
            return Ok(0);
        }
        let taken = self.end.try_claim_items(max).map(|items| items.give_to(f));
        taken.map_err(|why| self.end.refuse(why))
    }

    /// Returns the number of items that the ring holds when it is full.
    #[must_use]
    #[inline]
    pub fn capacity(&self) -> usize {
        self.end.index.ptr().capacity()
    }

    /// Returns the number of items in the ring. For a single consumer, it may be more by the time it is used, never fewer.
    /// Slots that a producer of many is still writing, or has aborted, count until a consumer comes to them.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        self.end.index.len()
    }

    /// Returns true if there was no item in the ring.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns true if no slot was free.
    #[must_use]
    #[inline]
    pub fn is_full(&self) -> bool {
        self.len() == self.capacity()
    }

    /// Returns whether a pop would find an item, or slots to go past, as far as can be seen without one: unlike a ring that is
    /// not empty, not an item that its producer has not handed over.
    // Asked by channels, which need compare-and-swap.
    #[cfg(compare_and_swap)]
    #[inline]
    pub(crate) fn has_items(&mut self) -> bool {
        self.end.index.is_ready()
    }

    /// Whether refusals are not counted from now on.
    #[cfg(compare_and_swap)]
    pub(crate) fn set_quiet(&mut self, quiet: bool) {
        self.end.index.set_quiet(quiet);
    }

    /// Keeps away from a stream for up to that many hints.
    #[cfg(compare_and_swap)]
    pub(crate) fn set_max_pause(&mut self, hints: u16) {
        self.end.index.set_max_pause(hints);
    }
}

impl<T, A: Arity, K: Owner> Drop for Consumer<'_, T, A, K> {
    fn drop(&mut self) {
        if !A::Consumers::SHARED {
            // SAFETY: this handle has the end, of a single side, and is gone now.
            unsafe { self.owner.give_back(CONSUMER) };
        }
    }
}

impl<T, A: Arity, K: Owner> fmt::Debug for Consumer<'_, T, A, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumer").field("len", &self.len()).field("capacity", &self.capacity()).finish()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use crate::error::{PopError, PushError};
    use crate::index::SideRules as _;
    use crate::ring::{Arity, Multi, Ring, Sides, Single};
    use crate::stats::Counts;
    use core::mem::forget;

    /// What a channel does with the ends of its ring: it looks again without counting that, and tells what was forgotten.
    #[test]
    fn ends_are_quiet_when_told_and_tell_what_was_forgotten() {
        fn play<A: Arity<Stats = Counts>>() {
            let ring = Ring::<u32, 2, A>::new();
            let (mut tx, mut rx) = ring.try_split().unwrap();
            let refused = || (ring.stats().producers.refused, ring.stats().consumers.refused);
            for (quiet, counted) in [(false, 1), (true, 1), (false, 2)] {
                tx.set_quiet(quiet);
                rx.set_quiet(quiet);
                assert_eq!((rx.try_pop(), rx.skip(1)), (Err(PopError::Empty), 0));
                assert_eq!(tx.push_iter([1, 2]), 2);
                assert_eq!((tx.try_push(3), tx.push_slice(&[3])), (Err(PushError::Full(3)), 0));
                assert_eq!(refused(), (2 * counted, 2 * counted));
                assert_eq!(rx.skip(2), 2);
                if A::Producers::SHARED {
                    forget(tx.try_claim(1));
                    assert_eq!(rx.try_pop(), Err(PopError::Pending));
                    tx.reclaim_forgotten();
                    rx.set_quiet(true);
                    assert_eq!(rx.drain(1, drop), 0);
                    assert_eq!(ring.len(), 0, "what was given up is gone past");
                }
            }
        }
        play::<Sides<Single, Single, Counts>>();
        play::<Sides<Multi, Single, Counts>>();
        play::<Sides<Single, Multi, Counts>>();
        play::<Sides<Multi, Multi, Counts>>();
    }
}
