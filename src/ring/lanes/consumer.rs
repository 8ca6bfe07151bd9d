//! The consuming end of lanes.

use core::fmt;

#[cfg(compare_and_swap)]
use super::CONSUMER;
use super::storage::sealed::LaneStorage;
use super::{Inline, Lanes, Schedule, Storage};
use crate::cpu::CachePadded;
use crate::error::PopError;
use crate::handle::{Handle, Lane};
#[cfg(compare_and_swap)]
use crate::index::SideRules as _;
use crate::index::{Arity, OneToOne, Single};
use crate::ring::Raw as _;
use crate::ring::Ring;
#[cfg(compare_and_swap)]
use crate::ring::SharedSide;
use crate::ring::drain::ClaimedItems;
use crate::ring::read_end::ReadEnd;
use crate::stats::Refusal;

/// A consumer of [`Lanes`], which visits the lanes by the schedule `O`.
///
/// Dropping it gives the end back; unread items stay. If the side is [`Multi`](crate::ring::Multi), it can be
/// cloned: each item goes to one of the consumers. What one of them takes from a lane at once, it claims at once.
///
/// It holds what it knows of each lane: a cache line or two for each.
///
/// # Errors
///
/// | | says |
/// |---|---|
/// | [`PopError::Empty`] | each lane was found empty, one after the other, within the call |
/// | [`PopError::Contended`] | nothing was found; on one lane other consumers were faster at each of 64 tries |
///
/// After `Empty`, an item that was there when the call began has been taken by another consumer. `Pending` does not occur: a
/// lane has one producer. Calls that return a count return 0 for either; [`try_pop`](Self::try_pop) tells them apart.
pub struct LaneConsumer<
    'a,
    T,
    const N: usize,
    const L: usize,
    O: Schedule,
    A: Arity<Producers = Single> = OneToOne,
    H: Storage = Inline,
> {
    lanes: &'a Lanes<T, N, L, A, H>,
    /// What is known of each lane that has a ring.
    ends: CachePadded<[Option<ReadEnd<T, A>>; L]>,
    schedule: O,
}

impl<T, const N: usize, const L: usize, A: Arity<Producers = Single>, H: Storage> Lanes<T, N, L, A, H> {
    /// Returns the consumer of lanes that the caller has had alone until now.
    #[cfg(arc)]
    pub(crate) fn consumer_of_new<O: Schedule>(&self, schedule: O) -> LaneConsumer<'_, T, N, L, O, A, H> {
        self.registry.0.ends.claim(Self::CONSUMER);
        LaneConsumer::new(self, schedule)
    }

    /// Returns a consumer with this schedule, and the lanes themselves, to register producers with.
    ///
    /// Needs no compare-and-swap, and works again and again: the exclusive borrow proves that no handle is in use, forgotten
    /// ones included. The items stay under their producers' handles. A lane that has items is free once it is drained.
    ///
    /// # Examples
    ///
    /// ```
    /// use annulet::Lanes;
    /// use annulet::ring::lanes::RoundRobin;
    ///
    /// let mut lanes = Lanes::<u32, 8, 2>::new();
    /// let (mut rx, lanes) = lanes.split(RoundRobin::default());
    /// let mut tx = lanes.register().unwrap();
    /// tx.try_push(7).unwrap();
    /// assert_eq!(lanes.len_of(tx.lane()), Some(1));
    /// assert_eq!(rx.try_pop(), Ok(7));
    /// ```
    #[must_use]
    pub fn split<O: Schedule>(&mut self, schedule: O) -> (LaneConsumer<'_, T, N, L, O, A, H>, &Self) {
        self.registry.0.taken.clear();
        self.registry.0.ends.set_claimed(Self::CONSUMER);
        (LaneConsumer::new(self, schedule), self)
    }

    /// Returns a consumer with this schedule, or `None` while the only one is in use. Dropping it gives it back.
    ///
    /// A `Multi` side always has one more.
    #[cfg(compare_and_swap)]
    #[must_use]
    pub fn try_consumer<O: Schedule>(&self, schedule: O) -> Option<LaneConsumer<'_, T, N, L, O, A, H>> {
        (A::Consumers::SHARED || self.registry.0.ends.claim(CONSUMER))
            .then(|| LaneConsumer::new(self, schedule))
    }
}

