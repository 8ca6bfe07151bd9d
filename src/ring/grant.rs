//! Slots lent out to be written or read in place.

use core::fmt;
use core::mem::MaybeUninit;
use core::ptr;

use super::read_end::ReadEnd;
use super::write_end::WriteEnd;
use crate::error::PushError;
use crate::index::{Arity, Lent as _, OneToOne, Single};
use crate::span::Span;
use crate::sync::Pos;

/// Free slots lent to the producer, to be filled in place, from the front.
///
/// Items become visible to the consumer, all at once, with [`commit`](Self::commit) or [`commit_all`](Self::commit_all). Dropping the grant aborts:
/// what was put into it is dropped and nothing is handed over. Forgetting it leaks what was put into it; the slots
/// are granted again.
///
/// If there are many producers, others may have claimed the slots after these. So slots that are not committed are aborted,
/// and consumers skip them. If such a grant is forgotten, the ring stops at its slots until its producer next claims a grant
/// or is dropped, which aborts them; if the producer is forgotten, too, until the next [`split`](super::Ring::split).
///
/// ```
/// let mut ring = annulet::Spsc::<u8, 4>::new();
/// let (mut tx, mut rx) = ring.split();
/// let mut grant = tx.try_claim(3).unwrap();
/// grant.push(1).unwrap();
/// grant.push(2).unwrap();
/// assert_eq!(grant.commit_all(), 2); // what was filled
/// assert!(rx.try_iter().eq([1, 2]));
///
/// drop(tx.try_claim(3).unwrap()); // aborted
/// assert!(rx.is_empty());
/// ```
#[must_use = "dropping a grant aborts it"]
pub struct WriteGrant<'g, T, A: Arity = OneToOne> {
    end: &'g mut WriteEnd<T, A>,
    at: Pos,
    span: Span,
    /// Slots from the front that are initialised.
    filled: usize,
}

impl<'g, T, A: Arity> WriteGrant<'g, T, A> {
    /// # Safety
    /// The end has claimed the slots of `span`, which starts at `at`, or at least as many.
    pub(super) unsafe fn new(end: &'g mut WriteEnd<T, A>, at: Pos, span: Span) -> Self {
        end.lent.lend(at, span.len());
        Self { end, at, span, filled: 0 }
    }

    /// Returns the number of slots granted.
    #[must_use]
    pub fn len(&self) -> usize {
        self.span.len()
    }

    /// Returns true for a grant of no slots.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the number of slots filled so far.
    #[must_use]
    pub fn filled(&self) -> usize {
        self.filled
    }

    /// Returns the slots not yet filled, in two parts. The second begins at the ring's wrap, and is empty for a contiguous
    /// grant. Write from the front of the first, then [`assume_filled`](Self::assume_filled).
    pub fn uninit_parts(&mut self) -> (&mut [MaybeUninit<T>], &mut [MaybeUninit<T>]) {
        // SAFETY: the slots of the grant were claimed, so they are this producer's alone, for as long as the grant is
        // borrowed: nothing is published before `commit` takes it. The ring outlives the handle it borrows.
        unsafe { self.end.slots.parts_mut(self.span.skip(self.filled)) }
    }

    /// Returns the first part of [`uninit_parts`](Self::uninit_parts).
    pub fn uninit(&mut self) -> &mut [MaybeUninit<T>] {
        self.uninit_parts().0
    }

    /// Says that the next `count` slots have been written. More than are left counts as all that are left.
    ///
    /// # Safety
    ///
    /// They have: the first `count` items of [`uninit_parts`](Self::uninit_parts) are initialised.
    ///
    /// ```
    /// let mut ring = annulet::Spsc::<u8, 4>::new();
    /// let (mut tx, mut rx) = ring.split();
    /// let mut grant = tx.try_claim(2).unwrap();
    /// grant.uninit()[0].write(7); // a device would do that
    /// // SAFETY: the first slot was written just now.
    /// unsafe { grant.assume_filled(1) };
    /// grant.commit_all();
    /// assert_eq!(rx.try_pop(), Ok(7));
    /// ```
    pub unsafe fn assume_filled(&mut self, count: usize) {
        self.filled += count.min(self.span.len() - self.filled);
    }

