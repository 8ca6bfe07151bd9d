//! The writer of a broadcast in a `static`.
#![no_std]

use annulet::Broadcast;

static PRICES: Broadcast<u32, 8> = Broadcast::new();

pub fn start() {
    if let Some(mut writer) = PRICES.try_writer() {
        writer.publish(7);
    }
}
