//! `Spsc`: its ring, its two ends, its grants.

use annulet::{
    Spsc,
    ring::{Consumer, Producer},
};

use crate::item::Item;

const N: usize = 8;

/// An end is as large as what it knows: 24 bytes without compare-and-swap, 40 with it, where positions have 32 bits. Where there
/// are cache lines it has a pair of its own.
const END: usize = match (
    cfg!(target_pointer_width = "64"),
    cfg!(any(target_has_atomic = "ptr", feature = "portable-atomic")),
) {
    (true, _) => 128,
    (false, true) => 40,
    (false, false) => 24,
};
const _: () = assert!(size_of::<Producer<'_, u8>>() <= END && size_of::<Consumer<'_, u8>>() <= END);

/// A ring that nobody has split, and both ends of another one.
pub struct Rings<T: 'static> {
    whole: Spsc<T, N>,
    tx: Producer<'static, T>,
    rx: Consumer<'static, T>,
}

pub fn run<T: Item + 'static>() {
    with_rings::<T>(all);
}

pub fn run_copy<T: Item + Copy + 'static>() {
    with_rings::<T>(copying);
}

fn with_rings<T: Item + 'static>(ops: impl FnOnce(&mut Rings<T>)) {
    let ring = Spsc::new();
    // SAFETY: the ends are dropped with `rings` below, before `ring` is; nothing of `Rings` outlives this call.
    let forever: &'static Spsc<T, N> = unsafe { &*core::ptr::from_ref(&ring) };
    // SAFETY: the ring is new, and these are the only ends made of it.
    let (tx, rx) = unsafe { forever.split_unchecked() };
    let mut rings = Rings { whole: Spsc::new(), tx, rx };
    ops(&mut rings);
    drop(rings);
}

