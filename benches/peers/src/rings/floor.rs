//! What the machine allows: references, not rings one could use.

use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicU64, Ordering};

use super::{Form, Grant, Ring, Role, Single};

/// On lines of its own.
#[repr(align(128))]
#[derive(Default)]
pub(crate) struct Line<T>(T);

/// One atomic word: the floor of a hand-over. It holds the last item sent, so it serves only where each item is
/// answered before the next one is sent.
pub(crate) struct Bare;

pub(crate) struct BareRx<'r> {
    word: &'r AtomicU64,
    seen: u64,
}

impl Ring for Bare {
    const NAME: &str = "FLOOR: bare atomics";
    const ROLE: Role = Role::Reference;
    type Tx<'r> = &'r AtomicU64;
    type Rx<'r> = BareRx<'r>;

    fn with<R>(body: impl FnOnce(Self::Tx<'_>, Self::Rx<'_>) -> R) -> R {
        let word = Box::new(Line(AtomicU64::new(0)));
        body(&word.0, BareRx { word: &word.0, seen: 0 })
    }
}

impl Single for Bare {
    #[inline(always)]
    fn push(tx: &mut Self::Tx<'_>, item: u64) -> bool {
        // 0 is "nothing yet".
        tx.store(item.wrapping_add(1), Ordering::Release);
        true
    }

    #[inline(always)]
    fn pop(rx: &mut Self::Rx<'_>) -> Option<u64> {
        let word = rx.word.load(Ordering::Acquire);
        if word == rx.seen {
            return None;
        }
        rx.seen = word;
        Some(word.wrapping_sub(1))
    }
}

/// One memory cell, stored and loaded by one thread: what the measurement itself costs.
pub(crate) struct Nothing;

impl Ring for Nothing {
    const NAME: &str = "NULL: one cell";
    const ROLE: Role = Role::Reference;
    type Tx<'r> = &'r AtomicU64;
    type Rx<'r> = &'r AtomicU64;

    fn with<R>(body: impl FnOnce(Self::Tx<'_>, Self::Rx<'_>) -> R) -> R {
        let cell = AtomicU64::new(0);
        body(&cell, &cell)
    }
}

impl Single for Nothing {
    #[inline(always)]
    fn push(tx: &mut Self::Tx<'_>, item: u64) -> bool {
        tx.store(item, Ordering::Relaxed);
        true
    }

    #[inline(always)]
    fn pop(rx: &mut Self::Rx<'_>) -> Option<u64> {
        Some(rx.load(Ordering::Relaxed))
    }
}

/// `COUNT` blocks of `ITEMS` items, each handed over by one flag: the ceiling of throughput.
pub(crate) struct Blocks<const ITEMS: usize, const COUNT: usize>;

/// A block, and which side it belongs to: the number of times it has been handed over.
#[repr(C)]
pub(crate) struct Block<const ITEMS: usize> {
    turn: Line<AtomicU64>,
    items: UnsafeCell<[u64; ITEMS]>,
}

// SAFETY: the items are touched by one side at a time: by the sender while `turn` is even and by the receiver while
// it is odd. Each side hands the block over with a Release store that pairs with the other side's Acquire load.
unsafe impl<const ITEMS: usize> Sync for Block<ITEMS> {}

/// One side's view: the blocks, and how many it has handed over.
pub(crate) struct Side<'r, const ITEMS: usize> {
    blocks: &'r [Block<ITEMS>],
    handed_over: usize,
}

impl<const ITEMS: usize> Side<'_, ITEMS> {
    /// Works on the next block's items and hands it over, or returns `None` while it belongs to the other side.
    ///
    /// # Safety
    /// There is one side with `ours` 0 and one with `ours` 1, and no other.
    #[inline(always)]
    unsafe fn next<R>(&mut self, ours: u64, work: impl FnOnce(&mut [u64; ITEMS]) -> R) -> Option<R> {
        let block = &self.blocks[self.handed_over % self.blocks.len()];
        let turn = 2 * (self.handed_over / self.blocks.len()) as u64 + ours;
        if block.turn.0.load(Ordering::Acquire) != turn {
            return None;
        }
        // SAFETY: `turn` says that the block is ours, and we are the only one on our side, as the caller says.
        // The other side does not touch it before the store below.
        let result = work(unsafe { &mut *block.items.get() });
        block.turn.0.store(turn + 1, Ordering::Release);
        self.handed_over += 1;
        Some(result)
    }
}

pub(crate) struct BlocksTx<'r, const ITEMS: usize>(Side<'r, ITEMS>);
pub(crate) struct BlocksRx<'r, const ITEMS: usize>(Side<'r, ITEMS>);

impl<const ITEMS: usize, const COUNT: usize> Ring for Blocks<ITEMS, COUNT> {
    const NAME: &str = "CEILING: one flag to a block";
    const ROLE: Role = Role::Reference;
    type Tx<'r> = BlocksTx<'r, ITEMS>;
    type Rx<'r> = BlocksRx<'r, ITEMS>;

    fn with<R>(body: impl FnOnce(Self::Tx<'_>, Self::Rx<'_>) -> R) -> R {
        let blocks: Box<[Block<ITEMS>]> =
            (0..COUNT).map(|_| Block { turn: Line::default(), items: UnsafeCell::new([0; ITEMS]) }).collect();
        body(
            BlocksTx(Side { blocks: &blocks, handed_over: 0 }),
            BlocksRx(Side { blocks: &blocks, handed_over: 0 }),
        )
    }
}

impl<const ITEMS: usize, const COUNT: usize> Form<Blocks<ITEMS, COUNT>> for Grant {
    const NAME: &str = const {
        match (ITEMS, COUNT) {
            (1024, 8) => "of 8 KiB, 8 of them",
            (8192, 8) => "of 64 KiB, 8 of them",
            _ => "",
        }
    };

    #[inline(always)]
    fn send(&mut self, tx: &mut BlocksTx<'_, ITEMS>, first: u64, _: usize) -> usize {
        let fill = |items: &mut [u64; ITEMS]| {
            for (item, value) in items.iter_mut().zip(first..) {
                *item = value;
            }
            ITEMS
        };
        // SAFETY: `with` makes one sender, which starts with the blocks that have never been handed over.
        unsafe { tx.0.next(0, fill) }.unwrap_or(0)
    }

    #[inline(always)]
    fn receive(&mut self, rx: &mut BlocksRx<'_, ITEMS>, _: usize, see: impl FnMut(u64)) -> usize {
        let show = |items: &mut [u64; ITEMS]| {
            items.iter().copied().for_each(see);
            ITEMS
        };
        // SAFETY: `with` makes one receiver, which takes what the sender has handed over.
        unsafe { rx.0.next(1, show) }.unwrap_or(0)
    }
}
