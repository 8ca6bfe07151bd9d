//! Waiting for the end of a channel.

use core::future::poll_fn;

use super::channel_ref::ChannelRef;
use super::state::sealed::AnyChannel as _;
use super::{Receiver, Sender};

macro_rules! closed {
    ($($end:ident, $what:literal, $setup:literal, $done:literal;)*) => {$(
        impl<C: ChannelRef> $end<C> {
            #[doc = $what]
            ///
            /// It does not wait for items, nor for room, and takes no wake-up from those who do. Nothing is lost by dropping it.
            ///
            /// ```
            /// # #[cfg(feature = "std")] {
            /// use annulet::channel::mpsc;
            /// use futures::executor::block_on;
            ///
            #[doc = $setup]
            #[doc = $done]
            /// # }
            /// ```
            pub async fn closed(&self) {
                let mut waiter = self.channel().wait_for_end();
                poll_fn(|context| waiter.poll(context, || self.is_closed().then_some(()))).await;
            }
        }
    )*};
}
closed! {
    Sender, "Waits until a send would be refused: it was closed, or all receivers are gone.",
        "let (tx, rx) = mpsc::<u32>(4);\nstd::thread::spawn(move || drop(rx));", "block_on(tx.closed());";
    Receiver, "Waits until it was closed, or there were senders and all are gone. There may still be items.",
        "let (tx, rx) = mpsc::<u32>(4);\nstd::thread::spawn(move || drop(tx));", "block_on(rx.closed());";
}
