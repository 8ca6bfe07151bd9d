//! Views: bytes that were checked.

use core::fmt;
use core::ops::Deref;
use core::ptr::NonNull;

use super::DescriptorError;
use crate::atomic::{PinError, SlotState};

/// Bytes of a region, checked and pinned: as long as the view lives, they neither move nor change.
///
/// Only [`Validator::check`](super::Validator::check) makes one. It derefs to the bytes. Dropping it unpins the region. A view
/// that is forgotten keeps its region from ever being revoked.
#[must_use = "a view pins its region until it is dropped"]
pub struct View<'t> {
    bytes: NonNull<u8>,
    len: usize,
    tag: u32,
    life: &'t SlotState,
}

// SAFETY: a view is a shared reference to bytes that are not written while it lives, and an atomic count.
unsafe impl Send for View<'_> {}
// SAFETY: as above.
unsafe impl Sync for View<'_> {}

impl<'t> View<'t> {
    /// # Safety
    /// - The caller holds a pin of `life`, and hands it over.
    /// - `bytes` is readable for `len` bytes, which are initialised, for as long as that pin is held, and nobody
    ///   writes to them in that time.
    pub(super) unsafe fn new(bytes: NonNull<u8>, len: usize, tag: u32, life: &'t SlotState) -> Self {
        Self { bytes, len, tag, life }
    }

    /// Returns the bytes.
    #[must_use]
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: readable, initialised and not written to while the pin is held, by the promise to `new`; the
        // slice borrows the view, which holds the pin. The length is that of a part of one region, so at most
        // `isize::MAX`.
        unsafe { core::slice::from_raw_parts(self.bytes.as_ptr(), self.len) }
    }

    /// Returns the sender's tag, unchecked.
    #[must_use]
    pub const fn tag(&self) -> u32 {
        self.tag
    }

    /// Makes another view of the same bytes.
    ///
    /// # Errors
    ///
    /// [`DescriptorError::TooManyViews`], [`DescriptorError::Contended`].
    pub fn try_clone(&self) -> Result<View<'t>, DescriptorError> {
        match self.life.clone_pin() {
            // SAFETY: this view's promises hold for the new one: the pin is its own, the bytes are the same.
            Ok(()) => Ok(unsafe { View::new(self.bytes, self.len, self.tag, self.life) }),
            Err(PinError::TooMany) => Err(DescriptorError::TooManyViews),
            Err(PinError::Contended) => Err(DescriptorError::Contended),
            // Not while this view is inside; said rather than assumed.
            Err(PinError::Unused | PinError::Gone) => Err(DescriptorError::Stale),
        }
    }
}

impl Deref for View<'_> {
    type Target = [u8];
    #[inline]
    fn deref(&self) -> &[u8] {
        self.bytes()
    }
}

impl AsRef<[u8]> for View<'_> {
    fn as_ref(&self) -> &[u8] {
        self.bytes()
    }
}

impl Drop for View<'_> {
    #[inline]
    fn drop(&mut self) {
        self.life.unpin();
    }
}

impl fmt::Debug for View<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View").field("len", &self.len).field("tag", &self.tag).finish()
    }
}
