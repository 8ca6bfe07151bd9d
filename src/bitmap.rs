//! Numbers claimed and given back atomically: the ends of a ring, and the readers inside a table's slot.
//!
//! Four small values, each valid and empty when its memory is zero:
//! - [`Bitmap`]: 32 numbers, each claimed by at most one holder;
//! - [`Generation`]: how many holders one of these numbers has had;
//! - [`SlotNumbers`]: the numbers of a table's slots, which no other table's slots have;
//! - [`Life`]: the life of a table slot, from free over filled to open, which readers enter and leave, to closed.
//!
//! ```text
//!           claim             open               close                 (last unpin)
//!   Free ──────────▶ Filling ──────▶ Open(pins) ──────▶ Closing(pins) ──────────────▶ Filling
//!    ▲                  │  abandon                                                        │
//!    └──────────────────┴──────────────────────── release ───────────────────────────────┘
//!                                  (Retired for good once the generations are used up)
//! ```

use crate::handle::{FIRST_GENERATION, LAST_GENERATION};
use crate::sync::{AtomicU32, Ordering, StaticU32, const_fn};
#[cfg(compare_and_swap)]
use crate::sync::{Site, order};

/// How often an operation tries again because another party changed the same word in between.
///
/// A party that keeps losing this often is told so; nothing here loops without bound.
#[cfg(compare_and_swap)]
const TRIES: usize = 64;

/// Up to 32 numbers; a set bit is a claimed number.
#[derive(Debug)]
#[repr(transparent)]
pub(crate) struct Bitmap(AtomicU32);

impl Bitmap {
    const_fn! {
        pub(crate) const fn new() -> Self {
            Self(AtomicU32::new(0))
        }
    }

    /// Claims every number of `wanted`, or none of them. True when they are ours.
    ///
    /// Acquire: pairs with [`give_back`](Self::give_back), so what the last holder did is seen.
    #[cfg(compare_and_swap)]
    #[inline]
    pub(crate) fn claim(&self, wanted: u32) -> bool {
        // Relaxed: only a first guess; the exchange decides.
        let mut now = self.0.load(Ordering::Relaxed);
        for _ in 0..TRIES {
            if now & wanted != 0 {
                return false;
            }
            let acquire = order(Site::BitmapClaim, Ordering::Acquire);
            match self.0.compare_exchange(now, now | wanted, acquire, Ordering::Relaxed) {
                Ok(_) => return true,
                Err(seen) => now = seen,
            }
        }
        false
    }

    /// Gives claimed numbers back.
    ///
    /// Release: pairs with the [`claim`](Self::claim) of the next holder.
    #[cfg(compare_and_swap)]
    #[inline]
    pub(crate) fn give_back(&self, held: u32) {
        self.0.fetch_and(!held, order(Site::BitmapGiveBack, Ordering::Release));
    }

    /// The numbers that are claimed.
    ///
    /// Acquire: pairs with [`give_back`](Self::give_back), so what the last holder of a number that is free did
    /// is seen, and of a number that was claimed anew what the holder before did.
    #[cfg(compare_and_swap)]
    #[inline]
    pub(crate) fn held(&self) -> u32 {
        self.0.load(order(Site::BitmapHeld, Ordering::Acquire))
    }

    /// Forgets every claim, by exclusive access: whoever held one is gone.
    pub(crate) fn clear(&mut self) {
        self.hold(0);
    }

    /// Claims `held` and forgets every other claim, by exclusive access.
    pub(crate) fn hold(&mut self, held: u32) {
        #[cfg(not(loom))]
        {
            *self.0.get_mut() = held;
        }
        #[cfg(loom)]
        self.0.with_mut(|word| *word = held);
    }
}

/// Which holder of a number is the present one, or was the last. They are never the same twice.
#[derive(Debug)]
#[repr(transparent)]
pub(crate) struct Generation(AtomicU32);

impl Generation {
    const_fn! {
        pub(crate) const fn new() -> Self {
            Self(AtomicU32::new(FIRST_GENERATION - 1))
        }
    }

    /// The present holder's; before the first one it is no generation.
    ///
    /// Relaxed: a picture, but for whoever has seen something that this holder handed over after it began, and has not
    /// handed back what a next one waits for.
    #[inline(always)]
    pub(crate) fn now(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }

