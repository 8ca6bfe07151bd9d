//! Any type of which any bytes are a value, by zerocopy's traits.

use zerocopy::{FromBytes, Immutable, IntoBytes};

use super::{Entry, fingerprint};

/// Returns how many words hold a `T`: its size in words of four bytes, rounded up.
///
/// # Examples
///
/// ```
/// assert_eq!(annulet::words::words_of::<[u8; 9]>(), 3);
/// ```
#[must_use]
pub const fn words_of<T>() -> usize {
    size_of::<T>().div_ceil(4)
}

/// A `T` as an [`Entry`] of its bytes, packed into `W` words.
///
/// `T` needs `Copy`, and zerocopy's `FromBytes`, `IntoBytes` and `Immutable`. They say that any bytes are a `T`, and that a `T` has
/// no padding and no cells. `W` is [`words_of::<T>()`](words_of), checked when the program is compiled. Bytes of the last word
/// that `T` does not have are sent as zero, and ignored on arrival.
///
/// Use [`entry!`](crate::entry!) rather than this for a struct of your own whose fields are entries. Use this for a type of
/// another crate, and for arrays of bytes, which take a quarter of the words.
///
/// # Layout
///
/// Byte `i` of a `T` is byte `i` of the entry in memory. Its numbers are in the order of bytes of the side that made it, as in `T`
/// itself. So a `T` that crosses to another kind of processor is made of zerocopy's `U32<LE>` and the like. `repr(C)` keeps its
/// fields in order on both sides.
///
/// [`Entry::ABI`] tells the size of `T`, and nothing more. To tell more, make it the field of an [`entry!`](crate::entry!) with a
/// number of its own.
///
/// # Examples
///
/// ```
/// use annulet::Broadcast;
/// use annulet::words::{Bytes, words_of};
/// use zerocopy::{FromBytes, Immutable, IntoBytes};
///
/// #[derive(Clone, Copy, PartialEq, Debug, FromBytes, IntoBytes, Immutable)]
/// #[repr(C)]
/// struct Quote { symbol: [u8; 6], flags: u16, price: f64 }
///
/// static QUOTES: Broadcast<Bytes<Quote, { words_of::<Quote>() }>, 8> = Broadcast::new();
///
/// let quote = Quote { symbol: *b"ANNULT", flags: 1, price: 0.5 };
/// let mut reader = QUOTES.reader_at_newest();
/// QUOTES.try_writer().unwrap().publish(Bytes(quote));
/// assert_eq!(reader.try_read(), Ok(Bytes(quote)));
/// ```
///
/// A type of which not all bytes are values does not compile:
///
/// ```compile_fail,E0277
/// static FLAGS: annulet::Broadcast<annulet::words::Bytes<[bool; 4], 1>, 8> = annulet::Broadcast::new();
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
#[repr(transparent)]
pub struct Bytes<T, const W: usize>(pub T);

impl<T, const W: usize> Bytes<T, W> {
    const CHECKED: () = assert!(
        W == words_of::<T>(),
        "wrong number of words: write `Bytes<T, {{ annulet::words::words_of::<T>() }}>`"
    );
}

impl<T: Copy + FromBytes + IntoBytes + Immutable, const W: usize> Entry for Bytes<T, W> {
    type Image = [u32; W];
    #[allow(clippy::cast_possible_truncation)]
    const ABI: u32 = {
        let () = Self::CHECKED;
        fingerprint::of_bytes(size_of::<T>() as u32)
    };

    #[inline(always)]
    fn to_image(&self) -> [u32; W] {
        let () = Self::CHECKED;
        let mut image = [0; W];
        // It fits, as `CHECKED` has it; written so that no panic remains.
        let _ = self.0.write_to_prefix(image.as_mut_bytes());
        image.map(u32::from_le)
    }

    #[inline(always)]
    fn from_image(image: [u32; W]) -> Self {
        let () = Self::CHECKED;
        // There are as many bytes, as `CHECKED` has it; written so that no panic remains.
        Self(
            T::read_from_prefix(image.map(u32::to_le).as_bytes())
                .map_or_else(|_| T::new_zeroed(), |(value, _)| value),
        )
    }
}
