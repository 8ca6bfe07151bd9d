//! Values of which not all words are valid: they cross as words, and the receiver checks them.

use core::fmt;
use core::hash::{Hash, Hasher};

use super::{Entry, Image};

/// A value that not all words are valid for, such as `bool`, `char` or an enum.
///
/// It is no [`Entry`] itself, since [`Entry::from_image`] cannot fail. [`Unchecked<T>`] is one: it carries the words, and
/// [`Unchecked::check`] makes the value of them. For an enum without fields, [`entry!`](crate::entry!) implements it.
///
/// # Examples
///
/// ```
/// use annulet::words::{Entry, InvalidWord, TryEntry, Unchecked};
///
/// /// At most 100.
/// #[derive(Clone, Copy, PartialEq, Debug)]
/// struct Percent(u32);
///
/// impl TryEntry for Percent {
///     type Image = u32;
///     const NAME: &'static str = "percentage";
///     fn to_image(&self) -> u32 { self.0 }
///     fn try_from_image(word: u32) -> Result<Self, InvalidWord> {
///         if word <= 100 { Ok(Self(word)) } else { Err(InvalidWord::new::<Self>(0, word)) }
///     }
/// }
///
/// assert_eq!(Unchecked::new(Percent(7)).check(), Ok(Percent(7)));
/// let why = Unchecked::<Percent>::from_image(101).check().unwrap_err();
/// assert_eq!(why.to_string(), "no valid percentage: word 0 is 0x65");
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no words to check",
    label = "no `TryEntry`",
    note = "a type that is an `Entry` needs no check: use `{Self}` itself",
    note = "for an enum without fields, define it in `annulet::entry!`",
    note = "for another type of your own, implement `annulet::words::TryEntry`"
)]
pub trait TryEntry: Copy {
    /// Its words: `u32`, or an array or tuple of images.
    type Image: Image;
    /// What the errors call it.
    const NAME: &'static str;
    /// As [`Entry::ABI`].
    const ABI: u32 = 0;
    /// Returns the words to send.
    fn to_image(&self) -> Self::Image;
    /// Makes a value of the words that arrived.
    ///
    /// # Errors
    ///
    /// The first word that no value has.
    fn try_from_image(image: Self::Image) -> Result<Self, InvalidWord>;
}

/// The words of a `T`, which are checked by the receiver. [`Entry::from_image`] takes any words.
///
/// Two are equal if their words are, valid or not.
///
/// # Examples
///
/// A peer that lies about a `bool`:
///
/// ```
/// use annulet::link::{Link, Window};
/// use annulet::words::Unchecked;
///
/// annulet::entry! {
///     #[derive(Clone, Copy)]
///     struct Switch { line: u32, on: Unchecked<bool> }
/// }
///
/// let (a, b) = (Window::<Switch, 4>::new(), Window::<Switch, 4>::new());
/// let mut rx = Link::<Switch, 4, _, _>::new(&b, &a);
/// // The same words, for a sender that puts anything there.
/// let mut liar = Link::<[u32; 2], 4, _, _>::new(&a, &b);
///
/// liar.try_send(&[7, 1]).unwrap();
/// assert_eq!(rx.try_recv().unwrap().on.check(), Ok(true));
/// liar.try_send(&[7, 2]).unwrap();
/// let why = rx.try_recv().unwrap().on.check().unwrap_err();
/// assert_eq!(why.to_string(), "no valid bool: word 0 is 0x2");
/// ```
pub struct Unchecked<T: TryEntry>(T::Image);

impl<T: TryEntry> Unchecked<T> {
    /// Takes the words of `value`.
    #[must_use]
    #[inline(always)]
    pub fn new(value: T) -> Self {
        Self(value.to_image())
    }

    /// Returns the value that the words are of.
    ///
    /// # Errors
    ///
    /// The first word that no value has.
    #[inline]
    pub fn check(self) -> Result<T, InvalidWord> {
        T::try_from_image(self.0)
    }
}

impl<T: TryEntry> Entry for Unchecked<T> {
    type Image = T::Image;
    const ABI: u32 = T::ABI;
    #[inline(always)]
    fn to_image(&self) -> T::Image {
        self.0
    }
    #[inline(always)]
    fn from_image(image: T::Image) -> Self {
        Self(image)
    }
}

impl<T: TryEntry> From<T> for Unchecked<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T: TryEntry> Clone for Unchecked<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: TryEntry> Copy for Unchecked<T> {}

impl<T: TryEntry> PartialEq for Unchecked<T> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<T: TryEntry> Eq for Unchecked<T> {}

impl<T: TryEntry> Hash for Unchecked<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl<T: TryEntry> fmt::Debug for Unchecked<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Unchecked").field(&self.0).finish()
    }
}

/// A word that no value of its type has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InvalidWord {
    /// The name of the type: [`TryEntry::NAME`].
    pub of: &'static str,
    /// The number of the word in the value, from 0.
    pub at: usize,
    /// The word.
    pub found: u32,
}

impl InvalidWord {
    /// Makes the error of word `at` of a `T`.
    #[must_use]
    pub const fn new<T: TryEntry>(at: usize, found: u32) -> Self {
        Self { of: T::NAME, at, found }
    }
}

impl fmt::Display for InvalidWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no valid {}: word {} is {:#x}", self.of, self.at, self.found)
    }
}

impl core::error::Error for InvalidWord {}
