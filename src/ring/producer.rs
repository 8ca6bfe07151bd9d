//! The writing end.

use core::fmt;
use core::marker::PhantomData;

use super::WriteGrant;
use super::owner::{Owner, PRODUCER, Ref};
use super::slots::RingPtr;
use super::write_end::WriteEnd;
use crate::cpu::CachePadded;
use crate::error::{ClaimError, PushError};
use crate::index::{Arity, ClaimRequest, OneToOne, SideRules as _};
#[cfg(compare_and_swap)]
use crate::index::{Lent as _, SharedSide};
use crate::stats::Refusal;
#[cfg(compare_and_swap)]
use crate::sync::Pos;

/// A producer of a ring.
///
/// It borrows the ring for `'a`, or keeps it alive by `K`. Dropping it gives the end back; what was pushed stays. It can be
/// cloned if its side is [`Multi`](crate::ring::Multi).
///
/// A stale answer does no harm: only producers fill slots, so a slot that a single producer has seen free stays free until it
/// fills it. "Full" may be over by the time it is used.
///
/// # Errors
///
/// `Full`, `Pending` and `Contended` are three things, and the last two do not occur everywhere:
///
/// | | the next slot | single producer, single consumer | many producers | many consumers |
/// |---|---|---|---|---|
/// | `Full` | holds an item, or was aborted and no consumer has skipped it yet | yes | yes | yes |
/// | `Pending` | is being read | | | yes |
/// | `Contended` | went to other producers, 64 times | | yes | |
///
/// A producer that loses a slot to another one backs off before it tries again, for 16, 32, and then 64 spin-loop hints. From
/// its 17th loss on it tries at once.
///
/// ```
/// let mut ring = annulet::Spsc::<u8, 4>::new();
/// let (mut tx, mut rx) = ring.split();
/// for number in 0..4 {
///     tx.try_push(number).unwrap();
/// }
/// assert!(tx.is_full());
/// assert_eq!(tx.try_push(4).unwrap_err().into_inner(), 4);
/// # drop(rx.try_pop());
/// ```
pub struct Producer<'a, T, A: Arity = OneToOne, K: Owner = Ref<'a>> {
    pub(super) end: WriteEnd<T, A>,
    pub(crate) owner: K,
    /// On cache lines of its own: were the two ends of a ring beside each other in one stack frame, each operation of one would
    /// take the line from the other (9 Mops/s in place of 350). Hence 128 bytes on x86-64, of which it uses some 90; where
    /// there are no lines, it is as large as what it knows.
    _lines: CachePadded<()>,
    ring: PhantomData<&'a ()>,
}

// SAFETY: by a shared reference to a producer one learns how many items there are, and makes one more producer; each reads what
// it knows, and atomics, and neither reaches an item. What keeps the ring alive is shared with that, as `K` says it can be. An
// end that is alone does without, so that it stays what its type says: one.
#[cfg(compare_and_swap)]
unsafe impl<T: Send, A: Arity<Producers: SharedSide>, K: Owner + Sync> Sync for Producer<'_, T, A, K> {}

impl<'a, T, A: Arity, K: Owner> Producer<'a, T, A, K> {
    /// # Safety
    /// No other producer of a single side of this ring is in use while this one is, and `owner` keeps the ring alive.
    pub(crate) unsafe fn new(ring: RingPtr<T, A>, owner: K) -> Self {
        Self { end: WriteEnd::new(ring), owner, _lines: CachePadded(()), ring: PhantomData }
    }

    /// Pushes one item. It is visible to consumers when this returns. If there are many producers, it is visible once the
    /// slots that others claimed before it are committed, too.
    ///
    /// # Errors
    ///
    /// With the item: [`PushError::Full`] if every slot was taken, [`PushError::Pending`] and
    /// [`PushError::Contended`] as the [table](Self#errors) says.
    ///
    /// # Examples
    ///
    /// ```
    /// let mut ring = annulet::Spsc::<_, 1>::new();
    /// let (mut tx, _rx) = ring.split();
    /// tx.try_push("a").unwrap();
    /// assert_eq!(tx.try_push("b").unwrap_err().into_inner(), "b");
    /// ```
    #[inline]
    pub fn try_push(&mut self, value: T) -> Result<(), PushError<T>> {
        let end = &mut self.end;
        let at = match end.claim(ClaimRequest { most: 1, least: 1, contiguous: false }) {
            Ok((at, _)) => at,
            Err((why, _)) => {
                end.index.count_refusal(why);
                return Err(match why {
                    Refusal::NoneAvailable => PushError::Full(value),
                    Refusal::Pending => PushError::Pending(value),
                    Refusal::Contended => PushError::Contended(value),
                });
            }
        };
        // SAFETY: the slot was claimed: it is free, and no other producer writes it.
        unsafe { end.write(at, value) };
        // SAFETY: the slot was claimed and is written.
        unsafe { end.finish(at, 1, 1) };
        Ok(())
    }

