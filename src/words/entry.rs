//! Values that are whole words, so that they can be copied word by word through memory that a peer uses.

use super::{Image, fingerprint};

/// What a [`Link`](crate::link::Link) or a [`Broadcast`](crate::ring::Broadcast) carries: a fixed number of words of 32 bits.
///
/// Any values of the words are a valid entry. An entry that arrives over a link is only what the peer claims: each word was
/// loaded once, and the receiver checks what the numbers mean. An item of a broadcast is what its writer published.
///
/// # Which types are entries
///
/// | type | words | |
/// |---|---|---|
/// | `u8` `u16` `u32` `i8` `i16` `i32` | 1 | the upper bits are sent as zero, and ignored on arrival |
/// | `u64` `i64` | 2 | the low word first |
/// | `u128` `i128` | 4 | the lowest word first |
/// | `f32` `f64` | 1, 2 | by its bits: the payload of a NaN arrives |
/// | `[E; N]` | `N` times those of `E` | in order; `[u8; N]` takes `N` words |
/// | tuples of up to eight entries | the sum | in order |
/// | a struct of entries | the sum | in order: [`entry!`](crate::entry!) |
/// | [`Unchecked<T>`](super::Unchecked) | those of `T` | `bool`, `char`, `usize`, `NonZero`, your enums: the receiver checks them |
/// | `Bytes<T, W>` | `W` | any bytes, packed: feature `zerocopy-v0.8` |
/// | [`Descriptor`](crate::region::Descriptor), [`Offer`](crate::region::Offer) | 6, 8 | |
///
/// An entry without words, such as `()`, goes through a broadcast. A link refuses it when the program is compiled.
///
/// A receiver that is to refuse upper bits takes a `u32`, and converts it by `u8::try_from`.
///
/// `usize` and `isize` are none, since the two sides of a link may differ in their width. Send a `u64` or an `i64`, or an
/// `Unchecked<usize>`. That crosses as a `u64`, and the receiver learns if it does not fit.
///
/// # Examples
///
/// ```
/// let mut ring = annulet::Broadcast::<(u32, [f32; 3]), 4>::new();
/// let (mut writer, ring) = ring.split();
/// writer.publish((1, [0.5, -1.5, f32::INFINITY]));
/// assert_eq!(ring.reader_at_oldest().try_read(), Ok((1, [0.5, -1.5, f32::INFINITY])));
/// ```
///
/// By hand, if [`entry!`](crate::entry!) does not fit:
///
/// ```
/// use annulet::words::Entry;
///
/// #[derive(Clone, Copy, PartialEq, Debug)]
/// struct Step<T> { from: T, to: T }
///
/// impl<T: Entry> Entry for Step<T> {
///     type Image = [T::Image; 2];
///     const ABI: u32 = <[T; 2]>::ABI;
///     fn to_image(&self) -> Self::Image { [self.from.to_image(), self.to.to_image()] }
///     fn from_image([from, to]: Self::Image) -> Self { Self { from: T::from_image(from), to: T::from_image(to) } }
/// }
///
/// let mut ring = annulet::Broadcast::<Step<i64>, 4>::new();
/// let (mut writer, ring) = ring.split();
/// writer.publish(Step { from: -1, to: 2 });
/// assert_eq!(ring.reader_at_oldest().try_read(), Ok(Step { from: -1, to: 2 }));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an entry",
    label = "not made of words of which any value is valid",
    note = "for a bool, char, usize, isize, NonZero or an enum, use `annulet::words::Unchecked<{Self}>`",
    note = "for a struct of entries, define it in `annulet::entry!`"
)]
pub trait Entry: Copy {
    /// Its words: `u32`, or an array or tuple of images.
    type Image: Image;
    /// A number of your own that tells this entry from others of the same size. Two sides that attach to each other
    /// compare it ([`WindowHeader`](crate::link::WindowHeader)).
    const ABI: u32 = 0;
    /// Returns the words to send.
    fn to_image(&self) -> Self::Image;
    /// Makes an entry of the words that arrived. It cannot fail: any words are some entry.
    fn from_image(image: Self::Image) -> Self;
    /// Stores the words. An array stores its parts one by one, so that a large one is not copied to an image first.
    #[doc(hidden)]
    #[inline(always)]
    fn store_image(&self, cells: &<Self::Image as Image>::Atomics) {
        self.to_image().store(cells);
    }
}

impl<E: Entry, const N: usize> Entry for [E; N] {
    type Image = [E::Image; N];
    const ABI: u32 = fingerprint::of_array(E::Image::WORDS, E::ABI, N);
    #[inline(always)]
    fn to_image(&self) -> Self::Image {
        self.map(|part| part.to_image())
    }
    #[inline(always)]
    fn from_image(image: Self::Image) -> Self {
        image.map(E::from_image)
    }
    #[inline(always)]
    fn store_image(&self, cells: &<Self::Image as Image>::Atomics) {
        for (part, cells) in self.iter().zip(cells) {
            part.store_image(cells);
        }
    }
}

macro_rules! entry_of_tuple {
    ($($part:ident $name:ident)*) => {
        #[allow(clippy::unused_unit)] // that of no parts
        impl<$($part: Entry),*> Entry for ($($part,)*) {
            type Image = ($($part::Image,)*);
            const ABI: u32 = {
                let abi = fingerprint::OF_NOTHING;
                $(let abi = fingerprint::and(abi, $part::Image::WORDS, $part::ABI);)*
                abi
            };
            #[inline(always)]
            fn to_image(&self) -> Self::Image {
                let ($($name,)*) = self;
                ($($name.to_image(),)*)
            }
            #[inline(always)]
            fn from_image(($($name,)*): Self::Image) -> Self {
                ($($part::from_image($name),)*)
            }
        }
    };
}

super::tuples::for_each_tuple!(entry_of_tuple);
