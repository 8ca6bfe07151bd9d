//! The state of one table slot, which readers pin, and the generation of what is in it.
//!
//! ```text
//!           claim             open               close                 (last unpin)
//!   Free ──────────▶ Filling ──────▶ Open(pins) ──────▶ Closing(pins) ──────────────▶ Filling
//!    ▲                  │  abandon                                                        │
//!    └──────────────────┴──────────────────────── release ───────────────────────────────┘
//!                                  (Retired for good once the generations are used up)
//! ```

use super::TRIES;
use super::site::{Site, order};
use crate::handle::{FIRST_GENERATION, LAST_GENERATION};
use crate::sync::{AtomicU32, Ordering};
use crate::zeroed::{Zeroed, empty_in_models};

const STATE: u32 = 0b11 << 30;
const FREE: u32 = 0b00 << 30;
const FILLING: u32 = 0b01 << 30;
const OPEN: u32 = 0b10 << 30;
const CLOSING: u32 = 0b11 << 30;

/// A slot whose generations are used up: it stays filling.
const RETIRED: u32 = FILLING | 1;

/// The most readers that may be inside one slot.
pub(crate) const MAX_PINS: u32 = if cfg!(annulet_narrow) { 255 } else { (1 << 29) - 1 };

/// The most pins there may be at all. A thread that closes a slot, or looks it up, gets in when readers do not.
const MOST_PINS: u32 = !STATE;

// One more than the most does not run into the state, and readers stop before it.
const _: () = assert!(MOST_PINS & STATE == 0 && MAX_PINS < MOST_PINS);

/// Why a slot could not be entered.
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
#[derive(Debug)]
#[repr(C)]
pub(crate) struct SlotState {
    state: AtomicU32,
    generation: AtomicU32,
}

// Zero is a free slot, and the generation before the first one.
const _: () = assert!(FREE == 0 && FIRST_GENERATION == 1);

// SAFETY: integers: a free slot, and the generation before the first one.
unsafe impl Zeroed for SlotState {
    empty_in_models!(Self { state: AtomicU32::new(FREE), generation: AtomicU32::new(0) });
}

impl SlotState {
    /// Takes a free slot to fill it. Returns the generation of what will be in it, or `None` if it isn't free.
    ///
    /// Acquire: pairs with [`release`](Self::release).
    pub(crate) fn claim(&self) -> Option<u32> {
        let acquire = order(Site::SlotStateClaim, Ordering::Acquire);
        self.state.compare_exchange(FREE, FILLING, acquire, Ordering::Relaxed).ok()?;
        // Relaxed: the slot is ours; readers compare it under a pin, which synchronises with `open`.
        let next = self.generation.load(Ordering::Relaxed).checked_add(1)?;
        self.generation.store(next, Ordering::Relaxed);
        Some(next)
    }

    /// Opens a filled slot. Release: pairs with [`pin`](Self::pin), which then sees what was filled in.
    pub(crate) fn open(&self) {
        self.state.store(OPEN, order(Site::SlotStateOpen, Ordering::Release));
    }

    /// Returns a slot that the caller holds `Filling`; retires it when no generation is left.
    ///
    /// Release: pairs with the next [`claim`](Self::claim).
    pub(crate) fn release(&self) {
        let used_up = self.generation.load(Ordering::Relaxed) == LAST_GENERATION;
        let to = if used_up { RETIRED } else { FREE };
        self.state.store(to, order(Site::SlotStateRelease, Ordering::Release));
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

    /// Returns true if no generation is left and the slot will never be used again.
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
            let acquire = order(Site::SlotStatePin, Ordering::Acquire);
            match self.state.compare_exchange(now, now + 1, acquire, Ordering::Relaxed) {
                Ok(_) => return Ok(()),
                Err(seen) => now = seen,
            }
        }
        Err(PinError::Contended)
    }

    /// Makes one more pin for a reader that holds one. It works in a closing slot too, since that reader is inside.
    pub(crate) fn clone_pin(&self) -> Result<(), PinError> {
        self.enter(MAX_PINS, |state| state == OPEN || state == CLOSING)
    }

    /// Makes a pin for a moment, to close the slot or to look at it. It works beyond the most readers too, since otherwise a
    /// slot full of readers could not be closed to new ones.
    pub(crate) fn pin_for_close(&self) -> Result<(), PinError> {
        self.enter(MOST_PINS, |state| state == OPEN || state == CLOSING)
    }

    /// Leaves the slot. Returns how many readers are left.
    ///
    /// Release: pairs with the Acquire of [`close`](Self::close), so that closing the slot comes after everything that this
    /// reader did in it.
    #[inline]
    pub(crate) fn unpin(&self) -> u32 {
        let before = self.state.fetch_sub(1, order(Site::SlotStateUnpin, Ordering::Release));
        debug_assert!(before & !STATE > 0, "unpinned more often than pinned");
        (before & !STATE).saturating_sub(1)
    }

    /// Closes the slot to new readers and, if none is inside, takes it back to `Filling` for the caller.
    ///
    /// On `InUse` the slot stays closed; calling again once the readers have left takes it back.
    pub(crate) fn close(&self, generation: u32) -> Result<(), CloseError> {
        for _ in 0..TRIES {
            match self.pin_for_close() {
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
            let acquire = order(Site::SlotStateClose, Ordering::Acquire);
            if self.state.compare_exchange(CLOSING | 1, FILLING, acquire, Ordering::Relaxed).is_ok() {
                return Ok(());
            }
            let left = self.unpin();
            if left > 0 {
                return Err(CloseError::InUse(left));
            }
            // The others have left since: once more, so that of all calls at once the last one succeeds.
        }
        Err(CloseError::Contended)
    }
}

#[cfg(all(test, not(loom)))]
impl SlotState {
    /// As if the slot had had so many tenants.
    pub(crate) fn age(&self, generation: u32) {
        self.generation.store(generation, Ordering::Relaxed);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::{CloseError, MAX_PINS, PinError, SlotState};
    use crate::handle::LAST_GENERATION;
    use crate::zeroed::zeroed;

    #[test]
    fn a_slot_goes_round_and_its_generation_tells_the_tenants_apart() {
        let life = zeroed::<SlotState>();
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
        life.clone_pin().unwrap();
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
    fn full_of(readers: u32) -> SlotState {
        let life = zeroed::<SlotState>();
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

    #[test]
    fn c03_generations_retire_and_never_wrap() {
        let life = zeroed::<SlotState>();
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

    /// A count that wraps frees what is still held; this one stops.
    #[test]
    fn c08_pins_stop_at_their_maximum_and_never_wrap() {
        let life = full_of(MAX_PINS - 2);
        assert_eq!(life.pin(), Ok(()));
        assert_eq!(life.pin(), Ok(()));
        assert_eq!(life.pin(), Err(PinError::TooMany));
        assert_eq!(life.clone_pin(), Err(PinError::TooMany));
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
    fn a_slot_with_one_reader_left_is_in_use() {
        let life = full_of(1);
        assert_eq!(life.close(life.generation()), Err(CloseError::InUse(1)));
        assert_eq!(life.unpin(), 0);
        assert_eq!(life.close(life.generation()), Ok(()));
    }
}
