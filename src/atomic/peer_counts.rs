//! How many ends each side of a channel has, and whether it was closed: what ends a wait.

use super::TRIES;
use super::site::{Site, order};
use crate::sync::{AtomicU32, Ordering, const_fn};

/// The two sides of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It sends items, and waits for room.
    Sender,
    /// It receives items, and waits for them.
    Receiver,
}

/// Nothing is sent or received any more, for good.
const CLOSED: u32 = 1;
/// There was one.
const SEEN: u32 = 1 << 1;
/// One of them.
const ONE: u32 = 1 << 2;
/// There were too many to be counted, so it is not known when they are gone.
const SATURATED: u32 = 1 << 31;
/// More than that are not counted any more, and from the first of these on the party is never gone. So a number never runs
/// over, however many handles are made and forgotten.
const MANY: u32 = 1 << 28;

/// How many handles each side of a channel has, and whether it was closed: a word for each side. Zero is open, without
/// handles.
///
/// ```text
///   bit 0      closed, for good, in both words
///   bit 1      there was one
///   bits 2..   how many
///   bit 31     they are endless
/// ```
///
/// Each question is about one side, so its answer is one load.
#[derive(Debug)]
#[repr(C)]
pub struct PeerCounts {
    senders: AtomicU32,
    receivers: AtomicU32,
    /// Whose turn it is to change both: of who opens it again, against those who close it.
    turn: AtomicU32,
}

/// Nobody's.
const FREE: u32 = 0;
/// Somebody's.
const TAKEN: u32 = 1;
/// Somebody's, and another party has closed it meanwhile.
const ASKED: u32 = 2;

/// Whether a handle was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Counted(bool);

impl Counted {
    /// It is not, and nobody notices when it goes.
    pub(crate) const NOT: Self = Self(false);
}

/// A party was there and is gone.
const fn gone(word: u32) -> bool {
    word & !CLOSED == SEEN
}

impl PeerCounts {
    const_fn! {
        pub(crate) const fn new() -> Self {
            Self { senders: AtomicU32::new(0), receivers: AtomicU32::new(0), turn: AtomicU32::new(FREE) }
        }
    }

    #[inline(always)]
    const fn word(&self, party: Role) -> &AtomicU32 {
        match party {
            Role::Sender => &self.senders,
            Role::Receiver => &self.receivers,
        }
    }

    /// One more of a party. It undoes that the party was gone.
    pub(crate) fn join(&self, party: Role) -> Counted {
        let word = self.word(party);
        // Relaxed: a handle comes from a ring or from another handle, which have their own order.
        let before = word.fetch_add(ONE, Ordering::Relaxed);
        if before / ONE >= MANY {
            // First, so that there is no moment in which all counted handles may go.
            word.fetch_or(SATURATED, Ordering::Relaxed);
            word.fetch_sub(ONE, Ordering::Relaxed);
            return Counted(false);
        }
        if before & SEEN == 0 {
            // After it is counted: for a moment it is there without having been met, which says the same as not yet.
            word.fetch_or(SEEN, Ordering::Relaxed);
        }
        Counted(true)
    }

    /// Counts one less. Returns true if that was the last one.
    ///
    /// Release: pairs with [`is_disconnected`](Self::is_disconnected). A thread that sees that all are gone sees what they have done.
    #[must_use]
    pub(crate) fn leave(&self, party: Role, counted: Counted) -> bool {
        if !counted.0 {
            // There were so many that it is not known which one is the last.
            return false;
        }
        self.word(party).fetch_sub(ONE, order(Site::PartyLeave, Ordering::Release)) / ONE == 1
    }

    /// Closes it for good. Returns true if it was open.
    ///
    /// Release: pairs with `is_disconnected`, and with [`is_closed`](Self::is_closed).
    pub(crate) fn close(&self) -> bool {
        let was_open = self.set_closed();
        self.settle();
        was_open
    }

    /// Sets both words. Returns whether it was open.
    fn set_closed(&self) -> bool {
        let close = |word: &AtomicU32| word.fetch_or(CLOSED, order(Site::PartyClose, Ordering::Release));
        // Senders are refused before receivers hear of the end. Both, also if another party is in the middle of this.
        let before = close(&self.receivers);
        close(&self.senders);
        before & CLOSED == 0
    }

