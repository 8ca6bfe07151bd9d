//! The table of capabilities.

use core::fmt;

use super::{Access, CapError, Object, Rights, Task};
use crate::handle::{Cap, FIRST_GENERATION, Handle, LAST_GENERATION, Region};

/// How many times a capability can be granted on.
const MAX_DEPTH: u32 = 8;

/// A table of `N` capabilities.
///
/// Changing it takes `&mut self`, using it `&self`: a kernel with several cores puts it behind the lock it has.
/// Every operation is bounded by `N`, all-zero memory is an empty table, and `new` is `const`.
///
/// # Guarantees
///
/// | | |
/// |---|---|
/// | a forged handle | never passes: exactly the handles that were given out and not revoked do |
/// | a revoked handle | never passes again: generations rise, and a slot whose generations are used up is retired |
/// | rights | a grant never includes what the granter lacks |
/// | revocation | takes the whole subtree, iteratively, and frees its slots |
/// | memory | `N` slots; no allocation, no recursion |
#[repr(C)]
pub struct CapTable<const N: usize> {
    slots: [Slot; N],
}

#[derive(Clone, Copy)]
#[repr(C)]
struct Slot {
    /// Of the capability in the slot, or the last one that was.
    generation: u32,
    live: bool,
    cap: Capability,
}

/// Numbers only, each valid when zero.
#[derive(Clone, Copy)]
#[repr(C)]
struct Capability {
    holder: Task,
    rights: Rights,
    /// `Object::Region` as 0, `Object::Opaque` as 1, and the number in it.
    kind: u32,
    depth: u32,
    number: u64,
    badge: u64,
    /// The raw handle of what it was granted from; 0, which is no handle, for what was minted.
    parent: u64,
}

impl Capability {
    const NONE: Self =
        Self { holder: Task(0), rights: Rights::empty(), kind: 0, depth: 0, number: 0, badge: 0, parent: 0 };

    fn object(&self) -> Object {
        match self.kind {
            0 => Object::Region(Handle::from_raw(self.number)),
            _ => Object::Opaque(self.number),
        }
    }
}

impl Slot {
    fn cap(&self) -> Option<&Capability> {
        self.live.then_some(&self.cap)
    }
}

/// A capability that was checked: proof that its holder may do what was asked, for as long as the table is not
/// changed.
///
/// It cannot be made in any other way.
#[derive(Clone, Copy)]
#[must_use]
pub struct Authority<'t> {
    cap: &'t Capability,
}

impl Authority<'_> {
    /// What it is for.
    #[must_use]
    pub fn object(&self) -> Object {
        self.cap.object()
    }

    /// All its rights.
    #[must_use]
    pub fn rights(&self) -> Rights {
        self.cap.rights
    }

    /// The number that the granter put on it, unforgeable: it tells a server which of its clients is calling.
    #[must_use]
    pub fn badge(&self) -> u64 {
        self.cap.badge
    }

    /// Who holds it.
    #[must_use]
    pub fn holder(&self) -> Task {
        self.cap.holder
    }
}

impl fmt::Debug for Authority<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority")
            .field("object", &self.object())
            .field("rights", &self.rights())
            .field("badge", &self.badge())
            .field("holder", &self.holder())
            .finish()
    }
}

impl<const N: usize> CapTable<N> {
    /// A table without capabilities.
    #[must_use]
    pub const fn new() -> Self {
        const { assert!(N <= u32::MAX as usize, "a handle's index has 32 bits") };
        Self {
            slots: [const { Slot { generation: FIRST_GENERATION - 1, live: false, cap: Capability::NONE } };
                N],
        }
    }

