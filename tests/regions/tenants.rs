//! What comes after what in a slot of the table.

use annulet::cap::{Access, CapError, CapTable, Object, Rights, Task};
use annulet::handle::{Cap, Handle, Region};
use annulet::link::{Link, LinkError, Window};
use annulet::region::{DescriptorError, Offer, RegionError, RegionTable, SlabSlot, Validator, View};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::{ME, MOST_VIEWS, Tables, at, counting, descriptor};

/// Every generation of a slot, where they can be walked; the ends of the wide ones have their unit tests.
#[test]
fn c03_every_tenant_has_its_own_generation_and_the_last_one_retires_the_slot() {
    let bytes = counting(16);
    let regions = RegionTable::<1>::numbered(0);
    let mut caps = CapTable::<1>::numbered(0);
    let mut old = Vec::new();
    let limit = if cfg!(annulet_narrow) { 255 } else { 300 };
    for generation in 1..=limit {
        let region = regions.register_immutable(&bytes).unwrap();
        assert_eq!(region, at(0, generation));
        let cap = caps.mint(ME, Object::Region(region), Rights::READ, 0).unwrap();
        assert_eq!(cap, at(0, generation));
        let validator = Validator::new(&regions, &caps, ME);
        assert_eq!(*validator.check(cap, &descriptor(region, 0, 16)).unwrap(), *bytes);
        // No descriptor of an earlier tenant passes under the new capability, no earlier capability for the new one.
        for earlier in &old {
            let refused = validator.check(cap, &descriptor(*earlier, 0, 16)).unwrap_err();
            assert_eq!(refused, DescriptorError::Stale);
            let revoked =
                validator.check(Handle::from_raw(earlier.to_raw()), &descriptor(region, 0, 16)).unwrap_err();
            assert_eq!(revoked, DescriptorError::Denied(CapError::Revoked));
            assert_eq!(regions.revoke(*earlier), Err(RegionError::Stale));
        }
        old.push(region);
        assert_eq!(regions.revoke(region), Ok(()));
        assert_eq!(caps.destroy(cap), Ok(1));
        if cfg!(miri) && generation > 5 {
            return;
        }
    }
    let retired = usize::from(cfg!(annulet_narrow));
    assert_eq!((regions.retired(), caps.retired(), caps.reserve()), (retired, retired, 1 - retired));
    if cfg!(annulet_narrow) {
        for _ in 0..300 {
            assert_eq!(regions.register_immutable(&bytes), Err(RegionError::Retired));
            assert_eq!(caps.mint(ME, Object::Opaque(0), Rights::READ, 0), Err(CapError::Retired));
        }
        for region in old {
            assert_eq!(regions.revoke(region), Err(RegionError::Stale));
            assert_eq!(regions.info(region), Err(RegionError::Stale));
        }
    }
}

/// The slots of a slab have generations, too, and so many only.
#[test]
fn c03_the_slots_of_a_slab_retire() {
    let mut memory = [0; 2 * 16];
    let regions = RegionTable::<1>::new();
    let region = regions.register_slab(&mut memory, 8).unwrap();
    let mut slab = regions.slab(region).unwrap();
    let rounds = if cfg!(annulet_narrow) { 255 } else { 300 };
    let mut old = Vec::new();
    for generation in 1..=rounds {
        assert_eq!(slab.retired(), 0, "neither before the other");
        for index in 0..2 {
            let slot = slab.alloc().unwrap();
            assert_eq!(slot, SlabSlot::new(region, Handle::new(index, generation)), "each in its turn");
            assert!(old.iter().rev().take(20).all(|old| slab.bytes(*old).is_err()));
            old.push(slot);
            slab.free(slot).unwrap();
        }
        if cfg!(miri) && generation > 5 {
            return;
        }
    }
    if cfg!(annulet_narrow) {
        assert_eq!((slab.retired(), slab.in_use()), (2, 0));
        assert_eq!(slab.alloc(), Err(RegionError::Retired));
        assert!(old.iter().all(|slot| slab.free(*slot) == Err(RegionError::InvalidSlot)));
    }
}

