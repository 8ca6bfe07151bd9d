//! Windows that were passed and not taken: a bounded number for each peer.
//!
//! A descriptor that was sent is in flight until its receiver takes it, or closes its socket. The kernel counts those of
//! this process's user, and above `RLIMIT_NOFILE` sends none for it any more. A peer that never reads leaves mine in flight
//! for as long as it likes; it is given no more of them than stand here.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::vec::Vec;

use annulet_platform::fdpass;
use annulet_platform::pidfd::PidFd;

/// For one process, which may shake hands several times at once.
const OF_A_PROCESS: usize = 16;
/// For all processes of one user, who can start any number of them: that part of what may be in flight.
const OF_A_USER: u64 = 4;

static PENDING: Mutex<Vec<Entry>> = Mutex::new(Vec::new());

/// A message with my window that the peer may not have taken.
struct Entry {
    user: u32,
    /// 0 for all processes of other pid namespaces.
    process: u32,
    socket: OwnedFd,
    number: u64,
    /// Nobody waits any more for the peer to take it.
    given_up: bool,
}

/// What a peer is sent, from before that until this is dropped. What it has not taken by then counts until it does, or has
/// closed its socket; and the socket is hung up, so that it learns that nothing more will come of it.
#[derive(Debug)]
pub(super) struct Pending {
    /// Of the entry; none when the peer is this process, which has nothing to fear from itself.
    number: Option<u64>,
}

/// Why nothing is to be sent.
#[derive(Debug)]
pub(super) enum Refusal {
    /// The peer has not taken so many.
    TooMany { limit: usize },
    /// The kernel refused.
    Io(io::Error),
}

impl From<io::Error> for Refusal {
    fn from(why: io::Error) -> Self {
        Self::Io(why)
    }
}

impl Pending {
    /// To be called before a window is sent to `peer` through `socket`.
    pub(super) fn begin(socket: impl AsFd, peer: &PidFd) -> Result<Self, Refusal> {
        if peer.is_this_process() {
            return Ok(Self { number: None });
        }
        let (user, process) = (fdpass::peer_user(&socket)?, peer.number());
        let socket = socket.as_fd().try_clone_to_owned()?;
        let mut entries = lock();
        // An answer that fails is none: the entry stays.
        entries.retain(|entry| !entry.given_up || !fdpass::is_taken(&entry.socket).unwrap_or(false));
        let of_user = usize::try_from(fdpass::limit() / OF_A_USER).unwrap_or(usize::MAX).max(1);
        let all = entries.iter().filter(|entry| entry.user == user);
        let of_process = all.clone().filter(|entry| entry.process == process);
        for (count, limit) in [(of_process.count(), OF_A_PROCESS), (all.count(), of_user)] {
            if count >= limit {
                return Err(Refusal::TooMany { limit });
            }
        }
        let number = entries.last().map_or(0, |last| last.number.wrapping_add(1));
        entries.push(Entry { user, process, socket, number, given_up: false });
        Ok(Self { number: Some(number) })
    }

    /// Ends it. Returns whether the peer has taken what it was sent.
    pub(super) fn end(mut self) -> bool {
        self.give_up()
    }

    fn give_up(&mut self) -> bool {
        let Some(number) = self.number.take() else { return true };
        let mut entries = lock();
        let Some(at) = entries.iter().position(|entry| entry.number == number) else { return true };
        let Some(entry) = entries.get_mut(at) else { return true };
        let taken = fdpass::is_taken(&entry.socket).unwrap_or(false);
        if taken {
            entries.remove(at);
        } else {
            entry.given_up = true;
            // It fails where the peer has hung up already.
            let _ = fdpass::hang_up(&entry.socket);
        }
        taken
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        self.give_up();
    }
}

fn lock() -> MutexGuard<'static, Vec<Entry>> {
    // No panic leaves it half changed.
    PENDING.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(all(test, not(any(loom, miri))))]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;
    use crate::wait::Deadline;

    /// Another handshake that begins meanwhile takes none for done that has not yet sent its window.
    #[test]
    fn i12_a_handshake_that_has_begun_is_not_over_before_it_has_sent() {
        let mut child = Command::new("sleep").arg("1000").stdin(Stdio::null()).spawn().unwrap();
        let peer = PidFd::of_child(&child).unwrap();
        let ((first, _end), (second, _other)) = (fdpass::pair().unwrap(), fdpass::pair().unwrap());
        let begun = Pending::begin(&first, &peer).unwrap();
        let meanwhile = Pending::begin(&second, &peer).unwrap();
        fdpass::send(&first, b"window", &[], Deadline::NEVER).unwrap();
        assert!(!begun.end(), "nobody has taken it");
        assert!(meanwhile.end());
        // One is hung up, and the other one goes on.
        assert!(fdpass::send(&first, b"more", &[], Deadline::NEVER).is_err());
        fdpass::send(&second, b"more", &[], Deadline::NEVER).unwrap();
        // This process does not bound itself.
        let myself = PidFd::open(std::process::id()).unwrap();
        let many: Vec<_> = (0..4 * OF_A_PROCESS).map(|_| Pending::begin(&second, &myself)).collect();
        assert!(many.iter().all(Result::is_ok));
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
