//! A ring of no slots: RV1, L08.

use annulet::Spsc;

fn main() {
    // Found when this function is compiled, whoever calls it.
    let _ = Spsc::<u8, 0>::new();
}
