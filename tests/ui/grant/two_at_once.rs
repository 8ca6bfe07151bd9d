//! Slots are lent once: while a grant is out, its end does nothing else.

use annulet::Spsc;

fn main() {
    let mut ring = Spsc::<u8, 4>::new();
    let (mut tx, mut rx) = ring.split();
    let one = tx.try_claim(1).unwrap();
    let two = tx.try_claim(1).unwrap();
    drop((one, two));
    let mut items = rx.try_iter();
    let _ = rx.try_pop();
    drop(items.next());
}
