//! Broadcasts and lanes as rings under test. Lanes with one producer are a ring.
//!
//! Broadcasts: with one reader that keeps up, a broadcast is a queue.
//!
//! A broadcast holds numbers. So the items themselves are put aside, and their numbers go through the ring. Gated, the
//! ring says by itself when it is full. Overwriting, it never is: there the producer counts what the reader has not
//! read, and publishes no more than fits; if the ring lost or doubled anything all the same, the numbers show it.

use std::collections::VecDeque;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use annulet::error::PushError;
use annulet::ring::broadcast::{Gated, GatedReader, Overwrite, Reader, Writer};
use annulet::ring::lanes::{LaneConsumer, LaneProducer, Order};
use annulet::{Broadcast, Lanes};

use crate::rings::{Put, RingUnderTest, Rx, Take, Tx};

/// Where the items are while their numbers are in the ring.
pub struct Aside<T> {
    items: Mutex<VecDeque<(u32, T)>>,
    /// Numbers published and not read.
    inside: AtomicUsize,
}

impl<T> Aside<T> {
    fn new() -> Self {
        Self { items: Mutex::default(), inside: AtomicUsize::new(0) }
    }

    fn put(&self, number: u32, item: T) {
        self.items.lock().unwrap_or_else(PoisonError::into_inner).push_back((number, item));
    }

    fn take(&self, number: u32) -> T {
        let mut items = self.items.lock().unwrap_or_else(PoisonError::into_inner);
        let at = items.iter().position(|(other, _)| *other == number);
        items.remove(at.expect("the number of an item that is in the ring")).unwrap().1
    }
}

/// A writer that answers as a ring does.
trait Publishes: Send {
    fn capacity(&self) -> usize;
    /// Publishes one number, if `inside` numbers that were not read leave room for it.
    fn publish(&mut self, number: u32, inside: usize) -> bool;
    /// Publishes as many as there is room for; how many.
    fn publish_slice(&mut self, numbers: &[u32], inside: usize) -> usize;
}

impl<const N: usize> Publishes for Writer<'_, u32, N, Gated<2>> {
    fn capacity(&self) -> usize {
        N
    }

    fn publish(&mut self, number: u32, _: usize) -> bool {
        match self.try_publish(number) {
            Ok(()) => true,
            Err(PushError::Full(back)) => {
                assert_eq!(back, number);
                false
            }
            Err(other) => panic!("{other}"),
        }
    }

    fn publish_slice(&mut self, numbers: &[u32], _: usize) -> usize {
        self.try_publish_slice(numbers)
    }
}

impl<const N: usize> Publishes for Writer<'_, u32, N, Overwrite> {
    fn capacity(&self) -> usize {
        N
    }

    fn publish(&mut self, number: u32, inside: usize) -> bool {
        let fits = inside < N;
        if fits {
            Writer::publish(self, number);
        }
        fits
    }

    fn publish_slice(&mut self, numbers: &[u32], inside: usize) -> usize {
        let count = numbers.len().min(N - inside);
        Writer::publish_slice(self, &numbers[..count]);
        count
    }
}

/// A reader that answers as a ring does.
trait Reads: Send {
    fn capacity(&self) -> usize;
    fn read(&mut self) -> Option<u32>;
    fn read_slice(&mut self, out: &mut [u32]) -> usize;
    fn skip(&mut self, count: usize) -> usize;
    fn behind(&self) -> usize;
}

impl<const N: usize> Reads for GatedReader<'_, u32, N, 2> {
    fn capacity(&self) -> usize {
        N
    }

    fn read(&mut self) -> Option<u32> {
        self.try_read().ok()
    }

    fn read_slice(&mut self, out: &mut [u32]) -> usize {
        self.try_read_slice(out)
    }

    fn skip(&mut self, count: usize) -> usize {
        GatedReader::skip(self, count)
    }

    fn behind(&self) -> usize {
        self.len()
    }
}

impl<const N: usize> Reads for Reader<'_, u32, N> {
    fn capacity(&self) -> usize {
        N
    }

    fn read(&mut self) -> Option<u32> {
        match self.try_read() {
            Ok(number) => Some(number),
            Err(annulet::ring::broadcast::ReadError::Empty) => None,
            Err(other) => panic!("{other} behind a writer that waits"),
        }
    }

    fn read_slice(&mut self, out: &mut [u32]) -> usize {
        match self.try_read_slice(out) {
            Ok(count) => count,
            Err(annulet::ring::broadcast::ReadError::Empty) => 0,
            Err(other) => panic!("{other} behind a writer that waits"),
        }
    }

    fn skip(&mut self, count: usize) -> usize {
        Reader::skip(self, count as u64) as usize
    }

    fn behind(&self) -> usize {
        self.len()
    }
}

