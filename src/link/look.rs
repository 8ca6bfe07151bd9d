//! The looks at the peer's two positions. Each loads one word once, and uses only what `index_word::check` returns.

use super::window::{HEAD, TAIL};
use super::{Entry, Fault, Link, LinkError, LinkState, index_word};
use crate::words::{ReadWords, WriteWords};

impl<E: Entry, const N: usize, M: WriteWords, F: ReadWords> Link<E, N, M, F> {
    /// Looks at the peer's head once. After `Ok` there is room.
    #[cold]
    #[inline(never)]
    pub(super) fn look_for_room(&mut self) -> Result<(), LinkError> {
        match self.state {
            LinkState::Poisoned => return Err(LinkError::Poisoned),
            LinkState::Closed => return Err(LinkError::Closed),
            LinkState::Open if self.no_takers => return Err(LinkError::Closed),
            LinkState::Open => {}
        }
        // It can have taken at most what I have sent, and never gives any back.
        let most = index_word::since(self.sent, self.taken);
        let word = self.theirs.observe(HEAD);
        let seen =
            self.poison_on_corrupt(index_word::check(word, self.epoch, self.taken, most, Fault::Head))?;
        self.taken = self.taken.wrapping_add(seen.ahead) & index_word::MAX_POSITION;
        if seen.closed {
            self.no_takers = true;
            self.limit = self.sent;
            return Err(LinkError::Closed);
        }
        self.limit = self.taken.wrapping_add(Self::CAPACITY) & index_word::MAX_POSITION;
        if self.sent == self.limit { Err(LinkError::Full) } else { Ok(()) }
    }

    /// Returns how many entries are known to have arrived, and are not received.
    #[inline(always)]
    pub(super) fn known_entries(&self) -> usize {
        index_word::since(self.tail, self.head) as usize
    }

    /// Looks at the peer's tail once. After `Ok` there is an entry. Entries that were known stay, unless the peer lied.
    #[cold]
    #[inline(never)]
    pub(super) fn look_for_entries(&mut self) -> Result<(), LinkError> {
        match self.state {
            LinkState::Poisoned => return Err(LinkError::Poisoned),
            LinkState::Open | LinkState::Closed if self.no_more => return Err(LinkError::Closed),
            LinkState::Open | LinkState::Closed => {}
        }
        let word = self.theirs.observe(TAIL);
        // It can have sent at most what there are slots for, and never takes any back.
        let most = Self::CAPACITY - index_word::since(self.tail, self.head);
        let seen =
            self.poison_on_corrupt(index_word::check(word, self.epoch, self.tail, most, Fault::Tail))?;
        self.tail = self.tail.wrapping_add(seen.ahead) & index_word::MAX_POSITION;
        // Latched: whatever the flag says later, this tail is final.
        self.no_more = seen.closed;
        match (self.head == self.tail, seen.closed || self.state == LinkState::Closed) {
            (true, true) => Err(LinkError::Closed),
            (true, false) => Err(LinkError::Empty),
            (false, _) => Ok(()),
        }
    }

    /// Poisons the link if the peer was caught lying. Returns what was checked.
    fn poison_on_corrupt(
        &mut self,
        checked: Result<index_word::Checked, LinkError>,
    ) -> Result<index_word::Checked, LinkError> {
        if let Err(LinkError::Corrupt(_)) = checked {
            self.poison();
        }
        checked
    }

    pub(super) fn poison(&mut self) {
        self.state = LinkState::Poisoned;
        // Both fast paths end in the slow one, which knows the state.
        self.limit = self.sent;
        self.tail = self.head;
    }
}
