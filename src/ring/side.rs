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
//! | giving slots back | nothing happened yet | they are committed as void (written), or freed |
//!
//! A stamp is the lap of a position around the ring, and in its low two bits what became of the slot:
//!
//! ```text
//!   written by producers:  lap | 1  an item     lap | 2  nothing (a grant was aborted)
//!   written by consumers:  lap | 0  free for the position of that lap
//! ```
//!
//! So zero says "not written in the first lap" and "free for the first lap": zeroed memory is an empty ring. A side
//! stores only its own stamps, and never reads them.

use core::fmt::Debug;

use crate::cursor::Cursor;
#[cfg(compare_and_swap)]
use crate::cursor::Stamp;
use crate::span::Counter;
#[cfg(compare_and_swap)]
use crate::sync::{CachePadded, const_fn};
use crate::sync::{Pos, pause};
#[cfg(compare_and_swap)]
use core::ptr::NonNull;

/// An item was written to the slot.
pub(crate) const WRITTEN: Pos = 1;
/// The slot was claimed and given up; there is no item in it.
pub(crate) const VOID: Pos = 2;
/// The slot may be written.
pub(crate) const FREED: Pos = 0;

/// How many positions from `at` on an end of side `X` knows to be committed, whose `limit` is the first that it does
/// not know to be.
///
/// An end that is alone never passes its limit. One of several is passed by the others; what it saw after `at` still
/// holds while the position is at `at`, which the claim that follows finds out. But it may have slept: a limit that is
/// out of date by a lap of the integer would be taken for new. Of 64 bits there is no lap; elsewhere it knows nothing.
#[inline(always)]
pub(crate) fn known<X: Side>(limit: Pos, at: Pos, capacity: usize) -> usize {
    let known = limit.since(at);
    if !X::SHARED || (size_of::<Pos>() >= 8 && known <= capacity) { known } else { 0 }
}

/// Waits after the `lost`-th exchange (from 0 on) that another end won, out of its way.
///
/// Whoever tries again at once takes the line of the position away from the end that is at work there, and both spend
/// their time on its way to and fro: two producers then moved 38 Mops/s on processors near each other, and 23 on far
/// ones. The first wait must be longer than that way, which is some 10 of these hints, and the position seen before it
/// is not looked at again after it, so that an end stays at work for longer: 145 and 80 Mops/s so, with what the consumer
/// does for them (`ReadEnd::is_coming`; `benches/peers`, mpsc single, 2 + 1 threads). Longer waits gain far away, and lose
/// near.
///
/// The later tries wait no more: they come right after the news of where the side stands, and while the line is here, so
/// that an end that has been passed by for some 20 microseconds is likely to have its turn. Nothing promises it: after the
/// last try it is told `Contended`.
#[inline(always)]
pub(crate) fn give_way(lost: usize) {
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

/// What a ring holds of a side beside its position.
pub trait Store: Send + Sync + Debug {
    /// All zero.
    #[cfg(not(loom))]
    const ZERO: Self;
    #[cfg(loom)]
    fn zero() -> Self;
    /// As if the positions before `origin` had come and gone.
    fn start_at(&mut self, origin: Pos);
}

/// A question of the other side: of the `wanted` positions from `at` on, how many has this side committed?
#[derive(Clone, Copy, Debug)]
// Asked of stamps; without compare-and-swap there are none.
#[cfg_attr(not(compare_and_swap), allow(dead_code))]
pub struct Question {
    pub(crate) at: Pos,
    /// So many are known to be.
    pub(crate) known: usize,
    pub(crate) wanted: usize,
    /// How far the asking side may be ahead of this side's position: the capacity for producers, 0 for consumers.
    pub(crate) ahead: usize,
    /// What their stamps say.
    pub(crate) state: Pos,
    pub(crate) mask: usize,
}

pub(crate) mod sealed {
    use super::{Cursor, Debug, Pos, Question, Store};

    pub trait Sealed: Sized + 'static {
        /// There may be several ends.
        const SHARED: bool;
        /// How often an end tries to claim before it answers `Contended`.
        const TRIES: usize;
        /// The stamps of a ring of `N` slots, or nothing.
        type Stamps<const N: usize>: Store;
        /// How an end reaches them.
        type Reach: Copy + Debug;

        fn reach<const N: usize>(stamps: &Self::Stamps<N>) -> Self::Reach;
        /// Where the side stands, which an end that is alone knows.
        fn stands(own: Pos, cursor: &Cursor) -> Pos;
        /// Where it stands, as the other side sees it.
        fn observed(cursor: &Cursor) -> Pos;
        /// Takes the positions from `from` to `to`, unless another end was faster: then the error is where the side
        /// stands now.
        fn take(cursor: &Cursor, from: Pos, to: Pos) -> Result<(), Pos>;
        /// The first position that is not committed, or not looked at: at most `wanted` are.
        ///
        /// It may lie before `at`, or more than the capacity after it, where `at` is out of date.
        ///
        /// # Safety
        /// `reach` is of a living ring with that mask.
        unsafe fn committed(cursor: &Cursor, reach: Self::Reach, question: Question) -> Pos;
        /// The stamp of `at`; `None` where there are none.
        ///
        /// # Safety
        /// As for `committed`.
        unsafe fn stamp(reach: Self::Reach, at: Pos, mask: usize) -> Option<Pos>;
        /// Commits `count` positions from `at` on, at once as far as the other side can see. The stamps are those of
        /// `at + ahead` on.
        ///
        /// # Safety
        /// As for `committed`; the positions were taken by the caller, who has not committed them yet.
        unsafe fn commit(
            cursor: &Cursor,
            reach: Self::Reach,
            at: Pos,
            count: usize,
            ahead: usize,
            state: Pos,
            mask: usize,
        );
    }
}

