//! A `static` ring is shared, so its ends are claimed, not taken: J10.

use annulet::Spsc;

static RING: Spsc<u8, 4> = Spsc::new();

fn main() {
    let _ = RING.split();
}
