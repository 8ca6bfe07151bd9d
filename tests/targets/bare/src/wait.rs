//! A channel that sleeps by the processor's own instruction: what a program without an operating system supplies.
//!
//! One processor, whose interrupt handlers send what its one thread of execution receives. A look that finds nothing and
//! the instruction that sleeps are two things, and the handler may run between them; it must not be slept through:
//!
//! | | between the look and the sleep |
//! |---|---|
//! | [`Wfi`] on Arm, RISC-V | interrupts are off. One that comes is pending, which ends the sleep all the same; its handler runs when they are on again |
//! | [`Wfi`] on x86-64 | likewise, and `sti` lets none in before the next instruction, which is `hlt` |
//! | [`Wfe`] on Arm | an exception that is entered, or left, sets the event register; the sleep takes that, and is none |
//!
//! Either sleep ends with any interrupt, the one of the clock among them: deadlines are as fine as its tick. Whoever runs
//! with interrupts off all the time does not sleep, but looks again and again.

use annulet::channel::{Receiver, Sender};
use annulet::wait::{Deadline, Event, Notify, Strategy, Wait, Word};
use annulet::{Channel, Mpmc, Spsc};
use core::sync::atomic::{AtomicU32, Ordering};
use core::time::Duration;

use crate::{Op, call_all};

/// Milliseconds, counted by the handler of the clock.
static TICKS: AtomicU32 = AtomicU32::new(0);

fn uptime() -> Deadline {
    Deadline::at(u64::from(TICKS.load(Ordering::Relaxed)) * 1_000_000)
}

/// Waits for an interrupt.
#[derive(Clone, Copy)]
pub struct Wfi;

impl Notify for Wfi {
    /// Whoever signals is a handler, whose interrupt has ended the sleep.
    fn notify(&self, _: &Word, _: u32) -> u32 {
        0
    }
}

impl Wait for Wfi {
    fn now(&self) -> Deadline {
        uptime()
    }
    fn wait(&self, word: &Word, seen: u32, _: Deadline) {
        sleep_while(word, seen);
    }
}

/// Sleeps until the next interrupt, if the word still holds that.
// A function of its own, so that `.ci/bare` finds it: interrupts off, the load, the sleep, interrupts as they were. Where the
// load is a critical section of its own, that leaves them off, as it has found them.
#[inline(never)]
fn sleep_while(word: &Word, seen: u32) {
    let before = processor::interrupts_off();
    if word.get() == seen {
        processor::sleep(before);
    } else {
        processor::restore(before);
    }
}

// None of these has the option `nomem`: no access to memory is moved across them.
#[cfg(target_arch = "arm")]
mod processor {
    use core::arch::asm;

    #[inline(always)]
    pub fn interrupts_off() -> u32 {
        let before;
        // SAFETY: it masks interrupts, which takes nothing from anybody; the mask is put back by `restore`.
        unsafe { asm!("mrs {}, PRIMASK", "cpsid i", out(reg) before, options(nostack, preserves_flags)) };
        before
    }

    #[inline(always)]
    pub fn sleep(before: u32) {
        // SAFETY: it waits, and changes nothing.
        unsafe { asm!("dsb", "wfi", options(nostack, preserves_flags)) };
        restore(before);
    }

    #[inline(always)]
    pub fn restore(before: u32) {
        // SAFETY: the mask is as it was before `interrupts_off`.
        unsafe { asm!("msr PRIMASK, {}", in(reg) before, options(nostack, preserves_flags)) };
    }

    /// Sleeps, unless there was an event since the last time.
    #[inline(always)]
    pub fn wait_for_event() {
        // SAFETY: it waits, and changes nothing but the event register.
        unsafe { asm!("wfe", options(nostack, preserves_flags)) };
    }

    /// An event for all processors, after all that was stored before it.
    #[inline(always)]
    pub fn send_event() {
        // SAFETY: it changes nothing but event registers.
        unsafe { asm!("dsb", "sev", options(nostack, preserves_flags)) };
    }
}

