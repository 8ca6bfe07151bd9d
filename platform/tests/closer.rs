//! Descriptors that do not close.

#![cfg(target_os = "linux")]

use core::time::Duration;
use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::time::Instant;

use annulet_platform::clock;
use annulet_platform::closer::{discard, unclosed, wait_for_room};
use annulet_platform::fdpass::{self, PassError, recv, send};
use annulet_platform::memfd;

mod common;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
#[allow(dead_code, reason = "each test binary uses some of it")]
#[path = "common/filter.rs"]
mod filter;

use common::{alone, lingering, open_fds, soon};

fn null() -> OwnedFd {
    File::open("/dev/null").unwrap().into()
}

fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").unwrap().count()
}

fn is_open(number: i32) -> bool {
    // SAFETY: numbers only.
    unsafe { libc::fcntl(number, libc::F_GETFD) != -1 }
}

/// Waits until it is so, as something that another thread does soon.
fn becomes(what: &str, so: impl Fn() -> bool) {
    let until = soon();
    while !so() {
        assert!(!clock::is_past(until), "not in time: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// What does not close is waited for, but never as long as a deadline may be away.
#[test]
fn i12_closing_is_waited_for_a_second_at_most() {
    for deadline in [soon(), clock::NEVER] {
        let (trap, other) = lingering();
        let begun = Instant::now();
        discard([trap], deadline);
        assert!(begun.elapsed() < Duration::from_secs(20));
        drop(other);
    }
}

/// And no call waits for it that comes after that second.
#[test]
fn i12_what_is_stuck_is_waited_for_once() {
    alone("i12_what_is_stuck_is_waited_for_once", || {
        let enough = clock::after(Duration::from_secs(20));
        let (trap, other) = lingering();
        discard([trap], soon());
        (0..40).for_each(|_| discard([null()], clock::NEVER));
        assert_eq!(unclosed(), 41);
        assert!(!clock::is_past(enough));
        drop(other);
        // What comes then is waited for again, and so is all that was before it.
        becomes("the first is closed", || unclosed() < 41);
        discard([null()], soon());
        becomes("all are closed", || unclosed() == 0);
        // The last one was stuck, for longer than it is waited for.
        let (trap, other) = lingering();
        discard([trap], soon());
        std::thread::sleep(Duration::from_millis(200));
        drop(other);
        becomes("it is closed", || unclosed() == 0);
        // The next one is not, and takes its time.
        let (slow, other) = lingering();
        let letting_go = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(100));
            drop(other);
        });
        discard([slow], soon());
        assert_eq!(unclosed(), 0);
        letting_go.join().unwrap();
    });
}

#[test]
fn i12_all_that_does_not_close_is_one_thread() {
    alone("i12_all_that_does_not_close_is_one_thread", || {
        let (before, fds) = (threads(), open_fds());
        let others: Vec<_> = (0..9)
            .map(|_| {
                let (trap, other) = lingering();
                discard([trap], clock::now());
                other
            })
            .collect();
        assert_eq!((threads(), unclosed()), (before + 1, 9));
        drop(others);
        becomes("they are closed", || unclosed() == 0);
        assert_eq!(open_fds(), fds);
        // Nothing more comes.
        becomes("it has ended", || threads() == before);
        // In the usual case a descriptor is gone when the call returns, and again there is one thread. A call that was not
        // told that it is would have waited for a second.
        let enough = clock::after(Duration::from_secs(20));
        for _ in 0..40 {
            discard([null()], soon());
            assert_eq!(open_fds(), fds);
        }
        assert!(!clock::is_past(enough));
        assert_eq!((threads(), unclosed()), (before + 1, 0));
    });
}

