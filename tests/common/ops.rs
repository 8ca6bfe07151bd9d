//! Any list of operations on a ring does what a `VecDeque` does, wherever its positions start: the model, and what plays a
//! list of bytes as operations on both.
//!
//! The tests of rings draw the bytes, and so does the fuzz target `ops_vs_model`.

use std::collections::VecDeque;
use std::mem::forget;
#[cfg(feature = "alloc")]
use std::sync::Arc;

use annulet::Spsc;
use annulet::error::ClaimError;
use annulet::ring::{Consumer, Owner, Producer, Sides, Single, WriteGrant};

type OneToOne = Sides<Single, Single>;

/// A first-in-first-out queue of limited room that knows where a ring's slots end.
pub struct Model<T> {
    items: VecDeque<T>,
    capacity: usize,
    /// The slot of the next item to read.
    head: usize,
}

impl<T> Model<T> {
    /// Makes an empty one of `capacity` slots, a power of two, from position `origin` on.
    pub fn new(capacity: usize, origin: usize) -> Self {
        Self { items: VecDeque::new(), capacity, head: origin % capacity }
    }

    pub fn len(&self) -> usize {
        self.items.len()
    }

    pub fn free(&self) -> usize {
        self.capacity - self.len()
    }

    pub fn items(&self) -> impl Iterator<Item = &T> {
        self.items.iter()
    }

    /// The longest run of free slots without a wrap.
    pub fn free_run(&self) -> usize {
        let tail = (self.head + self.len()) % self.capacity;
        self.free().min(self.capacity - tail)
    }

    /// The longest run of items without a wrap.
    pub fn item_run(&self) -> usize {
        self.len().min(self.capacity - self.head)
    }

    pub fn push_all(&mut self, items: impl IntoIterator<Item = T>) {
        self.items.extend(items);
        assert!(self.items.len() <= self.capacity);
    }

    pub fn pop_many(&mut self, count: usize) -> Vec<T> {
        self.head = (self.head + count) % self.capacity;
        self.items.drain(..count).collect()
    }

    /// What ends say of a ring: items, capacity, empty, full.
    pub fn says(&self) -> (usize, usize, bool, bool) {
        (self.len(), self.capacity, self.items.is_empty(), self.free() == 0)
    }
}

