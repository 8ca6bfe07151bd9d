//! Where the rings of lanes are stored: inside, or each on its own on the heap once it is needed.

use core::fmt;

#[cfg(arc)]
use crate::atomic::OnceBox;
use crate::index::{Arity, Single};
use crate::ring::Ring;
use crate::zeroed::Zeroed;
#[cfg(arc)]
use crate::zeroed::empty_in_models;

/// Where the rings of [`Lanes`](super::Lanes) are stored: [`Inline`], or `Heap` (feature `alloc`). Sealed.
pub trait Storage: sealed::Sealed {}

pub(crate) mod sealed {
    use super::{Arity, Ring, Single, Zeroed, fmt};

    pub trait Sealed: Sized + 'static {
        /// A lane may have no ring yet.
        const GROWS: bool;
        /// What stores the ring of a lane.
        type LaneStorage<T, const N: usize, A: Arity<Producers = Single>>: LaneStorage<T, N, A>;
    }

    pub trait LaneStorage<T, const N: usize, A: Arity<Producers = Single>>: Zeroed + fmt::Debug {
        /// Returns the ring, if there is one. From then on there always is.
        fn ring(&self) -> Option<&Ring<T, N, A>>;
        /// Returns the ring, and makes it if there is none. `None` if there is no memory for it. One thread at a time calls it.
        fn build(&self) -> Option<&Ring<T, N, A>>;
    }
}
use sealed::LaneStorage;

/// Stores the rings inside the value, which then has no pointers and can live anywhere.
#[derive(Debug)]
pub enum Inline {}

impl Storage for Inline {}
impl sealed::Sealed for Inline {
    const GROWS: bool = false;
    type LaneStorage<T, const N: usize, A: Arity<Producers = Single>> = Ring<T, N, A>;
}

impl<T, const N: usize, A: Arity<Producers = Single>> LaneStorage<T, N, A> for Ring<T, N, A> {
    #[inline(always)]
    fn ring(&self) -> Option<&Self> {
        Some(self)
    }

    #[inline(always)]
    fn build(&self) -> Option<&Self> {
        Some(self)
    }
}

/// Allocates each ring when its lane gets its first producer.
///
/// The thread that registers the producer allocates it, in memory that has not been touched yet. So a system that places
/// memory near the thread that first writes it places the ring near its producer.
#[cfg(arc)]
#[cfg_attr(docsrs, doc(cfg(feature = "alloc")))]
#[derive(Debug)]
pub enum Heap {}
#[cfg(arc)]
impl Storage for Heap {}

#[cfg(arc)]
impl sealed::Sealed for Heap {
    const GROWS: bool = true;
    type LaneStorage<T, const N: usize, A: Arity<Producers = Single>> = HeapLane<T, N, A>;
}

/// A pointer to the ring of a lane on the heap, or null.
#[cfg(arc)]
pub struct HeapLane<T, const N: usize, A: Arity<Producers = Single>>(OnceBox<Ring<T, N, A>>);

// SAFETY: a null pointer, which it takes for none.
#[cfg(arc)]
unsafe impl<T, const N: usize, A: Arity<Producers = Single>> Zeroed for HeapLane<T, N, A> {
    empty_in_models!(Self(OnceBox::new()));
}

#[cfg(arc)]
impl<T, const N: usize, A: Arity<Producers = Single>> LaneStorage<T, N, A> for HeapLane<T, N, A> {
    #[inline(always)]
    fn ring(&self) -> Option<&Ring<T, N, A>> {
        self.0.get()
    }

    fn build(&self) -> Option<&Ring<T, N, A>> {
        if self.ring().is_none() {
            // Were this called twice at once, the ring of the faster one would stay.
            drop(self.0.fill(Ring::try_boxed()?));
        }
        self.ring()
    }
}

#[cfg(arc)]
impl<T, const N: usize, A: Arity<Producers = Single>> HeapLane<T, N, A> {
    /// Drops the ring, and what is in it.
    pub(super) fn clear(&mut self) {
        drop(self.0.take());
    }
}

#[cfg(arc)]
impl<T, const N: usize, A: Arity<Producers = Single>> fmt::Debug for HeapLane<T, N, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
