//! The arithmetic of ring positions: a position, a length and a capacity make at most two contiguous parts.
//!
//! Positions are counters that run freely and wrap at their integer. A ring of `capacity` slots, a power of two, keeps position
//! `p` in slot `p mod capacity`. That stays true when the integer wraps, because the capacity divides its range.
//!
//! Every wrap computation of the crate is here, without atomics and memory. Tests compare it with a model exhaustively, for
//! counters of eight bits over their whole range.
//!
//! ```text
//!  capacity 8, start 6, length 5          slots  0 1 2 3 4 5 6 7
//!                                                . . .       . .
//!                                          second ───┘        └─ first
//! ```

use core::ops::Range;

/// Counters that wrap: the arithmetic of ring positions, for each width in use.
pub(crate) trait Counter: Copy + Eq {
    /// Returns how far `self` is ahead of `earlier`, modulo the integer.
    fn since(self, earlier: Self) -> usize;
    /// Returns `self` moved on by `count`, modulo the integer.
    fn plus(self, count: usize) -> Self;
    /// Returns the slot of this position in a ring of `mask + 1` slots.
    fn slot(self, mask: usize) -> usize;
    /// Returns what the stamps of this position's lap begin with, in a ring of `mask + 1` slots.
    ///
    /// It is the position without its slot, shifted by the two bits that a stamp has for itself. It tells apart the laps of a
    /// quarter of the integer.
    fn lap(self, mask: usize) -> Self;
}

macro_rules! counter {
    ($($int:ty)*) => {$(
        impl Counter for $int {
            #[inline(always)]
            fn since(self, earlier: Self) -> usize {
                self.wrapping_sub(earlier) as usize
            }
            // The truncation is the wrap itself.
            #[allow(clippy::cast_possible_truncation)]
            #[inline(always)]
            fn plus(self, count: usize) -> Self {
                self.wrapping_add(count as $int)
            }
            #[inline(always)]
            fn slot(self, mask: usize) -> usize {
                self as usize & mask
            }
            #[allow(clippy::cast_possible_truncation)]
            #[inline(always)]
            fn lap(self, mask: usize) -> Self {
                (self & !(mask as $int)) << 2
            }
        }
    )*};
}
counter!(u8 usize);

/// A position that never wraps: of 64 bits, or of two words if no word has that many.
///
/// A reader that sleeps for a whole lap of a narrower position cannot tell that anything happened. Two words that are loaded
/// one after the other may be of different times, so they share a bit. The first word, *lo*, has the `HALF + 1` lowest bits.
/// The second word, *hi*, has the 32 bits from `HALF` on, and counts the half laps of lo.
///
/// ```text
///                 ┌── hi ────────────────┐
///   bit  HALF+31  ...             HALF+1   HALF   ...           0
///                                        └── lo ────────────────┘
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sequence<const HALF: u32>(u64);

impl<const HALF: u32> Sequence<HALF> {
    /// True if one word of `HALF + 1` bits is not enough.
    // Under loom each form is chosen: see `atomic::site::form`.
    #[cfg_attr(loom, allow(dead_code))]
    pub(crate) const SPLIT: bool = HALF < 63;
    /// The most by which a position may be moved on at once: then hi changes by at most one.
    pub(crate) const STRIDE: u64 = 1 << HALF;
    /// The bits of both words.
    const MASK: u64 = u64::MAX >> 32_u32.saturating_sub(HALF);

    pub(crate) const fn new(at: u64) -> Self {
        Self(at & Self::MASK)
    }

    /// Returns how far `self` is ahead of `earlier`, modulo all its bits.
    #[inline(always)]
    pub(crate) const fn since(self, earlier: Self) -> u64 {
        self.0.wrapping_sub(earlier.0) & Self::MASK
    }

    /// Returns `self` moved on by `count`.
    #[inline(always)]
    pub(crate) const fn plus(self, count: u64) -> Self {
        Self::new(self.0.wrapping_add(count))
    }

    /// Returns the position before this one.
    #[inline(always)]
    pub(crate) const fn before(self) -> Self {
        Self::new(self.0.wrapping_sub(1))
    }

    /// Returns the slot of this position in a ring of `mask + 1` slots.
    // The truncation is wanted: the mask keeps less than a word.
    #[allow(clippy::cast_possible_truncation)]
    #[inline(always)]
    pub(crate) const fn slot(self, mask: usize) -> usize {
        self.0 as usize & mask
    }

