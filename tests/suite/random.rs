//! Random lists of operations against the model.

use std::mem::forget;

use proptest::prelude::*;

use crate::model::Model;
use crate::rings::{GrantRx, GrantTx, Granting, Put, Rx, Take, Tx};

/// One operation. Lengths are counted in sixteenths of a ring and a bit more, so that one list suits every size.
#[derive(Clone, Debug)]
enum Op {
    Put {
        form: usize,
        wanted: usize,
    },
    PutSlice {
        wanted: usize,
    },
    /// Of a grant of `wanted`, `filled` are filled and `kept` committed.
    Commit {
        wanted: usize,
        filled: usize,
        kept: usize,
        forget: bool,
    },
    Take {
        form: usize,
        wanted: usize,
    },
    TakeSlice {
        wanted: usize,
    },
    /// Of a grant of `wanted`, `kept` are released.
    Release {
        wanted: usize,
        kept: usize,
    },
    Drain {
        wanted: usize,
    },
    Look,
}

fn op() -> impl Strategy<Value = Op> {
    let length = || 0..20_usize;
    prop_oneof![
        6 => (any::<usize>(), length()).prop_map(|(form, wanted)| Op::Put { form, wanted }),
        1 => length().prop_map(|wanted| Op::PutSlice { wanted }),
        2 => (length(), length(), length(), any::<bool>())
            .prop_map(|(wanted, filled, kept, forget)| Op::Commit { wanted, filled, kept, forget }),
        6 => (any::<usize>(), length()).prop_map(|(form, wanted)| Op::Take { form, wanted }),
        1 => length().prop_map(|wanted| Op::TakeSlice { wanted }),
        1 => (length(), length()).prop_map(|(wanted, kept)| Op::Release { wanted, kept }),
        1 => length().prop_map(|wanted| Op::Drain { wanted }),
        1 => Just(Op::Look),
    ]
}

/// Plays the lists, each with new ends.
fn play<W: Granting<u32>>(origin: usize, lists: &[Vec<Op>]) {
    let mut model = Model::new(W::N, origin);
    let mut last = 0;
    W::rounds::<u32>(origin, lists.len(), |round, mut tx, mut rx| {
        for op in &lists[round] {
            step::<W>(op, &mut tx, &mut rx, &mut model, &mut last);
            // Not `check_rx`, which looks: what an end knows must stay as old as the operations leave it.
            assert_eq!((tx.says().0, rx.says().0), (model.len(), model.len()));
        }
        model.check_rx(&mut rx);
    });
}

fn step<W: Granting<u32>>(
    op: &Op,
    tx: &mut W::Tx<'_, u32>,
    rx: &mut W::Rx<'_, u32>,
    model: &mut Model<u32>,
    last: &mut u32,
) {
    let length = |sixteenths: usize| (sixteenths * W::N).div_ceil(16).max(sixteenths.min(2));
    let mut next = || {
        *last += 1;
        *last
    };
    match *op {
        Op::Put { form, wanted } => {
            let forms: &[Put] = W::Tx::<'_, u32>::FORMS;
            model.put(tx, forms[form % forms.len()], length(wanted), next);
        }
        Op::PutSlice { wanted } => {
            let items: Vec<u32> = (0..length(wanted)).map(|_| next()).collect();
            let expected = items.len().min(model.free());
            assert_eq!(tx.push_slice(&items), expected);
            model.push_all(items[..expected].iter().copied());
        }
        Op::Commit { wanted, filled, kept, forget: forgotten } => {
            let Ok(mut grant) = tx.try_claim_exact(length(wanted)) else {
                assert!(length(wanted) > model.free());
                return;
            };
            let items: Vec<u32> = (0..length(filled).min(length(wanted))).map(|_| next()).collect();
            assert_eq!(grant.copy_from(&items), items.len());
            if forgotten {
                return forget(grant);
            }
            let expected = length(kept).min(items.len());
            assert_eq!(grant.commit(length(kept)), expected);
            model.push_all(items[..expected].iter().copied());
        }
        Op::Take { form, wanted } => {
            let forms: &[Take] = W::Rx::<'_, u32>::FORMS;
            let (form, wanted) = (forms[form % forms.len()], length(wanted));
            let mut seen = Vec::new();
            let expected = model.yields(form, wanted);
            assert_eq!(rx.take(form, wanted, &mut |item| seen.push(*item)), expected);
            assert_eq!(seen, model.pop_many(expected));
        }
        Op::TakeSlice { wanted } => {
            let mut out = vec![0; length(wanted)];
            let expected = out.len().min(model.len());
            assert_eq!(rx.pop_slice(&mut out), expected);
            assert_eq!(out[..expected], model.pop_many(expected));
        }
        Op::Release { wanted, kept } => {
            let Some(grant) = rx.try_read_grant_parts(length(wanted)) else {
                assert_eq!(model.len(), 0);
                return;
            };
            assert!(grant.iter().eq(model.items().take(length(wanted))));
            let expected = length(kept).min(grant.len());
            assert_eq!(grant.release(length(kept)), expected);
            model.pop_many(expected);
        }
        Op::Drain { wanted } => {
            let mut items = Vec::new();
            assert_eq!(rx.drain(length(wanted), |item| items.push(item)), items.len());
            assert_eq!(items, model.pop_many(length(wanted).min(model.len())));
        }
        Op::Look => model.check_rx(rx),
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(miri) { 2 } else { 600 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn d18_random_operations_equal_the_model(
        back in 0..40_usize,
        ring in any::<usize>(),
        lists in prop::collection::vec(
            prop::collection::vec(op(), 0..if cfg!(miri) { 10 } else { 60 }), 1..4),
    ) {
        let origin = usize::MAX.wrapping_sub(back).wrapping_add(20);
        on_one_ring!(ring, play(origin, &lists));
    }
}
