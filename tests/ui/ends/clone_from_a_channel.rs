//! An end of a channel is not cloned alone: what its clone did would wake nobody. A `Sender` is cloned whole.
use annulet::{Channel, Mpsc, host::Futex};

static JOBS: Channel<Mpsc<u32, 4>, Futex> = Channel::over(Mpsc::new(), Futex::new());

fn main() {
    let (mut tx, _rx) = JOBS.try_split().unwrap();
    let _sender = tx.clone();
    let _end = tx.end().clone();
}
