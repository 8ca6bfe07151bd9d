//! Single-producer rings read as one: each producer has a ring of its own, a *lane*.
//!
//! Use [`Lanes`] instead of an [`Mpsc`](crate::ring::Mpsc) if producers must not slow each other down, or if some have
//! priority. Producers share nothing: none waits for another, and a push costs what it costs in a ring of one producer. In
//! return, items of different producers have no common order. The consumer visits the lanes by a [`Schedule`], which is a
//! type:
//!
//! | | lanes are visited | for |
//! |---|---|---|
//! | [`Priority`] | the lowest number first | priorities |
//! | [`RoundRobin`] | in turns, for up to a budget of items | equals |
//! | [`AdaptiveRoundRobin`] | in turns, idle ones less often | many lanes, few of them busy |
//!
//! Dropping a producer releases its lane. Another producer can have the lane once it is drained. Each producer has a
//! [`Handle`] of its own, by which a consumer tells their items apart.
//!
//! [`Lanes`] has examples, and the guarantees.

mod consumer;
#[cfg(compare_and_swap)]
mod discard;
mod producer;
mod schedule;
mod storage;

use core::fmt;

use self::storage::sealed::LaneStorage;
use super::Ring;
use crate::atomic::{Bitmap, Generation};
use crate::cpu::CachePadded;
use crate::handle::{Handle, Lane};
use crate::index::{Arity, OneToOne, SideRules as _, Single};
use crate::stats::{Counts, RingStats};
use crate::sync::const_fn;
use crate::zeroed::zeroed;

pub use consumer::LaneConsumer;
pub use producer::{LaneClaim, LaneProducer, RegisterError};
pub use schedule::{AdaptiveRoundRobin, Priority, RoundRobin, Schedule};
#[cfg(arc)]
pub use storage::Heap;
pub use storage::{Inline, Storage};

/// [`Lanes`] whose rings are allocated one by one, when a lane gets its first producer.
///
/// There are at most `L`. Until then, a lane is a null pointer. A consumer finds a lane once its ring is made, and never
/// waits for that. When its producer has left, a ring stays for the next one, until [`shrink`](Lanes::shrink).
///
/// ```
/// use annulet::ring::lanes::{RoundRobin, GrowingLanes};
///
/// static LOGS: GrowingLanes<u32, 1024, 32> = GrowingLanes::new();
///
/// let mut rx = LOGS.try_consumer(RoundRobin::default()).unwrap();
/// assert_eq!(LOGS.lanes(), 0);
/// std::thread::spawn(|| LOGS.register().unwrap().try_push(7).unwrap()).join().unwrap();
/// assert_eq!(LOGS.lanes(), 1);
/// assert_eq!(rx.try_pop(), Ok(7));
/// ```
#[cfg(arc)]
#[cfg_attr(docsrs, doc(cfg(feature = "alloc")))]
pub type GrowingLanes<T, const N: usize, const L: usize, A = OneToOne> = Lanes<T, N, L, A, Heap>;

/// The bit of the consumer's end, if there is one consumer.
const CONSUMER: u32 = 0b1;

