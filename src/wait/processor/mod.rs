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
//! A look that finds nothing and the instruction that sleeps are two things, and a handler may run between them. It must not
//! be slept through:
//!
//! | | between the look and the sleep |
//! |---|---|
//! | [`Wfi`] on Arm and RISC-V | interrupts are off. One that comes is pending, which ends the sleep all the same; its handler runs once they are on |
//! | [`Wfi`] on x86-64 | likewise; `sti` lets no interrupt in before the next instruction, which is `hlt` |
//! | `Wfe` on Arm | interrupts are on. The return from a handler sets the event register, and the sleep is none |
//!
//! | holds for | |
//! |---|---|
//! | privilege | code that may mask interrupts: privileged mode of Cortex-M, machine mode of RISC-V, ring 0, EL1 or above. Unprivileged Cortex-M code masks nothing, without an error: there, `Wfi` may sleep through a signal |
//! | signallers | handlers of maskable interrupts on the same processor. A handler of a non-maskable interrupt may be slept through by `Wfi` |
//! | several processors | [`Wfi`]: a signal of another one is not seen before the next interrupt: send one after it. `Wfe`: a signal reaches all processors that share events |
//! | interrupts off | a caller with interrupts off does not sleep for long: it looks again and again, or at each one that is pending |
//! | priority (Cortex-M) | the caller runs below the handlers that signal: in thread mode, with BASEPRI and FAULTMASK 0. Others do not end the sleep |
//! | deadlines | are as fine as the interrupts: the clock is read when one comes, so a timer must tick |
//! | debuggers, hypervisors | may end any sleep early, which changes nothing |
//!
//! Wait at one place at a time: two tasks of a preemptive kernel that share a processor need a wait queue of that kernel.

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
