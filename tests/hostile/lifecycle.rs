//! Closing and resetting: by a peer that lies about it, by two that don't, and in the middle of a panic.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, Ordering};

use annulet::link::{Fault, Interest, Link, LinkError, Window};
use annulet::words::{Counting, ReadWords, WriteWords};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::over::Over;
use crate::panicking::Even;
use crate::peer::{HEAD, LAST_EPOCH, MAX_POSITION, Op, Run, SLOTS, TAIL, WAKE, word};

type Side<'w, const N: usize> = Link<u64, N, &'w Window<u64, N>, &'w Window<u64, N>>;

fn pair<'w, const N: usize>(a: &'w Window<u64, N>, b: &'w Window<u64, N>, origin: u32) -> [Side<'w, N>; 2] {
    let sides = [Link::starting_at(a, b, origin), Link::starting_at(b, a, origin)];
    sides.iter().for_each(Link::publish_origin);
    sides
}

fn config() -> ProptestConfig {
    let cases = if cfg!(miri) { 1 } else { 1500 };
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// Operations at most, in the longest programs.
const LONG: usize = if cfg!(miri) { 8 } else { 120 };

fn ops() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => Just(Op::Send),
        2 => (0..6usize).prop_map(Op::SendIter),
        4 => Just(Op::Recv),
        2 => (0..6usize).prop_map(Op::Drain),
        1 => Just(Op::Close),
        2 => Just(Op::Reset),
    ]
}

/// Words that are often believed, of the epochs that are reached early.
fn garbage() -> impl Strategy<Value = u32> {
    let position = prop_oneof![6 => 0..12u32, 1 => MAX_POSITION - 6..=MAX_POSITION, 1 => any::<u32>()];
    let plausible =
        (0..5u32, any::<bool>(), position).prop_map(|(epoch, closed, at)| word(epoch, closed, at));
    prop_oneof![9 => plausible, 1 => any::<u32>()]
}