/// The producing end.
pub struct Publisher<'r, T> {
    writer: &'r mut (dyn Publishes + 'r),
    aside: &'r Aside<T>,
    next: &'r mut u32,
}

impl<T> Publisher<'_, T> {
    fn inside(&self) -> usize {
        // Acquire: what the reader did before it counted its item out is done. One that was read may not be counted out
        // yet when the next one is counted in.
        self.aside.inside.load(Ordering::Acquire).min(self.writer.capacity())
    }

    /// Puts the items aside and publishes their numbers, together; all of them fit.
    fn publish_all(&mut self, items: Vec<T>) {
        let first = *self.next;
        let numbers: Vec<u32> = (0..items.len() as u32).map(|ahead| first.wrapping_add(ahead)).collect();
        *self.next = first.wrapping_add(items.len() as u32);
        for (number, item) in numbers.iter().zip(items) {
            self.aside.put(*number, item);
        }
        let inside = self.aside.inside.fetch_add(numbers.len(), Ordering::Relaxed);
        assert_eq!(self.writer.publish_slice(&numbers, inside), numbers.len(), "refused with room");
    }

    fn free(&self) -> usize {
        self.writer.capacity() - self.inside()
    }
}

impl<T> Tx<T> for Publisher<'_, T> {
    const FORMS: &'static [Put] = &[Put::One, Put::Iter];

    fn try_push(&mut self, item: T) -> Result<(), T> {
        let number = *self.next;
        self.aside.put(number, item);
        // Counted in first: the reader may be faster.
        let inside = self.aside.inside.fetch_add(1, Ordering::AcqRel);
        if self.writer.publish(number, inside) {
            *self.next = number.wrapping_add(1);
            return Ok(());
        }
        self.aside.inside.fetch_sub(1, Ordering::Relaxed);
        Err(self.aside.take(number))
    }

    fn put(&mut self, form: Put, wanted: usize, items: &mut dyn Iterator<Item = T>) -> usize {
        let count = wanted.min(self.free());
        match form {
            Put::Iter => {
                let items = items.take(count).collect();
                self.publish_all(items);
            }
            _ => {
                for _ in 0..count {
                    assert!(self.try_push(items.next().unwrap()).is_ok(), "refused with room");
                }
            }
        }
        count
    }

    fn push_slice(&mut self, items: &[T]) -> usize
    where
        T: Copy,
    {
        let count = items.len().min(self.free());
        self.publish_all(items[..count].to_vec());
        count
    }

    fn says(&self) -> (usize, usize, bool, bool) {
        let inside = self.inside();
        (inside, self.writer.capacity(), inside == 0, inside == self.writer.capacity())
    }
}

/// The consuming end.
pub struct Follower<'r, T> {
    reader: &'r mut (dyn Reads + 'r),
    aside: &'r Aside<T>,
}

impl<T> Follower<'_, T> {
    fn out(&self, number: u32) -> T {
        let item = self.aside.take(number);
        // Release: the reader is done with the slot.
        self.aside.inside.fetch_sub(1, Ordering::Release);
        item
    }
}

impl<T> Rx<T> for Follower<'_, T> {
    const FORMS: &'static [Take] = &[Take::One, Take::Drain];

    fn try_pop(&mut self) -> Option<T> {
        let number = self.reader.read()?;
        Some(self.out(number))
    }

    fn take(&mut self, form: Take, wanted: usize, see: &mut dyn FnMut(&T)) -> usize {
        if form == Take::One {
            return (0..wanted).map_while(|_| self.try_pop()).map(|item| see(&item)).count();
        }
        let mut numbers = vec![0; wanted.min(self.reader.capacity())];
        let count = self.reader.read_slice(&mut numbers);
        numbers[..count].iter().map(|number| self.out(*number)).for_each(|item| see(&item));
        assert_eq!(self.reader.skip(0), 0);
        count
    }

    fn pop_slice(&mut self, out: &mut [T]) -> usize
    where
        T: Copy,
    {
        let mut numbers = vec![0; out.len()];
        let count = self.reader.read_slice(&mut numbers);
        for (slot, number) in out.iter_mut().zip(&numbers[..count]) {
            *slot = self.out(*number);
        }
        count
    }

    fn peek(&mut self) -> Option<Option<&T>> {
        None
    }

    fn look(&mut self, _: &mut dyn FnMut(&T)) -> bool {
        false
    }

    fn says(&self) -> (usize, usize, bool, bool) {
        let behind = self.reader.behind();
        (behind, self.reader.capacity(), behind == 0, behind == self.reader.capacity())
    }
}

