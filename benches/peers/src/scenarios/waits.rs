//! Sleeping and waking, and what it costs when nobody sleeps.

use annulet::host::Futex;
use annulet::wait::Event;
use annulet::{Channel, Spsc};

use super::{Row, Unit};
use crate::rings::Role;
use crate::rings::waiters::{
    BareFutex, Condition, Counter, Crossbeam, Flume, FlumeAsync, GilParking, GilYielding, Kanal, KanalAsync,
    Ours, Pipe, StdSync, ThingbufAsync, ThingbufBlocking, TokioBlocking, TokioMpsc,
};
use crate::waiting::{Asynchronous, Blocking, pushes, round_trip, round_trip_of_tasks, wake_cost};

pub(super) fn add(rows: &mut Vec<Row>) {
    fn trip<C: Blocking>() -> Row {
        row("round trip, blocking", C::NAME, C::ROLE, true, round_trip::<C>)
    }
    rows.extend([
        trip::<Ours<true>>(),
        trip::<Ours<true, true>>(),
        trip::<Ours<false>>(),
        trip::<Ours<false, true>>(),
        trip::<Crossbeam>(),
        trip::<Flume>(),
        trip::<GilParking>(),
        trip::<GilYielding>(),
        trip::<Kanal>(),
        trip::<StdSync>(),
        trip::<ThingbufBlocking>(),
        trip::<TokioBlocking>(),
        trip::<BareFutex>(),
        trip::<Condition>(),
        trip::<Counter<false>>(),
        trip::<Counter<true>>(),
        trip::<Pipe>(),
    ]);
    fn wake<C: Blocking>() -> Row {
        row("send that wakes a sleeper", C::NAME, C::ROLE, true, wake_cost::<C>)
    }
    rows.extend([
        wake::<Ours<true>>(),
        wake::<Ours<true, true>>(),
        wake::<Ours<false>>(),
        wake::<Crossbeam>(),
        wake::<Flume>(),
        wake::<GilParking>(),
        wake::<Kanal>(),
        wake::<StdSync>(),
        wake::<ThingbufBlocking>(),
        wake::<TokioBlocking>(),
        wake::<BareFutex>(),
        wake::<Condition>(),
        wake::<Counter<false>>(),
        wake::<Counter<true>>(),
        wake::<Pipe>(),
    ]);
    fn tasks<C: Asynchronous>() -> Row {
        row("round trip, two tasks of one executor", C::NAME, C::ROLE, false, round_trip_of_tasks::<C>)
    }
    rows.extend([
        tasks::<Ours<false>>(),
        tasks::<FlumeAsync>(),
        tasks::<KanalAsync>(),
        tasks::<ThingbufAsync>(),
        tasks::<TokioMpsc>(),
    ]);
    nobody_waits(rows);
}

fn row(
    scenario: &str,
    name: &str,
    role: Role,
    two: bool,
    run: fn(crate::measure::Budget) -> crate::measure::Figure,
) -> Row {
    Row { scenario: scenario.into(), name: name.into(), role, unit: Unit::Time, two, run: Box::new(run) }
}

/// The plain ring is the peer here.
fn nobody_waits(rows: &mut Vec<Row>) {
    const SCENARIO: &str = "push, nobody waits";
    const N: usize = 1024;
    rows.push(row(SCENARIO, "annulet::Spsc", Role::Peer, false, |budget| {
        let mut ring = Spsc::<u64, N>::new();
        let (mut tx, mut rx) = ring.split();
        pushes(budget, N as u64, |item| tx.try_push(item).is_ok(), || assert_eq!(rx.skip(N), N))
    }));
    rows.push(row(SCENARIO, "annulet::Spsc and Event", Role::Ours, false, |budget| {
        let mut ring = Spsc::<u64, N>::new();
        let (mut tx, mut rx) = ring.split();
        let (data, futex) = (Event::<8>::new(), Futex::new());
        let push = |item| {
            let pushed = tx.try_push(item).is_ok();
            data.signal(&futex, 1);
            pushed
        };
        pushes(budget, N as u64, push, || assert_eq!(rx.skip(N), N))
    }));
    rows.push(row(SCENARIO, "annulet::Spsc and Event, fenced", Role::Ours, false, |budget| {
        let mut ring = Spsc::<u64, N>::new();
        let (mut tx, mut rx) = ring.split();
        let (data, futex) = (Event::<8>::new(), Futex::fenced());
        let push = |item| {
            let pushed = tx.try_push(item).is_ok();
            data.signal(&futex, 1);
            pushed
        };
        pushes(budget, N as u64, push, || assert_eq!(rx.skip(N), N))
    }));
    rows.push(row(SCENARIO, "annulet::Channel", Role::Ours, false, |budget| {
        let mut channel = Channel::<Spsc<u64, N>, Futex>::over(Spsc::new(), Futex::new());
        let (mut tx, mut rx) = channel.split();
        pushes(budget, N as u64, |item| tx.try_send(item).is_ok(), || assert_eq!(rx.end().skip(N), N))
    }));
}
