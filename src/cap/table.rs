//! The table of capabilities.

use core::fmt;

use super::account::{Accounts, Payer};
use super::capability::{Authority, Capability};
use super::{Access, CapError, Object, Quota, Rights, Task};
use crate::atomic::{MOST_SLOTS, SlotNumbers};
use crate::handle::{Cap, FIRST_GENERATION, Handle, LAST_GENERATION, Region};

/// How many times a capability can be granted on.
const MAX_DEPTH: u32 = 8;

/// A table of `N` capabilities.
///
/// Changing it takes `&mut self`, using it `&self`. So a kernel with several cores puts it behind its own lock. Every operation
/// is bounded by `N`. All-zero memory is an empty table, and `new` is `const`.
///
/// # Examples
///
/// ```
/// use annulet::cap::{CapError, CapTable, Object, Rights, Task};
///
/// let mut caps = CapTable::<8>::new();
/// let driver = Task(1);
/// let cap = caps.mint(driver, Object::Opaque(7), Rights::READ | Rights::REVOKE, 0).unwrap();
/// assert_eq!(caps.check(driver, cap, Rights::READ).unwrap().object(), Object::Opaque(7));
/// assert_eq!(caps.revoke(driver, cap), Ok(1));
/// assert_eq!(caps.check(driver, cap, Rights::READ).unwrap_err(), CapError::Revoked);
/// ```
///
/// # Quotas
///
/// The slots are shared, so the kernel promises them. A task may [`grant`](Self::grant) at most as many capabilities as the
/// kernel has promised it by [`set_quota`](Self::set_quota). Without a quota, it may grant none. The quotas of all tasks and the
/// kernel's own capabilities never exceed `N`. So a task that uses up its quota takes no slot from another task or from the
/// kernel. The slots that are not promised are the kernel's [`reserve`](Self::reserve), out of which it mints.
///
/// The task that grants pays, from the grant until that capability is gone, whichever task revokes it. The holder pays
/// nothing, so no other task can use up its quota by giving it capabilities. A holder that grants on pays for its own grants. So
/// a task gains nothing by granting through accomplices. The kernel pays for what it mints, also if a task has asked for it.
/// The kernel decides how often a task may ask.
///
/// A slot that retires is taken from the reserve. When the reserve is used up, promises can no longer be kept: see
/// [`retired`](Self::retired).
///
/// # Guarantees
///
/// | | |
/// |---|---|
/// | a forged handle | never passes: only handles that were given out and not revoked do |
/// | another table's handle | is [`CapError::Foreign`]: slots are numbered throughout the process |
/// | a revoked handle | never passes again: generations rise, and used-up slots are retired |
/// | generations | are spent evenly: a new capability takes the slot with the most left |
/// | rights | a grant never includes a right that the granter lacks |
/// | a task's grants | never exceed its quota, and never fail because of another task's |
/// | revocation | takes the whole subtree iteratively, frees its slots, and refunds the tasks that paid |
/// | memory | `N` slots and `N` accounts; no allocation, no recursion |
#[repr(C)]
pub struct CapTable<const N: usize> {
    slots: [Slot; N],
    accounts: Accounts<N>,
    /// Taken with the first capability.
    numbers: SlotNumbers,
}

#[derive(Clone, Copy)]
#[repr(C)]
struct Slot {
    /// The generation of the capability in the slot, or of the last one that was there.
    generation: u32,
    live: bool,
    cap: Capability,
}

impl Slot {
    fn cap(&self) -> Option<&Capability> {
        self.live.then_some(&self.cap)
    }

    fn is_retired(&self) -> bool {
        !self.live && self.generation == LAST_GENERATION
    }
}

impl<const N: usize> CapTable<N> {
    /// Makes a table without capabilities, in which no task may grant. It is numbered, apart from all other tables of
    /// this process, when the first capability is made.
    ///
    /// On targets without compare-and-swap, the numbers are counted in two steps. There, use [`numbered`](Self::numbered) for a
    /// table whose first capability is made in an interrupt handler, on another core, or by a thread that preempts others.
    #[must_use]
    pub const fn new() -> Self {
        Self::with(SlotNumbers::counted())
    }

    /// Makes a table without capabilities that has this number.
    ///
    /// The caller sees to it that no other table of capabilities has the number: a handle of the one would be a handle of the
    /// other. It is for tables whose handles must be told apart beyond this process. It is also for tables that are made so often
    /// that [`new`](Self::new) runs out of numbers, after 2³¹ slots.
    #[must_use]
    pub const fn numbered(number: u16) -> Self {
        Self::with(SlotNumbers::given(number))
    }