/// A retired slot is no obstacle to the others, and they are none to it.
#[test]
fn c03_full_and_retired_are_two_things() {
    let bytes = counting(16);
    let (low, high) = bytes.split_at(8);
    let regions = RegionTable::<1>::new();
    let region = regions.register_immutable(low).unwrap();
    assert_eq!(regions.register_immutable(high), Err(RegionError::TableFull));
    regions.revoke(region).unwrap();
    assert!(regions.register_immutable(high).is_ok());
    assert_eq!(RegionTable::<0>::new().register_immutable(low), Err(RegionError::Retired));
    assert_eq!(CapTable::<0>::new().mint(ME, Object::Opaque(0), Rights::all(), 0), Err(CapError::Retired));
}

#[test]
fn handles_that_were_never_given_out_are_bad() {
    let bytes = counting(16);
    let regions = RegionTable::<2>::numbered(0);
    let region = regions.register_immutable(&bytes).unwrap();
    let foreign = [at(2, 1), Handle::new(0, 1), Handle::new(u32::MAX, u32::MAX), at(1 << 15, 1)];
    let foreign = foreign.map(|bad| (bad, RegionError::Foreign));
    for (bad, why) in foreign.into_iter().chain([at(1, 1), at(1, 0)].map(|bad| (bad, RegionError::BadHandle)))
    {
        assert_eq!(regions.revoke(bad), Err(why), "{bad:?}");
        assert_eq!(regions.info(bad), Err(why));
        assert_eq!(regions.appender(bad).unwrap_err(), why);
        assert_eq!(regions.slab(bad).unwrap_err(), why);
    }
    // In a slot that has a tenant, every other generation is stale, those to come included.
    for stale in [0, 2, u32::MAX] {
        assert_eq!(regions.revoke(at(0, stale)), Err(RegionError::Stale));
        assert_eq!(regions.info(at(0, stale)), Err(RegionError::Stale));
    }
    assert!(regions.info(region).is_ok());
}

/// A task restarts, its region gets a new generation, and the queue still holds what it sent before.
#[test]
fn c11_offers_of_a_tenant_that_is_gone_are_stale_and_the_queue_goes_on() {
    let (old, new) = ([1; 16], [2; 16]);
    let (a, b) = (Window::<Offer, 8>::new(), Window::<Offer, 8>::new());
    let mut tx = Link::<Offer, 8, _, _>::new(&a, &b);
    let mut rx = Link::<Offer, 8, _, _>::new(&b, &a);
    let (regions, mut caps) = (RegionTable::<1>::new(), CapTable::<2>::new());
    let mut register = |bytes| {
        let region = regions.register_immutable(bytes).unwrap();
        (region, caps.mint(ME, Object::Region(region), Rights::READ, 0).unwrap())
    };
    let (first, cap) = register(&old);
    for _ in 0..5 {
        tx.try_send(&Offer { descriptor: descriptor(first, 0, 16), cap }).unwrap();
    }
    regions.revoke(first).unwrap();
    let (second, new_cap) = register(&new);
    assert_eq!(second.index(), first.index());
    tx.try_send(&Offer { descriptor: descriptor(second, 0, 16), cap: new_cap }).unwrap();
    let validator = Validator::new(&regions, &caps, ME);
    let results: Vec<_> = std::iter::from_fn(|| rx.try_recv().ok())
        .map(|offer| validator.check(offer.cap, &offer.descriptor).map(|view| view[0]))
        .collect();
    let stale = Err(DescriptorError::Stale);
    assert_eq!(results, [stale, stale, stale, stale, stale, Ok(2)]);
    assert_eq!(rx.try_recv(), Err(LinkError::Empty));
}