/// `L` rings of `N` items, with one producer each, read as one.
///
/// `N` is a power of two and `L` is `1..=32`, both checked when the program is compiled. There is one consumer. With
/// `Sides<Single, Multi>` as `A` there are any number, and each takes from all lanes. With [`Counts`] in its
/// [`Sides`](super::Sides), each lane counts what goes through it.
///
/// With [`Inline`] as `H`, the value has no pointer inside, and all-zero memory is its valid empty state. So it can live
/// anywhere, and in a `static` it costs nothing at start-up.
///
/// # Guarantees
///
/// | | one consumer | many consumers |
/// |---|---|---|
/// | pushing | wait-free, as in a ring of one producer | the same |
/// | popping | wait-free: at most one visit in vain to each lane | lock-free: at most 64 tries at each lane |
/// | registering | one pass over the lanes (two if they grow), at most 64 tries at each | and a look at each slot of the lane it gets |
/// | memory | `L` rings; no allocation, ever, unless `H` is `Heap` | the same |
/// | interrupts | either end may live in an interrupt handler | the same |
/// | compare-and-swap | only for registering (Cortex-M0: `split_all`) | needed |
/// | order | FIFO for each producer; each item is received or dropped exactly once | the same, for each consumer |
/// | between producers | what the consumer's [`Schedule`] says | the same, for each consumer |
/// | a stalled producer | costs the other ends nothing, wherever it stopped | the same |
/// | a stalled consumer | each producer sees `Full` once its own lane is full | a lane in which it stopped is `Full` a little earlier |
/// | a dropped producer | its items stay, in order, under its handle; then the lane is free | the same, once no consumer holds one of them |
/// | a forgotten producer | keeps its lane until the next [`split`](Self::split) | the same |
/// | a panic in your code | consumes exactly what was processed; nothing is dropped twice | items claimed with it are dropped; nothing is stuck |
///
/// # Examples
///
/// ```
/// use annulet::Lanes;
/// use annulet::ring::lanes::RoundRobin;
///
/// static EVENTS: Lanes<u32, 16, 4> = Lanes::new();
///
/// let mut rx = EVENTS.try_consumer(RoundRobin::default()).expect("it is the only consumer");
/// let mut sensor = EVENTS.register().expect("a lane is free");
/// let mut timer = EVENTS.register().expect("another lane is free");
/// sensor.try_push(1).unwrap();
/// timer.try_push(2).unwrap();
/// assert_eq!(rx.try_pop_from(), Ok((sensor.lane(), 1)));
/// let timer = timer.deregister();
/// assert_eq!(rx.try_pop_from(), Ok((timer, 2)), "it has left; its item is still here, and its own");
/// ```
///
/// Priorities, on a target without compare-and-swap as well:
///
/// ```
/// use annulet::Lanes;
/// use annulet::ring::lanes::Priority;
///
/// let mut lanes = Lanes::<&str, 8, 2>::new();
/// let ([urgent, normal], mut rx) = lanes.split_all(Priority);
/// let (mut urgent, mut normal) = (urgent.unwrap(), normal.unwrap());
/// normal.try_push("report").unwrap();
/// urgent.try_push("stop").unwrap();
/// assert_eq!(rx.try_pop(), Ok("stop"));
/// ```
///
/// # Layout
///
/// `repr(C)`, with lines of 128 bytes on x86-64 and aarch64, 64 on other 64-bit targets, none elsewhere.
///
/// ```text
///   ┌───────────────────────────────┬───────────────────────────────────┐
///   │ taken   ends   L generations  │ L rings                           │
///   └───────────────────────────────┴───────────────────────────────────┘
///     written when a producer or      each as `Ring` draws it, or a
///     a consumer comes or goes        pointer to it on the heap
/// ```
#[repr(C)]
pub struct Lanes<
    T,
    const N: usize,
    const L: usize,
    A: Arity<Producers = Single> = OneToOne,
    H: Storage = Inline,
> {
    registry: CachePadded<Registry<L>>,
    storage: [H::LaneStorage<T, N, A>; L],
}

/// Which lanes have a producer, and whether the consumer is taken.
#[repr(C)]
#[derive(Debug)]
struct Registry<const L: usize> {
    /// Which lanes have a producer.
    taken: Bitmap,
    /// Whether the consumer's end is in use.
    ends: Bitmap,
    /// For each lane, the producer that it has, or had last. Stored by the producer that holds the lane in `taken`: before its
    /// first item, and after all items of the producer before it were taken out.
    generations: [Generation; L],
}

impl<const L: usize> Registry<L> {
    const_fn! {
        const fn new() -> Self {
            Self { taken: Bitmap::new(), ends: Bitmap::new(), generations: zeroed() }
        }
    }
}

impl<T, const N: usize, const L: usize, A: Arity<Producers = Single>, H: Storage> Lanes<T, N, L, A, H> {
    const CHECKED: () = {
        assert!(L >= 1 && L <= 32, "there are 1 to 32 lanes");
        // Otherwise, lanes that grow would say this only when they make a ring.
        assert!(
            N.is_power_of_two(),
            "capacity must be a power of two; `usize::next_power_of_two` rounds one up"
        );
    };
    /// Each lane's bit.
    const ALL: u32 = u32::MAX >> (32 - L as u32);
    /// The consumer's bit, or none if there are many consumers.
    const CONSUMER: u32 = if A::Consumers::SHARED { 0 } else { CONSUMER };

    const_fn! {
        /// Makes lanes without items and without producers.
        #[must_use]
        pub const fn new() -> Self {
            let () = Self::CHECKED;
            Self { registry: CachePadded(Registry::new()), storage: zeroed() }
        }
    }

    /// Returns the number of items that one lane holds: `N`.
    #[must_use]
    pub const fn capacity(&self) -> usize {
        N
    }

