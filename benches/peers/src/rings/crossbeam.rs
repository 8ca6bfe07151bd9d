//! `crossbeam_queue::ArrayQueue`, and `crossbeam_channel`, bounded. They have no batch operations.

use crossbeam_channel::{Receiver, Sender, bounded};
use crossbeam_queue::ArrayQueue;

use super::{Many, Ring, Role, Single, only};

pub(crate) struct Array<const N: usize>;

impl<const N: usize> Ring for Array<N> {
    const NAME: &str = "crossbeam ArrayQueue";
    const ROLE: Role = Role::Peer;
    type Tx<'r> = &'r ArrayQueue<u64>;
    type Rx<'r> = &'r ArrayQueue<u64>;

    fn with<R>(body: impl FnOnce(Self::Tx<'_>, Self::Rx<'_>) -> R) -> R {
        only::<Self, R>(body)
    }
}

impl<const N: usize> Many for Array<N> {
    fn with_ends<R>(
        senders: usize,
        receivers: usize,
        body: impl FnOnce(Vec<Self::Tx<'_>>, Vec<Self::Rx<'_>>) -> R,
    ) -> R {
        let queue = ArrayQueue::new(N);
        body(vec![&queue; senders], vec![&queue; receivers])
    }
}

impl<const N: usize> Single for Array<N> {
    #[inline(always)]
    fn push(tx: &mut Self::Tx<'_>, item: u64) -> bool {
        tx.push(item).is_ok()
    }

    #[inline(always)]
    fn pop(rx: &mut Self::Rx<'_>) -> Option<u64> {
        rx.pop()
    }
}

pub(crate) struct Channel<const N: usize>;

impl<const N: usize> Ring for Channel<N> {
    const NAME: &str = "crossbeam-channel";
    const ROLE: Role = Role::Peer;
    type Tx<'r> = Sender<u64>;
    type Rx<'r> = Receiver<u64>;

    fn with<R>(body: impl FnOnce(Self::Tx<'_>, Self::Rx<'_>) -> R) -> R {
        only::<Self, R>(body)
    }
}

impl<const N: usize> Many for Channel<N> {
    fn with_ends<R>(
        senders: usize,
        receivers: usize,
        body: impl FnOnce(Vec<Self::Tx<'_>>, Vec<Self::Rx<'_>>) -> R,
    ) -> R {
        let (tx, rx) = bounded(N);
        body(vec![tx; senders], vec![rx; receivers])
    }
}

impl<const N: usize> Single for Channel<N> {
    #[inline(always)]
    fn push(tx: &mut Self::Tx<'_>, item: u64) -> bool {
        tx.try_send(item).is_ok()
    }

    #[inline(always)]
    fn pop(rx: &mut Self::Rx<'_>) -> Option<u64> {
        rx.try_recv().ok()
    }
}
