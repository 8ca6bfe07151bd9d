//! The numbers of a table's slots, which no other table's slots have.

use crate::sync::{Ordering, StaticU32};

/// Bits of the number that a holder gives a table; they stand above those of the slot.
const SLOT_BITS: u32 = 15;
/// The most slots of a table: what a number that its holder gave leaves room for.
pub(crate) const MOST_SLOTS: usize = 1 << SLOT_BITS;
/// Set in the numbers of tables whose holders numbered them. Those that are counted lie below it.
const GIVEN: u32 = 1 << 31;

/// The first number that no table has taken. Zero is none: a table whose memory is zero has taken none yet.
static NEXT_SLOT: StaticU32 = StaticU32::new(1);

/// The numbers of a table's slots: so many in a row, from a first one. No slot of another table has one of them, so a
/// handle that says the number says the table, too.
///
/// ```text
///   counted   0 │ 1, 2, 3, ... one table after another                 31 bits
///   given     1 │ the number that its holder gave (16 bits) │ slot     15 bits
/// ```
///
/// A table takes its numbers when it gives out its first handle, since all-zero memory is a table, too. They are never
/// taken again.
#[derive(Debug)]
#[repr(transparent)]
pub(crate) struct SlotNumbers(StaticU32);

impl SlotNumbers {
    /// Those of a table that will be counted.
    pub(crate) const fn counted() -> Self {
        Self(StaticU32::new(0))
    }

    /// Those of a table that its holder has given this number.
    pub(crate) const fn given(number: u16) -> Self {
        Self(StaticU32::new(GIVEN | (number as u32) << SLOT_BITS))
    }

    /// The slot of a table of so many that `number` names: `None` if it is not one of this table's.
    ///
    /// Relaxed: it is stored once. A party that was handed a handle without an edge may still see none, and is told that
    /// the table has no such slot.
    #[inline]
    pub(crate) fn index_of(&self, number: u32, slots: usize) -> Option<usize> {
        let first = self.0.load(Ordering::Relaxed);
        let index = number.checked_sub(first)? as usize;
        (first != 0 && index < slots).then_some(index)
    }

    /// The first number of a table of so many slots, which takes them if it has none yet. `None` if not as many are left.
    ///
    /// Called by one party at a time: the one that changes the table.
    pub(crate) fn first(&self, slots: usize) -> Option<u32> {
        self.first_from(slots, &NEXT_SLOT)
    }

    fn first_from(&self, slots: usize, next: &StaticU32) -> Option<u32> {
        // Relaxed: the last one to store it was the caller, or handed over to the caller.
        let first = self.0.load(Ordering::Relaxed);
        if first != 0 {
            return Some(first);
        }
        let count = u32::try_from(slots).ok()?;
        let fits = |before: u32| count <= GIVEN.saturating_sub(before);
        // Relaxed, here and below: a number hands nothing over; that no two get the same one is the word's own order.
        let before = next.load(Ordering::Relaxed);
        // Looked at before it is counted, so that the count does not come round: beyond its end it goes by no more than
        // what parties take that look at the same moment.
        if !fits(before) {
            return None;
        }
        #[cfg(compare_and_swap)]
        let before = next.fetch_add(count, Ordering::Relaxed);
        #[cfg(not(compare_and_swap))]
        next.store(before + count, Ordering::Relaxed);
        if !fits(before) {
            return None;
        }
        self.0.store(before, Ordering::Relaxed);
        Some(before)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::{GIVEN, MOST_SLOTS, SlotNumbers, StaticU32};

    /// Tables one after another, of several sizes, down to the last number there is.
    #[test]
    fn c07_no_number_is_a_slot_of_two_tables() {
        let next = StaticU32::new(GIVEN - 100);
        let tables: Vec<_> = (0..7).map(|_| SlotNumbers::counted()).collect();
        let sizes = [3, 1, 60, 0, 20, 17, 9];
        let firsts: Vec<_> =
            tables.iter().zip(sizes).map(|(table, slots)| table.first_from(slots, &next)).collect();
        let at = |offset: u32| Some(GIVEN - 100 + offset);
        // The sixth does not fit; the one after it, which is smaller, takes what is left.
        assert_eq!(firsts, [at(0), at(3), at(4), at(64), at(64), None, at(84)]);
        assert_eq!(SlotNumbers::counted().first_from(8, &next), None);
        assert_eq!(SlotNumbers::counted().first_from(7, &next), at(93), "the last ones");
        assert_eq!(SlotNumbers::counted().first_from(1, &next), None);
        // What has numbers keeps them.
        for ((table, slots), first) in
            tables.iter().zip(sizes).zip(&firsts).filter(|(_, first)| first.is_some())
        {
            assert_eq!(table.first_from(slots, &next), *first);
        }
        let given = [0, 1, 2, u16::MAX].map(SlotNumbers::given);
        let all = tables.iter().zip(sizes).chain(given.iter().map(|table| (table, MOST_SLOTS)));
        let all: Vec<_> = all.collect();
        for number in (GIVEN - 120..GIVEN + 20)
            .chain((0..3).flat_map(|table: u32| {
                let end = GIVEN | (table + 1) << 15;
                end - 2..end + 2
            }))
            .chain([0, 1, u32::MAX])
        {
            let found = all.iter().filter(|(table, slots)| table.index_of(number, *slots).is_some()).count();
            let taken = (GIVEN - 100..GIVEN - 7).contains(&number);
            let is_given = (GIVEN..GIVEN + 3 * (1 << 15)).contains(&number) || number == u32::MAX;
            assert_eq!(found, usize::from(taken || is_given), "{number:#x}");
        }
        assert_eq!(given[3].index_of(u32::MAX, MOST_SLOTS), Some(MOST_SLOTS - 1));
        assert_eq!(tables[2].index_of(GIVEN - 96 + 59, 60), Some(59));
        assert_eq!(tables[2].index_of(GIVEN - 96 + 60, 60), None);
    }

    /// Two that take the last numbers at once, when there are enough for either and not for both.
    #[test]
    fn c07_the_last_numbers_are_taken_once() {
        let rounds = if cfg!(miri) { 20 } else { 2000 };
        let start = std::sync::Barrier::new(2);
        let nexts: Vec<_> = (0..rounds).map(|_| StaticU32::new(GIVEN - 100)).collect();
        let take = || {
            let each = nexts.iter().map(|next| {
                start.wait();
                usize::from(SlotNumbers::counted().first_from(60, next).is_some())
            });
            each.collect::<Vec<_>>()
        };
        let [one, other] = std::thread::scope(|scope| {
            [scope.spawn(take), scope.spawn(take)].map(|thread| thread.join().unwrap())
        });
        assert!(one.iter().zip(&other).all(|(one, other)| one + other == 1));
    }

    /// The count of all tables is one: those that take numbers at once take different ones.
    #[test]
    fn c07_tables_that_begin_at_once_have_different_numbers() {
        let each = if cfg!(miri) { 20 } else { 2000 };
        let take = || (0..each).map(|_| SlotNumbers::counted().first(3).unwrap()).collect::<Vec<_>>();
        let mut all: Vec<u32> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..3).map(|_| scope.spawn(take)).collect();
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        });
        all.sort_unstable();
        assert!(all.windows(2).all(|pair| pair[1] - pair[0] >= 3));
        assert!(all[0] > 0);
    }
}
