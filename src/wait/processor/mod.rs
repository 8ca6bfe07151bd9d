//! Platforms for a processor without an operating system: it sleeps until an interrupt, or an event.
//!
//! For targets whose operating system is `none`: Cortex-M (targets `thumbv6m` to `thumbv8m`), RISC-V, x86-64 and aarch64. One
//! thread of execution waits, and interrupt handlers signal it.
//!
//! ```no_run
//! use annulet::wait::{Deadline, processor::Wfi};
//! use annulet::{Channel, Spsc};
//!
//! # fn milliseconds() -> u32 { 0 }
//! /// The time, as the handler of a timer counts it.
//! fn uptime() -> Deadline {
//!     Deadline::at(u64::from(milliseconds()) * 1_000_000)
//! }
//!
//! static BYTES: Channel<Spsc<u8, 64>, Wfi> = Channel::new(Spsc::new(), Wfi::new());
//! static TIMED: Channel<Spsc<u8, 64>, Wfi<fn() -> Deadline>> = Channel::new(Spsc::new(), Wfi::with_clock(uptime));
//! ```
//!
//! # Guarantees
//!
//! A look that finds nothing and the instruction that sleeps are two things, and a handler may run between them. It is not
//! slept through:
//!
//! | | between the look and the sleep |
//! |---|---|
//! | [`Wfi`] on Arm and RISC-V | interrupts are off. A pending one ends the sleep; its handler runs afterwards |
//! | [`Wfi`] on x86-64 | likewise: `sti` lets no interrupt in before the next instruction, which is `hlt` |
//! | `Wfe` on Arm | interrupts are on. Returning from a handler sets the event register, which ends the sleep |
//!
//! Deadlines are as fine as the interrupts: the clock is read when one comes, so a timer must tick. A sleep may end early for
//! any reason, which changes nothing.
//!
//! # What it needs
//!
//! - The caller may mask interrupts. It runs in privileged mode on Cortex-M, in machine mode on RISC-V, in ring 0 on x86-64, at
//!   EL1 or above on aarch64. Unprivileged code of Cortex-M masks nothing and gets no fault: there, [`Wfi`] may sleep through
//!   a signal.
//! - The caller has interrupts on. With interrupts off it does not sleep, or only until the first one is pending, and looks again
//!   and again.
//! - On Cortex-M the caller runs at a lower priority than the handlers that signal: in thread mode, with BASEPRI and FAULTMASK
//!   at 0. An interrupt that the priority masks does not end the sleep.
//! - On Arm and RISC-V, the interrupts of these handlers are enabled in the interrupt controller, or in `mie`.
//! - A handler of a non-maskable interrupt does not signal. [`Wfi`] may sleep through it.
//! - With [`Wfi`], signals come from the same processor. It does not see a signal of another one before its next interrupt: send
//!   it one after the signal. With `Wfe`, signals come from any processor that shares events with this one.
//! - One thread of execution waits. Tasks of a preemptive kernel need the wait queue of that kernel.

#[cfg_attr(target_arch = "arm", path = "cortex_m.rs")]
#[cfg_attr(any(target_arch = "riscv32", target_arch = "riscv64"), path = "riscv.rs")]
#[cfg_attr(target_arch = "x86_64", path = "x86_64.rs")]
#[cfg_attr(target_arch = "aarch64", path = "aarch64.rs")]
mod instructions;
#[cfg(any(target_arch = "arm", target_arch = "aarch64"))]
mod wfe;
mod wfi;

#[cfg(any(target_arch = "arm", target_arch = "aarch64"))]
pub use wfe::Wfe;
pub use wfi::Wfi;
