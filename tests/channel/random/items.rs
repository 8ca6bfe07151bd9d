//! What becomes of the items of a random program.

use std::thread;

use super::stage::{Desk, Party, ends, fault, stage, tell};

/// What has become of an item.
#[derive(Clone, Copy, Default)]
pub struct Fate {
    pub by: u32,
    pub sent: bool,
    pub received: bool,
    pub dropped: bool,
}

/// What is sent: told from all others, and made by one sender after the other.
pub trait Good: Sized {
    /// Each is received once, or dropped; if not, each receiver gets each.
    const ONCE: bool;
    fn make(by: &Desk) -> Self;
    fn number(&self) -> u32;
}

/// Those that are copied count as dropped from the beginning.
fn number_of_one_more<T: Good>(by: &Desk) -> u32 {
    stage(|stage| {
        let mut fates = stage.fates.borrow_mut();
        fates.push(Fate { by: by.name, dropped: !T::ONCE, ..Fate::default() });
        u32::try_from(fates.len() - 1).unwrap()
    })
}

/// An item that is moved from hand to hand.
#[derive(Debug)]
pub struct Item(u32);

impl Good for Item {
    const ONCE: bool = true;
    fn make(by: &Desk) -> Self {
        Self(number_of_one_more::<Self>(by))
    }
    fn number(&self) -> u32 {
        self.0
    }
}

impl Drop for Item {
    fn drop(&mut self) {
        let (fate, may) = stage(|stage| {
            let fate = &mut stage.fates.borrow_mut()[self.0 as usize];
            (std::mem::replace(fate, Fate { dropped: true, ..*fate }), stage.drops.get() > 0)
        });
        tell(|| format!("{} is dropped", self.0));
        let abandoned = || scene_is_owned() && ends(Party::Receiver) == 0;
        if fate.dropped {
            fault(format!("item {} is dropped twice", self.0));
        } else if fate.sent && !fate.received && !may && !thread::panicking() && !abandoned() {
            fault(format!("item {} was sent, and is dropped", self.0));
        }
    }
}

fn scene_is_owned() -> bool {
    stage(|stage| stage.scene.borrow().as_ref().is_none_or(|scene| scene.is_owned()))
}

/// A word that each receiver copies.
impl Good for u64 {
    const ONCE: bool = false;
    fn make(by: &Desk) -> Self {
        number_of_one_more::<Self>(by).into()
    }
    fn number(&self) -> u32 {
        u32::try_from(*self).unwrap()
    }
}

/// It was sent, says whoever sent it.
pub fn sent(number: u32) {
    stage(|stage| stage.fates.borrow_mut()[number as usize].sent = true);
}

/// In `f`, items are dropped that were sent, as it says.
pub fn dropping<R>(f: impl FnOnce() -> R) -> R {
    struct Over;
    impl Drop for Over {
        fn drop(&mut self) {
            stage(|stage| stage.drops.set(stage.drops.get() - 1));
        }
    }
    stage(|stage| stage.drops.set(stage.drops.get() + 1));
    let _over = Over;
    f()
}

/// From now on, also after this.
pub fn dropping_for_good() {
    stage(|stage| stage.drops.set(stage.drops.get() + 1));
}

/// How many items are somewhere, and not with whoever sends them.
pub fn queued() -> usize {
    stage(|stage| {
        let there = stage.fates.borrow().iter().filter(|fate| !fate.dropped).count();
        let held: usize = stage.actors.borrow().iter().map(|actor| actor.desk.held.get()).sum();
        there.saturating_sub(held)
    })
}

/// Numbers that were sent between two that one receiver got, and that it did not get.
pub fn missed(got: &[u32]) -> Option<u32> {
    let (first, last) = (*got.first()?, *got.last()?);
    stage(|stage| {
        let fates = stage.fates.borrow();
        (first..last).find(|number| fates[*number as usize].sent && got.binary_search(number).is_err())
    })
}
