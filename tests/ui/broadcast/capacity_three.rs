//! A capacity that positions cannot wrap at: L08.

use annulet::Broadcast;

static RING: Broadcast<u32, 3> = Broadcast::new();

fn main() {
    let _ = RING.capacity();
}
