//! Random lists of operations against the model.

use proptest::prelude::*;

use crate::ops::{Tape, play};
use crate::rings::LARGE;

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(miri) { 2 } else { 600 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn d18_random_operations_equal_the_model(
        bytes in prop::collection::vec(any::<u8>(), 0..if cfg!(miri) { 60 } else { 600 }),
    ) {
        play::<u32, 1>(&mut Tape::new(&bytes));
        play::<u32, 2>(&mut Tape::new(&bytes));
        play::<u32, 8>(&mut Tape::new(&bytes));
        play::<u32, LARGE>(&mut Tape::new(&bytes));
        play::<Box<u32>, 4>(&mut Tape::new(&bytes));
        play::<Box<u32>, 16>(&mut Tape::new(&bytes));
    }
}
