//! `heapless::spsc`, whose ring of `N` slots holds `N - 1` items, and `heapless::mpmc`, whose holds `N`.

use heapless::mpmc;
use heapless::spsc::{Consumer, Producer, Queue};

use super::{Many, Ring, Role, Single, only};

pub(crate) struct Heapless<const N: usize>;

impl<const N: usize> Ring for Heapless<N> {
    const NAME: &str = "heapless::spsc";
    const ROLE: Role = Role::Peer;
    type Tx<'r> = Producer<'r, u64>;
    type Rx<'r> = Consumer<'r, u64>;

    fn with<R>(body: impl FnOnce(Self::Tx<'_>, Self::Rx<'_>) -> R) -> R {
        let mut queue = Box::new(Queue::<u64, N>::new());
        let (tx, rx) = queue.split();
        body(tx, rx)
    }
}

impl<const N: usize> Single for Heapless<N> {
    #[inline(always)]
    fn push(tx: &mut Self::Tx<'_>, item: u64) -> bool {
        tx.enqueue(item).is_ok()
    }

    #[inline(always)]
    fn pop(rx: &mut Self::Rx<'_>) -> Option<u64> {
        rx.dequeue()
    }
}

pub(crate) struct HeaplessMpmc<const N: usize>;

impl<const N: usize> Ring for HeaplessMpmc<N> {
    const NAME: &str = "heapless::mpmc";
    const ROLE: Role = Role::Peer;
    type Tx<'r> = &'r mpmc::Queue<u64, N>;
    type Rx<'r> = &'r mpmc::Queue<u64, N>;

    fn with<R>(body: impl FnOnce(Self::Tx<'_>, Self::Rx<'_>) -> R) -> R {
        only::<Self, R>(body)
    }
}

impl<const N: usize> Many for HeaplessMpmc<N> {
    fn with_ends<R>(
        senders: usize,
        receivers: usize,
        body: impl FnOnce(Vec<Self::Tx<'_>>, Vec<Self::Rx<'_>>) -> R,
    ) -> R {
        // Its authors advise against it, because it is not lock-free.
        #[expect(deprecated)]
        let queue = Box::new(mpmc::Queue::<u64, N>::new());
        body(vec![&*queue; senders], vec![&*queue; receivers])
    }
}

impl<const N: usize> Single for HeaplessMpmc<N> {
    #[inline(always)]
    fn push(tx: &mut Self::Tx<'_>, item: u64) -> bool {
        tx.enqueue(item).is_ok()
    }

    #[inline(always)]
    fn pop(rx: &mut Self::Rx<'_>) -> Option<u64> {
        rx.dequeue()
    }
}