/// In the narrow build, a view is cloned until no more can be counted, and never once beyond.
#[test]
fn c08_views_are_cloned_up_to_the_count_and_never_beyond() {
    let bytes = counting(16);
    let mut tables = Tables::new();
    let (region, cap) = tables.immutable(&bytes);
    let view = tables.check(cap, &descriptor(region, 3, 4)).unwrap();
    let most = if MOST_VIEWS < 1000 { MOST_VIEWS } else { 300 };
    let mut clones: Vec<View<'_>> = (1..most).map(|_| view.try_clone().unwrap()).collect();
    if MOST_VIEWS < 1000 {
        for _ in 0..3 {
            assert_eq!(view.try_clone().unwrap_err(), DescriptorError::TooManyViews);
            assert_eq!(
                tables.check(cap, &descriptor(region, 0, 1)).unwrap_err(),
                DescriptorError::TooManyViews
            );
            assert_eq!(tables.regions.info(region), Err(RegionError::InUse(255)));
        }
        clones.pop();
        clones.push(view.try_clone().unwrap());
        assert_eq!(view.try_clone().unwrap_err(), DescriptorError::TooManyViews);
        // Other regions come and go.
        tables.regions.register_immutable(&[0; 4]).unwrap();
    }
    assert!(clones.iter().all(|clone| **clone == [3, 4, 5, 6] && clone.as_ptr() == view.as_ptr()));
    // It can be closed, however many are inside.
    assert_eq!(tables.regions.revoke(region), Err(RegionError::InUse(most as u32)));
    clones.truncate(10);
    assert_eq!(tables.check(cap, &descriptor(region, 0, 1)).unwrap_err(), DescriptorError::Stale);
    // Whoever is inside can still be two.
    let twin = clones[0].try_clone().unwrap();
    assert_eq!(tables.regions.revoke(region), Err(RegionError::InUse(12)));
    drop((clones, view));
    assert_eq!(*twin, [3, 4, 5, 6]);
    assert_eq!(tables.regions.revoke(region), Err(RegionError::InUse(1)));
    drop(twin);
    assert_eq!(tables.regions.revoke(region), Ok(()));
    assert_eq!(tables.regions.revoke(region), Err(RegionError::Stale));
}

/// A capability system that lies about everything, and calls back.
struct Liar<'t, 'm>(&'t RegionTable<'m, 4>, Handle<Region>);

impl Access for Liar<'_, '_> {
    fn permits(&self, _: Task, cap: Handle<Cap>, region: u32, _: Rights) -> Result<Handle<Region>, CapError> {
        assert_eq!(region, self.1.index());
        if cap.index() == 1 {
            // The party that checks is inside, so this only closes the region.
            assert_eq!(self.0.revoke(self.1), Err(RegionError::InUse(1)));
        }
        Ok(Handle::new(region, cap.generation()))
    }
}

/// Another capability system can allow what it likes, and no more than what is there.
#[test]
fn k07_an_access_that_lies_reaches_no_byte_that_is_not_there() {
    let bytes = counting(16);
    let mut tables = Tables::new();
    let (region, _) = tables.immutable(&bytes);
    let liar = Liar(&tables.regions, region);
    let validator = Validator::new(&tables.regions, &liar, ME);
    for generation in [0, 2, u32::MAX] {
        let refused = validator.check(Handle::new(0, generation), &descriptor(region, 0, 1)).unwrap_err();
        assert_eq!(refused, DescriptorError::Stale);
    }
    let claim = descriptor(region, 8, 9);
    let refused = validator.check(Handle::new(0, 1), &claim).unwrap_err();
    assert_eq!(refused, DescriptorError::OutOfRange { end: 17, limit: 16 });
    // Revoked in the middle of the check: the view was inside before, and was counted.
    let view = validator.check(Handle::new(1, 1), &descriptor(region, 8, 8)).unwrap();
    assert_eq!(*view, bytes[8..]);
    assert_eq!(
        validator.check(Handle::new(0, 1), &descriptor(region, 8, 8)).unwrap_err(),
        DescriptorError::Stale
    );
    assert_eq!(tables.regions.revoke(region), Err(RegionError::InUse(1)));
    drop(view);
    assert_eq!(tables.regions.revoke(region), Ok(()));
}

