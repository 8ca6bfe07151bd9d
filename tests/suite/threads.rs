//! Both ends at work at once, through the safe interface alone.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use annulet::Spsc;

use crate::patience::Patience;
use crate::rings::{GrantRx, GrantTx, Granting, Put, Rx, Take, Threaded, Tx};

over_every_arity! {
    rv13_items_cross_threads_in_order_whatever_the_forms
    rv16_what_the_ends_say_is_in_range_while_raced
}

over_every_ring! {
    d03_what_a_grant_commits_is_read_at_once
    every_item_is_dropped_once_among_threads
}

/// Items of each ring in a threaded test.
const ITEMS: u64 = if cfg!(miri) { 20 } else { 20_000 };

/// Runs a producer here and a consumer in another thread, or the other way round.
fn duet<W: Threaded<T>, T: 'static>(
    origin: usize,
    producer: impl for<'r> FnOnce(W::Tx<'r, T>) + Send,
    consumer: impl for<'r> FnOnce(W::Rx<'r, T>) + Send,
) {
    W::play::<T, _>(origin, |tx, rx| {
        thread::scope(|scope| {
            scope.spawn(move || producer(tx));
            consumer(rx);
        });
    });
}

/// An item of two words, so that a torn one shows.
type Item = (u64, u64);

fn item(number: u64) -> Item {
    (number, !number)
}

/// Lengths and forms in no step with each other.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) as usize % sides
    }
}

fn rv13_items_cross_threads_in_order_whatever_the_forms<W: Threaded<Item>>() {
    let patience = Patience::new();
    let producer = |mut tx: W::Tx<'_, Item>| {
        let forms: &[Put] = W::Tx::<'_, Item>::FORMS;
        let mut dice = Dice(1);
        let mut sent = 0;
        while sent < ITEMS {
            let left = (ITEMS - sent) as usize;
            let wanted = (1 + dice.roll(W::N)).min(left);
            let count = match dice.roll(forms.len() + 1) {
                0 => {
                    let items: Vec<Item> = (sent..).map(item).take(wanted).collect();
                    tx.push_slice(&items)
                }
                form => tx.put(forms[form - 1], wanted, &mut (sent..).map(item)),
            };
            sent += count as u64;
            if count == 0 {
                patience.wait();
            }
        }
    };
    let consumer = |mut rx: W::Rx<'_, Item>| {
        let forms: &[Take] = W::Rx::<'_, Item>::FORMS;
        let mut dice = Dice(2);
        let mut received = 0;
        while received < ITEMS {
            let wanted = 1 + dice.roll(W::N);
            let mut expected = (received..).map(item);
            let count = match dice.roll(forms.len() + 1) {
                0 => {
                    let mut out = vec![item(u64::MAX); wanted];
                    let count = rx.pop_slice(&mut out);
                    out[..count].iter().for_each(|seen| assert_eq!(Some(*seen), expected.next()));
                    count
                }
                form => {
                    rx.take(forms[form - 1], wanted, &mut |seen| assert_eq!(Some(*seen), expected.next()))
                }
            };
            received += count as u64;
            if count == 0 {
                patience.wait();
            }
        }
        assert_eq!(rx.try_pop(), None, "invented");
    };
    duet::<W, Item>(usize::MAX - 3, producer, consumer);
}

/// The writer's `&mut` to the slots must have ended when they are handed over, or the reader's `&` would alias it:
/// Miri says so, with either model of aliasing.
fn d03_what_a_grant_commits_is_read_at_once<W: Threaded<Item> + Granting<Item>>() {
    let patience = Patience::new();
    let rounds = ITEMS / 4;
    let producer = |mut tx: W::Tx<'_, Item>| {
        let mut sent = 0;
        while sent < rounds {
            match tx.try_claim(W::N) {
                Err(_) => patience.wait(),
                Ok(mut grant) => {
                    grant.fill_with(|index| item(sent + index as u64));
                    sent += grant.commit_all() as u64;
                }
            }
        }
    };
    let consumer = |mut rx: W::Rx<'_, Item>| {
        let mut received = 0;
        while received < rounds {
            match rx.try_read_grant_parts(W::N) {
                None => patience.wait(),
                Some(grant) => {
                    assert!(grant.iter().copied().eq((received..).map(item).take(grant.len())));
                    received += grant.release_all() as u64;
                }
            }
        }
    };
    duet::<W, Item>(usize::MAX, producer, consumer);
}

