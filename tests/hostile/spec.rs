//! What a link does, said with counts that never wrap.
//!
//! Written from the documentation, not from the code: entries are counted from the epoch's start in 64 bits, a
//! position is a count and an origin, and a word of the peer's means the one count it can mean.

use annulet::link::{Fault, LinkError};
use annulet::words::WordAccess;

use crate::peer::{HEAD, LAST_EPOCH, Op, POSITION_BITS, SLOTS, TAIL, WAKE, entry_word, word};

/// What an operation did.
#[derive(Debug, Default)]
pub struct Done {
    /// The words of what was delivered.
    pub entries: Vec<u32>,
    /// The accesses to the peer's window, and to mine.
    pub theirs: Vec<WordAccess>,
    pub mine: Vec<WordAccess>,
}

impl Done {
    pub fn clear(&mut self) {
        self.entries.clear();
        self.theirs.clear();
        self.mine.clear();
    }

    fn load(&mut self, at: usize, next: &mut impl FnMut() -> u32) -> u32 {
        let value = next();
        self.theirs.push(WordAccess::Load { at, value });
        value
    }

    fn store(&mut self, at: usize, value: u32) {
        self.mine.push(WordAccess::Store { at, value });
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    Closed,
    Poisoned,
}

/// One side of a link.
#[derive(Clone, Debug)]
pub struct Spec {
    capacity: u64,
    words: usize,
    state: State,
    epoch: u32,
    /// The position of count 0.
    origin: u64,
    /// Entries I have sent, and those of them that I know the peer has taken.
    sent: u64,
    taken: u64,
    /// False after a reset, until the peer is known to have followed.
    may_write: bool,
    /// Entries I have received, and those that I know have arrived.
    received: u64,
    arrived: u64,
    /// What the peer said is final.
    no_more: bool,
    no_takers: bool,
    /// Entries sent in earlier epochs.
    sent_before: u64,
}

/// A word, where at least `base` and at most `base + most` would be believed: how far ahead, and whether closed.
pub fn judge(said: u32, epoch: u32, base: u64, most: u64, fault: Fault) -> Result<(u64, bool), LinkError> {
    let (its_epoch, closed, position) = (said >> 25, said >> 24 & 1 == 1, u64::from(said & 0x00ff_ffff));
    let laps = 1 << POSITION_BITS;
    if position >= laps {
        return Err(LinkError::Corrupt(Fault::Reserved));
    }
    if its_epoch < epoch {
        return Err(LinkError::StaleEpoch);
    }
    if its_epoch > epoch {
        return Err(if position == 0 { LinkError::PeerReset } else { LinkError::Corrupt(Fault::Epoch) });
    }
    // The first count from `base` on that stands at this position.
    let ahead = (position + laps - base % laps) % laps;
    if ahead > most { Err(LinkError::Corrupt(fault)) } else { Ok((ahead, closed)) }
}

impl Spec {
    pub fn new(capacity: u64, words: usize, origin: u64) -> Self {
        Self {
            capacity,
            words,
            state: State::Open,
            epoch: 0,
            origin,
            sent: 0,
            taken: 0,
            may_write: true,
            received: 0,
            arrived: 0,
            no_more: false,
            no_takers: false,
            sent_before: 0,
        }
    }

    pub fn is_poisoned(&self) -> bool {
        self.state == State::Poisoned
    }

    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    /// Entries sent in all epochs.
    pub fn sent_in_all(&self) -> u64 {
        self.sent_before + self.sent
    }

    fn room(&self) -> u64 {
        if self.state == State::Open && self.may_write && !self.no_takers {
            self.taken + self.capacity - self.sent
        } else {
            0
        }
    }

    fn say(&self, at: usize, count: u64, done: &mut Done) {
        done.store(at, word(self.epoch, self.state == State::Closed, (self.origin + count) as u32));
    }

    fn judge(&mut self, verdict: Result<(u64, bool), LinkError>) -> Result<(u64, bool), LinkError> {
        if let Err(LinkError::Corrupt(_)) = verdict {
            self.state = State::Poisoned;
            self.arrived = self.received;
        }
        verdict
    }

    fn slot(&self, count: u64) -> usize {
        SLOTS + ((self.origin + count) % self.capacity) as usize * self.words
    }

