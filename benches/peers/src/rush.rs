//! Several senders at once, while nobody receives: what they cost each other.

use core::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use core::time::Duration;
use std::time::Instant;

use crate::crew;
use crate::measure::{Budget, Figure, Wait};
use crate::rings::{Many, Single};

/// Where threads meet, again and again.
#[derive(Default)]
struct Meeting(AtomicUsize);

impl Meeting {
    /// Waits until all `count` threads are here for the `times`-th time, from 1 on.
    fn pass<W: Wait>(&self, count: usize, times: &mut usize) {
        *times += 1;
        self.0.fetch_add(1, Ordering::SeqCst);
        while self.0.load(Ordering::SeqCst) < count * *times {
            W::wait();
        }
    }
}

/// In rounds, lets each of `senders` threads push `each` items, for which there is room, one at a time; one that is refused
/// tries again. In between, somebody takes them all out and counts them, which takes no part in the time.
///
/// The rate is that of all senders together.
pub(crate) fn rush<R: Many + Single, W: Wait>(senders: usize, each: u64, budget: Budget) -> Figure {
    let (meeting, over) = (&Meeting::default(), &AtomicBool::new(false));
    let (busy, rounds) = (&AtomicU64::new(0), &AtomicU64::new(0));
    R::with_ends(senders, 1, |tx, rx| {
        let mut rx = rx.into_iter();
        let rushes = |mut tx| {
            // The first one has it.
            let mut rx = rx.next();
            move || {
                let (begun, mut times) = (Instant::now(), 0);
                loop {
                    meeting.pass::<W>(senders, &mut times);
                    if over.load(Ordering::Relaxed) {
                        return;
                    }
                    let start = Instant::now();
                    for item in 0..each {
                        while !R::push(&mut tx, item) {
                            W::wait();
                        }
                    }
                    meeting.pass::<W>(senders, &mut times);
                    let Some(rx) = &mut rx else { continue };
                    busy.fetch_add(start.elapsed().as_nanos() as u64, Ordering::Relaxed);
                    let done = rounds.fetch_add(1, Ordering::Relaxed) + 1;
                    let (mut count, mut sum) = (0, 0);
                    while count < each * senders as u64 {
                        if let Some(item) = R::pop(rx) {
                            (count, sum) = (count + 1, sum + item);
                        }
                    }
                    assert_eq!(sum, senders as u64 * (each * (each - 1) / 2), "{} lost an item", R::NAME);
                    assert!(R::pop(rx).is_none(), "{} gave an item twice", R::NAME);
                    over.store(budget.is_spent(begun, done * count), Ordering::Relaxed);
                }
            }
        };
        let rushes: Vec<_> = tx.into_iter().map(rushes).collect();
        let (_, _, undisturbed) = crew::run(rushes, Vec::<fn()>::new());
        let items = rounds.load(Ordering::Relaxed) * each * senders as u64;
        let time = Duration::from_nanos(busy.load(Ordering::Relaxed));
        Figure { value: items as f64 / time.as_secs_f64() / 1e6, items, undisturbed, missed: 0.0 }
    })
}

#[cfg(test)]
mod tests {
    use super::{Budget, Duration, rush};
    use crate::measure::Yield;
    use crate::rings::{Annulet, Laned, Lone, Multi};

    #[test]
    fn each_round_is_counted_whole() {
        let budget = Budget { time: Duration::ZERO, items: 200 };
        for figure in [
            rush::<Annulet<64, Multi, Lone>, Yield>(2, 32, budget),
            rush::<Laned<32, 2>, Yield>(2, 32, budget),
        ] {
            assert_eq!(figure.items, 256, "four rounds of two senders");
            assert!(figure.value > 0.0);
        }
    }
}
