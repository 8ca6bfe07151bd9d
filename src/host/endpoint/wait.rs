//! Waiting for the peer: by some looks first, then by a sleep in the kernel on the peer's word.
//!
//! That no wake-up is lost is shown where the link's [notifications](crate::link) are: the word is read before the last look,
//! and the kernel lets no thread sleep on a word that has changed since.

use core::hint;
use core::time::Duration;

use annulet_platform::futex::{self, Scope, Wake};

use super::{Endpoint, EndpointError};
use crate::link::{Entry, Interest, LinkError};
use crate::wait::Deadline;

/// The longest sleep before looking again, and at the peer's pidfd.
const SLICE: Duration = Duration::from_millis(50);

impl<E: Entry, const N: usize> Endpoint<E, N> {
    /// Tries until it works, fails for good, the peer is dead or the deadline comes: spins first, and then sleeps.
    pub(super) fn wait<R>(
        &mut self,
        what: Interest,
        deadline: Deadline,
        mut attempt: impl FnMut(&mut Self) -> Result<R, LinkError>,
    ) -> Result<R, EndpointError> {
        match attempt(self) {
            Err(why) if is_transient(why) => {}
            done => return Ok(done?),
        }
        if deadline.is_past() {
            return self.last_look(attempt);
        }
        for _ in 0..self.spins {
            hint::spin_loop();
            match attempt(self) {
                Err(why) if is_transient(why) => {}
                done => return Ok(done?),
            }
        }
        Asleep(self).0.sleep(what, deadline, attempt)
    }

    /// Says why a wait ends whose time is over. A dead peer may have done its last thing after the look before, so there is one
    /// more.
    fn last_look<R>(
        &mut self,
        attempt: impl FnOnce(&mut Self) -> Result<R, LinkError>,
    ) -> Result<R, EndpointError> {
        if self.peer.try_wait().is_none() {
            return Err(EndpointError::Timeout);
        }
        match attempt(self) {
            Err(why) if is_transient(why) => Err(EndpointError::PeerDead),
            done => Ok(done?),
        }
    }

    /// Tries, and sleeps between two tries, until one is final, the peer is dead or the deadline comes.
    fn sleep<R>(
        &mut self,
        what: Interest,
        deadline: Deadline,
        mut attempt: impl FnMut(&mut Self) -> Result<R, LinkError>,
    ) -> Result<R, EndpointError> {
        loop {
            // The word as it was before the attempt: if it changes afterwards, the kernel does not let us sleep.
            let seen = self.link.enable_notification(what);
            // Before the attempt: whatever a dead peer has sent is there by now.
            let dead = self.peer.try_wait().is_some();
            match attempt(self) {
                Err(why) if is_transient(why) => {}
                done => return Ok(done?),
            }
            if dead {
                return Err(EndpointError::PeerDead);
            }
            if deadline.is_past() {
                return Err(EndpointError::Timeout);
            }
            let until = deadline.earlier(Deadline::after(SLICE));
            let Some(word) = self.link.theirs().word(what.word()) else { return Err(EndpointError::Timeout) };
            // In memory the word is little-endian. Whatever the kernel answers, we look again.
            let woken = futex::wait(word, seen.to_le(), Scope::Shared, until);
            if matches!(woken, Wake::Unsupported | Wake::Fault) {
                // No futex here, or not for this memory: look again in a moment instead of at once.
                std::thread::sleep(until.remaining().unwrap_or(SLICE).min(Duration::from_millis(1)));
            }
        }
    }
}

/// Returns whether waiting for the peer can change this answer: it sends, makes room, or follows a reset of mine.
const fn is_transient(why: LinkError) -> bool {
    matches!(why, LinkError::Empty | LinkError::Full | LinkError::StaleEpoch)
}

/// An endpoint that asks to be woken. On every way out, it asks no more.
struct Asleep<'p, E: Entry, const N: usize>(&'p mut Endpoint<E, N>);

impl<E: Entry, const N: usize> Drop for Asleep<'_, E, N> {
    fn drop(&mut self) {
        self.0.link.disable_notification();
    }
}

// Not in the builds that have no libc among what tests use.
#[cfg(all(test, not(any(loom, miri, annulet_narrow))))]
pub(in crate::host) mod tests {
    use std::process::{Child, Command, Stdio};
    use std::thread;
    use std::time::Instant;

    use annulet_platform::pidfd::PidFd;

    use super::*;
    use crate::host::{Segment, attach};

    type Side = Endpoint<u64, 8>;

    fn child() -> Child {
        Command::new("sleep").arg("1000").stdin(Stdio::null()).spawn().unwrap()
    }

    /// An endpoint whose peer is `peer`, and the peer's side of it.
    fn sides(peer: PidFd) -> (Side, Side) {
        let (a, b) = (Segment::create().unwrap(), Segment::create().unwrap());
        let (see_a, see_b) = (attach(a.fd()).unwrap(), attach(b.fd()).unwrap());
        (Endpoint::new(a, see_b, peer), Endpoint::new(b, see_a, myself()))
    }

    fn myself() -> PidFd {
        PidFd::open(std::process::id()).unwrap()
    }

    /// Generous: only a test that hangs meets it.
    fn soon() -> Deadline {
        Deadline::after(Duration::from_secs(20))
    }

    const NOTHING: Result<u64, LinkError> = Err(LinkError::Empty);