proptest! {
    #![proptest_config(config())]

    /// Garbage behind every load, through any number of resets: each step does what the specification says.
    #[test]
    fn a12_any_garbage_through_any_resets(
        script in vec(garbage(), 0..40),
        program in vec(ops(), 1..LONG / 2),
        origin in prop_oneof![Just(0), MAX_POSITION - 6..=MAX_POSITION, 0..=MAX_POSITION],
    ) {
        let mut run = Run::<4, 2>::new(&script, origin);
        for op in program {
            let _ = run.step(op);
        }
    }

    /// The peer's entries are in order, its closed flag is noise. What is delivered is exact; once the flag was
    /// seen, with all that was sent until then received, the link stays closed.
    #[test]
    fn a11_a_closed_flag_that_flickers_changes_no_entry(
        steps in vec((0..4u32, any::<bool>(), 0..4usize), 1..LONG / 2),
        origin in prop_oneof![Just(0), MAX_POSITION - 6..=MAX_POSITION],
    ) {
        let (mine, theirs) = (Window::<u32, 4>::new(), Window::<u32, 4>::new());
        let mut link = Link::<u32, 4, _, _>::starting_at(&mine, &theirs, origin);
        let (mut sent, mut arrived, mut received, mut latched) = (0, 0, 0, false);
        for (more, closed, takes) in steps {
            for _ in 0..more.min(4 - (sent - received)) {
                theirs.write(SLOTS + (origin.wrapping_add(sent) as usize) % 4, sent);
                sent += 1;
            }
            theirs.publish(TAIL, word(0, closed, origin.wrapping_add(sent)));
            for _ in 0..takes {
                let got = link.try_recv();
                if received == arrived && !latched {
                    (arrived, latched) = (sent, closed);
                }
                let expected = if received < arrived {
                    received += 1;
                    Ok(received - 1)
                } else {
                    Err(if latched { LinkError::Closed } else { LinkError::Empty })
                };
                prop_assert_eq!(got, expected);
            }
        }
    }

    /// Two honest sides do anything in any order: neither is ever called a liar, and each epoch's entries arrive
    /// from its first on, in order, without a gap.
    #[test]
    fn a12_honest_sides_that_reset_are_never_called_liars(
        program in vec((0..2usize, ops()), 1..LONG),
        origin in prop_oneof![Just(0), MAX_POSITION - 6..=MAX_POSITION],
    ) {
        let (a, b) = (Window::new(), Window::new());
        let mut sides = pair::<4>(&a, &b, origin);
        // Entries sent, and received, in the side's epoch.
        let (mut sent, mut received) = ([0u32; 2], [0u32; 2]);
        for (who, op) in program {
            let side = &mut sides[who];
            let tag = |epoch: u32, number: u32| u64::from(epoch) << 32 | u64::from(number);
            let epoch = side.epoch();
            let result = match op {
                Op::Send => side.try_send(&tag(epoch, sent[who])).map(|()| sent[who] += 1),
                Op::SendIter(count) => {
                    let entries = (sent[who]..).take(count).map(|number| tag(epoch, number));
                    side.try_send_iter(entries).map(|count| sent[who] += count as u32)
                }
                Op::Recv => side.try_recv().map(|entry| {
                    assert_eq!(entry, tag(epoch, received[who]));
                    received[who] += 1;
                }),
                Op::Drain(most) => side.try_drain(most, |entry| {
                    assert_eq!(entry, tag(epoch, received[who]));
                    received[who] += 1;
                }).map(drop),
                Op::Close => {
                    side.close();
                    Ok(())
                }
                Op::Reset => {
                    (sent[who], received[who]) = (0, 0);
                    side.reset()
                }
            };
            let fair = !matches!(result, Err(LinkError::Corrupt(_) | LinkError::Poisoned | LinkError::Retired));
            prop_assert!(fair, "{:?} of {}: {:?}", op, who, result);
            prop_assert!(received[who] <= sent[1 - who] || sides[0].epoch() != sides[1].epoch());
        }
        // Both follow each other to one epoch, and the link is as good as new.
        let last = sides[0].epoch().max(sides[1].epoch()) + 1;
        for side in &mut sides {
            while side.epoch() < last {
                side.reset().unwrap();
            }
        }
        let [a, b] = &mut sides;
        prop_assert_eq!(a.try_send_iter(0..9), Ok(4));
        prop_assert_eq!(b.try_drain(9, drop), Ok(4));
        prop_assert_eq!(b.try_send(&1), Ok(()));
        prop_assert_eq!(a.try_recv(), Ok(1));
    }

    /// Without resets, the two sides are two queues, exactly.
    #[test]
    fn honest_sides_are_two_queues(
        program in vec((0..2usize, ops()), 1..LONG),
        origin in prop_oneof![Just(0), MAX_POSITION - 6..=MAX_POSITION],
    ) {
        let (a, b) = (Window::new(), Window::new());
        let mut sides = pair::<4>(&a, &b, origin);
        let mut queues = [VecDeque::new(), VecDeque::new()];
        let (mut closed, mut number) = ([false; 2], 0);
        for (who, op) in program {
            let (side, is_over) = (&mut sides[who], closed[0] || closed[1]);
            match op {
                Op::Send | Op::SendIter(_) | Op::Reset => {
                    let room = 4 - queues[who].len();
                    let at_hand = if let Op::SendIter(count) = op { count } else { 1 };
                    let entries: Vec<u64> = (number..).take(at_hand).collect();
                    match side.try_send_iter(entries.iter().copied()) {
                        Ok(count) => {
                            // All the room there is, whatever was known of it.
                            prop_assert!(!closed[who]);
                            prop_assert_eq!(count, at_hand.min(room));
                            queues[who].extend(&entries[..count]);
                            number += count as u64;
                        }
                        Err(LinkError::Full) => prop_assert!(room == 0 && !closed[who]),
                        Err(LinkError::Closed) => prop_assert!(is_over),
                        Err(why) => prop_assert!(false, "{why}"),
                    }
                }
                Op::Recv | Op::Drain(_) => {
                    let most = if let Op::Drain(most) = op { most } else { 1 };
                    let mut got = Vec::new();
                    match side.try_drain(most, |entry| got.push(entry)) {
                        Ok(count) => {
                            prop_assert_eq!(count, most.min(queues[1 - who].len()));
                            let expected: Vec<u64> = queues[1 - who].drain(..count).collect();
                            prop_assert_eq!(got, expected);
                        }
                        Err(LinkError::Empty) => prop_assert!(queues[1 - who].is_empty() && !is_over),
                        Err(LinkError::Closed) => prop_assert!(queues[1 - who].is_empty() && is_over),
                        Err(why) => prop_assert!(false, "{why}"),
                    }
                }
                Op::Close => {
                    side.close();
                    closed[who] = true;
                }
            }
        }
    }
}

