//! The kernel's word that a process has ended.
//!
//! A process number is reused, a heartbeat stops when a process is merely stopped, and a socket stays open when a
//! forked child holds it. Only a pidfd says that one particular process has ended, and only then.

use core::{fmt, ptr};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::process::Child;

use rustix::event::PollFlags;
use rustix::process::{Pid, PidfdFlags, WaitId, WaitIdOptions, pidfd_open, waitid};

use crate::clock;
use crate::poll;
use crate::sockopt;

/// A descriptor that stands for one process, whatever becomes of its number. Close-on-exec.
#[derive(Debug)]
pub struct PidFd {
    fd: OwnedFd,
    number: u32,
}

/// Proof that one process has ended: its threads run no more and its mappings are gone or going.
///
/// That is no proof that memory which it could write stays as it is: a child that it left behind has the same mappings.
///
/// Only [`PidFd::try_wait`] and [`PidFd::wait`] make one. It cannot be copied, and borrows the descriptor of its process. Code
/// that is given one asks [`is_of`](Self::is_of), since the death of one peer proves nothing about another.
///
/// ```compile_fail,E0451
/// fn forge(alive: &annulet_platform::pidfd::PidFd) -> annulet_platform::pidfd::PeerDead<'_> {
///     annulet_platform::pidfd::PeerDead { process: alive }
/// }
/// ```
///
/// ```compile_fail,E0599
/// fn twice(dead: annulet_platform::pidfd::PeerDead<'_>) -> [annulet_platform::pidfd::PeerDead<'_>; 2] {
///     [dead.clone(), dead]
/// }
/// ```
///
/// It does not outlive the descriptor of its process:
///
/// ```compile_fail,E0505
/// fn keep(peer: annulet_platform::pidfd::PidFd) {
///     let dead = peer.try_wait();
///     drop(peer);
///     drop(dead);
/// }
/// ```
#[must_use]
pub struct PeerDead<'p> {
    process: &'p PidFd,
}

impl<'p> PeerDead<'p> {
    /// Returns the process that has ended.
    #[must_use]
    pub const fn process(&self) -> &'p PidFd {
        self.process
    }

    /// Returns whether it is `process` that has ended: this very descriptor, since numbers are reused.
    #[must_use]
    pub fn is_of(&self, process: &PidFd) -> bool {
        ptr::eq(self.process, process)
    }
}

impl fmt::Debug for PeerDead<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeerDead").field("process", self.process).finish()
    }
}

impl PidFd {
    /// Opens the child process `child`.
    ///
    /// A child that was already waited for has given its number back. It is checked that the process is a child of this one. So
    /// a stranger with the same number is refused, but another child with that number is not.
    ///
    /// # Errors
    ///
    /// `ESRCH` or `ECHILD` when the child was waited for; those of `pidfd_open`.
    pub fn of_child(child: &Child) -> io::Result<Self> {
        Self::of_child_number(child.id())
    }

    fn of_child_number(number: u32) -> io::Result<Self> {
        let pidfd = Self::open(number)?;
        pidfd.require_child()?;
        Ok(pidfd)
    }

    /// The kernel answers a question about an exit status only for a child of ours.
    fn require_child(&self) -> io::Result<()> {
        // NOWAIT leaves the status for its owner to collect.
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        waitid(WaitId::PidFd(self.fd.as_fd()), options)?;
        Ok(())
    }

