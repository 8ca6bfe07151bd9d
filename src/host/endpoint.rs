//! A link that can wait.
//!
//! A side that finds nothing to do looks again some times, and then sleeps in the kernel, on the peer's word: its tail when
//! entries are awaited, its head when room is. Who says what when, and why nobody sleeps through a message, is the
//! [link](crate::link)'s: [`Link::enable_notification`].
//!
//! A peer that moves our sleeper to another word, or never wakes it, costs at most a slice of 50 ms.

use core::fmt;
use core::hint;
use core::ops::{Deref, DerefMut};
use core::time::Duration;

use annulet_platform::affinity;
use annulet_platform::futex::{self, Scope, Wake};
use annulet_platform::mapping::Mapping;
use annulet_platform::pidfd::PidFd;

use super::own::Listed;
use super::segment::{PeerWindow, Segment};
use crate::link::{Entry, Interest, Link, LinkError, Window};
use crate::wait::Deadline;
use crate::words::OwnMapping;

/// The longest sleep before looking again, and at the peer's pidfd.
const SLICE: Duration = Duration::from_millis(50);
/// Looks before sleeping: about as long as a wake-up costs, on a machine with more than one processor.
const SPINS: usize = 2000;

/// The link of a [`Endpoint`].
pub type EndpointLink<E, const N: usize> = Link<E, N, OwnMapping<Window<E, N>, Mapping>, PeerWindow<E, N>>;

/// One side of a link to another process: it sends, receives, waits, and knows when the peer is dead.
///
/// Single operations of the [`Link`] are its own as `try_` forms; the others wait until a deadline.
pub struct Endpoint<E: Entry, const N: usize> {
    /// My window is listed as mine for as long as it is mapped.
    _listed: Listed,
    link: EndpointLink<E, N>,
    peer: PidFd,
    spins: usize,
}

/// Why an endpoint did nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EndpointError {
    /// The link's answer.
    Link(LinkError),
    /// The deadline came first.
    Timeout,
    /// The peer has ended, says the kernel, and everything it had sent has been received.
    PeerDead,
}

impl From<LinkError> for EndpointError {
    fn from(why: LinkError) -> Self {
        Self::Link(why)
    }
}

impl fmt::Display for EndpointError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Link(why) => fmt::Display::fmt(why, f),
            Self::Timeout => f.write_str("timed out"),
            Self::PeerDead => f.write_str("the peer is dead"),
        }
    }
}

impl core::error::Error for EndpointError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Link(why) => Some(why),
            Self::Timeout | Self::PeerDead => None,
        }
    }
}

impl<E: Entry, const N: usize> Endpoint<E, N> {
    /// An endpoint over my window, the peer's, and the kernel's word about the peer.
    ///
    /// That `theirs` is no window of mine is the caller's to see to; [`accept`](super::accept) and
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

    /// Sends one entry, if there is room.
    ///
    /// # Errors
    ///
    /// [`EndpointError::Link`].
    pub fn try_send(&mut self, entry: &E) -> Result<(), EndpointError> {
        self.link.try_send(entry)?;
        self.wake(Interest::Readable);
        Ok(())
    }

    /// Receives one entry, if there is one.
    ///
    /// # Errors
    ///
    /// [`EndpointError::Link`].
    pub fn try_recv(&mut self) -> Result<E, EndpointError> {
        // If the entry's `from_image` panics, its slot is free all the same.
        self.empty(Link::try_recv)
    }

    /// Sends one entry, waiting for room until `deadline`; after a [`reset`](Self::reset), for the peer to follow. A
    /// deadline in the past is one look.
    ///
    /// # Errors
    ///
    /// [`EndpointError::Timeout`]; [`EndpointError::PeerDead`] when there is no room and nobody left to make any;
    /// [`EndpointError::Link`] for everything but `Full` and `StaleEpoch`.
    pub fn send(&mut self, entry: &E, deadline: Deadline) -> Result<(), EndpointError> {
        self.wait(Interest::Writable, deadline, |endpoint| endpoint.try_send(entry))
    }

    /// Receives one entry, waiting for it until `deadline`; after a [`reset`](Self::reset), for the peer to follow. A
    /// deadline in the past is one look.
    ///
    /// # Errors
    ///
    /// [`EndpointError::Timeout`]; [`EndpointError::PeerDead`] once all that was sent is received; [`EndpointError::Link`] for
    /// everything but `Empty` and `StaleEpoch`.
    pub fn recv(&mut self, deadline: Deadline) -> Result<E, EndpointError> {
        self.wait(Interest::Readable, deadline, Self::try_recv)
    }

    /// Sends at least one entry of `iter`, if it has one, and as many as there is room for. Returns how many. Waits for
    /// room until `deadline`.
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

