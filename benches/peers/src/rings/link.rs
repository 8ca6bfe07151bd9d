//! `annulet::link`: the ring across a trust boundary. It has no peer here; beside the others it shows what not
//! trusting the other side costs.

use annulet::link::{Link, Window};

use super::{Drain, Form, Ring, Role, Single};

pub(crate) struct Untrusting<const N: usize>;

/// One side of the link.
type Side<'r, const N: usize> = Link<u64, N, &'r Window<u64, N>, &'r Window<u64, N>>;

impl<const N: usize> Ring for Untrusting<N> {
    const NAME: &str = "annulet::Link";
    const ROLE: Role = Role::Ours;
    type Tx<'r> = Side<'r, N>;
    type Rx<'r> = Side<'r, N>;

    fn with<R>(body: impl FnOnce(Self::Tx<'_>, Self::Rx<'_>) -> R) -> R {
        let (ours, theirs) = (Box::new(Window::new()), Box::new(Window::new()));
        body(Link::new(&*ours, &*theirs), Link::new(&*theirs, &*ours))
    }
}

impl<const N: usize> Single for Untrusting<N> {
    #[inline(always)]
    fn push(tx: &mut Self::Tx<'_>, item: u64) -> bool {
        tx.try_send(&item).is_ok()
    }

    #[inline(always)]
    fn pop(rx: &mut Self::Rx<'_>) -> Option<u64> {
        rx.try_recv().ok()
    }
}

impl<const N: usize> Form<Untrusting<N>> for Drain {
    const NAME: &str = "(iterator, drain)";

    #[inline(always)]
    fn send(&mut self, tx: &mut Side<'_, N>, first: u64, chunk: usize) -> usize {
        tx.try_send_iter(first..first + chunk as u64).unwrap_or(0)
    }

    #[inline(always)]
    fn receive(&mut self, rx: &mut Side<'_, N>, chunk: usize, see: impl FnMut(u64)) -> usize {
        rx.try_drain(chunk, see).unwrap_or(0)
    }
}
