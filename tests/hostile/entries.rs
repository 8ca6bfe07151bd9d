//! What is an entry: each comes out as it went in, in the words that are documented.

use std::fmt::Debug;
use std::num::NonZero;

use annulet::Broadcast;
use annulet::link::{Geometry, Link, Window, WindowHeader};
use annulet::region::{Descriptor, Offer};
use annulet::words::{Entry, Image, InvalidWord, TryEntry, Unchecked};
use proptest::prelude::*;

annulet::entry! {
    /// What was measured.
    #[derive(Clone, Copy, PartialEq, Debug)]
    pub struct Sample {
        /// Its place.
        pub at: (i16, i16),
        pub valid: Unchecked<bool>,
        values: [f32; 3],
    }
    const ABI: u32 = 0x5341_4d50;

    #[derive(Clone, Copy, PartialEq, Debug, Default)]
    pub(crate) struct Pair(i8, pub u128);

    #[derive(Clone, Copy, PartialEq, Debug)]
    struct Mark;

    #[derive(Clone, Copy, PartialEq, Debug)]
    struct Empty {}

    /// More fields than a tuple has parts.
    #[derive(Clone, Copy, PartialEq, Debug)]
    struct Long(u32, u32, u32, u32, u32, u32, u32, u32, u32, u32, u32, u32, u32, u32, u32, u64, u8);

    /// The names of the macro's own variables are no trouble.
    #[derive(Clone, Copy, PartialEq, Debug)]
    struct Names { image: u32, fields: u64, field: u8, word: i32, r#type: u16 }

    #[derive(Clone, Copy, PartialEq, Debug)]
    #[repr(u8)]
    enum Colour {
        /// Nothing comes before it.
        Red,
        Green = 7,
        Blue,
    }

    #[derive(Clone, Copy, PartialEq, Debug)]
    #[repr(u32)]
    enum Wide { Least = 0, Most = u32::MAX }
    const ABI: u32 = 9;
}

fn words<I: Image>(image: I) -> Vec<u32> {
    let mut words = vec![];
    image.for_each_word(&mut |word| words.push(word));
    assert_eq!(words.len(), I::WORDS);
    let mut again = words.iter();
    assert_eq!(I::from_words(&mut || *again.next().unwrap()), image);
    words
}

fn config() -> ProptestConfig {
    ProptestConfig {
        cases: if cfg!(miri) { 4 } else { 256 },
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

fn sent<E: Entry>(entry: E) -> Vec<u32> {
    words(entry.to_image())
}

fn copy<E: Entry>(entry: E) -> E {
    E::from_image(entry.to_image())
}

/// Sends an entry through a window and a broadcast. Compares words, since a NaN is not equal to itself.
fn round_trip<E: Entry + Debug>(entry: E) {
    let image = entry.to_image();
    assert_eq!(copy(entry).to_image(), image, "{entry:?}");
    let mut ring = Broadcast::<E, 2>::new();
    let (mut writer, ring) = ring.split();
    writer.publish(entry);
    assert_eq!(ring.reader_at_oldest().try_read().unwrap().to_image(), image, "{entry:?}");
    if E::Image::WORDS > 0 {
        let (a, b) = (Window::<(E, u32), 2>::new(), Window::<(E, u32), 2>::new());
        let mut tx = Link::<(E, u32), 2, _, _>::new(&a, &b);
        let mut rx = Link::<(E, u32), 2, _, _>::new(&b, &a);
        for mark in [0, 7, u32::MAX] {
            tx.try_send(&(entry, mark)).unwrap();
            let (copy, copied_mark) = rx.try_recv().unwrap();
            assert_eq!((copy.to_image(), copied_mark), (image, mark), "{entry:?}");
        }
    }
}

/// The same of a value that is checked.
fn checked<T: TryEntry + PartialEq + Debug>(value: T) {
    let unchecked = Unchecked::new(value);
    assert_eq!(unchecked.check(), Ok(value));
    assert_eq!(Unchecked::from(value), unchecked);
    assert_eq!(Unchecked::<T>::from_image(value.to_image()).check(), Ok(value));
    round_trip(unchecked);
}

fn sample() -> impl Strategy<Value = Sample> {
    (any::<(i16, i16)>(), any::<bool>(), any::<[u32; 3]>()).prop_map(|(at, valid, values)| Sample {
        at,
        valid: valid.into(),
        values: values.map(f32::from_bits),
    })
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn each_number_comes_out_as_it_went_in(a: u128, b: u64) {
        let c = b as u32;
        round_trip(a);
        round_trip(a as i128);
        round_trip(b);
        round_trip(b as i64);
        round_trip(c);
        round_trip(c as i32);
        round_trip(b as u16);
        round_trip(b as i16);
        round_trip(b as u8);
        round_trip(b as i8);
        // Of any bits: NaNs, infinities, subnormals.
        round_trip(f32::from_bits(c));
        round_trip(f64::from_bits(b));
        checked(b as usize);
        checked(b as isize);
        prop_assert_eq!(copy(c as i16), c as i16);
        prop_assert_eq!(copy(a as i128), a as i128);
        prop_assert_eq!(copy(f64::from_bits(b)).to_bits(), b);
    }

    #[test]
    fn each_checked_value_comes_out_as_it_went_in(letter: char, flag: bool, number in 1..u128::MAX) {
        checked(letter);
        checked(flag);
        checked(NonZero::new(number).unwrap());
        if let Some(number) = NonZero::new(number as i8) {
            checked(number);
        }
        for colour in [Colour::Red, Colour::Green, Colour::Blue] {
            checked(colour);
        }
        checked(Wide::Least);
        checked(Wide::Most);
    }

    #[test]
    fn what_is_made_of_entries_comes_out_as_it_went_in(
        tuple: (u8, i64, (u32, [i16; 3]), [(u64, i8); 2]),
        wide: (u32, u64, u128, i8, i16, i32, i64, i128),
        (sample, more) in (sample(), any::<[u32; 15]>()),
    ) {
        round_trip(tuple);
        prop_assert_eq!(copy(tuple), tuple);
        round_trip(wide);
        prop_assert_eq!(copy(wide), wide);
        round_trip(sample);
        round_trip([sample; 3]);
        let pair = Pair(wide.3, wide.2);
        round_trip(pair);
        prop_assert_eq!(copy(pair), pair);
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o] = more;
        let long = Long(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, wide.1, tuple.0);
        round_trip(long);
        prop_assert_eq!(copy(long), long);
        let mut expected = more.to_vec();
        expected.extend([wide.1 as u32, (wide.1 >> 32) as u32, tuple.0.into()]);
        prop_assert_eq!(sent(long), expected);
    }

    /// Any words are some entry, and are sent on as they are, but for the bits that a number does not have.
    #[test]
    fn any_words_are_an_entry(image: [u32; 4]) {
        prop_assert_eq!(sent(<[u32; 4]>::from_image(image)), image);
        prop_assert_eq!(u128::from_image(image).to_image(), image);
        prop_assert_eq!(u8::from_image(image[0]).to_image(), image[0] & 0xff);
        prop_assert_eq!(i16::from_image(image[0]).to_image(), image[0] & 0xffff);
        prop_assert_eq!(f32::from_image(image[0]).to_image(), image[0]);
        prop_assert_eq!(f64::from_image([image[0], image[1]]).to_image(), [image[0], image[1]]);
        prop_assert_eq!(Unchecked::<char>::from_image(image[0]).to_image(), image[0]);
        round_trip(Unchecked::<Colour>::from_image(image[0]));
    }

    #[test]
    fn a_word_that_no_value_has_is_named(
        word in prop_oneof![any::<u32>(), 0..10u32, 0x70..0x120u32, 0xd700..0xe100u32, 0x10_ff00..0x11_0100u32],
    ) {
        fn check<T: TryEntry<Image = u32> + PartialEq + Debug>(word: u32, valid: Option<T>) {
            let found = Unchecked::<T>::from_image(word).check();
            assert_eq!(found, valid.ok_or(InvalidWord::new::<T>(0, word)));
            // No two words are one value.
            if let Ok(value) = found {
                assert_eq!(value.to_image(), word);
            }
        }
        check(word, [false, true].get(word as usize).copied());
        check(word, char::from_u32(word));
        check(word, u8::try_from(word).ok().and_then(NonZero::new));
        check(word, u16::try_from(word).ok().and_then(|bits| NonZero::new(bits as i16)));
        check(word, NonZero::new(word));
        check(word, NonZero::new(word as i32));
        check(word, [(0, Colour::Red), (7, Colour::Green), (8, Colour::Blue)].iter().find(|of| of.0 == word).map(|of| of.1));
        check(word, [(0, Wide::Least), (u32::MAX, Wide::Most)].iter().find(|of| of.0 == word).map(|of| of.1));
    }
}

/// What the errors say.
#[test]
fn an_invalid_word_says_what_it_is_not() {
    let says = |why: InvalidWord| why.to_string();
    assert_eq!(says(Unchecked::<bool>::from_image(2).check().unwrap_err()), "no valid bool: word 0 is 0x2");
    assert_eq!(
        says(Unchecked::<char>::from_image(0xd800).check().unwrap_err()),
        "no valid char: word 0 is 0xd800"
    );
    assert_eq!(
        says(Unchecked::<Colour>::from_image(1).check().unwrap_err()),
        "no valid Colour: word 0 is 0x1"
    );
    let zero = Unchecked::<NonZero<u64>>::from_image([0, 0]).check().unwrap_err();
    assert_eq!(says(zero), "no valid NonZero<u64>: word 0 is 0x0");
    assert_eq!((zero.of, zero.at, zero.found), ("NonZero<u64>", 0, 0));
    assert!(Unchecked::<NonZero<u64>>::from_image([0, 1]).check().is_ok());
    assert_eq!(format!("{:?}", Unchecked::new(true)), "Unchecked(1)");
}

/// A number of 64 bits is refused by a receiver with fewer, and not cut.
#[test]
fn a_pointer_wide_number_is_refused_if_it_does_not_fit() {
    let check = |image| Unchecked::<usize>::from_image(image).check();
    let signed = |image| Unchecked::<isize>::from_image(image).check();
    assert_eq!(check([7, 0]), Ok(7));
    assert_eq!(signed([-7i32 as u32, u32::MAX]), Ok(-7));
    if size_of::<usize>() == 8 {
        assert_eq!(check([1, 2]).map(|number| number as u64), Ok(0x2_0000_0001));
        assert!(signed([-7i32 as u32, 0]).is_ok());
    } else {
        assert_eq!(check([1, 2]), Err(InvalidWord::new::<usize>(1, 2)));
        assert_eq!(signed([-7i32 as u32, 0]), Err(InvalidWord::new::<isize>(1, 0)));
    }
}

/// The words are those of the table in the documentation.
#[test]
fn the_words_are_as_documented() {
    assert_eq!(sent(0x1234_5678u32), [0x1234_5678]);
    assert_eq!(sent(0x1122_3344_5566_7788u64), [0x5566_7788, 0x1122_3344]);
    assert_eq!(sent(0x4_0000_0003_0000_0002_0000_0001u128), [1, 2, 3, 4]);
    assert_eq!(sent(-1i8), [0xff]);
    assert_eq!(sent(-2i16), [0xfffe]);
    assert_eq!(sent(-3i32), [0xffff_fffd]);
    assert_eq!(sent(-2i64), [u32::MAX - 1, u32::MAX]);
    assert_eq!(sent(-2i128), [u32::MAX - 1, u32::MAX, u32::MAX, u32::MAX]);
    assert_eq!(sent(1.0f32), [0x3f80_0000]);
    assert_eq!(sent(1.0f64), [0, 0x3ff0_0000]);
    // NaNs, signalling or not, keep their payload and their sign.
    for bits in [0x7fa0_0001, 0xffc0_1234, 0x7f80_0001] {
        assert_eq!(f32::from_image(bits).to_image(), bits);
    }
    for bits in [0x7ff4_0000_0000_0001, 0xfff8_0000_dead_beef] {
        assert_eq!(f64::from_image(u64::to_image(&bits)).to_image(), bits.to_image());
    }
    assert_eq!(sent(()), [0; 0]);
    assert_eq!(sent((1u8, (2u64, [3i16, -4]), 5u32)), [1, 2, 0, 3, 0xfffc, 5]);
    let sample = Sample { at: (-1, 2), valid: true.into(), values: [1.0, 0.0, -0.0] };
    assert_eq!(sent(sample), [0xffff, 2, 1, 0x3f80_0000, 0, 0x8000_0000]);
    assert_eq!(sent(Pair(-1, 5)), [0xff, 5, 0, 0, 0]);
    assert_eq!(sent(Names { image: 1, fields: 2, field: 3, word: 4, r#type: 5 }), [1, 2, 0, 3, 4, 5]);
    assert_eq!((sent(Mark), sent(Empty {})), (vec![], vec![]));
    round_trip(Mark);
    round_trip(Empty {});
    assert_eq!(sent(Unchecked::new(Colour::Blue)), [8]);
}

/// In a window, entries are one after the other, each byte where it was before there were entries of other types.
#[test]
fn the_bytes_of_a_window_are_as_documented() {
    fn slots<E: Entry, const N: usize>(entries: [E; N]) -> Vec<u8> {
        let (a, b) = (Window::<E, N>::new(), Window::<E, N>::new());
        Link::<E, N, _, _>::new(&a, &b).try_send_iter(entries).unwrap();
        let at = core::ptr::from_ref(&a).cast::<u8>();
        // SAFETY: the window is as long as it says, its words are initialised, and nobody writes to it.
        let bytes = unsafe { std::slice::from_raw_parts(at, Window::<E, N>::BYTES) };
        bytes[4 * 96..].to_vec()
    }
    assert_eq!(slots([0x0403_0201u32, 0x0807_0605]), [1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(slots([0x0807_0605_0403_0201u64]), [1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(slots([[0x0403_0201u32, 0x0807_0605]; 1]), [1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(slots([(1u8, [2u16, 3])]), [1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0]);
    let twice = [(1u32, 2u64), (3, 4)];
    let expected = [1u32, 2, 0, 3, 4, 0].map(u32::to_le_bytes).concat();
    assert_eq!(slots(twice), expected);
}

/// Two programs attach to each other only if they mean the same words: what had a number keeps it.
#[test]
fn the_number_of_an_entry_tells_what_its_size_does_not() {
    fn of<E: Entry>() -> u64 {
        let header = WindowHeader::new(&Geometry::of::<E, 8>());
        u64::from_le_bytes(header.as_bytes()[24..32].try_into().unwrap())
    }
    if !cfg!(annulet_narrow) {
        assert_eq!(of::<u32>(), 0xfb34_cdce_d0ba_f130);
        assert_eq!(of::<[u32; 1]>(), of::<u32>());
        assert_eq!(of::<u64>(), 0xf964_b3d7_294c_7faf);
        assert_eq!(of::<[u32; 2]>(), of::<u64>());
        assert_eq!(of::<[u32; 8]>(), 0xd954_b80b_180a_1449);
        assert_eq!(of::<Descriptor>(), 0x4c75_1f8e_36a2_374a);
        assert_eq!(of::<Offer>(), 0x9ae4_e414_8e82_25e3);
    }
    let mut numbers = vec![
        of::<u32>(),
        of::<u8>(),
        of::<i8>(),
        of::<u16>(),
        of::<i16>(),
        of::<i32>(),
        of::<f32>(),
        of::<Unchecked<bool>>(),
        of::<Unchecked<char>>(),
        of::<Unchecked<Colour>>(),
        of::<Unchecked<Wide>>(),
        of::<Unchecked<NonZero<u32>>>(),
        of::<(u32,)>(),
        of::<(i32,)>(),
        of::<u64>(),
        of::<i64>(),
        of::<f64>(),
        of::<[f32; 2]>(),
        of::<[i32; 2]>(),
        of::<(u32, i32)>(),
        of::<(i32, u32)>(),
        of::<Unchecked<usize>>(),
        of::<Unchecked<isize>>(),
        of::<(u32, u64)>(),
        of::<(u64, u32)>(),
        of::<[u32; 3]>(),
        of::<(u32, u32, u32)>(),
        of::<((u32, u32), u32)>(),
        of::<u128>(),
        of::<i128>(),
        of::<[u64; 2]>(),
        of::<[f64; 2]>(),
        of::<[u32; 4]>(),
        of::<Sample>(),
        of::<[u32; 6]>(),
        of::<[[f32; 2]; 3]>(),
        of::<[[f32; 3]; 2]>(),
        of::<[f32; 6]>(),
    ];
    let count = numbers.len();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), count);
    assert_eq!(of::<[[u32; 2]; 2]>(), of::<[u64; 2]>(), "as of [u32; 2] and u64");
    assert_eq!(<Pair as Entry>::ABI, <(i8, u128)>::ABI);
    assert_eq!((Sample::ABI, Wide::ABI, Unchecked::<Wide>::ABI), (0x5341_4d50, 9, 9));
}

/// Any bytes cross as they are, packed, and the last word is filled with zeros.
#[cfg(feature = "zerocopy-v0.8")]
mod bytes {
    use super::{config, copy, round_trip, words};
    use annulet::words::{Bytes, Entry, Image, words_of};
    use proptest::prelude::*;
    use zerocopy::byteorder::little_endian::U32;
    use zerocopy::{FromBytes, Immutable, IntoBytes};

    #[derive(Clone, Copy, PartialEq, Debug, FromBytes, IntoBytes, Immutable)]
    #[repr(C)]
    struct Quote {
        symbol: [u8; 6],
        flags: u16,
        price: f64,
        wide: u128,
    }

    #[derive(Clone, Copy, PartialEq, Debug, FromBytes, IntoBytes, Immutable)]
    #[repr(C, packed)]
    struct Odd {
        number: U32,
        rest: [u8; 3],
    }

    annulet::entry! {
        /// A number of its own for what has none.
        #[derive(Clone, Copy, PartialEq, Debug)]
        struct Named { quote: Bytes<Quote, { words_of::<Quote>() }>, odd: Bytes<Odd, 2> }
        const ABI: u32 = 5;
    }

    /// The bytes of an image in memory.
    fn in_memory(image: impl Image) -> Vec<u8> {
        words(image).into_iter().flat_map(u32::to_le_bytes).collect()
    }

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn any_bytes_come_out_as_they_went_in(raw: [u8; 32], tail: [u8; 7]) {
            let quote = Quote::read_from_bytes(&raw).unwrap();
            let entry = Bytes::<Quote, 8>(quote);
            prop_assert_eq!(in_memory(entry.to_image()), raw);
            let copied = copy(entry);
            prop_assert_eq!(copied.0.as_bytes(), raw);
            round_trip(entry);
            let odd = Bytes::<_, 2>(Odd::read_from_bytes(&tail).unwrap());
            let mut padded = tail.to_vec();
            padded.push(0);
            prop_assert_eq!(in_memory(odd.to_image()), padded);
            prop_assert_eq!(copy(odd), odd);
            round_trip(odd);
            round_trip(Bytes::<_, 1>(tail[0]));
            round_trip((tail[0], Bytes::<_, 2>(tail), [odd; 3]));
            round_trip(Named { quote: entry, odd });
        }

        #[test]
        fn bytes_that_a_type_does_not_have_are_ignored(image: [u32; 2]) {
            let odd = Bytes::<Odd, 2>::from_image(image);
            prop_assert_eq!(odd.to_image(), [image[0], image[1] & 0xff_ffff]);
            prop_assert_eq!({ odd.0.number.get() }, image[0]);
        }
    }

    #[test]
    fn the_number_of_words_is_the_size_in_words_rounded_up() {
        assert_eq!((words_of::<()>(), words_of::<u8>(), words_of::<[u8; 4]>()), (0, 1, 1));
        assert_eq!((words_of::<[u8; 5]>(), words_of::<Odd>(), words_of::<Quote>()), (2, 2, 8));
        assert_eq!(Bytes::<(), 0>(()).to_image(), [0; 0]);
        assert_ne!(Bytes::<[u8; 5], 2>::ABI, Bytes::<[u8; 6], 2>::ABI);
        assert_ne!(Bytes::<[u8; 8], 2>::ABI, u64::ABI);
        assert_eq!(Named::ABI, 5);
    }
}
