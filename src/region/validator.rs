//! The one check of a descriptor.

use core::fmt;

use super::table::{RegionTable, Slot};
use super::{Descriptor, DescriptorError, Policy, View};
use crate::atomic::{PinError, SlotState};
use crate::cap::{Access, CapError, Rights, Task};
use crate::handle::{Cap, Handle, Region};

/// Checks descriptors on behalf of one task: against the regions, and against the task's rights.
///
/// The sending side makes one for the sender, the receiving side one for the receiver. The check is the same.
///
/// It borrows the table of regions for `'t`, as long as any view lives. It borrows what grants access for `'a`, as long as the
/// validator lives. So that table may change, or be locked again, while views live.
// Think carefully before loosening any of the checks in `check`, or adding another way to make a `View`: everything that is
// promised about zero-copy rests on there being this one.
pub struct Validator<'t, 'm, 'a, A, const N: usize> {
    regions: &'t RegionTable<'m, N>,
    access: &'a A,
    task: Task,
    need: Rights,
    align: usize,
    max_len: u32,
    append_only: bool,
}

impl<'t, 'm, 'a, A: Access, const N: usize> Validator<'t, 'm, 'a, A, N> {
    /// Makes a validator that checks that `task` may read. It admits any alignment, any length, and regions of either policy.
    #[must_use]
    pub const fn new(regions: &'t RegionTable<'m, N>, access: &'a A, task: Task) -> Self {
        Self { regions, access, task, need: Rights::READ, align: 1, max_len: u32::MAX, append_only: true }
    }

    /// Requires these rights instead of [`Rights::READ`].
    #[must_use]
    pub const fn need(mut self, rights: Rights) -> Self {
        self.need = rights;
        self
    }

    /// Requires the first byte to be aligned to `bytes`, in memory. Rounded up to a power of two.
    #[must_use]
    pub const fn align(mut self, bytes: usize) -> Self {
        // Beyond the largest power of two nothing but address 0 is aligned.
        self.align = match bytes.checked_next_power_of_two() {
            Some(align) => align,
            None => 1 << (usize::BITS - 1),
        };
        self
    }

    /// Takes at most `bytes` in one piece.
    #[must_use]
    pub const fn max_len(mut self, bytes: u32) -> Self {
        self.max_len = bytes;
        self
    }

    /// Refuses append-only regions.
    #[must_use]
    pub const fn immutable_only(mut self) -> Self {
        self.append_only = false;
        self
    }

    /// Checks a descriptor that came under `cap`, and pins its region.
    ///
    /// The descriptor is copied first; what was checked is what is used. The work is bounded, whatever it says.
    ///
    /// # Errors
    ///
    /// One for each check, in the order in which [`DescriptorError`] lists them. The region is as before then.
    #[inline]
    pub fn check(&self, cap: Handle<Cap>, descriptor: &Descriptor) -> Result<View<'t>, DescriptorError> {
        let descriptor = *descriptor;
        let regions = self.regions;
        let slot = regions.slot_of(descriptor.region()).ok_or(DescriptorError::Foreign)?;
        match slot.life.pin() {
            Ok(()) => {}
            Err(PinError::Unused) => return Err(DescriptorError::BadHandle),
            Err(PinError::TooMany) => return Err(DescriptorError::TooManyViews),
            Err(PinError::Contended) => return Err(DescriptorError::Contended),
            // Revoked, and nothing in its place: there is no policy left to look at.
            Err(PinError::Gone) => {
                self.permitted(cap, &descriptor)?;
                return Err(DescriptorError::Stale);
            }
        }
        let pin = Pin(&slot.life);
        let view = self.check_pinned(slot, cap, &descriptor)?;
        // The view has it now.
        core::mem::forget(pin);
        Ok(view)
    }

    /// Returns the region that the capability names: that of the descriptor, but perhaps of another generation.
    #[inline]
    fn permitted(
        &self,
        cap: Handle<Cap>,
        descriptor: &Descriptor,
    ) -> Result<Handle<Region>, DescriptorError> {
        let asked = descriptor.region().index();
        let named = self.access.permits(self.task, cap, asked, self.need).map_err(DescriptorError::Denied)?;
        // Not left to implementations: an answer about another region permits nothing here.
        if named.index() != asked {
            return Err(DescriptorError::Denied(CapError::WrongObject));
        }
        Ok(named)
    }

    /// Makes the checks that look at the region. The caller holds a pin, which a view takes over.
    #[inline]
    fn check_pinned(
        &self,
        slot: &'t Slot,
        cap: Handle<Cap>,
        descriptor: &Descriptor,
    ) -> Result<View<'t>, DescriptorError> {
        // SAFETY: pinned, the caller says.
        let info = unsafe { slot.info() };
        match info.policy {
            Policy::Immutable => {}
            Policy::AppendOnly if self.append_only => {}
            // As far as a descriptor is concerned, there is no region.
            Policy::Reserved => return Err(DescriptorError::BadHandle),
            found => return Err(DescriptorError::WrongPolicy { found }),
        }
        let named = self.permitted(cap, descriptor)?;
        let live = slot.life.generation();
        if descriptor.region().generation() != live || named.generation() != live {
            return Err(DescriptorError::Stale);
        }
        let (offset, length) = (descriptor.offset(), descriptor.length());
        // The low bits of the address of the first byte, which are all that alignment asks for; the sum may wrap.
        let low_bits = info.base.addr().get().wrapping_add((offset & usize::MAX as u64) as usize);
        if low_bits & (self.align - 1) != 0 {
            return Err(DescriptorError::Misaligned { required: self.align });
        }
        let limit = slot.committed.observe() as u64;
        let end = offset.checked_add(u64::from(length));
        let Some(end) = end.filter(|end| *end <= limit) else {
            return Err(DescriptorError::OutOfRange { end: end.unwrap_or(u64::MAX), limit });
        };
        debug_assert!(end <= info.len as u64);
        if length > self.max_len {
            return Err(DescriptorError::TooLong {
                length: u64::from(length),
                limit: u64::from(self.max_len),
            });
        }
        // `offset <= limit`, which came from a usize.
        let (offset, length) = (offset as usize, length as usize);
        // SAFETY: `offset + length` is at most what is committed, which is at most the region's length, so the
        // pointer stays in the region's memory or at its end.
        let bytes = unsafe { info.base.add(offset) };
        // SAFETY:
        // - the pin is handed over, as the caller says it may be;
        // - the bytes are inside the region's memory, which is borrowed for `'m`, and `'m` outlives `'t` because
        //   the table is borrowed for `'t`; the region stays registered while pinned;
        // - they are not written to: an immutable region is borrowed shared, and the one appender of an
        //   append-only region writes only beyond what was committed, which never shrinks while it is registered;
        // - they are initialised: registered as `[u8]`.
        Ok(unsafe { View::new(bytes, length, descriptor.tag(), &slot.life) })
    }
}

/// A pin that is released if a check fails, or if the call that grants access panics.
struct Pin<'t>(&'t SlotState);

impl Drop for Pin<'_> {
    #[inline]
    fn drop(&mut self) {
        self.0.unpin();
    }
}

impl<A, const N: usize> Clone for Validator<'_, '_, '_, A, N> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<A, const N: usize> Copy for Validator<'_, '_, '_, A, N> {}

impl<A, const N: usize> fmt::Debug for Validator<'_, '_, '_, A, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Validator")
            .field("task", &self.task)
            .field("need", &self.need)
            .field("align", &self.align)
            .field("max_len", &self.max_len)
            .field("append_only", &self.append_only)
            .finish_non_exhaustive()
    }
}