/// A capability system that is asked about one region and answers about another, of the same generation.
struct Mistaken(Handle<Region>);

impl Access for Mistaken {
    fn permits(&self, _: Task, _: Handle<Cap>, _: u32, _: Rights) -> Result<Handle<Region>, CapError> {
        Ok(self.0)
    }
}

/// Where only the generation of the answer is compared, what is allowed for one region is allowed for all that are as
/// old.
#[test]
fn k07_an_access_that_answers_about_another_region_permits_nothing() {
    let (bytes, other) = (counting(16), counting(16));
    let mut tables = Tables::new();
    let ((asked, cap), (answered, _)) = (tables.immutable(&bytes), tables.immutable(&other));
    assert_eq!(asked.generation(), answered.generation());
    let check = |answer, region| {
        let access = Mistaken(answer);
        Validator::new(&tables.regions, &access, ME).check(cap, &descriptor(region, 0, 4)).map(drop)
    };
    let wrong = Err(DescriptorError::Denied(CapError::WrongObject));
    for answer in [answered, at(2, 1), at(1 << 15, 1), Handle::new(0, 1), Handle::new(!asked.index(), 1)] {
        assert_eq!(check(answer, asked), wrong, "{answer:?}");
    }
    assert_eq!((check(asked, asked), check(answered, answered)), (Ok(()), Ok(())));
    // Nor is it told that the region is gone.
    tables.regions.revoke(asked).unwrap();
    assert_eq!(check(answered, asked), wrong);
    assert_eq!(check(asked, asked), Err(DescriptorError::Stale));
}

