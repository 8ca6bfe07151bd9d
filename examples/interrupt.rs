//! Bytes from an interrupt handler to the main loop, on a processor without compare-and-swap, such as a Cortex-M0.
//!
//! Here the handler is called by hand. On a processor, the framework keeps its producer: a local resource of an RTIC task, or a
//! `static mut` inside a handler of cortex-m-rt. A framework that hands out the ring as `&'static mut` needs no `unsafe`: then it
//! is `split()`.

use annulet::ring::{Consumer, Producer, Spsc};

static RECEIVED: Spsc<u8, 64> = Spsc::new();

/// The handler of a serial line: wait-free, whatever the main loop is in the middle of. What finds no room is its to count.
fn on_byte(tx: &mut Producer<'static, u8>, byte: u8, lost: &mut usize) {
    *lost += usize::from(tx.try_push(byte).is_err());
}

/// One turn of the main loop. Returns the sum of what has come.
fn turn(rx: &mut Consumer<'static, u8>) -> u32 {
    rx.try_iter().map(u32::from).sum()
}

/// Seventy bytes come while nobody looks, and there is room for 64.
pub fn main() {
    // SAFETY: called once, before the interrupt is enabled, so there are no other ends.
    let (mut tx, mut rx) = unsafe { RECEIVED.split_unchecked() };
    let mut lost = 0;
    (0..70).for_each(|byte| on_byte(&mut tx, byte, &mut lost));
    assert_eq!((turn(&mut rx), lost), ((0..64).sum(), 6));
    assert_eq!(turn(&mut rx), 0);
}

#[test]
fn it_does_what_it_says() {
    main();
}
