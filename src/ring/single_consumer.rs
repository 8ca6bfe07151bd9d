//! What only a single consumer can do: look at items, and read them where they are.

use core::iter::Chain;
use core::slice;

use super::ReadGrant;
use super::consumer::Consumer;
use super::owner::Owner;
use crate::error::{GrantError, PopError};
use crate::index::{Arity, ClaimRequest, Single};
use crate::stats::Refusal;

/// What only a single consumer can do: items that it looks at are not taken by others.
impl<T, A: Arity<Consumers = Single>, K: Owner> Consumer<'_, T, A, K> {
    /// Returns the next item, where it is, or `None` if there is none. It stays in the ring.
    ///
    /// ```
    /// let mut ring = annulet::Spsc::<u8, 4>::new();
    /// let (mut tx, mut rx) = ring.split();
    /// tx.try_push(7).unwrap();
    /// assert_eq!(rx.peek(), Some(&7));
    /// assert_eq!(rx.len(), 1); // it is still there
    /// ```
    #[inline]
    pub fn peek(&mut self) -> Option<&T> {
        self.items(1).0.first()
    }

    /// The items of up to two parts, looking for `wanted`, at most that many.
    #[inline]
    fn items(&mut self, wanted: usize) -> (&[T], &[T]) {
        let (at, count) = self.end.claim(wanted).unwrap_or((self.end.index.at(), 0));
        let span = self.end.span(at, count);
        // SAFETY: these items are before the observed tail, so they are written, and producers do not touch them
        // until this end has moved on, which the borrow of it excludes. The ring outlives the borrow.
        unsafe { self.end.slots.parts(span) }
    }

    /// Grants up to `wanted` items in one contiguous run, to be read in place.
    ///
    /// The run is shorter if the ring wraps or holds less. `wanted` 0 is an empty grant. Nothing is consumed
    /// until [`ReadGrant::release`].
    ///
    /// # Errors
    ///
    /// [`PopError::Empty`] if there was no item, [`PopError::Pending`] if one of many producers is writing the next one.
    ///
    /// ```
    /// let mut ring = annulet::Spsc::<u8, 4>::new();
    /// let (mut tx, mut rx) = ring.split();
    /// tx.push_slice(&[1, 2, 3]);
    /// let grant = rx.try_read_grant(2).unwrap();
    /// assert_eq!(grant.items(), [1, 2]);
    /// grant.release(1); // the first one only
    /// assert_eq!(rx.try_pop(), Ok(2));
    /// ```
    #[inline]
    pub fn try_read_grant(&mut self, wanted: usize) -> Result<ReadGrant<'_, T, A>, PopError> {
        match self.end.claim(wanted) {
            Ok((at, count)) => {
                let span = self.end.span(at, count).contiguous();
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
    /// As [`try_read_grant`](Self::try_read_grant).
    ///
    /// ```
    /// let mut ring = annulet::Spsc::<u8, 4>::new();
    /// let (mut tx, mut rx) = ring.split();
    /// tx.push_slice(&[0, 0, 1]);
    /// rx.skip(2);
    /// tx.push_slice(&[2, 3]);
    /// let grant = rx.try_read_grant_parts(9).unwrap();
    /// assert_eq!(grant.parts(), (&[1, 2][..], &[3][..])); // around the end of the ring
    /// ```
    #[inline]
    pub fn try_read_grant_parts(&mut self, wanted: usize) -> Result<ReadGrant<'_, T, A>, PopError> {
        match self.end.claim(wanted) {
            Ok((at, count)) => {
                let span = self.end.span(at, count);
                // SAFETY: the span starts at the head and holds only items that are known.
                Ok(unsafe { ReadGrant::new(&mut self.end, span) })
            }
            Err(why) => Err(self.end.refuse(why)),
        }
    }

    /// Grants exactly `wanted` items, in two parts if the ring wraps.
    ///
    /// # Errors
    ///
    /// [`GrantError::TooFew`] if fewer were there, [`GrantError::TooLarge`] if the ring has fewer slots, [`GrantError::Pending`] if
    /// one of many producers is writing one of them, or has aborted a slot between them: take those before it first.
    ///
    /// ```
    /// use annulet::error::GrantError;
    ///
    /// let mut ring = annulet::Spsc::<u8, 8>::new();
    /// let (mut tx, mut rx) = ring.split();
    /// tx.push_slice(b"abc");
    /// assert_eq!(rx.try_read_grant_exact(4).unwrap_err(), GrantError::TooFew { available: 3 });
    /// assert_eq!(rx.try_read_grant_exact(2).unwrap().items(), b"ab");
    /// ```
    #[inline]
    pub fn try_read_grant_exact(&mut self, wanted: usize) -> Result<ReadGrant<'_, T, A>, GrantError> {
        let capacity = self.capacity();
        if wanted > capacity {
            return Err(GrantError::TooLarge { wanted, capacity });
        }
        match self.end.index.claim(ClaimRequest { most: wanted, least: wanted, contiguous: false }) {
            Ok((at, count)) => {
                let span = self.end.span(at, count);
                // SAFETY: the span starts at the head and holds only items that are known.
                Ok(unsafe { ReadGrant::new(&mut self.end, span) })
            }
            Err((why, available)) => {
                self.end.index.count_refusal(why);
                Err(match why {
                    Refusal::Pending => GrantError::Pending,
                    // The only consumer loses no item to another one.
                    Refusal::NoneAvailable | Refusal::Contended => GrantError::TooFew { available },
                })
            }
        }
    }

    /// Returns the items that are there now, in order, without consuming any. If there are many producers, it ends at the first
    /// slot that one of them has claimed and not committed.
    ///
    /// ```
    /// let mut ring = annulet::Spsc::<u8, 4>::new();
    /// let (mut tx, mut rx) = ring.split();
    /// tx.push_slice(&[1, 2, 3]);
    /// assert_eq!(rx.iter().max(), Some(&3));
    /// assert_eq!(rx.len(), 3); // they are still there
    /// ```
    #[inline]
    pub fn iter(&mut self) -> Chain<slice::Iter<'_, T>, slice::Iter<'_, T>> {
        let (first, second) = self.items(usize::MAX);
        first.iter().chain(second)
    }
}
