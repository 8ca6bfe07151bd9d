//! A fence of all threads, where the kernel gives one.

#![cfg(target_os = "linux")]

use annulet_platform::membarrier::{fence, is_available};
use rustix::thread::{MembarrierCommand, membarrier_query};

mod common;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
#[allow(dead_code, reason = "each test binary uses some of it")]
#[path = "common/filter.rs"]
mod filter;

#[test]
fn a_fence_is_there_where_the_kernel_knows_it() {
    let known = membarrier_query().contains_command(MembarrierCommand::RegisterPrivateExpedited);
    assert_eq!((is_available(), fence()), (known, known));
}

/// By a filter that comes later than the first answer.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
#[test]
fn a_fence_that_is_refused_is_not_claimed() {
    let known = is_available();
    let claimed = filter::without(&[libc::SYS_membarrier], libc::EPERM, || (is_available(), fence()));
    assert_eq!(claimed, (known, false));
}

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
#[test]
fn a_fence_that_was_never_allowed_is_not_there() {
    common::alone("a_fence_that_was_never_allowed_is_not_there", || {
        filter::refuse(&[libc::SYS_membarrier], libc::EPERM);
        assert!(!is_available() && !fence());
    });
}
