//! Any number of threads, dealt out to the two processors in turn.

use core::time::Duration;
use std::thread::scope;
use std::time::Instant;

use crate::measure::Gate;
use crate::place::{PROCESSORS, Times, pin, processors, times};

/// One thread's part of a measurement.
struct Shift {
    side: usize,
    from: Instant,
    to: Instant,
    times: Option<Times>,
}

/// Runs each of `first` and then each of `second` on a thread of its own, from the same moment: the first thread on
/// the first processor, the next one on the second, the next one on the first again.
///
/// Also whether they were left alone: false when somebody else had one of the processors for more than one part in a
/// hundred of the time.
pub(crate) fn run<A: Send, B: Send>(
    first: Vec<impl FnOnce() -> A + Send>,
    second: Vec<impl FnOnce() -> B + Send>,
) -> (Vec<A>, Vec<B>, bool) {
    let _ = processors();
    let count = first.len() + second.len();
    let gate = &Gate::default();
    let (first, second): (Vec<_>, Vec<_>) = scope(|threads| {
        let sides = &mut (0..PROCESSORS).cycle();
        let first: Vec<_> = first
            .into_iter()
            .zip(&mut *sides)
            .map(|(part, side)| threads.spawn(move || shift(side, gate, count, part)))
            .collect();
        let second: Vec<_> = (second.into_iter())
            .zip(sides)
            .map(|(part, side)| threads.spawn(move || shift(side, gate, count, part)))
            .collect();
        (
            first.into_iter().map(|thread| thread.join().expect("a thread ran to its end")).collect(),
            second.into_iter().map(|thread| thread.join().expect("a thread ran to its end")).collect(),
        )
    });
    let (first, mut shifts): (Vec<A>, Vec<Shift>) = first.into_iter().unzip();
    let (second, more): (Vec<B>, Vec<Shift>) = second.into_iter().unzip();
    shifts.extend(more);
    (first, second, (0..PROCESSORS).all(|side| was_left_alone(side, &shifts)))
}

fn shift<R>(side: usize, gate: &Gate, count: usize, part: impl FnOnce() -> R) -> (R, Shift) {
    pin(side);
    gate.pass(count);
    let (before, from) = (times(), Instant::now());
    let result = part();
    let (to, after) = (Instant::now(), times());
    let times = before.zip(after).map(|(before, after)| after.since(before));
    (result, Shift { side, from, to, times })
}

/// Whether hardly anybody else ran on that processor.
///
/// Threads of ours that share it wait for each other, so waiting alone says nothing. Somebody else had it at most for
/// as long as none of ours ran, and at most for as long as ours were waiting.
fn was_left_alone(side: usize, shifts: &[Shift]) -> bool {
    let shifts = || shifts.iter().filter(|shift| shift.side == side);
    let Some((from, to)) = shifts().map(|shift| shift.from).min().zip(shifts().map(|shift| shift.to).max())
    else {
        return true;
    };
    let Some(times) = shifts().map(|shift| shift.times).collect::<Option<Vec<Times>>>() else { return true };
    let span = to - from;
    let ran: Duration = times.iter().map(|times| times.ran).sum();
    let waited: Duration = times.iter().map(|times| times.waited).sum();
    waited.min(span.saturating_sub(ran)) * 100 <= span
}

#[cfg(test)]
mod tests {
    use super::{Duration, Instant, Shift, Times, run, was_left_alone};

    #[test]
    fn each_part_runs_once() {
        let parts = |range: core::ops::Range<u32>| range.map(|number| move || number).collect();
        let (first, second, _) = run(parts(0..3), parts(3..5));
        assert_eq!((first, second), (vec![0, 1, 2], vec![3, 4]));
    }

    #[test]
    fn threads_that_wait_for_each_other_are_left_alone() {
        let from = Instant::now();
        let shift = |side, ran, waited| Shift {
            side,
            from,
            to: from + Duration::from_millis(100),
            times: Some(Times { ran: Duration::from_millis(ran), waited: Duration::from_millis(waited) }),
        };
        assert!(was_left_alone(0, &[shift(0, 50, 50), shift(0, 50, 50), shift(1, 10, 90)]));
        assert!(!was_left_alone(1, &[shift(0, 50, 50), shift(0, 50, 50), shift(1, 10, 90)]));
        assert!(!was_left_alone(0, &[shift(0, 40, 60), shift(0, 50, 50)]));
        // Asleep: nobody was kept from running.
        assert!(was_left_alone(0, &[shift(0, 10, 0)]));
        assert!(was_left_alone(0, &[]));
    }
}
