//! Models of the single-producer ring.
//!
//! An item is two numbers that belong together, and the slots are shadowed by cells that loom watches: an access
//! that is not ordered after the other side's is reported, whether or not the numbers come out wrong.

use annulet::Spsc;
use annulet::ring::{Consumer, Producer};
use loom::thread;

use crate::harness::Main;
use crate::platform::lent;

models! {
    // Its mutant: The interleavings in which the consumer comes too early are among those explored.
    fn d01_three_each_in_a_ring_of_one = |main| _ = three_each::<1>(main),
        kills [CursorPublish CursorObserve] mutant |main| assert_eq!(three_each::<1>(main), 3);
    fn d01_three_each_in_a_ring_of_two = |main| _ = three_each::<2>(main),
        kills [CursorPublish CursorObserve];
    fn d02_items_are_handed_over kills [CursorPublish CursorObserve];
    fn d02_room_is_handed_back kills [CursorPublish CursorObserve];
    fn d10_a_held_read_grant_is_not_overwritten kills [CursorPublish CursorObserve];
    fn d16_a_third_thread_sees_a_length_in_range = |main| third_thread(main, 0..=2),
        kills [CursorObserve] mutant |main| third_thread(main, 0..=0);
    fn d18_batches_are_handed_over_whole kills [CursorPublish CursorObserve];
    fn a_drain_hands_back_what_it_took kills [CursorPublish CursorObserve];
    fn e07_producers_follow_each_other kills [BitmapClaim BitmapGiveBack];
    fn e07_consumers_follow_each_other kills [BitmapClaim BitmapGiveBack];
    fn e07_one_of_two_gets_both_ends kills [BitmapClaim BitmapGiveBack];
}

/// Positions start just below the end of their integer, so that every model wraps it, too.
const ORIGIN: usize = usize::MAX;

type Item = (u32, u32);

fn item(number: u32) -> Item {
    (number, !number)
}

type Tx = Producer<'static, Item>;
type Rx = Consumer<'static, Item>;

/// Lends a ring to threads, all of which are joined when `play` returns, and drops it.
fn stage<T: 'static, const N: usize, R>(play: impl FnOnce(&'static Spsc<T, N>) -> R) -> R {
    lent(Spsc::starting_at(ORIGIN), |ring| play(ring))
}

/// Plays a producer and a consumer of a ring that holds `before` items at first, one of them in a thread of its
/// own. What they return, and what is in the ring afterwards.
fn duet<const N: usize, P: 'static, C: 'static>(
    main: Main,
    before: u32,
    producer: impl FnOnce(&mut Tx) -> P + 'static,
    consumer: impl FnOnce(&mut Rx) -> C + 'static,
) -> (P, C, Vec<Item>) {
    stage::<Item, N, _>(|ring| {
        // SAFETY: each of the two ends is used by one thread, and these are the only ones but for those below.
        let (mut tx, mut rx) = unsafe { ring.split_unchecked() };
        (0..before).for_each(|number| tx.try_push(item(number)).unwrap());
        let (sent, received) = match main {
            Main::Produces => {
                let other = thread::spawn(move || consumer(&mut rx));
                let sent = producer(&mut tx);
                (sent, other.join().unwrap())
            }
            Main::Consumes => {
                let other = thread::spawn(move || producer(&mut tx));
                let received = consumer(&mut rx);
                (other.join().unwrap(), received)
            }
        };
        // SAFETY: the other thread was joined, and its end dropped. This thread's is not used any more.
        let (_, mut rx) = unsafe { ring.split_unchecked() };
        (sent, received, rx.try_iter().collect())
    })
}

fn items(numbers: std::ops::Range<u32>) -> Vec<Item> {
    numbers.map(item).collect()
}

fn three_each<const N: usize>(main: Main) -> usize {
    let push = |tx: &mut Tx| (0..3).filter(|number| tx.try_push(item(*number)).is_ok()).collect::<Vec<u32>>();
    let pop = |rx: &mut Rx| (0..3).filter_map(|_| rx.try_pop().ok()).collect::<Vec<Item>>();
    let (sent, received, left) = duet::<N, _, _>(main, 0, push, pop);
    let count = received.len();
    let all: Vec<Item> = received.into_iter().chain(left).collect();
    assert_eq!(all, sent.into_iter().map(item).collect::<Vec<_>>(), "exactly what was pushed, in order");
    count
}

