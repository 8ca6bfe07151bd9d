//! Slabs: regions whose slots are handed out one by one.
//!
//! ```text
//!   ┌────────────┬───────┬───────────────────┬────────────┬─ ─
//!   │ generation │ state │ slot_size bytes   │ generation │ ...
//!   │ u32        │ u32   │                   │            │
//!   └────────────┴───────┴───────────────────┴────────────┴─ ─
//! ```
//!
//! The eight bytes before each slot are the table's. It borrows the memory exclusively, and only the one [`Slab`] writes to it.

use core::fmt;
use core::slice;

use super::table::{Info, RegionTable, Slot as TableSlot};
use super::{Policy, RegionError, RegisterError};
use crate::handle::{Handle, LAST_GENERATION, Region, Slot};

/// Bytes before each slot.
const BOOKKEEPING: usize = 8;
const FREE: u32 = 0;
const TAKEN: u32 = 1;

/// Returns `size` rounded up to a multiple of 8, or `None` for 0, and if that overflows.
fn round_up(size: usize) -> Option<usize> {
    if size == 0 { None } else { size.checked_next_multiple_of(8) }
}

/// Returns how many slots of `slot_size` fit into `len` bytes.
fn slots(len: usize, slot_size: usize) -> usize {
    slot_size.checked_add(BOOKKEEPING).and_then(|stride| len.checked_div(stride)).unwrap_or(0)
}

/// Names a slot of a slab: which slab, which slot, and which generation of it. 16 bytes.
///
/// The slab's own handle is part of it, so it fits this slab only: not one of another table, and not one that was registered in
/// its place. It can be copied like any handle, and is worth nothing until its slab has checked it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(C)]
pub struct SlabSlot {
    slab: Handle<Region>,
    slot: Handle<Slot>,
}

impl SlabSlot {
    /// Makes the name of a slot, as a peer claims it, of two handles.
    #[must_use]
    pub const fn new(slab: Handle<Region>, slot: Handle<Slot>) -> Self {
        Self { slab, slot }
    }

    /// Returns the handle of the slab.
    #[must_use]
    pub const fn slab(self) -> Handle<Region> {
        self.slab
    }

    /// Returns the handle of the slot, which says nothing without the slab's.
    #[must_use]
    pub const fn slot(self) -> Handle<Slot> {
        self.slot
    }
}

const _: () = {
    assert!(size_of::<SlabSlot>() == 16);
    assert!(core::mem::offset_of!(SlabSlot, slot) == 8);
};

/// Hands out the slots of a slab region. There is one at a time.
///
/// Slots are named by handles with generations, so an old handle never reaches a slot that was freed. Freed slots are zeroed.
/// Slots are handed out in turn, so that their generations are spent evenly.
///
/// # Examples
///
/// ```
/// use annulet::region::{RegionError, RegionTable};
///
/// let mut memory = [0; 64];
/// let regions = RegionTable::<1>::new();
/// let region = regions.register_slab(&mut memory, 16).unwrap();
/// let mut slab = regions.slab(region).unwrap();
/// let slot = slab.alloc().unwrap();
/// slab.bytes(slot).unwrap()[0] = 7;
/// slab.free(slot).unwrap();
/// assert_eq!(slab.bytes(slot).unwrap_err(), RegionError::InvalidSlot);
/// ```
#[must_use]
pub struct Slab<'t> {
    slot: &'t TableSlot,
    info: Info,
    /// The slab's own handle.
    region: Handle<Region>,
}

// SAFETY: the slab's holder is the only one that touches the region's memory, which is borrowed exclusively for
// longer than it lives; bytes can be used from any thread.
unsafe impl Send for Slab<'_> {}

