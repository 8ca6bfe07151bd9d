//! A link that can wait.
//!
//! A side that finds nothing to do looks again some times, and then sleeps in the kernel, on the peer's word: its tail when
//! entries are awaited, its head when room is. Who says what when, and why nobody sleeps through a message, is the
//! [link](crate::link)'s: [`Link::prepare_sleep`].
//!
//! A peer that moves our sleeper to another word, or never wakes it, costs at most a slice of 50 ms.

use core::fmt;
use core::hint;
use core::time::Duration;

use annulet_platform::affinity;
use annulet_platform::futex::{self, Scope, Wake};
use annulet_platform::mapping::Mapping;
use annulet_platform::pidfd::PidFd;

use super::segment::{PeerWindow, Segment};
use crate::link::{Awaited, Entry, Link, LinkError, Window};
use crate::wait::Deadline;
use crate::words::Own;

/// The longest sleep before looking again, and at the peer's pidfd.
const SLICE: Duration = Duration::from_millis(50);
/// Looks before sleeping: about as long as a wake-up costs, on a machine with more than one processor.
const SPINS: usize = 2000;

/// One side of a link to another process: it sends, receives, waits, and knows when the peer is dead.
///
/// Single operations of the [`Link`] are its own as `try_` forms; the others wait until a deadline.
pub struct Port<E: Entry, const N: usize> {
    link: Link<E, N, Own<Window<E, N>, Mapping>, PeerWindow<E, N>>,
    peer: PidFd,
    spins: usize,
}

/// Why a port did nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PortError {
    /// The link's answer.
    Link(LinkError),
    /// The deadline came first.
    Timeout,
    /// The peer has ended, says the kernel, and everything it had sent has been received.
    PeerDead,
}

impl From<LinkError> for PortError {
    fn from(why: LinkError) -> Self {
        Self::Link(why)
    }
}

impl fmt::Display for PortError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Link(why) => fmt::Display::fmt(why, f),
            Self::Timeout => f.write_str("timed out"),
            Self::PeerDead => f.write_str("the peer is dead"),
        }
    }
}

impl core::error::Error for PortError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Link(why) => Some(why),
            Self::Timeout | Self::PeerDead => None,
        }
    }
}

impl<E: Entry, const N: usize> Port<E, N> {
    /// A port over my window, the peer's, and the kernel's word about the peer.
    #[must_use]
    pub fn new(mine: Segment<E, N>, theirs: PeerWindow<E, N>, peer: PidFd) -> Self {
        Self {
            link: Link::new(mine.words, theirs),
            peer,
            spins: if affinity::is_alone() { 0 } else { SPINS },
        }
    }

    /// Sends one entry, if there is room.
    ///
    /// # Errors
    ///
    /// [`PortError::Link`].
    pub fn try_send(&mut self, entry: &E) -> Result<(), PortError> {
        self.link.send(entry)?;
        self.wake(Awaited::Entries);
        Ok(())
    }

    /// Receives one entry, if there is one.
    ///
    /// # Errors
    ///
    /// [`PortError::Link`].
    pub fn try_recv(&mut self) -> Result<E, PortError> {
        let entry = self.link.recv()?;
        self.wake(Awaited::Room);
        Ok(entry)
    }

    /// Sends one entry, waiting for room until `deadline`.
    ///
    /// # Errors
    ///
    /// [`PortError::Timeout`]; [`PortError::PeerDead`] when there is no room and nobody left to make any;
    /// [`PortError::Link`] for everything but `Full`.
    pub fn send(&mut self, entry: &E, deadline: Deadline) -> Result<(), PortError> {
        self.wait(Awaited::Room, deadline, |port| port.try_send(entry))
    }

    /// Receives one entry, waiting for it until `deadline`.
    ///
    /// # Errors
    ///
    /// [`PortError::Timeout`]; [`PortError::PeerDead`] once all that was sent is received; [`PortError::Link`] for
    /// everything but `Empty`.
    pub fn recv(&mut self, deadline: Deadline) -> Result<E, PortError> {
        self.wait(Awaited::Entries, deadline, Self::try_recv)
    }

    /// Sends at least one entry of `iter`, if it has one, and as many as there is room for; how many. Waits for
    /// room until `deadline`.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send). No entry was taken from `iter` then.
    pub fn send_iter(
        &mut self,
        iter: &mut impl Iterator<Item = E>,
        deadline: Deadline,
    ) -> Result<usize, PortError> {
        self.wait(Awaited::Room, deadline, |port| {
            let count = port.link.send_iter(&mut *iter)?;
            port.wake(Awaited::Entries);
            Ok(count)
        })
    }

