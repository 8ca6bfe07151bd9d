//! Items that must stay on their thread: L06.

use std::rc::Rc;

use annulet::Spsc;

fn main() {
    let mut ring = Spsc::<Rc<u8>, 2>::new();
    let (mut tx, _rx) = ring.split();
    std::thread::scope(|scope| {
        scope.spawn(move || drop(tx.try_push(Rc::new(1))));
    });
}