    /// Puts one item into the next slot.
    ///
    /// # Errors
    ///
    /// [`PushError::Full`] with the item, if the grant is filled.
    #[inline]
    pub fn push(&mut self, value: T) -> Result<(), PushError<T>> {
        let (first, second) = self.uninit_parts();
        match first.first_mut().or(second.first_mut()) {
            None => Err(PushError::Full(value)),
            Some(slot) => {
                slot.write(value);
                self.filled += 1;
                Ok(())
            }
        }
    }

    /// Fills what is left with `f(0)`, `f(1)`, … counted from the grant's first slot.
    ///
    /// If `f` panics, what it made is dropped with the grant and the ring is as before.
    pub fn fill_with(&mut self, mut f: impl FnMut(usize) -> T) {
        while self.filled < self.span.len() {
            let value = f(self.filled);
            let _ = self.push(value);
        }
    }

    /// Fills from `iter` until either ends. Returns how many. No item is taken without a slot for it.
    pub fn fill_from(&mut self, iter: impl IntoIterator<Item = T>) -> usize {
        let before = self.filled;
        let mut iter = iter.into_iter();
        while self.filled < self.span.len() {
            match iter.next() {
                Some(value) => drop(self.push(value)),
                None => break,
            }
        }
        self.filled - before
    }

    /// Copies as many of `items` as there are slots left. Returns how many.
    ///
    /// ```
    /// let mut ring = annulet::Spsc::<u8, 4>::new();
    /// let (mut tx, mut rx) = ring.split();
    /// let mut grant = tx.try_claim(4).unwrap();
    /// assert_eq!(grant.copy_from(b"ring"), 4);
    /// grant.commit_all();
    /// assert!(rx.try_iter().eq(*b"ring"));
    /// ```
    pub fn copy_from(&mut self, items: &[T]) -> usize
    where
        T: Copy,
    {
        let (first, second) = self.uninit_parts();
        let mut from = items.iter();
        let mut count = 0;
        for part in [first, second] {
            let n = part.len().min(from.len());
            let (now, later) = from.as_slice().split_at_checked(n).unwrap_or_default();
            // SAFETY:
            // - `now` is readable for its length, which is `n`, and `part` is writable for at least `n`;
            // - both are aligned for `T` (`MaybeUninit<T>` has its layout) and cannot overlap: the slots are
            //   this grant's alone.
            unsafe { ptr::copy_nonoverlapping(now.as_ptr(), part.as_mut_ptr().cast::<T>(), now.len()) };
            count += now.len();
            from = later.iter();
        }
        self.filled += count;
        count
    }

    /// Hands over everything that was filled, at once. Returns how many.
    #[inline]
    pub fn commit_all(self) -> usize {
        let filled = self.filled;
        self.commit(filled)
    }

    /// Hands over the first `count` of what was filled, at once, and drops the rest. Returns how many were handed over.
    ///
    /// ```
    /// let mut ring = annulet::Spsc::<u8, 4>::new();
    /// let (mut tx, mut rx) = ring.split();
    /// let mut grant = tx.try_claim(4).unwrap();
    /// grant.copy_from(b"ring");
    /// assert_eq!(grant.commit(2), 2);
    /// assert!(rx.try_iter().eq(*b"ri"));
    /// ```
    #[inline]
    pub fn commit(mut self, count: usize) -> usize {
        let count = count.min(self.filled);
        // What is kept back is dropped before anything is handed over: if a `Drop` panics, the whole grant is
        // aborted by our own drop, which then covers the front.
        self.truncate(count);
        let claimed = self.span.len();
        // From here on, our own drop has nothing to do.
        self.end.lent.take();
        self.filled = 0;
        self.span = self.span.take(0);
        // SAFETY: the slots of the grant were claimed, and the first `count` of them are filled.
        unsafe { self.end.finish(self.at, count, claimed) };
        count
    }

