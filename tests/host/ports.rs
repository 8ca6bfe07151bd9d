//! Ports that wait.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use annulet::host::{Deadline, Port, PortError, Segment, attach};
use annulet::link::{Awaited, Fault, LinkError};
use annulet::words::{ReadWords, WriteWords};
use annulet_platform::futex::{self, Scope, Wake};
use annulet_platform::mapping::Mapping;

use crate::common::{Stranger, Window, myself, ports, soon, words};
use crate::entries::Even;

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

/// An entry whose `from_image` panics is gone, and its slot is free for a peer that sleeps until it is.
#[test]
fn e03_a_panic_in_from_image_wakes_who_waits_for_room() {
    const ROUNDS: u32 = 100;
    let (a, b) = (Segment::create().unwrap(), Segment::create().unwrap());
    let (see_a, see_b) = (attach(a.fd()).unwrap(), attach(b.fd()).unwrap());
    let mut tx = Port::<Even, 1>::new(a, see_b, myself());
    let mut rx = Port::<Even, 1>::new(b, see_a, myself());
    let began = Instant::now();
    let sender = thread::spawn(move || {
        for number in 0..ROUNDS {
            tx.send(&Even(number), soon()).unwrap();
        }
    });
    for number in 0..ROUNDS {
        let got = catch_unwind(AssertUnwindSafe(|| rx.recv(soon())));
        assert_eq!(got.ok(), (number % 2 == 0).then_some(Ok(Even(number))));
    }
    sender.join().unwrap();
    assert!(began.elapsed() < Duration::from_secs(3), "woken by the clock: {:?}", began.elapsed());
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
    let mut child = Stranger::new();
    let mut survivor = Port::<u64, 8>::new(a, see_b, child.pidfd());
    let mut victim = Port::<u64, 8>::new(b, see_a, myself());
    victim.send(&7, soon()).unwrap();
    victim.send(&8, soon()).unwrap();
    assert_eq!(survivor.recv(soon()), Ok(7));
    assert!(survivor.peer().evidence().is_none());
    child.kill();
    assert!(survivor.peer().wait(soon()).is_some());
    assert_eq!(survivor.recv(soon()), Ok(8));
    assert_eq!(survivor.recv(soon()), Err(PortError::PeerDead));
    for n in 0..8 {
        survivor.send(&n, soon()).unwrap();
    }
    assert_eq!(survivor.send(&8, soon()), Err(PortError::PeerDead), "nobody will make room");
}

/// Words of the header before a window.
const HEADER: usize = 32;

/// Sleeps on the word on which a peer sleeps for `what`, without a slice: why it has ended.
fn sleep_on(window: &Mapping, what: Awaited, asleep: &AtomicU32) -> Wake {
    let word = words(window).nth(HEADER + what.word()).unwrap();
    // SAFETY: a word of a live mapping, which is reached by atomic accesses of this width only.
    let word = unsafe { AtomicU32::from_ptr(word) };
    asleep.store(rustix::thread::gettid().as_raw_nonzero().get().cast_unsigned(), Ordering::Release);
    futex::wait(word, word.load(Ordering::Relaxed), Scope::Shared, soon())
}

/// Waits until the thread sleeps that has left its number.
fn until_asleep(thread: &AtomicU32) {
    let deadline = soon();
    loop {
        let number = thread.load(Ordering::Acquire);
        let stat = std::fs::read_to_string(format!("/proc/self/task/{number}/stat")).unwrap_or_default();
        // Behind its name, which ends with a bracket.
        if stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('S')) {
            return;
        }
        assert!(!deadline.is_past(), "it does not sleep");
        thread::yield_now();
    }
}

