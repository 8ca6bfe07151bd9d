//! What compiles. (With a program that must, the others are compiled to the end, where numbers are checked.)

use annulet::Lanes;
use annulet::ring::lanes::{RoundRobin, GrowingLanes};
use annulet::ring::{Multi, Sides, Single};

static ONE: Lanes<Box<u8>, 1, 1> = Lanes::new();
static MANY: Lanes<u8, 16, 32, Sides<Single, Multi>> = Lanes::new();
static GROWING: GrowingLanes<u8, 1024, 32> = GrowingLanes::new();

fn main() {
    assert_eq!((ONE.capacity(), MANY.lanes(), GROWING.lanes()), (1, 32, 0));
    let _ = MANY.try_consumer(RoundRobin::default()).unwrap().clone();
}
