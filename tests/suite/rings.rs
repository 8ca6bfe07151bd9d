//! The rings under test.

use std::marker::PhantomData;

use annulet::error::{ClaimError, PushError};
use annulet::ring::{
    Consumer, Multi, Owner, Producer, ReadGrant, Ref, Ring, Side, Sides, Single, TryIter, WriteGrant,
};
use annulet::stats::{Off, Stats};

#[cfg(feature = "alloc")]
use {
    annulet::ring::{HeapRing, OwnedConsumer, OwnedProducer},
    std::sync::Arc,
};

/// The large size. Positions of eight bits cannot tell a fuller ring from an empty one.
pub const LARGE: usize = if cfg!(annulet_narrow) { 128 } else { 1024 };

/// A kind of ring, of one size, kept alive in one way.
pub trait RingUnderTest {
    /// The number of items it holds.
    const N: usize;

    type Tx<'r, T: 'static>: Tx<T>;
    type Rx<'r, T: 'static>: Rx<T>;

    /// For messages.
    fn name() -> String;

    /// Makes an empty ring whose positions start at `origin`, hands its ends to `game` once per round, and then
    /// drops it. What is left in the ring after one round is there in the next.
    fn rounds<T: 'static>(
        origin: usize,
        rounds: usize,
        game: impl for<'r> FnMut(usize, Self::Tx<'r, T>, Self::Rx<'r, T>),
    );

    /// One round.
    fn play<T: 'static, R>(
        origin: usize,
        game: impl for<'r> FnOnce(Self::Tx<'r, T>, Self::Rx<'r, T>) -> R,
    ) -> R {
        let _name = SayOnPanic(Self::name, Self::N, origin);
        let mut game = Some(game);
        let mut result = None;
        Self::rounds(origin, 1, |_, tx, rx| {
            result = game.take().map(|game| game(tx, rx));
        });
        result.expect("one round was played")
    }
}

/// Says which ring it was when an assertion fails in it.
struct SayOnPanic(fn() -> String, usize, usize);

impl Drop for SayOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("this was {} of {} starting at {:#x}", (self.0)(), self.1, self.2);
        }
    }
}

/// How items are put in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// `try_push`, one by one until refused.
    One,
    /// `push_iter`.
    Iter,
    /// `try_claim`, filled by `push`.
    Claim,
    /// `try_claim`, filled by `fill_with`.
    ClaimFill,
    /// `try_claim_exact`, filled by `fill_from`.
    Exact,
    /// `try_claim_exact`, filled through the `MaybeUninit`s.
    ExactUninit,
}

/// How items are taken out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Take {
    /// `try_pop`, one by one until refused.
    One,
    /// `drain`.
    Drain,
    /// `consume`.
    Consume,
    /// `skip`, after a look with `iter`.
    Skip,
    /// `try_read` and `release_all`.
    Read,
    /// `try_read_grant_parts` and `release`.
    ReadParts,
}

/// An end that items go into. Which forms a ring has is its own business; what each form does is the model's.
pub trait Tx<T> {
    /// The forms this end has.
    const FORMS: &'static [Put];

    /// Puts in one item, or gives it back.
    fn try_push(&mut self, item: T) -> Result<(), T>;
    /// Puts in up to `wanted` items of `items`, which has that many; how many. Takes none it has no slot for.
    fn put(&mut self, form: Put, wanted: usize, items: &mut dyn Iterator<Item = T>) -> usize;
    /// Copies in what fits of `items`; how many.
    fn push_slice(&mut self, items: &[T]) -> usize
    where
        T: Copy;
    /// What this end says of the ring: items, capacity, empty, full.
    fn says(&self) -> (usize, usize, bool, bool);
}

/// An end that items come out of.
pub trait Rx<T> {
    /// The forms this end has.
    const FORMS: &'static [Take];

