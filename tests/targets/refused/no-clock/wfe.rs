//! A time-out on a platform without a clock.
#![no_std]

use annulet::wait::processor::Wfe;
use annulet::{Channel, Spsc};
use core::time::Duration;

static BYTES: Channel<Spsc<u8, 64>, Wfe> = Channel::new(Spsc::new(), Wfe::new());

pub fn start() -> bool {
    let Some((_, mut rx)) = BYTES.try_split() else { return false };
    rx.recv_timeout(Duration::from_secs(1)).is_ok()
}
