//! Channels over the platforms that the crate has for a target without an operating system, and what else waits.

use annulet::channel::{Receiver, Sender};
#[cfg(target_has_atomic = "64")]
use annulet::wait::Metered;
#[cfg(any(target_arch = "arm", target_arch = "aarch64"))]
use annulet::wait::processor::Wfe;
use annulet::wait::processor::Wfi;
use annulet::wait::{Deadline, Event, Strategy, TasksOnly, Wait};
use annulet::{Channel, Mpmc, Spsc};
use core::hint::black_box;
use core::sync::atomic::{AtomicU32, Ordering};
use core::task::{Context, Poll, Waker};
use core::time::Duration;

/// Milliseconds, counted by the handler of the clock.
static TICKS: AtomicU32 = AtomicU32::new(0);

fn uptime() -> Deadline {
    Deadline::at(u64::from(TICKS.load(Ordering::Relaxed)) * 1_000_000)
}

type Clock = fn() -> Deadline;

/// All of them can be made in a `static`.
static UNTIMED: Channel<Spsc<u32, 4>, Wfi> = Channel::over(Spsc::new(), Wfi::new());
static TASKS: Channel<Spsc<u32, 4>, TasksOnly> = Channel::over(Spsc::new(), TasksOnly::new());
static TIMED_TASKS: Channel<Spsc<u32, 4>, TasksOnly<Clock>> =
    Channel::over(Spsc::new(), TasksOnly::with_clock(uptime));
#[cfg(any(target_arch = "arm", target_arch = "aarch64"))]
static EVENTS: Channel<Spsc<u32, 4>, Wfe> = Channel::over(Spsc::new(), Wfe::new());

type Jobs<W> = Channel<Spsc<u32, 4>, W>;

/// Both ends of a channel, and an event.
struct Waits<W: Wait + 'static> {
    ends: (Sender<&'static Jobs<W>>, Receiver<&'static Jobs<W>>),
    many: &'static Channel<Mpmc<u32, 4>, W>,
    data: Event<0>,
    wait: W,
}

pub fn run() {
    run_over(Wfi::<Clock>::with_clock(uptime));
    #[cfg(any(target_arch = "arm", target_arch = "aarch64"))]
    {
        run_over(Wfe::<Clock>::with_clock(uptime));
        without_clock(&EVENTS);
    }
    without_clock(&UNTIMED);
    polled(&TASKS);
    polled(&TIMED_TASKS);
    #[cfg(target_has_atomic = "64")]
    black_box(Metered::new(TasksOnly::new()).inner().now());
}

/// What a channel can do whose platform has no clock: everything but time-outs.
fn without_clock<W: Wait + 'static>(channel: &'static Jobs<W>) {
    if let Some((mut tx, mut rx)) = channel.try_split() {
        rx.set_strategy(Strategy::sleep(Duration::from_millis(1)));
        let sent = tx.send(black_box(7)).is_ok();
        black_box((sent, rx.recv().is_ok(), rx.recv_deadline(Deadline::at(black_box(0))).is_ok()));
    }
}

/// What tasks can do whose platform cannot sleep.
fn polled<W: Wait + 'static>(channel: &'static Jobs<W>) {
    if let Some((mut tx, mut rx)) = channel.try_split() {
        let mut context = Context::from_waker(black_box(Waker::noop()));
        let sent = core::pin::pin!(tx.send_async(black_box(7))).poll(&mut context).is_ready();
        let received = matches!(core::pin::pin!(rx.recv_async()).poll(&mut context), Poll::Ready(Ok(_)));
        black_box((sent, received));
    }
}

fn run_over<W: Wait + Copy + 'static>(wait: W) {
    let (channel, many) = (Channel::over(Spsc::<u32, 4>::new(), wait), Channel::over(Mpmc::new(), wait));
    // SAFETY: the ends are dropped with `waits` below, before the channel is; nothing of `Waits` outlives this call.
    let forever: &'static Channel<Spsc<u32, 4>, W> = unsafe { &*core::ptr::from_ref(&channel) };
    // SAFETY: as above.
    let many: &'static Channel<Mpmc<u32, 4>, W> = unsafe { &*core::ptr::from_ref(&many) };
    let Some(ends) = forever.try_split() else { return };
    let mut waits = Waits { ends, many, data: Event::new(), wait };
    all(&mut waits);
    drop(waits);
}

ops! {
    all[W: Wait + Copy + 'static] Waits<W>:
    // What the handler of the clock does.
    tick(_, _, _) {
        TICKS.store(TICKS.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
        0
    }
    send_and_receive(waits, a, _) {
        let (tx, rx) = &mut waits.ends;
        usize::from(tx.try_send(a as u32).is_ok()) + rx.try_recv().map_or(0, |item| item as usize)
    }
    send(waits, a, _) { waits.ends.0.send(a as u32).map_or_else(|back| back.into_inner() as usize, |()| 0) }
    receive(waits, _, _) { waits.ends.1.recv().map_or(0, |item| item as usize) }
    batches(waits, a, b) {
        let (tx, rx) = &mut waits.ends;
        tx.set_strategy(Strategy::phased(a as u32, b as u32));
        let sent = tx.send_iter(&mut (0..a as u32)).unwrap_or(0);
        let mut sum = 0_u32;
        sent + rx.drain(b, |item| sum ^= item).unwrap_or(0) + sum as usize
    }
    with_deadlines(waits, a, b) {
        let (tx, rx) = &mut waits.ends;
        rx.set_strategy(Strategy::timed(Duration::from_millis(a as u64)));
        let sent = tx.send_deadline(a as u32, Deadline::at(b as u64)).is_ok();
        let received = rx.recv_timeout(Duration::from_micros(b as u64)).is_ok();
        usize::from(sent) + usize::from(received) + waits.many.waiting().receivers
    }
    many(waits, a, _) {
        let Some((tx, mut rx)) = waits.many.try_split() else { return 0 };
        let sent = tx.clone().send(a as u32).is_ok();
        usize::from(sent) + rx.recv().map_or(0, |item| item as usize) + tx.receivers()
    }
    event(waits, a, b) {
        waits.data.signal(&waits.wait, a as u32);
        waits.data.signal_all(&waits.wait);
        let until = Deadline::at(b as u64);
        let mut looks = 0_usize;
        let found = waits.data.wait_until(&waits.wait, Strategy::block(), until, || {
            looks = looks.wrapping_add(1);
            (looks > a).then_some(looks)
        });
        found.unwrap_or(0) + waits.data.waiting()
    }
    close(waits, _, _) {
        waits.ends.0.close();
        drop(waits.ends.1.end());
        usize::from(waits.ends.1.is_closed()) + waits.ends.1.senders()
    }
}