    /// Returns the position as a number.
    // For the places of readers, which only compare-and-swap can claim.
    #[cfg_attr(not(compare_and_swap), allow(dead_code))]
    #[inline(always)]
    pub(crate) const fn number(self) -> u64 {
        self.0
    }

    /// Returns the first word.
    #[inline(always)]
    pub(crate) const fn lo(self) -> u64 {
        self.0 & (u64::MAX >> (63 - HALF))
    }

    /// Returns the second word.
    // The truncation is the wrap itself.
    #[allow(clippy::cast_possible_truncation)]
    #[inline(always)]
    pub(crate) const fn hi(self) -> u32 {
        (self.0 >> HALF) as u32
    }

    /// Returns the first position with this second word.
    #[inline(always)]
    pub(crate) const fn start_of(hi: u32) -> Self {
        Self::new((hi as u64) << HALF)
    }

    /// Returns the position with this first word whose second word is `hi`, or the next one. The shared bit says which.
    #[inline(always)]
    pub(crate) const fn join(hi: u32, lo: u64) -> Self {
        let hi = hi.wrapping_add((hi ^ (lo >> HALF) as u32) & 1);
        Self::start_of(hi).plus(lo & (Self::STRIDE - 1))
    }
}

/// A run of slots of a ring: a first contiguous part, and a second one from slot 0 if the run wraps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    start: usize,
    first: usize,
    second: usize,
}

impl Span {
    /// Makes a run of `len` slots from slot `start` of a ring of `capacity` slots. `start < capacity`, `len <= capacity`.
    #[inline(always)]
    pub(crate) const fn new(start: usize, len: usize, capacity: usize) -> Self {
        debug_assert!(start < capacity && len <= capacity);
        let to_end = capacity - start;
        if len <= to_end {
            Self { start, first: len, second: 0 }
        } else {
            Self { start, first: to_end, second: len - to_end }
        }
    }

    /// Makes a run of one slot.
    #[inline(always)]
    pub(crate) const fn one(slot: usize) -> Self {
        Self { start: slot, first: 1, second: 0 }
    }

    /// Returns only the part before the wrap.
    #[inline(always)]
    pub(crate) const fn contiguous(self) -> Self {
        Self { start: self.start, first: self.first, second: 0 }
    }

    /// Returns the number of slots in both parts.
    #[inline(always)]
    pub(crate) const fn len(self) -> usize {
        self.first + self.second
    }

    /// Returns the first part, as slot numbers.
    #[inline(always)]
    pub(crate) const fn first(self) -> Range<usize> {
        self.start..self.start + self.first
    }

    /// Returns the second part, as slot numbers. It is empty if the run does not wrap.
    #[inline(always)]
    pub(crate) const fn second(self) -> Range<usize> {
        0..self.second
    }

    /// Returns the run without its first `count` slots. `count <= len()`.
    #[inline(always)]
    pub(crate) const fn skip(self, count: usize) -> Self {
        debug_assert!(count <= self.len());
        if count <= self.first {
            Self { start: self.start + count, first: self.first - count, second: self.second }
        } else {
            let into = count - self.first;
            Self { start: into, first: self.second - into, second: 0 }
        }
    }

    /// Returns the first `count` slots of the run. `count <= len()`.
    #[inline(always)]
    pub(crate) const fn take(self, count: usize) -> Self {
        debug_assert!(count <= self.len());
        if count <= self.first {
            Self { start: self.start, first: count, second: 0 }
        } else {
            Self { start: self.start, first: self.first, second: count - self.first }
        }
    }

