//! The two socket options that name the peer process, and the request for how much it has not taken yet.

use core::ffi::c_int;
use core::mem::{MaybeUninit, size_of};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

/// Linux 6.5. SPARC numbers its socket options differently.
const SO_PEERPIDFD: c_int = if cfg!(any(target_arch = "sparc", target_arch = "sparc64")) { 0x56 } else { 77 };

/// A type of which every bit pattern is a value, so that the kernel may fill it in.
///
/// # Safety
///
/// Only for such types.
unsafe trait Plain: Copy {}

// SAFETY: an integer.
unsafe impl Plain for c_int {}

// SAFETY: three integers.
unsafe impl Plain for libc::ucred {}

fn get<T: Plain>(sock: BorrowedFd<'_>, option: c_int) -> io::Result<T> {
    let mut value = MaybeUninit::<T>::zeroed();
    let mut len = size_of::<T>() as libc::socklen_t;
    // SAFETY: `sock` is open for the call, being borrowed. `value` is writable for `len` bytes, its size, and the kernel
    // writes at most that many. `len` itself is a live local.
    let status = unsafe {
        libc::getsockopt(sock.as_raw_fd(), libc::SOL_SOCKET, option, value.as_mut_ptr().cast(), &mut len)
    };
    if status != 0 {
        return Err(io::Error::last_os_error());
    }
    if len as usize != size_of::<T>() {
        return Err(io::ErrorKind::InvalidData.into());
    }
    // SAFETY: initialised to zero in full, then overwritten in part or in full; every bit pattern is a `T`, by `Plain`.
    Ok(unsafe { value.assume_init() })
}

/// Returns a pidfd of the process that was at the other end when the connection was made.
pub(crate) fn peer_pidfd(sock: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    let raw: c_int = get(sock, SO_PEERPIDFD)?;
    if raw < 0 {
        return Err(io::ErrorKind::InvalidData.into());
    }
    // SAFETY: the call succeeded, so the kernel has just made this descriptor in this process for us; nothing else
    // knows its number, so this is the only owner. It is not negative.
    Ok(unsafe { OwnedFd::from_raw_fd(raw) })
}

/// Returns what was recorded of the other process when the connection was made. Its number is zero if it has none in our pid
/// namespace.
pub(crate) fn peer(sock: BorrowedFd<'_>) -> io::Result<libc::ucred> {
    get::<libc::ucred>(sock, libc::SO_PEERCRED)
}

/// Returns how much was sent through `sock` and is still in flight, by the kernel's count of memory: zero if there is nothing.
pub(crate) fn unsent(sock: BorrowedFd<'_>) -> io::Result<usize> {
    let mut count: c_int = 0;
    // SAFETY: `sock` is open for the call, being borrowed. The request writes one integer, to a live local.
    let status = unsafe { libc::ioctl(sock.as_raw_fd(), libc::TIOCOUTQ, &raw mut count) };
    if status != 0 {
        return Err(io::Error::last_os_error());
    }
    // The kernel counts in a signed integer; it is never negative.
    Ok(usize::try_from(count).unwrap_or(0))
}