#[cfg(any(target_arch = "riscv32", target_arch = "riscv64"))]
mod processor {
    use core::arch::asm;

    /// The bit of `mstatus` that lets interrupts in.
    const MIE: usize = 0b1000;

    #[inline(always)]
    pub fn interrupts_off() -> usize {
        let before;
        // SAFETY: it masks interrupts, which takes nothing from anybody; the mask is put back by `restore`.
        unsafe { asm!("csrrci {}, mstatus, 8", out(reg) before, options(nostack, preserves_flags)) };
        before
    }

    #[inline(always)]
    pub fn sleep(before: usize) {
        // SAFETY: it waits, and changes nothing.
        unsafe { asm!("wfi", options(nostack, preserves_flags)) };
        restore(before);
    }

    #[inline(always)]
    pub fn restore(before: usize) {
        // SAFETY: the one bit that `interrupts_off` has cleared is set again, if it was.
        unsafe { asm!("csrs mstatus, {}", in(reg) before & MIE, options(nostack, preserves_flags)) };
    }
}

#[cfg(target_arch = "x86_64")]
mod processor {
    use core::arch::asm;

    /// The flag that lets interrupts in.
    const IF: u64 = 1 << 9;

    #[inline(always)]
    pub fn interrupts_off() -> u64 {
        let before;
        // SAFETY: it masks interrupts, which takes nothing from anybody; the flag is put back by `restore`. The stack is
        // used as declared, since `nostack` is not.
        unsafe { asm!("pushfq", "pop {}", "cli", out(reg) before, options(preserves_flags)) };
        before
    }

    #[inline(always)]
    pub fn sleep(before: u64) {
        if before & IF != 0 {
            // SAFETY: it lets interrupts in, as they were, and waits for one. None comes between the two.
            unsafe { asm!("sti", "hlt", options(nostack)) };
        }
    }

    #[inline(always)]
    pub fn restore(before: u64) {
        if before & IF != 0 {
            // SAFETY: the flag is as it was before `interrupts_off`.
            unsafe { asm!("sti", options(nostack)) };
        }
    }
}

#[cfg(target_arch = "aarch64")]
mod processor {
    use core::arch::asm;

    #[inline(always)]
    pub fn interrupts_off() -> u64 {
        let before;
        // SAFETY: it masks interrupts, which takes nothing from anybody; the mask is put back by `restore`.
        unsafe {
            asm!("mrs {}, daif", "msr daifset, #2", out(reg) before, options(nostack, preserves_flags))
        };
        before
    }

    #[inline(always)]
    pub fn sleep(before: u64) {
        // SAFETY: it waits, and changes nothing.
        unsafe { asm!("dsb sy", "wfi", options(nostack, preserves_flags)) };
        restore(before);
    }

    #[inline(always)]
    pub fn restore(before: u64) {
        // SAFETY: the mask is as it was before `interrupts_off`.
        unsafe { asm!("msr daif, {}", in(reg) before, options(nostack, preserves_flags)) };
    }
}

/// Waits for an event: interrupts stay on, and another processor may signal, too.
#[cfg(target_arch = "arm")]
#[derive(Clone, Copy)]
pub struct Wfe;

#[cfg(target_arch = "arm")]
impl Notify for Wfe {
    fn notify(&self, _: &Word, _: u32) -> u32 {
        processor::send_event();
        0
    }
}

#[cfg(target_arch = "arm")]
impl Wait for Wfe {
    fn now(&self) -> Deadline {
        uptime()
    }
    fn wait(&self, word: &Word, seen: u32, _: Deadline) {
        if word.get() == seen {
            processor::wait_for_event();
        }
    }
}

type Jobs<W> = Channel<Spsc<u32, 4>, W>;

