//! Windows that were passed and not taken: a bounded number for each peer.
//!
//! A descriptor that was sent is in flight until its receiver takes it, or closes its socket. The kernel counts those of this
//! process's user, and sends no more above `RLIMIT_NOFILE`. A peer that never reads leaves mine in flight for as long as it
//! likes. So it gets at most as many as the limits here allow. Descriptors count, so a message with an offer beside the window
//! weighs more than one.

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::vec::Vec;

use annulet_platform::closer::discard;
use annulet_platform::fdpass;
use annulet_platform::pidfd::PidFd;

use crate::wait::Deadline;

/// How many descriptors one process may leave untaken. Handshakes that go on do not count: it may have many at once.
const OF_A_PROCESS: usize = 16;
/// All processes of one user together may leave one in so many of those that other users leave of the limit. A user can start
/// any number of processes. So no number of users takes all of it.
const OF_A_USER: usize = 4;

static PENDING: Mutex<Vec<Entry>> = Mutex::new(Vec::new());

/// A message with my window that the peer may not have taken.
struct Entry {
    user: u32,
    /// 0 for all processes of other pid namespaces.
    process: u32,
    /// The peer may have queued anything in it, and it may be the last copy. So [`discard`] closes it, never under the lock.
    socket: OwnedFd,
    number: u64,
    /// How many descriptors are in the message.
    weight: usize,
    /// The process that sends it. A child that was forked meanwhile has the entry, but no handshake that ends it.
    sender: u32,
    /// Whether the handshake is over, and no longer waits for the peer to take it.
    given_up: bool,
}

/// A message to a peer, from before it is sent until this is dropped.
///
/// If the peer has not taken it by then, it counts until the peer takes it or closes its socket. The socket is hung up, so that
/// the peer learns that the handshake is over.
#[derive(Debug)]
pub(super) struct Pending {
    /// The number of the entry. `None` if the peer is this process, which is not limited.
    number: Option<u64>,
}

/// Why a message must not be sent.
#[derive(Debug)]
pub(super) enum PendingError {
    /// The peer has left as many untaken as it may.
    TooMany { limit: usize },
    /// The kernel refused.
    Io(io::Error),
}

impl From<io::Error> for PendingError {
    fn from(why: io::Error) -> Self {
        Self::Io(why)
    }
}

impl Pending {
    /// To be called before `weight` descriptors are sent to `peer` through `socket`.
    pub(super) fn begin(socket: BorrowedFd<'_>, peer: &PidFd, weight: usize) -> Result<Self, PendingError> {
        if peer.is_this_process() {
            return Ok(Self { number: None });
        }
        let (user, process) = (fdpass::peer_user(socket)?, peer.number());
        let socket = socket.try_clone_to_owned()?;
        let sender = std::process::id();
        let entry = Entry { user, process, socket, number: 0, weight, sender, given_up: false };
        let mut over = Vec::new();
        let begun = enter(&mut lock(), entry, &mut over);
        discard(over.into_iter().map(|entry| entry.socket), Deadline::now());
        Ok(Self { number: Some(begun?) })
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
        if !fdpass::is_taken(&entry.socket).unwrap_or(false) {
            entry.given_up = true;
            // It fails if the peer has hung up already.
            let _ = fdpass::hang_up(&entry.socket);
            return false;
        }
        let taken = entries.remove(at);
        drop(entries);
        discard([taken.socket], Deadline::now());
        true
    }
}

/// Enters a message that is about to be sent. Returns its number. Entries that leave the list go to `over`: those that are
/// taken by now, and this one if it is refused.
fn enter(entries: &mut Vec<Entry>, mut entry: Entry, over: &mut Vec<Entry>) -> Result<u64, PendingError> {
    // An answer that fails is none: the entry stays.
    over.extend(entries.extract_if(.., |old| {
        old.sender != entry.sender || (old.given_up && fdpass::is_taken(&old.socket).unwrap_or(false))
    }));
    let weigh =
        |of: &dyn Fn(&Entry) -> bool| entries.iter().filter(|old| of(old)).map(|old| old.weight).sum();
    // Processes of other pid namespaces, which have no number, are told apart by their users only.
    let (user, process) = (entry.user, entry.process);
    let left: usize =
        weigh(&|old| process != 0 && old.given_up && old.user == user && old.process == process);
    let of_user: usize = weigh(&|old| old.user == user);
    let of_others: usize = weigh(&|old| old.user != user);
    let for_user =
        usize::try_from(fdpass::limit()).unwrap_or(usize::MAX).saturating_sub(of_others) / OF_A_USER;
    // One message is always sent, or a small limit would let no peer in.
    for (count, limit) in [(left, OF_A_PROCESS), (of_user, for_user)] {
        if count > 0 && count.saturating_add(entry.weight) > limit {
            over.push(entry);
            return Err(PendingError::TooMany { limit });
        }
    }
    let number = entries.last().map_or(0, |last| last.number.wrapping_add(1));
    entry.number = number;
    entries.push(entry);
    Ok(number)
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
    use std::os::fd::AsFd;
    use std::process::{Command, Stdio};

    use super::*;

    /// Another handshake that begins meanwhile takes none for done that has not yet sent its window.
    #[test]
    fn i12_a_handshake_that_has_begun_is_not_over_before_it_has_sent() {
        let mut child = Command::new("sleep")
            .arg("1000")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let peer = PidFd::of_child(&child).unwrap();
        let ((first, _end), (second, _other)) = (fdpass::pair().unwrap(), fdpass::pair().unwrap());
        // One message is always sent, however heavy it is.
        drop(Pending::begin(first.as_fd(), &peer, OF_A_PROCESS + 1).unwrap());
        let begun = Pending::begin(first.as_fd(), &peer, 1).unwrap();
        let meanwhile = Pending::begin(second.as_fd(), &peer, 1).unwrap();
        fdpass::send(&first, b"window", &[], Deadline::NEVER).unwrap();
        assert!(!begun.end(), "nobody has taken it");
        assert!(meanwhile.end());
        // One is hung up, and the other one goes on.
        assert!(fdpass::send(&first, b"more", &[], Deadline::NEVER).is_err());
        fdpass::send(&second, b"more", &[], Deadline::NEVER).unwrap();
        // This process does not bound itself.
        let myself = PidFd::open(std::process::id()).unwrap();
        let many: Vec<_> =
            (0..4 * OF_A_PROCESS).map(|_| Pending::begin(second.as_fd(), &myself, 1)).collect();
        assert!(many.iter().all(Result::is_ok));
        // Handshakes that go on do not count as left; descriptors do, not messages.
        let (fourth, _fourth_end) = fdpass::pair().unwrap();
        let going: Vec<_> = (0..2 * OF_A_PROCESS).map(|_| Pending::begin(fourth.as_fd(), &peer, 1)).collect();
        assert!(going.iter().all(Result::is_ok));
        drop(going);
        let (third, _third_end) = fdpass::pair().unwrap();
        let heavy = Pending::begin(third.as_fd(), &peer, OF_A_PROCESS - 1).unwrap();
        fdpass::send(&third, b"window", &[], Deadline::NEVER).unwrap();
        assert!(!heavy.end());
        assert!(matches!(
            Pending::begin(fourth.as_fd(), &peer, 1),
            Err(PendingError::TooMany { limit: OF_A_PROCESS })
        ));
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
