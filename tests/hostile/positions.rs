//! Impossible positions, and possible ones: every word of interest, from every position.

use annulet::link::{Fault, Link, LinkError};
use annulet::words::{Adversary, WordAccess};

use crate::peer::{
    CLOSED, HEAD, LAST_EPOCH, MAX_POSITION, Op, RESERVED, Run, SLOTS, TAIL, distances, origins, word,
};

/// Room for a look, as many entries as the largest link here has slots, and another look.
const RECORDED: usize = 130;
type Scripted<'s, const N: usize> = Link<u32, N, Adversary<'static, RECORDED>, Adversary<'s, RECORDED>>;

fn link<const N: usize>(script: &[u32], origin: u32) -> Scripted<'_, N> {
    Link::starting_at(Adversary::new(&[]), Adversary::new(script), origin)
}

/// The words that were loaded, in order.
fn loads(adversary: &Adversary<'_, RECORDED>) -> Vec<usize> {
    let at = |access| match access {
        WordAccess::Load { at, .. } | WordAccess::Store { at, .. } => at,
    };
    adversary.log().map(at).collect()
}

/// The words of the slots from position `from` on.
fn slots<const N: usize>(from: u32, count: u32) -> Vec<usize> {
    (0..count).map(|i| SLOTS + (from.wrapping_add(i) as usize) % N).collect()
}

#[test]
fn a01_a_tail_that_is_the_head_is_empty_for_one_load() {
    for origin in origins() {
        let script = [word(0, false, origin)];
        let mut link = link::<4>(&script, origin);
        assert_eq!(link.try_recv(), Err(LinkError::Empty));
        assert_eq!(loads(link.theirs()), [TAIL]);
        assert_eq!(link.mine().stores(), 0);
    }
}

/// A tail that is `ahead` of my head: what comes out, how often, and from where.
fn tail<const N: usize>(origin: u32, ahead: u32) {
    let said = word(0, false, origin.wrapping_add(ahead));
    if ahead > N as u32 {
        let script = [said];
        let mut link = link::<N>(&script, origin);
        assert_eq!(link.try_recv(), Err(LinkError::Corrupt(Fault::Tail)), "{ahead} ahead of {origin}");
        assert!(link.is_poisoned());
        assert_eq!(link.try_drain(N, |_| panic!("an entry from a lying peer")), Err(LinkError::Poisoned));
        assert_eq!((loads(link.theirs()), link.mine().stores()), (vec![TAIL], 0));
        return;
    }
    // The entries say their own number. Then the same tail once more.
    let script: Vec<u32> = [said].into_iter().chain(0..ahead).chain([said]).collect();
    let mut link = link::<N>(&script, origin);
    for number in 0..ahead {
        assert_eq!(link.try_recv(), Ok(number));
    }
    if ahead == 0 {
        assert_eq!(link.try_recv(), Err(LinkError::Empty));
    }
    assert_eq!(link.try_recv(), Err(LinkError::Empty), "never more than was said");
    let expected: Vec<usize> = [TAIL].into_iter().chain(slots::<N>(origin, ahead)).chain([TAIL]).collect();
    assert_eq!(loads(link.theirs()), expected, "{ahead} ahead of {origin}");
}

#[test]
fn a02_every_tail_from_every_head() {
    for origin in origins() {
        for ahead in distances() {
            tail::<1>(origin, ahead);
            tail::<4>(origin, ahead);
            tail::<128>(origin, ahead);
        }
    }
}

/// All of the catalogue's, and every other word of interest: the specification says what each does.
#[test]
fn a02_a03_every_word_from_every_position() {
    let epochs = if cfg!(miri) { vec![1] } else { vec![0, 1, 2, LAST_EPOCH] };
    let reserved: Vec<u32> = (0..24).map(|bit| 1 << bit & RESERVED).filter(|bit| *bit != 0).collect();
    for origin in origins() {
        let positions = distances()
            .into_iter()
            .step_by(if cfg!(miri) { 3 } else { 1 })
            .map(|ahead| origin.wrapping_add(ahead));
        for position in positions.collect::<Vec<_>>() {
            let of_epochs =
                epochs.iter().flat_map(|epoch| [word(*epoch, false, position), word(*epoch, true, position)]);
            let of_reserved = reserved.iter().map(|bit| word(0, false, position) | bit);
            for said in of_epochs.chain(of_reserved).chain([u32::MAX]) {
                Run::<2, 1>::new(&[said], origin).step(Op::Recv).unwrap_or(0);
                let script = [said];
                let mut run = Run::<2, 1>::new(&script, origin);
                run.step(Op::SendIter(2)).unwrap();
                run.step(Op::Send).unwrap_or(0);
                assert_eq!(run.used(), 1);
            }
        }
    }
}