    fn try_pop(&mut self) -> Option<T>;
    /// Takes out up to `wanted` items, shows each to `see` in order, and drops it; how many.
    fn take(&mut self, form: Take, wanted: usize, see: &mut dyn FnMut(&T)) -> usize;
    /// Copies out up to `out.len()` items; how many.
    fn pop_slice(&mut self, out: &mut [T]) -> usize
    where
        T: Copy;
    /// The next item, which stays; `None` from an end that can only take.
    fn peek(&mut self) -> Option<Option<&T>> {
        None
    }
    /// Shows every item to `see`. All of them stay. False from an end that can only take.
    fn look(&mut self, _: &mut dyn FnMut(&T)) -> bool {
        false
    }
    /// What this end says of the ring: items, capacity, empty, full.
    fn says(&self) -> (usize, usize, bool, bool);
}

/// Makes a trait of methods that the ends of an `Spsc` have.
macro_rules! lends {
    (
        $(#[$doc:meta])* $trait:ident: $base:ident for $end:ident;
        $(fn $method:ident($($argument:ident: $type:ty),*) -> $result:ty $(= $convert:ident)?;)*
    ) => {
        $(#[$doc])*
        pub trait $trait<T>: $base<T> {
            $(fn $method(&mut self, $($argument: $type),*) -> $result;)*
        }

        impl<T, K: Owner> $trait<T> for $end<'_, T, Sides<Single, Single, Off>, K> {
            $(fn $method(&mut self, $($argument: $type),*) -> $result {
                $end::$method(self, $($argument),*)$(.$convert())?
            })*
        }
    };
}
lends! {
    /// An end that lends out its slots.
    GrantTx: Tx for Producer;
    fn try_claim(wanted: usize) -> Result<WriteGrant<'_, T>, ClaimError>;
    fn try_claim_exact(wanted: usize) -> Result<WriteGrant<'_, T>, ClaimError>;
    fn push_iter(iter: impl Iterator<Item = T>) -> usize;
}
lends! {
    /// An end that lends out its items.
    GrantRx: Rx for Consumer;
    fn try_read_grant(wanted: usize) -> Option<ReadGrant<'_, T>> = ok;
    fn try_read_grant_parts(wanted: usize) -> Option<ReadGrant<'_, T>> = ok;
    fn drain(max: usize, f: impl FnMut(T)) -> usize;
    fn try_iter() -> TryIter<'_, T>;
    fn skip(count: usize) -> usize;
    fn consume(max: usize, see: impl FnMut(&T)) -> usize;
}

impl<T, P: Side, C: Side, S: Stats, K: Owner> Tx<T> for Producer<'_, T, Sides<P, C, S>, K> {
    const FORMS: &'static [Put] =
        &[Put::One, Put::Iter, Put::Claim, Put::ClaimFill, Put::Exact, Put::ExactUninit];

    fn try_push(&mut self, item: T) -> Result<(), T> {
        Producer::try_push(self, item).map_err(PushError::into_inner)
    }

    fn put(&mut self, form: Put, wanted: usize, items: &mut dyn Iterator<Item = T>) -> usize {
        match form {
            Put::One => {
                for count in 0..wanted {
                    // Asked first, so that no item is taken only to be refused.
                    if self.is_full() {
                        return count;
                    }
                    let mut item = items.next().unwrap();
                    // The slot may not be free yet where one of many consumers has claimed its item.
                    while let Err(refused) = Producer::try_push(self, item) {
                        assert!(!matches!(refused, PushError::Full(_)), "refused with a slot free");
                        std::thread::yield_now();
                        item = refused.into_inner();
                    }
                }
                wanted
            }
            Put::Iter => Producer::push_iter(self, items.take(wanted)),
            Put::Claim | Put::ClaimFill => {
                let Ok(mut grant) = Producer::try_claim(self, wanted) else { return 0 };
                if form == Put::Claim {
                    for _ in 0..grant.len() {
                        grant.push(items.next().unwrap()).unwrap();
                    }
                } else {
                    let mut expected = 0..grant.len();
                    grant.fill_with(|index| {
                        assert_eq!(Some(index), expected.next(), "numbers its slots from 0");
                        items.next().unwrap()
                    });
                    assert_eq!(expected.next(), None, "fills every slot");
                }
                grant.commit_all()
            }
            Put::Exact => {
                let Ok(mut grant) = Producer::try_claim_exact(self, wanted) else { return 0 };
                assert_eq!(grant.fill_from(items), wanted);
                grant.commit_all()
            }
            Put::ExactUninit => {
                let Ok(mut grant) = Producer::try_claim_exact(self, wanted) else { return 0 };
                let (first, second) = grant.uninit_parts();
                for slot in first.iter_mut().chain(second) {
                    slot.write(items.next().unwrap());
                }
                // SAFETY: every slot of the grant was just written.
                unsafe { grant.assume_filled(wanted) };
                grant.commit_all()
            }
        }
    }

    fn push_slice(&mut self, items: &[T]) -> usize
    where
        T: Copy,
    {
        Producer::push_slice(self, items)
    }

    fn says(&self) -> (usize, usize, bool, bool) {
        (self.len(), self.capacity(), self.is_empty(), self.is_full())
    }
}