fn rv16_what_the_ends_say_is_in_range_while_raced<W: Threaded<u64>>() {
    let patience = Patience::new();
    let check = |(len, capacity, _, _): (usize, usize, bool, bool)| {
        assert_eq!(capacity, W::N);
        assert!(len <= capacity, "{len} items in a ring of {capacity}");
    };
    let producer = |mut tx: W::Tx<'_, u64>| {
        for number in 0..ITEMS / 4 {
            while tx.try_push(number).is_err() {
                check(tx.says());
                patience.wait();
            }
            check(tx.says());
        }
    };
    let consumer = |mut rx: W::Rx<'_, u64>| {
        for number in 0..ITEMS / 4 {
            // One that can look sees the item; the others see that there is one, perhaps still being written.
            while rx.peek() == Some(None) || rx.says().2 {
                check(rx.says());
                patience.wait();
            }
            // Seen and seen again, with a producer at work: a look consumes nothing.
            assert!(rx.peek().is_none_or(|next| next == Some(&number)));
            assert!(rx.says().0 > 0);
            check(rx.says());
            let item = loop {
                match rx.try_pop() {
                    Some(item) => break item,
                    None => patience.wait(),
                }
            };
            assert_eq!(item, number);
        }
    };
    duet::<W, u64>(usize::MAX - 1, producer, consumer);
}

/// Counts its drop, wherever that is.
struct Shared(Arc<[AtomicUsize]>, usize);

impl Drop for Shared {
    fn drop(&mut self) {
        self.0[self.1].fetch_add(1, Ordering::Relaxed);
    }
}

fn every_item_is_dropped_once_among_threads<W: Threaded<Shared> + Granting<Shared>>() {
    let patience = Patience::new();
    let drops: Arc<[AtomicUsize]> = (0..ITEMS / 4).map(|_| AtomicUsize::new(0)).collect();
    let producer = |mut tx: W::Tx<'_, Shared>| {
        let mut items = (0..drops.len()).map(|number| Shared(Arc::clone(&drops), number)).peekable();
        while items.peek().is_some() {
            if tx.push_iter(items.by_ref()) == 0 {
                patience.wait();
            }
        }
    };
    // It stops in the middle, so that some are left when the ring goes.
    let consumer = |mut rx: W::Rx<'_, Shared>| {
        let mut left = drops.len() - W::N.min(drops.len());
        let mut dice = Dice(3);
        while left > 0 {
            let forms: &[Take] = W::Rx::<'_, Shared>::FORMS;
            let form = forms[dice.roll(forms.len())];
            let count = rx.take(form, left.min(1 + dice.roll(W::N)), &mut |_| ());
            left -= count;
            if count == 0 {
                patience.wait();
            }
        }
    };
    duet::<W, Shared>(usize::MAX, producer, consumer);
    for (number, count) in drops.iter().enumerate() {
        assert_eq!(count.load(Ordering::Relaxed), 1, "item {number}");
    }
}

/// The model in `tests/loom` covers every interleaving of a few operations; this covers many operations.
#[test]
fn d16_a_third_thread_sees_a_length_in_range() {
    let patience = Patience::new();
    let ring = Spsc::<u64, 4>::starting_at(usize::MAX - 3);
    let (mut tx, mut rx) = ring.try_split().unwrap();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0..ITEMS {
                while tx.try_push(number).is_err() {
                    patience.wait();
                }
            }
        });
        scope.spawn(|| {
            for number in 0..ITEMS {
                while rx.peek().is_none() {
                    patience.wait();
                }
                assert_eq!(rx.try_pop(), Ok(number));
            }
            done.store(true, Ordering::Release);
        });
        let mut looks = 0;
        while !done.load(Ordering::Acquire) || looks == 0 {
            looks += 1;
            assert!(ring.len() <= 4);
            // Not `len() == 0`: the two looks are at different times. Each answers, and that is all.
            let _ = (ring.is_empty(), ring.is_full());
            patience.wait();
        }
        assert_eq!((ring.len(), ring.is_empty(), ring.is_full()), (0, true, false));
    });
}
