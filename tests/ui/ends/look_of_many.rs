//! One of many consumers cannot look at an item and leave it: another one could take it meanwhile.

use annulet::Mpmc;

fn main() {
    let mut ring = Mpmc::<u8, 4>::new();
    let (_, mut rx) = ring.split();
    let _ = rx.peek();
    let _ = rx.iter();
    let _ = rx.try_read_grant(1);
}
