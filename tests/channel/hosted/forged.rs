//! Events whose words another process has written garbage into. Whoever shares memory with a liar is woken wrongly, or
//! not; nothing panics, nothing goes on for ever, and no deadline is passed over.

use std::mem::size_of;
use std::thread;
use std::time::Duration;

use annulet::host::Futex;
use annulet::wait::{Deadline, Event, Strategy, TimedOut};
use annulet_platform::mapping::Mapping;
use annulet_platform::memfd;

use crate::hosted::common::{SOON, Watchdog};

/// Without seats for tasks, which hold pointers, an event is three numbers. That is the kind for shared memory.
const WORDS: usize = size_of::<Event<0>>() / 4;

#[test]
fn h14_forged_words_cause_wrong_wakes_at_most() {
    let _watchdog = Watchdog::new();
    let fd = memfd::create(c"annulet-forged", 4096).unwrap();
    let mapping = Mapping::read_write(&fd, 4096).unwrap();
    let forger = Mapping::read_write(&fd, 4096).unwrap();
    // SAFETY: at the start of a page, so aligned; shorter than the mapping, and alive as long; its memory is zero or any
    // other number, each of which is a value of its atomics; all accesses, the forger's too, are atomic.
    let event: &Event<0> = unsafe { mapping.as_ptr().cast().as_ref() };
    // SAFETY: as above, for that many words.
    let forged = unsafe {
        core::slice::from_raw_parts(forger.as_ptr().cast::<std::sync::atomic::AtomicU32>().as_ptr(), WORDS)
    };
    let futex = Futex::shared();
    let garbage = [0, 1, 2, 3, 4, 5, 7, 0x8000_0000, u32::MAX - 4, u32::MAX - 3, u32::MAX - 1, u32::MAX];
    for word in forged {
        for before in garbage {
            for during in garbage {
                word.store(before, std::sync::atomic::Ordering::SeqCst);
                event.signal(&futex, 1);
                event.signal_all(&futex);
                let _ = event.waiting();
                let mut looks = 0;
                let until = Deadline::after(Duration::from_micros(100));
                let result = event.wait_until(&futex, Strategy::block(), until, || -> Option<()> {
                    looks += 1;
                    word.store(during, std::sync::atomic::Ordering::SeqCst);
                    None
                });
                assert_eq!(result, Err(TimedOut));
                assert!(until.is_past() && looks >= 2);
                event.signal(&futex, u32::MAX);
                for word in forged {
                    word.store(0, std::sync::atomic::Ordering::SeqCst);
                }
            }
        }
    }
    // While somebody sleeps, all words are garbage, and change: it sleeps on until its deadline, or until it is woken.
    thread::scope(|scope| {
        let begun = Deadline::now();
        let (slice, until) =
            (Strategy::timed(Duration::from_millis(5)), begun.plus(Duration::from_millis(50)));
        let waiting = scope.spawn(move || event.wait_until(&futex, slice, until, || None::<()>));
        let mut number = 1_u32;
        while !waiting.is_finished() {
            for word in forged {
                number = number.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                word.store(number, std::sync::atomic::Ordering::SeqCst);
            }
            event.signal(&futex, number);
        }
        assert_eq!(waiting.join().unwrap(), Err(TimedOut));
        assert!(Deadline::now().since(begun) < SOON);
    });
}
