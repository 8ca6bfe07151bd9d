//! What compiles. (With a program that must, the others are compiled to the end, where capacities are checked.)

use annulet::Spsc;

static RING: Spsc<u8, 1> = Spsc::new();

fn main() {
    assert_eq!(RING.capacity(), 1);
    assert_eq!(Spsc::<u8, 1024>::new().capacity(), 1024);
    assert_eq!(Spsc::<(), { 1 << (usize::BITS - 1) }>::new().capacity(), 1 << (usize::BITS - 1));
}