    #[test]
    fn h13_a_past_deadline_is_one_look() {
        let (mut endpoint, _peer) = sides(myself());
        for why in [LinkError::Empty, LinkError::Full, LinkError::StaleEpoch] {
            let mut looks = 0;
            let answer = endpoint.wait(Interest::Readable, Deadline::now(), |_| {
                looks += 1;
                Err::<(), _>(why)
            });
            assert_eq!((answer, looks), (Err(EndpointError::Timeout), 1));
        }
        let mut child = child();
        let (mut endpoint, mut peer) = sides(PidFd::of_child(&child).unwrap());
        peer.send(&7, soon()).unwrap();
        child.kill().unwrap();
        assert!(endpoint.peer().wait(soon()).is_some());
        // What a dead peer sent just after the look is found.
        let mut looks = 0;
        let answer = endpoint.wait(Interest::Readable, Deadline::now(), |endpoint| {
            looks += 1;
            if looks == 1 { NOTHING } else { endpoint.try_recv() }
        });
        assert_eq!(answer, Ok(7));
        assert_eq!(endpoint.recv(Deadline::now()), Err(EndpointError::PeerDead));
        child.wait().unwrap();
    }

    /// The peer sends its last, and dies, between a look in vain and the question whether it lives.
    #[test]
    fn f03_what_was_sent_before_a_death_is_received_before_it_is_told() {
        let mut child = child();
        let (mut endpoint, mut peer) = sides(PidFd::of_child(&child).unwrap());
        let (mut looks, last) = (0, endpoint.spins + 2);
        let answer = endpoint.wait(Interest::Readable, soon(), |endpoint| {
            looks += 1;
            if looks < last {
                return NOTHING;
            }
            if looks == last {
                assert_eq!(endpoint.try_recv(), NOTHING);
                peer.send(&7, soon()).unwrap();
                child.kill().unwrap();
                assert!(endpoint.peer().wait(soon()).is_some());
                return NOTHING;
            }
            endpoint.try_recv()
        });
        assert_eq!(answer, Ok(7));
        assert_eq!(endpoint.recv(soon()), Err(EndpointError::PeerDead));
        child.wait().unwrap();
    }

    /// After a reset, looks are as rare as they are without one.
    #[test]
    fn a12_waiting_for_a_peer_to_follow_is_sleeping() {
        let (mut endpoint, _peer) = sides(myself());
        endpoint.reset().unwrap();
        let mut looks = 0;
        let answer = endpoint.wait(Interest::Readable, Deadline::after(SLICE * 3), |endpoint| {
            looks += 1;
            endpoint.try_recv()
        });
        assert_eq!(answer, Err(EndpointError::Timeout));
        assert!(looks <= endpoint.spins + 30, "{looks} looks");
    }

    /// An answer that no waiting changes ends a wait, whichever look it is of: the first, one of those that spin, one of those
    /// between two sleeps, or the very last.
    #[test]
    fn an_answer_that_is_final_ends_a_wait() {
        const FINAL: Result<u64, LinkError> = Err(LinkError::Poisoned);
        const ENDED: Result<u64, EndpointError> = Err(EndpointError::Link(LinkError::Poisoned));
        let (mut endpoint, _peer) = sides(myself());
        let asleep = endpoint.spins + 2;
        for last in [1, 2, asleep, asleep + 1] {
            let mut looks = 0;
            let answer = endpoint.wait(Interest::Readable, soon(), |_| {
                looks += 1;
                if looks == last { FINAL } else { NOTHING }
            });
            assert_eq!((answer, looks), (ENDED, last));
        }
        let mut child = child();
        let (mut endpoint, _peer) = sides(PidFd::of_child(&child).unwrap());
        child.kill().unwrap();
        assert!(endpoint.peer().wait(soon()).is_some());
        let mut looks = 0;
        let answer = endpoint.wait(Interest::Readable, Deadline::now(), |_| {
            looks += 1;
            if looks == 2 { FINAL } else { NOTHING }
        });
        assert_eq!((answer, looks), (ENDED, 2));
        child.wait().unwrap();
    }

    /// Has the kernel answer a system call of this thread with an error, from here on.
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    pub(in crate::host) fn forbid(call: libc::c_long, number: i32) {
        let step = |code: u32, jt, k: u32| libc::sock_filter { code: code as u16, jt, jf: 0, k };
        let mut program = [
            step(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0),
            step(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, 1, call as u32),
            step(libc::BPF_RET | libc::BPF_K, 0, libc::SECCOMP_RET_ALLOW),
            step(libc::BPF_RET | libc::BPF_K, 0, libc::SECCOMP_RET_ERRNO | number as u32),
        ];
        let filter = libc::sock_fprog { len: program.len() as u16, filter: program.as_mut_ptr() };
        // SAFETY: numbers only.
        assert_eq!(unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) }, 0);
        // SAFETY: a live program of the length given, which the kernel copies.
        let status =
            unsafe { libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const filter) };
        assert_eq!(status, 0);
    }

    /// If the kernel lets no thread sleep on a word, or not on this one, an endpoint looks every millisecond.
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    #[test]
    fn h08_a_sleep_that_is_refused_is_no_spin() {
        for number in [libc::ENOSYS, libc::EFAULT] {
            let refused = thread::spawn(move || {
                let (mut endpoint, _peer) = sides(myself());
                forbid(libc::SYS_futex, number);
                let (mut looks, span, begun) = (0_usize, Duration::from_millis(100), Instant::now());
                let answer = endpoint.wait(Interest::Readable, Deadline::after(span), |_| {
                    looks += 1;
                    NOTHING
                });
                (answer, looks.saturating_sub(endpoint.spins), begun.elapsed() >= span)
            });
            let (answer, looks, in_time) = refused.join().unwrap();
            assert_eq!((answer, in_time), (Err(EndpointError::Timeout), true));
            // As many as the clock allows, and those around them.
            assert!((2..200).contains(&looks), "{looks} looks");
        }
    }
}
