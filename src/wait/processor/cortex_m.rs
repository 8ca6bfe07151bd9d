//! Arm, M-profile.
//!
//! No instruction here has the option `nomem`, so the compiler moves no access to memory across one.

use core::arch::asm;

/// Masks interrupts. Returns the mask as it was.
#[inline(always)]
pub(super) fn interrupts_off() -> u32 {
    let before;
    // SAFETY:
    // - `mrs` of PRIMASK writes the declared register, and nothing else;
    // - `cpsid i` sets PRIMASK, which only delays interrupts: nothing that a program may rely on holds because one comes, and
    //   `sleep` or `restore`, one of which follows, puts the mask back. Unprivileged, it does nothing;
    // - neither uses the stack or changes a flag, as the options say.
    unsafe { asm!("mrs {}, PRIMASK", "cpsid i", out(reg) before, options(nostack, preserves_flags)) };
    before
}

/// Sleeps until an interrupt is pending, and then restores the mask.
#[inline(always)]
pub(super) fn sleep(before: u32) {
    // SAFETY:
    // - `dsb` waits until all stores are done, and changes nothing;
    // - `wfi` stops until an interrupt is pending that PRIMASK alone keeps from being taken, or for no reason. It changes nothing;
    // - neither uses a register, the stack or a flag, as the options say.
    unsafe { asm!("dsb", "wfi", options(nostack, preserves_flags)) };
    restore(before);
}

/// Puts the mask back.
#[inline(always)]
pub(super) fn restore(before: u32) {
    // SAFETY:
    // - `msr` writes PRIMASK alone, with what `interrupts_off` has read from it: if interrupts are let in by that, they were
    //   before;
    // - it does not use the stack, and PRIMASK is no part of the flags, as the options say.
    unsafe { asm!("msr PRIMASK, {}", in(reg) before, options(nostack, preserves_flags)) };
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
    // SAFETY: `dsb` waits until all stores are done; `sev` sets event registers, by which only `wfe` goes. Neither touches
    // another register, the stack or a flag, as the options say.
    unsafe { asm!("dsb", "sev", options(nostack, preserves_flags)) };
}
