//! A fence that all threads of this process pass, by the kernel's doing: the heavy half of an asymmetric fence.
//!
//! Two threads that each store one word and load the other's need a fence in between, both of them. Where one of them does
//! it a million times as often, its fence can be a compiler fence only, if the other one calls [`fence`]: the kernel then
//! interrupts each processor that runs a thread of this process, and those threads pass a whole fence there.

use std::sync::OnceLock;

use rustix::thread::{MembarrierCommand, membarrier};

/// Whether [`fence`] can be called: the kernel knows it (4.14), no filter forbids it, and this process has registered for
/// it, which the first call does.
///
/// It costs a load after that, and its answer never changes. A child by `fork` is registered, too.
#[must_use]
pub fn is_available() -> bool {
    static REGISTERED: OnceLock<bool> = OnceLock::new();
    // Under Miri, there is no such call.
    *REGISTERED.get_or_init(|| !cfg!(miri) && membarrier(MembarrierCommand::RegisterPrivateExpedited).is_ok())
}

/// Makes every thread of this process pass a whole fence before it returns, this one included. False if it did not,
/// which is only where [`is_available`] is false, or a filter was installed that forbids what was allowed before.
#[must_use]
pub fn fence() -> bool {
    is_available() && membarrier(MembarrierCommand::PrivateExpedited).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What it promises is shown by the stress tests of those who rely on it.
    #[test]
    fn a_fence_is_there_if_it_says_so() {
        assert_eq!(fence(), is_available());
    }
}
