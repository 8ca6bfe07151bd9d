//! The table of regions: what is registered, and how it is revoked.

use core::cell::UnsafeCell;
use core::fmt;
use core::marker::PhantomData;
use core::mem::MaybeUninit;
use core::ptr::NonNull;

use super::{Policy, RegionError, RegisterError};
use crate::atomic::{Bitmap, CloseError, Length, MOST_SLOTS, PinError, RelaxedHint, SlotNumbers, SlotState};
use crate::handle::{Handle, Region};
use crate::shadow::Shadow;
use crate::span::Span;
use crate::sync::const_fn;
use crate::zeroed::{Zeroed, empty_in_models, zeroed};

/// A table of `N` regions, whose memory lives at least for `'m`. All-zero memory is an empty table.
///
/// It is shared by reference: any thread or core may register, revoke, append and view at the same time. Registration is one at
/// a time: a second one answers [`RegionError::Contended`]. A handle of one table is [`RegionError::Foreign`] to another one.
///
/// # Examples
///
/// ```
/// use annulet::region::{RegionError, RegionTable};
///
/// static TEXT: &[u8] = b"constant";
/// static REGIONS: RegionTable<'static, 4> = RegionTable::new();
///
/// let region = REGIONS.register_immutable(TEXT).unwrap();
/// assert_eq!(REGIONS.register_immutable(TEXT).unwrap_err(), RegionError::Overlap);
/// assert_eq!(REGIONS.info(region).unwrap().len, TEXT.len());
/// REGIONS.revoke(region).unwrap();
/// assert_eq!(REGIONS.info(region).unwrap_err(), RegionError::Stale);
/// ```
#[repr(C)]
pub struct RegionTable<'m, const N: usize> {
    slots: [Slot; N],
    /// Taken by the party that registers the first region.
    numbers: SlotNumbers,
    /// Held by the one party that registers at this moment.
    registering: Bitmap,
    // The memory is borrowed for exactly `'m`: were the table covariant, a shorter-lived buffer could be put into a table
    // that other code sees as longer-lived.
    memory: PhantomData<fn(&'m ()) -> &'m ()>,
}

/// One region. `info` is written by the party that holds `life` filling, and read under a pin.
#[repr(C)]
pub(super) struct Slot {
    pub(super) life: SlotState,
    /// Initialised once the slot was ever filled; zeroed memory is an empty slot.
    info: UnsafeCell<MaybeUninit<Info>>,
    /// What loom sees of `info`; nothing outside a model.
    shadow: Shadow<1>,
    /// Bytes that descriptors may name: all of an immutable region, what is committed of an append-only one.
    pub(super) committed: Length,
    /// Of a slab: where the search for a free slot goes on. Its holder's own.
    pub(super) next: RelaxedHint,
    /// Held by the region's one writer: its [`Appender`](super::Appender) or [`Slab`](super::Slab).
    pub(super) writer: Bitmap,
}

/// What the table knows of a region's memory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Info {
    pub(super) base: NonNull<u8>,
    pub(super) len: usize,
    pub(super) policy: Policy,
    /// Of a slab: bytes of a slot.
    pub(super) slot_size: usize,
}

/// What a table knows of a region: a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RegionInfo {
    /// Its policy.
    pub policy: Policy,
    /// Bytes of its memory.
    pub len: usize,
    /// Bytes that descriptors may name.
    pub committed: usize,
}

// SAFETY: `info` is the only field that is not an atomic. It is written only by the party that holds the slot
// filling (`SlotState::claim`, `SlotState::close`: one exchange, one winner) and read only under a pin, and `SlotState` orders the
// two: `open` releases to `pin`, `unpin` to `close`, `release` to `claim`. The memory it points to is borrowed for
// `'m`: shared and never written for an immutable region, otherwise exclusively, and then written only by the
// holder of the `writer` bit. `u8` may be used from any thread.
unsafe impl<const N: usize> Sync for RegionTable<'_, N> {}
// SAFETY: as above; no part of the table is tied to a thread.
unsafe impl<const N: usize> Send for RegionTable<'_, N> {}