    /// Begins the next one, if there is one left. Called by the holder of the number alone.
    ///
    /// Relaxed: the holder before stored its own before it gave the number back, and what the new one hands over goes by
    /// a Release after this.
    pub(crate) fn begin(&self) -> Option<u32> {
        // In one step where there is one. It need not be, but loom forgets who has loaded a word when who stores it
        // loads it before.
        #[cfg(compare_and_swap)]
        let before = self.0.fetch_add(1, Ordering::Relaxed);
        #[cfg(not(compare_and_swap))]
        let before = self.now();
        if before == LAST_GENERATION {
            self.0.store(before, Ordering::Relaxed);
            return None;
        }
        #[cfg(not(compare_and_swap))]
        self.0.store(before + 1, Ordering::Relaxed);
        Some(before + 1)
    }
}

/// Bits of the number that a holder gives a table; they stand above those of the slot.
const SLOT_BITS: u32 = 15;
/// The most slots of a table: what a number that its holder gave leaves room for.
pub(crate) const MOST_SLOTS: usize = 1 << SLOT_BITS;
/// Set in the numbers of tables whose holders numbered them. Those that are counted lie below it.
const GIVEN: u32 = 1 << 31;

/// The first number that no table has taken. Zero is none: a table whose memory is zero has taken none yet.
static NEXT_SLOT: StaticU32 = StaticU32::new(1);

/// The numbers of a table's slots: so many in a row, from a first one. No slot of another table has one of them, so a
/// handle that says the number says the table, too.
///
/// ```text
///   counted   0 │ 1, 2, 3, ... one table after another                 31 bits
///   given     1 │ the number that its holder gave (16 bits) │ slot     15 bits
/// ```
///
/// A table takes its numbers when it gives out its first handle, since all-zero memory is a table, too. They are never
/// taken again.
#[derive(Debug)]
#[repr(transparent)]
pub(crate) struct SlotNumbers(StaticU32);

impl SlotNumbers {
    /// Those of a table that will be counted.
    pub(crate) const fn counted() -> Self {
        Self(StaticU32::new(0))
    }

    /// Those of a table that its holder has given this number.
    pub(crate) const fn given(number: u16) -> Self {
        Self(StaticU32::new(GIVEN | (number as u32) << SLOT_BITS))
    }

    /// The slot of a table of so many that `number` names: `None` if it is not one of this table's.
    ///
    /// Relaxed: it is stored once. A party that was handed a handle without an edge may still see none, and is told that
    /// the table has no such slot.
    #[inline]
    pub(crate) fn index_of(&self, number: u32, slots: usize) -> Option<usize> {
        let first = self.0.load(Ordering::Relaxed);
        let index = number.checked_sub(first)? as usize;
        (first != 0 && index < slots).then_some(index)
    }

    /// The first number of a table of so many slots, which takes them if it has none yet. `None` if not as many are left.
    ///
    /// Called by one party at a time: the one that changes the table.
    pub(crate) fn first(&self, slots: usize) -> Option<u32> {
        self.first_from(slots, &NEXT_SLOT)
    }

    fn first_from(&self, slots: usize, next: &StaticU32) -> Option<u32> {
        // Relaxed: the last one to store it was the caller, or handed over to the caller.
        let first = self.0.load(Ordering::Relaxed);
        if first != 0 {
            return Some(first);
        }
        let count = u32::try_from(slots).ok()?;
        let fits = |before: u32| count <= GIVEN.saturating_sub(before);
        // Relaxed, here and below: a number hands nothing over; that no two get the same one is the word's own order.
        let before = next.load(Ordering::Relaxed);
        // Looked at before it is counted, so that the count does not come round: beyond its end it goes by no more than
        // what parties take that look at the same moment.
        if !fits(before) {
            return None;
        }
        #[cfg(compare_and_swap)]
        let before = next.fetch_add(count, Ordering::Relaxed);
        #[cfg(not(compare_and_swap))]
        next.store(before + count, Ordering::Relaxed);
        if !fits(before) {
            return None;
        }
        self.0.store(before, Ordering::Relaxed);
        Some(before)
    }
}

