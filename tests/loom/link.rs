//! `Link`: entries across two windows, and the end of it.

use annulet::link::{Interest, Link, LinkError, Window};
use annulet::wait::Deadline;
use annulet::words::{OwnMapping, PeerMapping, ReadWords, WriteWords};
use loom::sync::Arc;

use crate::harness::{Main, at_once};
use crate::platform::{Platform, lent};

models! {
    fn d01_entries_are_handed_over_and_slots_back kills [WordsPublish WordsObserve] mutant m03_a_sender_does_not_wait_for_room;
    fn d01_entries_are_handed_over_through_mappings kills [WordsPublish MappingObserve];
    fn d18_batches_of_entries_are_handed_over_whole kills [WordsPublish WordsObserve];
    fn d07_everything_arrives_before_closed kills [WordsPublish WordsObserve];
    fn a12_a_reset_waits_for_the_peer_before_it_writes kills [WordsPublish WordsObserve] mutant m03_a_reset_that_does_not_wait;
    fn d06_a_send_against_a_sleep = |main| send_and_sleep(main, true),
        kills [SleepFence RouseFence] mutant |main| send_and_sleep(main, false);
    fn d06_room_against_a_sleep = |main| room_and_sleep(main, true),
        kills [SleepFence RouseFence] mutant |main| room_and_sleep(main, false);
    fn d06_a_close_against_a_sleep = |main| close_and_sleep(main, true),
        kills [SleepFence RouseFence] mutant |main| close_and_sleep(main, false);
    fn d06_a_sleep_in_each_direction kills [SleepFence RouseFence] mutant d06_mutant_says_that_it_sleeps_too_late;
}

type Entry = [u32; 2];
type Side = Link<Entry, 2, Place, Place>;

/// A window that both threads keep.
#[derive(Clone)]
struct Place(Arc<Window<Entry, 2>>);

impl ReadWords for Place {
    fn read(&self, at: usize) -> u32 {
        self.0.read(at)
    }
    fn observe(&self, at: usize) -> u32 {
        self.0.observe(at)
    }
}

impl WriteWords for Place {
    fn write(&self, at: usize, value: u32) {
        self.0.write(at, value);
    }
    fn publish(&self, at: usize, value: u32) {
        self.0.publish(at, value);
    }
}

fn sides() -> (Side, Side) {
    let place = || Place(Arc::new(Window::new()));
    let (a, b) = (place(), place());
    (Link::new(a.clone(), b.clone()), Link::new(b, a))
}

/// Two words that belong together: an entry that is torn, or of another lap, shows.
fn entry(n: u32) -> Entry {
    [n, !n]
}

fn expect(seen: &mut u32, [n, inverse]: Entry) {
    assert_eq!((n, inverse), (*seen, !*seen), "another entry, or a torn one");
    *seen += 1;
}

/// More entries than fit, so that slots are written a second time.
fn d01_entries_are_handed_over_and_slots_back(main: Main) {
    let (mut tx, mut rx) = sides();
    let (sent, (mut seen, mut rx)) = at_once(
        main,
        move || (0..4).fold(0, |sent, _| sent + u32::from(tx.try_send(&entry(sent)).is_ok())),
        move || {
            let mut seen = 0;
            for _ in 0..3 {
                if let Ok(entry) = rx.try_recv() {
                    expect(&mut seen, entry);
                }
            }
            (seen, rx)
        },
    );
    while let Ok(entry) = rx.try_recv() {
        expect(&mut seen, entry);
    }
    assert_eq!(seen, sent);
}

/// The same through what other processes have mapped: the load that finds an entry is Relaxed there, and a fence.
fn d01_entries_are_handed_over_through_mappings(main: Main) {
    let windows = Arc::new([Window::<Entry, 2>::new(), Window::<Entry, 2>::new()]);
    let base = |at: usize| std::ptr::NonNull::from(&windows[at]).cast();
    // SAFETY: a window is atomics of the model, as many as its extent says, and the `Arc` keeps it where it is.
    let own = |at| unsafe { OwnMapping::<Window<Entry, 2>, _>::new(base(at), Arc::clone(&windows)) };
    // SAFETY: as above.
    let foreign = |at| unsafe { PeerMapping::<Window<Entry, 2>, _>::new(base(at), Arc::clone(&windows)) };
    let (mut tx, mut rx) =
        (Link::<Entry, 2, _, _>::new(own(0), foreign(1)), Link::<Entry, 2, _, _>::new(own(1), foreign(0)));
    let (sent, seen) = at_once(
        main,
        move || (0..3).fold(0, |sent, _| sent + u32::from(tx.try_send(&entry(sent)).is_ok())),
        move || {
            let mut seen = 0;
            for _ in 0..3 {
                if let Ok(entry) = rx.try_recv() {
                    expect(&mut seen, entry);
                }
            }
            seen
        },
    );
    assert!(seen <= sent);
}

