//! The words of an entry: one word, arrays of images, and tuples of images.

use core::fmt::Debug;
use core::hash::Hash;

use super::SharedWord;
use crate::sync::AtomicU32;
use crate::zeroed::{Zeroed, empty_in_models};

/// The words of an [`Entry`](super::Entry): `u32`, which is one word, and arrays and tuples of images. Sealed.
///
/// The words of an array or a tuple are those of its parts, in order. So `[u32; 3]`, `(u32, [u32; 2])` and `(u32, u32, u32)` are
/// the same in memory: three words of 32 bits, each little-endian.
///
/// # Examples
///
/// ```
/// use annulet::words::{Entry, Image};
///
/// let image = (7u32, [1.5f32, -2.0]).to_image();
/// let mut words = vec![];
/// image.for_each_word(&mut |word| words.push(word));
/// assert_eq!(words, [7, 1.5f32.to_bits(), (-2.0f32).to_bits()]);
///
/// let mut words = words.into_iter();
/// let copy = <(u32, [u32; 2])>::from_words(&mut || words.next().unwrap());
/// assert_eq!(copy, image);
/// ```
pub trait Image: Copy + Debug + Eq + Hash + sealed::Sealed {
    /// The number of words.
    const WORDS: usize;
    /// All words zero.
    const ZERO: Self;
    /// Makes an image of [`WORDS`](Self::WORDS) words, which `next` gives in order.
    fn from_words(next: &mut impl FnMut() -> u32) -> Self;
    /// Calls `f` with each word, in order.
    fn for_each_word(&self, f: &mut impl FnMut(u32));
    /// The words in memory: `WORDS` atomics, one after the other, and nothing else.
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

impl sealed::Sealed for u32 {}
impl Image for u32 {
    const WORDS: usize = 1;
    const ZERO: Self = 0;
    #[inline(always)]
    fn from_words(next: &mut impl FnMut() -> u32) -> Self {
        next()
    }
    #[inline(always)]
    fn for_each_word(&self, f: &mut impl FnMut(u32)) {
        f(*self);
    }
    type Atomics = AtomicU32;
    #[inline(always)]
    fn load(cells: &Self::Atomics) -> Self {
        cells.get()
    }
    #[inline(always)]
    fn store(self, cells: &Self::Atomics) {
        cells.set(self);
    }
}

impl<I: Image, const N: usize> sealed::Sealed for [I; N] {}
impl<I: Image, const N: usize> Image for [I; N] {
    const WORDS: usize = I::WORDS * N;
    const ZERO: Self = [I::ZERO; N];
    #[inline(always)]
    fn from_words(next: &mut impl FnMut() -> u32) -> Self {
        let mut image = Self::ZERO;
        for part in &mut image {
            *part = I::from_words(next);
        }
        image
    }
    #[inline(always)]
    fn for_each_word(&self, f: &mut impl FnMut(u32)) {
        for part in self {
            part.for_each_word(f);
        }
    }
    type Atomics = [I::Atomics; N];
    #[inline(always)]
    fn load(cells: &Self::Atomics) -> Self {
        let mut image = Self::ZERO;
        for (part, cells) in image.iter_mut().zip(cells) {
            *part = I::load(cells);
        }
        image
    }
    #[inline(always)]
    fn store(self, cells: &Self::Atomics) {
        for (part, cells) in self.into_iter().zip(cells) {
            part.store(cells);
        }
    }
}

/// The atomics of a tuple: those of its first part, and those of the rest. A tuple itself has no order in memory.
#[doc(hidden)]
#[repr(C)]
#[derive(Debug)]
pub struct Pair<A, B>(A, B);

// SAFETY: the two values, one after the other, and padding, which may be anything.
unsafe impl<A: Zeroed, B: Zeroed> Zeroed for Pair<A, B> {
    empty_in_models!(Self(A::empty(), B::empty()));
}

/// The type of the atomics of a tuple.
macro_rules! pairs {
    () => { () };
    ($first:ident $($rest:ident)*) => { Pair<$first::Atomics, pairs!($($rest)*)> };
}

macro_rules! image_of_tuple {
    ($($part:ident $name:ident)*) => {
        impl<$($part: Image),*> sealed::Sealed for ($($part,)*) {}
        #[allow(clippy::unused_unit)] // that of no parts
        impl<$($part: Image),*> Image for ($($part,)*) {
            const WORDS: usize = 0 $(+ $part::WORDS)*;
            const ZERO: Self = ($($part::ZERO,)*);
            #[inline(always)]
            fn from_words(_next: &mut impl FnMut() -> u32) -> Self {
                // A tuple is evaluated from left to right.
                ($($part::from_words(_next),)*)
            }
            #[inline(always)]
            fn for_each_word(&self, _f: &mut impl FnMut(u32)) {
                let ($($name,)*) = self;
                $($name.for_each_word(_f);)*
            }
            type Atomics = pairs!($($part)*);
            #[inline(always)]
            fn load(cells: &Self::Atomics) -> Self {
                $(let Pair($name, cells) = cells;)*
                let () = cells;
                ($($part::load($name),)*)
            }
            #[inline(always)]
            fn store(self, cells: &Self::Atomics) {
                let ($($name,)*) = self;
                $(
                    let Pair(place, cells) = cells;
                    $name.store(place);
                )*
                let () = cells;
            }
        }
    };
}

super::tuples::for_each_tuple!(image_of_tuple);

#[cfg(all(test, not(loom)))]
mod tests {
    use super::Image;
    use crate::sync::AtomicU32;
    use crate::words::SharedWord;
    use crate::zeroed::zeroed;

    /// What is stored is in memory in order, each word little-endian, and comes back.
    fn stored<I: Image>() {
        assert_eq!(size_of::<I::Atomics>(), 4 * I::WORDS);
        assert!(align_of::<I::Atomics>() <= align_of::<AtomicU32>());
        let mut count = 0;
        let image = I::from_words(&mut || {
            count += 1;
            count * 0x0102_0304
        });
        assert_eq!(count as usize, I::WORDS);
        let cells: I::Atomics = zeroed();
        assert_eq!(I::load(&cells), I::ZERO);
        image.store(&cells);
        assert_eq!(I::load(&cells), image);
        if I::WORDS == 0 {
            return;
        }
        // SAFETY: the atomics are words, one after the other, as the size above has it, and lent as long as the slice lives. There
        // is one, so they are aligned to it.
        let words: &[AtomicU32] =
            unsafe { core::slice::from_raw_parts(core::ptr::from_ref(&cells).cast(), I::WORDS) };
        let mut expected = 0..;
        image.for_each_word(&mut |word| {
            let at = expected.next().unwrap();
            assert_eq!((word, words[at].get()), ((at as u32 + 1) * 0x0102_0304, word), "word {at}");
        });
        assert_eq!(expected.next(), Some(I::WORDS));
        for word in words {
            word.set(0);
        }
        assert_eq!(I::load(&cells), I::ZERO);
    }

    #[test]
    fn images_are_their_words_in_order() {
        stored::<u32>();
        stored::<[u32; 2]>();
        stored::<[u32; 0]>();
        stored::<[[u32; 2]; 3]>();
        stored::<()>();
        stored::<(u32,)>();
        stored::<((), u32, [(); 3])>();
        stored::<(u32, [u32; 2])>();
        stored::<([u32; 3], (u32, [(u32, [u32; 2]); 2]))>();
        stored::<(u32, u32, [u32; 2], (), [u32; 4], u32, (u32,), [u32; 3])>();
    }
}