// SAFETY: a free slot whose memory is of no region; an integer for each length, and for its writer.
unsafe impl Zeroed for Slot {
    empty_in_models!(Self {
        life: zeroed(),
        info: UnsafeCell::new(MaybeUninit::uninit()),
        shadow: Shadow::new(),
        committed: zeroed(),
        next: RelaxedHint::new(),
        writer: Bitmap::new(),
    });
}

impl Slot {
    /// What is in the slot.
    ///
    /// # Safety
    /// The caller is inside: it holds a pin.
    pub(super) unsafe fn info(&self) -> Info {
        // SAFETY: the slot is alive, and has one shadow cell.
        unsafe { self.shadow.tracker().read(Span::one(0)) };
        // SAFETY: under a pin no thread holds the slot filling, so none writes to `info`; the pin's Acquire comes
        // after the Release with which the slot was opened.
        let info = unsafe { *self.info.get() };
        // SAFETY: a slot can be pinned only after it was opened, and it is opened only once filled.
        unsafe { info.assume_init() }
    }
}

impl<'m, const N: usize> RegionTable<'m, N> {
    const SLOTS_HAVE_NUMBERS: () = assert!(N <= MOST_SLOTS, "a table has at most 32768 slots");

    const_fn! {
        /// Makes a table without regions. It is numbered, apart from all other tables of this process, when the first
        /// region is registered.
        #[must_use]
        pub const fn new() -> Self {
            Self::with(SlotNumbers::counted())
        }
    }

    const_fn! {
        /// Makes a table without regions that has this number.
        ///
        /// The caller sees to it that no other table of regions has the number: a handle of the one would be a handle of the
        /// other. It is for tables whose handles must be told apart beyond this process. It is also for tables that are made so
        /// often that [`new`](Self::new) runs out of numbers, after 2³¹ slots.
        #[must_use]
        pub const fn numbered(number: u16) -> Self {
            Self::with(SlotNumbers::given(number))
        }
    }

    const_fn! {
        const fn with(numbers: SlotNumbers) -> Self {
            let () = Self::SLOTS_HAVE_NUMBERS;
            Self { slots: zeroed(), numbers, registering: Bitmap::new(), memory: PhantomData }
        }
    }

    /// Registers bytes that never change. The shared borrow guarantees it for as long as the table can know them.
    ///
    /// # Errors
    ///
    /// [`Empty`](RegionError::Empty), [`Overlap`](RegionError::Overlap), [`TableFull`](RegionError::TableFull),
    /// [`Retired`](RegionError::Retired), [`NoNumber`](RegionError::NoNumber), [`Contended`](RegionError::Contended).
    pub fn register_immutable(&self, bytes: &'m [u8]) -> Result<Handle<Region>, RegionError> {
        let base = NonNull::from(bytes).cast();
        self.register(Info { base, len: bytes.len(), policy: Policy::Immutable, slot_size: 0 }, bytes.len())
    }

    /// Registers memory to append to. Its [`appender`](Self::appender) commits bytes from the front.
    ///
    /// # Errors
    ///
    /// As [`register_immutable`](Self::register_immutable). The error gives the memory back.
    pub fn register_append_only(&self, memory: &'m mut [u8]) -> Result<Handle<Region>, RegisterError<'m>> {
        self.register_exclusive(memory, Policy::AppendOnly, 0)
    }

    /// `register`, of memory that the table borrows exclusively; or has not borrowed, if it is refused.
    pub(super) fn register_exclusive(
        &self,
        memory: &'m mut [u8],
        policy: Policy,
        slot_size: usize,
    ) -> Result<Handle<Region>, RegisterError<'m>> {
        let len = memory.len();
        // Of a reborrow: what is refused is not in the table, and the caller gets the borrow back that it is made of.
        let base = NonNull::from(&mut *memory).cast();
        match self.register(Info { base, len, policy, slot_size }, 0) {
            Ok(region) => Ok(region),
            Err(why) => Err(RegisterError { why, memory }),
        }
    }

    /// Reserves memory: no region may overlap it until the handle is revoked. The memory is not touched.
    ///
    /// It is for the rings and tables themselves, so that no descriptor ever names their bytes.
    ///
    /// # Errors
    ///
    /// As [`register_immutable`](Self::register_immutable).
    pub fn reserve<T>(&self, memory: &'m [T]) -> Result<Handle<Region>, RegionError> {
        let base = NonNull::from(memory).cast();
        self.register(Info { base, len: size_of_val(memory), policy: Policy::Reserved, slot_size: 0 }, 0)
    }

