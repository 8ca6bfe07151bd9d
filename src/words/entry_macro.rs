//! Structs of entries, and enums, that are entries without a line of code.

use super::Image;

/// Returns a discriminant as the word that it is sent as.
#[doc(hidden)]
#[must_use]
pub const fn discriminant_word(discriminant: i128) -> u32 {
    assert!(
        discriminant >= 0 && discriminant <= u32::MAX as i128,
        "a discriminant is one word: give each variant a number from 0 to u32::MAX"
    );
    discriminant as u32
}

/// Returns the words of an image, one after the other. `N` is how many it has.
#[doc(hidden)]
#[must_use]
#[inline(always)]
pub fn image_to_words<I: Image, const N: usize>(image: &I) -> [u32; N] {
    const { assert!(I::WORDS == N, "there is a place for each word") };
    let mut words = [0; N];
    let mut places = words.iter_mut();
    image.for_each_word(&mut |word| {
        if let Some(place) = places.next() {
            *place = word;
        }
    });
    words
}

/// Returns the image of these words. It has `N`.
#[doc(hidden)]
#[must_use]
#[inline(always)]
pub fn image_from_words<I: Image, const N: usize>(words: [u32; N]) -> I {
    const { assert!(I::WORDS == N, "there is a word for each place") };
    let mut words = words.into_iter();
    I::from_words(&mut || words.next().unwrap_or(0))
}

