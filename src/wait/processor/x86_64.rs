//! x86-64, ring 0.
//!
//! No instruction here has the option `nomem`, so the compiler moves no access to memory across one.

use core::arch::asm;

/// The flag that lets interrupts in.
const IF: u64 = 1 << 9;

/// Masks interrupts. Returns the flags as they were.
#[inline(always)]
pub(super) fn interrupts_off() -> u64 {
    let before;
    // SAFETY:
    // - `pushfq` and `pop` move the flags to the declared register over the stack, which they may use, because the option
    //   `nostack` is missing: the compiler keeps nothing below the stack pointer here;
    // - `cli` clears IF, which only delays interrupts: nothing that a program may rely on holds because one comes, and `sleep`
    //   or `restore`, one of which follows, puts it back. Outside of ring 0, it is a fault;
    // - IF is none of the flags that the option `preserves_flags` is about, and no other flag changes.
    unsafe { asm!("pushfq", "pop {}", "cli", out(reg) before, options(preserves_flags)) };
    before
}

/// Sleeps until an interrupt, if they were let in before, as they are afterwards.
#[inline(always)]
pub(super) fn sleep(before: u64) {
    if before & IF != 0 {
        // SAFETY:
        // - `sti` sets IF, which was set before `interrupts_off`, as `before` says. It lets no interrupt in before the next
        //   instruction is done;
        // - that is `hlt`, which stops until an interrupt, so one that is pending by now ends it;
        // - neither uses a register or the stack, nor changes a flag but IF, as the options say.
        unsafe { asm!("sti", "hlt", options(nostack, preserves_flags)) };
    }
}

/// Puts the flag back.
#[inline(always)]
pub(super) fn restore(before: u64) {
    if before & IF != 0 {
        // SAFETY: `sti` sets IF, which was set before `interrupts_off`, as `before` says. It uses no register and no stack, and
        // changes no other flag, as the options say.
        unsafe { asm!("sti", options(nostack, preserves_flags)) };
    }
}
