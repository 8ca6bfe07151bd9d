//! An end comes from a ring, and from nowhere else: L07.

use annulet::ring::{Borrowed, Producer};

// To make one, its fields would have to be named.
fn parts<'a>(one: &Producer<'a, u8>) -> Borrowed<'a> {
    let _ = &one.end;
    Borrowed { ends: None }
}

fn main() {
    let _ = parts;
}