    /// Opens it again if it has no handles. Returns whether it is open then: not if another party opens or closes it at the same
    /// time.
    pub(crate) fn try_reopen(&self) -> bool {
        if !self.take_turn() {
            return false;
        }
        let opened = self.clear_closed();
        !self.end_turn() && opened
    }

    /// Clears both words, in its turn.
    fn clear_closed(&self) -> bool {
        // Relaxed, all of it: no handle is there to hand anything over; what handles did that are gone is ordered by the ring's
        // ends.
        let senders = self.senders.load(Ordering::Relaxed);
        if senders / ONE != 0 || self.receivers.load(Ordering::Relaxed) / ONE != 0 {
            return false;
        }
        if self.senders.compare_exchange(senders, 0, Ordering::Relaxed, Ordering::Relaxed).is_err() {
            // A handle was made meanwhile, or it was closed.
            return false;
        }
        // A receiver that was made meanwhile stays. One that was there and went is forgotten with those before it.
        if gone(self.receivers.fetch_and(!CLOSED, Ordering::Relaxed)) {
            let _ = self.receivers.compare_exchange(SEEN, 0, Ordering::Relaxed, Ordering::Relaxed);
        }
        true
    }

    /// After both words were set: a party whose turn it was may have cleared one of them, and not the other. Sees to it that they
    /// say the same.
    fn settle(&self) {
        for _ in 0..TRIES {
            if self.take_turn() {
                // Nobody clears them now. If the senders' word was cleared, the other one was, too, after it.
                if self.senders.load(Ordering::Relaxed) & CLOSED != 0 {
                    self.receivers.fetch_or(CLOSED, Ordering::Relaxed);
                }
                self.end_turn();
                return;
            }
            // Relaxed: whose turn it is sets both words then, whatever they say.
            let asked = self.turn.compare_exchange(TAKEN, ASKED, Ordering::Relaxed, Ordering::Relaxed);
            if !matches!(asked, Err(FREE)) {
                return;
            }
        }
    }

    /// Returns whether it is this party's turn to change both words.
    fn take_turn(&self) -> bool {
        // Acquire: pairs with `end_turn`. What the last one has cleared is seen.
        let acquire = order(Site::TurnTake, Ordering::Acquire);
        self.turn.compare_exchange(FREE, TAKEN, acquire, Ordering::Relaxed).is_ok()
    }

    /// Lets the next one have its turn. Returns whether another party has closed it meanwhile: then it is closed.
    fn end_turn(&self) -> bool {
        let mut closed = false;
        // Release: pairs with `take_turn`.
        let release = order(Site::TurnEnd, Ordering::Release);
        // Each round but the last is for a party that has closed it.
        while self.turn.compare_exchange(TAKEN, FREE, release, Ordering::Relaxed).is_err() {
            self.turn.store(TAKEN, Ordering::Relaxed);
            self.set_closed();
            closed = true;
        }
        closed
    }

    /// Returns whether it was closed, and receivers may have seen it. Items that were sent before are seen by later looks.
    #[inline(always)]
    pub(crate) fn is_closed(&self) -> bool {
        // Acquire: pairs with `close`.
        self.senders.load(order(Site::ClosedLook, Ordering::Acquire)) & CLOSED != 0
    }

    /// Returns whether nothing more can come of the other party: it was closed, or that party was there and is gone.
    ///
    /// Acquire: pairs with [`leave`](Self::leave) and [`close`](Self::close). Items that the other party had sent are seen by
    /// later looks.
    #[inline(always)]
    pub(crate) fn is_disconnected(&self, other: Role) -> bool {
        let now = self.word(other).load(order(Site::PartyLook, Ordering::Acquire));
        now & CLOSED != 0 || gone(now)
    }

    /// Returns whether a party was there and is gone, closed or not.
    ///
    /// Relaxed: it is asked after a fence, by a thread that then takes the end of that party. The end is claimed, which has an
    /// order of its own.
    pub(crate) fn is_gone(&self, party: Role) -> bool {
        gone(self.word(party).load(Ordering::Relaxed))
    }

