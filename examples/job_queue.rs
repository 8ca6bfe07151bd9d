//! A queue of jobs in a state that threads share: no handles, and no locks.

use std::sync::Arc;
use std::thread;

use annulet::{Channel, Mpmc, host::Futex};

#[derive(Default)]
struct State {
    jobs: Channel<Mpmc<Box<dyn FnOnce() -> u64 + Send>, 64>, Futex>,
    results: Channel<Mpmc<u64, 64>, Futex>,
}

fn main() {
    let state = Arc::new(State::default());
    let worker = |_| {
        let state = Arc::clone(&state);
        thread::spawn(move || {
            while let Ok(job) = state.jobs.recv() {
                state.results.send(job()).expect("somebody adds them up");
            }
        })
    };
    let workers: Vec<_> = (0..4).map(worker).collect();

    (1..=20).for_each(|number| state.jobs.send(Box::new(move || number * number)).expect("it is open"));
    let sum: u64 = (0..20).map(|_| state.results.recv().expect("one for each")).sum();
    state.jobs.close();
    workers.into_iter().for_each(|worker| worker.join().expect("it ends with its queue"));
    assert_eq!(sum, 2870);
    println!("the sum of 20 squares is {sum}");
}

#[test]
fn it_does_what_it_says() {
    main();
}
