//! A writer that never waits, and readers that are told what they missed.

use annulet::Broadcast;
use annulet::ring::broadcast::{LatestError, ReadError};

use crate::model::{Fuse, Item, Model, item, origins};

mod each {
    over_every_capacity! {
        rr06_readers_begin_at_the_oldest_or_the_next_item
        rr07_a_reader_that_was_lapped_is_told_once
        rr07_a_slice_stops_where_something_was_missed
        rr09_as_many_as_there_are_slots_and_more
        rr10_pressure_is_of_what_is_there
        d11_three_laps_of_the_integer_equal_the_model
        the_newest_item_is_there_as_soon_as_there_is_one
        skipping_counts_what_is_passed_over
        rr07_a_drain_takes_a_lap_at_most
        rr07_a_drain_takes_what_was_published_and_no_more
    }
}

fn rr06_readers_begin_at_the_oldest_or_the_next_item<const N: usize>() {
    for origin in origins(N) {
        let mut ring = Broadcast::<Item, N>::starting_at(origin);
        let (mut writer, ring) = ring.split();
        let mut model = Model::new(N);
        for count in [0, 1, N, 1, N - 1, 2 * N + 1] {
            model.publish(count).into_iter().for_each(|item| writer.publish(item));
            assert_eq!(
                (ring.len(), writer.len(), ring.is_empty(), writer.is_empty()),
                (model.len(), model.len(), model.len() == 0, model.len() == 0)
            );
            let (mut oldest, mut newest) = (ring.reader_at_oldest(), ring.reader_at_newest());
            model.check(&oldest, model.oldest());
            model.check(&newest, model.published);
            assert_eq!(newest.try_read(), Err(ReadError::Empty));
            // Each reads on its own, a clone from where it was cloned.
            let mut at = model.oldest();
            while let Ok(expected) = model.read(&mut at) {
                let mut clone = oldest.clone();
                assert_eq!(clone.try_read(), Ok(expected));
                assert_eq!(oldest.try_read(), Ok(expected));
                model.check(&clone, at);
            }
            assert_eq!(oldest.try_read(), Err(ReadError::Empty));
        }
    }
}

fn rr07_a_reader_that_was_lapped_is_told_once<const N: usize>() {
    for origin in origins(N) {
        for (read, more) in [(0, 1), (0, N), (1, 1), (N, 1), (N, N + 1), (N / 2, 3 * N)] {
            let mut ring = Broadcast::<Item, N>::starting_at(origin);
            let (mut writer, ring) = ring.split();
            let mut model = Model::new(N);
            let mut reader = ring.reader_at_newest();
            model.publish(N).into_iter().for_each(|item| writer.publish(item));
            (0..read as u64).for_each(|number| assert_eq!(reader.try_read(), Ok(item(number))));
            model.publish(more).into_iter().for_each(|item| writer.publish(item));
            let missed = model.oldest().saturating_sub(read as u64);
            if missed > 0 {
                assert_eq!(reader.try_read(), Err(ReadError::Lagged(missed)));
            }
            let next = read as u64 + missed;
            (next..model.published).for_each(|number| assert_eq!(reader.try_read(), Ok(item(number))));
            assert_eq!(reader.try_read(), Err(ReadError::Empty));
        }
    }
}

fn rr07_a_slice_stops_where_something_was_missed<const N: usize>() {
    let mut ring = Broadcast::<Item, N>::starting_at(usize::MAX);
    let (mut writer, ring) = ring.split();
    let mut model = Model::new(N);
    let (mut reader, mut at) = (ring.reader_at_newest(), 0);
    for (publish, read) in [(0, 1), (N, N), (N, 1), (1, N), (3 * N + 1, 2 * N), (0, 2 * N), (1, 0), (0, 3)] {
        writer.publish_slice(&model.publish(publish));
        let mut out = vec![[0; 3]; read];
        let seen = reader.try_read_slice(&mut out).map(|count| out[..count].to_vec());
        assert_eq!(seen, model.read_many(&mut at, read));
        model.check(&reader, at);
    }
}