/// Both ends of a channel, and an event.
struct Waits<W: Wait + 'static> {
    ends: (Sender<&'static Jobs<W>>, Receiver<&'static Jobs<W>>),
    many: &'static Channel<Mpmc<u32, 4>, W>,
    data: Event<0>,
    wait: W,
}

pub fn run() {
    run_over(Wfi);
    #[cfg(target_arch = "arm")]
    run_over(Wfe);
}

fn run_over<W: Wait + Copy + 'static>(wait: W) {
    let (channel, many) = (Channel::over(Spsc::<u32, 4>::new(), wait), Channel::over(Mpmc::new(), wait));
    // SAFETY: the ends are dropped with `waits` below, before the channel is; nothing of `Waits` outlives this call.
    let forever: &'static Channel<Spsc<u32, 4>, W> = unsafe { &*core::ptr::from_ref(&channel) };
    // SAFETY: as above.
    let many: &'static Channel<Mpmc<u32, 4>, W> = unsafe { &*core::ptr::from_ref(&many) };
    let Some(ends) = forever.try_split() else { return };
    let mut waits = Waits { ends, many, data: Event::new(), wait };
    call_all(Ops::<W>::TABLE, &mut waits);
    drop(waits);
}

struct Ops<W>(core::marker::PhantomData<W>);

impl<W: Wait + Copy + 'static> Ops<W> {
    const TABLE: &'static [Op<Waits<W>>] =
        &[tick, send_and_receive, send, receive, batches, with_deadlines, many, event, close];
}

/// What the handler of the clock does.
fn tick<W: Wait>(_: &mut Waits<W>, _: usize, _: usize) -> usize {
    TICKS.store(TICKS.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
    0
}

fn send_and_receive<W: Wait>(waits: &mut Waits<W>, a: usize, _: usize) -> usize {
    let (tx, rx) = &mut waits.ends;
    usize::from(tx.try_send(a as u32).is_ok()) + rx.try_recv().map_or(0, |item| item as usize)
}

fn send<W: Wait>(waits: &mut Waits<W>, a: usize, _: usize) -> usize {
    waits.ends.0.send(a as u32).map_or_else(|back| back.into_inner() as usize, |()| 0)
}

fn receive<W: Wait>(waits: &mut Waits<W>, _: usize, _: usize) -> usize {
    waits.ends.1.recv().map_or(0, |item| item as usize)
}

fn batches<W: Wait>(waits: &mut Waits<W>, a: usize, b: usize) -> usize {
    let (tx, rx) = &mut waits.ends;
    tx.set_strategy(Strategy::phased(a as u32, b as u32));
    let sent = tx.send_iter(&mut (0..a as u32)).unwrap_or(0);
    let mut sum = 0_u32;
    sent + rx.drain(b, |item| sum ^= item).unwrap_or(0) + sum as usize
}

fn with_deadlines<W: Wait>(waits: &mut Waits<W>, a: usize, b: usize) -> usize {
    let (tx, rx) = &mut waits.ends;
    rx.set_strategy(Strategy::timed(Duration::from_millis(a as u64)));
    let sent = tx.send_deadline(a as u32, Deadline::at(b as u64)).is_ok();
    let received = rx.recv_timeout(Duration::from_micros(b as u64)).is_ok();
    usize::from(sent) + usize::from(received) + waits.many.waiting().receivers
}

fn many<W: Wait>(waits: &mut Waits<W>, a: usize, _: usize) -> usize {
    let Some((tx, mut rx)) = waits.many.try_split() else { return 0 };
    let sent = tx.clone().send(a as u32).is_ok();
    usize::from(sent) + rx.recv().map_or(0, |item| item as usize) + tx.receivers()
}

fn event<W: Wait>(waits: &mut Waits<W>, a: usize, b: usize) -> usize {
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

fn close<W: Wait>(waits: &mut Waits<W>, _: usize, _: usize) -> usize {
    waits.ends.0.close();
    drop(waits.ends.1.end());
    usize::from(waits.ends.1.is_closed()) + waits.ends.1.senders()
}
