//! The stamps of a ring whose capacity is chosen when it is made.

use alloc::vec::Vec;
use core::ptr::NonNull;

use crate::atomic::Stamp;
use crate::cpu::CachePadded;
use crate::span::Counter as _;
use crate::sync::Pos;
use crate::zeroed::zeroed;

/// As many stamps as a cache line has room for, so that the lines of a slice lie without a gap.
const PER_LINE: usize = {
    let (line, stamp) = (align_of::<CachePadded<Stamp>>(), size_of::<Stamp>());
    if line > stamp { line / stamp } else { 1 }
};

type Line = CachePadded<[Stamp; PER_LINE]>;

const _: () = assert!(
    size_of::<Line>() == PER_LINE * size_of::<Stamp>(),
    "there is no gap between the stamps of two lines"
);

/// Stamps on the heap, on lines of their own.
#[derive(Debug)]
pub struct HeapStamps(Vec<Line>);

impl HeapStamps {
    /// Makes at least `count` stamps, which say what zero says. Returns `None` if there is no memory for them.
    pub(super) fn try_new(count: usize) -> Option<Self> {
        let mut lines = Vec::new();
        let wanted = count.div_ceil(PER_LINE);
        lines.try_reserve_exact(wanted).ok()?;
        lines.resize_with(wanted, || CachePadded(zeroed()));
        Some(Self(lines))
    }

    /// As if the positions before `origin` had come and gone, in a ring of that capacity.
    pub(super) fn start_at(&mut self, capacity: usize, origin: Pos) {
        for ahead in 0..capacity {
            let at = origin.plus(ahead);
            let slot = at.slot(capacity.wrapping_sub(1));
            if let Some(stamp) = self.0.iter_mut().flat_map(|line| &mut line.0).nth(slot) {
                stamp.set(at.lap(capacity.wrapping_sub(1)));
            }
        }
    }

    /// Returns a pointer to the first one, from which all of them can be reached.
    pub(super) fn ptr(&self) -> NonNull<Stamp> {
        NonNull::from(self.0.as_slice()).cast()
    }
}
