//! There are 32 lanes at most.

use annulet::Lanes;

static LANES: Lanes<u32, 4, 33> = Lanes::new();

fn main() {
    let _ = LANES.capacity();
}
