//! `split` lends the ring exclusively: there are no other ends while these live.

use annulet::Spsc;

fn main() {
    let mut ring = Spsc::<u8, 4>::new();
    let (mut tx, _rx) = ring.split();
    let (mut again, _) = ring.split();
    let _ = (tx.try_push(1), again.try_push(2));
}
