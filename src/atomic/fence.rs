//! Whole fences between a store and a later load, each with the one that it pairs with.
//!
//! Of two such fences one is the first: what was stored before it is seen by the loads after the other one.

use super::site::{Site, fence};
use crate::sync::Ordering;

/// The writer's side of *publish, fence, look*: between the position that it publishes, and its look at the readers. A whole
/// fence, because it orders a store before later loads. Pairs with [`after_join`].
#[cfg_attr(not(compare_and_swap), allow(dead_code))]
#[inline(always)]
pub(crate) fn after_publish() {
    fence(Site::GateFence, Ordering::SeqCst);
}

/// The joining side: between its own place, and its look at the writer's position. Pairs with [`after_publish`].
///
/// Of two whole fences one is the first. Either the writer, after its fence, sees the reader that has joined; or the reader,
/// after its own, sees what the writer published.
#[cfg_attr(not(compare_and_swap), allow(dead_code))]
#[inline(always)]
pub(crate) fn after_join() {
    fence(Site::JoinFence, Ordering::SeqCst);
}

/// Between a producer's look at its own side's position, and at the other's, before it says `Full` of a ring a side of
/// which has several ends. A whole fence. Pairs with [`before_empty`].
///
/// Without it one consumer may take an item, not see a third party's claim of the tail, and find the ring empty, while a
/// producer sees that claim, does not see the item taken, and finds it full. Of two such fences one is the first, and
/// what its end saw before it is seen by the other after its own; so the answers have an order.
#[inline(always)]
pub(crate) fn before_full() {
    fence(Site::FullFence, Ordering::SeqCst);
}

/// As [`before_full`], which it pairs with: before a consumer says `Empty`.
#[inline(always)]
pub(crate) fn before_empty() {
    fence(Site::EmptyFence, Ordering::SeqCst);
}

/// Between giving an end back, and the look whether there is something for it that another thread has left to its holder:
/// one that found the end taken. A whole fence. Pairs with that of a signal, which the other thread passes between putting it
/// there and looking for the end.
#[cfg_attr(not(compare_and_swap), allow(dead_code))]
#[inline(always)]
pub(crate) fn given_back() {
    fence(Site::DiscardFence, Ordering::SeqCst);
}
