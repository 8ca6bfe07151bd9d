//! Dropping the items of lanes that will not be read.

use super::{Lanes, Priority, Storage};
use crate::index::{Arity, Single};
use crate::ring::discard::discard_all;

impl<T, const N: usize, const L: usize, A: Arity<Producers = Single>, H: Storage> Lanes<T, N, L, A, H> {
    /// Drops all items that are there and those that come while it is at it, unless another thread is at it, as in one ring.
    pub(crate) fn discard(&self) {
        let skip_all = || {
            self.try_consumer(Priority).is_some_and(|mut consumer| {
                while consumer.skip(usize::MAX) > 0 {}
                true
            })
        };
        discard_all(&skip_all, &|| !self.is_empty());
    }
}
