//! Models of rings with sides of many ends.
//!
//! Three threads: two ends of the side that is shared, and one of the other, or of both. As in `ring.rs`, an item is
//! two numbers that belong together, in slots that loom watches, and positions begin just below the end of their
//! integer.

use annulet::error::{PopError, PushError};
use annulet::ring::{Consumer, Multi, Producer, Ring, Side, Sides, Single};
use loom::thread;

use crate::harness::{Main, three};
use crate::platform::lent;

models! {
    fn d04_two_producers_and_a_consumer = |main| _ = two_producers::<Single>(main, 0, 1, 2),
        kills [StampCommit StampObserve] mutant |main| assert_eq!(two_producers::<Single>(main, 0, 1, 2), 2);
    // What the producers may write depends on how far the consumer has come.
    fn d04_two_producers_of_a_full_ring = |main| _ = two_producers::<Single>(main, 2, 1, 2),
        kills [CursorPublish CursorObserve] mutant |main| assert_eq!(two_producers::<Single>(main, 2, 1, 2), 2);
    fn d04_a_batch_beside_an_item kills [StampCommit StampObserve];
    fn d05_two_consumers_and_a_producer = |main| _ = two_consumers::<2, Single>(main, 0, 2, 1),
        kills [CursorPublish CursorObserve]
        mutant |main| assert_eq!(two_consumers::<2, Single>(main, 0, 2, 1), 0);
    // What the producer may write depends on which slots the consumers have given back.
    fn d05_two_consumers_of_a_full_ring = |main| _ = two_consumers::<2, Single>(main, 2, 2, 1),
        kills [StampCommit StampObserve];
    fn d05_two_consumers_drain_at_once kills [StampCommit StampObserve];
    fn rm11_two_producers_of_many_to_many = |main| _ = two_producers::<Multi>(main, 1, 1, 2),
        kills [StampCommit StampObserve];
    fn rm11_two_consumers_of_many_to_many = |main| _ = two_consumers::<2, Multi>(main, 1, 2, 1),
        kills [StampCommit StampObserve];
    // Its mutant: There is a moment at which a slot is claimed and not committed, and it is called by its name.
    fn d09_a_producer_that_gives_up_its_slot = |main| _ = give_up(main),
        kills [StampCommit StampObserve]
        mutant |main| assert!(!give_up(main).contains(&Err(PopError::Pending)));
    fn d09_full_is_not_said_of_a_ring_with_room = |main| _ = room(main),
        kills [StampCommit StampObserve] mutant |main| assert!(room(main));
    fn d09_one_rival_is_no_contention kills [CursorClaim];
    fn d16_one_to_many_has_a_length_in_range kills [CursorClaim];
    fn d20_full_and_empty_have_one_order_for_one_consumer = |main| _ = full_before_empty::<Single>(main),
        kills [FullFence EmptyFence];
    fn d20_full_and_empty_have_one_order_for_one_producer = empty_before_full::<Single>,
        kills [FullFence EmptyFence];
    fn d20_full_and_empty_have_one_order_for_consumers = |main| _ = full_before_empty::<Multi>(main),
        kills [FullFence EmptyFence] mutant |main| assert!(!full_before_empty::<Multi>(main));
    fn d20_full_and_empty_have_one_order_for_producers = empty_before_full::<Multi>,
        kills [FullFence EmptyFence];
    fn d16_one_of_many_consumers_has_a_length_in_range kills [CursorHint CursorClaim];
    fn d16_many_to_many_has_a_length_in_range = |main| length(main, 0..=2),
        kills [] mutant |main| length(main, 0..=0);
}

const ORIGIN: usize = usize::MAX;

type Item = (u32, u32);
type Tx<P, C> = Producer<'static, Item, Sides<P, C>>;
type Rx<P, C> = Consumer<'static, Item, Sides<P, C>>;

fn item(number: u32) -> Item {
    (number, !number)
}

fn number((number, complement): Item) -> u32 {
    assert_eq!(complement, !number, "torn");
    number
}

