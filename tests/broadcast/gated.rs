//! A writer that waits for its readers.

use annulet::Broadcast;
use annulet::error::{PopError, PushError};
use annulet::ring::broadcast::{Gated, JoinError};

use crate::model::{Item, item, origins};

mod each {
    over_every_capacity! {
        rr08_full_while_the_slowest_reader_is_behind
        rr08_a_reader_that_leaves_holds_nobody_back
        rr08_who_joins_begins_where_it_is_said
        rr09_a_gated_writer_takes_as_many_as_there_are_slots
        rr10_the_writer_knows_the_slowest_reader
        d11_a_gated_ring_goes_round_the_integer
    }
}

fn rr08_full_while_the_slowest_reader_is_behind<const N: usize>() {
    for origin in origins(N) {
        let ring = Broadcast::<Item, N, Gated<2>>::starting_at(origin);
        let mut writer = ring.try_writer().unwrap();
        let (mut fast, mut slow) = (ring.join_at_newest().unwrap(), ring.join_at_newest().unwrap());
        assert_eq!(writer.readers(), 2);
        (0..N as u64).for_each(|number| writer.try_publish(item(number)).unwrap());
        for number in 0..2 * N as u64 + 3 {
            let next = item(number + N as u64);
            assert_eq!(writer.try_publish(next), Err(PushError::Full(next)));
            assert_eq!(fast.try_read(), Ok(item(number)));
            assert_eq!(writer.try_publish(next), Err(PushError::Full(next)), "the slow one has not read it");
            assert_eq!(slow.try_read(), Ok(item(number)));
            // Exact: room for one, now.
            assert_eq!(writer.publish_partial_slice(&[next, next]), 1);
        }
        let mut out = vec![[0; 3]; N + 1];
        assert_eq!((fast.read_slice(&mut out), slow.skip(N + 1)), (N, N));
        assert_eq!(out[..N], (2 * N as u64 + 3..).map(item).take(N).collect::<Vec<_>>());
        assert_eq!((fast.try_read(), slow.try_read()), (Err(PopError::Empty), Err(PopError::Empty)));
    }
}

fn rr08_a_reader_that_leaves_holds_nobody_back<const N: usize>() {
    for origin in origins(N) {
        let ring = Broadcast::<Item, N, Gated<2>>::starting_at(origin);
        let mut writer = ring.try_writer().unwrap();
        // With nobody there, it is never refused.
        (0..3 * N as u64).for_each(|number| writer.try_publish(item(number)).unwrap());
        let slow = ring.join_at_oldest().unwrap();
        assert_eq!(ring.join_at_newest().unwrap().try_read(), Err(PopError::Empty));
        let mut taken = 0;
        while writer.try_publish(item(0)).is_ok() {
            taken += 1;
        }
        assert!(taken < N, "its oldest item would be gone");
        drop(slow);
        assert_eq!(writer.readers(), 0);
        (0..3 * N as u64).for_each(|number| writer.try_publish(item(number)).unwrap());
    }
}

fn rr08_who_joins_begins_where_it_is_said<const N: usize>() {
    for origin in origins(N) {
        for published in [0, 1, N - 1, N, N + 1, 3 * N] {
            let ring = Broadcast::<Item, N, Gated<3>>::starting_at(origin);
            let mut writer = ring.try_writer().unwrap();
            (0..published as u64).for_each(|number| writer.try_publish(item(number)).unwrap());
            let (mut oldest, mut newest) = (ring.join_at_oldest().unwrap(), ring.join_at_newest().unwrap());
            assert_eq!((newest.len(), newest.is_empty()), (0, true));
            let held = oldest.len();
            assert_eq!(oldest.is_empty(), held == 0);
            assert!(held <= N && held >= published.min(N - N / 4), "{held} of {published}");
            for number in published as u64 - held as u64..published as u64 {
                assert_eq!(oldest.try_read(), Ok(item(number)));
            }
            assert_eq!(oldest.try_read(), Err(PopError::Empty));
            writer.try_publish(item(published as u64)).unwrap();
            assert_eq!(newest.try_read(), Ok(item(published as u64)));
        }
    }
}

fn rr09_a_gated_writer_takes_as_many_as_there_are_slots<const N: usize>() {
    for origin in origins(N) {
        for count in [N, N + 1, 2 * N + 3] {
            let items: Vec<Item> = (0..count as u64).map(item).collect();
            let ring = Broadcast::<Item, N, Gated<1>>::starting_at(origin);
            let mut writer = ring.try_writer().unwrap();
            let mut reader = ring.join_at_oldest().unwrap();
            let (mut sent, mut seen) = (0, Vec::new());
            while seen.len() < count {
                let more = writer.publish_partial_slice(&items[sent..]);
                assert_eq!(more, N.min(count - sent), "every slot is usable");
                sent += more;
                seen.extend(std::iter::from_fn(|| reader.try_read().ok()));
            }
            assert_eq!(seen, items);
            assert_eq!(writer.publish_partial_slice(&[]), 0);
        }
    }
}

fn rr10_the_writer_knows_the_slowest_reader<const N: usize>() {
    let ring = Broadcast::<Item, N, Gated<2>>::starting_at(usize::MAX);
    let mut writer = ring.try_writer().unwrap();
    writer.try_publish(item(0)).unwrap();
    assert_eq!(writer.backpressure().behind(), 0, "nobody is there");
    let (mut fast, slow) = (ring.join_at_newest().unwrap(), ring.join_at_newest().unwrap());
    for behind in 1..=N {
        writer.try_publish(item(0)).unwrap();
        assert_eq!(fast.skip(usize::MAX), 1);
        assert_eq!(fast.backpressure().behind(), 0);
        assert_eq!(slow.backpressure(), writer.backpressure());
        assert_eq!((writer.backpressure().behind(), writer.backpressure().capacity()), (behind, N));
    }
    assert!(writer.backpressure().should_throttle());
    drop(slow);
    assert!(!writer.backpressure().is_under_pressure());
}

