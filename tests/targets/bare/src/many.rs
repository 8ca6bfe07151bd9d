//! Rings with sides of many ends, which count.

use annulet::ring::{Consumer, Multi, Producer, Ring, Side, Sides, Single};
use annulet::stats::Counts;

use crate::{Op, call_all, item::Item};

const N: usize = 8;

type Whole<T, P, C> = Ring<T, N, Sides<P, C, Counts>>;

/// A ring that nobody has split, and both ends of another one.
pub struct Rings<T: 'static, P: Side, C: Side> {
    whole: Whole<T, P, C>,
    tx: Producer<'static, T, Sides<P, C, Counts>>,
    rx: Consumer<'static, T, Sides<P, C, Counts>>,
}

pub fn run<T: Item + 'static>() {
    with_rings::<T, Multi, Single>(&[clone_producer, peek, iter, try_read]);
    with_rings::<T, Single, Multi>(&[clone_consumer]);
    with_rings::<T, Multi, Multi>(&[clone_producer, clone_consumer, by_reference]);
}

pub fn run_copy<T: Item + Copy + 'static>() {
    with_rings::<T, Multi, Single>(&[push_slice, pop_slice]);
    with_rings::<T, Single, Multi>(&[push_slice, pop_slice]);
    with_rings::<T, Multi, Multi>(&[push_slice, pop_slice, slices_by_reference]);
}

fn with_rings<T: Item + 'static, P: Side, C: Side>(more: &[Op<Rings<T, P, C>>]) {
    let ring = Whole::new();
    // SAFETY: the ends are dropped with `rings` below, before `ring` is; nothing of `Rings` outlives this call.
    let forever: &'static Whole<T, P, C> = unsafe { &*core::ptr::from_ref(&ring) };
    // SAFETY: the ring is new, and these are the only ends made of it.
    let (tx, rx) = unsafe { forever.split_unchecked() };
    let mut rings = Rings { whole: Whole::new(), tx, rx };
    all(&mut rings);
    call_all(more, &mut rings);
    drop(rings);
}

ops! {
    all[T: Item + 'static, P: Side, C: Side] Rings<T, P, C>:
    ring_new_and_drop(rings, _, _) {
        rings.whole = Ring::new();
        rings.whole.capacity()
    }
    ring_split(rings, a, _) {
        let (mut tx, mut rx) = rings.whole.split();
        let pushed = tx.try_push(T::of(a)).is_ok();
        rx.try_pop().map_or(usize::from(pushed), |item| item.see())
    }
    ring_try_split(rings, a, _) {
        let alone = rings.whole.try_producer().is_some() && rings.whole.try_consumer().is_some();
        let Some((mut tx, mut rx)) = rings.whole.try_split() else { return usize::from(alone) };
        let pushed = tx.try_push(T::of(a)).is_ok();
        rx.try_pop().map_or(usize::from(pushed), |item| item.see())
    }
    ring_counts(rings, _, _) {
        let stats = rings.whole.stats();
        let (sent, received) = (stats.producers, stats.consumers);
        sent.items + received.largest + rings.whole.len() + usize::from(rings.whole.is_full())
    }
    try_push(rings, a, _) {
        match rings.tx.try_push(T::of(a)) {
            Ok(()) => 0,
            Err(back) => back.into_inner().see(),
        }
    }
    push_iter(rings, a, b) { rings.tx.push_iter((0..a).map(T::of).filter(|item| item.see() != b)) }
    try_claim_push_commit(rings, a, b) {
        let Ok(mut grant) = rings.tx.try_claim(a) else { return 0 };
        while grant.push(T::of(b)).is_ok() {}
        grant.commit(b)
    }
    try_claim_exact_abort(rings, a, b) {
        let Ok(mut grant) = rings.tx.try_claim_exact(a) else { return 0 };
        grant.fill_from((0..b).map(T::of));
        drop(grant);
        a
    }
    try_pop(rings, _, _) { rings.rx.try_pop().map_or(0, |item| item.see()) }
    skip(rings, a, _) { rings.rx.skip(a) }
    consume(rings, a, _) {
        let mut sum = 0_usize;
        rings.rx.consume(a, |item| sum = sum.wrapping_add(item.see())) + sum
    }
    drain(rings, a, _) {
        let mut sum = 0;
        rings.rx.drain(a, |item| sum ^= item.see()) + sum
    }
    iterate(rings, a, _) { rings.rx.try_iter().take(a).fold(0, |sum, item| sum ^ item.see()) }
    counts(rings, _, _) {
        rings.tx.len() + rings.rx.len() + usize::from(rings.tx.is_full()) + usize::from(rings.rx.is_empty())
    }
}

fn push_slice<T: Item + Copy, P: Side, C: Side>(rings: &mut Rings<T, P, C>, a: usize, b: usize) -> usize {
    let items = [T::of(a); 12];
    rings.tx.push_slice(items.get(..b).unwrap_or(&items))
}

fn pop_slice<T: Item + Copy, P: Side, C: Side>(rings: &mut Rings<T, P, C>, a: usize, b: usize) -> usize {
    let mut items = [T::of(a); 12];
    let wanted = b.min(items.len());
    items.get_mut(..wanted).map_or(0, |out| rings.rx.pop_slice(out)) + items.first().map_or(0, T::see)
}

fn clone_producer<T: Item, C: Side>(rings: &mut Rings<T, Multi, C>, a: usize, _: usize) -> usize {
    rings.tx.clone().try_push(T::of(a)).is_ok().into()
}

fn clone_consumer<T: Item, P: Side>(rings: &mut Rings<T, P, Multi>, _: usize, _: usize) -> usize {
    rings.rx.clone().try_pop().map_or(0, |item| item.see())
}

fn peek<T: Item, P: Side>(rings: &mut Rings<T, P, Single>, _: usize, _: usize) -> usize {
    rings.rx.peek().map_or(0, T::see)
}

fn iter<T: Item, P: Side>(rings: &mut Rings<T, P, Single>, _: usize, _: usize) -> usize {
    rings.rx.iter().fold(0, |sum, item| sum ^ item.see())
}

fn try_read<T: Item, P: Side>(rings: &mut Rings<T, P, Single>, a: usize, b: usize) -> usize {
    rings
        .rx
        .try_read_grant(a)
        .map_or(0, |grant| grant.iter().fold(0, |sum, item| sum ^ item.see()) + grant.release(b))
}

fn by_reference<T: Item>(rings: &mut Rings<T, Multi, Multi>, a: usize, b: usize) -> usize {
    let ring = &rings.whole;
    let pushed = ring.try_push(T::of(a)).is_ok() && ring.producer().try_push(T::of(b)).is_ok();
    let mut sum = ring.try_pop().map_or(usize::from(pushed), |item| item.see());
    sum += ring.consumer().len();
    let drained = ring.drain(a, |item| sum ^= item.see());
    sum + drained
}

fn slices_by_reference<T: Item + Copy>(rings: &mut Rings<T, Multi, Multi>, a: usize, b: usize) -> usize {
    let mut items = [T::of(a), T::of(b)];
    rings.whole.push_slice(&items) + rings.whole.pop_slice(&mut items)
}
