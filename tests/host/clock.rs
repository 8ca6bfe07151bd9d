//! Deadlines on the clock of everything here that waits.

use std::time::Duration;

use annulet::host::Deadline;
use annulet_platform::clock;

#[test]
fn h13_a_deadline_comes_and_the_time_left_runs_down() {
    let now = Deadline::now();
    assert!(now.is_past());
    assert_eq!(now.remaining(), Some(Duration::ZERO));
    let hour = Duration::from_secs(3600);
    let later = Deadline::after(hour);
    assert!(!later.is_past());
    let left = later.remaining().unwrap();
    assert!(left <= hour && left > hour / 2, "{left:?}");
    // A clock of its own, or another unit, would make it another instant.
    let platforms = clock::remaining(later.into()).unwrap();
    assert!(platforms <= left && platforms > hour / 2, "{platforms:?}");
}

#[test]
fn h13_never_does_not_come() {
    assert!(!Deadline::NEVER.is_past());
    assert_eq!(Deadline::NEVER.remaining(), None);
    assert_eq!(Deadline::after(Duration::MAX), Deadline::NEVER);
    assert_eq!(u64::from(Deadline::NEVER), clock::NEVER);
}
