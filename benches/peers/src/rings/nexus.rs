//! `nexus_queue`: `spsc`, `mpsc` and `spmc`. It has no batch operations.
//!
//! A producer of `mpsc` that finds its slot not yet free spins inside, until it is.

use nexus_queue::spsc::{Consumer, Producer, ring_buffer};
use nexus_queue::{mpsc, spmc};

use super::{Many, Ring, Role, Single, only, single};

pub(crate) struct Nexus<const N: usize>;

impl<const N: usize> Ring for Nexus<N> {
    const NAME: &str = "nexus-queue::spsc";
    const ROLE: Role = Role::Peer;
    type Tx<'r> = Producer<u64>;
    type Rx<'r> = Consumer<u64>;

    fn with<R>(body: impl FnOnce(Self::Tx<'_>, Self::Rx<'_>) -> R) -> R {
        let (tx, rx) = ring_buffer(N);
        body(tx, rx)
    }
}

impl<const N: usize> Single for Nexus<N> {
    #[inline(always)]
    fn push(tx: &mut Self::Tx<'_>, item: u64) -> bool {
        tx.push(item).is_ok()
    }

    #[inline(always)]
    fn pop(rx: &mut Self::Rx<'_>) -> Option<u64> {
        rx.pop()
    }
}

pub(crate) struct NexusMpsc<const N: usize>;

impl<const N: usize> Ring for NexusMpsc<N> {
    const NAME: &str = "nexus-queue::mpsc";
    const ROLE: Role = Role::Peer;
    type Tx<'r> = mpsc::Producer<u64>;
    type Rx<'r> = mpsc::Consumer<u64>;

    fn with<R>(body: impl FnOnce(Self::Tx<'_>, Self::Rx<'_>) -> R) -> R {
        only::<Self, R>(body)
    }
}

impl<const N: usize> Many for NexusMpsc<N> {
    fn with_ends<R>(
        senders: usize,
        receivers: usize,
        body: impl FnOnce(Vec<Self::Tx<'_>>, Vec<Self::Rx<'_>>) -> R,
    ) -> R {
        let (tx, rx) = mpsc::ring_buffer(N);
        body(vec![tx; senders], single(rx, receivers))
    }
}

impl<const N: usize> Single for NexusMpsc<N> {
    #[inline(always)]
    fn push(tx: &mut Self::Tx<'_>, item: u64) -> bool {
        tx.push(item).is_ok()
    }

    #[inline(always)]
    fn pop(rx: &mut Self::Rx<'_>) -> Option<u64> {
        rx.pop()
    }
}

pub(crate) struct NexusSpmc<const N: usize>;

impl<const N: usize> Ring for NexusSpmc<N> {
    const NAME: &str = "nexus-queue::spmc";
    const ROLE: Role = Role::Peer;
    type Tx<'r> = spmc::Producer<u64>;
    type Rx<'r> = spmc::Consumer<u64>;

    fn with<R>(body: impl FnOnce(Self::Tx<'_>, Self::Rx<'_>) -> R) -> R {
        only::<Self, R>(body)
    }
}

impl<const N: usize> Many for NexusSpmc<N> {
    fn with_ends<R>(
        senders: usize,
        receivers: usize,
        body: impl FnOnce(Vec<Self::Tx<'_>>, Vec<Self::Rx<'_>>) -> R,
    ) -> R {
        let (tx, rx) = spmc::ring_buffer(N);
        body(single(tx, senders), vec![rx; receivers])
    }
}

impl<const N: usize> Single for NexusSpmc<N> {
    #[inline(always)]
    fn push(tx: &mut Self::Tx<'_>, item: u64) -> bool {
        tx.push(item).is_ok()
    }

    #[inline(always)]
    fn pop(rx: &mut Self::Rx<'_>) -> Option<u64> {
        rx.pop()
    }
}
