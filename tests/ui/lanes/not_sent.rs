//! Rings on the heap are for other threads only if their items are: L06.

use std::rc::Rc;

use annulet::ring::lanes::GrowingLanes;

fn shared<T: Sync>(_: &T) {}

fn main() {
    shared(&GrowingLanes::<Rc<u8>, 4, 2>::new());
}
