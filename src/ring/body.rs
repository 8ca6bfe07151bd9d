//! The ring itself: one struct for every arity.

use core::fmt;

use super::any_ring::AnyRing;
use super::any_ring::sealed::Raw;
use super::owner::Ref;
use super::slots::{Cells, RingPtr};
use super::{Consumer, Producer};
use crate::index::{Arity, Header, OneToOne, SideRules as _, Stamps, Store as _};
use crate::stats::{Counts, RingStats};
use crate::sync::{Pos, const_fn};
use crate::zeroed::{Zeroed, empty_in_models, zeroed};

/// Both ends of a ring that is borrowed.
pub type Ends<'a, T, A = OneToOne, K = Ref<'a>> = (Producer<'a, T, A, K>, Consumer<'a, T, A, K>);

/// A ring of exactly `N` items, whose producers and consumers are one ([`Single`]) or many ([`Multi`]).
///
/// [`Spsc`], [`Mpsc`], [`Spmc`] and [`Mpmc`] are its four arities. `N` is a power of two, checked when the program is
/// compiled; all `N` slots are usable. The value has no pointer inside and all-zero memory is an empty ring, so it
/// can live anywhere; in a `static` it costs nothing at start-up. With [`Counts`] in its
/// [`Sides`] it counts what it does.
///
/// # Guarantees
///
/// | | a `Single` side | a `Multi` side |
/// |---|---|---|
/// | progress | wait-free: no loop but over the items it moves, no compare-and-swap | lock-free: at most 64 tries, then `Contended`; what is claimed at once takes one exchange |
/// | memory | a line for its position | and a word for each slot; no allocation, ever |
/// | interrupts | an end may live in an interrupt handler; plain loads and stores (Cortex-M0) | likewise; needs compare-and-swap |
/// | order | FIFO; each item is received or dropped exactly once | in the order of the claims: FIFO for each producer, and for each consumer |
/// | `Full`, `Empty` | each end may see a stale index of the other | if either side is `Multi`, all answers and moves have one order that agrees with time (linearizable) |
/// | one end stalls between its operations | costs the other ends nothing: they see `Empty`, or `Full` | likewise |
/// | one end stalls inside an operation | likewise | slots after its own wait for it: `Pending` once nothing else is left, or free |
/// | a panic in your code | (closure, iterator, `Drop`) consumes exactly what was processed; nothing is dropped twice | items claimed with it are dropped, slots claimed with it are aborted; nothing is stuck |
/// | a forgotten handle | keeps its end until the next [`split`](Self::split) | nothing |
/// | a forgotten grant | leaks what was put into it | leaks it; the ring stops at its slots until the producer next claims a grant or is dropped, which aborts them |
///
/// A ring in a `static`, or in an `Arc`, may never be borrowed exclusively again, and then never split: there, a forgotten
/// grant of a `Multi` side stops it for good if its producer is forgotten, too.
///
/// Positions are as wide as a pointer. On targets of 32 bits, an end of a `Multi` side that is stopped in the middle of
/// an operation while exactly 2³² items (or a multiple) go through the ring takes a slot twice.
///
/// # Examples
///
/// ```
/// use annulet::Spsc;
///
/// static EVENTS: Spsc<u32, 16> = Spsc::new();
///
/// let (mut tx, mut rx) = EVENTS.try_split().expect("both ends are free");
/// tx.try_push(7).unwrap();
/// assert_eq!(rx.try_pop(), Ok(7));
/// ```
///
/// Several producers, from several threads:
///
/// ```
/// use annulet::Mpsc;
///
/// let mut ring = Mpsc::<u32, 64>::new();
/// let (tx, mut rx) = ring.split();
/// std::thread::scope(|scope| {
///     for number in 0..4 {
///         let mut tx = tx.clone();
///         scope.spawn(move || while tx.try_push(number).is_err() {});
///     }
/// });
/// assert_eq!(rx.try_iter().sum::<u32>(), 0 + 1 + 2 + 3);
/// ```
///
/// A capacity that is no power of two does not compile:
///
/// ```compile_fail
/// static RING: annulet::Spsc<u8, 3> = annulet::Spsc::new();
/// ```
///
/// # Layout
///
/// `repr(C)`, with lines of 128 bytes on x86-64 and aarch64, 64 on other 64-bit targets, none elsewhere.
///
/// ```text
///   ┌───────────┬───────────┬───────────┬─────────────┬─────────────┬──────────────────────┐
///   │ tail      │ head      │ ends      │ N stamps    │ N stamps    │ N slots of T         │
///   └───────────┴───────────┴───────────┴─────────────┴─────────────┴──────────────────────┘
///     producers   consumers   claimed     Multi           Multi       written by producers,
///     store it    store it    by handles  producers'      consumers'  moved out by consumers
/// ```
///
/// The sets of stamps are there only for a side that is `Multi`, and after the ends there are two lines of counters
/// if it counts ([`Counts`]).
///
/// [`Single`]: crate::ring::Single
/// [`Multi`]: crate::ring::Multi
/// [`Spsc`]: crate::ring::Spsc
/// [`Mpsc`]: crate::ring::Mpsc
/// [`Spmc`]: crate::ring::Spmc
/// [`Mpmc`]: crate::ring::Mpmc
/// [`Sides`]: crate::ring::Sides
#[repr(C)]
pub struct Ring<T, const N: usize, A: Arity = OneToOne> {
    pub(super) header: Header<A::Stats>,
    written: Stamps<A::Producers, N>,
    freed: Stamps<A::Consumers, N>,
    pub(super) cells: Cells<T, N>,
}

