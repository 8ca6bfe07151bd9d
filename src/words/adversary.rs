//! A value of the test's choice behind every single load.

use core::cell::Cell;

use super::{ReadWords, WriteWords};

/// One access that an [`Adversary`] has recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WordAccess {
    /// A load of word `at`, and the script's answer.
    Load {
        /// The word.
        at: usize,
        /// What the adversary had there.
        value: u32,
    },
    /// A store to word `at`.
    Store {
        /// The word.
        at: usize,
        /// What was stored.
        value: u32,
    },
}

/// Words that answer every load from a script, whatever was stored, and that record every access.
///
/// A peer that writes at full speed between any two loads can at most choose each value that is loaded. So code that is right
/// for every script is right against every peer. An operation makes few loads, so a test can try all scripts of boundary
/// values.
///
/// Loads beyond the script return 0, and count as [`overrun`](Self::overrun). The log holds the last `LOG` accesses of the
/// operation begun with [`begin`](Self::begin).
///
/// # Examples
///
/// ```
/// use annulet::link::{Fault, Link, LinkError, Window};
/// use annulet::words::Adversary;
///
/// let mine = Window::<u32, 4>::new();
/// let liar = Adversary::<8>::new(&[5]); // a tail beyond what four slots can hold
/// let mut link = Link::<u32, 4, _, _>::new(&mine, &liar);
/// assert_eq!(link.try_recv(), Err(LinkError::Corrupt(Fault::Tail)));
/// assert_eq!(link.try_recv(), Err(LinkError::Poisoned));
/// assert_eq!(liar.loads(), 1);
/// ```
#[derive(Debug)]
pub struct Adversary<'s, const LOG: usize = 64> {
    script: &'s [u32],
    next: Cell<usize>,
    log: [Cell<Option<WordAccess>>; LOG],
    loads: Cell<usize>,
    stores: Cell<usize>,
}

impl<'s, const LOG: usize> Adversary<'s, LOG> {
    /// Makes words that answer loads with the values of `script`, one after the other.
    pub const fn new(script: &'s [u32]) -> Self {
        Self {
            script,
            next: Cell::new(0),
            log: [const { Cell::new(None) }; LOG],
            loads: Cell::new(0),
            stores: Cell::new(0),
        }
    }

    /// Begins an operation: clears the log and the counts. The script goes on.
    pub fn begin(&self) {
        self.log.iter().for_each(|entry| entry.set(None));
        self.loads.set(0);
        self.stores.set(0);
    }

    /// Returns the number of loads of this operation.
    pub fn loads(&self) -> usize {
        self.loads.get()
    }

    /// Returns the number of stores of this operation.
    pub fn stores(&self) -> usize {
        self.stores.get()
    }

    /// Returns the accesses of this operation in order, at most the last `LOG`.
    pub fn log(&self) -> impl Iterator<Item = WordAccess> + '_ {
        let count = self.loads.get().saturating_add(self.stores.get());
        let from = count.saturating_sub(LOG);
        (from..count).filter_map(|i| self.log.get(i.checked_rem(LOG)?)?.get())
    }

    /// Returns a word that this operation has loaded more than once, if there is one.
    pub fn double_fetch(&self) -> Option<usize> {
        let loaded = |access| match access {
            WordAccess::Load { at, .. } => Some(at),
            WordAccess::Store { .. } => None,
        };
        let twice = |at: &usize| self.log().filter_map(loaded).filter(|other| other == at).count() > 1;
        self.log().filter_map(loaded).find(twice)
    }

    /// Returns the number of loads beyond the end of the script, since the adversary was made.
    pub fn overrun(&self) -> usize {
        self.next.get().saturating_sub(self.script.len())
    }

    fn record(&self, access: WordAccess) {
        let count = self.loads.get().saturating_add(self.stores.get());
        if let Some(entry) = count.checked_rem(LOG).and_then(|i| self.log.get(i)) {
            entry.set(Some(access));
        }
    }

    fn answer(&self, at: usize) -> u32 {
        let next = self.next.get();
        self.next.set(next.saturating_add(1));
        let value = self.script.get(next).copied().unwrap_or(0);
        self.record(WordAccess::Load { at, value });
        self.loads.set(self.loads.get().saturating_add(1));
        value
    }
}

impl<const LOG: usize> ReadWords for Adversary<'_, LOG> {
    fn read(&self, at: usize) -> u32 {
        self.answer(at)
    }
    fn observe(&self, at: usize) -> u32 {
        self.answer(at)
    }
}

impl<const LOG: usize> WriteWords for Adversary<'_, LOG> {
    fn write(&self, at: usize, value: u32) {
        self.record(WordAccess::Store { at, value });
        self.stores.set(self.stores.get().saturating_add(1));
    }
    fn publish(&self, at: usize, value: u32) {
        self.write(at, value);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::{Adversary, WordAccess};
    use crate::words::{ReadWords, WriteWords};

    /// The base of A, B and C: loads are answered from the script whatever was stored, and everything is logged.
    #[test]
    fn k01_every_load_is_scripted_and_every_access_recorded() {
        let adversary = Adversary::<4>::new(&[7, 9]);
        adversary.write(3, 100);
        assert_eq!(adversary.observe(3), 7);
        assert_eq!(adversary.read(5), 9);
        assert_eq!(adversary.read(6), 0, "beyond the script");
        let log: Vec<_> = adversary.log().collect();
        assert_eq!(log[0], WordAccess::Store { at: 3, value: 100 });
        assert_eq!(log[1], WordAccess::Load { at: 3, value: 7 });
        assert_eq!((adversary.loads(), adversary.stores(), adversary.overrun()), (3, 1, 1));
        assert_eq!(adversary.double_fetch(), None);
        adversary.begin();
        assert_eq!(adversary.log().count(), 0);
    }

    /// The detector of double fetches has teeth.
    #[test]
    fn k02_a_second_load_of_a_word_is_seen() {
        let adversary = Adversary::<4>::new(&[1, 2, 3]);
        adversary.read(8);
        adversary.read(9);
        assert_eq!(adversary.double_fetch(), None);
        adversary.observe(8);
        assert_eq!(adversary.double_fetch(), Some(8));
        adversary.begin();
        adversary.read(8);
        assert_eq!(adversary.double_fetch(), None, "one load an operation is what is allowed");
    }
}