/// Lends a ring that holds `before` items, `0..before`, to a play that joins its threads.
fn stage<const N: usize, P: Side, C: Side, R>(
    before: u32,
    play: impl FnOnce(Tx<P, C>, Rx<P, C>, &'static Ring<Item, N, Sides<P, C>>) -> R,
) -> R {
    lent(Ring::<Item, N, Sides<P, C>>::starting_at(ORIGIN), |ring| {
        let ring = &*ring;
        // SAFETY: the ends of a single side that come of this are the only ones.
        let (mut tx, rx) = unsafe { ring.split_unchecked() };
        (0..before).for_each(|number| tx.try_push(item(number)).unwrap());
        play(tx, rx, ring)
    })
}

/// What is left in a ring whose threads have been joined.
fn left<const N: usize, P: Side, C: Side>(ring: &'static Ring<Item, N, Sides<P, C>>) -> Vec<u32> {
    // SAFETY: the other ends are gone.
    let (tx, mut rx) = unsafe { ring.split_unchecked() };
    drop(tx);
    let mut all = Vec::new();
    loop {
        match rx.try_pop() {
            Ok(item) => all.push(number(item)),
            Err(PopError::Empty) => return all,
            Err(other) => panic!("{other} with nobody there"),
        }
    }
}

/// Pushes numbers as long as they are accepted; those that were.
fn push<P: Side, C: Side>(tx: &mut Tx<P, C>, numbers: impl IntoIterator<Item = u32>) -> Vec<u32> {
    numbers.into_iter().take_while(|number| tx.try_push(item(*number)).is_ok()).collect()
}

/// Pops up to so many times; what came.
fn pop<P: Side, C: Side>(rx: &mut Rx<P, C>, times: usize) -> Vec<u32> {
    (0..times).filter_map(|_| rx.try_pop().ok().map(number)).collect()
}

/// Every number that was sent came once, those of one producer (the same tens) in order to each consumer.
fn exactly_once(sent: &[&[u32]], received: &[&[u32]]) {
    let mut sent = sent.concat();
    let mut all = received.concat();
    for one in received {
        for tens in 0..10 {
            let of_one: Vec<u32> = one.iter().copied().filter(|number| number / 10 == tens).collect();
            assert!(of_one.is_sorted(), "{one:?} out of order");
        }
    }
    sent.sort_unstable();
    all.sort_unstable();
    assert_eq!(all, sent);
}

fn two_producers<C: Side>(main: Main, before: u32, each: u32, times: usize) -> usize {
    stage::<2, Multi, C, _>(before, |mut tx, mut rx, ring| {
        let mut other = tx.clone();
        let one = move || push(&mut tx, 10..10 + each);
        let two = move || push(&mut other, 20..20 + each);
        let (one, two, mut got) = three(main, one, two, move || pop(&mut rx, times));
        let count = got.len();
        got.extend(left(ring));
        let before: Vec<u32> = (0..before).collect();
        exactly_once(&[&before, &one, &two], &[&got]);
        if before.is_empty() { count } else { one.len() + two.len() }
    })
}

/// A batch is seen whole by who comes to its first item.
fn d04_a_batch_beside_an_item(main: Main) {
    stage::<4, Multi, Single, _>(0, |mut tx, mut rx, ring| {
        let mut other = tx.clone();
        let batch = move || tx.push_slice(&[item(10), item(11)]);
        let single = move || push(&mut other, [20]);
        let read = move || {
            let mut out = [item(99); 4];
            let count = rx.pop_slice(&mut out);
            out[..count].iter().copied().map(number).collect::<Vec<_>>()
        };
        let (batch, single, mut got) = three(main, batch, single, read);
        assert_eq!((batch, &single[..]), (2, &[20][..]));
        assert_eq!(got.contains(&10), got.contains(&11), "half a batch in {got:?}");
        got.extend(left(ring));
        exactly_once(&[&[10, 11], &single], &[&got]);
    });
}

fn two_consumers<const N: usize, P: Side>(main: Main, before: u32, sends: u32, times: usize) -> usize {
    stage::<N, P, Multi, _>(before, |mut tx, mut rx, ring| {
        let mut other = rx.clone();
        let send = move || push(&mut tx, 10..10 + sends);
        let (sent, one, two) = three(main, send, move || pop(&mut other, times), move || pop(&mut rx, times));
        let left = left(ring);
        let before: Vec<u32> = (0..before).collect();
        exactly_once(&[&before, &sent], &[&one, &two, &left]);
        one.len() + two.len()
    })
}

fn d05_two_consumers_drain_at_once(main: Main) {
    stage::<2, Single, Multi, _>(2, |mut tx, mut rx, ring| {
        let mut other = rx.clone();
        let send = move || push(&mut tx, 10..11);
        // One takes all it can.
        let one = move || {
            let mut taken = Vec::new();
            other.drain(2, |item| taken.push(number(item)));
            taken
        };
        let (sent, one, two) = three(main, send, one, move || pop(&mut rx, 1));
        let left = left(ring);
        let mut all = [one, two, left].concat();
        let total = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), total, "twice");
        assert_eq!(total, 2 + sent.len(), "{all:?} of 0, 1 and {sent:?}");
    });
}

fn give_up(main: Main) -> Vec<Result<u32, PopError>> {
    stage::<2, Multi, Single, _>(0, |mut tx, mut rx, ring| {
        let mut other = tx.clone();
        let give_up = move || {
            let mut grant = other.try_claim(1).unwrap();
            grant.push(item(20)).unwrap();
            drop(grant);
        };
        let send = move || match tx.try_push(item(10)) {
            Ok(()) => (),
            Err(PushError::Contended(_)) => panic!("64 tries against one other"),
            Err(other) => panic!("{other}"),
        };
        let look = move || [rx.try_pop().map(number), rx.try_pop().map(number)];
        let ((), (), got) = three(main, give_up, send, look);
        let mut all: Vec<u32> = got.iter().flatten().copied().collect();
        all.extend(left(ring));
        assert_eq!(all, [10], "what was given up is not handed over, and holds nothing back");
        got.to_vec()
    })
}

