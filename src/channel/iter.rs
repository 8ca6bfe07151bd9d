//! The items of a receiver, as an iterator.
//!
//! Each of them passes over what a broadcast has overwritten before it was read: [`Receiver::recv`] tells how much that was.

use core::fmt;

use super::channel_ref::ChannelRef;
use super::{Receiver, RecvError, TryRecvError};

/// Each item as it comes, waiting for it, until the channel is closed; see [`Receiver::iter`].
#[must_use = "an iterator does nothing until it is asked"]
pub struct Iter<'r, C: ChannelRef>(&'r mut Receiver<C>);

/// Each item that is there; see [`Receiver::try_iter`].
#[must_use = "an iterator does nothing until it is asked"]
pub struct TryIter<'r, C: ChannelRef>(&'r mut Receiver<C>);

/// Each item as it comes, from a receiver that it owns.
///
/// ```
/// # #[cfg(feature = "std")] {
/// use annulet::channel::spsc;
///
/// let (mut tx, rx) = spsc(4);
/// std::thread::spawn(move || (1..4).for_each(|number| tx.send(number).unwrap()));
/// let mut sum = 0;
/// for number in rx {
///     sum += number;
/// }
/// assert_eq!(sum, 6);
/// # }
/// ```
#[must_use = "an iterator does nothing until it is asked"]
pub struct IntoIter<C: ChannelRef>(Receiver<C>);

impl<C: ChannelRef> Receiver<C> {
    /// Returns an iterator over the items as they come. It waits for each, and ends once the channel is closed. What was
    /// overwritten before it was read is passed over.
    ///
    /// ```
    /// # #[cfg(feature = "std")] {
    /// use annulet::{Channel, Spsc, host::Futex};
    ///
    /// let mut channel = Channel::new(Spsc::<u32, 4>::new(), Futex::new());
    /// let (mut tx, mut rx) = channel.split();
    /// tx.send_iter(&mut (1..4)).unwrap();
    /// drop(tx);
    /// assert!(rx.iter().eq(1..4));
    /// # }
    /// ```
    pub fn iter(&mut self) -> Iter<'_, C> {
        Iter(self)
    }

    /// Returns an iterator over the items that are there. It does not wait.
    ///
    /// ```
    /// # #[cfg(feature = "std")] {
    /// use annulet::channel::spsc;
    ///
    /// let (mut tx, mut rx) = spsc(4);
    /// tx.send_iter(&mut (1..4)).unwrap();
    /// assert!(rx.try_iter().eq(1..4));
    /// assert_eq!(rx.try_iter().next(), None);
    /// # }
    /// ```
    pub fn try_iter(&mut self) -> TryIter<'_, C> {
        TryIter(self)
    }

    fn next_item(&mut self) -> Option<C::Item> {
        loop {
            match self.recv() {
                Err(RecvError::Lagged(_)) => {}
                received => return received.ok(),
            }
        }
    }
}

impl<C: ChannelRef> Iterator for Iter<'_, C> {
    type Item = C::Item;
    fn next(&mut self) -> Option<C::Item> {
        self.0.next_item()
    }
}

impl<C: ChannelRef> Iterator for TryIter<'_, C> {
    type Item = C::Item;
    fn next(&mut self) -> Option<C::Item> {
        match self.0.try_recv() {
            // What is left is there, unless the writer overwrites that, too: one more look, so that this ends.
            Err(TryRecvError::Lagged(_)) => self.0.try_recv().ok(),
            received => received.ok(),
        }
    }
}

impl<C: ChannelRef> Iterator for IntoIter<C> {
    type Item = C::Item;
    fn next(&mut self) -> Option<C::Item> {
        self.0.next_item()
    }
}

impl<C: ChannelRef> IntoIterator for Receiver<C> {
    type Item = C::Item;
    type IntoIter = IntoIter<C>;
    /// Each item as it comes, waiting for it, until the channel is closed.
    fn into_iter(self) -> IntoIter<C> {
        IntoIter(self)
    }
}

impl<'r, C: ChannelRef> IntoIterator for &'r mut Receiver<C> {
    type Item = C::Item;
    type IntoIter = Iter<'r, C>;
    /// Each item as it comes, waiting for it, until the channel is closed.
    fn into_iter(self) -> Iter<'r, C> {
        self.iter()
    }
}

macro_rules! debug {
    ($($name:ident [$($life:lifetime)?]),*) => {$(
        impl<C: ChannelRef> fmt::Debug for $name<$($life,)? C>
        where
            C::RecvEnd: fmt::Debug,
        {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_tuple(stringify!($name)).field(&self.0).finish()
            }
        }
    )*};
}
debug!(Iter ['_], TryIter ['_], IntoIter []);
