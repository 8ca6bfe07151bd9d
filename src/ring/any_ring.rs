//! What all rings have in common, wherever their slots are.

/// A ring: a [`Ring`](super::Ring), whose capacity is in its type, or a `HeapRing` (feature `alloc`), whose capacity is chosen
/// when it is made. Sealed.
///
/// A [`Channel`](crate::Channel) is the same over each of them.
pub trait AnyRing: sealed::Raw {}

pub(crate) mod sealed {
    use crate::index::Arity;
    use crate::ring::slots::RingPtr;

    pub trait Raw: Sized {
        type Item;
        type Arity: Arity;
        /// Returns how an end reaches the ring, which lives as long as the end does: its holder sees to that.
        fn ptr(&self) -> RingPtr<Self::Item, Self::Arity>;
        /// Counts none of its ends as held any more, by exclusive access, and gives up what they had claimed.
        #[cfg_attr(not(compare_and_swap), allow(dead_code))]
        fn forget_ends(&mut self);
    }
}