    /// Returns the number of lanes that have a ring: `L`, or of lanes that grow, as many as had a producer.
    #[must_use]
    pub fn lanes(&self) -> usize {
        self.storage.iter().filter(|lane| lane.ring().is_some()).count()
    }

    #[inline(always)]
    fn ring(&self, lane: u32) -> Option<&Ring<T, N, A>> {
        self.storage.get(lane as usize)?.ring()
    }

    #[inline(always)]
    fn handle(&self, lane: u32) -> Handle<Lane> {
        Handle::new(lane, self.registry.0.generations.get(lane as usize).map_or(0, Generation::now))
    }

    /// Returns the number of items in the lane that this producer has, or had: a snapshot, `0..=N`.
    ///
    /// Returns `None` if another producer has the lane by now, or if this one never had it.
    #[must_use]
    pub fn len_of(&self, lane: Handle<Lane>) -> Option<usize> {
        let len = self.ring(lane.index())?.len();
        // After the length: if an item of a later producer was counted, its generation is seen.
        (self.handle(lane.index()) == lane && lane.generation() > 0).then_some(len)
    }

    /// Returns the number of items in all lanes: a snapshot of one lane after the other.
    ///
    /// It saturates: lanes hold more items without a size than can be counted.
    #[must_use]
    pub fn total_len(&self) -> usize {
        self.lens().fold(0, |total, (_, len)| total.saturating_add(len))
    }

    /// Returns true if each lane was empty, one after the other.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lens().all(|(_, len)| len == 0)
    }

    /// Returns the producer whose lane has the most items, and how many; the first of several.
    ///
    /// Returns `None` if there are no items. It is a snapshot: another producer may have the lane by the time it is read.
    #[must_use]
    pub fn longest(&self) -> Option<(Handle<Lane>, usize)> {
        let mut longest = None;
        let mut most = 0;
        for (lane, len) in self.lens() {
            if len > most {
                most = len;
                longest = Some((self.handle(lane), len));
            }
        }
        longest
    }

    /// The number of items in each lane.
    fn lens(&self) -> impl Iterator<Item = (u32, usize)> {
        (0..L as u32).map(|lane| (lane, self.ring(lane).map_or(0, Ring::len)))
    }

    /// Returns how many lanes have a producer.
    #[cfg(compare_and_swap)]
    #[must_use]
    pub fn active(&self) -> usize {
        self.registry.0.taken.claimed().count_ones() as usize
    }
}

impl<T, const N: usize, const L: usize, A: Arity<Producers = Single>> Lanes<T, N, L, A> {
    /// Lanes whose positions start at `origin` instead of 0, to test what happens when they wrap.
    #[doc(hidden)]
    #[must_use]
    pub fn starting_at(origin: usize) -> Self {
        let mut lanes = Self::new();
        for ring in &mut lanes.storage {
            *ring = Ring::starting_at(origin);
        }
        lanes
    }
}

impl<T, const N: usize, const L: usize, A: Arity<Producers = Single, Stats = Counts>, H: Storage>
    Lanes<T, N, L, A, H>
{
    /// Returns what the producers and the consumers of a lane have counted, or `None` if there is no such lane yet.
    ///
    /// A visit that finds nothing is no answer, and does not count as `refused`.
    #[must_use]
    pub fn stats_of(&self, lane: u32) -> Option<RingStats> {
        self.ring(lane).map(Ring::stats)
    }
}

#[cfg(arc)]
#[cfg_attr(docsrs, doc(cfg(feature = "alloc")))]
impl<T, const N: usize, const L: usize, A: Arity<Producers = Single>> Lanes<T, N, L, A, Heap> {
    /// Frees the rings that hold no items. Returns how many.
    ///
    /// The exclusive borrow proves that no end uses them. Handles of former producers stay stale.
    pub fn shrink(&mut self) -> usize {
        let empty = |lane: &&mut storage::HeapLane<T, N, A>| lane.ring().is_some_and(Ring::is_empty);
        self.storage.iter_mut().filter(empty).map(storage::HeapLane::clear).count()
    }
}

impl<T, const N: usize, const L: usize, A: Arity<Producers = Single>, H: Storage> Default
    for Lanes<T, N, L, A, H>
{
    fn default() -> Self {
        Self::new()
    }
}

impl<T, const N: usize, const L: usize, A: Arity<Producers = Single>, H: Storage> fmt::Debug
    for Lanes<T, N, L, A, H>
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lanes").field("lanes", &self.lanes()).field("len", &self.total_len()).finish()
    }
}
