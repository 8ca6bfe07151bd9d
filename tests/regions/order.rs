//! Which error it is when several apply.

use annulet::cap::{CapError, Object, Rights, Task};
use annulet::handle::Handle;
use annulet::region::{DescriptorError, Policy};

use crate::{ME, MOST_VIEWS, Tables, counting, descriptor};

/// What can be wrong, in the order in which it is found.
const WRONGS: [DescriptorError; 7] = [
    DescriptorError::Foreign,
    DescriptorError::BadHandle,
    DescriptorError::WrongPolicy { found: Policy::Slab },
    DescriptorError::Denied(CapError::NotHolder),
    DescriptorError::Stale,
    DescriptorError::Misaligned { required: 8 },
    DescriptorError::OutOfRange { end: 65, limit: 64 },
];

/// Every set of the errors there are, so each one, each pair and all at once: the first of them is the answer.
#[test]
fn b11_the_first_error_of_every_set_is_the_answer() {
    #[repr(align(8))]
    struct Aligned([u8; 64]);
    let bytes = Aligned([7; 64]);
    let mut slab = [0; 64];
    let mut tables = Tables::new();
    let (good, _) = tables.immutable(&bytes.0);
    let slab = tables.regions.register_slab(&mut slab, 8).unwrap();

    for set in 0..1u32 << (WRONGS.len() + 1) {
        let has = |wrong: usize| set >> wrong & 1 == 1;
        let (foreign, nowhere, kind, denied) = (has(0), has(1), has(2), has(3));
        let (stale, misaligned, out_of_range, too_long) = (has(4), has(5), has(6), has(7));

        let target = if kind { slab } else { good };
        let holder = if denied { Task(2) } else { ME };
        let cap = tables.caps.mint(holder, Object::Region(target), Rights::READ, 0).unwrap();
        let index =
            if nowhere { good.index() + 3 } else { target.index() } ^ if foreign { 1 << 31 } else { 0 };
        let generation = if stale { target.generation() + 1 } else { target.generation() };
        let offset = if misaligned { 3 } else { 0 };
        let length = if out_of_range { 65 - offset as usize } else { 40 };
        let max_len = if too_long { 39 } else { 1000 };

        let validator = tables.validator().align(8).max_len(max_len);
        let result = validator.check(cap, &descriptor(Handle::new(index, generation), offset, length));
        let first = WRONGS.into_iter().enumerate().find(|(wrong, _)| has(*wrong)).map(|(_, error)| error);
        let too_long = too_long.then_some(DescriptorError::TooLong { length: length as u64, limit: 39 });
        match first.or(too_long) {
            Some(expected) => assert_eq!(result.unwrap_err(), expected, "{set:08b}"),
            None => assert_eq!(*result.unwrap(), bytes.0[..40]),
        }
        tables.caps.destroy(cap).unwrap();
    }
    // A check that fails leaves nothing behind.
    assert_eq!(tables.regions.revoke(good), Ok(()));
    assert_eq!(tables.regions.revoke(slab), Ok(()));
}

/// The capability's own order, as the validator passes it on.
#[test]
fn b11_a_denial_says_why() {
    let bytes = counting(16);
    let mut tables = Tables::new();
    let (region, good) = tables.immutable(&bytes);
    let claim = descriptor(region, 0, 4);
    let mut mint = |holder, object, rights| tables.caps.mint(holder, object, rights, 0).unwrap();
    let of_mine = Object::Region(region);
    let revoked = mint(ME, of_mine, Rights::READ);
    let foreign = mint(Task(2), Object::Opaque(5), Rights::empty());
    let opaque = mint(ME, Object::Opaque(region.to_raw()), Rights::empty());
    let elsewhere = mint(ME, Object::Region(Handle::new(region.index() + 1, 1)), Rights::empty());
    let weak = mint(ME, of_mine, Rights::all() - Rights::READ);
    let old = mint(ME, Object::Region(Handle::new(region.index(), region.generation() + 1)), Rights::READ);
    tables.caps.destroy(revoked).unwrap();
    let denied = |cap| match tables.check(cap, &claim).unwrap_err() {
        DescriptorError::Denied(why) => why,
        other => panic!("{other}"),
    };
    assert_eq!(denied(Handle::new(99, 1)), CapError::Foreign);
    assert_eq!(denied(Handle::new(good.index() + 15, 1)), CapError::BadHandle);
    assert_eq!(denied(Handle::new(good.index(), 0)), CapError::BadHandle);
    assert_eq!(denied(Handle::new(good.index(), 9)), CapError::BadHandle);
    assert_eq!(denied(revoked), CapError::Revoked);
    assert_eq!(denied(foreign), CapError::NotHolder);
    assert_eq!(denied(opaque), CapError::WrongObject, "a number that is a region's handle is not one");
    assert_eq!(denied(elsewhere), CapError::WrongObject);
    assert_eq!(denied(weak), CapError::NoRight { missing: Rights::READ });
    // For a region of another time: that is no denial.
    assert_eq!(tables.check(old, &claim).unwrap_err(), DescriptorError::Stale);
    assert!(tables.check(good, &claim).is_ok());
    // More rights may be asked for.
    let greedy = tables.validator().need(Rights::READ | Rights::WRITE);
    let refused = greedy.check(good, &claim).unwrap_err();
    assert_eq!(refused, DescriptorError::Denied(CapError::NoRight { missing: Rights::WRITE }));
}

/// Where nothing is left to look at: first the capability, then that it is gone.
#[test]
fn b11_a_region_that_is_gone() {
    let bytes = counting(16);
    let mut slab = [0; 64];
    let mut tables = Tables::new();
    let (region, cap) = tables.immutable(&bytes);
    let slab = tables.regions.register_slab(&mut slab, 8).unwrap();
    let (slab_cap, elsewhere) = (tables.readable(slab), tables.readable(region));
    tables.regions.revoke(region).unwrap();
    tables.regions.revoke(slab).unwrap();
    for (region, cap) in [(region, cap), (slab, slab_cap)] {
        let claim = descriptor(region, 99, 99);
        assert_eq!(tables.check(cap, &claim).unwrap_err(), DescriptorError::Stale);
        let refused = tables.check(Handle::new(cap.index(), 9), &claim).unwrap_err();
        assert_eq!(refused, DescriptorError::Denied(CapError::BadHandle));
        let refused = tables.check(if region == slab { elsewhere } else { slab_cap }, &claim).unwrap_err();
        assert_eq!(refused, DescriptorError::Denied(CapError::WrongObject));
    }
}

/// In the narrow build, so many views can be made.
#[test]
fn c08_b11_too_many_views_come_right_after_bad_region() {
    if MOST_VIEWS > 1000 {
        return; // `bitmap::tests` has the end of the wide counter.
    }
    let bytes = counting(16);
    let mut tables = Tables::new();
    let (region, cap) = tables.immutable(&bytes);
    let views: Vec<_> =
        (0..MOST_VIEWS).map(|_| tables.check(cap, &descriptor(region, 0, 1)).unwrap()).collect();
    let claims = [descriptor(region, 0, 1), descriptor(Handle::new(region.index(), 99), 99, 99)];
    for claim in claims {
        for cap in [cap, Handle::new(99, 99)] {
            assert_eq!(tables.check(cap, &claim).unwrap_err(), DescriptorError::TooManyViews);
        }
    }
    let foreign = Handle::new(region.index() | 1 << 16, 1);
    assert_eq!(tables.check(cap, &descriptor(foreign, 0, 1)).unwrap_err(), DescriptorError::Foreign);
    drop(views);
}
