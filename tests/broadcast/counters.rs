//! What a ring that counts has counted: every answer of every operation, and nothing else.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use annulet::Broadcast;
use annulet::error::{PopError, PushError};
use annulet::ring::broadcast::{Gated, JoinError, LatestError, OverflowPolicy, Overwrite, ReadError, Reader};
use annulet::stats::{BroadcastStats, Counts, DirectionStats, Off};
use annulet::words::Entry;

use crate::model::{Fuse, Item, item};
use crate::over::Over;
use crate::patience::Patience;

type Counted<T, const N: usize, P = Overwrite> = Broadcast<T, N, P, Counts>;

/// What was moved: items, batches, most at once.
fn moved(flow: DirectionStats) -> [usize; 3] {
    [flow.items, flow.batches, flow.largest]
}

/// What was not: full or empty, pending, contended.
fn refused(flow: DirectionStats) -> [usize; 3] {
    [flow.refused, flow.pending, flow.contended]
}

/// Adds what an operation must have counted, and compares.
#[derive(Default)]
struct Ledger {
    published: DirectionStats,
    received: DirectionStats,
    lagged: DirectionStats,
}

impl Ledger {
    fn add(flow: &mut DirectionStats, items: usize) {
        flow.items += items;
        flow.batches += usize::from(items > 0);
        flow.largest = flow.largest.max(items);
    }

    fn check<T: Entry, const N: usize>(&self, ring: &Counted<T, N>, operation: &str) {
        assert_eq!(
            (ring.stats().writer, ring.stats().readers),
            (self.published, self.received),
            "{operation}"
        );
        assert_eq!(ring.lagged(), self.lagged, "{operation}");
    }

    fn check_gated<T: Entry, const N: usize, P: OverflowPolicy>(
        &self,
        ring: &Counted<T, N, P>,
        operation: &str,
    ) {
        assert_eq!(
            (ring.stats().writer, ring.stats().readers),
            (self.published, self.received),
            "{operation}"
        );
    }
}

