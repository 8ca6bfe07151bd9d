//! Sleeping until the peer has done something, and waking a peer that does.
//!
//! A link never waits. Whoever does, by whatever sleep there is (a futex, a notification of a kernel), follows this order:
//!
//! ```text
//!   who sleeps                                      who wakes
//!   seen = enable_notification(Entries)                   send(...)          tail = new
//!          wake = Entries; fence; read tail         needs_notification(Entries)
//!   recv()?   there is nothing                             fence; read wake
//!   sleep, unless tail != seen                      wake who sleeps on my tail
//!   and so on; at the end: disable_notification()
//! ```
//!
//! Of the two whole fences one is the first. If it is the sleeper's, the other side's look at the wake word sees that it
//! sleeps. If it is the other one, what was published before it is seen by the sleeper's look, or makes the word another one
//! than `seen`. Acquire and release cannot do that: they do not order a store before a later load.
//!
//! This is the event count of [`wait`](crate::wait) with the one word that a peer may have of us: it reads it, and nobody
//! modifies it. A peer that lies about its wake word harms itself: it is not woken, or costs us a wake-up that nobody
//! needs. A peer that wakes nobody is not one to wait for without a bound: sleep in slices, or until a deadline.

use super::window::{HEAD, TAIL, WAKE};
use super::{Entry, Link, LinkState};
use crate::words::{ReadWords, WriteWords, rousing, sleeping};

/// What one side of a [`Link`] sleeps for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interest {
    /// Entries to receive: the peer's tail changes.
    Readable,
    /// Room to send: the peer's head changes.
    Writable,
}

impl Interest {
    /// The number of the word of the other side's window that changes when there is some: what one sleeps on.
    #[must_use]
    pub const fn word(self) -> usize {
        match self {
            Self::Readable => TAIL,
            Self::Writable => HEAD,
        }
    }

    /// What a wake word says of it.
    const fn bit(self) -> u32 {
        match self {
            Self::Readable => 1,
            Self::Writable => 2,
        }
    }
}

impl<E: Entry, const N: usize, M: WriteWords, F: ReadWords> Link<E, N, M, F> {
    /// Says in my window that I am about to sleep, and gives the [word](Interest::word) of the peer's window on which I
    /// shall: as it is before the look that has to follow. If there is nothing then, sleep for as long as the word has this
    /// value. One store, a whole fence, one load.
    ///
    /// Before each sleep it is called again. A poisoned link does nothing, and gives 0: the look that follows says so.
    pub fn enable_notification(&self, what: Interest) -> u32 {
        if self.state == LinkState::Poisoned {
            return 0;
        }
        self.mine.write(WAKE, what.bit());
        // Pairs with the one in `needs_notification`: what I say here the peer sees, if I do not see below what it did before.
        sleeping();
        self.theirs.read(what.word())
    }

    /// Says that I sleep no more. Leaving it out costs the peer wake-ups that nobody needs. A poisoned link does nothing:
    /// [`reset`](Self::reset) says it then.
    pub fn disable_notification(&self) {
        if self.state != LinkState::Poisoned {
            self.mine.write(WAKE, 0);
        }
    }

    /// Returns whether the peer says that it sleeps for this: to be asked after I have sent, or received, or closed. If so, wake
    /// whoever sleeps on that [word](Interest::word) of my window. One load, and a whole fence before it.
    #[inline]
    #[must_use = "a peer that sleeps is to be woken"]
    pub fn needs_notification(&self, what: Interest) -> bool {
        if self.state == LinkState::Poisoned {
            return false;
        }
        // Pairs with the one in `enable_notification`.
        rousing();
        self.theirs.read(WAKE) & what.bit() != 0
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::super::{LinkError, Window};
    use super::*;
    use crate::words::Adversary;

    type Side<'w> = Link<u32, 4, &'w Window<u32, 4>, &'w Window<u32, 4>>;

    #[test]
    fn each_side_is_told_what_the_other_sleeps_for() {
        let (a, b) = (Window::<u32, 4>::new(), Window::<u32, 4>::new());
        let (mut tx, mut rx) = (Side::new(&a, &b), Side::new(&b, &a));
        let awaited = |side: &Side<'_>| {
            [Interest::Readable, Interest::Writable].map(|what| side.needs_notification(what))
        };
        assert_eq!(awaited(&tx), [false, false]);
        let seen = rx.enable_notification(Interest::Readable);
        assert_eq!((awaited(&tx), awaited(&rx)), ([true, false], [false, false]));
        assert_eq!(rx.try_recv(), Err(LinkError::Empty));
        assert_eq!(a.read(Interest::Readable.word()), seen, "nothing was sent: it may sleep");
        tx.try_send(&7).unwrap();
        assert_ne!(a.read(Interest::Readable.word()), seen, "it may not, or not any more");
        assert_eq!(rx.try_recv(), Ok(7));
        rx.disable_notification();
        assert_eq!(awaited(&tx), [false, false]);

        let seen = tx.enable_notification(Interest::Writable);
        assert_eq!(awaited(&rx), [false, true]);
        tx.try_send(&8).unwrap();
        assert_eq!(rx.try_recv(), Ok(8));
        assert_ne!(b.read(Interest::Writable.word()), seen);
        // One reason at a time.
        tx.enable_notification(Interest::Readable);
        assert_eq!(awaited(&rx), [true, false]);
        tx.disable_notification();
        // The end is a change of both words.
        let seen = [Interest::Readable, Interest::Writable].map(|what| (what, tx.enable_notification(what)));
        rx.close();
        for (what, seen) in seen {
            assert_ne!(b.read(what.word()), seen, "{what:?}");
        }
    }

    /// Whatever a peer says, each of its words is looked at once; and not at all once it was caught.
    #[test]
    fn a02_a_peer_that_lies_about_its_sleep_is_looked_at_once() {
        for says in [0, 1, 2, 3, 4, 1 << 31, u32::MAX] {
            // In the end, a tail that is not possible: five entries in four slots.
            let script = [says, says, 5];
            let liar = Adversary::<8>::new(&script);
            let mine = Window::<u32, 4>::new();
            let mut link = Link::<u32, 4, _, _>::new(&mine, &liar);
            assert_eq!((link.enable_notification(Interest::Writable), liar.loads()), (says, 1));
            assert_eq!(mine.read(WAKE), 2);
            liar.begin();
            assert_eq!((link.needs_notification(Interest::Readable), liar.loads()), (says & 1 != 0, 1));
            liar.begin();
            link.disable_notification();
            assert_eq!((liar.loads(), mine.read(WAKE)), (0, 0));

            assert!(matches!(link.try_recv(), Err(LinkError::Corrupt(_))));
            liar.begin();
            assert_eq!(
                (link.enable_notification(Interest::Writable), link.needs_notification(Interest::Writable)),
                (0, false)
            );
            link.disable_notification();
            assert_eq!((liar.loads(), mine.read(WAKE)), (0, 0));
        }
    }
}