/// What is sent: a number, and in what it is.
pub trait Piece: From<u32> {
    /// It can be copied, so it may be forgotten, too.
    const COPIED: bool;
    fn number(&self) -> u32;
    /// The copying forms; of what cannot be copied, the nearest others.
    fn push_slice<K: Owner>(tx: &mut Producer<'_, Self, OneToOne, K>, numbers: &[u32]) -> usize;
    fn pop_slice<K: Owner>(rx: &mut Consumer<'_, Self, OneToOne, K>, max: usize) -> Vec<u32>;
    fn fill(grant: &mut WriteGrant<'_, Self>, numbers: &[u32]) -> usize;
}

impl Piece for u32 {
    const COPIED: bool = true;
    fn number(&self) -> u32 {
        *self
    }
    fn push_slice<K: Owner>(tx: &mut Producer<'_, Self, OneToOne, K>, numbers: &[u32]) -> usize {
        tx.push_slice(numbers)
    }
    fn pop_slice<K: Owner>(rx: &mut Consumer<'_, Self, OneToOne, K>, max: usize) -> Vec<u32> {
        let mut out = vec![0; max.min(2 * rx.capacity())];
        let count = rx.pop_slice(&mut out);
        out.truncate(count);
        out
    }
    fn fill(grant: &mut WriteGrant<'_, Self>, numbers: &[u32]) -> usize {
        grant.copy_from(numbers)
    }
}

/// It owns memory, so that one that is dropped twice, or never, is seen by a sanitizer or Miri.
impl Piece for Box<u32> {
    const COPIED: bool = false;
    fn number(&self) -> u32 {
        **self
    }
    fn push_slice<K: Owner>(tx: &mut Producer<'_, Self, OneToOne, K>, numbers: &[u32]) -> usize {
        tx.push_iter(numbers.iter().copied().map(Box::new))
    }
    fn pop_slice<K: Owner>(rx: &mut Consumer<'_, Self, OneToOne, K>, max: usize) -> Vec<u32> {
        rx.try_iter().take(max).map(|item| *item).collect()
    }
    fn fill(grant: &mut WriteGrant<'_, Self>, numbers: &[u32]) -> usize {
        grant.fill_from(numbers.iter().copied().map(Box::new))
    }
}

/// Bytes that are played, and the items that are made meanwhile.
pub struct Tape<'b> {
    bytes: std::slice::Iter<'b, u8>,
    last: u32,
}

impl<'b> Tape<'b> {
    pub fn new(bytes: &'b [u8]) -> Self {
        Self { bytes: bytes.iter(), last: 0 }
    }

    /// The next byte; after the last one, zeros.
    pub fn byte(&mut self) -> usize {
        self.bytes.next().copied().unwrap_or(0).into()
    }

    /// A length that suits a ring of `n`: some sixteenths of it and a bit more, or far too much.
    fn length(&mut self, n: usize) -> usize {
        match self.byte() {
            255 => usize::MAX,
            byte @ 250.. => n + byte,
            byte => (byte % 20 * n).div_ceil(16).max((byte % 20).min(2)),
        }
    }

    /// The next `count` numbers.
    fn numbers(&mut self, count: usize) -> Vec<u32> {
        (0..count).map(|_| self.number()).collect()
    }

    fn number(&mut self) -> u32 {
        self.last += 1;
        self.last
    }
}

/// Plays what is on the tape over a ring of `N`, whose positions start up to 128 below or above where they wrap. Now and then
/// both ends go, and come back in one of the ways in which they can be had.
pub fn play<T: Piece, const N: usize>(tape: &mut Tape<'_>) {
    let origin = tape.byte().wrapping_sub(128);
    let mut ring = Spsc::<T, N>::starting_at(origin);
    let mut model = Model::new(N, origin);
    while tape.bytes.len() > 0 {
        match tape.byte() % 4 {
            0 => {
                let (tx, rx) = ring.split();
                round(tx, rx, tape, &mut model);
            }
            1 => {
                let (tx, rx) = ring.try_split().expect("the ends came back");
                round(tx, rx, tape, &mut model);
            }
            #[cfg(feature = "alloc")]
            2 => {
                let kept = Arc::new(ring);
                let (tx, rx) = kept.try_split_arc().expect("the ends came back");
                round(tx, rx, tape, &mut model);
                ring = Arc::into_inner(kept).expect("the ends have gone");
            }
            _ => {
                let rx = ring.try_consumer().expect("it came back");
                let tx = ring.try_producer().expect("it came back");
                round(tx, rx, tape, &mut model);
            }
        }
        assert_eq!(ring.len(), model.len());
    }
}

/// One pair of ends, until they go.
fn round<T: Piece, K: Owner>(
    mut tx: Producer<'_, T, OneToOne, K>,
    mut rx: Consumer<'_, T, OneToOne, K>,
    tape: &mut Tape<'_>,
    model: &mut Model<u32>,
) {
    while tape.bytes.len() > 0 && step(&mut tx, &mut rx, tape, model) {
        // It does not look at the items: what an end knows stays as old as the operations leave it.
        assert_eq!((tx.len(), tx.capacity(), tx.is_empty(), tx.is_full()), model.says());
        assert_eq!((rx.len(), rx.capacity(), rx.is_empty(), rx.is_full()), model.says());
    }
    assert!(rx.iter().map(T::number).eq(model.items().copied()));
}

/// Plays one operation. False: the ends go.
fn step<T: Piece, K: Owner>(
    tx: &mut Producer<'_, T, OneToOne, K>,
    rx: &mut Consumer<'_, T, OneToOne, K>,
    tape: &mut Tape<'_>,
    model: &mut Model<u32>,
) -> bool {
    let n = tx.capacity();
    match tape.byte() % 24 {
        0 => return false,
        1..4 => {
            let number = tape.number();
            match tx.try_push(number.into()) {
                Ok(()) => model.push_all([number]),
                Err(back) => {
                    assert_eq!(model.free(), 0, "refused with a slot free");
                    assert_eq!(back.into_inner().number(), number);
                }
            }
        }
        4 | 5 => {
            let wanted = tape.length(n).min(3 * n);
            let mut made = Vec::new();
            let pushed = tx.push_iter((0..wanted).map(|_| {
                made.push(tape.number());
                T::from(tape.last)
            }));
            assert_eq!(pushed, wanted.min(model.free()));
            assert_eq!(made.len(), pushed, "an item was taken that had no slot");
            model.push_all(made);
        }
        6 => {
            let wanted = tape.length(n).min(3 * n);
            let numbers = tape.numbers(wanted);
            let pushed = T::push_slice(tx, &numbers);
            assert_eq!(pushed, wanted.min(model.free()));
            model.push_all(numbers[..pushed].iter().copied());
        }
        7..11 => claim(tx, tape, model),
        11..14 => {
            let expected = model.pop_many(model.len().min(1));
            assert_eq!(rx.try_pop().ok().map(|item| item.number()), expected.first().copied());
        }
        14 => assert_eq!(rx.peek().map(T::number), model.items().next().copied()),
        15 => assert!(rx.iter().map(T::number).eq(model.items().copied())),
        16 | 17 => {
            let (parts, wanted) = (tape.byte() & 1 == 0, tape.length(n));
            let grant = if parts { rx.try_read_grant_parts(wanted) } else { rx.try_read_grant(wanted) };
            let Ok(grant) = grant else {
                assert!(model.len() == 0 && wanted > 0, "nothing to read, with items in it");
                return true;
            };
            let granted = wanted.min(if parts { model.len() } else { model.item_run() });
            assert_eq!(grant.len(), granted);
            assert!(parts || grant.parts().1.is_empty(), "one contiguous run");
            assert!(grant.iter().map(T::number).eq(model.items().copied().take(granted)));
            let (released, expected) = match tape.byte() % 3 {
                0 => (0, 0),
                1 => (grant.release_all(), granted),
                _ => {
                    let some = tape.length(n);
                    (grant.release(some), granted.min(some))
                }
            };
            assert_eq!(released, expected);
            model.pop_many(released);
        }
        form => {
            let max = tape.length(n);
            let expected = max.min(model.len());
            let mut seen = Vec::new();
            let taken = match form {
                18 => rx.skip(max),
                19 => rx.consume(max, |item| seen.push(item.number())),
                20 | 21 => rx.drain(max, |item| seen.push(item.number())),
                22 => {
                    seen.extend(rx.try_iter().take(max).map(|item| item.number()));
                    seen.len()
                }
                _ => {
                    seen = T::pop_slice(rx, max);
                    seen.len()
                }
            };
            assert_eq!(taken, expected);
            let expected = model.pop_many(expected);
            assert!(form == 18 || seen == expected, "{seen:?} in place of {expected:?}");
        }
    }
    true
}

/// Claims slots, fills some, and commits some of those.
fn claim<T: Piece, K: Owner>(
    tx: &mut Producer<'_, T, OneToOne, K>,
    tape: &mut Tape<'_>,
    model: &mut Model<u32>,
) {
    let n = tx.capacity();
    let (exact, wanted, free) = (tape.byte() & 1 == 0, tape.length(n), model.free());
    let grant = if exact { tx.try_claim_exact(wanted) } else { tx.try_claim(wanted) };
    let mut grant = match grant {
        Ok(grant) => grant,
        Err(ClaimError::TooLarge { wanted: said, capacity }) => {
            assert!(exact && wanted > n);
            return assert_eq!((said, capacity), (wanted, n));
        }
        Err(ClaimError::Full { free: said }) => {
            let refused = if exact { free < wanted } else { free == 0 && wanted > 0 };
            assert!(refused, "refused with slots free");
            return assert_eq!(said, free);
        }
        Err(other) => panic!("no such error: {other}"),
    };
    let granted = if exact { wanted } else { wanted.min(model.free_run()) };
    assert_eq!(grant.len(), granted);
    assert!(exact || grant.uninit_parts().1.is_empty(), "one contiguous run");

    let (way, some) = (tape.byte() % 5, tape.length(n).min(granted));
    let made = tape.numbers(if way == 0 { granted } else { some });
    match way {
        0 => grant.fill_with(|index| made[index].into()),
        1 => {
            for &number in &made {
                assert!(grant.push(number.into()).is_ok());
            }
            if made.len() == granted {
                assert!(grant.push(0.into()).is_err());
            }
        }
        2 => assert_eq!(grant.fill_from(made.iter().map(|&number| number.into())), made.len()),
        3 => assert_eq!(T::fill(&mut grant, &made), made.len()),
        _ => {
            let (first, second) = grant.uninit_parts();
            for (slot, &number) in first.iter_mut().chain(second).zip(&made) {
                slot.write(number.into());
            }
            // SAFETY: that many slots from the front have just been written: there are at least as many.
            unsafe { grant.assume_filled(made.len()) };
        }
    }
    assert_eq!(grant.filled(), made.len());

    let (committed, expected) = match tape.byte() % 4 {
        0 => (grant.commit_all(), made.len()),
        1 => {
            let some = tape.length(n);
            (grant.commit(some), made.len().min(some))
        }
        2 if T::COPIED => {
            forget(grant);
            (0, 0)
        }
        _ => {
            drop(grant);
            (0, 0)
        }
    };
    assert_eq!(committed, expected);
    model.push_all(made.into_iter().take(committed));
}