#[test]
fn rv17_rm20_each_operation_of_an_overwriting_ring_is_counted() {
    let mut ring = Counted::<Item, 4>::starting_at(usize::MAX - 2);
    let mut ledger = Ledger::default();
    let (mut writer, ring) = ring.split();
    let (mut reader, mut other) = (ring.reader_at_oldest(), ring.reader_at_newest());
    let many: Vec<Item> = (0..11).map(item).collect();
    let mut out = [[0; 3]; 9];
    ledger.check(ring, "nothing");

    // Refused, in each form that wants something.
    assert_eq!(reader.try_read(), Err(ReadError::Empty));
    assert_eq!(reader.try_read_slice(&mut out), Err(ReadError::Empty));
    assert_eq!(reader.try_drain(3, |_| ()), Err(ReadError::Empty));
    assert_eq!(reader.latest(), Err(LatestError::Empty));
    assert_eq!((reader.skip(1), reader.skip(u64::MAX)), (0, 0));
    ledger.received.refused += 6;
    ledger.check(ring, "empty");

    // And in none that does not.
    assert_eq!(reader.try_read_slice(&mut []), Ok(0));
    assert_eq!((reader.try_drain(0, |_| ()), reader.skip(0)), (Ok(0), 0));
    writer.publish_slice(&[]);
    let _ = (reader.lag(), reader.len(), reader.is_empty(), reader.backpressure(), writer.len(), ring.len());
    ledger.check(ring, "nothing wanted");

    writer.publish(many[0]);
    Ledger::add(&mut ledger.published, 1);
    ledger.check(ring, "publish");
    writer.publish_slice(&many[..3]);
    Ledger::add(&mut ledger.published, 3);
    ledger.check(ring, "publish_slice");

    assert!(reader.try_read().is_ok());
    Ledger::add(&mut ledger.received, 1);
    ledger.check(ring, "try_read");
    assert_eq!(reader.try_read_slice(&mut out[..2]), Ok(2));
    Ledger::add(&mut ledger.received, 2);
    ledger.check(ring, "try_read_slice");
    assert_eq!(other.try_drain(3, |_| ()), Ok(3));
    Ledger::add(&mut ledger.received, 3);
    ledger.check(ring, "drain, of the same items, by another reader");
    assert!(reader.latest().is_ok());
    assert!(reader.clone().latest().is_ok());
    ledger.check(ring, "latest takes nothing");
    assert_eq!((reader.skip(9), other.try_drain(9, |_| ())), (1, Ok(1)));
    Ledger::add(&mut ledger.received, 1);
    Ledger::add(&mut ledger.received, 1);
    ledger.check(ring, "skip and drain, all there is");

    // The readers are told once for each lap of a long slice, so it is so many batches.
    writer.publish_slice(&many);
    [4, 4, 3].into_iter().for_each(|part| Ledger::add(&mut ledger.published, part));
    ledger.check(ring, "publish_slice, longer than the ring");
    // 11 published, 4 left: each reader misses 7, told by each form once.
    let mut third = reader.clone();
    assert_eq!(reader.try_read(), Err(ReadError::Lagged(7)));
    assert_eq!(other.try_drain(9, |_| ()), Err(ReadError::Lagged(7)));
    assert_eq!(third.clone().try_read_slice(&mut out), Err(ReadError::Lagged(7)));
    (0..3).for_each(|_| Ledger::add(&mut ledger.lagged, 7));
    ledger.check(ring, "lagged");
    // Or passed over.
    assert_eq!(third.skip(8), 8);
    Ledger::add(&mut ledger.received, 8);
    ledger.check(ring, "skip, of what is missed");
    assert_eq!(third.try_read_slice(&mut out), Ok(3));
    Ledger::add(&mut ledger.received, 3);
    ledger.check(ring, "try_read_slice, of fewer than wanted");

    // What goes half way is told by the next call.
    let mut told = 0;
    let half = reader.try_drain(9, |_| {
        if told == 0 {
            writer.publish_slice(&many[..3]);
        }
        told += 1;
    });
    assert_eq!((half, reader.try_read()), (Ok(1), Err(ReadError::Lagged(2))));
    Ledger::add(&mut ledger.published, 3);
    Ledger::add(&mut ledger.received, 1);
    Ledger::add(&mut ledger.lagged, 2);
    ledger.check(ring, "drain, overtaken");

    // Whoever writes next goes on counting, and so does who splits the ring again.
    drop(writer);
    ring.try_writer().unwrap().publish(many[0]);
    Ledger::add(&mut ledger.published, 1);
    ledger.check(ring, "another writer");
    assert_eq!((refused(ring.stats().writer), refused(ring.lagged())), ([0; 3], [0; 3]));
}

#[test]
fn rv17_rm20_each_operation_of_a_gated_ring_is_counted() {
    let mut ring = Counted::<Item, 4, Gated<2>>::starting_at(usize::MAX - 2);
    let mut ledger = Ledger::default();
    let (mut writer, ring) = ring.split();
    let many: Vec<Item> = (0..9).map(item).collect();
    let mut out = [[0; 3]; 9];

    let (mut reader, mut other) = (ring.join_at_oldest().unwrap(), ring.join_at_newest().unwrap());
    assert_eq!(ring.join_at_newest().unwrap_err(), JoinError::NoPlace);
    ledger.check_gated(ring, "joining");
    assert_eq!(reader.try_read(), Err(PopError::Empty));
    assert_eq!((reader.read_slice(&mut out), reader.skip(1), reader.skip(usize::MAX)), (0, 0, 0));
    ledger.received.refused += 4;
    ledger.check_gated(ring, "empty");
    assert_eq!((reader.read_slice(&mut []), reader.skip(0), writer.publish_partial_slice(&[])), (0, 0, 0));
    assert!(writer.has_room() && reader.is_empty());
    let _ = (reader.len(), reader.backpressure(), writer.readers(), writer.backpressure(), ring.len());
    ledger.check_gated(ring, "nothing wanted");

    writer.try_publish(many[0]).unwrap();
    Ledger::add(&mut ledger.published, 1);
    ledger.check_gated(ring, "try_publish");
    assert_eq!(writer.publish_partial_slice(&many), 3);
    Ledger::add(&mut ledger.published, 3);
    ledger.check_gated(ring, "publish_partial_slice, of fewer than wanted");
    assert_eq!(writer.try_publish(many[0]), Err(PushError::Full(many[0])));
    assert_eq!(writer.publish_partial_slice(&many), 0);
    ledger.published.refused += 2;
    ledger.check_gated(ring, "full");
    assert_eq!((writer.publish_partial_slice(&[]), writer.has_room()), (0, false));
    ledger.check_gated(ring, "looking, at a full ring");

    assert!(reader.try_read().is_ok());
    Ledger::add(&mut ledger.received, 1);
    ledger.check_gated(ring, "try_read");
    assert_eq!(reader.read_slice(&mut out), 3);
    Ledger::add(&mut ledger.received, 3);
    ledger.check_gated(ring, "read_slice");
    assert_eq!(writer.publish_partial_slice(&many), 0);
    ledger.published.refused += 1;
    ledger.check_gated(ring, "full, for the slower reader");
    assert_eq!((other.skip(2), other.skip(9)), (2, 2));
    Ledger::add(&mut ledger.received, 2);
    Ledger::add(&mut ledger.received, 2);
    ledger.check_gated(ring, "skip");
    drop((reader, other));
    assert_eq!(writer.publish_partial_slice(&many), 4);
    Ledger::add(&mut ledger.published, 4);
    ledger.check_gated(ring, "to nobody");
    let BroadcastStats { writer: published, readers: received, .. } = ring.stats();
    assert_eq!((moved(published), refused(published)), ([8, 3, 4], [3, 0, 0]));
    assert_eq!((moved(received), refused(received)), ([8, 4, 3], [4, 0, 0]));
}

