//! A capacity that positions cannot wrap at: RV1, L08.

use annulet::Spsc;

static RING: Spsc<u8, 3> = Spsc::new();

fn main() {
    let _ = RING.capacity();
}
