//! Deadlines at the edges of their range.

#![cfg(target_os = "linux")]

use core::time::Duration;

use annulet_platform::clock::{NEVER, after, is_past, now, remaining};

#[test]
fn h13_the_longest_span_is_never() {
    for span in [Duration::MAX, Duration::from_secs(u64::MAX), Duration::from_nanos(u64::MAX)] {
        assert_eq!(after(span), NEVER);
    }
    assert!(!is_past(NEVER));
    assert_eq!(remaining(NEVER), None);
    assert!(after(Duration::from_secs(500 * 365 * 86_400)) < NEVER);
}

#[test]
fn h13_zero_is_past_at_once() {
    let deadline = after(Duration::ZERO);
    assert!(is_past(deadline));
    assert_eq!(remaining(deadline), Some(Duration::ZERO));
    assert!(is_past(now()));
}

#[test]
fn h13_the_past_stays_past() {
    let deadline = now();
    std::thread::sleep(Duration::from_millis(2));
    assert!(is_past(deadline));
    assert_eq!(remaining(deadline), Some(Duration::ZERO));
    assert!(deadline < now());
}

#[test]
fn h13_the_future_counts_down() {
    let deadline = after(Duration::from_secs(3600));
    assert!(!is_past(deadline));
    let left = remaining(deadline).unwrap();
    assert!(left <= Duration::from_secs(3600) && left > Duration::from_secs(3000));
    std::thread::sleep(Duration::from_millis(2));
    assert!(remaining(deadline).unwrap() < left);
}
