//! Walking the control messages of a received datagram.
//!
//! Safe code over bytes: whatever they are, it stays inside them and ends.

use core::ffi::c_int;
use core::mem::size_of;
use std::os::fd::RawFd;

/// The kernel's `cmsghdr`: a length of pointer size that counts the header, then level and type.
const HEADER: usize = size_of::<usize>() + 2 * size_of::<c_int>();

/// `SCM_PIDFD` (Linux 6.5): a process with a copy of our socket can switch it on, and each message then brings one more
/// descriptor.
const SCM_PIDFD: c_int = 4;

/// Returns how many bytes a control message with `payload` bytes takes in the buffer.
pub(crate) const fn space(payload: usize) -> usize {
    (HEADER + payload).next_multiple_of(size_of::<usize>())
}

/// A descriptor number found in a control message, not yet owned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// Sent by the peer (`SCM_RIGHTS`).
    Passed(RawFd),
    /// Added by the kernel (`SCM_PIDFD`).
    Added(RawFd),
}

/// Returns every descriptor number in `control`, each once. It leaves out numbers below zero, which the kernel writes if it
/// could not make a descriptor.
pub(crate) fn descriptors(control: &[u8]) -> impl Iterator<Item = Found> {
    messages(control).flat_map(|message| {
        let wrap: Option<fn(RawFd) -> Found> = match (message.level, message.kind) {
            (libc::SOL_SOCKET, libc::SCM_RIGHTS) => Some(Found::Passed),
            (libc::SOL_SOCKET, SCM_PIDFD) => Some(Found::Added),
            _ => None,
        };
        wrap.into_iter().flat_map(move |wrap| numbers(message.payload).map(wrap))
    })
}

fn numbers(payload: &[u8]) -> impl Iterator<Item = RawFd> {
    payload
        .chunks_exact(size_of::<RawFd>())
        .filter_map(|chunk| chunk.try_into().ok().map(RawFd::from_ne_bytes))
        .filter(|&fd| fd >= 0)
}

struct Message<'a> {
    level: c_int,
    kind: c_int,
    payload: &'a [u8],
}

fn messages(mut rest: &[u8]) -> impl Iterator<Item = Message<'_>> {
    core::iter::from_fn(move || {
        let (len, body) = rest.split_first_chunk()?;
        let (level, body) = body.split_first_chunk()?;
        let (kind, _) = body.split_first_chunk()?;
        let len = usize::from_ne_bytes(*len);
        // A length outside header..=rest gives no payload and ends the walk, so each step moves on by a header or more.
        let payload = rest.get(HEADER..len)?;
        rest =
            len.checked_next_multiple_of(size_of::<usize>()).and_then(|next| rest.get(next..)).unwrap_or(&[]);
        Some(Message { level: c_int::from_ne_bytes(*level), kind: c_int::from_ne_bytes(*kind), payload })
    })
    .fuse()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(len: usize, level: c_int, kind: c_int, fds: &[RawFd]) -> Vec<u8> {
        let mut bytes = len.to_ne_bytes().to_vec();
        bytes.extend(level.to_ne_bytes());
        bytes.extend(kind.to_ne_bytes());
        bytes.extend(fds.iter().flat_map(|fd| fd.to_ne_bytes()));
        bytes.resize(bytes.len().next_multiple_of(size_of::<usize>()), 0);
        bytes
    }

    fn walk(control: &[u8]) -> Vec<Found> {
        descriptors(control).collect()
    }

    #[test]
    fn i07_well_formed_messages_give_their_descriptors() {
        let mut control = message(HEADER + 12, libc::SOL_SOCKET, libc::SCM_RIGHTS, &[3, 4, 5]);
        control.extend(message(HEADER + 4, libc::SOL_SOCKET, SCM_PIDFD, &[6]));
        control.extend(message(HEADER + 4, libc::SOL_SOCKET, libc::SCM_CREDENTIALS, &[7]));
        control.extend(message(HEADER + 4, libc::SOL_SOCKET + 1, libc::SCM_RIGHTS, &[8]));
        let expected = [Found::Passed(3), Found::Passed(4), Found::Passed(5), Found::Added(6)];
        assert_eq!(walk(&control), expected);
        assert_eq!(control.len(), space(12) + 3 * space(4));
    }

    #[test]
    fn i07_impossible_lengths_end_the_walk() {
        for len in [0, 1, HEADER - 1, HEADER + 5000, isize::MAX as usize, usize::MAX - 1, usize::MAX] {
            let mut control = message(len, libc::SOL_SOCKET, libc::SCM_RIGHTS, &[3]);
            control.extend(message(HEADER + 4, libc::SOL_SOCKET, libc::SCM_RIGHTS, &[4]));
            assert_eq!(walk(&control), [], "length {len:#x}");
        }
    }

    #[test]
    fn i07_negative_and_partial_numbers_are_left_out() {
        let control = message(HEADER + 12, libc::SOL_SOCKET, libc::SCM_RIGHTS, &[-1, 9, RawFd::MIN]);
        assert_eq!(walk(&control), [Found::Passed(9)]);
        let control = message(HEADER + 7, libc::SOL_SOCKET, libc::SCM_RIGHTS, &[3, 4]);
        assert_eq!(walk(&control), [Found::Passed(3)]);
    }

    #[test]
    fn i07_every_prefix_and_arbitrary_bytes_end_inside() {
        let whole = message(HEADER + 12, libc::SOL_SOCKET, libc::SCM_RIGHTS, &[3, 4, 5]);
        for cut in 0..whole.len() {
            let found = walk(whole.get(..cut).unwrap_or(&[])).len();
            assert!(found == 0 || cut >= HEADER + 12);
        }
        // xorshift: the same bytes every run. Small values are frequent, so that lengths are often plausible.
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        for _ in 0..200_000 {
            let mut control = [0_u8; 96];
            for byte in &mut control {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                *byte = if state & 3 == 0 { (state >> 8) as u8 & 0x3f } else { u8::from(state & 12 == 0) };
            }
            let found = walk(&control);
            assert!(found.len() <= control.len() / size_of::<RawFd>());
            assert!(found.iter().all(|f| matches!(f, Found::Passed(0..) | Found::Added(0..))));
        }
    }
}
