//! An image is words; no other type is one.

use annulet::words::Entry;

#[derive(Clone, Copy)]
struct Step;

impl Entry for Step {
    type Image = [u8; 4];
    fn to_image(&self) -> [u8; 4] {
        [0; 4]
    }
    fn from_image(_: [u8; 4]) -> Self {
        Self
    }
}

fn main() {}
