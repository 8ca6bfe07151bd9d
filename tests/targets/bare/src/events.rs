//! `Event`, `Waiter`, `Backoff`, `Deadline`, over a platform made by hand.

use core::hint::black_box;
use core::sync::atomic::{AtomicU32, Ordering};
use core::task::{Context, Poll, Waker};
use core::time::Duration;

use annulet::wait::{Backoff, Deadline, Event, Notify, Step, Strategy, Wait, Waiter, Word};

use crate::{Op, call_all};

/// A core with nothing else to do: it looks at the word until that has changed.
#[derive(Clone, Copy)]
pub struct Idle;

/// Its clock: how often it was asked.
static CLOCK: AtomicU32 = AtomicU32::new(0);

impl Notify for Idle {
    fn notify(&self, word: &Word, count: u32) -> u32 {
        black_box(word);
        black_box(count)
    }
    fn has_process_fence(&self) -> bool {
        black_box(true)
    }
}

impl Wait for Idle {
    fn now(&self) -> Deadline {
        let now = CLOCK.load(Ordering::Relaxed).wrapping_add(1);
        CLOCK.store(now, Ordering::Relaxed);
        Deadline::at(now.into())
    }
    fn wait(&self, word: &Word, seen: u32, until: Deadline) {
        while word.get() == seen && !until.has_come(self.now()) {
            core::hint::spin_loop();
        }
    }
    fn process_fence(&self) -> bool {
        black_box(true)
    }
    fn default_strategy(&self) -> Strategy {
        strategy(black_box(5), black_box(7))
    }
}

/// One of all strategies.
pub fn strategy(a: usize, b: usize) -> Strategy {
    let (span, spins, yields) = (Duration::from_nanos(b as u64), a as u32, b as u32);
    match a {
        0 => Strategy::spin(),
        1 => Strategy::yielding(),
        2 => Strategy::sleep(span),
        3 => Strategy::timed(span),
        4 => Strategy::phased(spins, yields),
        5 => Strategy::sleep(span).after(spins, yields),
        6 => Strategy::block().after(spins, yields),
        _ => Strategy::block(),
    }
}

pub fn run() {
    call_all(&[signal, signal_all, waiting, wait_until, ticket], &mut Event::<8>::new());
    call_all(&[signal, signal_all, waiting, wait_until, ticket], &mut Event::<0>::new());
    call_all(OTHERS, &mut ());
}

fn signal<const TASKS: usize>(event: &mut Event<TASKS>, a: usize, _: usize) -> usize {
    event.signal(&Idle, a as u32);
    0
}

fn signal_all<const TASKS: usize>(event: &mut Event<TASKS>, _: usize, _: usize) -> usize {
    event.signal_all(&&Idle);
    0
}

fn waiting<const TASKS: usize>(event: &mut Event<TASKS>, _: usize, _: usize) -> usize {
    event.waiting() + event.crowded() as usize
}

fn wait_until<const TASKS: usize>(event: &mut Event<TASKS>, a: usize, b: usize) -> usize {
    let look = || black_box(None::<usize>);
    event.wait_until(&&Idle, strategy(a, b), Deadline::at(b as u64), look).unwrap_or(a)
}

fn ticket<const TASKS: usize>(event: &mut Event<TASKS>, a: usize, _: usize) -> usize {
    let mut ticket = Waiter::new(event, &Idle);
    let mut context = Context::from_waker(black_box(Waker::noop()));
    let mut polled = Poll::Pending;
    for _ in 0..a {
        polled = ticket.poll(&mut context, || black_box(None::<usize>));
        event.signal(&Idle, 1);
    }
    match polled {
        Poll::Ready(found) => found,
        Poll::Pending => a,
    }
}

const OTHERS: &[Op<()>] = &[backoff, deadline];

fn backoff(_: &mut (), a: usize, b: usize) -> usize {
    let mut backoff = Backoff::new(strategy(a, b));
    let mut seen = 0;
    for _ in 0..a {
        seen += match backoff.snooze(&Idle) {
            Step::Sleep(span) | Step::Block(Some(span)) => span.subsec_nanos() as usize,
            step => usize::from(step == backoff.step()),
        };
    }
    backoff.reset();
    seen
}

fn deadline(_: &mut (), a: usize, b: usize) -> usize {
    let (one, two) = (Deadline::at(a as u64), Deadline::at(b as u64));
    let span = two.since(one);
    let later = one.plus(span).plus(Duration::new(a as u64, 0)).earlier(Deadline::NEVER);
    later.nanos() as usize ^ span.subsec_nanos() as usize ^ usize::from(later.has_come(two))
}
