//! Channels on a scheduler of one's own: what it supplies are the two impls, over two calls that any scheduler has.

use annulet::wait::{Deadline, Notify, Wait, Word};
use annulet::{Channel, Mpsc};

/// The scheduler, as far as a channel needs it. Its tasks are threads here.
mod sched {
    pub(super) fn uptime_ticks() -> u64 {
        static START: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
        START.get_or_init(std::time::Instant::now).elapsed().as_millis() as u64
    }
    pub(super) fn give_way() {
        std::thread::yield_now();
    }
}

struct Cooperative;

impl Notify for Cooperative {
    fn notify(&self, _: &Word, _: u32) -> u32 {
        0 // nobody sleeps: a task that waits is given the processor again, and looks
    }
}

impl Wait for Cooperative {
    fn now(&self) -> Deadline {
        Deadline::at(sched::uptime_ticks() * 1_000_000)
    }
    fn wait(&self, _: &Word, _: u32, _: Deadline) {
        sched::give_way(); // it may return at any time: the channel looks, and comes back
    }
}

static JOBS: Channel<Mpsc<u32, 4>, Cooperative> = Channel::new(Mpsc::new(), Cooperative);

fn main() {
    let (tx, mut rx) = JOBS.try_split().expect("both ends are free");
    for number in 1..=4 {
        let mut tx = tx.clone();
        std::thread::spawn(move || tx.send(number));
    }
    drop(tx);
    let sum: u32 = rx.iter().sum();
    assert_eq!(sum, 10);
}

#[test]
fn it_does_what_it_says() {
    main();
}
