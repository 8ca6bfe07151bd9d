//! The two commit rules: a side that has one end, and a side that several ends share.
//!
//! A side is the producers or the consumers of a ring. Either has a position of its own and commits slots to the
//! other: written, or freed. All that depends on how many ends it has is here, once for producers and consumers.
//!
//! | | [`Single`] | [`Multi`] |
//! |---|---|---|
//! | its position says | up to where it has committed | up to where its ends have claimed |
//! | an end takes slots by | knowing its own position | moving the position by compare-and-swap |
//! | it commits by | publishing the position: one store, however many | a stamp for each slot |
//! | the other side sees | the position | the stamps, from the slot it wants on |
//! | giving slots back | nothing happened yet | they are committed as aborted (written), or freed |
//!
//! A stamp is the lap of a position around the ring, and in its low two bits what became of the slot:
//!
//! ```text
//!   written by producers:  lap | 1  an item     lap | 2  nothing (a claim was aborted)
//!   written by consumers:  lap | 0  free for the position of that lap
//! ```
//!
//! So zero says "not written in the first lap" and "free for the first lap": zeroed memory is an empty ring. A side
//! stores only its own stamps, and never reads them.

use core::fmt::Debug;

#[cfg(all(feature = "alloc", compare_and_swap, not(loom)))]
use super::heap_stamps::HeapStamps;
use super::lent::Lent;
#[cfg(compare_and_swap)]
use super::lent::LentSlots;
use crate::atomic::Cursor;
#[cfg(compare_and_swap)]
use crate::atomic::Stamp;
#[cfg(compare_and_swap)]
use crate::cpu::CachePadded;
use crate::cpu::pause;
use crate::span::Counter;
use crate::sync::Pos;
use crate::zeroed::{Zeroed, empty_in_models};
#[cfg(compare_and_swap)]
use core::ptr::NonNull;

/// An item was written to the slot.
pub(crate) const WRITTEN: Pos = 1;
/// The slot was claimed and aborted; there is no item in it.
pub(crate) const ABORTED: Pos = 2;
/// The slot may be written.
pub(crate) const FREED: Pos = 0;

/// Returns how many positions from `at` on are known to be committed. `limit` is the first unknown one.
///
/// An end that is alone on its side never passes its limit. One of several is passed by the others. What it saw after `at`
/// still holds while the position is at `at`, which the claim that follows finds out. But it may have slept: a limit that is
/// out of date by a lap of the integer would be taken for new. Of 64 bits there is no lap; elsewhere it knows nothing.
#[inline(always)]
pub(crate) fn known<X: Side>(limit: Pos, at: Pos, capacity: usize) -> usize {
    let known = limit.since(at);
    if !X::SHARED || (size_of::<Pos>() >= 8 && known <= capacity) { known } else { 0 }
}

/// Waits after the `lost`-th exchange (from 0 on) that another end won.
///
/// An end that tries again at once takes the line of the position away from the end that is at work there, and both spend
/// their time on its way to and fro: two producers then moved 38 Mops/s on processors near each other, and 23 on far
/// ones. The first wait must be longer than that way, which is some 10 of these hints, and the position seen before it
/// is not looked at again after it, so that an end stays at work for longer: 145 and 80 Mops/s so, with what the consumer
/// does for them (`End::spin_once`; `benches/peers`, mpsc single, 2 + 1 threads). Longer waits gain far away, and lose
/// near.
///
/// The later tries wait no more: they come right after the news of where the side is, and while the line is here, so
/// that an end that has been passed by for some 20 microseconds is likely to have its turn. Nothing promises it: after the
/// last try it is told `Contended`.
#[inline(always)]
pub(crate) fn backoff(lost: usize) {
    if lost < 16 {
        pause(16 << lost.min(2));
    }
}

/// How many ends a side of a ring has: [`Single`] or [`Multi`]. Sealed.
pub trait Side: sealed::Sealed {}

