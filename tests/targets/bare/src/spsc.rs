//! `Spsc`: its ring, its two ends, its grants.

use annulet::{
    Spsc,
    ring::{Consumer, Producer},
};

use crate::{Op, call_all, item::Item};

const N: usize = 8;

/// A ring that nobody has split, and both ends of another one.
pub struct Rings<T: 'static> {
    whole: Spsc<T, N>,
    tx: Producer<'static, T>,
    rx: Consumer<'static, T>,
}

pub fn run<T: Item + 'static>() {
    with_rings::<T>(Ops::<T>::TABLE);
}

pub fn run_copy<T: Item + Copy + 'static>() {
    with_rings::<T>(Ops::<T>::COPY);
}

fn with_rings<T: Item + 'static>(table: &[Op<Rings<T>>]) {
    let ring = Spsc::new();
    // SAFETY: the ends are dropped with `rings` below, before `ring` is; nothing of `Rings` outlives this call.
    let forever: &'static Spsc<T, N> = unsafe { &*core::ptr::from_ref(&ring) };
    // SAFETY: the ring is new, and these are the only ends made of it.
    let (tx, rx) = unsafe { forever.split_unchecked() };
    let mut rings = Rings { whole: Spsc::new(), tx, rx };
    call_all(table, &mut rings);
    drop(rings);
}

struct Ops<T>(core::marker::PhantomData<T>);

impl<T: Item + 'static> Ops<T> {
    const TABLE: &'static [Op<Rings<T>>] = &[
        ring_new_and_drop,
        ring_split,
        ring_split_unchecked,
        ring_counts,
        #[cfg(compare_and_swap)]
        ring_try_split,
        #[cfg(compare_and_swap)]
        ring_try_producer,
        #[cfg(compare_and_swap)]
        ring_try_consumer,
        try_push,
        push_iter,
        try_claim_push_commit,
        try_claim_push_commit,
        try_claim_push_abort,
        try_claim_fill_with,
        try_claim_fill_from,
        try_claim_uninit,
        try_claim_exact_uninit_parts,
        try_claim_exact_push_commit,
        producer_counts,
        try_pop,
        peek,
        try_read_items_release,
        try_read_iter_release_all,
        try_read_parts_release,
        try_read_drop,
        skip,
        consume,
        drain,
        try_iter,
        iter,
        consumer_counts,
        #[cfg(feature = "control")]
        control,
    ];
}

impl<T: Item + Copy + 'static> Ops<T> {
    const COPY: &'static [Op<Rings<T>>] = &[
        push_slice,
        try_claim_copy_from_commit,
        try_claim_copy_from_commit,
        try_claim_exact_copy_from,
        pop_slice,
    ];
}

fn ring_new_and_drop<T: Item>(rings: &mut Rings<T>, _: usize, _: usize) -> usize {
    // The old value is dropped, and what is in it: the compiler does not know how much.
    rings.whole = Spsc::new();
    rings.whole.capacity()
}

fn ring_split<T: Item>(rings: &mut Rings<T>, a: usize, _: usize) -> usize {
    let (mut tx, mut rx) = rings.whole.split();
    let pushed = tx.try_push(T::of(a)).is_ok();
    rx.try_pop().map_or(usize::from(pushed), |item| item.see())
}

fn ring_split_unchecked<T: Item>(rings: &mut Rings<T>, a: usize, _: usize) -> usize {
    // SAFETY: the ring is borrowed exclusively, so nobody has an end of it, and these are dropped here.
    let (mut tx, mut rx) = unsafe { rings.whole.split_unchecked() };
    let pushed = tx.try_push(T::of(a)).is_ok();
    rx.try_pop().map_or(usize::from(pushed), |item| item.see())
}

#[cfg(compare_and_swap)]
fn ring_try_split<T: Item>(rings: &mut Rings<T>, a: usize, _: usize) -> usize {
    let Some((mut tx, mut rx)) = rings.whole.try_split() else { return 0 };
    let pushed = tx.try_push(T::of(a)).is_ok();
    rx.try_pop().map_or(usize::from(pushed), |item| item.see())
}

#[cfg(compare_and_swap)]
fn ring_try_producer<T: Item>(rings: &mut Rings<T>, a: usize, _: usize) -> usize {
    rings.whole.try_producer().is_some_and(|mut tx| tx.try_push(T::of(a)).is_ok()).into()
}

