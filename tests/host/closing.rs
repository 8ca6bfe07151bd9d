//! Peers that pass what does not close: in place of a window, beside one, or queued behind it.
//!
//! Each in a process of its own: what does not close holds up all that a process has to close.

use std::net::TcpStream;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use annulet::host::{AttachError, CheckError, Deadline, Endpoint, HandshakeError, PidFd, accept, connect};
use annulet_platform::closer;
use annulet_platform::fdpass::{self, PassError};

use crate::alone::alone;
use crate::common::{HELLO, Stranger, TAKEN, WELCOME, all_seals, forged, genuine, lingering, myself, soon};

type Shaken = Result<(Endpoint<u64, 8>, Vec<OwnedFd>), HandshakeError>;

/// What `shake` answers, unless something that does not close keeps it from it.
fn undelayed(shake: impl FnOnce() -> Shaken + Send + 'static) -> Shaken {
    let (done, is_done) = mpsc::channel();
    thread::spawn(move || {
        // Too late for anybody to hear, if it fails.
        let _ = done.send(shake());
    });
    is_done.recv_timeout(Duration::from_secs(10)).expect("the peer has held the handshake up")
}

/// Waits for the thread that closes.
fn all_closed() {
    let until = soon();
    while closer::unclosed() > 0 {
        assert!(!until.is_past(), "they are not closed");
        thread::sleep(Duration::from_millis(1));
    }
}

/// A message with a connection that does not close, of which it has the last copy.
fn queue_trap(socket: &OwnedFd) -> TcpStream {
    let (trap, other) = lingering();
    fdpass::send(socket, b"more", &[trap.as_fd()], soon()).unwrap();
    other
}

/// A peer that passes a connection in place of a window, whose last `close` lingers as long as the peer likes.
#[test]
fn i12_a_descriptor_that_does_not_close_delays_no_handshake() {
    alone("closing::i12_a_descriptor_that_does_not_close_delays_no_handshake", || {
        // In place of the window, with words that are right or wrong, and beside a window that is in order, by a peer that then
        // does not take mine; to either side.
        let (stranger, window) = (Stranger::new(), forged(&genuine(), all_seals()));
        let wrong = b"ANNULET".as_slice();
        let cases = [
            (HELLO, false),
            (wrong, false),
            (HELLO, true),
            (WELCOME, false),
            (wrong, false),
            (WELCOME, true),
        ];
        for (number, (hello, beside)) in cases.into_iter().enumerate() {
            let accepts = number < 3;
            let (trap, _other) = lingering();
            let (left, right) = fdpass::pair().unwrap();
            let passed = [window.as_fd(), trap.as_fd()];
            fdpass::send(&right, hello, &passed[usize::from(!beside)..], soon()).unwrap();
            // The last copy is the one in the message.
            drop(trap);
            let peer = stranger.pidfd();
            let shake = move || {
                let deadline = Deadline::after(Duration::from_millis(50));
                let expect = usize::from(beside);
                if accepts {
                    accept(left, peer, &[], expect, deadline)
                } else {
                    connect(left, peer, &[], expect, deadline)
                }
            };
            let why = undelayed(shake).unwrap_err();
            assert!(match why {
                // Who accepts waits for the word that it was taken, and who connects is answered before it was.
                HandshakeError::BadHello => hello == wrong || (beside && !accepts),
                HandshakeError::Attach(AttachError::File(CheckError::WrongKind)) => hello != wrong && !beside,
                HandshakeError::Pass(fdpass::PassError::Timeout) => beside && accepts,
                _ => false,
            });
        }
    });
}

/// A peer that does all that it should, and has said more than it should: what is queued in the socket closes with it.
#[test]
fn i12_what_a_peer_has_queued_delays_no_good_handshake() {
    alone("closing::i12_what_a_peer_has_queued_delays_no_good_handshake", || {
        let window = forged(&genuine(), all_seals());
        for accepts in [true, false] {
            let (ours, theirs) = fdpass::pair().unwrap();
            let hello = if accepts { HELLO } else { WELCOME };
            fdpass::send(&theirs, hello, &[window.as_fd()], soon()).unwrap();
            if accepts {
                fdpass::send(&theirs, TAKEN, &[], soon()).unwrap();
            }
            let _other = queue_trap(&theirs);
            let deadline = Deadline::after(Duration::from_millis(500));
            let shake = move || {
                if accepts {
                    accept(ours, myself(), &[], 0, deadline)
                } else {
                    connect(ours, myself(), &[], 0, deadline)
                }
            };
            undelayed(shake).unwrap();
        }
    });
}

