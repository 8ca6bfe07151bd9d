//! `bool`, `char`, `NonZero`, `usize` and `isize`: values that not all words are valid for.

use core::num::NonZero;

use super::{Entry, Image, InvalidWord, TryEntry};

impl TryEntry for bool {
    type Image = u32;
    const NAME: &'static str = "bool";
    const ABI: u32 = u32::from_be_bytes(*b"bool");
    #[inline(always)]
    fn to_image(&self) -> u32 {
        u32::from(*self)
    }
    #[inline(always)]
    fn try_from_image(word: u32) -> Result<Self, InvalidWord> {
        match word {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(InvalidWord::new::<Self>(0, word)),
        }
    }
}

impl TryEntry for char {
    type Image = u32;
    const NAME: &'static str = "char";
    const ABI: u32 = u32::from_be_bytes(*b"char");
    #[inline(always)]
    fn to_image(&self) -> u32 {
        u32::from(*self)
    }
    #[inline(always)]
    fn try_from_image(word: u32) -> Result<Self, InvalidWord> {
        Self::from_u32(word).ok_or(InvalidWord::new::<Self>(0, word))
    }
}

/// A number that is not zero. Words that it would not send are refused, upper bits among them.
macro_rules! non_zero {
    ($($number:ty: $abi:expr;)*) => {$(
        impl TryEntry for NonZero<$number> {
            type Image = <$number as Entry>::Image;
            const NAME: &'static str = concat!("NonZero<", stringify!($number), ">");
            const ABI: u32 = u32::from_be_bytes(*$abi);
            #[inline(always)]
            fn to_image(&self) -> Self::Image {
                self.get().to_image()
            }
            #[inline(always)]
            fn try_from_image(image: Self::Image) -> Result<Self, InvalidWord> {
                Self::new(<$number>::from_image(image)).filter(|value| value.to_image() == image).ok_or_else(|| {
                    // Several words are only refused if all are zero.
                    let mut found = 0;
                    image.for_each_word(&mut |word| found |= word);
                    InvalidWord::new::<Self>(0, found)
                })
            }
        }
    )*};
}

non_zero! {
    u8: b"nu8 ";
    i8: b"ni8 ";
    u16: b"nu16";
    i16: b"ni16";
    u32: b"nu32";
    i32: b"ni32";
    u64: b"nu64";
    i64: b"ni64";
    u128: b"n128";
    i128: b"ni28";
}

/// A number as wide as a pointer. It crosses with 64 bits, and is refused by a receiver whose pointers have fewer.
macro_rules! pointer_wide {
    ($($number:ident as $wide:ident, $abi:expr;)*) => {$(
        impl TryEntry for $number {
            type Image = [u32; 2];
            const NAME: &'static str = stringify!($number);
            const ABI: u32 = u32::from_be_bytes(*$abi);
            #[inline(always)]
            fn to_image(&self) -> [u32; 2] {
                (*self as $wide).to_image()
            }
            #[inline(always)]
            fn try_from_image(image: [u32; 2]) -> Result<Self, InvalidWord> {
                Self::try_from($wide::from_image(image)).map_err(|_| InvalidWord::new::<Self>(1, image[1]))
            }
        }
    )*};
}

pointer_wide! {
    usize as u64, b"uptr";
    isize as i64, b"iptr";
}
