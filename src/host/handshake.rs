//! Two processes exchange their windows, and become a port each.

use core::fmt;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::vec::Vec;

use annulet_platform::fdpass::{self, PassError};
use annulet_platform::pidfd::PidFd;

use super::port::Port;
use super::segment::{AttachError, PeerWindow, Segment, attach};
use crate::link::Entry;
use crate::wait::Deadline;

/// What goes with the descriptors: who is speaking, and how many come after the window.
const HELLO: [u8; 7] = *b"annulet";

/// Why two processes did not become ports of each other. Every descriptor that had arrived is closed, but for one that the
/// peer keeps from being closed ([`discard`](super::discard)).
#[derive(Debug)]
#[non_exhaustive]
pub enum HandshakeError {
    /// My own window could not be made.
    Create(io::Error),
    /// The descriptors were not passed.
    Pass(PassError),
    /// The peer speaks otherwise.
    BadHello,
    /// The peer's window was refused.
    Attach(AttachError),
    /// What the peer passed as its window is mine.
    Reflected,
}

impl From<PassError> for HandshakeError {
    fn from(why: PassError) -> Self {
        Self::Pass(why)
    }
}
impl From<AttachError> for HandshakeError {
    fn from(why: AttachError) -> Self {
        Self::Attach(why)
    }
}

impl fmt::Display for HandshakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Create(why) => write!(f, "no window: {why}"),
            Self::Pass(why) => write!(f, "handshake: {why}"),
            Self::BadHello => f.write_str("handshake: the peer speaks otherwise"),
            Self::Attach(why) => write!(f, "the peer's window: {why}"),
            Self::Reflected => f.write_str("the peer's window: it is my own"),
        }
    }
}

impl core::error::Error for HandshakeError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Create(why) => Some(why),
            Self::Pass(why) => Some(why),
            Self::BadHello | Self::Reflected => None,
            Self::Attach(why) => Some(why),
        }
    }
}

/// Whether two descriptors are of one file. Memory files of one kernel have one device, and numbers of their own.
fn is_same_file(one: BorrowedFd<'_>, other: BorrowedFd<'_>) -> io::Result<bool> {
    let number = |fd: BorrowedFd<'_>| {
        let file = File::from(fd.try_clone_to_owned()?).metadata()?;
        io::Result::Ok((file.dev(), file.ino()))
    };
    Ok(number(one)? == number(other)?)
}

/// The peer's window, which is not `mine`.
fn attach_other<E: Entry, const N: usize>(
    mine: &Segment<E, N>,
    window: BorrowedFd<'_>,
) -> Result<PeerWindow<E, N>, HandshakeError> {
    let theirs = attach::<E, N>(window)?;
    // Otherwise I would receive what I send.
    if is_same_file(mine.fd(), window).map_err(AttachError::Io)? {
        return Err(HandshakeError::Reflected);
    }
    Ok(theirs)
}

/// Exchanges windows with the process at the other end of `socket`, and checks the peer's.
///
/// `offer` goes along with my window; of the peer, exactly `expect` descriptors beside its window are taken, and
/// returned in its order, unchecked ([`attach_region`](super::attach_region) is for that, and
/// [`discard`](super::discard) for what it refuses). `peer` is the process
/// whose death ends the port: [`PidFd::of_child`], or [`PidFd::of_peer`] of a socket that the peer has connected.
/// Both sides call this; the socket keeps messages apart (`SOCK_SEQPACKET`) and is of no further use to the port.
///
/// # Errors
///
/// [`HandshakeError`]. A peer that says nothing is `Pass(Timeout)` at the deadline.
pub fn connect<E: Entry, const N: usize>(
    socket: impl AsFd,
    peer: PidFd,
    offer: &[BorrowedFd<'_>],
    expect: usize,
    deadline: Deadline,
) -> Result<(Port<E, N>, Vec<OwnedFd>), HandshakeError> {
    let count = expect.saturating_add(1);
    if count > fdpass::MAX_FDS {
        return Err(PassError::TooManyFds { limit: fdpass::MAX_FDS, found: count }.into());
    }
    let mine = Segment::<E, N>::create().map_err(HandshakeError::Create)?;
    let mut fds = Vec::with_capacity(offer.len() + 1);
    fds.push(mine.fd());
    fds.extend_from_slice(offer);
    fdpass::send(&socket, &HELLO, &fds, deadline)?;

    let mut hello = [0; HELLO.len() + 1];
    let mut arrived: Vec<Option<OwnedFd>> = core::iter::repeat_with(|| None).take(count).collect();
    let count = fdpass::recv(&socket, &mut hello, &mut arrived, deadline)?;
    let mut arrived = arrived.into_iter().flatten();
    let window = arrived.next().ok_or(HandshakeError::BadHello)?;
    let attached = if hello.get(..count) == Some(&HELLO[..]) {
        attach_other(&mine, window.as_fd())
    } else {
        Err(HandshakeError::BadHello)
    };
    match attached {
        Ok(theirs) => Ok((Port::new(mine, theirs, peer), arrived.collect())),
        Err(why) => {
            // What they are is unknown, and so is how long it takes to close them.
            fdpass::discard(core::iter::once(window).chain(arrived), deadline);
            Err(why)
        }
    }
}
