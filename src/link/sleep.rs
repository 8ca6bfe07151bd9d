//! Sleeping until the peer has done something, and waking a peer that does.
//!
//! A link never waits. Whoever does, by whatever sleep there is (a futex, a notification of a kernel), follows this order:
//!
//! ```text
//!   who sleeps                                      who wakes
//!   seen = prepare_sleep(Entries)                   send(...)          tail = new
//!          wake = Entries; fence; read tail         peer_awaits(Entries)
//!   recv()?   there is nothing                             fence; read wake
//!   sleep, unless tail != seen                      wake who sleeps on my tail
//!   and so on; at the end: end_sleep()
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
use super::{Entry, Link, State};
use crate::words::{ReadWords, WriteWords, rousing, sleeping};

/// What one side of a [`Link`] sleeps for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Awaited {
    /// Entries to receive: the peer's tail changes.
    Entries,
    /// Room to send: the peer's head changes.
    Room,
}

impl Awaited {
    /// The number of the word of the other side's window that changes when there is some: what one sleeps on.
    #[must_use]
    pub const fn word(self) -> usize {
        match self {
            Self::Entries => TAIL,
            Self::Room => HEAD,
        }
    }

    /// What a wake word says of it.
    const fn bit(self) -> u32 {
        match self {
            Self::Entries => 1,
            Self::Room => 2,
        }
    }
}

impl<E: Entry, const N: usize, M: WriteWords, F: ReadWords> Link<E, N, M, F> {
    /// Says in my window that I am about to sleep, and gives the [word](Awaited::word) of the peer's window on which I
    /// shall: as it is before the look that has to follow. If there is nothing then, sleep for as long as the word has this
    /// value. One store, a whole fence, one load.
    ///
    /// Before each sleep it is called again. A poisoned link does nothing, and gives 0: the look that follows says so.
    pub fn prepare_sleep(&self, what: Awaited) -> u32 {
        if self.state == State::Poisoned {
            return 0;
        }
        self.mine.write(WAKE, what.bit());
        // Pairs with the one in `peer_awaits`: what I say here the peer sees, if I do not see below what it did before.
        sleeping();
        self.theirs.read(what.word())
    }

    /// Says that I sleep no more. Leaving it out costs the peer wake-ups that nobody needs. A poisoned link does nothing:
    /// [`reset`](Self::reset) says it then.
    pub fn end_sleep(&self) {
        if self.state != State::Poisoned {
            self.mine.write(WAKE, 0);
        }
    }

    /// Returns whether the peer says that it sleeps for this: to be asked after I have sent, or received, or closed. If so, wake
    /// whoever sleeps on that [word](Awaited::word) of my window. One load, and a whole fence before it.
    #[inline]
    #[must_use = "a peer that sleeps is to be woken"]
    pub fn peer_awaits(&self, what: Awaited) -> bool {
        if self.state == State::Poisoned {
            return false;
        }
        // Pairs with the one in `prepare_sleep`.
        rousing();
        self.theirs.read(WAKE) & what.bit() != 0
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::super::{LinkError, Window};
    use super::*;
    use crate::words::Oracle;

    type Side<'w> = Link<u32, 4, &'w Window<u32, 4>, &'w Window<u32, 4>>;

    #[test]
    fn each_side_is_told_what_the_other_sleeps_for() {
        let (a, b) = (Window::<u32, 4>::new(), Window::<u32, 4>::new());
        let (mut tx, mut rx) = (Side::new(&a, &b), Side::new(&b, &a));
        let awaited = |side: &Side<'_>| [Awaited::Entries, Awaited::Room].map(|what| side.peer_awaits(what));
        assert_eq!(awaited(&tx), [false, false]);
        let seen = rx.prepare_sleep(Awaited::Entries);
        assert_eq!((awaited(&tx), awaited(&rx)), ([true, false], [false, false]));
        assert_eq!(rx.recv(), Err(LinkError::Empty));
        assert_eq!(a.read(Awaited::Entries.word()), seen, "nothing was sent: it may sleep");
        tx.send(&7).unwrap();
        assert_ne!(a.read(Awaited::Entries.word()), seen, "it may not, or not any more");
        assert_eq!(rx.recv(), Ok(7));
        rx.end_sleep();
        assert_eq!(awaited(&tx), [false, false]);

        let seen = tx.prepare_sleep(Awaited::Room);
        assert_eq!(awaited(&rx), [false, true]);
        tx.send(&8).unwrap();
        assert_eq!(rx.recv(), Ok(8));
        assert_ne!(b.read(Awaited::Room.word()), seen);
        // One reason at a time.
        tx.prepare_sleep(Awaited::Entries);
        assert_eq!(awaited(&rx), [true, false]);
        tx.end_sleep();
        // The end is a change of both words.
        let seen = [Awaited::Entries, Awaited::Room].map(|what| (what, tx.prepare_sleep(what)));
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
            let liar = Oracle::<8>::new(&script);
            let mine = Window::<u32, 4>::new();
            let mut link = Link::<u32, 4, _, _>::new(&mine, &liar);
            assert_eq!((link.prepare_sleep(Awaited::Room), liar.loads()), (says, 1));
            assert_eq!(mine.read(WAKE), 2);
            liar.begin();
            assert_eq!((link.peer_awaits(Awaited::Entries), liar.loads()), (says & 1 != 0, 1));
            liar.begin();
            link.end_sleep();
            assert_eq!((liar.loads(), mine.read(WAKE)), (0, 0));

            assert!(matches!(link.recv(), Err(LinkError::Corrupt(_))));
            liar.begin();
            assert_eq!((link.prepare_sleep(Awaited::Room), link.peer_awaits(Awaited::Room)), (0, false));
            link.end_sleep();
            assert_eq!((liar.loads(), mine.read(WAKE)), (0, 0));
        }
    }
}
