//! The processor: its cache lines, and its hints.

/// Puts a value on cache lines of its own, so that the two sides of a ring do not fight over one line.
///
/// 128 bytes on x86-64 and aarch64 (adjacent-line prefetch, 128-byte lines on some cores), 64 on other 64-bit
/// targets, nothing where memory is scarce and there is no cache to share. It is `repr(C)` with the value at
/// offset 0.
#[cfg_attr(any(target_arch = "x86_64", target_arch = "aarch64"), repr(C, align(128)))]
#[cfg_attr(
    all(target_pointer_width = "64", not(any(target_arch = "x86_64", target_arch = "aarch64"))),
    repr(C, align(64))
)]
#[cfg_attr(not(target_pointer_width = "64"), repr(C))]
#[derive(Debug, Default)]
pub(crate) struct CachePadded<T>(pub(crate) T);

impl<T> core::ops::Deref for CachePadded<T> {
    type Target = T;
    #[inline(always)]
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> core::ops::DerefMut for CachePadded<T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

/// Asks the cache for the line at `ptr`, to be written soon. A hint: it never faults, and any address will do.
#[inline(always)]
pub(crate) fn prefetch_write<T>(ptr: *const T) {
    #[cfg(all(target_arch = "x86_64", not(miri), not(loom)))]
    // SAFETY:
    // - PREFETCHW is a hint that never faults and changes no architectural state, whatever the address;
    // - every x86-64 processor decodes it (those without the feature treat it as a no-op);
    // - it touches no register but its input, no flag and no stack, as the options say.
    unsafe {
        core::arch::asm!("prefetchw [{}]", in(reg) ptr, options(nostack, preserves_flags, readonly));
    }
    #[cfg(all(target_arch = "aarch64", not(miri), not(loom)))]
    // SAFETY: PRFM is a hint that never faults and changes no architectural state, whatever the address; it
    // touches no register but its input, no flag and no stack, as the options say.
    unsafe {
        core::arch::asm!("prfm pstl1keep, [{}]", in(reg) ptr, options(nostack, preserves_flags, readonly));
    }
    #[cfg(not(all(any(target_arch = "x86_64", target_arch = "aarch64"), not(miri), not(loom))))]
    let _ = ptr;
}

/// Lets a moment pass: `times` hints to the processor that this thread waits for another one, of some 20 ns each on the
/// x86-64 processors of today. loom's hint says that only another thread can go on, which is not so here.
#[inline(always)]
pub(crate) fn pause(times: usize) {
    #[cfg(not(loom))]
    for _ in 0..times {
        core::hint::spin_loop();
    }
    #[cfg(loom)]
    let _ = times;
}
