//! Capabilities: forged handles, rights that only shrink, and revocation that takes the whole subtree.
#![cfg(not(loom))]

use annulet::cap::{Access, Authority, CapError, CapTable, Object, Rights, Task};
use annulet::handle::{Cap, Handle, Region};
use proptest::collection::vec;
use proptest::prelude::*;
use static_assertions::{assert_impl_all, assert_not_impl_any};

const ALICE: Task = Task(1);
const BOB: Task = Task(2);
const MALLORY: Task = Task(3);
const THING: Object = Object::Opaque(7);

assert_impl_all!(CapTable<4>: Send, Sync, Default);
assert_impl_all!(Authority<'static>: Send, Sync, Copy);
assert_impl_all!(Handle<Cap>: Send, Sync, Copy, std::hash::Hash, Eq);
// A capability is named by its handle; the table itself has one place.
assert_not_impl_any!(CapTable<4>: Clone, Copy);

fn no_right(missing: Rights) -> CapError {
    CapError::NoRight { missing }
}

/// Every index and generation there is in a small table, and the ends of the integers: exactly those that were given
/// out and not revoked pass.
#[test]
fn c05_of_all_forged_handles_only_the_granted_ones_pass() {
    let mut caps = CapTable::<8>::new();
    let mut granted = Vec::new();
    let mut revoked = Vec::new();
    // Slots with many tenants, with one, and with none.
    for tenants in [if cfg!(miri) { 20 } else { 200 }, 3, 1, 40] {
        for _ in 1..tenants {
            let cap = caps.mint(ALICE, THING, Rights::all(), 0).unwrap();
            caps.destroy(cap).unwrap();
            revoked.push(cap);
        }
        granted.push(caps.mint(ALICE, THING, Rights::all(), 0).unwrap());
    }
    assert_eq!((caps.len(), granted.iter().map(|cap| cap.index()).max()), (4, Some(3)));
    let ends = |n: u32| (0..n).chain([255, 256, 65_535, 1 << 31, u32::MAX - 1, u32::MAX]);
    let (indices, generations) = if cfg!(miri) { (5, 5) } else { (256, 256) };
    for index in ends(indices) {
        for generation in ends(generations) {
            let forged = Handle::<Cap>::new(index, generation);
            let expected = if granted.contains(&forged) {
                Ok(())
            } else if revoked.contains(&forged) {
                Err(CapError::Revoked)
            } else {
                Err(CapError::BadHandle)
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
    assert_eq!(caps.len(), 4, "nothing that failed took a slot");
}

/// Every set of rights of the granter against every set that is asked for.
#[test]
fn c06_rv20_a_grant_never_widens() {
    let step = if cfg!(miri) { 13 } else { 1 };
    for own in (0..128).step_by(step).map(Rights::from_bits_truncate) {
        for asked in (0..128).step_by(step).map(Rights::from_bits_truncate) {
            let mut caps = CapTable::<4>::new();
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
                assert_eq!(caps.len(), 1, "what failed leaks no slot");
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
    let mut caps = CapTable::<16>::new();
    let mut last = caps.mint(ALICE, THING, Rights::all(), 0).unwrap();
    for badge in 1..=8 {
        last = caps.grant(ALICE, last, ALICE, Rights::all(), badge).unwrap();
        assert_eq!(caps.check(ALICE, last, Rights::all()).unwrap().badge(), badge);
    }
    assert_eq!(caps.grant(ALICE, last, BOB, Rights::READ, 0), Err(CapError::TooDeep));
    assert_eq!(caps.len(), 9);
    // The whole of it goes, to its last level.
    assert_eq!(caps.revoke(ALICE, Handle::new(0, 1)), Ok(9));
    assert!(caps.is_empty());
}

/// The deepest and widest trees, with children in slots before and after their parents.
#[test]
fn rv21_a_subtree_goes_however_it_lies_in_the_table() {
    // The slots in which a chain of nine comes to stand: in order, backwards, and mixed.
    for order in [[0, 1, 2, 3, 4, 5, 6, 7, 8], [8, 7, 6, 5, 4, 3, 2, 1, 0], [4, 8, 0, 7, 1, 6, 2, 5, 3]] {
        let mut caps = CapTable::<10>::new();
        let fillers: Vec<_> = (0..9).map(|_| caps.mint(BOB, THING, Rights::all(), 0).unwrap()).collect();
        let bystander = caps.mint(BOB, THING, Rights::all(), 0).unwrap();
        let mut chain: Vec<Handle<Cap>> = Vec::new();
        for slot in order {
            caps.destroy(fillers[slot]).unwrap();
            let cap = match chain.last() {
                None => caps.mint(ALICE, THING, Rights::all(), 0),
                Some(parent) => caps.grant(ALICE, *parent, ALICE, Rights::all(), 0),
            };
            chain.push(cap.unwrap());
            assert_eq!(chain.last().unwrap().index() as usize, slot);
        }
        // From the middle, then the rest.
        assert_eq!(caps.revoke(ALICE, chain[4]), Ok(5));
        for (depth, cap) in chain.iter().enumerate() {
            assert_eq!(caps.check(ALICE, *cap, Rights::READ).is_ok(), depth < 4);
        }
        assert_eq!(caps.destroy(chain[0]), Ok(4));
        assert_eq!(caps.len(), 1);
        assert!(caps.check(BOB, bystander, Rights::all()).is_ok());
        // All those slots are free.
        assert_eq!((0..9).filter(|_| caps.mint(BOB, THING, Rights::all(), 0).is_ok()).count(), 9);
        assert_eq!(caps.mint(BOB, THING, Rights::all(), 0), Err(CapError::TableFull));
    }
}

/// A table that does not ask who calls lets anybody grant from any handle.
#[test]
fn rv21_only_the_holder_uses_a_capability() {
    let mut caps = CapTable::<8>::new();
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
    let mut caps = CapTable::<4>::new();
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
    let mut caps = CapTable::<4>::new();
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
    let mut caps = CapTable::<8>::new();
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
    assert_eq!(caps.permits(ALICE, Handle::new(8, 1), 2, Rights::READ), Err(CapError::BadHandle));
}

#[derive(Clone, Debug)]
enum Op {
    Mint(u32, Rights),
    Grant(u32, prop::sample::Index, u32, Rights),
    Revoke(u32, prop::sample::Index),
    Destroy(prop::sample::Index),
    Check(u32, prop::sample::Index, Rights),
}

fn op() -> impl Strategy<Value = Op> {
    let task = || 1..4u32;
    let which = any::<prop::sample::Index>;
    // Mostly generous, so that there are trees.
    let rights =
        || prop_oneof![2 => Just(Rights::all()), 1 => (0..128u32).prop_map(Rights::from_bits_truncate)];
    prop_oneof![
        1 => (task(), rights()).prop_map(|(task, rights)| Op::Mint(task, rights)),
        5 => (task(), which(), task(), rights()).prop_map(|(task, which, to, rights)| Op::Grant(task, which, to, rights)),
        1 => (task(), which()).prop_map(|(task, which)| Op::Revoke(task, which)),
        1 => which().prop_map(Op::Destroy),
        2 => (task(), which(), rights()).prop_map(|(task, which, rights)| Op::Check(task, which, rights)),
    ]
}

/// One capability, as the model has it.
struct Node {
    cap: Handle<Cap>,
    holder: Task,
    rights: Rights,
    badge: u64,
    parent: Option<usize>,
    live: bool,
}

/// All capabilities that ever were.
struct Model(Vec<Node>);

impl Model {
    fn find(&self, caller: Task, cap: Handle<Cap>, need: Rights) -> Result<usize, CapError> {
        let at = self.0.iter().position(|node| node.cap == cap).ok_or(CapError::BadHandle)?;
        let node = &self.0[at];
        if !node.live {
            Err(CapError::Revoked)
        } else if node.holder != caller {
            Err(CapError::NotHolder)
        } else if !node.rights.contains(need) {
            Err(no_right(need - node.rights))
        } else {
            Ok(at)
        }
    }

    fn depth(&self, at: usize) -> usize {
        self.0[at].parent.map_or(0, |parent| 1 + self.depth(parent))
    }

    fn is_within(&self, at: usize, root: usize) -> bool {
        at == root || self.0[at].parent.is_some_and(|parent| self.is_within(parent, root))
    }

    /// Takes a subtree; how many were live.
    fn remove(&mut self, root: usize) -> usize {
        let within: Vec<usize> =
            (0..self.0.len()).filter(|at| self.0[*at].live && self.is_within(*at, root)).collect();
        within.iter().for_each(|at| self.0[*at].live = false);
        within.len()
    }

    fn len(&self) -> usize {
        self.0.iter().filter(|node| node.live).count()
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(miri) { 2 } else { 2000 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// The table against a list of everything that ever was, with parents: every answer, and every error.
    #[test]
    fn rv21_c06_the_table_is_a_forest(program in vec(op(), 1..if cfg!(miri) { 20 } else { 150 })) {
        let mut caps = CapTable::<12>::new();
        let mut model = Model(Vec::new());
        for (step, op) in program.into_iter().enumerate() {
            let badge = step as u64 + 1;
            let known = |which: &prop::sample::Index| {
                // Now and then one that never was.
                let at = which.index(model.0.len() + 1);
                model.0.get(at).map_or(Handle::new(step as u32 % 13, 1000), |node| node.cap)
            };
            let added = match &op {
                Op::Mint(task, rights) => {
                    let made = caps.mint(Task(*task), THING, *rights, badge);
                    Some((made, Ok(None), Task(*task), *rights))
                }
                Op::Grant(caller, which, to, rights) => {
                    let (caller, cap) = (Task(*caller), known(which));
                    let expected = model.find(caller, cap, Rights::empty()).and_then(|at| {
                        let own = model.0[at].rights;
                        if !own.intersects(Rights::GRANT | Rights::GRANT_ONCE) {
                            return Err(no_right(Rights::GRANT));
                        }
                        let once = if own.contains(Rights::GRANT) { Rights::empty() } else { Rights::GRANT | Rights::GRANT_ONCE };
                        let lacking = *rights - (own - once);
                        if !lacking.is_empty() {
                            Err(no_right(lacking))
                        } else if model.depth(at) >= 8 {
                            Err(CapError::TooDeep)
                        } else {
                            Ok(Some(at))
                        }
                    });
                    Some((caps.grant(caller, cap, Task(*to), *rights, badge), expected, Task(*to), *rights))
                }
                Op::Revoke(caller, which) => {
                    let (caller, cap) = (Task(*caller), known(which));
                    let expected = model.find(caller, cap, Rights::REVOKE).map(|at| model.remove(at));
                    prop_assert_eq!(caps.revoke(caller, cap), expected);
                    None
                }
                Op::Destroy(which) => {
                    let cap = known(which);
                    let at = model.0.iter().position(|node| node.cap == cap);
                    let expected = match at {
                        None => Err(CapError::BadHandle),
                        Some(at) if !model.0[at].live => Err(CapError::Revoked),
                        Some(at) => Ok(model.remove(at)),
                    };
                    prop_assert_eq!(caps.destroy(cap), expected);
                    None
                }
                Op::Check(caller, which, need) => {
                    let (caller, cap) = (Task(*caller), known(which));
                    let result = caps.check(caller, cap, *need);
                    let expected = model.find(caller, cap, *need);
                    prop_assert_eq!(result.map(drop), expected.map(drop));
                    if let (Ok(authority), Ok(at)) = (result, expected) {
                        let node = &model.0[at];
                        prop_assert_eq!((authority.badge(), authority.rights()), (node.badge, node.rights));
                        prop_assert_eq!((authority.holder(), authority.object()), (node.holder, THING));
                    }
                    None
                }
            };
            if let Some((made, expected, holder, rights)) = added {
                match (made, expected) {
                    (Ok(cap), Ok(parent)) => {
                        prop_assert!(model.0.iter().all(|node| node.cap != cap), "given out before");
                        model.0.push(Node { cap, holder, rights, badge, parent, live: true });
                    }
                    (Err(CapError::TableFull), Ok(_)) => prop_assert_eq!(model.len(), 12),
                    (made, expected) => prop_assert_eq!(made.map(drop), expected.map(drop)),
                }
            }
            prop_assert_eq!((caps.len(), caps.is_empty()), (model.len(), model.len() == 0));
            // Rights only shrink, on every edge there is.
            for node in model.0.iter().filter(|node| node.live) {
                if let Some(parent) = node.parent {
                    prop_assert!(model.0[parent].live && model.0[parent].rights.contains(node.rights));
                }
                prop_assert!(caps.check(node.holder, node.cap, node.rights).is_ok());
            }
        }
    }
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
        (CapError::BadHandle, "no such"),
        (CapError::Revoked, "revoked"),
        (CapError::NotHolder, "somebody else"),
        (CapError::WrongObject, "something else"),
        (no_right(Rights::READ | Rights::WRITE), "READ | WRITE"),
        (CapError::TableFull, "full"),
        (CapError::Retired, "generations"),
        (CapError::TooDeep, "granted on"),
    ];
    for (error, part) in said {
        assert!(error.to_string().contains(part), "{error}");
    }
}
