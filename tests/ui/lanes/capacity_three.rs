//! A capacity that positions cannot wrap at: L08.

use annulet::Lanes;

static LANES: Lanes<u32, 3, 4> = Lanes::new();

fn main() {
    let _ = LANES.capacity();
}
