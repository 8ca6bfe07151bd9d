//! A `static` ring is shared, so its ends are claimed by `try_split`, not taken: J10. These are words of the compiler's own, which
//! no crate can add to; the documentation of `split` names the remedy.

use annulet::Spsc;

static RING: Spsc<u8, 4> = Spsc::new();

fn main() {
    let _ = RING.split();
}
