//! Batches of a broadcast that no slice holds: the items of an iterator, and items into a closure.

use super::{Overwrite, Writer};
use crate::stats::Stats;
use crate::words::Entry;
#[cfg(compare_and_swap)]
use {
    super::{Gated, GatedReader},
    crate::error::{PopError, PushError},
};

impl<T: Entry, const N: usize, S: Stats> Writer<'_, T, N, Overwrite, S> {
    /// Publishes the items of `iter`, one after the other, `N` at most. Returns how many.
    ///
    /// There is always room, so an iterator without an end would never be done.
    ///
    /// ```
    /// let mut samples = annulet::Broadcast::<u32, 4>::new();
    /// let (mut writer, samples) = samples.split();
    /// let mut reader = samples.reader_at_newest();
    /// assert_eq!(writer.publish_iter(7..), 4);
    /// assert_eq!(reader.try_read(), Ok(7));
    /// ```
    pub fn publish_iter(&mut self, iter: impl IntoIterator<Item = T>) -> usize {
        iter.into_iter().take(N).map(|item| self.publish(item)).count()
    }
}

/// Publishes every item, also more than the ring holds: nobody is waited for. The other writers and producers have no such form,
/// which could not say what found no room.
impl<T: Entry, const N: usize, S: Stats> Extend<T> for Writer<'_, T, N, Overwrite, S> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, iter: I) {
        iter.into_iter().for_each(|item| self.publish(item));
    }
}

#[cfg(compare_and_swap)]
impl<T: Entry, const N: usize, const R: usize, S: Stats> Writer<'_, T, N, Gated<R>, S> {
    /// Publishes items of `iter` until there is no room or `iter` ends, `N` at most. Returns how many. No item is taken from
    /// `iter` that is not published.
    ///
    /// ```
    /// use annulet::ring::{Broadcast, broadcast::Gated};
    ///
    /// let mut orders = Broadcast::<u32, 2, Gated<1>>::new();
    /// let (mut writer, orders) = orders.split();
    /// let _slow = orders.join_at_oldest().unwrap();
    /// let mut numbers = 0..10;
    /// assert_eq!(writer.publish_partial_iter(&mut numbers), 2);
    /// assert_eq!(numbers.next(), Some(2));
    /// ```
    pub fn publish_partial_iter(&mut self, iter: impl IntoIterator<Item = T>) -> usize {
        self.publish_each(iter.into_iter()).0
    }

    /// As [`publish_partial_iter`](Self::publish_partial_iter). Returns, too, why there are no more, if it was refused.
    pub(crate) fn publish_each(
        &mut self,
        mut items: impl Iterator<Item = T>,
    ) -> (usize, Result<(), PushError<()>>) {
        let mut count = 0;
        // A lap at most: with readers that keep up it would not end otherwise.
        while count < N {
            if !self.has_room() {
                // A batch counts as refused only if it wanted items and moved none.
                if count == 0 && items.size_hint().1 != Some(0) {
                    self.count_full();
                }
                return (count, Err(PushError::Full(())));
            }
            let Some(item) = items.next() else { break };
            if self.try_publish(item).is_err() {
                // Not after it had room, which only this writer takes.
                break;
            }
            count += 1;
        }
        (count, Ok(()))
    }
}

#[cfg(compare_and_swap)]
impl<T: Entry, const N: usize, const R: usize, S: Stats> GatedReader<'_, T, N, R, S> {
    /// Reads up to `max` items into `f`, one after the other, `N` at most. Returns how many. The writer may go on after each.
    ///
    /// If `f` panics, the item that it had is read.
    ///
    /// # Errors
    ///
    /// [`PopError::Empty`] if there was none.
    ///
    /// ```
    /// use annulet::ring::{Broadcast, broadcast::Gated};
    ///
    /// let mut orders = Broadcast::<u32, 4, Gated<1>>::new();
    /// let (mut writer, orders) = orders.split();
    /// let mut reader = orders.join_at_oldest().unwrap();
    /// writer.publish_partial_iter(1..4);
    /// let mut sum = 0;
    /// assert_eq!(reader.try_drain(8, |item| sum += item), Ok(3));
    /// assert_eq!(sum, 6);
    /// ```
    pub fn try_drain(&mut self, max: usize, mut f: impl FnMut(T)) -> Result<usize, PopError> {
        if max == 0 {
            return Ok(0);
        }
        f(self.try_read()?);
        let mut count = 1;
        // A lap at most: with a writer that keeps up it would not end otherwise.
        while count < max.min(N) && self.available(1) > 0 {
            f(self.try_read()?);
            count += 1;
        }
        Ok(count)
    }
}
