//! Links between processes, whose ends wait for each other.
//!
//! An [`Endpoint`] is for two processes that do not trust each other; [`accept`](super::accept) and [`connect`](super::connect)
//! make one of each. Threads of one process wait more cheaply on a [`Channel`](crate::Channel). A bare
//! [`Link`] never waits, and is all that a kernel needs.
//!
//! # Examples
//!
//! Both ends in one process, as a test has them:
//!
//! ```
//! use annulet::host::{Deadline, Endpoint, EndpointError, PidFd, Segment, attach};
//! use std::time::Duration;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (a, b) = (Segment::<u64, 8>::create()?, Segment::<u64, 8>::create()?);
//! let (seen_a, seen_b) = (attach(a.fd())?, attach(b.fd())?);
//! let mut tx = Endpoint::<u64, 8>::new(a, seen_b, PidFd::open(std::process::id())?);
//! let mut rx = Endpoint::<u64, 8>::new(b, seen_a, PidFd::open(std::process::id())?);
//!
//! let reader = std::thread::spawn(move || rx.recv(Deadline::after(Duration::from_secs(9))));
//! tx.send(&42, Deadline::after(Duration::from_secs(9)))?;
//! assert_eq!(reader.join().unwrap(), Ok(42));
//! assert_eq!(tx.recv(Deadline::after(Duration::from_millis(1))), Err(EndpointError::Timeout));
//! # Ok(())
//! # }
//! ```
//!
//! # Guarantees
//!
//! An end that finds nothing to do looks again some times, and then sleeps in the kernel. It sleeps on the peer's word: on its
//! tail while it waits for entries, on its head while it waits for room. No wake-up is lost, by the order that
//! [`Link::enable_notification`] describes. A peer that moves a sleeper to another word, or never wakes it, costs it at most a
//! slice of 50 ms.

mod error;
mod wait;

use core::fmt;
use core::ops::{Deref, DerefMut};

use annulet_platform::affinity;
use annulet_platform::futex::{self, Scope};
use annulet_platform::mapping::Mapping;
use annulet_platform::pidfd::PidFd;

use super::segment::{PeerWindow, Segment};
use super::window_registry::Listed;
use crate::link::{Entry, Interest, Link, LinkError, Window};
use crate::wait::Deadline;
use crate::words::OwnMapping;

pub use error::EndpointError;
#[cfg(all(test, not(any(loom, miri, annulet_narrow))))]
pub(super) use wait::tests;

/// Looks before sleeping: about as long as a wake-up costs, on a machine with more than one processor.
const SPINS: usize = 2000;

/// The link of an [`Endpoint`].
pub type EndpointLink<E, const N: usize> = Link<E, N, OwnMapping<Window<E, N>, Mapping>, PeerWindow<E, N>>;

/// One side of a link to another process: it sends, receives, waits, and knows when the peer is dead.
///
/// `try_send` and `try_recv` are those of the [`Link`], and wake the peer. The other calls wait until a deadline.
pub struct Endpoint<E: Entry, const N: usize> {
    /// My window is listed as mine for as long as it is mapped.
    _listed: Listed,
    link: EndpointLink<E, N>,
    peer: PidFd,
    spins: usize,
}

impl<E: Entry, const N: usize> Endpoint<E, N> {
    /// Makes an endpoint of my window, the peer's window, and the peer's process.
    ///
    /// The caller sees to it that `theirs` is no window of mine, as [`accept`](super::accept) and
    /// [`connect`](super::connect) do.
    #[must_use]
    pub fn new(mine: Segment<E, N>, theirs: PeerWindow<E, N>, peer: PidFd) -> Self {
        Self {
            _listed: mine.listed,
            link: Link::new(mine.words, theirs),
            peer,
            spins: if affinity::is_uniprocessor() { 0 } else { SPINS },
        }
    }

    /// Sends one entry, if there is room, and wakes the peer.
    ///
    /// # Errors
    ///
    /// As [`Link::try_send`].
    pub fn try_send(&mut self, entry: &E) -> Result<(), LinkError> {
        self.link.try_send(entry)?;
        self.wake(Interest::Readable);
        Ok(())
    }

    /// Receives one entry, if there is one, and wakes a peer that waits for room.
    ///
    /// # Errors
    ///
    /// As [`Link::try_recv`].
    pub fn try_recv(&mut self) -> Result<E, LinkError> {
        // If the entry's `from_image` panics, its slot is free all the same.
        self.take_with(Link::try_recv)
    }

    /// Sends one entry. Waits for room until `deadline`, and after a [`reset`](Self::reset) for the peer to follow.
    ///
    /// A deadline in the past is one look.
    ///
    /// # Errors
    ///
    /// - [`EndpointError::Timeout`] if the deadline came first.
    /// - [`EndpointError::PeerDead`] if there was no room, and the peer is dead.
    /// - [`EndpointError::Link`] for every answer of the link but `Full` and `StaleEpoch`.
    pub fn send(&mut self, entry: &E, deadline: Deadline) -> Result<(), EndpointError> {
        self.wait(Interest::Writable, deadline, |endpoint| endpoint.try_send(entry))
    }