/// A side may lose patience, or be poisoned again, before the other has looked: that is no lie.
#[test]
fn a12_a_peer_that_reset_twice_is_followed_twice() {
    let (a, b) = (Window::new(), Window::new());
    let [mut patient, mut hasty] = pair::<4>(&a, &b, 0);
    hasty.try_send(&1).unwrap();
    for _ in 0..3 {
        hasty.reset().unwrap();
    }
    for epoch in 0..3 {
        assert_eq!(patient.try_recv(), Err(LinkError::PeerReset), "in epoch {epoch}");
        assert_eq!(hasty.try_recv(), Err(LinkError::StaleEpoch));
        assert_eq!(
            hasty.try_send(&2),
            Err(LinkError::StaleEpoch),
            "no slot is written before the peer follows"
        );
        patient.reset().unwrap();
    }
    hasty.try_send(&3).unwrap();
    assert_eq!(patient.try_recv(), Ok(3));
    assert_eq!(patient.try_recv(), Err(LinkError::Empty));
}

/// A new epoch stands at its start until I follow: the peer has nothing to send before, and nothing to take.
#[test]
fn a12_a_later_epoch_that_has_moved_is_a_lie() {
    for (epoch, position) in [(1, 1), (1, 4), (2, 1), (LAST_EPOCH, MAX_POSITION)] {
        let script = [word(epoch, false, position)];
        let mut run = Run::<4, 1>::new(&script, 0);
        assert_eq!(run.step(Op::Recv), Err(LinkError::Corrupt(Fault::Epoch)));
    }
}

/// After my reset the peer goes on in the old epoch, at every position: it is told apart, nothing of it is believed,
/// and my slots stay untouched until its head is in my epoch.
#[test]
fn a12_nothing_of_an_old_epoch_is_believed() {
    let theirs = Window::<u32, 4>::new();
    let mine = Window::<u32, 4>::new();
    let mut link = Link::<u32, 4, _, _>::new(Counting::new(&mine), &theirs);
    link.reset().unwrap();
    link.reset().unwrap();
    link.mine().reset();
    let positions = (0..20).chain(MAX_POSITION - 5..=MAX_POSITION);
    for old in positions
        .flat_map(|at| [(0, at), (1, at)])
        .flat_map(|(e, at)| [word(e, false, at), word(e, true, at)])
    {
        theirs.publish(TAIL, old);
        theirs.publish(HEAD, old);
        assert_eq!(link.try_recv(), Err(LinkError::StaleEpoch));
        assert_eq!(link.try_drain(9, drop), Err(LinkError::StaleEpoch));
        assert_eq!(link.try_send(&7), Err(LinkError::StaleEpoch));
        assert_eq!(link.try_send_iter([7; 9]), Err(LinkError::StaleEpoch));
    }
    assert_eq!(link.mine().stores(), 0);
    theirs.publish(HEAD, word(2, false, 0));
    assert_eq!(link.try_send_iter([7; 9]), Ok(4));
}

