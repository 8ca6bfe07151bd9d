//! A storm of signals neither shortens nor lengthens a wait.

#![cfg(target_os = "linux")]

use core::panic::AssertUnwindSafe;
use core::ptr;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use core::time::Duration;
use std::panic::{catch_unwind, resume_unwind};
use std::time::Instant;

use annulet_platform::clock;
use annulet_platform::fdpass::{self, PassError};
use annulet_platform::futex::{Scope, Wake, wait};
use annulet_platform::pidfd::PidFd;

mod common;

static SIGNALS: AtomicU32 = AtomicU32::new(0);

extern "C" fn count(_: libc::c_int) {
    SIGNALS.fetch_add(1, Ordering::Relaxed);
}

/// Handles SIGALRM by counting it, interrupting system calls (no SA_RESTART).
fn handle() {
    // SAFETY: all zeros is a `sigaction`: no flags, empty mask, default action.
    let mut action: libc::sigaction = unsafe { core::mem::zeroed() };
    action.sa_sigaction = count as extern "C" fn(libc::c_int) as usize;
    // SAFETY: a live argument, a null result, and a handler that only adds to an atomic.
    assert_eq!(unsafe { libc::sigaction(libc::SIGALRM, &raw const action, ptr::null_mut()) }, 0);
}

/// Runs `body` while this very thread is sent a signal every millisecond. A timer would signal the process, and
/// mostly another thread of it.
fn in_a_storm(body: impl FnOnce()) {
    // SAFETY: takes nothing and cannot fail.
    let target = unsafe { libc::pthread_self() } as usize;
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                // SAFETY: the scope keeps the target thread from ending before this one; SIGALRM is handled.
                assert_eq!(unsafe { libc::pthread_kill(target as libc::pthread_t, libc::SIGALRM) }, 0);
                std::thread::sleep(Duration::from_millis(1));
            }
        });
        let result = catch_unwind(AssertUnwindSafe(body));
        over.store(true, Ordering::Relaxed);
        if let Err(panic) = result {
            resume_unwind(panic);
        }
    });
}

fn storm() {
    let span = Duration::from_millis(200);
    let in_time = |start: Instant| start.elapsed() >= span && start.elapsed() < Duration::from_secs(20);

    let (ours, theirs) = fdpass::pair().unwrap();
    let start = Instant::now();
    let result = fdpass::recv(&ours, &mut [0; 8], &mut [], clock::after(span));
    assert_eq!(result, Err(PassError::Timeout));
    assert!(in_time(start));

    while fdpass::send(&theirs, &[0; 4096], &[], clock::now()).is_ok() {}
    let start = Instant::now();
    let result = fdpass::send(&theirs, &[0; 4096], &[], clock::after(span));
    assert_eq!(result, Err(PassError::Timeout));
    assert!(in_time(start));

    let this = PidFd::open(std::process::id()).unwrap();
    let start = Instant::now();
    assert!(this.wait(clock::after(span)).is_none());
    assert!(in_time(start));

    let (word, deadline, start) = (AtomicU32::new(0), clock::after(span), Instant::now());
    let mut interrupted = 0;
    loop {
        match wait(&word, 0, Scope::Private, deadline) {
            Wake::Interrupted => interrupted += 1,
            Wake::TimedOut => break,
            other => panic!("{other:?}"),
        }
    }
    assert!(in_time(start));
    assert!(interrupted > 0, "no signal reached the waiting thread");
}

#[test]
fn h02_deadlines_hold_in_a_storm_of_signals() {
    common::alone("h02_deadlines_hold_in_a_storm_of_signals", || {
        handle();
        // On a busy machine signals are sent more rarely.
        for _ in 0..20 {
            in_a_storm(storm);
            if SIGNALS.load(Ordering::Relaxed) > 100 {
                return;
            }
        }
        panic!("{} signals are no storm", SIGNALS.load(Ordering::Relaxed));
    });
}
