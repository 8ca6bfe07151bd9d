//! A side of one is used by its end, not through a reference to the ring.

use annulet::{Channel, Spsc, host::Futex};

static RING: Spsc<u32, 4> = Spsc::new();
static CHANNEL: Channel<Spsc<u32, 4>, Futex> = Channel::new(Spsc::new(), Futex::new());

fn main() {
    let _ = RING.try_push(1);
    let _ = CHANNEL.recv();
}
