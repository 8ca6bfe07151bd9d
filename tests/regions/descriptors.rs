//! What a sender may claim.

use annulet::handle::Handle;
use annulet::link::{Entry, Link, Window};
use annulet::region::{Descriptor, DescriptorError, Offer, Policy};

use crate::{Tables, counting, descriptor};

fn out_of_range(end: u64, limit: u64) -> DescriptorError {
    DescriptorError::OutOfRange { end, limit }
}

#[test]
fn b01_an_end_beyond_the_integer_is_out_of_range() {
    let bytes = counting(64);
    let mut tables = Tables::new();
    let (region, cap) = tables.immutable(&bytes);
    let beyond = [
        (u64::MAX, 1),
        (u64::MAX, u32::MAX),
        (u64::MAX - 5, 6),
        (u64::MAX - u64::from(u32::MAX) + 1, u32::MAX),
    ];
    for (offset, length) in beyond {
        let claim = descriptor(region, offset, length as usize);
        assert_eq!(tables.check(cap, &claim).unwrap_err(), out_of_range(u64::MAX, 64), "{offset} {length}");
    }
    // Those that fit the integer, around the ends of the smaller ones; 2^32 is 0 on a 32-bit machine.
    let max = u64::from(u32::MAX);
    for (offset, length) in
        [(1, max), (max, 1), (max, max), (max + 1, 1), (max + 1, 64), (1 << 63, max), (u64::MAX, 0)]
    {
        let claim = descriptor(region, offset, length as usize);
        assert_eq!(
            tables.check(cap, &claim).unwrap_err(),
            out_of_range(offset + length, 64),
            "{offset} {length}"
        );
    }
}

#[test]
fn b02_rv08_every_offset_and_length_of_a_small_region() {
    let bytes = counting(16);
    let mut tables = Tables::new();
    let (region, cap) = tables.immutable(&bytes);
    for offset in 0..=18 {
        for length in 0..=18 {
            let result = tables.check(cap, &descriptor(region, offset, length));
            let end = offset + length as u64;
            if end <= 16 {
                assert_eq!(*result.unwrap(), bytes[offset as usize..end as usize]);
            } else {
                assert_eq!(result.unwrap_err(), out_of_range(end, 16));
            }
        }
    }
    assert_eq!(tables.regions.revoke(region), Ok(()), "no check has left anything behind");
}

/// RV8 of the peer refuses a length of 0; here it is a view of nothing, as anywhere in Rust.
#[test]
fn b03_nothing_at_the_end_is_a_view_of_nothing() {
    let bytes = counting(16);
    let mut tables = Tables::new();
    let (region, cap) = tables.immutable(&bytes);
    let view = tables.check(cap, &descriptor(region, 16, 0)).unwrap();
    assert!(view.is_empty());
    assert_eq!(tables.check(cap, &descriptor(region, 17, 0)).unwrap_err(), out_of_range(17, 16));
    drop(view);
}

/// CVE-2019-18960: a buffer that begins in one region and ends in the next.
#[test]
fn b04_adjacent_regions_do_not_make_one() {
    let bytes = counting(32);
    let (low, high) = bytes.split_at(16);
    let mut tables = Tables::new();
    let ((first, cap), (second, _)) = (tables.immutable(low), tables.immutable(high));
    for (offset, length) in [(8, 9), (15, 2), (16, 1), (0, 17), (0, 32)] {
        let refused = tables.check(cap, &descriptor(first, offset, length)).unwrap_err();
        assert_eq!(refused, out_of_range(offset + length as u64, 16));
    }
    // Nor does the capability of the one reach the other.
    let refused = tables.check(cap, &descriptor(second, 0, 1)).unwrap_err();
    assert_eq!(refused, DescriptorError::Denied(annulet::cap::CapError::WrongObject));
}

/// All bits of a region's number mean something: those above the slots of this table name other tables.
#[test]
fn b06_each_bit_above_the_tables_slots_is_refused() {
    let bytes = counting(16);
    let mut tables = Tables::new();
    let (region, cap) = tables.immutable(&bytes);
    for bit in 2..32 {
        let forged = Handle::new(region.index() ^ 1 << bit, region.generation());
        let refused = tables.check(cap, &descriptor(forged, 0, 1)).unwrap_err();
        assert_eq!(refused, DescriptorError::Foreign, "bit {bit}");
    }
    // And the tag whatever the sender likes.
    let tagged = Descriptor::new(region, 0, 1, u32::MAX).unwrap();
    assert_eq!(tables.check(cap, &tagged).unwrap().tag(), u32::MAX);
}

