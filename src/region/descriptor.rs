//! Descriptors: what a sender claims about bytes.

use super::DescriptorError;
use crate::handle::{Cap, Handle, Region};
use crate::link::Entry;

/// A claim: so many bytes, from there, of that region. 24 bytes, little-endian, the same on every target.
///
/// A descriptor is worth nothing until [`Validator::check`](super::Validator::check) has compared it with this side's own
/// tables.
///
/// ```text
///   0        4            8          16       20      24
///   ┌────────┬────────────┬──────────┬────────┬───────┐
///   │ region │ generation │ offset   │ length │ tag   │
///   │ u32    │ u32        │ u64      │ u32    │ u32   │
///   └────────┴────────────┴──────────┴────────┴───────┘
///     region and generation: the handle, which says the table, too
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(C)]
pub struct Descriptor {
    region: Handle<Region>,
    offset: u64,
    length: u32,
    tag: u32,
}

impl Descriptor {
    /// Makes a descriptor of `length` bytes from `offset` of a region. `tag` is the sender's, and arrives as it is.
    ///
    /// # Errors
    ///
    /// [`DescriptorError::TooLong`] for 4 GiB and more: a length is never cut to fit.
    pub const fn new(
        region: Handle<Region>,
        offset: u64,
        length: usize,
        tag: u32,
    ) -> Result<Self, DescriptorError> {
        if length as u64 > u32::MAX as u64 {
            return Err(DescriptorError::TooLong { length: length as u64, limit: u32::MAX as u64 });
        }
        Ok(Self { region, offset, length: length as u32, tag })
    }

    /// Returns the region that it claims to be of.
    #[must_use]
    pub const fn region(&self) -> Handle<Region> {
        self.region
    }

    /// Returns the offset that it claims, in bytes.
    #[must_use]
    pub const fn offset(&self) -> u64 {
        self.offset
    }

    /// Returns the length that it claims, in bytes.
    #[must_use]
    pub const fn length(&self) -> u32 {
        self.length
    }

    /// Returns the sender's tag.
    #[must_use]
    pub const fn tag(&self) -> u32 {
        self.tag
    }

    /// Returns its 24 bytes.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; 24] {
        let mut bytes = [0; 24];
        for (place, word) in bytes.chunks_exact_mut(4).zip(self.to_image()) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }

    /// Makes a descriptor of any 24 bytes.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; 24]) -> Self {
        let mut image = [0; 6];
        for (word, place) in image.iter_mut().zip(bytes.chunks_exact(4)) {
            *word = place.iter().rev().fold(0, |word, byte| word << 8 | u32::from(*byte));
        }
        Self::from_image(image)
    }
}

impl Entry for Descriptor {
    type Image = [u32; 6];
    const ABI: u32 = 0x4445_5343;

    #[inline(always)]
    fn to_image(&self) -> [u32; 6] {
        let [low, high] = self.offset.to_image();
        [self.region.index(), self.region.generation(), low, high, self.length, self.tag]
    }

    #[inline(always)]
    fn from_image([region, generation, low, high, length, tag]: [u32; 6]) -> Self {
        Self { region: Handle::new(region, generation), offset: u64::from_image([low, high]), length, tag }
    }
}

/// A descriptor, and the capability under which its bytes are offered: 32 bytes, two to a cache line.
///
/// The receiver's tables decide what the capability allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(C)]
pub struct Offer {
    /// The bytes.
    pub descriptor: Descriptor,
    /// The capability.
    pub cap: Handle<Cap>,
}

impl Entry for Offer {
    type Image = [u32; 8];
    const ABI: u32 = 0x4f46_4652;

    #[inline(always)]
    fn to_image(&self) -> [u32; 8] {
        let [a, b, c, d, e, f] = self.descriptor.to_image();
        [a, b, c, d, e, f, self.cap.index(), self.cap.generation()]
    }

    #[inline(always)]
    fn from_image([a, b, c, d, e, f, index, generation]: [u32; 8]) -> Self {
        Self { descriptor: Descriptor::from_image([a, b, c, d, e, f]), cap: Handle::new(index, generation) }
    }
}

const _: () = {
    use core::mem::{offset_of, size_of};
    assert!(size_of::<Descriptor>() == 24);
    assert!(offset_of!(Descriptor, region) == 0);
    assert!(offset_of!(Descriptor, offset) == 8);
    assert!(offset_of!(Descriptor, length) == 16);
    assert!(offset_of!(Descriptor, tag) == 20);
    assert!(size_of::<Offer>() == 32);
    assert!(offset_of!(Offer, cap) == 24);
};
