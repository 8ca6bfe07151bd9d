//! Descriptor passing from a hostile sender.

#![cfg(target_os = "linux")]

use core::time::Duration;
use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::Instant;

use annulet_platform::clock;
use annulet_platform::fdpass::{self, MAX_FDS, PassError, recv, send};
use annulet_platform::memfd::{self, Expect, Seals};
use rustix::io::{FdFlags, fcntl_getfd};

mod common;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
#[allow(dead_code, reason = "each test binary uses some of it")]
#[path = "common/filter.rs"]
mod filter;
#[path = "common/kinds.rs"]
mod kinds;

use common::{alone, lingering, open_fds, soon};

fn stream_pair() -> (OwnedFd, OwnedFd) {
    let (a, b) = UnixStream::pair().unwrap();
    (a.into(), b.into())
}

fn null() -> OwnedFd {
    File::open("/dev/null").unwrap().into()
}

#[test]
fn i01_any_count_but_the_expected_is_an_error_and_all_are_closed() {
    alone("i01_any_count_but_the_expected_is_an_error_and_all_are_closed", || {
        let file = null();
        for (ours, theirs) in [fdpass::pair().unwrap(), stream_pair()] {
            let before = open_fds();
            for found in [0, 2, 3, MAX_FDS] {
                send(&theirs, b"x", &vec![file.as_fd(); found], soon()).unwrap();
                let mut slots = [None];
                let error = recv(&ours, &mut [0; 8], &mut slots, soon()).unwrap_err();
                let expected = match found {
                    0 => PassError::FdMissing { expected: 1, found },
                    _ => PassError::FdSurplus { expected: 1, found },
                };
                assert_eq!(error, expected);
                assert!(slots[0].is_none());
                assert_eq!(open_fds(), before);
            }
            send(&theirs, b"good", &[file.as_fd()], soon()).unwrap();
            let (mut buf, mut slots) = ([0; 8], [None]);
            assert_eq!(recv(&ours, &mut buf, &mut slots, soon()), Ok(4));
            assert_eq!(&buf[..4], b"good");
            assert!(slots[0].is_some());
            assert_eq!(open_fds().len(), before.len() + 1);
        }
    });
}

#[test]
fn i01_none_expected_and_the_most_expected() {
    alone("i01_none_expected_and_the_most_expected", || {
        let (ours, theirs) = fdpass::pair().unwrap();
        let file = null();
        let before = open_fds();
        send(&theirs, b"x", &[file.as_fd()], soon()).unwrap();
        let error = recv(&ours, &mut [0; 8], &mut [], soon()).unwrap_err();
        assert_eq!(error, PassError::FdSurplus { expected: 0, found: 1 });
        assert_eq!(open_fds(), before);
        send(&theirs, b"x", &[file.as_fd(); MAX_FDS], soon()).unwrap();
        let mut slots = [const { None }; MAX_FDS];
        assert_eq!(recv(&ours, &mut [0; 8], &mut slots, soon()), Ok(1));
        assert!(slots.iter().all(Option::is_some));
        assert_eq!(open_fds().len(), before.len() + MAX_FDS);
        drop(slots);
        assert_eq!(open_fds(), before);
        let too_many = PassError::TooManyFds { limit: MAX_FDS, found: MAX_FDS + 1 };
        assert_eq!(send(&theirs, b"x", &[file.as_fd(); MAX_FDS + 1], soon()), Err(too_many));
        let mut slots = [const { None }; MAX_FDS + 1];
        assert_eq!(recv(&ours, &mut [0; 8], &mut slots, soon()), Err(too_many));
    });
}

#[test]
fn i02_the_one_that_padding_lets_through_is_closed() {
    alone("i02_the_one_that_padding_lets_through_is_closed", || {
        let (ours, theirs) = fdpass::pair().unwrap();
        let file = null();
        let before = open_fds();
        // Room for one descriptor, rounded up to the header's alignment, is room for two.
        send(&theirs, b"x", &[file.as_fd(); 2], soon()).unwrap();
        let error = recv(&ours, &mut [0; 8], &mut [None], soon()).unwrap_err();
        assert_eq!(error, PassError::FdSurplus { expected: 1, found: 2 });
        assert_eq!(open_fds(), before);
    });
}

