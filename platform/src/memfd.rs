//! Sealed memory files: making one, and checking one that a stranger made.

use core::ffi::CStr;
use core::fmt;
use core::ops::{BitOr, BitOrAssign};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use rustix::fs::{
    MemfdFlags, Mode, OFlags, SealFlags, SeekFrom, fcntl_add_seals, fcntl_get_seals, fcntl_getfl, fstat,
    fstatfs, ftruncate, memfd_create, open, seek,
};
use rustix::io::{Errno, pwrite};
use rustix::param::page_size;

/// The filesystem of ordinary memory files. Huge page files have another one (`0x958458f6`), and touching theirs
/// can raise SIGBUS whatever the seals say.
const TMPFS_MAGIC: u64 = 0x0102_1994;

/// A set of `F_SEAL_*` seals. A seal, once set, stays for the life of the file.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Seals(u32);

impl Seals {
    /// No seal.
    pub const EMPTY: Self = Self(0);
    /// No seal can be added.
    pub const SEAL: Self = Self(0x01);
    /// The file cannot become shorter.
    pub const SHRINK: Self = Self(0x02);
    /// The file cannot become longer.
    pub const GROW: Self = Self(0x04);
    /// No process can write, and no writable mapping exists.
    pub const WRITE: Self = Self(0x08);
    /// No process can write, except through writable mappings that existed before the seal.
    pub const FUTURE_WRITE: Self = Self(0x10);
    /// The file's executable permission cannot change.
    pub const EXEC: Self = Self(0x20);

    const NAMES: [(Self, &'static str); 6] = [
        (Self::SEAL, "SEAL"),
        (Self::SHRINK, "SHRINK"),
        (Self::GROW, "GROW"),
        (Self::WRITE, "WRITE"),
        (Self::FUTURE_WRITE, "FUTURE_WRITE"),
        (Self::EXEC, "EXEC"),
    ];

    /// Returns the set with these `F_SEAL_*` bits. Bits without a name here are kept.
    #[must_use]
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    /// Returns the `F_SEAL_*` bits.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// Returns whether every seal of `other` is in this set.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Returns the seals of this set that are not in `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

impl BitOr for Seals {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for Seals {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

impl fmt::Debug for Seals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = *self;
        let mut sep = "";
        for (seal, name) in Self::NAMES {
            if self.contains(seal) {
                write!(f, "{sep}{name}")?;
                rest = rest.without(seal);
                sep = " | ";
            }
        }
        if rest != Self::EMPTY {
            write!(f, "{sep}{:#x}", rest.0)?;
        } else if sep.is_empty() {
            f.write_str("none")?;
        }
        Ok(())
    }
}

/// The size a memory file must have, in bytes. A file of zero bytes is never acceptable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Expect {
    /// Exactly so many.
    Exactly(u64),
    /// From one to so many.
    AtMost(u64),
}

/// Why a descriptor is not the memory file that was asked for: the first check that fails, in the order of the variants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CheckError {
    /// Not a memory file open for use: a pipe, a socket, an eventfd, a directory, a file on disk, secret memory, a
    /// path-only descriptor.
    WrongKind,
    /// A memory file, but not of an ordinary memory filesystem: of huge pages.
    NotTmpfs {
        /// The filesystem's magic number.
        found: u64,
    },
    /// Not all required seals are set, so the file could change under its reader.
    Unsealed {
        /// The required seals that are not set.
        missing: Seals,
    },
    /// The size is not the expected one, or zero.
    SizeMismatch {
        /// The expected size (for [`Expect::AtMost`], the limit), in bytes.
        expected: u64,
        /// The file's size, in bytes.
        found: u64,
    },
    /// The size is above the limit.
    TooBig {
        /// The limit, in bytes.
        limit: u64,
        /// The file's size, in bytes.
        found: u64,
    },
    /// Parts of it were never written. The process that reads them first would pay for the memory.
    Sparse {
        /// The file's size, in bytes.
        size: u64,
        /// Where the first part begins that was never written, in bytes.
        hole: u64,
    },
    /// It has more memory than its bytes need: behind its end (`fallocate`). The last descriptor or mapping gives it back, which
    /// takes longer the more there is.
    Bloated {
        /// The most that its bytes need, in bytes.
        limit: u64,
        /// The memory that the file has, in bytes.
        found: u64,
    },
    /// The kernel refused to answer, or to map.
    Io {
        /// What the refusal amounts to.
        kind: io::ErrorKind,
        /// The error number.
        raw: i32,
    },
}

impl From<Errno> for CheckError {
    fn from(errno: Errno) -> Self {
        Self::Io { kind: errno.kind(), raw: errno.raw_os_error() }
    }
}

