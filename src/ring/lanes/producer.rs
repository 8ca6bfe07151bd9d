//! The producing end of lanes: how a producer gets a lane, keeps it, and leaves it.

use core::array;
use core::fmt;

use super::storage::sealed::LaneStorage;
use super::{LaneConsumer, Lanes, Schedule, Storage};
#[cfg(compare_and_swap)]
use crate::atomic::NoNumber;
use crate::atomic::{Bitmap, Generation};
use crate::handle::{Handle, Lane};
use crate::index::{Arity, OneToOne, Single};
use crate::ring::Raw as _;
use crate::ring::owner::{self, Owner};
use crate::ring::{Producer, Ring};
use crate::span::Counter;

/// The claim of a [`LaneProducer`] to its lane.
#[derive(Debug)]
pub struct LaneClaim<'a> {
    /// Which lanes have a producer.
    taken: &'a Bitmap,
    lane: Handle<Lane>,
}

/// The one producer of a lane: a [`Producer`], with a handle.
///
/// Dropping it releases its lane. The lane can be reused once it is drained; until then its items stay, under this producer's
/// handle. A producer that is forgotten keeps its lane until the next [`split`](super::Lanes::split).
pub type LaneProducer<'a, T, A = OneToOne> = Producer<'a, T, A, LaneClaim<'a>>;

impl<'a> LaneClaim<'a> {
    /// The caller holds the lane in `taken`.
    pub(super) fn new(taken: &'a Bitmap, lane: Handle<Lane>) -> Self {
        Self { taken, lane }
    }
}

impl Owner for LaneClaim<'_> {}
impl owner::sealed::Sealed for LaneClaim<'_> {
    #[inline]
    unsafe fn give_back(&self, _: u32) {
        #[cfg(compare_and_swap)]
        self.taken.give_back(1 << (self.lane.index() & 31));
        #[cfg(not(compare_and_swap))]
        let _ = self.taken;
    }

    // Never called: the producer of a single side has no clones.
    #[inline]
    fn clone_owner(&self) -> Self {
        Self { taken: self.taken, lane: self.lane }
    }
}

impl<T, A: Arity<Producers = Single>> LaneProducer<'_, T, A> {
    /// Returns the handle of this producer, which no other producer of these lanes ever has.
    ///
    /// A consumer names the producer of an item by it.
    #[must_use]
    pub fn lane(&self) -> Handle<Lane> {
        self.owner.lane
    }

    /// Releases the lane, as dropping it does. Returns the handle, under which its items stay to be read.
    pub fn deregister(self) -> Handle<Lane> {
        self.owner.lane
    }
}

type Registered<'a, T, A> = Result<LaneProducer<'a, T, A>, RegisterError>;

