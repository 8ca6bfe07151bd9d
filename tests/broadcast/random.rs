//! Random lists of operations against the model.

use annulet::Broadcast;
use annulet::error::PopError;
use annulet::ring::broadcast::{Gated, JoinError};
use proptest::prelude::*;

use crate::model::{Item, Model, item};

/// One operation; `who` is one of the readers there are.
#[derive(Clone, Debug)]
enum Op {
    Publish(usize),
    Begin { oldest: bool },
    Clone { who: usize },
    Leave { who: usize },
    Read { who: usize },
    ReadSlice { who: usize, count: usize },
    Skip { who: usize, count: usize },
}

fn op() -> impl Strategy<Value = Op> {
    let (who, count) = (|| any::<usize>(), || 0..12_usize);
    prop_oneof![
        6 => count().prop_map(Op::Publish),
        2 => any::<bool>().prop_map(|oldest| Op::Begin { oldest }),
        1 => who().prop_map(|who| Op::Clone { who }),
        1 => who().prop_map(|who| Op::Leave { who }),
        6 => who().prop_map(|who| Op::Read { who }),
        3 => (who(), count()).prop_map(|(who, count)| Op::ReadSlice { who, count }),
        1 => (who(), count()).prop_map(|(who, count)| Op::Skip { who, count }),
    ]
}

fn overwriting<const N: usize>(origin: usize, ops: &[Op]) {
    let mut ring = Broadcast::<Item, N>::starting_at(origin);
    let (mut writer, ring) = ring.split();
    let mut model = Model::new(N);
    let mut readers = Vec::new();
    for op in ops {
        // Nobody is there: somebody begins.
        if let (0, Op::Read { .. }) = (readers.len(), op) {
            readers.push((ring.reader_at_oldest(), model.oldest()));
        }
        let there = readers.len().max(1);
        match *op {
            Op::Publish(count) => {
                let items = model.publish(count);
                if count % 2 == 0 {
                    writer.publish_slice(&items);
                } else {
                    items.into_iter().for_each(|item| writer.publish(item));
                }
            }
            Op::Begin { oldest: true } => readers.push((ring.reader_at_oldest(), model.oldest())),
            Op::Begin { oldest: false } => readers.push((ring.reader_at_newest(), model.published)),
            _ if readers.is_empty() => {}
            Op::Clone { who } => readers.push(readers[who % there].clone()),
            Op::Leave { who } => drop(readers.swap_remove(who % there)),
            Op::Read { who } => {
                let (reader, at) = &mut readers[who % there];
                assert_eq!(reader.try_read(), model.read(at));
            }
            Op::ReadSlice { who, count } => {
                let (reader, at) = &mut readers[who % there];
                let mut out = vec![[0; 3]; count];
                let seen = reader.try_read_slice(&mut out).map(|count| out[..count].to_vec());
                assert_eq!(seen, model.read_many(at, count));
            }
            Op::Skip { who, count } => {
                let (reader, at) = &mut readers[who % there];
                let expected = (count as u64).min(model.published - *at);
                assert_eq!(reader.skip(count as u64), expected);
                *at += expected;
            }
        }
        readers.iter().for_each(|(reader, at)| model.check(reader, *at));
        assert_eq!((ring.len(), writer.len()), (model.len(), model.len()));
    }
}

fn gated<const N: usize>(origin: usize, ops: &[Op]) {
    let ring = Broadcast::<Item, N, Gated<3>>::starting_at(origin);
    let mut writer = ring.try_writer().unwrap();
    let (mut published, mut readers) = (0_usize, Vec::new());
    for op in ops {
        let there = readers.len().max(1);
        let slowest = readers.iter().map(|(_, at)| *at).min();
        match *op {
            Op::Publish(count) => {
                let items: Vec<Item> = (published as u64..).map(item).take(count).collect();
                let room = slowest.map_or(N, |slowest| N - (published - slowest));
                let sent = writer.publish_partial_slice(&items);
                assert_eq!(sent, count.min(room));
                published += sent;
            }
            Op::Begin { oldest } => {
                let joined = if oldest { ring.join_at_oldest() } else { ring.join_at_newest() };
                if readers.len() == 3 {
                    assert_eq!(joined.err(), Some(JoinError::NoPlace));
                    continue;
                }
                let reader = joined.unwrap();
                let held = reader.len();
                if oldest {
                    assert!(held <= N && held >= published.min(N - N / 4), "{held} of {published}");
                    assert!(
                        slowest.is_none_or(|slowest| published - held <= slowest),
                        "others have more to read"
                    );
                } else {
                    assert_eq!(held, 0);
                }
                readers.push((reader, published - held));
            }
            _ if readers.is_empty() => {}
            // There are no clones: each reader has a place.
            Op::Clone { .. } => {}
            Op::Leave { who } => drop(readers.swap_remove(who % there)),
            Op::Read { who } => {
                let (reader, at) = &mut readers[who % there];
                let expected = if *at < published { Ok(item(*at as u64)) } else { Err(PopError::Empty) };
                assert_eq!(reader.try_read(), expected);
                *at += usize::from(expected.is_ok());
            }
            Op::ReadSlice { who, count } => {
                let (reader, at) = &mut readers[who % there];
                let mut out = vec![[0; 3]; count];
                let expected = count.min(published - *at);
                assert_eq!(reader.read_slice(&mut out), expected);
                assert_eq!(out[..expected], (*at as u64..).map(item).take(expected).collect::<Vec<_>>());
                *at += expected;
            }
            Op::Skip { who, count } => {
                let (reader, at) = &mut readers[who % there];
                let expected = count.min(published - *at);
                assert_eq!(reader.skip(count), expected);
                *at += expected;
            }
        }
        assert_eq!(writer.readers(), readers.len());
        for (reader, at) in &readers {
            assert_eq!((reader.len(), reader.is_empty()), (published - at, published == *at));
        }
        let behind = readers.iter().map(|(_, at)| published - at).max().unwrap_or(0);
        assert_eq!(writer.backpressure().behind(), behind);
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(miri) { 2 } else { 600 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn rr07_random_operations_equal_the_model(
        back in 0..40_usize,
        ops in prop::collection::vec(op(), 0..if cfg!(miri) { 20 } else { 200 }),
    ) {
        let origin = usize::MAX.wrapping_sub(back).wrapping_add(20);
        overwriting::<1>(origin, &ops);
        overwriting::<2>(origin, &ops);
        overwriting::<4>(origin, &ops);
        overwriting::<16>(origin, &ops);
    }

    #[test]
    fn rr08_random_operations_equal_the_model(
        back in 0..40_usize,
        ops in prop::collection::vec(op(), 0..if cfg!(miri) { 20 } else { 200 }),
    ) {
        let origin = usize::MAX.wrapping_sub(back).wrapping_add(20);
        gated::<1>(origin, &ops);
        gated::<2>(origin, &ops);
        gated::<4>(origin, &ops);
        gated::<16>(origin, &ops);
    }
}
