//! Descriptors, regions and views: the cases B and C of the catalogue.
//!
//! - `descriptors`: what a sender may claim, and the one error for each claim that is false;
//! - `order`: which error it is when several apply;
//! - `chains`: messages of several descriptors;
//! - `policies`: immutable, append-only, slab and reserved memory;
//! - `tenants`: what comes after what in a slot of the table;
//! - `stress`: all of it at once, from several threads.
#![cfg(not(loom))]
// In a test, `pub` says: for the other modules.
#![allow(unreachable_pub)]

#[path = "../common/over.rs"]
mod over;

mod chains;
mod descriptors;
mod order;
mod policies;
mod stress;
mod tenants;

use annulet::cap::{CapTable, Object, Rights, Task};
use annulet::handle::{Cap, Handle, Kind, Region};
use annulet::region::{Descriptor, DescriptorError, RegionTable, Validator, View};

/// The task that receives.
const ME: Task = Task(1);

/// The most views of a region.
const MOST_VIEWS: usize = if cfg!(annulet_narrow) { 255 } else { (1 << 29) - 1 };

/// One side's tables.
struct Tables<'m> {
    regions: RegionTable<'m, 4>,
    caps: CapTable<16>,
}

impl<'m> Tables<'m> {
    fn new() -> Self {
        Self { regions: RegionTable::numbered(0), caps: CapTable::numbered(0) }
    }

    /// A capability of mine to read a region.
    fn readable(&mut self, region: Handle<Region>) -> Handle<Cap> {
        self.caps.mint(ME, Object::Region(region), Rights::READ, 0).unwrap()
    }

    /// An immutable region of these bytes, and a capability of mine to read it.
    fn immutable(&mut self, bytes: &'m [u8]) -> (Handle<Region>, Handle<Cap>) {
        let region = self.regions.register_immutable(bytes).unwrap();
        (region, self.readable(region))
    }

    fn validator(&self) -> Validator<'_, 'm, '_, CapTable<16>, 4> {
        Validator::new(&self.regions, &self.caps, ME)
    }

    fn check(&self, cap: Handle<Cap>, descriptor: &Descriptor) -> Result<View<'_>, DescriptorError> {
        self.validator().check(cap, descriptor)
    }
}

/// The handle to a slot of a table that its holder numbered 0.
fn at<K: Kind>(slot: u32, generation: u32) -> Handle<K> {
    Handle::new((1u32 << 31).wrapping_add(slot), generation)
}

fn descriptor(region: Handle<Region>, offset: u64, length: usize) -> Descriptor {
    Descriptor::new(region, offset, length, 0).unwrap()
}

/// `0, 1, 2, ...`, wrapping: a slice of it says where it was cut.
fn counting(len: usize) -> Vec<u8> {
    (0..len).map(|i| i as u8).collect()
}
