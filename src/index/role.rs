//! What a producer and a consumer do differently, so that one claim serves both.

use super::arity::Arity;
use super::header::{Header, IndexPtr};
use super::side::sealed::Sealed as _;
use super::side::{ABORTED, Side, WRITTEN};
use crate::atomic::{Cursor, fence};
use crate::span::Counter;
use crate::sync::Pos;

/// The role of an end, producer or consumer: its own position and the other side's, and what a commit means.
pub(crate) trait EndRole<A: Arity>: Sized {
    type Own: Side;
    type Other: Side;
    /// It skips slots that the other side has claimed and aborted.
    const SKIPS_ABORTED: bool;
    /// How long it pauses at most before it polls again, in spin-loop hints, if nothing else was set.
    #[cfg_attr(not(compare_and_swap), allow(dead_code))]
    const MAX_PAUSE: u16;
    fn own(header: &Header<A::Stats>) -> &Cursor;
    fn other(header: &Header<A::Stats>) -> &Cursor;
    fn counter(header: &Header<A::Stats>) -> &A::Stats;
    /// How far an end of this side may run ahead of the other side's position.
    fn lead(index: &IndexPtr<A>) -> usize;
    /// The first position from `at` on that the other side has not committed, as [`IndexPtr::free_until`] says.
    fn committed_until(index: &IndexPtr<A>, at: Pos, known: usize, wanted: usize) -> Pos;
    /// Commits slots that were used.
    ///
    /// # Safety
    /// As for [`IndexPtr::commit_written`] of items, or [`IndexPtr::commit_freed`].
    unsafe fn commit(index: &IndexPtr<A>, at: Pos, count: usize);
    /// Commits slots that were claimed and not used.
    ///
    /// # Safety
    /// They were claimed, and not committed.
    unsafe fn abort(index: &IndexPtr<A>, at: Pos, count: usize);
    /// The fence between a look at its own side's position, and at the other's, before it says that there is nothing.
    fn fence_refusal();
    /// The number of items between the positions of the two sides.
    fn items(own: Pos, other: Pos) -> usize;
}

/// The direction of a producer: it writes slots that consumers have freed.
#[derive(Debug)]
pub(crate) enum Producers {}

impl<A: Arity> EndRole<A> for Producers {
    type Own = A::Producers;
    type Other = A::Consumers;
    const SKIPS_ABORTED: bool = false;
    const MAX_PAUSE: u16 = 0;

    #[inline(always)]
    fn own(header: &Header<A::Stats>) -> &Cursor {
        &header.tail.0
    }
    #[inline(always)]
    fn other(header: &Header<A::Stats>) -> &Cursor {
        &header.head.0
    }
    #[inline(always)]
    fn counter(header: &Header<A::Stats>) -> &A::Stats {
        &header.sent.0
    }
    #[inline(always)]
    fn lead(index: &IndexPtr<A>) -> usize {
        index.capacity()
    }
    #[inline(always)]
    fn committed_until(index: &IndexPtr<A>, at: Pos, known: usize, wanted: usize) -> Pos {
        index.free_until(at, known, wanted)
    }
    #[inline(always)]
    unsafe fn commit(index: &IndexPtr<A>, at: Pos, count: usize) {
        // SAFETY: as the caller says.
        unsafe { index.commit_written(at, count, WRITTEN) };
    }
    #[inline(always)]
    unsafe fn abort(index: &IndexPtr<A>, at: Pos, count: usize) {
        // SAFETY: as the caller says; an aborted slot need not be written.
        unsafe { index.commit_written(at, count, ABORTED) };
    }
    #[inline(always)]
    fn fence_refusal() {
        fence::before_full();
    }
    #[inline(always)]
    fn items(own: Pos, other: Pos) -> usize {
        own.since(other)
    }
}

/// The direction of a consumer: it reads slots that producers have written.
#[derive(Debug)]
pub(crate) enum Consumers {}

impl<A: Arity> EndRole<A> for Consumers {
    type Own = A::Consumers;
    type Other = A::Producers;
    const SKIPS_ABORTED: bool = A::Producers::SHARED;
    /// A consumer of many producers looks at the position of all of them before it says `Empty`, and takes that line away
    /// from them. With one thread on either side this makes about 145 Mops/s in place of 32 on processors near each other, and
    /// 78 in place of 36 on far ones (`benches/peers`, mpsc single). Half as long gives 110 and 58, twice as long no more
    /// there, and more elsewhere: a channel that may spin keeps away for longer.
    const MAX_PAUSE: u16 = if A::Producers::SHARED { 8 } else { 0 };

    #[inline(always)]
    fn own(header: &Header<A::Stats>) -> &Cursor {
        &header.head.0
    }
    #[inline(always)]
    fn other(header: &Header<A::Stats>) -> &Cursor {
        &header.tail.0
    }
    #[inline(always)]
    fn counter(header: &Header<A::Stats>) -> &A::Stats {
        &header.received.0
    }
    #[inline(always)]
    fn lead(_: &IndexPtr<A>) -> usize {
        0
    }
    #[inline(always)]
    fn committed_until(index: &IndexPtr<A>, at: Pos, known: usize, wanted: usize) -> Pos {
        index.written_until(at, known, wanted)
    }
    #[inline(always)]
    unsafe fn commit(index: &IndexPtr<A>, at: Pos, count: usize) {
        // SAFETY: as the caller says.
        unsafe { index.commit_freed(at, count) };
    }
    #[inline(always)]
    unsafe fn abort(index: &IndexPtr<A>, at: Pos, count: usize) {
        // SAFETY: as the caller says.
        unsafe { index.commit_freed(at, count) };
    }
    #[inline(always)]
    fn fence_refusal() {
        fence::before_empty();
    }
    #[inline(always)]
    fn items(own: Pos, other: Pos) -> usize {
        other.since(own)
    }
}
