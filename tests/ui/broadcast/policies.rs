//! What only one policy can do, the other one does not offer.

use annulet::Broadcast;
use annulet::ring::broadcast::Gated;

fn main() {
    let overwriting = Broadcast::<u32, 4>::new();
    let _ = overwriting.join_at_oldest();
    let _ = overwriting.try_writer().unwrap().try_publish(1);
    let gated = Broadcast::<u32, 4, Gated<2>>::new();
    let _ = gated.reader_at_oldest();
    gated.try_writer().unwrap().publish(1);
    let _ = gated.join_at_oldest().unwrap().clone();
}
