//! What a link and a broadcast carry: an entry of every kind.

use annulet::link::{Link, Window};
#[cfg(feature = "zerocopy-v0.8")]
use annulet::words::{Bytes, words_of};
use annulet::words::{Entry, InvalidWord, Unchecked};

const N: usize = 8;

annulet::entry! {
    /// An entry of every kind.
    #[derive(Clone, Copy)]
    struct Mixed {
        narrow: (u8, i8, u16, i16, i32),
        wide: [(i64, u128, i128); 2],
        floats: (f32, f64),
        checked: (Unchecked<bool>, Unchecked<char>, Unchecked<core::num::NonZero<u64>>, Unchecked<usize>, Unchecked<isize>),
        side: Unchecked<Side>,
        number: u64,
        more: u32,
        rest: u32,
        last: u32,
    }

    #[derive(Clone, Copy)]
    enum Side { Buy, Sell = 7 }
}

type Ends = Link<Mixed, N, &'static Window<Mixed, N>, &'static Window<Mixed, N>>;

static MIXED: [Window<Mixed, N>; 2] = [Window::new(), Window::new()];

pub fn run() {
    all(&mut Link::new(&MIXED[0], &MIXED[1]));
}

/// What the checked values are, or the words that are none.
fn sum(mixed: &Mixed) -> usize {
    let why = |why: InvalidWord| why.at + why.found as usize + why.of.len();
    let checked = &mixed.checked;
    checked.0.check().map_or_else(why, usize::from)
        + checked.1.check().map_or_else(why, |letter| letter as usize)
        + checked.2.check().map_or_else(why, |number| number.get() as usize)
        + checked.3.check().unwrap_or_else(why)
        + checked.4.check().map_or_else(why, |number| number as usize)
        + mixed.side.check().map_or_else(why, |side| side as usize)
        + mixed.wide[1].1 as usize
        + mixed.floats.1.to_bits() as usize
        + mixed.narrow.3 as usize
}

ops! {
    all[] Ends:
    send_mixed(link, a, b) {
        let mixed = Mixed {
            narrow: (a as u8, a as i8, b as u16, b as i16, a as i32),
            wide: [(a as i64, b as u128, a as i128); 2],
            floats: (f32::from_bits(a as u32), f64::from_bits(b as u64)),
            checked: (
                Unchecked::new(a > b),
                Unchecked::new(char::from(a as u8)),
                Unchecked::from_image([a as u32, b as u32]),
                a.into(),
                (b as isize).into(),
            ),
            side: if a > b { Side::Buy } else { Side::Sell }.into(),
            number: a as u64,
            more: 0,
            rest: b as u32,
            last: 1,
        };
        usize::from(link.try_send(&mixed).is_ok())
    }
    recv_mixed(link, _, b) { link.try_recv().map_or(b, |mixed| sum(&mixed)) }
    invalid(_, a, b) {
        let why = InvalidWord::new::<bool>(a, b as u32);
        why.at + why.found as usize
    }
    #[cfg(feature = "zerocopy-v0.8")]
    bytes(_, a, b) {
        const WORDS: usize = words_of::<[u8; 9]>();
        let mut bytes = [a as u8; 9];
        bytes[3] = b as u8;
        let [first, .., last] = Bytes::<_, WORDS>(bytes).to_image();
        let Bytes(copy) = Bytes::<[u8; 9], WORDS>::from_image([first ^ a as u32, b as u32, last]);
        copy.iter().fold(WORDS, |sum, byte| sum + usize::from(*byte))
    }
}