/// My slots are full, and the peer's head is `first` further than it was, then `second` further than that: how
/// many entries I then send, and that none lands in a slot that the peer has not said it has taken.
fn head<const N: usize>(origin: u32, first: u32, second: u32) {
    let script =
        [word(0, false, origin.wrapping_add(first)), word(0, false, origin.wrapping_add(first + second))];
    let mut link = link::<N>(&script, origin);
    let mut sent = 0..;
    let mut taken = 0;
    assert_eq!(link.try_send_iter(sent.by_ref()), Ok(N));
    for ahead in [first, second] {
        // `send_iter` takes one too many from the iterator nowhere: the count goes on where it was.
        link.mine().begin();
        let result = link.try_send_iter(sent.by_ref());
        let stores: Vec<WordAccess> = link.mine().log().collect();
        if ahead > N as u32 {
            assert_eq!(result, Err(LinkError::Corrupt(Fault::Head)), "{ahead} ahead of {origin}");
            assert!(link.is_poisoned() && stores.is_empty());
            assert_eq!(link.try_send(&0), Err(LinkError::Poisoned));
            assert_eq!(link.mine().stores(), 0);
            return;
        }
        if ahead == 0 {
            assert_eq!((result, stores.len()), (Err(LinkError::Full), 0));
            continue;
        }
        assert_eq!(result, Ok(ahead as usize));
        let from = origin.wrapping_add(taken).wrapping_add(N as u32);
        let expected = slots::<N>(from, ahead)
            .into_iter()
            .enumerate()
            .map(|(i, at)| WordAccess::Store { at, value: N as u32 + taken + i as u32 });
        let tail = WordAccess::Store { at: TAIL, value: word(0, false, from.wrapping_add(ahead)) };
        assert_eq!(stores, expected.chain([tail]).collect::<Vec<_>>());
        taken += ahead;
    }
    assert_eq!(loads(link.theirs()), [HEAD, HEAD]);
}

#[test]
fn a03_every_head_against_every_tail() {
    for origin in origins() {
        let thinned = || distances().into_iter().step_by(if cfg!(miri) { 2 } else { 1 });
        for first in thinned() {
            head::<1>(origin, first, 0);
            head::<4>(origin, first, 1);
            head::<64>(origin, first, 2);
        }
        // And a second one, relative to each that was believed: those that go backwards among them.
        for second in thinned() {
            for first in if cfg!(miri) { 3..=4 } else { 0..=4 } {
                head::<4>(origin, first, second);
            }
        }
    }
}

/// No slot carries a stamp in this link: the lap is in the one published word. So each word of another lap, of
/// another epoch, open or closed, is a named error, or exactly so many entries in order.
#[test]
fn a10_a_word_of_another_lap_is_refused_or_moves_nothing_but_its_own_lap() {
    const N: u32 = 4;
    let deltas = [
        0,
        1,
        N,
        N + 1,
        2 * N,
        MAX_POSITION / 2 + 1,
        1u32.wrapping_neg(),
        N.wrapping_neg(),
        MAX_POSITION - N,
    ];
    let epochs = if cfg!(miri) { 0..=2 } else { 0..=LAST_EPOCH };
    for (mine, at) in [(0, 0), (0, 3), (1, 0), (2, 3), (LAST_EPOCH - 1, 3), (LAST_EPOCH, 1)] {
        let said = |theirs, closed, delta: u32| word(theirs, closed, delta.wrapping_add(at));
        for (theirs, closed, delta) in epochs.clone().flat_map(|theirs| {
            let deltas = deltas.into_iter().step_by(if cfg!(miri) { 7 } else { 1 });
            deltas.flat_map(move |delta| [(theirs, false, delta), (theirs, true, delta)])
        }) {
            let delta = delta & MAX_POSITION;
            let judged = said(theirs, closed, delta);
            let position = judged & MAX_POSITION;
            // The peer sends `at` entries to begin with; then it says something.
            let mut script: Vec<u32> =
                [word(mine, false, at)].into_iter().filter(|_| at > 0).chain(0..at).collect();
            script.push(judged);
            script.extend(100..100 + N);
            let mut link = link::<4>(&script, 0);
            for _ in 0..mine {
                link.reset().unwrap();
            }
            if at > 0 {
                assert_eq!(link.try_drain(9, drop), Ok(at as usize));
            }
            link.theirs().begin();
            let mut got = Vec::new();
            let result = link.try_drain(9, |entry| got.push(entry));
            let expected = if theirs < mine {
                Err(LinkError::StaleEpoch)
            } else if theirs > mine && position == 0 {
                Err(LinkError::PeerReset)
            } else if theirs > mine {
                Err(LinkError::Corrupt(Fault::Epoch))
            } else if delta > N {
                Err(LinkError::Corrupt(Fault::Tail))
            } else if delta > 0 {
                Ok(delta as usize)
            } else {
                Err(if closed { LinkError::Closed } else { LinkError::Empty })
            };
            assert_eq!(result, expected, "I am at {mine}.{at}, the peer says {theirs}.{closed}.{position}");
            let count = result.unwrap_or(0) as u32;
            assert_eq!(got, (100..100 + count).collect::<Vec<_>>());
            let expected: Vec<usize> = [TAIL].into_iter().chain(slots::<4>(at, count)).collect();
            assert_eq!(loads(link.theirs()), expected, "the slots of its own lap, in order");
            assert_eq!(link.is_poisoned(), matches!(result, Err(LinkError::Corrupt(_))));
            if closed && result.is_ok() {
                assert_eq!(link.try_recv(), Err(LinkError::Closed));
            }
        }
    }
}

