//! The Linux backends: links and regions in sealed memory files, and waiting by futexes.
//!
//! Use an [`Endpoint`] between two processes that do not trust each other, and a [`Channel`](crate::Channel) over [`Futex`]
//! between threads, or between processes that do. Everything here needs the feature `std`, and Linux.
//!
//! ```text
//!   process A: connect                                    process B: accept
//!   creates its window's memfd, writes all of it,
//!   maps it writable, seals it ──── fd over a socket ───▶ checks seals, filesystem, size, holes and header,
//!                                                         and only then maps it, read-only
//!   checks and maps likewise ◀──── fd over a socket ───── creates its own, only now
//!   confirms that it has it ────────────────────────────▶
//!   Endpoint: link over (my window, B's window)               Endpoint: link over (my window, A's window)
//!   pidfd of B                                            pidfd of A
//! ```
//!
//! | | |
//! |---|---|
//! | [`Futex`] | how threads wait for [events](crate::wait::Event) and [channels](crate::channel) |
//! | [`Runner`] | a thread that gives what a [`Receiver`](crate::channel::Receiver) receives to a handler |
//! | [`Segment`] | a window of ours in a sealed memfd; [`attach`] checks a peer's |
//! | [`Endpoint`] | a [`Link`](crate::link::Link) over two windows that waits, and knows when its peer is dead |
//! | [`accept`], [`connect`] | two processes exchange windows, and get an endpoint each |
//! | [`seal_region`], [`attach_region`] | bytes that no process can change: a true `&[u8]`, even from a hostile sender |
//!
//! The program `examples/ipc` is an example of all of it. [`Endpoint`] has a short one.
//!
//! # Guarantees
//!
//! Against a hostile peer process:
//!
//! | | |
//! |---|---|
//! | faults | after [`attach`] returned `Ok`, nothing that the peer does raises SIGBUS or SIGSEGV here |
//! | isolation | the peer can only read my window: `F_SEAL_FUTURE_WRITE` is set before it is passed |
//! | death | is known from the kernel (pidfd) only; what was sent before stays readable |
//! | waiting | returns by its deadline, whatever the peer does: sleeps last at most 50 ms |
//! | descriptors | exactly as many as expected, close-on-exec; any others are closed, and an error |
//! | closing | is done by one thread ([`discard`]), so a descriptor that does not close delays no deadline |
//! | a flood of descriptors | handshakes are refused while a quarter of this process's descriptors wait to be closed |
//! | in flight | [`accept`] passes windows only to a peer that has passed its own, and a bounded number |
//! | memory | a window or region of a peer has no holes and no memory behind its end, so reading takes none |
//! | own windows | none of mine is taken for a peer's, on whichever connection it comes back |
//!
//! A peer that may open this process's `/proc/<pid>/fd` is not isolated. The memory of my window is mine to pay for as long as
//! a peer keeps its descriptor.

mod clock;
mod endpoint;
mod futex;
mod given_back;
mod handshake;
mod pending;
mod runner;
mod sealed;
mod segment;
mod window_registry;

pub use endpoint::{Endpoint, EndpointError, EndpointLink, LinkGuard};
pub use futex::Futex;
pub use given_back::{Finished, Panicked, SpawnError};
pub use handshake::{HandshakeError, accept, connect};
pub use runner::{Handler, Runner, StopError};
pub use sealed::{attach_region, seal_region};
pub use segment::{AttachError, PeerWindow, Segment, attach};

pub use crate::wait::Deadline;
pub use annulet_platform::closer::discard;
pub use annulet_platform::mapping::Sealed;
pub use annulet_platform::memfd::CheckError;
pub use annulet_platform::pidfd::{PeerDead, PidFd};