    const fn with(numbers: SlotNumbers) -> Self {
        const { assert!(N <= MOST_SLOTS, "a table has at most 32768 slots") };
        let slot = const { Slot { generation: FIRST_GENERATION - 1, live: false, cap: Capability::NONE } };
        Self { slots: [slot; N], accounts: Accounts::new(), numbers }
    }

    /// Promises `quota` slots to a task: it may have granted that many capabilities at a time. 0 takes the promise back.
    ///
    /// Capabilities that the task has granted stay, and count. So a lower quota frees their slots only when they are gone.
    ///
    /// # Errors
    ///
    /// [`CapError::NoRoom`] if the [`reserve`](Self::reserve) is smaller than what this promises beyond the last quota. The
    /// last quota stays then.
    pub fn set_quota(&mut self, task: Task, quota: u32) -> Result<(), CapError> {
        let room = self.reserve();
        self.accounts.set(task, quota, room)
    }

    /// Returns the quota of a task, and how much of it is used.
    #[must_use]
    pub fn quota(&self, task: Task) -> Quota {
        self.accounts.of(task)
    }

    /// Returns how many capabilities the kernel can still mint, whatever tasks do.
    ///
    /// These slots are not used by minted capabilities, not promised to a task, and not retired.
    #[must_use]
    pub fn reserve(&self) -> usize {
        let minted = |slot: &&Slot| slot.cap().is_some_and(|cap| cap.payer == Payer::KERNEL);
        let minted = self.slots.iter().filter(minted).count();
        (N - self.retired()).saturating_sub(minted + self.accounts.promised())
    }

    /// Makes a new capability for `holder`. Only the kernel can do this, for the objects that it creates.
    ///
    /// # Errors
    ///
    /// - [`CapError::TableFull`] if the [`reserve`](Self::reserve) is used up.
    /// - [`CapError::Retired`] if every slot has used up its generations.
    /// - [`CapError::NoNumber`] if no number is left for the table.
    pub fn mint(
        &mut self,
        holder: Task,
        object: Object,
        rights: Rights,
        badge: u64,
    ) -> Result<Handle<Cap>, CapError> {
        let (kind, number) = match object {
            Object::Region(region) => (0, region.to_raw()),
            Object::Opaque(number) => (1, number),
        };
        if self.reserve() == 0 {
            return Err(self.full());
        }
        let payer = Payer::KERNEL;
        self.insert(Capability { holder, rights, kind, depth: 0, number, badge, parent: 0, payer })
    }

    /// Grants `rights` on the object of `cap` to `to`, on behalf of `caller`.
    ///
    /// The caller holds `cap` with [`Rights::GRANT`] or [`Rights::GRANT_ONCE`]. Without [`Rights::GRANT`], neither of the two can
    /// be granted. The grant counts against the caller's quota.
    ///
    /// # Errors
    ///
    /// The first that applies. The table is unchanged then.
    ///
    /// - Those of [`check`](Self::check).
    /// - [`CapError::NoRight`] for each of `rights` that the caller lacks.
    /// - [`CapError::TooDeep`] beyond eight grants in a row.
    /// - [`CapError::OverQuota`] if the caller's quota is used up.
    /// - [`CapError::TableFull`] or [`CapError::Retired`] if so many slots are retired that promises cannot be kept.
    pub fn grant(
        &mut self,
        caller: Task,
        cap: Handle<Cap>,
        to: Task,
        rights: Rights,
        badge: u64,
    ) -> Result<Handle<Cap>, CapError> {
        let from = *self.check(caller, cap, Rights::empty())?.cap;
        let may = if from.rights.contains(Rights::GRANT) {
            from.rights
        } else if from.rights.contains(Rights::GRANT_ONCE) {
            from.rights.difference(Rights::GRANT | Rights::GRANT_ONCE)
        } else {
            return Err(CapError::NoRight { missing: Rights::GRANT });
        };
        if !may.contains(rights) {
            return Err(CapError::NoRight { missing: rights.difference(may) });
        }
        if from.depth >= MAX_DEPTH {
            return Err(CapError::TooDeep);
        }
        let (parent, depth) = (cap.to_raw(), from.depth + 1);
        let payer = self.accounts.charge(caller)?;
        let made = self.insert(Capability { holder: to, rights, badge, parent, depth, payer, ..from });
        if made.is_err() {
            self.accounts.refund(payer);
        }
        made
    }

