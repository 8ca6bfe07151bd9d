//! The words a peer can say, and links run against them.

use annulet::link::{Link, LinkError};
use annulet::words::{Adversary, WordAccess};

use crate::spec::{Done, Spec};

/// The word of the tail, of the head, of the sleep, and the first one of the slots, as the layout is drawn.
pub const TAIL: usize = 0;
pub const HEAD: usize = 32;
pub const WAKE: usize = 64;
pub const SLOTS: usize = 96;

pub const POSITION_BITS: u32 = if cfg!(annulet_narrow) { 8 } else { 24 };
pub const MAX_POSITION: u32 = (1 << POSITION_BITS) - 1;
/// Bits of a word that mean nothing: there are some in the narrow build only.
pub const RESERVED: u32 = 0x00ff_ffff & !MAX_POSITION;
pub const CLOSED: u32 = 1 << 24;
pub const LAST_EPOCH: u32 = 127;

/// A word as it is drawn: epoch, closed, position.
pub const fn word(epoch: u32, closed: bool, position: u32) -> u32 {
    epoch << 25 | (closed as u32) << 24 | position & MAX_POSITION
}

/// Positions to start from: all of them where they can be walked, otherwise those around the wraps.
pub fn origins() -> Vec<u32> {
    if cfg!(miri) {
        vec![3, MAX_POSITION]
    } else if cfg!(annulet_narrow) {
        (0..=MAX_POSITION).collect()
    } else {
        let half = MAX_POSITION / 2 + 1;
        [0, 1, 5, half - 1, half, MAX_POSITION - 4, MAX_POSITION - 1, MAX_POSITION].to_vec()
    }
}

/// Distances between positions: all of them where they can be walked, otherwise every small one, every one around
/// a power of two, and every one around the end.
pub fn distances() -> Vec<u32> {
    if cfg!(annulet_narrow) && !cfg!(miri) {
        return (0..=MAX_POSITION).collect();
    }
    let small = 0..if cfg!(miri) { 3 } else { 300 };
    let powers = (3..POSITION_BITS)
        .step_by(if cfg!(miri) { 9 } else { 1 })
        .flat_map(|bit| [(1 << bit) - 1, 1 << bit, (1 << bit) + 1]);
    let back = small.clone().map(|back| (MAX_POSITION - back) & MAX_POSITION);
    let mut all: Vec<u32> = small.chain(powers).chain(back).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// Words that may matter to a link of `capacity` slots whose positions stand near `origin`, in epoch 0 or just
/// after a reset.
pub fn boundary_words(origin: u32, capacity: u32) -> Vec<u32> {
    let at = |ahead: u32| origin.wrapping_add(ahead);
    let mut words = vec![
        word(0, false, at(0)),
        word(0, false, at(1)),
        word(0, false, at(capacity)),
        word(0, false, at(capacity + 1)),
        word(0, false, at(0).wrapping_sub(1)),
        word(0, false, at(MAX_POSITION / 2 + 1)),
        word(0, true, at(0)),
        word(0, true, at(capacity)),
        word(1, false, 0),
        word(1, true, 1),
        word(2, false, 0),
        word(2, false, 1),
        u32::MAX,
    ];
    words.extend((RESERVED != 0).then_some(RESERVED & RESERVED.wrapping_neg()));
    words
}

/// What can be done to a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    Send,
    /// `send_iter` with so many entries at hand.
    SendIter(usize),
    Recv,
    Drain(usize),
    Close,
    Reset,
}

/// A link whose peer answers every load from a script; every access to either window is recorded.
pub type Scripted<'s, const N: usize, const W: usize> =
    Link<[u32; W], N, Adversary<'s, RECORDED>, Adversary<'s, RECORDED>>;

/// Accesses recorded for one operation: more than any makes here.
const RECORDED: usize = 64;

/// Word `k` of the entry that is sent as number `count`.
pub fn entry_word(count: u64, k: usize) -> u32 {
    (count as u32).wrapping_mul(0x0101).wrapping_add(0x8000_0000 + k as u32)
}

/// The entry that is sent as number `count`.
pub fn entry<const W: usize>(count: u64) -> [u32; W] {
    std::array::from_fn(|k| entry_word(count, k))
}

/// A link in the grip of the script, and the specification that goes along with it.
pub struct Run<'s, const N: usize, const W: usize> {
    pub link: Scripted<'s, N, W>,
    spec: Spec,
    script: &'s [u32],
    used: usize,
    /// Entries delivered since the peer's tail was last looked at.
    since_look: usize,
    /// The words that the last operation delivered.
    got: Vec<u32>,
    /// What the specification says it did.
    done: Done,
}

impl<'s, const N: usize, const W: usize> Run<'s, N, W> {
    pub fn new(script: &'s [u32], origin: u32) -> Self {
        Self {
            link: Link::starting_at(Adversary::new(&[]), Adversary::new(script), origin),
            spec: Spec::new(N as u64, W, u64::from(origin)),
            script,
            used: 0,
            since_look: 0,
            got: Vec::new(),
            done: Done::default(),
        }
    }

    /// Values of the script that were loaded.
    pub fn used(&self) -> usize {
        self.used
    }