/// Up to `max` items, drained.
pub fn drained<T, P: Side, C: Side, S: Stats, K: Owner>(
    rx: &mut Consumer<'_, T, Sides<P, C, S>, K>,
    max: usize,
) -> Vec<T> {
    let mut items = Vec::new();
    assert_eq!(rx.drain(max, |item| items.push(item)), items.len());
    items
}

/// The side of a consumer, as to what it can do with items that stay.
pub trait Looking: Side + Sized {
    const FORMS: &'static [Take];
    /// The same consumer, if it is the only one, so that items stay until it takes them.
    fn alone<'c, 'r, T, P: Side, S: Stats, K: Owner>(
        rx: &'c mut Consumer<'r, T, Sides<P, Self, S>, K>,
    ) -> Option<&'c mut Consumer<'r, T, Sides<P, Single, S>, K>>;
}

impl Looking for Single {
    const FORMS: &'static [Take] =
        &[Take::One, Take::Drain, Take::Consume, Take::Skip, Take::Read, Take::ReadParts];
    fn alone<'c, 'r, T, P: Side, S: Stats, K: Owner>(
        rx: &'c mut Consumer<'r, T, Sides<P, Self, S>, K>,
    ) -> Option<&'c mut Consumer<'r, T, Sides<P, Single, S>, K>> {
        Some(rx)
    }
}

impl Looking for Multi {
    const FORMS: &'static [Take] = &[Take::One, Take::Drain, Take::Consume];
    fn alone<'c, 'r, T, P: Side, S: Stats, K: Owner>(
        _: &'c mut Consumer<'r, T, Sides<P, Self, S>, K>,
    ) -> Option<&'c mut Consumer<'r, T, Sides<P, Single, S>, K>> {
        None
    }
}

impl<T, P: Side, C: Looking, S: Stats, K: Owner> Rx<T> for Consumer<'_, T, Sides<P, C, S>, K> {
    const FORMS: &'static [Take] = C::FORMS;

    fn try_pop(&mut self) -> Option<T> {
        Consumer::try_pop(self).ok()
    }

    fn take(&mut self, form: Take, wanted: usize, see: &mut dyn FnMut(&T)) -> usize {
        match form {
            Take::One => {
                (0..wanted).map_while(|_| Consumer::try_pop(self).ok()).map(|item| see(&item)).count()
            }
            Take::Drain => Consumer::drain(self, wanted, |item| see(&item)),
            Take::Consume => Consumer::consume(self, wanted, see),
            Take::Skip => {
                C::alone(self).expect("one that looks").iter().take(wanted).for_each(see);
                Consumer::skip(self, wanted)
            }
            Take::Read => {
                let Ok(grant) = C::alone(self).expect("one that looks").try_read_grant(wanted) else {
                    return 0;
                };
                assert_eq!(grant.items().len(), grant.len(), "one contiguous run");
                grant.items().iter().for_each(see);
                grant.release_all()
            }
            Take::ReadParts => {
                let Ok(grant) = C::alone(self).expect("one that looks").try_read_grant_parts(wanted) else {
                    return 0;
                };
                grant.iter().for_each(see);
                grant.release(wanted)
            }
        }
    }

    fn pop_slice(&mut self, out: &mut [T]) -> usize
    where
        T: Copy,
    {
        Consumer::pop_slice(self, out)
    }

    fn peek(&mut self) -> Option<Option<&T>> {
        C::alone(self).map(|rx| rx.peek())
    }

    fn look(&mut self, see: &mut dyn FnMut(&T)) -> bool {
        C::alone(self).map(|rx| rx.iter().for_each(see)).is_some()
    }

    fn says(&self) -> (usize, usize, bool, bool) {
        (self.len(), self.capacity(), self.is_empty(), self.is_full())
    }
}

