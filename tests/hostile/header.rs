//! The header of a window that came from elsewhere.

use std::cell::Cell;

use annulet::link::{Entry, Geometry, HEADER_BYTES, HeaderError, Window, WindowHeader};
use proptest::prelude::*;

type Bytes = [u8; HEADER_BYTES];

/// An entry as large as a `u64` that calls itself something else.
#[derive(Clone, Copy)]
struct Other;

impl Entry for Other {
    type Image = [u32; 2];
    const ABI: u32 = 1;
    fn to_image(&self) -> [u32; 2] {
        [0; 2]
    }
    fn from_image(_: [u32; 2]) -> Self {
        Self
    }
}

fn geometry() -> Geometry {
    Geometry::of::<u64, 8>()
}

fn header() -> Bytes {
    *WindowHeader::new(&geometry()).as_bytes()
}

fn check(bytes: &Bytes) -> Result<(), HeaderError> {
    WindowHeader::check(bytes, &geometry(), geometry().total_bytes())
}

fn with<const L: usize>(at: usize, field: [u8; L]) -> Bytes {
    let mut bytes = header();
    bytes[at..at + L].copy_from_slice(&field);
    bytes
}

#[test]
fn a_header_of_my_own_passes_and_is_laid_out_as_drawn() {
    assert_eq!(check(&header()), Ok(()));
    assert_eq!(geometry().total_bytes(), 128 + Window::<u64, 8>::BYTES as u64);
    assert_eq!(Window::<u64, 8>::BYTES, 4 * (96 + 8 * 2));
    let bytes = header();
    assert_eq!(&bytes[..8], b"ANNULET\x97");
    assert_eq!(bytes[8..12], 1u32.to_le_bytes());
    assert_eq!(bytes[12..16], 128u32.to_le_bytes());
    assert_eq!(bytes[16..24], geometry().total_bytes().to_le_bytes());
    assert_eq!(bytes[32..36], 8u32.to_le_bytes());
    assert_eq!(bytes[36..40], 7u32.to_le_bytes());
    assert_eq!(bytes[40..44], 2u32.to_le_bytes());
    assert!(bytes[44..].iter().all(|byte| *byte == 0));
}

#[test]
fn a05_a_capacity_or_mask_that_is_not_mine_is_bad_geometry() {
    for capacity in [0, 1, 3, 4, 7, 9, 16, 1 << 31, u32::MAX] {
        assert_eq!(check(&with(32, capacity.to_le_bytes())), Err(HeaderError::BadGeometry), "{capacity}");
        // Consistent with itself, and still not mine.
        let mut bytes = with(32, capacity.to_le_bytes());
        bytes[36..40].copy_from_slice(&capacity.wrapping_sub(1).to_le_bytes());
        assert_eq!(check(&bytes), Err(HeaderError::BadGeometry), "{capacity}");
    }
    for mask in [0, 1, 6, 8, 15, u32::MAX] {
        assert_eq!(check(&with(36, mask.to_le_bytes())), Err(HeaderError::BadGeometry), "mask {mask}");
    }
    for (at, value) in [(12, 0), (12, 127), (12, 256), (40, 0), (40, 1), (40, 3), (40, u32::MAX)] {
        assert_eq!(
            check(&with(at, u32::to_le_bytes(value))),
            Err(HeaderError::BadGeometry),
            "{value} at {at}"
        );
    }
}

#[test]
fn a07_sizes_that_do_not_agree_are_a_size_mismatch() {
    let total = geometry().total_bytes();
    for said in
        [0, 1, 127, 128, total - 1, total + 1, total + 4096, u64::from(u32::MAX), 1 << 32 | total, u64::MAX]
    {
        let refused = Err(HeaderError::SizeMismatch { expected: total, found: said });
        assert_eq!(check(&with(16, said.to_le_bytes())), refused, "the header says {said}");
        // Also when the memory is just as large as the header says.
        assert_eq!(WindowHeader::check(&with(16, said.to_le_bytes()), &geometry(), said), refused);
    }
    for size in [0, 1, 127, 128, total - 1] {
        let refused = Err(HeaderError::SizeMismatch { expected: total, found: size });
        assert_eq!(WindowHeader::check(&header(), &geometry(), size), refused, "the memory has {size}");
    }
    for size in [total, total + 1, u64::MAX] {
        assert_eq!(WindowHeader::check(&header(), &geometry(), size), Ok(()), "whole pages are larger");
    }
}

/// What a single flipped bit makes of a header, by the byte it is in.
fn flipped(bytes: &Bytes, at: usize) -> HeaderError {
    let u32_at = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    let u64_at = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
    let good = header();
    let expected = |at: usize| u64::from_le_bytes(good[at..at + 8].try_into().unwrap());
    match at {
        0..8 => HeaderError::BadMagic { found: u64_at(0) },
        8..12 => HeaderError::BadVersion { found: u32_at(8) },
        16..24 => HeaderError::SizeMismatch { expected: expected(16), found: u64_at(16) },
        24..32 => HeaderError::BadAbi { expected: expected(24), found: u64_at(24) },
        12..16 | 32..44 => HeaderError::BadGeometry,
        _ => HeaderError::ReservedBits,
    }
}