/// Tables of one type, with regions at the same places and of the same generations. A handle that says only slot and
/// generation is that of either.
#[test]
fn c07_a_region_of_one_table_is_none_of_another() {
    let bytes: [_; 5] = std::array::from_fn(|table| [table as u8; 8]);
    // SAFETY: for a table of no regions, zero is a value, as its documentation says.
    let zeroed = unsafe { std::mem::zeroed::<RegionTable<'_, 2>>() };
    let tables = [
        RegionTable::new(),
        zeroed,
        RegionTable::default(),
        RegionTable::numbered(0),
        RegionTable::numbered(1),
    ];
    // One table of capabilities for the regions of all of them.
    let mut caps = CapTable::<8>::new();
    let regions: Vec<_> = tables
        .iter()
        .zip(&bytes)
        .map(|(table, bytes)| {
            let region = table.register_immutable(bytes).unwrap();
            (region, caps.mint(ME, Object::Region(region), Rights::READ, 0).unwrap())
        })
        .collect();
    let mut memory = [0; 64];
    let log = tables[0].register_append_only(&mut memory).unwrap();
    for (mine, table) in tables.iter().enumerate() {
        let (region, cap) = regions[mine];
        let validator = Validator::new(table, &caps, ME);
        for (theirs, (other, other_cap)) in regions.iter().enumerate() {
            let expected = if mine == theirs { Ok(mine as u8) } else { Err(DescriptorError::Foreign) };
            for cap in [cap, *other_cap] {
                assert_eq!(
                    validator.check(cap, &descriptor(*other, 0, 8)).map(|view| view[0]),
                    expected,
                    "{mine} {theirs}"
                );
            }
            if mine != theirs {
                // A capability for a region of the one is none for that region of the other.
                let refused = validator.check(*other_cap, &descriptor(region, 0, 8)).unwrap_err();
                assert_eq!(refused, DescriptorError::Denied(CapError::WrongObject));
                assert_eq!(table.revoke(*other), Err(RegionError::Foreign));
                assert_eq!(table.info(*other), Err(RegionError::Foreign));
                assert_eq!(table.slab(*other).unwrap_err(), RegionError::Foreign);
            }
        }
        assert_eq!(table.appender(log).err(), if mine == 0 { None } else { Some(RegionError::Foreign) });
        // Nor of one that has given out none.
        let empty = RegionTable::<2>::new();
        assert_eq!(empty.revoke(region), Err(RegionError::Foreign));
        let refused = Validator::new(&empty, &caps, ME).check(cap, &descriptor(region, 0, 8)).unwrap_err();
        assert_eq!(refused, DescriptorError::Foreign);
    }
    // Moved, a table is the same one.
    let moved = Vec::from(tables).swap_remove(0);
    assert_eq!(moved.revoke(regions[0].0), Ok(()));
}

/// Slots at the same places, of the same generations: of a slab of another table, of another one of this table, and of
/// those that were here before.
#[test]
fn rv22_v07_a_slot_of_one_slab_is_none_of_another() {
    let (mut a, mut b, mut c) = ([0; 64], [0; 64], [0; 64]);
    let tables = [RegionTable::<2>::new(), RegionTable::<2>::new()];
    let slabs = [
        (&tables[0], tables[0].register_slab(&mut a, 8).unwrap()),
        (&tables[0], tables[0].register_slab(&mut b, 8).unwrap()),
        (&tables[1], tables[1].register_slab(&mut c, 8).unwrap()),
    ];
    let slots = slabs.map(|(table, region)| {
        let mut slab = table.slab(region).unwrap();
        let slot = slab.alloc().unwrap();
        slab.bytes(slot).unwrap().copy_from_slice(b"SECRET!!");
        slot
    });
    assert!(slots.iter().all(|slot| slot.slot() == slots[0].slot()), "they differ by their slabs alone");
    for (mine, (table, region)) in slabs.iter().enumerate() {
        let mut slab = table.slab(*region).unwrap();
        for (theirs, slot) in slots.iter().enumerate() {
            if mine != theirs {
                assert_eq!(slab.bytes(*slot), Err(RegionError::Foreign), "{mine} {theirs}");
                assert_eq!(slab.free(*slot), Err(RegionError::Foreign));
            }
        }
        assert_eq!(slab.bytes(slots[mine]).unwrap(), b"SECRET!!");
        assert_eq!(slots[mine].slab(), *region);
    }
}

/// A slab is revoked and another one takes its place in the table, its memory even.
#[test]
fn c04_v07_a_slot_of_a_slab_that_is_gone_is_none_of_its_successor() {
    let mut bytes = [0; 64];
    let memory = &raw mut bytes;
    let regions = RegionTable::<1>::new();
    let mut old: Vec<SlabSlot> = Vec::new();
    for tenant in 0..4 {
        // SAFETY: `bytes` outlives the table's use of it, and the region that was registered with it before is revoked.
        let region = regions.register_slab(unsafe { &mut *memory }, 8).unwrap();
        let mut slab = regions.slab(region).unwrap();
        let slot = slab.alloc().unwrap();
        slab.bytes(slot).unwrap().copy_from_slice(b"SECRET!!");
        for gone in &old {
            assert_eq!(gone.slot(), slot.slot());
            assert_eq!(slab.bytes(*gone), Err(RegionError::Stale), "tenant {tenant}");
            assert_eq!(slab.free(*gone), Err(RegionError::Stale));
        }
        assert_eq!(slab.bytes(slot).unwrap(), b"SECRET!!");
        old.push(slot);
        drop(slab);
        regions.revoke(region).unwrap();
    }
}

/// Register and revoke in a loop: that always takes the first slot, and its generations are gone before those of the
/// others have begun.
#[test]
fn c03_generations_of_regions_are_spent_evenly() {
    let (bytes, other) = (counting(16), counting(16));
    let regions = RegionTable::<4>::new();
    let kept = regions.register_immutable(&other).unwrap();
    let rounds = if cfg!(miri) { 20 } else { 150 };
    let mut tenants = [0; 4];
    for round in 0..3 * rounds {
        let region = regions.register_immutable(&bytes).unwrap();
        tenants[(region.index() - kept.index()) as usize] += 1;
        assert_eq!(region.generation(), round / 3 + 1);
        regions.revoke(region).unwrap();
    }
    assert_eq!((tenants, regions.retired()), ([0, rounds, rounds, rounds], 0));
    // One that comes free late has the most left.
    regions.revoke(kept).unwrap();
    for generation in 2..=rounds {
        let region = regions.register_immutable(&bytes).unwrap();
        assert_eq!((region.index(), region.generation()), (kept.index(), generation));
        regions.revoke(region).unwrap();
    }
    assert_eq!(regions.register_immutable(&bytes).unwrap().generation(), rounds + 1);
}

/// Also if the slab's holder is another one each time, and slots are kept in between.
#[test]
fn c03_generations_of_slots_are_spent_evenly() {
    let mut memory = [0; 4 * 16];
    let regions = RegionTable::<1>::new();
    let region = regions.register_slab(&mut memory, 8).unwrap();
    let rounds = if cfg!(miri) { 10 } else { 150 };
    let kept = regions.slab(region).unwrap().alloc().unwrap();
    for round in 0..3 * rounds {
        let mut slab = regions.slab(region).unwrap();
        let slot = slab.alloc().unwrap().slot();
        assert_eq!((slot.index(), slot.generation()), (round % 3 + 1, round / 3 + 1));
        slab.free(SlabSlot::new(region, slot)).unwrap();
    }
    let mut slab = regions.slab(region).unwrap();
    assert_eq!((slab.in_use(), slab.retired()), (1, 0));
    slab.free(kept).unwrap();
    assert_eq!(slab.alloc().unwrap().slot().generation(), 2, "its turn has come");
}

/// A capability system that fails at the wrong moment.
struct Bomb;

impl Access for Bomb {
    fn permits(&self, _: Task, _: Handle<Cap>, _: u32, _: Rights) -> Result<Handle<Region>, CapError> {
        std::panic::resume_unwind(Box::new("boom"))
    }
}

#[test]
fn e03_an_access_that_panics_lets_go_of_the_region() {
    let bytes = counting(16);
    let mut tables = Tables::new();
    let (region, cap) = tables.immutable(&bytes);
    let claim = descriptor(region, 0, 1);
    let check = || Validator::new(&tables.regions, &Bomb, ME).check(cap, &claim).map(drop);
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(check)).is_err());
    assert_eq!(tables.regions.revoke(region), Ok(()));
}

