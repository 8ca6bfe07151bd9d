//! Lists of operations against a list of all capabilities that ever were.

use annulet::cap::{CapError, CapTable, Rights, Task};
use annulet::handle::{Cap, Handle};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::{FIRST, THING, no_right};

#[derive(Clone, Debug)]
enum Op {
    Mint(u32, Rights),
    Grant(u32, prop::sample::Index, u32, Rights),
    Revoke(u32, prop::sample::Index),
    Destroy(prop::sample::Index),
    SetQuota(u32, u32),
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
        1 => (task(), 0..9u32).prop_map(|(task, quota)| Op::SetQuota(task, quota)),
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
    /// The task that granted it; none, if it was minted.
    payer: Option<Task>,
    live: bool,
}

/// Slots of the table that the model describes.
const SLOTS: u32 = 12;

/// All capabilities that ever were, and the quotas of tasks 1 to 3.
struct Model(Vec<Node>, [u32; 4]);

impl Model {
    fn used(&self, task: Task) -> u32 {
        self.0.iter().filter(|node| node.live && node.payer == Some(task)).count() as u32
    }

    fn promised(&self, task: u32) -> u32 {
        self.1[task as usize].max(self.used(Task(task)))
    }

    /// What the kernel can mint, with what it has minted and promised taken off.
    fn reserve(&self) -> u32 {
        let minted = self.0.iter().filter(|node| node.live && node.payer.is_none()).count() as u32;
        SLOTS - minted - (1..4).map(|task| self.promised(task)).sum::<u32>()
    }

    fn set_quota(&mut self, task: u32, quota: u32) -> Result<(), CapError> {
        let more =
            quota.max(self.used(Task(task))) - self.promised(task).min(quota.max(self.used(Task(task))));
        if more > self.reserve() {
            return Err(CapError::NoRoom);
        }
        self.1[task as usize] = quota;
        Ok(())
    }

    /// The handle of the next capability: of the free slots the first of those that had the fewest tenants.
    fn next(&self) -> Handle<Cap> {
        let mut slots = [(0, false); SLOTS as usize];
        for node in &self.0 {
            let (tenants, live) = &mut slots[(node.cap.index() - FIRST) as usize];
            *tenants += 1;
            *live |= node.live;
        }
        let free = slots.iter().zip(FIRST..).filter(|((_, live), _)| !live);
        let ((tenants, _), index) = free.min_by_key(|((tenants, _), _)| *tenants).unwrap();
        Handle::new(index, tenants + 1)
    }

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
        cases: if cfg!(miri) { 2 } else { 1000 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// The table against a list of everything that ever was, with parents: every answer, and every error.
    #[test]
    fn rv21_c06_the_table_is_a_forest(program in vec(op(), 1..if cfg!(miri) { 20 } else { 150 })) {
        let mut caps = CapTable::<{ SLOTS as usize }>::numbered(0);
        let mut model = Model(Vec::new(), [0, 3, 3, 3]);
        (1..4).for_each(|task| caps.set_quota(Task(task), 3).unwrap());
        for (step, op) in program.into_iter().enumerate() {
            let badge = step as u64 + 1;
            let known = |which: &prop::sample::Index| {
                // Now and then one that never was.
                let at = which.index(model.0.len() + 1);
                model.0.get(at).map_or(Handle::new(FIRST + step as u32 % SLOTS, 1000), |node| node.cap)
            };
            let added = match &op {
                Op::Mint(task, rights) => {
                    let expected = if model.reserve() == 0 { Err(CapError::TableFull) } else { Ok(None) };
                    let made = caps.mint(Task(*task), THING, *rights, badge);
                    Some((made, expected, Task(*task), *rights, None))
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
                        } else if model.used(caller) >= model.1[caller.0 as usize] {
                            Err(CapError::OverQuota { quota: model.1[caller.0 as usize] })
                        } else {
                            Ok(Some(at))
                        }
                    });
                    let made = caps.grant(caller, cap, Task(*to), *rights, badge);
                    Some((made, expected, Task(*to), *rights, Some(caller)))
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
                Op::SetQuota(task, quota) => {
                    prop_assert_eq!(caps.set_quota(Task(*task), *quota), model.set_quota(*task, *quota));
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
            if let Some((made, expected, holder, rights, payer)) = added {
                match (made, expected) {
                    (Ok(cap), Ok(parent)) => {
                        prop_assert_eq!(cap, model.next());
                        model.0.push(Node { cap, holder, rights, badge, parent, payer, live: true });
                    }
                    (made, expected) => prop_assert_eq!(made.map(drop), expected.map(drop)),
                }
            }
            prop_assert_eq!((caps.len(), caps.is_empty()), (model.len(), model.len() == 0));
            prop_assert_eq!((caps.reserve() as u32, caps.retired()), (model.reserve(), 0));
            for task in 1..4 {
                let quota = caps.quota(Task(task));
                prop_assert_eq!((quota.limit, quota.used), (model.1[task as usize], model.used(Task(task))));
            }
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
