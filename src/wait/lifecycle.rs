//! Who is there on either side, and whether it was closed: what a wait ends with.

use crate::atomic::site::{Site, order};
use crate::sync::{AtomicUsize, Ordering, const_fn};

/// The two sides of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Party {
    Sender,
    Receiver,
}

impl Party {
    const fn shift(self) -> u32 {
        match self {
            Self::Sender => 1,
            Self::Receiver => 1 + FIELD,
        }
    }

    /// One more of them.
    const fn one(self) -> usize {
        0b10 << self.shift()
    }

    /// There was one of them.
    const fn met(self) -> usize {
        1 << self.shift()
    }

    /// There were too many to be counted, so nobody knows when they are gone.
    const fn endless(self) -> usize {
        1 << (self.shift() + FIELD - 1)
    }

    /// How many there are, and whether there was one.
    const fn field(self) -> usize {
        (usize::MAX >> (usize::BITS - FIELD)) << self.shift()
    }
}

/// Bits for each party: how many of it there are, and in the lowest whether there ever was one.
const FIELD: u32 = (usize::BITS - 1) / 2;
const CLOSED: usize = 1;
/// More than that are not counted any more, 2²⁸ (2¹² where words have 32 bits), and from the first of these on the party is
/// never gone. So a number never runs into its neighbour, however many handles are made and forgotten.
const MANY: usize = 1 << (FIELD - 3);

/// How many handles each side of a channel has, and whether it was closed: one word. Zero is open, with nobody there
/// yet.
///
/// ```text
///   bit 0        closed, for good
///   bits 1..     senders: the lowest there was one, the highest they are endless, those between how many
///   bits FIELD.. receivers, likewise
/// ```
#[derive(Debug)]
pub struct Lifecycle(AtomicUsize);

/// Whether a handle was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Counted(bool);

impl Lifecycle {
    const_fn! {
        pub(crate) const fn new() -> Self {
            Self(AtomicUsize::new(0))
        }
    }

    /// One more of a party. It undoes that the party was gone.
    pub(crate) fn join(&self, party: Party) -> Counted {
        // Relaxed: a handle comes from a ring or from another handle, which have their own order.
        let before = self.0.fetch_add(party.one(), Ordering::Relaxed);
        if (before & party.field()) >> party.shift() >> 1 >= MANY {
            // First, so that there is no moment in which those who are counted may all go.
            self.0.fetch_or(party.endless(), Ordering::Relaxed);
            self.0.fetch_sub(party.one(), Ordering::Relaxed);
            return Counted(false);
        }
        if before & party.met() == 0 {
            // After it is counted: for a moment it is there without having been met, which says the same as not yet.
            self.0.fetch_or(party.met(), Ordering::Relaxed);
        }
        Counted(true)
    }

    /// One less. True if that was the last one.
    ///
    /// Release: pairs with [`is_over`](Self::is_over). Whoever sees that all are gone sees what they have done.
    #[must_use]
    pub(crate) fn leave(&self, party: Party, counted: Counted) -> bool {
        if !counted.0 {
            // There were so many that nobody knows which one is the last.
            return false;
        }
        let before = self.0.fetch_sub(party.one(), order(Site::PartyLeave, Ordering::Release));
        (before & party.field()) >> party.shift() >> 1 == 1
    }

    /// Closes it for good. True if it was open.
    ///
    /// Release: pairs with `is_over`, and with [`is_closed`](Self::is_closed).
    pub(crate) fn close(&self) -> bool {
        self.0.fetch_or(CLOSED, order(Site::PartyClose, Ordering::Release)) & CLOSED == 0
    }

    /// Whether it was closed. What was sent before is seen by a look that comes after this one.
    #[inline(always)]
    pub(crate) fn is_closed(&self) -> bool {
        // Acquire: pairs with `close`.
        self.0.load(order(Site::ClosedLook, Ordering::Acquire)) & CLOSED != 0
    }

    /// Whether nothing more can come of the other party: it was closed, or that party was there and is gone.
    ///
    /// Acquire: pairs with [`leave`](Self::leave) and [`close`](Self::close). What the others had sent is seen by a look
    /// that comes after this one.
    #[inline(always)]
    pub(crate) fn is_over(&self, other: Party) -> bool {
        let now = self.0.load(order(Site::PartyLook, Ordering::Acquire));
        now & CLOSED != 0 || now & other.field() == other.met()
    }

    /// Whether a party was there and is gone, closed or not.
    ///
    /// Relaxed: it is asked after a fence, by who then takes the end of that party. The end is claimed, which has an order
    /// of its own.
    pub(crate) fn is_gone(&self, party: Party) -> bool {
        self.0.load(Ordering::Relaxed) & party.field() == party.met()
    }

    /// How many there are of a party, as far as they are counted.
    pub(crate) fn count(&self, party: Party) -> usize {
        ((self.0.load(Ordering::Relaxed) & party.field()) >> party.shift() >> 1).min(MANY)
    }

    /// Open again, with nobody there, by exclusive access.
    pub(crate) fn reset(&mut self) {
        #[cfg(not(loom))]
        {
            *self.0.get_mut() = 0;
        }
        #[cfg(loom)]
        self.0.with_mut(|word| *word = 0);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn rm05_a_party_is_gone_when_the_last_of_it_is() {
        let life = Lifecycle::new();
        assert!(!life.is_over(Party::Sender), "not there yet is not gone");
        let (one, two) = (life.join(Party::Sender), life.join(Party::Sender));
        let other = life.join(Party::Receiver);
        assert_eq!((life.count(Party::Sender), life.count(Party::Receiver)), (2, 1));
        assert!(!life.leave(Party::Sender, one));
        assert!(!life.is_over(Party::Sender));
        assert!(life.leave(Party::Sender, two));
        assert!(life.is_over(Party::Sender));
        assert!(!life.is_over(Party::Receiver));
        let again = life.join(Party::Sender);
        assert!(!life.is_over(Party::Sender), "somebody has come");
        assert!(life.close());
        assert!(!life.close(), "once");
        assert!(life.is_over(Party::Sender) && life.is_over(Party::Receiver) && life.is_closed());
        assert!(life.leave(Party::Receiver, other));
        assert!(life.leave(Party::Sender, again));
    }

    /// Handles that are forgotten do not run over into the other party's number.
    #[test]
    fn rm05_too_many_to_count_are_never_gone() {
        let life = Lifecycle(AtomicUsize::new((MANY * Party::Sender.one()) | Party::Sender.met()));
        let uncounted = life.join(Party::Sender);
        assert_eq!(uncounted, Counted(false));
        assert_eq!((life.count(Party::Sender), life.count(Party::Receiver)), (MANY, 0));
        // Those who were counted go, and this one is still there.
        for _ in 0..3 {
            assert!(!life.leave(Party::Sender, Counted(true)));
        }
        life.0.fetch_sub((MANY - 4) * Party::Sender.one(), Ordering::Relaxed);
        assert!(!life.leave(Party::Sender, Counted(true)));
        assert!(!life.is_over(Party::Sender));
        assert!(!life.leave(Party::Sender, uncounted));
        assert_eq!(life.count(Party::Receiver), 0);
        let receiver = life.join(Party::Receiver);
        assert!(life.leave(Party::Receiver, receiver));
        assert!(life.is_over(Party::Receiver));
        assert_eq!(Party::Sender.field() & Party::Receiver.field(), 0);
        assert_eq!(Party::Receiver.field().leading_zeros(), 1 - (usize::BITS & 1));
    }
}
