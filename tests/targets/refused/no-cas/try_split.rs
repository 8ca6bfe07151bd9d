//! Both ends of a ring in a `static`.
#![no_std]

use annulet::Spsc;

static BYTES: Spsc<u8, 64> = Spsc::new();

pub fn start() -> bool {
    let Some((mut tx, mut rx)) = BYTES.try_split() else { return false };
    tx.try_push(7).is_ok() && rx.try_pop() == Ok(7)
}