fn d18_batches_of_entries_are_handed_over_whole(main: Main) {
    let (mut tx, mut rx) = sides();
    let (sent, (mut seen, mut rx)) = at_once(
        main,
        move || {
            let mut sent = 0;
            for _ in 0..2 {
                sent += tx.try_send_iter((sent..).map(entry)).unwrap_or(0) as u32;
            }
            sent
        },
        move || {
            let mut seen = 0;
            for _ in 0..2 {
                let _ = rx.try_drain(2, |entry| expect(&mut seen, entry));
            }
            (seen, rx)
        },
    );
    let _ = rx.try_drain(2, |entry| expect(&mut seen, entry));
    assert_eq!(seen, sent);
}

/// The closing word and the tail are one word: whoever sees the link closed has seen all there is.
fn d07_everything_arrives_before_closed(main: Main) {
    let (mut tx, mut rx) = sides();
    let (_, seen) = at_once(
        main,
        move || {
            tx.try_send(&entry(0)).unwrap();
            tx.try_send(&entry(1)).unwrap();
            tx.close();
        },
        move || {
            let mut seen = 0;
            for _ in 0..3 {
                match rx.try_recv() {
                    Ok(entry) => expect(&mut seen, entry),
                    Err(LinkError::Closed) => return Some(seen),
                    Err(why) => assert_eq!(why, LinkError::Empty),
                }
            }
            None
        },
    );
    if let Some(seen) = seen {
        assert_eq!(seen, 2, "closed before everything was received");
    }
}

/// A reset while the peer is reading: the slots are not written again before it has followed.
fn a12_a_reset_waits_for_the_peer_before_it_writes(main: Main) {
    let (mut tx, mut rx) = sides();
    tx.try_send(&entry(0)).unwrap();
    tx.try_send(&entry(1)).unwrap();
    at_once(
        main,
        move || {
            tx.reset().unwrap();
            let mut next = 10;
            for _ in 0..2 {
                match tx.try_send(&entry(next)) {
                    Ok(()) => next += 1,
                    Err(why) => assert_eq!(why, LinkError::StaleEpoch),
                }
            }
        },
        move || {
            let mut seen = 0;
            for _ in 0..3 {
                match rx.try_recv() {
                    Ok(entry) => expect(&mut seen, entry),
                    Err(LinkError::PeerReset) => {
                        rx.reset().unwrap();
                        seen = 10;
                    }
                    Err(why) => assert_eq!(why, LinkError::Empty),
                }
            }
        },
    );
}

/// The step that is left out is waiting for room: a slot is written while it may be read.
fn m03_a_sender_does_not_wait_for_room(main: Main) {
    let place = || Place(Arc::new(Window::<Entry, 2>::new()));
    let (a, b) = (place(), place());
    let mut tx: Side = Link::new(a.clone(), b.clone());
    let mut rx: Side = Link::new(b, a.clone());
    tx.try_send(&entry(0)).unwrap();
    tx.try_send(&entry(1)).unwrap();
    at_once(
        main,
        move || {
            // The first slot, behind the three words of a window: entry 2 over entry 0.
            for (k, word) in entry(2).into_iter().enumerate() {
                a.write(3 + k, word);
            }
        },
        move || {
            let mut seen = 0;
            expect(&mut seen, rx.try_recv().unwrap());
        },
    );
}

/// The step that is left out is waiting for the peer to follow: slots are written in the new epoch while it reads
/// them in the old one.
fn m03_a_reset_that_does_not_wait(main: Main) {
    let place = || Place(Arc::new(Window::<Entry, 2>::new()));
    let (a, b) = (place(), place());
    let mut tx: Side = Link::new(a.clone(), b.clone());
    let mut rx: Side = Link::new(b, a.clone());
    tx.try_send(&entry(0)).unwrap();
    at_once(
        main,
        move || {
            tx.reset().unwrap();
            for (k, word) in entry(10).into_iter().enumerate() {
                a.write(3 + k, word);
            }
        },
        move || {
            if let Ok(arrived) = rx.try_recv() {
                expect(&mut 0, arrived);
            }
        },
    );
}

/// Two windows, and what those who wait sleep with.
struct Stage {
    windows: [Window<Entry, 2>; 2],
    platform: Platform,
}

