//! aarch64, EL1 or above.
//!
//! No instruction here has the option `nomem`, so the compiler moves no access to memory across one.

use core::arch::asm;

/// Masks interrupts, fast ones included. Returns the mask as it was.
#[inline(always)]
pub(super) fn interrupts_off() -> u64 {
    let before;
    // SAFETY:
    // - `mrs` of DAIF writes the declared register, and nothing else;
    // - `msr daifset, #3` sets the masks of IRQ and FIQ, which only delays interrupts: nothing that a program may rely on holds
    //   because one comes, and `sleep` or `restore`, one of which follows, puts the masks back. In EL0, it is a trap;
    // - neither uses the stack, and DAIF is no part of the flags, as the options say.
    unsafe { asm!("mrs {}, daif", "msr daifset, #3", out(reg) before, options(nostack, preserves_flags)) };
    before
}

/// Sleeps until an interrupt is pending, and then restores the mask.
#[inline(always)]
pub(super) fn sleep(before: u64) {
    // SAFETY:
    // - `dsb sy` waits until all stores are done, and changes nothing;
    // - `wfi` stops until an interrupt is pending, masked in DAIF or not, or for no reason. It changes nothing;
    // - neither uses a register, the stack or a flag, as the options say.
    unsafe { asm!("dsb sy", "wfi", options(nostack, preserves_flags)) };
    restore(before);
}

/// Puts the mask back.
#[inline(always)]
pub(super) fn restore(before: u64) {
    // SAFETY:
    // - `msr` writes the four masks of DAIF alone, with what `interrupts_off` has read from them: if interrupts are let in by
    //   that, they were before;
    // - it does not use the stack, and DAIF is no part of the flags, as the options say.
    unsafe { asm!("msr daif, {}", in(reg) before, options(nostack, preserves_flags)) };
}

/// Sleeps, unless there was an event since the last time.
#[inline(always)]
pub(super) fn wait_for_event() {
    // Without `isb`, the load of the next look might have been done before the event that ended this sleep.
    // SAFETY: `wfe` clears the event register, or stops until it is set; `isb` has the instructions after it fetched anew.
    // Neither touches another register, the stack or a flag, as the options say.
    unsafe { asm!("wfe", "isb", options(nostack, preserves_flags)) };
}

/// Makes an event for all processors, after all that was stored before it.
#[inline(always)]
pub(super) fn send_event() {
    // SAFETY: `dsb sy` waits until all stores are done; `sev` sets event registers, by which only `wfe` goes. Neither touches
    // another register, the stack or a flag, as the options say.
    unsafe { asm!("dsb sy", "sev", options(nostack, preserves_flags)) };
}
