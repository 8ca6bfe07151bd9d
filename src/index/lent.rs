//! What a grant of one of many producers has claimed: to be aborted if the grant is forgotten.

use core::fmt::Debug;

use crate::sync::Pos;

/// Remembers the slots of a grant, or nothing.
pub trait Lent: Default + Debug {
    /// A grant has claimed so many slots, from `at` on.
    fn lend(&mut self, at: Pos, count: usize);
    /// Returns what a grant has claimed and has not given back, and forgets it.
    fn take(&mut self) -> Option<(Pos, usize)>;
}

/// Of an end that is alone: what it has not committed, it has not taken.
impl Lent for () {
    #[inline(always)]
    fn lend(&mut self, _: Pos, _: usize) {}
    #[inline(always)]
    fn take(&mut self) -> Option<(Pos, usize)> {
        None
    }
}

/// Of one of many.
#[cfg(compare_and_swap)]
#[derive(Debug, Default)]
pub struct LentSlots {
    at: Pos,
    /// 0 if there is no grant.
    count: usize,
}

#[cfg(compare_and_swap)]
impl Lent for LentSlots {
    #[inline(always)]
    fn lend(&mut self, at: Pos, count: usize) {
        *self = Self { at, count };
    }
    #[inline(always)]
    fn take(&mut self) -> Option<(Pos, usize)> {
        let Self { at, count } = core::mem::take(self);
        (count > 0).then_some((at, count))
    }
}
