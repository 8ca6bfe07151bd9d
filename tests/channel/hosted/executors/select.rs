//! What `select!`, time-outs and aborts cancel is neither lost nor sent twice.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use annulet::channel::{ChannelRef, RecvError, Sender};
use annulet::host::Futex;
use annulet::{Channel, Mpmc, Spsc};
use futures::StreamExt;
use tokio::task::{JoinHandle, yield_now};
use tokio::time::timeout;

const ITEMS: u32 = 10_000;

type Pair = Channel<Spsc<u32, 4>, Futex>;

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap()
}

/// Sends so many numbers from another task, with a pause before each `pause`-th.
fn sends<C>(mut tx: Sender<C>, pause: u32) -> JoinHandle<()>
where
    C: ChannelRef<Item = u32, Tx: Send> + Send + Sync + 'static,
{
    tokio::spawn(async move {
        for number in 0..ITEMS {
            if number % pause == 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            tx.send_async(number).await.unwrap();
        }
    })
}

#[test]
fn d19_a_select_around_a_receive_loses_nothing() {
    runtime().block_on(async {
        let (tx, mut rx) = Pair::new_split(Futex::new());
        let sending = sends(tx, u32::MAX);
        let mut next = 0;
        loop {
            tokio::select! {
                received = rx.recv_async() => match received {
                    Ok(number) => {
                        assert_eq!(number, next);
                        next += 1;
                    }
                    Err(why) => {
                        assert_eq!((why, next), (RecvError::Closed, ITEMS));
                        break;
                    }
                },
                () = yield_now() => {}
            }
        }
        sending.await.unwrap();
        assert_eq!(next, ITEMS);
    });
}

#[test]
fn d19_a_select_around_a_stream_loses_nothing() {
    runtime().block_on(async {
        let (tx, rx) = Pair::new_split(Futex::new());
        let sending = sends(tx, u32::MAX);
        let mut items = rx.into_stream();
        let mut next = 0;
        loop {
            tokio::select! {
                item = items.next() => match item {
                    Some(number) => {
                        assert_eq!(number, next);
                        next += 1;
                    }
                    None => break,
                },
                () = yield_now() => {}
            }
        }
        sending.await.unwrap();
        assert_eq!(next, ITEMS);
    });
}

#[test]
fn d19_a_select_around_a_send_gives_the_item_back() {
    runtime().block_on(async {
        let (mut tx, mut rx) = Pair::new_split(Futex::new());
        let receiving = tokio::spawn(async move {
            let mut next = 0;
            while let Ok(number) = rx.recv_async().await {
                assert_eq!(number, next);
                next += 1;
                if next % 16 == 0 {
                    yield_now().await;
                }
            }
            next
        });
        for number in 0..ITEMS {
            let mut back = Some(number);
            while let Some(number) = back.take() {
                let mut send = tx.send_async(number);
                tokio::select! {
                    biased;
                    sent = &mut send => sent.unwrap(),
                    () = yield_now() => back = send.into_inner(),
                }
            }
        }
        drop(tx);
        assert_eq!(receiving.await.unwrap(), ITEMS);
    });
}

#[test]
fn nx11_a_time_out_around_a_receive_loses_nothing() {
    runtime().block_on(async {
        let (tx, mut rx) = Pair::new_split(Futex::new());
        let sending = sends(tx, 64);
        let (mut next, mut late) = (0, 0);
        loop {
            match timeout(Duration::from_micros(1), rx.recv_async()).await {
                Ok(Ok(number)) => {
                    assert_eq!(number, next);
                    next += 1;
                }
                Ok(Err(why)) => {
                    assert_eq!(why, RecvError::Closed);
                    break;
                }
                Err(_) => late += 1,
            }
        }
        sending.await.unwrap();
        assert_eq!(next, ITEMS);
        assert!(late > 0, "no receive was cancelled");
    });
}

/// Tasks that are aborted while they wait: each item goes to one of those that are left.
#[test]
fn d19_aborted_tasks_lose_nothing() {
    const ROUNDS: u32 = 500;
    let rx = runtime().block_on(async {
        let (mut tx, rx) = Channel::<Mpmc<u32, 4>, Futex>::new_split(Futex::new());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let receive = || {
            let (mut rx, seen) = (rx.clone(), Arc::clone(&seen));
            tokio::spawn(async move {
                while let Ok(number) = rx.recv_async().await {
                    // In the same poll as it was received.
                    seen.lock().unwrap().push(number);
                }
            })
        };
        let stays = receive();
        for round in 0..ROUNDS {
            let goes = [receive(), receive(), receive()];
            yield_now().await;
            for number in 0..4 {
                tx.send_async(4 * round + number).await.unwrap();
                goes[number as usize % 3].abort();
            }
            for task in goes {
                let _ = task.await;
            }
        }
        drop(tx);
        stays.await.unwrap();
        let mut seen = std::mem::take(&mut *seen.lock().unwrap());
        seen.sort_unstable();
        assert_eq!(seen, Vec::from_iter(0..4 * ROUNDS));
        rx
    });
    assert_eq!((rx.senders(), rx.is_closed()), (0, true));
}