#[cfg(compare_and_swap)]
const STATE: u32 = 0b11 << 30;
#[cfg(compare_and_swap)]
const FREE: u32 = 0b00 << 30;
#[cfg(compare_and_swap)]
const FILLING: u32 = 0b01 << 30;
#[cfg(compare_and_swap)]
const OPEN: u32 = 0b10 << 30;
#[cfg(compare_and_swap)]
const CLOSING: u32 = 0b11 << 30;

/// A slot whose generations are used up: filling for ever.
#[cfg(compare_and_swap)]
const RETIRED: u32 = FILLING | 1;

/// The most readers that may be inside one slot.
#[cfg(compare_and_swap)]
pub(crate) const MAX_PINS: u32 = if cfg!(annulet_narrow) { 255 } else { (1 << 29) - 1 };

/// The most pins there may be at all: those who close a slot, or look it up, get in where readers don't.
#[cfg(compare_and_swap)]
const MOST_PINS: u32 = !STATE;

// One more than the most does not run into the state, and readers stop before it.
#[cfg(compare_and_swap)]
const _: () = assert!(MOST_PINS & STATE == 0 && MAX_PINS < MOST_PINS);

/// Why a slot could not be entered.
#[cfg(compare_and_swap)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PinError {
    /// It was never filled.
    Unused,
    /// It is closed, being refilled, or retired; what was in it is gone.
    Gone,
    /// As many readers are inside as can be counted.
    TooMany,
    /// Others changed the slot's word at each of the tries.
    Contended,
}

/// Why a slot could not be closed.
#[cfg(compare_and_swap)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CloseError {
    /// It was never filled.
    Unused,
    /// What the generation names is gone already.
    Stale,
    /// It is closed to new readers, but this many are still inside.
    InUse(u32),
    /// Others changed the slot's word at each of the tries.
    Contended,
}

/// The life of one table slot: its state, the readers inside, and the generation of what is in it.
///
/// The slot's other fields are written only by the party that holds it `Filling`, and read only between
/// [`pin`](Self::pin) and [`unpin`](Self::unpin).
#[cfg(compare_and_swap)]
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Life {
    state: AtomicU32,
    generation: AtomicU32,
}

#[cfg(compare_and_swap)]
impl Life {
    const_fn! {
        pub(crate) const fn new() -> Self {
            Self { state: AtomicU32::new(FREE), generation: AtomicU32::new(FIRST_GENERATION - 1) }
        }
    }

    /// Takes a free slot to fill it; the generation of what will be in it, or `None` where it isn't free.
    ///
    /// Acquire: pairs with [`release`](Self::release).
    pub(crate) fn claim(&self) -> Option<u32> {
        let acquire = order(Site::LifeClaim, Ordering::Acquire);
        self.state.compare_exchange(FREE, FILLING, acquire, Ordering::Relaxed).ok()?;
        // Relaxed: the slot is ours; readers compare it under a pin, which synchronises with `open`.
        let next = self.generation.load(Ordering::Relaxed).checked_add(1)?;
        self.generation.store(next, Ordering::Relaxed);
        Some(next)
    }

    /// Opens a filled slot. Release: pairs with [`pin`](Self::pin), which then sees what was filled in.
    pub(crate) fn open(&self) {
        self.state.store(OPEN, order(Site::LifeOpen, Ordering::Release));
    }

    /// Returns a slot that the caller holds `Filling`; retires it when no generation is left.
    ///
    /// Release: pairs with the next [`claim`](Self::claim).
    pub(crate) fn release(&self) {
        let used_up = self.generation.load(Ordering::Relaxed) == LAST_GENERATION;
        let to = if used_up { RETIRED } else { FREE };
        self.state.store(to, order(Site::LifeRelease, Ordering::Release));
    }

    /// The generation of what is, or was last, in the slot. Exact under a pin; otherwise a picture.
    pub(crate) fn generation(&self) -> u32 {
        self.generation.load(Ordering::Relaxed)
    }

    /// The generation of the last one in the slot, if it is free to be taken.
    ///
    /// Relaxed: only a first look; [`claim`](Self::claim) takes it.
    pub(crate) fn vacant(&self) -> Option<u32> {
        (self.state.load(Ordering::Relaxed) == FREE).then(|| self.generation())
    }

    /// True when no generation is left and the slot will never be used again.
    pub(crate) fn is_retired(&self) -> bool {
        self.state.load(Ordering::Relaxed) == RETIRED
    }

