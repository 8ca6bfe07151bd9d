//! Ports whose peer moves their sleepers, or wakes them for nothing.

use std::fs::File;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use annulet::host::{Deadline, Endpoint, EndpointError, attach};
use annulet_platform::mapping::Mapping;

use crate::common::{Window, myself, soon, words};

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
        let mut victim = Endpoint::new(a, see_b, myself());
        let len = usize::try_from(File::from(file.try_clone().unwrap()).metadata().unwrap().len()).unwrap();
        assert!(Mapping::read_write(&file, len).is_err(), "nobody gets another writable mapping");
        let hostile = Mapping::read_only(&file, len).unwrap();
        let mut honest = Endpoint::new(b, see_a, myself());
        let own = honest.link().mine().keep().as_ptr();
        for number in 0..5 {
            let (deadline, begun) = (soon(), Instant::now());
            let waiting = thread::spawn(move || (victim.recv(deadline), victim));
            let link = honest.link();
            let hostile = if read_only { &hostile } else { link.mine().keep() };
            assert_eq!(hostile.as_ptr() == own, !read_only);
            while move_sleepers(hostile) == 0 {
                assert!(!deadline.is_past(), "nobody sleeps there");
            }
            drop(link);
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
                assert_eq!(victim.recv(Deadline::after(span)), Err(EndpointError::Timeout));
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
    let (mut victim, mut honest) = (Endpoint::new(a, see_b, myself()), Endpoint::new(b, see_a, myself()));
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
            assert_eq!(victim.recv(Deadline::after(span)), Err(EndpointError::Timeout));
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
