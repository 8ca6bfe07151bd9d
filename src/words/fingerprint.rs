//! Numbers that tell entries of the same size apart: `Entry::ABI` of what is made of entries.

/// FNV-1a over words: it finds differences by accident, and keeps no attacker out.
const fn mix(hash: u32, word: u32) -> u32 {
    (hash ^ word).wrapping_mul(0x0100_0193)
}

/// The number of a tuple or struct without fields.
pub(super) const OF_NOTHING: u32 = 0x811c_9dc5;

/// Returns the number of the fields up to one of `words` words with the number `abi`. `before` is that of the fields before it.
#[allow(clippy::cast_possible_truncation)]
pub(super) const fn and(before: u32, words: usize, abi: u32) -> u32 {
    mix(mix(before, words as u32), abi)
}

/// Returns the number of an array of such entries. Words without a meaning stay without one: `[u32; N]` has 0, as `u32` does.
#[allow(clippy::cast_possible_truncation)]
pub(super) const fn of_array(words: usize, abi: u32, length: usize) -> u32 {
    if abi == 0 && words == 1 { 0 } else { mix(and(OF_NOTHING, words, abi), length as u32) }
}

/// Returns the number of bytes without a meaning.
#[cfg(feature = "zerocopy-v0.8")]
pub(super) const fn of_bytes(size: u32) -> u32 {
    mix(u32::from_be_bytes(*b"byte"), size)
}
