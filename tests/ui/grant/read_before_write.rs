//! A granted slot holds nothing until it is written: E04.

use annulet::Spsc;

fn main() {
    let mut ring = Spsc::<u8, 4>::new();
    let (mut tx, _rx) = ring.split();
    let mut grant = tx.try_claim(4).unwrap();
    let byte: u8 = grant.uninit()[0];
    let slots: &[u8] = grant.uninit();
    drop((byte, slots));
}
