//! The traits through which every ring is measured, and one small adapter for each.
//!
//! An adapter is a type without values, generic over the capacity. [`Ring`] says how its two ends are made,
//! [`Single`] how one item goes through, and each [`Form`] how a batch does. Everything is monomorphised: there
//! is no `dyn` between a measurement and the ring.

mod annulet;
mod annulet_broadcast;
mod annulet_lanes;
mod bus;
mod channels;
mod crossbeam;
mod disruptor;
mod floor;
mod gil;
mod gil_many;
mod heapless;
mod kanal;
mod link;
mod nexus;
mod ringbuf;
mod rtrb;
mod rusted_ring;
mod thingbuf;
mod tokio;
#[cfg(target_os = "linux")]
pub(crate) mod waiters;

pub(crate) use ::annulet::ring::{Multi, Single as Lone};

pub(crate) use self::annulet::{Annulet, ByReference};
pub(crate) use self::annulet_broadcast::{Gated, Overwriting};
pub(crate) use self::annulet_lanes::Laned;
pub(crate) use self::bus::OneBus;
pub(crate) use self::channels::{Flume, StdSync, ThingMpsc};
pub(crate) use self::crossbeam::{Array, Channel};
pub(crate) use self::disruptor::Disruptor;
pub(crate) use self::floor::{Bare, Blocks, Nothing};
pub(crate) use self::gil::Gil;
pub(crate) use self::gil_many::{GilMpmc, GilMpsc, GilShardedMpmc, GilShardedMpsc, GilShardedSpmc, GilSpmc};
pub(crate) use self::heapless::{Heapless, HeaplessMpmc};
pub(crate) use self::kanal::Kanal;
pub(crate) use self::link::Untrusting;
pub(crate) use self::nexus::{Nexus, NexusMpsc, NexusSpmc};
pub(crate) use self::ringbuf::{HeapRb, StaticRb};
pub(crate) use self::rtrb::{Rtrb, RtrbEach};
pub(crate) use self::rusted_ring::Rusted;
pub(crate) use self::thingbuf::Thing;
pub(crate) use self::tokio::{TokioCredit, TokioOverwriting};

/// Who a row belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// This repository.
    Ours,
    /// A published ring. The best of them is what ratios are against.
    Peer,
    /// What the machine allows: not a ring one could use.
    Reference,
}

/// Something with a sending and a receiving end.
pub(crate) trait Ring: 'static {
    const NAME: &str;
    const ROLE: Role;
    type Tx<'r>: Send;
    type Rx<'r>: Send;

    /// Makes a new ring and lends its ends to `body`.
    fn with<R>(body: impl FnOnce(Self::Tx<'_>, Self::Rx<'_>) -> R) -> R;
}

/// A ring of which a side may have several ends.
pub(crate) trait Many: Ring {
    /// Makes a new ring and lends so many sending and receiving ends to `body`. A side that is single has one.
    fn with_ends<R>(
        senders: usize,
        receivers: usize,
        body: impl FnOnce(Vec<Self::Tx<'_>>, Vec<Self::Rx<'_>>) -> R,
    ) -> R;
}

/// The one end of each side of a ring that may have several.
fn only<R: Many, O>(body: impl FnOnce(R::Tx<'_>, R::Rx<'_>) -> O) -> O {
    R::with_ends(1, 1, |tx, rx| {
        let ends = tx.into_iter().next().zip(rx.into_iter().next());
        let (tx, rx) = ends.expect("there is one end of each side");
        body(tx, rx)
    })
}

/// The only end of a side that is single.
fn single<T>(end: T, count: usize) -> Vec<T> {
    assert_eq!(count, 1, "this side has one end");
    vec![end]
}

/// A ring with one sender, each of whose receivers is given every item, unless it is told otherwise.
pub(crate) trait Broadcasts: Many {
    /// How many items this receiver was told that it had missed.
    fn missed(_: &Self::Rx<'_>) -> u64 {
        0
    }
}

