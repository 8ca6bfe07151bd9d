//! Values that are whole words, so that they can be copied word by word through memory that a peer uses.

use super::SharedWord;
use crate::sync::AtomicU32;
use crate::zeroed::Zeroed;

/// What a [`Link`](crate::link::Link) or a [`Broadcast`](crate::ring::Broadcast) carries: a fixed number of words of 32 bits.
///
/// Any values of the words are a valid entry. An entry that arrives over a link is only what the peer claims: each word was
/// loaded once, and the receiver checks what the numbers mean. An item of a broadcast is what its writer published.
///
/// Implemented for `u32`, `u64`, arrays `[u32; W]`, [`Descriptor`](crate::region::Descriptor) and
/// [`Offer`](crate::region::Offer).
///
/// # Examples
///
/// ```
/// use annulet::words::Entry;
///
/// #[derive(Clone, Copy, PartialEq, Debug)]
/// struct Step { from: u32, to: u32 }
///
/// impl Entry for Step {
///     type Image = [u32; 2];
///     fn to_image(&self) -> [u32; 2] { [self.from, self.to] }
///     fn from_image([from, to]: [u32; 2]) -> Self { Self { from, to } }
/// }
///
/// let mut ring = annulet::Broadcast::<Step, 4>::new();
/// let (mut writer, ring) = ring.split();
/// writer.publish(Step { from: 1, to: 2 });
/// assert_eq!(ring.reader_at_oldest().try_read(), Ok(Step { from: 1, to: 2 }));
/// ```
pub trait Entry: Copy {
    /// Its words: `[u32; W]`.
    type Image: Image;
    /// A number of your own that tells this entry from others of the same size. Two sides that attach to each other
    /// compare it ([`WindowHeader`](crate::link::WindowHeader)).
    const ABI: u32 = 0;
    /// Returns the words to send.
    fn to_image(&self) -> Self::Image;
    /// Makes an entry of the words that arrived. It cannot fail: any words are some entry.
    fn from_image(image: Self::Image) -> Self;
}

/// The words of an [`Entry`]: `[u32; W]`. Sealed.
pub trait Image: Copy + AsRef<[u32]> + AsMut<[u32]> + sealed::Sealed {
    /// The number of words.
    const WORDS: usize;
    /// All words zero.
    const ZERO: Self;
    #[doc(hidden)]
    type Atomics: Zeroed + Send + Sync;
    /// Loads each word once, Relaxed.
    #[doc(hidden)]
    fn load(cells: &Self::Atomics) -> Self;
    /// Stores each word once, Relaxed.
    #[doc(hidden)]
    fn store(self, cells: &Self::Atomics);
}

pub(crate) mod sealed {
    pub trait Sealed {}
}

impl<const W: usize> sealed::Sealed for [u32; W] {}
impl<const W: usize> Image for [u32; W] {
    const WORDS: usize = W;
    const ZERO: Self = [0; W];
    type Atomics = [AtomicU32; W];
    #[inline(always)]
    fn load(cells: &Self::Atomics) -> Self {
        let mut image = [0; W];
        for (word, cell) in image.iter_mut().zip(cells) {
            *word = cell.get();
        }
        image
    }
    #[inline(always)]
    fn store(self, cells: &Self::Atomics) {
        for (word, cell) in self.iter().zip(cells) {
            cell.set(*word);
        }
    }
}

impl<const W: usize> Entry for [u32; W] {
    type Image = Self;
    #[inline(always)]
    fn to_image(&self) -> Self {
        *self
    }
    #[inline(always)]
    fn from_image(image: Self) -> Self {
        image
    }
}

impl Entry for u32 {
    type Image = [Self; 1];
    #[inline(always)]
    fn to_image(&self) -> [Self; 1] {
        [*self]
    }
    #[inline(always)]
    fn from_image([word]: [Self; 1]) -> Self {
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
