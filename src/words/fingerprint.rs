//! Numbers that tell entries of the same size apart: [`Entry::ABI`] of what is made of entries.

use super::{Entry, Image};

/// FNV-1a over words: it finds differences by accident, and keeps no attacker out.
const fn mix(hash: u32, word: u32) -> u32 {
    (hash ^ word).wrapping_mul(0x0100_0193)
}

/// The number of a tuple or struct without fields.
pub(super) const OF_NOTHING: u32 = 0x811c_9dc5;

/// Returns the number of the fields up to one of type `E`, if `before` is that of the fields before it.
#[allow(clippy::cast_possible_truncation)]
pub(super) const fn and<E: Entry>(before: u32) -> u32 {
    mix(mix(before, E::Image::WORDS as u32), E::ABI)
}

/// Returns the number of `[E; N]`. Words without a meaning stay without one: `[u32; N]` has 0, as `u32` does.
#[allow(clippy::cast_possible_truncation)]
pub(super) const fn of_array<E: Entry, const N: usize>() -> u32 {
    if E::ABI == 0 && E::Image::WORDS == 1 { 0 } else { mix(and::<E>(OF_NOTHING), N as u32) }
}