    fn register(&self, info: Info, committed: usize) -> Result<Handle<Region>, RegionError> {
        if info.len == 0 {
            return Err(RegionError::Empty);
        }
        if !self.registering.claim(1) {
            return Err(RegionError::Contended);
        }
        let made = self.register_alone(info, committed);
        self.registering.give_back(1);
        made
    }

    /// `register`, by the one party that registers: no other region comes while it looks.
    #[allow(clippy::cast_possible_truncation)]
    fn register_alone(&self, info: Info, committed: usize) -> Result<Handle<Region>, RegionError> {
        for slot in &self.slots {
            // A region that is closing has readers as well. One that can have none is no obstacle.
            match slot.life.pin_for_close() {
                Ok(()) => {
                    // SAFETY: pinned.
                    let overlaps = overlap(&unsafe { slot.info() }, &info);
                    slot.life.unpin();
                    if overlaps {
                        return Err(RegionError::Overlap);
                    }
                }
                Err(PinError::Unused | PinError::Gone) => {}
                Err(PinError::TooMany | PinError::Contended) => return Err(RegionError::Contended),
            }
        }
        // Of the free slots the one with the most generations left, so that all are used up at the same time.
        let vacant =
            self.slots.iter().enumerate().filter_map(|(index, slot)| Some((slot.life.vacant()?, index)));
        let slot = vacant.min().and_then(|(_, index)| Some((index, self.slots.get(index)?)));
        // No slot will ever come free if each one is retired.
        let none = if self.retired() == N { RegionError::Retired } else { RegionError::TableFull };
        let (index, slot) = slot.ok_or(none)?;
        let first = self.numbers.first(N).ok_or(RegionError::NoNumber)?;
        let generation = slot.life.claim().ok_or(none)?;
        // SAFETY: the slot is alive, and has one shadow cell.
        unsafe { slot.shadow.tracker().write(Span::one(0)) };
        // SAFETY: the claim makes the slot ours alone until it is opened.
        unsafe { *slot.info.get() = MaybeUninit::new(info) };
        slot.committed.commit(committed);
        slot.next.set(0);
        slot.life.open();
        Ok(Handle::new(first.wrapping_add(index as u32), generation))
    }

    /// Returns how many slots have used up their generations, and will never hold a region again: a snapshot.
    ///
    /// A new region takes the free slot with the most generations left, so slots retire together, as late as possible.
    #[must_use]
    pub fn retired(&self) -> usize {
        self.slots.iter().filter(|slot| slot.life.is_retired()).count()
    }

    /// Revokes a region: takes it out of the table, if no view and no writer of it exists.
    ///
    /// After `Ok`, no view of the region exists or can be made, and its descriptors stay stale.
    ///
    /// # Errors
    ///
    /// [`InUse`](RegionError::InUse) with the number of views and writers that exist. From then on no new one is made, except
    /// by cloning a view. Call it again once they are gone. A check that fails at the same moment may be counted, and so
    /// may another call that revokes or registers. [`Foreign`](RegionError::Foreign), [`BadHandle`](RegionError::BadHandle),
    /// [`Stale`](RegionError::Stale), [`Contended`](RegionError::Contended).
    pub fn revoke(&self, region: Handle<Region>) -> Result<(), RegionError> {
        let slot = self.slot(region)?;
        slot.life.close(region.generation()).map_err(|why| match why {
            CloseError::Unused => RegionError::BadHandle,
            CloseError::Stale => RegionError::Stale,
            CloseError::InUse(count) => RegionError::InUse(count),
            CloseError::Contended => RegionError::Contended,
        })?;
        slot.life.release();
        Ok(())
    }

    /// Returns what the table knows of a region: a snapshot.
    ///
    /// # Errors
    ///
    /// [`Foreign`](RegionError::Foreign), [`BadHandle`](RegionError::BadHandle), [`Stale`](RegionError::Stale),
    /// [`InUse`](RegionError::InUse) with as many readers as can be counted, [`Contended`](RegionError::Contended).
    pub fn info(&self, region: Handle<Region>) -> Result<RegionInfo, RegionError> {
        let (slot, info) = self.enter(region)?;
        let committed = slot.committed.observe();
        slot.life.unpin();
        Ok(RegionInfo { policy: info.policy, len: info.len, committed })
    }

