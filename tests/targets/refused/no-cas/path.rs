//! A type that is named by its path.
#![no_std]

pub fn start(ring: &annulet::ring::Mpmc<u32, 64>) -> usize {
    ring.len()
}
