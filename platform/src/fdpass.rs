//! Descriptors over a Unix socket: exactly the expected number, or none.
//!
//! A hostile sender can attach up to 253 descriptors to any message. Each that arrives is owned from the moment the kernel has
//! made it, close-on-exec, and is closed again unless the receiver asked for it. Closing a stranger's descriptor can take as long
//! as the stranger likes, so the [`closer`] does it.
//!
//! Use a `SOCK_SEQPACKET` socket, which keeps messages apart. On a `SOCK_STREAM` socket several sends can arrive as one, and one
//! as several. After an error or a time-out the position in the stream is lost: close it.

use core::fmt;
use std::io::{self, IoSlice};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use core::mem::{MaybeUninit, zeroed};
use rustix::event::PollFlags;
use rustix::io::{Errno, fcntl_dupfd_cloexec};
use rustix::net::{
    AddressFamily, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, Shutdown, SocketFlags, SocketType,
    sendmsg, shutdown, socketpair,
};
use rustix::process::{Resource, getrlimit};

use crate::clock;
use crate::cmsg::{self, Found};
use crate::{closer, poll, sockopt};

/// The most descriptors one message can carry (the kernel's `SCM_MAX_FD`).
pub const MAX_FDS: usize = 253;

/// Room for all that can come with one message, so that a surplus is seen and not cut off: descriptors, credentials
/// (three words), one pidfd, a security label (a page).
const CONTROL: usize = cmsg::space(4 * MAX_FDS) + cmsg::space(12) + cmsg::space(4) + cmsg::space(4096);

/// Why a message was not sent or not received.
///
/// No descriptor of such a message stays open, except one that its sender keeps from being closed, and those behind it
/// ([`closer`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PassError {
    /// The buffer has no bytes. Descriptors need at least one byte to travel with.
    Empty,
    /// More descriptors were asked for than a message can carry.
    TooManyFds {
        /// The most a message can carry.
        limit: usize,
        /// The number asked for.
        found: usize,
    },
    /// The message is longer than the buffer.
    Truncated,
    /// The kernel could not deliver all descriptors: a security module refused one, or memory ran out.
    FdTruncated,
    /// The kernel could not deliver all descriptors and this process has no number free for another one.
    FdLimit,
    /// More descriptors arrived than expected.
    FdSurplus {
        /// The number expected.
        expected: usize,
        /// The number that arrived.
        found: usize,
    },
    /// Fewer descriptors arrived than expected.
    FdMissing {
        /// The number expected.
        expected: usize,
        /// The number that arrived.
        found: usize,
    },
    /// Too many descriptors of this process's user are in flight: more than this process may have open (`RLIMIT_NOFILE`).
    /// The kernel counts them until their receivers take them or close.
    TooManyInFlight,
    /// Too many descriptors wait to be closed ([`closer`]), so no message is taken that could bring more.
    TooManyUnclosed {
        /// The number that may wait.
        limit: u64,
    },
    /// The other end is closed, or sent an empty message, which looks the same.
    Closed,
    /// The deadline came first.
    Timeout,
    /// The kernel refused.
    Io {
        /// What the refusal amounts to.
        kind: io::ErrorKind,
        /// The error number, if there is one.
        raw: Option<i32>,
    },
}

impl From<Errno> for PassError {
    fn from(errno: Errno) -> Self {
        match errno {
            Errno::TOOMANYREFS => Self::TooManyInFlight,
            errno => Self::Io { kind: errno.kind(), raw: Some(errno.raw_os_error()) },
        }
    }
}

impl fmt::Display for PassError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("message buffer is empty"),
            Self::TooManyFds { limit, found } => {
                write!(f, "{found} descriptors in one message, limit {limit}")
            }
            Self::Truncated => f.write_str("message is longer than the buffer"),
            Self::FdTruncated => f.write_str("not all descriptors could be received"),
            Self::FdLimit => f.write_str("descriptor limit of the process reached while receiving"),
            Self::FdSurplus { expected, found } | Self::FdMissing { expected, found } => {
                write!(f, "message carries {found} descriptors where {expected} were expected")
            }
            Self::TooManyInFlight => f.write_str("too many descriptors were sent and are not received yet"),
            Self::TooManyUnclosed { limit } => write!(f, "{limit} descriptors wait to be closed"),
            Self::Closed => f.write_str("other end is closed"),
            Self::Timeout => f.write_str("deadline passed"),
            Self::Io { kind, raw: Some(raw) } => write!(f, "system call failed: {kind} (errno {raw})"),
            Self::Io { kind, raw: None } => write!(f, "system call failed: {kind}"),
        }
    }
}

impl core::error::Error for PassError {}

/// Makes two connected `SOCK_SEQPACKET` sockets, close-on-exec.
///
/// # Errors
///
/// Those of `socketpair`: no descriptor left.
pub fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?)
}