fn panics<R>(operation: impl FnOnce() -> R) {
    assert!(catch_unwind(AssertUnwindSafe(operation)).is_err());
}

/// What went before a panic went, and what it interrupted did not.
#[test]
fn rm20_a_panic_is_counted_for_what_it_let_through() {
    let mut ring = Counted::<Fuse, 4>::new();
    let mut ledger = Ledger::default();
    let (mut writer, ring) = ring.split();
    let mut reader = ring.reader_at_oldest();
    panics(|| writer.publish(Fuse(13)));
    panics(|| writer.publish_slice(&[Fuse(1), Fuse(13)]));
    ledger.check(ring, "nothing was published");
    panics(|| writer.publish_slice(&[1, 2, 3, 4, 13].map(Fuse)));
    Ledger::add(&mut ledger.published, 4);
    ledger.check(ring, "one lap was");
    // The fifth has overwritten nothing, but the oldest had to go for it.
    assert_eq!(reader.try_read(), Err(ReadError::Lagged(1)));
    Ledger::add(&mut ledger.lagged, 1);
    panics(|| reader.try_drain(9, |seen| assert_ne!(seen, Fuse(3))));
    Ledger::add(&mut ledger.received, 2);
    ledger.check(ring, "the one that was shown is read");
    writer.publish(Fuse(14));
    Ledger::add(&mut ledger.published, 1);
    panics(|| reader.try_drain(9, |_| ()));
    Ledger::add(&mut ledger.received, 1);
    ledger.check(ring, "the one that could not be made is not");
    panics(|| reader.try_read());
    panics(|| reader.latest());
    ledger.check(ring, "nothing was read");

    let ring = Counted::<Fuse, 4, Gated<1>>::new();
    let mut ledger = Ledger::default();
    let (mut writer, mut reader) = (ring.try_writer().unwrap(), ring.join_at_oldest().unwrap());
    panics(|| writer.try_publish(Fuse(13)));
    panics(|| writer.publish_partial_slice(&[Fuse(1), Fuse(13)]));
    assert_eq!(writer.publish_partial_slice(&[Fuse(1), Fuse(14)]), 2);
    Ledger::add(&mut ledger.published, 2);
    panics(|| reader.read_slice(&mut [Fuse(0); 2]));
    ledger.check_gated(&ring, "nothing was read");
}