/// One end: wait-free, plain loads and stores.
#[derive(Debug)]
pub enum Single {}

/// Any number of ends, made by `Clone`: lock-free, by compare-and-swap, with a bounded number of tries.
#[cfg(compare_and_swap)]
#[derive(Debug)]
pub enum Multi {}

/// A side that several ends share: [`Multi`]. Sealed.
#[cfg(compare_and_swap)]
#[diagnostic::on_unimplemented(
    message = "this side has a single end, which is neither cloned nor shared: `Mpsc` and `Mpmc` have many producers, `Spmc` and `Mpmc` many consumers, lanes have `register`",
    label = "a side of one",
    note = "the one end of its side comes from `split`, or from `try_split` if the ring is shared or a `static`"
)]
pub trait SharedSide: Side {}

#[cfg(compare_and_swap)]
impl SharedSide for Multi {}

/// What a ring holds of a side beside its position.
pub trait Store: Zeroed + Send + Sync + Debug {
    /// As if the positions before `origin` had come and gone.
    fn start_at(&mut self, origin: Pos);
}

/// What an end asks of the other side: of the `wanted` positions from `at` on, how many has it committed?
#[derive(Clone, Copy, Debug)]
// Asked of stamps; without compare-and-swap there are none.
#[cfg_attr(not(compare_and_swap), allow(dead_code))]
pub struct CommitQuery {
    pub(crate) at: Pos,
    /// So many are known to be.
    pub(crate) known: usize,
    pub(crate) wanted: usize,
    /// How far the asking side may be ahead of this side's position: the capacity for producers, 0 for consumers.
    pub(crate) lead: usize,
    /// What their stamps say.
    pub(crate) state: Pos,
    pub(crate) mask: usize,
}

/// Slots that an end commits: `count` of them, from position `at` on.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(compare_and_swap), allow(dead_code))]
pub struct Commit {
    pub(crate) at: Pos,
    pub(crate) count: usize,
    /// How far ahead the positions are for which the other side waits: 0 for producers, the capacity for consumers.
    pub(crate) lead: usize,
    /// What the stamps are to say.
    pub(crate) state: Pos,
    pub(crate) mask: usize,
}

pub(crate) mod sealed {
    use super::{Commit, CommitQuery, Cursor, Debug, Lent, Pos, Store};

    pub trait Sealed: Sized + 'static {
        /// There may be several ends.
        const SHARED: bool;
        /// How often an end tries to claim before it answers `Contended`.
        const TRIES: usize;
        /// The stamps of a ring of `N` slots, or nothing.
        type Stamps<const N: usize>: Store;
        /// How an end reaches them.
        type StampPtr: Copy + Debug;
        /// What a producer remembers of a grant.
        type Lent: Lent;

        fn stamp_ptr<const N: usize>(stamps: &Self::Stamps<N>) -> Self::StampPtr;
        /// The stamps of a ring whose capacity its type does not say, or nothing.
        #[cfg(all(feature = "alloc", not(loom)))]
        type HeapStamps: Send + Sync + Debug;
        /// Makes them. Returns `None` if there is no memory for them.
        #[cfg(all(feature = "alloc", not(loom)))]
        fn try_heap_stamps(capacity: usize) -> Option<Self::HeapStamps>;
        #[cfg(all(feature = "alloc", not(loom)))]
        fn heap_stamp_ptr(stamps: &Self::HeapStamps) -> Self::StampPtr;
        /// As [`Store::start_at`].
        #[cfg(all(feature = "alloc", not(loom)))]
        fn heap_start_at(stamps: &mut Self::HeapStamps, capacity: usize, origin: Pos);
        /// Returns where the side is, which an end that is alone knows.
        fn position(own: Pos, cursor: &Cursor) -> Pos;
        /// Returns where it is, as the other side sees it.
        fn observed(cursor: &Cursor) -> Pos;
        /// Takes the positions from `from` to `to`, unless another end was faster: then the error is where the side is now.
        fn take(cursor: &Cursor, from: Pos, to: Pos) -> Result<(), Pos>;
        /// Returns the first position that is not committed, or not looked at: at most `wanted` are.
        ///
        /// It may lie before `at`, or more than the capacity after it, if `at` is out of date.
        ///
        /// # Safety
        /// `stamps` is of a living ring with that mask.
        unsafe fn committed(cursor: &Cursor, stamps: Self::StampPtr, query: CommitQuery) -> Pos;
        /// Returns the stamp of `at`; `None` if there are none.
        ///
        /// # Safety
        /// As for `committed`.
        unsafe fn stamp(stamps: Self::StampPtr, at: Pos, mask: usize) -> Option<Pos>;
        /// Commits slots, at once as far as the other side can see.
        ///
        /// # Safety
        /// As for `committed`; the caller has taken the positions, and has not committed them yet.
        unsafe fn commit(cursor: &Cursor, stamps: Self::StampPtr, commit: Commit);
    }
}

