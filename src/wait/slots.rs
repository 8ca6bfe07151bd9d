//! The tasks that wait for one event: a slot for each, and whose turn it is.
//!
//! `N` slots lie in the event itself. With feature `alloc` there are as many more as tasks wait at once: the task that
//! finds all of them taken allocates a block as large as all that there are, which stays until the event goes. So the
//! number of blocks is small, a signaller never allocates, and a task is as cheap as its slot.
//!
//! ```text
//!   event:  [ N slots ] ──▶ block: [ N slots ] ──▶ block: [ 2 N slots ] ──▶ ...
//!               ▲ next_woken          ▲ next_claimed
//! ```
//!
//! Tasks take slots in the order of their numbers, and signals wake them in that order, both around and around. So tasks
//! have turns: one that waits again is behind all that were there before. Only where a task finds its slot among those
//! of tasks that came earlier, since the others are taken, does it overtake some of them.

use core::fmt;
use core::iter;
use core::mem::ManuallyDrop;

#[cfg(arc)]
use crate::atomic::OnceBox;
use crate::atomic::{RelaxedCount, RelaxedHint, WakerCell};
use crate::sync::{const_fn, is_over};
use crate::zeroed::zeroed;
#[cfg(arc)]
use alloc::boxed::Box;
#[cfg(arc)]
use alloc::vec::Vec;

/// How many times a task that finds all slots taken gets more of them, which others may take before it.
const TRIES: usize = 8;

/// The slots of an event.
#[repr(C)]
pub(super) struct WakerSlots<const N: usize> {
    /// How many wakers there are to be taken, so that a signal that finds none visits no slot.
    armed: RelaxedCount,
    /// The slot after the one that was woken last.
    next_woken: RelaxedHint,
    /// The slot after the one that was claimed last.
    next_claimed: RelaxedHint,
    /// How many times a task found no slot.
    crowded: RelaxedHint,
    inline: [WakerCell; N],
    /// Dropped unless `N` is 0.
    more: ManuallyDrop<More>,
}

impl<const N: usize> Drop for WakerSlots<N> {
    fn drop(&mut self) {
        // See `parts`.
        if N > 0 && !is_over() {
            self.clear();
            // SAFETY: dropped here only, and not used after this.
            unsafe { ManuallyDrop::drop(&mut self.more) };
        }
    }
}

impl<const N: usize> fmt::Debug for WakerSlots<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let asleep = self.armed.get();
        f.debug_struct("WakerSlots")
            .field("asleep", &asleep)
            .field("crowded", &self.crowded())
            .finish_non_exhaustive()
    }
}

impl<const N: usize> WakerSlots<N> {
    const_fn! {
        pub(super) const fn new() -> Self {
            Self {
                armed: RelaxedCount::new(),
                next_woken: RelaxedHint::new(),
                next_claimed: RelaxedHint::new(),
                crowded: RelaxedHint::new(),
                inline: zeroed(),
                more: ManuallyDrop::new(More::new()),
            }
        }
    }

    /// All slots, in the order of their numbers.
    ///
    /// An event without slots of its own has none elsewhere, and its pointer is never followed: it may be one that several
    /// processes share, of which one writes there what it likes.
    fn parts(&self) -> impl Iterator<Item = &[WakerCell]> {
        let more = if N > 0 { Some(self.more.parts()) } else { None };
        iter::once(&self.inline[..]).chain(more.into_iter().flatten())
    }

    /// Each part, with the number of its first slot, and how many of its slots are before `start`.
    fn numbered(&self, start: usize) -> impl Iterator<Item = (usize, &[WakerCell], usize)> {
        self.parts().scan(0_usize, move |next, part| {
            let first = *next;
            *next += part.len();
            Some((first, part, start.saturating_sub(first).min(part.len())))
        })
    }

    /// Every slot with its number, once, from `start` on and around. What is before `start` costs one step for each part.
    fn from(&self, start: u32) -> impl Iterator<Item = (u32, &WakerCell)> {
        let start = start as usize;
        let after = self
            .numbered(start)
            .filter_map(|(first, part, before)| Some((first + before, part.get(before..)?)));
        let before =
            self.numbered(start).filter_map(|(first, part, before)| Some((first, part.get(..before)?)));
        #[allow(clippy::cast_possible_truncation)] // there is no memory for more slots than that
        after.chain(before).flat_map(|(first, part)| (first as u32..).zip(part))
    }

    /// Claims a slot. Returns `None` if all are taken, and there can be no more.
    pub(super) fn claim(&self) -> Option<u32> {
        if N > 0 {
            for _ in 0..TRIES {
                for (number, slot) in self.from(self.next_claimed.get()) {
                    if slot.claim() {
                        self.next_claimed.set(number.wrapping_add(1));
                        return Some(number);
                    }
                }
                if !self.more.grow(N) {
                    break;
                }
            }
        }
        self.crowded.add();
        None
    }

