//! Who has a lane: how it is got, what its holder is, and why somebody did not get one.

use core::array;
use core::fmt;

use super::storage::sealed::LaneStorage;
use super::{LaneConsumer, Lanes, Schedule, Storage};
use crate::atomic::{Bitmap, Generation};
use crate::handle::{Handle, Lane};
use crate::index::{Arity, OneToOne, Single};
use crate::ring::owner::{self, Owner};
use crate::ring::{Producer, Ring};
use crate::span::Counter;

/// A place among the producers of [`Lanes`]: what keeps a [`LaneProducer`] on its lane.
#[derive(Debug)]
pub struct LaneClaim<'a> {
    /// Which lanes have a producer.
    taken: &'a Bitmap,
    lane: Handle<Lane>,
}

/// The one producer of a lane.
///
/// It has all forms of a [`Producer`]. Dropping it deregisters it: the lane is free for another producer once its items
/// are taken out. What was pushed stays, and is attributed to this one. If it is forgotten, it keeps its lane for good,
/// or until the next [`split`](super::Lanes::split).
pub type LaneProducer<'a, T, A = OneToOne> = Producer<'a, T, A, LaneClaim<'a>>;

impl<'a> LaneClaim<'a> {
    /// For who holds the lane in `taken`.
    pub(super) fn new(taken: &'a Bitmap, lane: Handle<Lane>) -> Self {
        Self { taken, lane }
    }
}

impl Owner for LaneClaim<'_> {}
impl owner::sealed::Sealed for LaneClaim<'_> {
    #[inline]
    fn give_back(&self, _: u32) {
        #[cfg(compare_and_swap)]
        self.taken.give_back(1 << (self.lane.index() & 31));
        #[cfg(not(compare_and_swap))]
        let _ = self.taken;
    }

    // Of the producer of a single side, which has no clones, nobody asks for it.
    #[inline]
    fn clone_owner(&self) -> Self {
        Self { taken: self.taken, lane: self.lane }
    }
}

impl<T, A: Arity<Producers = Single>> LaneProducer<'_, T, A> {
    /// Which lane it has, as a handle that no other producer of these lanes ever has. It is what a consumer says where an
    /// item came from.
    #[must_use]
    pub fn lane(&self) -> Handle<Lane> {
        self.owner.lane
    }

    /// Leaves the lane, as dropping it does. What was pushed stays to be read, and is still attributed to the handle that
    /// is returned.
    pub fn deregister(self) -> Handle<Lane> {
        self.owner.lane
    }
}

type Registered<'a, T, A> = Result<LaneProducer<'a, T, A>, RegisterError>;

impl<T, const N: usize, const L: usize, A: Arity<Producers = Single>, H: Storage> Lanes<T, N, L, A, H> {
    /// The producer of each lane, in their order, and the consumer. Needs no compare-and-swap, as
    /// [`split`](Self::split).
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

    /// As [`split_all`](Self::split_all), of shared lanes, without asking whether somebody has them: for targets
    /// without compare-and-swap, where the lanes in a `static` cannot use [`register`](Self::register).
    ///
    /// # Safety
    ///
    /// No other handle of these lanes is in use or made while these are: call it once, before an interrupt that uses one
    /// of them is enabled.
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

    /// Begins the time of another producer in a lane, if nothing is left of the one before. Called by who holds it.
    #[allow(clippy::type_complexity)] // a ring, and who is admitted to it
    fn admit(&self, lane: u32) -> Result<(&Ring<T, N, A>, Handle<Lane>), RegisterError> {
        let room = self.storage.get(lane as usize).ok_or(RegisterError::NoSuchLane)?;
        let ring = room.build().ok_or(RegisterError::NoMemory)?;
        let index = ring.ptr().index;
        // The producer's position, since whoever holds the lane is the producer. All slots are free: so each item before
        // was taken out, and whoever took it has looked whose it was, which many consumers do before they free its slot.
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

    /// A producer of its own lane: the first one that is free and has no items of a former one. Where lanes grow,
    /// a new one if there is none.
    ///
    /// # Errors
    ///
    /// - [`RegisterError::Undrained`] if the lanes that are free have items.
    /// - [`RegisterError::Taken`] if each one has a producer, [`RegisterError::Retired`] if none can have another.
    /// - [`RegisterError::Contended`] if others changed who has a lane at each of 64 tries.
    /// - [`RegisterError::NoMemory`] if a ring could not be made. Nothing has changed then.
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

    /// The producer of this lane, of `0..L`: the number is its priority where the order is [`Priority`](super::Priority).
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
        if !taken.claim(bit) {
            return Err(if taken.claimed() & bit != 0 {
                RegisterError::Taken
            } else {
                RegisterError::Contended
            });
        }
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

/// Why nobody could be registered.
// In rising order of what there is to say where each lane has a reason of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum RegisterError {
    /// No lane has this number.
    NoSuchLane,
    /// The lane had so many producers that their handles are used up: `u32::MAX`. It is never used again.
    Retired,
    /// The lane has a producer; of several lanes, each one.
    Taken,
    /// Others were faster at each of the tries.
    Contended,
    /// A lane has no producer, but items of its former one: it is free once they are taken out.
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
