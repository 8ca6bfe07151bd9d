//! Links in sealed memory files: what is refused before it is mapped, and ports that wait.
//!
//! The peers here are other threads with descriptors and mappings of their own, or child processes; what another
//! process could do to the files it does through its own copy of the descriptor.
#![cfg(all(feature = "std", target_os = "linux", not(miri), not(loom)))]

use std::fs::File;
use std::io::Write;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use annulet::host::{
    AttachError, CheckError, Deadline, HandshakeError, PidFd, Port, PortError, Segment, attach,
    attach_region, connect, seal_region,
};
use annulet::link::{Fault, HeaderError, LinkError};
use annulet::words::{ReadWords, WriteWords};
use annulet_platform::fdpass;
use annulet_platform::mapping::Mapping;
use annulet_platform::memfd::{self, Seals};

type Window = Segment<u64, 8>;

/// Generous: only a test that hangs meets it.
fn soon() -> Deadline {
    Deadline::after(Duration::from_secs(20))
}

fn myself() -> PidFd {
    PidFd::open(std::process::id()).unwrap()
}

/// Two ports of one process, each with its own mapping of the other's window.
fn ports() -> (Port<u64, 8>, Port<u64, 8>) {
    let (a, b) = (Window::create().unwrap(), Window::create().unwrap());
    let (see_a, see_b) = (attach(a.fd()).unwrap(), attach(b.fd()).unwrap());
    (Port::new(a, see_b, myself()), Port::new(b, see_a, myself()))
}

/// A memory file that is sealed like a window, and holds `bytes`.
fn forged(bytes: &[u8], seals: Seals) -> OwnedFd {
    let file = File::from(memfd::create(c"forged", bytes.len() as u64).unwrap());
    file.write_all_at(bytes, 0).unwrap();
    memfd::add_seals(&file, seals).unwrap();
    file.into()
}

fn all_seals() -> Seals {
    Seals::SHRINK | Seals::GROW | Seals::FUTURE_WRITE | Seals::SEAL
}

/// The bytes of a real window's file.
fn genuine() -> Vec<u8> {
    let window = Window::create().unwrap();
    let file = File::from(window.fd().try_clone_to_owned().unwrap());
    let mut bytes = vec![0; file.metadata().unwrap().len() as usize];
    file.read_exact_at(&mut bytes, 0).unwrap();
    bytes
}

fn refusal(fd: &OwnedFd) -> AttachError {
    attach::<u64, 8>(fd.as_fd()).unwrap_err()
}

/// The peer can do nothing to a window's size, and nothing to its bytes.
#[test]
fn g01_a_window_cannot_be_truncated_or_written_by_the_peer() {
    let window = Window::create().unwrap();
    let words = attach::<u64, 8>(window.fd()).unwrap();
    let peers = File::from(window.fd().try_clone_to_owned().unwrap());
    for size in [0, 128, 1 << 20] {
        assert_eq!(peers.set_len(size).unwrap_err().raw_os_error(), Some(1), "EPERM");
    }
    assert_eq!(peers.write_all_at(&[1], 0).unwrap_err().raw_os_error(), Some(1));
    assert!(annulet_platform::mapping::Mapping::read_write(&peers, 4096).is_err());
    assert_eq!(words.read(0), 0, "still there, still zero");
}

#[test]
fn g02_each_missing_seal_is_named() {
    let bytes = genuine();
    for missing in [Seals::SHRINK, Seals::GROW, Seals::FUTURE_WRITE, Seals::SEAL] {
        let fd = forged(&bytes, all_seals().without(missing));
        match refusal(&fd) {
            AttachError::File(CheckError::Unsealed { missing: named }) => assert_eq!(named, missing),
            other => panic!("{other}"),
        }
    }
    assert!(attach::<u64, 8>(forged(&bytes, all_seals()).as_fd()).is_ok(), "the control: all of them");
}

