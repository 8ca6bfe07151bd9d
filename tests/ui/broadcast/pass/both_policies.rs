//! What compiles. (With a program that must, the others are compiled to the end, where capacities are checked.)

use annulet::Broadcast;
use annulet::ring::broadcast::Gated;

static RING: Broadcast<u32, 1> = Broadcast::new();
static HELD: Broadcast<u32, 1024, Gated<32>> = Broadcast::new();

fn main() {
    assert_eq!((RING.capacity(), HELD.capacity()), (1, 1024));
}
