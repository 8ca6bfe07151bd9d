//! A writer and its readers at once, through the safe interface alone.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use annulet::Broadcast;
use annulet::ring::broadcast::{Gated, LatestError, ReadError, Reader};

use crate::model::{Item, item};
use crate::patience::Patience;

/// Items published in a threaded test.
const ITEMS: u64 = if cfg!(miri) { 24 } else { 60_000 };

/// Where positions start: every wrap is passed.
const ORIGIN: usize = usize::MAX - 20;

/// Reads until all `total` items are read or counted as missed; how many were read.
fn account<const N: usize>(mut reader: Reader<'_, Item, N>, mut next: u64, total: u64) -> u64 {
    let patience = Patience::new();
    let mut read = 0;
    let mut out = [[0; 3]; 3];
    while next < total {
        // In turns one at a time and several.
        let seen = if read % 2 == 0 {
            reader.try_read().map(|seen| {
                out[0] = seen;
                1
            })
        } else {
            reader.try_read_slice(&mut out)
        };
        match seen {
            Ok(count) => {
                for seen in &out[..count] {
                    assert_eq!(*seen, item(next), "torn, doubled, reordered, or missed without a word");
                    next += 1;
                    read += 1;
                }
            }
            Err(ReadError::Lagged(missed)) => {
                assert!(missed > 0);
                next += missed;
            }
            Err(error) => {
                assert_eq!(error, ReadError::Empty);
                patience.wait();
            }
        }
    }
    assert_eq!(next, total, "more was counted than there was");
    assert_eq!(reader.try_read(), Err(ReadError::Empty));
    read
}

fn overwrite_stress<const N: usize>() {
    let mut ring = Broadcast::<Item, N>::starting_at(ORIGIN);
    let (mut writer, ring) = ring.split();
    thread::scope(|scope| {
        for reader in [ring.reader_at_oldest(), ring.reader_at_newest(), ring.reader_at_newest().clone()] {
            scope.spawn(move || account(reader, 0, ITEMS));
        }
        let mut number = 0;
        while number < ITEMS {
            let more = (number % 5).min(ITEMS - number);
            let items: Vec<Item> = (number..number + more).map(item).collect();
            if more == 1 {
                writer.publish(items[0]);
            } else {
                writer.publish_slice(&items);
            }
            number += more.max(1);
            if more == 0 {
                writer.publish(item(number - 1));
            }
            if number % 64 == 0 {
                thread::yield_now();
            }
        }
    });
}

#[test]
fn rr07_threads_read_or_count_each_item_once() {
    overwrite_stress::<1>();
    overwrite_stress::<2>();
    overwrite_stress::<8>();
    if !cfg!(miri) {
        overwrite_stress::<128>();
    }
}

#[test]
fn d15_threads_see_no_torn_item() {
    let mut ring = Broadcast::<[u32; 4], 2>::starting_at(ORIGIN);
    let (mut writer, ring) = ring.split();
    let done = AtomicBool::new(false);
    let patterns = [[0xaaaa_aaaa; 4], [0x5555_5555; 4]];
    thread::scope(|scope| {
        for newest in [false, true] {
            let (mut reader, done) = (ring.reader_at_newest(), &done);
            scope.spawn(move || {
                while !done.load(Ordering::Acquire) {
                    let seen = if newest {
                        reader.latest().ok()
                    } else {
                        match reader.try_read() {
                            Err(ReadError::Lagged(missed)) => {
                                assert!(missed > 0);
                                continue;
                            }
                            seen => seen.ok(),
                        }
                    };
                    match seen {
                        Some(seen) => assert!(patterns.contains(&seen), "{seen:x?}"),
                        None => thread::yield_now(),
                    }
                }
            });
        }
        for number in 0..4 * ITEMS {
            writer.publish(patterns[(number % 2) as usize]);
            if number % 32 == 0 {
                thread::yield_now();
            }
        }
        done.store(true, Ordering::Release);
    });
}

/// The newest item never goes back.
#[test]
fn rr06_threads_see_the_newest_item_move_on() {
    let mut ring = Broadcast::<u64, 2>::starting_at(ORIGIN);
    let (mut writer, ring) = ring.split();
    writer.publish(0);
    thread::scope(|scope| {
        for _ in 0..2 {
            let reader = ring.reader_at_newest();
            scope.spawn(move || {
                let (patience, mut last) = (Patience::new(), 0);
                while last < ITEMS {
                    match reader.latest() {
                        Ok(newest) => assert!(newest >= last, "{newest} after {last}"),
                        Err(error) => assert_eq!(error, LatestError::Contended),
                    }
                    last = reader.latest().unwrap_or(last).max(last);
                    patience.wait();
                }
            });
        }
        (1..=ITEMS).for_each(|number| writer.publish(number));
    });
}