/// Where full and empty are one state, a reader sees none of exactly as many items as slots.
fn rr09_as_many_as_there_are_slots_and_more<const N: usize>() {
    for origin in origins(N) {
        for count in [N, N + 1, 2 * N + 3] {
            for at_once in [false, true] {
                let mut ring = Broadcast::<Item, N>::starting_at(origin);
                let (mut writer, ring) = ring.split();
                let mut before = ring.reader_at_oldest();
                let items: Vec<Item> = (0..count as u64).map(item).collect();
                if at_once {
                    writer.publish_slice(&items);
                } else {
                    items.iter().for_each(|item| writer.publish(*item));
                }
                if count > N {
                    assert_eq!(before.try_read(), Err(ReadError::Lagged((count - N) as u64)));
                }
                for mut reader in [before, ring.reader_at_oldest()] {
                    let seen: Vec<Item> = std::iter::from_fn(|| reader.try_read().ok()).collect();
                    assert_eq!(seen, items[count - N..]);
                    assert_eq!(reader.try_read(), Err(ReadError::Empty));
                }
            }
        }
    }
}

fn rr10_pressure_is_of_what_is_there<const N: usize>() {
    let mut ring = Broadcast::<Item, N>::new();
    let (mut writer, ring) = ring.split();
    let reader = ring.reader_at_newest();
    for published in 0..=N + 1 {
        let pressure = reader.backpressure();
        let behind = published.min(N);
        assert_eq!((pressure.behind(), pressure.capacity()), (behind, N));
        assert_eq!(pressure.percent() as usize, 100 * behind / N);
        assert_eq!(pressure.is_under_pressure(), behind * 10 >= N * 8);
        assert_eq!(pressure.should_throttle(), behind * 10 >= N * 9);
        writer.publish(item(0));
    }
}

/// Whole laps of the position's integer where it has eight bits; past its end where it is wide.
fn d11_three_laps_of_the_integer_equal_the_model<const N: usize>() {
    let distance = if cfg!(annulet_narrow) && !cfg!(miri) { 3 * 256 } else { 4 * N as u64 + 8 };
    for origin in origins(N) {
        let mut ring = Broadcast::<Item, N>::starting_at(origin);
        let (mut writer, ring) = ring.split();
        let mut model = Model::new(N);
        let (mut reader, mut at, mut step) = (ring.reader_at_oldest(), 0, 0);
        while model.published < distance {
            // Lengths in step with nothing, so that fills and wraps meet in many ways.
            let items = model.publish(step * 7 % (N + 2));
            if step % 2 == 0 {
                writer.publish_slice(&items);
            } else {
                items.into_iter().for_each(|item| writer.publish(item));
            }
            for _ in 0..1 + step * 5 % (N + 1) {
                assert_eq!(reader.try_read(), model.read(&mut at));
            }
            model.check(&reader, at);
            step += 1;
        }
    }
}

fn the_newest_item_is_there_as_soon_as_there_is_one<const N: usize>() {
    let mut ring = Broadcast::<Item, N>::starting_at(usize::MAX - 1);
    let (mut writer, ring) = ring.split();
    let reader = ring.reader_at_newest();
    assert_eq!(reader.latest(), Err(LatestError::Empty));
    for number in 0..2 * N as u64 + 1 {
        writer.publish(item(number));
        assert_eq!(reader.latest(), Ok(item(number)));
        assert_eq!(reader.latest(), Ok(item(number)));
        assert_eq!(reader.lag(), number + 1, "looking consumed something");
    }
}

fn skipping_counts_what_is_passed_over<const N: usize>() {
    let mut ring = Broadcast::<Item, N>::starting_at(usize::MAX);
    let (mut writer, ring) = ring.split();
    let mut reader = ring.reader_at_newest();
    assert_eq!((reader.skip(0), reader.skip(u64::MAX)), (0, 0));
    let all = 3 * N as u64;
    (0..all).for_each(|number| writer.publish(item(number)));
    assert_eq!(reader.skip(2), 2);
    assert_eq!(reader.lag(), all - 2);
    // What was passed over is not missed.
    match 2 * N as u64 - 2 {
        0 => {}
        missed => assert_eq!(reader.try_read(), Err(ReadError::Lagged(missed))),
    }
    assert_eq!(reader.try_read(), Ok(item(2 * N as u64)));
    assert_eq!(reader.skip(u64::MAX), N as u64 - 1);
    assert_eq!(reader.try_read(), Err(ReadError::Empty));
}