    /// Drops the filled items from `keep` on.
    fn truncate(&mut self, keep: usize) {
        let surplus = self.span.take(self.filled).skip(keep);
        // First, so that a panicking `Drop` cannot make us drop them again.
        self.filled = keep;
        if core::mem::needs_drop::<T>() {
            // SAFETY: as in `uninit_parts`, the slots are this producer's alone. They are filled, and were counted out
            // just now, so their items are not dropped again.
            unsafe { self.end.slots.drop_items(surplus) };
        }
    }
}

impl<T, A: Arity> Drop for WriteGrant<'_, T, A> {
    fn drop(&mut self) {
        let abort = Abort(self);
        if abort.0.filled > 0 {
            abort.0.truncate(0);
        }
    }
}

/// Aborts the slots of a grant, also if the `Drop` of an item in it panics.
struct Abort<'t, 'g, T, A: Arity>(&'t mut WriteGrant<'g, T, A>);

impl<T, A: Arity> Drop for Abort<'_, '_, T, A> {
    fn drop(&mut self) {
        let grant = &mut *self.0;
        grant.end.lent.take();
        // SAFETY: the slots of the grant were claimed, and none is handed over.
        unsafe { grant.end.finish(grant.at, 0, grant.span.len()) };
    }
}

impl<T, A: Arity> fmt::Debug for WriteGrant<'_, T, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriteGrant").field("len", &self.len()).field("filled", &self.filled).finish()
    }
}

/// Items lent to a single consumer, to be read in place.
///
/// They stay in the ring until [`release`](Self::release); dropping the grant consumes nothing.
///
/// ```
/// let mut ring = annulet::Spsc::<u8, 4>::new();
/// let (mut tx, mut rx) = ring.split();
/// tx.push_slice(&[1, 2, 3]);
/// let grant = rx.try_read_grant(4).unwrap();
/// assert_eq!(grant.iter().sum::<u8>(), 6);
/// grant.release_all();
/// assert!(rx.is_empty());
/// ```
#[must_use = "a read grant consumes nothing until it is released"]
pub struct ReadGrant<'g, T, A: Arity<Consumers = Single> = OneToOne> {
    end: &'g mut ReadEnd<T, A>,
    span: Span,
}

impl<'g, T, A: Arity<Consumers = Single>> ReadGrant<'g, T, A> {
    /// # Safety
    /// `span` starts at the end's head, and all its slots hold items the end knows.
    pub(super) unsafe fn new(end: &'g mut ReadEnd<T, A>, span: Span) -> Self {
        Self { end, span }
    }

    /// Returns the number of items granted.
    #[must_use]
    pub fn len(&self) -> usize {
        self.span.len()
    }

    /// Returns true for a grant of no items.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the items, in two parts. The second begins at the ring's wrap, and is empty for a contiguous grant.
    #[must_use]
    pub fn parts(&self) -> (&[T], &[T]) {
        // SAFETY: the slots hold items before the observed tail, and the producer does not touch them until the
        // end moves on, which needs this grant. The ring outlives the handle it borrows.
        unsafe { self.end.slots.parts(self.span) }
    }

    /// Returns the items of a contiguous grant, or the first part of one in two parts.
    #[must_use]
    pub fn items(&self) -> &[T] {
        self.parts().0
    }

    /// Returns every item, in order.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        let (first, second) = self.parts();
        first.iter().chain(second)
    }

    /// Drops the first `count` items and frees their slots, at once. Returns how many.
    #[inline]
    pub fn release(self, count: usize) -> usize {
        let count = count.min(self.span.len());
        // SAFETY: the grant's items are known to the end and start at its head.
        unsafe { self.end.discard(count) };
        count
    }

    /// Drops all the items and frees their slots, at once. Returns how many.
    #[inline]
    pub fn release_all(self) -> usize {
        let count = self.span.len();
        self.release(count)
    }
}

impl<T, A: Arity<Consumers = Single>> fmt::Debug for ReadGrant<'_, T, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadGrant").field("len", &self.len()).finish()
    }
}
