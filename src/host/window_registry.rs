//! The registry of this process's own windows, by which one that a peer passes back is found out.
//!
//! A peer has the descriptor of each window that was passed to it, and can pass it on. It can copy every byte of it. But it
//! cannot make another file with the same identity (device and number), which the kernel gives.

use std::collections::BTreeSet;
use std::io;
use std::os::fd::AsFd;
use std::sync::{Mutex, MutexGuard, PoisonError};

use annulet_platform::memfd::{self, Identity};

/// One entry for each window of ours that lives. A forked child has a copy of the list and maps none of them: the entries have
/// the process number of its parent.
static OWN: Mutex<BTreeSet<(u32, Identity)>> = Mutex::new(BTreeSet::new());

/// A window of ours in the list, for as long as this lives.
#[derive(Debug)]
pub(super) struct Listed((u32, Identity));

impl Listed {
    /// Lists the file of a window that was just made.
    pub(super) fn of(file: impl AsFd) -> io::Result<Self> {
        let entry = (std::process::id(), memfd::identity(file)?);
        list().insert(entry);
        Ok(Self(entry))
    }

    /// Returns whether it is this file.
    pub(super) fn is_of(&self, file: impl AsFd) -> io::Result<bool> {
        Ok(memfd::identity(file)? == self.0.1)
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        list().remove(&self.0);
    }
}

/// Returns whether the file is a window of this process, of any connection.
pub(super) fn is_own(file: impl AsFd) -> io::Result<bool> {
    Ok(list().contains(&(std::process::id(), memfd::identity(file)?)))
}

fn list() -> MutexGuard<'static, BTreeSet<(u32, Identity)>> {
    // No panic leaves it half changed.
    OWN.lock().unwrap_or_else(PoisonError::into_inner)
}
