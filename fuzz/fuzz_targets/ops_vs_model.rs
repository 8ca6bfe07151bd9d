//! Any list of operations on an `Spsc` does what a `VecDeque` does, wherever its positions start.
//!
//! The items own memory, so that one dropped twice, or never, is seen by the sanitizer.
//!
//! proves: K04
#![no_main]

use std::collections::VecDeque;

use annulet::Spsc;
use annulet::error::ClaimError;
use annulet::ring::{Consumer, Producer};
use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;

type Item = Box<u8>;

#[derive(Arbitrary, Debug)]
struct Game {
    /// Which capacity.
    size: Size,
    /// Positions start this far from where they wrap, on either side.
    origin: i8,
    moves: Vec<Move>,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Size {
    One,
    Two,
    Eight,
    Sixteen,
}

#[derive(Arbitrary, Debug)]
enum Move {
    Push,
    PushIter {
        count: u8,
    },
    Claim {
        wanted: u8,
        exact: bool,
        fill: Fill,
        end: End,
    },
    Pop,
    Peek,
    Look,
    Read {
        wanted: u8,
        parts: bool,
        release: Option<u8>,
    },
    Skip {
        count: u8,
    },
    Consume {
        max: u8,
    },
    Drain {
        max: u8,
    },
    Iterate {
        most: u8,
    },
    /// Both ends go and come back.
    Split,
}

#[derive(Arbitrary, Debug)]
enum Fill {
    Push { count: u8 },
    Iter { count: u8 },
    All,
    Uninit { count: u8 },
}

#[derive(Arbitrary, Debug)]
enum End {
    Commit,
    CommitFirst { count: u8 },
    Abort,
}

fuzz_target!(|game: Game| match game.size {
    Size::One => play::<1>(&game),
    Size::Two => play::<2>(&game),
    Size::Eight => play::<8>(&game),
    Size::Sixteen => play::<16>(&game),
});

fn play<const N: usize>(game: &Game) {
    let mut ring = Spsc::<Item, N>::starting_at(0usize.wrapping_add_signed(game.origin.into()));
    let mut model = Model { items: VecDeque::new(), capacity: N, next: 0 };
    let mut moves = game.moves.iter();
    loop {
        let (mut tx, mut rx) = ring.split();
        let split = moves.by_ref().any(|step| {
            if matches!(step, Move::Split) {
                return true;
            }
            model.step(step, &mut tx, &mut rx);
            assert_eq!((tx.len(), rx.len()), (model.items.len(), model.items.len()));
            assert_eq!((tx.is_empty(), rx.is_full()), (model.items.is_empty(), model.items.len() == N));
            false
        });
        drop((tx, rx));
        assert_eq!(ring.len(), model.items.len());
        if !split {
            break;
        }
    }
}

struct Model {
    items: VecDeque<u8>,
    capacity: usize,
    next: u8,
}

impl Model {
    fn make(&mut self) -> Item {
        self.next = self.next.wrapping_add(1);
        Box::new(self.next)
    }

    fn free(&self) -> usize {
        self.capacity - self.items.len()
    }

