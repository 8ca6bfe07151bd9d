//! Nor do the ends of many: L06.

use std::rc::Rc;

use annulet::Mpmc;

fn send(_: impl Send) {}

fn main() {
    let mut ring = Mpmc::<Rc<u8>, 4>::new();
    let (tx, rx) = ring.split();
    send(tx);
    send(rx);
}
