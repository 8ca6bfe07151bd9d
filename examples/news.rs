//! A broadcast: subscribers come early and late, and one that is slow is told what it has missed.

use std::thread;

use annulet::channel::{RecvError, broadcast};

fn main() {
    let (mut news, mut early) = broadcast::<u64, 16>();
    let reader = thread::spawn(move || {
        let (mut read, mut missed) = (0, 0);
        loop {
            match early.recv() {
                Ok(_) => read += 1,
                Err(RecvError::Lagged(count)) => missed += count,
                Err(_) => return (read, missed),
            }
        }
    });

    for number in 0..1000 {
        news.send(number).expect("somebody listens");
    }
    let mut late = news.subscribe(); // from the next one on
    let mut all = news.subscribe_at_oldest(); // what is still there, too
    news.send(1000).expect("somebody listens");
    drop(news);

    assert!(late.iter().eq([1000]));
    assert!(all.iter().eq(985..=1000));
    let (read, missed) = reader.join().unwrap();
    assert_eq!(read + missed, 1001);
    println!("the early reader read {read} and missed {missed}");
}

#[test]
fn it_does_what_it_says() {
    main();
}