    fn step(&mut self, step: &Move, tx: &mut Producer<'_, Item>, rx: &mut Consumer<'_, Item>) {
        match step {
            Move::Push => {
                let item = self.make();
                let value = *item;
                match tx.try_push(item) {
                    Ok(()) => {
                        assert!(self.free() > 0, "pushed into a full ring");
                        self.items.push_back(value);
                    }
                    Err(back) => {
                        assert_eq!(self.free(), 0, "refused with a slot free");
                        assert_eq!(*back.into_inner(), value);
                    }
                }
            }
            Move::PushIter { count } => {
                let room = self.free();
                let mut made = Vec::new();
                let pushed = tx.push_iter((0..*count).map(|_| {
                    let item = self.make();
                    made.push(*item);
                    item
                }));
                assert_eq!(pushed, room.min((*count).into()));
                assert_eq!(made.len(), pushed, "an item was taken that had no slot");
                self.items.extend(made);
            }
            Move::Claim { wanted, exact, fill, end } => self.claim((*wanted).into(), *exact, fill, end, tx),
            Move::Pop => assert_eq!(rx.try_pop().ok().map(|item| *item), self.items.pop_front()),
            Move::Peek => assert_eq!(rx.peek().map(|item| **item), self.items.front().copied()),
            Move::Look => assert!(rx.iter().map(|item| **item).eq(self.items.iter().copied())),
            Move::Read { wanted, parts, release } => {
                let wanted = usize::from(*wanted);
                let grant = if *parts { rx.try_read_grant_parts(wanted) } else { rx.try_read_grant(wanted) };
                let Ok(grant) = grant else {
                    assert!(self.items.is_empty() && wanted > 0, "nothing to read, with items in it");
                    return;
                };
                let most = wanted.min(self.items.len());
                if *parts {
                    assert_eq!(grant.len(), most);
                } else {
                    assert!(grant.len() <= most && (grant.len() > 0 || most == 0));
                    assert!(grant.parts().1.is_empty(), "one contiguous run");
                }
                assert!(grant.iter().map(|item| **item).eq(self.items.iter().copied().take(grant.len())));
                let granted = grant.len();
                let released = match release {
                    None => 0,
                    Some(u8::MAX) => grant.release_all(),
                    Some(count) => grant.release((*count).into()),
                };
                let expected = match release {
                    None => 0,
                    Some(u8::MAX) => granted,
                    Some(count) => granted.min((*count).into()),
                };
                assert_eq!(released, expected);
                self.items.drain(..released);
            }
            Move::Skip { count } => {
                let skipped = rx.skip((*count).into());
                assert_eq!(skipped, self.items.len().min((*count).into()));
                self.items.drain(..skipped);
            }
            Move::Consume { max } => {
                let mut seen = Vec::new();
                let consumed = rx.consume((*max).into(), |item| seen.push(**item));
                assert_eq!(consumed, self.items.len().min((*max).into()));
                assert!(self.items.drain(..consumed).eq(seen));
            }
            Move::Drain { max } => {
                let mut taken = Vec::new();
                let drained = rx.drain((*max).into(), |item| taken.push(*item));
                assert_eq!(drained, self.items.len().min((*max).into()));
                assert!(self.items.drain(..drained).eq(taken));
            }
            Move::Iterate { most } => {
                let taken: Vec<u8> = rx.try_iter().take((*most).into()).map(|item| *item).collect();
                assert_eq!(taken.len(), self.items.len().min((*most).into()));
                assert!(self.items.drain(..taken.len()).eq(taken));
            }
            Move::Split => {}
        }
    }

    fn claim(&mut self, wanted: usize, exact: bool, fill: &Fill, end: &End, tx: &mut Producer<'_, Item>) {
        let free = self.free();
        let grant = if exact { tx.try_claim_exact(wanted) } else { tx.try_claim(wanted) };
        let mut grant = match grant {
            Ok(grant) => grant,
            Err(ClaimError::TooLarge { wanted: said, capacity }) => {
                assert!(exact && wanted > self.capacity);
                return assert_eq!((said, capacity), (wanted, self.capacity));
            }
            Err(ClaimError::Full { free: said }) => {
                assert!(
                    if exact { free < wanted } else { free == 0 && wanted > 0 },
                    "refused with slots free"
                );
                return assert_eq!(said, free);
            }
            Err(other) => panic!("no such error: {other}"),
        };
        if exact {
            assert_eq!(grant.len(), wanted);
        } else {
            assert!(grant.len() <= wanted.min(free) && (grant.len() > 0 || wanted == 0));
            assert!(grant.uninit_parts().1.is_empty(), "one contiguous run");
        }

        let mut made = Vec::new();
        let mut make = || {
            let item = self.make();
            made.push(*item);
            item
        };
        match fill {
            Fill::Push { count } => {
                for _ in 0..*count {
                    if grant.filled() == grant.len() {
                        assert!(grant.push(Box::new(0)).is_err());
                        break;
                    }
                    assert!(grant.push(make()).is_ok());
                }
            }
            Fill::Iter { count } => {
                let count = grant.len().min((*count).into());
                assert_eq!(grant.fill_from(std::iter::repeat_with(&mut make).take(count)), count);
            }
            Fill::All => grant.fill_with(|_| make()),
            Fill::Uninit { count } => {
                let (first, second) = grant.uninit_parts();
                let mut written = 0;
                for slot in first.iter_mut().chain(second).take((*count).into()) {
                    slot.write(make());
                    written += 1;
                }
                // SAFETY: that many slots from the front have just been written.
                unsafe { grant.assume_filled(written) };
            }
        }
        assert_eq!(grant.filled(), made.len());

        let committed = match end {
            End::Commit => grant.commit_all(),
            End::CommitFirst { count } => grant.commit((*count).into()),
            End::Abort => {
                drop(grant);
                0
            }
        };
        let expected = match end {
            End::Commit => made.len(),
            End::CommitFirst { count } => made.len().min((*count).into()),
            End::Abort => 0,
        };
        assert_eq!(committed, expected);
        self.items.extend(&made[..committed]);
    }
}