/// A batch uses what is there when it begins, not what was there when the link last looked.
#[test]
fn a_batch_looks_again_for_what_it_does_not_know_of() {
    let (a, b) = (Window::new(), Window::new());
    let [mut tx, mut rx] = pair::<4>(&a, &b, MAX_POSITION - 1);
    assert_eq!(tx.try_send_iter(0..2), Ok(2));
    assert_eq!(rx.try_recv(), Ok(0));
    tx.try_send(&2).unwrap();
    let mut got = Vec::new();
    assert_eq!(rx.try_drain(9, |entry| got.push(entry)), Ok(2));
    assert_eq!(got, [1, 2]);
    // One slot is known to be free, and three more are.
    assert_eq!(tx.try_send_iter(3..), Ok(4));
    // The end of what is there is no error, whatever it is.
    assert_eq!(rx.try_recv(), Ok(3));
    tx.close();
    assert_eq!(rx.try_drain(9, drop), Ok(3));
    assert_eq!(rx.try_drain(9, drop), Err(LinkError::Closed));

    let [mut tx, mut rx] = pair::<4>(&a, &b, 0);
    assert_eq!(tx.try_send_iter(0..2), Ok(2));
    assert_eq!(rx.try_recv(), Ok(0));
    tx.reset().unwrap();
    assert_eq!(rx.try_drain(9, drop), Ok(1), "what was sent before the reset comes first");
    assert_eq!(rx.try_drain(9, drop), Err(LinkError::PeerReset));
}

/// A tail that goes back, but not behind what was received: only a batch can see that.
#[test]
fn a02_a_tail_that_takes_entries_back_is_a_lie() {
    let (mine, theirs) = (Window::<u32, 4>::new(), Window::<u32, 4>::new());
    let mut link = Link::<u32, 4, _, _>::new(&mine, &theirs);
    theirs.publish(TAIL, word(0, false, 3));
    assert_eq!(link.try_recv(), Ok(0));
    theirs.publish(TAIL, word(0, false, 2));
    assert_eq!(link.try_drain(9, drop), Err(LinkError::Corrupt(Fault::Tail)));
    assert_eq!(link.try_drain(9, drop), Err(LinkError::Poisoned));
}

/// Entries that are known to be there take slots that no new ones can have.
#[test]
fn a02_a_batch_finds_no_more_entries_than_there_are_slots() {
    for (tail, found) in
        [(5, Ok(4)), (6, Err(LinkError::Corrupt(Fault::Tail))), (7, Err(LinkError::Corrupt(Fault::Tail)))]
    {
        let (mine, theirs) = (Window::<u32, 4>::new(), Window::<u32, 4>::new());
        let mut link = Link::<u32, 4, _, _>::new(&mine, &theirs);
        theirs.publish(TAIL, word(0, false, 3));
        assert_eq!(link.try_recv(), Ok(0));
        theirs.publish(TAIL, word(0, false, tail));
        assert_eq!(link.try_drain(9, drop), found, "{tail}");
    }
}

/// Poisoned in the look before a sleep: nothing is written then, and the new epoch does not begin with a sleep.
#[test]
fn a12_a_reset_leaves_nothing_of_the_epoch_before() {
    let (mine, theirs) = (Window::<u32, 4>::new(), Window::<u32, 4>::new());
    let mut link = Link::<u32, 4, _, _>::new(&mine, &theirs);
    link.enable_notification(Interest::Readable);
    theirs.publish(TAIL, word(0, false, 9));
    assert_eq!(link.try_recv(), Err(LinkError::Corrupt(Fault::Tail)));
    link.disable_notification();
    assert_eq!(mine.read(WAKE), 1, "a poisoned link touches nothing");
    link.reset().unwrap();
    assert_eq!([TAIL, HEAD, WAKE].map(|at| mine.read(at)), [word(1, false, 0), word(1, false, 0), 0]);
}

