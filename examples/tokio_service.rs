//! A service on tokio: requests until it is told to stop, and what was sent before that is handled.

use annulet::channel::mpsc;
use tokio::{select, spawn};

async fn serve(mut requests: mpsc::Receiver<u32>, mut shutdown: mpsc::Receiver<()>) -> u32 {
    let mut sum = 0;
    loop {
        select! {
            biased;
            // Once: clients are refused from now on. What they had sent comes before the end.
            _ = shutdown.recv_async(), if !requests.is_closed() => requests.close(),
            request = requests.recv_async() => match request {
                Ok(number) => sum += number,
                Err(_) => return sum,
            },
        }
    }
}

#[tokio::main]
async fn main() {
    let (requests, inbox) = mpsc(16);
    let (mut stop, shutdown) = mpsc(1);
    let service = spawn(serve(inbox, shutdown));
    let client = |number| {
        let mut requests = requests.clone();
        spawn(async move { requests.send_async(number).await.is_ok() })
    };
    let clients: Vec<_> = (1..=10).map(client).collect();
    for client in clients {
        assert!(client.await.expect("it does not panic"), "the service is there");
    }
    stop.send_async(()).await.expect("the service is there");
    let sum = service.await.expect("it does not panic");
    assert_eq!(sum, 55);
    println!("the service has added up {sum}");
}

#[test]
fn it_does_what_it_says() {
    main();
}