    /// Returns how many times a task found no slot, modulo 2^32.
    pub(super) fn crowded(&self) -> u32 {
        self.crowded.get()
    }

    /// A waker is about to be left. Before the fence of the task.
    pub(super) fn arming(&self) {
        self.armed.add();
    }

    /// A waker was not left after all, or was taken back.
    pub(super) fn disarmed(&self) {
        // A signaller that reads the number as it was visits slots for nothing.
        self.armed.sub();
    }

    /// Wakes up to `count` tasks. Returns how many.
    pub(super) fn wake(&self, count: u32) -> u32 {
        // A task that is not seen here has a fence still to pass, and then sees what was signalled.
        if count == 0 || self.armed.get() == 0 {
            return 0;
        }
        let mut round = Round { slots: self, left: count, done: false };
        round.go();
        count - round.left
    }

    /// Drops the wakers of tasks that were forgotten, by exclusive access.
    pub(super) fn clear(&mut self) {
        self.from(0).for_each(|(_, slot)| drop(slot.take_back()));
    }

    pub(super) fn slot(&self, number: Option<u32>) -> Option<&WakerCell> {
        let mut number = number? as usize;
        for part in self.parts() {
            match part.get(number) {
                None => number -= part.len(),
                found => return found,
            }
        }
        None
    }
}

/// A signal on its way around the slots. If a waker panics, it goes around once more when this is dropped, and wakes another
/// task for that one.
struct Round<'t, const N: usize> {
    slots: &'t WakerSlots<N>,
    /// How many are still to be woken.
    left: u32,
    /// No waker has panicked.
    done: bool,
}

impl<const N: usize> Round<'_, N> {
    fn go(&mut self) {
        let slots = self.slots;
        for (number, slot) in slots.from(slots.next_woken.get()) {
            if self.left == 0 || slots.armed.get() == 0 {
                break;
            }
            self.left -= u32::from(slot.wake(|| {
                slots.disarmed();
                slots.next_woken.set(number.wrapping_add(1));
            }));
        }
        self.done = true;
    }
}

impl<const N: usize> Drop for Round<'_, N> {
    fn drop(&mut self) {
        if !self.done && !is_over() {
            self.go();
        }
    }
}

/// More slots than lie in the event.
#[cfg(arc)]
struct More(OnceBox<Block>);

/// As many slots as there were before it.
#[cfg(arc)]
struct Block {
    slots: Vec<WakerCell>,
    more: More,
}

#[cfg(arc)]
impl More {
    const_fn! {
        const fn new() -> Self {
            Self(OnceBox::new())
        }
    }

    fn blocks(&self) -> impl Iterator<Item = &Block> {
        iter::successors(self.0.get(), |block| block.more.0.get())
    }

    fn parts(&self) -> impl Iterator<Item = &[WakerCell]> {
        self.blocks().map(|block| &block.slots[..])
    }

    /// Adds a block, or sees that another task has. Returns false if there is no memory for it.
    fn grow(&self, inline: usize) -> bool {
        let (last, count) =
            self.blocks().fold((self, inline), |(_, count), block| (&block.more, count + block.slots.len()));
        let Some(block) = Block::of(count) else { return false };
        // Another task may have been faster: its block does as well.
        drop(last.0.fill(block));
        true
    }
}

#[cfg(arc)]
impl Block {
    /// `None` if there is no memory for it.
    fn of(count: usize) -> Option<Box<Self>> {
        let mut slots = Vec::new();
        slots.try_reserve_exact(count).ok()?;
        slots.resize_with(count, zeroed);
        crate::atomic::try_box(Self { slots, more: More::new() })
    }
}

/// There is no allocator: there are no more slots than lie in the event.
#[cfg(not(arc))]
struct More;

#[cfg(not(arc))]
impl More {
    const fn new() -> Self {
        Self
    }
    fn parts(&self) -> impl Iterator<Item = &[WakerCell]> {
        iter::empty()
    }
    fn grow(&self, _: usize) -> bool {
        false
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    /// From wherever it begins, a walk comes to each slot once, in order and around.
    #[test]
    fn d19_a_walk_comes_to_each_slot_once() {
        let slots = WakerSlots::<3>::new();
        let claimed: alloc::vec::Vec<_> = (0..20).map_while(|_| slots.claim()).collect();
        let count = u32::try_from(slots.from(0).count()).unwrap();
        assert!(claimed.iter().copied().eq(0..if cfg!(feature = "alloc") { 20 } else { 3 }));
        for start in 0..count + 2 {
            let begin = if start < count { start } else { 0 };
            assert!(
                slots.from(start).map(|(number, _)| number).eq((begin..count).chain(0..begin)),
                "from {start}"
            );
            assert!(
                slots
                    .from(start)
                    .all(|(number, slot)| core::ptr::eq(slot, slots.slot(Some(number)).unwrap()))
            );
        }
    }
}