    /// Returns how many there are of a party, as far as they are counted.
    pub(crate) fn count(&self, party: Role) -> usize {
        (self.word(party).load(Ordering::Relaxed) / ONE).min(MANY) as usize
    }

    /// Opens it again, without handles, by exclusive access.
    pub(crate) fn reset(&mut self) {
        *self = Self::new();
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn rm05_a_party_is_gone_when_the_last_of_it_is() {
        let life = PeerCounts::new();
        assert!(!life.is_disconnected(Role::Sender), "not there yet is not gone");
        let (one, two) = (life.join(Role::Sender), life.join(Role::Sender));
        let other = life.join(Role::Receiver);
        assert_eq!((life.count(Role::Sender), life.count(Role::Receiver)), (2, 1));
        assert!(!life.leave(Role::Sender, one));
        assert!(!life.is_disconnected(Role::Sender));
        assert!(life.leave(Role::Sender, two));
        assert!(life.is_disconnected(Role::Sender));
        assert!(!life.is_disconnected(Role::Receiver));
        let again = life.join(Role::Sender);
        assert!(!life.is_disconnected(Role::Sender), "one has come");
        assert!(life.close());
        assert!(!life.close(), "once");
        assert!(
            life.is_disconnected(Role::Sender) && life.is_disconnected(Role::Receiver) && life.is_closed()
        );
        assert!(!life.is_gone(Role::Receiver), "closed or not, it is there");
        assert!(life.leave(Role::Receiver, other));
        assert!(life.leave(Role::Sender, again));
    }

    #[test]
    fn it_is_opened_again_when_nobody_is_there() {
        let life = PeerCounts::new();
        assert!(life.try_reopen(), "it is open");
        let (sender, receiver) = (life.join(Role::Sender), life.join(Role::Receiver));
        assert!(life.close());
        assert!(!life.try_reopen());
        assert!(life.leave(Role::Sender, sender));
        assert!(!life.try_reopen(), "a receiver is there");
        assert!(life.is_closed());
        assert!(life.leave(Role::Receiver, receiver));
        assert!(life.try_reopen());
        for party in [Role::Sender, Role::Receiver] {
            assert!(!life.is_closed() && !life.is_disconnected(party) && !life.is_gone(party));
        }
        assert!(life.close(), "it was open");
    }

    /// Handles that are forgotten do not run over, nor change what is known of the other party.
    #[test]
    fn rm05_too_many_to_count_are_never_gone() {
        let life = PeerCounts { senders: AtomicU32::new((MANY * ONE) | SEEN), ..PeerCounts::new() };
        let many = MANY as usize;
        let uncounted = life.join(Role::Sender);
        assert_eq!(uncounted, Counted(false));
        assert_eq!((life.count(Role::Sender), life.count(Role::Receiver)), (many, 0));
        // The counted ones go, and this one is still there.
        for _ in 0..3 {
            assert!(!life.leave(Role::Sender, Counted(true)));
        }
        life.senders.fetch_sub((MANY - 4) * ONE, Ordering::Relaxed);
        assert!(!life.leave(Role::Sender, Counted(true)));
        assert!(!life.is_disconnected(Role::Sender));
        assert!(!life.leave(Role::Sender, uncounted));
        assert_eq!(life.count(Role::Receiver), 0);
        let receiver = life.join(Role::Receiver);
        assert!(life.leave(Role::Receiver, receiver));
        assert!(life.is_disconnected(Role::Receiver));
    }

    /// As many as a channel may be asked for in earnest are counted, whatever the size of a word.
    #[test]
    fn rm05_thousands_are_counted() {
        const THOUSANDS: usize = 5000;
        for party in [Role::Sender, Role::Receiver] {
            let life = PeerCounts::new();
            let handles: alloc::vec::Vec<_> = (0..THOUSANDS).map(|_| life.join(party)).collect();
            assert_eq!(life.count(party), THOUSANDS);
            let lasts = handles.into_iter().filter(|counted| life.leave(party, *counted)).count();
            assert_eq!((lasts, life.is_disconnected(party)), (1, true));
        }
    }
}
