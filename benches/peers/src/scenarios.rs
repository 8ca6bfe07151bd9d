//! What is measured: each scenario with everybody who takes part in it.

mod broadcasts;
mod crowds;
#[cfg(target_os = "linux")]
mod waits;

use crate::measure::{
    Apart, Beside, Budget, Figure, Homes, Pause, Tight, Wait, round_trip, same_thread, singles, stream,
};
use crate::rings::{
    Annulet, Array, Bare, Blocks, Drain, Form, Gil, GilMpmc, Grant, HeapRb, Heapless, Lone, Multi, Nexus,
    Nothing, Ring, Role, Rtrb, Single, Slice, StaticRb, Untrusting,
};

#[cfg(target_os = "linux")]
use crate::rings::waiters::{Signalled, Tries};

/// What a figure counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Million items a second: more is better.
    Rate,
    /// Nanoseconds: less is better.
    Time,
}

/// One implementation in one scenario.
pub(crate) struct Row {
    pub(crate) scenario: String,
    pub(crate) name: String,
    pub(crate) role: Role,
    pub(crate) unit: Unit,
    /// Whether two processors take part.
    pub(crate) two: bool,
    pub(crate) run: Box<dyn Fn(Budget) -> Figure>,
}

/// Everything, in the order of the tables.
pub(crate) fn all() -> Vec<Row> {
    let mut rows = Vec::new();
    spsc_single::<64, Tight, Apart>(&mut rows, "");
    spsc_single::<1024, Tight, Apart>(&mut rows, "");
    spsc_single::<65536, Tight, Apart>(&mut rows, "");
    spsc_single::<1024, Pause, Apart>(&mut rows, ", PAUSE while waiting");
    spsc_single::<65536, Pause, Apart>(&mut rows, ", PAUSE while waiting");
    spsc_single::<1024, Tight, Beside>(&mut rows, ", handles beside each other");
    spsc_batch::<1024>(&mut rows, 64);
    spsc_batch::<1024>(&mut rows, 256);
    spsc_batch::<65536>(&mut rows, 64);
    spsc_batch::<65536>(&mut rows, 256);
    ping_pong::<Tight>(&mut rows, "ping-pong");
    ping_pong::<Pause>(&mut rows, "ping-pong, PAUSE while polling");
    on_one_thread::<1>(&mut rows, "same thread, push + pop");
    on_one_thread::<64>(&mut rows, "same thread, 64 in, 64 out");
    crowds::add(&mut rows);
    many_ping_pong::<Pause>(&mut rows, "ping-pong, sides of many, PAUSE while polling");
    many_on_one_thread::<1>(&mut rows, "same thread, sides of many, push + pop");
    many_on_one_thread::<64>(&mut rows, "same thread, sides of many, 64 in, 64 out");
    broadcasts::add(&mut rows);
    #[cfg(target_os = "linux")]
    waits::add(&mut rows);
    rows
}

fn spsc_single<const N: usize, W: Wait, H: Homes>(rows: &mut Vec<Row>, how: &str) {
    fn row<R: Single, const N: usize, W: Wait, H: Homes>(how: &str) -> Row {
        Row {
            scenario: format!("spsc single, capacity {N}{how}"),
            name: R::NAME.into(),
            role: R::ROLE,
            unit: Unit::Rate,
            two: true,
            run: Box::new(|budget| singles::<R, W, H>(2 * N as u64, budget)),
        }
    }
    rows.extend([
        row::<Annulet<N>, N, W, H>(how),
        row::<Untrusting<N>, N, W, H>(how),
        row::<Gil<N>, N, W, H>(how),
        row::<HeapRb<N>, N, W, H>(how),
        row::<Heapless<N>, N, W, H>(how),
        row::<Nexus<N>, N, W, H>(how),
        row::<Rtrb<N>, N, W, H>(how),
        row::<StaticRb<N>, N, W, H>(how),
        #[cfg(target_os = "linux")]
        row::<Signalled<N>, N, W, H>(how),
        #[cfg(target_os = "linux")]
        row::<Tries<N>, N, W, H>(how),
    ]);
}