// SAFETY:
// - positions 0, no claimed end, no count, no stamp of the first lap: an empty ring; and nothing else is before the slots;
// - the slots are `MaybeUninit`, so their bytes may be anything.
unsafe impl<T, const N: usize, A: Arity> Zeroed for Ring<T, N, A> {
    const ZEROS: usize = core::mem::offset_of!(Self, cells);
    empty_in_models!(Self::new());
}

// SAFETY: a shared ring lets one thread put items in and another take them out, which moves `T` across threads
// and nothing more: no `&T` is ever visible to both sides at once. Each slot is touched by one end at a time, as
// the positions and stamps say (`Producer` and `Consumer` prove it for their accesses), each end of a single side has
// one holder, and stamps and counters are atomics.
unsafe impl<T: Send, const N: usize, A: Arity> Sync for Ring<T, N, A> {}

impl<T, const N: usize, A: Arity> Ring<T, N, A> {
    pub(super) const CAPACITY_IS_A_POWER_OF_TWO: () = assert!(
        N.is_power_of_two(),
        "capacity must be a power of two; `usize::next_power_of_two` rounds one up"
    );
    // Full is `tail - head == N`, which the counter must be able to tell from empty. A stamp gives two bits of its lap
    // away, and must tell at least two laps apart.
    // In the narrow build a position is not a `usize`.
    #[allow(clippy::unnecessary_cast)]
    pub(super) const CAPACITY_FITS_THE_POSITIONS: () = assert!(
        N <= (Pos::MAX >> if A::Producers::SHARED || A::Consumers::SHARED { 3 } else { 1 }) as usize + 1,
        "capacity is too large"
    );

    const_fn! {
        /// Makes an empty ring.
        #[must_use]
        pub const fn new() -> Self {
            let () = Self::CAPACITY_IS_A_POWER_OF_TWO;
            let () = Self::CAPACITY_FITS_THE_POSITIONS;
            Self { header: Header::new(0), written: zeroed(), freed: zeroed(), cells: Cells::new() }
        }
    }

    /// Makes an empty ring whose positions start at `origin` instead of 0, to test what happens when they wrap.
    #[doc(hidden)]
    #[must_use]
    // The truncation is wanted: in the narrow build, any number is a position.
    #[allow(clippy::cast_possible_truncation, clippy::unnecessary_cast)]
    pub fn starting_at(origin: usize) -> Self {
        let mut ring = Self::new();
        ring.header = Header::new(origin as Pos);
        ring.written.start_at(origin as Pos);
        ring.freed.start_at(origin as Pos);
        ring
    }

