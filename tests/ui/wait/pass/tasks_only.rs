//! Everything that does not block a thread is there: tries, futures, and what ends a channel.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use annulet::channel::RecvError;
use annulet::wait::{Metered, TasksOnly};
use annulet::{Channel, Mpmc};

static READINGS: Channel<Mpmc<u32, 1>, Metered<TasksOnly>> =
    Channel::new(Mpmc::new(), Metered::new(TasksOnly::new()));

fn main() {
    let mut context = Context::from_waker(Waker::noop());
    let (mut tx, mut rx) = READINGS.try_split().unwrap();
    tx.try_send(1).unwrap();
    {
        let mut sending = pin!(tx.send_async(2));
        assert!(sending.as_mut().poll(&mut context).is_pending());
        assert_eq!(rx.try_recv(), Ok(1));
        assert!(sending.poll(&mut context).is_ready());
    }
    assert!(pin!(rx.ready()).poll(&mut context).is_ready());
    assert_eq!(rx.try_drain(4, |item| assert_eq!(item, 2)), Ok(1));
    drop(tx);
    assert_eq!(pin!(rx.recv_async()).poll(&mut context), Poll::Ready(Err(RecvError::Closed)));
}
