//! Immutable, append-only, slab and reserved memory.

use std::collections::HashMap;
use std::mem;

use annulet::Spsc;
use annulet::handle::{Handle, Region, Slot};
use annulet::link::Window;
use annulet::region::{
    Appender, DescriptorError, Policy, RegionError, RegionInfo, RegionTable, RegisterError, Slab, SlabSlot,
    Validator, View,
};
use proptest::collection::vec;
use proptest::prelude::*;
use static_assertions::{assert_impl_all, assert_not_impl_any};

use crate::{Tables, counting, descriptor};

assert_impl_all!(RegionTable<'static, 4>: Send, Sync);
assert_impl_all!(Validator<'static, 'static, 'static, annulet::cap::CapTable<4>, 4>: Send, Sync, Copy);
assert_impl_all!(View<'static>: Send, Sync);
assert_impl_all!(Appender<'static>: Send);
assert_impl_all!(Slab<'static>: Send);
// Cloning a view can fail, and two writers are two too many.
assert_not_impl_any!(View<'static>: Clone, Copy);
assert_not_impl_any!(Appender<'static>: Clone, Copy);
assert_not_impl_any!(Slab<'static>: Clone, Copy);

fn info(regions: &RegionTable<'_, 4>, region: Handle<Region>) -> (Policy, usize, usize) {
    let RegionInfo { policy, len, committed, .. } = regions.info(region).unwrap();
    (policy, len, committed)
}

#[test]
fn rv22_an_immutable_region_is_all_there_from_the_start() {
    let bytes = counting(300);
    let mut tables = Tables::new();
    let (region, cap) = tables.immutable(&bytes);
    assert_eq!(info(&tables.regions, region), (Policy::Immutable, 300, 300));
    assert_eq!(*tables.check(cap, &descriptor(region, 0, 300)).unwrap(), *bytes);
    let wrong = RegionError::WrongPolicy { found: Policy::Immutable };
    assert_eq!(tables.regions.appender(region).unwrap_err(), wrong);
    assert_eq!(tables.regions.slab(region).unwrap_err(), wrong);
    assert_eq!(tables.regions.register_immutable(&[]), Err(RegionError::Empty));
    assert_eq!(tables.regions.register_append_only(&mut []).unwrap_err().why, RegionError::Empty);
    assert_eq!(tables.regions.revoke(region), Ok(()), "what was refused is not inside");
}

/// What is bounded by the capacity alone may change after it was validated.
#[test]
fn b05_rv08_an_append_only_region_ends_where_it_is_committed() {
    let mut memory = [0xee; 16];
    let mut tables = Tables::new();
    let region = tables.regions.register_append_only(&mut memory).unwrap();
    let cap = tables.readable(region);
    let mut appender = tables.regions.appender(region).unwrap();
    let mut kept = Vec::new();
    let step = if cfg!(miri) { 3 } else { 1 };
    for committed in 0..=16 {
        assert_eq!((appender.committed(), appender.left()), (committed, 16 - committed as usize));
        for offset in (0..=17).step_by(step) {
            for length in (0..=17).step_by(step) {
                let (result, end) =
                    (tables.check(cap, &descriptor(region, offset, length)), offset + length as u64);
                if end <= committed {
                    assert!(result.unwrap().iter().zip(offset..).all(|(byte, at)| *byte == at as u8));
                } else {
                    assert_eq!(result.unwrap_err(), DescriptorError::OutOfRange { end, limit: committed });
                }
            }
        }
        kept.push(tables.check(cap, &descriptor(region, 0, committed as usize)).unwrap());
        if committed < 16 {
            assert_eq!(appender.append(&[committed as u8]), Ok(committed));
        }
    }
    // What was seen early did not change.
    for (len, view) in kept.iter().enumerate() {
        assert_eq!(**view, counting(16)[..len]);
    }
}

#[test]
fn rv22_an_append_that_does_not_fit_appends_nothing() {
    let mut memory = [0xee; 8];
    let mut tables = Tables::new();
    let region = tables.regions.register_append_only(&mut memory).unwrap();
    let cap = tables.readable(region);
    let mut appender = tables.regions.appender(region).unwrap();
    assert_eq!(appender.append(&[1; 5]), Ok(0));
    assert_eq!(appender.append(&[2; 4]), Err(RegionError::RegionFull { left: 3 }));
    assert_eq!(appender.append(&[2; 1000]), Err(RegionError::RegionFull { left: 3 }));
    assert_eq!(appender.append(&[]), Ok(5));
    assert_eq!(info(&tables.regions, region), (Policy::AppendOnly, 8, 5));
    assert_eq!(appender.append(&[3; 3]), Ok(5));
    assert_eq!(appender.append(&[4]), Err(RegionError::RegionFull { left: 0 }));
    assert_eq!(appender.append(&[]), Ok(8));
    assert_eq!(*tables.check(cap, &descriptor(region, 0, 8)).unwrap(), [1, 1, 1, 1, 1, 3, 3, 3]);
    assert!(format!("{appender:?}").contains("committed: 8"));
}

/// A view of the region is the one way to have its bytes in hand while appending to it.
#[test]
fn an_appender_copies_from_its_own_region() {
    let mut memory = [0; 64];
    let mut tables = Tables::new();
    let region = tables.regions.register_append_only(&mut memory).unwrap();
    let cap = tables.readable(region);
    let mut appender = tables.regions.appender(region).unwrap();
    appender.append(b"ab").unwrap();
    while appender.left() > 0 {
        let len = appender.committed() as usize;
        let all = tables.check(cap, &descriptor(region, 0, len)).unwrap();
        assert_eq!(appender.append(&all), Ok(len as u64));
        assert_eq!(all.len(), len);
    }
    assert_eq!(*tables.check(cap, &descriptor(region, 0, 64)).unwrap(), *b"ab".repeat(32));
}

/// Overlapping descriptors, one to write and one to read: the right to write is there once, and what it can still
/// write to is not readable.
#[test]
fn b09_the_right_to_write_is_given_once() {
    let (mut log, mut slab) = ([0; 16], [0; 64]);
    let mut tables = Tables::new();
    let log = tables.regions.register_append_only(&mut log).unwrap();
    let slab = tables.regions.register_slab(&mut slab, 8).unwrap();
    let cap = tables.readable(log);
    let regions = &tables.regions;
    let mut appender = regions.appender(log).unwrap();
    let holder = regions.slab(slab).unwrap();
    for _ in 0..3 {
        assert_eq!(regions.appender(log).unwrap_err(), RegionError::InUse(1));
        assert_eq!(regions.slab(slab).unwrap_err(), RegionError::InUse(1));
    }
    appender.append(&[1; 4]).unwrap();
    let overlapping = tables.check(cap, &descriptor(log, 2, 4)).unwrap_err();
    assert_eq!(overlapping, DescriptorError::OutOfRange { end: 6, limit: 4 });
    // The writer goes on where the one before it stopped; the readers of then stay.
    let view = tables.check(cap, &descriptor(log, 0, 4)).unwrap();
    drop(appender);
    let mut appender = regions.appender(log).unwrap();
    assert_eq!(appender.append(&[2; 2]), Ok(4));
    assert_eq!(*view, [1; 4]);
    // While somebody writes, or reads, the region stays.
    assert_eq!(regions.revoke(log), Err(RegionError::InUse(2)));
    assert_eq!(regions.appender(log).unwrap_err(), RegionError::Stale, "closed");
    assert_eq!(appender.append(&[3; 2]), Ok(6), "but whoever is inside goes on");
    drop((appender, view));
    assert_eq!(regions.revoke(log), Ok(()));
    assert_eq!(regions.revoke(slab), Err(RegionError::InUse(1)));
    drop(holder);
    assert_eq!(regions.revoke(slab), Ok(()));
}

/// Nothing is registered over anything else, the rings and tables themselves above all: every run of bytes against
/// every other.
#[test]
fn b10_memory_is_registered_once() {
    let bytes = counting(12);
    let step = if cfg!(miri) { 4 } else { 1 };
    let runs = || (0..=12).step_by(step).flat_map(|from| (from..=12).map(move |to| (from, to)));
    for (a, b) in runs().filter(|(a, b)| a < b) {
        for reserved in [false, true] {
            let regions = RegionTable::<2>::new();
            let first = if reserved {
                regions.reserve(&bytes[a..b])
            } else {
                regions.register_immutable(&bytes[a..b])
            };
            for (c, d) in runs() {
                let second = regions.register_immutable(&bytes[c..d]);
                if c == d {
                    assert_eq!(second, Err(RegionError::Empty));
                } else if a < d && c < b {
                    assert_eq!(second, Err(RegionError::Overlap), "{a}..{b} and {c}..{d}");
                } else {
                    regions.revoke(second.unwrap()).unwrap();
                }
            }
            // Given up, it is free for others.
            regions.revoke(first.unwrap()).unwrap();
            assert!(regions.register_immutable(&bytes).is_ok());
        }
    }
}

/// The same with the rings themselves: no descriptor ever names their bytes.
#[test]
fn b10_a_ring_cannot_be_described() {
    fn bytes_of<T>(value: &T) -> &[u8] {
        // SAFETY: only the address and the length are used, below.
        unsafe { std::slice::from_raw_parts(std::ptr::from_ref(value).cast(), size_of::<T>()) }
    }
    let (window, ring) = (Window::<u64, 8>::new(), Spsc::<u64, 8>::new());
    let regions = RegionTable::<4>::new();
    let set_aside = [
        regions.reserve(std::slice::from_ref(&window)).unwrap(),
        regions.reserve(std::slice::from_ref(&ring)).unwrap(),
    ];
    for region in set_aside {
        let (policy, len, committed) = info(&regions, region);
        assert_eq!((policy, committed), (Policy::Reserved, 0));
        assert!(len == size_of_val(&window) || len == size_of_val(&ring));
    }
    for memory in [bytes_of(&window), bytes_of(&ring)] {
        let inside = &memory[memory.len() / 3..memory.len() / 2];
        for part in [memory, &memory[..1], &memory[memory.len() - 1..], inside] {
            assert_eq!(regions.register_immutable(part), Err(RegionError::Overlap));
        }
    }
    assert_eq!(regions.reserve::<()>(&[(), ()]), Err(RegionError::Empty));
    assert_eq!(regions.reserve::<u8>(&[]), Err(RegionError::Empty));
    let wrong = RegionError::WrongPolicy { found: Policy::Reserved };
    assert_eq!(regions.appender(set_aside[0]).unwrap_err(), wrong);
}

/// Also under a region that is closing, and readers are inside.
#[test]
fn b10_memory_that_is_still_read_is_not_registered_again() {
    let bytes = counting(16);
    let mut tables = Tables::new();
    let (region, cap) = tables.immutable(&bytes);
    let view = tables.check(cap, &descriptor(region, 0, 16)).unwrap();
    assert_eq!(tables.regions.revoke(region), Err(RegionError::InUse(1)));
    assert_eq!(tables.regions.register_immutable(&bytes), Err(RegionError::Overlap));
    drop(view);
    assert_eq!(tables.regions.register_immutable(&bytes), Err(RegionError::Overlap), "still closing");
    tables.regions.revoke(region).unwrap();
    assert!(tables.regions.register_immutable(&bytes).is_ok());
}

#[test]
fn rv22_slab_sizes_are_rounded_to_eight_and_at_least_one_slot_fits() {
    let step = if cfg!(miri) { 11 } else { 1 };
    for len in (0..80usize).step_by(step) {
        for size in (0..=80).step_by(step).chain([usize::MAX, usize::MAX - 7, usize::MAX - 8, usize::MAX / 2])
        {
            let mut memory = vec![0xee; len];
            let regions = RegionTable::<1>::new();
            let made = regions.register_slab(&mut memory, size);
            let rounded = size.checked_next_multiple_of(8).filter(|size| *size > 0);
            let slots = rounded.and_then(|size| len.checked_div(size.checked_add(8)?)).unwrap_or(0);
            if slots == 0 {
                assert_eq!(made.unwrap_err().why, RegionError::Empty, "{len} {size}");
                continue;
            }
            let mut slab = regions.slab(made.unwrap()).unwrap();
            assert_eq!((slab.capacity(), Some(slab.slot_size()), slab.in_use()), (slots, rounded, 0));
            let all: Vec<_> = (0..slots).map(|_| slab.alloc().unwrap()).collect();
            assert_eq!(slab.alloc(), Err(RegionError::SlabFull));
            assert_eq!(slab.in_use(), slots);
            for (slot, byte) in all.iter().zip(1..) {
                assert!(slab.bytes(*slot).unwrap().iter().all(|byte| *byte == 0));
                slab.bytes(*slot).unwrap().fill(byte);
            }
            for (slot, byte) in all.iter().zip(1..) {
                assert_eq!(*slab.bytes(*slot).unwrap(), vec![byte; rounded.unwrap()]);
            }
        }
    }
}

/// Faults V5 to V7: a double free that two callers believe in, an index from a peer that is out of bounds, and a
/// stale handle that reads another one's slot.
#[test]
fn rv22_v05_v06_v07_only_a_slots_own_handle_reaches_it() {
    let mut memory = [0xee; 4 * 16];
    let regions = RegionTable::<1>::new();
    let region = regions.register_slab(&mut memory, 8).unwrap();
    let mut slab = regions.slab(region).unwrap();
    let first = slab.alloc().unwrap();
    slab.bytes(first).unwrap().copy_from_slice(b"SECRET!!");
    slab.free(first).unwrap();
    assert_eq!(slab.free(first), Err(RegionError::InvalidSlot), "the second time");
    // The other slots have their turn, and then that one again.
    let others = [(); 3].map(|()| slab.alloc().unwrap());
    let second = slab.alloc().unwrap();
    assert_eq!(second.slot().index(), first.slot().index());
    others[1..].iter().for_each(|slot| slab.free(*slot).unwrap());
    let third = others[0];
    assert_eq!(slab.bytes(second).unwrap(), [0; 8], "zeroed on free");
    assert_eq!(slab.bytes(first), Err(RegionError::InvalidSlot));
    assert_eq!(slab.free(first), Err(RegionError::InvalidSlot));
    // Every index and generation there could be hereabouts, and at the ends: the two that were given out pass.
    let near = || (0..if cfg!(miri) { 6 } else { 40 }).chain([255, 256, u32::MAX - 1, u32::MAX]);
    for forged in
        near().flat_map(|index| near().map(move |generation| Handle::<Slot>::new(index, generation)))
    {
        let forged = SlabSlot::new(region, forged);
        let passes = slab.bytes(forged).is_ok();
        assert_eq!(passes, forged == second || forged == third, "{forged:?}");
        if !passes {
            assert_eq!(slab.free(forged), Err(RegionError::InvalidSlot));
        }
    }
    assert_eq!(slab.in_use(), 2);
    // Whoever comes after finds everything as it was left.
    slab.bytes(third).unwrap().fill(3);
    drop(slab);
    let mut slab = regions.slab(region).unwrap();
    assert_eq!(slab.bytes(third).unwrap(), [3; 8]);
    assert_eq!((slab.capacity(), slab.in_use()), (4, 2));
    assert!(format!("{slab:?}").contains("capacity: 4"));
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(miri) { 2 } else { 500 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// A slab against a map: whatever is done with whichever handle, old or new.
    #[test]
    fn rv22_v07_a_slab_is_a_map_from_handles_to_bytes(
        program in vec((0..5u8, any::<prop::sample::Index>(), any::<u8>()), 1..120),
    ) {
        let mut memory = [0xee; 5 * 24 + 7];
        let regions = RegionTable::<1>::new();
        let region = regions.register_slab(&mut memory, 13).unwrap();
        let mut slab = regions.slab(region).unwrap();
        let mut model = HashMap::<SlabSlot, [u8; 16]>::new();
        let mut ever = vec![SlabSlot::new(region, Handle::new(0, 0))];
        for (op, which, byte) in program {
            let slot = *which.get(&ever);
            match op {
                0 | 1 => match slab.alloc() {
                    Ok(slot) => {
                        prop_assert!(!ever.contains(&slot), "given out before: {slot:?}");
                        ever.push(slot);
                        model.insert(slot, [0; 16]);
                    }
                    Err(why) => prop_assert_eq!((why, model.len()), (RegionError::SlabFull, 5)),
                },
                2 => prop_assert_eq!(slab.free(slot).is_ok(), model.remove(&slot).is_some()),
                3 => match slab.bytes(slot) {
                    Ok(bytes) => {
                        bytes.fill(byte);
                        *model.get_mut(&slot).unwrap() = [byte; 16];
                    }
                    Err(why) => prop_assert!(why == RegionError::InvalidSlot && !model.contains_key(&slot)),
                },
                _ => {
                    drop(slab);
                    slab = regions.slab(region).unwrap();
                }
            }
            prop_assert_eq!(slab.in_use(), model.len());
            for (slot, bytes) in &model {
                prop_assert_eq!(&*slab.bytes(*slot).unwrap(), bytes);
            }
        }
    }
}

/// Memory that is borrowed for as long as the table can know it is lost if the answer is no and does not carry it.
#[test]
fn rv22_memory_that_is_refused_comes_back_and_is_tried_again() {
    let bytes = counting(16);
    let (mut log, mut slots) = ([0xee; 64], [0xee; 64]);
    let regions = RegionTable::<2>::new();
    let first = regions.register_immutable(&bytes[..8]).unwrap();
    let second = regions.register_immutable(&bytes[8..]).unwrap();

    let mut memory = &mut log[..];
    for _ in 0..3 {
        let RegisterError { why, memory: back } = regions.register_append_only(memory).unwrap_err();
        assert_eq!((why, &*back), (RegionError::TableFull, &[0xee; 64][..]));
        memory = back;
    }
    // It is the caller's: to write to, and to register in part.
    memory[0] = 1;
    let (part, rest) = memory.split_at_mut(32);
    assert_eq!(regions.register_immutable(rest), Err(RegionError::TableFull));
    regions.revoke(first).unwrap();
    let log = regions.register_append_only(part).unwrap();
    assert_eq!(regions.appender(log).unwrap().append(&[7; 32]), Ok(0));

    // A slab's memory that does not fit is not touched; that for which there is no slot is zeroed.
    let refused = regions.register_slab(&mut slots, 0).unwrap_err();
    assert_eq!((refused.why, refused.memory[0]), (RegionError::Empty, 0xee));
    let refused = regions.register_slab(refused.memory, 57).unwrap_err();
    assert_eq!((refused.why, refused.memory[0]), (RegionError::Empty, 0xee));
    let refused = regions.register_slab(refused.memory, 56).unwrap_err();
    assert_eq!((refused.why, &*refused.memory), (RegionError::TableFull, &[0; 64][..]));
    assert!(format!("{refused} {refused:?}").contains("table is full RegisterError { why: TableFull"));
    regions.revoke(second).unwrap();
    let slab = regions.register_slab(refused.memory, 56).unwrap();
    assert_eq!(regions.slab(slab).unwrap().capacity(), 1);
    // As an error it is the region's.
    let whole = |memory| Ok::<_, RegionError>(regions.register_append_only(memory)?);
    assert_eq!(whole(&mut []), Err(RegionError::Empty));
}

/// What is forgotten is inside for ever, and nothing else happens.
#[test]
fn e10_forgotten_views_and_writers_keep_their_region() {
    let bytes = counting(16);
    let (mut log, mut slab) = ([0; 16], [0; 64]);
    let mut tables = Tables::new();
    let (region, cap) = tables.immutable(&bytes);
    let log = tables.regions.register_append_only(&mut log).unwrap();
    let slab = tables.regions.register_slab(&mut slab, 8).unwrap();
    mem::forget(tables.check(cap, &descriptor(region, 0, 16)).unwrap());
    mem::forget(tables.regions.appender(log).unwrap());
    mem::forget(tables.regions.slab(slab).unwrap());
    assert_eq!(tables.regions.appender(log).unwrap_err(), RegionError::InUse(1));
    assert_eq!(tables.regions.slab(slab).unwrap_err(), RegionError::InUse(1));
    for _ in 0..3 {
        for kept in [region, log, slab] {
            assert_eq!(tables.regions.revoke(kept), Err(RegionError::InUse(1)));
        }
    }
    // The table moves, with what is inside; the memory outlives it.
    let moved = Box::new(tables.regions);
    assert_eq!(moved.revoke(region), Err(RegionError::InUse(1)));
}

/// All-zero memory is an empty table.
#[test]
fn a_zeroed_table_is_an_empty_one() {
    let bytes = counting(16);
    // SAFETY: for a table of no regions, zero is a value, as its documentation says.
    let regions: RegionTable<'_, 4> = unsafe { mem::zeroed() };
    // SAFETY: likewise.
    let mut caps: annulet::cap::CapTable<4> = unsafe { mem::zeroed() };
    assert!(caps.is_empty());
    assert_eq!(regions.revoke(Handle::new(0, 0)), Err(RegionError::Foreign));
    let region = regions.register_immutable(&bytes).unwrap();
    let read = annulet::cap::Rights::READ;
    let cap = caps.mint(crate::ME, annulet::cap::Object::Region(region), read, 0).unwrap();
    let view = Validator::new(&regions, &caps, crate::ME).check(cap, &descriptor(region, 4, 4)).unwrap();
    assert_eq!(*view, [4, 5, 6, 7]);
    assert_eq!((region.generation(), cap.generation()), (1, 1));
    assert!(region.index() != 0 && cap.index() != 0 && region.index() != cap.index(), "no handle is zero");
}

#[test]
fn region_errors_say_what_they_found() {
    let said = [
        (RegionError::Foreign, "another table"),
        (RegionError::NoNumber, "no number"),
        (RegionError::BadHandle, "no such region"),
        (RegionError::Stale, "stale"),
        (RegionError::InUse(3), "3"),
        (RegionError::TableFull, "full"),
        (RegionError::Retired, "generations"),
        (RegionError::Overlap, "overlaps"),
        (RegionError::Contended, "being changed"),
        (RegionError::WrongPolicy { found: Policy::Slab }, "Slab"),
        (RegionError::Empty, "memory"),
        (RegionError::RegionFull { left: 7 }, "7 bytes"),
        (RegionError::SlabFull, "slab is full"),
        (RegionError::InvalidSlot, "slot"),
    ];
    for (error, part) in said {
        assert!(error.to_string().contains(part), "{error}");
    }
    assert!(format!("{:?}", RegionTable::<4>::new()).contains("capacity: 4"));
}
