//! The one word that a side publishes about a direction: epoch, closed flag, position.
//!
//! ```text
//!   31         25 24 23                       0
//!   ┌────────────┬──┬──────────────────────────┐
//!   │ epoch      │c │ position                 │
//!   └────────────┴──┴──────────────────────────┘
//! ```
//!
//! All three are in one word, so that one load is consistent. A closed flag in a word of its own would have to be loaded before
//! *and* after the tail, to know whether the tail is final.

use super::{Fault, LinkError};

/// Bits of a position. The narrow build has eight, so that its whole range can be walked.
const POSITION_BITS: u32 = if cfg!(annulet_narrow) { 8 } else { 24 };
/// The largest position; positions wrap after it.
pub(super) const MAX_POSITION: u32 = (1 << POSITION_BITS) - 1;
const CLOSED: u32 = 1 << 24;
const EPOCH_SHIFT: u32 = 25;
/// The last epoch a link can have.
pub(super) const LAST_EPOCH: u32 = u32::MAX >> EPOCH_SHIFT;

/// Makes the word of my side.
#[inline(always)]
pub(super) const fn encode(epoch: u32, closed: bool, position: u32) -> u32 {
    epoch << EPOCH_SHIFT | if closed { CLOSED } else { 0 } | position & MAX_POSITION
}

/// Returns how far `to` is ahead of `from`.
#[inline(always)]
pub(super) const fn since(to: u32, from: u32) -> u32 {
    to.wrapping_sub(from) & MAX_POSITION
}

/// Returns `position` moved on by one.
#[inline(always)]
pub(super) const fn next(position: u32) -> u32 {
    position.wrapping_add(1) & MAX_POSITION
}

/// The peer's word, checked: it is of our epoch, and at most `most` ahead of `base`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Checked {
    /// How far it is from `base`: at most `most`.
    pub(super) ahead: u32,
    /// Whether the peer says that it will not move again.
    pub(super) closed: bool,
}

/// Checks a loaded word. It is the only way from such a word to a number that is used.
///
/// - An older epoch is [`LinkError::StaleEpoch`]. A later one at its start is [`LinkError::PeerReset`]: the peer may have reset
///   more than once, and moves nothing before I have followed. Any other is corrupt.
/// - In our epoch, the position is `0..=most` ahead of `base`, or it is the given `fault`. A position that went backwards is a
///   long way ahead.
#[inline]
pub(super) const fn check(
    word: u32,
    epoch: u32,
    base: u32,
    most: u32,
    fault: Fault,
) -> Result<Checked, LinkError> {
    let position = word & (CLOSED - 1);
    if position > MAX_POSITION {
        return Err(LinkError::Corrupt(Fault::Reserved));
    }
    let said = word >> EPOCH_SHIFT;
    if said < epoch {
        return Err(LinkError::StaleEpoch);
    }
    if said > epoch {
        return Err(if position == 0 { LinkError::PeerReset } else { LinkError::Corrupt(Fault::Epoch) });
    }
    let ahead = since(position, base);
    if ahead > most {
        return Err(LinkError::Corrupt(fault));
    }
    Ok(Checked { ahead, closed: word & CLOSED != 0 })
}