/// Sends `bytes` with copies of `fds`. Waits until `deadline` for room. Never raises SIGPIPE.
///
/// On a packet socket the message is sent whole or not at all. On a stream socket the descriptors go with the first byte, and
/// after an error a part may have been sent.
///
/// # Errors
///
/// [`PassError`]: `Empty`, `TooManyFds`, `TooManyInFlight`, `Closed`, `Timeout` or `Io`.
pub fn send(
    sock: impl AsFd,
    bytes: &[u8],
    fds: &[BorrowedFd<'_>],
    deadline: impl Into<u64>,
) -> Result<(), PassError> {
    let deadline = deadline.into();
    let sock = sock.as_fd();
    if bytes.is_empty() {
        return Err(PassError::Empty);
    }
    if fds.len() > MAX_FDS {
        return Err(PassError::TooManyFds { limit: MAX_FDS, found: fds.len() });
    }
    let (mut bytes, mut fds) = (bytes, fds);
    while !bytes.is_empty() {
        match send_once(sock, bytes, fds) {
            Ok(0) => return Err(PassError::Io { kind: io::ErrorKind::WriteZero, raw: None }),
            Ok(sent) => {
                bytes = bytes.get(sent..).unwrap_or_default();
                fds = &[];
            }
            Err(errno) => retry(sock, PollFlags::OUT, errno, deadline)?,
        }
    }
    Ok(())
}

fn send_once(sock: BorrowedFd<'_>, bytes: &[u8], fds: &[BorrowedFd<'_>]) -> Result<usize, Errno> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_FDS))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !fds.is_empty() && !control.push(SendAncillaryMessage::ScmRights(fds)) {
        return Err(Errno::INVAL);
    }
    sendmsg(sock, &[IoSlice::new(bytes)], &mut control, SendFlags::NOSIGNAL | SendFlags::DONTWAIT)
}

/// Receives one message of at most `buf.len()` bytes with exactly `fds.len()` descriptors. Returns the number of bytes.
///
/// Waits for it until `deadline`. Every slot of `fds` then holds a descriptor, close-on-exec, in the order sent. On error `fds`
/// is as it was, all that arrived is closed, and the contents of `buf` are unspecified. The message is used up, except after
/// `Empty`, `TooManyFds`, `TooManyUnclosed` and `Timeout`. After `Io` it is not known.
///
/// # Errors
///
/// [`PassError`]: `Empty` for an empty `buf`, `TooManyFds` for more `fds` than a message can have, `Timeout` if no message came
/// until `deadline`, `Io` for an error of the kernel's. `TooManyUnclosed` while there is no room for descriptors that might have to be closed
/// ([`closer::wait_for_room`]). For a message, the first that applies in the order `Truncated`, `FdLimit` or `FdTruncated`,
/// `Closed`, `FdSurplus` or `FdMissing`.
///
/// `FdLimit` is told from `FdTruncated` by trying to make one more descriptor before the received ones are closed. If another
/// thread closes one at that moment, it is `FdTruncated`.
pub fn recv(
    sock: impl AsFd,
    buf: &mut [u8],
    fds: &mut [Option<OwnedFd>],
    deadline: impl Into<u64>,
) -> Result<usize, PassError> {
    let deadline = deadline.into();
    let sock = sock.as_fd();
    if buf.is_empty() {
        return Err(PassError::Empty);
    }
    if fds.len() > MAX_FDS {
        return Err(PassError::TooManyFds { limit: MAX_FDS, found: fds.len() });
    }
    closer::wait_for_room(deadline).map_err(|limit| PassError::TooManyUnclosed { limit })?;
    let mut reset = false;
    loop {
        match Received::next(sock, buf) {
            Ok(mut received) => {
                let delivered = received.deliver(sock, fds);
                closer::discard(received.fds, deadline);
                return delivered;
            }
            // Reported once, when the peer closed without reading all we sent. What it sent before is still there.
            Err(Errno::CONNRESET) if !reset => reset = true,
            Err(errno) => retry(sock, PollFlags::IN, errno, deadline)?,
        }
    }
}

/// Returns whether the other end of the Unix socket `sock` has taken everything that was sent to it, or is closed.
///
/// Messages that it has not taken, with their descriptors, are still in flight.
///
/// # Errors
///
/// `ENOTTY` for a descriptor that is not a socket.
pub fn is_taken(sock: impl AsFd) -> io::Result<bool> {
    Ok(sockopt::unsent(sock.as_fd())? == 0)
}

/// Ends a connection in both directions, for every copy of the descriptor. Messages that were sent can still be received.
///
/// # Errors
///
/// `ENOTSOCK` or `ENOTCONN` for a descriptor that is not a connection.
pub fn hang_up(sock: impl AsFd) -> io::Result<()> {
    Ok(shutdown(sock, Shutdown::Both)?)
}

/// Returns the user whose process connected the other end of the Unix socket `sock`, or listened, or made the pair.
///
/// # Errors
///
/// `ENOTSOCK` for another descriptor.
pub fn peer_user(sock: impl AsFd) -> io::Result<u32> {
    Ok(sockopt::peer(sock.as_fd())?.uid)
}

