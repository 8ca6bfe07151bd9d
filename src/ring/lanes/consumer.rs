//! The reading end.

use core::fmt;

#[cfg(compare_and_swap)]
use super::CONSUMER;
use super::rooms::sealed::Room;
use super::{Housing, Inline, Lanes, Order};
use crate::error::PopError;
use crate::handle::{Handle, Lane};
#[cfg(compare_and_swap)]
use crate::index::SideRules as _;
use crate::index::{Arity, OneToOne, Single};
#[cfg(compare_and_swap)]
use crate::ring::Multi;
use crate::ring::Ring;
use crate::ring::drain::ClaimedItems;
use crate::ring::read_end::ReadEnd;
use crate::stats::Refusal;
use crate::sync::CachePadded;

/// A consumer of [`Lanes`]: the one there is, or one of many. It visits the lanes in the order `O`.
///
/// Dropping it gives the end back; unread items stay. Where the side is [`Multi`], it can be cloned:
/// each item goes to one of the consumers, and what one of them takes at once from a lane, it claims at once.
///
/// It has a place for what it knows of each lane: about a cache line or two for each, wherever the handle is.
///
/// # Errors
///
/// | | says |
/// |---|---|
/// | [`PopError::Empty`] | each lane was found empty, one after the other, within the call. An item that was there when the call began has been taken by somebody else |
/// | [`PopError::Contended`] | nothing was found, and on one of the lanes other consumers were faster at each of 64 tries |
///
/// `Pending` does not occur: a lane has one producer. The forms that answer with a number answer 0 for either;
/// [`is_empty`](Lanes::is_empty) and [`try_pop`](Self::try_pop) tell them apart.
pub struct LaneConsumer<
    'a,
    T,
    const N: usize,
    const L: usize,
    O: Order,
    A: Arity<Producers = Single> = OneToOne,
    H: Housing = Inline,
> {
    lanes: &'a Lanes<T, N, L, A, H>,
    /// What is known of each lane that has a ring.
    ends: CachePadded<[Option<ReadEnd<T, A>>; L]>,
    order: O,
}

impl<'a, T, const N: usize, const L: usize, O: Order, A: Arity<Producers = Single>, H: Housing>
    LaneConsumer<'a, T, N, L, O, A, H>
{
    /// Of consumers of a single side there is one: the caller, who made it, sees to that.
    pub(super) fn new(lanes: &'a Lanes<T, N, L, A, H>, order: O) -> Self {
        // Now, so that later it loads nothing that it stores itself: what is its own is in the handle.
        Self { lanes, ends: CachePadded(lanes.rooms.each_ref().map(|room| room.ring().map(end_of))), order }
    }

    /// Visits lanes until `max` items were found, or each lane was found empty, and lets `take` have what is found: how
    /// many, and where none were, whether that was for the other consumers.
    ///
    /// `take` takes all items of what it is given, and returns how many, or panics.
    #[inline(always)]
    fn tour(
        &mut self,
        max: usize,
        mut take: impl FnMut(Handle<Lane>, ClaimedItems<'_, T, A>) -> usize,
    ) -> (usize, bool) {
        // As many as there can be at once, or producers that are fast enough would keep us for ever: each visit finds
        // an item, or is the last one to its lane.
        let max = max.min(N.saturating_mul(L));
        let (mut found, mut contended) = (0, false);
        let mut open = Lanes::<T, N, L, A, H>::ALL;
        while found < max && open != 0 {
            let (lane, budget) = self.order.next(open);
            let asked = budget.min(max - found);
            let mut got = 0;
            match Self::end(self.lanes, &mut self.ends, lane).map(|end| end.try_claim_items(asked)) {
                Some(Ok(items)) => {
                    // After they were claimed, and before their slots are given back: no other producer can have
                    // registered meanwhile, and the one who pushed them had before.
                    got = take(self.lanes.handle(lane), items);
                }
                Some(Err(why)) => contended |= why == Refusal::Contended,
                // The lane has no ring yet.
                None => {}
            }
            self.order.visited(lane, asked, got);
            found += got;
            if got < asked {
                open &= !(1 << (lane & 31));
            }
        }
        (found, contended)
    }

    /// What is known of a lane, unless it has no ring yet.
    #[inline(always)]
    fn end<'e>(
        lanes: &Lanes<T, N, L, A, H>,
        ends: &'e mut [Option<ReadEnd<T, A>>; L],
        lane: u32,
    ) -> Option<&'e mut ReadEnd<T, A>> {
        let end = ends.get_mut(lane as usize)?;
        if end.is_none() {
            *end = Some(end_of(lanes.ring(lane)?));
        }
        end.as_mut()
    }

    /// Pops one item. Its slot is free for the producer when this returns.
    ///
    /// # Errors
    ///
    /// [`PopError::Empty`] or [`PopError::Contended`] as the [table](Self#errors) says.
    #[inline]
    pub fn try_pop(&mut self) -> Result<T, PopError> {
        self.try_pop_from().map(|(_, item)| item)
    }

    /// As [`try_pop`](Self::try_pop), and which producer's item it is: the handle is that of its
    /// [`lane`](super::LaneProducer::lane), also where it has left since.
    ///
    /// # Errors
    ///
    /// As for [`try_pop`](Self::try_pop).
    #[inline]
    pub fn try_pop_from(&mut self) -> Result<(Handle<Lane>, T), PopError> {
        let mut popped = None;
        let (_, contended) = self.tour(1, |from, items| items.give_to(|item| popped = Some((from, item))));
        popped.ok_or(if contended { PopError::Contended } else { PopError::Empty })
    }

    /// Moves up to `out.len()` items into `out`. Returns how many.
    ///
    /// Fewer mean that each lane was found empty, or that the rest went to other consumers.
    #[inline]
    pub fn pop_slice(&mut self, out: &mut [T]) -> usize
    where
        T: Copy,
    {
        let (most, mut copied) = (out.len(), 0);
        let _ = self.tour(most, |_, items| {
            // They are at most as many as are left of `out`; written so that no panic remains.
            let count = items.copy_to(out.get_mut(copied..).unwrap_or_default());
            copied += count;
            count
        });
        copied
    }

    /// Moves up to `max` items into `f`, one after the other, with whose they are. Returns how many. At most as many as all
    /// lanes hold. The slots of one visit to a lane become free together.
    ///
    /// If `f` panics, the items up to then are consumed, and the others stay; where there are many consumers, those of
    /// this visit are dropped.
    #[inline]
    pub fn drain(&mut self, max: usize, mut f: impl FnMut(Handle<Lane>, T)) -> usize {
        self.tour(max, |from, items| items.give_to(|item| f(from, item))).0
    }

    /// As [`drain`](Self::drain), without whose they are. If there is none: why.
    // Asked by channels, which need compare-and-swap.
    #[cfg(compare_and_swap)]
    #[inline]
    pub(crate) fn try_drain(&mut self, max: usize, mut f: impl FnMut(T)) -> Result<usize, PopError> {
        let (count, contended) = self.tour(max, |_, items| items.give_to(&mut f));
        match count {
            0 if max > 0 => Err(if contended { PopError::Contended } else { PopError::Empty }),
            count => Ok(count),
        }
    }

    /// Shows up to `max` items to `f`, one after the other, with whose they are, and drops each. Returns how many. At most as
    /// many as all lanes hold. The slots of one visit to a lane become free together.
    ///
    /// If `f` panics, the items before are consumed and the one it was shown stays, with those after it. Where there
    /// are many consumers, those of this visit are dropped.
    #[inline]
    pub fn consume(&mut self, max: usize, mut f: impl FnMut(Handle<Lane>, &T)) -> usize {
        self.tour(max, |from, items| items.show_to(|item| f(from, item))).0
    }

    /// Drops up to `count` items, at most as many as all lanes hold. Returns how many.
    #[inline]
    pub fn skip(&mut self, count: usize) -> usize {
        self.tour(count, |_, items| items.discard()).0
    }

    /// What it reads: to register producers, and for its numbers.
    #[must_use]
    pub fn lanes(&self) -> &'a Lanes<T, N, L, A, H> {
        self.lanes
    }
}

