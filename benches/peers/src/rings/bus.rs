//! `bus`. It has no batch operations.

use bus::{Bus, BusReader};

use super::{Broadcasts, Many, Ring, Role, Single, only, single};

pub(crate) struct OneBus<const N: usize>;

impl<const N: usize> Ring for OneBus<N> {
    const NAME: &str = "bus";
    const ROLE: Role = Role::Peer;
    type Tx<'r> = Bus<u64>;
    type Rx<'r> = BusReader<u64>;

    fn with<R>(body: impl FnOnce(Self::Tx<'_>, Self::Rx<'_>) -> R) -> R {
        only::<Self, R>(body)
    }
}

impl<const N: usize> Many for OneBus<N> {
    fn with_ends<R>(
        senders: usize,
        receivers: usize,
        body: impl FnOnce(Vec<Self::Tx<'_>>, Vec<Self::Rx<'_>>) -> R,
    ) -> R {
        let mut bus = Bus::new(N);
        let readers = (0..receivers).map(|_| bus.add_rx()).collect();
        body(single(bus, senders), readers)
    }
}

impl<const N: usize> Broadcasts for OneBus<N> {}

impl<const N: usize> Single for OneBus<N> {
    #[inline(always)]
    fn push(tx: &mut Self::Tx<'_>, item: u64) -> bool {
        tx.try_broadcast(item).is_ok()
    }

    #[inline(always)]
    fn pop(rx: &mut Self::Rx<'_>) -> Option<u64> {
        rx.try_recv().ok()
    }
}
