//! How an end reaches its channel, and how it is counted there.

use core::fmt;
use core::mem::MaybeUninit;

use sealed::{Attached, Borrowed, Lent};

use super::end_traits::sealed::{End, Many, RecvEnd as _};
use super::end_traits::{RecvEnd, SendEnd};
use super::state::sealed::AnyChannel;
use super::state::{Condition, signal, wake_all};
use crate::atomic::{Counted, Role};
use crate::ring::owner::{self, Owner};
use crate::sync::is_over;
use crate::wait::Strategy;

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
pub trait ChannelRef: Clone + sealed::Reach {
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

/// A reference to a channel whose ends can be borrowed, by [`Sender::end`](super::Sender::end) and
/// [`Receiver::end`](super::Receiver::end): every one but an `Arc` of a channel over lanes or a broadcast. Sealed.
pub trait LendsEnds: ChannelRef<Tx: Lent, Rx: Lent> {}
impl<C: ChannelRef<Tx: Lent, Rx: Lent>> LendsEnds for C {}

pub(crate) mod sealed {
    use super::{AnyChannel, ChannelRef, End, Membership};

    /// What refers to a channel, and to the same one as long as it lives.
    // Not by `Deref`: its target could be named, and then what `AnyChannel` can do be called, by any crate.
    pub trait Reach {
        type Channel: AnyChannel;
        fn channel(&self) -> &Self::Channel;
    }

    impl<X: AnyChannel> Reach for &X {
        type Channel = X;
        #[inline(always)]
        fn channel(&self) -> &X {
            self
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

    /// An end that can be lent to its user: it is of no use, or does no harm, after its channel is gone.
    pub trait Lent: Attached {}

    /// A reference to a channel that borrows it.
    pub trait Borrowed {}
    impl<X> Borrowed for &X {}
}

/// What keeps a ring's end in its channel, and the channel alive: the end is counted as one of its role until this is dropped.
///
/// That is after the end was given back. So a party that is woken because an end has gone finds it free, and the room that
/// went with it.
pub struct Membership<C: ChannelRef> {
    channel: C,
    /// How the end waits.
    pub(super) strategy: Strategy,
    role: Role,
    counted: Counted,
    /// What was done through the end, and may not have been signalled.
    pub(super) owes: Owed,
}

/// What an end has still to do for what was forgotten.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Owed {
    /// Nothing.
    Nothing,
    /// To give up a place, unless its permit was sent or dropped.
    Place,
    /// A signal: the end was borrowed.
    Signal,
}

impl<C: ChannelRef> Membership<C> {
    /// Counts an end in, which begins to wait as `strategy` says. The platform was asked for that before: it may panic.
    pub(super) fn join(channel: C, role: Role, strategy: Strategy) -> Self {
        let counted = channel.channel().peers().join(role);
        Self { channel, strategy, role, counted, owes: Owed::Nothing }
    }

    /// Belongs to an end that is not counted: somebody else keeps the channel for it.
    pub(super) fn visit(channel: C, role: Role, strategy: Strategy) -> Self {
        Self { channel, strategy, role, counted: Counted::NOT, owes: Owed::Nothing }
    }

    #[inline(always)]
    pub(super) fn channel(&self) -> &C::Channel {
        self.channel.channel()
    }

    /// Returns how it reaches its channel.
    pub(super) fn channel_ref(&self) -> &C {
        &self.channel
    }

    pub(super) fn role(&self) -> Role {
        self.role
    }

