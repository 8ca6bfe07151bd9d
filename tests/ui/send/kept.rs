//! Items that must stay on their thread, in a ring that an `Arc` keeps: L06.

use std::rc::Rc;

use annulet::Spsc;

fn main() {
    let (mut tx, _rx) = Spsc::<Rc<u8>, 2>::new_split();
    std::thread::spawn(move || drop(tx.try_push(Rc::new(1))));
}
