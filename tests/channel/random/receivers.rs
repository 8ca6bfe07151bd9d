//! What receivers of a random program do.

use std::mem::ManuallyDrop;
use std::rc::Rc;

use annulet::channel::{LendsEnds, Receiver, RecvEnd, RecvError, TryRecvError};
use annulet::ring::broadcast::GatedReader;
use annulet::ring::lanes::{LaneConsumer, Schedule as Lanewise, Storage};
use annulet::ring::{Consumer, Owner, Side, Sides, Single};
use annulet::stats::Stats;

use super::items::{Good, Item, dropping};
use super::stage::{
    BATCH, Came, Desk, Order, Party, SPAN, dice, enter, fault, guarded, may_panic, meanwhile, one_in,
    panic_deliberately, pays,
};

/// A receiver that is told what to do until its end is gone.
pub async fn receiver<X: LendsEnds<Item: Good, RecvEnd: Takes>>(
    mut rx: Receiver<X>,
    more: fn(&Receiver<X>) -> Option<Receiver<X>>,
    desk: Rc<Desk>,
) where
    Receiver<X>: 'static,
{
    while !desk.leaves.get() {
        match desk.next().await {
            Order::Leave => desk.leaves.set(true),
            Order::Act => match dice(17) {
                0..4 => waits_to_receive(&mut rx, &desk).await,
                4..7 => receives(&mut rx, &desk, false),
                7..9 => receives_several(&mut rx, &desk),
                9 => receives(&mut rx, &desk, true),
                10..12 => waits_for_items(&mut rx, &desk).await,
                12 | 13 => X::RecvEnd::uses(&mut rx, &desk),
                14 => {
                    if let Some(rx) = guarded(|| more(&rx)).flatten() {
                        enter(Party::Receiver, |desk| Box::pin(receiver(rx, more, desk)));
                    }
                }
                #[cfg(feature = "futures-v0.3")]
                15 => streams(&mut rx, &desk).await,
                _ if one_in(8) => _ = guarded(|| rx.close()),
                _ => pays(&desk, || drop(rx.end())),
            },
            Order::Pay => pays(&desk, || drop(rx.end())),
            Order::Cancel | Order::Probe => {}
        }
    }
    desk.gone.set(true);
    desk.looks_back::<X::Item>();
    guarded(|| drop(rx));
}

/// A call of a receiver: if it panics, an item may be gone with it.
fn called<R>(desk: &Desk, call: impl FnOnce() -> R) -> Option<R> {
    let called = guarded(call);
    desk.lossy.set(desk.lossy.get() || called.is_none());
    called
}

/// Receives one item that is there, or comes in time.
fn receives<X: LendsEnds<Item: Good>>(rx: &mut Receiver<X>, desk: &Desk, in_time: bool) {
    desk.does(if in_time { "receives in time" } else { "tries to receive" });
    let got = called(desk, || if in_time { rx.recv_timeout(SPAN).ok() } else { rx.try_recv().ok() });
    got.flatten().iter().for_each(|item| desk.got(item));
}

fn receives_several<X: LendsEnds<Item: Good>>(rx: &mut Receiver<X>, desk: &Desk) {
    desk.does("receives several");
    let (wanted, stops) = (dice(BATCH), if one_in(4) { dice(BATCH) } else { BATCH });
    let mut count = 0;
    let each = |item: X::Item| {
        desk.got(&item);
        if one_in(4) {
            meanwhile();
        }
        if count == stops {
            panic_deliberately();
        }
        count += 1;
    };
    let took = called(desk, || {
        if one_in(2) { rx.try_drain(wanted, each).ok() } else { rx.drain_timeout(wanted, SPAN, each).ok() }
    });
    if took.flatten().is_some_and(|took| took != count) {
        fault(format!("{} was given {count}, and told {took:?}", desk.name));
    }
}

async fn waits_to_receive<X: LendsEnds<Item: Good>>(rx: &mut Receiver<X>, desk: &Desk) {
    desk.does("waits to receive");
    desk.owes.set(false);
    loop {
        let mut future = rx.recv_async();
        let came = desk.wait_for(&mut future).await;
        called(desk, || drop(future));
        match came {
            Came::Done(Ok(item)) => return desk.got(&item),
            Came::Done(Err(RecvError::Timeout)) => return fault("a future has timed out"),
            Came::Probed if has_nothing(rx, desk) => {}
            _ => return,
        }
    }
}