#[test]
fn i02_a_message_longer_than_the_buffer_leaves_nothing() {
    alone("i02_a_message_longer_than_the_buffer_leaves_nothing", || {
        let (ours, theirs) = fdpass::pair().unwrap();
        let file = null();
        let before = open_fds();
        for sent in [1, 5, MAX_FDS] {
            send(&theirs, b"too long", &vec![file.as_fd(); sent], soon()).unwrap();
            let mut slots = [None];
            assert_eq!(recv(&ours, &mut [0; 7], &mut slots, soon()), Err(PassError::Truncated));
            assert!(slots[0].is_none());
            assert_eq!(open_fds(), before);
        }
    });
}

#[test]
fn i02_descriptors_that_the_kernel_adds_are_closed() {
    alone("i02_descriptors_that_the_kernel_adds_are_closed", || {
        let (ours, theirs) = fdpass::pair().unwrap();
        // What a peer can do that holds a copy of our end (SO_PASSCRED, SO_PASSSEC, SO_PASSPIDFD).
        let mut refused = 0;
        for option in [libc::SO_PASSCRED, libc::SO_PASSSEC, 76] {
            let on: libc::c_int = 1;
            let len = size_of_val(&on) as libc::socklen_t;
            // SAFETY: an open socket, and a live integer with its size.
            let status = unsafe {
                libc::setsockopt(ours.as_raw_fd(), libc::SOL_SOCKET, option, (&raw const on).cast(), len)
            };
            refused += i32::from(status != 0);
        }
        println!("{refused} of 3 socket options not offered by this kernel");
        let file = null();
        let before = open_fds();
        for sent in [0, 1, 2, MAX_FDS] {
            for _ in 0..3 {
                send(&theirs, b"x", &vec![file.as_fd(); sent], soon()).unwrap();
                let mut slots = [None];
                let result = recv(&ours, &mut [0; 8], &mut slots, soon());
                assert_eq!(result.is_ok(), sent == 1, "{result:?}");
                drop(slots);
                assert_eq!(open_fds(), before);
            }
        }
    });
}

#[test]
fn i03_the_descriptor_limit_is_named_and_survived() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    alone("i03_the_descriptor_limit_is_named_and_survived", || {
        let (ours, theirs) = fdpass::pair().unwrap();
        let file = null();
        let before = open_fds();
        for free in [0_usize, 1, 3] {
            send(&theirs, b"x", &[file.as_fd(); 4], soon()).unwrap();
            let limits = getrlimit(Resource::Nofile);
            setrlimit(Resource::Nofile, Rlimit { current: Some(64), ..limits }).unwrap();
            let mut taken: Vec<OwnedFd> = core::iter::from_fn(|| file.try_clone().ok()).collect();
            taken.truncate(taken.len() - free);
            let mut slots = [const { None }; 4];
            assert_eq!(recv(&ours, &mut [0; 8], &mut slots, soon()), Err(PassError::FdLimit));
            assert!(slots.iter().all(Option::is_none));
            // Exactly the free ones are free again.
            let again: Vec<OwnedFd> = core::iter::from_fn(|| file.try_clone().ok()).collect();
            assert_eq!(again.len(), free);
            drop((again, taken));
            setrlimit(Resource::Nofile, limits).unwrap();
            assert_eq!(open_fds(), before);
            send(&theirs, b"x", &[file.as_fd(); 4], soon()).unwrap();
            assert_eq!(recv(&ours, &mut [0; 8], &mut slots, soon()), Ok(1));
        }
    });
}

