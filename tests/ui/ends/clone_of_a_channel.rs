//! A side of one has one end, also in a channel: the compiler says which channels have more.

use annulet::channel;

fn main() {
    let (tx, rx) = channel::spsc::<u32>(4);
    let _ = (tx.clone(), rx.clone());
}
