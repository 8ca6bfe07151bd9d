//! A final binary without an operating system; `.ci/bare` builds it and looks at its symbols and instructions.
#![no_std]
#![no_main]

/// An interrupt handler and a main loop, also without compare-and-swap.
#[path = "../../../../examples/interrupt.rs"]
mod interrupt;

/// Where the linker starts looking for what is used.
#[unsafe(no_mangle)]
extern "C" fn _start() -> ! {
    loop {
        bare::run();
        interrupt::main();
    }
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    loop {
        core::hint::spin_loop();
    }
}

/// The critical section of a machine with one core and no interrupts: what a real binary takes from its platform.
#[cfg(feature = "portable-atomic")]
mod section {
    struct Alone;
    critical_section::set_impl!(Alone);

    // SAFETY: the binary has one thread of execution and no interrupt handler, so every section is exclusive.
    unsafe impl critical_section::Impl for Alone {
        unsafe fn acquire() {}
        unsafe fn release((): ()) {}
    }
}