#[test]
fn i04_every_wrong_kind_arrives_and_is_told_by_the_check() {
    let (ours, theirs) = fdpass::pair().unwrap();
    let fixed = Seals::SHRINK | Seals::GROW;
    for (name, fd, verdict) in kinds::wrong_kinds() {
        send(&theirs, b"x", &[fd.as_fd()], soon()).unwrap();
        drop(fd);
        let mut slots = [None];
        assert_eq!(recv(&ours, &mut [0; 8], &mut slots, soon()), Ok(1), "{name}");
        let received = slots[0].take().unwrap();
        let error = memfd::check(&received, fixed, Expect::AtMost(1 << 20)).expect_err(name);
        assert!(verdict.holds(error), "{name}: {error:?}, not {verdict:?}");
    }
    let good = common::good_memfd();
    send(&theirs, b"x", &[good.as_fd()], soon()).unwrap();
    let mut slots = [None];
    recv(&ours, &mut [0; 8], &mut slots, soon()).unwrap();
    assert_eq!(memfd::check(slots[0].take().unwrap(), fixed, Expect::Exactly(4096)), Ok(4096));
}

#[test]
fn i05_received_descriptors_do_not_survive_exec() {
    const NAME: &str = "i05_received_descriptors_do_not_survive_exec";
    if common::role().as_deref() == Some("list") {
        println!("descriptors: {:?}", open_fds());
        return;
    }
    for (ours, theirs) in [fdpass::pair().unwrap(), stream_pair()] {
        let fd = memfd::create(c"annulet-i05-secret", 4096).unwrap();
        send(&theirs, b"x", &[fd.as_fd(); 3], soon()).unwrap();
        let mut slots = [const { None }; 3];
        recv(&ours, &mut [0; 8], &mut slots, soon()).unwrap();
        for fd in slots.iter().flatten().chain([&fd, &ours, &theirs]) {
            assert!(fcntl_getfd(fd).unwrap().contains(FdFlags::CLOEXEC));
        }
        let output = common::again(NAME, "list").output().unwrap();
        let stdout = String::from_utf8_lossy(&output.stdout);
        assert!(stdout.contains("descriptors: ["), "{stdout}");
        assert!(!stdout.contains("annulet-i05-secret"), "{stdout}");
    }
}

#[test]
fn i08_many_hostile_messages_leave_no_descriptor() {
    alone("i08_many_hostile_messages_leave_no_descriptor", || {
        let (ours, theirs) = fdpass::pair().unwrap();
        let file = null();
        let before = open_fds();
        for round in 0..100_000_usize {
            let sent = [0, 2, 3, 7][round % 4];
            send(&theirs, &[1; 16][..1 + round % 16], &[file.as_fd(); 7][..sent], soon()).unwrap();
            assert!(recv(&ours, &mut [0; 8], &mut [None], soon()).is_err());
        }
        assert_eq!(open_fds(), before);
    });
}

#[test]
fn i12_a_descriptor_that_does_not_close_holds_nobody_up() {
    let (ours, theirs) = fdpass::pair().unwrap();
    let (trap, other) = lingering();
    send(&theirs, b"x", &[trap.as_fd()], soon()).unwrap();
    // The copy in the message is the last one: whoever takes it out is to close it.
    drop(trap);
    let (done, is_done) = std::sync::mpsc::channel();
    let receiver = std::thread::spawn(move || {
        let result = recv(&ours, &mut [0; 8], &mut [], clock::after(Duration::from_millis(50)));
        done.send(()).unwrap();
        result
    });
    let in_time = is_done.recv_timeout(Duration::from_secs(10));
    drop(other);
    assert_eq!(receiver.join().unwrap(), Err(PassError::FdSurplus { expected: 0, found: 1 }));
    assert!(in_time.is_ok(), "the sender has held the receiver up");
}

