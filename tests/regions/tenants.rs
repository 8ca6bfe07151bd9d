//! What comes after what in a slot of the table.

use annulet::cap::{Access, CapError, CapTable, Object, Rights, Task};
use annulet::handle::{Cap, Handle, Region};
use annulet::link::{Link, LinkError, Window};
use annulet::region::{DescriptorError, Offer, RegionError, RegionTable, Validator, View};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::{ME, MOST_VIEWS, Tables, counting, descriptor};

/// Every generation of a slot, where they can be walked; the ends of the wide ones have their unit tests.
#[test]
fn c03_every_tenant_has_its_own_generation_and_the_last_one_retires_the_slot() {
    let bytes = counting(16);
    let regions = RegionTable::<1>::new();
    let mut caps = CapTable::<1>::new();
    let mut old = Vec::new();
    let limit = if cfg!(annulet_narrow) { 255 } else { 300 };
    for generation in 1..=limit {
        let region = regions.register_immutable(&bytes).unwrap();
        assert_eq!(region, Handle::new(0, generation));
        let cap = caps.mint(ME, Object::Region(region), Rights::READ, 0).unwrap();
        assert_eq!(cap, Handle::new(0, generation));
        let validator = Validator::new(&regions, &caps, ME);
        assert_eq!(*validator.check(cap, &descriptor(region, 0, 16)).unwrap(), *bytes);
        // No descriptor of an earlier tenant passes under the new capability, no earlier capability for the new one.
        for earlier in &old {
            let refused = validator.check(cap, &descriptor(*earlier, 0, 16)).unwrap_err();
            assert_eq!(refused, DescriptorError::StaleGeneration);
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
    for index in 0..2 {
        for generation in 1..=rounds {
            let slot = slab.alloc().unwrap();
            if cfg!(annulet_narrow) {
                assert_eq!(slot, Handle::new(index, generation));
            }
            assert!(old.iter().rev().take(20).all(|old| slab.bytes(*old).is_err()));
            old.push(slot);
            slab.free(slot).unwrap();
            if cfg!(miri) && generation > 5 {
                return;
            }
        }
    }
    if cfg!(annulet_narrow) {
        assert_eq!(slab.alloc(), Err(RegionError::SlabFull), "both are retired");
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
    let regions = RegionTable::<2>::new();
    let region = regions.register_immutable(&bytes).unwrap();
    for bad in [Handle::new(1, 1), Handle::new(1, 0), Handle::new(2, 1), Handle::new(u32::MAX, u32::MAX)] {
        assert_eq!(regions.revoke(bad), Err(RegionError::BadHandle), "{bad:?}");
        assert_eq!(regions.info(bad), Err(RegionError::BadHandle));
        assert_eq!(regions.appender(bad).unwrap_err(), RegionError::BadHandle);
        assert_eq!(regions.slab(bad).unwrap_err(), RegionError::BadHandle);
    }
    // In a slot that has a tenant, every other generation is stale, those to come included.
    for stale in [0, 2, u32::MAX] {
        assert_eq!(regions.revoke(Handle::new(0, stale)), Err(RegionError::Stale));
        assert_eq!(regions.info(Handle::new(0, stale)), Err(RegionError::Stale));
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
    let mut tables = Tables::new();
    let (first, cap) = tables.immutable(&old);
    for _ in 0..5 {
        tx.send(&Offer { descriptor: descriptor(first, 0, 16), cap }).unwrap();
    }
    tables.regions.revoke(first).unwrap();
    let (second, new_cap) = tables.immutable(&new);
    assert_eq!(second.index(), first.index());
    tx.send(&Offer { descriptor: descriptor(second, 0, 16), cap: new_cap }).unwrap();
    let results: Vec<_> = std::iter::from_fn(|| rx.recv().ok())
        .map(|offer| tables.check(offer.cap, &offer.descriptor).map(|view| view[0]))
        .collect();
    let stale = Err(DescriptorError::StaleGeneration);
    assert_eq!(results, [stale, stale, stale, stale, stale, Ok(2)]);
    assert_eq!(rx.recv(), Err(LinkError::Empty));
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
    assert_eq!(tables.check(cap, &descriptor(region, 0, 1)).unwrap_err(), DescriptorError::StaleGeneration);
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
            // The one who checks is inside, so this only closes the region.
            assert_eq!(self.0.revoke(self.1), Err(RegionError::InUse(1)));
        }
        Ok(Handle::new(!region, cap.generation()))
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
        assert_eq!(refused, DescriptorError::StaleGeneration);
    }
    let claim = descriptor(region, 8, 9);
    let refused = validator.check(Handle::new(0, 1), &claim).unwrap_err();
    assert_eq!(refused, DescriptorError::OutOfRange { end: 17, limit: 16 });
    // Revoked in the middle of the check: the view was inside before, and was counted.
    let view = validator.check(Handle::new(1, 1), &descriptor(region, 8, 8)).unwrap();
    assert_eq!(*view, bytes[8..]);
    assert_eq!(
        validator.check(Handle::new(0, 1), &descriptor(region, 8, 8)).unwrap_err(),
        DescriptorError::StaleGeneration
    );
    assert_eq!(tables.regions.revoke(region), Err(RegionError::InUse(1)));
    drop(view);
    assert_eq!(tables.regions.revoke(region), Ok(()));
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
                            prop_assert_eq!(why, DescriptorError::StaleGeneration);
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
