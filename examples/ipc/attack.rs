//! A hostile sender, and what the receiver answers.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use annulet::cap::{CapError, CapTable, Object, Rights};
use annulet::handle::Handle;
use annulet::host::{self, CheckError, Deadline, Endpoint, EndpointError, HandshakeError, PidFd};
use annulet::link::{Fault, LinkError};
use annulet::region::{Descriptor, DescriptorError, Offer, Policy, RegionError, RegionTable, Validator};
use annulet::words::WriteWords;
use annulet_platform::fdpass;
use annulet_platform::memfd;
use rustix::process::{Signal, getpid, kill_process};
use sha2::Digest;

use crate::Failure;
use crate::message::{DEPTH, PIECE, now};
use crate::receiver::{REGION_LIMIT, SELF, Sender, Tally, drain};
use crate::sender::{PATIENCE, endpoint, offer_pieces, region_of};
use crate::table::say;

/// What can be tried: its name, what the line says, and whether an answer is the right one.
struct Attack {
    name: &'static str,
    tried: &'static str,
    right: fn(&Answer) -> bool,
}

/// What came of an attack, for the receiver.
enum Answer {
    /// A message was refused.
    Refused(DescriptorError),
    /// The endpoint ended.
    Ended { why: EndpointError, messages: u64 },
    /// The region was not even mapped.
    NotAttached(CheckError),
    /// The kernel refused the sender, and everything arrived intact.
    Intact { errno: i32, messages: u64 },
    /// Nothing was noticed: the attack was lost on the receiver, or worked.
    Unnoticed,
    /// Something else went wrong.
    Other(Failure),
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Refused(why) => write!(f, "{why}"),
            Self::Ended { why, messages } => write!(f, "{why} (after {messages} good messages)"),
            Self::NotAttached(why) => write!(f, "{why}"),
            Self::Intact { errno, messages } => {
                write!(f, "not truncated: the kernel refused (errno {errno}), {messages} messages verified")
            }
            Self::Unnoticed => f.write_str("UNNOTICED"),
            Self::Other(why) => write!(f, "unexpected: {why}"),
        }
    }
}

/// How many honest messages the sender that dies sends first.
const GOOD: u64 = 3;
const EPERM: i32 = 1;

const ATTACKS: [Attack; 10] = [
    Attack {
        name: "slab",
        tried: "names a slab region, whose bytes could change after the check",
        right: |answer| {
            matches!(answer, Answer::Refused(DescriptorError::WrongPolicy { found: Policy::Slab }))
        },
    },
    Attack {
        name: "range",
        tried: "names a span that ends beyond the region",
        right: |answer| matches!(answer, Answer::Refused(DescriptorError::OutOfRange { .. })),
    },
    Attack {
        name: "overflow",
        tried: "names a span whose end overflows 64 bits, and the range check with it",
        right: |answer| matches!(answer, Answer::Refused(DescriptorError::OutOfRange { end: u64::MAX, .. })),
    },
    Attack {
        name: "stale",
        tried: "names a region that is gone, by its old generation",
        right: |answer| matches!(answer, Answer::Refused(DescriptorError::Stale)),
    },
    Attack {
        name: "revoked",
        tried: "uses a capability that was revoked",
        right: |answer| matches!(answer, Answer::Refused(DescriptorError::Denied(CapError::Revoked))),
    },
    Attack {
        name: "forged-cap",
        tried: "makes up a capability",
        right: |answer| matches!(answer, Answer::Refused(DescriptorError::Denied(CapError::BadHandle))),
    },
    Attack {
        name: "forged-index",
        tried: "forges the index of its window: more messages than there are slots",
        right: |answer| {
            matches!(answer, Answer::Ended { why: EndpointError::Link(LinkError::Corrupt(Fault::Tail)), .. })
        },
    },
    Attack {
        name: "unsealed",
        tried: "offers a memfd that it can truncate under the reader",
        right: |answer| matches!(answer, Answer::NotAttached(CheckError::Unsealed { .. })),
    },
    Attack {
        name: "truncate",
        tried: "truncates the sealed memfd while it is read",
        right: |answer| matches!(answer, Answer::Intact { errno: EPERM, messages } if *messages > 0),
    },
    Attack {
        name: "dies",
        tried: "dies in the middle of a message",
        right: |answer| matches!(answer, Answer::Ended { why: EndpointError::PeerDead, messages: GOOD }),
    },
];

