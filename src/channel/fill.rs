//! How full the channel of an end is.

use super::channel_ref::ChannelRef;
use super::channel_ref::sealed::Reach;
use super::{Channel, Receiver, Sender};
use crate::ring::AnyRing;

macro_rules! fill {
    ($($end:ident),*) => {$(
        impl<C, R: AnyRing, W, const TASKS: usize> $end<C>
        where
            C: ChannelRef + Reach<Channel = Channel<R, W, TASKS>>,
        {
            /// Returns the number of items that the channel holds when it is full.
            #[must_use]
            pub fn capacity(&self) -> usize {
                self.channel().capacity()
            }

            /// Returns the number of items in the channel: a snapshot, as [`Channel::len`].
            #[must_use]
            pub fn len(&self) -> usize {
                self.channel().len()
            }

            /// Returns true if [`len`](Self::len) is 0.
            #[must_use]
            pub fn is_empty(&self) -> bool {
                self.channel().is_empty()
            }

            /// Returns true if [`len`](Self::len) is the capacity.
            #[must_use]
            pub fn is_full(&self) -> bool {
                self.channel().is_full()
            }
        }
    )*};
}
fill!(Sender, Receiver);