    /// Returns the number of items that the ring holds when it is full: `N`.
    #[must_use]
    pub const fn capacity(&self) -> usize {
        N
    }

    /// Returns the number of items in the ring: `0..=N`. It is exact at one point inside the call if either side of a [`Spsc`](crate::ring::Spsc)
    /// calls it, and a snapshot otherwise.
    ///
    /// Slots that an end has claimed and is still writing count as items. So do aborted slots, until a consumer skips them.
    /// Slots that an end is still reading do not.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ptr().len()
    }

    /// Returns true if [`len`](Self::len) is 0.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns true if [`len`](Self::len) is the capacity.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.len() == N
    }

    /// Returns both ends, for as long as the ring stays borrowed. The items in the ring stay. A ring that is shared, such as a
    /// `static`, has `try_split` in its place.
    ///
    /// It needs no compare-and-swap, and works again and again: the exclusive borrow proves that no handle is in use,
    /// forgotten ones included. Slots that a forgotten grant of a `Multi` side has claimed are aborted.
    ///
    /// ```
    /// let mut ring = annulet::Spsc::<u8, 4>::new();
    /// let (mut tx, rx) = ring.split();
    /// tx.try_push(1).unwrap();
    /// drop((tx, rx));
    /// let (_tx, mut rx) = ring.split(); // again and again
    /// assert_eq!(rx.try_pop(), Ok(1));
    /// ```
    #[must_use]
    pub fn split(&mut self) -> Ends<'_, T, A> {
        self.header.ends.0.clear();
        // SAFETY: the ring is borrowed exclusively.
        unsafe { self.ptr().reclaim_forgotten() };
        // SAFETY: it is so for as long as the handles live, so these are its only ends.
        unsafe { self.ptr().ends_unclaimed() }
    }

    /// Returns both ends of a shared ring, without asking whether they are in use: for targets without compare-and-swap,
    /// where a `static` ring cannot use [`try_split`](Self::try_split).
    ///
    /// # Safety
    ///
    /// No other handle of this ring's single sides is in use while these are: call it once, before the interrupt that
    /// uses the other end is enabled.
    #[must_use]
    pub unsafe fn split_unchecked(&self) -> Ends<'_, T, A> {
        // SAFETY: the caller says these are the only ends in use; the borrow keeps the ring alive.
        unsafe { self.ptr().ends_unclaimed() }
    }

    /// Returns both ends of a shared ring, or `None` while an end of a single side is in use. Dropping an end gives it back.
    ///
    /// ```
    /// use annulet::Spsc;
    ///
    /// static RING: Spsc<u8, 4> = Spsc::new();
    ///
    /// let (tx, rx) = RING.try_split().unwrap();
    /// assert!(RING.try_producer().is_none());
    /// drop(tx);
    /// assert!(RING.try_producer().is_some());
    /// # drop(rx);
    /// ```
    #[cfg(compare_and_swap)]
    #[must_use]
    pub fn try_split(&self) -> Option<Ends<'_, T, A>> {
        let ends = &self.header.ends.0;
        // SAFETY: the borrow keeps the ring alive, and the bits are this ring's.
        unsafe { self.ptr().try_ends_of(|| (Ref::claimed(ends), Ref::claimed(ends))) }
    }

    /// Returns a producer alone, or `None` while the only one is in use. Dropping it gives it back.
    ///
    /// A `Multi` side always has one more.
    #[cfg(compare_and_swap)]
    #[must_use]
    pub fn try_producer(&self) -> Option<Producer<'_, T, A>> {
        // SAFETY: as in `try_split`.
        unsafe { self.ptr().try_producer_of(|| Ref::claimed(&self.header.ends.0)) }
    }

    /// Returns a consumer alone, or `None` while the only one is in use. Dropping it gives it back.
    ///
    /// A `Multi` side always has one more.
    #[cfg(compare_and_swap)]
    #[must_use]
    pub fn try_consumer(&self) -> Option<Consumer<'_, T, A>> {
        // SAFETY: as in `try_split`.
        unsafe { self.ptr().try_consumer_of(|| Ref::claimed(&self.header.ends.0)) }
    }
}