#[test]
fn g05_another_size_is_refused_before_anything_is_mapped() {
    let bytes = genuine();
    for size in [1, 127, 128, 4095, 4097, 8192] {
        let mut other = bytes.clone();
        other.resize(size, 0);
        assert!(matches!(
            refusal(&forged(&other, all_seals())),
            AttachError::File(CheckError::SizeMismatch { expected: 4096, .. })
        ));
    }
}

#[test]
fn a08_a_header_with_any_bit_flipped_is_refused() {
    let bytes = genuine();
    for bit in 0..128 * 8 {
        let mut other = bytes.clone();
        other[bit / 8] ^= 1 << (bit % 8);
        let why = refusal(&forged(&other, all_seals()));
        let named = match bit / 8 {
            0..8 => matches!(why, AttachError::Header(HeaderError::BadMagic { .. })),
            8..12 => matches!(why, AttachError::Header(HeaderError::BadVersion { .. })),
            24..32 => matches!(why, AttachError::Header(HeaderError::BadAbi { .. })),
            16..24 => matches!(why, AttachError::Header(HeaderError::SizeMismatch { .. })),
            12..16 | 32..44 => matches!(why, AttachError::Header(HeaderError::BadGeometry)),
            _ => matches!(why, AttachError::Header(HeaderError::ReservedBits)),
        };
        assert!(named, "bit {bit}: {why}");
    }
}

/// A header that changes all the time, by a mapping that its owner made before it sealed the file: what is refused is
/// exactly what was read, and once attached, nothing asks for the header again.
#[test]
fn a09_a_header_that_flickers_is_looked_at_once() {
    let bytes = genuine();
    let file = File::from(memfd::create(c"flickers", bytes.len() as u64).unwrap());
    file.write_all_at(&bytes, 0).unwrap();
    let hostile = Mapping::read_write(&file, bytes.len()).unwrap();
    memfd::add_seals(&file, all_seals()).unwrap();
    let magic = u64::from_le_bytes(bytes[..8].try_into().unwrap());
    // SAFETY: the first word of a live mapping; all accesses to it here are atomic and of this width.
    let word = unsafe { std::sync::atomic::AtomicU32::from_ptr(words(&hostile).next().unwrap()) };
    let good = word.load(Ordering::Relaxed);
    let over = AtomicBool::new(false);
    let (mut attached, mut refused) = (0, 0);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                for flipped in [good ^ 1, good] {
                    word.store(flipped, Ordering::Relaxed);
                    // For about as long as an attach takes.
                    (0..500).for_each(|_| std::hint::spin_loop());
                }
            }
        });
        let deadline = soon();
        while (attached < 100 || refused < 100) && !deadline.is_past() {
            match attach::<u64, 8>(file.as_fd()) {
                // Whatever it says by now.
                Ok(window) => attached += u32::from(window.read(0) == 0 && window.observe(0) == 0),
                Err(AttachError::Header(HeaderError::BadMagic { found })) => {
                    assert_eq!(found, magic ^ 1);
                    refused += 1;
                }
                Err(why) => panic!("{why}"),
            }
        }
        over.store(true, Ordering::Relaxed);
    });
    assert!(attached >= 100 && refused >= 100, "attached {attached} times, refused {refused} times");
}

/// Memory straight from the kernel is no window: nobody made it one.
#[test]
fn a13_a_file_of_zeroes_is_refused() {
    let zeroes = forged(&vec![0; 4096], all_seals());
    assert!(matches!(refusal(&zeroes), AttachError::Header(HeaderError::BadMagic { found: 0 })));
}

#[test]
fn a_window_for_other_entries_or_another_capacity_is_refused() {
    let other = Segment::<u32, 8>::create().unwrap();
    assert!(matches!(attach::<u64, 8>(other.fd()), Err(AttachError::Header(HeaderError::BadAbi { .. }))));
    let other = Segment::<u64, 16>::create().unwrap();
    assert!(matches!(attach::<u64, 8>(other.fd()), Err(AttachError::Header(HeaderError::BadAbi { .. }))));
}

