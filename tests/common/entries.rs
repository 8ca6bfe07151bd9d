//! Entries whose conversions panic, as they should not.

use std::panic::resume_unwind;

use annulet::words::Entry;

/// Refuses an odd number that arrives, by a panic.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Even(pub u32);

impl Entry for Even {
    type Image = [u32; 1];
    fn to_image(&self) -> [u32; 1] {
        [self.0]
    }
    fn from_image([number]: [u32; 1]) -> Self {
        if number % 2 != 0 {
            resume_unwind(Box::new("odd"))
        }
        Self(number)
    }
}
