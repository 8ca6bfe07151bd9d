//! `rusted_ring`. Its slots are of 128 bytes, 64 of which are an event's.
//!
//! Its writer waits for nobody, and a reader that is overtaken is not told and may be shown half of two events. So each
//! reader here has a word with its progress, which the writer looks at before it overwrites anything.
//!
//! Its position is written and read without atomics, which is a data race; so it is only ever run here, where a look at
//! the word follows each look at the position, so that the compiler cannot keep the latter.

use core::sync::atomic::{AtomicUsize, Ordering};

use rusted_ring::{PooledEvent, Reader, RingBuffer, Writer};

use super::{Broadcasts, Form, Many, Ring, Role, Single, Slice, only, single};

pub(crate) struct Rusted<const N: usize>;

/// How far a reader is, on lines of its own.
#[repr(align(128))]
#[derive(Default)]
pub(crate) struct Progress(AtomicUsize);

pub(crate) struct Tx<'r, const N: usize> {
    writer: Writer<64, N>,
    readers: &'r [Progress],
    next: usize,
    /// The first position that it may not write before it has looked.
    limit: usize,
}

pub(crate) struct Rx<'r, const N: usize> {
    reader: Reader<64, N>,
    progress: &'r Progress,
}

impl<const N: usize> Tx<'_, N> {
    /// Sends up to `chunk` items.
    #[inline(always)]
    fn send(&mut self, first: u64, chunk: usize) -> usize {
        if self.limit - self.next < chunk {
            let slowest = self.readers.iter().map(|reader| reader.0.load(Ordering::Acquire)).min();
            self.limit = slowest.unwrap_or(self.next) + N;
        }
        let count = chunk.min(self.limit - self.next);
        for item in (first..).take(count) {
            let mut event = PooledEvent { len: 8, event_type: 0, data: [0; 64] };
            event.data[..8].copy_from_slice(&item.to_ne_bytes());
            self.writer.add(event);
        }
        self.next += count;
        count
    }
}

impl<const N: usize> Rx<'_, N> {
    /// Reads up to `chunk` items.
    #[inline(always)]
    fn receive(&mut self, chunk: usize, mut see: impl FnMut(u64)) -> usize {
        let mut count = 0;
        while count < chunk {
            let Some(event) = self.reader.next() else { break };
            let [a, b, c, d, e, f, g, h, ..] = event.data;
            see(u64::from_ne_bytes([a, b, c, d, e, f, g, h]));
            count += 1;
        }
        self.progress.0.store(self.reader.cursor, Ordering::Release);
        count
    }
}

impl<const N: usize> Ring for Rusted<N> {
    const NAME: &str = "rusted-ring (+ progress words)";
    const ROLE: Role = Role::Peer;
    type Tx<'r> = Tx<'r, N>;
    type Rx<'r> = Rx<'r, N>;

    fn with<R>(body: impl FnOnce(Self::Tx<'_>, Self::Rx<'_>) -> R) -> R {
        only::<Self, R>(body)
    }
}

impl<const N: usize> Many for Rusted<N> {
    fn with_ends<R>(
        senders: usize,
        receivers: usize,
        body: impl FnOnce(Vec<Self::Tx<'_>>, Vec<Self::Rx<'_>>) -> R,
    ) -> R {
        // Leaked, 128 KiB or so each time: its ends want a ring that lives for ever.
        let ring: &'static RingBuffer<64, N> = Box::leak(Box::new(RingBuffer::new()));
        let progress: Vec<Progress> = (0..receivers).map(|_| Progress::default()).collect();
        let tx = Tx { writer: Writer::new(ring), readers: &progress, next: 0, limit: N };
        let rx = progress.iter().map(|progress| Rx { reader: Reader::new(ring), progress }).collect();
        body(single(tx, senders), rx)
    }
}

impl<const N: usize> Broadcasts for Rusted<N> {}

impl<const N: usize> Single for Rusted<N> {
    #[inline(always)]
    fn push(tx: &mut Self::Tx<'_>, item: u64) -> bool {
        tx.send(item, 1) == 1
    }

    #[inline(always)]
    fn pop(rx: &mut Self::Rx<'_>) -> Option<u64> {
        let mut item = None;
        rx.receive(1, |read| item = Some(read));
        item
    }
}

impl<const N: usize> Form<Rusted<N>> for Slice {
    const NAME: &str = "(told once)";

    #[inline(always)]
    fn send(&mut self, tx: &mut Tx<'_, N>, first: u64, chunk: usize) -> usize {
        tx.send(first, chunk)
    }

    #[inline(always)]
    fn receive(&mut self, rx: &mut Rx<'_, N>, chunk: usize, see: impl FnMut(u64)) -> usize {
        rx.receive(chunk, see)
    }
}
