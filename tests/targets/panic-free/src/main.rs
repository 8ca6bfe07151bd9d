//! Links if and only if none of the operations in `bare` can panic.
#![no_std]
#![no_main]

/// Where the linker starts looking for what is used.
#[unsafe(no_mangle)]
extern "C" fn _start() -> ! {
    loop {
        bare::run();
    }
}

unsafe extern "C" {
    /// Defined nowhere. The linker names it when something that is linked can panic.
    fn annulet_can_panic() -> !;
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    // SAFETY: there is no such function, so no program with this call exists.
    unsafe { annulet_can_panic() }
}