fn spsc_batch<const N: usize>(rows: &mut Vec<Row>, chunk: usize) {
    fn row<R: Ring, F: Form<R>, const N: usize>(chunk: usize) -> Row {
        Row {
            scenario: format!("spsc batch, capacity {N}, chunk {chunk}"),
            name: format!("{} {}", R::NAME, F::NAME),
            role: R::ROLE,
            unit: Unit::Rate,
            two: true,
            run: Box::new(move |budget| stream::<R, F, Tight, Apart>(chunk, 2 * N as u64, budget)),
        }
    }
    rows.extend([
        row::<Annulet<N>, Grant, N>(chunk),
        row::<Annulet<N>, Slice, N>(chunk),
        row::<Annulet<N>, Drain, N>(chunk),
        row::<Untrusting<N>, Drain, N>(chunk),
        row::<Gil<N>, Grant, N>(chunk),
        row::<HeapRb<N>, Grant, N>(chunk),
        row::<HeapRb<N>, Slice, N>(chunk),
        row::<Rtrb<N>, Grant, N>(chunk),
        row::<Rtrb<N>, Slice, N>(chunk),
        row::<Blocks<1024, 8>, Grant, N>(chunk),
        row::<Blocks<8192, 8>, Grant, N>(chunk),
    ]);
}

fn there_and_back<R: Single, W: Wait>(scenario: &str) -> Row {
    Row {
        scenario: scenario.into(),
        name: R::NAME.into(),
        role: R::ROLE,
        unit: Unit::Time,
        two: true,
        run: Box::new(round_trip::<R, W>),
    }
}

fn ping_pong<W: Wait>(rows: &mut Vec<Row>, scenario: &str) {
    const N: usize = 1024;
    rows.extend([
        there_and_back::<Annulet<N>, W>(scenario),
        there_and_back::<Untrusting<N>, W>(scenario),
        there_and_back::<Gil<N>, W>(scenario),
        there_and_back::<HeapRb<N>, W>(scenario),
        there_and_back::<Heapless<N>, W>(scenario),
        there_and_back::<Nexus<N>, W>(scenario),
        there_and_back::<Rtrb<N>, W>(scenario),
        there_and_back::<StaticRb<N>, W>(scenario),
        there_and_back::<Bare, W>(scenario),
    ]);
}

/// Between one end of each side, of rings whose sides may have several.
fn many_ping_pong<W: Wait>(rows: &mut Vec<Row>, scenario: &str) {
    const N: usize = 1024;
    rows.extend([
        there_and_back::<Annulet<N, Multi, Lone>, W>(scenario),
        there_and_back::<Annulet<N, Lone, Multi>, W>(scenario),
        there_and_back::<Annulet<N, Multi, Multi>, W>(scenario),
        there_and_back::<Array<N>, W>(scenario),
        there_and_back::<GilMpmc<N>, W>(scenario),
        there_and_back::<Bare, W>(scenario),
    ]);
}

fn in_and_out<R: Single, const BURST: u64>(scenario: &str) -> Row {
    Row {
        scenario: scenario.into(),
        name: R::NAME.into(),
        role: R::ROLE,
        unit: Unit::Time,
        two: false,
        run: Box::new(same_thread::<R, BURST>),
    }
}

fn on_one_thread<const BURST: u64>(rows: &mut Vec<Row>, scenario: &str) {
    const N: usize = 1024;
    rows.extend([
        in_and_out::<Annulet<N>, BURST>(scenario),
        in_and_out::<Untrusting<N>, BURST>(scenario),
        in_and_out::<Gil<N>, BURST>(scenario),
        in_and_out::<HeapRb<N>, BURST>(scenario),
        in_and_out::<Heapless<N>, BURST>(scenario),
        in_and_out::<Nexus<N>, BURST>(scenario),
        in_and_out::<Rtrb<N>, BURST>(scenario),
        in_and_out::<StaticRb<N>, BURST>(scenario),
        in_and_out::<Nothing, BURST>(scenario),
    ]);
}

/// With one end of each side, of rings whose sides may have several.
fn many_on_one_thread<const BURST: u64>(rows: &mut Vec<Row>, scenario: &str) {
    const N: usize = 1024;
    rows.extend([
        in_and_out::<Annulet<N, Multi, Lone>, BURST>(scenario),
        in_and_out::<Annulet<N, Lone, Multi>, BURST>(scenario),
        in_and_out::<Annulet<N, Multi, Multi>, BURST>(scenario),
        in_and_out::<Array<N>, BURST>(scenario),
        in_and_out::<GilMpmc<N>, BURST>(scenario),
        in_and_out::<Nothing, BURST>(scenario),
    ]);
}