    fn make_room(
        &mut self,
        wanted: usize,
        next: &mut impl FnMut() -> u32,
        done: &mut Done,
    ) -> Result<(), LinkError> {
        if self.room() > 0 && self.room() >= self.capacity.min(wanted as u64) {
            return Ok(());
        }
        match self.state {
            State::Poisoned => return Err(LinkError::Poisoned),
            State::Closed => return Err(LinkError::Closed),
            State::Open if self.no_takers => return Err(LinkError::Closed),
            State::Open => {}
        }
        let said = done.load(HEAD, next);
        let (base, most) = (self.origin + self.taken, self.sent - self.taken);
        let (ahead, closed) = self.judge(judge(said, self.epoch, base, most, Fault::Head))?;
        self.taken += ahead;
        self.may_write = true;
        self.no_takers = closed;
        match (closed, self.room()) {
            (true, _) => Err(LinkError::Closed),
            (false, 0) => Err(LinkError::Full),
            _ => Ok(()),
        }
    }

    fn find_entries(
        &mut self,
        wanted: usize,
        next: &mut impl FnMut() -> u32,
        done: &mut Done,
    ) -> Result<(), LinkError> {
        let known = self.arrived - self.received;
        if known > 0 && known >= wanted as u64 {
            return Ok(());
        }
        if self.state == State::Poisoned {
            return Err(LinkError::Poisoned);
        }
        if self.no_more {
            return if known > 0 { Ok(()) } else { Err(LinkError::Closed) };
        }
        let said = done.load(TAIL, next);
        let (base, most) = (self.origin + self.arrived, self.capacity - known);
        let (ahead, closed) = match self.judge(judge(said, self.epoch, base, most, Fault::Tail)) {
            // What arrived before the peer's reset is still received.
            Err(LinkError::PeerReset | LinkError::StaleEpoch) if known > 0 => return Ok(()),
            judged => judged?,
        };
        self.arrived += ahead;
        self.no_more = closed;
        match (known + ahead, closed || self.state == State::Closed) {
            (0, true) => Err(LinkError::Closed),
            (0, false) => Err(LinkError::Empty),
            _ => Ok(()),
        }
    }

    fn put(&mut self, done: &mut Done) {
        let at = self.slot(self.sent);
        for k in 0..self.words {
            done.store(at + k, entry_word(self.sent_in_all(), k));
        }
        self.sent += 1;
    }

    fn take(&mut self, next: &mut impl FnMut() -> u32, done: &mut Done) {
        let at = self.slot(self.received);
        for k in 0..self.words {
            let word = done.load(at + k, next);
            done.entries.push(word);
        }
        self.received += 1;
    }

    /// What `op` answers and does; `next` is what the next load gets.
    pub fn step(
        &mut self,
        op: Op,
        next: &mut impl FnMut() -> u32,
        done: &mut Done,
    ) -> Result<usize, LinkError> {
        match op {
            Op::Send | Op::SendIter(_) => {
                let at_hand = if let Op::SendIter(count) = op { count } else { 1 };
                self.make_room(at_hand, next, done)?;
                let count = at_hand.min(self.room() as usize);
                (0..count).for_each(|_| self.put(done));
                if count > 0 {
                    self.say(TAIL, self.sent, done);
                }
                Ok(count)
            }
            Op::Recv | Op::Drain(_) => {
                let most = if let Op::Drain(most) = op { most } else { 1 };
                if most == 0 && self.state != State::Poisoned {
                    return Ok(0);
                }
                self.find_entries(most, next, done)?;
                let count = most.min((self.arrived - self.received) as usize);
                (0..count).for_each(|_| self.take(next, done));
                self.say(HEAD, self.received, done);
                Ok(count)
            }
            Op::Close => {
                if self.state == State::Open {
                    self.state = State::Closed;
                    self.say(TAIL, self.sent, done);
                    self.say(HEAD, self.received, done);
                }
                Ok(0)
            }
            Op::Reset if self.epoch == LAST_EPOCH => {
                self.state = State::Poisoned;
                self.arrived = self.received;
                Err(LinkError::Retired)
            }
            Op::Reset => {
                let fresh = Self::new(self.capacity, self.words, 0);
                let sent_before = self.sent_in_all();
                *self = Self { epoch: self.epoch + 1, may_write: false, sent_before, ..fresh };
                done.store(WAKE, 0);
                self.say(TAIL, 0, done);
                self.say(HEAD, 0, done);
                Ok(0)
            }
        }
    }
}