impl fmt::Display for CheckError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WrongKind => f.write_str("descriptor is not a memory file"),
            Self::NotTmpfs { found } => write!(f, "file is on filesystem {found:#x}, not on tmpfs"),
            Self::Unsealed { missing } if missing.contains(Seals::SHRINK) => {
                write!(f, "memory file can still be truncated: it lacks seals {missing:?}")
            }
            Self::Unsealed { missing } => write!(f, "memory file lacks seals {missing:?}"),
            Self::SizeMismatch { expected, found } => {
                write!(f, "memory file has {found} bytes where {expected} were expected")
            }
            Self::TooBig { limit, found } => {
                write!(f, "memory file has {found} bytes, above the limit {limit}")
            }
            Self::Sparse { size, hole } => {
                write!(f, "memory file of {size} bytes has a hole at byte {hole}")
            }
            Self::Bloated { limit, found } => {
                write!(f, "memory file takes {found} bytes of memory, above the limit {limit}")
            }
            Self::Io { kind, raw } => write!(f, "system call failed: {kind} (errno {raw})"),
        }
    }
}

impl core::error::Error for CheckError {}

/// Makes a memory file of `size` zero bytes, close-on-exec, open to sealing.
///
/// It is never executable if the kernel can promise that (Linux 6.3). `name` is for diagnostics, and shows in `/proc`.
///
/// # Errors
///
/// Those of `memfd_create` and `ftruncate`: a name above 249 bytes, a size above `i64::MAX`, no descriptor left.
pub fn create(name: &CStr, size: u64) -> io::Result<OwnedFd> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let fd = match memfd_create(name, flags | MemfdFlags::NOEXEC_SEAL) {
        // Before Linux 6.3. A bad name gives the same number, and fails again below.
        Err(Errno::INVAL) => memfd_create(name, flags)?,
        other => other?,
    };
    ftruncate(&fd, size)?;
    Ok(fd)
}

/// Makes a memory file as [`create`] does, and writes every byte of it.
///
/// So this process takes all its memory now, and a reader takes none ([`check_whole`]).
///
/// # Errors
///
/// Those of [`create`], and no memory left for the file.
pub fn create_whole(name: &CStr, size: u64) -> io::Result<OwnedFd> {
    let fd = create(name, size)?;
    allocate(&fd, size)?;
    Ok(fd)
}

/// Writes zeros over the first `size` bytes of a memory file, so that this process takes all their memory now.
///
/// A policy that `mbind` sets for a mapping of the file holds for memory that writing allocates, too. So set it before.
///
/// # Errors
///
/// Those of `pwrite`: no memory left for the file, or a file that is sealed.
pub fn allocate(fd: impl AsFd, size: u64) -> io::Result<()> {
    const ZEROS: [u8; 1 << 14] = [0; 1 << 14];
    let mut at = 0;
    while at < size {
        let left = usize::try_from(size - at).map_or(ZEROS.len(), |left| left.min(ZEROS.len()));
        match pwrite(&fd, ZEROS.get(..left).unwrap_or(&ZEROS), at) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => at += written as u64,
            Err(errno) => return Err(errno.into()),
        }
    }
    Ok(())
}

/// Adds `seals` to those the file has.
///
/// # Errors
///
/// `PermissionDenied` when the file has [`Seals::SEAL`] or is open for reading only; `ResourceBusy` when
/// [`Seals::WRITE`] is asked for while a writable mapping exists; `InvalidInput` for a file that has no seals or a
/// seal that the kernel does not know.
pub fn add_seals(fd: impl AsFd, seals: Seals) -> io::Result<()> {
    Ok(fcntl_add_seals(fd, SealFlags::from_bits_retain(seals.0))?)
}

/// Returns the seals of the file.
///
/// # Errors
///
/// `InvalidInput` for a file that cannot have seals.
pub fn seals(fd: impl AsFd) -> io::Result<Seals> {
    Ok(Seals(fcntl_get_seals(fd)?.bits()))
}

/// Checks that `fd` is an ordinary memory file with at least the `required` seals and an acceptable size. Returns the size.
///
/// It maps, reads and writes nothing, and never waits, whatever the descriptor is. If [`Seals::SHRINK`] and [`Seals::GROW`] are
/// required, the size is final: it is read after the seals were seen. Otherwise it can be out of date at once. Each seal counts
/// by itself: [`Seals::WRITE`] does not stand in for [`Seals::FUTURE_WRITE`].
///
/// # Errors
///
/// [`CheckError`], by the first check that fails.
pub fn check(fd: impl AsFd, required: Seals, size: Expect) -> Result<u64, CheckError> {
    let fd = fd.as_fd();
    let present = check_kind(fd)?;
    check_filesystem(fd)?;
    check_seals(present, required)?;
    check_size(fd, size)
}