#[cfg(compare_and_swap)]
fn ring_try_consumer<T: Item>(rings: &mut Rings<T>, _: usize, _: usize) -> usize {
    rings.whole.try_consumer().and_then(|mut rx| rx.try_pop().ok()).map_or(0, |item| item.see())
}

fn ring_counts<T: Item>(rings: &mut Rings<T>, _: usize, _: usize) -> usize {
    let ring = &rings.whole;
    ring.len() + ring.capacity() + usize::from(ring.is_empty()) + usize::from(ring.is_full())
}

fn try_push<T: Item>(rings: &mut Rings<T>, a: usize, _: usize) -> usize {
    match rings.tx.try_push(T::of(a)) {
        Ok(()) => 0,
        Err(back) => back.into_inner().see(),
    }
}

fn push_iter<T: Item>(rings: &mut Rings<T>, a: usize, _: usize) -> usize {
    rings.tx.push_iter((0..a).map(T::of))
}

fn push_slice<T: Item + Copy>(rings: &mut Rings<T>, a: usize, b: usize) -> usize {
    let items = [T::of(a); 12];
    rings.tx.push_slice(items.get(..b).unwrap_or(&items))
}

fn try_claim_push_commit<T: Item>(rings: &mut Rings<T>, a: usize, b: usize) -> usize {
    let Ok(mut grant) = rings.tx.try_claim(a) else { return 0 };
    let refused = grant.push(T::of(b)).is_err();
    let seen = grant.len() + grant.filled() + usize::from(grant.is_empty()) + usize::from(refused);
    seen + grant.commit_all()
}

fn try_claim_push_commit<T: Item>(rings: &mut Rings<T>, a: usize, b: usize) -> usize {
    let Ok(mut grant) = rings.tx.try_claim(a) else { return 0 };
    while grant.push(T::of(b)).is_ok() {}
    grant.commit(b)
}

fn try_claim_push_abort<T: Item>(rings: &mut Rings<T>, a: usize, b: usize) -> usize {
    let Ok(mut grant) = rings.tx.try_claim(a) else { return 0 };
    while grant.push(T::of(b)).is_ok() {}
    drop(grant);
    a
}

fn try_claim_fill_with<T: Item>(rings: &mut Rings<T>, a: usize, b: usize) -> usize {
    let Ok(mut grant) = rings.tx.try_claim(a) else { return 0 };
    grant.fill_with(|i| T::of(i ^ b));
    grant.commit_all()
}

fn try_claim_fill_from<T: Item>(rings: &mut Rings<T>, a: usize, b: usize) -> usize {
    let Ok(mut grant) = rings.tx.try_claim(a) else { return 0 };
    let filled = grant.fill_from((0..b).map(T::of));
    filled + grant.commit_all()
}

fn try_claim_uninit<T: Item>(rings: &mut Rings<T>, a: usize, b: usize) -> usize {
    let Ok(mut grant) = rings.tx.try_claim(a) else { return 0 };
    let Some(slot) = grant.uninit().first_mut() else { return 0 };
    slot.write(T::of(b));
    // SAFETY: the first slot has just been written.
    unsafe { grant.assume_filled(1) };
    grant.commit_all()
}

fn try_claim_exact_uninit_parts<T: Item>(rings: &mut Rings<T>, a: usize, b: usize) -> usize {
    let Ok(mut grant) = rings.tx.try_claim_exact(a) else { return 0 };
    let (first, second) = grant.uninit_parts();
    let mut written = 0;
    for slot in first.iter_mut().chain(second) {
        slot.write(T::of(b));
        written += 1;
    }
    // SAFETY: every slot of both parts has just been written.
    unsafe { grant.assume_filled(written) };
    grant.commit_all()
}

fn try_claim_exact_push_commit<T: Item>(rings: &mut Rings<T>, a: usize, b: usize) -> usize {
    let Ok(mut grant) = rings.tx.try_claim_exact(a) else { return 0 };
    while grant.push(T::of(b)).is_ok() {}
    grant.commit_all()
}

fn try_claim_copy_from_commit<T: Item + Copy>(rings: &mut Rings<T>, a: usize, b: usize) -> usize {
    let Ok(mut grant) = rings.tx.try_claim(a) else { return 0 };
    grant.copy_from(&[T::of(b); 5]) + grant.commit_all()
}

