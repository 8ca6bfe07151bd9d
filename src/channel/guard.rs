//! The end of a sender or receiver, borrowed, and the signal that its user owes.

use core::fmt;
use core::ops::{Deref, DerefMut};

use super::ends::sealed::End;
use super::line::{Hold, Member, signal};
use crate::sync::is_over;

/// The ring's end of a [`Sender`](super::Sender) or [`Receiver`](super::Receiver), for what the channel has no call for:
/// grants, peeks, skips.
///
/// When it is dropped, it signals those who wait on the other side, whatever was done with the end: items that were pushed,
/// grants that were committed in part, given up or forgotten, slots that were released. A grant borrows this
/// guard, so it is over by then. If the guard itself is forgotten, the sender or receiver gives that signal before it next
/// waits, when its end is next borrowed, or when it is dropped.
///
/// ```
/// # #[cfg(feature = "std")] {
/// use annulet::{Channel, Spsc, host::Futex};
///
/// static BLOCKS: Channel<Spsc<u8, 64>, Futex> = Channel::over(Spsc::new(), Futex::new());
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
pub struct EndGuard<'s, E: End, L: Hold> {
    end: &'s mut E,
    member: &'s mut Member<L>,
}

impl<'s, E: End, L: Hold> EndGuard<'s, E, L> {
    pub(super) fn new(end: &'s mut E, member: &'s mut Member<L>) -> Self {
        // The last guard may have been forgotten, and this one may be kept for long.
        pay(end, member);
        member.owes = true;
        Self { end, member }
    }
}

impl<E: End, L: Hold> Deref for EndGuard<'_, E, L> {
    type Target = E;
    fn deref(&self) -> &E {
        self.end
    }
}

impl<E: End, L: Hold> DerefMut for EndGuard<'_, E, L> {
    fn deref_mut(&mut self) -> &mut E {
        self.end
    }
}

impl<E: End, L: Hold> Drop for EndGuard<'_, E, L> {
    fn drop(&mut self) {
        if !is_over() {
            pay(self.end, self.member);
        }
    }
}

impl<E: End + fmt::Debug, L: Hold> fmt::Debug for EndGuard<'_, E, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("EndGuard").field(&self.end).finish()
    }
}

/// Gives the signal that is owed for what was done through an end. Before a sender or receiver waits.
pub(super) fn pay<E: End, L: Hold>(end: &mut E, member: &mut Member<L>) {
    if member.owes {
        end.reclaim_forgotten();
        member.owes = false;
        signal(member.hold(), E::CHANGES, u32::MAX);
    }
}
