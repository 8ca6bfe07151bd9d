//! What keeps a ring alive while a handle uses it, and takes the end back when the handle is dropped.

#[cfg(arc)]
use super::any_ring::AnyRing;
use crate::atomic::Bitmap;
#[cfg(arc)]
use crate::sync::Arc;

/// The bit of the producer's end.
pub(crate) const PRODUCER: u32 = 0b01;
/// The bit of the consumer's end.
pub(crate) const CONSUMER: u32 = 0b10;

/// What keeps a ring alive: a borrow ([`Ref`]) or an `Arc` (`ArcRef`, feature `alloc`).
///
/// Sealed. A [`Producer`](super::Producer) or [`Consumer`](super::Consumer) is the same type for each of them.
pub trait Owner: sealed::Sealed {}

pub(crate) mod sealed {
    pub trait Sealed {
        /// Gives an end back to the ring.
        ///
        /// # Safety
        /// The caller holds it, and does not use it any more.
        unsafe fn give_back(&self, end: u32);
        /// Keeps it for one more handle, of a side that has no ends to give back.
        #[must_use]
        fn clone_owner(&self) -> Self;
    }
}

/// What keeps a ring alive for any number of ends: an end of a side of many that has it can be cloned. Sealed.
///
/// An end that belongs to a [`Channel`](crate::channel::Channel) is cloned with its `Sender` or `Receiver`, never alone.
#[diagnostic::on_unimplemented(
    message = "an end that belongs to a channel is not cloned alone: clone its `Sender` or `Receiver`, which counts the new one",
    label = "belongs to a `Sender` or a `Receiver`"
)]
pub trait CloneEnds: Owner {}

/// A borrow of the ring.
///
/// A handle made by `split(&mut self)` borrows the ring exclusively and has nothing to give back; one made by
/// `try_split(&self)` gives its end back.
#[derive(Debug)]
pub struct Ref<'a> {
    // Written only if ends can be claimed at all: a target without compare-and-swap has only `None`.
    ends: Option<&'a Bitmap>,
}

impl<'a> Ref<'a> {
    pub(crate) const fn exclusive() -> Self {
        Self { ends: None }
    }

    #[cfg(compare_and_swap)]
    pub(crate) const fn claimed(ends: &'a Bitmap) -> Self {
        Self { ends: Some(ends) }
    }
}

impl Owner for Ref<'_> {}
impl CloneEnds for Ref<'_> {}
impl sealed::Sealed for Ref<'_> {
    #[inline]
    unsafe fn give_back(&self, end: u32) {
        #[cfg(compare_and_swap)]
        if let Some(ends) = self.ends {
            ends.give_back(end);
        }
        #[cfg(not(compare_and_swap))]
        let _ = (self.ends, end);
    }

    #[inline]
    fn clone_owner(&self) -> Self {
        Self { ends: self.ends }
    }
}

/// An `Arc` of the ring `R`: the handle has no lifetime and can move into a thread.
#[cfg(arc)]
#[cfg_attr(docsrs, doc(cfg(feature = "alloc")))]
#[derive(Debug)]
pub struct ArcRef<R>(pub(crate) Arc<R>);
#[cfg(arc)]
impl<R: AnyRing> Owner for ArcRef<R> {}
#[cfg(arc)]
impl<R: AnyRing> CloneEnds for ArcRef<R> {}

#[cfg(arc)]
impl<R: AnyRing> sealed::Sealed for ArcRef<R> {
    #[inline]
    unsafe fn give_back(&self, end: u32) {
        // SAFETY: as the caller says.
        unsafe { self.0.ptr().give_back(end) };
    }

    #[inline]
    fn clone_owner(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}