fn try_claim_copy_from_commit<T: Item + Copy>(rings: &mut Rings<T>, a: usize, b: usize) -> usize {
    let Ok(mut grant) = rings.tx.try_claim(a) else { return 0 };
    grant.copy_from(&[T::of(b); 5]) + grant.commit(b)
}

fn try_claim_exact_copy_from<T: Item + Copy>(rings: &mut Rings<T>, a: usize, b: usize) -> usize {
    let items = [T::of(b); 12];
    let items = items.get(..b).unwrap_or(&items);
    let Ok(mut grant) = rings.tx.try_claim_exact(a) else { return 0 };
    // Twice: the second copy starts in the middle of the grant.
    grant.copy_from(items) + grant.copy_from(items) + grant.commit_all()
}

fn producer_counts<T: Item>(rings: &mut Rings<T>, _: usize, _: usize) -> usize {
    let tx = &rings.tx;
    tx.len() + tx.capacity() + usize::from(tx.is_empty()) + usize::from(tx.is_full())
}

fn try_pop<T: Item>(rings: &mut Rings<T>, _: usize, _: usize) -> usize {
    rings.rx.try_pop().map_or(0, |item| item.see())
}

fn peek<T: Item>(rings: &mut Rings<T>, _: usize, _: usize) -> usize {
    rings.rx.peek().map_or(0, T::see)
}

fn pop_slice<T: Item + Copy>(rings: &mut Rings<T>, a: usize, b: usize) -> usize {
    let mut out = [T::of(a); 12];
    let count = match out.get_mut(..b) {
        Some(out) => rings.rx.pop_slice(out),
        None => rings.rx.pop_slice(&mut out),
    };
    count + core::hint::black_box(&out).first().map_or(0, T::see)
}

fn try_read_items_release<T: Item>(rings: &mut Rings<T>, a: usize, b: usize) -> usize {
    let Ok(grant) = rings.rx.try_read_grant(a) else { return 0 };
    let seen = grant.items().first().map_or(0, T::see) + grant.len() + usize::from(grant.is_empty());
    seen + grant.release(b)
}

fn try_read_iter_release_all<T: Item>(rings: &mut Rings<T>, a: usize, _: usize) -> usize {
    let Ok(grant) = rings.rx.try_read_grant(a) else { return 0 };
    let seen = grant.iter().map(T::see).fold(0, usize::wrapping_add);
    seen ^ grant.release_all()
}

fn try_read_parts_release<T: Item>(rings: &mut Rings<T>, a: usize, b: usize) -> usize {
    let Ok(grant) = rings.rx.try_read_grant_parts(a) else { return 0 };
    let (first, second) = grant.parts();
    let seen = first.iter().chain(second).map(T::see).fold(0, usize::wrapping_add);
    seen ^ grant.release(b)
}

fn try_read_drop<T: Item>(rings: &mut Rings<T>, a: usize, _: usize) -> usize {
    let Ok(grant) = rings.rx.try_read_grant(a) else { return 0 };
    grant.items().len()
}

fn skip<T: Item>(rings: &mut Rings<T>, a: usize, _: usize) -> usize {
    rings.rx.skip(a)
}

fn consume<T: Item>(rings: &mut Rings<T>, a: usize, b: usize) -> usize {
    let mut seen = b;
    let count = rings.rx.consume(a, |item| seen ^= item.see());
    seen ^ count
}

fn drain<T: Item>(rings: &mut Rings<T>, a: usize, _: usize) -> usize {
    let mut sum = 0_usize;
    rings.rx.drain(a, |item| sum = sum.wrapping_add(item.see())) ^ sum
}

fn try_iter<T: Item>(rings: &mut Rings<T>, a: usize, _: usize) -> usize {
    rings.rx.try_iter().take(a).map(|item| item.see()).fold(0, usize::wrapping_add)
}

fn iter<T: Item>(rings: &mut Rings<T>, _: usize, _: usize) -> usize {
    rings.rx.iter().map(T::see).fold(0, usize::wrapping_add)
}

fn consumer_counts<T: Item>(rings: &mut Rings<T>, _: usize, _: usize) -> usize {
    let rx = &rings.rx;
    rx.len() + rx.capacity() + usize::from(rx.is_empty()) + usize::from(rx.is_full())
}

/// What no operation may do: an index that may be out of range.
#[cfg(feature = "control")]
fn control<T: Item>(rings: &mut Rings<T>, a: usize, b: usize) -> usize {
    let slots = [a, b, rings.whole.len(), 3];
    slots[a ^ b]
}
