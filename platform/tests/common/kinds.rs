//! One descriptor of every kind that is not a sealed memory file.

use std::fs::File;
use std::os::fd::{FromRawFd, OwnedFd};

use annulet_platform::memfd::{self, CheckError, Seals};
use rustix::event::{EventfdFlags, eventfd};
use rustix::fs::{MemfdFlags, Mode, OFlags, memfd_create, open};
use rustix::pipe::pipe;
use rustix::process::{PidfdFlags, getpid, pidfd_open};

/// What [`memfd::check`] must say.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Verdict {
    WrongKind,
    Unsealed,
    /// A file on disk, unless that disk is in memory.
    WrongKindOrUnsealed,
}

impl Verdict {
    pub(crate) fn holds(self, error: CheckError) -> bool {
        match self {
            Self::WrongKind => error == CheckError::WrongKind,
            Self::Unsealed => matches!(error, CheckError::Unsealed { .. }),
            Self::WrongKindOrUnsealed => Self::WrongKind.holds(error) || Self::Unsealed.holds(error),
        }
    }
}

/// Name, descriptor and verdict. Kinds that the kernel does not offer are named on the output.
pub(crate) fn wrong_kinds() -> Vec<(&'static str, OwnedFd, Verdict)> {
    let (pipe_out, pipe_in) = pipe().unwrap();
    let (stream, _) = std::os::unix::net::UnixStream::pair().unwrap();
    let read = OFlags::RDONLY | OFlags::CLOEXEC;
    let path = |name: &str, flags| open(name, flags, Mode::empty()).unwrap();
    let unsealed = memfd::create(c"annulet-unsealed", 4096).unwrap();
    let unsealable = memfd_create(c"annulet-unsealable", MemfdFlags::CLOEXEC).unwrap();
    let half_sealed = memfd::create(c"annulet-half", 4096).unwrap();
    memfd::add_seals(&half_sealed, Seals::SHRINK).unwrap();
    let mut kinds = vec![
        ("unsealed memfd", unsealed, Verdict::Unsealed),
        ("memfd without sealing", unsealable, Verdict::Unsealed),
        ("memfd sealed by half", half_sealed, Verdict::Unsealed),
        ("file of this test", path("/proc/self/exe", read), Verdict::WrongKindOrUnsealed),
        ("file of procfs", path("/proc/self/status", read), Verdict::WrongKind),
        ("pipe, read end", pipe_out, Verdict::WrongKind),
        ("pipe, write end", pipe_in, Verdict::WrongKind),
        ("socket", stream.into(), Verdict::WrongKind),
        ("eventfd", eventfd(0, EventfdFlags::CLOEXEC).unwrap(), Verdict::WrongKind),
        ("pidfd", pidfd_open(getpid(), PidfdFlags::empty()).unwrap(), Verdict::WrongKind),
        ("directory", path("/", read | OFlags::DIRECTORY), Verdict::WrongKind),
        ("character device", path("/dev/null", read), Verdict::WrongKind),
        ("path only", path("/proc/self/exe", read | OFlags::PATH), Verdict::WrongKind),
    ];
    match dev_shm() {
        Ok(fd) => kinds.push(("file of /dev/shm", fd, Verdict::Unsealed)),
        Err(error) => println!("SKIPPED file of /dev/shm: {error}"),
    }
    match secret() {
        Ok(fd) => kinds.push(("memfd_secret", fd, Verdict::WrongKind)),
        Err(error) => println!("SKIPPED memfd_secret: {error}"),
    }
    kinds
}

fn dev_shm() -> std::io::Result<OwnedFd> {
    let fd = open("/dev/shm", OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC, Mode::RUSR | Mode::WUSR)?;
    let file = File::from(fd);
    file.set_len(4096)?;
    Ok(file.into())
}

fn secret() -> std::io::Result<OwnedFd> {
    // SAFETY: the call takes one integer, no pointer, and gives a descriptor or -1.
    let raw = unsafe { libc::syscall(libc::SYS_memfd_secret, libc::O_CLOEXEC) };
    if raw < 0 {
        return Err(std::io::Error::last_os_error());
    }
    // SAFETY: just made by the kernel for us, not negative, known to nobody else.
    Ok(unsafe { OwnedFd::from_raw_fd(raw as i32) })
}
