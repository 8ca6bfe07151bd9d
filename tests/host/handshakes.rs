//! Two sides exchange their windows, one of them honest.

use std::error::Error;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::thread;
use std::time::Duration;

use annulet::host::{
    AttachError, CheckError, Deadline, HandshakeError, PidFd, Port, PortError, Segment, accept, attach,
    attach_region, connect, seal_region,
};
use annulet::link::{HeaderError, LinkError};
use annulet_platform::fdpass;

use crate::alone::alone;
use crate::common::{HELLO, Stranger, TAKEN, WELCOME, all_seals, forged, genuine, myself, receive, soon};

#[test]
fn a_handshake_takes_exactly_what_it_expects() {
    let (left, right) = fdpass::pair().unwrap();
    let region = seal_region(&b"sealed"[..]).unwrap();
    let other = thread::spawn(move || accept::<u64, 8>(right, myself(), &[], 1, soon()).unwrap());
    let (mut a, none) = connect::<u64, 8>(left, myself(), &[region.as_fd()], 0, soon()).unwrap();
    let (mut b, regions) = other.join().unwrap();
    assert!(none.is_empty());
    assert_eq!(&*attach_region(&regions[0], 100).unwrap(), b"sealed");
    a.send(&5, soon()).unwrap();
    assert_eq!(b.recv(soon()), Ok(5));

    // One descriptor too many, and words that are not ours.
    let (left, right) = fdpass::pair().unwrap();
    fdpass::send(&right, HELLO, &[region.as_fd(), region.as_fd()], soon()).unwrap();
    let surplus = accept::<u64, 8>(left, myself(), &[], 0, soon()).unwrap_err();
    assert!(matches!(surplus, HandshakeError::Pass(fdpass::PassError::FdSurplus { expected: 1, found: 2 })));
    let (left, right) = fdpass::pair().unwrap();
    fdpass::send(&right, b"ANNULET connects", &[region.as_fd()], soon()).unwrap();
    assert!(matches!(accept::<u64, 8>(left, myself(), &[], 0, soon()), Err(HandshakeError::BadHello)));
    // A region in place of a window.
    let (left, right) = fdpass::pair().unwrap();
    fdpass::send(&right, HELLO, &[region.as_fd()], soon()).unwrap();
    assert!(matches!(
        accept::<u64, 8>(left, myself(), &[], 0, soon()),
        Err(HandshakeError::Attach(AttachError::File(CheckError::Unsealed { .. })))
    ));
    // More than a message can carry: nothing is sent, the window neither.
    for (expect, found) in [(fdpass::MAX_FDS, fdpass::MAX_FDS + 1), (usize::MAX, usize::MAX)] {
        let (left, right) = fdpass::pair().unwrap();
        let copy = left.try_clone().unwrap();
        let refused = connect::<u64, 8>(copy, myself(), &[], expect, soon()).unwrap_err();
        let too_many = fdpass::PassError::TooManyFds { limit: fdpass::MAX_FDS, found };
        assert!(matches!(refused, HandshakeError::Pass(why) if why == too_many));
        let nothing = fdpass::recv(&right, &mut [0; 8], &mut [None], Deadline::now());
        assert_eq!(nothing, Err(fdpass::PassError::Timeout));
        let refused = accept::<u64, 8>(left, myself(), &[], expect, soon()).unwrap_err();
        assert!(matches!(refused, HandshakeError::Pass(why) if why == too_many));
    }
    let (left, right) = fdpass::pair().unwrap();
    fdpass::send(&right, HELLO, &[region.as_fd()], soon()).unwrap();
    let copy = || left.try_clone().unwrap();
    for refused in [
        accept::<u64, 8>(copy(), myself(), &[region.as_fd(); fdpass::MAX_FDS], 0, soon()).unwrap_err(),
        connect::<u64, 8>(copy(), myself(), &[region.as_fd(); fdpass::MAX_FDS], 0, soon()).unwrap_err(),
    ] {
        let too_many = fdpass::PassError::TooManyFds { limit: fdpass::MAX_FDS, found: fdpass::MAX_FDS + 1 };
        assert!(matches!(refused, HandshakeError::Pass(why) if why == too_many), "{refused}");
    }
    drop(receive(&left));
    // As many as a message can carry.
    let (left, right) = fdpass::pair().unwrap();
    let most = fdpass::MAX_FDS - 1;
    let other = thread::spawn(move || accept::<u64, 8>(right, myself(), &[], most, soon()).unwrap().1);
    connect::<u64, 8>(left, myself(), &vec![region.as_fd(); most], 0, soon()).unwrap();
    assert_eq!(other.join().unwrap().len(), most);
    // Nobody there.
    let (left, right) = fdpass::pair().unwrap();
    let span = Duration::from_millis(20);
    assert!(matches!(
        accept::<u64, 8>(left, myself(), &[], 0, Deadline::after(span)),
        Err(HandshakeError::Pass(fdpass::PassError::Timeout))
    ));
    // After an error the socket is hung up, so that the peer waits for nothing more.
    assert_eq!(receive_nothing(&right), fdpass::PassError::Closed);
    let (left, _right) = fdpass::pair().unwrap();
    assert!(matches!(
        connect::<u64, 8>(left, myself(), &[], 0, Deadline::after(span)),
        Err(HandshakeError::Pass(fdpass::PassError::Timeout))
    ));
}