impl<T, const N: usize, const L: usize, A: Arity<Producers = Single>, H: Storage> Lanes<T, N, L, A, H> {
    /// Returns the producer of each lane, by its number, and a consumer.
    ///
    /// Needs no compare-and-swap, as [`split`](Self::split).
    ///
    /// # Errors
    ///
    /// For each lane by itself: [`RegisterError::Undrained`] if it has items of its last producer,
    /// [`RegisterError::Retired`], and [`RegisterError::NoMemory`].
    #[allow(clippy::type_complexity)] // an array of results, and the consumer
    pub fn split_all<O: Schedule>(
        &mut self,
        schedule: O,
    ) -> ([Registered<'_, T, A>; L], LaneConsumer<'_, T, N, L, O, A, H>) {
        self.registry.0.ends.set_claimed(Self::CONSUMER);
        let admitted: [_; L] = array::from_fn(|lane| self.admit(lane as u32).map(|(_, handle)| handle));
        let taken = admitted.iter().flatten().fold(0, |taken, lane| taken | 1 << lane.index());
        self.registry.0.taken.set_claimed(taken);
        let lanes: &Self = self;
        let producers = admitted.map(|admitted| {
            let lane = admitted?;
            let ring = lanes.ring(lane.index()).ok_or(RegisterError::NoSuchLane)?;
            // SAFETY: the lane is held since just now, for this producer alone until it gives it back; the borrow keeps
            // the ring alive.
            Ok(unsafe { lanes.producer(ring, lane) })
        });
        (producers, LaneConsumer::new(lanes, schedule))
    }

    /// Returns what [`split_all`](Self::split_all) returns, of shared lanes, without a check that no end is in use.
    ///
    /// It is for lanes in a `static` on targets without compare-and-swap, which have no [`register`](Self::register).
    ///
    /// # Safety
    ///
    /// No other end of these lanes is in use or made while these are. So call it once, before an interrupt that uses one of
    /// them is enabled.
    #[allow(clippy::type_complexity)] // an array of results, and the consumer
    pub unsafe fn split_all_unchecked<O: Schedule>(
        &self,
        schedule: O,
    ) -> ([Registered<'_, T, A>; L], LaneConsumer<'_, T, N, L, O, A, H>) {
        let producers = array::from_fn(|lane| {
            let (ring, handle) = self.admit(lane as u32)?;
            // SAFETY: the caller says that these are the only ones in use; the borrow keeps the ring alive.
            Ok(unsafe { self.producer(ring, handle) })
        });
        (producers, LaneConsumer::new(self, schedule))
    }

    /// Makes a handle for the next producer of a lane, if nothing is left of the one before. The caller holds the lane.
    #[allow(clippy::type_complexity)] // a ring, and the handle of its producer
    fn admit(&self, lane: u32) -> Result<(&Ring<T, N, A>, Handle<Lane>), RegisterError> {
        let storage = self.storage.get(lane as usize).ok_or(RegisterError::NoSuchLane)?;
        let ring = storage.build().ok_or(RegisterError::NoMemory)?;
        let index = ring.ptr().index;
        // The producer's position, since the caller holds the lane. All slots are free: so each item before was taken out, and
        // its consumer has looked whose it was, which many consumers do before they free its slot.
        let tail = index.header().tail.0.own();
        if index.free_until(tail, 0, N).since(tail) != N {
            return Err(RegisterError::Undrained);
        }
        let generation = self.registry.0.generations.get(lane as usize).and_then(Generation::begin);
        Ok((ring, Handle::new(lane, generation.ok_or(RegisterError::Retired)?)))
    }

    /// # Safety
    /// The lane of this ring is held for this producer, by the bitmap or the caller's word, until it is dropped.
    unsafe fn producer<'a>(&'a self, ring: &'a Ring<T, N, A>, lane: Handle<Lane>) -> LaneProducer<'a, T, A> {
        // SAFETY: it is the only producer of its ring, as the caller says, and the borrow keeps the ring alive.
        unsafe { Producer::new(ring.ptr(), LaneClaim::new(&self.registry.0.taken, lane)) }
    }

    /// Returns a producer of the first lane that is free and drained.
    ///
    /// If there is none, lanes that grow make a new one.
    ///
    /// # Errors
    ///
    /// - [`RegisterError::Undrained`] if the lanes that are free have items.
    /// - [`RegisterError::Taken`] if each one has a producer, [`RegisterError::Retired`] if none can have another.
    /// - [`RegisterError::Contended`] if other producers came or went at each of 64 tries.
    /// - [`RegisterError::NoMemory`] if a ring could not be made. Nothing has changed then.
    ///
    /// # Examples
    ///
    /// ```
    /// use annulet::Lanes;
    /// use annulet::ring::lanes::{Priority, RegisterError};
    ///
    /// let lanes = Lanes::<u32, 8, 1>::new();
    /// let mut rx = lanes.try_consumer(Priority).unwrap();
    /// let mut tx = lanes.register().unwrap();
    /// assert_eq!(lanes.register().unwrap_err(), RegisterError::Taken);
    /// tx.try_push(7).unwrap();
    /// drop(tx);
    /// assert_eq!(lanes.register().unwrap_err(), RegisterError::Undrained);
    /// assert_eq!(rx.try_pop(), Ok(7));
    /// assert!(lanes.register().is_ok());
    /// ```
    #[cfg(compare_and_swap)]
    pub fn register(&self) -> Registered<'_, T, A> {
        let mut why = RegisterError::Retired;
        for build in [false, true] {
            for lane in (0..L as u32).filter(|lane| build || self.ring(*lane).is_some()) {
                match self.register_at(lane) {
                    Err(error) => why = why.max(error),
                    registered => return registered,
                }
            }
            if !H::GROWS {
                break;
            }
        }
        Err(why)
    }

    /// Returns the producer of the lane with this number, of `0..L`.
    ///
    /// The number is its priority if the schedule is [`Priority`](super::Priority).
    ///
    /// # Errors
    ///
    /// As for [`register`](Self::register), of this lane; [`RegisterError::NoSuchLane`] if there is none.
    #[cfg(compare_and_swap)]
    pub fn register_at(&self, lane: u32) -> Registered<'_, T, A> {
        let taken = &self.registry.0.taken;
        let bit = 1_u32.checked_shl(lane).unwrap_or(0) & Self::ALL;
        if bit == 0 {
            return Err(RegisterError::NoSuchLane);
        }
        if taken.claimed() & bit != 0 {
            return Err(RegisterError::Taken);
        }
        if self.ring(lane).is_some_and(|ring| !ring.is_empty()) {
            return Err(RegisterError::Undrained);
        }
        taken.claim_any(bit).map_err(|why| match why {
            NoNumber::Taken => RegisterError::Taken,
            NoNumber::Contended => RegisterError::Contended,
        })?;
        match self.admit(lane) {
            // SAFETY: the claim makes it this producer's until it gives it back; the borrow keeps the ring alive.
            Ok((ring, handle)) => Ok(unsafe { self.producer(ring, handle) }),
            Err(why) => {
                taken.give_back(bit);
                Err(why)
            }
        }
    }
}

/// Why a producer was not registered.
// If each lane has a reason of its own, the greatest is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum RegisterError {
    /// No lane has this number.
    NoSuchLane,
    /// The lane has had `u32::MAX` producers, and has no handle left. It is never used again.
    Retired,
    /// The lane has a producer. Of several lanes, each one has.
    Taken,
    /// Other producers were faster at each of the tries.
    Contended,
    /// A lane has no producer, but items of its former one. It is free once it is drained.
    Undrained,
    /// There is no memory for the ring of a new lane. Nothing has changed.
    NoMemory,
}

impl fmt::Display for RegisterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoSuchLane => "no lane has this number",
            Self::Retired => "the handles of the lane are used up",
            Self::Taken => "every lane has a producer",
            Self::Contended => "others were faster each time",
            Self::Undrained => "the free lane still has items of its former producer",
            Self::NoMemory => "there is no memory for the ring of a new lane",
        })
    }
}

impl core::error::Error for RegisterError {}
