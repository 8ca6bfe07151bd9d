//! Drops, panics, what is forgotten.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;

use annulet::Lanes;
use annulet::ring::lanes::{Adaptive, Fair, LaneConsumer, Order, Strict};
use annulet::ring::{Multi, Side, Sides, Single};

use crate::ORIGINS;

/// Panics, without a message, which takes long under Miri.
fn fail() {
    resume_unwind(Box::new("as asked for"));
}

/// Counts its drops; the one that says so panics in it.
struct Token(Rc<Cell<usize>>, bool);

impl Drop for Token {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
        if self.1 {
            fail();
        }
    }
}

/// Lanes with 3, 1 and 4 tokens, of which one may panic when it is dropped. After `play`, of which it is told what was
/// dropped and what is left, all are dropped; each once.
fn play<C: Side, O: Order>(
    order: O,
    fuse: Option<usize>,
    play: impl Fn(&mut LaneConsumer<'_, Token, 4, 3, O, Sides<Single, C>>),
    check: impl Fn(usize, usize),
) {
    for origin in ORIGINS {
        let dropped = Rc::new(Cell::new(0));
        let lanes = Lanes::<Token, 4, 3, Sides<Single, C>>::starting_at(origin);
        let mut number = 0;
        for (lane, count) in [3, 1, 4].into_iter().enumerate() {
            let mut tx = lanes.register_at(lane as u32).unwrap();
            for _ in 0..count {
                assert!(tx.try_push(Token(Rc::clone(&dropped), fuse == Some(number))).is_ok());
                number += 1;
            }
        }
        let mut rx = lanes.try_consumer(order.clone()).unwrap();
        let _ = catch_unwind(AssertUnwindSafe(|| play(&mut rx)));
        check(dropped.get(), lanes.total_len());
        drop(rx);
        let _ = catch_unwind(AssertUnwindSafe(|| drop(lanes)));
        assert_eq!(dropped.get(), 8, "each once");
    }
}

fn dropped_once<C: Side>() {
    play::<C, _>(Strict, None, |_| (), |gone, left| assert_eq!((gone, left), (0, 8)));
    play::<C, _>(Strict, None, |rx| drop(rx.try_pop()), |gone, left| assert_eq!((gone, left), (1, 7)));
    let fair = Fair::with_budget(2);
    play::<C, _>(fair, None, |rx| _ = rx.skip(6), |gone, left| assert_eq!((gone, left), (6, 2)));
    play::<C, _>(fair, None, |rx| _ = rx.skip(99), |gone, left| assert_eq!((gone, left), (8, 0)));
    play::<C, _>(
        fair,
        None,
        |rx| _ = rx.consume(5, |_, _| ()),
        |gone, left| assert_eq!((gone, left), (5, 3)),
    );
    let adaptive = Adaptive::with_budget(2);
    play::<C, _>(
        adaptive,
        None,
        |rx| _ = rx.drain(5, |_, item| drop(item)),
        |gone, left| assert_eq!((gone, left), (5, 3)),
    );
}

#[test]
fn e01_each_item_is_dropped_once_on_each_path() {
    dropped_once::<Single>();
    dropped_once::<Multi>();
}

#[test]
fn e02_a_drop_that_panics_costs_what_it_interrupted() {
    // The fifth token is the first of the third lane.
    let all = |gone, left| assert_eq!((gone, left), (5, 3), "the one that panicked is gone");
    play::<Single, _>(Strict, Some(4), |rx| _ = rx.skip(99), all);
    play::<Single, _>(Strict, Some(4), |rx| _ = rx.consume(99, |_, _| ()), all);
    play::<Single, _>(Strict, Some(4), |rx| _ = rx.drain(99, |_, _| ()), all);
    // Of many consumers, the rest of the visit goes with it.
    let visit = |gone, left| assert_eq!((gone, left), (8, 0));
    play::<Multi, _>(Strict, Some(4), |rx| _ = rx.skip(99), visit);
    play::<Multi, _>(Strict, Some(4), |rx| _ = rx.consume(99, |_, _| ()), visit);
    play::<Multi, _>(
        Fair::with_budget(2),
        Some(0),
        |rx| _ = rx.skip(99),
        |gone, left| {
            assert_eq!((gone, left), (2, 6), "two are a visit");
        },
    );
    play::<Multi, _>(
        Fair::with_budget(2),
        Some(3),
        |rx| _ = rx.skip(99),
        |gone, left| {
            assert_eq!((gone, left), (3, 5), "the whole of the second lane");
        },
    );
    // In the drop of the lanes themselves.
    for fuse in 0..8 {
        play::<Single, _>(Strict, Some(fuse), |_| (), |_, _| ());
        play::<Multi, _>(Strict, Some(fuse), |_| (), |_, _| ());
    }
}

#[test]
fn e03_a_closure_that_panics_costs_what_it_interrupted() {
    fn at_the_sixth() -> impl FnMut() {
        let mut calls = 0;
        move || {
            calls += 1;
            if calls == 6 {
                fail();
            }
        }
    }
    let show = |rx: &mut LaneConsumer<'_, Token, 4, 3, Strict, Sides<Single, Single>>| {
        let mut call = at_the_sixth();
        rx.consume(99, |_, _| call());
    };
    play::<Single, _>(Strict, None, show, |gone, left| assert_eq!((gone, left), (5, 3), "the sixth stays"));
    let take = |rx: &mut LaneConsumer<'_, Token, 4, 3, Strict, Sides<Single, Single>>| {
        let mut call = at_the_sixth();
        rx.drain(99, |_, _| call());
    };
    play::<Single, _>(Strict, None, take, |gone, left| {
        assert_eq!((gone, left), (6, 2), "the sixth is taken")
    });
    let steal = |rx: &mut LaneConsumer<'_, Token, 4, 3, Strict, Sides<Single, Multi>>| {
        let mut call = at_the_sixth();
        rx.consume(99, |_, _| call());
    };
    play::<Multi, _>(Strict, None, steal, |gone, left| {
        assert_eq!((gone, left), (8, 0), "the visit's are dropped")
    });
}