/// A broadcast that waits for its reader.
pub struct GatedQueue<const N: usize>;
/// One that does not, and a producer that does.
pub struct OverwriteQueue<const N: usize>;

impl<const N: usize> RingUnderTest for GatedQueue<N> {
    const N: usize = N;
    type Tx<'r, T: 'static> = Publisher<'r, T>;
    type Rx<'r, T: 'static> = Follower<'r, T>;

    fn name() -> String {
        "a gated broadcast".into()
    }

    fn rounds<T: 'static>(
        origin: usize,
        rounds: usize,
        mut game: impl for<'r> FnMut(usize, Self::Tx<'r, T>, Self::Rx<'r, T>),
    ) {
        let ring = Broadcast::<u32, N, Gated<2>>::starting_at(origin);
        let (aside, mut next) = (Aside::new(), u32::MAX - 2);
        let (mut writer, mut reader) = (ring.try_writer().unwrap(), ring.join_at_oldest().unwrap());
        for round in 0..rounds {
            let tx = Publisher { writer: &mut writer, aside: &aside, next: &mut next };
            game(round, tx, Follower { reader: &mut reader, aside: &aside });
        }
    }
}

impl<const N: usize> RingUnderTest for OverwriteQueue<N> {
    const N: usize = N;
    type Tx<'r, T: 'static> = Publisher<'r, T>;
    type Rx<'r, T: 'static> = Follower<'r, T>;

    fn name() -> String {
        "an overwriting broadcast".into()
    }

    fn rounds<T: 'static>(
        origin: usize,
        rounds: usize,
        mut game: impl for<'r> FnMut(usize, Self::Tx<'r, T>, Self::Rx<'r, T>),
    ) {
        let ring = Broadcast::<u32, N, Overwrite>::starting_at(origin);
        let (aside, mut next) = (Aside::new(), 0);
        let mut reader = ring.reader_at_oldest();
        for round in 0..rounds {
            let mut writer = ring.try_writer().unwrap();
            let tx = Publisher { writer: &mut writer, aside: &aside, next: &mut next };
            game(round, tx, Follower { reader: &mut reader, aside: &aside });
        }
    }
}

/// Lanes with one producer, read as one.
pub struct Lane<const N: usize, O>(PhantomData<O>);

impl<T, const N: usize, O: Order> Rx<T> for LaneConsumer<'_, T, N, 2, O> {
    const FORMS: &'static [Take] = &[Take::One, Take::Drain, Take::Consume];

    fn try_pop(&mut self) -> Option<T> {
        LaneConsumer::try_pop(self).ok()
    }

    fn take(&mut self, form: Take, wanted: usize, see: &mut dyn FnMut(&T)) -> usize {
        match form {
            Take::One => (0..wanted).map_while(|_| Rx::try_pop(self)).map(|item| see(&item)).count(),
            Take::Drain => self.drain(wanted, |_, item| see(&item)),
            _ => self.consume(wanted, |_, item| see(item)),
        }
    }

    fn pop_slice(&mut self, out: &mut [T]) -> usize
    where
        T: Copy,
    {
        LaneConsumer::pop_slice(self, out)
    }

    fn peek(&mut self) -> Option<Option<&T>> {
        None
    }

    fn look(&mut self, _: &mut dyn FnMut(&T)) -> bool {
        false
    }

    fn says(&self) -> (usize, usize, bool, bool) {
        let len = self.lanes().total_len();
        (len, N, self.lanes().is_empty(), len == N)
    }
}

impl<const N: usize, O: Order + Default + 'static> RingUnderTest for Lane<N, O> {
    const N: usize = N;
    type Tx<'r, T: 'static> = LaneProducer<'r, T>;
    type Rx<'r, T: 'static> = LaneConsumer<'r, T, N, 2, O>;

    fn name() -> String {
        format!("a lane, read {}", std::any::type_name::<O>())
    }

    fn rounds<T: 'static>(
        origin: usize,
        rounds: usize,
        mut game: impl for<'r> FnMut(usize, Self::Tx<'r, T>, Self::Rx<'r, T>),
    ) {
        assert_eq!(rounds, 1, "the next producer would have another lane while this one holds items");
        let lanes = Lanes::<T, N, 2>::starting_at(origin);
        // The second one, so that there is one to go past.
        let other = lanes.register().unwrap();
        let tx = lanes.register().unwrap();
        game(0, tx, lanes.try_consumer(O::default()).unwrap());
        drop(other);
    }
}