#[test]
fn ports_pass_entries_in_order_and_close() {
    let (mut a, mut b) = ports();
    let sender = thread::spawn(move || {
        for n in 0..20_000u64 {
            a.send(&n, soon()).unwrap();
        }
        a.close();
        a
    });
    for n in 0..20_000u64 {
        assert_eq!(b.recv(soon()), Ok(n));
    }
    assert_eq!(b.recv(soon()), Err(PortError::Link(LinkError::Closed)));
    let mut a = sender.join().unwrap();
    assert_eq!(a.try_send(&1), Err(PortError::Link(LinkError::Closed)));
}

/// Each side sleeps before every answer: a wake-up that got lost would cost a slice of 50 ms, and five hundred of
/// them would run into the bound.
#[test]
fn sleepers_are_woken_on_both_sides() {
    const ROUNDS: u64 = 500;
    let (mut a, mut b) = ports();
    let began = Instant::now();
    let echo = thread::spawn(move || {
        for _ in 0..ROUNDS {
            let n = b.recv(soon()).unwrap();
            thread::sleep(Duration::from_millis(1));
            b.send(&(n + 1), soon()).unwrap();
        }
    });
    for n in 0..ROUNDS {
        a.send(&n, soon()).unwrap();
        assert_eq!(a.recv(soon()), Ok(n + 1));
    }
    echo.join().unwrap();
    assert!(began.elapsed() < Duration::from_secs(18), "woken by the clock: {:?}", began.elapsed());
}

/// A panic in the middle of a batch gives back the slot of what was shown, and tells who sleeps for room; and who was
/// asleep before it says so no more.
#[test]
fn e03_a_panic_in_a_batch_wakes_who_waits_for_room() {
    const ROUNDS: u64 = 300;
    const WAKE: usize = 64;
    let (mut a, mut b) = ports();
    let bursts = |a: &mut Port<u64, 8>| {
        let burst = || a.drain(9, soon(), |_| resume_unwind(Box::new("boom")));
        assert!(catch_unwind(AssertUnwindSafe(burst)).is_err());
    };
    let began = Instant::now();
    let sender = thread::spawn(move || {
        for n in 0..ROUNDS + 8 {
            b.send(&n, soon()).unwrap();
        }
        b
    });
    for _ in 0..ROUNDS {
        while a.link().theirs().read(WAKE) == 0 {
            thread::yield_now();
        }
        let tail = a.link().theirs().read(0);
        bursts(&mut a);
        while a.link().theirs().read(0) == tail {
            thread::yield_now();
        }
    }
    let mut b = sender.join().unwrap();
    assert!(began.elapsed() < Duration::from_secs(3), "woken by the clock: {:?}", began.elapsed());
    let mut left = 8;
    while left > 0 {
        left -= a.drain(left, soon(), drop).unwrap();
    }

    let asleep = thread::spawn(move || {
        bursts(&mut a);
        a.link().mine().word(WAKE).unwrap().load(Ordering::Relaxed)
    });
    while b.link().theirs().read(WAKE) == 0 {
        thread::yield_now();
    }
    b.try_send(&0).unwrap();
    assert_eq!(asleep.join().unwrap(), 0, "it says that it sleeps");
}

#[test]
fn batches_wait_for_the_first_and_take_what_is_there() {
    let (mut a, mut b) = ports();
    let sender = thread::spawn(move || {
        let mut numbers = 0..10_000u64;
        let mut sent = 0;
        while sent < 10_000 {
            sent += a.send_iter(&mut numbers, soon()).unwrap();
        }
        a.close();
    });
    let mut next = 0;
    loop {
        match b.drain(5, soon(), |n| {
            assert_eq!(n, next);
            next += 1;
        }) {
            Ok(count) => assert!((1..=5).contains(&count)),
            Err(PortError::Link(LinkError::Closed)) => break,
            Err(why) => panic!("{why}"),
        }
    }
    assert_eq!(next, 10_000);
    sender.join().unwrap();
}

