//! Quotas: which task pays for a capability, and how many were promised to it.

use super::{CapError, Quota, Task};

/// The quotas of a table of `N` capabilities: at most one account for each slot that is promised, so at most `N`.
///
/// All-zero memory is no accounts.
#[derive(Debug)]
#[repr(transparent)]
pub(super) struct Accounts<const N: usize>([Account; N]);

/// How much one task may grant, and has granted. An account that promises nothing is vacant.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
struct Account {
    task: Task,
    quota: u32,
    /// Capabilities in the table that the task has made.
    used: u32,
}

impl Account {
    /// Returns how many slots are kept for the task: its quota, or as many as it uses if that was lowered.
    fn promised(&self) -> u32 {
        self.quota.max(self.used)
    }
}

/// What pays for a capability: 0 for the kernel, otherwise the account, from 1 on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub(super) struct Payer(u32);

impl Payer {
    pub(super) const KERNEL: Self = Self(0);
}

impl<const N: usize> Accounts<N> {
    pub(super) const fn new() -> Self {
        Self([const { Account { task: Task(0), quota: 0, used: 0 } }; N])
    }

    /// Returns how many slots are kept for all tasks together.
    pub(super) fn promised(&self) -> usize {
        self.0.iter().map(|account| account.promised() as usize).sum()
    }

    /// Returns the quota of a task, and how much of it is used.
    pub(super) fn of(&self, task: Task) -> Quota {
        let account = self.find(task).and_then(|at| self.0.get(at));
        account
            .map_or(Quota { limit: 0, used: 0 }, |account| Quota { limit: account.quota, used: account.used })
    }

    /// Sets a task's quota, if what that promises beyond what was promised before fits into `room`.
    pub(super) fn set(&mut self, task: Task, quota: u32, room: usize) -> Result<(), CapError> {
        let vacant = || self.0.iter().position(|account| account.promised() == 0);
        // Every account promises at least one slot: if no account is left, there is no room for another one either.
        let Some(account) = self.find(task).or_else(vacant).and_then(|at| self.0.get_mut(at)) else {
            return if quota == 0 { Ok(()) } else { Err(CapError::NoRoom) };
        };
        let new = Account { task, quota, used: account.used };
        if new.promised().saturating_sub(account.promised()) as usize > room {
            return Err(CapError::NoRoom);
        }
        *account = new;
        Ok(())
    }

    /// Counts one more capability that `task` makes.
    pub(super) fn charge(&mut self, task: Task) -> Result<Payer, CapError> {
        let over = CapError::OverQuota { quota: self.of(task).limit };
        let at = self.find(task).ok_or(over)?;
        let account = self.0.get_mut(at).filter(|account| account.used < account.quota).ok_or(over)?;
        account.used += 1;
        // There are at most as many accounts as slots, whose number has fewer bits.
        #[allow(clippy::cast_possible_truncation)]
        Ok(Payer(at as u32 + 1))
    }

    /// Counts one less: the capability that `payer` made is gone.
    pub(super) fn refund(&mut self, payer: Payer) {
        let account = payer.0.checked_sub(1).and_then(|at| self.0.get_mut(at as usize));
        if let Some(account) = account {
            account.used = account.used.saturating_sub(1);
        }
    }

    fn find(&self, task: Task) -> Option<usize> {
        self.0.iter().position(|account| account.promised() > 0 && account.task == task)
    }
}