/// Returns the most descriptors that this process may have open, and its user in flight (the soft `RLIMIT_NOFILE`).
#[must_use]
pub fn limit() -> u64 {
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

/// Waits until a call that would have blocked, or was interrupted, is worth another try. The call itself was the look that a
/// past deadline allows.
fn retry(sock: BorrowedFd<'_>, events: PollFlags, errno: Errno, deadline: u64) -> Result<(), PassError> {
    match errno {
        Errno::AGAIN | Errno::INTR if clock::is_past(deadline) => Err(PassError::Timeout),
        Errno::AGAIN => match poll::wait(sock, events, deadline)? {
            Some(_) => Ok(()),
            None => Err(PassError::Timeout),
        },
        Errno::INTR => Ok(()),
        Errno::PIPE | Errno::CONNRESET => Err(PassError::Closed),
        errno => Err(errno.into()),
    }
}

/// The control buffer, aligned for the kernel's headers.
#[repr(align(8))]
struct Control([u8; CONTROL]);

/// A message as it came, with everything it brought.
struct Received {
    bytes: usize,
    flags: libc::c_int,
    fds: Vec<OwnedFd>,
}

impl Received {
    /// Takes the next message from the socket, without waiting.
    fn next(sock: BorrowedFd<'_>, buf: &mut [u8]) -> Result<Self, Errno> {
        let mut control = Control([0; CONTROL]);
        let mut iov = libc::iovec { iov_base: buf.as_mut_ptr().cast(), iov_len: buf.len() };
        // SAFETY: `msghdr` is integers and raw pointers, for which all zeros is a value: no buffers at all.
        let mut header: libc::msghdr = unsafe { zeroed() };
        header.msg_iov = &raw mut iov;
        header.msg_iovlen = 1;
        header.msg_control = control.0.as_mut_ptr().cast();
        // The field's type differs between C libraries; the constant fits all of them.
        header.msg_controllen = CONTROL as _;
        let flags = libc::MSG_DONTWAIT | libc::MSG_CMSG_CLOEXEC;
        // SAFETY: `sock` is open for the call, being borrowed. `header` and the one `iov` it counts are live locals.
        // `iov` is `buf`, exclusively borrowed, writable for its length. The control buffer is a live local, writable
        // for the length given. No name buffer. The kernel keeps none of them after the call.
        let bytes = unsafe { libc::recvmsg(sock.as_raw_fd(), &raw mut header, flags) };
        let Ok(bytes) = usize::try_from(bytes) else {
            return Err(Errno::from_io_error(&io::Error::last_os_error()).unwrap_or(Errno::IO));
        };
        #[allow(clippy::unnecessary_cast, reason = "not a usize in every C library")]
        let used = header.msg_controllen as usize;
        let mut received = Self { bytes, flags: header.msg_flags, fds: Vec::new() };
        for found in cmsg::descriptors(control.0.get(..used).unwrap_or(&control.0)) {
            let (Found::Passed(raw) | Found::Added(raw)) = found;
            // SAFETY: the kernel has just made this descriptor in this process and written its number into the control
            // buffer; no other code was told, and `descriptors` yields each number it wrote once, so this is the only
            // owner. It is not negative: `descriptors` leaves those out.
            let fd = unsafe { OwnedFd::from_raw_fd(raw) };
            // The kernel's own, a pidfd, closes at once.
            if matches!(found, Found::Passed(_)) {
                received.fds.push(fd);
            }
        }
        Ok(received)
    }

    /// Hands the descriptors over if everything is as expected.
    fn deliver(&mut self, sock: BorrowedFd<'_>, fds: &mut [Option<OwnedFd>]) -> Result<usize, PassError> {
        let (expected, found) = (fds.len(), self.fds.len());
        if self.flags & libc::MSG_TRUNC != 0 {
            return Err(PassError::Truncated);
        }
        if self.flags & libc::MSG_CTRUNC != 0 {
            // The buffer was large enough, so descriptors could not be made. If there is no number left for one more
            // (those that did arrive still being open), that is why.
            let limit = matches!(fcntl_dupfd_cloexec(sock, 0), Err(Errno::MFILE));
            return Err(if limit { PassError::FdLimit } else { PassError::FdTruncated });
        }
        if self.bytes == 0 {
            return Err(PassError::Closed);
        }
        if found > expected {
            return Err(PassError::FdSurplus { expected, found });
        }
        if found < expected {
            return Err(PassError::FdMissing { expected, found });
        }
        for (slot, fd) in fds.iter_mut().zip(self.fds.drain(..)) {
            *slot = Some(fd);
        }
        Ok(self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By the C library's own count.
    #[test]
    fn i02_all_that_can_come_with_a_message_has_room() {
        let parts =
            [size_of::<[libc::c_int; MAX_FDS]>(), size_of::<libc::ucred>(), size_of::<libc::c_int>(), 4096];
        // SAFETY: arithmetic.
        let needed = parts.map(|part| unsafe { libc::CMSG_SPACE(part as libc::c_uint) } as usize);
        assert_eq!(CONTROL, needed.into_iter().sum::<usize>());
    }
}