impl<'m, const N: usize> RegionTable<'m, N> {
    /// Registers memory as a slab of slots of `slot_size` bytes, rounded up to a multiple of 8.
    ///
    /// Its [`slab`](Self::slab) hands them out. Each slot takes 8 bytes more. The memory is zeroed, unless it is refused as
    /// [`Empty`](RegionError::Empty).
    ///
    /// # Errors
    ///
    /// As [`register_immutable`](Self::register_immutable); [`Empty`](RegionError::Empty) if not one slot fits. The error
    /// gives the memory back.
    pub fn register_slab(
        &self,
        memory: &'m mut [u8],
        slot_size: usize,
    ) -> Result<Handle<Region>, RegisterError<'m>> {
        let Some(slot_size) = round_up(slot_size).filter(|slot_size| slots(memory.len(), *slot_size) > 0)
        else {
            return Err(RegisterError { why: RegionError::Empty, memory });
        };
        memory.fill(0);
        self.register_exclusive(memory, Policy::Slab, slot_size)
    }
}

impl<const N: usize> RegionTable<'_, N> {
    /// Returns the slab of a region. Dropping it gives it back; slots that are handed out stay so.
    ///
    /// # Errors
    ///
    /// [`InUse`](RegionError::InUse) while it is in use; [`WrongPolicy`](RegionError::WrongPolicy),
    /// [`Foreign`](RegionError::Foreign), [`BadHandle`](RegionError::BadHandle), [`Stale`](RegionError::Stale),
    /// [`Contended`](RegionError::Contended).
    pub fn slab(&self, region: Handle<Region>) -> Result<Slab<'_>, RegionError> {
        let (slot, info) = self.enter_as_writer(region, Policy::Slab)?;
        Ok(Slab { slot, info, region })
    }
}

impl Slab<'_> {
    /// Returns the bytes of a slot.
    #[must_use]
    pub fn slot_size(&self) -> usize {
        self.info.slot_size
    }

    /// Returns the number of slots.
    #[must_use]
    pub fn capacity(&self) -> usize {
        slots(self.info.len, self.info.slot_size)
    }

    /// Returns the number of slots that are handed out.
    #[must_use]
    pub fn in_use(&mut self) -> usize {
        self.count(|_, state| state == TAKEN)
    }

    /// Returns how many slots have used up their generations, and are never handed out again.
    #[must_use]
    pub fn retired(&mut self) -> usize {
        self.count(|generation, state| state == FREE && generation == LAST_GENERATION)
    }

    fn count(&mut self, which: impl Fn(u32, u32) -> bool) -> usize {
        let mut slots = 0..self.capacity();
        slots
            .by_ref()
            .filter(|index| self.state(*index).is_some_and(|(made, state)| which(made, state)))
            .count()
    }

    /// Hands out a free slot, zeroed: the next one after the slot that was handed out last.
    ///
    /// # Errors
    ///
    /// [`SlabFull`](RegionError::SlabFull); [`Retired`](RegionError::Retired) if no slot will ever come free again.
    pub fn alloc(&mut self) -> Result<SlabSlot, RegionError> {
        let capacity = self.capacity();
        let next = self.slot.next.get() as usize;
        for index in (next..capacity).chain(0..next.min(capacity)) {
            let Some((generation, state)) = self.state(index) else { break };
            if state == FREE && generation < LAST_GENERATION {
                // An index is at most the memory's length over 16; beyond 32 bits there are no handles.
                let number = u32::try_from(index).map_err(|_| RegionError::SlabFull)?;
                self.set_state(index, generation + 1, TAKEN);
                self.slot.next.set(number.wrapping_add(1));
                return Ok(SlabSlot::new(self.region, Handle::new(number, generation + 1)));
            }
        }
        Err(if self.retired() == capacity { RegionError::Retired } else { RegionError::SlabFull })
    }

    /// Returns the bytes of a slot that is handed out.
    ///
    /// # Errors
    ///
    /// - [`Foreign`](RegionError::Foreign) for a slot of another slab.
    /// - [`Stale`](RegionError::Stale) for a slot of a slab that was in this one's place.
    /// - [`InvalidSlot`](RegionError::InvalidSlot) for a slot that is not handed out.
    pub fn bytes(&mut self, slot: SlabSlot) -> Result<&mut [u8], RegionError> {
        let index = self.find(slot)?;
        self.at(index).and_then(|whole| whole.get_mut(BOOKKEEPING..)).ok_or(RegionError::InvalidSlot)
    }

    /// Takes a slot back and zeroes it.
    ///
    /// # Errors
    ///
    /// As [`bytes`](Self::bytes).
    pub fn free(&mut self, slot: SlabSlot) -> Result<(), RegionError> {
        self.bytes(slot)?.fill(0);
        self.set_state(slot.slot.index() as usize, slot.slot.generation(), FREE);
        Ok(())
    }

    fn find(&mut self, SlabSlot { slab, slot }: SlabSlot) -> Result<usize, RegionError> {
        if slab.index() != self.region.index() {
            return Err(RegionError::Foreign);
        }
        if slab.generation() != self.region.generation() {
            return Err(RegionError::Stale);
        }
        let index = slot.index() as usize;
        match self.state(index) {
            Some((generation, TAKEN)) if generation == slot.generation() => Ok(index),
            _ => Err(RegionError::InvalidSlot),
        }
    }

    /// Returns a slot with its bookkeeping.
    fn at(&mut self, index: usize) -> Option<&mut [u8]> {
        let stride = self.info.slot_size + BOOKKEEPING;
        let from = index.checked_mul(stride)?;
        // SAFETY: the region's memory is borrowed exclusively by the table, stays registered under this holder's
        // pin, and is touched only by the one holder of the slab, whose exclusive borrow the slice carries on. It
        // was registered as `[u8]` of this length, so it is initialised.
        let all = unsafe { slice::from_raw_parts_mut(self.info.base.as_ptr(), self.info.len) };
        all.get_mut(from..)?.get_mut(..stride)
    }

    fn state(&mut self, index: usize) -> Option<(u32, u32)> {
        let head: &mut [u8; BOOKKEEPING] = self.at(index)?.first_chunk_mut()?;
        let [a, b, c, d, e, f, g, h] = *head;
        Some((u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h])))
    }

    fn set_state(&mut self, index: usize, generation: u32, state: u32) {
        if let Some(head) = self.at(index).and_then(|whole| whole.first_chunk_mut::<BOOKKEEPING>()) {
            *head = (u64::from(state) << 32 | u64::from(generation)).to_le_bytes();
        }
    }
}