/// Lets a sender try every attack; true if each got the right answer.
pub fn run(file: &Path) -> Result<bool, Failure> {
    let mut survived = 0;
    for attack in &ATTACKS {
        let answer = face(attack.name, file).unwrap_or_else(Answer::Other);
        let right = (attack.right)(&answer);
        survived += usize::from(right);
        let verdict = if right { "" } else { "   <-- NOT THE RIGHT ANSWER" };
        say(&format!("{:<13} the sender {}\n{:<13} -> {answer}{verdict}\n", attack.name, attack.tried, ""))?;
    }
    say(&format!("survived {survived} of {} attacks\n", ATTACKS.len()))?;
    Ok(survived == ATTACKS.len())
}

/// The receiver's side of one attack. The tables are its own, and hold what the attacks need.
fn face(name: &str, file: &Path) -> Result<Answer, Failure> {
    let sender = Sender::spawn(name, file)?;
    let peer = PidFd::of_child(&sender.child)?;
    let socket = sender.socket.try_clone()?;
    let connected = host::accept::<Offer, DEPTH>(socket, peer, &[], 1, Deadline::after(PATIENCE));
    let (mut endpoint, regions) = match connected {
        Ok(connected) => connected,
        Err(HandshakeError::Attach(host::AttachError::File(why))) => return Ok(Answer::NotAttached(why)),
        Err(why) => return Err(why.into()),
    };
    let memory = host::attach_region(regions.first().ok_or("no region was passed")?, REGION_LIMIT);
    host::discard(regions, Deadline::after(PATIENCE));
    let memory = match memory {
        Ok(memory) => memory,
        Err(why) => return Ok(Answer::NotAttached(why)),
    };

    let (old, mut slab) = ([0; 64], [0; 4096]);
    let regions = RegionTable::<3>::new();
    let good = regions.register_immutable(&memory)?;
    let slab = regions.register_slab(&mut slab, 64).map_err(RegionError::from)?;
    // A region that is gone, and another one in its place.
    let stale = regions.register_immutable(&old)?;
    regions.revoke(stale)?;
    let heir = regions.register_immutable(&old)?;
    let mut caps = CapTable::<4>::new();
    let mut mint = |region| caps.mint(SELF, Object::Region(region), Rights::READ | Rights::REVOKE, 0);
    let (good_cap, slab_cap, heir_cap, lost_cap) = (mint(good)?, mint(slab)?, mint(heir)?, mint(good)?);
    caps.revoke(SELF, lost_cap)?;
    let validator = Validator::new(&regions, &caps, SELF).immutable_only().max_len(PIECE as u32);

    // Everything a hostile sender could have learnt: what is told here gives it no rights.
    let told = [(good, good_cap), (slab, slab_cap), (stale, heir_cap), (good, lost_cap)];
    for (region, cap) in told {
        let descriptor = Descriptor::new(region, 0, 0, 0)?;
        endpoint.send(&Offer { descriptor, cap }, Deadline::after(PATIENCE))?;
    }

    let mut tally = Tally::new(memory.len() as u64)?;
    let drained = drain(&mut endpoint, |offer: Offer| {
        let view = validator.check(offer.cap, &offer.descriptor)?;
        tally.take(&view);
        Ok(())
    });
    let messages = tally.messages;
    Ok(match drained {
        Ok(()) if name == "truncate" => intact(&sender, tally, &memory)?,
        Ok(()) => Answer::Unnoticed,
        Err(why) => match why.downcast::<DescriptorError>() {
            Ok(why) => Answer::Refused(*why),
            Err(why) => match why.downcast::<EndpointError>() {
                Ok(why) => Answer::Ended { why: *why, messages },
                Err(why) => Answer::Other(why),
            },
        },
    })
}