/// No stamps.
#[derive(Debug)]
pub struct NoStamps(());

// SAFETY: nothing.
unsafe impl Zeroed for NoStamps {
    empty_in_models!(Self(()));
}

impl Store for NoStamps {
    fn start_at(&mut self, _: Pos) {}
}

impl Side for Single {}
impl sealed::Sealed for Single {
    const SHARED: bool = false;
    const TRIES: usize = 1;
    type Stamps<const N: usize> = NoStamps;
    type StampPtr = ();
    type Lent = ();

    #[inline(always)]
    fn stamp_ptr<const N: usize>(_: &NoStamps) {}

    #[cfg(all(feature = "alloc", not(loom)))]
    type HeapStamps = ();
    #[cfg(all(feature = "alloc", not(loom)))]
    fn try_heap_stamps(_: usize) -> Option<()> {
        Some(())
    }
    #[cfg(all(feature = "alloc", not(loom)))]
    fn heap_stamp_ptr((): &()) {}
    #[cfg(all(feature = "alloc", not(loom)))]
    fn heap_start_at((): &mut (), _: usize, _: Pos) {}

    #[inline(always)]
    fn position(own: Pos, _: &Cursor) -> Pos {
        own
    }

    #[inline(always)]
    fn observed(cursor: &Cursor) -> Pos {
        cursor.observe()
    }

    #[inline(always)]
    fn take(_: &Cursor, _: Pos, _: Pos) -> Result<(), Pos> {
        Ok(())
    }

    #[inline(always)]
    unsafe fn committed(cursor: &Cursor, (): (), query: CommitQuery) -> Pos {
        cursor.observe().plus(query.lead)
    }

    #[inline(always)]
    unsafe fn stamp((): (), _: Pos, _: usize) -> Option<Pos> {
        None
    }

    #[inline(always)]
    unsafe fn commit(cursor: &Cursor, (): (), commit: Commit) {
        cursor.publish(commit.at.plus(commit.count));
    }
}

/// A stamp for each slot, on lines of their own: in a line that is only written by one side, the other side's
/// stores are not in the way.
#[cfg(compare_and_swap)]
#[derive(Debug)]
#[repr(C)]
pub struct Stamps<const N: usize>(CachePadded<[Stamp; N]>);

// SAFETY: stamps, and padding.
#[cfg(compare_and_swap)]
unsafe impl<const N: usize> Zeroed for Stamps<N> {
    empty_in_models!(Self(CachePadded::empty()));
}

#[cfg(compare_and_swap)]
impl<const N: usize> Store for Stamps<N> {
    fn start_at(&mut self, origin: Pos) {
        for ahead in 0..N {
            let at = origin.plus(ahead);
            if let Some(stamp) = self.0.0.get_mut(at.slot(N.wrapping_sub(1))) {
                stamp.set(at.lap(N.wrapping_sub(1)));
            }
        }
    }
}

