//! Any list of operations on an `Spsc` does what a `VecDeque` does, wherever its positions start.
//!
//! The items own memory, so that one dropped twice, or never, is seen by the sanitizer; or they are copied.
//!
//! proves: K04
#![no_main]

use libfuzzer_sys::fuzz_target;

use ops::{Tape, play};

#[path = "../../tests/common/ops.rs"]
mod ops;

fuzz_target!(|bytes: &[u8]| {
    let mut tape = Tape::new(bytes);
    match tape.byte() % 6 {
        0 => play::<Box<u32>, 1>(&mut tape),
        1 => play::<Box<u32>, 2>(&mut tape),
        2 => play::<Box<u32>, 8>(&mut tape),
        3 => play::<Box<u32>, 16>(&mut tape),
        4 => play::<u32, 4>(&mut tape),
        _ => play::<u32, 32>(&mut tape),
    }
});
