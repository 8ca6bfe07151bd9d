//! `rtrb`; and as a broadcast, with a ring for each reader.

use rtrb::chunks::ChunkError;
use rtrb::{Consumer, Producer, RingBuffer};

use super::{Broadcasts, Form, Grant, Many, Ring, Role, Single, Slice, only, single};

pub(crate) struct Rtrb<const N: usize>;

impl<const N: usize> Ring for Rtrb<N> {
    const NAME: &str = "rtrb";
    const ROLE: Role = Role::Peer;
    type Tx<'r> = Producer<u64>;
    type Rx<'r> = Consumer<u64>;

    fn with<R>(body: impl FnOnce(Self::Tx<'_>, Self::Rx<'_>) -> R) -> R {
        let (tx, rx) = RingBuffer::new(N);
        body(tx, rx)
    }
}

impl<const N: usize> Single for Rtrb<N> {
    #[inline(always)]
    fn push(tx: &mut Self::Tx<'_>, item: u64) -> bool {
        tx.push(item).is_ok()
    }

    #[inline(always)]
    fn pop(rx: &mut Self::Rx<'_>) -> Option<u64> {
        rx.pop().ok()
    }
}

impl<const N: usize> Form<Rtrb<N>> for Grant {
    const NAME: &str = "(chunk)";

    #[inline(always)]
    fn send(&mut self, tx: &mut Producer<u64>, first: u64, chunk: usize) -> usize {
        let grant = match tx.write_chunk_uninit(chunk) {
            Err(ChunkError::TooFewSlots(left @ 1..)) => tx.write_chunk_uninit(left),
            other => other,
        };
        grant.map_or(0, |grant| grant.fill_from_iter(first..))
    }

    #[inline(always)]
    fn receive(&mut self, rx: &mut Consumer<u64>, chunk: usize, mut see: impl FnMut(u64)) -> usize {
        let grant = match rx.read_chunk(chunk) {
            Err(ChunkError::TooFewSlots(left @ 1..)) => rx.read_chunk(left),
            other => other,
        };
        let Ok(grant) = grant else { return 0 };
        let (first, second) = grant.as_slices();
        first.iter().copied().for_each(&mut see);
        second.iter().copied().for_each(&mut see);
        let count = grant.len();
        grant.commit_all();
        count
    }
}

/// A ring for each reader: an item is written into all of them, once there is room in each.
pub(crate) struct RtrbEach<const N: usize>;

impl<const N: usize> Ring for RtrbEach<N> {
    const NAME: &str = "rtrb for each reader";
    const ROLE: Role = Role::Peer;
    type Tx<'r> = Vec<Producer<u64>>;
    type Rx<'r> = Consumer<u64>;

    fn with<R>(body: impl FnOnce(Self::Tx<'_>, Self::Rx<'_>) -> R) -> R {
        only::<Self, R>(body)
    }
}

impl<const N: usize> Many for RtrbEach<N> {
    fn with_ends<R>(
        senders: usize,
        receivers: usize,
        body: impl FnOnce(Vec<Self::Tx<'_>>, Vec<Self::Rx<'_>>) -> R,
    ) -> R {
        let (tx, rx) = (0..receivers).map(|_| RingBuffer::new(N)).unzip();
        body(single(tx, senders), rx)
    }
}

impl<const N: usize> Broadcasts for RtrbEach<N> {}

impl<const N: usize> Single for RtrbEach<N> {
    #[inline(always)]
    fn push(tx: &mut Self::Tx<'_>, item: u64) -> bool {
        if tx.iter().any(Producer::is_full) {
            return false;
        }
        tx.iter_mut().all(|tx| tx.push(item).is_ok())
    }

    #[inline(always)]
    fn pop(rx: &mut Self::Rx<'_>) -> Option<u64> {
        rx.pop().ok()
    }
}

impl<const N: usize> Form<RtrbEach<N>> for Grant {
    const NAME: &str = "(chunk)";

    #[inline(always)]
    fn send(&mut self, tx: &mut Vec<Producer<u64>>, first: u64, chunk: usize) -> usize {
        let room = tx.iter().map(Producer::slots).fold(chunk, usize::min);
        for tx in tx {
            let grant = tx.write_chunk_uninit(room).expect("there is room in each");
            grant.fill_from_iter(first..);
        }
        room
    }

    #[inline(always)]
    fn receive(&mut self, rx: &mut Consumer<u64>, chunk: usize, see: impl FnMut(u64)) -> usize {
        <Self as Form<Rtrb<N>>>::receive(self, rx, chunk, see)
    }
}

impl<const N: usize> Form<Rtrb<N>> for Slice {
    const NAME: &str = "(slice)";

    #[inline(always)]
    fn send(&mut self, tx: &mut Producer<u64>, first: u64, chunk: usize) -> usize {
        tx.push_partial_slice(self.fill(first, chunk)).0.len()
    }

    #[inline(always)]
    fn receive(&mut self, rx: &mut Consumer<u64>, chunk: usize, see: impl FnMut(u64)) -> usize {
        let count = rx.pop_partial_slice(self.room(chunk)).0.len();
        self.show(count, see)
    }
}