    /// Gives at least one entry and at most `max` to `f`, those that are there. Returns how many. Waits for one until
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
    ) -> Result<usize, EndpointError> {
        self.wait(Interest::Readable, deadline, |endpoint| {
            // If `f` panics, there is room for what it was shown all the same.
            endpoint.empty(|link| link.try_drain(max, &mut f))
        })
    }

    /// Says that nothing more will be sent or taken, and wakes the peer to it.
    pub fn close(&mut self) {
        self.link().close();
    }

    /// Begins a new epoch ([`Link::reset`]), and wakes the peer to it. What waits from here on waits for the peer to follow.
    ///
    /// # Errors
    ///
    /// [`EndpointError::Link`]: the epochs are used up.
    pub fn reset(&mut self) -> Result<(), EndpointError> {
        Ok(self.link().reset()?)
    }

    /// The link itself. What is done through it wakes the peer when the guard is dropped.
    pub fn link(&mut self) -> LinkGuard<'_, E, N> {
        LinkGuard(self)
    }

    /// The kernel's word about the peer.
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

    /// Tries until it works, fails for good, the peer is dead or the deadline comes: spinning first, then asleep.
    fn wait<R>(
        &mut self,
        what: Interest,
        deadline: Deadline,
        mut attempt: impl FnMut(&mut Self) -> Result<R, EndpointError>,
    ) -> Result<R, EndpointError> {
        match attempt(self) {
            Err(why) if is_transient(why) => {}
            done => return done,
        }
        if deadline.is_past() {
            return self.last_look(attempt);
        }
        for _ in 0..self.spins {
            hint::spin_loop();
            match attempt(self) {
                Err(why) if is_transient(why) => {}
                done => return done,
            }
        }
        Asleep(self).0.sleep(what, deadline, attempt)
    }

    /// Takes entries by `take`, and wakes a peer that waits for room unless `take` fails; also if it panics.
    fn empty<R>(
        &mut self,
        take: impl FnOnce(&mut EndpointLink<E, N>) -> Result<R, LinkError>,
    ) -> Result<R, EndpointError> {
        let emptied = Emptied(self);
        take(&mut emptied.0.link).map_err(|why| {
            core::mem::forget(emptied);
            why.into()
        })
    }

    /// What a look in vain means when the time is over. A peer that is dead may have done its last thing after it.
    fn last_look<R>(
        &mut self,
        attempt: impl FnOnce(&mut Self) -> Result<R, EndpointError>,
    ) -> Result<R, EndpointError> {
        if self.peer.try_wait().is_none() {
            return Err(EndpointError::Timeout);
        }
        match attempt(self) {
            Err(why) if is_transient(why) => Err(EndpointError::PeerDead),
            done => done,
        }
    }

    fn sleep<R>(
        &mut self,
        what: Interest,
        deadline: Deadline,
        mut attempt: impl FnMut(&mut Self) -> Result<R, EndpointError>,
    ) -> Result<R, EndpointError> {
        loop {
            // The word as it was before the attempt: if it changes afterwards, the kernel does not let us sleep.
            let seen = self.link.enable_notification(what);
            // Before the attempt: whatever a dead peer has sent is there by now.
            let dead = self.peer.try_wait().is_some();
            match attempt(self) {
                Err(why) if is_transient(why) => {}
                done => return done,
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

/// Whether waiting for the peer can change this answer: entries, room, or that it follows a reset of mine.
fn is_transient(why: EndpointError) -> bool {
    matches!(why, EndpointError::Link(LinkError::Empty | LinkError::Full | LinkError::StaleEpoch))
}

/// The [`Link`] of an endpoint, lent out. When this is dropped, the peer is woken to whatever was done.
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

/// An endpoint of which slots may have become free: a peer that waits for room is woken.
struct Emptied<'p, E: Entry, const N: usize>(&'p mut Endpoint<E, N>);

impl<E: Entry, const N: usize> Drop for Emptied<'_, E, N> {
    #[inline]
    fn drop(&mut self) {
        self.0.wake(Interest::Writable);
    }
}

/// An endpoint that says that it sleeps. It says so no more on every way out.
struct Asleep<'p, E: Entry, const N: usize>(&'p mut Endpoint<E, N>);

impl<E: Entry, const N: usize> Drop for Asleep<'_, E, N> {
    fn drop(&mut self) {
        self.0.link.disable_notification();
    }
}

impl<E: Entry, const N: usize> fmt::Debug for Endpoint<E, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").field("link", &self.link).field("peer", &self.peer).finish_non_exhaustive()
    }
}

// Not in the builds that have no libc among what tests use.
#[cfg(all(test, not(any(loom, miri, annulet_narrow))))]
pub(super) mod tests {
    use std::process::{Child, Command, Stdio};
    use std::thread;
    use std::time::Instant;

    use super::super::attach;
    use super::*;

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

    const NOTHING: Result<u64, EndpointError> = Err(EndpointError::Link(LinkError::Empty));

    #[test]
    fn h13_a_past_deadline_is_one_look() {
        let (mut endpoint, _peer) = sides(myself());
        for why in [LinkError::Empty, LinkError::Full, LinkError::StaleEpoch] {
            let mut looks = 0;
            let answer = endpoint.wait(Interest::Readable, Deadline::now(), |_| {
                looks += 1;
                Err::<(), _>(why.into())
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
        const FINAL: Result<u64, EndpointError> = Err(EndpointError::Link(LinkError::Poisoned));
        let (mut endpoint, _peer) = sides(myself());
        let asleep = endpoint.spins + 2;
        for last in [1, 2, asleep, asleep + 1] {
            let mut looks = 0;
            let answer = endpoint.wait(Interest::Readable, soon(), |_| {
                looks += 1;
                if looks == last { FINAL } else { NOTHING }
            });
            assert_eq!((answer, looks), (FINAL, last));
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
        assert_eq!((answer, looks), (FINAL, 2));
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

    /// Where the kernel lets nobody sleep on a word, or not on this one, an endpoint looks every millisecond.
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
