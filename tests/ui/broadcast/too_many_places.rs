//! There are 32 places for readers at most.

use annulet::Broadcast;
use annulet::ring::broadcast::Gated;

static RING: Broadcast<u32, 4, Gated<33>> = Broadcast::new();

fn main() {
    let _ = RING.capacity();
}