/// Only the tail is watched: the producer never writes to a slot again.
fn d02_items_are_handed_over(main: Main) {
    let push = |tx: &mut Tx| (0..2).for_each(|number| tx.try_push(item(number)).unwrap());
    let pop = |rx: &mut Rx| (0..2).map_while(|_| rx.try_pop().ok()).collect::<Vec<_>>();
    let ((), received, left) = duet::<2, _, _>(main, 0, push, pop);
    assert_eq!([received, left].concat(), items(0..2));
}

/// Only the head is watched: what the consumer takes was there before.
fn d02_room_is_handed_back(main: Main) {
    let push = |tx: &mut Tx| tx.try_push(item(2)).is_ok();
    let pop = |rx: &mut Rx| [rx.try_pop().unwrap(), rx.try_pop().unwrap()];
    let (pushed, received, left) = duet::<2, _, _>(main, 2, push, pop);
    assert_eq!(received.as_slice(), items(0..2));
    assert_eq!(left, items(2..2 + u32::from(pushed)));
}

fn d10_a_held_read_grant_is_not_overwritten(main: Main) {
    let push = |tx: &mut Tx| (2..4).take_while(|number| tx.try_push(item(*number)).is_ok()).count();
    let hold = |rx: &mut Rx| {
        let grant = rx.try_read_grant_parts(2).unwrap();
        let (before, len) = (grant.iter().copied().collect::<Vec<_>>(), grant.len());
        assert_eq!(grant.iter().copied().collect::<Vec<_>>(), before, "what was lent changed");
        assert_eq!((before, len), (items(0..2), 2));
        assert_eq!(grant.release(1), 1);
    };
    let (pushed, (), left) = duet::<2, _, _>(main, 2, push, hold);
    assert!(pushed <= 1, "more than was released");
    assert_eq!(left, items(1..2 + pushed as u32));
}

fn d18_batches_are_handed_over_whole(main: Main) {
    let push = |tx: &mut Tx| {
        let mut sent = 0;
        for _ in 0..2 {
            if let Ok(mut grant) = tx.try_claim_exact(2) {
                grant.fill_from((sent..).map(item));
                sent += grant.commit_all() as u32;
            } else if let Ok(mut grant) = tx.try_claim(2) {
                // Filled, but only the first is handed over.
                grant.fill_from((sent..).map(item));
                sent += grant.commit(1) as u32;
            }
        }
        sent
    };
    let pop = |rx: &mut Rx| {
        let mut received = Vec::new();
        for _ in 0..2 {
            if let Ok(grant) = rx.try_read_grant_parts(2) {
                received.extend(grant.iter().copied());
                grant.release_all();
            }
        }
        received
    };
    let (sent, received, left) = duet::<2, _, _>(main, 0, push, pop);
    assert!(sent >= 2);
    assert!(received.is_empty() || received.len() >= 2, "half a batch was seen");
    assert_eq!([received, left].concat(), items(0..sent));
}

fn a_drain_hands_back_what_it_took(main: Main) {
    let push = |tx: &mut Tx| (2..4).filter(|number| tx.try_push(item(*number)).is_ok()).collect::<Vec<u32>>();
    let pop = |rx: &mut Rx| {
        let mut received = Vec::new();
        // The slots are handed back together.
        assert_eq!(rx.drain(2, |item| received.push(item)), 2);
        received
    };
    let (pushed, received, left) = duet::<2, _, _>(main, 2, push, pop);
    assert_eq!(received.as_slice(), items(0..2));
    assert_eq!(left, pushed.into_iter().map(item).collect::<Vec<_>>());
}

/// Plays two programs that are after the same ends, one of them in a thread of its own.
fn rivals<A: 'static, B: 'static>(
    main: Main,
    one: impl FnOnce() -> A + 'static,
    two: impl FnOnce() -> B + 'static,
) -> (A, B) {
    match main {
        Main::Produces => {
            let two = thread::spawn(two);
            (one(), two.join().unwrap())
        }
        Main::Consumes => {
            let one = thread::spawn(one);
            let two = two();
            (one.join().unwrap(), two)
        }
    }
}