#[test]
fn b07_rv07_only_regions_that_keep_their_bytes_are_described() {
    let bytes = counting(64);
    let (mut log, mut slab, ring) = ([0; 16], [0; 64], [0u32; 8]);
    let mut tables = Tables::new();
    let (region, _) = tables.immutable(&bytes);
    let log = tables.regions.register_append_only(&mut log).unwrap();
    let slab = tables.regions.register_slab(&mut slab, 8).unwrap();
    let caps = [region, log, slab].map(|region| tables.readable(region));

    // There is no region of that number, and never was; and what the table sets aside is no region.
    let refused =
        |nowhere: u32| tables.check(caps[0], &descriptor(Handle::new(nowhere, 1), 0, 1)).unwrap_err();
    assert_eq!(refused(region.index() + 3), DescriptorError::BadHandle);
    for nowhere in [region.index() - 1, region.index() + 4, region.index() + 1000, 0, 3, u32::MAX] {
        assert_eq!(refused(nowhere), DescriptorError::Foreign);
    }
    let aside = tables.regions.reserve(&ring).unwrap();
    let cap = tables.readable(aside);
    assert_eq!(tables.check(cap, &descriptor(aside, 0, 1)).unwrap_err(), DescriptorError::BadHandle);

    let refused = tables.check(caps[2], &descriptor(slab, 0, 1)).unwrap_err();
    assert_eq!(refused, DescriptorError::WrongPolicy { found: Policy::Slab });
    tables.regions.appender(log).unwrap().append(b"log").unwrap();
    assert_eq!(*tables.check(caps[1], &descriptor(log, 0, 3)).unwrap(), *b"log");
    let strict = tables.validator().immutable_only();
    let refused = strict.check(caps[1], &descriptor(log, 0, 3)).unwrap_err();
    assert_eq!(refused, DescriptorError::WrongPolicy { found: Policy::AppendOnly });
    assert_eq!(*strict.check(caps[0], &descriptor(region, 0, 3)).unwrap(), [0, 1, 2]);
}

#[repr(align(4096))]
struct Page([u8; 8192]);

#[test]
fn b08_every_alignment_at_every_offset() {
    let page = Page([7; 8192]);
    // Registered off its page, so that offsets and addresses are aligned differently.
    for from in [0, 1, 4, 24] {
        let mut tables = Tables::new();
        let (region, cap) = tables.immutable(&page.0[from..]);
        let aligns = [0, 1, 2, 3, 4, 5, 8, 16, 24, 64, 128, 4096];
        for align in aligns {
            let validator = tables.validator().align(align);
            let required = align.next_power_of_two();
            let offsets = (0..if cfg!(miri) { 9 } else { 70 }).chain([4096 - from, 4097 - from, 8192 - from]);
            for offset in offsets {
                let result = validator.check(cap, &descriptor(region, offset as u64, 0));
                if (from + offset) % required == 0 {
                    assert!(result.unwrap().as_ptr().addr() % required == 0);
                } else {
                    assert_eq!(result.unwrap_err(), DescriptorError::Misaligned { required });
                }
            }
        }
        // Beyond the largest power of two there is no alignment, and no address that has it.
        for align in [usize::MAX, usize::MAX / 2 + 2] {
            let required = 1 << (usize::BITS - 1);
            let refused = tables.validator().align(align).check(cap, &descriptor(region, 0, 1)).unwrap_err();
            assert_eq!(refused, DescriptorError::Misaligned { required });
        }
        // An offset beyond everything is first of all misaligned, where it is.
        let odd = descriptor(region, u64::MAX - from as u64, 1);
        assert_eq!(
            tables.validator().align(2).check(cap, &odd).unwrap_err(),
            DescriptorError::Misaligned { required: 2 }
        );
        let even = descriptor(region, u64::MAX - 1 - from as u64, 9);
        assert!(matches!(
            tables.validator().align(2).check(cap, &even),
            Err(DescriptorError::OutOfRange { .. })
        ));
    }
}

/// A length is never cut to fit its 32 bits.
#[cfg(target_pointer_width = "64")]
#[test]
fn b14_four_gigabytes_are_too_long_to_describe() {
    let region = Handle::new(0, 1);
    for length in [0, 1, 65_535, 65_536, 65_537, u32::MAX as usize] {
        assert_eq!(Descriptor::new(region, 0, length, 0).unwrap().length() as usize, length);
    }
    for length in [1 << 32, (1 << 32) + 5, 1 << 48, usize::MAX] {
        let too_long = DescriptorError::TooLong { length: length as u64, limit: u64::from(u32::MAX) };
        assert_eq!(Descriptor::new(region, 0, length, 0), Err(too_long));
    }
}

