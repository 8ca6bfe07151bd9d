//! One writer, and readers each of which reads everything.

use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use std::time::Instant;

use crate::crew;
use crate::measure::{Budget, Figure, Wait, send};
use crate::rings::{Broadcasts, Form};

/// A reader, and what it has come to.
struct Reader<'r, R: Broadcasts, F> {
    rx: R::Rx<'r>,
    form: F,
    next: u64,
    delivered: u64,
    in_order: bool,
}

impl<R: Broadcasts, F: Form<R>> Reader<'_, R, F> {
    /// Reads up to `chunk` items; how many.
    #[inline(always)]
    fn read(&mut self, chunk: usize) -> usize {
        let Self { rx, form, next, in_order, .. } = self;
        let count = form.receive(rx, chunk, |item| {
            *in_order &= item >= *next;
            *next = item + 1;
        });
        self.delivered += count as u64;
        count
    }

    /// Whether it has come to the end.
    fn is_over(&self, end: u64) -> bool {
        self.delivered + R::missed(&self.rx) >= end
    }
}

/// What the readers of one thread found: how many of them there are, and of all of them together the items they were
/// given after the warm-up, all they were given, and all they missed.
struct Readings {
    readers: usize,
    measured: u64,
    delivered: u64,
    missed: u64,
    time: Duration,
}

/// Publishes consecutive numbers to `readers` readers, on `threads` threads, in chunks of up to `chunk`. Each item is
/// written singly and read singly. A reader must be given them in order, and at the end those that it was given and
/// those that it was told it had missed must be all there were.
///
/// The rate is that of one reader, the mean over them: of items that it was given, from the moment it has come to the
/// item `warm_up` to the end.
pub(crate) fn broadcast<R: Broadcasts, F: Form<R>, W: Wait>(
    readers: usize,
    threads: usize,
    chunk: usize,
    warm_up: u64,
    budget: Budget,
) -> Figure {
    // How many items there are, once the writer has decided.
    let end = &AtomicU64::new(u64::MAX);
    R::with_ends(1, readers, |tx, rx| {
        let reader = |rx| Reader { rx, form: F::default(), next: 0, delivered: 0, in_order: true };
        let mut groups: Vec<Vec<Reader<'_, R, F>>> = (0..threads).map(|_| Vec::new()).collect();
        for (number, rx) in rx.into_iter().enumerate() {
            groups[number % threads].push(reader(rx));
        }
        // Each end comes back, so that none is gone while others are at work.
        let writes = |mut tx| {
            move || {
                send::<R, F, W>(&mut tx, chunk, warm_up, budget, end);
                tx
            }
        };
        let writes: Vec<_> = tx.into_iter().map(writes).collect();
        let mut reads = Vec::new();
        for mut group in groups {
            reads.push(move || read::<R, F, W>(&mut group, chunk, warm_up, end));
        }
        let (_tx, readings, undisturbed) = crew::run(writes, reads);

        let rates = readings.iter().map(|group| group.measured as f64 / group.time.as_secs_f64() / 1e6);
        let value = rates.sum::<f64>() / readings.iter().map(|group| group.readers).sum::<usize>() as f64;
        let items = readings.iter().map(|group| group.measured).sum();
        let missed: u64 = readings.iter().map(|group| group.missed).sum();
        let delivered: u64 = readings.iter().map(|group| group.delivered).sum();
        Figure { value, items, undisturbed, missed: missed as f64 / (missed + delivered) as f64 }
    })
}

/// Lets a thread's readers take turns until each of them has come to the end.
fn read<R: Broadcasts, F: Form<R>, W: Wait>(
    group: &mut [Reader<'_, R, F>],
    chunk: usize,
    warm_up: u64,
    end: &AtomicU64,
) -> Readings {
    let turn = |group: &mut [Reader<'_, R, F>]| {
        let count: usize = group.iter_mut().map(|reader| reader.read(chunk)).sum();
        if count == 0 {
            W::wait();
        }
        count
    };
    while group.iter().any(|reader| reader.next < warm_up) {
        turn(group);
    }
    let delivered = |group: &[Reader<'_, R, F>]| group.iter().map(|reader| reader.delivered).sum::<u64>();
    let (start, before) = (Instant::now(), delivered(group));
    loop {
        let end = || end.load(Ordering::Acquire);
        if turn(group) == 0 && group.iter().all(|reader| reader.is_over(end())) {
            break;
        }
    }
    let time = start.elapsed();
    let missed = group.iter().map(|reader| R::missed(&reader.rx)).sum();
    let all = end.load(Ordering::Acquire);
    for reader in &*group {
        let whole = reader.delivered + R::missed(&reader.rx) == all;
        assert!(reader.in_order && whole, "{} {} lost the order, or an item", R::NAME, F::NAME);
    }
    let delivered = delivered(group);
    Readings { readers: group.len(), measured: delivered - before, delivered, missed, time }
}
