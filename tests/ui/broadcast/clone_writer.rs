//! There is one writer: RR6.

use annulet::Broadcast;

fn main() {
    let mut ring = Broadcast::<u32, 4>::new();
    let (writer, _ring) = ring.split();
    let _ = writer.clone();
}
