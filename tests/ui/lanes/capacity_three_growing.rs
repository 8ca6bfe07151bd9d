//! The same where the rings are made later: it is not said later.

use annulet::ring::lanes::GrowingLanes;

static LANES: GrowingLanes<u32, 3, 4> = GrowingLanes::new();

fn main() {
    let _ = LANES.capacity();
}