    /// Returns every slot of the run, in order.
    #[cfg(any(loom, test))]
    pub(crate) fn slots(self) -> core::iter::Chain<Range<usize>, Range<usize>> {
        self.first().chain(self.second())
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::{Counter, Sequence, Span};

    /// Every start, length and capacity of a small ring against the plain definition: item `i` is in slot
    /// `(start + i) mod capacity`.
    #[test]
    fn d12_span_equals_the_modulo_model_everywhere() {
        for capacity in [1usize, 2, 4, 8, if cfg!(miri) { 4 } else { 16 }] {
            for start in 0..capacity {
                for len in 0..=capacity {
                    let span = Span::new(start, len, capacity);
                    let model: Vec<usize> = (0..len).map(|i| (start + i) % capacity).collect();
                    assert_eq!(span.slots().collect::<Vec<_>>(), model);
                    assert_eq!(span.len(), len);
                    assert_eq!(span.contiguous().len(), len.min(capacity - start));
                    for cut in 0..=len {
                        assert_eq!(span.skip(cut).slots().collect::<Vec<_>>(), model[cut..]);
                        assert_eq!(span.take(cut).slots().collect::<Vec<_>>(), model[..cut]);
                    }
                }
            }
        }
    }

    /// The counters of eight bits over their whole range: a ring of every capacity, at every position, with
    /// every fill, agrees with arithmetic that cannot wrap.
    #[test]
    fn d11_eight_bit_counters_wrap_like_unbounded_ones() {
        for capacity in [1usize, 2, 4, 8, 16, 32, 64, 128] {
            for head in (0..512usize).step_by(if cfg!(miri) { 37 } else { 1 }) {
                for fill in 0..=capacity {
                    let tail = head + fill;
                    let (h, t) = (0u8.plus(head), 0u8.plus(tail));
                    assert_eq!(t.since(h), fill);
                    assert_eq!(h.plus(fill), t);
                    assert_eq!(h.slot(capacity - 1), head % capacity);
                    assert_eq!(t.slot(capacity - 1), tail % capacity);
                }
            }
        }
    }

    /// Positions of one lap have one stamp, and neighbouring laps have different ones, also across the wrap; all of
    /// them leave two bits free.
    #[test]
    fn d11_laps_are_told_apart_across_the_wrap() {
        for capacity in [1usize, 2, 4, 8, 16, 32] {
            let mask = capacity - 1;
            for lap in 0..512 / capacity {
                let stamp = 0u8.plus(lap * capacity).lap(mask);
                assert_eq!(stamp & 0b11, 0);
                for slot in 0..capacity {
                    assert_eq!(0u8.plus(lap * capacity + slot).lap(mask), stamp);
                    assert_ne!(0u8.plus((lap + 1) * capacity + slot).lap(mask), stamp);
                }
            }
        }
        assert_ne!(usize::MAX.lap(7), 0usize.lap(7));
    }

    /// The same at the end of the wide integer, where `head + index` overflows in other people's rings
    /// (heapless 61debf6, RIOT #8117).
    #[test]
    fn d11_wide_counters_wrap_at_the_end() {
        for back in 0..20usize {
            let head = usize::MAX - back;
            for fill in 0..=16usize {
                let tail = head.plus(fill);
                assert_eq!(tail.since(head), fill);
                assert_eq!(tail.slot(15), (head.slot(15) + fill) % 16);
            }
        }
    }

    /// Positions of both widths of lo that can be walked, around every border: the two words together are the position, also if
    /// the second word is one behind.
    fn two_words_say_one_position<const HALF: u32>() {
        type At<const H: u32> = Sequence<H>;
        let borders = [0, 1 << HALF, 1 << (HALF + 1), 1 << (HALF + 31), (1u64 << (HALF + 31)) * 2];
        for border in borders {
            for distance in (0..600u64).step_by(if cfg!(miri) { 13 } else { 1 }) {
                let at = At::<HALF>::new(border.wrapping_sub(300)).plus(distance);
                assert_eq!(At::<HALF>::join(at.hi(), at.lo()), at);
                assert_eq!(At::<HALF>::join(at.hi().wrapping_sub(1), at.lo()), at);
                assert_eq!(at.since(At::<HALF>::new(border.wrapping_sub(300))), distance);
                assert_eq!(At::<HALF>::start_of(at.hi()).plus(at.lo() % At::<HALF>::STRIDE), at);
                assert_eq!(at.slot(1), (border.wrapping_sub(300).wrapping_add(distance) % 2) as usize);
            }
        }
    }

    #[test]
    fn d11_two_words_say_one_position() {
        two_words_say_one_position::<1>();
        two_words_say_one_position::<7>();
        two_words_say_one_position::<31>();
    }

    #[test]
    fn d11_one_word_of_64_bits_is_the_position() {
        for at in [0, 1, u64::MAX >> 1, 1 << 63, u64::MAX - 1, u64::MAX] {
            let at = Sequence::<63>::new(at);
            assert_eq!(at.lo(), at.number());
            assert_eq!(at.plus(5).since(at), 5);
        }
        const { assert!(Sequence::<31>::SPLIT && !Sequence::<63>::SPLIT) };
    }
}