/// A side that sleeps, and wakes the other one, as endpoints and kernels do: on the words of windows.
struct Sleeper {
    side: Link<Entry, 2, &'static Window<Entry, 2>, &'static Window<Entry, 2>>,
    platform: &'static Platform,
}

/// What sleepers on that word of this window have in common.
fn key(window: &Window<Entry, 2>, what: Interest) -> usize {
    std::ptr::from_ref(window) as usize + what.word()
}

/// Lends both sides of a link.
fn with_sleepers(play: impl FnOnce(Sleeper, Sleeper)) {
    lent(Stage { windows: [Window::new(), Window::new()], platform: Platform::new() }, |stage| {
        let Stage { windows: [a, b], platform } = &*stage;
        play(Sleeper { side: Link::new(a, b), platform }, Sleeper { side: Link::new(b, a), platform });
    });
}

impl Sleeper {
    /// Wakes the peer, if it says that it sleeps for this.
    fn wake(&self, what: Interest) {
        if self.side.needs_notification(what) {
            self.platform.wake(key(self.side.mine(), what), 1);
        }
    }

    /// Looks until there is something, asleep in between. There is no deadline: a wake-up that is lost is a deadlock.
    fn wait<R>(
        &mut self,
        what: Interest,
        look: impl Fn(&mut Self) -> Result<R, LinkError>,
    ) -> Result<R, LinkError> {
        let found = loop {
            let seen = self.side.enable_notification(what);
            match look(self) {
                Err(LinkError::Empty | LinkError::Full) => {}
                found => break found,
            }
            self.sleep(what, seen);
        };
        self.side.disable_notification();
        found
    }

    fn sleep(&self, what: Interest, seen: u32) {
        let theirs = self.side.theirs();
        self.platform.sleep(key(theirs, what), || theirs.read(what.word()) == seen, Deadline::NEVER);
    }
}

fn send_and_sleep(main: Main, looks: bool) {
    with_sleepers(|mut tx, mut rx| {
        at_once(
            main,
            move || {
                tx.side.try_send(&entry(0)).unwrap();
                if looks {
                    tx.wake(Interest::Readable);
                }
            },
            move || assert_eq!(rx.wait(Interest::Readable, |rx| rx.side.try_recv()), Ok(entry(0))),
        );
    });
}

/// The ring is full, and who sends sleeps until there is room.
fn room_and_sleep(main: Main, looks: bool) {
    with_sleepers(|mut tx, mut rx| {
        (0..2).for_each(|n| tx.side.try_send(&entry(n)).unwrap());
        at_once(
            main,
            move || tx.wait(Interest::Writable, |tx| tx.side.try_send(&entry(2))).unwrap(),
            move || {
                assert_eq!(rx.side.try_recv(), Ok(entry(0)));
                if looks {
                    rx.wake(Interest::Writable);
                }
            },
        );
    });
}

fn close_and_sleep(main: Main, looks: bool) {
    with_sleepers(|mut tx, mut rx| {
        at_once(
            main,
            move || {
                tx.side.close();
                if looks {
                    tx.wake(Interest::Readable);
                }
            },
            move || assert_eq!(rx.wait(Interest::Readable, |rx| rx.side.try_recv()), Err(LinkError::Closed)),
        );
    });
}

/// A question and its answer: each side sends, wakes the other, and sleeps, with one wake word for both.
fn d06_a_sleep_in_each_direction(main: Main) {
    with_sleepers(|mut one, mut other| {
        at_once(
            main,
            move || {
                one.side.try_send(&entry(0)).unwrap();
                one.wake(Interest::Readable);
                assert_eq!(one.wait(Interest::Readable, |rx| rx.side.try_recv()), Ok(entry(1)));
            },
            move || {
                assert_eq!(other.wait(Interest::Readable, |rx| rx.side.try_recv()), Ok(entry(0)));
                other.side.try_send(&entry(1)).unwrap();
                other.wake(Interest::Readable);
            },
        );
    });
}

/// The step out of order is saying that one sleeps: it is said after the look.
fn d06_mutant_says_that_it_sleeps_too_late(main: Main) {
    with_sleepers(|mut tx, mut rx| {
        at_once(
            main,
            move || {
                tx.side.try_send(&entry(0)).unwrap();
                tx.wake(Interest::Readable);
            },
            move || {
                if rx.side.try_recv() == Err(LinkError::Empty) {
                    let seen = rx.side.enable_notification(Interest::Readable);
                    rx.sleep(Interest::Readable, seen);
                }
            },
        );
    });
}
