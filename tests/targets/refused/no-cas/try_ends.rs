//! Each end of a ring alone.
#![no_std]

use annulet::Spsc;

pub fn start(ring: &Spsc<u8, 64>) -> bool {
    ring.try_producer().is_some() && ring.try_consumer().is_some()
}
