//! How many ends each side of a channel has, and whether it was closed: what ends a wait.

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
/// It is being opened again: until that is done it is closed, or closed again.
const OPENING: u32 = 1 << 2;
/// One of them.
const ONE: u32 = 1 << 3;
/// There were too many to be counted, so it is not known when they are gone.
const SATURATED: u32 = 1 << 31;
/// More than that are not counted any more, and from the first of these on the party is never gone. So a number never runs
/// over, however many handles are made and forgotten.
const MANY: u32 = 1 << 27;

/// How many handles each side of a channel has, and whether it was closed: a word for each side. Zero is open, without
/// handles.
///
/// ```text
///   bit 0      closed, for good, in both words
///   bit 1      there was one
///   bit 2      it is being opened again, in both words
///   bits 3..   how many
///   bit 31     they are endless
/// ```
///
/// Each question is about one side, so its answer is one load.
#[derive(Debug)]
#[repr(C)]
pub struct PeerCounts {
    senders: AtomicU32,
    receivers: AtomicU32,
    /// Which parties are changing both words: how many close it (from bit 1 on), and whether one opens it again (bit 0).
    changing: AtomicU32,
}

/// One opens it.
const OPENER: u32 = 1;
/// One closes it.
const CLOSER: u32 = 1 << 1;

/// Whether a handle was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Counted(bool);

impl Counted {
    /// It is not, and nobody notices when it goes.
    pub(crate) const NOT: Self = Self(false);
}

/// It is closed, or looks so until it is opened again.
const fn closed(word: u32) -> bool {
    word & (CLOSED | OPENING) != 0
}

/// A party was there and is gone.
const fn gone(word: u32) -> bool {
    word & !(CLOSED | OPENING) == SEEN
}