/// Receives some items as a stream does.
#[cfg(feature = "futures-v0.3")]
async fn streams<X: LendsEnds<Item: Good>>(rx: &mut Receiver<X>, desk: &Desk) {
    use std::pin::Pin;

    use futures_core::Stream;

    desk.does("is a stream");
    desk.owes.set(false);
    for _ in 0..=dice(BATCH) {
        let mut stream = rx.stream();
        let came = desk.wait(|context| Pin::new(&mut stream).poll_next(context)).await;
        guarded(|| drop(stream));
        match came {
            Came::Done(Some(item)) => desk.got(&item),
            Came::Probed if has_nothing(rx, desk) => {}
            _ => return,
        }
    }
}

async fn waits_for_items<X: LendsEnds<Item: Good>>(rx: &mut Receiver<X>, desk: &Desk) {
    desk.does("waits for items");
    desk.owes.set(false);
    loop {
        let mut future = rx.ready();
        let came = desk.wait_for(&mut future).await;
        guarded(|| drop(future));
        if !matches!(came, Came::Probed) || !has_nothing(rx, desk) {
            return;
        }
    }
}

/// After a receiver that waited was put aside: whether it has to go on waiting.
fn has_nothing<X: LendsEnds<Item: Good>>(rx: &mut Receiver<X>, desk: &Desk) -> bool {
    match called(desk, || rx.try_recv()) {
        Some(Ok(item)) => fault(format!("{} slept while {} was there", desk.name, item.number())),
        Some(Err(TryRecvError::Closed)) => fault(format!("{} slept after the end", desk.name)),
        Some(Err(_)) => return true,
        None => {}
    }
    false
}

/// What receivers do with the end of their ring.
pub trait Takes: RecvEnd {
    fn uses<X: LendsEnds<Item: Good, RecvEnd = Self>>(rx: &mut Receiver<X>, desk: &Desk)
    where
        Self: Sized;
}

impl<const N: usize, const R: usize, S: Stats> Takes for GatedReader<'static, u64, N, R, S> {
    fn uses<X: LendsEnds<Item: Good, RecvEnd = Self>>(rx: &mut Receiver<X>, desk: &Desk) {
        desk.owes.set(false);
        let Some(mut end) = guarded(|| rx.end()) else { return };
        if let Ok(item) = end.try_read() {
            desk.got(&item);
        }
        guarded(|| drop(end));
    }
}

/// Borrows the end of a receiver, and takes items in one of the `ways`. Now and then the guard is forgotten.
fn borrows<X: LendsEnds>(
    rx: &mut Receiver<X>,
    desk: &Desk,
    ways: &[&str],
    takes: impl FnOnce(&mut X::RecvEnd, usize, usize),
) {
    desk.owes.set(one_in(4));
    let Some(end) = guarded(|| rx.end()) else { return };
    let mut end = ManuallyDrop::new(end);
    let wanted = dice(BATCH);
    let way = dice(ways.len());
    desk.does(ways[way]);
    guarded(|| takes(&mut **end, way, wanted));
    if !desk.owes.get() {
        guarded(|| drop(ManuallyDrop::into_inner(end)));
    }
}

impl<const N: usize, const L: usize, O: Lanewise, C: Side, S: Stats, H: Storage> Takes
    for LaneConsumer<'static, Item, N, L, O, Sides<Single, C, S>, H>
{
    fn uses<X: LendsEnds<Item: Good, RecvEnd = Self>>(rx: &mut Receiver<X>, desk: &Desk) {
        borrows(rx, desk, &["skips", "drains", "consumes"], |end, way, wanted| {
            dropping(|| match way {
                0 => end.skip(wanted),
                1 => end.drain(wanted, |_, item| desk.got(&item)),
                _ => end.consume(wanted, |_, _| may_panic()),
            });
        });
    }
}

impl<P: Side, C: Side, S: Stats, K: Owner> Takes for Consumer<'static, Item, Sides<P, C, S>, K> {
    fn uses<X: LendsEnds<Item: Good, RecvEnd = Self>>(rx: &mut Receiver<X>, desk: &Desk) {
        borrows(rx, desk, &["skips", "consumes", "drains", "iterates"], |end, way, wanted| match way {
            0 => drop(dropping(|| end.skip(wanted))),
            1 => drop(dropping(|| end.consume(wanted, |_| may_panic()))),
            // If the closure panics, one of many drops what it was not given.
            2 => drop(dropping(|| {
                end.drain(wanted, |item| {
                    desk.got(&item);
                    may_panic();
                })
            })),
            _ => end.try_iter().take(wanted).for_each(|item| desk.got(&item)),
        });
    }
}
