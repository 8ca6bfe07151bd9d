//! `kanal`, bounded: a queue behind a spin lock.

use kanal::{Receiver, Sender, bounded};

use super::{Many, Ring, Role, Single, only};

pub(crate) struct Kanal<const N: usize>;

impl<const N: usize> Ring for Kanal<N> {
    const NAME: &str = "kanal";
    const ROLE: Role = Role::Peer;
    type Tx<'r> = Sender<u64>;
    type Rx<'r> = Receiver<u64>;

    fn with<R>(body: impl FnOnce(Self::Tx<'_>, Self::Rx<'_>) -> R) -> R {
        only::<Self, R>(body)
    }
}

impl<const N: usize> Many for Kanal<N> {
    fn with_ends<R>(
        senders: usize,
        receivers: usize,
        body: impl FnOnce(Vec<Self::Tx<'_>>, Vec<Self::Rx<'_>>) -> R,
    ) -> R {
        let (tx, rx) = bounded(N);
        body(vec![tx; senders], vec![rx; receivers])
    }
}

impl<const N: usize> Single for Kanal<N> {
    #[inline(always)]
    fn push(tx: &mut Self::Tx<'_>, item: u64) -> bool {
        tx.try_send(item) == Ok(true)
    }

    #[inline(always)]
    fn pop(rx: &mut Self::Rx<'_>) -> Option<u64> {
        rx.try_recv().ok().flatten()
    }
}
