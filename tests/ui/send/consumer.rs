//! Items that must stay on their thread: L06.

use std::rc::Rc;

use annulet::Spsc;

fn main() {
    let mut ring = Spsc::<Rc<u8>, 2>::new();
    let (_tx, mut rx) = ring.split();
    std::thread::scope(|scope| {
        scope.spawn(move || drop(rx.try_pop()));
    });
}
