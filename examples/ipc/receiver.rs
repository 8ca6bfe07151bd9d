//! The first process: it starts the sender, believes nothing, and hashes what it can verify.

use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use annulet::cap::{CapTable, Object, Rights, Task};
use annulet::host::{self, Deadline, Endpoint, EndpointError, PidFd};
use annulet::link::LinkError;
use annulet::region::{Descriptor, Offer, RegionTable, Validator};
use annulet_platform::fdpass;
use hdrhistogram::Histogram;
use indicatif::{ProgressBar, ProgressStyle};
use sha2::{Digest, Sha256};

use crate::Failure;
use crate::message::{Inline, PIECE, Sent, now};
use crate::sender::{PATIENCE, Report};
use crate::table::{Outcome, print};

/// On whose behalf descriptors are checked: this process is the only task of its tables.
pub const SELF: Task = Task(1);
/// The largest region taken: more than any file here, less than the address space.
pub const REGION_LIMIT: u64 = 1 << 40;

/// The second process. It is ended when this is dropped.
pub struct Sender {
    pub child: Child,
    pub socket: OwnedFd,
}

impl Sender {
    /// Starts this program again, with one end of a socket as its standard input.
    pub fn spawn(role: &str, file: &Path) -> Result<Self, Failure> {
        let (ours, theirs) = fdpass::pair()?;
        let child = Command::new(std::env::current_exe()?)
            .args(["--sender", role])
            .arg("--")
            .arg(file)
            .stdin(Stdio::from(theirs))
            .spawn()?;
        Ok(Self { child, socket: ours })
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        // It may have ended by itself, and then this fails.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What is counted while messages arrive.
pub struct Tally {
    pub hasher: Sha256,
    pub messages: u64,
    pub bytes: u64,
    pub copied: u64,
    latency: Histogram<u64>,
    first: Option<Instant>,
    bar: ProgressBar,
}

impl Tally {
    pub fn new(total: u64) -> Result<Self, Failure> {
        // Hidden by itself when standard error is no terminal.
        let bar = ProgressBar::new(total);
        bar.set_style(ProgressStyle::with_template("{wide_bar} {bytes}/{total_bytes} {bytes_per_sec}")?);
        // Up to what 32 bits of nanoseconds can say.
        let latency = Histogram::new_with_bounds(1, u64::from(u32::MAX), 3)?;
        Ok(Self { hasher: Sha256::new(), messages: 0, bytes: 0, copied: 0, latency, first: None, bar })
    }

    fn arrived(&mut self, sent_at: u32) {
        self.first.get_or_insert_with(Instant::now);
        self.latency.saturating_record(u64::from(now().wrapping_sub(sent_at)));
    }

    /// Takes bytes in: they are hashed where they are.
    pub fn take(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
        self.messages += 1;
        self.bytes += bytes.len() as u64;
        if self.messages.is_multiple_of(1024) {
            self.bar.set_position(self.bytes);
        }
    }
}

/// The two ways to receive: what is agreed first, and what a message means.
pub trait Receive: Sent {
    /// Descriptors that the sender passes beside its window.
    const REGIONS: usize;
    /// Receives everything until the sender closes.
    fn receive<const N: usize>(
        endpoint: &mut Endpoint<Self, N>,
        regions: Vec<OwnedFd>,
        tally: &mut Tally,
    ) -> Result<(), Failure>;
}

impl Receive for Offer {
    const REGIONS: usize = 1;

    fn receive<const N: usize>(
        endpoint: &mut Endpoint<Self, N>,
        regions: Vec<OwnedFd>,
        tally: &mut Tally,
    ) -> Result<(), Failure> {
        let region = regions.into_iter().next().ok_or("no region was passed")?;
        let memory = host::attach_region(&region, REGION_LIMIT);
        host::discard([region], Deadline::after(PATIENCE));
        let memory = memory?;
        let table = RegionTable::<1>::new();
        let handle = table.register_immutable(&memory)?;
        let mut caps = CapTable::<1>::new();
        let cap = caps.mint(SELF, Object::Region(handle), Rights::READ, 0)?;
        let validator = Validator::new(&table, &caps, SELF).immutable_only().max_len(PIECE as u32);

        // The sender learns how to name its region here.
        let welcome = Offer { descriptor: Descriptor::new(handle, 0, 0, 0)?, cap };
        endpoint.send(&welcome, Deadline::after(PATIENCE))?;
        drain(endpoint, |offer: Offer| {
            tally.arrived(offer.sent_at());
            let view = validator.check(offer.cap, &offer.descriptor)?;
            tally.take(&view);
            Ok(())
        })
    }
}

impl Receive for Inline {
    const REGIONS: usize = 0;

    fn receive<const N: usize>(
        endpoint: &mut Endpoint<Self, N>,
        _: Vec<OwnedFd>,
        tally: &mut Tally,
    ) -> Result<(), Failure> {
        let mut piece = [0; PIECE];
        drain(endpoint, |message: Inline| {
            tally.arrived(message.sent_at());
            let bytes = message.bytes(&mut piece).ok_or("a message longer than a piece")?;
            tally.copied += bytes.len() as u64;
            tally.take(bytes);
            Ok(())
        })
    }
}

/// Gives every message to `f` until the sender closes, or something is wrong.
pub fn drain<E: Sent, const N: usize>(
    endpoint: &mut Endpoint<E, N>,
    mut f: impl FnMut(E) -> Result<(), Failure>,
) -> Result<(), Failure> {
    loop {
        let message = match endpoint.recv(Deadline::after(PATIENCE)) {
            Ok(message) => message,
            Err(EndpointError::Link(LinkError::Closed)) => return Ok(()),
            Err(why) => return Err(why.into()),
        };
        f(message)?;
    }
}

/// Receives `file` from a second process and prints the table; true if it was verified.
pub fn run<E: Receive, const N: usize>(role: &str, file: &Path) -> Result<bool, Failure> {
    let mut sender = Sender::spawn(role, file)?;
    let peer = PidFd::of_child(&sender.child)?;
    let deadline = Deadline::after(PATIENCE * 10);
    // The sender reports by the same connection when it is through.
    let socket = sender.socket.try_clone()?;
    let (mut endpoint, regions) = host::accept::<E, N>(socket, peer, &[], E::REGIONS, deadline)?;

    let mut tally = Tally::new(std::fs::metadata(file)?.len())?;
    E::receive(&mut endpoint, regions, &mut tally)?;
    let elapsed = tally.first.map(|first| first.elapsed());
    tally.bar.finish_and_clear();

    let mut bytes = [0; Report::BYTES];
    let count = fdpass::recv(&sender.socket, &mut bytes, &mut [], Deadline::after(PATIENCE))?;
    if count != Report::BYTES {
        return Err("the sender's report is cut short".into());
    }
    let report = Report::from_bytes(&bytes);
    // It has said that it is through. Whether it ends is its own business, as all that it says.
    if endpoint.peer().wait(Deadline::after(PATIENCE)).is_none() {
        return Err("the sender does not end".into());
    }
    let ended = sender.child.wait()?;
    if !ended.success() {
        return Err(format!("the sender ended with {ended}").into());
    }
    let hash: [u8; 32] = tally.hasher.finalize().into();
    let verified = hash == report.hash && tally.messages == report.messages;
    print(&Outcome {
        file,
        inline: role == "copy",
        messages: tally.messages,
        bytes: tally.bytes,
        copied: tally.copied.saturating_add(report.copied),
        elapsed,
        latency: &tally.latency,
        depth: N,
        sender: report.hash,
        receiver: hash,
        verified,
    })?;
    Ok(verified)
}