/// A peer that writes whatever it likes while I work, through every epoch there is.
#[test]
fn a12_resets_against_a_peer_that_never_stops_writing() {
    let (mine, theirs) = (Window::<u64, 4>::new(), Window::<u64, 4>::new());
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut noise = 1u32;
            while !done.load(Ordering::Relaxed) {
                noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let at = [TAIL, HEAD, SLOTS + (noise >> 29) as usize][(noise >> 8) as usize % 3];
                theirs.publish(at, word(noise >> 25 & 3, noise >> 13 & 7 == 0, noise >> 16 & 7));
                if cfg!(miri) {
                    std::thread::yield_now();
                }
            }
        });
        let _over = Over(&done);
        let mut link = Link::<u64, 4, _, _>::new(Counting::new(&mine), Counting::new(&theirs));
        let rounds = if cfg!(miri) { 5 } else { 2000 };
        for epoch in 0..LAST_EPOCH {
            for round in 0..rounds {
                link.mine().reset();
                link.theirs().reset();
                let mut shown = 0;
                let result = match round % 4 {
                    0 => link.try_recv().map(|_| 1),
                    1 => link.try_drain(9, |_| shown += 1),
                    2 => link.try_send(&7).map(|()| 1),
                    _ => link.try_send_iter([7; 9]),
                };
                assert!(shown <= 4 && link.theirs().loads() <= 1 + 4 * 2);
                if link.is_poisoned() {
                    break;
                }
                assert!(!matches!(
                    result,
                    Err(LinkError::Corrupt(_) | LinkError::Poisoned | LinkError::Retired)
                ));
            }
            assert_eq!(link.epoch(), epoch);
            link.reset().unwrap();
        }
        assert_eq!(link.epoch(), LAST_EPOCH);
        assert_eq!(link.reset(), Err(LinkError::Retired));
        link.mine().reset();
        link.theirs().reset();
        assert_eq!(link.reset(), Err(LinkError::Retired), "for good");
        assert_eq!(
            (link.try_recv(), link.try_send(&1)),
            (Err(LinkError::Poisoned), Err(LinkError::Poisoned))
        );
        assert_eq!((link.theirs().loads(), link.mine().stores()), (0, 0));
    });
}

#[test]
fn a_close_lets_what_was_sent_arrive() {
    let (a, b) = (Window::new(), Window::new());
    let [mut tx, mut rx] = pair::<4>(&a, &b, MAX_POSITION);
    assert_eq!(tx.try_send_iter(0..3), Ok(3));
    tx.close();
    assert_eq!(tx.try_send(&9), Err(LinkError::Closed));
    assert_eq!(tx.try_send_iter([]), Err(LinkError::Closed));
    assert_eq!(rx.try_recv(), Ok(0));
    // The receiver closes as well: it still gets what was sent.
    rx.close();
    let mut got = Vec::new();
    assert_eq!(rx.try_drain(9, |entry| got.push(entry)), Ok(2));
    assert_eq!(got, [1, 2]);
    assert_eq!((rx.try_recv(), tx.try_recv()), (Err(LinkError::Closed), Err(LinkError::Closed)));
    // Both begin anew.
    tx.reset().unwrap();
    assert_eq!(rx.try_recv(), Err(LinkError::Closed), "latched");
    rx.reset().unwrap();
    tx.try_send(&5).unwrap();
    assert_eq!(rx.try_recv(), Ok(5));
}

/// Whoever takes no more is noticed when there is no room, and then for good.
#[test]
fn a_receiver_that_closed_is_seen_when_there_is_no_room() {
    let (a, b) = (Window::new(), Window::new());
    let [mut tx, mut rx] = pair::<2>(&a, &b, 0);
    tx.try_send(&1).unwrap();
    assert_eq!(rx.try_recv(), Ok(1));
    rx.close();
    assert_eq!(tx.try_send(&2), Ok(()), "there was room, and no look");
    assert_eq!(tx.try_send(&3), Err(LinkError::Closed));
    b.publish(HEAD, word(0, false, 2));
    assert_eq!(tx.try_send(&3), Err(LinkError::Closed), "latched");
}

/// A panic that says nothing.
fn boom() -> ! {
    resume_unwind(Box::new("boom"))
}

