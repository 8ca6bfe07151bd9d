//! How many ends each side of a ring has, and whether it counts, as one type.

use core::fmt;
use core::marker::PhantomData;

use super::side::{Side, Single};
use crate::stats::{Off, Stats};

/// The kind of a ring in one parameter: its two sides, and what it counts. Sealed; [`Sides`] is the only one.
pub trait Arity: sealed::Sealed {
    /// [`Single`] or `Multi`.
    type Producers: Side;
    /// [`Single`] or `Multi`.
    type Consumers: Side;
    /// [`Off`], or [`Counts`](crate::stats::Counts).
    type Stats: Stats;
}

/// The sides of a ring: how many producers and how many consumers it has ([`Single`] or `Multi`), and what it counts.
///
/// It is a name for a type parameter; there is no value of it.
pub struct Sides<P, C, S = Off> {
    never: PhantomData<Named<P, C, S>>,
}

/// Something that names three types, and has none of them.
type Named<P, C, S> = fn() -> (P, C, S);

mod sealed {
    pub trait Sealed: Sized + 'static {}
}

impl<P: Side, C: Side, S: Stats> sealed::Sealed for Sides<P, C, S> {}
impl<P: Side, C: Side, S: Stats> Arity for Sides<P, C, S> {
    type Producers = P;
    type Consumers = C;
    type Stats = S;
}

impl<P, C, S> fmt::Debug for Sides<P, C, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { never: _ } = self;
        f.write_str("Sides")
    }
}

/// One producer, one consumer, no counters.
pub(crate) type OneToOne = Sides<Single, Single>;
