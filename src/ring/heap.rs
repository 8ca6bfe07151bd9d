//! Rings on the heap: made in place, and kept by their ends.

use alloc::boxed::Box;

use super::Ring;
use crate::index::Arity;
use crate::zeroed;
#[cfg(arc)]
use {
    super::owner::{ArcRef, Owner},
    super::{Consumer, OwnedEnds, Producer},
    crate::sync::Arc,
};

impl<T, const N: usize, A: Arity> Ring<T, N, A> {
    /// A new ring on the heap, made in place: no copy of it is ever on the stack, however large it is.
    #[must_use]
    pub fn boxed() -> Box<Self> {
        Self::try_boxed()
            .unwrap_or_else(|| alloc::alloc::handle_alloc_error(core::alloc::Layout::new::<Self>()))
    }

    /// As [`boxed`](Self::boxed), or `None` if there is no memory for it.
    #[must_use]
    pub fn try_boxed() -> Option<Box<Self>> {
        let () = Self::CAPACITY_IS_A_POWER_OF_TWO;
        let () = Self::CAPACITY_FITS_THE_POSITIONS;
        zeroed::try_boxed()
    }

    /// Returns both ends of a new ring on the heap, made in place. The ring is dropped with the last of them.
    #[cfg(arc)]
    #[cfg_attr(docsrs, doc(cfg(feature = "alloc")))]
    #[must_use]
    pub fn new_split() -> OwnedEnds<T, N, A> {
        let () = Self::CAPACITY_IS_A_POWER_OF_TWO;
        let () = Self::CAPACITY_FITS_THE_POSITIONS;
        let ring = zeroed::in_arc::<Self>();
        ring.hold_ends();
        // SAFETY: the ring is new, so these are its only ends, and each keeps an `Arc` of it.
        unsafe { ring.ends_owned_by(|| ArcRef(Arc::clone(&ring))) }
    }

    /// Claims both ends, of a new ring.
    #[cfg(arc)]
    pub(crate) fn hold_ends(&self) {
        self.header.ends.0.claim(Self::BOTH);
    }

    /// # Safety
    /// No other handle of this ring's single sides is in use while these are, and what `owner` gives keeps the ring
    /// alive.
    #[cfg(arc)]
    #[allow(clippy::type_complexity)] // both ends, each with what keeps it
    pub(crate) unsafe fn ends_owned_by<K: Owner>(
        &self,
        owner: impl Fn() -> K,
    ) -> (Producer<'static, T, A, K>, Consumer<'static, T, A, K>) {
        // SAFETY: the only producer of a single side, and kept alive, as the caller says.
        let producer = unsafe { Producer::new(self.ptr(), owner()) };
        // SAFETY: likewise the only consumer.
        let consumer = unsafe { Consumer::new(self.ptr(), owner()) };
        (producer, consumer)
    }

    /// Returns both ends of a ring in an `Arc`, each of which keeps it alive, or `None` while an end of a single side is in use.
    #[cfg(all(arc, not(loom)))]
    #[cfg_attr(docsrs, doc(cfg(feature = "alloc")))]
    #[must_use]
    pub fn try_split_arc(self: &Arc<Self>) -> Option<OwnedEnds<T, N, A>> {
        // SAFETY: the claim makes these the only ends of single sides, and each keeps an `Arc` of the ring.
        self.header
            .ends
            .0
            .claim(Self::BOTH)
            .then(|| unsafe { self.ends_owned_by(|| ArcRef(Arc::clone(self))) })
    }
}

#[cfg(all(test, not(loom), target_has_atomic = "ptr"))]
mod tests {
    use crate::Spsc;

    /// A ring that its ends keep knows that they are in use, as any other.
    #[test]
    fn the_ends_of_a_kept_ring_are_held() {
        let (tx, rx) = Spsc::<u8, 2>::new_split();
        let ring = tx.owner.0.clone();
        assert!(ring.try_producer().is_none() && ring.try_consumer().is_none());
        drop(tx);
        assert!(ring.try_producer().is_some() && ring.try_consumer().is_none());
        drop(rx);
        assert!(ring.try_split().is_some());
    }
}
