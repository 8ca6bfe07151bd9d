//! How an end reaches its channel, and how it is counted there.

use core::fmt;
use core::ops::Deref;

use sealed::Attached;

use super::end_traits::sealed::{End, Many, RecvEnd as _};
use super::end_traits::{RecvEnd, SendEnd};
use super::state::sealed::AnyChannel;
use super::state::{Condition, signal, wake_all};
use crate::atomic::{Counted, Role};
use crate::ring::owner::{self, Owner};
use crate::sync::is_over;

/// How the ends of a channel reach it: a borrow, `&Channel`, or an `Arc` of it. Sealed.
///
/// A function that takes the sender of any channel over `u32`:
///
/// ```
/// use annulet::channel::{ChannelRef, Sender, TrySendError};
///
/// fn send_twice<C: ChannelRef<Item = u32>>(tx: &mut Sender<C>) -> Result<(), TrySendError<u32>> {
///     tx.try_send(1)?;
///     tx.try_send(1)
/// }
/// # #[cfg(feature = "std")] {
/// # let mut channel = annulet::Channel::new(annulet::Spsc::<u32, 2>::new(), annulet::host::Futex::new());
/// # let (mut tx, _rx) = channel.split();
/// # assert_eq!(send_twice(&mut tx), Ok(()));
/// # }
/// ```
pub trait ChannelRef: Clone + Deref<Target: AnyChannel> + sealed::Reach {
    /// What is sent.
    type Item;
    /// The end of the ring that a sender has.
    type SendEnd: SendEnd<Item = Self::Item>;
    /// The end of the ring that a receiver has.
    type RecvEnd: RecvEnd<Item = Self::Item>;
    /// The former, with its membership.
    #[doc(hidden)]
    type Tx: Attached<Channel = Self, End = Self::SendEnd>;
    /// The latter, with its membership.
    #[doc(hidden)]
    type Rx: Attached<Channel = Self, End = Self::RecvEnd>;
}

pub(crate) mod sealed {
    use super::{ChannelRef, End, Membership};

    /// What refers to a channel, and to the same one as long as it lives.
    pub trait Reach {}
    impl<X> Reach for &X {}

    /// An end in a channel, and its membership there.
    pub trait Attached {
        type Channel: ChannelRef;
        type End: End;
        fn end(&self) -> &Self::End;
        fn end_mut(&mut self) -> &mut Self::End;
        fn membership(&self) -> &Membership<Self::Channel>;
        fn membership_mut(&mut self) -> &mut Membership<Self::Channel>;
    }
}

/// What keeps a ring's end in its channel, and the channel alive: the end is counted as one of its role until this is dropped.
///
/// That is after the end was given back. So a party that is woken because an end has gone finds it free, and the room that
/// went with it.
pub struct Membership<C: ChannelRef> {
    channel: C,
    role: Role,
    counted: Counted,
    /// The end was borrowed, and what it did may not have been signalled.
    pub(super) owes: bool,
}

impl<C: ChannelRef> Membership<C> {
    pub(super) fn join(channel: C, role: Role) -> Self {
        let counted = channel.peers().join(role);
        Self { channel, role, counted, owes: false }
    }

    #[inline(always)]
    pub(super) fn channel(&self) -> &C {
        &self.channel
    }

    pub(super) fn role(&self) -> Role {
        self.role
    }

    /// One more of its role.
    pub(super) fn another(&self) -> Self {
        Self::join(self.channel.clone(), self.role)
    }
}

impl<C: ChannelRef> Owner for Membership<C> {}
impl<C: ChannelRef> owner::sealed::Sealed for Membership<C> {
    #[inline]
    fn give_back(&self, end: u32) {
        if !is_over() {
            self.channel.give_back(end);
        }
    }

    #[inline]
    fn clone_owner(&self) -> Self {
        self.another()
    }
}

impl<C: ChannelRef> Drop for Membership<C> {
    fn drop(&mut self) {
        if is_over() {
            return;
        }
        let channel = &*self.channel;
        // An end whose going makes room: a sender may wait for this very receiver.
        let frees = self.role == Role::Receiver && C::RecvEnd::LEAVING_MAKES_ROOM;
        if channel.peers().leave(self.role, self.counted) {
            // Also if a waker panics.
            let _abandon = (self.role == Role::Receiver && channel.is_owned()).then(|| Abandon(channel));
            wake_all(channel);
        } else if frees || self.owes {
            signal(channel, Condition::of(self.role).other(), u32::MAX);
        }
    }
}

impl<C: ChannelRef> fmt::Debug for Membership<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Membership").field("role", &self.role).finish_non_exhaustive()
    }
}

/// The last receiver of an owned channel is gone for good: when this is dropped, what is queued is.
struct Abandon<'c, X: AnyChannel>(&'c X);

impl<X: AnyChannel> Drop for Abandon<'_, X> {
    fn drop(&mut self) {
        if is_over() {
            return;
        }
        // Also if the platform panics.
        let _discard = Discard(self.0);
        // What is sent from now on is dropped by its sender, which sees this; what was sent before, here, after the fence in
        // `discard`.
        self.0.keep_watch();
    }
}

/// Drops what is queued when it is dropped.
struct Discard<'c, X: AnyChannel>(&'c X);

impl<X: AnyChannel> Drop for Discard<'_, X> {
    fn drop(&mut self) {
        if !is_over() {
            self.0.discard();
        }
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

impl<E: End, C: ChannelRef> Attached for InChannel<E, C> {
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

impl<E: Clone, C: ChannelRef> Many for InChannel<E, C> {
    fn another(&self) -> Self {
        Self::new(self.end.clone(), self.membership.another())
    }
}

/// What is reached by an end's channel reference.
type Target<X> = <<X as Attached>::Channel as Deref>::Target;

/// Returns the end, and its channel, which the borrow of the end does not cover.
#[inline(always)]
pub(super) fn apart<X: Attached>(attached: &mut X) -> (&mut X::End, &Target<X>) {
    let channel: *const Target<X> = &raw const **attached.membership().channel();
    // SAFETY: of a shared reference, so valid, aligned and initialised. It is so for as long as the result is used:
    // - the channel is no part of the end. It is what the membership's `&` or `Arc` refers to, as `Reach` says, so a mutable
    //   borrow of the end overlaps none of it, and it is not borrowed mutably while there is a reference to it;
    // - it lives as long as the membership does. `attached` is borrowed as long as the result, so it is not dropped;
    // - nor is the membership replaced through the end: the callers are generic in it, and have no other one to put
    //   there.
    let channel = unsafe { &*channel };
    (attached.end_mut(), channel)
}