#[test]
fn a08_each_flipped_bit_is_its_own_error_and_two_keep_the_order() {
    // By the documentation: magic, version, fingerprint, geometry, size, reserved.
    let rank = |error: &HeaderError| match error {
        HeaderError::BadMagic { .. } => 0,
        HeaderError::BadVersion { .. } => 1,
        HeaderError::BadAbi { .. } => 2,
        HeaderError::BadGeometry => 3,
        HeaderError::SizeMismatch { .. } => 4,
        HeaderError::ReservedBits => 5,
        _ => unreachable!("a new error: give it its place"),
    };
    let bits = HEADER_BYTES * 8;
    // Few of them under Miri.
    for first in (0..bits).step_by(if cfg!(miri) { 211 } else { 1 }) {
        let mut bytes = header();
        bytes[first / 8] ^= 1 << (first % 8);
        assert_eq!(check(&bytes), Err(flipped(&bytes, first / 8)), "bit {first}");
        // With every second one, the one whose turn is first wins.
        for second in (first + 1..bits).step_by(if cfg!(miri) { 307 } else { 1 }) {
            bytes[second / 8] ^= 1 << (second % 8);
            let (a, b) = (flipped(&bytes, first / 8), flipped(&bytes, second / 8));
            let wins = if rank(&b) < rank(&a) { b } else { a };
            assert_eq!(check(&bytes), Err(wins), "bits {first} and {second}");
            bytes[second / 8] ^= 1 << (second % 8);
        }
    }
}

/// The fingerprint tells apart what the sizes do not.
#[test]
fn a08_entries_of_another_kind_have_another_fingerprint() {
    let other = Geometry::of::<Other, 8>();
    assert_eq!(other.total_bytes(), geometry().total_bytes());
    let refused = WindowHeader::check(WindowHeader::new(&other).as_bytes(), &geometry(), u64::MAX);
    assert!(matches!(refused, Err(HeaderError::BadAbi { .. })), "{refused:?}");
    for wrong in [Geometry::of::<u64, 16>(), Geometry::of::<u32, 8>(), Geometry::of::<[u32; 4], 4>()] {
        let refused = WindowHeader::check(WindowHeader::new(&wrong).as_bytes(), &geometry(), u64::MAX);
        assert!(matches!(refused, Err(HeaderError::BadAbi { .. })), "{refused:?}");
    }
}

/// The fingerprint as it is drawn: FNV-1a over the version, the entry's number, its words, the capacity, the words of a line
/// and the largest position. What is left out of it would be found out by nobody.
#[test]
fn a08_the_fingerprint_covers_all_of_the_layout() {
    let positions = if cfg!(annulet_narrow) { 0xff } else { 0x00ff_ffff };
    let abi = |parts: [u32; 6]| {
        parts.iter().fold(0xcbf2_9ce4_8422_2325, |abi: u64, part| {
            (abi ^ u64::from(*part)).wrapping_mul(0x0000_0100_0000_01b3)
        })
    };
    let said = |geometry: Geometry| {
        u64::from_le_bytes(WindowHeader::new(&geometry).as_bytes()[24..32].try_into().unwrap())
    };
    assert_eq!(said(geometry()), abi([1, 0, 2, 8, 32, positions]));
    assert_eq!(said(Geometry::of::<Other, 8>()), abi([1, 1, 2, 8, 32, positions]));
    assert_eq!(said(Geometry::of::<[u32; 5], 16>()), abi([1, 0, 5, 16, 32, positions]));
}

/// A peer that turns the header round after the one copy was made: the copy is all there is to check.
#[test]
fn a09_the_snapshot_is_the_only_source() {
    let shared: Vec<Cell<u8>> = header().into_iter().map(Cell::new).collect();
    let copies = Cell::new(0);
    let snapshot: Bytes = std::array::from_fn(|at| {
        copies.set(copies.get() + 1);
        let byte = shared[at].get();
        shared[at].set(!byte);
        byte
    });
    assert_eq!(copies.get(), HEADER_BYTES);
    assert_eq!(check(&snapshot), Ok(()), "nothing is read a second time");
    let now: Bytes = std::array::from_fn(|at| shared[at].get());
    assert!(matches!(check(&now), Err(HeaderError::BadMagic { .. })));
}

#[test]
fn a13_zeros_are_a_bad_magic() {
    assert_eq!(check(&[0; HEADER_BYTES]), Err(HeaderError::BadMagic { found: 0 }));
    assert!(matches!(check(&[0xff; HEADER_BYTES]), Err(HeaderError::BadMagic { found: u64::MAX })));
}

#[test]
fn header_errors_say_what_they_found() {
    let said = [
        (HeaderError::BadMagic { found: 0 }, "0x0000000000000000"),
        (HeaderError::BadVersion { found: 9 }, "9"),
        (HeaderError::BadAbi { expected: 1, found: 2 }, "0x0000000000000002"),
        (HeaderError::BadGeometry, "geometry"),
        (HeaderError::SizeMismatch { expected: 512, found: 0 }, "512"),
        (HeaderError::ReservedBits, "zero"),
    ];
    for (error, part) in said {
        assert!(error.to_string().contains(part), "{error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(miri) { 2 } else { 2000 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// A header that passes is mine, byte for byte.
    #[test]
    fn a05_a07_only_my_own_header_passes(
        changes in prop::collection::vec((0..HEADER_BYTES, any::<u8>()), 0..4),
        size in prop_oneof![Just(0), Just(u64::MAX), any::<u64>(), 500..700u64],
    ) {
        let mut bytes = header();
        for (at, value) in changes {
            bytes[at] = value;
        }
        let passes = WindowHeader::check(&bytes, &geometry(), size).is_ok();
        prop_assert_eq!(passes, bytes == header() && size >= geometry().total_bytes());
    }
}