#[cfg(compare_and_swap)]
impl Side for Multi {}

#[cfg(compare_and_swap)]
impl sealed::Sealed for Multi {
    const SHARED: bool = true;
    const TRIES: usize = 64;
    type Stamps<const N: usize> = Stamps<N>;
    type StampPtr = NonNull<Stamp>;
    type Lent = LentSlots;

    #[inline(always)]
    fn stamp_ptr<const N: usize>(stamps: &Stamps<N>) -> NonNull<Stamp> {
        NonNull::from(&stamps.0.0).cast()
    }

    #[cfg(all(feature = "alloc", not(loom)))]
    type HeapStamps = HeapStamps;
    #[cfg(all(feature = "alloc", not(loom)))]
    fn try_heap_stamps(capacity: usize) -> Option<HeapStamps> {
        HeapStamps::try_new(capacity)
    }
    #[cfg(all(feature = "alloc", not(loom)))]
    fn heap_stamp_ptr(stamps: &HeapStamps) -> NonNull<Stamp> {
        stamps.ptr()
    }
    #[cfg(all(feature = "alloc", not(loom)))]
    fn heap_start_at(stamps: &mut HeapStamps, capacity: usize, origin: Pos) {
        stamps.start_at(capacity, origin);
    }

    #[inline(always)]
    fn position(_: Pos, cursor: &Cursor) -> Pos {
        cursor.hint()
    }

    #[inline(always)]
    fn observed(cursor: &Cursor) -> Pos {
        cursor.hint()
    }

    #[inline(always)]
    fn take(cursor: &Cursor, from: Pos, to: Pos) -> Result<(), Pos> {
        if from == to { Ok(()) } else { cursor.claim(from, to) }
    }

    #[inline(always)]
    unsafe fn committed(_: &Cursor, stamps: NonNull<Stamp>, query: CommitQuery) -> Pos {
        let CommitQuery { at, known, wanted, lead: _, state, mask } = query;
        let mut count = known;
        while count < wanted {
            let next = at.plus(count);
            // SAFETY: of a living ring with that mask, as the caller says.
            let stamp = unsafe { stamp_at(stamps, next, mask) };
            if stamp.observe() != next.lap(mask) | state {
                break;
            }
            count += 1;
        }
        at.plus(count)
    }

    #[inline(always)]
    unsafe fn stamp(stamps: NonNull<Stamp>, at: Pos, mask: usize) -> Option<Pos> {
        // SAFETY: of a living ring with that mask, as the caller says.
        Some(unsafe { stamp_at(stamps, at, mask) }.observe())
    }

    #[inline(always)]
    unsafe fn commit(_: &Cursor, stamps: NonNull<Stamp>, commit: Commit) {
        let Commit { at, count, lead, state, mask } = commit;
        // From the last to the first: the other side takes slots in order, so it sees none of them before it
        // sees all.
        for back in 1..=count {
            let at = at.plus(lead).plus(count - back);
            // SAFETY: of a living ring with that mask, as the caller says.
            let stamp = unsafe { stamp_at(stamps, at, mask) };
            stamp.commit(at.lap(mask) | state);
        }
    }
}

/// The stamp of a position.
///
/// # Safety
/// `stamps` is of a living ring with that mask.
#[cfg(compare_and_swap)]
#[inline(always)]
unsafe fn stamp_at<'r>(stamps: NonNull<Stamp>, at: Pos, mask: usize) -> &'r Stamp {
    // SAFETY: the slot number is masked, so at most `mask`, and `stamps` points to an array of `mask + 1`.
    let stamp = unsafe { stamps.add(at.slot(mask)) };
    // SAFETY: made from a reference to the array, so aligned and dereferenceable while the ring lives, as the
    // caller says it does, for no longer than this call; stamps are only ever shared.
    unsafe { stamp.as_ref() }
}
