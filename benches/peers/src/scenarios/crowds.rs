//! Rings with several senders, several receivers, or both.

use super::{Row, Unit};
use crate::crowd::crowd;
use crate::measure::{Budget, Figure, Pause, Yield};
use crate::place::PROCESSORS;
use crate::rings::{
    Annulet, Array, ByReference, Channel, Drain, Flume, Form, GilMpmc, GilMpsc, GilShardedMpmc,
    GilShardedMpsc, GilShardedSpmc, GilSpmc, Grant, HeaplessMpmc, Kanal, Laned, Lone, Many, Multi, NexusMpsc,
    NexusSpmc, OneByOne, Slice, StdSync, Thing, ThingMpsc,
};
use crate::rush::rush;

const N: usize = 1024;
const CHUNK: usize = 64;

pub(super) fn add(rows: &mut Vec<Row>) {
    mpsc::<1, 1024>(rows);
    mpsc::<2, 512>(rows);
    mpsc::<4, 256>(rows);
    rushes(rows);
    spmc(rows);
    mpmc::<1, 1024>(rows);
    mpmc::<2, 512>(rows);
    mpmc::<4, 256>(rows);
}

fn measure<R: Many, F: Form<R>>(threads: [usize; 2], chunk: usize, budget: Budget) -> Figure {
    let warm_up = 2 * N as u64;
    // Where threads share a processor, one that spins would keep from running the one it waits for.
    if threads.iter().sum::<usize>() > PROCESSORS {
        crowd::<R, F, Yield>(threads, chunk, warm_up, budget)
    } else {
        crowd::<R, F, Pause>(threads, chunk, warm_up, budget)
    }
}

fn one_by_one<R: Many + crate::rings::Single>(arity: &str, threads: [usize; 2]) -> Row {
    let [senders, receivers] = threads;
    Row {
        scenario: format!("{arity} single, {senders} + {receivers} threads, capacity {N}"),
        name: R::NAME.into(),
        role: R::ROLE,
        unit: Unit::Rate,
        two: true,
        run: Box::new(move |budget| measure::<R, OneByOne>(threads, 1, budget)),
    }
}

fn in_chunks<R: Many, F: Form<R>>(arity: &str, threads: [usize; 2]) -> Row {
    let [senders, receivers] = threads;
    Row {
        scenario: format!("{arity} batch, {senders} + {receivers} threads, capacity {N}, chunk {CHUNK}"),
        name: format!("{} {}", R::NAME, F::NAME),
        role: R::ROLE,
        unit: Unit::Rate,
        two: true,
        run: Box::new(move |budget| measure::<R, F>(threads, CHUNK, budget)),
    }
}

/// `LANE`: what each of the lanes holds, which together hold `N`.
fn mpsc<const SENDERS: usize, const LANE: usize>(rows: &mut Vec<Row>) {
    type Ours = Annulet<N, Multi, Lone>;
    const { assert!(SENDERS * LANE == N) };
    let (arity, threads) = ("mpsc", [SENDERS, 1]);
    rows.extend([
        one_by_one::<Ours>(arity, threads),
        one_by_one::<Laned<LANE, SENDERS>>(arity, threads),
        one_by_one::<Array<N>>(arity, threads),
        one_by_one::<Channel<N>>(arity, threads),
        one_by_one::<Flume<N>>(arity, threads),
        one_by_one::<GilMpsc<N>>(arity, threads),
        one_by_one::<GilShardedMpsc<N, SENDERS>>(arity, threads),
        one_by_one::<HeaplessMpmc<N>>(arity, threads),
        one_by_one::<Kanal<N>>(arity, threads),
        one_by_one::<NexusMpsc<N>>(arity, threads),
        one_by_one::<StdSync<N>>(arity, threads),
        one_by_one::<Thing<N>>(arity, threads),
        one_by_one::<ThingMpsc<N>>(arity, threads),
        in_chunks::<Ours, Slice>(arity, threads),
        in_chunks::<Ours, Drain>(arity, threads),
        in_chunks::<Laned<LANE, SENDERS>, Slice>(arity, threads),
        in_chunks::<Laned<LANE, SENDERS>, Drain>(arity, threads),
        in_chunks::<GilShardedMpsc<N, SENDERS>, Grant>(arity, threads),
    ]);
}