/// A ring that counts is a constant, all-zero memory is one, and one that does not has nothing of it.
#[test]
fn rv17_rr11_counters_are_zero_and_off_is_nothing() {
    static COUNTED: Counted<u32, 2> = Counted::new();
    static HELD: Counted<u32, 2, Gated<1>> = Counted::new();
    COUNTED.try_writer().unwrap().publish(1);
    HELD.try_writer().unwrap().try_publish(1).unwrap();
    assert_eq!((moved(COUNTED.stats().writer), moved(HELD.stats().writer)), ([1; 3], [1; 3]));

    let zeroed = std::mem::MaybeUninit::<Counted<Item, 4, Gated<3>>>::zeroed();
    // SAFETY: it is made of atomic integers only, for which zeros are valid.
    let mut zeroed = unsafe { zeroed.assume_init() };
    assert_eq!(zeroed.stats(), Default::default());
    let (mut writer, zeroed) = zeroed.split();
    writer.try_publish(item(1)).unwrap();
    assert_eq!(moved(zeroed.stats().writer), [1; 3]);

    assert_eq!(size_of::<Broadcast<u32, 4, Overwrite, Off>>(), size_of::<Broadcast<u32, 4>>());
    assert_eq!(size_of::<Broadcast<u32, 4, Gated<2>, Off>>(), size_of::<Broadcast<u32, 4, Gated<2>>>());
    assert!(size_of::<Counted<u32, 4>>() >= size_of::<Broadcast<u32, 4>>() + 3 * size_of::<DirectionStats>());
    assert_eq!(size_of::<Reader<'_, u32, 4, Counts>>(), size_of::<Reader<'_, u32, 4>>());
}

/// Items published in a threaded test.
const ITEMS: u64 = if cfg!(miri) { 24 } else { 40_000 };

/// The same where the writer waits, which is a turn of each thread for each lap, however busy the machine is.
const HELD: u64 = if cfg!(miri) { 12 } else { 2_000 };

/// Reads in every form until all are read or missed; what it was answered. The largest are the largest of all.
fn answers<const N: usize>(ring: &Counted<u64, N>, mut reader: Reader<'_, u64, N, Counts>) -> Ledger {
    let patience = Patience::new();
    let mut ledger = Ledger::default();
    let mut next = 0;
    let mut turn = 0;
    while next < ITEMS {
        turn += 1;
        let read = match turn % 4 {
            0 => reader.try_read().map(|_| 1),
            1 => reader.try_read_slice(&mut [0; 3]),
            2 => reader.try_drain(usize::MAX, |_| ()),
            _ => match reader.skip(2) {
                0 => Err(ReadError::Empty),
                passed => Ok(passed as usize),
            },
        };
        match reader.latest() {
            Ok(number) => {
                assert!(ring.stats().writer.items as u64 > number, "it is counted before it can be read");
            }
            Err(LatestError::Empty) => ledger.received.refused += 1,
            Err(LatestError::Contended) => ledger.received.contended += 1,
            Err(error) => panic!("{error}"),
        }
        match read {
            Ok(items) => {
                Ledger::add(&mut ledger.received, items);
                next += items as u64;
            }
            Err(ReadError::Lagged(missed)) => {
                Ledger::add(&mut ledger.lagged, missed as usize);
                next += missed;
            }
            Err(_) => {
                ledger.received.refused += 1;
                patience.wait();
            }
        }
    }
    assert_eq!(next, ITEMS);
    ledger
}

/// The sum of what each end was answered.
fn sum(flows: impl Iterator<Item = DirectionStats>) -> DirectionStats {
    flows.fold(DirectionStats::default(), |mut sum, flow| {
        sum.items += flow.items;
        sum.batches += flow.batches;
        sum.largest = sum.largest.max(flow.largest);
        sum.refused += flow.refused;
        sum.contended += flow.contended;
        sum
    })
}

/// Looks while the others work: no number goes back.
fn watch(done: &AtomicBool, mut stats: impl FnMut() -> BroadcastStats) {
    let mut last = stats();
    while !done.load(Ordering::Acquire) {
        let now = stats();
        for (last, now) in [(last.writer, now.writer), (last.readers, now.readers)] {
            assert!(now.items >= last.items && now.batches >= last.batches && now.largest >= last.largest);
            assert!(now.refused >= last.refused && now.contended >= last.contended);
        }
        last = now;
        thread::yield_now();
    }
}

