//! What one side of a link writes.

use core::fmt;

use super::index_word;
use crate::shadow::Shadow;
use crate::sync::{AtomicU32, const_fn};
use crate::words::{Entry, Image, ReadWords, SharedWord, WordCount, WriteWords};
use crate::zeroed::zeroed;

/// Words from one shared line to the next: 128 bytes on every target, since both sides must agree.
pub(crate) const LINE: usize = if cfg!(loom) { 1 } else { 32 };
/// The word of my tail: how many entries I have sent.
pub(crate) const TAIL: usize = 0;
/// The word of my head: how many of the peer's entries I have taken.
pub(crate) const HEAD: usize = LINE;
/// The word in which I ask for notifications. A link itself never waits; its caller may.
pub(crate) const WAKE: usize = 2 * LINE;
/// The first word of my slots.
pub(crate) const SLOTS: usize = 3 * LINE;

/// What one side of a link writes, and the other side only reads: `N` slots of `E`, and three words on lines of
/// their own.
///
/// `N` is a power of two. All-zero memory is a window through which nothing was sent. The layout is the same on every target
/// (words of 32 bits, little-endian), so that it can cross a process or a kernel boundary:
///
/// ```text
///   word  0       32      64      96
///         ┌───────┬───────┬───────┬──────────────────────────┐
///         │ tail  │ head  │ wake  │ N slots of E::Image      │
///         └───────┴───────┴───────┴──────────────────────────┘
///           sent    taken   asks for notifications
/// ```
///
/// [`Link`](super::Link) has an example.
#[repr(C, align(128))]
pub struct Window<E: Entry, const N: usize> {
    tail: [AtomicU32; LINE],
    head: [AtomicU32; LINE],
    wake: [AtomicU32; LINE],
    slots: [<E::Image as Image>::Atomics; N],
    /// For loom, each entry is memory that is written and read, and that the positions hand over.
    shadow: Shadow<N>,
}

impl<E: Entry, const N: usize> Window<E, N> {
    pub(super) const CHECKED: () = {
        assert!(
            N.is_power_of_two(),
            "capacity must be a power of two; `usize::next_power_of_two` rounds one up"
        );
        assert!(N as u64 <= (index_word::MAX_POSITION as u64 >> 1) + 1, "capacity is too large");
        assert!(<E::Image as Image>::WORDS > 0, "an entry of a link has at least one word");
        // Then no word's number, and no byte's, overflows.
        assert!(
            <E::Image as Image>::WORDS <= (isize::MAX as usize / 4 - SLOTS) / N,
            "the slots are too large"
        );
        // `words` stands on this. Images are sealed, so it holds.
        assert!(
            size_of::<<E::Image as Image>::Atomics>() == <E::Image as Image>::WORDS * size_of::<AtomicU32>()
                && align_of::<<E::Image as Image>::Atomics>() == align_of::<AtomicU32>(),
            "an image is its words"
        );
    };

    /// Bytes from the start of the window to the end of its last slot.
    pub const BYTES: usize = <Self as WordCount>::WORDS * 4;

    const_fn! {
        /// Makes a window through which nothing was sent.
        #[must_use]
        pub const fn new() -> Self {
            let () = Self::CHECKED;
            Self { tail: zeroed(), head: zeroed(), wake: zeroed(), slots: zeroed(), shadow: Shadow::new() }
        }
    }

    #[inline(always)]
    fn words(&self) -> &[AtomicU32] {
        let () = Self::CHECKED;
        // SAFETY:
        // - `Window` is `repr(C)`. It begins with three lines of `AtomicU32`s, and N images follow, each with the size of W of
        //   them and the alignment of one (`CHECKED`). So there is no padding before the end of the last image.
        // - An image is made of `AtomicU32`s only: it is one, or an array or a `repr(C)` pair of images. Its size is that of W
        //   of them, so it has no padding. So the first `WORDS` words are that many consecutive `AtomicU32`s, all initialised.
        // - They are in one value, whose size is at most `isize::MAX`, and `self` may be used to read all of it.
        // - The reference borrows the window for as long as the slice lives. Through either, the words change only atomically.
        unsafe { core::slice::from_raw_parts(core::ptr::from_ref(self).cast(), <Self as WordCount>::WORDS) }
    }
}

impl<E: Entry, const N: usize> Window<E, N> {
    /// Returns the slot that a word belongs to.
    fn slot_of(&self, at: usize) -> Option<usize> {
        let slot = at.checked_sub(SLOTS)? / <E::Image as Image>::WORDS;
        (slot < N).then_some(slot)
    }
}

impl<E: Entry, const N: usize> WordCount for Window<E, N> {
    const WORDS: usize = SLOTS + N * <E::Image as Image>::WORDS;
}

impl<E: Entry, const N: usize> Default for Window<E, N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<E: Entry, const N: usize> ReadWords for Window<E, N> {
    #[inline(always)]
    fn read(&self, at: usize) -> u32 {
        // Outside of the models there is nothing behind it.
        if let Some(slot) = self.slot_of(at).filter(|_| cfg!(loom)) {
            self.shadow.read(slot);
        }
        self.words().get(at).map_or(0, SharedWord::get)
    }
    #[inline(always)]
    fn observe(&self, at: usize) -> u32 {
        self.words().get(at).map_or(0, SharedWord::acquire)
    }
}

impl<E: Entry, const N: usize> WriteWords for Window<E, N> {
    #[inline(always)]
    fn write(&self, at: usize, value: u32) {
        // Outside of the models there is nothing behind it.
        if let Some(slot) = self.slot_of(at).filter(|_| cfg!(loom)) {
            self.shadow.write(slot);
        }
        if let Some(word) = self.words().get(at) {
            word.set(value);
        }
    }
    #[inline(always)]
    fn publish(&self, at: usize, value: u32) {
        if let Some(word) = self.words().get(at) {
            word.release(value);
        }
    }
}

impl<E: Entry, const N: usize> fmt::Debug for Window<E, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A snapshot of its words, unchecked.
        f.debug_struct("Window")
            .field("tail", &self.read(TAIL))
            .field("head", &self.read(HEAD))
            .field("capacity", &N)
            .finish()
    }
}

#[cfg(not(loom))]
const _: () = {
    use core::mem::{offset_of, size_of};
    type W = Window<[u32; 8], 4>;
    assert!(offset_of!(W, tail) == 4 * TAIL);
    assert!(offset_of!(W, head) == 4 * HEAD);
    assert!(offset_of!(W, wake) == 4 * WAKE);
    assert!(offset_of!(W, slots) == 4 * SLOTS);
    assert!(size_of::<W>() >= W::BYTES && W::BYTES == 4 * (SLOTS + 32));
    // The layout does not depend on the target.
    assert!(size_of::<AtomicU32>() == 4 && align_of::<W>() == 128);
    assert!(size_of::<Window<[u32; 3], 1>>() >= Window::<[u32; 3], 1>::BYTES);
};
