//! There is one of each end: L07.

use annulet::Spsc;

fn main() {
    let mut ring = Spsc::<u8, 4>::new();
    let (tx, rx) = ring.split();
    let _ = (tx.clone(), rx.clone());
}
