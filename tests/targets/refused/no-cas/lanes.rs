//! A producer that comes later.
#![no_std]

use annulet::Lanes;
use annulet::ring::lanes::Priority;

static LOG: Lanes<u32, 8, 2> = Lanes::new();

pub fn start() -> bool {
    let (tx, rx) = (LOG.register(), LOG.try_consumer(Priority));
    tx.is_ok() && rx.is_some() && LOG.register_at(1).is_ok()
}