/// A peer that passes my own window back as its own, on the same connection.
#[test]
fn g04_my_own_window_is_not_the_peers() {
    let (left, right) = fdpass::pair().unwrap();
    let reflecting = thread::spawn(move || {
        let window = receive(&right);
        fdpass::send(&right, WELCOME, &[window.as_fd()], soon()).unwrap();
        assert!(attach::<u64, 8>(window.as_fd()).is_ok(), "there is nothing wrong with the file");
    });
    let refused = connect::<u64, 8>(left, myself(), &[], 0, soon()).unwrap_err();
    assert!(matches!(refused, HandshakeError::Reflected), "{refused}");
    assert_eq!(refused.to_string(), "the peer's window: it is my own");
    reflecting.join().unwrap();
}

/// My window of one connection, on another: from the peer it was passed to, or from a third one, which has it from there.
/// It is mine for as long as it can change.
#[test]
fn g04_my_window_of_another_connection_is_not_the_peers() {
    let (first, second) = (Stranger::new(), Stranger::new());
    let window = Segment::<u64, 8>::create().unwrap();
    // Passed on by the first peer.
    let (left, right) = fdpass::pair().unwrap();
    fdpass::send(&left, HELLO, &[window.fd()], soon()).unwrap();
    let passed_on = receive(&right);
    let port = Port::new(window, attach(Segment::<u64, 8>::create().unwrap().fd()).unwrap(), first.pidfd());
    for stranger in [&first, &second] {
        let (left, right) = fdpass::pair().unwrap();
        fdpass::send(&right, HELLO, &[passed_on.as_fd()], soon()).unwrap();
        let refused = accept::<u64, 8>(left, stranger.pidfd(), &[], 0, soon()).unwrap_err();
        assert!(matches!(refused, HandshakeError::Reflected), "{refused}");
        assert_eq!(receive_nothing(&right), fdpass::PassError::Closed, "nothing is passed to it");

        let (left, right) = fdpass::pair().unwrap();
        fdpass::send(&right, WELCOME, &[passed_on.as_fd()], soon()).unwrap();
        let refused = connect::<u64, 8>(left, stranger.pidfd(), &[], 0, soon()).unwrap_err();
        assert!(matches!(refused, HandshakeError::Reflected), "{refused}");
    }
    // A port that is gone writes no more: what is left is a file like any other.
    drop(port);
    let (left, right) = fdpass::pair().unwrap();
    fdpass::send(&right, HELLO, &[passed_on.as_fd()], soon()).unwrap();
    let past = Deadline::after(Duration::from_millis(20));
    let refused = accept::<u64, 8>(left, first.pidfd(), &[], 0, past).unwrap_err();
    assert!(matches!(refused, HandshakeError::Pass(fdpass::PassError::Timeout)), "{refused}");
}

