//! `annulet::Spsc`, `Mpsc`, `Spmc` and `Mpmc`: one type, and one adapter.

use core::marker::PhantomData;

use annulet::ring::{Consumer, Multi, Producer, Side, Sides};

use super::{Drain, Form, Grant, Lone, Many, Ring, Role, Single, Slice, single};

pub(crate) struct Annulet<const N: usize, P = Lone, C = Lone>(PhantomData<(P, C)>);

/// A side, which knows how many ends it has.
pub(crate) trait Arity: Side + Sized + 'static {
    const MANY: bool;
    fn producers<'r, C: Side>(
        first: Producer<'r, u64, Sides<Self, C>>,
        count: usize,
    ) -> Vec<Producer<'r, u64, Sides<Self, C>>>;
    fn consumers<'r, P: Side>(
        first: Consumer<'r, u64, Sides<P, Self>>,
        count: usize,
    ) -> Vec<Consumer<'r, u64, Sides<P, Self>>>;
}

impl Arity for Lone {
    const MANY: bool = false;

    fn producers<'r, C: Side>(
        first: Producer<'r, u64, Sides<Self, C>>,
        count: usize,
    ) -> Vec<Producer<'r, u64, Sides<Self, C>>> {
        single(first, count)
    }

    fn consumers<'r, P: Side>(
        first: Consumer<'r, u64, Sides<P, Self>>,
        count: usize,
    ) -> Vec<Consumer<'r, u64, Sides<P, Self>>> {
        single(first, count)
    }
}

impl Arity for Multi {
    const MANY: bool = true;

    fn producers<'r, C: Side>(
        first: Producer<'r, u64, Sides<Self, C>>,
        count: usize,
    ) -> Vec<Producer<'r, u64, Sides<Self, C>>> {
        vec![first; count]
    }

    fn consumers<'r, P: Side>(
        first: Consumer<'r, u64, Sides<P, Self>>,
        count: usize,
    ) -> Vec<Consumer<'r, u64, Sides<P, Self>>> {
        vec![first; count]
    }
}

impl<const N: usize, P: Arity, C: Arity> Ring for Annulet<N, P, C> {
    const NAME: &str = const {
        match (P::MANY, C::MANY) {
            (false, false) => "annulet::Spsc",
            (true, false) => "annulet::Mpsc",
            (false, true) => "annulet::Spmc",
            (true, true) => "annulet::Mpmc",
        }
    };
    const ROLE: Role = Role::Ours;
    type Tx<'r> = Producer<'r, u64, Sides<P, C>>;
    type Rx<'r> = Consumer<'r, u64, Sides<P, C>>;

    fn with<R>(body: impl FnOnce(Self::Tx<'_>, Self::Rx<'_>) -> R) -> R {
        let mut ring = annulet::ring::Ring::<u64, N, Sides<P, C>>::boxed();
        let (tx, rx) = ring.split();
        body(tx, rx)
    }
}

impl<const N: usize, P: Arity, C: Arity> Many for Annulet<N, P, C> {
    fn with_ends<R>(
        senders: usize,
        receivers: usize,
        body: impl FnOnce(Vec<Self::Tx<'_>>, Vec<Self::Rx<'_>>) -> R,
    ) -> R {
        Self::with(|tx, rx| body(P::producers(tx, senders), C::consumers(rx, receivers)))
    }
}

impl<const N: usize, P: Arity, C: Arity> Single for Annulet<N, P, C> {
    #[inline(always)]
    fn push(tx: &mut Self::Tx<'_>, item: u64) -> bool {
        tx.try_push(item).is_ok()
    }

    #[inline(always)]
    fn pop(rx: &mut Self::Rx<'_>) -> Option<u64> {
        rx.try_pop().ok()
    }
}

impl<const N: usize> Form<Annulet<N>> for Grant {
    const NAME: &str = "(grant)";

    #[inline(always)]
    fn send(&mut self, tx: &mut Producer<'_, u64>, first: u64, chunk: usize) -> usize {
        match tx.try_claim(chunk) {
            Ok(mut grant) => {
                grant.fill_with(|i| first + i as u64);
                grant.commit_all()
            }
            Err(_) => 0,
        }
    }

    #[inline(always)]
    fn receive(&mut self, rx: &mut Consumer<'_, u64>, chunk: usize, see: impl FnMut(u64)) -> usize {
        match rx.try_read_grant(chunk) {
            Ok(grant) => {
                grant.items().iter().copied().for_each(see);
                grant.release_all()
            }
            Err(_) => 0,
        }
    }
}

impl<const N: usize, P: Arity, C: Arity> Form<Annulet<N, P, C>> for Slice {
    const NAME: &str = "(slice)";

    #[inline(always)]
    fn send(&mut self, tx: &mut Producer<'_, u64, Sides<P, C>>, first: u64, chunk: usize) -> usize {
        tx.push_slice(self.fill(first, chunk))
    }

    #[inline(always)]
    fn receive(
        &mut self,
        rx: &mut Consumer<'_, u64, Sides<P, C>>,
        chunk: usize,
        see: impl FnMut(u64),
    ) -> usize {
        let count = rx.pop_slice(self.room(chunk));
        self.show(count, see)
    }
}

impl<const N: usize, P: Arity, C: Arity> Form<Annulet<N, P, C>> for Drain {
    const NAME: &str = "(iterator, drain)";

    #[inline(always)]
    fn send(&mut self, tx: &mut Producer<'_, u64, Sides<P, C>>, first: u64, chunk: usize) -> usize {
        tx.push_iter(first..first + chunk as u64)
    }

    #[inline(always)]
    fn receive(
        &mut self,
        rx: &mut Consumer<'_, u64, Sides<P, C>>,
        chunk: usize,
        see: impl FnMut(u64),
    ) -> usize {
        rx.drain(chunk, see)
    }
}

/// `annulet::Mpmc` through a shared reference: no handle, so each call finds its place anew.
pub(crate) struct ByReference<const N: usize>;

impl<const N: usize> Ring for ByReference<N> {
    const NAME: &str = "annulet::Mpmc by reference";
    const ROLE: Role = Role::Ours;
    type Tx<'r> = &'r annulet::Mpmc<u64, N>;
    type Rx<'r> = &'r annulet::Mpmc<u64, N>;

    fn with<R>(body: impl FnOnce(Self::Tx<'_>, Self::Rx<'_>) -> R) -> R {
        let ring = annulet::Mpmc::<u64, N>::boxed();
        body(&ring, &ring)
    }
}

impl<const N: usize> Many for ByReference<N> {
    fn with_ends<R>(
        senders: usize,
        receivers: usize,
        body: impl FnOnce(Vec<Self::Tx<'_>>, Vec<Self::Rx<'_>>) -> R,
    ) -> R {
        Self::with(|tx, rx| body(vec![tx; senders], vec![rx; receivers]))
    }
}

impl<const N: usize> Single for ByReference<N> {
    #[inline(always)]
    fn push(ring: &mut Self::Tx<'_>, item: u64) -> bool {
        ring.try_push(item).is_ok()
    }

    #[inline(always)]
    fn pop(ring: &mut Self::Rx<'_>) -> Option<u64> {
        ring.try_pop().ok()
    }
}
