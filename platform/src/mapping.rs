//! Mappings of memory files.
//!
//! A [`Mapping`] hands out a pointer and no reference: another process may write at any time, and a reference to memory that
//! changes is undefined behaviour. [`Sealed`] is the exception, with its proof.

use core::ffi::c_void;
use core::fmt;
use core::ops::Deref;
use core::ptr::{self, NonNull};
use core::slice;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::fstat;
use rustix::io::Errno;
use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap, munmap};

use crate::memfd::{self, CheckError, Expect, Seals};

/// The seals that make a memory file's bytes constant.
const CONSTANT: Seals = Seals::from_bits(Seals::WRITE.bits() | Seals::SHRINK.bits() | Seals::GROW.bits());

/// A mapping of the start of a file, unmapped when dropped. A forked child does not inherit it.
///
/// The mapping stays when the descriptor is closed. Touching it is safe from SIGBUS only while the file cannot be cut short,
/// which [`memfd::check`] with [`Seals::SHRINK`] establishes.
#[derive(Debug)]
pub struct Mapping {
    start: NonNull<u8>,
    len: usize,
}

// SAFETY: `Mapping` owns its address range and has no tie to the thread that made it: munmap and every access through
// the pointer work the same from any thread.
unsafe impl Send for Mapping {}

// SAFETY: `&Mapping` gives only a copy of the pointer and the length, both never written after construction. What is
// done through the pointer is unsafe code of the caller, with its own proof.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Maps the first `len` bytes of `fd` for reading and writing, shared with every process that maps them.
    ///
    /// # Errors
    ///
    /// `InvalidInput` when `len` is zero, above `isize::MAX` or above the file's size; `PermissionDenied` when the
    /// file is sealed against writing or not open for both; otherwise those of `fstat`, `mmap` and `madvise`.
    pub fn read_write(fd: impl AsFd, len: usize) -> io::Result<Self> {
        Self::checked(fd.as_fd(), len, ProtFlags::READ | ProtFlags::WRITE)
    }

    /// Maps the first `len` bytes of `fd` for reading, shared: writes of other processes show.
    ///
    /// # Errors
    ///
    /// `InvalidInput` when `len` is zero, above `isize::MAX` or above the file's size; `PermissionDenied` when the
    /// file is not open for reading, or sealed with [`Seals::WRITE`] on a kernel before 6.7 (see
    /// [`Mapping::sealed`]); otherwise those of `fstat`, `mmap` and `madvise`.
    pub fn read_only(fd: impl AsFd, len: usize) -> io::Result<Self> {
        Self::checked(fd.as_fd(), len, ProtFlags::READ)
    }

    /// Maps the first `len` bytes of a memory file that no process can change any more.
    ///
    /// It is checked here that an ordinary memory file has [`Seals::WRITE`], [`Seals::SHRINK`] and [`Seals::GROW`]. A process
    /// that can write the file can set them first. It is also checked that none of its bytes lies in a hole, and that there is no
    /// memory behind them ([`memfd::check_whole`]). So its maker has paid for its memory, and reading takes none.
    ///
    /// # Errors
    ///
    /// [`CheckError`] by the first check that fails; `SizeMismatch` when `len` is zero or above the file's size; `Sparse`
    /// for a file with holes, `Bloated` for one with memory behind its end.
    pub fn sealed(fd: impl AsFd, len: usize) -> Result<Sealed, CheckError> {
        let fd = fd.as_fd();
        let found = memfd::check(fd, CONSTANT, Expect::AtMost(u64::MAX))?;
        let fits = u64::try_from(len).is_ok_and(|len| len <= found);
        if len == 0 || len > isize::MAX as usize || !fits {
            return Err(CheckError::SizeMismatch { expected: len as u64, found });
        }
        // A page without memory would get it when it is read: from the reader's share, however large the file says it is.
        memfd::check_whole(fd, found)?;
        let mapping = match Self::map(fd, len, ProtFlags::READ, MapFlags::SHARED) {
            // Before Linux 6.7 a shared mapping of a write-sealed file is refused even for reading. A private one
            // shows the same bytes, since neither the file nor this mapping can be written.
            Err(Errno::PERM) => Self::map(fd, len, ProtFlags::READ, MapFlags::PRIVATE)?,
            other => other?,
        };
        Ok(Sealed { mapping })
    }

    /// Returns the first byte: valid for [`len`](Self::len) bytes, aligned to a page, as long as this value lives.
    #[must_use]
    pub fn as_ptr(&self) -> NonNull<u8> {
        self.start
    }

    /// Returns the length that was asked for, in bytes. It is never zero.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a mapping is never empty")]
    pub fn len(&self) -> usize {
        self.len
    }

    fn checked(fd: BorrowedFd<'_>, len: usize, prot: ProtFlags) -> io::Result<Self> {
        let size = u64::try_from(fstat(fd)?.st_size).unwrap_or(0);
        let fits = u64::try_from(len).is_ok_and(|len| len <= size);
        if len == 0 || len > isize::MAX as usize || !fits {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "mapping is empty or longer than its file",
            ));
        }
        Ok(Self::map(fd, len, prot, MapFlags::SHARED)?)
    }

    fn map(fd: BorrowedFd<'_>, len: usize, prot: ProtFlags, flags: MapFlags) -> Result<Self, Errno> {
        // SAFETY: no address is asked for and MAP_FIXED is not among `flags`, so the kernel picks a free range and no
        // memory in use changes. Offset 0 is page aligned. `fd` is open for the call, being borrowed.
        let start = unsafe { mmap(ptr::null_mut(), len, prot, flags, fd, 0)? };
        let Some(start) = NonNull::new(start.cast::<u8>()) else {
            // The kernel never picks page zero by itself; leaving it mapped would be all that could follow.
            return Err(Errno::NOMEM);
        };
        let mapping = Self { start, len };
        // SAFETY: the range is exactly the mapping made above, owned by `mapping`. DONTFORK changes what a forked
        // child inherits and nothing in this process. On failure `mapping` is dropped, so unmapped.
        unsafe { madvise(mapping.raw(), len, Advice::LinuxDontFork)? };
        Ok(mapping)
    }

    fn raw(&self) -> *mut c_void {
        self.start.as_ptr().cast()
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: `start` and `len` are those of one successful mmap, which rounds the length up to pages as munmap
        // does, and nothing else unmaps the range: the value is not `Clone` and drops once. References into the range
        // borrow from a `Sealed` that contains this value, so none is left; pointers from `as_ptr` are documented to
        // end with it.
        //
        // Fails only when splitting a merged range exceeds the limit of mappings: then the range leaks, harmless.
        let _ = unsafe { munmap(self.raw(), self.len) };
    }
}