    /// Does `op`, and holds every result and every shared access to the specification, and to the bounds that
    /// the documentation states.
    pub fn step(&mut self, op: Op) -> Result<usize, LinkError> {
        let was_poisoned = self.link.is_poisoned();
        self.link.mine().begin();
        self.link.theirs().begin();
        let first = self.spec.sent_in_all();

        let got = &mut self.got;
        got.clear();
        let result = match op {
            Op::Send => self.link.try_send(&entry(first)).map(|()| 1),
            Op::SendIter(count) => self.link.try_send_iter((first..).take(count).map(entry)),
            Op::Recv => self.link.try_recv().map(|entry| {
                got.extend(entry);
                1
            }),
            Op::Drain(most) => self.link.try_drain(most, |entry| got.extend(entry)),
            Op::Close => {
                self.link.close();
                Ok(0)
            }
            Op::Reset => self.link.reset().map(|()| 0),
        };
        self.check_bounds(op, result, was_poisoned);

        self.done.clear();
        let mut next = || {
            self.used += 1;
            self.script.get(self.used - 1).copied().unwrap_or(0)
        };
        let expected = self.spec.step(op, &mut next, &mut self.done);
        assert_eq!(result, expected, "{op:?}");
        assert_eq!(self.got, self.done.entries, "{op:?} delivers what stands in the slots");
        assert!(
            self.link.theirs().log().eq(self.done.theirs.iter().copied()),
            "{op:?}: {:?}",
            self.done.theirs
        );
        assert!(self.link.mine().log().eq(self.done.mine.iter().copied()), "{op:?}: {:?}", self.done.mine);
        assert_eq!(self.link.is_poisoned(), self.spec.is_poisoned());
        assert_eq!(self.link.epoch(), self.spec.epoch());
        result
    }

    /// What is promised of every operation, whatever the specification says.
    fn check_bounds(&mut self, op: Op, result: Result<usize, LinkError>, was_poisoned: bool) {
        let (mine, theirs) = (self.link.mine(), self.link.theirs());
        let (loads, stores) = (theirs.loads(), mine.stores());
        assert_eq!(
            (mine.loads(), theirs.stores()),
            (0, 0),
            "my window is only written, the peer's only read"
        );
        let count = result.unwrap_or(0);
        let (most_loads, most_stores) = match op {
            Op::Send => (1, W + 1),
            Op::SendIter(_) => (1, count * W + 1),
            Op::Recv => (1 + W, 1),
            Op::Drain(_) => (1 + count * W, 1),
            Op::Close => (0, 2),
            Op::Reset => (0, 3),
        };
        assert!(loads <= most_loads, "{op:?}: {loads} loads");
        assert!(stores <= most_stores, "{op:?}: {stores} stores");
        assert_eq!(theirs.double_fetch(), None, "{op:?}");
        for access in theirs.log().chain(mine.log()) {
            let (WordAccess::Load { at, .. } | WordAccess::Store { at, .. }) = access;
            assert!(
                at == TAIL
                    || at == HEAD
                    || at == WAKE && op == Op::Reset
                    || (SLOTS..SLOTS + N * W).contains(&at),
                "{op:?} touched word {at}"
            );
        }
        if let Err(why) = result {
            // A failing operation says so after at most the one load, and writes nothing.
            assert!(loads <= 1 && stores == 0, "{op:?}: {why:?}");
        }
        if was_poisoned && op != Op::Reset {
            assert_eq!((loads, stores), (0, 0), "{op:?} on a poisoned link");
            assert!(op == Op::Close || result == Err(LinkError::Poisoned), "{op:?}: {result:?}");
        }
        if theirs.log().any(|access| matches!(access, WordAccess::Load { at: TAIL, .. })) || op == Op::Reset {
            self.since_look = 0;
        }
        if matches!(op, Op::Recv | Op::Drain(_)) {
            self.since_look += count;
            assert!(self.since_look <= N, "{} entries for one look at the tail", self.since_look);
        }
    }
}

/// Every script of `depth` of these values that makes a difference: `run` says how many it has loaded, and those
/// that differ only behind that are skipped. How many there were.
pub fn every_script(values: &[u32], depth: usize, mut run: impl FnMut(&[u32]) -> usize) -> u64 {
    let mut digits = vec![0; depth];
    let mut script = vec![values[0]; depth];
    let mut runs = 0;
    loop {
        runs += 1;
        let used = run(&script).min(depth);
        // The next one differs in the last value that was loaded; where that was the last of its kind, before it.
        let Some(place) = (0..used).rev().find(|place| digits[*place] + 1 < values.len()) else {
            return runs;
        };
        digits[place] += 1;
        digits[place + 1..].fill(0);
        for (value, digit) in script.iter_mut().zip(&digits).skip(place) {
            *value = values[*digit];
        }
    }
}

#[test]
fn k03_every_script_is_every_script() {
    // Three values, up to three loads: 27 scripts, or fewer where a 9 ends the run.
    let mut all = Vec::new();
    assert_eq!(
        every_script(&[1, 2, 3], 3, |script| {
            all.push(script.to_vec());
            3
        }),
        27
    );
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 27);
    let until_nine = |script: &[u32]| script.iter().position(|value| *value == 9).map_or(3, |at| at + 1);
    assert_eq!(every_script(&[1, 9], 3, until_nine), 4);
    assert_eq!(every_script(&[1, 2], 3, |_| 0), 1);
}
