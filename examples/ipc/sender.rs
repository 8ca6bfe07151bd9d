//! The second process: it offers a file, honestly or not. Its standard input is the socket to the first.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

use annulet::host::{self, Deadline, Endpoint, PidFd, Sealed};
use annulet::link::Entry;
use annulet::region::{Descriptor, Offer};
use annulet_platform::fdpass;
use sha2::{Digest, Sha256};

use crate::message::{DEPTH, INLINE_DEPTH, Inline, PIECE, now};
use crate::{Failure, attack};

/// How long either side waits for the other before it gives up.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// What the sender says when it is through, by the socket: its hash of the file, and what it sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// Of the file as the sender read it.
    pub hash: [u8; 32],
    /// Sent.
    pub messages: u64,
    /// Payload bytes that were copied into the link.
    pub copied: u64,
}

impl Report {
    /// Bytes of a report on the wire.
    pub const BYTES: usize = 48;

    fn to_bytes(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        bytes[..32].copy_from_slice(&self.hash);
        bytes[32..40].copy_from_slice(&self.messages.to_le_bytes());
        bytes[40..].copy_from_slice(&self.copied.to_le_bytes());
        bytes
    }

    /// What arrived, as the sender claims it.
    pub fn from_bytes(bytes: &[u8; Self::BYTES]) -> Self {
        let number = |at: usize| bytes[at..at + 8].iter().rev().fold(0, |n, byte| n << 8 | u64::from(*byte));
        let mut hash = [0; 32];
        hash.copy_from_slice(&bytes[..32]);
        Self { hash, messages: number(32), copied: number(40) }
    }
}

/// Plays `role` with `path`.
pub fn run(role: &str, path: &Path) -> Result<(), Failure> {
    let socket = io::stdin().as_fd().try_clone_to_owned()?;
    match role {
        "stream" => stream(&socket, path),
        "copy" => copy(&socket, path),
        attack => attack::perform(attack, &socket, path),
    }
}

/// A region of the file's bytes, and how many there are: an empty file gives a region of one byte that nobody
/// reads, since a region cannot be empty.
pub fn region_of(path: &Path) -> Result<(OwnedFd, u64), Failure> {
    let mut file = File::open(path)?;
    let mut first = [0];
    let empty = file.read(&mut first)? == 0;
    file.rewind()?;
    let region = if empty { host::seal_region(&first[..])? } else { host::seal_region(&file)? };
    let bytes = if empty { 0 } else { host::attach_region(&region, u64::MAX)?.len() as u64 };
    Ok((region, bytes))
}

/// Becomes an endpoint of the parent, offering `region`. The connection stays open, for what is said at the end.
pub fn endpoint<E: Entry, const N: usize>(
    socket: &OwnedFd,
    region: Option<&OwnedFd>,
) -> Result<Endpoint<E, N>, Failure> {
    let parent = PidFd::of_peer(socket)?;
    let offer: Vec<_> = region.iter().map(|fd| fd.as_fd()).collect();
    let (endpoint, _) =
        host::connect::<E, N>(socket.try_clone()?, parent, &offer, 0, Deadline::after(PATIENCE))?;
    Ok(endpoint)
}

/// Offers every piece of `bytes` bytes of the region that `welcome` names. Returns the number of messages.
pub fn offer_pieces(
    endpoint: &mut Endpoint<Offer, DEPTH>,
    welcome: Offer,
    bytes: u64,
) -> Result<u64, Failure> {
    let pieces = (0..bytes).step_by(PIECE).map(|offset| {
        let length = (bytes - offset).min(PIECE as u64) as usize;
        Descriptor::new(welcome.descriptor.region(), offset, length, now())
            .map(|descriptor| Offer { descriptor, cap: welcome.cap })
    });
    let mut messages = 0;
    for offer in pieces {
        endpoint.send(&offer?, Deadline::after(PATIENCE))?;
        messages += 1;
    }
    Ok(messages)
}

/// Streams the file as descriptors into a sealed region.
fn stream(socket: &OwnedFd, path: &Path) -> Result<(), Failure> {
    let hash = hash_of(path)?;
    let (region, bytes) = region_of(path)?;
    let mut endpoint = endpoint::<Offer, DEPTH>(socket, Some(&region))?;
    let welcome = endpoint.recv(Deadline::after(PATIENCE))?;
    let messages = offer_pieces(&mut endpoint, welcome, bytes)?;
    endpoint.close();
    report(socket, Report { hash, messages, copied: 0 })
}

/// Streams the file inline.
fn copy(socket: &OwnedFd, path: &Path) -> Result<(), Failure> {
    let hash = hash_of(path)?;
    // In memory before the clock runs, as in `stream`.
    let (region, bytes) = region_of(path)?;
    let memory: Sealed = host::attach_region(&region, u64::MAX)?;
    let mut endpoint = endpoint::<Inline, INLINE_DEPTH>(socket, None)?;
    let (mut messages, mut copied) = (0, 0);
    for piece in memory.get(..bytes as usize).unwrap_or_default().chunks(PIECE) {
        endpoint.send(&Inline::new(piece, now()), Deadline::after(PATIENCE))?;
        copied += piece.len() as u64;
        messages += 1;
    }
    endpoint.close();
    report(socket, Report { hash, messages, copied })
}

fn report(socket: &OwnedFd, report: Report) -> Result<(), Failure> {
    Ok(fdpass::send(socket, &report.to_bytes(), &[], Deadline::after(PATIENCE))?)
}

/// The hash of the file as it is on disk, read in the ordinary way.
fn hash_of(path: &Path) -> Result<[u8; 32], Failure> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    io::copy(&mut file, &mut hasher)?;
    Ok(hasher.finalize().into())
}