    /// Opens the process that has number `pid` now. The caller must know that the number was not reused.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for a number that no process can have; `ESRCH` when none has it; otherwise those of
    /// `pidfd_open`.
    pub fn open(pid: u32) -> io::Result<Self> {
        let process = i32::try_from(pid).ok().and_then(Pid::from_raw);
        let process =
            process.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "not a process number"))?;
        Ok(Self { fd: pidfd_open(process, PidfdFlags::empty())?, number: pid })
    }

    /// Opens the process that connected the other end of the Unix socket `sock`, or listened, or made the pair.
    ///
    /// For [`fdpass::pair`](crate::fdpass::pair) that is this process, whichever process has the other end now. Linux 6.5 returns
    /// the very process. Before 6.5, its recorded number is opened. That is another process if the peer has ended and its number
    /// was reused between connecting and this call.
    ///
    /// # Errors
    ///
    /// `ESRCH` when the peer was already reaped (Linux before 6.16) or is outside our pid namespace; `ENODATA` when
    /// the socket is not connected; `ENOTSOCK` for another descriptor.
    pub fn of_peer(sock: impl AsFd) -> io::Result<Self> {
        let sock = sock.as_fd();
        match sockopt::peer_pidfd(sock) {
            Ok(fd) => Ok(Self { fd, number: u32::try_from(sockopt::peer(sock)?.pid).unwrap_or(0) }),
            Err(error) if error.raw_os_error() == Some(libc::ENOPROTOOPT) => Self::of_peer_number(sock),
            Err(error) => Err(error),
        }
    }

    fn of_peer_number(sock: BorrowedFd<'_>) -> io::Result<Self> {
        match u32::try_from(sockopt::peer(sock)?.pid) {
            Ok(pid @ 1..) => Self::open(pid),
            _ => Err(io::Error::from_raw_os_error(libc::ESRCH)),
        }
    }

    /// Returns the number that the process had when this was made, or 0 if it has none in our pid namespace.
    ///
    /// After the process has ended, another one may have the number.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Returns whether it is this process.
    #[must_use]
    pub fn is_this_process(&self) -> bool {
        // The number of a process that runs is its own alone; that of one that is gone may be ours by now.
        self.number == std::process::id() && self.try_wait().is_none()
    }

    /// Returns the proof that the process has ended, if it has. Never blocks.
    ///
    /// Returns `None` for a process that is stopped, slow or hung.
    pub fn try_wait(&self) -> Option<PeerDead<'_>> {
        self.wait(clock::now())
    }

    /// Waits for the process to end, until `deadline`. Returns the proof that it has.
    ///
    /// Returns `None` if the deadline came first, or if the kernel lacks the memory to wait. `None` proves nothing.
    pub fn wait(&self, deadline: impl Into<u64>) -> Option<PeerDead<'_>> {
        match poll::wait(self.fd.as_fd(), PollFlags::IN, deadline.into()) {
            // A pidfd becomes readable when the last thread of the process has ended, and for no other reason.
            Ok(Some(ready)) if ready.contains(PollFlags::IN) => Some(PeerDead { process: self }),
            Ok(_) | Err(_) => None,
        }
    }
}

impl AsFd for PidFd {
    /// Lends the descriptor, to wait for several things at once. It is readable when the process has ended.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixStream;

    #[test]
    fn a_process_that_is_no_child_is_refused() {
        // What is left when a child was waited for, and a stranger got its number.
        for stranger in [std::process::id(), 1] {
            assert!(PidFd::open(stranger).is_ok());
            let refused = PidFd::of_child_number(stranger).unwrap_err();
            assert_eq!(refused.raw_os_error(), Some(libc::ECHILD), "{stranger}");
        }
    }

    /// An error or a hang-up that poll reports for a descriptor says nothing about a process.
    #[test]
    fn an_error_condition_is_no_evidence() {
        let (read, write) = rustix::pipe::pipe().unwrap();
        drop(read);
        let broken = PidFd { fd: write, number: 0 };
        let reported = poll::wait(broken.as_fd(), PollFlags::IN, clock::now()).unwrap().unwrap();
        assert!(reported.contains(PollFlags::ERR) && !reported.contains(PollFlags::IN), "the control");
        assert!(broken.try_wait().is_none());
        assert!(broken.wait(clock::after(core::time::Duration::from_millis(1))).is_none());
        let (read, write) = rustix::pipe::pipe().unwrap();
        drop(write);
        assert!(PidFd { fd: read, number: 0 }.try_wait().is_none());
    }

    /// The death of one child is no proof of the other's.
    #[test]
    fn a_death_is_of_one_process() {
        let mut children = [(); 2]
            .map(|()| std::process::Command::new("cat").stdin(std::process::Stdio::piped()).spawn().unwrap());
        let [one, other] = [0, 1].map(|n| PidFd::of_child(&children[n]).unwrap());
        children[0].kill().unwrap();
        let dead = one.wait(clock::after(core::time::Duration::from_secs(60))).unwrap();
        assert!(dead.is_of(&one) && !dead.is_of(&other));
        assert_eq!(dead.process().number(), children[0].id());
        assert!(format!("{dead:?}").contains(&children[0].id().to_string()));
        assert!(other.try_wait().is_none());
        children[1].kill().unwrap();
        for child in &mut children {
            child.wait().unwrap();
        }
        // Another descriptor of a process is another proof, since numbers are reused.
        let second = other.try_wait().unwrap();
        assert!(second.is_of(&other) && !second.is_of(&one));
    }

    #[test]
    fn the_way_before_linux_6_5_names_the_peer() {
        let (ours, _theirs) = UnixStream::pair().unwrap();
        let peer = PidFd::of_peer_number(ours.as_fd()).unwrap();
        assert!(peer.try_wait().is_none());
        let unconnected =
            rustix::net::socket(rustix::net::AddressFamily::UNIX, rustix::net::SocketType::STREAM, None);
        let error = PidFd::of_peer_number(unconnected.unwrap().as_fd()).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::ESRCH));
    }
}
