//! The name of both ends of a ring.

use super::consumer::Consumer;
use super::owner::Ref;
use super::producer::Producer;
use crate::index::{Sides, Single};

/// Both ends of a ring that is borrowed.
pub type Ends<'a, T, A = Sides<Single, Single>, K = Ref<'a>> = (Producer<'a, T, A, K>, Consumer<'a, T, A, K>);
