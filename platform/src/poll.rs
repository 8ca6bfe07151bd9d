//! Waiting for a descriptor, bounded by a deadline.

use std::os::fd::BorrowedFd;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;

use crate::clock;

/// How many interrupted looks in a row are repeated after the deadline. A storm of signals must not keep the call from
/// returning.
const LATE_LOOKS: u32 = 8;

/// Waits until `fd` reports one of `events`, or an error condition. Returns what it reported, or `None` if the deadline came
/// first.
///
/// With a past deadline it looks once. Signals neither end nor lengthen the wait.
pub(crate) fn wait(fd: BorrowedFd<'_>, events: PollFlags, deadline: u64) -> Result<Option<PollFlags>, Errno> {
    let mut fds = [PollFd::from_borrowed_fd(fd, events)];
    let mut late = 0;
    loop {
        let left = clock::remaining(deadline).map(clock::timespec);
        match poll(&mut fds, left.as_ref()) {
            Ok(0) if clock::is_past(deadline) => return Ok(None),
            // A timer that fires a moment early by our reading of the clock.
            Ok(0) => {}
            Ok(_) => {
                let [ready] = &fds;
                return Ok(Some(ready.revents()));
            }
            Err(Errno::INTR) if late >= LATE_LOOKS => return Ok(None),
            Err(Errno::INTR) => late += u32::from(clock::is_past(deadline)),
            Err(errno) => return Err(errno),
        }
    }
}
