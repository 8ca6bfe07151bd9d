//! The ends that a channel is made of, as a party sees them that waits.

use core::ops::{Deref, DerefMut};

use super::error::TryRecvError;
use crate::error::PushError;

/// An end that items are put into: a [`Producer`](crate::ring::Producer), of a ring or of a lane, or the
/// [`Writer`](crate::ring::broadcast::Writer) of a broadcast. Sealed.
pub trait SendEnd: sealed::SendEnd {}

/// An end that items are taken out of: a [`Consumer`](crate::ring::Consumer), a
/// [`LaneConsumer`](crate::ring::lanes::LaneConsumer), or the [`Reader`](crate::ring::broadcast::Reader) or
/// [`GatedReader`](crate::ring::broadcast::GatedReader) of a broadcast. Sealed.
pub trait RecvEnd: sealed::RecvEnd {}

/// An end whose refusals are not counted while this lives: a call that waits is refused once, by its first look.
pub(super) struct Quiet<'e, E: sealed::End>(&'e mut E);

impl<'e, E: sealed::End> Quiet<'e, E> {
    pub(super) fn of(end: &'e mut E) -> Self {
        Self::when(true, end)
    }

    /// If `quiet`: it is not the first look of a call.
    pub(super) fn when(quiet: bool, end: &'e mut E) -> Self {
        end.set_quiet(quiet);
        Self(end)
    }
}

impl<E: sealed::End> Deref for Quiet<'_, E> {
    type Target = E;
    fn deref(&self) -> &E {
        self.0
    }
}

impl<E: sealed::End> DerefMut for Quiet<'_, E> {
    fn deref_mut(&mut self) -> &mut E {
        self.0
    }
}

impl<E: sealed::End> Drop for Quiet<'_, E> {
    fn drop(&mut self) {
        self.0.set_quiet(false);
    }
}

pub(crate) mod sealed {
    use super::{PushError, TryRecvError};

    /// What both kinds of ends have.
    pub trait End {
        /// Whether refusals are not counted from now on: they are further looks of one call.
        fn set_quiet(&mut self, quiet: bool);
        /// Gives back what a forgotten grant had. Returns whether there was one.
        fn reclaim_forgotten(&mut self) -> bool {
            false
        }
        /// Keeps away for up to that many hints from a stream that it has caught up with.
        fn set_max_pause(&mut self, hints: u16) {
            let _ = hints;
        }
    }

    /// An end of a side of many.
    pub trait Many {
        /// One more of them.
        fn another(&self) -> Self;
    }

    pub trait SendEnd: End {
        /// What is put in.
        type Item;
        /// Each receiver gets each item, so each has to be woken for it.
        const IS_BROADCAST: bool;
        /// Several receivers may wait for one item that is on its way.
        const PENDING_IS_SHARED: bool = false;
        /// Returns how many receivers can have something of so many items.
        #[inline(always)]
        fn wakes(items: usize) -> u32 {
            if Self::IS_BROADCAST { u32::MAX } else { u32::try_from(items).unwrap_or(u32::MAX) }
        }
        fn put(&mut self, item: Self::Item) -> Result<(), PushError<Self::Item>>;
        /// As many as there is room for: how many; and why no more, if it was refused.
        fn put_iter(
            &mut self,
            items: &mut dyn Iterator<Item = Self::Item>,
        ) -> (usize, Result<(), PushError<()>>);
        /// Returns whether there is room, as far as can be seen without taking it.
        fn has_room(&mut self) -> bool;
    }

    pub trait RecvEnd: End {
        /// What is taken out.
        type Item;
        /// The room that it makes is for one sender in particular, which may be any of those that wait.
        const ROOM_IS_PER_SENDER: bool = false;
        /// A sender may wait for this very receiver, and no longer if it goes.
        const LEAVING_MAKES_ROOM: bool = false;
        /// It goes past slots that were given up, which makes room even where nothing is taken.
        const SKIPS_ABORTED: bool = false;
        /// Returns how many senders have to look for so much room.
        #[inline(always)]
        fn wakes(items: usize) -> u32 {
            if Self::ROOM_IS_PER_SENDER { u32::MAX } else { u32::try_from(items).unwrap_or(u32::MAX) }
        }
        /// Never `Closed`.
        fn take(&mut self) -> Result<Self::Item, TryRecvError>;
        /// Moves up to `max` items into `f`, one after the other. Returns how many.
        fn take_each(&mut self, max: usize, f: &mut dyn FnMut(Self::Item)) -> Result<usize, TryRecvError>;
        /// Drops what is there now. Returns how many items.
        fn clear(&mut self) -> usize;
        /// Returns whether there is something, as far as can be seen without taking it.
        fn has_items(&mut self) -> bool;
        /// After there was nothing: whether something is on its way.
        fn is_pending(&mut self) -> bool {
            false
        }
        /// Returns how many were sent and not received: at least all that were before this was called.
        fn len(&self) -> usize;
    }
}
