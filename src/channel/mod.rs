//! Channels: a ring, of any arity, whose ends wait for each other; lanes, and broadcasts.
//!
//! A [`Channel`] is the ring, an [`Event`](crate::wait::Event) for data and one for room, and one word that says who is
//! there and whether it was closed. Its ends, [`Sender`] and [`Receiver`], are the ring's ends with that beside them.
//!
//! | | at once | waits | until an instant | for a time | as a future |
//! |---|---|---|---|---|---|
//! | one in | [`try_send`](Sender::try_send) | [`send`](Sender::send) | [`send_deadline`](Sender::send_deadline) | [`send_timeout`](Sender::send_timeout) | [`send_async`](Sender::send_async) |
//! | several in | [`try_send_iter`](Sender::try_send_iter) | [`send_iter`](Sender::send_iter) | [`send_iter_deadline`](Sender::send_iter_deadline) | [`send_iter_timeout`](Sender::send_iter_timeout) | |
//! | one out | [`try_recv`](Receiver::try_recv) | [`recv`](Receiver::recv) | [`recv_deadline`](Receiver::recv_deadline) | [`recv_timeout`](Receiver::recv_timeout) | [`recv_async`](Receiver::recv_async) |
//! | several out | [`try_drain`](Receiver::try_drain) | [`drain`](Receiver::drain) | [`drain_deadline`](Receiver::drain_deadline) | [`drain_timeout`](Receiver::drain_timeout) | |
//! | a look | | | | | [`Sender::ready`], [`Receiver::ready`], [`Sender::reserve`] |
//!
//! With feature `futures-v0.3` a receiver is a `Stream` (`Receiver::into_stream`, `Receiver::stream`) and a sender a
//! `Sink` (`Sender::into_sink`).

mod body;
mod ends;
mod error;
mod future;
mod guard;
mod line;
mod numbers;
mod receiver;
mod sender;
#[cfg(arc)]
mod shared;
#[cfg(feature = "futures-v0.3")]
mod stream;

pub use body::{Channel, GatedReceiver, LaneReceiver, LaneSender, RingEnds, RingReceiver, RingSender};
#[cfg(arc)]
pub use body::{OwnedEnds, OwnedReceiver, OwnedSender};
pub use ends::{Feed, Source};
pub use error::{RecvError, SendError, TryRecvError, TrySendError};
pub use future::{Permit, RecvFuture, RecvReady, Reserve, SendFuture, SendReady};
pub use guard::EndGuard;
pub use line::{Hold, Line};
pub use receiver::Receiver;
#[cfg(all(feature = "std", target_os = "linux"))]
pub(crate) use receiver::wake_receivers;
pub use sender::Sender;
#[cfg(arc)]
pub use shared::Shared;
#[cfg(feature = "futures-v0.3")]
pub use stream::{RecvStream, RecvStreamRef, SendSink};