/// No stamps.
#[derive(Debug)]
pub struct NoStamps(());

impl Store for NoStamps {
    #[cfg(not(loom))]
    const ZERO: Self = Self(());
    #[cfg(loom)]
    fn zero() -> Self {
        Self(())
    }
    fn start_at(&mut self, _: Pos) {}
}

impl Side for Single {}
impl sealed::Sealed for Single {
    const SHARED: bool = false;
    const TRIES: usize = 1;
    type Stamps<const N: usize> = NoStamps;
    type Reach = ();

    #[inline(always)]
    fn reach<const N: usize>(_: &NoStamps) {}

    #[inline(always)]
    fn stands(own: Pos, _: &Cursor) -> Pos {
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
    unsafe fn committed(cursor: &Cursor, (): (), question: Question) -> Pos {
        cursor.observe().plus(question.ahead)
    }

    #[inline(always)]
    unsafe fn stamp((): (), _: Pos, _: usize) -> Option<Pos> {
        None
    }

    #[inline(always)]
    unsafe fn commit(cursor: &Cursor, (): (), at: Pos, count: usize, _: usize, _: Pos, _: usize) {
        cursor.publish(at.plus(count));
    }
}

/// A stamp for each slot, on lines of their own: in a line that is only written by one side, the other side's
/// stores are not in the way.
#[cfg(compare_and_swap)]
#[derive(Debug)]
#[repr(C)]
pub struct Stamps<const N: usize>(CachePadded<[Stamp; N]>);

#[cfg(compare_and_swap)]
impl<const N: usize> Stamps<N> {
    const_fn! {
        const fn new() -> Self {
            #[cfg(not(loom))]
            let stamps = [const { Stamp::new() }; N];
            #[cfg(loom)]
            let stamps = core::array::from_fn(|_| Stamp::new());
            Self(CachePadded(stamps))
        }
    }
}

#[cfg(compare_and_swap)]
impl<const N: usize> Store for Stamps<N> {
    #[cfg(not(loom))]
    #[allow(clippy::declare_interior_mutable_const)] // the initial value of something made in a constant
    const ZERO: Self = Self::new();
    #[cfg(loom)]
    fn zero() -> Self {
        Self::new()
    }

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
    type Reach = NonNull<Stamp>;

    #[inline(always)]
    fn reach<const N: usize>(stamps: &Stamps<N>) -> NonNull<Stamp> {
        NonNull::from(&stamps.0.0).cast()
    }

    #[inline(always)]
    fn stands(_: Pos, cursor: &Cursor) -> Pos {
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
    unsafe fn committed(_: &Cursor, reach: NonNull<Stamp>, question: Question) -> Pos {
        let Question { at, known, wanted, ahead: _, state, mask } = question;
        let mut count = known;
        while count < wanted {
            let next = at.plus(count);
            // SAFETY: of a living ring with that mask, as the caller says.
            let stamp = unsafe { stamp_at(reach, next, mask) };
            if stamp.observe() != next.lap(mask) | state {
                break;
            }
            count += 1;
        }
        at.plus(count)
    }

    #[inline(always)]
    unsafe fn stamp(reach: NonNull<Stamp>, at: Pos, mask: usize) -> Option<Pos> {
        // SAFETY: of a living ring with that mask, as the caller says.
        Some(unsafe { stamp_at(reach, at, mask) }.observe())
    }

    #[inline(always)]
    unsafe fn commit(
        _: &Cursor,
        reach: NonNull<Stamp>,
        at: Pos,
        count: usize,
        ahead: usize,
        state: Pos,
        mask: usize,
    ) {
        // From the last to the first: the other side takes slots in order, so it sees none of them before it
        // sees all.
        for back in 1..=count {
            let at = at.plus(ahead).plus(count - back);
            // SAFETY: of a living ring with that mask, as the caller says.
            let stamp = unsafe { stamp_at(reach, at, mask) };
            stamp.commit(at.lap(mask) | state);
        }
    }
}

/// The stamp of a position.
///
/// # Safety
/// `reach` is of a living ring with that mask.
#[cfg(compare_and_swap)]
#[inline(always)]
unsafe fn stamp_at<'r>(reach: NonNull<Stamp>, at: Pos, mask: usize) -> &'r Stamp {
    // SAFETY: the slot number is masked, so at most `mask`, and `reach` points to an array of `mask + 1`.
    let stamp = unsafe { reach.add(at.slot(mask)) };
    // SAFETY: made from a reference to the array, so aligned and dereferenceable while the ring lives, as the
    // caller says it does, for no longer than this call; stamps are only ever shared.
    unsafe { stamp.as_ref() }
}
