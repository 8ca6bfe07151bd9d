//! The end of a sender or receiver, borrowed, and the signal that its user owes.

use core::fmt;
use core::ops::{Deref, DerefMut};

use super::channel_ref::Owed;
use super::channel_ref::sealed::Attached;
use super::end_traits::sealed::End as _;
use super::state::{Condition, signal};
use crate::sync::is_over;

/// The ring's end of a [`Sender`](super::Sender) or [`Receiver`](super::Receiver), for what the channel has no call for:
/// grants, peeks, skips.
///
/// When it is dropped, it signals the ends that wait on the other side, whatever was done with the end: items that were pushed,
/// grants that were committed in part, given up or forgotten, slots that were released. A grant borrows this
/// guard, so it is over by then. If the guard itself is forgotten, the sender or receiver gives that signal before it next
/// waits, when its end is next borrowed, or when it is dropped.
///
/// Use the end where it is. An end of lanes or of a broadcast that is exchanged for another one through the guard, or a consumer
/// of lanes that is cloned through it, is outside of the channel, and signals nothing there.
///
/// ```
/// # #[cfg(feature = "std")] {
/// use annulet::{Channel, Spsc, host::Futex};
///
/// static BLOCKS: Channel<Spsc<u8, 64>, Futex> = Channel::new(Spsc::new(), Futex::new());
///
/// let (mut tx, mut rx) = BLOCKS.try_split().unwrap();
/// let receiver = std::thread::spawn(move || rx.recv());
/// {
///     let mut end = tx.end();
///     let mut grant = end.try_claim(4).unwrap();
///     grant.copy_from(b"ring");
///     grant.commit_all();
/// } // the receiver is woken here
/// assert_eq!(receiver.join().unwrap(), Ok(b'r'));
/// # }
/// ```
#[must_use = "what is done through the end is signalled when this is dropped"]
pub struct EndGuard<'s, X: Attached>(&'s mut X);

impl<'s, X: Attached> EndGuard<'s, X> {
    pub(super) fn new(attached: &'s mut X) -> Self {
        // The last guard may have been forgotten, and this one may be kept for long.
        pay(attached);
        attached.membership_mut().owes = Owed::Signal;
        Self(attached)
    }
}

impl<X: Attached> Deref for EndGuard<'_, X> {
    type Target = X::End;
    fn deref(&self) -> &X::End {
        self.0.end()
    }
}

impl<X: Attached> DerefMut for EndGuard<'_, X> {
    fn deref_mut(&mut self) -> &mut X::End {
        self.0.end_mut()
    }
}

impl<X: Attached> Drop for EndGuard<'_, X> {
    fn drop(&mut self) {
        if !is_over() {
            pay(self.0);
        }
    }
}

impl<X: Attached<End: fmt::Debug>> fmt::Debug for EndGuard<'_, X> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("EndGuard").field(self.0.end()).finish()
    }
}

/// Gives the signal that is owed for what was done through an end, and gives up the place of a permit that was forgotten. Before
/// a sender is used, or a receiver waits.
#[inline(always)]
pub(super) fn pay<X: Attached>(attached: &mut X) {
    if attached.membership().owes != Owed::Nothing {
        pay_now(attached);
    }
}

#[cold]
fn pay_now<X: Attached>(attached: &mut X) {
    let reclaimed = attached.end_mut().reclaim_forgotten();
    let membership = attached.membership_mut();
    let owed = core::mem::replace(&mut membership.owes, Owed::Nothing);
    if !reclaimed && owed != Owed::Signal {
        return;
    }
    signal(membership.channel(), Condition::of(membership.role()).other(), u32::MAX);
}
