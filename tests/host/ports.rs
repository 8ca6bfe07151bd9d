//! Ports that wait.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use annulet::host::{Deadline, PidFd, Port, PortError, attach};
use annulet::link::{Fault, LinkError};
use annulet::words::{ReadWords, WriteWords};

use crate::common::{Window, myself, ports, soon};

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