/// A ring whose ends lend their slots and items: the bound of the behaviours that are about grants.
pub trait Granting<T: 'static>: for<'r> RingUnderTest<Tx<'r, T>: GrantTx<T>, Rx<'r, T>: GrantRx<T>> {}
impl<W, T: 'static> Granting<T> for W where
    W: for<'r> RingUnderTest<Tx<'r, T>: GrantTx<T>, Rx<'r, T>: GrantRx<T>>
{
}

/// A ring whose ends may go to other threads.
pub trait Threaded<T: 'static>: for<'r> RingUnderTest<Tx<'r, T>: Send, Rx<'r, T>: Send> {}
impl<W, T: 'static> Threaded<T> for W where W: for<'r> RingUnderTest<Tx<'r, T>: Send, Rx<'r, T>: Send> {}

/// A ring with sides `P` and `C` that lends its ends: in which of the `WAYS`.
pub struct Lent<const WAY: usize, const N: usize, P, C>(PhantomData<(P, C)>);
const WAYS: [&str; 3] = ["split", "try_split", "try_consumer and try_producer"];
/// Both ends by `split`.
pub type Split<const N: usize, P = Single, C = Single> = Lent<0, N, P, C>;
/// Both ends by `try_split`.
pub type TrySplit<const N: usize, P = Single, C = Single> = Lent<1, N, P, C>;
/// Each end by itself, the consumer first.
pub type Singles<const N: usize, P = Single, C = Single> = Lent<2, N, P, C>;
/// In an `Arc` that the ends keep.
#[cfg(feature = "alloc")]
pub struct Kept<const N: usize, P = Single, C = Single>(PhantomData<(P, C)>);

/// On the heap, with a capacity that was chosen when it was made.
#[cfg(feature = "alloc")]
pub struct Heaped<const N: usize, P = Single, C = Single>(PhantomData<(P, C)>);

/// What a side is called.
fn side<X: 'static>() -> &'static str {
    if std::any::TypeId::of::<X>() == std::any::TypeId::of::<Single>() { "one" } else { "many" }
}

impl<const WAY: usize, const N: usize, P: Side, C: Looking> RingUnderTest for Lent<WAY, N, P, C> {
    const N: usize = N;
    type Tx<'r, T: 'static> = Producer<'r, T, Sides<P, C, Off>, Ref<'r>>;
    type Rx<'r, T: 'static> = Consumer<'r, T, Sides<P, C, Off>, Ref<'r>>;

    fn name() -> String {
        format!("{} of {} to {}", WAYS[WAY], side::<P>(), side::<C>())
    }

    fn rounds<T: 'static>(
        origin: usize,
        rounds: usize,
        mut game: impl for<'r> FnMut(usize, Self::Tx<'r, T>, Self::Rx<'r, T>),
    ) {
        let mut ring = Ring::<T, N, Sides<P, C>>::starting_at(origin);
        for round in 0..rounds {
            let (tx, rx) = match WAY {
                0 => ring.split(),
                1 => ring.try_split().expect("the ends came back"),
                _ => {
                    let rx = ring.try_consumer().expect("it came back");
                    (ring.try_producer().expect("it came back"), rx)
                }
            };
            game(round, tx, rx);
        }
    }
}

#[cfg(feature = "alloc")]
impl<const N: usize, P: Side, C: Looking> RingUnderTest for Kept<N, P, C> {
    const N: usize = N;
    type Tx<'r, T: 'static> = OwnedProducer<T, N, Sides<P, C>>;
    type Rx<'r, T: 'static> = OwnedConsumer<T, N, Sides<P, C>>;

    fn name() -> String {
        format!("an Arc of {} to {}", side::<P>(), side::<C>())
    }