    /// Enters an open slot as a reader: until [`unpin`](Self::unpin) its fields stay as they are.
    ///
    /// Acquire: pairs with [`open`](Self::open).
    #[inline]
    pub(crate) fn pin(&self) -> Result<(), PinError> {
        self.enter(MAX_PINS, |state| state == OPEN)
    }

    #[inline]
    fn enter(&self, most: u32, allowed: impl Fn(u32) -> bool) -> Result<(), PinError> {
        let mut now = self.state.load(Ordering::Relaxed);
        for _ in 0..TRIES {
            if !allowed(now & STATE) {
                return Err(if self.generation() < FIRST_GENERATION {
                    PinError::Unused
                } else {
                    PinError::Gone
                });
            }
            if now & !STATE >= most {
                return Err(PinError::TooMany);
            }
            let acquire = order(Site::LifePin, Ordering::Acquire);
            match self.state.compare_exchange(now, now + 1, acquire, Ordering::Relaxed) {
                Ok(_) => return Ok(()),
                Err(seen) => now = seen,
            }
        }
        Err(PinError::Contended)
    }

    /// One more pin for somebody who holds one: works in a closing slot too, since that reader is inside.
    pub(crate) fn pin_again(&self) -> Result<(), PinError> {
        self.enter(MAX_PINS, |state| state == OPEN || state == CLOSING)
    }

    /// A pin for a moment, to close the slot or to look at it: beyond the most readers too, since otherwise a
    /// slot full of readers could not be closed to new ones.
    pub(crate) fn visit(&self) -> Result<(), PinError> {
        self.enter(MOST_PINS, |state| state == OPEN || state == CLOSING)
    }

    /// Leaves the slot. Release: pairs with the Acquire of [`close`](Self::close), so that whoever closes
    /// the slot comes after everything this reader did in it. Returns how many readers are left.
    #[inline]
    pub(crate) fn unpin(&self) -> u32 {
        let before = self.state.fetch_sub(1, order(Site::LifeUnpin, Ordering::Release));
        debug_assert!(before & !STATE > 0, "unpinned more often than pinned");
        (before & !STATE).saturating_sub(1)
    }

    /// Closes the slot to new readers and, when nobody is inside, takes it back to `Filling` for the caller.
    ///
    /// On `InUse` the slot stays closed; calling again once the readers have left takes it back.
    pub(crate) fn close(&self, generation: u32) -> Result<(), CloseError> {
        for _ in 0..TRIES {
            match self.visit() {
                Ok(()) => {}
                Err(PinError::Unused) => return Err(CloseError::Unused),
                Err(PinError::Gone) => return Err(CloseError::Stale),
                Err(PinError::TooMany) => return Err(CloseError::InUse(MOST_PINS)),
                Err(PinError::Contended) => return Err(CloseError::Contended),
            }
            // Inside the slot, its generation cannot change: not before this comparison, and not between it and
            // the exchange below, which takes the slot from under no pin but ours. Taken back after we have left
            // it, it could be the next tenant's by then.
            if self.generation() != generation {
                self.unpin();
                return Err(CloseError::Stale);
            }
            // Relaxed: it only turns newcomers away. What they and we did in the slot is ordered by unpin and
            // by the exchange below.
            self.state.fetch_or(CLOSING, Ordering::Relaxed);
            let acquire = order(Site::LifeClose, Ordering::Acquire);
            if self.state.compare_exchange(CLOSING | 1, FILLING, acquire, Ordering::Relaxed).is_ok() {
                return Ok(());
            }
            let left = self.unpin();
            if left > 0 {
                return Err(CloseError::InUse(left));
            }
            // The others have left since: once more, so that of all who close it at once the last succeeds.
        }
        Err(CloseError::Contended)
    }
}

