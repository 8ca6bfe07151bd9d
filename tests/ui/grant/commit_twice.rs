//! A grant is committed once: RM2.

use annulet::Spsc;

fn main() {
    let mut ring = Spsc::<u8, 4>::new();
    let (mut tx, _rx) = ring.split();
    let mut grant = tx.try_claim(4).unwrap();
    grant.fill_with(|_| 1);
    grant.commit(2);
    grant.commit(2);
}
