//! Rings of which every reader reads every item.

use super::{Row, Unit};
use crate::broadcast::broadcast;
use crate::measure::{Budget, Figure, Pause, Yield};
use crate::place::PROCESSORS;
use crate::rings::{
    Broadcasts, Disruptor, Form, Gated, Grant, OneBus, OneByOne, Overwriting, RtrbEach, Rusted, Slice,
    TokioCredit, TokioOverwriting, Uneven,
};

const N: usize = 1024;
const CHUNK: usize = 64;

/// How many readers there are, and on how many threads.
#[derive(Clone, Copy)]
struct Readers {
    count: usize,
    threads: usize,
    name: &'static str,
}

const ONE: Readers = Readers { count: 1, threads: 1, name: "1 reader" };
const SIDE_BY_SIDE: Readers = Readers { count: 2, threads: 1, name: "2 readers on one thread" };
const APART: Readers = Readers { count: 2, threads: 2, name: "2 readers on two threads" };

pub(super) fn add(rows: &mut Vec<Row>) {
    for readers in [ONE, SIDE_BY_SIDE, APART] {
        gated(rows, readers);
    }
    // A writer that never waits never gives way: a reader that shares its processor would measure the scheduler.
    for readers in [ONE, SIDE_BY_SIDE] {
        overwriting(rows, readers);
    }
}

fn measure<R: Broadcasts, F: Form<R>>(readers: Readers, chunk: usize, budget: Budget) -> Figure {
    let Readers { count, threads, .. } = readers;
    let warm_up = 2 * N as u64;
    if 1 + threads > PROCESSORS {
        broadcast::<R, F, Yield>(count, threads, chunk, warm_up, budget)
    } else {
        broadcast::<R, F, Pause>(count, threads, chunk, warm_up, budget)
    }
}

fn row<R: Broadcasts, F: Form<R>>(how: &str, readers: Readers, chunk: usize) -> Row {
    Row {
        scenario: format!("broadcast {how}, {}, capacity {N}", readers.name),
        name: format!("{} {}", R::NAME, F::NAME).trim_end().into(),
        role: R::ROLE,
        unit: Unit::Rate,
        two: true,
        run: Box::new(move |budget| measure::<R, F>(readers, chunk, budget)),
    }
}

fn gated(rows: &mut Vec<Row>, readers: Readers) {
    let (single, batch) = ("single", &format!("batch of {CHUNK}"));
    rows.extend([
        row::<Gated<N>, OneByOne>(single, readers, 1),
        row::<Gated<N>, Uneven<Slice, CHUNK>>(single, readers, 1),
        row::<OneBus<N>, OneByOne>(single, readers, 1),
        row::<Disruptor<N>, OneByOne>(single, readers, 1),
        row::<Disruptor<N>, Uneven<Grant, CHUNK>>(single, readers, 1),
        row::<RtrbEach<N>, OneByOne>(single, readers, 1),
        row::<RtrbEach<N>, Uneven<Grant, CHUNK>>(single, readers, 1),
        row::<Rusted<N>, OneByOne>(single, readers, 1),
        row::<TokioCredit<N>, OneByOne>(single, readers, 1),
        row::<Gated<N>, Slice>(batch, readers, CHUNK),
        row::<Disruptor<N>, Grant>(batch, readers, CHUNK),
        row::<RtrbEach<N>, Grant>(batch, readers, CHUNK),
        row::<Rusted<N>, Slice>(batch, readers, CHUNK),
    ]);
}

fn overwriting(rows: &mut Vec<Row>, readers: Readers) {
    let (single, batch) = ("overwriting, single", &format!("overwriting, batch of {CHUNK}"));
    rows.extend([
        row::<Overwriting<N>, OneByOne>(single, readers, 1),
        row::<Overwriting<N>, Uneven<Slice, CHUNK>>(single, readers, 1),
        row::<TokioOverwriting<N>, OneByOne>(single, readers, 1),
        row::<Overwriting<N>, Slice>(batch, readers, CHUNK),
    ]);
}