#[test]
fn h04_a_deadline_ends_a_wait_and_not_before() {
    let (mut a, mut b) = ports();
    let began = Instant::now();
    assert_eq!(a.recv(Deadline::after(Duration::from_millis(120))), Err(PortError::Timeout));
    assert!(began.elapsed() >= Duration::from_millis(120));
    assert_eq!(a.recv(Deadline::now()), Err(PortError::Timeout), "a deadline in the past is one look");
    for n in 0..8 {
        a.send(&n, Deadline::now()).unwrap();
    }
    assert_eq!(a.send(&8, Deadline::after(Duration::from_millis(5))), Err(PortError::Timeout));
    assert_eq!(b.recv(Deadline::now()), Ok(0), "what is there is received, deadline or not");
}

/// The words of a mapping, of which the kernel is only told the addresses.
fn words(mapping: &Mapping) -> impl Iterator<Item = *mut u32> {
    let base = mapping.as_ptr().cast::<u32>().as_ptr();
    (0..mapping.len() / 4).map(move |at| base.wrapping_add(at))
}

/// Moves whoever sleeps on a word of `from` to the last word of it; how many.
///
/// A peer can do that to its own window by a mapping of either kind, and to ours by the one that it can only read.
fn move_sleepers(from: &Mapping) -> usize {
    let last = words(from).last().unwrap();
    let mut moved = 0;
    for word in words(from).filter(|&word| word != last) {
        // SAFETY: a live mapping is read by an atomic access of this width, as all others of it are.
        let value = unsafe { std::sync::atomic::AtomicU32::from_ptr(word) }.load(Ordering::Relaxed);
        // SAFETY: the kernel reads the first word, and takes the other one for an address.
        let answer = unsafe {
            libc::syscall(libc::SYS_futex, word, libc::FUTEX_CMP_REQUEUE, 0, i64::from(i32::MAX), last, value)
        };
        // It fails if the word changed meanwhile.
        moved += usize::try_from(answer).unwrap_or(0);
    }
    moved
}

/// A peer that moves our sleeper to another word, so that its honest half wakes nobody: what was sent is found when the
/// slice is over, long before the deadline.
#[test]
fn h05_a_sleeper_that_was_moved_away_looks_after_a_slice() {
    // The window that is slept on is the peer's own, which it has mapped writable; whoever it is passed to cannot have more
    // than a mapping to read.
    for read_only in [false, true] {
        let (a, b) = (Window::create().unwrap(), Window::create().unwrap());
        let file = b.fd().try_clone_to_owned().unwrap();
        let (see_a, see_b) = (attach(a.fd()).unwrap(), attach(b.fd()).unwrap());
        let mut victim = Port::new(a, see_b, myself());
        let len = usize::try_from(File::from(file.try_clone().unwrap()).metadata().unwrap().len()).unwrap();
        assert!(Mapping::read_write(&file, len).is_err(), "nobody gets another writable mapping");
        let hostile = Mapping::read_only(&file, len).unwrap();
        let mut honest = Port::new(b, see_a, myself());
        let own = honest.link().mine().keep().as_ptr();
        for number in 0..5 {
            let (deadline, begun) = (soon(), Instant::now());
            let waiting = thread::spawn(move || (victim.recv(deadline), victim));
            let hostile = if read_only { &hostile } else { honest.link().mine().keep() };
            assert_eq!(hostile.as_ptr() == own, !read_only);
            while move_sleepers(hostile) == 0 {
                assert!(!deadline.is_past(), "nobody sleeps there");
            }
            honest.try_send(&number).unwrap();
            let (received, back) = waiting.join().unwrap();
            victim = back;
            assert_eq!(received, Ok(number));
            assert!(begun.elapsed() < Duration::from_secs(10), "it was its deadline that has ended it");
        }
        // It never stops: everything is received nevertheless.
        let over = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    move_sleepers(&hostile);
                }
            });
            let mut victim = victim;
            let waiting = scope.spawn(move || {
                let numbers: Vec<_> = (0..20).map(|_| victim.recv(soon())).collect();
                let (before, span) = (Instant::now(), Duration::from_millis(120));
                assert_eq!(victim.recv(Deadline::after(span)), Err(PortError::Timeout));
                assert!(before.elapsed() >= span);
                numbers
            });
            let sent: Vec<_> = (0..20)
                .map(|number| {
                    thread::sleep(Duration::from_millis(3));
                    honest.send(&number, soon())
                })
                .collect();
            let received = waiting.join();
            over.store(true, Ordering::Relaxed);
            assert!(sent.into_iter().all(|sent| sent.is_ok()));
            assert!(received.unwrap().into_iter().eq((0..20).map(Ok)));
        });
    }
}

