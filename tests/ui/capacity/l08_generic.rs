//! A capacity that is a parameter is checked where the parameter is known.

use annulet::Spsc;

struct Port<const N: usize> {
    ring: Spsc<u32, N>,
}

impl<const N: usize> Port<N> {
    fn new() -> Self {
        Self { ring: Spsc::default() }
    }
}

fn main() {
    let _ = Port::<8>::new().ring.capacity();
    let _ = Port::<12>::new().ring.capacity();
}
