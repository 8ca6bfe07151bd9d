//! What needs a process of its own: its signals.

use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use annulet::channel::{RecvError, SendError};
use annulet::host::Futex;
use annulet::wait::{Deadline, Strategy};
use annulet::{Channel, Spsc};

use crate::hosted::process::alone;

type Ring = Channel<Spsc<u32, 2>, Futex>;

static SIGNALS: AtomicU32 = AtomicU32::new(0);

extern "C" fn count(_: libc::c_int) {
    SIGNALS.fetch_add(1, Relaxed);
}

/// Interrupts the system calls of the thread that calls this a thousand times a second, for good.
///
/// A timer of the process would interrupt the thread of the harness, which the kernel prefers.
fn storm() {
    // SAFETY: all zeros is a `sigaction`: no flags (so no SA_RESTART), empty mask, default action.
    let mut action: libc::sigaction = unsafe { core::mem::zeroed() };
    action.sa_sigaction = count as extern "C" fn(libc::c_int) as usize;
    // SAFETY: a live argument, a null result, and a handler that only adds to an atomic.
    assert_eq!(unsafe { libc::sigaction(libc::SIGALRM, &raw const action, ptr::null_mut()) }, 0);
    // SAFETY: all zeros is a `sigevent`, whose numbers are set next.
    let mut event: libc::sigevent = unsafe { core::mem::zeroed() };
    event.sigev_notify = libc::SIGEV_THREAD_ID;
    event.sigev_signo = libc::SIGALRM;
    // SAFETY: takes nothing and cannot fail.
    event.sigev_notify_thread_id = unsafe { libc::gettid() };
    let mut timer = ptr::null_mut();
    // SAFETY: two live arguments, and the signal is handled since just now.
    assert_eq!(unsafe { libc::timer_create(libc::CLOCK_MONOTONIC, &raw mut event, &raw mut timer) }, 0);
    let every = libc::timespec { tv_sec: 0, tv_nsec: 1_000_000 };
    let times = libc::itimerspec { it_interval: every, it_value: every };
    // SAFETY: the timer was made above, and is not deleted; a live argument and a null result.
    assert_eq!(unsafe { libc::timer_settime(timer, 0, &raw const times, ptr::null_mut()) }, 0);
}

/// How late `wait` came back after `span`. Never early.
fn lateness(span: Duration, wait: impl FnOnce(Duration)) -> Duration {
    let before = Deadline::now();
    wait(span);
    let took = Deadline::now().since(before);
    assert!(took >= span, "{:?} too early", span - took);
    took - span
}

#[test]
fn h02_deadlines_hold_in_a_storm_of_a_timer() {
    alone("hosted::alone::h02_deadlines_hold_in_a_storm_of_a_timer", || {
        let spans = [1, 10, 50, 200].map(Duration::from_millis);
        storm();
        let mut ring = Ring::over(Spsc::new(), Futex::new());
        let (mut tx, mut rx) = ring.split();
        tx.send(0).unwrap();
        tx.send(0).unwrap();
        let mut full = tx;
        let mut other = Ring::over(Spsc::new(), Futex::new());
        let (_other_tx, mut empty) = other.split();
        for strategy in
            [Strategy::block(), Strategy::timed(Duration::from_millis(3)), Strategy::phased(300, 3)]
        {
            full.set_strategy(strategy);
            empty.set_strategy(strategy);
            for span in spans {
                // Too late may be the machine's doing, so it has twenty tries; too early never is.
                let mut late = Duration::MAX;
                for _ in 0..20 {
                    let receiving = lateness(span, |span| {
                        assert_eq!(empty.recv_timeout(span), Err(RecvError::Timeout));
                    });
                    let sending = lateness(span, |span| {
                        assert!(matches!(full.send_timeout(7, span), Err(SendError::Timeout(7))));
                    });
                    late = late.min(receiving.max(sending));
                    if late < Duration::from_millis(20) {
                        break;
                    }
                }
                assert!(late < Duration::from_millis(20), "{late:?} late after {span:?} with {strategy:?}");
            }
        }
        assert_eq!(rx.recv(), Ok(0));
        // Each of the longest waits was interrupted as often as it had milliseconds, or nearly.
        let before = SIGNALS.load(Relaxed);
        assert_eq!(empty.recv_timeout(spans[3]), Err(RecvError::Timeout));
        let interrupted = SIGNALS.load(Relaxed) - before;
        println!("{} signals, {interrupted} in the last wait of {:?}", SIGNALS.load(Relaxed), spans[3]);
        assert!(interrupted > 20, "the thread that waits is not interrupted");
    });
}