/// After an attempt to truncate: what the kernel told the sender, and whether every byte arrived all the same.
fn intact(sender: &Sender, tally: Tally, memory: &[u8]) -> Result<Answer, Failure> {
    let mut errno = [0; 4];
    fdpass::recv(&sender.socket, &mut errno, &mut [], Deadline::after(PATIENCE))?;
    let whole = tally.hasher.finalize() == sha2::Sha256::digest(memory) && tally.bytes == memory.len() as u64;
    Ok(if whole {
        Answer::Intact { errno: i32::from_le_bytes(errno), messages: tally.messages }
    } else {
        Answer::Unnoticed
    })
}

/// The sender's side of one attack.
pub fn perform(name: &str, socket: &OwnedFd, path: &Path) -> Result<(), Failure> {
    if name == "unsealed" {
        let region = memfd::create(c"trap", 4096)?;
        // The receiver refuses before it answers; nothing is left to be done here.
        let _port: Endpoint<Offer, DEPTH> = endpoint(socket, Some(&region))?;
        return Ok(File::from(region).set_len(0)?);
    }
    let (region, bytes) = region_of(path)?;
    let mut endpoint = endpoint::<Offer, DEPTH>(socket, Some(&region))?;
    let mut told = || endpoint.recv(Deadline::after(PATIENCE));
    let (good, slab, stale, lost) = (told()?, told()?, told()?, told()?);

    let offer = |of: Offer, offset, length| {
        Descriptor::new(of.descriptor.region(), offset, length, now())
            .map(|descriptor| Offer { descriptor, cap: of.cap })
    };
    let bad = match name {
        "slab" => offer(slab, 0, 64)?,
        "range" => offer(good, bytes, PIECE)?,
        "overflow" => offer(good, u64::MAX - 1, PIECE)?,
        "stale" => offer(stale, 0, 64)?,
        "revoked" => offer(lost, 0, 1)?,
        "forged-cap" => Offer { cap: Handle::new(good.cap.index() + 2, 77), ..offer(good, 0, 1)? },
        "forged-index" => {
            // The tail is the first word of the window.
            endpoint.link().mine().publish(0, 0x00ab_cdef);
            return linger(endpoint);
        }
        "truncate" => {
            let refused = rustix::fs::ftruncate(&region, 0).err().map_or(0, |errno| errno.raw_os_error());
            offer_pieces(&mut endpoint, good, bytes)?;
            endpoint.close();
            return Ok(fdpass::send(socket, &refused.to_le_bytes(), &[], Deadline::after(PATIENCE))?);
        }
        "dies" => {
            for _ in 0..GOOD {
                endpoint.send(&offer(good, 0, 1)?, Deadline::after(PATIENCE))?;
            }
            // Half of the next message's words are written, its tail is not.
            for word in 0..4 {
                endpoint.link().mine().write(96 + GOOD as usize * 8 + word, 0xdead_beef);
            }
            kill_process(getpid(), Signal::KILL)?;
            return Err(io::Error::other("survived SIGKILL").into());
        }
        other => return Err(format!("no such role: {other}").into()),
    };
    endpoint.send(&bad, Deadline::after(PATIENCE))?;
    linger(endpoint)
}

/// Waits until the receiver is done: it closes, or ends this process.
fn linger(mut endpoint: Endpoint<Offer, DEPTH>) -> Result<(), Failure> {
    match endpoint.recv(Deadline::after(PATIENCE)) {
        Ok(_) | Err(EndpointError::Link(LinkError::Closed) | EndpointError::PeerDead) => Ok(()),
        Err(why) => Err(why.into()),
    }
}