/// A handshake that has failed holds a copy of its socket until its peer has taken what it was passed, or is gone. Whether it has
/// is looked at when another one shakes hands.
#[test]
fn i12_what_a_given_up_peer_has_queued_delays_no_other() {
    alone("closing::i12_what_a_given_up_peer_has_queued_delays_no_other", || {
        let (stranger, honest) = (Stranger::new(), Stranger::new());
        let window = forged(&genuine(), all_seals());
        let begin = || {
            let (ours, theirs) = fdpass::pair().unwrap();
            fdpass::send(&theirs, HELLO, &[window.as_fd()], soon()).unwrap();
            (ours, theirs)
        };
        let brief = || Deadline::after(Duration::from_millis(50));
        let (ours, theirs) = begin();
        fdpass::send(&theirs, b"not that it is taken", &[], soon()).unwrap();
        let _other = queue_trap(&theirs);
        let refused = accept::<u64, 8>(ours, stranger.pidfd(), &[], 0, brief()).unwrap_err();
        assert!(matches!(refused, HandshakeError::Pass(PassError::Truncated)), "{refused}");
        // The copy of the failed handshake is closed.
        all_closed();
        // It is gone, and what it had sent is still there.
        drop(theirs);
        let ((ours, _theirs), peer) = (begin(), honest.pidfd());
        let refused = undelayed(move || accept(ours, peer, &[], 0, brief())).unwrap_err();
        assert!(matches!(refused, HandshakeError::Pass(PassError::Timeout)), "{refused}");
    });
}

/// However many do not close, they are one thread; and when a quarter of what this process may have waits to be closed,
/// nothing more is taken from anybody, or passed to anybody, until some are let go.
#[test]
fn i12_what_does_not_close_is_bounded() {
    alone("closing::i12_what_does_not_close_is_bounded", || {
        use rustix::net::RecvFlags;
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        setrlimit(Resource::Nofile, Rlimit { current: Some(128), ..getrlimit(Resource::Nofile) }).unwrap();
        let threads = || std::fs::read_dir("/proc/self/task").unwrap().count();
        let (stranger, before) = (Stranger::new(), threads());
        let brief = || Deadline::after(Duration::from_millis(2));
        let mut others = Vec::new();
        let limit = loop {
            let (ours, theirs) = fdpass::pair().unwrap();
            others.push(queue_trap(&theirs));
            let peer = stranger.pidfd();
            match undelayed(move || accept(ours, peer, &[], 0, brief())).unwrap_err() {
                HandshakeError::BadHello => {}
                HandshakeError::Pass(PassError::TooManyUnclosed { limit }) => break limit,
                why => panic!("{why}"),
            }
            assert!(others.len() < 100, "there is no bound");
        };
        assert_eq!(limit, 32);
        // A thread that was joined is still listed for a moment.
        let settled = soon();
        while threads() > before + 1 && !settled.is_past() {
            thread::yield_now();
        }
        assert_eq!(threads(), before + 1);
        let (ours, theirs) = fdpass::pair().unwrap();
        let refused = connect::<u64, 8>(ours, stranger.pidfd(), &[], 0, brief()).unwrap_err();
        assert!(matches!(refused, HandshakeError::Pass(PassError::TooManyUnclosed { limit: 32 })));
        let passed = rustix::net::recv(&theirs, &mut [0; 32][..], RecvFlags::DONTWAIT).unwrap();
        assert_eq!(passed.1, 0, "it is hung up, and nothing was passed");
        drop(others);
        all_closed();
        let (left, right) = fdpass::pair().unwrap();
        let other = thread::spawn(move || accept::<u64, 8>(right, myself(), &[], 0, soon()).map(drop));
        connect::<u64, 8>(left, PidFd::open(std::process::id()).unwrap(), &[], 0, soon()).unwrap();
        other.join().unwrap().unwrap();
    });
}
