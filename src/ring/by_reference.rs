//! Sides of many, used through a shared reference to the ring.
//!
//! Each call makes an end for itself, so it knows nothing of earlier calls: it looks at the position of its own side, and at
//! what the other side has committed. An end that is kept has both at hand: with two or four threads on each side it moved 1.8
//! times as many items, 68 million a second in place of 37, and with one on each side 0.7 times as many (`benches/peers`, mpmc
//! single, Intel, processors far from each other).

use super::owner::Ref;
use super::{Consumer, Producer, Raw as _, Ring};
use crate::error::{PopError, PushError};
use crate::index::{Arity, SharedSide};

macro_rules! by_reference {
    ($(#[$cfg:meta])? [$($params:tt)*] $ring:ty) => {
        /// Many producers need no handle.
        // Each call says so, and not all of them at once: so the compiler says what to do if this side has a single end.
        $(#[$cfg])?
        impl<$($params)* A: Arity> $ring {
            /// Returns one more producer.
            #[must_use]
            pub fn producer(&self) -> Producer<'_, T, A>
            where
                A::Producers: SharedSide,
            {
                // SAFETY: a side of many producers may have one more, and the ring is borrowed for as long as it is there.
                unsafe { Producer::new(self.ptr(), Ref::exclusive()) }
            }

            /// Pushes one item, as [`Producer::try_push`].
            ///
            /// A [`producer`](Self::producer) that is kept need not look for its place each time: with two or
            /// four threads on each side, it moved 1.8 times as many items.
            ///
            /// # Errors
            ///
            /// As for [`Producer::try_push`], with the item.
            ///
            /// ```
            /// use annulet::Mpmc;
            ///
            /// static JOBS: Mpmc<u32, 64> = Mpmc::new();
            ///
            /// std::thread::spawn(|| JOBS.try_push(7)).join().unwrap().unwrap();
            /// assert_eq!(JOBS.try_pop(), Ok(7));
            /// ```
            #[inline]
            pub fn try_push(&self, item: T) -> Result<(), PushError<T>>
            where
                A::Producers: SharedSide,
            {
                self.producer().try_push(item)
            }

            /// Copies as many of `items` as fit, as [`Producer::push_slice`]. Returns how many.
            #[inline]
            pub fn push_slice(&self, items: &[T]) -> usize
            where
                T: Copy,
                A::Producers: SharedSide,
            {
                self.producer().push_slice(items)
            }
        }

        /// Many consumers need no handle.
        $(#[$cfg])?
        impl<$($params)* A: Arity> $ring {
            /// Returns one more consumer.
            #[must_use]
            pub fn consumer(&self) -> Consumer<'_, T, A>
            where
                A::Consumers: SharedSide,
            {
                // SAFETY: a side of many consumers may have one more, and the ring is borrowed for as long as it is there.
                unsafe { Consumer::new(self.ptr(), Ref::exclusive()) }
            }

            /// Pops one item, as [`Consumer::try_pop`].
            ///
            /// A [`consumer`](Self::consumer) that is kept need not look for its place each time: with two or
            /// four threads on each side, it moved 1.8 times as many items.
            ///
            /// # Errors
            ///
            /// As for [`Consumer::try_pop`].
            #[inline]
            pub fn try_pop(&self) -> Result<T, PopError>
            where
                A::Consumers: SharedSide,
            {
                self.consumer().try_pop()
            }

            /// Copies as many items as there are into `out`, up to its length, as [`Consumer::pop_slice`]. Returns how many.
            #[inline]
            pub fn pop_slice(&self, out: &mut [T]) -> usize
            where
                T: Copy,
                A::Consumers: SharedSide,
            {
                self.consumer().pop_slice(out)
            }

            /// Moves up to `max` items into `f`, as [`Consumer::drain`]. Returns how many.
            #[inline]
            pub fn drain(&self, max: usize, f: impl FnMut(T)) -> usize
            where
                A::Consumers: SharedSide,
            {
                self.consumer().drain(max, f)
            }
        }
    };
}

by_reference!([T, const N: usize,] Ring<T, N, A>);
by_reference!(
    #[cfg(all(feature = "alloc", not(loom)))]
    [T,] super::HeapRing<T, A>
);