impl Drop for Slab<'_> {
    fn drop(&mut self) {
        // First the bit: the pin keeps the slot from being refilled under it.
        self.slot.writer.give_back(1);
        self.slot.life.unpin();
    }
}

impl fmt::Debug for Slab<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slab")
            .field("slot_size", &self.slot_size())
            .field("capacity", &self.capacity())
            .finish_non_exhaustive()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::{FREE, LAST_GENERATION, RegionError, TAKEN};
    use crate::region::RegionTable;

    /// The narrow build walks there (`tests/regions`); the wide one starts just before the end.
    #[test]
    fn c03_the_last_tenant_of_a_slot_retires_it() {
        let mut memory = [0; 2 * 16];
        let regions = RegionTable::<1>::new();
        let region = regions.register_slab(&mut memory, 8).unwrap();
        let mut slab = regions.slab(region).unwrap();
        slab.set_state(0, LAST_GENERATION - 2, FREE);
        slab.set_state(1, LAST_GENERATION - 1, FREE);
        let mut seen = Vec::new();
        while let Ok(slot) = slab.alloc() {
            assert!(seen.iter().all(|old| slab.bytes(*old) == Err(RegionError::InvalidSlot)));
            slab.free(slot).unwrap();
            seen.push(slot);
        }
        let numbers: Vec<_> =
            seen.iter().map(|slot| (slot.slot().index(), slot.slot().generation())).collect();
        assert_eq!(numbers, [(0, LAST_GENERATION - 1), (1, LAST_GENERATION), (0, LAST_GENERATION)]);
        assert_eq!(slab.alloc(), Err(RegionError::Retired));
        assert_eq!((slab.in_use(), slab.retired()), (0, 2));
        // One that is handed out in its last generation comes back, so the slab is only full; one is retired.
        slab.set_state(1, LAST_GENERATION, TAKEN);
        assert_eq!(slab.alloc(), Err(RegionError::SlabFull));
        assert_eq!((slab.in_use(), slab.retired()), (1, 1));
    }
}
