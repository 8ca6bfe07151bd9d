//! RISC-V, machine mode.
//!
//! No instruction here has the option `nomem`, so the compiler moves no access to memory across one.

use core::arch::asm;

/// The bit of `mstatus` that lets interrupts in.
const MIE: usize = 0b1000;

/// Masks interrupts. Returns `mstatus` as it was.
#[inline(always)]
pub(super) fn interrupts_off() -> usize {
    let before;
    // SAFETY:
    // - `csrrci` writes the old `mstatus` to the declared register, and clears MIE, the bit 8 of it;
    // - that only delays interrupts: nothing that a program may rely on holds because one comes, and `sleep` or `restore`, one
    //   of which follows, puts the bit back. Below machine mode, it is a trap;
    // - it does not use the stack, and RISC-V has no flags, as the options say.
    unsafe { asm!("csrrci {}, mstatus, 8", out(reg) before, options(nostack, preserves_flags)) };
    before
}

/// Sleeps until an interrupt is pending, and then restores the mask.
#[inline(always)]
pub(super) fn sleep(before: usize) {
    // SAFETY: `wfi` stops until an interrupt is pending that is enabled in `mie`, whatever MIE says, or for no reason. It changes
    // nothing: no register, no stack and no flag, as the options say.
    unsafe { asm!("wfi", options(nostack, preserves_flags)) };
    restore(before);
}

/// Puts the mask back.
#[inline(always)]
pub(super) fn restore(before: usize) {
    // SAFETY:
    // - `csrs` sets MIE if it is set in `before`, which `interrupts_off` has read: then interrupts were let in before. It
    //   touches no other bit, because the operand has no other;
    // - it does not use the stack, and RISC-V has no flags, as the options say.
    unsafe { asm!("csrs mstatus, {}", in(reg) before & MIE, options(nostack, preserves_flags)) };
}
