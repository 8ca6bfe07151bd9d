//! Capabilities: forged handles, rights that only shrink, and revocation that takes the whole subtree.
#![cfg(not(loom))]

use annulet::cap::{Access, Authority, CapError, CapTable, Object, Rights, Task};
use annulet::handle::{Cap, Handle, Region};
use static_assertions::{assert_impl_all, assert_not_impl_any};

mod forest;

const ALICE: Task = Task(1);
const BOB: Task = Task(2);
const MALLORY: Task = Task(3);
const THING: Object = Object::Opaque(7);

assert_impl_all!(CapTable<4>: Send, Sync, Default);
assert_impl_all!(Authority<'static>: Send, Sync, Copy);
assert_impl_all!(Handle<Cap>: Send, Sync, Copy, std::hash::Hash, Eq);
// A capability is named by its handle; the table itself has one place.
assert_not_impl_any!(CapTable<4>: Clone, Copy);

/// The number of the first slot of a table that its holder numbered 0.
const FIRST: u32 = 1 << 31;

fn no_right(missing: Rights) -> CapError {
    CapError::NoRight { missing }
}

/// A table in which these tasks may grant so many.
fn with_quotas<const N: usize>(quotas: impl IntoIterator<Item = (Task, u32)>) -> CapTable<N> {
    let mut caps = CapTable::new();
    quotas.into_iter().for_each(|(task, quota)| caps.set_quota(task, quota).unwrap());
    caps
}

/// Every index and generation there is in a small table, and the ends of the integers: exactly those that were given
/// out and not revoked pass.
#[test]
fn c05_of_all_forged_handles_only_the_granted_ones_pass() {
    let mut caps = CapTable::<8>::numbered(0);
    let mut granted = Vec::new();
    let mut revoked = Vec::new();
    // Slots with many tenants, with few, and with none: two of them are empty.
    for tenants in [if cfg!(miri) { 20 } else { 200 }, 3, 1, 40, 2, 2] {
        for _ in 1..tenants {
            let cap = caps.mint(ALICE, THING, Rights::all(), 0).unwrap();
            caps.destroy(cap).unwrap();
            revoked.push(cap);
        }
        granted.push(caps.mint(ALICE, THING, Rights::all(), 0).unwrap());
    }
    assert_eq!(caps.len(), 6);
    let ends = |n: u32| (0..n).chain([255, 256, 65_535, 1 << 31, u32::MAX - 1, u32::MAX]);
    let (indices, generations) = if cfg!(miri) { (5, 5) } else { (256, 256) };
    for index in ends(indices).map(|index| index.wrapping_add(FIRST)) {
        for generation in ends(generations) {
            let forged = Handle::<Cap>::new(index, generation);
            let expected = if granted.contains(&forged) {
                Ok(())
            } else if revoked.contains(&forged) {
                Err(CapError::Revoked)
            } else if (FIRST..FIRST + 8).contains(&index) {
                Err(CapError::BadHandle)
            } else {
                Err(CapError::Foreign)
            };
            assert_eq!(caps.check(ALICE, forged, Rights::READ).map(drop), expected, "{forged:?}");
            if let Err(why) = expected {
                assert_eq!(caps.grant(ALICE, forged, BOB, Rights::READ, 0), Err(why));
                assert_eq!(caps.revoke(ALICE, forged), Err(why));
                assert_eq!(caps.destroy(forged), Err(why));
                assert_eq!(caps.permits(ALICE, forged, 0, Rights::READ), Err(why));
            }
            // Somebody else's name for it is worth nothing.
            assert!(caps.check(MALLORY, forged, Rights::empty()).is_err());
        }
    }
    assert_eq!(caps.len(), 6, "nothing that failed took a slot");
}

/// Every set of rights of the granter against every set that is asked for.
#[test]
fn c06_rv20_a_grant_never_widens() {
    let step = if cfg!(miri) { 13 } else { 1 };
    for own in (0..128).step_by(step).map(Rights::from_bits_truncate) {
        for asked in (0..128).step_by(step).map(Rights::from_bits_truncate) {
            let mut caps = with_quotas::<4>([(ALICE, 1), (BOB, 1)]);
            let root = caps.mint(ALICE, THING, own, 0).unwrap();
            let result = caps.grant(ALICE, root, BOB, asked, 5);
            let grant = own.contains(Rights::GRANT);
            let once = own.contains(Rights::GRANT_ONCE);
            let may = if grant { own } else { own - Rights::GRANT - Rights::GRANT_ONCE };
            let expected = if !grant && !once {
                Err(no_right(Rights::GRANT))
            } else if !may.contains(asked) {
                Err(no_right(asked - may))
            } else {
                Ok(())
            };
            assert_eq!(result.map(drop), expected, "{own:?} grants {asked:?}");
            let Ok(child) = result else {
                assert_eq!((caps.len(), caps.quota(ALICE).used), (1, 0), "what failed leaks no slot");
                continue;
            };
            let authority = caps.check(BOB, child, asked).unwrap();
            assert_eq!((authority.rights(), authority.badge(), authority.holder()), (asked, 5, BOB));
            assert_eq!(authority.object(), THING);
            // What was not given is missing, by name.
            for need in Rights::all().iter().filter(|need| !asked.contains(*need)) {
                assert_eq!(caps.check(BOB, child, need).unwrap_err(), no_right(need));
                assert_eq!(caps.check(BOB, child, need | asked).unwrap_err(), no_right(need));
            }
            // The right to grant once is used up with this grant, in whoever got it.
            if !grant {
                let on = caps.grant(BOB, child, MALLORY, Rights::empty(), 0);
                assert_eq!(on, Err(no_right(Rights::GRANT)));
            }
        }
    }
}

/// Bits that have no name are rights like any other: who does not have them cannot give them.
#[test]
fn c06_bits_without_a_name_are_not_granted_either() {
    let mut caps = CapTable::<4>::new();
    let root = caps.mint(ALICE, THING, Rights::all(), 0).unwrap();
    for bit in 7..32 {
        let unknown = Rights::from_bits_retain(1 << bit);
        assert_eq!(Rights::from_bits(1 << bit), None);
        assert_eq!(caps.grant(ALICE, root, BOB, unknown, 0), Err(no_right(unknown)));
        assert_eq!(caps.check(ALICE, root, unknown | Rights::READ).unwrap_err(), no_right(unknown));
    }
    assert_eq!(caps.len(), 1);
}

#[test]
fn rv20_a_capability_is_granted_on_eight_times() {
    let mut caps = with_quotas::<16>([(ALICE, 8)]);
    let root = caps.mint(ALICE, THING, Rights::all(), 0).unwrap();
    let mut last = root;
    for badge in 1..=8 {
        last = caps.grant(ALICE, last, ALICE, Rights::all(), badge).unwrap();
        assert_eq!(caps.check(ALICE, last, Rights::all()).unwrap().badge(), badge);
    }
    assert_eq!(caps.grant(ALICE, last, BOB, Rights::READ, 0), Err(CapError::TooDeep));
    assert_eq!(caps.len(), 9);
    // The whole of it goes, to its last level.
    assert_eq!(caps.revoke(ALICE, root), Ok(9));
    assert!(caps.is_empty());
    assert_eq!(caps.quota(ALICE).used, 0);
}

/// The deepest trees, with children in slots before and after their parents; from each of their levels.
#[test]
fn rv21_a_subtree_goes_however_it_lies_in_the_table() {
    // The slots in which a chain of nine comes to stand: in order, backwards, and mixed.
    for order in [[0, 1, 2, 3, 4, 5, 6, 7, 8], [8, 7, 6, 5, 4, 3, 2, 1, 0], [4, 8, 0, 7, 1, 6, 2, 5, 3]] {
        for from in (0..9).step_by(if cfg!(miri) { 8 } else { 1 }) {
            let mut caps = CapTable::<10>::numbered(0);
            let mint = |caps: &mut CapTable<10>| caps.mint(BOB, THING, Rights::all(), 0).unwrap();
            let mut fillers: Vec<_> = (0..9).map(|_| mint(&mut caps)).collect();
            let bystander = mint(&mut caps);
            // The fewest tenants are taken first, so each slot gets as many as its place in the order.
            for (tenants, slot) in order.into_iter().enumerate() {
                for _ in 0..tenants {
                    caps.destroy(fillers[slot]).unwrap();
                    fillers[slot] = mint(&mut caps);
                }
            }
            fillers.into_iter().for_each(|filler| assert_eq!(caps.destroy(filler), Ok(1)));
            caps.set_quota(ALICE, 8).unwrap();
            let mut chain = vec![caps.mint(ALICE, THING, Rights::all(), 0).unwrap()];
            for depth in 1..9 {
                let next = caps.grant(ALICE, chain[depth - 1], ALICE, Rights::all(), 0).unwrap();
                chain.push(next);
            }
            assert!(chain.iter().map(|cap| (cap.index() - FIRST) as usize).eq(order));
            // From one of them on, then the rest.
            assert_eq!(caps.revoke(ALICE, chain[from]), Ok(9 - from));
            for (depth, cap) in chain.iter().enumerate() {
                assert_eq!(caps.check(ALICE, *cap, Rights::READ).is_ok(), depth < from);
            }
            if from > 0 {
                assert_eq!(caps.destroy(chain[0]), Ok(from));
            }
            assert_eq!((caps.len(), caps.quota(ALICE).used), (1, 0));
            assert!(caps.check(BOB, bystander, Rights::all()).is_ok());
            // All those slots are free.
            caps.set_quota(ALICE, 0).unwrap();
            assert_eq!((0..9).filter(|_| caps.mint(BOB, THING, Rights::all(), 0).is_ok()).count(), 9);
            assert_eq!(caps.mint(BOB, THING, Rights::all(), 0), Err(CapError::TableFull));
        }
    }
}

/// The widest trees: every capability has as many children as fit, and a sibling of the root has some, too.
#[test]
fn rv21_a_subtree_goes_with_all_its_branches_and_no_others() {
    let mut caps = with_quotas::<40>([(ALICE, 30)]);
    let mint = |caps: &mut CapTable<40>| caps.mint(ALICE, THING, Rights::all(), 0).unwrap();
    let roots = [mint(&mut caps), mint(&mut caps)];
    let mut trees = roots.map(|root| vec![root]);
    for tree in &mut trees {
        for parent in 0..5 {
            for _ in 0..3 {
                let child = caps.grant(ALICE, tree[parent], ALICE, Rights::all(), 0).unwrap();
                tree.push(child);
            }
        }
    }
    assert_eq!((caps.len(), caps.quota(ALICE).used), (32, 30));
    // The second child of the first root has three children.
    assert_eq!(caps.revoke(ALICE, trees[0][2]), Ok(4));
    assert_eq!(caps.quota(ALICE).used, 26);
    assert_eq!(caps.revoke(ALICE, roots[0]), Ok(12));
    for cap in &trees[0] {
        assert_eq!(caps.check(ALICE, *cap, Rights::READ).unwrap_err(), CapError::Revoked);
    }
    assert!(trees[1].iter().all(|cap| caps.check(ALICE, *cap, Rights::READ).is_ok()));
    assert_eq!(caps.destroy(roots[1]), Ok(16));
    assert_eq!((caps.len(), caps.quota(ALICE).used), (0, 0));
}

/// A table that does not ask who calls lets anybody grant from any handle.
#[test]
fn rv21_only_the_holder_uses_a_capability() {
    let mut caps = with_quotas::<8>([(ALICE, 1), (MALLORY, 3)]);
    let root = caps.mint(ALICE, THING, Rights::all(), 0).unwrap();
    assert_eq!(caps.grant(MALLORY, root, MALLORY, Rights::all(), 0), Err(CapError::NotHolder));
    assert_eq!(caps.check(MALLORY, root, Rights::empty()).unwrap_err(), CapError::NotHolder);
    assert_eq!(caps.revoke(MALLORY, root), Err(CapError::NotHolder));
    let lent = caps.grant(ALICE, root, BOB, Rights::READ | Rights::REVOKE, 9).unwrap();
    // The granter is not the holder of what it granted; it has its own to revoke.
    assert_eq!(caps.check(ALICE, lent, Rights::READ).unwrap_err(), CapError::NotHolder);
    assert_eq!(caps.revoke(ALICE, lent), Err(CapError::NotHolder));
    assert_eq!(caps.revoke(BOB, root), Err(CapError::NotHolder));
    assert_eq!(caps.revoke(BOB, lent), Ok(1), "one's own can be given back");
    assert_eq!(caps.len(), 1);
}

/// A table that leaks a slot with each is full after as many rounds of this as it has slots.
#[test]
fn rv21_revoked_and_refused_capabilities_take_no_slot() {
    let mut caps = with_quotas::<4>([(ALICE, 1), (BOB, 1)]);
    let rounds = if cfg!(annulet_narrow) || cfg!(miri) { 60 } else { 10_000 };
    for _ in 0..rounds {
        let root = caps.mint(ALICE, THING, Rights::all(), 0).unwrap();
        let child = caps.grant(ALICE, root, BOB, Rights::all(), 0).unwrap();
        let grandchild = caps.grant(BOB, child, MALLORY, Rights::READ, 0).unwrap();
        assert_eq!(caps.grant(MALLORY, grandchild, BOB, Rights::READ, 0), Err(no_right(Rights::GRANT)));
        assert_eq!(caps.revoke(MALLORY, grandchild), Err(no_right(Rights::REVOKE)));
        assert_eq!(caps.revoke(ALICE, root), Ok(3));
        for (task, gone) in [(ALICE, root), (BOB, child), (MALLORY, grandchild)] {
            assert_eq!(caps.grant(task, gone, BOB, Rights::READ, 0), Err(CapError::Revoked));
            assert_eq!(caps.revoke(task, gone), Err(CapError::Revoked));
        }
        assert!(caps.is_empty());
    }
}

/// Where nobody writes down who was granted what by whom, children of what was revoked stay valid.
#[test]
fn rv21_a_child_whose_parents_slot_has_a_new_tenant_is_still_gone() {
    let mut caps = with_quotas::<2>([(ALICE, 1)]);
    let root = caps.mint(ALICE, THING, Rights::all(), 0).unwrap();
    let child = caps.grant(ALICE, root, BOB, Rights::all(), 0).unwrap();
    caps.destroy(root).unwrap();
    let new = caps.mint(ALICE, THING, Rights::all(), 0).unwrap();
    assert_eq!((new.index(), new.generation()), (root.index(), root.generation() + 1));
    assert_eq!(caps.check(BOB, child, Rights::READ).unwrap_err(), CapError::Revoked);
    assert_eq!(caps.destroy(new), Ok(1));
}

/// The order in which a capability is doubted, as [`Access`] has it.
#[test]
fn b11_permits_says_the_first_of_its_reasons() {
    let region = Handle::<Region>::new(2, 5);
    let mut caps = CapTable::<8>::numbered(0);
    let gone = caps.mint(BOB, THING, Rights::empty(), 0).unwrap();
    caps.destroy(gone).unwrap();
    for set in 0..8u32 {
        let (foreign, other, weak) = (set & 1 != 0, set & 2 != 0, set & 4 != 0);
        let object = if other { THING } else { Object::Region(region) };
        let rights = if weak { Rights::WRITE } else { Rights::READ };
        let cap = caps.mint(if foreign { BOB } else { ALICE }, object, rights, 0).unwrap();
        let expected = if foreign {
            Err(CapError::NotHolder)
        } else if other {
            Err(CapError::WrongObject)
        } else if weak {
            Err(no_right(Rights::READ))
        } else {
            Ok(region)
        };
        assert_eq!(caps.permits(ALICE, cap, 2, Rights::READ), expected);
        // The object has to be the region that was asked about; its generation is the validator's business.
        let expected = if foreign { CapError::NotHolder } else { CapError::WrongObject };
        assert_eq!(caps.permits(ALICE, cap, 3, Rights::READ), Err(expected));
        caps.destroy(cap).unwrap();
    }
    assert_eq!(caps.permits(ALICE, gone, 2, Rights::READ), Err(CapError::Revoked));
    assert_eq!(caps.permits(ALICE, Handle::new(FIRST + 7, 9), 2, Rights::READ), Err(CapError::BadHandle));
    assert_eq!(caps.permits(ALICE, Handle::new(FIRST + 8, 1), 2, Rights::READ), Err(CapError::Foreign));
}

/// Two tables of one type, each with one capability, at the same place and of the same generation. A handle that says
/// only slot and generation is that of either.
#[test]
fn c07_a_capability_of_one_table_is_none_of_another() {
    // SAFETY: for a table of no capabilities, zero is a value, as its documentation says.
    let zeroed = unsafe { std::mem::zeroed::<CapTable<4>>() };
    let tables = [CapTable::new(), CapTable::new(), zeroed, CapTable::default()];
    let numbered = [0, 1, u16::MAX].map(CapTable::numbered);
    let mut tables: Vec<CapTable<4>> = tables.into_iter().chain(numbered).collect();
    let caps: Vec<_> = tables
        .iter_mut()
        .map(|table| {
            table.set_quota(ALICE, 1).unwrap();
            table.mint(ALICE, Object::Region(Handle::new(7, 1)), Rights::all(), 0).unwrap()
        })
        .collect();
    for (mine, table) in tables.iter_mut().enumerate() {
        for (theirs, cap) in caps.iter().enumerate() {
            let foreign = if mine == theirs { Ok(()) } else { Err(CapError::Foreign) };
            assert_eq!(table.check(ALICE, *cap, Rights::READ).map(drop), foreign, "{mine} {theirs}");
            assert_eq!(table.permits(ALICE, *cap, 7, Rights::READ).map(drop), foreign);
            if mine != theirs {
                assert_eq!(table.grant(ALICE, *cap, BOB, Rights::READ, 0), Err(CapError::Foreign));
                assert_eq!(table.revoke(ALICE, *cap), Err(CapError::Foreign));
                assert_eq!(table.destroy(*cap), Err(CapError::Foreign));
                assert_eq!(
                    table.permits(BOB, *cap, 8, Rights::WRITE),
                    Err(CapError::Foreign),
                    "first of all"
                );
            }
        }
        assert_eq!((table.len(), table.quota(ALICE).used), (1, 0));
        // Nor one that has given out none.
        assert_eq!(CapTable::<4>::new().destroy(caps[mine]), Err(CapError::Foreign));
    }
    assert_eq!(CapTable::<4>::new().destroy(Handle::new(0, 0)), Err(CapError::Foreign));
    assert!(caps.iter().all(|cap| cap.index() != 0), "no live handle is zero");
    // Moved, a table is the same one.
    let moved = Box::new(tables.remove(1));
    assert!(moved.check(ALICE, caps[1], Rights::READ).is_ok());
}

/// A task that may grant fills the whole table, and the kernel cannot mint.
#[test]
fn rv20_a_task_that_grants_without_end_starves_nobody() {
    let mut caps = with_quotas::<16>([(MALLORY, 5), (BOB, 3)]);
    let own = caps.mint(MALLORY, THING, Rights::all(), 0).unwrap();
    let bobs = caps.mint(BOB, THING, Rights::all(), 0).unwrap();
    let made: Vec<_> =
        std::iter::from_fn(|| caps.grant(MALLORY, own, MALLORY, Rights::all(), 0).ok()).collect();
    assert_eq!(made.len(), 5);
    // To itself or others, from the first one or those it made.
    for to in [MALLORY, BOB, ALICE] {
        for cap in [own, made[0], made[4]] {
            let over = CapError::OverQuota { quota: 5 };
            assert_eq!(caps.grant(MALLORY, cap, to, Rights::READ, 0), Err(over));
        }
    }
    // The others have no less.
    assert_eq!((0..9).filter(|_| caps.grant(BOB, bobs, BOB, Rights::READ, 0).is_ok()).count(), 3);
    assert_eq!(caps.reserve(), 6);
    for left in (0..6).rev() {
        caps.mint(ALICE, THING, Rights::all(), 0).unwrap();
        assert_eq!(caps.reserve(), left);
    }
    assert_eq!(caps.mint(ALICE, THING, Rights::all(), 0), Err(CapError::TableFull));
    assert_eq!(caps.len(), 16);
    // What is gone is given back to the task that paid.
    assert_eq!(caps.revoke(MALLORY, made[0]), Ok(1));
    assert_eq!(caps.mint(ALICE, THING, Rights::all(), 0), Err(CapError::TableFull), "it is promised");
    assert!(caps.grant(MALLORY, own, BOB, Rights::all(), 0).is_ok());
    assert_eq!(caps.quota(MALLORY).used, 5);
}

/// A task without a quota grants nothing, so capabilities that are given to made-up tasks gain nothing; and a real
/// accomplice grants what it was promised itself.
#[test]
fn rv20_accomplices_have_their_own_quotas_and_no_others() {
    let mut caps = with_quotas::<16>([(MALLORY, 4), (BOB, 2), (ALICE, 3)]);
    let own = caps.mint(MALLORY, THING, Rights::all(), 0).unwrap();
    let alices = caps.mint(ALICE, THING, Rights::all(), 0).unwrap();
    let lent = caps.grant(MALLORY, own, BOB, Rights::all(), 0).unwrap();
    let stranger = Task(77);
    let strangers = caps.grant(MALLORY, own, stranger, Rights::all(), 0).unwrap();
    assert_eq!(
        caps.grant(stranger, strangers, stranger, Rights::READ, 0),
        Err(CapError::OverQuota { quota: 0 })
    );
    // The accomplice pays for what it grants on, up to what it has.
    let on: Vec<_> = std::iter::from_fn(|| caps.grant(BOB, lent, MALLORY, Rights::all(), 0).ok()).collect();
    assert_eq!(on.len(), 2);
    assert_eq!(caps.grant(BOB, on[0], BOB, Rights::READ, 0), Err(CapError::NotHolder));
    // What the others gave it does not make the holder poorer.
    assert_eq!(caps.quota(MALLORY).used, 2);
    assert_eq!((0..9).filter(|_| caps.grant(MALLORY, on[1], BOB, Rights::READ, 0).is_ok()).count(), 2);
    let other = |used| (caps.quota(MALLORY).used, caps.quota(BOB).used) == used;
    assert!(other((4, 2)));
    // Alice has what she was promised, and the kernel the rest.
    assert_eq!((0..9).filter(|_| caps.grant(ALICE, alices, BOB, Rights::READ, 0).is_ok()).count(), 3);
    assert_eq!((caps.len(), caps.reserve()), (11, 5));
    // Everything of the tree goes, and each gets back what it paid: six of the tree were granted.
    assert_eq!(caps.revoke(MALLORY, own), Ok(7));
    assert_eq!([MALLORY, BOB, ALICE].map(|task| caps.quota(task).used), [0, 0, 3]);
}

/// What is promised is there; more than is there is not promised.
#[test]
fn rv20_quotas_are_promises_that_fit_the_table() {
    let mut caps = CapTable::<8>::new();
    assert_eq!(caps.reserve(), 8);
    assert_eq!(caps.set_quota(ALICE, 9), Err(CapError::NoRoom));
    assert_eq!(caps.quota(ALICE).limit, 0);
    assert_eq!(caps.set_quota(ALICE, 8), Ok(()));
    assert_eq!((caps.reserve(), caps.mint(BOB, THING, Rights::all(), 0)), (0, Err(CapError::TableFull)));
    assert_eq!(caps.set_quota(BOB, 1), Err(CapError::NoRoom));
    assert_eq!(caps.set_quota(BOB, 0), Ok(()), "which promises nothing");
    assert_eq!(caps.set_quota(ALICE, 8), Ok(()), "again");
    assert_eq!(caps.set_quota(ALICE, u32::MAX), Err(CapError::NoRoom));
    assert_eq!(caps.set_quota(ALICE, 5), Ok(()));
    let root = caps.mint(ALICE, THING, Rights::all(), 0).unwrap();
    assert_eq!(caps.set_quota(BOB, 3), Err(CapError::NoRoom));
    assert_eq!(caps.set_quota(BOB, 2), Ok(()));
    let granted: Vec<_> = (0..4).map(|_| caps.grant(ALICE, root, BOB, Rights::all(), 0).unwrap()).collect();
    // Lowered below what is used: nothing more is granted, and the slots are free when what is there is gone.
    assert_eq!(caps.set_quota(ALICE, 2), Ok(()));
    assert_eq!(caps.reserve(), 1);
    assert_eq!(caps.grant(ALICE, root, BOB, Rights::all(), 0), Err(CapError::OverQuota { quota: 2 }));
    assert_eq!((caps.quota(ALICE).limit, caps.quota(ALICE).used), (2, 4));
    assert_eq!(caps.set_quota(ALICE, 0), Ok(()));
    assert_eq!(caps.reserve(), 1);
    // An account that is used is not another task's.
    assert_eq!(caps.set_quota(MALLORY, 1), Ok(()));
    assert_eq!([ALICE, BOB, MALLORY].map(|task| caps.quota(task).used), [4, 0, 0]);
    assert_eq!(caps.set_quota(MALLORY, 0), Ok(()));
    for (gone, cap) in granted.iter().enumerate() {
        assert_eq!((caps.reserve(), caps.quota(ALICE).used as usize), (1 + gone, 4 - gone));
        assert_eq!(caps.revoke(BOB, *cap), Ok(1));
    }
    // Its account is gone, and its place another task's.
    for task in 10..15 {
        assert_eq!(caps.set_quota(Task(task), 1), Ok(()));
    }
    assert_eq!((caps.reserve(), caps.quota(BOB).limit), (0, 2));
    assert_eq!(caps.set_quota(Task(15), 1), Err(CapError::NoRoom));
    assert_eq!(caps.set_quota(Task(16), 0), Ok(()));
    let all: Vec<_> = (0..20).map(|task| caps.quota(Task(task)).limit).collect();
    assert_eq!(all.iter().sum::<u32>(), 7);
    assert_eq!(CapTable::<0>::new().set_quota(ALICE, 1), Err(CapError::NoRoom));
    assert_eq!(CapTable::<0>::new().set_quota(ALICE, 0), Ok(()));
}

/// Grant and revoke in a loop: that always takes the first slot, and its generations are gone before those of the
/// others have begun.
#[test]
fn c03_generations_of_capabilities_are_spent_evenly() {
    let mut caps = with_quotas::<8>([(MALLORY, 2)]);
    let root = caps.mint(MALLORY, THING, Rights::all(), 0).unwrap();
    let rounds = if cfg!(miri) { 20 } else { 150 };
    let mut tenants = [0; 8];
    for round in 0..7 * rounds {
        let cap = caps.grant(MALLORY, root, MALLORY, Rights::all(), 0).unwrap();
        tenants[(cap.index() - root.index()) as usize] += 1;
        assert_eq!(cap.generation(), round / 7 + 1);
        assert_eq!(caps.revoke(MALLORY, cap), Ok(1));
    }
    assert_eq!(tenants[1..], [rounds; 7], "all but the one that is taken");
    assert_eq!(caps.retired(), 0);
    // One that comes free late has the most left.
    assert_eq!(caps.destroy(root), Ok(1));
    for generation in 2..=rounds {
        let cap = caps.mint(MALLORY, THING, Rights::all(), 0).unwrap();
        assert_eq!((cap.index(), cap.generation()), (root.index(), generation));
        assert_eq!(caps.destroy(cap), Ok(1));
    }
    assert_eq!(caps.mint(MALLORY, THING, Rights::all(), 0).unwrap().generation(), rounds + 1);
}

#[test]
fn capabilities_show_themselves() {
    let mut caps = CapTable::<4>::new();
    let region = Object::Region(Handle::new(3, 4));
    let cap = caps.mint(ALICE, region, Rights::READ | Rights::SEND, 99).unwrap();
    let authority = caps.check(ALICE, cap, Rights::SEND).unwrap();
    assert_eq!(authority.object(), region);
    let shown = format!("{authority:?} {caps:?}");
    for part in ["region#3.4", "READ | SEND", "99", "Task(1)", "len: 1", "capacity: 4"] {
        assert!(shown.contains(part), "{part} in {shown}");
    }
    let said = [
        (CapError::Foreign, "another table"),
        (CapError::BadHandle, "no such"),
        (CapError::Revoked, "revoked"),
        (CapError::NotHolder, "another task"),
        (CapError::WrongObject, "another object"),
        (no_right(Rights::READ | Rights::WRITE), "READ | WRITE"),
        (CapError::TableFull, "full"),
        (CapError::Retired, "generations"),
        (CapError::TooDeep, "granted on"),
        (CapError::OverQuota { quota: 37 }, "37"),
        (CapError::NoRoom, "no room"),
        (CapError::NoNumber, "no number"),
    ];
    for (error, part) in said {
        assert!(error.to_string().contains(part), "{error}");
    }
}
