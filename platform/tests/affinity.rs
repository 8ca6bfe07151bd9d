//! Pinning.

#![cfg(target_os = "linux")]

use std::io::ErrorKind;

use annulet_platform::affinity::{allowed, current_cpu, is_alone, pin_current};

#[test]
fn a_pinned_thread_runs_where_it_was_told() {
    let cpus = allowed().unwrap();
    assert!(!cpus.is_empty() && cpus.is_sorted());
    assert!(cpus.contains(&current_cpu()));
    assert_eq!(is_alone(), cpus.len() == 1);
    for cpu in cpus {
        // Of the thread, not of the test runner.
        std::thread::spawn(move || {
            pin_current(cpu).unwrap();
            assert_eq!(current_cpu(), cpu);
            assert_eq!(allowed().unwrap(), [cpu]);
            assert!(is_alone());
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
