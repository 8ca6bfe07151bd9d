//! The one writer of an append-only region.

use core::fmt;
use core::ptr;

use super::table::{Info, RegionTable, Slot};
use super::{Policy, RegionError};
use crate::handle::{Handle, Region};

/// Appends to an append-only region. There is one at a time. Bytes that it has committed never change again.
///
/// # Examples
///
/// ```
/// use annulet::region::{RegionError, RegionTable};
///
/// let mut log = [0; 8];
/// let regions = RegionTable::<1>::new();
/// let region = regions.register_append_only(&mut log).unwrap();
/// let mut appender = regions.appender(region).unwrap();
/// assert_eq!(appender.append(b"hello"), Ok(0));
/// assert_eq!(appender.append(b"you"), Ok(5));
/// assert_eq!(appender.append(b"!"), Err(RegionError::RegionFull { left: 0 }));
/// ```
#[must_use]
pub struct Appender<'t> {
    slot: &'t Slot,
    info: Info,
}

// SAFETY: the appender is the only one that writes to the region's memory beyond what is committed, which is
// borrowed exclusively for longer than it lives; bytes can be written from any thread.
unsafe impl Send for Appender<'_> {}

impl<const N: usize> RegionTable<'_, N> {
    /// Returns the region's one appender. Dropping it gives it back.
    ///
    /// # Errors
    ///
    /// [`InUse`](RegionError::InUse) while it is in use; [`WrongPolicy`](RegionError::WrongPolicy),
    /// [`Foreign`](RegionError::Foreign), [`BadHandle`](RegionError::BadHandle), [`Stale`](RegionError::Stale),
    /// [`Contended`](RegionError::Contended).
    pub fn appender(&self, region: Handle<Region>) -> Result<Appender<'_>, RegionError> {
        let (slot, info) = self.enter_as_writer(region, Policy::AppendOnly)?;
        Ok(Appender { slot, info })
    }
}

impl Appender<'_> {
    /// Copies `bytes` behind the committed part, and commits them. Returns their offset, in bytes.
    ///
    /// # Errors
    ///
    /// [`RegionFull`](RegionError::RegionFull) if they do not fit. Nothing was appended then.
    pub fn append(&mut self, bytes: &[u8]) -> Result<u64, RegionError> {
        let at = self.slot.committed.own();
        let left = self.info.len.saturating_sub(at);
        if bytes.len() > left {
            return Err(RegionError::RegionFull { left });
        }
        // SAFETY: `at + bytes.len()` is at most the region's length, so the pointer stays in its memory.
        let to = unsafe { self.info.base.add(at) };
        // SAFETY:
        // - readable: a slice; writable: the region's memory is borrowed exclusively, and stays registered under
        //   this appender's pin;
        // - nothing else touches what is beyond the committed length: this is the one writer, and views end there;
        // - so a slice of this region, which only a view can give, ends before `to`, and the two do not overlap.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), to.as_ptr(), bytes.len()) };
        self.slot.committed.commit(at + bytes.len());
        Ok(at as u64)
    }

    /// Returns how many bytes are committed.
    #[must_use]
    pub fn committed(&self) -> u64 {
        self.slot.committed.own() as u64
    }

    /// Returns how many bytes can still be appended.
    #[must_use]
    pub fn left(&self) -> usize {
        self.info.len.saturating_sub(self.slot.committed.own())
    }
}

impl Drop for Appender<'_> {
    fn drop(&mut self) {
        // First the bit: the pin keeps the slot from being refilled under it.
        self.slot.writer.give_back(1);
        self.slot.life.unpin();
    }
}

impl fmt::Debug for Appender<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Appender").field("committed", &self.committed()).field("left", &self.left()).finish()
    }
}
