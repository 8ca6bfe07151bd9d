//! A grant is its end's: L06.

use std::rc::Rc;

use annulet::Spsc;

fn main() {
    let mut ring = Spsc::<Rc<u8>, 2>::new();
    let (mut tx, _rx) = ring.split();
    let grant = tx.try_claim(1).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(move || drop(grant));
    });
}