/// A ring that takes and gives one item at a time.
pub(crate) trait Single: Ring {
    /// False when the ring was full.
    fn push(tx: &mut Self::Tx<'_>, item: u64) -> bool;
    /// `None` when it was empty.
    fn pop(rx: &mut Self::Rx<'_>) -> Option<u64>;
}

/// A way to move items through the ring `R`. Each side makes one of its own.
pub(crate) trait Form<R: Ring>: Default + Send {
    const NAME: &str;

    /// Sends `first`, `first + 1`, … as far as there is room, at most `chunk` of them; how many.
    fn send(&mut self, tx: &mut R::Tx<'_>, first: u64, chunk: usize) -> usize;

    /// Takes at most `chunk` items and shows each of them to `see`, in order; how many.
    fn receive(&mut self, rx: &mut R::Rx<'_>, chunk: usize, see: impl FnMut(u64)) -> usize;
}

/// One item at a time, whatever the chunk.
#[derive(Default)]
pub(crate) struct OneByOne;

impl<R: Single> Form<R> for OneByOne {
    const NAME: &str = "";

    #[inline(always)]
    fn send(&mut self, tx: &mut R::Tx<'_>, first: u64, _: usize) -> usize {
        usize::from(R::push(tx, first))
    }

    #[inline(always)]
    fn receive(&mut self, rx: &mut R::Rx<'_>, _: usize, mut see: impl FnMut(u64)) -> usize {
        match R::pop(rx) {
            Some(item) => {
                see(item);
                1
            }
            None => 0,
        }
    }
}

/// Written and read in place, each side in its ring's best way.
#[derive(Default)]
pub(crate) struct Grant;

/// Written in place, read through an iterator that takes the items out.
#[derive(Default)]
pub(crate) struct Drain;

/// One item in at a time, and out as many as there are, up to `MOST`, in the ring's best way.
#[derive(Default)]
pub(crate) struct Uneven<F, const MOST: usize>(F);

impl<R: Single, F: Form<R>, const MOST: usize> Form<R> for Uneven<F, MOST> {
    const NAME: &str = "(one in, all out)";

    #[inline(always)]
    fn send(&mut self, tx: &mut R::Tx<'_>, first: u64, _: usize) -> usize {
        usize::from(R::push(tx, first))
    }

    #[inline(always)]
    fn receive(&mut self, rx: &mut R::Rx<'_>, _: usize, see: impl FnMut(u64)) -> usize {
        self.0.receive(rx, MOST, see)
    }
}

/// Copied in from a slice and out into one.
pub(crate) struct Slice {
    items: [u64; Self::LARGEST],
}

impl Slice {
    /// The largest chunk it is used with.
    const LARGEST: usize = 256;

    /// The next `chunk` items to send.
    #[inline(always)]
    fn fill(&mut self, first: u64, chunk: usize) -> &[u64] {
        let items = &mut self.items[..chunk];
        for (item, value) in items.iter_mut().zip(first..) {
            *item = value;
        }
        items
    }

    /// Room for `chunk` items to receive.
    #[inline(always)]
    fn room(&mut self, chunk: usize) -> &mut [u64] {
        &mut self.items[..chunk]
    }

    /// Shows the first `count` items.
    #[inline(always)]
    fn show(&self, count: usize, see: impl FnMut(u64)) -> usize {
        self.items[..count].iter().copied().for_each(see);
        count
    }
}

impl Default for Slice {
    fn default() -> Self {
        Self { items: [0; Self::LARGEST] }
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::annulet_lanes::Readers;
    use super::*;
    use crate::broadcast::broadcast;
    use crate::crowd::crowd;
    use crate::measure::{Apart, Budget, Yield, round_trip, stream};

    const ITEMS: u64 = 10_000;
    const BUDGET: Budget = Budget { time: Duration::ZERO, items: ITEMS };

    /// `stream` itself checks that every item arrives, once and in order.
    fn moves<R: Ring, F: Form<R>>() {
        for chunk in [1, 7, 64] {
            let seen = stream::<R, F, Yield, Apart>(chunk, 0, BUDGET).items;
            assert!(seen >= ITEMS, "{} {} moved {seen} items", R::NAME, F::NAME);
        }
    }

    /// As does `crowd`, and that those of each sender come in its order.
    fn moves_among<R: Many, F: Form<R>>(senders: usize, receivers: usize) {
        for chunk in [1, 7, 64] {
            let seen = crowd::<R, F, Yield>([senders, receivers], chunk, 0, BUDGET).items;
            // Receivers report in blocks, of which the first one starts the clock.
            assert!(seen >= ITEMS / 2, "{} {} moved {seen} items", R::NAME, F::NAME);
        }
    }

    fn moves_to_one<R: Many, F: Form<R>>() {
        moves::<R, F>();
        moves_among::<R, F>(1, 1);
        moves_among::<R, F>(4, 1);
    }

    fn moves_from_one<R: Many, F: Form<R>>() {
        moves::<R, F>();
        moves_among::<R, F>(1, 1);
        moves_among::<R, F>(1, 4);
    }

    fn moves_to_many<R: Many, F: Form<R>>() {
        moves_to_one::<R, F>();
        moves_among::<R, F>(1, 4);
        moves_among::<R, F>(4, 4);
    }

    /// `broadcast` checks that each reader is given every item that it is not told it has missed, in order.
    fn publishes<R: Broadcasts, F: Form<R>>() -> f64 {
        let mut missed = 0.0;
        for (readers, threads) in [(1, 1), (2, 1), (2, 2), (3, 2)] {
            for chunk in [1, 7, 64] {
                missed += broadcast::<R, F, Yield>(readers, threads, chunk, 0, BUDGET).missed;
            }
        }
        missed
    }

    /// And that it misses none.
    fn publishes_all<R: Broadcasts, F: Form<R>>() {
        moves::<R, F>();
        assert!(publishes::<R, F>() == 0.0, "{} {} lost items", R::NAME, F::NAME);
    }

    #[test]
    fn annulet_moves_items_in_order() {
        moves::<Annulet<64>, OneByOne>();
        moves::<Annulet<64>, Grant>();
        moves::<Annulet<64>, Slice>();
        moves::<Annulet<64>, Drain>();
    }

    #[test]
    fn gil_moves_items_in_order() {
        moves::<Gil<64>, OneByOne>();
        moves::<Gil<64>, Grant>();
    }

    #[test]
    fn heapless_moves_items_in_order() {
        moves::<Heapless<64>, OneByOne>();
    }

    #[test]
    fn link_moves_items_in_order() {
        moves::<Untrusting<64>, OneByOne>();
        moves::<Untrusting<64>, Drain>();
    }

    #[test]
    fn nexus_moves_items_in_order() {
        moves::<Nexus<64>, OneByOne>();
    }

    #[test]
    fn ringbuf_moves_items_in_order() {
        moves::<HeapRb<64>, OneByOne>();
        moves::<HeapRb<64>, Grant>();
        moves::<HeapRb<64>, Slice>();
        moves::<StaticRb<64>, OneByOne>();
    }

    #[test]
    fn rtrb_moves_items_in_order() {
        moves::<Rtrb<64>, OneByOne>();
        moves::<Rtrb<64>, Grant>();
        moves::<Rtrb<64>, Slice>();
    }

    #[test]
    fn annulet_mpsc_moves_items_in_order() {
        moves_to_one::<Annulet<64, Multi, Lone>, OneByOne>();
        moves_to_one::<Annulet<64, Multi, Lone>, Slice>();
        moves_to_one::<Annulet<64, Multi, Lone>, Drain>();
    }

    #[test]
    fn annulet_spmc_moves_items_in_order() {
        moves_from_one::<Annulet<64, Lone, Multi>, OneByOne>();
        moves_from_one::<Annulet<64, Lone, Multi>, Slice>();
        moves_from_one::<Annulet<64, Lone, Multi>, Drain>();
    }

    #[test]
    fn annulet_mpmc_moves_items_in_order() {
        moves_to_many::<Annulet<64, Multi, Multi>, OneByOne>();
        moves_to_many::<Annulet<64, Multi, Multi>, Slice>();
        moves_to_many::<Annulet<64, Multi, Multi>, Drain>();
    }

    #[test]
    fn annulet_lanes_move_items_in_order() {
        fn moves_laned<C: Readers, const RECEIVERS: usize>() {
            moves::<Laned<64, 1, C>, OneByOne>();
            moves::<Laned<64, 1, C>, Slice>();
            moves::<Laned<64, 1, C>, Drain>();
            moves_among::<Laned<16, 4, C>, OneByOne>(4, RECEIVERS);
            moves_among::<Laned<16, 4, C>, Slice>(4, RECEIVERS);
            moves_among::<Laned<16, 4, C>, Drain>(4, RECEIVERS);
        }
        moves_laned::<Lone, 1>();
        moves_laned::<Multi, 4>();
    }

    #[test]
    fn channels_move_items_in_order() {
        moves_to_many::<Flume<64>, OneByOne>();
        moves_to_one::<StdSync<64>, OneByOne>();
        moves_to_one::<ThingMpsc<64>, OneByOne>();
    }

    #[test]
    fn crossbeam_moves_items_in_order() {
        moves_to_many::<Array<64>, OneByOne>();
        moves_to_many::<Channel<64>, OneByOne>();
    }

    #[test]
    fn gil_of_many_moves_items_in_order() {
        moves_to_one::<GilMpsc<64>, OneByOne>();
        moves_from_one::<GilSpmc<64>, OneByOne>();
        moves_to_many::<GilMpmc<64>, OneByOne>();
    }

    #[test]
    fn gil_sharded_moves_items_in_order() {
        moves::<GilShardedMpsc<64, 1>, OneByOne>();
        moves::<GilShardedMpsc<64, 1>, Grant>();
        moves_among::<GilShardedMpsc<64, 4>, OneByOne>(4, 1);
        moves_among::<GilShardedMpsc<64, 4>, Grant>(4, 1);
        moves::<GilShardedSpmc<64, 1>, OneByOne>();
        moves::<GilShardedSpmc<64, 1>, Grant>();
        moves_among::<GilShardedSpmc<64, 4>, OneByOne>(1, 4);
        moves_among::<GilShardedSpmc<64, 4>, Grant>(1, 4);
        moves::<GilShardedMpmc<64, 1>, OneByOne>();
        moves::<GilShardedMpmc<64, 1>, Grant>();
        moves_among::<GilShardedMpmc<64, 4>, OneByOne>(4, 4);
        moves_among::<GilShardedMpmc<64, 4>, Grant>(4, 4);
    }

    #[test]
    fn heapless_mpmc_moves_items_in_order() {
        moves_to_many::<HeaplessMpmc<64>, OneByOne>();
    }

    #[test]
    fn kanal_moves_items_in_order() {
        moves_to_many::<Kanal<64>, OneByOne>();
    }

    #[test]
    fn nexus_of_many_moves_items_in_order() {
        moves_to_one::<NexusMpsc<64>, OneByOne>();
        moves_from_one::<NexusSpmc<64>, OneByOne>();
    }

    #[test]
    fn thingbuf_moves_items_in_order() {
        moves_to_many::<Thing<64>, OneByOne>();
    }

    #[test]
    fn annulet_publishes_all_items_in_order() {
        publishes_all::<Gated<64>, OneByOne>();
        publishes_all::<Gated<64>, Uneven<Slice, 64>>();
        publishes_all::<Gated<64>, Slice>();
    }

    #[test]
    fn annulet_tells_what_it_overwrites() {
        publishes::<Overwriting<64>, OneByOne>();
        publishes::<Overwriting<64>, Uneven<Slice, 64>>();
        publishes::<Overwriting<64>, Slice>();
    }

    #[test]
    fn bus_publishes_all_items_in_order() {
        publishes_all::<OneBus<64>, OneByOne>();
    }

    #[test]
    fn disruptor_publishes_all_items_in_order() {
        publishes_all::<Disruptor<64>, OneByOne>();
        publishes_all::<Disruptor<64>, Uneven<Grant, 64>>();
        publishes_all::<Disruptor<64>, Grant>();
    }

    #[test]
    fn rtrb_for_each_reader_publishes_all_items_in_order() {
        publishes_all::<RtrbEach<64>, OneByOne>();
        publishes_all::<RtrbEach<64>, Uneven<Grant, 64>>();
        publishes_all::<RtrbEach<64>, Grant>();
    }

    #[test]
    fn rusted_ring_publishes_all_items_in_order() {
        publishes_all::<Rusted<64>, OneByOne>();
        publishes_all::<Rusted<64>, Slice>();
    }

    #[test]
    fn tokio_publishes_all_items_in_order() {
        publishes_all::<TokioCredit<64>, OneByOne>();
    }

    #[test]
    fn tokio_tells_what_it_overwrites() {
        publishes::<TokioOverwriting<64>, OneByOne>();
    }

    #[test]
    fn blocks_move_items_in_order() {
        moves::<Blocks<16, 4>, Grant>();
    }

    #[test]
    fn bare_atomics_answer_each_ping() {
        assert!(round_trip::<Bare, Yield>(BUDGET).items >= ITEMS);
    }
}
