//! `gil::spsc`.

use core::num::NonZeroUsize;

use gil::spsc::{Receiver, Sender, channel};

use super::{Form, Grant, Ring, Role, Single};

pub(crate) struct Gil<const N: usize>;

impl<const N: usize> Ring for Gil<N> {
    const NAME: &str = "gil::spsc";
    const ROLE: Role = Role::Peer;
    type Tx<'r> = Sender<u64>;
    type Rx<'r> = Receiver<u64>;

    fn with<R>(body: impl FnOnce(Self::Tx<'_>, Self::Rx<'_>) -> R) -> R {
        let (tx, rx) = channel(const { NonZeroUsize::new(N).unwrap() });
        body(tx, rx)
    }
}

impl<const N: usize> Single for Gil<N> {
    #[inline(always)]
    fn push(tx: &mut Self::Tx<'_>, item: u64) -> bool {
        tx.try_send(item).is_ok()
    }

    #[inline(always)]
    fn pop(rx: &mut Self::Rx<'_>) -> Option<u64> {
        rx.try_recv()
    }
}

impl<const N: usize> Form<Gil<N>> for Grant {
    const NAME: &str = "(buffer, guard)";

    #[inline(always)]
    fn send(&mut self, tx: &mut Sender<u64>, first: u64, chunk: usize) -> usize {
        let mut count = 0;
        for (slot, value) in tx.write_buffer().iter_mut().take(chunk).zip(first..) {
            slot.write(value);
            count += 1;
        }
        // SAFETY: the first `count` slots of the write buffer are free and were written just now.
        unsafe { tx.commit(count) };
        count
    }

    #[inline(always)]
    fn receive(&mut self, rx: &mut Receiver<u64>, chunk: usize, see: impl FnMut(u64)) -> usize {
        let mut guard = rx.read_guard();
        let count = guard.len().min(chunk);
        guard.as_slice().iter().take(count).copied().for_each(see);
        guard.advance(count);
        count
    }
}