/// A peer that wakes our sleeper as fast as it can, for nothing, with a mapping that it can only read: deadlines hold, what
/// is sent is received, and who waits looks no more often than it is woken.
#[test]
fn h06_a_port_in_a_storm_of_wake_ups() {
    let (a, b) = (Window::create().unwrap(), Window::create().unwrap());
    let (see_a, see_b) = (attach(a.fd()).unwrap(), attach(b.fd()).unwrap());
    let len = usize::try_from(File::from(b.fd().try_clone_to_owned().unwrap()).metadata().unwrap().len());
    let hostile = Mapping::read_only(b.fd(), len.unwrap()).unwrap();
    let (mut victim, mut honest) = (Port::new(a, see_b, myself()), Port::new(b, see_a, myself()));
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let storm = scope.spawn(|| {
            let mut woken = 0;
            while !over.load(Ordering::Relaxed) {
                for word in words(&hostile).take(64) {
                    // SAFETY: the kernel takes the word for an address.
                    let answer = unsafe { libc::syscall(libc::SYS_futex, word, libc::FUTEX_WAKE, 1) };
                    woken += usize::try_from(answer).unwrap();
                }
            }
            woken
        });
        let waiting = scope.spawn(move || {
            let (before, span) = (Instant::now(), Duration::from_millis(300));
            assert_eq!(victim.recv(Deadline::after(span)), Err(PortError::Timeout));
            let took = before.elapsed();
            assert!(took >= span && took < Duration::from_secs(10), "{took:?}");
            (0..20).map(|_| victim.recv(soon())).collect::<Vec<_>>()
        });
        thread::sleep(Duration::from_millis(400));
        let sent: Vec<_> = (0..20)
            .map(|number| {
                thread::sleep(Duration::from_millis(2));
                honest.send(&number, soon())
            })
            .collect();
        let received = waiting.join();
        over.store(true, Ordering::Relaxed);
        assert!(sent.into_iter().all(|sent| sent.is_ok()));
        let woken = storm.join().unwrap();
        println!("woken {woken} times for nothing");
        assert!(woken > 0, "there was no storm");
        assert!(received.unwrap().into_iter().eq((0..20).map(Ok)));
    });
}

/// A peer that scribbles over its own window, which is all it can write: an error, at once, for good.
#[test]
fn a_lying_peer_poisons_the_port() {
    let (mut a, mut b) = ports();
    b.link().mine().publish(0, 9);
    assert_eq!(a.recv(soon()), Err(PortError::Link(LinkError::Corrupt(Fault::Tail))));
    assert_eq!(a.recv(soon()), Err(PortError::Link(LinkError::Poisoned)));
    assert_eq!(a.try_send(&0), Err(PortError::Link(LinkError::Poisoned)));
}