/// The producer's end changes hands while nobody else is there to order it: only the end itself does.
fn e07_producers_follow_each_other(main: Main) {
    stage::<Item, 4, _>(|ring| {
        let send =
            |number: u32| ring.try_producer().map(|mut tx| tx.try_push(item(number)).unwrap()).is_some();
        let (one, two) = rivals(main, move || [send(0)], move || [send(1), send(2)]);
        let count = one.into_iter().chain(two).filter(|sent| *sent).count();
        let mut rx = ring.try_consumer().unwrap();
        let received: Vec<Item> = rx.try_iter().collect();
        assert_eq!(received.len(), count, "each push has its slot");
        assert!(received.iter().all(|(number, complement)| *complement == !*number));
    });
}

fn e07_consumers_follow_each_other(main: Main) {
    stage::<Item, 4, _>(|ring| {
        assert_eq!(ring.try_producer().unwrap().push_slice(&items(0..4)), 4);
        let receive = || ring.try_consumer().map(|mut rx| rx.try_pop().unwrap());
        let (one, two) = rivals(main, move || [receive()], move || [receive(), receive()]);
        let mut received: Vec<Item> = one.into_iter().chain(two).flatten().collect();
        received.extend(ring.try_consumer().unwrap().try_iter());
        received.sort_unstable();
        assert_eq!(received, items(0..4), "each item was received once");
    });
}

fn e07_one_of_two_gets_both_ends(main: Main) {
    stage::<Item, 1, _>(|ring| {
        let use_both = |number: u32| {
            let Some((mut tx, mut rx)) = ring.try_split() else { return false };
            assert!(ring.try_producer().is_none() && ring.try_consumer().is_none());
            tx.try_push(item(number)).unwrap();
            assert_eq!(rx.try_pop(), Ok(item(number)));
            true
        };
        let got = rivals(main, move || use_both(0), move || use_both(1));
        assert!(got.0 || got.1, "nobody was first");
    });
}

/// A length that no moment had would be found by its size: the ring has room for more than is ever in it.
fn third_thread(main: Main, allowed: std::ops::RangeInclusive<usize>) {
    stage::<Item, 4, _>(|ring| {
        // SAFETY: each end is used by one thread, and there are no others.
        let (mut tx, mut rx) = unsafe { ring.split_unchecked() };
        let mut send = move || (0..2).for_each(|number| tx.try_push(item(number)).unwrap());
        let mut receive = move || {
            (0..2).for_each(|_| {
                let _ = rx.try_pop();
            })
        };
        let look = move || {
            for _ in 0..2 {
                assert!(allowed.contains(&ring.len()), "{} items", ring.len());
            }
        };
        let others = match main {
            Main::Produces => {
                let others = [thread::spawn(receive), thread::spawn(look)];
                send();
                others
            }
            Main::Consumes => {
                let others = [thread::spawn(send), thread::spawn(look)];
                receive();
                others
            }
        };
        others.into_iter().for_each(|other| other.join().unwrap());
    });
}

/// Ends that keep their ring.
#[cfg(feature = "alloc")]
pub mod kept {
    use std::sync::Arc;

    use super::*;

    models! {
        fn e08_ends_dropped_at_once_free_the_ring_once = |main| drop_at_once(main, false),
            kills [] mutant |main| drop_at_once(main, true);
        fn rv13_ends_of_a_kept_ring_work_at_once kills [CursorPublish CursorObserve];
    }

    /// What is left in the ring is dropped once, by whoever is last. loom watches the ring's count, and the drops
    /// are counted by the items' own.
    fn drop_at_once(main: Main, forget: bool) {
        let item = Arc::new(());
        let (mut tx, mut rx) = Spsc::<Arc<()>, 2>::new_split();
        tx.try_push(Arc::clone(&item)).unwrap();
        let another = Arc::clone(&item);
        let send = move || {
            tx.try_push(another).unwrap();
            if forget {
                std::mem::forget(tx);
            }
        };
        let receive = move || drop(rx.try_pop().unwrap());
        rivals(main, send, receive);
        assert_eq!(Arc::strong_count(&item), 1, "an item is left, or was dropped twice");
    }

    fn rv13_ends_of_a_kept_ring_work_at_once(main: Main) {
        let (mut tx, mut rx) = Spsc::<Item, 1>::new_split();
        let send = move || (0..2).map_while(|number| tx.try_push(super::item(number)).ok()).count();
        let receive = move || (0..2).filter_map(|_| rx.try_pop().ok()).collect::<Vec<_>>();
        let (sent, received) = rivals(main, send, receive);
        assert_eq!(received, items(0..received.len() as u32));
        assert!(received.len() <= sent);
    }
}