/// Nothing that can be asked tells how long it takes: a memory file may have any number of gigabytes.
#[test]
fn i12_a_memory_file_is_closed_by_no_caller() {
    alone("i12_a_memory_file_is_closed_by_no_caller", || {
        let (trap, other) = lingering();
        discard([trap], clock::now());
        let file = memfd::create(c"annulet-i12", 1 << 12).unwrap();
        let number = file.as_raw_fd();
        discard([file], clock::now());
        let is_open = |(open, name): &(i32, std::path::PathBuf)| {
            *open == number && name.to_string_lossy().contains("annulet-i12")
        };
        assert!(open_fds().iter().any(is_open), "the caller has closed it");
        drop(other);
        becomes("it is closed", || !open_fds().iter().any(is_open));
    });
}

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
#[test]
fn i12_without_a_thread_no_deadline_breaks() {
    alone("i12_without_a_thread_no_deadline_breaks", || {
        let fds = open_fds();
        let (trap, other) = lingering();
        let held = filter::without(&[libc::SYS_clone, libc::SYS_clone3], libc::EAGAIN, move || {
            discard([trap, null()], clock::now());
            // There is nothing to wait for, whatever the deadline.
            discard([null()], clock::NEVER);
            (unclosed(), wait_for_room(clock::NEVER))
        });
        assert_eq!(held, (3, Ok(())));
        assert_eq!(open_fds().len(), fds.len() + 4, "they are queued");
        drop(other);
        // The next call may have a thread.
        becomes("they are closed", || unclosed() == 0);
        assert_eq!(open_fds(), fds);
    });
}

/// Nothing more is taken from strangers then, and all that a message could bring stays where it is.
#[test]
fn i12_so_many_may_wait_to_be_closed() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    alone("i12_so_many_may_wait_to_be_closed", || {
        setrlimit(Resource::Nofile, Rlimit { current: Some(64), ..getrlimit(Resource::Nofile) }).unwrap();
        let (ours, theirs) = fdpass::pair().unwrap();
        let (trap, other) = lingering();
        let file = null();
        send(&theirs, b"x", &[trap.as_fd()], soon()).unwrap();
        drop(trap);
        let take = || recv(&ours, &mut [0; 8], &mut [], clock::now());
        assert_eq!(take(), Err(PassError::FdSurplus { expected: 0, found: 1 }));
        for waiting in [1, 6, 11] {
            assert_eq!((unclosed(), wait_for_room(clock::now())), (waiting, Ok(())));
            send(&theirs, b"x", &[file.as_fd(); 5], soon()).unwrap();
            assert_eq!(take(), Err(PassError::FdSurplus { expected: 0, found: 5 }));
        }
        let held = open_fds();
        send(&theirs, b"x", &[file.as_fd(); 5], soon()).unwrap();
        assert_eq!((unclosed(), wait_for_room(clock::now())), (16, Err(16)));
        assert_eq!(take(), Err(PassError::TooManyUnclosed { limit: 16 }));
        // A second is enough to see that it is stuck.
        assert_eq!((unclosed(), wait_for_room(soon())), (16, Err(16)));
        assert_eq!(PassError::TooManyUnclosed { limit: 16 }.to_string(), "16 descriptors wait to be closed");
        assert!(open_fds().len() <= held.len(), "nothing has arrived");
        drop(other);
        becomes("there is room", || wait_for_room(soon()).is_ok());
        assert_eq!(take(), Err(PassError::FdSurplus { expected: 0, found: 5 }), "it was left there");
        becomes("they are closed", || unclosed() == 0);
    });
}

/// The thread is its parent's; and what was queued, the child has a copy of.
#[test]
fn i12_a_forked_child_closes_by_a_thread_of_its_own() {
    alone("i12_a_forked_child_closes_by_a_thread_of_its_own", || {
        let (trap, other) = lingering();
        // It is being closed: the child has no copy of it.
        let number = trap.as_raw_fd();
        discard([trap], clock::now());
        becomes("it is taken out", || !is_open(number));
        let fds = open_fds();
        discard([null(), null()], clock::now());
        // SAFETY: the other thread of this process waits in the kernel, and holds no lock.
        let child = unsafe { libc::fork() };
        if child == 0 {
            let own = std::panic::catch_unwind(|| {
                assert_eq!((unclosed(), wait_for_room(soon())), (2, Ok(())));
                discard([null()], soon());
                becomes("all are closed", || unclosed() == 0);
                assert_eq!(open_fds(), fds);
                assert_eq!(threads(), 2, "the one that forked, and the one that closes");
            });
            // SAFETY: ends this process, and runs nothing of it any more.
            unsafe { libc::_exit(i32::from(own.is_err())) };
        }
        let mut status = 0;
        // SAFETY: a child of this process, and a live local.
        assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
        assert_eq!((status, unclosed()), (0, 3), "the parent's are its own");
        drop(other);
        becomes("they are closed", || unclosed() == 0);
    });
}
