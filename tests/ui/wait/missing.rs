//! What a channel waits by implements `Wait`: the compiler names what is ready.

use annulet::{Channel, Mpsc};

struct Kernel;

static JOBS: Channel<Mpsc<u32, 4>, Kernel> = Channel::new(Mpsc::new(), Kernel);

fn main() {
    let _ = &JOBS;
}
