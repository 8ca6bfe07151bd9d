//! The handshake: two processes exchange their windows, and get an endpoint each.

use core::fmt;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::vec::Vec;

use annulet_platform::closer::{self, discard};
use annulet_platform::fdpass::{self, PassError};
use annulet_platform::pidfd::PidFd;

use super::endpoint::Endpoint;
use super::pending::{Pending, PendingError};
use super::segment::{AttachError, PeerWindow, Segment, attach};
use super::window_registry;
use crate::link::Entry;
use crate::wait::Deadline;

/// What goes with the descriptors: which side is speaking. So no side takes its own words for the peer's.
const CONNECTING: &[u8] = b"annulet connects";
const ACCEPTING: &[u8] = b"annulet accepts";
/// What the connecting side says last: it has the peer's window.
const TAKEN: &[u8] = b"annulet has it";

/// One byte more than any of them, so that a longer one shows.
const LONGEST: usize = 17;
const _: () = assert!(CONNECTING.len() < LONGEST && ACCEPTING.len() < LONGEST && TAKEN.len() < LONGEST);

/// Why a handshake failed.
///
/// Every descriptor that had arrived is closed, except one that its maker keeps from being closed, and those behind it
/// ([`discard`]).
#[derive(Debug)]
#[non_exhaustive]
pub enum HandshakeError {
    /// My own window could not be made.
    Create(io::Error),
    /// The descriptors were not passed.
    ///
    /// `TooManyUnclosed` says that peers keep too many descriptors from being closed. Accept no connection until some are
    /// closed ([`wait_for_room`](annulet_platform::closer::wait_for_room)).
    Pass(PassError),
    /// The peer does not speak this protocol.
    BadHello,
    /// The peer's window was refused.
    Attach(AttachError),
    /// The window that the peer passed is one of mine, of this connection or another one of this process.
    Reflected,
    /// The peer, or its user, has left too many of my windows untaken.
    TooManyPending {
        /// The number that it may leave.
        limit: usize,
    },
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

impl From<PendingError> for HandshakeError {
    fn from(why: PendingError) -> Self {
        match why {
            PendingError::TooMany { limit } => Self::TooManyPending { limit },
            PendingError::Io(why) => Self::Pass(PassError::Io { kind: why.kind(), raw: why.raw_os_error() }),
        }
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
            Self::TooManyPending { limit } => {
                write!(f, "handshake: {limit} of my windows wait for the peer to take them")
            }
        }
    }
}

impl core::error::Error for HandshakeError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Create(why) => Some(why),
            Self::Pass(why) => Some(why),
            Self::BadHello | Self::Reflected | Self::TooManyPending { .. } => None,
            Self::Attach(why) => Some(why),
        }
    }
}

/// Attaches the peer's window, if it is none of mine.
fn attach_other<E: Entry, const N: usize>(
    window: BorrowedFd<'_>,
    peer: &PidFd,
    mine: Option<&Segment<E, N>>,
) -> Result<PeerWindow<E, N>, HandshakeError> {
    let theirs = attach::<E, N>(window)?;
    // Otherwise I would receive what I send. If the peer is this process, a window of this process is what it has to pass,
    // but not the very one that it was passed.
    let own = match mine {
        Some(mine) if peer.is_this_process() => mine.listed.is_of(window),
        None if peer.is_this_process() => Ok(false),
        _ => window_registry::is_own(window),
    };
    if own.map_err(AttachError::Io)? { Err(HandshakeError::Reflected) } else { Ok(theirs) }
}

