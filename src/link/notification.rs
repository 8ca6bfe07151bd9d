//! Notifications: sleeping until the peer has done something, and waking a peer that sleeps.
//!
//! A link never waits. A caller that does, by a futex or by whatever its kernel has, follows this order:
//!
//! ```text
//!   the side that sleeps                            the side that wakes
//!   seen = enable_notification(Readable)            try_send(...)        tail = new
//!          wake = Readable; fence; read tail        needs_notification(Readable)
//!   try_recv()?   there is nothing                         fence; read wake
//!   sleep, unless tail != seen                      wake the peer that sleeps on my tail
//!   and so on; at the end: disable_notification()
//! ```
//!
//! One of the two whole fences is the first. If it is the sleeper's, the waker's read of the wake word finds that the sleeper
//! wants to be woken. If it is the waker's, the sleeper's look finds what was published before it, or its tail differs from
//! `seen`. Acquire and release do not suffice: they do not order a store before a later load.
//!
//! This is the event count of [`wait`](crate::wait), with one word that the peer only reads. A peer that lies in its own wake
//! word harms itself: it is not woken, or costs us a wake-up in vain. A peer may also never wake us. So wait for it in slices, or
//! until a deadline.

use super::window::{HEAD, TAIL, WAKE};
use super::{Entry, Link, LinkState};
use crate::words::{ReadWords, WriteWords, rousing, sleeping};

/// What one side of a [`Link`] waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interest {
    /// There are entries to receive: the peer's tail has changed.
    Readable,
    /// There is room to send: the peer's head has changed.
    Writable,
}

impl Interest {
    /// Returns the number of the word to sleep on, in the peer's window.
    #[must_use]
    pub const fn word(self) -> usize {
        match self {
            Self::Readable => TAIL,
            Self::Writable => HEAD,
        }
    }

    /// Returns its bit in a wake word.
    const fn bit(self) -> u32 {
        match self {
            Self::Readable => 1,
            Self::Writable => 2,
        }
    }
}

impl<E: Entry, const N: usize, M: WriteWords, F: ReadWords> Link<E, N, M, F> {
    /// Asks the peer for a notification. Returns the value of the [word](Interest::word) to sleep on.
    ///
    /// Call it before each sleep. Then try once more, and sleep for as long as the word has this value. It costs one store, a
    /// whole fence and one load. On a poisoned link it does nothing and returns 0: the try that follows fails.
    ///
    /// # Examples
    ///
    /// ```
    /// use annulet::link::{Interest, Link, LinkError, Window};
    /// use annulet::words::ReadWords;
    ///
    /// let (a, b) = (Window::<u32, 4>::new(), Window::<u32, 4>::new());
    /// let mut tx = Link::<u32, 4, _, _>::new(&a, &b);
    /// let mut rx = Link::<u32, 4, _, _>::new(&b, &a);
    ///
    /// let seen = rx.enable_notification(Interest::Readable);
    /// assert_eq!(rx.try_recv(), Err(LinkError::Empty));
    /// // `rx` may sleep while the word is as it was seen.
    /// assert_eq!(a.read(Interest::Readable.word()), seen);
    ///
    /// tx.try_send(&7).unwrap();
    /// assert!(tx.needs_notification(Interest::Readable), "a sleeper is to be woken");
    /// assert_ne!(a.read(Interest::Readable.word()), seen);
    ///
    /// assert_eq!(rx.try_recv(), Ok(7));
    /// rx.disable_notification();
    /// assert!(!tx.needs_notification(Interest::Readable));
    /// ```
    pub fn enable_notification(&self, what: Interest) -> u32 {
        if self.state == LinkState::Poisoned {
            return 0;
        }
        self.mine.write(WAKE, what.bit());
        // Pairs with the fence in `needs_notification`: the peer sees my wake word, or I see below what it did before.
        sleeping();
        self.theirs.read(what.word())
    }

    /// Asks the peer for no more notifications. Without it, the peer wakes in vain.
    ///
    /// On a poisoned link it does nothing: [`reset`](Self::reset) does it then.
    pub fn disable_notification(&self) {
        if self.state != LinkState::Poisoned {
            self.mine.write(WAKE, 0);
        }
    }

    /// Returns whether the peer asks for a notification of this.
    ///
    /// Call it after each send, receive or close. If it returns true, wake the peer, which sleeps on that
    /// [word](Interest::word) of my window. It costs a whole fence and one load.
    #[inline]
    #[must_use = "a peer that sleeps is to be woken"]
    pub fn needs_notification(&self, what: Interest) -> bool {
        if self.state == LinkState::Poisoned {
            return false;
        }
        // Pairs with the fence in `enable_notification`.
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
