//! `annulet::Broadcast`, gated and overwriting.

use annulet::Broadcast;
use annulet::ring::broadcast::{self, GatedReader, Overwrite, ReadError, Reader, Writer};

use super::{Broadcasts, Form, Many, Ring, Role, Single, Slice, only, single};

/// How many readers there is a place for: the writer looks at each place.
const PLACES: usize = 4;
type Policy = broadcast::Gated<PLACES>;

pub(crate) struct Gated<const N: usize>;

impl<const N: usize> Ring for Gated<N> {
    const NAME: &str = "annulet::Broadcast, gated";
    const ROLE: Role = Role::Ours;
    type Tx<'r> = Writer<'r, u64, N, Policy>;
    type Rx<'r> = GatedReader<'r, u64, N, PLACES>;

    fn with<R>(body: impl FnOnce(Self::Tx<'_>, Self::Rx<'_>) -> R) -> R {
        only::<Self, R>(body)
    }
}

impl<const N: usize> Many for Gated<N> {
    fn with_ends<R>(
        senders: usize,
        receivers: usize,
        body: impl FnOnce(Vec<Self::Tx<'_>>, Vec<Self::Rx<'_>>) -> R,
    ) -> R {
        let mut ring = Box::new(Broadcast::<u64, N, Policy>::new());
        let (writer, ring) = ring.split();
        let join = |_| ring.join_at_oldest().expect("there is a place for each reader");
        body(single(writer, senders), (0..receivers).map(join).collect())
    }
}

impl<const N: usize> Broadcasts for Gated<N> {}

impl<const N: usize> Single for Gated<N> {
    #[inline(always)]
    fn push(tx: &mut Self::Tx<'_>, item: u64) -> bool {
        tx.try_publish(item).is_ok()
    }

    #[inline(always)]
    fn pop(rx: &mut Self::Rx<'_>) -> Option<u64> {
        rx.try_read().ok()
    }
}

impl<const N: usize> Form<Gated<N>> for Slice {
    const NAME: &str = "(slice)";

    #[inline(always)]
    fn send(&mut self, tx: &mut Writer<'_, u64, N, Policy>, first: u64, chunk: usize) -> usize {
        tx.publish_partial_slice(self.fill(first, chunk))
    }

    #[inline(always)]
    fn receive(
        &mut self,
        rx: &mut GatedReader<'_, u64, N, PLACES>,
        chunk: usize,
        see: impl FnMut(u64),
    ) -> usize {
        let count = rx.read_slice(self.room(chunk));
        self.show(count, see)
    }
}

pub(crate) struct Overwriting<const N: usize>;

/// A reader, and how many items it was told that it had missed.
pub(crate) struct Counting<'r, const N: usize> {
    reader: Reader<'r, u64, N>,
    missed: u64,
}

impl<'r, const N: usize> Counting<'r, N> {
    /// Reads; again, should it have been overtaken, but not for ever.
    #[inline(always)]
    fn read<T>(
        &mut self,
        mut attempt: impl FnMut(&mut Reader<'r, u64, N>) -> Result<T, ReadError>,
    ) -> Option<T> {
        for _ in 0..4 {
            match attempt(&mut self.reader) {
                Ok(value) => return Some(value),
                Err(ReadError::Lagged(missed)) => self.missed += missed,
                Err(_) => break,
            }
        }
        None
    }
}

impl<const N: usize> Ring for Overwriting<N> {
    const NAME: &str = "annulet::Broadcast, overwriting";
    const ROLE: Role = Role::Ours;
    type Tx<'r> = Writer<'r, u64, N, Overwrite>;
    type Rx<'r> = Counting<'r, N>;

    fn with<R>(body: impl FnOnce(Self::Tx<'_>, Self::Rx<'_>) -> R) -> R {
        only::<Self, R>(body)
    }
}

impl<const N: usize> Many for Overwriting<N> {
    fn with_ends<R>(
        senders: usize,
        receivers: usize,
        body: impl FnOnce(Vec<Self::Tx<'_>>, Vec<Self::Rx<'_>>) -> R,
    ) -> R {
        let mut ring = Box::new(Broadcast::<u64, N>::new());
        let (writer, ring) = ring.split();
        let reader = |_| Counting { reader: ring.reader_at_oldest(), missed: 0 };
        body(single(writer, senders), (0..receivers).map(reader).collect())
    }
}

impl<const N: usize> Broadcasts for Overwriting<N> {
    fn missed(rx: &Self::Rx<'_>) -> u64 {
        rx.missed
    }
}

impl<const N: usize> Single for Overwriting<N> {
    #[inline(always)]
    fn push(tx: &mut Self::Tx<'_>, item: u64) -> bool {
        tx.publish(item);
        true
    }

    #[inline(always)]
    fn pop(rx: &mut Self::Rx<'_>) -> Option<u64> {
        rx.read(Reader::try_read)
    }
}

impl<const N: usize> Form<Overwriting<N>> for Slice {
    const NAME: &str = "(slice)";

    #[inline(always)]
    fn send(&mut self, tx: &mut Writer<'_, u64, N, Overwrite>, first: u64, chunk: usize) -> usize {
        tx.publish_slice(self.fill(first, chunk));
        chunk
    }

    #[inline(always)]
    fn receive(&mut self, rx: &mut Counting<'_, N>, chunk: usize, see: impl FnMut(u64)) -> usize {
        let count = rx.read(|reader| reader.try_read_slice(self.room(chunk))).unwrap_or(0);
        self.show(count, see)
    }
}
