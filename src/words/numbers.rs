//! Integers and floats as entries.

use super::Entry;

/// A number that is one word of 32 bits or a part of it, by an unsigned number of its width.
macro_rules! one_word {
    ($($number:ty: $unsigned:ty, $abi:expr;)*) => {$(
        impl Entry for $number {
            type Image = u32;
            const ABI: u32 = $abi;
            #[inline(always)]
            fn to_image(&self) -> u32 {
                u32::from(*self as $unsigned)
            }
            // What a peer puts in the upper bits is cut off.
            #[allow(clippy::cast_possible_truncation)]
            #[inline(always)]
            fn from_image(word: u32) -> Self {
                word as Self
            }
        }
    )*};
}

one_word! {
    u8: u8, u32::from_be_bytes(*b"u8  ");
    i8: u8, u32::from_be_bytes(*b"i8  ");
    u16: u16, u32::from_be_bytes(*b"u16 ");
    i16: u16, u32::from_be_bytes(*b"i16 ");
    i32: u32, u32::from_be_bytes(*b"i32 ");
}

impl Entry for u32 {
    type Image = Self;
    #[inline(always)]
    fn to_image(&self) -> Self {
        *self
    }
    #[inline(always)]
    fn from_image(word: Self) -> Self {
        word
    }
}

impl Entry for u64 {
    type Image = [u32; 2];
    #[inline(always)]
    fn to_image(&self) -> [u32; 2] {
        [(*self & 0xffff_ffff) as u32, (*self >> 32) as u32]
    }
    #[inline(always)]
    fn from_image([low, high]: [u32; 2]) -> Self {
        Self::from(high) << 32 | Self::from(low)
    }
}

impl Entry for u128 {
    type Image = [u32; 4];
    const ABI: u32 = u32::from_be_bytes(*b"u128");
    #[inline(always)]
    fn to_image(&self) -> [u32; 4] {
        [*self as u32, (*self >> 32) as u32, (*self >> 64) as u32, (*self >> 96) as u32]
    }
    #[inline(always)]
    fn from_image(image: [u32; 4]) -> Self {
        image.into_iter().rev().fold(0, |number, word| number << 32 | Self::from(word))
    }
}

/// A number that has the bits of an unsigned one.
macro_rules! by_its_bits {
    ($($number:ty: $unsigned:ty, $abi:expr, $to:expr, $from:expr;)*) => {$(
        impl Entry for $number {
            type Image = <$unsigned as Entry>::Image;
            const ABI: u32 = $abi;
            #[inline(always)]
            fn to_image(&self) -> Self::Image {
                $to(*self).to_image()
            }
            #[inline(always)]
            fn from_image(image: Self::Image) -> Self {
                $from(<$unsigned>::from_image(image))
            }
        }
    )*};
}

by_its_bits! {
    i64: u64, u32::from_be_bytes(*b"i64 "), i64::cast_unsigned, u64::cast_signed;
    i128: u128, u32::from_be_bytes(*b"i128"), i128::cast_unsigned, u128::cast_signed;
    f32: u32, u32::from_be_bytes(*b"f32 "), f32::to_bits, f32::from_bits;
    f64: u64, u32::from_be_bytes(*b"f64 "), f64::to_bits, f64::from_bits;
}
