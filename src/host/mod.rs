//! The Linux backends: links and regions in sealed memory files, between processes that do not trust each other.
//!
//! ```text
//!   process A: connect                                    process B: accept
//!   creates its window's memfd, writes all of it,
//!   maps it writable, seals it ──── fd over a socket ───▶ checks seals, filesystem, size, holes and header,
//!                                                         and only then maps it, read-only
//!   checks and maps likewise ◀──── fd over a socket ───── creates its own, only now
//!   says that it has it ────────────────────────────────▶
//!   Port: link over (my window, B's window)               Port: link over (my window, A's window)
//!   pidfd of B                                            pidfd of A
//! ```
//!
//! | | |
//! |---|---|
//! | [`Futex`] | how the threads of a process wait for [events](crate::wait::Event) and [channels](crate::channel) |
//! | [`Runner`] | a thread that gives what a [`Receiver`](crate::channel::Receiver) receives to a handler |
//! | [`Segment`] | a window of ours in a sealed memfd; [`attach`] is the one check of a peer's |
//! | [`Port`] | a [`Link`](crate::link::Link) over two segments that can wait, and knows when its peer is dead |
//! | [`accept`], [`connect`] | two processes exchange windows, and become a port each |
//! | [`seal_region`], [`attach_region`] | bytes that nobody can change any more: a true `&[u8]`, even from a hostile sender |
//!
//! # Guarantees, against a hostile peer process
//!
//! | | |
//! |---|---|
//! | faults | after [`attach`] returned `Ok`, nothing the peer does raises SIGBUS or SIGSEGV here |
//! | isolation | what I publish the peer can only read: `F_SEAL_FUTURE_WRITE` is set before the descriptor is passed (a peer that may open this process's `/proc/<pid>/fd` does not wait for that) |
//! | death | is the kernel's word (pidfd), never a number in shared memory or a silence; what was sent before stays readable |
//! | waiting | returns by its deadline, whatever the peer does: it sleeps in slices of 50 ms at most and looks again |
//! | descriptors | exactly as many as expected, close-on-exec; anything else is closed and an error |
//! | closing | by one thread ([`discard`]), the sockets of handshakes too: no deadline waits for what does not close. Once a quarter of the descriptors of this process waits to be closed, handshakes are refused |
//! | in flight | [`accept`] passes nothing to a peer before it has passed a window in order, and a bounded number of windows that it does not take |
//! | memory | what the peer passes has no holes and no memory beside its bytes, and cannot get any: reading it takes none of mine. What I write is mine to pay, for as long as a peer keeps the descriptor |
//! | whose window | none of mine is taken for a peer's, on whichever connection it comes back |

mod clock;
mod futex;
mod handshake;
mod own;
mod pending;
mod port;
mod region;
mod runner;
mod segment;

pub use futex::Futex;
pub use handshake::{HandshakeError, accept, connect};
pub use port::{LinkGuard, Port, PortError, PortLink};
pub use region::{attach_region, seal_region};
pub use runner::{Finished, Panicked, Runner, SpawnError};
pub use segment::{AttachError, PeerWindow, Segment, attach};

pub use crate::wait::Deadline;
pub use annulet_platform::closer::discard;
pub use annulet_platform::mapping::Sealed;
pub use annulet_platform::memfd::CheckError;
pub use annulet_platform::pidfd::{PeerDead, PidFd};
