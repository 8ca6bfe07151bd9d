//! A producer of long-lived items does not pass for one of shorter-lived items: the consumer would outlive them.

use annulet::Spsc;
use annulet::ring::Producer;

fn main() {
    let mut ring = Spsc::<&'static str, 1>::new();
    let (tx, mut rx) = ring.split();
    {
        let short = String::from("gone by then");
        let mut tx: Producer<'_, &str> = tx;
        tx.try_push(&short).unwrap();
    }
    println!("{:?}", rx.try_pop());
}
