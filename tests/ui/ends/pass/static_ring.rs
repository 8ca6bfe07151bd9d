//! A `static` ring needs no `static mut`, no lock and no `unsafe`: J10.
#![forbid(unsafe_code)]

use annulet::Spsc;
use annulet::ring::{Consumer, Producer};

static RING: Spsc<u8, 4> = Spsc::new();

fn main() {
    let (tx, rx): (Producer<'static, u8>, Consumer<'static, u8>) = RING.try_split().unwrap();
    assert!(RING.try_split().is_none());
    let (mut tx, mut rx) = (tx, rx);
    let interrupt = std::thread::spawn(move || tx.try_push(1).unwrap());
    interrupt.join().unwrap();
    assert_eq!(rx.try_pop(), Ok(1));
}
