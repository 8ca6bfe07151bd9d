//! More tasks than seats: those without one try again and again.

use annulet::host::Futex;
use annulet::stats::Off;
use annulet::{Channel, Mpmc};

use crate::hosts::{Host, job, on_fair_hosts};
use crate::loads::{Item, Seen, sends};

/// Ten receivers, of which so many have a seat; each of them gets as many items as it asks for.
fn crowd<H: Host, const TASKS: usize>() {
    const CROWD: u32 = 10;
    const ITEMS: u32 = 50;
    let (tx, rx) = Channel::<Mpmc<Item, 2>, Futex, Off, TASKS>::new_split(Futex::new());
    let seen = Seen::default();
    let asking = |_| {
        let (mut rx, seen) = (rx.clone(), seen.clone());
        job(async move {
            let mut items = Vec::new();
            for _ in 0..ITEMS {
                items.push(rx.recv_async().await.unwrap());
            }
            seen.add(items);
        })
    };
    let mut jobs: Vec<_> = (0..CROWD).map(asking).collect();
    jobs.push(sends(tx, 0, CROWD * ITEMS));
    drop(rx);
    H::run(jobs);
    seen.check_shared(1, CROWD * ITEMS);
}

on_fair_hosts! {
    d19_a_crowd_without_seats: crowd::<Here, 0>();
    d19_a_crowd_for_two_seats: crowd::<Here, 2>();
    d19_a_crowd_that_is_seated: crowd::<Here, 16>();
}
