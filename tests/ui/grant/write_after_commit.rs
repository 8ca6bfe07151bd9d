//! What was handed over is the consumer's: no borrow of the slots outlives the commit.

use annulet::Spsc;

fn main() {
    let mut ring = Spsc::<u8, 4>::new();
    let (mut tx, _rx) = ring.split();
    let mut grant = tx.try_claim(1).unwrap();
    let slots = grant.uninit();
    slots[0].write(1);
    grant.commit_all();
    slots[0].write(2);
}
