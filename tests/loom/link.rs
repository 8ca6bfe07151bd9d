//! `Link`: entries across two windows, and the end of it.

use annulet::link::{Link, LinkError, Window};
use annulet::words::{ReadWords, WriteWords};
use loom::sync::Arc;

use crate::harness::{Main, at_once};

models! {
    d01_entries_are_handed_over_and_slots_back kills [WordsPublish WordsObserve] twin m03_a_sender_does_not_wait_for_room;
    d18_batches_of_entries_are_handed_over_whole kills [WordsPublish WordsObserve];
    d07_everything_arrives_before_closed kills [WordsPublish WordsObserve];
    a12_a_reset_waits_for_the_peer_before_it_writes kills [WordsPublish WordsObserve] twin m03_a_reset_that_does_not_wait;
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
        move || (0..4).fold(0, |sent, _| sent + u32::from(tx.send(&entry(sent)).is_ok())),
        move || {
            let mut seen = 0;
            for _ in 0..3 {
                if let Ok(entry) = rx.recv() {
                    expect(&mut seen, entry);
                }
            }
            (seen, rx)
        },
    );
    while let Ok(entry) = rx.recv() {
        expect(&mut seen, entry);
    }
    assert_eq!(seen, sent);
}

fn d18_batches_of_entries_are_handed_over_whole(main: Main) {
    let (mut tx, mut rx) = sides();
    let (sent, (mut seen, mut rx)) = at_once(
        main,
        move || {
            let mut sent = 0;
            for _ in 0..2 {
                sent += tx.send_iter((sent..).map(entry)).unwrap_or(0) as u32;
            }
            sent
        },
        move || {
            let mut seen = 0;
            for _ in 0..2 {
                let _ = rx.drain(2, |entry| expect(&mut seen, entry));
            }
            (seen, rx)
        },
    );
    let _ = rx.drain(2, |entry| expect(&mut seen, entry));
    assert_eq!(seen, sent);
}

/// The closing word and the tail are one word: whoever sees the link closed has seen all there is.
fn d07_everything_arrives_before_closed(main: Main) {
    let (mut tx, mut rx) = sides();
    let (_, seen) = at_once(
        main,
        move || {
            tx.send(&entry(0)).unwrap();
            tx.send(&entry(1)).unwrap();
            tx.close();
        },
        move || {
            let mut seen = 0;
            for _ in 0..3 {
                match rx.recv() {
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
    tx.send(&entry(0)).unwrap();
    tx.send(&entry(1)).unwrap();
    at_once(
        main,
        move || {
            tx.reset().unwrap();
            let mut next = 10;
            for _ in 0..2 {
                match tx.send(&entry(next)) {
                    Ok(()) => next += 1,
                    Err(why) => assert_eq!(why, LinkError::StaleEpoch),
                }
            }
        },
        move || {
            let mut seen = 0;
            for _ in 0..3 {
                match rx.recv() {
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
    tx.send(&entry(0)).unwrap();
    tx.send(&entry(1)).unwrap();
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
            expect(&mut seen, rx.recv().unwrap());
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
    tx.send(&entry(0)).unwrap();
    at_once(
        main,
        move || {
            tx.reset().unwrap();
            for (k, word) in entry(10).into_iter().enumerate() {
                a.write(3 + k, word);
            }
        },
        move || {
            if let Ok(arrived) = rx.recv() {
                expect(&mut 0, arrived);
            }
        },
    );
}
