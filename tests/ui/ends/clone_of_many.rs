//! A side of many can be cloned, and the other one still cannot: L07.

use annulet::{Mpsc, Spmc};

fn main() {
    let mut ring = Mpsc::<u8, 4>::new();
    let (tx, rx) = ring.split();
    let _ = (tx.clone(), rx.clone());

    let mut ring = Spmc::<u8, 4>::new();
    let (tx, rx) = ring.split();
    let _ = (tx.clone(), rx.clone());
}