    /// Makes a capability out of nothing, for `holder`. The kernel does this for what it creates; no task can.
    ///
    /// # Errors
    ///
    /// [`CapError::TableFull`], [`CapError::Retired`].
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
        self.insert(Capability { holder, rights, kind, depth: 0, number, badge, parent: 0 })
    }

    /// Grants `rights` on the object of `cap` to `to`, on behalf of `caller`, who holds `cap` with
    /// [`Rights::GRANT`] or [`Rights::GRANT_ONCE`].
    ///
    /// Without [`Rights::GRANT`], neither it nor `GRANT_ONCE` can be granted.
    ///
    /// # Errors
    ///
    /// Those of [`check`](Self::check); [`CapError::NoRight`] for what the caller lacks of `rights`;
    /// [`CapError::TooDeep`] beyond eight grants in a row; [`CapError::TableFull`], [`CapError::Retired`]. The table
    /// is unchanged then.
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
        self.insert(Capability {
            holder: to,
            rights,
            badge,
            parent: cap.to_raw(),
            depth: from.depth + 1,
            ..from
        })
    }

    /// Checks that `caller` holds `cap`, and that it includes `need`.
    ///
    /// # Errors
    ///
    /// The first that applies: [`CapError::BadHandle`], [`CapError::Revoked`], [`CapError::NotHolder`],
    /// [`CapError::NoRight`].
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

    /// Revokes `cap` and everything that was granted from it, on behalf of `caller`, who holds it with
    /// [`Rights::REVOKE`]; how many capabilities went.
    ///
    /// Nothing can be checked under them any more. A [`View`](crate::region::View) that was made before lives on;
    /// what takes the bytes themselves away is [`RegionTable::revoke`](crate::region::RegionTable::revoke).
    ///
    /// # Errors
    ///
    /// Those of [`check`](Self::check). The table is unchanged then.
    pub fn revoke(&mut self, caller: Task, cap: Handle<Cap>) -> Result<usize, CapError> {
        let _authority = self.check(caller, cap, Rights::REVOKE)?;
        Ok(self.remove(cap))
    }

    /// Revokes `cap` and everything that was granted from it, by the kernel's own word: when its object goes, or its
    /// holder dies. How many capabilities went.
    ///
    /// # Errors
    ///
    /// [`CapError::BadHandle`], [`CapError::Revoked`].
    pub fn destroy(&mut self, cap: Handle<Cap>) -> Result<usize, CapError> {
        self.find(cap)?;
        Ok(self.remove(cap))
    }

    /// Capabilities in the table.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slots.iter().filter(|slot| slot.live).count()
    }

    /// True for a table without capabilities.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn find(&self, cap: Handle<Cap>) -> Result<&Capability, CapError> {
        let slot = self.slots.get(cap.index() as usize).ok_or(CapError::BadHandle)?;
        if cap.generation() < FIRST_GENERATION || cap.generation() > slot.generation {
            return Err(CapError::BadHandle);
        }
        match slot.cap() {
            Some(found) if cap.generation() == slot.generation => Ok(found),
            _ => Err(CapError::Revoked),
        }
    }

    fn insert(&mut self, cap: Capability) -> Result<Handle<Cap>, CapError> {
        let retired = |slot: &Slot| !slot.live && slot.generation == LAST_GENERATION;
        // Nothing will ever come free where every slot is retired.
        let none = if self.slots.iter().all(retired) { CapError::Retired } else { CapError::TableFull };
        let mut slots = self.slots.iter_mut().enumerate();
        let (index, slot) = slots.find(|(_, slot)| !slot.live && !retired(slot)).ok_or(none)?;
        slot.generation += 1;
        slot.live = true;
        slot.cap = cap;
        // `new` asserts that an index fits.
        #[allow(clippy::cast_possible_truncation)]
        Ok(Handle::new(index as u32, slot.generation))
    }

    /// Removes a live capability and its subtree, level by level: a capability whose parent is gone goes too. A
    /// subtree has at most `MAX_DEPTH` levels below its root, which bounds the rounds.
    fn remove(&mut self, cap: Handle<Cap>) -> usize {
        let mut removed = 0;
        if let Some(slot) = self.slots.get_mut(cap.index() as usize) {
            slot.live = false;
            removed += 1;
        }
        for _ in 0..MAX_DEPTH {
            let before = removed;
            for index in 0..N {
                let parent = self.slots.get(index).and_then(Slot::cap).map_or(0, |cap| cap.parent);
                if parent != 0 && self.find(Handle::from_raw(parent)).is_err() {
                    if let Some(slot) = self.slots.get_mut(index) {
                        slot.live = false;
                        removed += 1;
                    }
                }
            }
            if removed == before {
                break;
            }
        }
        removed
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
        while let Ok(cap) = caps.mint(me, thing, Rights::all(), 0) {
            assert!(caps.check(me, cap, Rights::READ).is_ok());
            assert_eq!(caps.revoke(me, cap), Ok(1));
            seen.push((cap.index(), cap.generation()));
        }
        assert_eq!(seen, [(0, LAST_GENERATION - 1), (0, LAST_GENERATION), (1, LAST_GENERATION)]);
        assert_eq!(caps.mint(me, thing, Rights::all(), 0), Err(CapError::Retired));
        for (index, generation) in seen {
            let old = super::Handle::new(index, generation);
            assert_eq!(caps.check(me, old, Rights::READ).unwrap_err(), CapError::Revoked);
        }
        // One that lives in a slot's last generation is no retired one.
        let mut caps = CapTable::<1>::new();
        caps.slots[0].generation = LAST_GENERATION - 1;
        let last = caps.mint(me, thing, Rights::all(), 0).unwrap();
        assert_eq!(caps.mint(me, thing, Rights::all(), 0), Err(CapError::TableFull));
        assert!(caps.check(me, last, Rights::all()).is_ok());
    }
}
