//! Saying that slots are written is a promise: E04.

use annulet::Spsc;

fn main() {
    let mut ring = Spsc::<Box<u8>, 4>::new();
    let (mut tx, _rx) = ring.split();
    let mut grant = tx.try_claim(4).unwrap();
    grant.assume_filled(4);
    grant.commit_all();
}
