//! A fence that the kernel makes all threads of this process pass: the heavy half of an asymmetric fence.
//!
//! Two threads that each store one word and load the other's both need a fence in between. If one of them does it far more
//! often, its fence can be a compiler fence, and the other one calls [`fence`]. The kernel then interrupts each processor that
//! runs a thread of this process, and those threads pass a whole fence there.

use std::sync::OnceLock;

use rustix::thread::{MembarrierCommand, membarrier};

/// Returns whether [`fence`] can be called.
///
/// If so, the kernel knows it (4.14), no filter forbids it, and this process has registered for it, which the first call does.
/// Later calls cost a load, and the answer never changes. A child by `fork` is registered, too.
#[must_use]
pub fn is_available() -> bool {
    static REGISTERED: OnceLock<bool> = OnceLock::new();
    // Under Miri, there is no such call.
    *REGISTERED.get_or_init(|| !cfg!(miri) && membarrier(MembarrierCommand::RegisterPrivateExpedited).is_ok())
}

/// Makes every thread of this process, this one included, pass a whole fence before it returns. Returns whether it did.
///
/// It returns false only if [`is_available`] does, or if a filter was installed later that forbids it.
#[must_use]
pub fn fence() -> bool {
    is_available() && membarrier(MembarrierCommand::PrivateExpedited).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The stress tests of its users show that it works.
    #[test]
    fn a_fence_is_there_if_it_says_so() {
        assert_eq!(fence(), is_available());
    }
}
