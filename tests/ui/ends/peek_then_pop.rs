//! A look lasts no longer than the item is there.

use annulet::Spsc;

fn main() {
    let mut ring = Spsc::<String, 4>::new();
    let (_tx, mut rx) = ring.split();
    let item = rx.peek();
    drop(rx.try_pop());
    println!("{item:?}");
}