/// Defines structs that are an [`Entry`](crate::words::Entry), and enums that are a [`TryEntry`](crate::words::TryEntry).
///
/// It takes the definitions as they would stand without it, with their attributes, documentation and visibility. Each needs
/// `Clone` and `Copy`. It contains no `unsafe`.
///
/// | definition | becomes | words |
/// |---|---|---|
/// | a struct: named fields, a tuple, or none | an `Entry`, if each field is one | those of its fields, in order, in one array |
/// | an enum without fields | a `TryEntry`, for [`Unchecked`](crate::words::Unchecked) | one: the discriminant |
///
/// A generic struct implements [`Entry`](crate::words::Entry) by hand: there is an example.
///
/// # `ABI`
///
/// `const ABI: u32 = …;` after a definition sets [`Entry::ABI`](crate::words::Entry::ABI), so that peers with different entries of
/// one size do not attach to each other. Without it, the number of a struct tells the types of its fields, in order. Enums have
/// one number.
///
/// # Examples
///
/// ```
/// use annulet::words::{Entry, Unchecked};
///
/// annulet::entry! {
///     /// Which way it goes.
///     #[derive(Clone, Copy, PartialEq, Debug)]
///     pub enum Side { Buy, Sell = 7 }
///
///     /// What is ordered.
///     #[derive(Clone, Copy, PartialEq, Debug)]
///     pub struct Order {
///         /// In units of the currency.
///         pub price: f64,
///         pub side: Unchecked<Side>,
///         amount: u32,
///     }
///     const ABI: u32 = 0x4f52_4452;
///
///     #[derive(Clone, Copy, PartialEq, Debug)]
///     pub struct Point(pub i32, pub i32);
/// }
///
/// let order = Order { price: 0.5, side: Side::Sell.into(), amount: 3 };
/// let mut ring = annulet::Broadcast::<Order, 4>::new();
/// let (mut writer, ring) = ring.split();
/// writer.publish(order);
/// let read = ring.reader_at_oldest().try_read().unwrap();
/// assert_eq!((read, read.side.check()), (order, Ok(Side::Sell)));
///
/// let why = Unchecked::<Side>::from_image(1).check().unwrap_err();
/// assert_eq!(why.to_string(), "no valid Side: word 0 is 0x1");
/// assert_eq!(Point(-1, 2).to_image(), [u32::MAX, 2]);
/// ```
#[macro_export]
macro_rules! entry {
    () => {};
    ($(#[$meta:meta])* $vis:vis struct $name:ident {
        $($(#[$field_meta:meta])* $field_vis:vis $field:ident: $type:ty),* $(,)?
    } $($rest:tt)*) => {
        $(#[$meta])* $vis struct $name { $($(#[$field_meta])* $field_vis $field: $type,)* }
        $crate::__entry! { @struct $name {Self { $($field),* }} [$($field $type;)*] $($rest)* }
    };
    ($(#[$meta:meta])* $vis:vis struct $name:ident (
        $($(#[$field_meta:meta])* $field_vis:vis $type:ty),* $(,)?
    ); $($rest:tt)*) => {
        $(#[$meta])* $vis struct $name($($(#[$field_meta])* $field_vis $type,)*);
        $crate::__entry! { @tuple_struct $name [] [$($type;)*] $($rest)* }
    };
    ($(#[$meta:meta])* $vis:vis struct $name:ident; $($rest:tt)*) => {
        $(#[$meta])* $vis struct $name;
        $crate::__entry! { @struct $name {Self} [] $($rest)* }
    };
    ($(#[$meta:meta])* $vis:vis enum $name:ident {
        $($(#[$variant_meta:meta])* $variant:ident $(= $number:expr)?),* $(,)?
    } $($rest:tt)*) => {
        $(#[$meta])* $vis enum $name { $($(#[$variant_meta])* $variant $(= $number)?,)* }
        $crate::__entry! { @enum $name [$($variant)*] $($rest)* }
    };
    ($(#[$meta:meta])* $vis:vis struct $name:ident $($rest:tt)*) => {
        ::core::compile_error! {
            "`entry!` takes a struct without generics; for others, implement `annulet::words::Entry` by hand"
        }
    };
    ($(#[$meta:meta])* $vis:vis enum $name:ident $($rest:tt)*) => {
        ::core::compile_error! {
            "`entry!` takes an enum without fields and generics; for others, implement `annulet::words::TryEntry` by hand"
        }
    };
}

/// The implementations for [`entry!`](crate::entry!).
#[doc(hidden)]
#[macro_export]
macro_rules! __entry {
    // Each field of a tuple struct gets the name `field`. They are different names, since each is of a step of its own.
    (@tuple_struct $name:ident [$($done:ident $done_type:ty;)*] [$type:ty; $($types:tt)*] $($rest:tt)*) => {
        $crate::__entry! { @tuple_struct $name [$($done $done_type;)* field $type;] [$($types)*] $($rest)* }
    };
    (@tuple_struct $name:ident [$($field:ident $type:ty;)*] [] $($rest:tt)*) => {
        $crate::__entry! { @struct $name {Self($($field),*)} [$($field $type;)*] $($rest)* }
    };

    (@struct $name:ident $all:tt [$($field:ident $type:ty;)*] const ABI: u32 = $abi:expr; $($rest:tt)*) => {
        $crate::__entry! { @entry $name $all [$($field $type;)*] [$abi] }
        $crate::entry! { $($rest)* }
    };
    (@struct $name:ident $all:tt [$($field:ident $type:ty;)*] $($rest:tt)*) => {
        $crate::__entry! {
            @entry $name $all [$($field $type;)*]
            [<$crate::__entry!(@tuple $($type)*) as $crate::words::Entry>::ABI]
        }
        $crate::entry! { $($rest)* }
    };
    // What names all fields, as in `Self { a, b }`, is an expression and a pattern. So is a tuple of them.
    (@entry $name:ident {$($all:tt)*} [$($field:ident $type:ty;)*] [$abi:expr]) => {
        // Said of each field, so that the error of one that is no entry points to it. The other error is that of the image.
        #[allow(trivial_bounds)]
        impl $crate::words::Entry for $name
        where
            Self: ::core::marker::Copy,
            $($type: $crate::words::Entry,)*
        {
            // Not that of the tuple: it would name the types of fields, which may be more private than the struct.
            type Image = [::core::primitive::u32; {
                <<$crate::__entry!(@tuple $($type)*) as $crate::words::Entry>::Image as $crate::words::Image>::WORDS
            }];
            const ABI: ::core::primitive::u32 = $abi;
            #[inline(always)]
            fn to_image(&self) -> Self::Image {
                let $($all)* = *self;
                let fields: $crate::__entry!(@tuple $($type)*) = $crate::__entry!(@tuple $($field)*);
                $crate::words::image_to_words(&$crate::words::Entry::to_image(&fields))
            }
            #[inline(always)]
            fn from_image(image: Self::Image) -> Self {
                let fields: $crate::__entry!(@tuple $($type)*) =
                    $crate::words::Entry::from_image($crate::words::image_from_words(image));
                let $crate::__entry!(@tuple $($field)*) = fields;
                $($all)*
            }
        }
    };
    // A tuple of any number of parts: the last part of eight is a tuple of the rest.
    (@tuple $a:tt $b:tt $c:tt $d:tt $e:tt $f:tt $g:tt $h:tt $($rest:tt)+) => {
        ($a, $b, $c, $d, $e, $f, $g, $crate::__entry!(@tuple $h $($rest)+))
    };
    (@tuple $($part:tt)*) => { ($($part,)*) };

    (@enum $name:ident [$($variant:ident)*] const ABI: u32 = $abi:expr; $($rest:tt)*) => {
        $crate::__entry! { @try_entry $name [$($variant)*] [$abi] }
        $crate::entry! { $($rest)* }
    };
    (@enum $name:ident [$($variant:ident)*] $($rest:tt)*) => {
        $crate::__entry! { @try_entry $name [$($variant)*] [::core::primitive::u32::from_be_bytes(*b"enum")] }
        $crate::entry! { $($rest)* }
    };
    (@try_entry $name:ident [$($variant:ident)*] [$abi:expr]) => {
        #[allow(trivial_bounds)]
        impl $crate::words::TryEntry for $name
        where
            Self: ::core::marker::Copy,
        {
            type Image = ::core::primitive::u32;
            const NAME: &'static ::core::primitive::str = ::core::stringify!($name);
            const ABI: ::core::primitive::u32 = $abi;
            #[inline(always)]
            fn to_image(&self) -> ::core::primitive::u32 {
                match *self {
                    $(Self::$variant => const { $crate::words::discriminant_word(Self::$variant as ::core::primitive::i128) },)*
                }
            }
            #[inline]
            fn try_from_image(
                word: ::core::primitive::u32,
            ) -> ::core::result::Result<Self, $crate::words::InvalidWord> {
                $(if word == const { $crate::words::discriminant_word(Self::$variant as ::core::primitive::i128) } {
                    return ::core::result::Result::Ok(Self::$variant);
                })*
                ::core::result::Result::Err($crate::words::InvalidWord::new::<Self>(0, word))
            }
        }
    };
}