impl<'a, T, const N: usize, const L: usize, O: Schedule, A: Arity<Producers = Single>, H: Storage>
    LaneConsumer<'a, T, N, L, O, A, H>
{
    /// The caller sees to it that a single side has one consumer.
    pub(super) fn new(lanes: &'a Lanes<T, N, L, A, H>, schedule: O) -> Self {
        // Now, so that later it loads nothing that it stores itself: what is its own is in the handle.
        Self {
            lanes,
            ends: CachePadded(lanes.storage.each_ref().map(|room| room.ring().map(end_of))),
            schedule,
        }
    }

    /// Visits lanes until `max` items were found, or each lane was found empty, and gives what is found to `take`. Returns how
    /// many, and whether other consumers were faster on a lane.
    ///
    /// `take` takes all items that it is given, and returns how many, or panics.
    #[inline(always)]
    fn sweep(
        &mut self,
        max: usize,
        mut take: impl FnMut(Handle<Lane>, ClaimedItems<'_, T, A>) -> usize,
    ) -> (usize, bool) {
        // As many as there can be at once, or fast producers would never let the call end: each visit finds an item, or is
        // the last one to its lane.
        let max = max.min(N.saturating_mul(L));
        let (mut found, mut contended) = (0, false);
        let mut open = Lanes::<T, N, L, A, H>::ALL;
        while found < max && open != 0 {
            let (lane, budget) = self.schedule.next(open);
            let asked = budget.min(max - found);
            let mut got = 0;
            match Self::end(self.lanes, &mut self.ends, lane).map(|end| end.try_claim_items(asked)) {
                Some(Ok(items)) => {
                    // After they were claimed, and before their slots are given back: no other producer can have
                    // registered meanwhile, and their producer had before.
                    got = take(self.lanes.handle(lane), items);
                }
                Some(Err(why)) => contended |= why == Refusal::Contended,
                // The lane has no ring yet.
                None => {}
            }
            self.schedule.visited(lane, asked, got);
            found += got;
            if got < asked {
                open &= !(1 << (lane & 31));
            }
        }
        (found, contended)
    }

    /// Returns what is known of a lane, unless it has no ring yet.
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
    /// [`PopError::Empty`] or [`PopError::Contended`], as the [table](Self#errors) says.
    #[inline]
    pub fn try_pop(&mut self) -> Result<T, PopError> {
        self.try_pop_from().map(|(_, item)| item)
    }

    /// Pops one item. Returns its producer's handle with it.
    ///
    /// The handle is the producer's [`lane`](super::LaneProducer::lane), also if the producer has left since.
    ///
    /// # Errors
    ///
    /// As for [`try_pop`](Self::try_pop).
    #[inline]
    pub fn try_pop_from(&mut self) -> Result<(Handle<Lane>, T), PopError> {
        let mut popped = None;
        let (_, contended) = self.sweep(1, |from, items| items.give_to(|item| popped = Some((from, item))));
        popped.ok_or(if contended { PopError::Contended } else { PopError::Empty })
    }

    /// Moves up to `out.len()` items into `out`. Returns how many.
    ///
    /// Fewer than `out.len()` means that each lane was found empty, or that other consumers took the rest.
    #[inline]
    pub fn pop_slice(&mut self, out: &mut [T]) -> usize
    where
        T: Copy,
    {
        let (most, mut copied) = (out.len(), 0);
        let _ = self.sweep(most, |_, items| {
            // They are at most as many as are left of `out`; written so that no panic remains.
            let count = items.copy_to(out.get_mut(copied..).unwrap_or_default());
            copied += count;
            count
        });
        copied
    }

    /// Moves up to `max` items into `f`, each with its producer's handle. Returns how many.
    ///
    /// One call moves at most as many as all lanes hold. The slots of one visit to a lane become free together. If `f` panics,
    /// the items up to then are consumed, and the rest stay. If there are many consumers, those of this visit are dropped.
    ///
    /// # Examples
    ///
    /// ```
    /// use annulet::Lanes;
    /// use annulet::ring::lanes::Priority;
    ///
    /// let mut lanes = Lanes::<u32, 8, 2>::new();
    /// let ([urgent, normal], mut rx) = lanes.split_all(Priority);
    /// let (mut urgent, mut normal) = (urgent.unwrap(), normal.unwrap());
    /// normal.push_slice(&[3, 4]);
    /// urgent.push_slice(&[1, 2]);
    /// let mut seen = vec![];
    /// assert_eq!(rx.drain(usize::MAX, |from, item| seen.push((from == urgent.lane(), item))), 4);
    /// assert_eq!(seen, [(true, 1), (true, 2), (false, 3), (false, 4)]);
    /// ```
    #[inline]
    pub fn drain(&mut self, max: usize, mut f: impl FnMut(Handle<Lane>, T)) -> usize {
        self.sweep(max, |from, items| items.give_to(|item| f(from, item))).0
    }

    /// Moves up to `max` items into `f`, or says why there is none.
    // Asked by channels, which need compare-and-swap.
    #[cfg(compare_and_swap)]
    #[inline]
    pub(crate) fn try_drain(&mut self, max: usize, mut f: impl FnMut(T)) -> Result<usize, PopError> {
        let (count, contended) = self.sweep(max, |_, items| items.give_to(&mut f));
        match count {
            0 if max > 0 => Err(if contended { PopError::Contended } else { PopError::Empty }),
            count => Ok(count),
        }
    }

    /// Shows up to `max` items to `f`, each with its producer's handle, and drops each. Returns how many.
    ///
    /// One call shows at most as many as all lanes hold. The slots of one visit to a lane become free together. If `f` panics,
    /// the items before are consumed; the one it was shown stays, and so do those after it. One of many consumers drops those
    /// of this visit.
    #[inline]
    pub fn consume(&mut self, max: usize, mut f: impl FnMut(Handle<Lane>, &T)) -> usize {
        self.sweep(max, |from, items| items.show_to(|item| f(from, item))).0
    }

    /// Drops up to `count` items, at most as many as all lanes hold. Returns how many.
    #[inline]
    pub fn skip(&mut self, count: usize) -> usize {
        self.sweep(count, |_, items| items.discard()).0
    }

    /// Returns the lanes that it reads.
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
impl<T, const N: usize, const L: usize, O: Schedule, A: Arity<Producers = Single>, H: Storage>
    LaneConsumer<'_, T, N, L, O, A, H>
{
    /// Returns one more consumer, of a side of many, whose schedule is at the same point.
    // Beside the trait's, so that the compiler says what to do if this side has a single end.
    #[allow(clippy::should_implement_trait)]
    pub fn clone(&self) -> Self
    where
        Self: Clone,
    {
        Clone::clone(self)
    }
}

#[cfg(compare_and_swap)]
impl<
    T,
    const N: usize,
    const L: usize,
    O: Schedule,
    A: Arity<Producers = Single, Consumers: SharedSide>,
    H: Storage,
> Clone for LaneConsumer<'_, T, N, L, O, A, H>
{
    /// Returns one more consumer, whose schedule is at the same point.
    fn clone(&self) -> Self {
        Self::new(self.lanes, self.schedule.clone())
    }
}

impl<T, const N: usize, const L: usize, O: Schedule, A: Arity<Producers = Single>, H: Storage> Drop
    for LaneConsumer<'_, T, N, L, O, A, H>
{
    fn drop(&mut self) {
        #[cfg(compare_and_swap)]
        if !A::Consumers::SHARED {
            self.lanes.registry.0.ends.give_back(CONSUMER);
        }
    }
}

impl<T, const N: usize, const L: usize, O: Schedule, A: Arity<Producers = Single>, H: Storage> fmt::Debug
    for LaneConsumer<'_, T, N, L, O, A, H>
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LaneConsumer").field("schedule", &self.schedule).field("lanes", &self.lanes).finish()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use crate::Lanes;
    use crate::error::PopError;
    use crate::ring::lanes::RoundRobin;

    /// A call that wants nothing is not refused, as of a consumer of one ring.
    #[test]
    fn a_drain_of_none_is_none() {
        let lanes = Lanes::<u32, 4, 2>::new();
        let mut rx = lanes.try_consumer(RoundRobin::default()).unwrap();
        assert_eq!(rx.try_drain(1, drop), Err(PopError::Empty));
        assert_eq!(rx.try_drain(0, drop), Ok(0));
        let ring = crate::Spsc::<u32, 4>::new();
        let mut rx = ring.try_consumer().unwrap();
        assert_eq!(rx.try_drain(1, drop), Err(PopError::Empty));
        assert_eq!(rx.try_drain(0, drop), Ok(0));
    }
}