impl PeerCounts {
    const_fn! {
        pub(crate) const fn new() -> Self {
            Self { senders: AtomicU32::new(0), receivers: AtomicU32::new(0), changing: AtomicU32::new(0) }
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

    /// As [`leave`](Self::leave), of a receiver after the last of which no other one is to come: then it is closed for good.
    #[must_use]
    pub(crate) fn leave_for_good(&self, counted: Counted) -> bool {
        if !self.leave(Role::Receiver, counted) {
            return false;
        }
        // If a receiver has come meanwhile, it is the last one. There is one try: what changes the word otherwise is a close.
        // Relaxed: senders, which look at this word, are handed nothing. Receivers look at the other one.
        let last = match self.receivers.compare_exchange(
            SEEN,
            SEEN | CLOSED,
            Ordering::Relaxed,
            Ordering::Relaxed,
        ) {
            Ok(_) => true,
            Err(now) => gone(now),
        };
        if last {
            self.close();
        }
        last
    }

    /// Closes it for good.
    ///
    /// Release: pairs with `is_disconnected`, and with [`is_closed`](Self::is_closed).
    pub(crate) fn close(&self) {
        // Acquire: pairs with the last look of `open`. What that has cleared was cleared before this sets it. No site: loom
        // changes a word in the order in which it runs the threads, so that no model can tell.
        self.changing.fetch_add(CLOSER, Ordering::Acquire);
        self.set_closed();
        // Release: pairs with `try_reopen`, and with the last look of `open`. What was set is set for it.
        self.changing.fetch_sub(CLOSER, order(Site::CloseEnd, Ordering::Release));
    }

    /// Sets both words.
    fn set_closed(&self) {
        let close = |word: &AtomicU32| word.fetch_or(CLOSED, order(Site::PartyClose, Ordering::Release));
        // Senders are refused before receivers hear of the end. Both, also if another party is in the middle of this.
        close(&self.receivers);
        close(&self.senders);
    }

    /// Opens it again if it has no handles. Returns whether it is open then: not if another party is in the middle of
    /// opening or closing it.
    ///
    /// A close that comes at the same time comes before it, and then has no effect, or after it. Until it is open it is
    /// closed, so no end begins to wait that such a close would have to wake.
    pub(crate) fn try_reopen(&self) -> bool {
        // Relaxed: no handle is there to hand anything over; what handles did that are gone is ordered by the ring's ends.
        let senders = self.senders.load(Ordering::Relaxed);
        let receivers = self.receivers.load(Ordering::Relaxed);
        if senders / ONE != 0 || receivers / ONE != 0 {
            return false;
        }
        if !closed(senders) {
            if closed(receivers) {
                // Another party is in the middle of closing it.
                return false;
            }
            // It is open, but for those that are gone: they are forgotten, if that is still so.
            let forget = |word: &AtomicU32, seen: u32| {
                !gone(seen) || word.compare_exchange(seen, 0, Ordering::Relaxed, Ordering::Relaxed).is_ok()
            };
            return forget(&self.senders, senders) && forget(&self.receivers, receivers);
        }
        // Acquire: pairs with the Release of each party that has changed both words before.
        if self.changing.compare_exchange(0, OPENER, Ordering::Acquire, Ordering::Relaxed).is_err() {
            return false;
        }
        let opened = self.open(senders);
        // Release: pairs with the next one.
        self.changing.fetch_sub(OPENER, Ordering::Release);
        opened
    }

    /// Opens both words, the senders' from that value on, as the only one that opens them.
    fn open(&self, senders: u32) -> bool {
        if self.senders.compare_exchange(senders, OPENING, Ordering::Relaxed, Ordering::Relaxed).is_err() {
            // A handle was made meanwhile.
            return false;
        }
        self.receivers.fetch_or(OPENING, Ordering::Relaxed);
        // A receiver that was made meanwhile stays. One that was there and went is forgotten with those before it.
        if gone(self.receivers.fetch_and(!CLOSED, Ordering::Relaxed)) {
            let _ = self.receivers.compare_exchange(
                SEEN | OPENING,
                OPENING,
                Ordering::Relaxed,
                Ordering::Relaxed,
            );
        }
        // What was set before was cleared in both words, or in that of receivers alone: then the senders' says so. What is set
        // from the last look on stays. It changes nothing, and is ordered with each close, on either side.
        let both = order(Site::OpenLook, Ordering::AcqRel);
        let alone = self.changing.compare_exchange(OPENER, OPENER, both, Ordering::Relaxed).is_ok();
        let stays_closed = !alone || self.senders.load(Ordering::Relaxed) & CLOSED != 0;
        if stays_closed {
            self.set_closed();
        }
        self.receivers.fetch_and(!OPENING, Ordering::Relaxed);
        self.senders.fetch_and(!OPENING, Ordering::Relaxed);
        !stays_closed
    }

    /// Returns whether it was closed, and receivers may have seen it. Items that were sent before are seen by later looks.
    #[inline(always)]
    pub(crate) fn is_closed(&self) -> bool {
        // Acquire: pairs with `close`.
        closed(self.senders.load(order(Site::ClosedLook, Ordering::Acquire)))
    }

    /// Returns whether nothing more can come of the other party: it was closed, or that party was there and is gone.
    ///
    /// Acquire: pairs with [`leave`](Self::leave) and [`close`](Self::close). Items that the other party had sent are seen by
    /// later looks.
    #[inline(always)]
    pub(crate) fn is_disconnected(&self, other: Role) -> bool {
        let now = self.word(other).load(order(Site::PartyLook, Ordering::Acquire));
        closed(now) || gone(now)
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
        life.close();
        life.close();
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
        life.close();
        assert!(!life.try_reopen());
        assert!(life.leave(Role::Sender, sender));
        assert!(!life.try_reopen(), "a receiver is there");
        assert!(life.is_closed());
        assert!(life.leave(Role::Receiver, receiver));
        assert!(life.try_reopen());
        for party in [Role::Sender, Role::Receiver] {
            assert!(!life.is_closed() && !life.is_disconnected(party) && !life.is_gone(party));
        }
        life.close();
        assert!(life.is_closed());
    }

    #[test]
    fn the_last_receiver_closes_it_for_good() {
        let life = PeerCounts::new();
        let (one, two) = (life.join(Role::Receiver), life.join(Role::Receiver));
        let sender = life.join(Role::Sender);
        assert!(!life.leave_for_good(one) && !life.is_closed());
        assert!(life.leave_for_good(two));
        assert!(life.is_closed() && life.is_disconnected(Role::Receiver) && life.is_gone(Role::Receiver));
        let late = life.join(Role::Receiver);
        assert!(life.is_disconnected(Role::Sender), "it hears of the end");
        assert!(life.leave_for_good(late), "what came meanwhile is to be dropped, too");
        assert!(life.leave(Role::Sender, sender));
    }

    /// An opening finds the parties that are in the middle of closing it. Until it is done, the channel looks closed.
    #[test]
    fn an_opening_gives_way_to_a_close() {
        let life = PeerCounts::new();
        life.close();
        life.changing.fetch_add(CLOSER, Ordering::Relaxed);
        assert!(!life.try_reopen() && life.is_closed());
        life.changing.fetch_sub(CLOSER, Ordering::Relaxed);
        life.changing.fetch_add(OPENER, Ordering::Relaxed);
        assert!(!life.try_reopen() && life.is_closed(), "another one opens it");
        // A close that began after the opening, and is under way at its last look.
        life.changing.fetch_add(CLOSER, Ordering::Relaxed);
        assert!(!life.open(life.senders.load(Ordering::Relaxed)) && life.is_closed());
        life.changing.store(0, Ordering::Relaxed);
        for party in [Role::Sender, Role::Receiver] {
            assert!(life.is_disconnected(party));
            life.word(party).store(OPENING, Ordering::Relaxed);
            assert!(life.is_disconnected(party), "not yet");
            life.word(party).store(CLOSED, Ordering::Relaxed);
        }
        assert!(life.try_reopen() && !life.is_closed());

        // Of one that was open, and whose ends are gone: a close that has set one word.
        let receiver = life.join(Role::Receiver);
        assert!(life.leave(Role::Receiver, receiver));
        life.receivers.fetch_or(CLOSED, Ordering::Relaxed);
        assert!(!life.try_reopen() && life.is_disconnected(Role::Receiver));
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