    fn rounds<T: 'static>(
        origin: usize,
        rounds: usize,
        mut game: impl for<'r> FnMut(usize, Self::Tx<'r, T>, Self::Rx<'r, T>),
    ) {
        if (origin, rounds) == (0, 1) {
            // The ends alone keep the ring.
            let (tx, rx) = Ring::<T, N, Sides<P, C>>::new_split();
            return game(0, tx, rx);
        }
        let ring = Arc::new(Ring::<T, N, Sides<P, C>>::starting_at(origin));
        for round in 0..rounds {
            let (tx, rx) = ring.try_split_arc().expect("the ends came back");
            game(round, tx, rx);
        }
    }
}

#[cfg(feature = "alloc")]
impl<const N: usize, P: Side, C: Looking> RingUnderTest for Heaped<N, P, C> {
    const N: usize = N;
    type Tx<'r, T: 'static> = Producer<'r, T, Sides<P, C>>;
    type Rx<'r, T: 'static> = Consumer<'r, T, Sides<P, C>>;

    fn name() -> String {
        format!("a HeapRing of {} to {}", side::<P>(), side::<C>())
    }

    fn rounds<T: 'static>(
        origin: usize,
        rounds: usize,
        mut game: impl for<'r> FnMut(usize, Self::Tx<'r, T>, Self::Rx<'r, T>),
    ) {
        let mut ring = HeapRing::<T, Sides<P, C>>::starting_at(origin, N);
        for round in 0..rounds {
            let (tx, rx) =
                if round % 2 == 0 { ring.split() } else { ring.try_split().expect("the ends came back") };
            game(round, tx, rx);
        }
    }
}

/// Starting positions for a ring of `n`: the start of the integer, and its end, so that positions wrap at every
/// offset. All there are where they have eight bits.
pub fn origins(n: usize) -> Vec<usize> {
    if cfg!(miri) {
        return if n == 1 { vec![0, usize::MAX] } else { vec![0, usize::MAX - 1] };
    }
    if cfg!(annulet_narrow) {
        // A step in step with nothing where all would take long.
        return (0..256).step_by(if n <= 8 { 1 } else { 5 }).collect();
    }
    if n <= 8 {
        let below_the_end = (0..=n).map(|back| usize::MAX - back);
        return (0..n).chain(below_the_end).chain([usize::MAX / 2]).collect();
    }
    vec![0, 1, n - 1, usize::MAX - n, usize::MAX - n + 1, usize::MAX - 3, usize::MAX]
}

/// Lengths worth trying with a ring of `n`: all of them if it is small.
pub fn lengths(n: usize) -> Vec<usize> {
    let mut lengths: Vec<usize> = if cfg!(miri) {
        vec![0, 1, n.div_ceil(2), n]
    } else if n <= 8 {
        (0..=n).collect()
    } else {
        vec![0, 1, 3, n / 2, n - 1, n]
    };
    lengths.retain(|length| *length <= n);
    lengths.sort_unstable();
    lengths.dedup();
    lengths
}

/// All of a list of cases; under Miri one in `step`. A step that shares no factor with the lengths of what was
/// multiplied to make the list still meets every value of each.
pub fn thin<T>(step: usize, cases: impl IntoIterator<Item = T>) -> impl Iterator<Item = T> {
    cases.into_iter().step_by(if cfg!(miri) { step } else { 1 })
}

/// Every case of one list with every case of another.
pub fn pairs<A: Copy, B: Copy>(
    one: impl IntoIterator<Item = A>,
    other: impl IntoIterator<Item = B, IntoIter: Clone>,
) -> impl Iterator<Item = (A, B)> {
    let other = other.into_iter();
    one.into_iter().flat_map(move |a| other.clone().map(move |b| (a, b)))
}

/// The large size of a ring with stamps, which give away two bits of a position.
pub const LARGE_MANY: usize = if cfg!(annulet_narrow) { 32 } else { 1024 };

