//! `gil`'s queues with more than one end on a side: `mpsc`, `spmc` and `mpmc`, each as one ring and sharded.
//!
//! - As one ring, it has no batch operations, and an end that loses a race for a slot waits inside, and gives its
//!   processor away after a while.
//! - Sharded, it is a ring of one sender and one receiver for each of `SHARDS` senders, receivers or both, with `N` slots
//!   in all. That is not one queue: there is no order among the items of several senders. `spmc` has a ring for each
//!   receiver, and the sender deals items out in turn, and waits for the one whose turn it is; `mpmc` has a ring for
//!   each sender, and a receiver locks the one it reads.

use core::num::NonZeroUsize;

use gil::mpmc::{self, sharded as sharded_mpmc};
use gil::mpsc::{self, sharded as sharded_mpsc};
use gil::spmc::{self, sharded as sharded_spmc};

use super::{Form, Grant, Many, Ring, Role, Single, only, single};

/// So many ends, each made from the first one.
fn ends<T>(first: T, count: usize, another: impl Fn(&T) -> Option<T>) -> Vec<T> {
    let mut ends = vec![first];
    while ends.len() < count {
        ends.push(another(&ends[0]).expect("there is a shard for each end"));
    }
    ends
}

/// The adapter of one queue, whose modules differ in their types and in nothing else: how its channel is made, and how
/// many ends are made of the first ones.
macro_rules! queue {
    (
        $adapter:ident<$($size:ident),+>, $name:literal, $module:ident($($slots:expr),+),
        $senders:expr, $receivers:expr
    ) => {
        pub(crate) struct $adapter<$(const $size: usize),+>;

        impl<$(const $size: usize),+> Ring for $adapter<$($size),+> {
            const NAME: &str = $name;
            const ROLE: Role = Role::Peer;
            type Tx<'r> = $module::Sender<u64>;
            type Rx<'r> = $module::Receiver<u64>;

            fn with<R>(body: impl FnOnce(Self::Tx<'_>, Self::Rx<'_>) -> R) -> R {
                only::<Self, R>(body)
            }
        }

        impl<$(const $size: usize),+> Many for $adapter<$($size),+> {
            fn with_ends<R>(
                senders: usize,
                receivers: usize,
                body: impl FnOnce(Vec<Self::Tx<'_>>, Vec<Self::Rx<'_>>) -> R,
            ) -> R {
                let (tx, rx) = $module::channel($(const { NonZeroUsize::new($slots).unwrap() }),+);
                body($senders(tx, senders), $receivers(rx, receivers))
            }
        }

        impl<$(const $size: usize),+> Single for $adapter<$($size),+> {
            #[inline(always)]
            fn push(tx: &mut Self::Tx<'_>, item: u64) -> bool {
                tx.try_send(item).is_ok()
            }

            #[inline(always)]
            fn pop(rx: &mut Self::Rx<'_>) -> Option<u64> {
                rx.try_recv()
            }
        }
    };
}

/// One with batch operations, besides.
macro_rules! batches {
    ($adapter:ident, $module:ident) => {
        impl<const N: usize, const SHARDS: usize> Form<$adapter<N, SHARDS>> for Grant {
            const NAME: &str = "(buffer, guard)";

            #[inline(always)]
            fn send(&mut self, tx: &mut $module::Sender<u64>, first: u64, chunk: usize) -> usize {
                let mut count = 0;
                for (slot, value) in tx.write_buffer().iter_mut().take(chunk).zip(first..) {
                    slot.write(value);
                    count += 1;
                }
                if count > 0 {
                    // SAFETY: the first `count` slots of the write buffer are free and were written just now.
                    unsafe { tx.commit(count) };
                }
                count
            }

            #[inline(always)]
            fn receive(
                &mut self,
                rx: &mut $module::Receiver<u64>,
                chunk: usize,
                see: impl FnMut(u64),
            ) -> usize {
                let mut guard = rx.read_guard();
                let count = guard.len().min(chunk);
                guard.as_slice().iter().take(count).copied().for_each(see);
                guard.advance(count);
                count
            }
        }
    };
}

/// So many ends of a side that has no limit.
fn clones<T: Clone>(first: T, count: usize) -> Vec<T> {
    vec![first; count]
}

queue!(GilMpsc<N>, "gil::mpsc", mpsc(N), clones, single);
queue!(GilSpmc<N>, "gil::spmc", spmc(N), single, clones);
queue!(GilMpmc<N>, "gil::mpmc", mpmc(N), clones, clones);

queue!(
    GilShardedMpsc<N, SHARDS>, "gil::mpsc::sharded", sharded_mpsc(SHARDS, N / SHARDS),
    |tx, count| ends(tx, count, sharded_mpsc::Sender::clone), single
);
queue!(
    GilShardedSpmc<N, SHARDS>, "gil::spmc::sharded", sharded_spmc(SHARDS, N / SHARDS),
    single, |rx, count| ends(rx, count, sharded_spmc::Receiver::clone)
);
queue!(
    GilShardedMpmc<N, SHARDS>, "gil::mpmc::sharded", sharded_mpmc(SHARDS, N / SHARDS),
    |tx, count| ends(tx, count, sharded_mpmc::Sender::try_clone),
    |rx, count| ends(rx, count, sharded_mpmc::Receiver::try_clone)
);
batches!(GilShardedMpsc, sharded_mpsc);
batches!(GilShardedSpmc, sharded_spmc);
batches!(GilShardedMpmc, sharded_mpmc);
