//! Rings on the heap: made in place, and kept by their ends.

use alloc::boxed::Box;

use super::Ring;
#[cfg(arc)]
use super::any_ring::sealed::Raw as _;
use crate::index::Arity;
use crate::zeroed;
#[cfg(arc)]
use {
    super::any_ring::AnyRing,
    super::consumer::Consumer,
    super::owner::{ArcRef, CONSUMER, PRODUCER},
    super::producer::Producer,
    crate::index::{Sides, Single},
    crate::sync::Arc,
};

/// A [`Producer`] that keeps its ring alive by an `Arc`.
#[cfg(arc)]
#[cfg_attr(docsrs, doc(cfg(feature = "alloc")))]
pub type OwnedProducer<T, const N: usize, A = Sides<Single, Single>> =
    Producer<'static, T, A, ArcRef<Ring<T, N, A>>>;

/// A [`Consumer`] that keeps its ring alive by an `Arc`.
#[cfg(arc)]
#[cfg_attr(docsrs, doc(cfg(feature = "alloc")))]
pub type OwnedConsumer<T, const N: usize, A = Sides<Single, Single>> =
    Consumer<'static, T, A, ArcRef<Ring<T, N, A>>>;

/// Both ends of a ring that they keep alive by an `Arc`.
#[cfg(arc)]
#[cfg_attr(docsrs, doc(cfg(feature = "alloc")))]
pub type OwnedEnds<T, const N: usize, A = Sides<Single, Single>> =
    (OwnedProducer<T, N, A>, OwnedConsumer<T, N, A>);

impl<T, const N: usize, A: Arity> Ring<T, N, A> {
    /// Makes a ring on the heap, in place: no copy of it is ever on the stack, however large it is.
    ///
    /// ```
    /// # #[cfg(feature = "alloc")] {
    /// let mut ring = annulet::Spsc::<[u8; 4096], 1024>::boxed(); // four megabytes, never on the stack
    /// let (mut tx, mut rx) = ring.split();
    /// tx.try_push([7; 4096]).unwrap();
    /// assert_eq!(rx.peek().unwrap()[9], 7);
    /// # }
    /// ```
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

    /// Makes a ring on the heap, in place, and returns both ends. The ring goes with the last of them.
    ///
    /// ```
    /// # #[cfg(feature = "alloc")] {
    /// let (mut tx, mut rx) = annulet::Spsc::<u32, 64>::new_split();
    /// std::thread::spawn(move || tx.try_push(7).unwrap()).join().unwrap();
    /// assert_eq!(rx.try_pop(), Ok(7));
    /// # }
    /// ```
    #[cfg(arc)]
    #[cfg_attr(docsrs, doc(cfg(feature = "alloc")))]
    #[must_use]
    pub fn new_split() -> OwnedEnds<T, N, A> {
        let () = Self::CAPACITY_IS_A_POWER_OF_TWO;
        let () = Self::CAPACITY_FITS_THE_POSITIONS;
        let ring = zeroed::in_arc::<Self>();
        // SAFETY: the ring is new, so these are its only ends, and each keeps an `Arc` of it.
        unsafe { ring.ptr().ends_of(ArcRef(Arc::clone(&ring)), ArcRef(Arc::clone(&ring))) }
    }

    /// Returns both ends of a ring in an `Arc`, each of which keeps it alive, or `None` while an end of a single side is in use.
    #[cfg(all(arc, not(loom)))]
    #[cfg_attr(docsrs, doc(cfg(feature = "alloc")))]
    #[must_use]
    pub fn try_split_arc(self: &Arc<Self>) -> Option<OwnedEnds<T, N, A>> {
        // SAFETY: each owner keeps an `Arc` of the ring, and gives its end back to it.
        unsafe { self.ptr().try_ends_of(|| (ArcRef(Arc::clone(self)), ArcRef(Arc::clone(self)))) }
    }
}

macro_rules! is_abandoned {
    ($($end:ident, $other:ident, $bit:ident, $example:literal;)*) => {$(
        #[cfg(arc)]
        #[cfg_attr(docsrs, doc(cfg(feature = "alloc")))]
        impl<T, A: Arity<$other = Single>, R: AnyRing> $end<'_, T, A, ArcRef<R>> {
            /// Returns true if the other end is gone. It may come again, if somebody has the `Arc` of the ring.
            ///
            /// What the other end did before it went is seen by later calls.
            ///
            /// Only an end that keeps its ring by an `Arc` can tell: other ends know nothing of each other. If an end has to hear of
            /// it while it waits, or if there are many, take a [`Channel`](crate::Channel).
            ///
            /// ```
            #[doc = $example]
            /// ```
            #[must_use]
            pub fn is_abandoned(&self) -> bool {
                self.owner.0.ptr().index.header().ends.0.claimed() & $bit == 0
            }
        }
    )*};
}
is_abandoned! {
    Producer, Consumers, CONSUMER, "
let (tx, rx) = annulet::Spsc::<u32, 64>::new_split();
assert!(!tx.is_abandoned());
drop(rx);
assert!(tx.is_abandoned());
";
    Consumer, Producers, PRODUCER, "
let (mut tx, mut rx) = annulet::Spsc::<u32, 64>::new_split();
tx.try_push(7).unwrap();
drop(tx);
assert!(rx.is_abandoned());
assert_eq!(rx.try_pop(), Ok(7)); // what was pushed is still there
";
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