#[test]
fn e03_a_panic_in_drain_gives_back_what_was_shown() {
    for shown in 1..=4 {
        let (a, b) = (Window::new(), Window::new());
        let [mut tx, mut rx] = pair::<4>(&a, &b, MAX_POSITION - 1);
        assert_eq!(tx.try_send_iter(1..=4), Ok(4));
        let burst = AssertUnwindSafe(|| {
            rx.try_drain(9, |entry| {
                if entry == shown {
                    boom()
                }
            })
        });
        assert!(catch_unwind(burst).is_err());
        // As many slots are free as were shown, and the rest is still there.
        assert_eq!(tx.try_send_iter(5..), Ok(shown as usize));
        let mut got = Vec::new();
        while rx.try_drain(9, |entry| got.push(entry)).is_ok() {}
        assert_eq!(got, (shown + 1..=4 + shown).collect::<Vec<_>>());
    }
}

/// An entry whose `from_image` panics is gone, and its slot is free: with one slot, both sides would be stuck otherwise.
#[test]
fn e03_a_panic_in_from_image_gives_back_the_slot() {
    let (a, b) = (Window::<Even, 1>::new(), Window::new());
    let mut tx = Link::<Even, 1, _, _>::starting_at(&a, &b, MAX_POSITION - 1);
    let mut rx = Link::<Even, 1, _, _>::starting_at(&b, &a, MAX_POSITION - 1);
    [&tx, &rx].into_iter().for_each(Link::publish_origin);
    for number in 0..6 {
        assert_eq!(tx.try_send(&Even(number)), Ok(()));
        let got = catch_unwind(AssertUnwindSafe(|| rx.try_recv()));
        assert_eq!(got.ok(), (number % 2 == 0).then_some(Ok(Even(number))));
        assert_eq!(rx.try_recv(), Err(LinkError::Empty));
    }
}

#[test]
fn e03_a_panic_in_send_iter_sends_nothing() {
    for good in 0..4 {
        let (a, b) = (Window::new(), Window::new());
        let [mut tx, mut rx] = pair::<4>(&a, &b, MAX_POSITION - 1);
        let entries = (0..9).inspect(|number| {
            if *number == good {
                boom()
            }
        });
        let burst = AssertUnwindSafe(|| tx.try_send_iter(entries));
        assert!(catch_unwind(burst).is_err());
        assert_eq!(rx.try_drain(9, |_| ()), Err(LinkError::Empty), "after {good}");
        // And it goes on.
        assert_eq!(tx.try_send(&77), Ok(()));
        assert_eq!(rx.try_recv(), Ok(77));
    }
}

#[test]
fn errors_and_links_show_themselves() {
    let faults = [Fault::Tail, Fault::Head, Fault::Epoch, Fault::Reserved].map(LinkError::Corrupt);
    let others = [
        LinkError::Empty,
        LinkError::Full,
        LinkError::Closed,
        LinkError::Poisoned,
        LinkError::StaleEpoch,
        LinkError::PeerReset,
        LinkError::Retired,
    ];
    let mut said: Vec<String> = faults.into_iter().chain(others).map(|error| error.to_string()).collect();
    assert!(said.iter().all(|text| !text.is_empty() && !text.ends_with('.')));
    said.sort();
    said.dedup();
    assert_eq!(said.len(), 11, "each says something of its own");

    let (a, b) = (Window::<u64, 4>::new(), Window::<u64, 4>::new());
    let mut link = Link::<u64, 4, _, _>::new(&a, &b);
    link.try_send(&1).unwrap();
    let shown = format!("{link:?} {:?}", link.mine());
    assert!(
        shown.contains("unacknowledged: 1") && shown.contains("tail: 1") && shown.contains("capacity: 4")
    );
    assert_eq!(link.capacity(), 4);
    assert_eq!(link.theirs().read(HEAD), 0);
}

/// All-zero memory is a window that nothing was sent through.
#[test]
fn a_zeroed_window_is_an_empty_one() {
    // SAFETY: a window is made of atomic integers only, for which zero is a value.
    let [a, b]: [Window<u64, 4>; 2] = unsafe { std::mem::zeroed() };
    let [mut tx, mut rx] = pair::<4>(&a, &b, 0);
    assert_eq!(rx.try_recv(), Err(LinkError::Empty));
    tx.try_send(&7).unwrap();
    assert_eq!(rx.try_recv(), Ok(7));
}