ops! {
    all[T: Item + 'static] Rings<T>:
    ring_new_and_drop(rings, _, _) {
        // The old value is dropped, and what is in it: the compiler does not know how much.
        rings.whole = Spsc::new();
        rings.whole.capacity()
    }
    ring_split(rings, a, _) {
        let (mut tx, mut rx) = rings.whole.split();
        let pushed = tx.try_push(T::of(a)).is_ok();
        rx.try_pop().map_or(usize::from(pushed), |item| item.see())
    }
    ring_split_unchecked(rings, a, _) {
        // SAFETY: the ring is borrowed exclusively, so nobody has an end of it, and these are dropped here.
        let (mut tx, mut rx) = unsafe { rings.whole.split_unchecked() };
        let pushed = tx.try_push(T::of(a)).is_ok();
        rx.try_pop().map_or(usize::from(pushed), |item| item.see())
    }
    ring_counts(rings, _, _) {
        let ring = &rings.whole;
        ring.len() + ring.capacity() + usize::from(ring.is_empty()) + usize::from(ring.is_full())
    }
    #[cfg(compare_and_swap)]
    ring_try_split(rings, a, _) {
        let Some((mut tx, mut rx)) = rings.whole.try_split() else { return 0 };
        let pushed = tx.try_push(T::of(a)).is_ok();
        rx.try_pop().map_or(usize::from(pushed), |item| item.see())
    }
    #[cfg(compare_and_swap)]
    ring_try_producer(rings, a, _) {
        rings.whole.try_producer().is_some_and(|mut tx| tx.try_push(T::of(a)).is_ok()).into()
    }
    #[cfg(compare_and_swap)]
    ring_try_consumer(rings, _, _) {
        rings.whole.try_consumer().and_then(|mut rx| rx.try_pop().ok()).map_or(0, |item| item.see())
    }
    try_push(rings, a, _) {
        match rings.tx.try_push(T::of(a)) {
            Ok(()) => 0,
            Err(back) => back.into_inner().see(),
        }
    }
    push_iter(rings, a, _) { rings.tx.push_iter((0..a).map(T::of)) }
    try_claim_push_commit_all(rings, a, b) {
        let Ok(mut grant) = rings.tx.try_claim(a) else { return 0 };
        let refused = grant.push(T::of(b)).is_err();
        let seen = grant.len() + grant.filled() + usize::from(grant.is_empty()) + usize::from(refused);
        seen + grant.commit_all()
    }
    try_claim_push_commit(rings, a, b) {
        let Ok(mut grant) = rings.tx.try_claim(a) else { return 0 };
        while grant.push(T::of(b)).is_ok() {}
        grant.commit(b)
    }
    try_claim_push_abort(rings, a, b) {
        let Ok(mut grant) = rings.tx.try_claim(a) else { return 0 };
        while grant.push(T::of(b)).is_ok() {}
        drop(grant);
        a
    }
    try_claim_fill_with(rings, a, b) {
        let Ok(mut grant) = rings.tx.try_claim(a) else { return 0 };
        grant.fill_with(|i| T::of(i ^ b));
        grant.commit_all()
    }
    try_claim_fill_from(rings, a, b) {
        let Ok(mut grant) = rings.tx.try_claim(a) else { return 0 };
        let filled = grant.fill_from((0..b).map(T::of));
        filled + grant.commit_all()
    }
    try_claim_uninit(rings, a, b) {
        let Ok(mut grant) = rings.tx.try_claim(a) else { return 0 };
        let Some(slot) = grant.uninit().first_mut() else { return 0 };
        slot.write(T::of(b));
        // SAFETY: the first slot has just been written.
        unsafe { grant.assume_filled(1) };
        grant.commit_all()
    }
    try_claim_exact_uninit_parts(rings, a, b) {
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
    try_claim_exact_push_commit_all(rings, a, b) {
        let Ok(mut grant) = rings.tx.try_claim_exact(a) else { return 0 };
        while grant.push(T::of(b)).is_ok() {}
        grant.commit_all()
    }
    producer_counts(rings, _, _) {
        let tx = &rings.tx;
        tx.len() + tx.capacity() + usize::from(tx.is_empty()) + usize::from(tx.is_full())
    }
    try_pop(rings, _, _) { rings.rx.try_pop().map_or(0, |item| item.see()) }
    peek(rings, _, _) { rings.rx.peek().map_or(0, T::see) }
    try_read_items_release(rings, a, b) {
        let Ok(grant) = rings.rx.try_read_grant(a) else { return 0 };
        let seen = grant.items().first().map_or(0, T::see) + grant.len() + usize::from(grant.is_empty());
        seen + grant.release(b)
    }
    try_read_iter_release_all(rings, a, _) {
        let Ok(grant) = rings.rx.try_read_grant(a) else { return 0 };
        let seen = grant.iter().map(T::see).fold(0, usize::wrapping_add);
        seen ^ grant.release_all()
    }
    try_read_parts_release(rings, a, b) {
        let Ok(grant) = rings.rx.try_read_grant_parts(a) else { return 0 };
        let (first, second) = grant.parts();
        let seen = first.iter().chain(second).map(T::see).fold(0, usize::wrapping_add);
        seen ^ grant.release(b)
    }
    try_read_grant_exact(rings, a, b) {
        rings.rx.try_read_grant_exact(a).map_or(b, |grant| grant.iter().map(T::see).fold(0, usize::wrapping_add))
    }
    try_read_drop(rings, a, _) {
        let Ok(grant) = rings.rx.try_read_grant(a) else { return 0 };
        grant.items().len()
    }
    skip(rings, a, _) { rings.rx.skip(a) }
    consume(rings, a, b) {
        let mut seen = b;
        let count = rings.rx.consume(a, |item| seen ^= item.see());
        seen ^ count
    }
    drain(rings, a, _) {
        let mut sum = 0_usize;
        rings.rx.drain(a, |item| sum = sum.wrapping_add(item.see())) ^ sum
    }
    try_iter(rings, a, _) { rings.rx.try_iter().take(a).map(|item| item.see()).fold(0, usize::wrapping_add) }
    iter(rings, _, _) { rings.rx.iter().map(T::see).fold(0, usize::wrapping_add) }
    consumer_counts(rings, _, _) {
        let rx = &rings.rx;
        rx.len() + rx.capacity() + usize::from(rx.is_empty()) + usize::from(rx.is_full())
    }
    // What no operation may do: an index that may be out of range.
    #[cfg(feature = "control")]
    control(rings, a, b) {
        let slots = [a, b, rings.whole.len(), 3];
        slots[a ^ b]
    }
}

ops! {
    copying[T: Item + Copy + 'static] Rings<T>:
    push_slice(rings, a, b) {
        let items = [T::of(a); 12];
        rings.tx.push_slice(items.get(..b).unwrap_or(&items))
    }
    try_claim_copy_from_commit_all(rings, a, b) {
        let Ok(mut grant) = rings.tx.try_claim(a) else { return 0 };
        grant.copy_from(&[T::of(b); 5]) + grant.commit_all()
    }
    try_claim_copy_from_commit(rings, a, b) {
        let Ok(mut grant) = rings.tx.try_claim(a) else { return 0 };
        grant.copy_from(&[T::of(b); 5]) + grant.commit(b)
    }
    try_claim_exact_copy_from(rings, a, b) {
        let items = [T::of(b); 12];
        let items = items.get(..b).unwrap_or(&items);
        let Ok(mut grant) = rings.tx.try_claim_exact(a) else { return 0 };
        // Twice: the second copy starts in the middle of the grant.
        grant.copy_from(items) + grant.copy_from(items) + grant.commit_all()
    }
    pop_slice(rings, a, b) {
        let mut out = [T::of(a); 12];
        let count = match out.get_mut(..b) {
            Some(out) => rings.rx.pop_slice(out),
            None => rings.rx.pop_slice(&mut out),
        };
        count + core::hint::black_box(&out).first().map_or(0, T::see)
    }
}
