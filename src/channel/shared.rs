//! How the ends of an owned channel reach it, and what becomes of what is queued when its last receiver goes.

use super::Channel;
use super::line::{Hold, Line, sealed};
use crate::ring::{Arity, Ring};
use crate::sync::{Arc, is_over};
use crate::wait::{Meter, Wait};

/// An `Arc` of the channel.
#[derive(Debug)]
pub struct Shared<X>(pub(super) Arc<X>);

impl<X> Clone for Shared<X> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// Drops what is queued when it is dropped.
struct Discard<'h, L: Hold>(&'h L);

impl<L: Hold> Drop for Discard<'_, L> {
    fn drop(&mut self) {
        if !is_over() {
            self.0.discard();
        }
    }
}

type Ringed<T, const N: usize, A, W, M, const TASKS: usize> = Channel<Ring<T, N, A>, W, M, TASKS>;

impl<T, const N: usize, A: Arity, W: Wait, M: Meter, const TASKS: usize> Hold
    for Shared<Ringed<T, N, A, W, M, TASKS>>
{
}
impl<T, const N: usize, A: Arity, W: Wait, M: Meter, const TASKS: usize> sealed::Hold
    for Shared<Ringed<T, N, A, W, M, TASKS>>
{
    type Line = Line<W, M, TASKS>;
    #[inline(always)]
    fn line(&self) -> &Line<W, M, TASKS> {
        &self.0.line
    }

    const OWNED: bool = true;
    fn abandon(&self) {
        // Also if the platform panics.
        let _discard = Discard(self);
        // What is sent from now on is dropped by its sender, which sees this; what was sent before, here, after the fence in
        // `discard`.
        self.0.line.keep_watch();
    }
    fn discard(&self) {
        self.0.ring.discard();
    }
}