/// Readers come, read for a while, and go; what each reads is consecutive from its first item on. One stays all the
/// time and reads everything.
fn gated_stress<const N: usize>() {
    let ring = Broadcast::<Item, N, Gated<3>>::starting_at(ORIGIN);
    let mut writer = ring.try_writer().unwrap();
    let mut faithful = ring.join_at_oldest().unwrap();
    let done = AtomicBool::new(false);
    let number_of = |seen: Item| {
        assert_eq!(seen, item(u64::from(seen[0])), "torn");
        u64::from(seen[0])
    };
    thread::scope(|scope| {
        let done = &done;
        for oldest in [true, false] {
            let ring = &ring;
            scope.spawn(move || {
                let mut visits = 0;
                while !done.load(Ordering::Acquire) {
                    let joined = if oldest { ring.join_at_oldest() } else { ring.join_at_newest() };
                    let mut reader = joined.expect("there is a place for each");
                    let (mut next, mut stay) = (None, 1 + visits % (2 * N));
                    while stay > 0 && !done.load(Ordering::Acquire) {
                        match reader.try_read() {
                            Ok(seen) => {
                                let number = number_of(seen);
                                assert!(next.is_none_or(|next| next == number), "{number} for {next:?}");
                                next = Some(number + 1);
                                stay -= 1;
                            }
                            Err(_) => thread::yield_now(),
                        }
                    }
                    visits += 1;
                }
            });
        }
        scope.spawn(move || {
            let patience = Patience::new();
            let mut next = 0;
            let mut out = [[0; 3]; 4];
            while next < ITEMS {
                let count = faithful.read_slice(&mut out);
                for seen in &out[..count] {
                    assert_eq!(number_of(*seen), next);
                    next += 1;
                }
                if count == 0 {
                    patience.wait();
                }
            }
            done.store(true, Ordering::Release);
        });
        let patience = Patience::new();
        let mut number = 0;
        while number < ITEMS {
            let end = (number + 1 + number % 3).min(ITEMS);
            let items: Vec<Item> = (number..end).map(item).collect();
            let sent = writer.publish_partial_slice(&items) as u64;
            number += sent;
            if sent == 0 {
                patience.wait();
            }
        }
    });
    assert_eq!(writer.readers(), 0);
}

#[test]
fn rr08_threads_that_come_and_go_read_what_follows() {
    gated_stress::<1>();
    gated_stress::<2>();
    gated_stress::<8>();
    if !cfg!(miri) {
        gated_stress::<64>();
    }
}

/// Nobody stays: the writer overwrites while readers join at the oldest item.
#[test]
fn rr08_threads_that_join_at_the_oldest_find_it() {
    let ring = Broadcast::<Item, 8, Gated<2>>::starting_at(ORIGIN);
    let mut writer = ring.try_writer().unwrap();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut last = 0;
                while !done.load(Ordering::Acquire) {
                    let mut reader = ring.join_at_oldest().unwrap();
                    let mut next = None;
                    while let Ok(seen) = reader.try_read() {
                        assert_eq!(seen, item(u64::from(seen[0])), "torn");
                        assert!(next.is_none_or(|next| next == seen), "{seen:x?} for {next:x?}");
                        assert!(seen[0] >= last || next.is_some(), "the oldest item went back");
                        last = last.max(if next.is_none() { seen[0] } else { last });
                        next = Some(item(u64::from(seen[0]) + 1));
                        if seen[0] % 11 == 0 {
                            break;
                        }
                    }
                    drop(reader);
                    thread::yield_now();
                }
            });
        }
        let patience = Patience::new();
        for number in 0..ITEMS {
            while writer.try_publish(item(number)).is_err() {
                patience.wait();
            }
        }
        done.store(true, Ordering::Release);
    });
}

#[test]
fn d16_a_third_thread_sees_a_length_in_range() {
    let ring = Broadcast::<u64, 4>::starting_at(ORIGIN);
    let mut writer = ring.try_writer().unwrap();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0..ITEMS {
                writer.publish(number);
                if number % 16 == 0 {
                    thread::yield_now();
                }
            }
            done.store(true, Ordering::Release);
        });
        let reader = ring.reader_at_newest();
        let mut least = 0;
        while !done.load(Ordering::Acquire) {
            let len = ring.len();
            assert!(len <= 4 && reader.len() <= 4);
            // Three are there even while a fourth is written.
            assert!(len >= least, "{len} items");
            least = least.max(len.min(3));
            assert!(reader.backpressure().behind() <= 4);
            let _ = ring.is_empty();
            thread::yield_now();
        }
        assert_eq!(ring.len(), 4);
    });
}