/// Two senders while nobody receives, with room for all they send in a round.
fn rushes(rows: &mut Vec<Row>) {
    const ROOM: usize = 65536;
    const LANE: usize = ROOM / 2;
    fn row<R: Many + crate::rings::Single>() -> Row {
        Row {
            scenario: format!("mpsc push, 2 threads, nobody receives, room for {ROOM}"),
            name: R::NAME.into(),
            role: R::ROLE,
            unit: Unit::Rate,
            two: true,
            run: Box::new(|budget| rush::<R, Pause>(2, LANE as u64, budget)),
        }
    }
    rows.extend([
        row::<Annulet<ROOM, Multi, Lone>>(),
        row::<Laned<LANE, 2>>(),
        row::<Array<ROOM>>(),
        row::<Channel<ROOM>>(),
        row::<Flume<ROOM>>(),
        row::<GilMpsc<ROOM>>(),
        row::<GilShardedMpsc<ROOM, 2>>(),
        row::<HeaplessMpmc<ROOM>>(),
        row::<Kanal<ROOM>>(),
        row::<NexusMpsc<ROOM>>(),
        row::<StdSync<ROOM>>(),
        row::<ThingMpsc<ROOM>>(),
    ]);
}

fn spmc(rows: &mut Vec<Row>) {
    type Ours = Annulet<N, Lone, Multi>;
    let (arity, threads) = ("spmc", [1, 2]);
    rows.extend([
        one_by_one::<Ours>(arity, threads),
        one_by_one::<Array<N>>(arity, threads),
        one_by_one::<Channel<N>>(arity, threads),
        one_by_one::<Flume<N>>(arity, threads),
        one_by_one::<GilSpmc<N>>(arity, threads),
        one_by_one::<GilShardedSpmc<N, 2>>(arity, threads),
        one_by_one::<HeaplessMpmc<N>>(arity, threads),
        one_by_one::<Kanal<N>>(arity, threads),
        one_by_one::<NexusSpmc<N>>(arity, threads),
        one_by_one::<Thing<N>>(arity, threads),
        in_chunks::<Ours, Slice>(arity, threads),
        in_chunks::<Ours, Drain>(arity, threads),
        in_chunks::<GilShardedSpmc<N, 2>, Grant>(arity, threads),
    ]);
}

fn mpmc<const ENDS: usize, const LANE: usize>(rows: &mut Vec<Row>) {
    type Ours = Annulet<N, Multi, Multi>;
    const { assert!(ENDS * LANE == N) };
    let (arity, threads) = ("mpmc", [ENDS, ENDS]);
    rows.extend([
        one_by_one::<Ours>(arity, threads),
        one_by_one::<ByReference<N>>(arity, threads),
        one_by_one::<Laned<LANE, ENDS, Multi>>(arity, threads),
        one_by_one::<Array<N>>(arity, threads),
        one_by_one::<Channel<N>>(arity, threads),
        one_by_one::<Flume<N>>(arity, threads),
        one_by_one::<GilMpmc<N>>(arity, threads),
        one_by_one::<GilShardedMpmc<N, ENDS>>(arity, threads),
        one_by_one::<HeaplessMpmc<N>>(arity, threads),
        one_by_one::<Kanal<N>>(arity, threads),
        one_by_one::<Thing<N>>(arity, threads),
        in_chunks::<Ours, Slice>(arity, threads),
        in_chunks::<Ours, Drain>(arity, threads),
        in_chunks::<Laned<LANE, ENDS, Multi>, Slice>(arity, threads),
        in_chunks::<Laned<LANE, ENDS, Multi>, Drain>(arity, threads),
        in_chunks::<GilShardedMpmc<N, ENDS>, Grant>(arity, threads),
    ]);
}