fn length(main: Main, allowed: std::ops::RangeInclusive<usize>) {
    stage::<2, Multi, Multi, _>(1, |mut tx, mut rx, ring| {
        let look = move || {
            for _ in 0..2 {
                assert!(allowed.contains(&ring.len()));
            }
        };
        three(main, move || push(&mut tx, 10..12), look, move || pop(&mut rx, 2));
    });
}

/// The item that is looked for is given back, and others have gone past it, between two looks of a producer: then the
/// ring was not full at any time.
fn room(main: Main) -> bool {
    stage::<2, Multi, Multi, _>(2, |tx, rx, ring| {
        let mut other = tx.clone();
        let mut slow = rx.clone();
        let push = move || other.try_push(item(7)).map_err(|refused| matches!(refused, PushError::Full(_)));
        let mut parts = Some((tx, rx, push));
        let mut play = None;
        // The slot of what is drained is given back when this returns, while the others look.
        let drained = slow.drain(1, |_| {
            let (mut tx, mut rx, push) = parts.take().unwrap();
            // From here on there is at most one item in it, and what the other thread pushes.
            assert_eq!(rx.try_pop(), Ok(item(1)));
            let go_on = move || {
                if tx.try_push(item(8)).is_ok() {
                    let _ = rx.try_pop();
                }
            };
            play = Some(match main {
                Main::Produces => {
                    let other = thread::spawn(go_on);
                    (Some(other), None, thread::spawn(push))
                }
                Main::Consumes => (None, Some(go_on), thread::spawn(push)),
            });
        });
        assert_eq!(drained, 1);
        let (other, go_on, pushed) = play.unwrap();
        go_on.into_iter().for_each(|mut go_on| go_on());
        other.into_iter().for_each(|other| other.join().unwrap());
        let pushed = pushed.join().unwrap();
        left(ring);
        assert_ne!(pushed, Err(true), "full, with one item in a ring of two");
        pushed.is_ok()
    })
}

/// Whoever sees that another consumer has gone on sees what it went on to, and does not try again and again.
fn d09_one_rival_is_no_contention(main: Main) {
    stage::<4, Single, Multi, _>(0, |mut tx, mut rx, _| {
        let mut other = rx.clone();
        let look = move || assert_ne!(other.try_pop(), Err(PopError::Contended), "one other took one item");
        three(main, move || push(&mut tx, [10]), look, move || pop(&mut rx, 1));
    });
}

/// The head that a third party sees is not ahead of the tail that it sees after it.
fn d16_one_to_many_has_a_length_in_range(main: Main) {
    stage::<4, Single, Multi, _>(0, |mut tx, mut rx, ring| {
        let look = move || assert!(ring.len() <= 1, "{} in a ring that never held more than one", ring.len());
        three(main, move || push(&mut tx, [10]), look, move || pop(&mut rx, 1));
    });
}

/// One item in a ring of two. A consumer takes it and finds nothing more, while of two producers one pushes, and the
/// other finds the ring full: it cannot have been, before the first was taken, and empty after it. Whether it was full.
fn full_before_empty<C: Side>(main: Main) -> bool {
    stage::<2, Multi, C, _>(1, |mut tx, mut rx, ring| {
        let mut other = tx.clone();
        let push = move || push(&mut other, [10]);
        let look = move || matches!(tx.try_push(item(20)), Err(PushError::Full(_)));
        let (pushed, full, popped) =
            three(main, push, look, move || [rx.try_pop().map(number), rx.try_pop().map(number)]);
        if full {
            assert_eq!(pushed, [10], "it was this one that filled it");
            assert_ne!(popped, [Ok(0), Err(PopError::Empty)]);
        }
        left(ring);
        full
    })
}

/// The other way round: a producer pushes and finds it full, while of two consumers one takes the item that was there,
/// and the other finds nothing.
fn empty_before_full<P: Side>(main: Main) {
    stage::<2, P, Multi, _>(1, |mut tx, mut rx, ring| {
        let mut other = rx.clone();
        let push = move || {
            let full = |result: Result<(), PushError<Item>>| matches!(result, Err(PushError::Full(_)));
            (tx.try_push(item(10)).is_ok(), full(tx.try_push(item(11))))
        };
        let (pushed, popped, looked) =
            three(main, push, move || pop(&mut other, 1), move || rx.try_pop().map(number));
        if looked == Err(PopError::Empty) {
            assert_eq!(popped, [0], "it was this one that emptied it");
            assert_ne!(pushed, (true, true));
        }
        left(ring);
    });
}

/// Nor is the head that another consumer sees.
fn d16_one_of_many_consumers_has_a_length_in_range(main: Main) {
    stage::<4, Single, Multi, _>(0, |mut tx, mut rx, _| {
        let other = rx.clone();
        let look =
            move || assert!(other.len() <= 1, "{} in a ring that never held more than one", other.len());
        three(main, move || push(&mut tx, [10]), look, move || pop(&mut rx, 1));
    });
}