/// The bytes of a memory file that no process can change any more: a true `&[u8]`.
///
/// Reading it can fault only if the system has no page to back it (out of memory, or a memory error): SIGBUS or SIGKILL, never
/// another value.
pub struct Sealed {
    mapping: Mapping,
}

impl Deref for Sealed {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        let mapping = &self.mapping;
        // SAFETY:
        // - non-null, aligned: `NonNull`, and `u8` has alignment 1;
        // - readable for `len` bytes as one object: one mmap with PROT_READ of at least `len` bytes, unmapped only when
        //   `mapping` drops, which the lifetime of the result excludes;
        // - inside the file: `len` was not above the size read after the SHRINK seal was seen, so no page lies past the
        //   end now or later (nor can GROW change what lies behind);
        // - initialised: a memory file's bytes are zero until written;
        // - not mutated while borrowed: F_SEAL_WRITE is set, is never removed, and was only granted while no writable
        //   shared mapping and no page pinned for writing existed (EBUSY otherwise); from then on write, fallocate
        //   holes and new writable shared mappings fail with EPERM, and a read-only shared mapping cannot be upgraded.
        //   Our own mapping is not writable either;
        // - no SIGBUS by the peer: the file is on tmpfs, not of huge pages, and cannot be cut short;
        // - `len` is at most `isize::MAX`, checked before mapping, and the range does not wrap, being one mapping.
        unsafe { slice::from_raw_parts(mapping.start.as_ptr(), mapping.len) }
    }
}

impl AsRef<[u8]> for Sealed {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the bytes: they may be many, and secret.
        f.debug_struct("Sealed").field("start", &self.mapping.start).field("len", &self.mapping.len).finish()
    }
}
