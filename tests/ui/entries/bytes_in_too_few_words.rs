//! The number of words is that of the type.

use annulet::Broadcast;
use annulet::words::Bytes;

fn main() {
    let ring = Broadcast::<Bytes<[u8; 9], 2>, 4>::new();
    ring.try_writer().unwrap().publish(Bytes([0; 9]));
}
