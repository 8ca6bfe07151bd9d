//! One more end of a side of many.

use super::owner::{CloneEnds, Owner};
use super::{Consumer, Producer};
use crate::index::{Arity, SharedSide};

macro_rules! cloned {
    ($($end:ident, $side:ident, $name:literal;)*) => {$(
        impl<T, A: Arity<$side: SharedSide>, K: Owner> $end<'_, T, A, K> {
            /// One more of them, whatever keeps the ring.
            pub(crate) fn another(&self) -> Self {
                // SAFETY: a side of many may have one more end, and what keeps the ring alive keeps it for this one.
                unsafe { Self::new(self.end.ring(), self.owner.clone_owner()) }
            }
        }

        impl<T, A: Arity, K: Owner> $end<'_, T, A, K> {
            #[doc = concat!("Returns one more ", $name, ", of a side of many.")]
            // Beside the trait's, so that the compiler says what to do if this side has a single end.
            #[allow(clippy::should_implement_trait)]
            pub fn clone(&self) -> Self
            where
                Self: Clone,
            {
                Clone::clone(self)
            }
        }

        impl<T, A: Arity<$side: SharedSide>, K: CloneEnds> Clone for $end<'_, T, A, K> {
            #[doc = concat!("Returns one more ", $name, ".")]
            fn clone(&self) -> Self {
                self.another()
            }
        }
    )*};
}

cloned! {
    Producer, Producers, "producer";
    Consumer, Consumers, "consumer";
}