#[test]
fn the_reader_takes_no_more_than_it_says() {
    let bytes = counting(16);
    let mut tables = Tables::new();
    let (region, cap) = tables.immutable(&bytes);
    let short = tables.validator().max_len(4);
    for length in 0..=16 {
        let result = short.check(cap, &descriptor(region, 0, length));
        if length <= 4 {
            assert_eq!(result.unwrap().len(), length);
        } else {
            assert_eq!(result.unwrap_err(), DescriptorError::TooLong { length: length as u64, limit: 4 });
        }
    }
}

/// 24 bytes, little-endian, and any 24 bytes are some descriptor.
#[test]
fn rv09_a_descriptor_is_24_bytes_and_round_trips() {
    let region = Handle::new(0x0403_0201, 0x0807_0605);
    let made = Descriptor::new(region, 0x100f_0e0d_0c0b_0a09, 0x1413_1211, 0x1817_1615).unwrap();
    assert_eq!(made.to_bytes(), std::array::from_fn(|i| i as u8 + 1));
    for seed in (0..=255u8).step_by(if cfg!(miri) { 51 } else { 1 }) {
        let bytes: [u8; 24] = std::array::from_fn(|i| seed.wrapping_mul(i as u8 ^ 0x5a));
        let claim = Descriptor::from_bytes(&bytes);
        assert_eq!(claim.to_bytes(), bytes);
        assert_eq!(Descriptor::from_image(claim.to_image()), claim);
    }
    // Through a link, together with its capability, in one entry.
    let (a, b) = (Window::<Offer, 2>::new(), Window::<Offer, 2>::new());
    let mut tx = Link::<Offer, 2, _, _>::new(&a, &b);
    let mut rx = Link::<Offer, 2, _, _>::new(&b, &a);
    let offer = Offer { descriptor: made, cap: Handle::new(9, u32::MAX) };
    tx.try_send(&offer).unwrap();
    assert_eq!(rx.try_recv(), Ok(offer));
}

/// What arrives is a claim; bytes come out of the receiver's own check, and stay pinned as long as the view lives.
#[test]
fn rv10_what_was_offered_becomes_bytes_by_the_receivers_check_only() {
    let bytes = counting(32);
    let mut tables = Tables::new();
    let (region, cap) = tables.immutable(&bytes);
    let (a, b) = (Window::<Offer, 2>::new(), Window::<Offer, 2>::new());
    let mut tx = Link::<Offer, 2, _, _>::new(&a, &b);
    let mut rx = Link::<Offer, 2, _, _>::new(&b, &a);
    tx.try_send(&Offer { descriptor: descriptor(region, 8, 8), cap }).unwrap();
    tx.try_send(&Offer { descriptor: descriptor(region, 30, 8), cap }).unwrap();
    let Offer { descriptor, cap } = rx.try_recv().unwrap();
    let view = tables.check(cap, &descriptor).unwrap();
    assert_eq!(*view, bytes[8..16]);
    assert_eq!(tables.regions.revoke(region), Err(annulet::region::RegionError::InUse(1)));
    let Offer { descriptor, cap } = rx.try_recv().unwrap();
    // Closed by now; a check looks for what is there, and then at what is claimed.
    assert_eq!(tables.check(cap, &descriptor).unwrap_err(), DescriptorError::Stale);
    assert_eq!(*view, bytes[8..16], "still there");
    drop(view);
    assert_eq!(tables.regions.revoke(region), Ok(()));
}

#[test]
fn errors_say_what_they_found() {
    use annulet::cap::CapError;
    use std::error::Error;
    let said = [
        (DescriptorError::Foreign, "another table"),
        (DescriptorError::BadHandle, "no such region"),
        (DescriptorError::TooManyViews, "views"),
        (DescriptorError::Contended, "changed"),
        (DescriptorError::WrongPolicy { found: Policy::Slab }, "slab"),
        (DescriptorError::WrongPolicy { found: Policy::AppendOnly }, "AppendOnly"),
        (DescriptorError::Denied(CapError::Revoked), "revoked"),
        (DescriptorError::Stale, "stale"),
        (DescriptorError::Misaligned { required: 64 }, "64"),
        (out_of_range(4097, 4096), "4097 of 4096"),
        (DescriptorError::TooLong { length: 9, limit: 8 }, "9 bytes, 8"),
        (DescriptorError::ChainTooLong { limit: 3 }, "3"),
        (DescriptorError::BrokenChain { link: 12 }, "12"),
    ];
    for (error, part) in said {
        assert!(error.to_string().contains(part), "{error}");
        assert_eq!(error.source().is_some(), matches!(error, DescriptorError::Denied(_)));
    }
}