/// Sends my window, and the descriptors that I offer.
fn pass<E: Entry, const N: usize>(
    socket: BorrowedFd<'_>,
    hello: &[u8],
    mine: &Segment<E, N>,
    offer: &[BorrowedFd<'_>],
    deadline: Deadline,
) -> Result<(), PassError> {
    let mut fds = Vec::with_capacity(offer.len().saturating_add(1));
    fds.push(mine.fd());
    fds.extend_from_slice(offer);
    fdpass::send(socket, hello, &fds, deadline)
}

/// Receives the peer's window, checked, and the descriptors beside it, unchecked.
fn take<E: Entry, const N: usize>(
    socket: BorrowedFd<'_>,
    hello: &[u8],
    expect: usize,
    peer: &PidFd,
    mine: Option<&Segment<E, N>>,
    deadline: Deadline,
) -> Result<(PeerWindow<E, N>, Vec<OwnedFd>), HandshakeError> {
    let mut said = [0; LONGEST];
    let mut arrived: Vec<Option<OwnedFd>> =
        core::iter::repeat_with(|| None).take(expect.saturating_add(1)).collect();
    let count = fdpass::recv(socket, &mut said, &mut arrived, deadline)?;
    let mut arrived = arrived.into_iter().flatten();
    let window = arrived.next().ok_or(HandshakeError::BadHello)?;
    let attached = if said.get(..count) == Some(hello) {
        attach_other(window.as_fd(), peer, mine)
    } else {
        Err(HandshakeError::BadHello)
    };
    match attached {
        Ok(theirs) => Ok((theirs, arrived.collect())),
        Err(why) => {
            // It is unknown what they are, and so is how long it takes to close them.
            discard(core::iter::once(window).chain(arrived), deadline);
            Err(why)
        }
    }
}

/// Checks that this side neither asks for nor offers more than a message carries.
fn fits(expect: usize, offer: usize) -> Result<(), PassError> {
    let limit = fdpass::MAX_FDS;
    match [expect, offer].map(|count| count.saturating_add(1)).into_iter().find(|found| *found > limit) {
        Some(found) => Err(PassError::TooManyFds { limit, found }),
        None => Ok(()),
    }
}

/// Exchanges windows with the process at the other end of `socket`, which calls [`accept`]. This side passes its window first.
///
/// `offer` goes along with my window. The peer must pass exactly `expect` descriptors beside its own. They are returned in its
/// order, unchecked: [`attach_region`](super::attach_region) checks one, and [`discard`] closes one that is not needed any
/// more. `peer` is the process whose death ends the endpoint: [`PidFd::of_child`], or [`PidFd::of_peer`] of a socket that the
/// peer has connected.
///
/// The socket keeps messages apart (`SOCK_SEQPACKET`). [`discard`] closes it, with all that the peer has queued in it. To go on
/// using the connection, keep a copy (`try_clone`), and `discard` that later. After an error the connection is hung up for
/// every copy, except after an error in the arguments (`TooManyFds`).
///
/// After `Ok` the peer may have been late all the same: if its deadline came before it learned that its window was taken, the
/// connection is hung up, and its process may live on.
///
/// ```no_run
/// # fn shake() -> Result<(), Box<dyn std::error::Error>> {
/// use std::os::fd::{AsFd, OwnedFd};
/// use std::time::Duration;
///
/// use annulet::host::{Deadline, PidFd, Endpoint, connect};
///
/// let socket: OwnedFd = std::io::stdin().as_fd().try_clone_to_owned()?;
/// let parent = PidFd::of_peer(&socket)?;
/// let deadline = Deadline::after(Duration::from_secs(5));
/// let (mut endpoint, _): (Endpoint<u64, 64>, _) = connect(socket, parent, &[], 0, deadline)?;
/// endpoint.send(&42, deadline)?;
/// # Ok(())
/// # }
/// ```
///
/// A window of this process is never taken for the peer's, on whichever way it comes back, unless the peer *is* this process.
///
/// # Errors
///
/// [`HandshakeError`]. A peer that says nothing is `Pass(Timeout)` at the deadline. `TooManyPending` is as for [`accept`].
/// `Pass(TooManyUnclosed)` says that too many descriptors wait to be closed.
pub fn connect<E: Entry, const N: usize>(
    socket: impl Into<OwnedFd>,
    peer: PidFd,
    offer: &[BorrowedFd<'_>],
    expect: usize,
    deadline: Deadline,
) -> Result<(Endpoint<E, N>, Vec<OwnedFd>), HandshakeError> {
    conclude(socket.into(), peer, offer, expect, deadline, ask)
}

/// Both windows, and what the peer has passed beside its own.
type Exchanged<E, const N: usize> = (Segment<E, N>, PeerWindow<E, N>, Vec<OwnedFd>);

/// One side's part: to exchange windows.
type Exchange<E, const N: usize> =
    fn(BorrowedFd<'_>, &PidFd, &[BorrowedFd<'_>], usize, Deadline) -> Result<Exchanged<E, N>, HandshakeError>;

/// Exchanges windows, and makes an endpoint of them. Hangs up if that fails.
fn conclude<E: Entry, const N: usize>(
    socket: OwnedFd,
    peer: PidFd,
    offer: &[BorrowedFd<'_>],
    expect: usize,
    deadline: Deadline,
    exchange: Exchange<E, N>,
) -> Result<(Endpoint<E, N>, Vec<OwnedFd>), HandshakeError> {
    let done = match fits(expect, offer.len()) {
        Err(why) => Err(why.into()),
        Ok(()) => {
            let done = exchange(socket.as_fd(), &peer, offer, expect, deadline);
            if done.is_err() {
                // The peer gets nothing more. It fails if the peer has hung up already.
                let _ = fdpass::hang_up(&socket);
            }
            done
        }
    };
    // All that the peer has queued in it is closed with it.
    discard([socket], deadline);
    let (mine, theirs, beside) = done?;
    Ok((Endpoint::new(mine, theirs, peer), beside))
}

/// Passes a window of mine, and takes the peer's.
fn ask<E: Entry, const N: usize>(
    socket: BorrowedFd<'_>,
    peer: &PidFd,
    offer: &[BorrowedFd<'_>],
    expect: usize,
    deadline: Deadline,
) -> Result<Exchanged<E, N>, HandshakeError> {
    // Before the peer is passed anything, which it would be in vain.
    closer::wait_for_room(deadline).map_err(|limit| PassError::TooManyUnclosed { limit })?;
    let pending = Pending::begin(socket, peer, offer.len().saturating_add(1))?;
    let mine = Segment::<E, N>::create().map_err(HandshakeError::Create)?;
    pass(socket, CONNECTING, &mine, offer, deadline)?;
    let (theirs, beside) = take(socket, ACCEPTING, expect, peer, Some(&mine), deadline)?;
    // It has mine, or would have sent nothing.
    let said = if pending.end() {
        fdpass::send(socket, TAKEN, &[], deadline).map_err(HandshakeError::Pass)
    } else {
        Err(HandshakeError::BadHello)
    };
    match said {
        Ok(()) => Ok((mine, theirs, beside)),
        Err(why) => {
            // As in `take`.
            discard(beside, deadline);
            Err(why)
        }
    }
}

/// Exchanges windows with the process at the other end of `socket`, which calls [`connect`]. It is for the side that serves
/// strangers. The arguments are those of [`connect`].
///
/// Nothing is made for the peer, or passed to it, before it has passed a valid window. My window is then in flight, on the
/// account of my user, until the peer takes it. This call waits for the peer to confirm that.
///
/// A peer that leaves too many descriptors untaken is passed no more. The limit is 16 for a process. For all processes of a
/// user it is a quarter of what other users leave of `RLIMIT_NOFILE`, those included that are being taken. Descriptors that are
/// offered beside a window count as well. They count until they are taken, or the peer has closed its sockets. This process
/// counts with its own user, so serve strangers as a user of your own.
///
/// # Errors
///
/// [`HandshakeError`]. A peer that says nothing, or does not take what it is passed, is `Pass(Timeout)` at the deadline.
/// `Pass(TooManyInFlight)` says that the kernel lets this user have no more descriptors in flight. After each error the
/// connection is hung up, except after an error in the arguments.
pub fn accept<E: Entry, const N: usize>(
    socket: impl Into<OwnedFd>,
    peer: PidFd,
    offer: &[BorrowedFd<'_>],
    expect: usize,
    deadline: Deadline,
) -> Result<(Endpoint<E, N>, Vec<OwnedFd>), HandshakeError> {
    conclude(socket.into(), peer, offer, expect, deadline, serve)
}

/// Takes the peer's window, and then passes one of mine.
fn serve<E: Entry, const N: usize>(
    socket: BorrowedFd<'_>,
    peer: &PidFd,
    offer: &[BorrowedFd<'_>],
    expect: usize,
    deadline: Deadline,
) -> Result<Exchanged<E, N>, HandshakeError> {
    let (theirs, beside) = take(socket, CONNECTING, expect, peer, None, deadline)?;
    match answer(socket, peer, offer, deadline) {
        Ok(mine) => Ok((mine, theirs, beside)),
        Err(why) => {
            // As in `take`.
            discard(beside, deadline);
            Err(why)
        }
    }
}

/// Passes a window of mine to a peer that has passed its own, and waits until the peer has taken it.
fn answer<E: Entry, const N: usize>(
    socket: BorrowedFd<'_>,
    peer: &PidFd,
    offer: &[BorrowedFd<'_>],
    deadline: Deadline,
) -> Result<Segment<E, N>, HandshakeError> {
    let pending = Pending::begin(socket, peer, offer.len().saturating_add(1))?;
    let mine = Segment::<E, N>::create().map_err(HandshakeError::Create)?;
    pass(socket, ACCEPTING, &mine, offer, deadline)?;
    let mut said = [0; LONGEST];
    let count = fdpass::recv(socket, &mut said, &mut [], deadline)?;
    if said.get(..count) != Some(TAKEN) || !pending.end() {
        return Err(HandshakeError::BadHello);
    }
    Ok(mine)
}
