//! Words whose accesses are counted.

use core::cell::Cell;

use super::{ReadWords, WriteWords};

/// Passes every access on to `W`, and counts it: how many shared accesses an operation costs.
///
/// # Examples
///
/// ```
/// use annulet::link::{Link, Window};
/// use annulet::words::Counting;
///
/// let (a, b) = (Window::<u32, 4>::new(), Window::<u32, 4>::new());
/// let peer = Counting::new(&b);
/// let mut link = Link::<u32, 4, _, _>::new(&a, &peer);
/// let _ = link.try_recv();
/// assert_eq!(peer.loads(), 1); // an empty link costs one shared load
/// ```
#[derive(Debug)]
pub struct Counting<W> {
    words: W,
    loads: Cell<u64>,
    stores: Cell<u64>,
}

impl<W> Counting<W> {
    /// Counts the accesses to `words`, from 0.
    pub const fn new(words: W) -> Self {
        Self { words, loads: Cell::new(0), stores: Cell::new(0) }
    }

    /// Returns the number of loads so far.
    pub fn loads(&self) -> u64 {
        self.loads.get()
    }

    /// Returns the number of stores so far.
    pub fn stores(&self) -> u64 {
        self.stores.get()
    }

    /// Starts again from 0.
    pub fn reset(&self) {
        self.loads.set(0);
        self.stores.set(0);
    }
}

fn bump(counter: &Cell<u64>) {
    counter.set(counter.get().saturating_add(1));
}

impl<W: ReadWords> ReadWords for Counting<W> {
    fn read(&self, at: usize) -> u32 {
        bump(&self.loads);
        self.words.read(at)
    }
    fn observe(&self, at: usize) -> u32 {
        bump(&self.loads);
        self.words.observe(at)
    }
}

impl<W: WriteWords> WriteWords for Counting<W> {
    fn write(&self, at: usize, value: u32) {
        bump(&self.stores);
        self.words.write(at, value);
    }
    fn publish(&self, at: usize, value: u32) {
        bump(&self.stores);
        self.words.publish(at, value);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::Counting;
    use crate::words::{Adversary, ReadWords, WordAccess, WriteWords};

    /// What an operation costs is told right, and nothing of it is lost on the way.
    #[test]
    fn k01_every_access_is_counted_and_passed_on() {
        let adversary = Adversary::<8>::new(&[7, 9]);
        let words = Counting::new(&adversary);
        words.write(3, 100);
        assert_eq!((words.read(5), words.observe(6)), (7, 9));
        words.publish(4, 101);
        words.write(3, 102);
        let log = [
            WordAccess::Store { at: 3, value: 100 },
            WordAccess::Load { at: 5, value: 7 },
            WordAccess::Load { at: 6, value: 9 },
            WordAccess::Store { at: 4, value: 101 },
            WordAccess::Store { at: 3, value: 102 },
        ];
        assert!(adversary.log().eq(log), "{:?}", adversary.log().collect::<Vec<_>>());
        assert_eq!((words.loads(), words.stores()), (2, 3));
        words.reset();
        assert_eq!((words.loads(), words.stores()), (0, 0));
    }
}