/// What begins like the words of a peer, ends like them, or goes on behind them, is none of them; nor are those of my own
/// side.
#[test]
fn words_that_are_nearly_right_are_wrong() {
    let window = Segment::<u64, 8>::create().unwrap();
    for (right, accepting) in [(HELLO, true), (WELCOME, false)] {
        let longer = [right, b"!"].concat();
        let other = if accepting { WELCOME } else { HELLO };
        let prefixes = (1..right.len()).map(|len| &right[..len]);
        let wrong = prefixes.chain([&right[1..], &longer[..], other, TAKEN]);
        for said in wrong {
            let (ours, theirs) = fdpass::pair().unwrap();
            fdpass::send(&theirs, said, &[window.fd()], soon()).unwrap();
            let refused = if accepting {
                accept::<u64, 8>(ours, myself(), &[], 0, soon()).unwrap_err()
            } else {
                connect::<u64, 8>(ours, myself(), &[], 0, soon()).unwrap_err()
            };
            assert!(matches!(refused, HandshakeError::BadHello), "{said:?}: {refused}");
        }
        let (ours, theirs) = fdpass::pair().unwrap();
        fdpass::send(&theirs, &[b'a'; 18], &[window.fd()], soon()).unwrap();
        let refused = accept::<u64, 8>(ours, myself(), &[], 0, soon()).unwrap_err();
        assert!(matches!(refused, HandshakeError::Pass(fdpass::PassError::Truncated)), "{refused}");
    }
    // The last word as well.
    for said in [&TAKEN[..TAKEN.len() - 1], &b"annulet has it!"[..], HELLO] {
        let (ours, theirs) = fdpass::pair().unwrap();
        let other = thread::scope(|scope| {
            scope.spawn(|| {
                fdpass::send(&theirs, HELLO, &[window.fd()], soon()).unwrap();
                receive(&theirs);
                fdpass::send(&theirs, said, &[], soon()).unwrap();
            });
            accept::<u64, 8>(ours, myself(), &[], 0, soon()).unwrap_err()
        });
        assert!(matches!(other, HandshakeError::BadHello), "{said:?}: {other}");
    }
}

/// A peer that says what it can only say when it has taken my window, and has not.
#[test]
fn a_peer_that_claims_to_have_taken_a_window_is_not_believed() {
    let stranger = Stranger::new();
    let window = forged(&genuine(), all_seals());
    let (ours, theirs) = fdpass::pair().unwrap();
    fdpass::send(&theirs, WELCOME, &[window.as_fd()], soon()).unwrap();
    let refused = connect::<u64, 8>(ours, stranger.pidfd(), &[], 0, soon()).unwrap_err();
    assert!(matches!(refused, HandshakeError::BadHello), "{refused}");
    let (ours, theirs) = fdpass::pair().unwrap();
    fdpass::send(&theirs, HELLO, &[window.as_fd()], soon()).unwrap();
    fdpass::send(&theirs, TAKEN, &[], soon()).unwrap();
    let refused = accept::<u64, 8>(ours, stranger.pidfd(), &[], 0, soon()).unwrap_err();
    assert!(matches!(refused, HandshakeError::BadHello), "{refused}");
}

