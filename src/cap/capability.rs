//! A capability in a slot, and the proof that it was checked.

use core::fmt;

use super::account::Payer;
use super::{Object, Rights, Task};
use crate::handle::Handle;

/// Numbers only, each valid when zero.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct Capability {
    pub(super) holder: Task,
    pub(super) rights: Rights,
    /// `Object::Region` as 0, `Object::Opaque` as 1, and the number in it.
    pub(super) kind: u32,
    pub(super) depth: u32,
    pub(super) number: u64,
    pub(super) badge: u64,
    /// The raw handle of what it was granted from; 0, which is no handle, for what was minted.
    pub(super) parent: u64,
    pub(super) payer: Payer,
}

impl Capability {
    pub(super) const NONE: Self = Self {
        holder: Task(0),
        rights: Rights::empty(),
        kind: 0,
        depth: 0,
        number: 0,
        badge: 0,
        parent: 0,
        payer: Payer::KERNEL,
    };

    pub(super) fn object(&self) -> Object {
        match self.kind {
            0 => Object::Region(Handle::from_raw(self.number)),
            _ => Object::Opaque(self.number),
        }
    }
}

/// A capability that was checked: the proof that its holder may do what was asked.
///
/// Only [`CapTable::check`](super::CapTable::check) makes one. It borrows the table, so it is gone before that changes.
#[derive(Clone, Copy)]
#[must_use]
pub struct Authority<'t> {
    pub(super) cap: &'t Capability,
}

impl Authority<'_> {
    /// Returns what it is for.
    #[must_use]
    pub fn object(&self) -> Object {
        self.cap.object()
    }

    /// Returns all its rights.
    #[must_use]
    pub fn rights(&self) -> Rights {
        self.cap.rights
    }

    /// Returns the number that the granter put on it, unforgeable: it tells a server which of its clients is calling.
    #[must_use]
    pub fn badge(&self) -> u64 {
        self.cap.badge
    }

    /// Returns the task that holds it.
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