    /// Returns one more of its role, which waits in the same way.
    pub(super) fn another(&self) -> Self {
        let channel = self.channel.clone();
        let counted = channel.channel().peers().join(self.role);
        Self { channel, counted, owes: Owed::Nothing, ..*self }
    }
}

impl<C: ChannelRef> Owner for Membership<C> {}
impl<C: ChannelRef> owner::sealed::Sealed for Membership<C> {
    #[inline]
    unsafe fn give_back(&self, end: u32) {
        if !is_over() {
            // SAFETY: as the caller says.
            unsafe { self.channel().give_back(end) };
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
        let channel = self.channel();
        // An end whose going makes room: a sender may wait for this very receiver.
        let frees = self.role == Role::Receiver && C::RecvEnd::LEAVING_MAKES_ROOM;
        let owned = self.role == Role::Receiver && channel.is_owned();
        let last = match owned {
            true => channel.peers().leave_for_good(self.counted),
            false => channel.peers().leave(self.role, self.counted),
        };
        if last {
            // Also if a waker panics.
            let _abandon = owned.then(|| Abandon(channel));
            wake_all(channel);
        } else if frees || self.owes != Owed::Nothing {
            signal(channel, Condition::of(self.role).other(), u32::MAX);
        }
    }
}

impl<C: ChannelRef> fmt::Debug for Membership<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Membership").field("role", &self.role).finish_non_exhaustive()
    }
}

/// The last receiver of an owned channel is gone, and the channel closed: when this is dropped, what is queued is.
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
pub struct InChannel<E, C: ChannelRef> {
    /// Dropped first. It holds a reference to what the membership may let go of. A value that is passed to a function promises that
    /// its references are valid until that returns, which this is not if that function drops it: so it is none to the compiler.
    end: MaybeUninit<E>,
    membership: Membership<C>,
}

impl<E, C: ChannelRef> InChannel<E, C> {
    pub(super) fn new(end: E, membership: Membership<C>) -> Self {
        Self { end: MaybeUninit::new(end), membership }
    }

    #[inline(always)]
    fn get(&self) -> &E {
        // SAFETY: it is initialised until this is dropped.
        unsafe { self.end.assume_init_ref() }
    }
}

impl<E, C: ChannelRef> Drop for InChannel<E, C> {
    fn drop(&mut self) {
        // SAFETY: it was initialised until now, and nobody uses it after this.
        unsafe { self.end.assume_init_drop() };
    }
}

impl<E: fmt::Debug, C: ChannelRef> fmt::Debug for InChannel<E, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InChannel").field("end", self.get()).field("membership", &self.membership).finish()
    }
}

impl<E: End, C: ChannelRef> Attached for InChannel<E, C> {
    type Channel = C;
    type End = E;
    #[inline(always)]
    fn end(&self) -> &E {
        self.get()
    }
    #[inline(always)]
    fn end_mut(&mut self) -> &mut E {
        // SAFETY: it is initialised until this is dropped.
        unsafe { self.end.assume_init_mut() }
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

// It borrows the channel by itself. An end whose channel is kept by an `Arc` says that it lives for ever, which is true only as
// long as it is in here.
impl<E: End, C: ChannelRef + Borrowed> Lent for InChannel<E, C> {}

impl<E: Clone, C: ChannelRef> Many for InChannel<E, C> {
    fn another(&self) -> Self {
        Self::new(self.get().clone(), self.membership.another())
    }
}

/// The channel of an end.
type ChannelOf<X> = <<X as Attached>::Channel as sealed::Reach>::Channel;

/// Returns the end, and its channel, which the borrow of the end does not cover.
#[inline(always)]
pub(super) fn apart<X: Attached>(attached: &mut X) -> (&mut X::End, &ChannelOf<X>) {
    let channel: *const ChannelOf<X> = attached.membership().channel();
    // SAFETY: of a shared reference, so valid, aligned and initialised. It is so for as long as the result is used:
    // - the channel is no part of the end. It is what the membership's `&` or `Arc` refers to, as `Reach` says, so a mutable
    //   borrow of the end overlaps none of it, and it is not borrowed mutably while there is a reference to it;
    // - it lives as long as the membership does. `attached` is borrowed as long as the result, so it is not dropped;
    // - nor is the membership replaced through the end: the callers are generic in it, and have no other one to put
    //   there.
    let channel = unsafe { &*channel };
    (attached.end_mut(), channel)
}

/// Returns what is in a channel that an `Arc` keeps, for as long as the caller says.
///
/// # Safety
/// What is made of it goes into an [`InChannel`] beside an `Arc` of that channel. That drops the end first, and lends it to nobody,
/// since it is no [`Lent`]: so no use of it comes after the `Arc` is gone.
#[cfg(arc)]
pub(super) unsafe fn kept<'x, R>(ring: &R) -> &'x R {
    let ring: *const R = ring;
    // SAFETY: of a value in an `Arc`, so valid, aligned, initialised, and only ever shared; it stays where it is for as long as
    // there is an `Arc` of it, which is longer than the result is used, as the caller says.
    unsafe { &*ring }
}
