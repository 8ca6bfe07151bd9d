//! A single consumer has no clones.

use annulet::Lanes;
use annulet::ring::lanes::RoundRobin;

fn main() {
    let lanes = Lanes::<u32, 4, 2>::new();
    let consumer = lanes.try_consumer(RoundRobin::default()).unwrap();
    let _ = consumer.clone();
}