/// Returns the seals of a file of the kernel's own memory, or refuses another file.
///
/// Neither call asks the file's filesystem, as `fstat` and `fstatfs` do. A stranger's filesystem (FUSE) answers when it likes,
/// or never. So these calls come first.
fn check_kind(fd: BorrowedFd<'_>) -> Result<Seals, CheckError> {
    if fcntl_getfl(fd)?.contains(OFlags::PATH) {
        return Err(CheckError::WrongKind);
    }
    match fcntl_get_seals(fd) {
        Ok(flags) => Ok(Seals(flags.bits())),
        Err(Errno::INVAL) => Err(CheckError::WrongKind),
        Err(errno) => Err(errno.into()),
    }
}

fn check_filesystem(fd: BorrowedFd<'_>) -> Result<(), CheckError> {
    // The field's type differs per architecture and may be signed; magic numbers have 32 bits.
    let found = fstatfs(fd)?.f_type as u64 & 0xffff_ffff;
    if found == TMPFS_MAGIC { Ok(()) } else { Err(CheckError::NotTmpfs { found }) }
}

fn check_seals(present: Seals, required: Seals) -> Result<(), CheckError> {
    let missing = required.without(present);
    if missing == Seals::EMPTY { Ok(()) } else { Err(CheckError::Unsealed { missing }) }
}

fn check_size(fd: BorrowedFd<'_>, size: Expect) -> Result<u64, CheckError> {
    // A regular file's size is never negative.
    let found = u64::try_from(fstat(fd)?.st_size).unwrap_or(0);
    match size {
        Expect::Exactly(expected) | Expect::AtMost(expected) if found == 0 => {
            Err(CheckError::SizeMismatch { expected, found })
        }
        Expect::Exactly(expected) if found != expected => Err(CheckError::SizeMismatch { expected, found }),
        Expect::AtMost(limit) if found > limit => Err(CheckError::TooBig { limit, found }),
        Expect::Exactly(_) | Expect::AtMost(_) => Ok(found),
    }
}

/// The identity of a file. Two descriptors of one file have the same; two files that exist at one time have not. A process
/// cannot choose that of a memory file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity {
    device: u64,
    number: u64,
}

/// Returns the identity of the file.
///
/// It asks the file's filesystem, which for a stranger's descriptor comes after [`check`].
///
/// # Errors
///
/// Those of `fstat`.
pub fn identity(fd: impl AsFd) -> io::Result<Identity> {
    let stat = fstat(fd)?;
    // The types of the fields differ per architecture.
    #[allow(clippy::unnecessary_cast, reason = "not 64 bits everywhere")]
    Ok(Identity { device: stat.st_dev as u64, number: stat.st_ino as u64 })
}

/// Checks that a memory file has no hole in its first `size` bytes, and no memory that these bytes do not need.
///
/// Without holes each page was written, so the process that wrote it has paid for it, and reading takes no memory. A page that
/// was swapped out counts as written. One that was only allocated (`fallocate`) does not. Memory behind the end would have to be
/// freed by the last `close` of the file. As much as the largest pages add is allowed.
///
/// The answer is final if the file has [`Seals::SHRINK`], [`Seals::GROW`], and one of [`Seals::WRITE`] and
/// [`Seals::FUTURE_WRITE`], seen before ([`check`]). Either of the last two forbids to punch a hole, also through a mapping that
/// was made earlier. [`Seals::GROW`] forbids to allocate behind the end. Otherwise the answer can be out of date at once.
///
/// The position of the descriptor stays as it is, and a process that shares it cannot hold this up. It needs `/proc`.
///
/// # Errors
///
/// [`CheckError::Sparse`]; [`CheckError::Bloated`]; `Io` for a file that does not tell its holes, or that this process may not open again.
pub fn check_whole(fd: impl AsFd, size: u64) -> Result<(), CheckError> {
    // The question moves a position and takes its lock, which the process that passed the descriptor shares, and can hold as long
    // as it likes, by a read that does not end: a description of our own has both for itself. It is opened without waiting,
    // since a lease of the peer's could make it wait.
    let own = format!("/proc/self/fd/{}", fd.as_fd().as_raw_fd());
    let own = open(own, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC, Mode::empty())?;
    // Behind the last byte of every file there is one.
    let hole = seek(&own, SeekFrom::Hole(0))?;
    if hole < size {
        return Err(CheckError::Sparse { size, hole });
    }
    // In units of 512 bytes, and never negative. The types of the field differ per architecture.
    #[allow(clippy::unnecessary_cast, reason = "not 64 bits everywhere")]
    let found = u64::try_from(fstat(&own)?.st_blocks as i64).unwrap_or(0).saturating_mul(512);
    let limit = size.checked_next_multiple_of(huge_page()).unwrap_or(u64::MAX);
    if found <= limit { Ok(()) } else { Err(CheckError::Bloated { limit, found }) }
}

/// The largest page that a memory file may have: as much as one page of entries of eight bytes leads to. Where the system
/// gives memory files such pages, the last one of a file reaches behind its end.
fn huge_page() -> u64 {
    let page = page_size() as u64;
    page.saturating_mul(page / 8).max(1)
}
