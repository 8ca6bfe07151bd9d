//! Nobody has a handle when the lanes are split.

use annulet::Lanes;
use annulet::ring::lanes::Priority;

fn main() {
    let mut lanes = Lanes::<u32, 4, 2>::new();
    let mut producer = lanes.register().unwrap();
    let _ = lanes.split(Priority);
    let _ = producer.try_push(1);
}
