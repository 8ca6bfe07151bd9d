//! Items that count their drops, and blow up when told to.
//!
//! The ledger is one per thread, so that an item is only a number: one that is leaked on purpose leaks no memory,
//! and Miri's leak check stays on for everything else.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use crate::rings::RingUnderTest;

#[derive(Default)]
struct State {
    /// How often each item was dropped.
    drops: Vec<u32>,
    /// The item whose drop panics.
    bomb: Option<u32>,
}

thread_local! {
    static STATE: RefCell<State> = RefCell::default();
}

/// An item that counts its drops.
#[derive(Debug, PartialEq, Eq)]
pub struct Counted(pub u32);

impl Drop for Counted {
    fn drop(&mut self) {
        // Borrowed no longer than for this, because a panic must find the ledger free.
        let goes_off = STATE.with_borrow_mut(|state| {
            let count = state.drops.get_mut(self.0 as usize).expect("nobody made this item");
            *count += 1;
            assert_eq!(*count, 1, "item {} dropped twice", self.0);
            state.bomb.take_if(|bomb| *bomb == self.0).is_some()
        });
        if goes_off {
            boom();
        }
    }
}

/// A zero-sized item that counts its drops.
pub struct CountedUnit(());

impl Drop for CountedUnit {
    fn drop(&mut self) {
        STATE.with_borrow_mut(|state| state.drops[0] += 1);
    }
}

/// The items of one test on this thread.
pub struct Ledger(());

impl Ledger {
    /// A fresh one, forgetting whatever came before on this thread.
    pub fn new() -> Self {
        STATE.with_borrow_mut(|state| *state = State::default());
        Self(())
    }

    /// The next item; they are numbered from 0.
    pub fn item(&self) -> Counted {
        STATE.with_borrow_mut(|state| {
            state.drops.push(0);
            Counted(state.drops.len() as u32 - 1)
        })
    }

    /// Zero-sized items. Don't mix them with others.
    pub fn unit(&self) -> CountedUnit {
        STATE.with_borrow_mut(|state| state.drops.resize(1, 0));
        CountedUnit(())
    }

    /// Items without end.
    pub fn items(&self) -> impl Iterator<Item = Counted> {
        std::iter::repeat_with(|| self.item())
    }

    /// The drop of item `number` panics, once.
    pub fn arm(&self, number: usize) {
        STATE.with_borrow_mut(|state| state.bomb = Some(number as u32));
    }

    /// Items made.
    pub fn made(&self) -> usize {
        STATE.with_borrow(|state| state.drops.len())
    }

    /// Drops so far.
    pub fn dropped(&self) -> usize {
        STATE.with_borrow(|state| state.drops.iter().sum::<u32>() as usize)
    }

    /// True while `item` has not been dropped, as far as its ledger knows.
    pub fn is_alive(&self, item: &Counted) -> bool {
        STATE.with_borrow(|state| state.drops[item.0 as usize] == 0)
    }

    /// Items made and not dropped.
    pub fn alive(&self) -> Vec<u32> {
        STATE.with_borrow(|state| {
            (0..).zip(&state.drops).filter(|(_, drops)| **drops == 0).map(|(number, _)| number).collect()
        })
    }

    /// Every item made was dropped; that none was dropped twice is checked as it happens.
    pub fn assert_all_dropped(&self) {
        assert_eq!(self.alive(), [], "leaked");
    }
}

/// Plays over a ring that starts at `origin`, with items of a ledger of its own: each of them is dropped once, if only with the
/// ring.
pub fn all_dropped<W: RingUnderTest>(
    origin: usize,
    game: impl for<'r> FnOnce(&Ledger, W::Tx<'r, Counted>, W::Rx<'r, Counted>),
) {
    let ledger = Ledger::new();
    W::play::<Counted, _>(origin, |tx, rx| game(&ledger, tx, rx));
    ledger.assert_all_dropped();
}

/// What our own panics carry.
pub struct Boom;

/// Panics without the hook, so that an expected panic prints nothing.
pub fn boom() -> ! {
    resume_unwind(Box::new(Boom))
}

/// Runs `f`, in which [`boom`] is expected or not; `None` if it happened. Other panics go on.
pub fn defuse<R>(f: impl FnOnce() -> R) -> Option<R> {
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(result) => Some(result),
        Err(payload) if payload.is::<Boom>() => None,
        Err(payload) => resume_unwind(payload),
    }
}
