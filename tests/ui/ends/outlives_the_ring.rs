//! An end borrows its ring.

use annulet::Spsc;

fn main() {
    let mut rx = {
        let ring = Spsc::<u8, 4>::new();
        ring.try_consumer().unwrap()
    };
    let _ = rx.try_pop();
}