/// The kernel says that the peer has ended: all that was sent is received first, and a silent peer is not dead.
#[test]
fn death_is_the_kernels_word_and_comes_after_the_last_message() {
    let (a, b) = (Window::create().unwrap(), Window::create().unwrap());
    let (see_a, see_b) = (attach(a.fd()).unwrap(), attach(b.fd()).unwrap());
    // The child is only somebody to die; its window is written here.
    let mut child = Command::new("sleep").arg("1000").stdin(Stdio::null()).spawn().unwrap();
    let mut survivor = Port::<u64, 8>::new(a, see_b, PidFd::of_child(&child).unwrap());
    let mut victim = Port::<u64, 8>::new(b, see_a, myself());
    victim.send(&7, soon()).unwrap();
    victim.send(&8, soon()).unwrap();
    assert_eq!(survivor.recv(soon()), Ok(7));
    assert!(survivor.peer().evidence().is_none());
    child.kill().unwrap();
    assert!(survivor.peer().wait(soon()).is_some());
    assert_eq!(survivor.recv(soon()), Ok(8));
    assert_eq!(survivor.recv(soon()), Err(PortError::PeerDead));
    for n in 0..8 {
        survivor.send(&n, soon()).unwrap();
    }
    assert_eq!(survivor.send(&8, soon()), Err(PortError::PeerDead), "nobody will make room");
    child.wait().unwrap();
}

#[test]
fn a_handshake_takes_exactly_what_it_expects() {
    let (left, right) = fdpass::pair().unwrap();
    let region = seal_region(&b"sealed"[..]).unwrap();
    let other = thread::spawn(move || connect::<u64, 8>(&right, myself(), &[], 1, soon()).unwrap());
    let (mut a, none) = connect::<u64, 8>(&left, myself(), &[region.as_fd()], 0, soon()).unwrap();
    let (mut b, regions) = other.join().unwrap();
    assert!(none.is_empty());
    assert_eq!(&*attach_region(&regions[0], 100).unwrap(), b"sealed");
    a.send(&5, soon()).unwrap();
    assert_eq!(b.recv(soon()), Ok(5));

    // One descriptor too many, and words that are not ours.
    let (left, right) = fdpass::pair().unwrap();
    fdpass::send(&right, b"annulet", &[region.as_fd(), region.as_fd()], soon()).unwrap();
    let surplus = connect::<u64, 8>(&left, myself(), &[], 0, soon()).unwrap_err();
    assert!(matches!(surplus, HandshakeError::Pass(fdpass::PassError::FdSurplus { expected: 1, found: 2 })));
    let (left, right) = fdpass::pair().unwrap();
    fdpass::send(&right, b"ANNULET", &[region.as_fd()], soon()).unwrap();
    assert!(matches!(connect::<u64, 8>(&left, myself(), &[], 0, soon()), Err(HandshakeError::BadHello)));
    // A region in place of a window.
    let (left, right) = fdpass::pair().unwrap();
    fdpass::send(&right, b"annulet", &[region.as_fd()], soon()).unwrap();
    assert!(matches!(
        connect::<u64, 8>(&left, myself(), &[], 0, soon()),
        Err(HandshakeError::Attach(AttachError::File(CheckError::Unsealed { .. })))
    ));
    // More than a message can carry: nothing is sent, the window neither.
    for (expect, found) in [(fdpass::MAX_FDS, fdpass::MAX_FDS + 1), (usize::MAX, usize::MAX)] {
        let (left, right) = fdpass::pair().unwrap();
        let refused = connect::<u64, 8>(&left, myself(), &[], expect, soon()).unwrap_err();
        let too_many = fdpass::PassError::TooManyFds { limit: fdpass::MAX_FDS, found };
        assert!(matches!(refused, HandshakeError::Pass(why) if why == too_many));
        let nothing = fdpass::recv(&right, &mut [0; 8], &mut [None], Deadline::now());
        assert_eq!(nothing, Err(fdpass::PassError::Timeout));
    }
    // Nobody there.
    let (left, _right) = fdpass::pair().unwrap();
    assert!(matches!(
        connect::<u64, 8>(&left, myself(), &[], 0, Deadline::after(Duration::from_millis(20))),
        Err(HandshakeError::Pass(fdpass::PassError::Timeout))
    ));
}

