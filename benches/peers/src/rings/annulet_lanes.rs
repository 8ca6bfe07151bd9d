//! `annulet::Lanes`: a ring for each producer, read as one, by one consumer or by several who steal.

use core::marker::PhantomData;

use annulet::Lanes;
use annulet::ring::lanes::{Fair, LaneConsumer, LaneProducer};
use annulet::ring::{Multi, Side, Sides};

use super::{Drain, Form, Lone, Many, Ring, Role, Single, Slice, single};

/// `L` lanes of `N` items.
pub(crate) struct Laned<const N: usize, const L: usize, C = Lone>(PhantomData<C>);

type Tx<'r, C> = LaneProducer<'r, u64, Sides<Lone, C>>;
type Rx<'r, const N: usize, const L: usize, C> = LaneConsumer<'r, u64, N, L, Fair, Sides<Lone, C>>;

/// The consumers' side, which knows how many ends it has.
pub(crate) trait Readers: Side + Sized + 'static {
    const NAME: &str;
    fn consumers<const N: usize, const L: usize>(
        first: Rx<'_, N, L, Self>,
        count: usize,
    ) -> Vec<Rx<'_, N, L, Self>>;
}

impl Readers for Lone {
    const NAME: &str = "annulet::Lanes";

    fn consumers<const N: usize, const L: usize>(
        first: Rx<'_, N, L, Self>,
        count: usize,
    ) -> Vec<Rx<'_, N, L, Self>> {
        single(first, count)
    }
}

impl Readers for Multi {
    const NAME: &str = "annulet::Lanes, stealing";

    fn consumers<const N: usize, const L: usize>(
        first: Rx<'_, N, L, Self>,
        count: usize,
    ) -> Vec<Rx<'_, N, L, Self>> {
        vec![first; count]
    }
}

impl<const N: usize, const L: usize, C: Readers> Ring for Laned<N, L, C> {
    const NAME: &str = C::NAME;
    const ROLE: Role = Role::Ours;
    type Tx<'r> = Tx<'r, C>;
    type Rx<'r> = Rx<'r, N, L, C>;

    fn with<R>(body: impl FnOnce(Self::Tx<'_>, Self::Rx<'_>) -> R) -> R {
        super::only::<Self, R>(body)
    }
}

impl<const N: usize, const L: usize, C: Readers> Many for Laned<N, L, C> {
    fn with_ends<R>(
        senders: usize,
        receivers: usize,
        body: impl FnOnce(Vec<Self::Tx<'_>>, Vec<Self::Rx<'_>>) -> R,
    ) -> R {
        let mut lanes = Box::new(Lanes::<u64, N, L, Sides<Lone, C>>::new());
        let (rx, lanes) = lanes.split(Fair::default());
        let tx = (0..senders).map(|_| lanes.register().expect("there is a lane for each sender")).collect();
        body(tx, C::consumers(rx, receivers))
    }
}

impl<const N: usize, const L: usize, C: Readers> Single for Laned<N, L, C> {
    #[inline(always)]
    fn push(tx: &mut Self::Tx<'_>, item: u64) -> bool {
        tx.try_push(item).is_ok()
    }

    #[inline(always)]
    fn pop(rx: &mut Self::Rx<'_>) -> Option<u64> {
        rx.try_pop().ok()
    }
}

impl<const N: usize, const L: usize, C: Readers> Form<Laned<N, L, C>> for Slice {
    const NAME: &str = "(slice)";

    #[inline(always)]
    fn send(&mut self, tx: &mut Tx<'_, C>, first: u64, chunk: usize) -> usize {
        tx.push_slice(self.fill(first, chunk))
    }

    #[inline(always)]
    fn receive(&mut self, rx: &mut Rx<'_, N, L, C>, chunk: usize, see: impl FnMut(u64)) -> usize {
        let count = rx.pop_slice(self.room(chunk));
        self.show(count, see)
    }
}

impl<const N: usize, const L: usize, C: Readers> Form<Laned<N, L, C>> for Drain {
    const NAME: &str = "(iterator, drain)";

    #[inline(always)]
    fn send(&mut self, tx: &mut Tx<'_, C>, first: u64, chunk: usize) -> usize {
        tx.push_iter(first..first + chunk as u64)
    }

    #[inline(always)]
    fn receive(&mut self, rx: &mut Rx<'_, N, L, C>, chunk: usize, mut see: impl FnMut(u64)) -> usize {
        rx.drain(chunk, |_, item| see(item))
    }
}
