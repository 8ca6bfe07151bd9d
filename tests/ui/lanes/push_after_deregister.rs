//! Who has left a lane does not push to it.

use annulet::Lanes;

fn main() {
    let lanes = Lanes::<u32, 4, 2>::new();
    let mut producer = lanes.register().unwrap();
    producer.deregister();
    let _ = producer.try_push(1);
}