/// A lane where a consumer was interrupted by a panic is usable, for it and for the next producer.
#[test]
fn e02_after_a_panic_everything_goes_on() {
    let mut lanes = Lanes::<u32, 2, 1, Sides<Single, Multi>>::starting_at(usize::MAX);
    let (mut rx, lanes) = lanes.split(Strict);
    let mut tx = lanes.register().unwrap();
    assert_eq!(tx.push_slice(&[1, 2]), 2);
    let result = catch_unwind(AssertUnwindSafe(|| rx.consume(9, |_, _| fail())));
    assert!(result.is_err());
    drop(tx);
    let mut tx = lanes.register().expect("drained, if by a panic");
    assert_eq!(tx.push_slice(&[3, 4, 5]), 2);
    assert_eq!(rx.clone().drain(9, |_, item| assert!(item > 2)), 2);
}

#[test]
fn e10_forgotten_grants_and_handles_cost_what_they_say() {
    let mut lanes = Lanes::<u32, 2, 2, Sides<Single, Multi>>::new();
    let (mut rx, shared) = lanes.split(Strict);
    let mut tx = shared.register().unwrap();
    let mut grant = tx.try_claim(2).unwrap();
    grant.fill_with(|_| 9);
    std::mem::forget(grant);
    assert!(rx.try_pop().is_err());
    tx.try_push(7).unwrap();
    std::mem::forget(tx);
    std::mem::forget(rx.clone());
    assert_eq!(rx.try_pop(), Ok(7));
    assert_eq!(shared.active(), 1);
    std::mem::forget(rx);
    let (_rx, shared) = lanes.split(Strict);
    assert_eq!(shared.active(), 0);
    assert_eq!(shared.register().unwrap().lane().index(), 0);
}