/// Revoking a capability keeps it from being used again; the bytes go with the region.
#[test]
fn a_view_outlives_the_capability_it_was_made_under() {
    let bytes = counting(16);
    let mut tables = Tables::new();
    let (region, cap) = tables.immutable(&bytes);
    let view =
        Validator::new(&tables.regions, &tables.caps, ME).check(cap, &descriptor(region, 4, 4)).unwrap();
    assert_eq!(tables.caps.destroy(cap), Ok(1));
    let again = Validator::new(&tables.regions, &tables.caps, ME).check(cap, &descriptor(region, 4, 4));
    assert_eq!(again.unwrap_err(), DescriptorError::Denied(CapError::Revoked));
    assert_eq!(*view, [4, 5, 6, 7]);
    assert_eq!(tables.regions.revoke(region), Err(RegionError::InUse(1)));
    drop(view);
    assert_eq!(tables.regions.revoke(region), Ok(()));
}

#[derive(Clone, Debug)]
enum Op {
    Register(usize),
    Revoke(prop::sample::Index),
    View(prop::sample::Index),
    Clone(prop::sample::Index),
    Drop(prop::sample::Index),
}

fn op() -> impl Strategy<Value = Op> {
    let which = any::<prop::sample::Index>;
    prop_oneof![
        3 => (0..5usize).prop_map(Op::Register),
        3 => which().prop_map(Op::Revoke),
        4 => which().prop_map(Op::View),
        1 => which().prop_map(Op::Clone),
        3 => which().prop_map(Op::Drop),
    ]
}

