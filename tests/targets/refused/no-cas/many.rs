//! A ring of many producers.
#![no_std]

use annulet::Mpsc;

static LOG: Mpsc<u32, 64> = Mpsc::new();

pub fn start() -> bool {
    let Some((tx, mut rx)) = LOG.try_split() else { return false };
    tx.clone().try_push(7).is_ok() && rx.try_pop() == Ok(7)
}
