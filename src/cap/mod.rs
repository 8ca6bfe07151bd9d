//! Capabilities: what a task may do with an object, and the table that grants and checks them.
//!
//! A capability names an object, the task that holds it, and the task's rights. Tasks know capabilities by [`Handle<Cap>`]. A
//! handle is only a claim: [`CapTable::check`] compares its generation, its holder and its rights on every use. Rights only ever
//! shrink. Revoking a capability also revokes everything that was granted from it, and frees their slots.
//!
//! The slots of a table are shared. So each task has a quota of them, and pays for what it grants. The rest is the kernel's
//! ([`CapTable`](CapTable#quotas)).
//!
//! Use a [`CapTable`] if your kernel has no capabilities yet. A kernel that has implements [`Access`] on its own instead.
//!
//! # Examples
//!
//! ```
//! use annulet::cap::{CapError, CapTable, Object, Rights, Task};
//!
//! let mut caps = CapTable::<8>::new();
//! let (alice, bob) = (Task(1), Task(2));
//! caps.set_quota(alice, 1).unwrap();
//! let root = caps.mint(alice, Object::Opaque(7), Rights::READ | Rights::GRANT, 0).unwrap();
//! let lent = caps.grant(alice, root, bob, Rights::READ, 42).unwrap();
//! assert_eq!(caps.grant(alice, root, bob, Rights::READ, 43), Err(CapError::OverQuota { quota: 1 }));
//!
//! assert_eq!(caps.check(bob, lent, Rights::READ).unwrap().badge(), 42);
//! assert_eq!(caps.check(bob, lent, Rights::WRITE).unwrap_err(), CapError::NoRight { missing: Rights::WRITE });
//! assert_eq!(caps.check(alice, lent, Rights::READ).unwrap_err(), CapError::NotHolder);
//! assert_eq!(caps.revoke(alice, root), Err(CapError::NoRight { missing: Rights::REVOKE }));
//! ```
//!
//! The guarantees are those of the [table](CapTable#guarantees).

mod account;
mod capability;
mod table;

pub use capability::Authority;
pub use table::CapTable;

use core::fmt;

use crate::handle::{Cap, Handle, Region};

bitflags::bitflags! {
    /// What the holder of a capability may do.
    ///
    /// Rights that come from outside may have bits without a name: [`Rights::from_bits`](#method.from_bits) refuses them.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub struct Rights: u32 {
        /// Read the object's bytes.
        const READ = 1;
        /// Write to the object.
        const WRITE = 2;
        /// Grant a part of these rights to another task, which may grant on if it gets this right, too.
        const GRANT = 4;
        /// Revoke the capability, and with it all that was granted from it.
        const REVOKE = 8;
        /// Send through the object.
        const SEND = 16;
        /// Receive from the object.
        const RECV = 32;
        /// Grant a part of these rights to another task, which cannot grant on.
        const GRANT_ONCE = 64;
    }
}

/// A task, process or component that holds capabilities.
///
/// The kernel says which task is calling. A task never says it of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Task(pub u32);

/// What a capability is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Object {
    /// A region of a [`RegionTable`](crate::region::RegionTable). The handle says of which table: a capability for a region of
    /// one table is not valid for a region of another one.
    Region(Handle<Region>),
    /// An object that this crate does not know, by the kernel's number.
    Opaque(u64),
}

/// How many capabilities a task may have granted at a time, and how many it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Quota {
    /// The number that the kernel has promised.
    pub limit: u32,
    /// The number in the table at this moment. It is more than the limit if that was lowered since.
    pub used: u32,
}

/// Why a capability does not allow something, or could not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CapError {
    /// The slot is not one of this table's: the handle is another table's, or none.
    Foreign,
    /// No such capability was ever made.
    BadHandle,
    /// It was revoked.
    Revoked,
    /// Another task holds it.
    NotHolder,
    /// It is for another object.
    WrongObject,
    /// It does not include these rights.
    NoRight {
        /// The rights that are missing.
        missing: Rights,
    },
    /// No slot of the table is free that was not promised to a task.
    TableFull,
    /// The granter has as many granted capabilities in the table as the kernel has promised it.
    OverQuota {
        /// The granter's quota.
        quota: u32,
    },
    /// The table has fewer slots left than the quota promises.
    NoRoom,
    /// Every slot of the table has used up its generations: no capability will ever fit again.
    Retired,
    /// It was granted on too many times already.
    TooDeep,
    /// This process has made so many tables that no number is left to tell this one from the others: give it one by
    /// [`CapTable::numbered`].
    NoNumber,
}

impl fmt::Display for CapError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Foreign => f.write_str("the capability is another table's"),
            Self::BadHandle => f.write_str("no such capability"),
            Self::Revoked => f.write_str("the capability is revoked"),
            Self::NotHolder => f.write_str("the capability is another task's"),
            Self::WrongObject => f.write_str("the capability is for another object"),
            Self::NoRight { missing } => {
                f.write_str("the capability lacks the right ")?;
                bitflags::parser::to_writer(missing, f)
            }
            Self::TableFull => f.write_str("the capability table is full"),
            Self::OverQuota { quota } => write!(f, "the granter has used up its quota of {quota}"),
            Self::NoRoom => f.write_str("the capability table has no room for that quota"),
            Self::Retired => f.write_str("the capability table has used up its generations"),
            Self::TooDeep => f.write_str("the capability was granted on too many times"),
            Self::NoNumber => f.write_str("no number is left for the capability table"),
        }
    }
}

impl core::error::Error for CapError {}

/// Decides what a task may do with a region, for the [`Validator`](crate::region::Validator).
///
/// [`CapTable`] implements it. A kernel with a capability system of its own implements it on that.
pub trait Access {
    /// Returns the region that `cap` names, if `task` holds it, its region has this index, and it includes `need`.
    ///
    /// The [`Validator`](crate::region::Validator) compares the whole handle. If it names another region than the one that was
    /// asked about, the validator refuses it as [`WrongObject`](CapError::WrongObject).
    ///
    /// # Errors
    ///
    /// The first of [`Foreign`](CapError::Foreign), [`BadHandle`](CapError::BadHandle), [`Revoked`](CapError::Revoked),
    /// [`NotHolder`](CapError::NotHolder), [`WrongObject`](CapError::WrongObject),
    /// [`NoRight`](CapError::NoRight) that applies.
    fn permits(
        &self,
        task: Task,
        cap: Handle<Cap>,
        region: u32,
        need: Rights,
    ) -> Result<Handle<Region>, CapError>;
}