    /// Copies as many of `items` as fit, across the wrap if need be. Returns how many. They become visible together.
    ///
    /// Fewer than `items.len()` means that no more slots were free after them, for one of the reasons of
    /// [`try_push`](Self::try_push).
    ///
    /// ```
    /// let mut ring = annulet::Spsc::<u8, 4>::new();
    /// let (mut tx, mut rx) = ring.split();
    /// assert_eq!(tx.push_slice(b"annulet"), 4); // as many as fit
    /// assert!(rx.try_iter().eq(*b"annu"));
    /// ```
    #[inline]
    pub fn push_slice(&mut self, items: &[T]) -> usize
    where
        T: Copy,
    {
        let Ok(mut grant) = self.grant(ClaimRequest {
            most: items.len().min(self.capacity()),
            least: items.len().min(1),
            contiguous: false,
        }) else {
            return 0;
        };
        let count = grant.copy_from(items);
        grant.commit_all();
        count
    }

    /// Pushes items of `iter` until the ring is full or `iter` ends. Returns how many. They become visible together.
    ///
    /// No item is taken from `iter` without a slot for it. If `iter` panics, what was taken is dropped, not
    /// pushed.
    ///
    /// If there are many producers, one claim is made for as many items as the iterator says it has at least (one if it does
    /// not say), and those become visible together. What it has beyond them follows in the same way, claim by claim. If `iter`
    /// panics, items committed by earlier claims stay pushed. Slots for which it has no item are aborted.
    ///
    /// ```
    /// let mut ring = annulet::Spsc::<u8, 4>::new();
    /// let (mut tx, mut rx) = ring.split();
    /// let mut numbers = 0..10;
    /// assert_eq!(tx.push_iter(&mut numbers), 4);
    /// assert_eq!(numbers.next(), Some(4)); // none was taken that was not pushed
    /// # drop(rx.try_pop());
    /// ```
    #[inline]
    pub fn push_iter(&mut self, iter: impl IntoIterator<Item = T>) -> usize {
        self.push_each(iter).0
    }

    /// As [`push_iter`](Self::push_iter). Returns, too, why there are no more, if it was refused.
    #[inline]
    pub(crate) fn push_each(
        &mut self,
        iter: impl IntoIterator<Item = T>,
    ) -> (usize, Result<(), PushError<()>>) {
        let capacity = self.capacity();
        let mut iter = iter.into_iter();
        if !A::Producers::SHARED {
            let least = usize::from(iter.size_hint().1 != Some(0));
            let mut grant = match self.grant(ClaimRequest { most: capacity, least, contiguous: false }) {
                Ok(grant) => grant,
                Err(ClaimError::Pending) => return (0, Err(PushError::Pending(()))),
                Err(_) => return (0, Err(PushError::Full(()))),
            };
            grant.fill_from(iter);
            return (grant.commit_all(), Ok(()));
        }
        self.end.reclaim_forgotten();
        let (mut pushed, mut refused) = (0, Ok(()));
        // At most one lap, or the call would never end in a ring that other ends keep empty.
        while pushed < capacity {
            let (least, most) = iter.size_hint();
            if most == Some(0) {
                break;
            }
            let most = least.clamp(1, capacity - pushed);
            let request = ClaimRequest { most, least: 1, contiguous: false };
            let (at, wanted) = match self.end.claim(request) {
                Ok(claimed) => claimed,
                Err((why, _)) => {
                    // As any form that has moved something, it was not refused.
                    if pushed == 0 {
                        self.end.index.count_refusal(why);
                    }
                    refused = Err(match why {
                        Refusal::NoneAvailable => PushError::Full(()),
                        Refusal::Pending => PushError::Pending(()),
                        Refusal::Contended => PushError::Contended(()),
                    });
                    break;
                }
            };
            let span = self.end.span(at, wanted);
            // SAFETY: the slots from `at` on were claimed, and the span is of these.
            let mut grant = unsafe { WriteGrant::new(&mut self.end, at, span) };
            grant.fill_from(iter.by_ref());
            let count = grant.commit_all();
            pushed += count;
            if count < wanted {
                break;
            }
        }
        (pushed, refused)
    }

