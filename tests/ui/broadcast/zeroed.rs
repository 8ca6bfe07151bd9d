//! A ring of zeroed memory has been through no constructor; its capacity is checked all the same: L08.

use annulet::Broadcast;

fn main() {
    // SAFETY: it would be, were the capacity a power of two.
    let ring = unsafe { core::mem::MaybeUninit::<Broadcast<u32, 3>>::zeroed().assume_init() };
    let _ = ring.try_writer();
}
