//! One writer, and many readers, each of which reads every item.
//!
//! Use a [`Broadcast`] if every reader needs all items, and a ring of many consumers if each item is for one of them. What the
//! writer does when a reader is behind is the ring's policy, which is a type:
//!
//! | | [`Overwrite`] | [`Gated`] |
//! |---|---|---|
//! | the writer | [`publish`](Writer::publish) always succeeds | [`try_publish`](Writer::try_publish) is refused while a reader has not read |
//! | readers | [`Reader`]: any number, unknown to the writer | [`GatedReader`]: up to `R`, registered |
//! | a reader that is too slow | is told how many items it missed | holds back the writer |
//!
//! An item is an [`Entry`]: whole words, each stored and loaded atomically. So a reader may copy an item while the writer
//! overwrites it, without a data race. It checks afterwards whether the copy is whole, and never returns one that is not.
//!
//! [`Broadcast`] has examples, and the guarantees.

mod batch;
mod counters;
mod error;
#[cfg(compare_and_swap)]
mod gate;
mod pressure;
mod reader;
#[cfg(compare_and_swap)]
mod stats;
mod writer;

use core::fmt;
use core::marker::PhantomData;

use crate::atomic::Bitmap;
use crate::atomic::{Sequence, SplitCursor};
use crate::cpu::CachePadded;
use crate::shadow::Shadow;
use crate::stats::{Off, Stats};
use crate::sync::const_fn;
use crate::words::{Entry, Image};
use crate::zeroed::{Zeroed, empty_in_models, zeroed};

use counters::Counters;
#[cfg(compare_and_swap)]
pub use error::JoinError;
pub use error::{LatestError, ReadError};
#[cfg(any(compare_and_swap, feature = "portable-atomic"))]
// In Cargo.toml: annulet = { version = "0.1", features = ["portable-atomic"] }
pub use gate::{Gated, GatedReader};
pub use pressure::Pressure;
pub use reader::Reader;
pub use writer::Writer;

/// The bit of the writer's end.
const WRITER: u32 = 0b1;

/// What the writer of a [`Broadcast`] does when a reader is behind: [`Overwrite`] or [`Gated`]. Sealed.
pub trait OverflowPolicy: sealed::Sealed {}

pub(crate) mod sealed {
    pub trait Sealed: crate::zeroed::Zeroed + Sized {
        /// Whether a slot is never read and written at once. If so, loom checks it.
        const EXCLUSIVE: bool;
        /// Checks the parameters when the program is compiled.
        const CHECKED: () = ();
        /// Forgets every reader. The exclusive borrow proves that none is in use.
        fn forget_readers(&mut self);
    }
}

/// The writer overwrites the oldest item. Readers that have not read it lose it. It is the default policy.
#[derive(Debug)]
pub struct Overwrite(());

// SAFETY: nothing.
unsafe impl Zeroed for Overwrite {
    empty_in_models!(Self(()));
}
impl OverflowPolicy for Overwrite {}
impl sealed::Sealed for Overwrite {
    const EXCLUSIVE: bool = false;
    fn forget_readers(&mut self) {}
}

