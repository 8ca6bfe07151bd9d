//! The looks at a peer's two positions: each loads one word once, and believes what `mark::check` lets through.

use super::window::{HEAD, TAIL};
use super::{Entry, Fault, Link, LinkError, State, mark};
use crate::words::{ReadWords, WriteWords};

impl<E: Entry, const N: usize, M: WriteWords, F: ReadWords> Link<E, N, M, F> {
    /// Looks at the peer's head, once. On `Ok` there is room.
    #[cold]
    #[inline(never)]
    pub(super) fn look_for_room(&mut self) -> Result<(), LinkError> {
        match self.state {
            State::Poisoned => return Err(LinkError::Poisoned),
            State::Closed => return Err(LinkError::Closed),
            State::Open if self.no_takers => return Err(LinkError::Closed),
            State::Open => {}
        }
        // It can have taken what I have sent, no more, and never gives any back.
        let most = mark::since(self.sent, self.taken);
        let word = self.theirs.observe(HEAD);
        let seen = self.judge(mark::check(word, self.epoch, self.taken, most, Fault::Head))?;
        self.taken = self.taken.wrapping_add(seen.ahead) & mark::MAX_POSITION;
        if seen.closed {
            self.no_takers = true;
            self.limit = self.sent;
            return Err(LinkError::Closed);
        }
        self.limit = self.taken.wrapping_add(Self::CAPACITY) & mark::MAX_POSITION;
        if self.sent == self.limit { Err(LinkError::Full) } else { Ok(()) }
    }

    /// Entries that have arrived for sure, and are not received.
    #[inline(always)]
    pub(super) fn known_entries(&self) -> usize {
        mark::since(self.tail, self.head) as usize
    }

    /// Looks at the peer's tail, once. On `Ok` there is an entry. What was known to be there stays, but for a lie.
    #[cold]
    #[inline(never)]
    pub(super) fn look_for_entries(&mut self) -> Result<(), LinkError> {
        match self.state {
            State::Poisoned => return Err(LinkError::Poisoned),
            State::Open | State::Closed if self.no_more => return Err(LinkError::Closed),
            State::Open | State::Closed => {}
        }
        let word = self.theirs.observe(TAIL);
        // It can have sent what there are slots for, and never takes any back.
        let most = Self::CAPACITY - mark::since(self.tail, self.head);
        let seen = self.judge(mark::check(word, self.epoch, self.tail, most, Fault::Tail))?;
        self.tail = self.tail.wrapping_add(seen.ahead) & mark::MAX_POSITION;
        // Latched: whatever the flag says later, this tail is final.
        self.no_more = seen.closed;
        match (self.head == self.tail, seen.closed || self.state == State::Closed) {
            (true, true) => Err(LinkError::Closed),
            (true, false) => Err(LinkError::Empty),
            (false, _) => Ok(()),
        }
    }

    /// Poisons the link where the peer was caught lying.
    fn judge(&mut self, checked: Result<mark::Checked, LinkError>) -> Result<mark::Checked, LinkError> {
        if let Err(LinkError::Corrupt(_)) = checked {
            self.poison();
        }
        checked
    }

    pub(super) fn poison(&mut self) {
        self.state = State::Poisoned;
        // Both fast paths end in the slow one, which knows the state.
        self.limit = self.sent;
        self.tail = self.head;
    }
}