/// Everything that can be news for a sleeping peer wakes it: each way to do it, and not only at the end of a slice.
#[test]
fn d06_all_that_a_port_does_wakes_the_peer_that_waits_for_it() {
    type Deed = fn(&mut Port<u64, 8>);
    let for_entries: [(&str, Deed); 7] = [
        ("try_send", |port| port.try_send(&1).unwrap()),
        ("send", |port| port.send(&1, soon()).unwrap()),
        ("send_iter", |port| assert_eq!(port.send_iter(&mut [1, 2].into_iter(), soon()), Ok(2))),
        ("close", Port::close),
        ("reset", |port| port.reset().unwrap()),
        ("link, send", |port| port.link().send(&1).unwrap()),
        ("link, close", |port| port.link().close()),
    ];
    let for_room: [(&str, Deed); 7] = [
        ("try_recv", |port| assert_eq!(port.try_recv(), Ok(0))),
        ("recv", |port| assert_eq!(port.recv(soon()), Ok(0))),
        ("drain", |port| assert_eq!(port.drain(9, soon(), drop), Ok(8))),
        ("close", Port::close),
        ("reset", |port| port.reset().unwrap()),
        ("link, recv", |port| assert_eq!(port.link().recv(), Ok(0))),
        ("link, reset", |port| port.link().reset().unwrap()),
    ];
    let all = for_entries.map(|deed| (Awaited::Entries, deed)).into_iter();
    for (what, (name, deed)) in all.chain(for_room.map(|deed| (Awaited::Room, deed))) {
        let (a, b) = (Window::create().unwrap(), Window::create().unwrap());
        let (see_a, see_b) = (attach(a.fd()).unwrap(), attach(b.fd()).unwrap());
        let seen_by_peer = Mapping::read_only(a.fd(), 4096).unwrap();
        let (mut here, mut peer) = (Port::new(a, see_b, myself()), Port::new(b, see_a, myself()));
        assert_eq!(peer.send_iter(&mut (0..8), soon()), Ok(8));
        peer.link().prepare_sleep(what);
        let asleep = AtomicU32::new(0);
        thread::scope(|scope| {
            let sleeper = scope.spawn(|| sleep_on(&seen_by_peer, what, &asleep));
            until_asleep(&asleep);
            deed(&mut here);
            assert_eq!(sleeper.join().unwrap(), Wake::Woken, "{name} wakes nobody who waits for {what:?}");
        });
    }
}

/// After a reset a port waits until the peer has followed, or its deadline, and then goes on.
#[test]
fn a12_a_port_waits_for_the_peer_to_follow_its_reset() {
    let (mut a, mut b) = ports();
    b.send(&1, soon()).unwrap();
    a.reset().unwrap();
    for _ in 0..2 {
        let span = Duration::from_millis(60);
        let begun = Instant::now();
        assert_eq!(a.recv(Deadline::after(span)), Err(PortError::Timeout));
        assert!(begun.elapsed() >= span);
        assert_eq!(a.send(&2, Deadline::after(span)), Err(PortError::Timeout));
    }
    assert_eq!(a.recv(Deadline::now()), Err(PortError::Timeout));
    assert_eq!(a.try_recv(), Err(PortError::Link(LinkError::StaleEpoch)), "a single try says why");
    let waiting = thread::spawn(move || {
        let received = a.recv(soon());
        (received, a.send(&4, soon()), a)
    });
    while b.link().theirs().read(64) == 0 {
        thread::yield_now();
    }
    assert_eq!(b.recv(soon()), Err(PortError::Link(LinkError::PeerReset)));
    b.reset().unwrap();
    b.send(&3, soon()).unwrap();
    let (received, sent, mut a) = waiting.join().unwrap();
    assert_eq!((received, sent), (Ok(3), Ok(())));
    assert_eq!(b.recv(soon()), Ok(4));
    assert_eq!(a.link().mine().word(64).unwrap().load(Ordering::Relaxed), 0, "it says that it sleeps");
}

/// A peer that is dead follows nobody.
#[test]
fn a_reset_that_a_dead_peer_does_not_follow_ends_by_its_death() {
    let (a, b) = (Window::create().unwrap(), Window::create().unwrap());
    let see_b = attach(b.fd()).unwrap();
    let mut child = Stranger::new();
    let mut port = Port::<u64, 8>::new(a, see_b, child.pidfd());
    port.reset().unwrap();
    child.kill();
    assert_eq!(port.recv(soon()), Err(PortError::PeerDead));
    assert_eq!(port.send(&1, Deadline::now()), Err(PortError::PeerDead));
}
