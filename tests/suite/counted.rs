//! What rings that count have counted.

use annulet::error::{PopError, PushError};
use annulet::ring::{Multi, Ring, Side, Sides, Single};
use annulet::stats::{Counts, RingStats};
use annulet::{Mpmc, Mpsc, Spsc};

/// Every counter counts what it says, in every form, and nothing else.
#[test]
fn rv17_rm20_everything_is_counted() {
    counted::<Single, Single>();
    counted::<Multi, Single>();
    counted::<Single, Multi>();
    counted::<Multi, Multi>();
}

fn counted<P: Side, C: Side>() {
    let mut ring = Ring::<u32, 4, Sides<P, C, Counts>>::starting_at(usize::MAX - 1);
    assert_eq!(ring.stats(), Default::default());
    {
        let (mut tx, mut rx) = ring.split();
        tx.try_push(1).unwrap();
        assert_eq!(tx.push_slice(&[2, 3, 4, 5]), 3);
        assert!(tx.try_push(6).is_err());
        assert_eq!(tx.push_slice(&[6]), 0);
        assert!(tx.try_claim(1).is_err());
        assert_eq!(rx.try_pop(), Ok(1));
        assert_eq!(rx.drain(2, |_| ()), 2);
        assert_eq!(rx.skip(9), 1);
        assert!(rx.try_pop().is_err());
        assert_eq!((rx.drain(1, |_| ()), rx.skip(1), rx.pop_slice(&mut [0])), (0, 0, 0));
        let mut grant = tx.try_claim(2).unwrap();
        grant.fill_with(|i| i as u32);
        assert_eq!(grant.commit_all(), 2);
        drop(tx.try_claim(1));
        assert_eq!(rx.consume(9, |_| ()), 2);
        assert_eq!(tx.push_iter([7, 8]), 2);
        assert_eq!(rx.pop_slice(&mut [0; 9]), 2);
    }
    let RingStats { producers: sent, consumers: received, .. } = ring.stats();
    assert_eq!((sent.items, sent.batches, sent.largest), (8, 4, 3));
    assert_eq!((sent.refused, sent.pending, sent.contended), (3, 0, 0));
    assert_eq!((received.items, received.batches, received.largest), (8, 5, 2));
    assert_eq!((received.refused, received.pending, received.contended), (4, 0, 0));
    let shown = sent.to_string();
    assert!(shown.contains("8 items in 4 batches (largest 3), 3 refused"), "{shown}");
}

/// What moved something was not refused; and whoever has received an item finds it counted as sent.
#[test]
fn rm20_what_moves_something_is_not_refused() {
    let mut ring = Spsc::<u32, 4, Counts>::new();
    {
        let (mut tx, mut rx) = ring.split();
        assert_eq!(tx.push_iter(0..4), 4);
        assert_eq!(tx.push_iter(0..4), 0);
        assert_eq!(tx.push_iter(std::iter::empty()), 0);
        assert_eq!(rx.try_iter().take(2).sum::<u32>(), 1);
        assert_eq!(rx.drain(9, |_| ()), 2);
        assert_eq!(rx.try_pop(), Err(PopError::Empty));
    }
    let RingStats { producers: sent, consumers: received, .. } = ring.stats();
    assert_eq!((sent.items, sent.refused), (4, 1));
    assert_eq!((received.items, received.batches, received.refused), (4, 3, 1));

    let mut ring = Mpsc::<u32, 4, Counts>::new();
    let (mut tx, mut rx) = ring.split();
    let mut next = 0;
    let unsized_one = std::iter::from_fn(|| {
        next += 1;
        Some(next)
    });
    assert_eq!(tx.push_iter(unsized_one), 4);
    assert_eq!(tx.push_iter(0..1), 0);
    assert_eq!(rx.skip(9), 4);
    drop((tx, rx));
    assert_eq!(ring.stats().producers.refused, 1);
}

/// Who is in the middle of something is counted apart from full and empty.
#[test]
fn rm20_pending_is_counted_apart() {
    let ring = Mpmc::<u32, 2, Counts>::new();
    let (mut tx, mut rx) = ring.try_split().unwrap();
    let (mut slow_tx, mut slow_rx) = (tx.clone(), rx.clone());
    let held = slow_tx.try_claim(1).unwrap();
    assert_eq!(rx.try_pop(), Err(PopError::Pending));
    drop(held);
    tx.try_push(1).unwrap();
    assert!(tx.try_push(2).is_err(), "the given up slot is still there");
    slow_rx.drain(1, |_| {
        assert_eq!(tx.try_push(2), Ok(()), "and gone past now");
        assert_eq!(tx.try_push(3), Err(PushError::Pending(3)));
    });
    let RingStats { producers: sent, consumers: received, .. } = ring.stats();
    assert_eq!((sent.items, sent.refused, sent.pending), (2, 1, 1));
    assert_eq!((received.items, received.refused, received.pending), (1, 0, 1));
    assert_eq!(
        size_of::<Spsc<u8, 1>>(),
        size_of::<Ring<u8, 1, Sides<Single, Single, annulet::stats::Off>>>()
    );
}
