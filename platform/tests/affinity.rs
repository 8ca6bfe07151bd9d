//! Pinning.

#![cfg(target_os = "linux")]

use std::io::ErrorKind;

use annulet_platform::affinity::{allowed, current_cpu, is_uniprocessor, pin_current};

mod common;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
#[allow(dead_code, reason = "each test binary uses some of it")]
#[path = "common/filter.rs"]
mod filter;

#[test]
fn a_pinned_thread_runs_where_it_was_told() {
    let cpus = allowed().unwrap();
    assert!(!cpus.is_empty() && cpus.is_sorted());
    assert_eq!(cpus.len(), rustix::thread::sched_getaffinity(None).unwrap().count() as usize);
    assert!(cpus.contains(&current_cpu()));
    let alone = is_uniprocessor();
    assert!(!alone || cpus.len() == 1);
    for cpu in cpus {
        // Of the thread, not of the test runner.
        std::thread::spawn(move || {
            pin_current(cpu).unwrap();
            assert_eq!(current_cpu(), cpu);
            assert_eq!(allowed().unwrap(), [cpu]);
            assert_eq!(is_uniprocessor(), alone, "others have their processors still");
        })
        .join()
        .unwrap();
    }
}

#[test]
fn processors_that_cannot_be_are_refused() {
    for cpu in [1024, 1 << 20, usize::MAX] {
        assert_eq!(pin_current(cpu).unwrap_err().kind(), ErrorKind::InvalidInput, "{cpu}");
    }
    let before = allowed().unwrap();
    let absent = (0..1024).rev().find(|cpu| !before.contains(cpu)).unwrap();
    std::thread::spawn(move || {
        let left = allowed().unwrap();
        // A processor that exists but was forbidden to this process may be allowed again by its owner.
        if pin_current(absent).is_err() {
            assert_eq!(allowed().unwrap(), left);
        }
    })
    .join()
    .unwrap();
}

/// A process that may run on one processor only, in a system of which it cannot see more.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
#[test]
fn who_is_alone_on_a_processor_is_told() {
    use rustix::process::{Pid, getpid};
    use rustix::thread::{CpuSet, sched_setaffinity};

    common::alone("who_is_alone_on_a_processor_is_told", || {
        let mut one = CpuSet::new();
        one.set(current_cpu());
        for thread in [Some(getpid()), None] {
            sched_setaffinity(thread, &one).unwrap();
        }
        let init = Pid::INIT.as_raw_nonzero().get() as u32;
        filter::refuse_for(libc::SYS_sched_getaffinity, 0, init, libc::EPERM);
        assert!(is_uniprocessor());
        // Who learns nothing does not say so.
        filter::refuse(&[libc::SYS_sched_getaffinity], libc::EPERM);
        assert!(!is_uniprocessor());
    });
}