/// Runs a behaviour over every ring with one producer and one consumer: each size, each way of keeping it alive.
macro_rules! over_every_ring {
    ($($behaviour:ident)*) => {
        mod over_every_ring {
            $(
                #[test]
                fn $behaviour() {
                    over_every_ring!(@one $behaviour);
                }
            )*
        }
    };
    (@one $behaviour:ident) => {
        use crate::rings::*;
        over_every_ring!(@sizes $behaviour Split);
        over_every_ring!(@sizes $behaviour TrySplit);
        over_every_ring!(@sizes $behaviour Singles);
        #[cfg(feature = "alloc")]
        over_every_ring!(@sizes $behaviour Kept);
        #[cfg(feature = "alloc")]
        over_every_ring!(@sizes $behaviour Heaped);
    };
    (@sizes $behaviour:ident Split) => {
        super::$behaviour::<Split<1>>();
        super::$behaviour::<Split<2>>();
        super::$behaviour::<Split<4>>();
        if !cfg!(miri) {
            super::$behaviour::<Split<8>>();
            super::$behaviour::<Split<LARGE>>();
        }
    };
    (@sizes $behaviour:ident $way:ident) => {
        // What keeps a ring alive has no say in what its slots do: one size is enough for Miri.
        super::$behaviour::<$way<2>>();
        if !cfg!(miri) {
            super::$behaviour::<$way<1>>();
            super::$behaviour::<$way<4>>();
            super::$behaviour::<$way<8>>();
            super::$behaviour::<$way<LARGE>>();
        }
    };
}

/// Runs a behaviour over every ring, of every arity.
macro_rules! over_every_arity {
    ($($behaviour:ident $(($lasting:ident))?)*) => {
        mod over_every_arity {
            $(
                #[test]
                fn $behaviour() {
                    over_every_ring!(@one $behaviour);
                    over_every_arity!(@sides $behaviour Multi Single);
                    over_every_arity!(@sides $behaviour Single Multi);
                    over_every_arity!(@sides $behaviour Multi Multi);
                    over_every_arity!(@others $behaviour GatedQueue);
                    over_every_arity!(@others $behaviour OverwriteQueue);
                    over_every_arity!(@lanes $behaviour $($lasting)? Priority);
                    over_every_arity!(@lanes $behaviour $($lasting)? RoundRobin);
                    over_every_arity!(@lanes $behaviour $($lasting)? AdaptiveRoundRobin);
                }
            )*
        }
    };
    // Of lanes, what is left belongs to the producer that has left, and the next one has a lane of its own.
    (@lanes $behaviour:ident lasting $order:ident) => {};
    (@lanes $behaviour:ident $order:ident) => {{
        use crate::others::*;
        use annulet::ring::lanes::*;
        super::$behaviour::<Lane<2, $order>>();
        if !cfg!(miri) {
            super::$behaviour::<Lane<4, $order>>();
            super::$behaviour::<Lane<8, $order>>();
            super::$behaviour::<Lane<{ crate::rings::LARGE_MANY }, $order>>();
        }
    }};
    (@others $behaviour:ident $ring:ident) => {{
        use crate::others::*;
        super::$behaviour::<$ring<2>>();
        if !cfg!(miri) {
            super::$behaviour::<$ring<4>>();
            super::$behaviour::<$ring<8>>();
            super::$behaviour::<$ring<{ crate::rings::LARGE_MANY }>>();
        }
    }};
    (@sides $behaviour:ident $producers:ident $consumers:ident) => {{
        use crate::rings::*;
        use annulet::ring::*;
        super::$behaviour::<Split<2, $producers, $consumers>>();
        if !cfg!(miri) {
            super::$behaviour::<Split<1, $producers, $consumers>>();
            super::$behaviour::<Split<4, $producers, $consumers>>();
            super::$behaviour::<Split<8, $producers, $consumers>>();
            super::$behaviour::<Split<LARGE_MANY, $producers, $consumers>>();
            super::$behaviour::<TrySplit<4, $producers, $consumers>>();
            super::$behaviour::<Singles<8, $producers, $consumers>>();
            #[cfg(feature = "alloc")]
            super::$behaviour::<Kept<8, $producers, $consumers>>();
            #[cfg(feature = "alloc")]
            super::$behaviour::<Heaped<LARGE_MANY, $producers, $consumers>>();
        }
        #[cfg(feature = "alloc")]
        super::$behaviour::<Heaped<4, $producers, $consumers>>();
    }};
}
