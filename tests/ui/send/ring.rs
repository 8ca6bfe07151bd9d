//! Items that must stay on their thread, in a ring that everybody can reach: L06.

use std::rc::Rc;

use annulet::Spsc;

static RING: Spsc<Rc<u8>, 2> = Spsc::new();

fn main() {
    let _ = RING.try_producer();
}