/// However fast the writer is: here, it publishes as many as are read, or more, while they are read.
fn rr07_a_drain_takes_a_lap_at_most<const N: usize>() {
    for origin in origins(N) {
        for max in [N, N + 1, usize::MAX] {
            let mut ring = Broadcast::<Item, N>::starting_at(origin);
            let (mut writer, ring) = ring.split();
            let mut reader = ring.reader_at_newest();
            let mut published = 0;
            let mut publish = || {
                writer.publish(item(published));
                published += 1;
            };
            publish();
            let mut read = 0;
            let drained = reader.try_drain(max, |seen| {
                assert_eq!(seen, item(read));
                read += 1;
                publish();
            });
            assert_eq!((drained, read), (Ok(N), N as u64));
            // There is one more, and it waits for the next call.
            assert_eq!((reader.lag(), reader.try_read()), (1, Ok(item(read))));
            publish();
            let mut out = vec![[0; 3]; 2 * N];
            assert_eq!(reader.try_read_slice(&mut out), Ok(1));
            (0..N).for_each(|_| publish());
            assert_eq!(reader.try_read_slice(&mut out), Ok(N));
            // Fewer where fewer were wanted, and where there are none.
            (0..N).for_each(|_| publish());
            assert_eq!(
                (reader.try_drain(N / 2, drop), reader.try_drain(N, drop)),
                (Ok(N / 2), Ok(N - N / 2))
            );
        }
    }
}

/// Also where the slots after the newest item never had one.
fn rr07_a_drain_takes_what_was_published_and_no_more<const N: usize>() {
    for origin in origins(N) {
        for published in 1..=N as u64 {
            let mut ring = Broadcast::<Item, N>::starting_at(origin);
            let (mut writer, ring) = ring.split();
            let mut reader = ring.reader_at_oldest();
            (0..published).for_each(|number| writer.publish(item(number)));
            let mut read = 0;
            let drained = reader.try_drain(usize::MAX, |seen| {
                assert_eq!(seen, item(read));
                read += 1;
            });
            assert_eq!((drained, reader.lag()), (Ok(published as usize), 0));
        }
    }
}

/// Who sleeps while the position goes all the way round is not taken for one who is up to date.
#[test]
fn rr07_a_reader_that_sleeps_for_a_lap_of_the_position_is_told() {
    let laps = if cfg!(miri) { vec![256] } else { vec![128, 256, 512, 1 << 15, 1 << 16] };
    for lap in laps {
        for published in lap - 2..=lap + 2 {
            let mut ring = Broadcast::<u32, 2>::starting_at(usize::MAX - 100);
            let (mut writer, ring) = ring.split();
            let mut reader = ring.reader_at_newest();
            (0..published).for_each(|number| writer.publish(number));
            assert_eq!(reader.lag(), u64::from(published));
            assert_eq!(reader.try_read(), Err(ReadError::Lagged(u64::from(published) - 2)));
            assert_eq!(reader.try_read(), Ok(published - 2));
        }
    }
}

/// RR11: in a static, made when the program is compiled; a megabyte is never on the stack.
#[test]
fn rr11_a_static_ring_needs_no_unsafe_and_no_start() {
    static LARGE: Broadcast<[u32; 64], { if cfg!(annulet_narrow) { 128 } else { 4096 } }> = Broadcast::new();
    static SMALL: Broadcast<u64, 1> = Broadcast::new();
    let mut writer = LARGE.try_writer().unwrap();
    assert!(LARGE.try_writer().is_none(), "there is one writer");
    let mut reader = LARGE.reader_at_oldest();
    writer.publish([7; 64]);
    assert_eq!(reader.try_read(), Ok([7; 64]));
    drop(writer);
    LARGE.try_writer().unwrap().publish([8; 64]);
    assert_eq!(reader.try_read(), Ok([8; 64]), "the next writer goes on where the last one was");
    SMALL.try_writer().unwrap().publish(u64::MAX - 1);
    assert_eq!(SMALL.reader_at_oldest().latest(), Ok(u64::MAX - 1));
}

