//! Waiting and waking, within a process and across.

#![cfg(target_os = "linux")]

use core::sync::atomic::{AtomicU32, Ordering};
use core::time::Duration;
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child, Stdio};
use std::time::Instant;

use annulet_platform::clock;
use annulet_platform::fdpass;
use annulet_platform::futex::{Scope, Wake, wait, wake};
use annulet_platform::mapping::Mapping;
use annulet_platform::memfd::{self, Seals};

mod common;

use common::soon;

/// The first word of a mapping.
fn word(mapping: &Mapping) -> &AtomicU32 {
    // SAFETY: page aligned, at least four bytes, alive while `mapping` is borrowed; all accesses in these tests, in
    // every process, are atomic and of this size.
    unsafe { mapping.as_ptr().cast().as_ref() }
}

#[test]
fn h03_a_changed_word_does_not_sleep() {
    let word = AtomicU32::new(1);
    for scope in [Scope::Private, Scope::Shared] {
        assert_eq!(wait(&word, 0, scope, clock::NEVER), Wake::Changed);
    }
}

#[test]
fn h04_nobody_wakes_and_the_deadline_ends_the_wait() {
    let word = AtomicU32::new(0);
    for scope in [Scope::Private, Scope::Shared] {
        for span in [Duration::ZERO, Duration::from_millis(30)] {
            let start = Instant::now();
            assert_eq!(wait(&word, 0, scope, clock::after(span)), Wake::TimedOut);
            assert!(start.elapsed() >= span && start.elapsed() < Duration::from_secs(20));
        }
    }
}

/// Wakes until somebody was there to be woken.
fn wake_until_one(word: &AtomicU32, scope: Scope) -> bool {
    let deadline = soon();
    while !clock::is_past(deadline) {
        if wake(word, 1, scope) == 1 {
            return true;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    false
}

/// One round: two waiters, woken until both are gone. Returns the most that one call woke.
fn wake_two(scope: Scope, count: u32) -> u32 {
    let word = AtomicU32::new(0);
    std::thread::scope(|threads| {
        let waiters: Vec<_> = (0..2).map(|_| threads.spawn(|| wait(&word, 0, scope, soon()))).collect();
        let (mut most, mut woken, deadline) = (0, 0, soon());
        while woken < 2 && !clock::is_past(deadline) {
            std::thread::sleep(Duration::from_millis(2));
            // The kernel itself takes zero for one.
            assert_eq!(wake(&word, 0, scope), 0);
            let now = wake(&word, count, scope);
            (most, woken) = (most.max(now), woken + now);
        }
        assert_eq!(woken, 2);
        for waiter in waiters {
            assert_eq!(waiter.join().unwrap(), Wake::Woken);
        }
        most
    })
}

#[test]
fn threads_wake_each_other_and_counts_are_exact() {
    for scope in [Scope::Private, Scope::Shared] {
        assert_eq!(wake(&AtomicU32::new(0), u32::MAX, scope), 0);
        assert_eq!(wake_two(scope, 1), 1);
        // The kernel itself takes the largest count for a negative one, and that for one. Several rounds, because both
        // waiters must happen to sleep at the same moment.
        let deadline = soon();
        while wake_two(scope, u32::MAX) < 2 {
            assert!(!clock::is_past(deadline), "no call woke both");
        }
    }
}

/// Starts the test `name` again with one end of a socket as its standard input.
fn partner(name: &str) -> (Child, OwnedFd) {
    let (ours, theirs) = fdpass::pair().unwrap();
    let child = common::again(name, "partner").stdin(Stdio::from(theirs)).spawn().unwrap();
    (child, ours)
}

#[test]
fn h07_a_waiter_in_another_process_is_woken_through_a_read_only_mapping() {
    const NAME: &str = "h07_a_waiter_in_another_process_is_woken_through_a_read_only_mapping";
    if common::role().is_some() {
        let stdin = std::io::stdin();
        let mut slots = [None];
        fdpass::recv(&stdin, &mut [0; 8], &mut slots, soon()).unwrap();
        let fd = slots[0].take().unwrap();
        assert!(Mapping::read_write(&fd, 4096).is_err(), "the peer's memory is writable");
        let mapping = Mapping::read_only(&fd, 4096).unwrap();
        for scope in [Scope::Shared, Scope::Private] {
            fdpass::send(&stdin, b"ready", &[], soon()).unwrap();
            let patience =
                if scope == Scope::Shared { soon() } else { clock::after(Duration::from_millis(300)) };
            let reply: &[u8] = match wait(word(&mapping), 0, scope, patience) {
                Wake::Woken => b"woken",
                Wake::TimedOut => b"late",
                _ => b"other",
            };
            fdpass::send(&stdin, reply, &[], soon()).unwrap();
        }
        return;
    }
    let fd = memfd::create(c"annulet-h07", 4096).unwrap();
    let mapping = Mapping::read_write(&fd, 4096).unwrap();
    memfd::add_seals(&fd, Seals::FUTURE_WRITE | Seals::SHRINK | Seals::GROW | Seals::SEAL).unwrap();
    let (mut child, sock) = partner(NAME);
    fdpass::send(&sock, b"x", &[fd.as_fd()], soon()).unwrap();
    let answer = || {
        let mut buf = [0; 8];
        let len = fdpass::recv(&sock, &mut buf, &mut [], soon()).unwrap();
        String::from_utf8_lossy(&buf[..len]).into_owned()
    };
    assert_eq!(answer(), "ready");
    assert!(wake_until_one(word(&mapping), Scope::Shared), "no waiter seen");
    assert_eq!(answer(), "woken");
    // The control: a private waiter on the same word hears no wake from another process.
    assert_eq!(answer(), "ready");
    let patience = clock::after(Duration::from_millis(200));
    while !clock::is_past(patience) {
        assert_eq!(wake(word(&mapping), u32::MAX, Scope::Shared), 0);
        std::thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(answer(), "late");
    assert!(child.wait().unwrap().success());
}

#[test]
fn h07_a_change_made_by_another_process_is_seen() {
    const NAME: &str = "h07_a_change_made_by_another_process_is_seen";
    if common::role().is_some() {
        let mut slots = [None];
        fdpass::recv(std::io::stdin(), &mut [0; 8], &mut slots, soon()).unwrap();
        let mapping = Mapping::read_write(slots[0].take().unwrap(), 4096).unwrap();
        word(&mapping).store(7, Ordering::Release);
        wake(word(&mapping), 1, Scope::Shared);
        return;
    }
    let fd = common::good_memfd();
    let mapping = Mapping::read_only(&fd, 4096).unwrap();
    let (mut child, sock) = partner(NAME);
    fdpass::send(&sock, b"x", &[fd.as_fd()], soon()).unwrap();
    let deadline = soon();
    while word(&mapping).load(Ordering::Acquire) == 0 {
        assert_ne!(wait(word(&mapping), 0, Scope::Shared, deadline), Wake::TimedOut);
    }
    assert_eq!(word(&mapping).load(Ordering::Acquire), 7);
    assert!(child.wait().unwrap().success());
}

#[test]
fn h08_a_word_past_the_end_of_its_file_is_a_fault_and_no_signal() {
    let fd = memfd::create(c"annulet-h08", 4096).unwrap();
    let mapping = Mapping::read_write(&fd, 4096).unwrap();
    rustix::fs::ftruncate(&fd, 0).unwrap();
    assert_eq!(wait(word(&mapping), 0, Scope::Shared, soon()), Wake::Fault);
    assert_eq!(wake(word(&mapping), 1, Scope::Shared), 0);
}
