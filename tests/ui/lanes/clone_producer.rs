//! A lane has one producer, however many consumers there are.

use annulet::Lanes;
use annulet::ring::{Multi, Sides, Single};

fn main() {
    let lanes = Lanes::<u32, 4, 2, Sides<Single, Multi>>::new();
    let producer = lanes.register().unwrap();
    let _ = producer.clone();
}