/// All-zero memory is an empty ring.
#[test]
fn rr11_zero_is_empty() {
    let zeroed = core::mem::MaybeUninit::<Broadcast<Item, 4>>::zeroed();
    // SAFETY: it is made of atomic integers only, for which zeros are valid.
    let mut zeroed = unsafe { zeroed.assume_init() };
    let (mut writer, zeroed) = zeroed.split();
    let mut reader = zeroed.reader_at_oldest();
    assert_eq!(
        (reader.try_read(), reader.latest(), zeroed.len()),
        (Err(ReadError::Empty), Err(LatestError::Empty), 0)
    );
    writer.publish(item(1));
    assert_eq!(reader.try_read(), Ok(item(1)));
}

#[test]
fn e10_a_forgotten_writer_keeps_its_end_until_the_next_split() {
    let mut ring = Broadcast::<u32, 2>::new();
    std::mem::forget(ring.try_writer().unwrap());
    assert!(ring.try_writer().is_none());
    {
        let (mut writer, ring) = ring.split();
        writer.publish(1);
        assert!(ring.try_writer().is_none(), "the writer that split made has the end");
        drop(writer);
        drop(ring.try_writer().expect("and gives it back"));
    }
    drop(ring.split());
    assert!(ring.try_writer().is_some(), "no split was forgotten");
    let (writer, shared) = ring.split();
    assert_eq!(shared.reader_at_oldest().try_read(), Ok(1), "the items stay");
    std::mem::forget(writer);
    assert_eq!(ring.split().1.len(), 1);
}

#[test]
fn e07_a_panic_in_a_conversion_publishes_and_reads_nothing() {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    let mut ring = Broadcast::<Fuse, 2>::starting_at(usize::MAX);
    let (mut writer, ring) = ring.split();
    let (mut reader, mut other) = (ring.reader_at_oldest(), ring.reader_at_oldest());
    writer.publish_slice(&[Fuse(1), Fuse(2)]);
    assert!(catch_unwind(AssertUnwindSafe(|| writer.publish(Fuse(13)))).is_err());
    // The oldest one had to go before.
    assert_eq!(reader.try_read(), Err(ReadError::Lagged(1)));
    assert_eq!(reader.try_read(), Ok(Fuse(2)));
    assert_eq!(reader.try_read(), Err(ReadError::Empty));
    writer.publish(Fuse(14));
    assert!(catch_unwind(AssertUnwindSafe(|| reader.try_read())).is_err());
    assert_eq!(reader.skip(1), 1, "it was not consumed");
    writer.publish(Fuse(15));
    assert_eq!(reader.try_read(), Ok(Fuse(15)));
    assert_eq!(other.try_read(), Err(ReadError::Lagged(2)));
}

/// A slice of as many items as there are slots gives up all that is there before it is written.
#[test]
fn the_newest_item_is_gone_while_everything_is_overwritten() {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    let mut ring = Broadcast::<Fuse, 2>::new();
    let (mut writer, ring) = ring.split();
    let reader = ring.reader_at_oldest();
    (0..2).for_each(|number| writer.publish(Fuse(number)));
    assert!(catch_unwind(AssertUnwindSafe(|| writer.publish_slice(&[Fuse(2), Fuse(13)]))).is_err());
    assert_eq!((reader.latest(), writer.is_empty(), reader.lag()), (Err(LatestError::Empty), true, 2));
    writer.publish(Fuse(3));
    assert_eq!(reader.latest(), Ok(Fuse(3)));
}

#[test]
fn what_handles_say_of_themselves() {
    let mut ring = Broadcast::<u32, 2>::default();
    let (mut writer, ring) = ring.split();
    let reader = ring.reader_at_oldest();
    (0..3).for_each(|number| writer.publish(number));
    assert_eq!(format!("{ring:?}"), "Broadcast { len: 2, capacity: 2 }");
    assert_eq!(format!("{writer:?}"), "Writer { len: 2, capacity: 2 }");
    assert_eq!(format!("{reader:?}"), "Reader { lag: 3, capacity: 2 }");
    assert_eq!(ReadError::Lagged(3).to_string(), "the writer overtook this reader: 3 items are missed");
}