/// A ring of `N` items with one writer and many readers, each of which reads every item at its own pace.
///
/// `N` is a power of two, checked when the program is compiled. The value has no pointer inside, and all-zero memory
/// is an empty ring. So it can live anywhere, and in a `static` it costs nothing at start-up.
///
/// # Guarantees
///
/// | | [`Overwrite`] | [`Gated`] |
/// |---|---|---|
/// | progress | wait-free: loops only over the items it moves, and a constant number of looks | the same, and one load for each reader |
/// | memory | `N` slots and one cache line; no allocation, ever | and a cache line for each reader, and one for all |
/// | interrupts | either side may live in an interrupt handler | the same |
/// | compare-and-swap | not needed (Cortex-M0) | needed to join and to leave |
/// | order | a reader gets items as they were published, each at most once, none torn | and each exactly once |
/// | a stalled writer | costs readers at most the items that it was about to overwrite | costs readers nothing |
/// | a stalled reader | costs the others nothing; it is told exactly how many items it missed | the writer sees `Full` |
/// | a panic in your code | nothing is published or read; the oldest items may be given up all the same | the same |
/// | a forgotten writer | keeps its end until the next `split` | the same |
/// | a forgotten reader | costs nothing | holds back the writer until the next `split` |
///
/// "Exactly" has no limit in practice: positions have 64 bits, or 63 if words have 32. So a reader that slept for a whole lap
/// of a word is not taken for one that is up to date.
///
/// # Examples
///
/// ```
/// use annulet::Broadcast;
/// use annulet::ring::broadcast::ReadError;
///
/// static PRICES: Broadcast<u64, 4> = Broadcast::new();
///
/// let mut writer = PRICES.try_writer().expect("it is the only writer");
/// let mut reader = PRICES.reader_at_newest();
/// (0..3).for_each(|price| writer.publish(price));
/// assert_eq!(reader.try_read(), Ok(0));
/// // Four slots: five more items overwrite what this reader has not read, and one of their own.
/// (3..8).for_each(|price| writer.publish(price));
/// assert_eq!(reader.try_read(), Err(ReadError::Lagged(3)));
/// assert_eq!(reader.try_read(), Ok(4));
/// ```
///
/// With two slots it holds the newest value of something. While the writer writes one slot, the other one stays as it is:
///
/// ```
/// # use annulet::Broadcast;
/// static POSITION: Broadcast<[u32; 3], 2> = Broadcast::new();
///
/// let position = POSITION.reader_at_newest();
/// let mut sensor = POSITION.try_writer().unwrap();
/// (0..9).for_each(|step| sensor.publish([step, 2 * step, 3 * step]));
/// assert_eq!(position.latest(), Ok([8, 16, 24]));
/// assert_eq!(position.latest(), Ok([8, 16, 24]), "it stays until there is a newer one");
/// ```
///
/// A capacity that is no power of two does not compile:
///
/// ```compile_fail
/// static RING: annulet::Broadcast<u32, 3> = annulet::Broadcast::new();
/// ```
///
/// # Counters
///
/// With [`Counts`](crate::stats::Counts) for `S`, it counts what goes through it: see [`stats`](Self::stats), and
/// [`lagged`](Self::lagged) for what was missed. Readers then share a cache line, to which each adds atomically. So on targets
/// without compare-and-swap, counting needs the feature `portable-atomic`. With [`Off`], the default, it counts nothing.
///
/// # Layout
///
/// `repr(C)`, with lines of 128 bytes on x86-64 and aarch64, 64 on other 64-bit targets, none elsewhere.
///
/// ```text
///   ┌─────────────────────┬ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ┬──────────────────────┐
///   │ tail   head   ends  │ Gated: R readers          │ N slots of T::Image  │
///   └─────────────────────┴ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ┴──────────────────────┘
///     the writer stores      each reader stores its      the writer stores
///     tail and head          own                         every word, atomically
/// ```
///
/// If `S` is [`Counts`](crate::stats::Counts), its counters stand after the first line: the writer's and the readers', each on a
/// line of its own.
#[repr(C)]
pub struct Broadcast<T: Entry, const N: usize, P: OverflowPolicy = Overwrite, S: Stats = Off> {
    line: CachePadded<WriterLine>,
    counters: Counters<S>,
    policy: P,
    slots: [<T::Image as Image>::Atomics; N],
    shadow: Shadow<N>,
    /// Only numbers are in the slots: no `T` crosses a thread, whatever it is.
    items: PhantomData<fn(T) -> T>,
}

/// What the writer tells the readers.
#[repr(C)]
#[derive(Debug)]
struct WriterLine {
    /// Next to write: items before it are there.
    tail: SplitCursor,
    /// The oldest item that is there: slots of items before it may be overwritten at any time.
    head: SplitCursor,
    /// Whether the writer's end is in use.
    ends: Bitmap,
}

impl<T: Entry, const N: usize, P: OverflowPolicy, S: Stats> Broadcast<T, N, P, S> {
    const CHECKED: () = {
        let () = P::CHECKED;
        assert!(
            N.is_power_of_two(),
            "capacity must be a power of two; `usize::next_power_of_two` rounds one up"
        );
        // Then a position moves on by at most what its observers can follow, and a reader's position, which is one word
        // there, tells all `N + 1` distances apart.
        assert!(N as u64 <= Sequence::STRIDE, "capacity is too large");
        assert!(!S::COUNTS || cfg!(compare_and_swap), "readers are many, and count by compare-and-swap");
    };

    const_fn! {
        /// Makes an empty ring.
        #[must_use]
        pub const fn new() -> Self {
            Self::starting_at(0)
        }
    }

    const_fn! {
        /// Makes an empty ring whose positions start at `origin` instead of 0, to test what happens when they wrap.
        #[doc(hidden)]
        #[must_use]
        pub const fn starting_at(origin: usize) -> Self {
            let () = Self::CHECKED;
            Self {
                line: CachePadded(WriterLine::new(origin)),
                counters: Counters::new(),
                policy: zeroed(),
                slots: zeroed(),
                shadow: Shadow::new(),
                items: PhantomData,
            }
        }
    }

