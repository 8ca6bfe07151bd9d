//! `thingbuf::ThingBuf`. It has no batch operations.

use thingbuf::ThingBuf;

use super::{Many, Ring, Role, Single, only};

pub(crate) struct Thing<const N: usize>;

impl<const N: usize> Ring for Thing<N> {
    const NAME: &str = "thingbuf::ThingBuf";
    const ROLE: Role = Role::Peer;
    type Tx<'r> = &'r ThingBuf<u64>;
    type Rx<'r> = &'r ThingBuf<u64>;

    fn with<R>(body: impl FnOnce(Self::Tx<'_>, Self::Rx<'_>) -> R) -> R {
        only::<Self, R>(body)
    }
}

impl<const N: usize> Many for Thing<N> {
    fn with_ends<R>(
        senders: usize,
        receivers: usize,
        body: impl FnOnce(Vec<Self::Tx<'_>>, Vec<Self::Rx<'_>>) -> R,
    ) -> R {
        let queue = ThingBuf::new(N);
        body(vec![&queue; senders], vec![&queue; receivers])
    }
}

impl<const N: usize> Single for Thing<N> {
    #[inline(always)]
    fn push(tx: &mut Self::Tx<'_>, item: u64) -> bool {
        tx.push(item).is_ok()
    }

    #[inline(always)]
    fn pop(rx: &mut Self::Rx<'_>) -> Option<u64> {
        rx.pop()
    }
}
