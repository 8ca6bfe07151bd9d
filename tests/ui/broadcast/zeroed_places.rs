//! Nor are there more places than can be claimed.

use annulet::Broadcast;
use annulet::ring::broadcast::Gated;

fn main() {
    // SAFETY: it would be, were there no more than 32 places.
    let ring = unsafe { core::mem::MaybeUninit::<Broadcast<u32, 4, Gated<33>>>::zeroed().assume_init() };
    let _ = ring.join_at_newest();
}
