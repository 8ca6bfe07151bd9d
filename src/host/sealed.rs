//! Sealed regions: bytes that no process can change any more.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::fd::{AsFd, OwnedFd};

use annulet_platform::mapping::{Mapping, Sealed};
use annulet_platform::memfd::{self, CheckError, Expect, Seals};

/// The seals that make a memory file's bytes constant, for every process.
fn constant() -> Seals {
    Seals::WRITE | Seals::SHRINK | Seals::GROW
}

/// Copies everything that `from` reads into a memory file, and seals it.
///
/// After that no process, this one included, can change its bytes or its size. If `from` is a [`File`], the kernel moves the
/// bytes. Holes of a sparse file are filled, so that reading the region takes no memory ([`attach_region`]).
///
/// # Errors
///
/// Those of reading, and of the system calls. [`io::ErrorKind::InvalidInput`] if there were no bytes, since an empty region
/// cannot be mapped. [`io::ErrorKind::Other`] with a [`CheckError`] if holes are left all the same.
///
/// # Examples
///
/// ```
/// use annulet::host::{attach_region, seal_region};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let sealed = seal_region(&b"constant"[..])?;
/// // The descriptor is passed to another process, which checks and maps it:
/// let bytes = attach_region(&sealed, 4096)?;
/// assert_eq!(*bytes, *b"constant");
/// # Ok(())
/// # }
/// ```
pub fn seal_region(from: impl Read) -> io::Result<OwnedFd> {
    let mut file = File::from(memfd::create(c"annulet-region", 0)?);
    fill(from, &mut file)?;
    seal(file)
}

/// Seals a file that was filled.
fn seal(mut file: File) -> io::Result<OwnedFd> {
    let size = file.seek(SeekFrom::End(0))?;
    if size == 0 {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "a region needs at least one byte"));
    }
    memfd::add_seals(&file, constant() | Seals::SEAL)?;
    // The kernel writes zeros for the holes of a sparse file. If one did not, every reader would refuse this.
    memfd::check_whole(&file, size).map_err(io::Error::other)?;
    Ok(file.into())
}

fn fill(mut from: impl Read, to: &mut File) -> io::Result<u64> {
    // `io::copy` has the kernel move the bytes if both ends are files.
    io::copy(&mut from, to)
}

/// Maps a region that a peer has sealed, of at most `limit` bytes: a true `&[u8]`, whatever the peer does.
///
/// Before anything is mapped, it is checked that:
/// - it is a memory file on tmpfs, of at most `limit` bytes;
/// - it is sealed against writing, and against any change of size;
/// - it has no holes, so that reading it takes no memory of ours, and no memory behind its end.
///
/// Register it with [`register_immutable`](crate::region::RegionTable::register_immutable). If the peer is gone, dropping the
/// region frees its memory, which takes longer the more there is: `limit` bounds that, too.
///
/// # Errors
///
/// [`CheckError`], by the first check that fails.
pub fn attach_region(fd: impl AsFd, limit: u64) -> Result<Sealed, CheckError> {
    let size = memfd::check(&fd, constant(), Expect::AtMost(limit))?;
    let len =
        usize::try_from(size).map_err(|_| CheckError::TooBig { limit: usize::MAX as u64, found: size })?;
    Mapping::sealed(fd, len)
}

#[cfg(all(test, not(any(loom, miri))))]
mod tests {
    use super::*;
    use std::os::unix::fs::FileExt;

    #[test]
    fn g06_what_is_not_filled_is_not_sealed() {
        let sparse = File::from(memfd::create(c"annulet-sparse", 3 << 16).unwrap());
        sparse.write_all_at(b"x", 0).unwrap();
        let why = seal(sparse).unwrap_err().downcast::<CheckError>().unwrap();
        assert!(matches!(why, CheckError::Sparse { size: 0x3_0000, hole: 1.. }), "{why}");
    }
}