    /// Returns the number of items that the ring holds: `N`.
    #[must_use]
    pub const fn capacity(&self) -> usize {
        N
    }

    /// Returns the number of items that are there for a reader that begins with the oldest: a snapshot, `0..=N`.
    #[must_use]
    pub fn len(&self) -> usize {
        // Head first: the tail seen after it cannot be behind it, but may be from much later, hence the limit.
        let head = self.line.0.head.observe();
        count(self.line.0.tail.observe().since(head)).min(N)
    }

    /// Returns true if [`len`](Self::len) is 0.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Copies the words of position `at`, whatever they are.
    #[inline(always)]
    fn load(&self, at: Sequence) -> T::Image {
        if P::EXCLUSIVE {
            self.shadow.read(at.slot(N - 1));
        }
        // `N` is a power of two, so the slot exists; written so that no panic remains.
        self.slots.get(at.slot(N - 1)).map_or(T::Image::ZERO, T::Image::load)
    }

    /// Stores the words of position `at`. Called by the writer alone, for slots that it may overwrite.
    #[inline(always)]
    fn store(&self, at: Sequence, item: &T) {
        if P::EXCLUSIVE {
            self.shadow.write(at.slot(N - 1));
        }
        if let Some(slot) = self.slots.get(at.slot(N - 1)) {
            item.store_image(slot);
        }
    }
}

// SAFETY:
// - positions 0, no claimed end and no count; the policy and the slots are such values, too, and nothing else is in it;
// - what loom sees of it is no memory of it.
unsafe impl<T: Entry, const N: usize, P: OverflowPolicy, S: Stats> Zeroed for Broadcast<T, N, P, S> {
    empty_in_models!(Self::new());
}

impl WriterLine {
    const_fn! {
        const fn new(origin: usize) -> Self {
            let at = Sequence::new(origin as u64);
            Self { tail: SplitCursor::new(at), head: SplitCursor::new(at), ends: Bitmap::new() }
        }
    }
}

/// Returns a distance as a count of items in memory. It saturates.
#[inline(always)]
fn count(distance: u64) -> usize {
    usize::try_from(distance).unwrap_or(usize::MAX)
}

impl<T: Entry, const N: usize, P: OverflowPolicy, S: Stats> Default for Broadcast<T, N, P, S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Entry, const N: usize, P: OverflowPolicy, S: Stats> fmt::Debug for Broadcast<T, N, P, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Broadcast").field("len", &self.len()).field("capacity", &N).finish()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::{Broadcast, Gated, Overwrite, WriterLine};
    use crate::stats::{Counts, Off};
    use core::mem::{offset_of, size_of};

    const LINE: usize = if cfg!(any(target_arch = "x86_64", target_arch = "aarch64")) {
        128
    } else if cfg!(target_pointer_width = "64") {
        64
    } else {
        0
    };

    #[test]
    fn rr11_layout_is_as_drawn() {
        type Ring = Broadcast<[u32; 3], 8>;
        assert_eq!(offset_of!(Ring, line), 0);
        assert_eq!(offset_of!(WriterLine, tail), 0);
        assert_eq!(offset_of!(WriterLine, head), size_of::<crate::atomic::SplitCursor>());
        assert_eq!(offset_of!(Ring, slots), size_of::<WriterLine>().max(LINE));
        assert_eq!(
            size_of::<Ring>(),
            (offset_of!(Ring, slots) + 8 * 3 * 4).next_multiple_of(align_of::<Ring>())
        );
        // Which readers are there, and three positions, on a line each.
        type Held = Broadcast<[u32; 3], 8, Gated<3>>;
        assert_eq!(offset_of!(Held, policy), offset_of!(Ring, slots));
        assert!(offset_of!(Held, slots) >= offset_of!(Held, policy) + 4 * LINE);
        // The counters are between the first line and the rest, or nothing.
        type Counted<P> = Broadcast<[u32; 3], 8, P, Counts>;
        assert_eq!(offset_of!(Counted<Overwrite>, counters), offset_of!(Ring, slots));
        assert_eq!(offset_of!(Counted<Gated<3>>, counters), offset_of!(Held, policy));
        let counters = size_of::<super::Counters<Counts>>();
        assert_eq!(size_of::<super::Counters<Off>>(), 0);
        assert_eq!(offset_of!(Counted<Overwrite>, slots), offset_of!(Ring, slots) + counters);
        assert_eq!(offset_of!(Counted<Gated<3>>, policy), offset_of!(Held, policy) + counters);
        // The tail and the head are stored together, and loaded together.
        assert!(size_of::<WriterLine>() <= 64);
    }
}