impl<T, const N: usize, A: Arity<Stats = Counts>> Ring<T, N, A> {
    /// Returns what the producers and the consumers have counted.
    #[must_use]
    pub fn stats(&self) -> RingStats {
        self.ptr().stats()
    }
}

impl<T, const N: usize, A: Arity> AnyRing for Ring<T, N, A> {}
impl<T, const N: usize, A: Arity> Raw for Ring<T, N, A> {
    type Item = T;
    type Arity = A;
    #[inline(always)]
    fn ptr(&self) -> RingPtr<T, A> {
        // A ring that was made of zeroed memory has not been through `new`; no end is made without this.
        let () = Self::CAPACITY_IS_A_POWER_OF_TWO;
        let () = Self::CAPACITY_FITS_THE_POSITIONS;
        RingPtr::new(&self.header, &self.written, &self.freed, &self.cells)
    }
    fn forget_ends(&mut self) {
        drop(self.split());
    }
}

impl<T, const N: usize, A: Arity> Default for Ring<T, N, A> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T, const N: usize, A: Arity> fmt::Debug for Ring<T, N, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ring").field("len", &self.len()).field("capacity", &N).finish()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::Ring;
    use crate::ring::{Mpmc, Mpsc, Spmc, Spsc};
    use crate::ring::{Multi, Sides, Single};
    use crate::stats::Counts;
    use core::mem::{align_of, offset_of, size_of};

    const LINE: usize = if cfg!(any(target_arch = "x86_64", target_arch = "aarch64")) {
        128
    } else if cfg!(target_pointer_width = "64") {
        64
    } else {
        4
    };
    const WORD: usize = size_of::<crate::sync::Pos>();

    #[test]
    fn rm01_layout_is_as_drawn() {
        type Header = crate::index::Header<crate::stats::Off>;
        assert_eq!(offset_of!(Header, tail), 0);
        assert_eq!(offset_of!(Header, head), LINE.max(WORD));
        assert_eq!(offset_of!(Header, ends), 2 * LINE.max(WORD));
        assert_eq!(offset_of!(Spsc<u64, 8>, header), 0);
        assert_eq!(offset_of!(Spsc<u64, 8>, cells) % align_of::<u64>(), 0);
        assert!(size_of::<Spsc<u64, 8>>() <= 3 * LINE + 8 * 8 + LINE);
    }

    /// What a side does not need takes no room.
    #[test]
    fn rm01_stamps_and_counters_are_there_only_where_they_are_used() {
        const N: usize = 32;
        let stamps = (N * WORD).next_multiple_of(if LINE > 4 { LINE } else { WORD });
        let plain = offset_of!(Spsc<u64, N>, cells);
        assert_eq!(offset_of!(Mpsc<u64, N>, cells).abs_diff(plain + stamps) % stamps, 0);
        assert_eq!(offset_of!(Mpsc<u64, N>, written), offset_of!(Spmc<u64, N>, freed));
        assert_eq!(offset_of!(Mpmc<u64, N>, freed), offset_of!(Mpmc<u64, N>, written) + stamps);
        assert_eq!(size_of::<Ring<u64, N, Sides<Single, Single>>>(), size_of::<Spsc<u64, N>>());
        assert_eq!(size_of::<Ring<u64, N, Sides<Multi, Multi>>>(), size_of::<Mpmc<u64, N>>());
        assert!(size_of::<Spsc<u64, N, Counts>>() >= size_of::<Spsc<u64, N>>() + 2 * 6 * size_of::<usize>());
    }
}