    /// Checks that `caller` holds `cap`, and that it includes `need`.
    ///
    /// # Errors
    ///
    /// The first that applies: [`CapError::Foreign`], [`CapError::BadHandle`], [`CapError::Revoked`],
    /// [`CapError::NotHolder`], [`CapError::NoRight`].
    #[inline]
    pub fn check(&self, caller: Task, cap: Handle<Cap>, need: Rights) -> Result<Authority<'_>, CapError> {
        let found = self.find(cap)?;
        if found.holder != caller {
            return Err(CapError::NotHolder);
        }
        if !found.rights.contains(need) {
            return Err(CapError::NoRight { missing: need.difference(found.rights) });
        }
        Ok(Authority { cap: found })
    }

    /// Revokes `cap` and everything that was granted from it, on behalf of `caller`. Returns how many were revoked.
    ///
    /// The caller holds `cap` with [`Rights::REVOKE`]. From then on none of them passes a check. A
    /// [`View`](crate::region::View) that was made before lives on:
    /// [`RegionTable::revoke`](crate::region::RegionTable::revoke) takes the bytes themselves away.
    ///
    /// # Errors
    ///
    /// Those of [`check`](Self::check). The table is unchanged then.
    pub fn revoke(&mut self, caller: Task, cap: Handle<Cap>) -> Result<usize, CapError> {
        let _authority = self.check(caller, cap, Rights::REVOKE)?;
        Ok(self.remove(cap))
    }

    /// Revokes `cap` and everything that was granted from it, on behalf of the kernel. Returns how many were revoked.
    ///
    /// It is for the end of an object, or of a holder.
    ///
    /// # Errors
    ///
    /// [`CapError::Foreign`], [`CapError::BadHandle`], [`CapError::Revoked`].
    pub fn destroy(&mut self, cap: Handle<Cap>) -> Result<usize, CapError> {
        self.find(cap)?;
        Ok(self.remove(cap))
    }

    /// Returns how many capabilities are in the table.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slots.iter().filter(|slot| slot.live).count()
    }

    /// Returns true for a table without capabilities.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns how many slots have used up their generations, and will never hold a capability again.
    ///
    /// A new capability takes the slot with the most generations left, so slots retire together, as late as possible.
    #[must_use]
    pub fn retired(&self) -> usize {
        self.slots.iter().filter(|slot| slot.is_retired()).count()
    }

    fn find(&self, cap: Handle<Cap>) -> Result<&Capability, CapError> {
        let index = self.numbers.index_of(cap.index(), N).ok_or(CapError::Foreign)?;
        let slot = self.slots.get(index).ok_or(CapError::Foreign)?;
        if cap.generation() < FIRST_GENERATION || cap.generation() > slot.generation {
            return Err(CapError::BadHandle);
        }
        match slot.cap() {
            Some(found) if cap.generation() == slot.generation => Ok(found),
            _ => Err(CapError::Revoked),
        }
    }

    /// Returns why there is no slot.
    fn full(&self) -> CapError {
        // No slot will ever come free if each one is retired.
        if self.retired() == N { CapError::Retired } else { CapError::TableFull }
    }

    fn insert(&mut self, cap: Capability) -> Result<Handle<Cap>, CapError> {
        let none = self.full();
        let free = self
            .slots
            .iter_mut()
            .enumerate()
            .filter(|(_, slot)| !slot.live && slot.generation < LAST_GENERATION);
        let (index, slot) = free.min_by_key(|(_, slot)| slot.generation).ok_or(none)?;
        let first = self.numbers.first(N).ok_or(CapError::NoNumber)?;
        slot.generation += 1;
        slot.live = true;
        slot.cap = cap;
        // `with` asserts that an index has 15 bits.
        #[allow(clippy::cast_possible_truncation)]
        Ok(Handle::new(first.wrapping_add(index as u32), slot.generation))
    }

    /// Removes a live capability and its subtree, level by level: a capability whose parent is gone goes too, and its
    /// parent is of the level before.
    fn remove(&mut self, cap: Handle<Cap>) -> usize {
        let Ok(root) = self.find(cap) else { return 0 };
        let below = root.depth + 1;
        let mut removed = self.numbers.index_of(cap.index(), N).map_or(0, |index| self.free(index));
        for depth in below..=MAX_DEPTH {
            for index in 0..N {
                let found = self.slots.get(index).and_then(Slot::cap);
                let orphan =
                    |cap: &Capability| cap.depth == depth && self.find(Handle::from_raw(cap.parent)).is_err();
                if found.is_some_and(orphan) {
                    removed += self.free(index);
                }
            }
        }
        removed
    }

    /// Frees the slot of a live capability. Returns how many that is: one.
    fn free(&mut self, index: usize) -> usize {
        let Some(slot) = self.slots.get_mut(index) else { return 0 };
        slot.live = false;
        self.accounts.refund(slot.cap.payer);
        1
    }
}

