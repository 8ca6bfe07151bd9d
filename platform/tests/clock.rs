//! Deadlines at the edges of their range.

#![cfg(target_os = "linux")]

use core::time::Duration;

use annulet_platform::clock::Deadline;

#[test]
fn h13_the_longest_span_is_never() {
    for span in [Duration::MAX, Duration::from_secs(u64::MAX), Duration::from_nanos(u64::MAX)] {
        assert_eq!(Deadline::after(span), Deadline::NEVER);
    }
    assert!(!Deadline::NEVER.is_past());
    assert_eq!(Deadline::NEVER.remaining(), None);
    assert!(Deadline::after(Duration::from_secs(500 * 365 * 86_400)) < Deadline::NEVER);
}

#[test]
fn h13_zero_is_past_at_once() {
    let deadline = Deadline::after(Duration::ZERO);
    assert!(deadline.is_past());
    assert_eq!(deadline.remaining(), Some(Duration::ZERO));
    assert!(Deadline::now().is_past());
}

#[test]
fn h13_the_past_stays_past() {
    let deadline = Deadline::now();
    std::thread::sleep(Duration::from_millis(2));
    assert!(deadline.is_past());
    assert_eq!(deadline.remaining(), Some(Duration::ZERO));
    assert!(deadline < Deadline::now());
}

#[test]
fn h13_the_future_counts_down() {
    let deadline = Deadline::after(Duration::from_secs(3600));
    assert!(!deadline.is_past());
    let left = deadline.remaining().unwrap();
    assert!(left <= Duration::from_secs(3600) && left > Duration::from_secs(3000));
    std::thread::sleep(Duration::from_millis(2));
    assert!(deadline.remaining().unwrap() < left);
}

#[test]
fn h13_the_earlier_of_two() {
    let (first, second) = (Deadline::now(), Deadline::after(Duration::from_secs(9)));
    assert_eq!(first.earlier(second), first);
    assert_eq!(second.earlier(first), first);
    assert_eq!(Deadline::NEVER.earlier(second), second);
    assert_eq!(Deadline::NEVER.earlier(Deadline::NEVER), Deadline::NEVER);
}

#[test]
fn h13_an_instant_is_its_nanoseconds() {
    for nanos in [0, 1, 7, u64::MAX] {
        assert_eq!(Deadline::at(nanos).nanos(), nanos);
    }
    assert_eq!(Deadline::at(u64::MAX), Deadline::NEVER);
}
