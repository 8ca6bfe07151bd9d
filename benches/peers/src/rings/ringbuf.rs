//! `ringbuf`, on the heap and with the capacity in the type.

use ringbuf::traits::{Consumer as _, Producer as _, Split as _, SplitRef as _};
use ringbuf::{HeapCons, HeapProd, StaticCons, StaticProd};

use super::{Form, Grant, Ring, Role, Single, Slice};

pub(crate) struct HeapRb<const N: usize>;

impl<const N: usize> Ring for HeapRb<N> {
    const NAME: &str = "ringbuf::HeapRb";
    const ROLE: Role = Role::Peer;
    type Tx<'r> = HeapProd<u64>;
    type Rx<'r> = HeapCons<u64>;

    fn with<R>(body: impl FnOnce(Self::Tx<'_>, Self::Rx<'_>) -> R) -> R {
        let (tx, rx) = ringbuf::HeapRb::new(N).split();
        body(tx, rx)
    }
}

impl<const N: usize> Single for HeapRb<N> {
    #[inline(always)]
    fn push(tx: &mut Self::Tx<'_>, item: u64) -> bool {
        tx.try_push(item).is_ok()
    }

    #[inline(always)]
    fn pop(rx: &mut Self::Rx<'_>) -> Option<u64> {
        rx.try_pop()
    }
}

impl<const N: usize> Form<HeapRb<N>> for Grant {
    const NAME: &str = "(push_iter, in place)";

    #[inline(always)]
    fn send(&mut self, tx: &mut HeapProd<u64>, first: u64, chunk: usize) -> usize {
        tx.push_iter(first..first + chunk as u64)
    }

    #[inline(always)]
    fn receive(&mut self, rx: &mut HeapCons<u64>, chunk: usize, mut see: impl FnMut(u64)) -> usize {
        let (first, second) = rx.as_slices();
        let first = &first[..first.len().min(chunk)];
        let second = &second[..second.len().min(chunk - first.len())];
        first.iter().copied().for_each(&mut see);
        second.iter().copied().for_each(&mut see);
        let count = first.len() + second.len();
        rx.skip(count)
    }
}

impl<const N: usize> Form<HeapRb<N>> for Slice {
    const NAME: &str = "(slice)";

    #[inline(always)]
    fn send(&mut self, tx: &mut HeapProd<u64>, first: u64, chunk: usize) -> usize {
        tx.push_slice(self.fill(first, chunk))
    }

    #[inline(always)]
    fn receive(&mut self, rx: &mut HeapCons<u64>, chunk: usize, see: impl FnMut(u64)) -> usize {
        let count = rx.pop_slice(self.room(chunk));
        self.show(count, see)
    }
}

pub(crate) struct StaticRb<const N: usize>;

impl<const N: usize> Ring for StaticRb<N> {
    const NAME: &str = "ringbuf::StaticRb";
    const ROLE: Role = Role::Peer;
    type Tx<'r> = StaticProd<'r, u64, N>;
    type Rx<'r> = StaticCons<'r, u64, N>;

    fn with<R>(body: impl FnOnce(Self::Tx<'_>, Self::Rx<'_>) -> R) -> R {
        let mut ring = Box::new(ringbuf::StaticRb::<u64, N>::default());
        let (tx, rx) = ring.split_ref();
        body(tx, rx)
    }
}

impl<const N: usize> Single for StaticRb<N> {
    #[inline(always)]
    fn push(tx: &mut Self::Tx<'_>, item: u64) -> bool {
        tx.try_push(item).is_ok()
    }

    #[inline(always)]
    fn pop(rx: &mut Self::Rx<'_>) -> Option<u64> {
        rx.try_pop()
    }
}