impl<const N: usize> Access for CapTable<N> {
    #[inline]
    fn permits(
        &self,
        task: Task,
        cap: Handle<Cap>,
        region: u32,
        need: Rights,
    ) -> Result<Handle<Region>, CapError> {
        let found = self.find(cap)?;
        if found.holder != task {
            return Err(CapError::NotHolder);
        }
        match found.object() {
            Object::Region(named) if named.index() == region => {
                if !found.rights.contains(need) {
                    return Err(CapError::NoRight { missing: need.difference(found.rights) });
                }
                Ok(named)
            }
            _ => Err(CapError::WrongObject),
        }
    }
}

impl<const N: usize> Default for CapTable<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> fmt::Debug for CapTable<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CapTable").field("len", &self.len()).field("capacity", &N).finish()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::{CapError, CapTable, LAST_GENERATION, Object, Rights, Task};

    /// The narrow build walks there (`tests/regions`); the wide one starts just before the end.
    #[test]
    fn c03_the_last_capability_of_a_slot_retires_it() {
        let (me, thing) = (Task(1), Object::Opaque(0));
        let mut caps = CapTable::<2>::new();
        caps.slots[0].generation = LAST_GENERATION - 2;
        caps.slots[1].generation = LAST_GENERATION - 1;
        let mut seen = Vec::new();
        assert_eq!((caps.retired(), caps.reserve()), (0, 2));
        while let Ok(cap) = caps.mint(me, thing, Rights::all(), 0) {
            assert!(caps.check(me, cap, Rights::READ).is_ok());
            assert_eq!(caps.revoke(me, cap), Ok(1));
            seen.push(cap);
        }
        let first = seen[0].index();
        let numbers: Vec<_> = seen.iter().map(|cap| (cap.index() - first, cap.generation())).collect();
        assert_eq!(numbers, [(0, LAST_GENERATION - 1), (0, LAST_GENERATION), (1, LAST_GENERATION)]);
        assert_eq!(caps.mint(me, thing, Rights::all(), 0), Err(CapError::Retired));
        assert_eq!((caps.retired(), caps.reserve()), (2, 0));
        for old in seen {
            assert_eq!(caps.check(me, old, Rights::READ).unwrap_err(), CapError::Revoked);
        }
        // One that lives in a slot's last generation is no retired one.
        let mut caps = CapTable::<1>::new();
        caps.slots[0].generation = LAST_GENERATION - 1;
        let last = caps.mint(me, thing, Rights::all(), 0).unwrap();
        assert_eq!(caps.mint(me, thing, Rights::all(), 0), Err(CapError::TableFull));
        assert_eq!((caps.retired(), caps.reserve()), (0, 0));
        assert!(caps.check(me, last, Rights::all()).is_ok());
    }

    /// Slots that retire go from the reserve, and then from what was promised: that is said, and no task is charged.
    #[test]
    fn c03_a_promise_that_retirement_breaks_is_refused_and_not_counted() {
        let (me, thing) = (Task(1), Object::Opaque(0));
        let mut caps = CapTable::<4>::new();
        for slot in &mut caps.slots[1..] {
            slot.generation = LAST_GENERATION - 1;
        }
        caps.set_quota(me, 3).unwrap();
        let root = caps.mint(me, thing, Rights::all(), 0).unwrap();
        let grant = |caps: &mut CapTable<4>| caps.grant(me, root, me, Rights::all(), 0);
        let last = grant(&mut caps).unwrap();
        assert_eq!((last.generation(), caps.revoke(me, last)), (LAST_GENERATION, Ok(1)));
        assert_eq!((caps.retired(), caps.reserve()), (1, 0));
        let kept = [grant(&mut caps).unwrap(), grant(&mut caps).unwrap()];
        assert_eq!(grant(&mut caps), Err(CapError::TableFull), "one of three is retired");
        assert_eq!(caps.quota(me).used, 2);
        for cap in kept {
            caps.revoke(me, cap).unwrap();
        }
        assert_eq!((grant(&mut caps), caps.quota(me).used), (Err(CapError::TableFull), 0));
        // A quota beyond what is left: no more is promised.
        assert_eq!(caps.set_quota(me, 4), Err(CapError::NoRoom));
        assert_eq!(caps.retired(), 3);
    }
}