    /// Grants up to `wanted` free slots in one contiguous run, to be written in place.
    ///
    /// The run is shorter if the ring wraps or has less room. `wanted` 0 is an empty grant.
    ///
    /// # Errors
    ///
    /// [`ClaimError::Full`] if no slot was free; [`ClaimError::Pending`] and [`ClaimError::Contended`] as the
    /// [table](Self#errors) says.
    ///
    /// # Examples
    ///
    /// ```
    /// let mut ring = annulet::Spsc::<u8, 8>::new();
    /// let (mut tx, mut rx) = ring.split();
    /// let mut grant = tx.try_claim(4).unwrap();
    /// grant.fill_with(|i| i as u8);
    /// assert_eq!(grant.commit_all(), 4);
    /// assert!(rx.try_iter().eq([0, 1, 2, 3]));
    /// ```
    #[inline]
    pub fn try_claim(&mut self, wanted: usize) -> Result<WriteGrant<'_, T, A>, ClaimError> {
        self.grant(ClaimRequest { most: wanted.min(self.capacity()), least: wanted.min(1), contiguous: true })
    }

    /// Grants exactly `wanted` free slots, in two parts if the ring wraps.
    ///
    /// # Errors
    ///
    /// [`ClaimError::Full`] if fewer were free, [`ClaimError::TooLarge`] if the ring has fewer slots;
    /// [`ClaimError::Pending`] and [`ClaimError::Contended`] as the [table](Self#errors) says.
    ///
    /// ```
    /// use annulet::error::ClaimError;
    ///
    /// let mut ring = annulet::Spsc::<u8, 4>::new();
    /// let (mut tx, _rx) = ring.split();
    /// tx.try_push(1).unwrap();
    /// assert_eq!(tx.try_claim_exact(4).unwrap_err(), ClaimError::Full { free: 3 });
    /// assert_eq!(tx.try_claim_exact(5).unwrap_err(), ClaimError::TooLarge { wanted: 5, capacity: 4 });
    /// ```
    #[inline]
    pub fn try_claim_exact(&mut self, wanted: usize) -> Result<WriteGrant<'_, T, A>, ClaimError> {
        let capacity = self.capacity();
        if wanted > capacity {
            return Err(ClaimError::TooLarge { wanted, capacity });
        }
        self.grant(ClaimRequest { most: wanted, least: wanted, contiguous: false })
    }

    /// Claims one slot, of which [`granted`](Self::granted) makes a grant. If it makes none, the slot is that of a forgotten grant.
    #[cfg(compare_and_swap)]
    pub(crate) fn claim_one(&mut self) -> Option<Pos> {
        self.end.reclaim_forgotten();
        let (at, _) = self.end.claim(ClaimRequest { most: 1, least: 1, contiguous: false }).ok()?;
        self.end.lent.lend(at, 1);
        Some(at)
    }

    /// # Safety
    /// [`claim_one`](Self::claim_one) has just returned `at`.
    #[cfg(compare_and_swap)]
    pub(crate) unsafe fn granted(&mut self, at: Pos) -> WriteGrant<'_, T, A> {
        let span = self.end.span(at, 1);
        // SAFETY: the slot of `at` was claimed, as the caller says, and the span is of it.
        unsafe { WriteGrant::new(&mut self.end, at, span) }
    }

    #[inline]
    fn grant(&mut self, request: ClaimRequest) -> Result<WriteGrant<'_, T, A>, ClaimError> {
        self.end.reclaim_forgotten();
        match self.end.claim(request) {
            Ok((at, count)) => {
                let span = self.end.span(at, count);
                // SAFETY: the slots from `at` on were claimed, and the span is of these.
                Ok(unsafe { WriteGrant::new(&mut self.end, at, span) })
            }
            Err((why, free)) => {
                self.end.index.count_refusal(why);
                Err(match why {
                    Refusal::NoneAvailable => ClaimError::Full { free },
                    Refusal::Pending => ClaimError::Pending,
                    Refusal::Contended => ClaimError::Contended,
                })
            }
        }
    }

    /// Returns the number of items that the ring holds when it is full.
    #[must_use]
    #[inline]
    pub fn capacity(&self) -> usize {
        self.end.index.ptr().capacity()
    }

    /// Returns the number of items in the ring. For a single producer, it may be fewer by the time it is used, never more.
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

    /// Returns whether a push would find a slot, as far as can be seen without one: unlike a ring that is not full, not one that
    /// a consumer is still reading.
    // Asked by channels, which need compare-and-swap.
    #[cfg(compare_and_swap)]
    #[inline]
    pub(crate) fn has_room(&mut self) -> bool {
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

    /// Aborts the slots of a forgotten grant. Returns whether there is one.
    #[cfg(compare_and_swap)]
    pub(crate) fn reclaim_forgotten(&mut self) -> bool {
        self.end.reclaim_forgotten()
    }
}