/// What was ever registered.
struct Tenant {
    region: Handle<Region>,
    cap: Handle<Cap>,
    /// Which memory.
    memory: usize,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    /// Revoked while somebody was inside.
    Closing,
    Gone,
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(miri) { 2 } else { 1000 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Tenants come and go; descriptors and capabilities of all of them are tried again and again. Each tenant's
    /// memory has its own byte.
    #[test]
    fn c04_an_old_descriptor_never_reaches_a_new_tenant(program in vec(op(), 1..if cfg!(miri) { 20 } else { 100 })) {
        let memory: Vec<[u8; 8]> = (0..5).map(|byte| [byte; 8]).collect();
        let regions = RegionTable::<3>::new();
        let mut caps = CapTable::<128>::new();
        let mut tenants: Vec<Tenant> = Vec::new();
        let mut views: Vec<(usize, View<'_>)> = Vec::new();
        for op in program {
            let inside = |views: &[(usize, View<'_>)], tenant: usize| views.iter().filter(|view| view.0 == tenant).count();
            match op {
                Op::Register(number) => {
                    let there = tenants.iter().filter(|tenant| tenant.state != State::Gone);
                    let taken = there.clone().any(|tenant| tenant.memory == number);
                    let full = there.count() == 3;
                    match regions.register_immutable(&memory[number]) {
                        Ok(region) => {
                            prop_assert!(!taken && !full);
                            prop_assert!(tenants.iter().all(|tenant| tenant.region != region), "given out before");
                            let cap = caps.mint(ME, Object::Region(region), Rights::READ, 0).unwrap();
                            tenants.push(Tenant { region, cap, memory: number, state: State::Open });
                        }
                        Err(RegionError::Overlap) => prop_assert!(taken),
                        Err(why) => prop_assert!(why == RegionError::TableFull && full && !taken),
                    }
                }
                _ if tenants.is_empty() => {}
                Op::Revoke(which) => {
                    let which = which.index(tenants.len());
                    let (tenant, count) = (&mut tenants[which], inside(&views, which));
                    let expected = match tenant.state {
                        State::Gone => Err(RegionError::Stale),
                        _ if count > 0 => Err(RegionError::InUse(count as u32)),
                        _ => Ok(()),
                    };
                    prop_assert_eq!(regions.revoke(tenant.region), expected);
                    tenant.state = match expected {
                        Err(RegionError::InUse(_)) => State::Closing,
                        _ => State::Gone,
                    };
                }
                Op::View(which) => {
                    let which = which.index(tenants.len());
                    let tenant = &tenants[which];
                    let result = Validator::new(&regions, &caps, ME).check(tenant.cap, &descriptor(tenant.region, 2, 5));
                    match result {
                        Ok(view) => {
                            prop_assert_eq!(tenant.state, State::Open);
                            views.push((which, view));
                        }
                        Err(why) => {
                            prop_assert_eq!(why, DescriptorError::Stale);
                            prop_assert_ne!(tenant.state, State::Open);
                        }
                    }
                }
                Op::Clone(_) | Op::Drop(_) if views.is_empty() => {}
                Op::Clone(which) => {
                    let (tenant, view) = which.get(&views);
                    let clone = (*tenant, view.try_clone().unwrap());
                    views.push(clone);
                }
                Op::Drop(which) => drop(views.swap_remove(which.index(views.len()))),
            }
            for (tenant, view) in &views {
                prop_assert_eq!(&**view, &[tenants[*tenant].memory as u8; 5]);
            }
        }
        views.clear();
        for tenant in &tenants {
            let expected = if tenant.state == State::Gone { Err(RegionError::Stale) } else { Ok(()) };
            prop_assert_eq!(regions.revoke(tenant.region), expected, "no count was lost");
        }
    }
}
