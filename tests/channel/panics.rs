//! Iterators and closures that panic: nothing is lost, and nobody is stranded.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;
use std::time::Duration;

use annulet::Channel;
use annulet::host::Futex;
use annulet::wait::{Deadline, Event, Strategy};
use annulet::{Mpmc, Spsc};

use crate::common::{Probe, Watchdog};
use crate::kinds::{Chan, N, Rx, Tx, fill};

/// Numbers from `start` on, and then a panic.
fn until_it_panics(start: u32, count: u32) -> impl Iterator<Item = u32> {
    (start..).map(move |item| if item < start + count { item } else { panic!("no more") })
}

/// What is received is a beginning of what was taken from the iterator, and the channel goes on.
fn rm05_an_iterator_that_panics_breaks_nothing<C: Chan>() {
    let channel = C::new(&Probe::new());
    let (mut tx, mut rx) = channel.ends();
    assert!(catch_unwind(AssertUnwindSafe(|| tx.send_iter(&mut until_it_panics(0, 2)))).is_err());
    let mut got = Vec::new();
    while rx.try_drain(9, &mut |item| got.push(item)).is_ok() {}
    assert!(got.len() <= 2 && got.iter().copied().eq(0..got.len() as u32), "{got:?}");
    for item in 10..30 {
        tx.send(item).unwrap();
        assert_eq!(rx.recv(), Ok(item));
    }
}

/// A closure that panics in a batch: its room is told, and the channel goes on.
fn rm05_a_drain_that_panics_strands_no_sender<C: Chan>() {
    if C::OVERWRITES {
        return;
    }
    let probe = Probe::new();
    let channel = C::new(&probe);
    let (mut tx, mut rx) = channel.ends();
    fill(&mut tx);
    thread::scope(|scope| {
        let sending = scope.spawn(move || tx.send(77));
        probe.until_asleep(1);
        let drained = catch_unwind(AssertUnwindSafe(|| rx.drain(N, &mut |_| panic!("not this one"))));
        assert!(drained.is_err());
        sending.join().unwrap().unwrap();
        loop {
            if rx.recv() == Ok(77) {
                break;
            }
        }
    });
}

over_every_channel! {
    rm05_an_iterator_that_panics_breaks_nothing
    rm05_a_drain_that_panics_strands_no_sender
}

/// Items that went before the panic are told to who waits for them.
#[test]
fn rm07_what_was_sent_before_a_panic_wakes_its_receiver() {
    let _watchdog = Watchdog::new();
    let probe = Probe::new();
    let channel = Channel::<Mpmc<u32, 4>, Probe>::over(Mpmc::new(), probe.clone());
    let (mut tx, mut rx) = channel.try_split().unwrap();
    thread::scope(|scope| {
        let receiving = scope.spawn(move || rx.recv());
        probe.until_asleep(1);
        // Claimed one by one, since it does not say how many it has.
        let mut items = until_it_panics(5, 1).filter(|_| true);
        assert!(catch_unwind(AssertUnwindSafe(|| tx.send_iter(&mut items))).is_err());
        assert_eq!(receiving.join().unwrap(), Ok(5));
    });
}

/// A slot is claimed for an item that does not come, while another sender's item is behind it and its receiver has been
/// told of that one, looked, and gone back to sleep: that it is given up has to be told.
#[test]
fn rm07_a_slot_that_is_given_up_wakes_for_what_is_behind_it() {
    let _watchdog = Watchdog::new();
    for panics in [false, true] {
        let probe = Probe::new();
        let channel = Channel::<Mpmc<u32, 4>, Probe>::over(Mpmc::new(), probe.clone());
        let (mut tx, mut rx) = channel.try_split().unwrap();
        let mut other = tx.clone();
        thread::scope(|scope| {
            let receiving = scope.spawn(move || rx.recv());
            probe.until_asleep(1);
            let mut items = core::iter::from_fn(|| {
                // Now the slot is claimed.
                other.send(5).unwrap();
                thread::sleep(Duration::from_millis(20));
                probe.until_asleep(1);
                assert!(!panics, "no item after all");
                None
            });
            let sent = catch_unwind(AssertUnwindSafe(|| tx.send_iter(&mut items)));
            assert_eq!(sent.is_err(), panics);
            assert_eq!(receiving.join().unwrap(), Ok(5));
        });
    }
}

/// Of two who wait, the one that is woken panics in its look: the other one is woken in its place.
#[test]
fn rm07_a_look_that_panics_passes_its_wake_on() {
    let _watchdog = Watchdog::new();
    let probe = Probe::over(Futex::new());
    let data = Event::<0>::new();
    let mut ring = Spsc::<u32, 4>::new();
    let (mut tx, rx) = ring.split();
    let rx = std::sync::Mutex::new(rx);
    let armed = std::sync::atomic::AtomicBool::new(false);
    thread::scope(|scope| {
        let wait = |panics: bool| {
            let (probe, data, rx, armed) = (&probe, &data, &rx, &armed);
            scope.spawn(move || {
                let look = || {
                    if panics && armed.load(std::sync::atomic::Ordering::SeqCst) {
                        std::panic::resume_unwind(Box::new(()));
                    }
                    rx.lock().unwrap().try_pop().ok()
                };
                catch_unwind(AssertUnwindSafe(|| {
                    data.wait_until(probe, Strategy::block(), Deadline::NEVER, look)
                }))
            })
        };
        // The kernel wakes the one first who slept first.
        let first = wait(true);
        probe.until_asleep(1);
        let second = wait(false);
        probe.until_asleep(2);
        armed.store(true, std::sync::atomic::Ordering::SeqCst);
        tx.try_push(7).unwrap();
        data.signal(&probe, 1);
        assert_eq!(second.join().unwrap().unwrap(), Ok(7));
        // Where the kernel has another order, it sleeps still.
        data.signal_all(&probe);
        assert!(first.join().unwrap().is_err());
    });
}
