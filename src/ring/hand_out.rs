//! How the ends of a ring are handed out, and how a ring is drained of what nobody will read: the same for every ring, wherever
//! its slots are.

use super::owner::Ref;
#[cfg(compare_and_swap)]
use super::owner::{CONSUMER, Owner, PRODUCER};
use super::slots::RingPtr;
use super::{Consumer, Ends, Producer};
use crate::index::{ABORTED, Arity, SideRules as _};
use crate::span::Counter as _;
use crate::stats::{Counts, RingStats};

impl<T, A: Arity> RingPtr<T, A> {
    /// The bits of the ends that are single.
    #[cfg(compare_and_swap)]
    const BOTH: u32 = Self::PRODUCER | Self::CONSUMER;
    #[cfg(compare_and_swap)]
    const PRODUCER: u32 = if A::Producers::SHARED { 0 } else { PRODUCER };
    #[cfg(compare_and_swap)]
    const CONSUMER: u32 = if A::Consumers::SHARED { 0 } else { CONSUMER };

    /// Returns the number of items, as anybody sees it: `0..=capacity`.
    pub(crate) fn len(&self) -> usize {
        let header = self.index.header();
        // Head first: the tail seen after it cannot be behind it. A third party may see a tail from much
        // later, hence the limit.
        let head = header.head.0.observe();
        header.tail.0.observe().since(head).min(self.index.capacity())
    }

    /// Returns both ends, which have nothing to give back.
    ///
    /// # Safety
    /// No other end of a single side is in use while these are, and the ring lives for `'x`.
    pub(super) unsafe fn ends_unclaimed<'x>(self) -> Ends<'x, T, A> {
        // SAFETY: the only producer of a single side, of a ring that lives, as the caller says.
        let producer = unsafe { Producer::new(self, Ref::exclusive()) };
        // SAFETY: likewise the only consumer.
        let consumer = unsafe { Consumer::new(self, Ref::exclusive()) };
        (producer, consumer)
    }

    /// Returns both ends, or `None` while an end of a single side is in use.
    ///
    /// # Safety
    /// Each owner keeps the ring alive for `'x`, and gives an end back to this ring.
    #[cfg(compare_and_swap)]
    pub(crate) unsafe fn try_ends_of<'x, K: Owner>(
        self,
        owners: impl FnOnce() -> (K, K),
    ) -> Option<Ends<'x, T, A, K>> {
        self.index.header().ends.0.claim(Self::BOTH).then(|| {
            let (producer, consumer) = owners();
            // SAFETY: the claim makes these the only ends of single sides until their owners give them back, and those keep the
            // ring alive, as the caller says.
            unsafe { self.claimed_ends_of(producer, consumer) }
        })
    }

    /// Returns both ends, which are claimed by this if they were not.
    ///
    /// # Safety
    /// As for [`try_ends_of`](Self::try_ends_of); and no other end of a single side is in use.
    #[cfg(compare_and_swap)]
    pub(crate) unsafe fn ends_of<'x, K: Owner>(self, producer: K, consumer: K) -> Ends<'x, T, A, K> {
        self.index.header().ends.0.claim(Self::BOTH);
        // SAFETY: as the caller says.
        unsafe { self.claimed_ends_of(producer, consumer) }
    }

    /// # Safety
    /// As for [`ends_of`](Self::ends_of), and both are claimed.
    #[cfg(compare_and_swap)]
    unsafe fn claimed_ends_of<'x, K: Owner>(self, producer: K, consumer: K) -> Ends<'x, T, A, K> {
        // SAFETY: the only producer of a single side, and kept alive, as the caller says.
        let producer = unsafe { Producer::new(self, producer) };
        // SAFETY: likewise the only consumer.
        let consumer = unsafe { Consumer::new(self, consumer) };
        (producer, consumer)
    }

    /// Returns a producer, or `None` while the only one is in use.
    ///
    /// # Safety
    /// As for [`try_ends_of`](Self::try_ends_of).
    #[cfg(compare_and_swap)]
    pub(crate) unsafe fn try_producer_of<'x, K: Owner>(
        self,
        owner: impl FnOnce() -> K,
    ) -> Option<Producer<'x, T, A, K>> {
        // SAFETY: as in `try_ends_of`.
        self.index.header().ends.0.claim(Self::PRODUCER).then(|| unsafe { Producer::new(self, owner()) })
    }

    /// Returns a consumer, or `None` while the only one is in use.
    ///
    /// # Safety
    /// As for [`try_ends_of`](Self::try_ends_of).
    #[cfg(compare_and_swap)]
    pub(crate) unsafe fn try_consumer_of<'x, K: Owner>(
        self,
        owner: impl FnOnce() -> K,
    ) -> Option<Consumer<'x, T, A, K>> {
        // SAFETY: as in `try_ends_of`.
        self.index.header().ends.0.claim(Self::CONSUMER).then(|| unsafe { Consumer::new(self, owner()) })
    }

    /// Takes an end of a single side back.
    ///
    /// # Safety
    /// The caller holds it, and does not use it any more.
    #[cfg(compare_and_swap)]
    #[inline]
    pub(crate) unsafe fn give_back(self, end: u32) {
        self.index.header().ends.0.give_back(end);
    }

    /// Gives up what forgotten grants have claimed and will never commit.
    ///
    /// # Safety
    /// The ring is borrowed exclusively: it has no ends.
    pub(super) unsafe fn reclaim_forgotten(self) {
        if A::Producers::SHARED {
            let head = self.index.header().head.0.own();
            for ahead in 0..self.len() {
                let at = head.plus(ahead);
                if self.index.slot_state(at).is_none() {
                    // SAFETY: producers took every position before the tail, and the one that took this is gone.
                    unsafe { self.index.commit_written(at, 1, ABORTED) };
                }
            }
        }
    }
}

impl<T, A: Arity<Stats = Counts>> RingPtr<T, A> {
    /// Returns what the producers and the consumers have counted.
    pub(crate) fn stats(&self) -> RingStats {
        let header = self.index.header();
        RingStats { producers: header.sent.0.read(), consumers: header.received.0.read() }
    }
}