#[test]
fn i11_what_a_dead_sender_sent_is_still_received() {
    for (ours, theirs) in [fdpass::pair().unwrap(), stream_pair()] {
        let fd = common::good_memfd();
        send(&theirs, b"last", &[fd.as_fd()], soon()).unwrap();
        // Unread at the other end when it closes: the next receive here would report a reset first.
        send(&ours, b"unread", &[], soon()).unwrap();
        drop(theirs);
        let mut slots = [None];
        assert_eq!(recv(&ours, &mut [0; 8], &mut slots, soon()), Ok(4));
        assert!(slots[0].is_some());
        assert_eq!(recv(&ours, &mut [0; 8], &mut [], soon()), Err(PassError::Closed));
        assert_eq!(send(&ours, b"x", &[], soon()), Err(PassError::Closed));
    }
}

#[test]
fn an_empty_message_with_descriptors_reads_as_closed_and_leaks_nothing() {
    alone("an_empty_message_with_descriptors_reads_as_closed_and_leaks_nothing", || {
        let (ours, theirs) = fdpass::pair().unwrap();
        let file = null();
        let before = open_fds();
        let mut space = [core::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = rustix::net::SendAncillaryBuffer::new(&mut space);
        let fds = [file.as_fd()];
        assert!(control.push(rustix::net::SendAncillaryMessage::ScmRights(&fds)));
        rustix::net::sendmsg(&theirs, &[], &mut control, rustix::net::SendFlags::empty()).unwrap();
        assert_eq!(recv(&ours, &mut [0; 8], &mut [None], soon()), Err(PassError::Closed));
        assert_eq!(open_fds(), before);
    });
}

#[test]
fn empty_buffers_and_things_that_are_no_sockets_are_refused() {
    let (ours, theirs) = fdpass::pair().unwrap();
    assert_eq!(send(&theirs, b"", &[], soon()), Err(PassError::Empty));
    assert_eq!(recv(&ours, &mut [], &mut [], soon()), Err(PassError::Empty));
    let file = null();
    assert!(matches!(send(&file, b"x", &[], soon()), Err(PassError::Io { .. })));
    assert!(matches!(recv(&file, &mut [0], &mut [], soon()), Err(PassError::Io { .. })));
}

#[test]
fn deadlines_end_both_directions() {
    for (ours, theirs) in [fdpass::pair().unwrap(), stream_pair()] {
        for span in [Duration::ZERO, Duration::from_millis(30)] {
            let start = Instant::now();
            let result = recv(&ours, &mut [0; 8], &mut [], clock::after(span));
            assert_eq!(result, Err(PassError::Timeout));
            assert!(start.elapsed() >= span && start.elapsed() < Duration::from_secs(20));
        }
        // A message that is there already is received even so.
        send(&theirs, b"x", &[], clock::now()).unwrap();
        assert_eq!(recv(&ours, &mut [0; 8], &mut [], clock::now()), Ok(1));
        let mut sent = 0;
        while send(&theirs, &[0; 4096], &[], clock::now()).is_ok() {
            sent += 1;
            assert!(sent < 100_000, "the socket never fills");
        }
        let start = Instant::now();
        let span = Duration::from_millis(30);
        assert_eq!(send(&theirs, &[0; 4096], &[], clock::after(span)), Err(PassError::Timeout));
        assert!(start.elapsed() >= span && start.elapsed() < Duration::from_secs(20));
    }
}

static PIPES: core::sync::atomic::AtomicU32 = core::sync::atomic::AtomicU32::new(0);

extern "C" fn count(_: libc::c_int) {
    PIPES.fetch_add(1, core::sync::atomic::Ordering::Relaxed);
}

/// By default that signal ends the process; the library of Rust ignores it, other programs need not.
#[test]
fn sending_to_a_closed_end_raises_no_signal() {
    alone("sending_to_a_closed_end_raises_no_signal", || {
        // SAFETY: the handler only adds to an atomic.
        let before = unsafe { libc::signal(libc::SIGPIPE, count as extern "C" fn(libc::c_int) as usize) };
        assert_ne!(before, libc::SIG_ERR);
        let file = null();
        for (ours, theirs) in [fdpass::pair().unwrap(), stream_pair()] {
            drop(theirs);
            assert_eq!(send(&ours, b"x", &[], soon()), Err(PassError::Closed));
            assert_eq!(send(&ours, b"x", &[file.as_fd()], soon()), Err(PassError::Closed));
        }
        assert_eq!(PIPES.load(core::sync::atomic::Ordering::Relaxed), 0);
        let (ours, theirs) = stream_pair();
        drop(theirs);
        assert!(rustix::net::send(&ours, b"x", rustix::net::SendFlags::empty()).is_err());
        assert_eq!(PIPES.load(core::sync::atomic::Ordering::Relaxed), 1, "the control");
    });
}

/// With a deadline in the past, the call itself is the look: nothing is waited for, and nothing is tried a second time.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
#[test]
fn h13_a_past_deadline_is_one_look() {
    let both = |deadline: fn() -> u64| {
        move || {
            let (ours, theirs) = fdpass::pair().unwrap();
            while send(&theirs, &[0; 4096], &[], clock::now()).is_ok() {}
            (
                send(&theirs, &[0; 4096], &[], deadline()),
                recv(&theirs, &mut [0; 8], &mut [], deadline()),
                ours,
            )
        }
    };
    let (sent, received, _) = filter::without(filter::WAITING, libc::EIO, both(clock::now));
    assert_eq!((sent, received), (Err(PassError::Timeout), Err(PassError::Timeout)));
    let (sent, received, _) = filter::without(filter::WAITING, libc::EIO, both(common::soon));
    let refused =
        PassError::Io { kind: std::io::Error::from_raw_os_error(libc::EIO).kind(), raw: Some(libc::EIO) };
    assert_eq!((sent, received), (Err(refused), Err(refused)), "the control");
    // Interrupted each time.
    for deadline in [clock::now, || clock::after(Duration::from_millis(20))] {
        let (ours, theirs) = fdpass::pair().unwrap();
        let results = filter::without(filter::PASSING, libc::EINTR, move || {
            (send(&theirs, b"x", &[], deadline()), recv(&ours, &mut [0; 8], &mut [], deadline()))
        });
        assert_eq!(results, (Err(PassError::Timeout), Err(PassError::Timeout)));
    }
}

/// A reset is told once, before what was sent before it. One that is told again and again is the end.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
#[test]
fn i11_resets_without_end_are_a_closed_end() {
    let (ours, _theirs) = fdpass::pair().unwrap();
    let received =
        filter::without(filter::PASSING, libc::ECONNRESET, move || recv(&ours, &mut [0; 8], &mut [], soon()));
    assert_eq!(received, Err(PassError::Closed));
}

/// However often it is interrupted, or says too early that the time is over, a wait ends by its deadline, and not before.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
#[test]
fn h02_interruptions_without_end_do_not_outlast_a_deadline() {
    use annulet_platform::pidfd::PidFd;
    for deadline in [clock::now, || clock::after(Duration::from_millis(20))] {
        // An error of zero is none: no descriptor is ready.
        for number in [libc::EINTR, 0] {
            let (dead, received) = filter::without(filter::WAITING, number, move || {
                let this = PidFd::open(std::process::id()).unwrap();
                let (ours, _theirs) = fdpass::pair().unwrap();
                let until = deadline();
                let dead = this.wait(until).is_some();
                assert!(clock::is_past(until));
                (dead, recv(&ours, &mut [0; 8], &mut [], deadline()))
            });
            assert_eq!((dead, received), (false, Err(PassError::Timeout)));
        }
    }
}

/// A user who may not have more descriptors in flight, as a server that is not the administrator.
#[test]
fn i03_too_many_in_flight_have_a_name_of_their_own() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    alone("i03_too_many_in_flight_have_a_name_of_their_own", || {
        // The kernel lets the administrator have any number of them.
        // SAFETY: numbers only.
        if unsafe { libc::geteuid() } == 0 {
            // SAFETY: numbers only.
            assert_eq!(unsafe { libc::setresuid(54_321, 54_321, 54_321) }, 0);
        }
        setrlimit(Resource::Nofile, Rlimit { current: Some(64), ..getrlimit(Resource::Nofile) }).unwrap();
        assert_eq!(fdpass::limit(), 64);
        let file = null();
        let (ours, theirs) = fdpass::pair().unwrap();
        assert!(fdpass::is_taken(&theirs).unwrap());
        // One message more than fits, at the most.
        let refused = (0..80).find_map(|_| send(&theirs, b"x", &[file.as_fd()], soon()).err());
        assert_eq!(refused, Some(PassError::TooManyInFlight));
        assert!(!fdpass::is_taken(&theirs).unwrap());
        assert_eq!(send(&theirs, b"x", &[], soon()), Ok(()), "bytes alone are none");
        // What is received is not in flight any more, and neither is what is thrown away.
        assert_eq!(recv(&ours, &mut [0; 8], &mut [None], soon()), Ok(1));
        send(&theirs, b"x", &[file.as_fd()], soon()).unwrap();
        drop(ours);
        assert!(fdpass::is_taken(&theirs).unwrap());
        let (ours, theirs) = fdpass::pair().unwrap();
        send(&theirs, b"x", &[file.as_fd()], soon()).unwrap();
        // An end that hangs up takes nothing back.
        fdpass::hang_up(&theirs).unwrap();
        assert!(!fdpass::is_taken(&theirs).unwrap());
        assert_eq!(recv(&ours, &mut [0; 8], &mut [None], soon()), Ok(1));
        assert!(fdpass::is_taken(&theirs).unwrap());
        assert_eq!(recv(&ours, &mut [0; 8], &mut [], soon()), Err(PassError::Closed));
        assert_eq!(send(&ours, b"x", &[], soon()), Err(PassError::Closed), "in both directions");
        // SAFETY: numbers only.
        assert_eq!(fdpass::peer_user(&ours).unwrap(), unsafe { libc::geteuid() });
    });
}

