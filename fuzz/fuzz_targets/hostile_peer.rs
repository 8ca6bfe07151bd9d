//! A peer that writes anything between any two loads: the link never panics, never loads a word twice in an
//! operation, never more than it says, and never delivers more than a window holds between two looks.
//!
//! proves: K05
#![no_main]

use annulet::link::{Link, LinkError, Window};
use annulet::words::{Adversary, WordAccess};
use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;

const N: usize = 4;
const W: usize = 3;
type Entry = [u32; W];

#[derive(Arbitrary, Debug)]
struct Game {
    origin: u32,
    script: Vec<Word>,
    ops: Vec<Op>,
}

/// Values near what would be believed are the interesting ones.
#[derive(Arbitrary, Debug)]
enum Word {
    Near { ahead: i8, closed: bool, epoch: u8 },
    Any(u32),
}

#[derive(Arbitrary, Debug)]
enum Op {
    Send,
    SendIter(u8),
    Recv,
    Drain(u8),
    Close,
    Reset,
}

fuzz_target!(|game: Game| {
    let origin = game.origin & 0xff_ffff;
    let script: Vec<u32> = game
        .script
        .iter()
        .map(|word| match *word {
            Word::Any(word) => word,
            Word::Near { ahead, closed, epoch } => {
                let position = origin.wrapping_add_signed(ahead.into()) & 0xff_ffff;
                u32::from(epoch) << 25 | u32::from(closed) << 24 | position
            }
        })
        .collect();
    let mine = Adversary::<16>::new(&[]);
    let theirs = Adversary::<64>::new(&script);
    let mut link = Link::<Entry, N, _, _>::starting_at(&mine, &theirs, origin);
    for op in &game.ops {
        mine.begin();
        theirs.begin();
        let was_poisoned = link.is_poisoned();
        let (result, most_loads) = match op {
            Op::Send => (link.try_send(&[1, 2, 3]), 1),
            Op::SendIter(count) => {
                let sent = link.try_send_iter((0..*count).map(|n| [n.into(); W]));
                assert!(sent.is_ok_and(|sent| sent <= N) || sent.is_err());
                (sent.map(drop), 1)
            }
            Op::Recv => (link.try_recv().map(drop), 1 + W),
            Op::Drain(max) => {
                let mut shown = 0;
                let drained = link.try_drain((*max).into(), |_| shown += 1);
                assert!(shown <= N.min((*max).into()));
                assert_eq!(drained.unwrap_or(0), shown);
                (drained.map(drop), 1 + shown * W)
            }
            Op::Close => {
                link.close();
                (Ok(()), 0)
            }
            Op::Reset => (link.reset(), 0),
        };
        assert!(theirs.loads() <= most_loads, "{op:?} made {} loads", theirs.loads());
        assert_eq!(theirs.stores(), 0, "the peer's window is never written");
        assert_eq!(mine.loads(), 0, "our own is never read back");
        assert_eq!(theirs.double_fetch(), None, "{op:?}");
        for access in theirs.log().chain(mine.log()) {
            let (WordAccess::Load { at, .. } | WordAccess::Store { at, .. }) = access;
            assert!(at * 4 < Window::<Entry, N>::BYTES, "{op:?} left the window");
        }
        if was_poisoned && !matches!(op, Op::Close | Op::Reset) {
            assert!(
                result == Err(LinkError::Poisoned) || matches!(op, Op::Drain(0)),
                "{op:?} of a poisoned link: {result:?}"
            );
            assert_eq!(theirs.loads(), 0);
        }
        if let Err(LinkError::Corrupt(_)) = result {
            assert!(link.is_poisoned());
        }
    }
});