/// Whole laps of the position's integer where it has eight bits; past its end where it is wide.
fn d11_a_gated_ring_goes_round_the_integer<const N: usize>() {
    let distance = if cfg!(annulet_narrow) && !cfg!(miri) { 3 * 256 } else { 4 * N + 8 };
    for origin in origins(N) {
        let ring = Broadcast::<Item, N, Gated<2>>::starting_at(origin);
        let mut writer = ring.try_writer().unwrap();
        let (mut one, mut two) = (ring.join_at_newest().unwrap(), ring.join_at_newest().unwrap());
        let (mut sent, mut read, mut step) = (0, [0; 2], 0);
        while sent < distance {
            let wanted = 1 + step * 7 % (N + 1);
            let items: Vec<Item> = (sent as u64..).map(item).take(wanted).collect();
            let room = N - (sent - read[0].min(read[1]));
            assert_eq!(writer.publish_partial_slice(&items), wanted.min(room));
            sent += wanted.min(room);
            for (number, reader) in [&mut one, &mut two].into_iter().enumerate() {
                let mut out = vec![[0; 3]; 1 + (step * 5 + number) % (N + 1)];
                let expected = out.len().min(sent - read[number]);
                assert_eq!(reader.len(), sent - read[number]);
                assert_eq!(reader.read_slice(&mut out), expected);
                assert_eq!(
                    out[..expected],
                    (read[number] as u64..).map(item).take(expected).collect::<Vec<_>>()
                );
                read[number] += expected;
            }
            step += 1;
        }
    }
}

#[test]
fn rr06_places_are_counted_and_come_back() {
    static RING: Broadcast<u32, 4, Gated<32>> = Broadcast::new();
    let mut readers: Vec<_> = (0..32).map(|_| RING.join_at_oldest().unwrap()).collect();
    assert_eq!(RING.join_at_oldest().err(), Some(JoinError::NoPlace));
    assert_eq!(RING.try_writer().unwrap().readers(), 32);
    readers.swap_remove(7);
    let mut again = RING.join_at_newest().unwrap();
    assert_eq!(RING.join_at_newest().err(), Some(JoinError::NoPlace));
    RING.try_writer().unwrap().try_publish(5).unwrap();
    assert_eq!(again.try_read(), Ok(5));
    assert!(readers.iter_mut().all(|reader| reader.try_read() == Ok(5)));
}

#[test]
fn e10_a_forgotten_reader_holds_the_writer_back_until_the_next_split() {
    let mut ring = Broadcast::<u32, 2, Gated<2>>::new();
    let mut writer = ring.try_writer().unwrap();
    std::mem::forget(ring.join_at_newest().unwrap());
    assert_eq!(writer.publish_partial_slice(&[1, 2, 3]), 2);
    assert_eq!(writer.try_publish(3), Err(PushError::Full(3)));
    assert_eq!(writer.readers(), 1);
    drop(writer);
    let (mut writer, ring) = ring.split();
    assert_eq!(writer.readers(), 0);
    assert_eq!(writer.publish_partial_slice(&[3, 4]), 2);
    let mut reader = ring.join_at_oldest().unwrap();
    assert_eq!([reader.try_read(), reader.try_read()], [Ok(3), Ok(4)]);
}

/// A place may have anybody's position from before; it belongs to whoever has it now.
#[test]
fn a_place_taken_anew_holds_back_nobody_for_the_one_before() {
    let ring = Broadcast::<u32, 4, Gated<1>>::starting_at(usize::MAX - 5);
    let mut writer = ring.try_writer().unwrap();
    for number in 0..if cfg!(miri) { 20 } else { 1000 } {
        let mut reader = ring.join_at_newest().unwrap();
        writer.try_publish(number).unwrap();
        if number % 3 != 0 {
            assert_eq!(reader.try_read(), Ok(number));
        }
        drop(reader);
        (0..number % 7).for_each(|_| writer.try_publish(u32::MAX).unwrap());
    }
}

#[test]
fn what_handles_say_of_themselves() {
    let mut ring = Broadcast::<u32, 2, Gated<1>>::new();
    let (mut writer, ring) = ring.split();
    let reader = ring.join_at_oldest().unwrap();
    writer.try_publish(1).unwrap();
    assert_eq!(
        format!("{writer:?} {reader:?}"),
        "Writer { len: 1, capacity: 2 } GatedReader { len: 1, capacity: 2 }"
    );
    assert_eq!(JoinError::NoPlace.to_string(), "every reader's place is taken");
    assert_eq!((reader.capacity(), writer.capacity(), ring.capacity()), (2, 2, 2));
}

/// A writer that begins gives up no item before it needs the slot: what it is asked about readers, it looks at only.
#[test]
fn rr08_a_new_writer_gives_up_nothing_while_there_is_room() {
    let ring = Broadcast::<Item, 8, Gated<1>>::new();
    for number in 0..8 {
        ring.try_writer().unwrap().try_publish(item(number)).unwrap();
        assert_eq!(ring.len() as u64, number + 1);
    }
    assert_eq!(ring.join_at_oldest().unwrap().try_read(), Ok(item(0)));
}