/// What a new consumer knows of a lane.
fn end_of<T, const N: usize, A: Arity<Producers = Single>>(ring: &Ring<T, N, A>) -> ReadEnd<T, A> {
    ReadEnd::new(ring.ptr())
}

#[cfg(compare_and_swap)]
impl<T, const N: usize, const L: usize, O: Order, A: Arity<Producers = Single, Consumers = Multi>, H: Housing>
    Clone for LaneConsumer<'_, T, N, L, O, A, H>
{
    /// One more consumer. Its order is at the same point.
    fn clone(&self) -> Self {
        Self::new(self.lanes, self.order.clone())
    }
}

impl<T, const N: usize, const L: usize, O: Order, A: Arity<Producers = Single>, H: Housing> Drop
    for LaneConsumer<'_, T, N, L, O, A, H>
{
    fn drop(&mut self) {
        #[cfg(compare_and_swap)]
        if !A::Consumers::SHARED {
            self.lanes.line.0.ends.give_back(CONSUMER);
        }
    }
}

impl<T, const N: usize, const L: usize, O: Order, A: Arity<Producers = Single>, H: Housing> fmt::Debug
    for LaneConsumer<'_, T, N, L, O, A, H>
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LaneConsumer").field("order", &self.order).field("lanes", &self.lanes).finish()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use crate::Lanes;
    use crate::error::PopError;
    use crate::ring::lanes::Fair;

    /// A call that wants nothing is not refused, as of a consumer of one ring.
    #[test]
    fn a_drain_of_none_is_none() {
        let lanes = Lanes::<u32, 4, 2>::new();
        let mut rx = lanes.try_consumer(Fair::default()).unwrap();
        assert_eq!(rx.try_drain(1, drop), Err(PopError::Empty));
        assert_eq!(rx.try_drain(0, drop), Ok(0));
        let ring = crate::Spsc::<u32, 4>::new();
        let mut rx = ring.try_consumer().unwrap();
        assert_eq!(rx.try_drain(1, drop), Err(PopError::Empty));
        assert_eq!(rx.try_drain(0, drop), Ok(0));
    }
}
