//! Several senders and several receivers over one ring.

use core::mem::take;
use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::OnceLock;
use std::time::Instant;

use crate::crew;
use crate::measure::{Budget, Figure, Wait};
use crate::rings::{Form, Many};

/// How many senders there are at most.
const SENDERS: usize = 8;
/// An item is the number of its sender, and below these bits its number among that sender's items.
const NUMBER: u32 = 48;

/// What all threads of a measurement know.
struct Tally {
    /// Senders that have not ended.
    sending: AtomicUsize,
    /// Items of those that have.
    sent: AtomicU64,
    /// Items that receivers have reported.
    seen: AtomicU64,
    warm_up: u64,
    /// When more than `warm_up` had been, and how many.
    start: OnceLock<(Instant, u64)>,
}

impl Tally {
    /// Reports that `count` more items were received.
    fn add(&self, count: u64) {
        let seen = self.seen.fetch_add(count, Ordering::Relaxed) + count;
        if seen > self.warm_up && seen - count <= self.warm_up {
            // Only one report crosses the line.
            let _ = self.start.set((Instant::now(), seen));
        }
    }

    /// Whether every item that will be sent has been.
    fn all_is_sent(&self) -> bool {
        self.sending.load(Ordering::Acquire) == 0
    }

    /// Whether every item has been received.
    fn is_over(&self) -> bool {
        self.all_is_sent() && self.seen.load(Ordering::Relaxed) == self.sent.load(Ordering::Relaxed)
    }
}

/// What a receiver found.
struct Received {
    /// The sum of the items.
    sum: u64,
    /// Whether those of each sender came in the order in which it sent them.
    in_order: bool,
    /// When the last one was there.
    end: Instant,
}

/// Lets `senders` threads send as fast as the ring lets them, in chunks of up to `chunk`, and as many as `receivers`
/// receive. Each item is written singly and read singly. Those of one sender must come in its order at each receiver,
/// and all together be those that were sent, once each.
///
/// The rate is that of all receivers together, from the moment they have seen `warm_up` items to the end. They report
/// in blocks.
pub(crate) fn crowd<R: Many, F: Form<R>, W: Wait>(
    [senders, receivers]: [usize; 2],
    chunk: usize,
    warm_up: u64,
    budget: Budget,
) -> Figure {
    assert!(senders <= SENDERS, "there are {SENDERS} senders at most");
    let tally = &Tally {
        sending: AtomicUsize::new(senders),
        sent: AtomicU64::new(0),
        seen: AtomicU64::new(0),
        warm_up,
        start: OnceLock::new(),
    };
    R::with_ends(senders, receivers, |tx, rx| {
        // Each end comes back, so that none is gone while others are at work.
        let sends = |(number, mut tx)| {
            move || {
                let sent = send::<R, F, W>(&mut tx, number, chunk, budget, tally);
                (sent, tx)
            }
        };
        let receives = |mut rx| {
            move || {
                let received = receive::<R, F, W>(&mut rx, chunk, tally);
                (received, rx)
            }
        };
        let sends: Vec<_> = tx.into_iter().enumerate().map(sends).collect();
        let receives: Vec<_> = rx.into_iter().map(receives).collect();
        let (sent, received, undisturbed) = crew::run(sends, receives);

        let sums = sent.iter().enumerate().map(|(number, &(sent, _))| {
            first_item(number).wrapping_mul(sent).wrapping_add(sent * (sent - 1) / 2)
        });
        let expected = sums.fold(0, u64::wrapping_add);
        let sum = received.iter().map(|(received, _)| received.sum).fold(0, u64::wrapping_add);
        let in_order = received.iter().all(|(received, _)| received.in_order);
        assert!(in_order && sum == expected, "{} {} lost the order, or an item", R::NAME, F::NAME);

        let &(start, before) = tally.start.get().expect("more items were sent than warm up");
        let end = received.iter().map(|(received, _)| received.end).max().expect("there are receivers");
        let items = tally.seen.load(Ordering::Relaxed) - before;
        let value = items as f64 / (end - start).as_secs_f64() / 1e6;
        Figure { value, items, undisturbed, missed: 0.0 }
    })
}

/// The first item of a sender.
fn first_item(number: usize) -> u64 {
    (number as u64) << NUMBER
}

/// Sends until the budget is spent; how many.
fn send<R: Many, F: Form<R>, W: Wait>(
    tx: &mut R::Tx<'_>,
    number: usize,
    chunk: usize,
    budget: Budget,
    tally: &Tally,
) -> u64 {
    /// Items between two looks at the clock.
    const BLOCK: u64 = 1024;

    let mut form = F::default();
    let first = first_item(number);
    let (mut sent, mut next_look) = (0, 0);
    let start = Instant::now();
    loop {
        next_look += BLOCK;
        while sent < next_look {
            let count = form.send(tx, first + sent, chunk);
            if count == 0 {
                W::wait();
            }
            sent += count as u64;
        }
        if sent > tally.warm_up && budget.is_spent(start, sent) {
            break;
        }
    }
    tally.sent.fetch_add(sent, Ordering::Relaxed);
    tally.sending.fetch_sub(1, Ordering::Release);
    sent
}

/// Receives until everything that was sent has been received, by anybody.
fn receive<R: Many, F: Form<R>, W: Wait>(rx: &mut R::Rx<'_>, chunk: usize, tally: &Tally) -> Received {
    /// Items between two reports.
    const BLOCK: u64 = 512;

    let mut form = F::default();
    let (mut next, mut in_order, mut sum) = ([0; SENDERS], true, 0_u64);
    let mut unreported = 0;
    let mut end = Instant::now();
    loop {
        let count = form.receive(rx, chunk, |item| {
            let number = item & ((1 << NUMBER) - 1);
            match next.get_mut((item >> NUMBER) as usize) {
                Some(next) if *next <= number => *next = number + 1,
                _ => in_order = false,
            }
            sum = sum.wrapping_add(item);
        });
        unreported += count as u64;
        if unreported >= BLOCK || (count == 0 && unreported > 0 && tally.all_is_sent()) {
            tally.add(take(&mut unreported));
            end = Instant::now();
        }
        if count == 0 {
            if tally.is_over() {
                return Received { sum, in_order, end };
            }
            W::wait();
        }
    }
}