/// Which windows are mine is of this process: a forked child maps none of them, and its parent may link to it.
#[test]
fn a_forked_child_may_be_passed_a_window_of_its_parent() {
    alone("handshakes::a_forked_child_may_be_passed_a_window_of_its_parent", || {
        let window = Segment::<u64, 8>::create().unwrap();
        let (ours, theirs) = fdpass::pair().unwrap();
        let parent = std::process::id();
        fdpass::send(&ours, HELLO, &[window.fd()], soon()).unwrap();
        // SAFETY: no other thread of this process holds a lock that the child takes: it runs this test alone.
        let child = unsafe { libc::fork() };
        if child == 0 {
            let peer = PidFd::open(parent).unwrap();
            let port = accept::<u64, 8>(theirs, peer, &[], 0, Deadline::after(Duration::from_secs(9)));
            // SAFETY: ends this process, and runs nothing of it any more.
            unsafe { libc::_exit(i32::from(port.is_err())) };
        }
        let answer = receive(&ours);
        assert!(attach::<u64, 8>(answer.as_fd()).is_ok());
        fdpass::send(&ours, TAKEN, &[], soon()).unwrap();
        let mut status = 0;
        // SAFETY: a child of this process, and a live local.
        assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
        assert_eq!(status, 0);
    });
}

/// Why there is nothing to be received, neither words nor descriptors.
fn receive_nothing(socket: &OwnedFd) -> fdpass::PassError {
    fdpass::recv(socket, &mut [0; 32], &mut [None, None], Deadline::now()).unwrap_err()
}

/// Clients that connect and say nothing, or pass no window that is in order: nothing of mine is in flight to them.
#[test]
fn i12_nothing_is_passed_to_a_peer_that_has_passed_nothing() {
    let region = seal_region(&b"no window"[..]).unwrap();
    let stranger = Stranger::new();
    for silent in [true, false] {
        let (ours, theirs) = fdpass::pair().unwrap();
        if !silent {
            fdpass::send(&theirs, HELLO, &[region.as_fd()], soon()).unwrap();
        }
        let deadline = Deadline::after(Duration::from_millis(20));
        let copy = ours.try_clone().unwrap();
        assert!(accept::<u64, 8>(copy, stranger.pidfd(), &[region.as_fd()], 0, deadline).is_err());
        assert!(fdpass::is_taken(&ours).unwrap());
        assert_eq!(receive_nothing(&theirs), fdpass::PassError::Closed);
    }
}

/// A peer that passes its window and never takes mine: it is passed so many, and no more until it has taken them or hung
/// up. Others are served.
#[test]
fn i12_a_peer_that_takes_nothing_is_passed_a_bounded_number() {
    let (stranger, honest) = (Stranger::new(), Stranger::new());
    let window = forged(&genuine(), all_seals());
    let shake = |peer: &Stranger| {
        let (ours, theirs) = fdpass::pair().unwrap();
        fdpass::send(&theirs, HELLO, &[window.as_fd()], soon()).unwrap();
        let deadline = Deadline::after(Duration::from_millis(5));
        (theirs, accept::<u64, 8>(ours, peer.pidfd(), &[], 0, deadline).unwrap_err())
    };
    let mut untaken = Vec::new();
    let limit = loop {
        match shake(&stranger) {
            (theirs, HandshakeError::Pass(fdpass::PassError::Timeout)) => untaken.push(theirs),
            (_, HandshakeError::TooManyPending { limit }) => break limit,
            (_, why) => panic!("{why}"),
        }
        assert!(untaken.len() < 1000, "there is no bound");
    };
    assert_eq!((limit, untaken.len()), (16, 16));
    assert!(matches!(shake(&stranger).1, HandshakeError::TooManyPending { limit: 16 }));
    assert!(matches!(shake(&honest).1, HandshakeError::Pass(fdpass::PassError::Timeout)), "another process");
    // One is taken, late, and one closed.
    let late = untaken.pop().unwrap();
    drop(receive(&late));
    assert!(
        matches!(fdpass::recv(&late, &mut [0; 8], &mut [], soon()), Err(fdpass::PassError::Closed)),
        "hung up"
    );
    drop(untaken.pop());
    for _ in 0..2 {
        let (theirs, why) = shake(&stranger);
        assert!(matches!(why, HandshakeError::Pass(fdpass::PassError::Timeout)), "{why}");
        untaken.push(theirs);
    }
    assert!(matches!(shake(&stranger).1, HandshakeError::TooManyPending { limit: 16 }));
    assert_eq!(shake(&stranger).1.to_string(), "handshake: 16 of my windows wait for the peer to take them");
    drop(untaken);
    assert!(matches!(shake(&stranger).1, HandshakeError::Pass(fdpass::PassError::Timeout)));
}

