//! Misuse that does not compile, and what the compiler says.
//!
//! What it says is in the `.stderr` files, in the words of the compiler that `.ci` uses; after a change of either,
//! `TRYBUILD=overwrite cargo test -p annulet-ui` writes them anew, to be read before they are committed.
#![cfg(target_os = "linux")]

use trybuild::TestCases;

/// Compiles each program of `<directory>` and expects it to fail, and each one in `pass` to run.
fn misuse(directory: &str) {
    let cases = TestCases::new();
    cases.compile_fail(format!("{directory}/*.rs"));
    if std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("{directory}/pass")).exists() {
        cases.pass(format!("{directory}/pass/*.rs"));
    }
}

/// Also `L08`. The capacity is checked when its ring's code is generated, which is after `cargo check` is content:
/// the program that must run makes trybuild go that far.
#[test]
fn rv01_a_capacity_is_a_power_of_two() {
    misuse("capacity");
}

#[test]
fn l06_items_that_may_not_be_sent_keep_everything_on_their_thread() {
    misuse("send");
}

/// Also that a grant is committed once (`RM2`), and nothing of it outlives that.
#[test]
fn e04_a_grant_shows_no_item_that_was_not_written() {
    misuse("grant");
}

/// Also that ends cannot be cloned or made (`L07`), nor used after what they belong to is gone.
#[test]
fn j10_ends_have_one_holder_and_a_static_ring_needs_no_static_mut() {
    misuse("ends");
}

/// What a check gives is not made in any other way, and what came from elsewhere is not used without one.
#[test]
fn l07_checked_values_come_only_from_checks() {
    misuse("boundary");
}

/// One writer (`RR6`); a capacity is a power of two (`L08`); each policy has its own operations.
#[test]
fn rr06_a_broadcast_has_one_writer() {
    misuse("broadcast");
}

/// A lane has one producer (`RM9`); capacities (`L08`) and the number of lanes are checked.
#[test]
fn rm09_a_lane_has_one_producer() {
    misuse("lanes");
}

/// What is sent has no words without a value; what may have some is checked by the receiver.
#[test]
fn what_is_no_entry_says_how_it_becomes_one() {
    misuse("entries");
}

/// A platform without a sleep compiles in no call that would need one.
#[test]
fn rm06_no_thread_waits_where_only_tasks_do() {
    misuse("wait");
}