impl<T, A: Arity, K: Owner> Drop for Producer<'_, T, A, K> {
    fn drop(&mut self) {
        self.end.reclaim_forgotten();
        if !A::Producers::SHARED {
            // SAFETY: this handle has the end, of a single side, and is gone now.
            unsafe { self.owner.give_back(PRODUCER) };
        }
    }
}

impl<T, A: Arity, K: Owner> fmt::Debug for Producer<'_, T, A, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Producer").field("len", &self.len()).field("capacity", &self.capacity()).finish()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use crate::index::SideRules as _;
    use crate::ring::{Arity, Multi, Ring, Sides, Single};

    /// What channels ask before they sleep: an end that others have gone past says what is the case now.
    #[test]
    fn an_end_says_whether_a_try_would_find_something() {
        fn play<A: Arity>() {
            let ring = Ring::<u32, 2, A>::new();
            let (mut tx, mut rx) = ring.try_split().unwrap();
            let mut others = (ring.try_producer(), ring.try_consumer());
            for _ in 0..5 {
                for items in [0, 1, 2] {
                    if items > 0 {
                        tx.try_push(items).unwrap();
                    }
                    let txs = [&mut tx].into_iter().chain(others.0.as_mut());
                    assert!(txs.into_iter().all(|tx| tx.has_room() == (items < 2)), "{items}");
                    let rxs = [&mut rx].into_iter().chain(others.1.as_mut());
                    assert!(rxs.into_iter().all(|rx| rx.has_items() == (items > 0)), "{items}");
                }
                assert_eq!((rx.try_pop(), rx.try_pop()), (Ok(1), Ok(2)));
            }
            // A slot that was given up is to be gone past.
            drop(tx.try_claim(1).unwrap());
            assert_eq!(rx.has_items(), A::Producers::SHARED);
        }
        play::<Sides<Single, Single>>();
        play::<Sides<Multi, Single>>();
        play::<Sides<Single, Multi>>();
        play::<Sides<Multi, Multi>>();
    }

    /// Ends that keep away from a stream say what is the case all the same, to the last slot and the last item.
    #[test]
    // With eight bits, no ring of many ends is large enough for a pause.
    #[cfg(not(annulet_narrow))]
    fn an_end_that_keeps_away_says_what_is_the_case() {
        use crate::error::{ClaimError, PopError, PushError};

        fn play<A: Arity>() {
            const N: usize = 64;
            let ring = Ring::<usize, N, A>::new();
            let (mut tx, mut rx) = ring.try_split().unwrap();
            tx.set_max_pause(64);
            rx.set_max_pause(64);
            assert!(tx.end.index.keeps_away() && rx.end.index.keeps_away());
            let (mut sent, mut received) = (0, 0);
            for count in [N, 1, N, 3, 2, 1, 1, N, 5, N, N] {
                let free = N - (sent - received);
                if free < N {
                    assert_eq!(tx.try_claim_exact(free + 1).unwrap_err(), ClaimError::Full { free });
                }
                for _ in 0..free {
                    assert_eq!(tx.try_push(sent), Ok(()));
                    sent += 1;
                }
                assert_eq!(tx.try_push(sent), Err(PushError::Full(sent)));
                for _ in 0..count {
                    assert_eq!(rx.try_pop(), Ok(received));
                    received += 1;
                }
                if count == N {
                    assert_eq!(rx.try_pop(), Err(PopError::Empty));
                }
            }
        }
        play::<Sides<Single, Single>>();
        play::<Sides<Multi, Single>>();
        play::<Sides<Single, Multi>>();
        play::<Sides<Multi, Multi>>();
    }
}
