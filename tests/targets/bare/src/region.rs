//! `RegionTable`, `Validator`, `View`, `Appender`, `Slab`, chains.

use annulet::cap::{CapTable, Object, Rights, Task};
use annulet::handle::{Cap, Handle, Region, Slot};
use annulet::region::{ChainLimit, ChainLink, Descriptor, RegionTable, SlabSlot, Validator};

const N: usize = 4;

/// A table with memory of every kind in it, and capabilities for them.
pub struct Tables<'m> {
    regions: RegionTable<'m, N>,
    caps: CapTable<N>,
    bytes: &'m [u8],
}

pub fn run() {
    let (bytes, mut log, mut area) = ([7; 64], [0; 64], [0; 128]);
    let mut tables = Tables { regions: RegionTable::new(), caps: CapTable::new(), bytes: &bytes };
    let _ = tables.regions.register_append_only(&mut log);
    let _ = tables.regions.register_slab(&mut area, 24);
    all(&mut tables);
}

fn region(a: usize, b: usize) -> Handle<Region> {
    Handle::new(a as u32, b as u32)
}

fn cap(a: usize, b: usize) -> Handle<Cap> {
    Handle::new(b as u32, a as u32)
}

ops! {
    all['m] Tables<'m>:
    register(tables, a, b) {
        let bytes = tables.bytes.get(..a).unwrap_or_default();
        tables.regions.register_immutable(bytes).map_or(b, |region| region.index() as usize)
    }
    reserve(tables, _, b) {
        tables.regions.reserve(tables.bytes).map_or(b, |region| region.generation() as usize)
    }
    revoke(tables, a, b) { usize::from(tables.regions.revoke(region(a, b)).is_ok()) }
    info(tables, a, b) { tables.regions.info(region(a, b)).map_or(0, |info| info.len + info.committed) }
    append(tables, a, b) {
        let Ok(mut appender) = tables.regions.appender(region(a, b)) else { return 0 };
        let bytes = tables.bytes.get(..b).unwrap_or_default();
        appender.append(bytes).map_or(appender.left(), |at| at as usize) + appender.committed() as usize
    }
    slab(tables, a, b) {
        let Ok(mut slab) = tables.regions.slab(region(a, b)) else { return 0 };
        let forged = SlabSlot::new(region(a, b), Handle::<Slot>::new(b as u32, a as u32));
        let slot = slab.alloc().unwrap_or(forged);
        let seen = slab.bytes(slot).map_or(0, |bytes| {
            bytes.fill(a as u8);
            bytes.len()
        });
        let freed = slab.free(slot).is_ok() && slab.free(forged).is_ok();
        let named = slot.slab().index() as usize + slot.slot().index() as usize;
        seen + usize::from(freed) + slab.capacity() + slab.in_use() + slab.slot_size() + slab.retired() + named
    }
    check(tables, a, b) {
        let validator = Validator::new(&tables.regions, &tables.caps, Task(a as u32))
            .need(Rights::from_bits_truncate(b as u32))
            .align(a)
            .max_len(b as u32);
        let Ok(descriptor) = Descriptor::new(region(a, b), b as u64, a, b as u32) else { return 0 };
        validator.check(cap(a, b), &descriptor).map_or(0, |view| view.iter().map(|byte| *byte as usize).sum())
    }
    view_clone(tables, a, b) {
        let validator = Validator::new(&tables.regions, &tables.caps, Task(a as u32)).immutable_only();
        let Ok(descriptor) = Descriptor::new(region(a, b), a as u64, b, 0) else { return 0 };
        let Ok(view) = validator.check(cap(a, b), &descriptor) else { return 0 };
        view.try_clone().map_or(0, |twin| twin.len() + twin.tag() as usize) + view.bytes().len()
    }
    chain(tables, a, b) {
        let validator = Validator::new(&tables.regions, &tables.caps, Task(a as u32));
        let limit = ChainLimit { links: b, bytes: a as u64 };
        let links = validator.check_chain(a as u32, limit, |number| {
            let descriptor = Descriptor::new(region(a, b), number.into(), b, 0).ok()?;
            Some(ChainLink { descriptor, cap: cap(a, b), next: number.checked_add(1) })
        });
        links.map(|view| view.map_or(0, |view| view.len())).sum()
    }
    descriptor(_, a, b) {
        let Ok(descriptor) = Descriptor::new(region(a, b), a as u64, b, 0) else { return b };
        let mut bytes = descriptor.to_bytes();
        if let Some(byte) = bytes.get_mut(a) {
            *byte = b as u8;
        }
        let seen = Descriptor::from_bytes(&bytes);
        seen.length() as usize ^ seen.offset() as usize ^ seen.tag() as usize ^ seen.region().index() as usize
    }
    mint(tables, a, b) {
        let object = Object::Region(region(a, b));
        tables.caps.mint(Task(a as u32), object, Rights::READ, b as u64).map_or(0, |cap| cap.index() as usize)
    }
    numbered(tables, a, b) {
        tables.regions = RegionTable::numbered(a as u16);
        b
    }
    // Memory that comes back is tried again, as another kind of region.
    refused(_, a, b) {
        let mut memory = [0; 32];
        let (full, regions) = (RegionTable::<0>::new(), RegionTable::<1>::new());
        let Err(refused) = full.register_append_only(&mut memory) else { return a };
        regions.register_slab(refused.memory, a).map_or_else(|refused| refused.memory.len(), |_| b)
    }
    retired(tables, _, _) { tables.regions.retired() }
}
