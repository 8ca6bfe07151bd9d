//! The atomic protocols of the crate, one to a file. No other module spells an ordering, but for `words` (a peer's memory)
//! and `stats` (numbers that hand nothing over).
//!
//! Each value is valid and empty when its memory is zero. Each method says what its ordering pairs with. An ordering that is not
//! Relaxed has a [`Site`](site::Site) that a model fails without, except in `sleepers`: loom cannot explore what those forbid.
//!
//! | file | what | used by |
//! |---|---|---|
//! | `cursor` | one side's position | rings, the places of readers |
//! | `stamp` | the commit of one slot | sides of many ends |
//! | `split_cursor` | a position that never wraps | broadcasts |
//! | `length` | committed bytes | append-only regions |
//! | `fence` | whole fences between a store and a load | full and empty, joining readers, discards |
//! | `bitmap` | claims of up to 32 numbers | ends, lanes, readers |
//! | `generation` | the holders of a number | lanes |
//! | `slot_numbers` | numbers that are one table's alone | tables |
//! | `slot_state` | pins and generations of a table slot | regions |
//! | `once_box` | a pointer that is set once | growing lanes, blocks of waiters |
//! | `waiter_count` | how many wait, and which side fences | events |
//! | `word` | a word to sleep on | events, platforms |
//! | `sleepers` | threads that sleep, and those not called yet | events |
//! | `waker_cell` | the waker of one task | events |
//! | `peer_counts` | how many ends there are, and whether it was closed | channels |
//! | `relaxed` | numbers that hand nothing over | events |
//! | `site` | the orderings themselves | all of them |

mod bitmap;
mod cursor;
pub(crate) mod fence;
mod generation;
#[cfg(compare_and_swap)]
mod length;
#[cfg(arc)]
mod once_box;
#[cfg(compare_and_swap)]
mod peer_counts;
#[cfg(compare_and_swap)]
mod relaxed;
pub(crate) mod site;
#[cfg(compare_and_swap)]
mod sleepers;
mod slot_numbers;
#[cfg(compare_and_swap)]
mod slot_state;
mod split_cursor;
#[cfg(compare_and_swap)]
mod stamp;
#[cfg(compare_and_swap)]
mod waiter_count;
#[cfg(compare_and_swap)]
mod waker_cell;
#[cfg(compare_and_swap)]
mod word;

pub(crate) use bitmap::Bitmap;
#[cfg(compare_and_swap)]
pub(crate) use bitmap::NoNumber;
pub(crate) use cursor::Cursor;
pub(crate) use generation::Generation;
#[cfg(compare_and_swap)]
pub(crate) use length::Length;
#[cfg(arc)]
pub(crate) use once_box::{OnceBox, try_box};
pub(crate) use slot_numbers::{MOST_SLOTS, SlotNumbers};
#[cfg(compare_and_swap)]
pub(crate) use slot_state::{CloseError, MAX_PINS, PinError, SlotState};
pub(crate) use split_cursor::{Sequence, SplitCursor};
#[cfg(compare_and_swap)]
pub use {peer_counts::Role, word::Word};
#[cfg(compare_and_swap)]
pub(crate) use {
    peer_counts::{Counted, PeerCounts},
    relaxed::{RelaxedCount, RelaxedHint},
    sleepers::Sleepers,
    stamp::Stamp,
    waiter_count::WaiterCount,
    waker_cell::{Armed, Left, WakerCell},
};

/// How often an operation tries again because another party changed the same word in between.
///
/// A party that keeps losing this often is told so; nothing here loops without bound.
#[cfg(compare_and_swap)]
const TRIES: usize = 64;
