//! Windows in sealed memory files.
//!
//! ```text
//!   ┌──────────────────────┬──────────────────────────────┬─ ─ ─ ─ ─ ─ ─ ─┐
//!   │ WindowHeader, 128 B  │ Window<E, N>                 │ zero, to 4096 │
//!   └──────────────────────┴──────────────────────────────┴─ ─ ─ ─ ─ ─ ─ ─┘
//!     sealed: SHRINK | GROW | FUTURE_WRITE | SEAL
//! ```

use core::fmt;
use core::ptr::NonNull;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileExt;

use annulet_platform::mapping::Mapping;
use annulet_platform::memfd::{self, CheckError, Expect, Seals};

use super::window_registry::Listed;
use crate::link::{Entry, Geometry, HEADER_BYTES, HeaderError, Window, WindowHeader};
use crate::words::{OwnMapping, PeerMapping};

/// Sizes are rounded up to this, whatever the page size is, so that both sides expect the same.
const GRAIN: u64 = 4096;

/// The seals of a window: its size is final, only mappings made before can write to it, and no seal can be added.
fn window_seals() -> Seals {
    Seals::SHRINK | Seals::GROW | Seals::FUTURE_WRITE | Seals::SEAL
}

fn file_bytes(geometry: &Geometry) -> u64 {
    geometry.total_bytes().next_multiple_of(GRAIN)
}

/// A window of ours, which only this process can write.
#[derive(Debug)]
pub struct Segment<E: Entry, const N: usize> {
    // Dropped before the file is closed, and its identity may be another file's.
    pub(super) listed: Listed,
    pub(super) words: OwnMapping<Window<E, N>, Mapping>,
    fd: OwnedFd,
}

/// A window of a peer, checked, and mapped read-only.
pub type PeerWindow<E, const N: usize> = PeerMapping<Window<E, N>, Mapping>;

impl<E: Entry, const N: usize> Segment<E, N> {
    /// Makes a memory file, maps it, writes the header and zeros, and seals the file.
    ///
    /// All its memory is taken here: a peer refuses a window whose reader would have to pay for it. The policy of the calling
    /// thread decides on which NUMA node it is taken (`set_mempolicy`).
    ///
    /// # Errors
    ///
    /// Those of the system calls: no descriptor left, no memory, a kernel before 5.1.
    pub fn create() -> io::Result<Self> {
        let geometry = Geometry::of::<E, N>();
        let size = file_bytes(&geometry);
        let file = File::from(memfd::create(c"annulet-window", size)?);
        let listed = Listed::of(&file)?;
        let len = usize::try_from(size).map_err(|_| io::Error::from(io::ErrorKind::OutOfMemory))?;
        let mapping = Mapping::read_write(&file, len)?;
        // After mapping: a mapping's options must be set before there is memory. `mbind` would stand between the two.
        memfd::allocate(&file, size)?;
        file.write_all_at(WindowHeader::new(&geometry).as_bytes(), 0)?;
        // After mapping: from here on, no process can make a writable mapping of it.
        memfd::add_seals(&file, window_seals())?;
        let base = window_of(&mapping);
        // SAFETY:
        // - the mapping is readable and writable for `len` bytes, at least header and window, page-aligned, and
        //   stays where it is as long as the `Mapping` lives, wherever that is moved;
        // - the mapping was made here and goes into this value: nothing else in this process has its address.
        //   Another mapping of the same file in this process would be another address range, and read-only.
        let words = unsafe { OwnMapping::new(base, mapping) };
        Ok(Self { listed, words, fd: OwnedFd::from(file) })
    }

    /// Returns the descriptor to pass to the peer.
    #[must_use]
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Returns the address of the window in a mapped file.
fn window_of(mapping: &Mapping) -> NonNull<u32> {
    // SAFETY: the files mapped here are larger than a header: `file_bytes` is at least one grain.
    let window = unsafe { mapping.as_ptr().add(HEADER_BYTES) };
    // Aligned: a page and 128 bytes are multiples of 4.
    window.cast()
}

/// Checks a memory file that a peer claims is its window, and maps it read-only.
///
/// Before anything is mapped, it is checked that:
/// - it is a memory file on tmpfs, with the seals of a [`Segment`];
/// - it has exactly the expected size, no holes, and no memory behind its end;
/// - its header, of which one copy is read, is the one that this side expects.
///
/// Under those seals no process can make a hole later, so reading the window never takes memory. Nor can a process add memory,
/// so dropping it takes no longer than its size does. On error nothing of the file stays mapped or open. The descriptor is the
/// caller's; a stranger's is for [`discard`](super::discard).
///
/// A window of this process is not refused: two threads may link to each other by it. Between processes,
/// [`accept`](super::accept) and [`connect`](super::connect) refuse it.
///
/// # Errors
///
/// [`AttachError`], by the first check that fails.
pub fn attach<E: Entry, const N: usize>(fd: BorrowedFd<'_>) -> Result<PeerWindow<E, N>, AttachError> {
    let geometry = Geometry::of::<E, N>();
    let size = memfd::check(fd, window_seals(), Expect::Exactly(file_bytes(&geometry)))?;
    // After the seals were seen, which keep it so.
    memfd::check_whole(fd, size)?;
    // One read of the whole header, into memory of ours: that copy is checked.
    let mut snapshot = [0; HEADER_BYTES];
    File::from(fd.try_clone_to_owned()?).read_exact_at(&mut snapshot, 0)?;
    WindowHeader::check(&snapshot, &geometry, size)?;
    let len = usize::try_from(size).map_err(|_| io::Error::from(io::ErrorKind::OutOfMemory))?;
    let mapping = Mapping::read_only(fd, len)?;
    let base = window_of(&mapping);
    // SAFETY:
    // - the mapping is readable for `len` bytes, at least header and window, page-aligned, and stays where it is as
    //   long as the `Mapping` lives;
    // - reading cannot fault: the file is on tmpfs, of the expected size, and sealed against shrinking, all seen
    //   before it was mapped;
    // - the mapping goes into this value: nothing else in this process has its address.
    Ok(unsafe { PeerMapping::new(base, mapping) })
}

/// Why a peer's window was refused.
#[derive(Debug)]
#[non_exhaustive]
pub enum AttachError {
    /// The file is not a sealed memory file of the right size, all of which was written, and no more.
    File(CheckError),
    /// The header is not the one expected.
    Header(HeaderError),
    /// A system call failed.
    Io(io::Error),
}

impl From<CheckError> for AttachError {
    fn from(why: CheckError) -> Self {
        Self::File(why)
    }
}
impl From<HeaderError> for AttachError {
    fn from(why: HeaderError) -> Self {
        Self::Header(why)
    }
}
impl From<io::Error> for AttachError {
    fn from(why: io::Error) -> Self {
        Self::Io(why)
    }
}

impl fmt::Display for AttachError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(why) => fmt::Display::fmt(why, f),
            Self::Header(why) => fmt::Display::fmt(why, f),
            Self::Io(why) => fmt::Display::fmt(why, f),
        }
    }
}

impl core::error::Error for AttachError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::File(why) => Some(why),
            Self::Header(why) => Some(why),
            Self::Io(why) => Some(why),
        }
    }
}
