//! `tokio::sync::broadcast`, without its runtime: as it is, which overwrites, and with a writer that waits for credit.
//! It has no batch operations.

use tokio::sync::broadcast::error::TryRecvError;
use tokio::sync::broadcast::{Receiver, Sender, channel};

use super::{Broadcasts, Many, Ring, Role, Single, only, single};

/// A receiver, and how many items it was told that it had missed.
pub(crate) struct Counting {
    receiver: Receiver<u64>,
    missed: u64,
}

impl Counting {
    /// Reads; again, should it have been overtaken, but not for ever.
    #[inline(always)]
    fn read(&mut self) -> Option<u64> {
        for _ in 0..4 {
            match self.receiver.try_recv() {
                Ok(item) => return Some(item),
                Err(TryRecvError::Lagged(missed)) => self.missed += missed,
                Err(_) => break,
            }
        }
        None
    }
}

fn ends<const N: usize>(receivers: usize) -> (Sender<u64>, Vec<Counting>) {
    let (tx, receiver) = channel(N);
    let mut ends = vec![Counting { receiver, missed: 0 }];
    while ends.len() < receivers {
        ends.push(Counting { receiver: tx.subscribe(), missed: 0 });
    }
    (tx, ends)
}

pub(crate) struct TokioOverwriting<const N: usize>;

impl<const N: usize> Ring for TokioOverwriting<N> {
    const NAME: &str = "tokio broadcast";
    const ROLE: Role = Role::Peer;
    type Tx<'r> = Sender<u64>;
    type Rx<'r> = Counting;

    fn with<R>(body: impl FnOnce(Self::Tx<'_>, Self::Rx<'_>) -> R) -> R {
        only::<Self, R>(body)
    }
}

impl<const N: usize> Many for TokioOverwriting<N> {
    fn with_ends<R>(
        senders: usize,
        receivers: usize,
        body: impl FnOnce(Vec<Self::Tx<'_>>, Vec<Self::Rx<'_>>) -> R,
    ) -> R {
        let (tx, rx) = ends::<N>(receivers);
        body(single(tx, senders), rx)
    }
}

impl<const N: usize> Broadcasts for TokioOverwriting<N> {
    fn missed(rx: &Self::Rx<'_>) -> u64 {
        rx.missed
    }
}

impl<const N: usize> Single for TokioOverwriting<N> {
    #[inline(always)]
    fn push(tx: &mut Self::Tx<'_>, item: u64) -> bool {
        tx.send(item).is_ok()
    }

    #[inline(always)]
    fn pop(rx: &mut Self::Rx<'_>) -> Option<u64> {
        rx.read()
    }
}

/// Its writer sends no more than there is room for, and asks how many items are waiting when that is used up.
pub(crate) struct TokioCredit<const N: usize>;

pub(crate) struct Careful {
    tx: Sender<u64>,
    room: usize,
}

impl<const N: usize> Ring for TokioCredit<N> {
    const NAME: &str = "tokio broadcast (+ credit)";
    const ROLE: Role = Role::Peer;
    type Tx<'r> = Careful;
    type Rx<'r> = Counting;

    fn with<R>(body: impl FnOnce(Self::Tx<'_>, Self::Rx<'_>) -> R) -> R {
        only::<Self, R>(body)
    }
}

impl<const N: usize> Many for TokioCredit<N> {
    fn with_ends<R>(
        senders: usize,
        receivers: usize,
        body: impl FnOnce(Vec<Self::Tx<'_>>, Vec<Self::Rx<'_>>) -> R,
    ) -> R {
        let (tx, rx) = ends::<N>(receivers);
        body(single(Careful { tx, room: N }, senders), rx)
    }
}

impl<const N: usize> Broadcasts for TokioCredit<N> {}

impl<const N: usize> Single for TokioCredit<N> {
    #[inline(always)]
    fn push(tx: &mut Self::Tx<'_>, item: u64) -> bool {
        if tx.room == 0 {
            tx.room = N - tx.tx.len();
        }
        tx.room > 0 && {
            tx.room -= 1;
            tx.tx.send(item).is_ok()
        }
    }

    #[inline(always)]
    fn pop(rx: &mut Self::Rx<'_>) -> Option<u64> {
        rx.read()
    }
}