#[cfg(all(test, not(loom)))]
impl Life {
    /// As if the slot had had so many tenants.
    pub(crate) fn age(&self, generation: u32) {
        self.generation.store(generation, Ordering::Relaxed);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::{Bitmap, CloseError, GIVEN, Life, MAX_PINS, MOST_SLOTS, PinError, SlotNumbers, StaticU32};
    use crate::handle::LAST_GENERATION;

    /// Tables one after another, of several sizes, down to the last number there is.
    #[test]
    fn c07_no_number_is_a_slot_of_two_tables() {
        let next = StaticU32::new(GIVEN - 100);
        let tables: Vec<_> = (0..7).map(|_| SlotNumbers::counted()).collect();
        let sizes = [3, 1, 60, 0, 20, 17, 9];
        let firsts: Vec<_> =
            tables.iter().zip(sizes).map(|(table, slots)| table.first_from(slots, &next)).collect();
        let at = |offset: u32| Some(GIVEN - 100 + offset);
        // The sixth does not fit; the one after it, which is smaller, takes what is left.
        assert_eq!(firsts, [at(0), at(3), at(4), at(64), at(64), None, at(84)]);
        assert_eq!(SlotNumbers::counted().first_from(8, &next), None);
        assert_eq!(SlotNumbers::counted().first_from(7, &next), at(93), "the last ones");
        assert_eq!(SlotNumbers::counted().first_from(1, &next), None);
        // What has numbers keeps them.
        for ((table, slots), first) in
            tables.iter().zip(sizes).zip(&firsts).filter(|(_, first)| first.is_some())
        {
            assert_eq!(table.first_from(slots, &next), *first);
        }
        let given = [0, 1, 2, u16::MAX].map(SlotNumbers::given);
        let all = tables.iter().zip(sizes).chain(given.iter().map(|table| (table, MOST_SLOTS)));
        let all: Vec<_> = all.collect();
        for number in (GIVEN - 120..GIVEN + 20)
            .chain((0..3).flat_map(|table: u32| {
                let end = GIVEN | (table + 1) << 15;
                end - 2..end + 2
            }))
            .chain([0, 1, u32::MAX])
        {
            let found = all.iter().filter(|(table, slots)| table.index_of(number, *slots).is_some()).count();
            let taken = (GIVEN - 100..GIVEN - 7).contains(&number);
            let is_given = (GIVEN..GIVEN + 3 * (1 << 15)).contains(&number) || number == u32::MAX;
            assert_eq!(found, usize::from(taken || is_given), "{number:#x}");
        }
        assert_eq!(given[3].index_of(u32::MAX, MOST_SLOTS), Some(MOST_SLOTS - 1));
        assert_eq!(tables[2].index_of(GIVEN - 96 + 59, 60), Some(59));
        assert_eq!(tables[2].index_of(GIVEN - 96 + 60, 60), None);
    }

    /// Two that take the last numbers at once, when there are enough for either and not for both.
    #[test]
    fn c07_the_last_numbers_are_taken_once() {
        let rounds = if cfg!(miri) { 20 } else { 2000 };
        let start = std::sync::Barrier::new(2);
        let nexts: Vec<_> = (0..rounds).map(|_| StaticU32::new(GIVEN - 100)).collect();
        let take = || {
            let each = nexts.iter().map(|next| {
                start.wait();
                usize::from(SlotNumbers::counted().first_from(60, next).is_some())
            });
            each.collect::<Vec<_>>()
        };
        let [one, other] = std::thread::scope(|scope| {
            [scope.spawn(take), scope.spawn(take)].map(|thread| thread.join().unwrap())
        });
        assert!(one.iter().zip(&other).all(|(one, other)| one + other == 1));
    }

    /// The count of all tables is one: those that take numbers at once take different ones.
    #[test]
    fn c07_tables_that_begin_at_once_have_different_numbers() {
        let each = if cfg!(miri) { 20 } else { 2000 };
        let take = || (0..each).map(|_| SlotNumbers::counted().first(3).unwrap()).collect::<Vec<_>>();
        let mut all: Vec<u32> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..3).map(|_| scope.spawn(take)).collect();
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        });
        all.sort_unstable();
        assert!(all.windows(2).all(|pair| pair[1] - pair[0] >= 3));
        assert!(all[0] > 0);
    }

    #[test]
    fn a_number_has_one_holder_and_a_partial_claim_takes_nothing() {
        let mut ends = Bitmap::new();
        assert!(ends.claim(0b01));
        assert!(!ends.claim(0b11));
        assert!(ends.claim(0b10), "the failed claim of both must not have taken the free one");
        ends.give_back(0b01);
        assert!(ends.claim(0b01));
        ends.clear();
        assert!(ends.claim(0b11));
    }

    #[test]
    fn a_slot_goes_round_and_its_generation_tells_the_tenants_apart() {
        let life = Life::new();
        assert_eq!(life.pin(), Err(PinError::Unused));
        assert_eq!(life.close(0), Err(CloseError::Unused));
        let first = life.claim().unwrap();
        assert_eq!(life.claim(), None, "one party fills it");
        assert!(life.pin().is_err(), "not open yet");
        life.open();
        life.pin().unwrap();
        life.pin().unwrap();
        assert_eq!(life.close(first + 1), Err(CloseError::Stale));
        assert_eq!(life.close(first), Err(CloseError::InUse(2)));
        assert_eq!(life.pin(), Err(PinError::Gone), "closed to newcomers");
        life.pin_again().unwrap();
        assert_eq!(life.unpin(), 2);
        assert_eq!(life.unpin(), 1);
        assert_eq!(life.unpin(), 0);
        assert_eq!(life.close(first), Ok(()));
        life.release();
        assert_eq!(life.close(first), Err(CloseError::Stale));
        let second = life.claim().unwrap();
        assert_eq!(second, first + 1);
        life.open();
        assert_eq!(life.close(first), Err(CloseError::Stale), "an old handle cannot close the new tenant");
    }

    /// A slot with so many readers inside.
    fn full_of(readers: u32) -> Life {
        let life = Life::new();
        life.claim().unwrap();
        life.open();
        if MAX_PINS > 1000 {
            // The wide build starts where it matters; the narrow one (`.ci/narrow`) walks all the way.
            life.state.store(super::OPEN | readers, super::Ordering::Relaxed);
        } else {
            for _ in 0..readers {
                life.pin().unwrap();
            }
        }
        life
    }

    /// A count that wraps frees what is still held; this one stops.
    #[test]
    fn c08_pins_stop_at_their_maximum_and_never_wrap() {
        let life = full_of(MAX_PINS - 2);
        assert_eq!(life.pin(), Ok(()));
        assert_eq!(life.pin(), Ok(()));
        assert_eq!(life.pin(), Err(PinError::TooMany));
        assert_eq!(life.pin_again(), Err(PinError::TooMany));
        assert_eq!(life.unpin(), MAX_PINS - 1);
        assert_eq!(life.pin(), Ok(()));
    }

    #[test]
    fn c08_a_slot_full_of_readers_is_closed_to_new_ones() {
        let life = full_of(MAX_PINS);
        let generation = life.generation();
        assert_eq!(life.close(generation), Err(CloseError::InUse(MAX_PINS)));
        assert_eq!(life.unpin(), MAX_PINS - 1);
        assert_eq!(life.pin(), Err(PinError::Gone), "there would be room, but it is closed");
        assert_eq!(life.close(generation + 1), Err(CloseError::Stale));
        assert_eq!(life.close(generation), Err(CloseError::InUse(MAX_PINS - 1)));
    }

    #[test]
    fn c03_generations_retire_and_never_wrap() {
        let life = Life::new();
        if LAST_GENERATION > 1000 {
            life.age(LAST_GENERATION - 3);
        }
        let mut seen = Vec::new();
        while let Some(generation) = life.claim() {
            seen.push(generation);
            life.open();
            life.close(generation).unwrap();
            life.release();
        }
        assert_eq!(seen.last(), Some(&LAST_GENERATION));
        assert!(seen.windows(2).all(|pair| pair[0] < pair[1]), "strictly rising, none twice");
        assert!(life.is_retired());
        assert_eq!(life.claim(), None);
        for old in seen {
            assert_eq!(life.close(old), Err(CloseError::Stale));
        }
    }

    #[test]
    fn a_slot_with_one_reader_left_is_in_use() {
        let life = full_of(1);
        assert_eq!(life.close(life.generation()), Err(CloseError::InUse(1)));
        assert_eq!(life.unpin(), 0);
        assert_eq!(life.close(life.generation()), Ok(()));
    }

    /// A number whose holders are used up has no next one, however often it is asked for.
    #[test]
    fn c03_the_last_holder_of_a_number_stays_the_last() {
        let holders = super::Generation::new();
        holders.0.store(LAST_GENERATION - 2, super::Ordering::Relaxed);
        assert_eq!(holders.begin(), Some(LAST_GENERATION - 1));
        assert_eq!(holders.begin(), Some(LAST_GENERATION));
        for _ in 0..3 {
            assert_eq!((holders.begin(), holders.now()), (None, LAST_GENERATION));
        }
    }
}