/// A peer that passes my own window back as its own.
#[test]
fn g04_my_own_window_is_not_the_peers() {
    let (left, right) = fdpass::pair().unwrap();
    let reflecting = thread::spawn(move || {
        let (mut hello, mut window) = ([0; 8], [None]);
        let count = fdpass::recv(&right, &mut hello, &mut window, soon()).unwrap();
        let window = window[0].take().unwrap();
        fdpass::send(&right, &hello[..count], &[window.as_fd()], soon()).unwrap();
        assert!(attach::<u64, 8>(window.as_fd()).is_ok(), "there is nothing wrong with the file");
    });
    let refused = connect::<u64, 8>(&left, myself(), &[], 0, soon()).unwrap_err();
    assert!(matches!(refused, HandshakeError::Reflected), "{refused}");
    assert_eq!(refused.to_string(), "the peer's window: it is my own");
    reflecting.join().unwrap();
}

/// A peer that passes a connection in place of a window, whose last `close` lingers as long as the peer likes.
#[test]
fn i12_a_descriptor_that_does_not_close_delays_no_handshake() {
    for hello in [b"annulet", b"ANNULET"] {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let mut trap = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (other, _) = listener.accept().unwrap();
        let long = libc::linger { l_onoff: 1, l_linger: 10_000 };
        let (value, len) = ((&raw const long).cast(), libc::socklen_t::try_from(size_of_val(&long)).unwrap());
        // SAFETY: an open socket, and a live value with its size.
        let set =
            unsafe { libc::setsockopt(trap.as_raw_fd(), libc::SOL_SOCKET, libc::SO_LINGER, value, len) };
        assert_eq!(set, 0);
        trap.set_nonblocking(true).unwrap();
        while trap.write(&[0; 1 << 16]).is_ok() {}
        let (left, right) = fdpass::pair().unwrap();
        fdpass::send(&right, hello, &[trap.as_fd()], soon()).unwrap();
        // The last copy is the one in the message.
        drop(trap);
        let (done, is_done) = std::sync::mpsc::channel();
        let connecting = thread::spawn(move || {
            let deadline = Deadline::after(Duration::from_millis(50));
            let refused = connect::<u64, 8>(&left, myself(), &[], 0, deadline).map(drop);
            done.send(()).unwrap();
            refused.unwrap_err()
        });
        let in_time = is_done.recv_timeout(Duration::from_secs(10));
        drop(other);
        let why = connecting.join().unwrap();
        assert!(match why {
            HandshakeError::BadHello => hello == b"ANNULET",
            HandshakeError::Attach(AttachError::File(CheckError::WrongKind)) => hello == b"annulet",
            _ => false,
        });
        assert!(in_time.is_ok(), "the peer has held the handshake up");
    }
}

#[test]
fn a_sealed_region_is_final_and_an_unsealed_one_is_refused() {
    let region = seal_region(&b"for ever"[..]).unwrap();
    let memory = attach_region(&region, 8).unwrap();
    let file = File::from(region.try_clone().unwrap());
    assert_eq!(file.set_len(0).unwrap_err().raw_os_error(), Some(1));
    assert_eq!(file.write_all_at(b"x", 0).unwrap_err().raw_os_error(), Some(1));
    assert_eq!(&*memory, b"for ever");
    assert_eq!(attach_region(&region, 7).unwrap_err(), CheckError::TooBig { limit: 7, found: 8 });
    let open = memfd::create(c"open", 4096).unwrap();
    assert!(matches!(attach_region(&open, 4096), Err(CheckError::Unsealed { .. })));
    assert!(seal_region(&b""[..]).is_err(), "nothing to map");
}