/// Geometry is a matter of types: nothing that the peer can rewrite after attaching is ever looked at again. An
/// operation's log shows its tail, its head, its slots, and nothing else, least of all what stands before them.
#[test]
fn a06_nothing_but_positions_and_slots_is_ever_loaded() {
    // `Run` holds each access to exactly these words; here are the links it is run on.
    let ops = [Op::SendIter(9), Op::Drain(9), Op::Send, Op::Recv, Op::Close, Op::Reset, Op::Recv, Op::Send];
    for said in [0, 1, 2, 3, 5, CLOSED, CLOSED | 2, 1 << 25, u32::MAX] {
        let script = [said; 24];
        let mut run = Run::<2, 3>::new(&script, 0);
        for op in ops {
            run.step(op).unwrap_or(0);
            for access in run.link.theirs().log() {
                let WordAccess::Load { at, .. } = access else { panic!("stored to the peer's window") };
                assert!(at == TAIL || at == HEAD || (SLOTS..SLOTS + 2 * 3).contains(&at));
            }
        }
    }
}

/// After the lie, ten thousand calls of everything: nothing but `Poisoned`, and not one access.
#[test]
fn a04_a_poisoned_link_touches_nothing() {
    let calls = if cfg!(miri) { 50 } else { 10_000 };
    let lies = [
        (Op::Recv, word(0, false, 5), Fault::Tail),
        (Op::Recv, word(1, false, 1), Fault::Epoch),
        (Op::Drain(2), word(0, true, MAX_POSITION), Fault::Tail),
        (Op::Send, word(0, false, 5), Fault::Head),
        (Op::SendIter(3), word(LAST_EPOCH, true, 1), Fault::Epoch),
    ];
    for (op, lie, fault) in lies {
        let script = [lie; 4];
        let mut run = Run::<4, 1>::new(&script, 0);
        run.step(Op::SendIter(4)).unwrap();
        assert_eq!(run.step(op), Err(LinkError::Corrupt(fault)));
        let mut link = run.link;
        link.mine().begin();
        link.theirs().begin();
        for _ in 0..calls {
            assert_eq!(link.try_send(&[1]), Err(LinkError::Poisoned));
            assert_eq!(link.try_send_iter([[1], [2]]), Err(LinkError::Poisoned));
            assert_eq!(link.try_send_iter([]), Err(LinkError::Poisoned));
            assert_eq!(link.try_recv(), Err(LinkError::Poisoned));
            assert_eq!(link.try_drain(0, drop), Err(LinkError::Poisoned));
            assert_eq!(link.try_drain(9, drop), Err(LinkError::Poisoned));
            link.close();
        }
        assert!(link.is_poisoned());
        assert_eq!((link.theirs().loads(), link.theirs().stores()), (0, 0));
        assert_eq!((link.mine().loads(), link.mine().stores()), (0, 0));
        // The one way out.
        link.reset().unwrap();
        assert!(!link.is_poisoned());
    }
}
