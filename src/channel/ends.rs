//! The ends that a channel is made of, as a party sees them that waits.

use core::ops::{Deref, DerefMut};

use super::TryRecvError;
use super::reach::{ChannelRef, Membership};
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

/// The end of lanes or of a broadcast, in a channel.
#[derive(Debug)]
pub struct InChannel<E, C: ChannelRef> {
    end: E,
    /// Dropped after the end.
    membership: Membership<C>,
}

impl<E, C: ChannelRef> InChannel<E, C> {
    pub(super) fn new(end: E, membership: Membership<C>) -> Self {
        Self { end, membership }
    }
}

impl<E: sealed::End, C: ChannelRef> sealed::Attached for InChannel<E, C> {
    type Channel = C;
    type End = E;
    #[inline(always)]
    fn end(&self) -> &E {
        &self.end
    }
    #[inline(always)]
    fn end_mut(&mut self) -> &mut E {
        &mut self.end
    }
    #[inline(always)]
    fn membership(&self) -> &Membership<C> {
        &self.membership
    }
    #[inline(always)]
    fn membership_mut(&mut self) -> &mut Membership<C> {
        &mut self.membership
    }
}

impl<E: Clone, C: ChannelRef> sealed::Many for InChannel<E, C> {
    fn another(&self) -> Self {
        Self::new(self.end.clone(), self.membership.another())
    }
}

pub(crate) mod sealed {
    use super::{ChannelRef, Membership, PushError, TryRecvError};

    /// What both kinds of ends have.
    pub trait End {
        /// Whether refusals are not counted from now on: they are further looks of one call.
        fn set_quiet(&mut self, quiet: bool);
        /// Gives back what a forgotten grant had.
        fn reclaim_forgotten(&mut self) {}
        /// Keeps away for up to that many hints from a stream that it has caught up with.
        fn keep_away(&mut self, hints: u16) {
            let _ = hints;
        }
    }

    /// An end in a channel, and its membership there.
    pub trait Attached {
        type Channel: ChannelRef;
        type End: End;
        fn end(&self) -> &Self::End;
        fn end_mut(&mut self) -> &mut Self::End;
        fn membership(&self) -> &Membership<Self::Channel>;
        fn membership_mut(&mut self) -> &mut Membership<Self::Channel>;
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
        const FOR_ALL: bool;
        /// Several receivers may wait for one item that is on its way.
        const AWAITED: bool = false;
        /// Returns how many receivers can have something of so many items.
        #[inline(always)]
        fn wakes(items: usize) -> u32 {
            if Self::FOR_ALL { u32::MAX } else { u32::try_from(items).unwrap_or(u32::MAX) }
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
        const ROOM_IS_ONE_SENDERS: bool = false;
        /// A sender may wait for this very receiver, and no longer if it goes.
        const LEAVING_MAKES_ROOM: bool = false;
        /// It goes past slots that were given up, which makes room even where nothing is taken.
        const SKIPS_ABORTED: bool = false;
        /// Returns how many senders have to look for so much room.
        #[inline(always)]
        fn wakes(items: usize) -> u32 {
            if Self::ROOM_IS_ONE_SENDERS { u32::MAX } else { u32::try_from(items).unwrap_or(u32::MAX) }
        }
        /// Never `Closed`.
        fn take(&mut self) -> Result<Self::Item, TryRecvError>;
        /// Moves up to `max` items into `f`, one after the other. Returns how many.
        fn take_each(&mut self, max: usize, f: &mut dyn FnMut(Self::Item)) -> Result<usize, TryRecvError>;
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

/// What is reached by an end's channel reference.
type Target<X> = <<X as sealed::Attached>::Channel as Deref>::Target;

/// Returns the end, and its channel, which the borrow of the end does not cover.
#[inline(always)]
pub(super) fn apart<X: sealed::Attached>(attached: &mut X) -> (&mut X::End, &Target<X>) {
    let channel: *const Target<X> = &raw const **attached.membership().channel();
    // SAFETY: of a shared reference, so valid, aligned and initialised. It is so for as long as the result is used:
    // - the channel is no part of the end. It is what the membership's `&` or `Arc` refers to, so a mutable borrow of the end
    //   overlaps none of it, and nobody borrows it mutably while there is a reference to it;
    // - it lives as long as the membership does. `attached` is borrowed as long as the result, so it is not dropped;
    // - nor is the membership replaced through the end: the callers are generic in it, and have no other one to put
    //   there.
    let channel = unsafe { &*channel };
    (attached.end_mut(), channel)
}