fn overwriting_stress<const N: usize>() {
    let ring = Counted::<u64, N>::starting_at(usize::MAX - 20);
    let mut writer = ring.try_writer().unwrap();
    let done = AtomicBool::new(false);
    let (ring, done) = (&ring, &done);
    let mut published = DirectionStats::default();
    let ledgers: Vec<Ledger> = thread::scope(|scope| {
        let _over = Over(done);
        scope.spawn(move || watch(done, || ring.stats()));
        let start = ring.reader_at_newest();
        let readers: Vec<_> = (0..3)
            .map(|_| {
                let reader = start.clone();
                scope.spawn(move || answers(ring, reader))
            })
            .collect();
        let mut number = 0;
        while number < ITEMS {
            let end = (number + 1 + number % 4).min(ITEMS);
            let items: Vec<u64> = (number..end).collect();
            match items[..] {
                [item] => writer.publish(item),
                _ => writer.publish_slice(&items),
            }
            items.chunks(N).for_each(|part| Ledger::add(&mut published, part.len()));
            number = end;
            if number % 16 == 0 {
                thread::yield_now();
            }
        }
        readers.into_iter().map(|reader| reader.join().unwrap()).collect()
    });
    assert_eq!(ring.stats().writer, published);
    assert_eq!(ring.stats().readers, sum(ledgers.iter().map(|ledger| ledger.received)));
    assert_eq!(ring.lagged(), sum(ledgers.iter().map(|ledger| ledger.lagged)));
    assert_eq!(ring.stats().readers.items + ring.lagged().items, 3 * ITEMS as usize);
}

#[test]
fn rv17_rm20_threads_that_overwrite_and_miss_are_counted() {
    overwriting_stress::<1>();
    overwriting_stress::<2>();
    overwriting_stress::<8>();
    if !cfg!(miri) {
        overwriting_stress::<64>();
    }
}

fn gated_stress<const N: usize>() {
    let ring = Counted::<u64, N, Gated<3>>::starting_at(usize::MAX - 20);
    let mut writer = ring.try_writer().unwrap();
    let done = AtomicBool::new(false);
    let (ring, done) = (&ring, &done);
    let mut published = DirectionStats::default();
    let received: Vec<DirectionStats> = thread::scope(|scope| {
        let _over = Over(done);
        scope.spawn(move || watch(done, || ring.stats()));
        let readers: Vec<_> = (0..3)
            .map(|_| {
                let mut reader = ring.join_at_newest().unwrap();
                scope.spawn(move || {
                    let (patience, mut received, mut turn) = (Patience::new(), DirectionStats::default(), 0);
                    while received.items < HELD as usize {
                        turn += 1;
                        let read = match turn % 3 {
                            0 => reader.try_read().map_or(0, |_| 1),
                            1 => reader.read_slice(&mut [0; 3]),
                            _ => reader.skip(2),
                        };
                        Ledger::add(&mut received, read);
                        assert!(
                            ring.stats().writer.items >= received.items,
                            "it is counted before it can be read"
                        );
                        if read == 0 {
                            received.refused += 1;
                            patience.wait();
                        }
                    }
                    received
                })
            })
            .collect();
        let (patience, mut number) = (Patience::new(), 0);
        while number < HELD {
            let end = (number + 1 + number % 4).min(HELD);
            let items: Vec<u64> = (number..end).collect();
            let sent = match items[..] {
                [item] => usize::from(writer.try_publish(item).is_ok()),
                _ => writer.publish_partial_slice(&items),
            };
            Ledger::add(&mut published, sent);
            number += sent as u64;
            if sent == 0 {
                published.refused += 1;
                patience.wait();
            }
        }
        readers.into_iter().map(|reader| reader.join().unwrap()).collect()
    });
    assert_eq!(ring.stats().writer, published);
    assert_eq!(ring.stats().readers, sum(received.into_iter()));
    assert_eq!(ring.stats().readers.items, 3 * HELD as usize);
}

#[test]
fn rv17_rm20_threads_that_wait_for_each_other_are_counted() {
    gated_stress::<1>();
    gated_stress::<4>();
    if !cfg!(miri) {
        gated_stress::<64>();
    }
}