    /// Gives at least one entry and at most `max` to `f`, those that are there; how many. Waits for one until
    /// `deadline`.
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv).
    pub fn drain(
        &mut self,
        max: usize,
        deadline: Deadline,
        mut f: impl FnMut(E),
    ) -> Result<usize, PortError> {
        self.wait(Awaited::Entries, deadline, |port| {
            // When `f` panics, too, there is room for what it was shown.
            let emptied = Emptied(port);
            emptied.0.link.drain(max, &mut f).map_err(|why| {
                core::mem::forget(emptied);
                why.into()
            })
        })
    }

    /// Says that nothing more will be sent or taken, and wakes the peer to it.
    pub fn close(&mut self) {
        self.link.close();
        self.wake(Awaited::Entries);
        self.wake(Awaited::Room);
    }

    /// The link itself. What is sent or received through it wakes nobody.
    pub fn link(&mut self) -> &mut Link<E, N, Own<Window<E, N>, Mapping>, PeerWindow<E, N>> {
        &mut self.link
    }

    /// The kernel's word about the peer.
    #[must_use]
    pub fn peer(&self) -> &PidFd {
        &self.peer
    }

    /// Wakes the peer if it says that it sleeps for this.
    #[inline]
    fn wake(&self, what: Awaited) {
        if self.link.peer_awaits(what) {
            self.wake_slow(what);
        }
    }

    #[cold]
    fn wake_slow(&self, what: Awaited) {
        if let Some(word) = self.link.mine().word(what.word()) {
            futex::wake(word, 1, Scope::Shared);
        }
    }

    /// Tries until it works, fails for good, the peer is dead or the deadline comes: spinning first, then asleep.
    fn wait<R>(
        &mut self,
        what: Awaited,
        deadline: Deadline,
        mut attempt: impl FnMut(&mut Self) -> Result<R, PortError>,
    ) -> Result<R, PortError> {
        for _ in 0..=self.spins {
            match attempt(self) {
                Err(PortError::Link(LinkError::Empty | LinkError::Full)) => hint::spin_loop(),
                done => return done,
            }
        }
        Asleep(self).0.sleep(what, deadline, attempt)
    }

    fn sleep<R>(
        &mut self,
        what: Awaited,
        deadline: Deadline,
        mut attempt: impl FnMut(&mut Self) -> Result<R, PortError>,
    ) -> Result<R, PortError> {
        loop {
            // The word as it was before the attempt: if it changes afterwards, the kernel does not let us sleep.
            let seen = self.link.prepare_sleep(what);
            // Before the attempt: whatever a dead peer has sent is there by now.
            let dead = self.peer.evidence().is_some();
            match attempt(self) {
                Err(PortError::Link(LinkError::Empty | LinkError::Full)) => {}
                done => return done,
            }
            if dead {
                return Err(PortError::PeerDead);
            }
            if deadline.is_past() {
                return Err(PortError::Timeout);
            }
            let until = deadline.earlier(Deadline::after(SLICE));
            let Some(word) = self.link.theirs().word(what.word()) else { return Err(PortError::Timeout) };
            // In memory the word is little-endian. Whatever the kernel answers, we look again.
            let woken = futex::wait(word, seen.to_le(), Scope::Shared, until);
            if matches!(woken, Wake::Unsupported | Wake::Fault) {
                // No futex here, or not for this memory: look again in a moment instead of at once.
                std::thread::sleep(until.remaining().unwrap_or(SLICE).min(Duration::from_millis(1)));
            }
        }
    }
}

/// A port of which slots may have become free: who waits for room is woken.
struct Emptied<'p, E: Entry, const N: usize>(&'p mut Port<E, N>);

impl<E: Entry, const N: usize> Drop for Emptied<'_, E, N> {
    #[inline]
    fn drop(&mut self) {
        self.0.wake(Awaited::Room);
    }
}

/// A port that says that it sleeps. It says so no more on every way out.
struct Asleep<'p, E: Entry, const N: usize>(&'p mut Port<E, N>);

impl<E: Entry, const N: usize> Drop for Asleep<'_, E, N> {
    fn drop(&mut self) {
        self.0.link.end_sleep();
    }
}

impl<E: Entry, const N: usize> fmt::Debug for Port<E, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Port").field("link", &self.link).field("peer", &self.peer).finish_non_exhaustive()
    }
}