    /// Receives one entry. Waits for it until `deadline`, and after a [`reset`](Self::reset) for the peer to follow.
    ///
    /// A deadline in the past is one look.
    ///
    /// # Errors
    ///
    /// - [`EndpointError::Timeout`] if the deadline came first.
    /// - [`EndpointError::PeerDead`] if the peer is dead, and all that it had sent was received.
    /// - [`EndpointError::Link`] for every answer of the link but `Empty` and `StaleEpoch`.
    pub fn recv(&mut self, deadline: Deadline) -> Result<E, EndpointError> {
        self.wait(Interest::Readable, deadline, Self::try_recv)
    }

    /// Sends entries of `iter`, as many as there is room for. Returns how many.
    ///
    /// Waits until `deadline` for room for the first one.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send). No entry was taken from `iter` then.
    pub fn send_iter(
        &mut self,
        iter: &mut impl Iterator<Item = E>,
        deadline: Deadline,
    ) -> Result<usize, EndpointError> {
        self.wait(Interest::Writable, deadline, |endpoint| {
            let count = endpoint.link.try_send_iter(&mut *iter)?;
            endpoint.wake(Interest::Readable);
            Ok(count)
        })
    }

    /// Receives up to `max` entries that are there into `f`. Returns how many.
    ///
    /// Waits until `deadline` for the first one.
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv).
    pub fn drain(
        &mut self,
        max: usize,
        deadline: Deadline,
        mut f: impl FnMut(E),
    ) -> Result<usize, EndpointError> {
        self.wait(Interest::Readable, deadline, |endpoint| {
            // If `f` panics, there is room for what it was shown all the same.
            endpoint.take_with(|link| link.try_drain(max, &mut f))
        })
    }

    /// Closes the link: nothing more will be sent or taken. Wakes the peer.
    pub fn close(&mut self) {
        self.link().close();
    }

    /// Begins a new epoch, as [`Link::reset`], and wakes the peer. From here on, waiting includes waiting for the peer to follow.
    ///
    /// # Errors
    ///
    /// [`LinkError::Retired`] if the epochs are used up.
    pub fn reset(&mut self) -> Result<(), LinkError> {
        self.link().reset()
    }

    /// Lends the link itself. When the guard is dropped, it wakes the peer to what was done.
    pub fn link(&mut self) -> LinkGuard<'_, E, N> {
        LinkGuard(self)
    }

    /// Returns the peer's process, of which the kernel says whether it has ended.
    #[must_use]
    pub fn peer(&self) -> &PidFd {
        &self.peer
    }

    /// Wakes the peer if it says that it sleeps for this.
    #[inline]
    fn wake(&self, what: Interest) {
        if self.link.needs_notification(what) {
            self.wake_slow(what);
        }
    }

    #[cold]
    fn wake_slow(&self, what: Interest) {
        if let Some(word) = self.link.mine().word(what.word()) {
            futex::wake(word, 1, Scope::Shared);
        }
    }

    /// Takes entries by `take`. Wakes a peer that waits for room unless `take` fails, also if it panics.
    fn take_with<R>(
        &mut self,
        take: impl FnOnce(&mut EndpointLink<E, N>) -> Result<R, LinkError>,
    ) -> Result<R, LinkError> {
        let taken = WakeOnDrop(self);
        take(&mut taken.0.link).inspect_err(|_| core::mem::forget(taken))
    }
}

/// The [`Link`] of an endpoint, lent out. When it is dropped, it wakes the peer to what was done.
pub struct LinkGuard<'p, E: Entry, const N: usize>(&'p mut Endpoint<E, N>);

impl<E: Entry, const N: usize> Deref for LinkGuard<'_, E, N> {
    type Target = EndpointLink<E, N>;

    fn deref(&self) -> &EndpointLink<E, N> {
        &self.0.link
    }
}

impl<E: Entry, const N: usize> DerefMut for LinkGuard<'_, E, N> {
    fn deref_mut(&mut self) -> &mut EndpointLink<E, N> {
        &mut self.0.link
    }
}

impl<E: Entry, const N: usize> Drop for LinkGuard<'_, E, N> {
    fn drop(&mut self) {
        self.0.wake(Interest::Readable);
        self.0.wake(Interest::Writable);
    }
}

impl<E: Entry, const N: usize> fmt::Debug for LinkGuard<'_, E, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

/// An endpoint of which slots may have become free: wakes a peer that waits for room.
struct WakeOnDrop<'p, E: Entry, const N: usize>(&'p mut Endpoint<E, N>);

impl<E: Entry, const N: usize> Drop for WakeOnDrop<'_, E, N> {
    #[inline]
    fn drop(&mut self) {
        self.0.wake(Interest::Writable);
    }
}

impl<E: Entry, const N: usize> fmt::Debug for Endpoint<E, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").field("link", &self.link).field("peer", &self.peer).finish_non_exhaustive()
    }
}
