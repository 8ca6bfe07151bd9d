//! Publishing takes the writer exclusively: it is not shared among threads.

use annulet::Broadcast;

fn main() {
    let ring = Broadcast::<u32, 4>::new();
    let writer = ring.try_writer().unwrap();
    let shared = &writer;
    shared.publish(1);
}
