//! No thread waits over a platform by which only tasks wait.

use annulet::{Channel, Spsc, wait::TasksOnly};

static READINGS: Channel<Spsc<u32, 4>, TasksOnly> = Channel::new(Spsc::new(), TasksOnly::new());

fn main() {
    let (_tx, mut rx) = READINGS.try_split().unwrap();
    let _ = rx.recv();
}
