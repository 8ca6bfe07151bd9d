//! The one handle layout: the number of a slot, and the generation of what was in that slot.
//!
//! A handle is only a claim. The table that made it checks both numbers on every use:
//! - The slot. Slots of capability tables and region tables are numbered throughout the process, one table after
//!   another, so a handle of one table names no slot of another one. A table takes its numbers when it gives out its first
//!   handle. Or its owner gives it a number ([`RegionTable::numbered`](crate::region::RegionTable::numbered),
//!   [`CapTable::numbered`](crate::cap::CapTable::numbered)) that no other table of its kind has.
//! - The generation, so that a handle to something that is gone never reaches its successor. Generations rise, and none is
//!   used twice: a slot whose generations are used up is retired. A table takes the free slot that has the most generations
//!   left, so all slots of a table are used up at the same time.
//!
//! Handles are not secrets, and any task can make one up. A made-up handle is checked as any other: a capability, for its
//! holder and its rights.
//!
//! Numbers are counted in one address space. Tables of two processes, or of two kernels, count alike. If their handles can
//! meet, their owners must number them.
//!
//! A value that borrows its table ([`View`](crate::region::View), [`Appender`](crate::region::Appender),
//! [`Slab`](crate::region::Slab), [`Authority`](crate::cap::Authority)) is bound to it by the borrow, and needs no number.
//!
//! ```text
//!   0        4             8
//!   ┌────────┬─────────────┐
//!   │ index  │ generation  │   u32 each; `to_raw` is generation << 32 | index
//!   └────────┴─────────────┘
//! ```
//!
//! # Examples
//!
//! ```
//! use annulet::handle::{Handle, Region};
//!
//! let claimed = Handle::<Region>::new(7, 3);
//! assert_eq!((claimed.index(), claimed.generation()), (7, 3));
//! assert_eq!(Handle::from_raw(claimed.to_raw()), claimed);
//! ```

use core::fmt;
use core::hash::{Hash, Hasher};
use core::marker::PhantomData;

/// The generation of a slot's first tenant. Zero is no generation, so zeroed memory is never a live handle.
pub(crate) const FIRST_GENERATION: u32 = 1;
/// The generation of a slot's last tenant.
pub(crate) const LAST_GENERATION: u32 = if cfg!(annulet_narrow) { u8::MAX as u32 } else { u32::MAX };

/// What a handle names. Sealed: the kinds are this crate's tables.
pub trait Kind: sealed::Sealed {
    /// The kind's name, for messages.
    const NAME: &'static str;
}

mod sealed {
    pub trait Sealed {}
}

macro_rules! kinds {
    ($($(#[$meta:meta])* $kind:ident = $name:literal;)*) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $kind {}
        impl sealed::Sealed for $kind {}
        impl Kind for $kind {
            const NAME: &'static str = $name;
        }
    )*};
}

kinds! {
    /// The kind of handles into a [`RegionTable`](crate::region::RegionTable).
    Region = "region";
    /// The kind of handles into a [`CapTable`](crate::cap::CapTable).
    Cap = "cap";
    /// The kind of handles to a slot of a slab region. Of which slab, [`SlabSlot`](crate::region::SlabSlot) says.
    Slot = "slot";
    /// The kind of handles to a lane of [`Lanes`](crate::ring::Lanes), and its producer.
    Lane = "lane";
}

/// Names something in a table: 8 bytes, the same on every target.
///
/// It can be copied, compared and sent. It is worth nothing until a table has checked it.
#[repr(C)]
pub struct Handle<K: Kind> {
    index: u32,
    generation: u32,
    kind: PhantomData<fn() -> K>,
}

impl<K: Kind> Handle<K> {
    /// Makes a handle as a peer claims it, of any two numbers. The table decides whether they mean anything.
    #[must_use]
    pub const fn new(index: u32, generation: u32) -> Self {
        Self { index, generation, kind: PhantomData }
    }

    /// Returns the number of the slot. For tables of capabilities and of regions, it says the table, too.
    #[must_use]
    pub const fn index(self) -> u32 {
        self.index
    }

    /// Returns which tenant of the slot is meant.
    #[must_use]
    pub const fn generation(self) -> u32 {
        self.generation
    }

    /// Returns both numbers in one: `generation << 32 | index`.
    #[must_use]
    pub const fn to_raw(self) -> u64 {
        (self.generation as u64) << 32 | self.index as u64
    }

    /// Makes the handle of which [`to_raw`](Self::to_raw) returned this number.
    #[must_use]
    pub const fn from_raw(raw: u64) -> Self {
        Self::new((raw & 0xffff_ffff) as u32, (raw >> 32) as u32)
    }
}

// By hand: derives would ask the same of the kind, which is only a name.
impl<K: Kind> Clone for Handle<K> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<K: Kind> Copy for Handle<K> {}
impl<K: Kind> PartialEq for Handle<K> {
    fn eq(&self, other: &Self) -> bool {
        self.to_raw() == other.to_raw()
    }
}
impl<K: Kind> Eq for Handle<K> {}
impl<K: Kind> Hash for Handle<K> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.to_raw().hash(state);
    }
}
impl<K: Kind> fmt::Debug for Handle<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}.{}", K::NAME, self.index, self.generation)
    }
}

const _: () = {
    assert!(size_of::<Handle<Region>>() == 8);
    assert!(align_of::<Handle<Region>>() == 4);
    assert!(core::mem::offset_of!(Handle<Region>, index) == 0);
    assert!(core::mem::offset_of!(Handle<Region>, generation) == 4);
};

#[cfg(all(test, not(loom)))]
mod tests {
    use super::{Cap, Handle, Region};

    #[test]
    fn raw_round_trips_and_shows_itself() {
        let handle = Handle::<Region>::new(7, 3);
        assert_eq!(handle.to_raw(), 3 << 32 | 7);
        assert_eq!(Handle::from_raw(handle.to_raw()), handle);
        assert_eq!(format!("{handle:?}"), "region#7.3");
        assert_eq!(format!("{:?}", Handle::<Cap>::new(0, 1)), "cap#0.1");
    }

    #[test]
    fn a_set_finds_the_handles_that_are_in_it() {
        use core::hash::BuildHasher;
        use std::hash::RandomState;
        let hashes = RandomState::new();
        let hash = |handle: Handle<Region>| hashes.hash_one(handle);
        assert_eq!(hash(Handle::new(7, 3)), hash(Handle::from_raw(3 << 32 | 7)));
        assert!(
            hash(Handle::new(7, 3)) != hash(Handle::new(7, 4))
                && hash(Handle::new(7, 3)) != hash(Handle::new(8, 3))
        );
    }
}
