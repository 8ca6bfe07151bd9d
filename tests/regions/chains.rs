//! Messages of several descriptors.

use std::cell::RefCell;

use annulet::region::{ChainLimit, ChainLink, DescriptorError};

use crate::{Tables, counting, descriptor};

const LIMIT: ChainLimit = ChainLimit { links: 5, bytes: 1 << 20 };

/// Follows `links` from number 0, in which each says who is next: the lengths of the views, the last item if it is an
/// error, and which links were fetched.
fn follow(links: &[Option<u32>], limit: ChainLimit) -> (Vec<usize>, Option<DescriptorError>, Vec<u32>) {
    let bytes = counting(16);
    let mut tables = Tables::new();
    let (region, cap) = tables.immutable(&bytes);
    let mut fetched = Vec::new();
    let chain = tables.validator().check_chain(0, limit, |number| {
        fetched.push(number);
        let next = *links.get(number as usize)?;
        Some(ChainLink { descriptor: descriptor(region, number.into(), 4), cap, next })
    });
    let (mut lengths, mut error) = (Vec::new(), None);
    for item in chain {
        assert!(error.is_none(), "nothing comes after an error");
        match item {
            Ok(view) => lengths.push(view.len()),
            Err(why) => error = Some(why),
        }
    }
    assert_eq!(tables.regions.revoke(region), Ok(()), "every view is gone");
    (lengths, error, fetched)
}

#[test]
fn b12_a_chain_ends_after_so_many_links_whatever_it_says() {
    let too_long = Some(DescriptorError::ChainTooLong { limit: 5 });
    // A self loop, a circle of two, a circle that is entered from outside, and one that is simply too long.
    let to = |next: u32| Some(next);
    for links in [
        vec![to(0)],
        vec![to(1), to(0)],
        vec![to(1), to(2), to(1)],
        (1..=5).map(to).chain([None]).collect(),
        (1..1000).map(to).collect(),
    ] {
        let (lengths, error, fetched) = follow(&links, LIMIT);
        assert_eq!((lengths.len(), fetched.len()), (5, 5));
        assert_eq!(error, too_long);
    }
    // One that is as long as it may be.
    let links: Vec<_> = (1..=4).map(to).chain([None]).collect();
    assert_eq!(follow(&links, LIMIT), (vec![4; 5], None, vec![0, 1, 2, 3, 4]));
    // And one with as many bytes as it may have.
    let (most, fewer) = (ChainLimit { bytes: 20, ..LIMIT }, ChainLimit { bytes: 19, ..LIMIT });
    assert_eq!(follow(&links, most).0, [4; 5]);
    let too_long = DescriptorError::TooLong { length: 20, limit: 19 };
    assert_eq!(follow(&links, fewer).1, Some(too_long));
    // No links at all.
    let none = ChainLimit { links: 0, ..LIMIT };
    assert_eq!(follow(&links, none), (vec![], Some(DescriptorError::ChainTooLong { limit: 0 }), vec![]));
}

#[test]
fn b12_a_chain_that_leads_nowhere_is_broken_there() {
    for nowhere in [2, 7, u32::MAX] {
        let (lengths, error, fetched) = follow(&[Some(1), Some(nowhere)], LIMIT);
        assert_eq!((lengths, fetched), (vec![4, 4], vec![0, 1, nowhere]));
        assert_eq!(error, Some(DescriptorError::BrokenChain { link: nowhere }));
    }
}

#[test]
fn b13_all_bytes_together_are_bounded_and_do_not_overflow() {
    // As many bytes as two to the 32nd, in pieces that are all right. (Fewer under Miri; nothing touches them.)
    let piece = if cfg!(miri) { 1 << 12 } else { 1 << 26 };
    let limit = 64 * piece as u64 - 1;
    assert!(cfg!(miri) || limit == u64::from(u32::MAX));
    let bytes = vec![0; piece];
    let mut tables = Tables::new();
    let (region, cap) = tables.immutable(&bytes);
    let endless =
        |number| Some(ChainLink { descriptor: descriptor(region, 0, piece), cap, next: Some(number + 1) });
    let limit = ChainLimit { links: usize::MAX, bytes: limit };
    let mut chain = tables.validator().check_chain(0, limit, endless);
    assert_eq!(
        chain.by_ref().take(63).filter(|item| item.as_ref().is_ok_and(|view| view.len() == piece)).count(),
        63
    );
    let too_long = DescriptorError::TooLong { length: limit.bytes + 1, limit: limit.bytes };
    assert_eq!(chain.next().unwrap().unwrap_err(), too_long);
    assert!(chain.next().is_none());

    // What is claimed is bounded before it is looked at, up to the end of the integer.
    let huge = ChainLink { descriptor: descriptor(region, 0, u32::MAX as usize), cap, next: Some(1) };
    for (bytes, refused) in [
        (u64::MAX, DescriptorError::OutOfRange { end: u64::from(u32::MAX), limit: piece as u64 }),
        (0, DescriptorError::TooLong { length: u64::from(u32::MAX), limit: 0 }),
    ] {
        let mut chain = tables.validator().check_chain(7, ChainLimit { links: 9, bytes }, |_| Some(huge));
        assert_eq!(chain.next().unwrap().unwrap_err(), refused);
        assert!(chain.next().is_none());
    }
}

/// Each link is checked like any descriptor, by the validator the chain was made from.
#[test]
fn a_chain_is_as_strict_as_its_validator() {
    let bytes = counting(16);
    let mut tables = Tables::new();
    let (region, cap) = tables.immutable(&bytes);
    let links = [(0, 4, 1), (4, 5, 2), (9, 7, 9)];
    let fetch = |number: u32| {
        let (offset, length, next) = *links.get(number as usize)?;
        Some(ChainLink { descriptor: descriptor(region, offset, length), cap, next: Some(next) })
    };
    let strict = tables.validator().max_len(4);
    let mut chain = strict.check_chain(0, LIMIT, fetch);
    assert_eq!(*chain.next().unwrap().unwrap(), [0, 1, 2, 3]);
    assert_eq!(chain.next().unwrap().unwrap_err(), DescriptorError::TooLong { length: 5, limit: 4 });
    assert!(format!("{chain:?}").contains("links: 2"));
    assert!(chain.next().is_none() && chain.next().is_none());
}

/// The closure may use the same tables: to look, to check, to revoke.
#[test]
fn a_fetch_that_calls_back_changes_nothing_it_should_not() {
    let (bytes, other) = (counting(16), counting(8));
    let mut tables = Tables::new();
    let ((region, cap), (second, second_cap)) = (tables.immutable(&bytes), tables.immutable(&other));
    let kept = RefCell::new(Vec::new());
    let chain = tables.validator().check_chain(0, LIMIT, |number| {
        kept.borrow_mut().push(tables.check(second_cap, &descriptor(second, 0, 8)).unwrap());
        if number == 1 {
            // The first link's view is gone by now, or it would be in use.
            tables.regions.revoke(region).unwrap();
        }
        Some(ChainLink { descriptor: descriptor(region, 0, 16), cap, next: Some(number + 1) })
    });
    let results: Vec<_> = chain.map(|item| item.map(|view| view.len())).collect();
    assert_eq!(results, [Ok(16), Err(DescriptorError::Stale)]);
    assert_eq!(kept.take().len(), 2);
}