    /// Pins the region of a handle of our own. The caller unpins it.
    pub(super) fn enter(&self, region: Handle<Region>) -> Result<(&Slot, Info), RegionError> {
        let slot = self.slot(region)?;
        slot.life.pin().map_err(|why| match why {
            PinError::Unused => RegionError::BadHandle,
            PinError::Gone => RegionError::Stale,
            PinError::TooMany => RegionError::InUse(crate::atomic::MAX_PINS),
            PinError::Contended => RegionError::Contended,
        })?;
        if slot.life.generation() != region.generation() {
            slot.life.unpin();
            return Err(RegionError::Stale);
        }
        // SAFETY: pinned.
        let info = unsafe { slot.info() };
        Ok((slot, info))
    }

    /// Pins the region of a handle of our own, if it has this policy, and becomes its writer.
    pub(super) fn enter_as_writer(
        &self,
        region: Handle<Region>,
        policy: Policy,
    ) -> Result<(&Slot, Info), RegionError> {
        let (slot, info) = self.enter(region)?;
        let refused = if info.policy != policy {
            RegionError::WrongPolicy { found: info.policy }
        } else if !slot.writer.claim(1) {
            RegionError::InUse(1)
        } else {
            return Ok((slot, info));
        };
        slot.life.unpin();
        Err(refused)
    }

    /// Returns the slot that a handle claims, if it is one of this table's.
    #[inline]
    pub(super) fn slot_of(&self, region: Handle<Region>) -> Option<&Slot> {
        self.slots.get(self.numbers.index_of(region.index(), N)?)
    }

    fn slot(&self, region: Handle<Region>) -> Result<&Slot, RegionError> {
        self.slot_of(region).ok_or(RegionError::Foreign)
    }
}

/// Returns true if two runs of bytes have one in common. Addresses are compared, never made.
fn overlap(a: &Info, b: &Info) -> bool {
    let (from_a, from_b) = (a.base.addr().get(), b.base.addr().get());
    // Memory never wraps around the address space, so the differences below are exact.
    if from_a <= from_b { from_b - from_a < a.len } else { from_a - from_b < b.len }
}

impl<const N: usize> Default for RegionTable<'_, N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> fmt::Debug for RegionTable<'_, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegionTable").field("capacity", &N).finish_non_exhaustive()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::{RegionError, RegionTable};
    use crate::cap::{CapTable, Object, Rights, Task};
    use crate::handle::LAST_GENERATION;
    use crate::region::{Descriptor, DescriptorError, Validator};

    /// The narrow build walks there (`tests/regions`); the wide one starts just before the end.
    #[test]
    fn c03_the_last_region_of_a_slot_retires_it() {
        let bytes = [7; 8];
        let regions = RegionTable::<1>::new();
        let mut caps = CapTable::<4>::new();
        regions.slots[0].life.age(LAST_GENERATION - 3);
        let mut seen = Vec::new();
        while let Ok(region) = regions.register_immutable(&bytes) {
            let cap = caps.mint(Task(1), Object::Region(region), Rights::READ, 0).unwrap();
            seen.push((region, cap));
            let whole = |region| Descriptor::new(region, 0, 8, 0).unwrap();
            let validator = Validator::new(&regions, &caps, Task(1));
            assert_eq!(*validator.check(cap, &whole(region)).unwrap(), bytes);
            for (old, old_cap) in &seen[..seen.len() - 1] {
                for (cap, region) in [(cap, *old), (*old_cap, region), (*old_cap, *old)] {
                    let refused = validator.check(cap, &whole(region)).unwrap_err();
                    assert_eq!(refused, DescriptorError::Stale);
                }
            }
            assert_eq!(regions.revoke(region), Ok(()));
        }
        assert_eq!(seen.len(), 3);
        assert_eq!(seen[2].0.generation(), LAST_GENERATION);
        for _ in 0..3 {
            assert_eq!(regions.register_immutable(&bytes), Err(RegionError::Retired));
        }
        assert!(seen.iter().all(|(old, _)| regions.revoke(*old) == Err(RegionError::Stale)));
    }
}