/// All processes of one user together are passed a quarter of what I may have; another user is served.
#[test]
fn i12_the_processes_of_a_user_share_a_bound() {
    alone("handshakes::i12_the_processes_of_a_user_share_a_bound", || {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        setrlimit(Resource::Nofile, Rlimit { current: Some(48), ..getrlimit(Resource::Nofile) }).unwrap();
        let (first, second) = (Stranger::new(), Stranger::new());
        let window = forged(&genuine(), all_seals());
        let shake = |peer: &Stranger, (ours, theirs): (OwnedFd, OwnedFd)| {
            fdpass::send(&theirs, HELLO, &[window.as_fd()], soon()).unwrap();
            let deadline = Deadline::after(Duration::from_millis(5));
            (theirs, accept::<u64, 8>(ours, peer.pidfd(), &[], 0, deadline).unwrap_err())
        };
        let pair = || fdpass::pair().unwrap();
        let mut untaken = Vec::new();
        for number in 0..12 {
            let (theirs, why) = shake(if number % 2 == 0 { &first } else { &second }, pair());
            assert!(matches!(why, HandshakeError::Pass(fdpass::PassError::Timeout)), "{why}");
            untaken.push(theirs);
        }
        for peer in [&first, &second] {
            assert!(matches!(shake(peer, pair()).1, HandshakeError::TooManyPending { limit: 12 }));
        }
        // SAFETY: numbers only.
        if unsafe { libc::geteuid() } == 0 {
            // A thread of another user's: the call itself is of one thread, and so are the sockets that it makes.
            let others = thread::spawn(|| {
                // SAFETY: numbers only.
                assert_eq!(unsafe { libc::syscall(libc::SYS_setresuid, -1, 54_321, -1) }, 0);
                fdpass::pair().unwrap()
            });
            let why = shake(&first, others.join().unwrap()).1;
            assert!(matches!(why, HandshakeError::Pass(fdpass::PassError::Timeout)), "{why}");
        } else {
            println!("SKIPPED: another user, which only the administrator can be");
        }
    });
}

/// Each error that another one has caused says which.
#[test]
fn errors_name_their_causes() {
    let cause = |error: &dyn Error| error.source().map(ToString::to_string);
    let refused = || io::Error::from_raw_os_error(libc::EMFILE);
    let header = HeaderError::BadGeometry;
    let header_text = header.to_string();
    let (io, file, header) =
        (AttachError::Io(refused()), AttachError::File(CheckError::WrongKind), AttachError::Header(header));
    assert_eq!(cause(&io), Some(refused().to_string()));
    assert_eq!(cause(&file), Some(CheckError::WrongKind.to_string()));
    assert_eq!(cause(&header), Some(header_text.clone()));
    let passed = fdpass::PassError::Closed;
    for (error, expected) in [
        (HandshakeError::Create(refused()), Some(refused().to_string())),
        (HandshakeError::Pass(passed), Some(passed.to_string())),
        (HandshakeError::Attach(header), Some(header_text)),
        (HandshakeError::BadHello, None),
        (HandshakeError::Reflected, None),
        (HandshakeError::TooManyPending { limit: 1 }, None),
    ] {
        assert_eq!(cause(&error), expected, "{error}");
    }
    assert_eq!(cause(&PortError::Link(LinkError::Poisoned)), Some(LinkError::Poisoned.to_string()));
    assert_eq!((cause(&PortError::Timeout), cause(&PortError::PeerDead)), (None, None));
}