#[test]
fn a_long_stream_send_goes_in_parts_with_its_descriptor_first() {
    let (ours, theirs) = stream_pair();
    let fd = common::good_memfd();
    let bytes: Vec<u8> = (0..1_000_000_u32).map(|i| i.to_le_bytes()[1]).collect();
    std::thread::scope(|scope| {
        scope.spawn(|| send(&theirs, &bytes, &[fd.as_fd()], soon()).unwrap());
        let (mut got, mut buf, mut slots) = (Vec::new(), [0; 65_536], [None]);
        let first = recv(&ours, &mut buf, &mut slots, soon()).unwrap();
        got.extend_from_slice(&buf[..first]);
        while got.len() < bytes.len() {
            let more = recv(&ours, &mut buf, &mut [], soon()).unwrap();
            got.extend_from_slice(&buf[..more]);
        }
        assert!(slots[0].is_some());
        assert!(got == bytes);
    });
}

#[test]
fn order_is_kept_and_slots_are_untouched_on_error() {
    let (ours, theirs) = fdpass::pair().unwrap();
    let files = [memfd::create(c"a", 1).unwrap(), memfd::create(c"b", 2).unwrap()];
    let borrowed: Vec<BorrowedFd<'_>> = files.iter().map(AsFd::as_fd).collect();
    send(&theirs, b"x", &borrowed, soon()).unwrap();
    let mut slots = [None, None];
    recv(&ours, &mut [0; 8], &mut slots, soon()).unwrap();
    let sizes = slots.each_ref().map(|fd| rustix::fs::fstat(fd.as_ref().unwrap()).unwrap().st_size);
    assert_eq!(sizes, [1, 2]);
    let numbers = slots.each_ref().map(|fd| fd.as_ref().map(AsRawFd::as_raw_fd));
    send(&theirs, b"x", &borrowed[..1], soon()).unwrap();
    let error = recv(&ours, &mut [0; 8], &mut slots, soon()).unwrap_err();
    assert_eq!(error, PassError::FdMissing { expected: 2, found: 1 });
    assert_eq!(slots.each_ref().map(|fd| fd.as_ref().map(AsRawFd::as_raw_fd)), numbers);
}
