//! A channel over the sleep of the processor.
#![no_std]

use annulet::channel::RecvError;
use annulet::wait::processor::Wfi;
use annulet::{Channel, Spsc};

static BYTES: Channel<Spsc<u8, 64>, Wfi> = Channel::new(Spsc::new(), Wfi::new());

pub fn start() -> Result<u8, RecvError> {
    let Some((mut tx, mut rx)) = BYTES.try_split() else { return Err(RecvError::Closed) };
    let _ = tx.try_send(7);
    rx.recv()
}
