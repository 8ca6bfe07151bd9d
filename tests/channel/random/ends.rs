//! What senders and receivers of a random program do.

use std::mem::{ManuallyDrop, forget};
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use annulet::channel::{
    ChannelRef, Permit, Receiver, RecvEnd, RecvError, SendEnd, SendError, Sender, TryRecvError, TrySendError,
};
use annulet::ring::broadcast::{Gated, GatedReader, Writer};
use annulet::ring::lanes::{Housing, LaneConsumer, Order as Lanewise};
use annulet::ring::{Consumer, Multi, Owner, Producer, Side, Sides, Single};
use annulet::stats::Stats;

use super::stage::{
    Came, Desk, Good, Item, Order, Party, State, dice, dropping, enter, fault, guarded, meanwhile, one_in,
    panic_deliberately, sent, tell,
};
use crate::common::silently;

/// How long a thread waits, by the clock of the platform.
const SPAN: Duration = Duration::from_micros(1);
/// More than a ring holds.
const BATCH: usize = 5;

/// A sender that is told what to do until its end is gone. `more`: one more of them.
pub async fn sender<X: ChannelRef<Item: Good, SendEnd: Grants>>(
    mut tx: Sender<X>,
    more: fn(&Sender<X>) -> Option<Sender<X>>,
    desk: Rc<Desk>,
) where
    Sender<X>: 'static,
{
    while !desk.leaves.get() {
        match desk.next().await {
            Order::Leave => desk.leaves.set(true),
            Order::Act => match dice(17) {
                0..4 => waits_to_send(&mut tx, &desk).await,
                4..7 => try_sends(&mut tx, &desk),
                7..9 => sends_several(&mut tx, &desk),
                9 => sends_in_time(&mut tx, &desk),
                10 => waits_for_room(&mut tx, &desk).await,
                11..14 => X::SendEnd::holds(&mut tx, &desk).await,
                14 => {
                    if let Some(tx) = guarded(|| more(&tx)).flatten() {
                        enter(Party::Sender, |desk| Box::pin(sender(tx, more, desk)));
                    }
                }
                #[cfg(feature = "futures-v0.3")]
                15 => match sinks(tx, &desk).await {
                    Some(back) => tx = back,
                    None => return desk.gone.set(true),
                },
                _ if one_in(8) => _ = guarded(|| tx.close()),
                _ => pays(&desk, || drop(tx.end())),
            },
            Order::Pay => pays(&desk, || drop(tx.end())),
            Order::Cancel | Order::Probe => {}
        }
    }
    desk.gone.set(true);
    guarded(|| drop(tx));
}

/// Gives the signal that it owes, if it does.
fn pays(desk: &Desk, pay: impl FnOnce()) {
    // If it panics, it has signalled all the same.
    desk.owes.set(false);
    guarded(pay);
}

fn make<T: Good>(desk: &Desk) -> T {
    let item = T::make(desk);
    tell(|| format!("{} makes {}", desk.name, item.number()));
    item
}

fn try_sends<X: ChannelRef<Item: Good>>(tx: &mut Sender<X>, desk: &Desk) {
    desk.does("tries to send");
    let item: X::Item = make(desk);
    let number = item.number();
    if let Some(Ok(())) = guarded(|| tx.try_send(item)) {
        sent(number);
    }
}

fn sends_in_time<X: ChannelRef<Item: Good>>(tx: &mut Sender<X>, desk: &Desk) {
    desk.does("sends in time");
    let item: X::Item = make(desk);
    let number = item.number();
    // Others are told how many items there are while it waits.
    desk.held.set(1);
    if let Some(Ok(())) = guarded(|| tx.send_timeout(item, SPAN)) {
        sent(number);
    }
    desk.held.set(0);
}

fn sends_several<X: ChannelRef<Item: Good>>(tx: &mut Sender<X>, desk: &Desk) {
    desk.does("sends several");
    let (wanted, stops) = (dice(BATCH), if one_in(4) { dice(BATCH) } else { BATCH });
    let mut numbers = Vec::new();
    let mut items = (0..wanted).map(|at| {
        if one_in(4) {
            meanwhile();
        }
        if at == stops {
            panic_deliberately();
        }
        let item: X::Item = make(desk);
        numbers.push(item.number());
        item
    });
    let mut hidden;
    let items: &mut dyn Iterator<Item = X::Item> = if one_in(2) {
        &mut items
    } else {
        hidden = items.filter(|_| true);
        &mut hidden
    };
    let count = if one_in(2) {
        guarded(|| tx.try_send_iter(items)).and_then(Result::ok)
    } else {
        desk.owes.set(false);
        guarded(|| tx.send_iter_timeout(items, SPAN)).and_then(Result::ok)
    };
    if count.is_some_and(|count| count != numbers.len()) {
        fault(format!("{} has sent {count:?} of {numbers:?}", desk.name));
    }
    if count.is_some() {
        numbers.into_iter().for_each(sent);
    }
}

async fn waits_to_send<X: ChannelRef<Item: Good>>(tx: &mut Sender<X>, desk: &Desk) {
    desk.does("waits to send");
    let mut item: X::Item = make(desk);
    desk.owes.set(false);
    loop {
        let number = item.number();
        let mut future = tx.send_async(item);
        desk.held.set(1);
        let came = desk.wait_for(&mut future).await;
        desk.held.set(0);
        match came {
            Came::Done(Ok(())) => return sent(number),
            Came::Done(Err(SendError::Closed(_))) => return,
            Came::Done(Err(_)) => return fault("a future has timed out"),
            Came::Cancelled if one_in(2) => {
                guarded(|| drop(future));
                return;
            }
            Came::Cancelled => return drop(guarded(|| future.into_inner())),
            Came::Probed => {
                // If another one panicked when it was sent, it is gone.
                let Some(Some(back)) = guarded(|| future.into_inner()) else { return };
                match guarded(|| tx.try_send(back)) {
                    Some(Ok(())) => return fault(format!("{} slept while there was room", desk.name)),
                    Some(Err(TrySendError::Closed(_))) => {
                        return fault(format!("{} slept after the end", desk.name));
                    }
                    Some(Err(why)) => item = why.into_inner(),
                    None => return,
                }
            }
        }
    }
}

async fn waits_for_room<X: ChannelRef<Item: Good>>(tx: &mut Sender<X>, desk: &Desk) {
    desk.does("waits for room");
    desk.owes.set(false);
    loop {
        let mut future = tx.ready();
        let came = desk.wait_for(&mut future).await;
        guarded(|| drop(future));
        if !matches!(came, Came::Probed) || !is_kept_waiting(tx, desk) {
            return;
        }
    }
}

/// Sends some items as a sink does. Without its sender, that panicked on its way back.
#[cfg(feature = "futures-v0.3")]
async fn sinks<X: ChannelRef<Item: Good>>(tx: Sender<X>, desk: &Desk) -> Option<Sender<X>> {
    use futures_sink::Sink;

    desk.does("is a sink");
    desk.owes.set(false);
    let mut sink = tx.into_sink();
    for _ in 0..=dice(BATCH) {
        loop {
            match desk.wait(|context| Pin::new(&mut sink).poll_ready(context)).await {
                Came::Done(Ok(())) => break,
                Came::Done(Err(_)) | Came::Cancelled => return guarded(|| sink.into_inner().0)?,
                Came::Probed => {
                    let mut tx = guarded(|| sink.into_inner().0)??;
                    if !is_kept_waiting(&mut tx, desk) {
                        return Some(tx);
                    }
                    sink = tx.into_sink();
                }
            }
        }
        let item: X::Item = make(desk);
        let number = item.number();
        desk.held.set(1);
        let started = guarded(|| Pin::new(&mut sink).start_send(item));
        if matches!(started, Some(Err(_))) {
            desk.held.set(0);
            break;
        }
        let came = desk.wait(|context| Pin::new(&mut sink).poll_flush(context)).await;
        desk.held.set(0);
        match came {
            Came::Done(Ok(())) => sent(number),
            Came::Done(Err(_)) => break,
            Came::Cancelled | Came::Probed => {
                let probed = matches!(came, Came::Probed);
                let (tx, kept) = guarded(|| sink.into_inner())?;
                let mut tx = tx?;
                match kept {
                    Some(item) if probed => match guarded(|| tx.try_send(item)) {
                        Some(Ok(())) => fault(format!("{} slept while there was room", desk.name)),
                        Some(Err(TrySendError::Closed(_))) => {
                            fault(format!("{} slept after the end", desk.name));
                        }
                        _ => {}
                    },
                    Some(_) => {}
                    None => sent(number),
                }
                return Some(tx);
            }
        }
    }
    guarded(|| sink.into_inner().0)?
}

/// After a sender that waited for room was put aside: whether it has to go on waiting.
fn is_kept_waiting<X: ChannelRef<Item: Good>>(tx: &mut Sender<X>, desk: &Desk) -> bool {
    let item: X::Item = make(desk);
    match guarded(|| tx.try_send(item)) {
        Some(Ok(())) => fault(format!("{} slept while there was room", desk.name)),
        Some(Err(TrySendError::Closed(_))) => fault(format!("{} slept after the end", desk.name)),
        Some(Err(_)) => return true,
        None => {}
    }
    false
}

/// What senders do with the end of their ring.
pub trait Grants: SendEnd {
    /// Claims slots, and has them until it is told to do something with them.
    async fn holds<X: ChannelRef<Item: Good, SendEnd = Self>>(tx: &mut Sender<X>, desk: &Desk)
    where
        Self: Sized;
}

impl<const N: usize, const R: usize, S: Stats> Grants for Writer<'static, u64, N, Gated<R>, S> {
    async fn holds<X: ChannelRef<Item: Good, SendEnd = Self>>(tx: &mut Sender<X>, desk: &Desk) {
        if one_in(2) {
            guarded(|| drop(tx.end()));
        }
        desk.owes.set(false);
    }
}

impl<C: Side, S: Stats, K: Owner> Grants for Producer<'static, Item, Sides<Multi, C, S>, K> {
    async fn holds<X: ChannelRef<Item: Good, SendEnd = Self>>(tx: &mut Sender<X>, desk: &Desk) {
        grants(tx, desk).await;
    }
}

impl<C: Side, S: Stats, K: Owner> Grants for Producer<'static, Item, Sides<Single, C, S>, K> {
    async fn holds<X: ChannelRef<Item: Good, SendEnd = Self>>(tx: &mut Sender<X>, desk: &Desk) {
        if one_in(2) {
            return grants(tx, desk).await;
        }
        desk.owes.set(false);
        loop {
            desk.does("reserves");
            let mut future = tx.reserve();
            let came = desk.wait_for(&mut future).await;
            guarded(|| drop(future));
            match came {
                Came::Done(Some(permit)) => return uses(permit, desk).await,
                came if !matches!(came, Came::Probed) => return,
                came => drop(came),
            }
            if !is_kept_waiting(tx, desk) {
                return;
            }
        }
    }
}

/// Has a permit until it is told to do something with it.
async fn uses<C: Side, S: Stats, X: ChannelRef>(
    permit: Permit<'_, Item, Sides<Single, C, S>, X>,
    desk: &Desk,
) {
    desk.state.set(State::Holds);
    let order = desk.next().await;
    desk.state.set(State::Idle);
    if order != Order::Act {
        desk.leaves.set(order == Order::Leave);
        guarded(|| drop(permit));
        return;
    }
    let item: Item = make(desk);
    let number = item.number();
    if let Some(Ok(())) = guarded(|| permit.send(item)) {
        sent(number);
    }
}

async fn grants<P: Side, C: Side, S: Stats, K: Owner, X>(tx: &mut Sender<X>, desk: &Desk)
where
    X: ChannelRef<SendEnd = Producer<'static, Item, Sides<P, C, S>, K>>,
{
    let wanted = 1 + dice(BATCH - 1);
    desk.owes.set(false);
    // It gives the signal that the last one owes.
    let Some(mut end) = guarded(|| tx.end()) else { return };
    match dice(8) {
        // The guard is forgotten, and what was done is not told.
        0 => {
            desk.does("pushes silently");
            let numbers = guarded(|| {
                silently(end, |end| {
                    let items = (0..wanted).map(|_| make::<Item>(desk));
                    let mut numbers = Vec::new();
                    end.push_iter(items.inspect(|item| numbers.push(item.number())));
                    numbers
                })
            });
            desk.owes.set(true);
            return numbers.into_iter().flatten().for_each(sent);
        }
        1 => {
            desk.does("forgets a grant and its guard");
            guarded(|| silently(end, |end| forget(end.try_claim(wanted))));
            return desk.owes.set(true);
        }
        2 => {
            desk.does("forgets a grant");
            guarded(|| forget(end.try_claim(wanted)));
            guarded(|| drop(end));
            return;
        }
        _ => {}
    }
    let Ok(mut grant) = end.try_claim(wanted) else {
        guarded(|| drop(end));
        return;
    };
    let mut numbers = Vec::new();
    for _ in 0..dice(wanted + 1) {
        let item: Item = make(desk);
        let number = item.number();
        if grant.push(item).is_ok() {
            numbers.push(number);
        }
    }
    tell(|| format!("{} has claimed {}, and filled {}", desk.name, grant.len(), numbers.len()));
    desk.held.set(numbers.len());
    desk.state.set(State::Holds);
    let order = loop {
        match desk.next().await {
            Order::Probe | Order::Pay => {}
            order => break order,
        }
    };
    desk.state.set(State::Idle);
    desk.held.set(0);
    desk.leaves.set(order == Order::Leave);
    let way = dice(5);
    tell(|| format!("{} ends its grant by {way}", desk.name));
    let committed = guarded(|| match way {
        0 | 1 if order == Order::Act => grant.commit_all(),
        2 if order == Order::Act => grant.commit(dice(wanted + 1)),
        3 => {
            grant.fill_with(|_| {
                panic_deliberately();
                make(desk)
            });
            0
        }
        _ => {
            drop(grant);
            0
        }
    });
    numbers.into_iter().take(committed.unwrap_or(0)).for_each(sent);
    if one_in(8) {
        forget(end);
        desk.owes.set(true);
    } else {
        guarded(|| drop(end));
    }
}

/// A receiver that is told what to do until its end is gone.
pub async fn receiver<X: ChannelRef<Item: Good, RecvEnd: Takes>>(
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
                4..7 => try_receives(&mut rx, &desk),
                7..9 => receives_several(&mut rx, &desk),
                9 => receives_in_time(&mut rx, &desk),
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

fn try_receives<X: ChannelRef<Item: Good>>(rx: &mut Receiver<X>, desk: &Desk) {
    desk.does("tries to receive");
    if let Some(Ok(item)) = called(desk, || rx.try_recv()) {
        desk.got(&item);
    }
}

fn receives_in_time<X: ChannelRef<Item: Good>>(rx: &mut Receiver<X>, desk: &Desk) {
    desk.does("receives in time");
    if let Some(Ok(item)) = called(desk, || rx.recv_timeout(SPAN)) {
        desk.got(&item);
    }
}

fn receives_several<X: ChannelRef<Item: Good>>(rx: &mut Receiver<X>, desk: &Desk) {
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

async fn waits_to_receive<X: ChannelRef<Item: Good>>(rx: &mut Receiver<X>, desk: &Desk) {
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
async fn streams<X: ChannelRef<Item: Good>>(rx: &mut Receiver<X>, desk: &Desk) {
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

async fn waits_for_items<X: ChannelRef<Item: Good>>(rx: &mut Receiver<X>, desk: &Desk) {
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
fn has_nothing<X: ChannelRef<Item: Good>>(rx: &mut Receiver<X>, desk: &Desk) -> bool {
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
    fn uses<X: ChannelRef<Item: Good, RecvEnd = Self>>(rx: &mut Receiver<X>, desk: &Desk)
    where
        Self: Sized;
}

impl<const N: usize, const R: usize, S: Stats> Takes for GatedReader<'static, u64, N, R, S> {
    fn uses<X: ChannelRef<Item: Good, RecvEnd = Self>>(rx: &mut Receiver<X>, desk: &Desk) {
        desk.owes.set(false);
        let Some(mut end) = guarded(|| rx.end()) else { return };
        if let Ok(item) = end.try_read() {
            desk.got(&item);
        }
        guarded(|| drop(end));
    }
}

impl<const N: usize, const L: usize, O: Lanewise, C: Side, S: Stats, H: Housing> Takes
    for LaneConsumer<'static, Item, N, L, O, Sides<Single, C, S>, H>
{
    fn uses<X: ChannelRef<Item: Good, RecvEnd = Self>>(rx: &mut Receiver<X>, desk: &Desk) {
        desk.owes.set(one_in(4));
        let Some(end) = guarded(|| rx.end()) else { return };
        let mut end = ManuallyDrop::new(end);
        let way = dice(3);
        desk.does(["skips", "drains", "consumes"][way]);
        dropping(|| match way {
            0 => drop(guarded(|| end.skip(dice(BATCH)))),
            1 => drop(guarded(|| end.drain(dice(BATCH), |_, item| desk.got(&item)))),
            _ => drop(guarded(|| {
                end.consume(dice(BATCH), |_, _| {
                    if one_in(4) {
                        panic_deliberately();
                    }
                })
            })),
        });
        if !desk.owes.get() {
            guarded(|| drop(ManuallyDrop::into_inner(end)));
        }
    }
}

impl<P: Side, C: Side, S: Stats, K: Owner> Takes for Consumer<'static, Item, Sides<P, C, S>, K> {
    fn uses<X: ChannelRef<Item: Good, RecvEnd = Self>>(rx: &mut Receiver<X>, desk: &Desk) {
        consumes(rx, desk);
    }
}

/// Takes items in one of the ways there are.
fn consumes<P: Side, C: Side, S: Stats, K: Owner, X>(rx: &mut Receiver<X>, desk: &Desk)
where
    X: ChannelRef<RecvEnd = Consumer<'static, Item, Sides<P, C, S>, K>>,
{
    desk.owes.set(one_in(4));
    let Some(end) = guarded(|| rx.end()) else { return };
    let mut end = ManuallyDrop::new(end);
    let wanted = dice(BATCH);
    let way = dice(4);
    desk.does(["skips", "consumes", "drains", "iterates"][way]);
    match way {
        0 => drop(dropping(|| guarded(|| end.skip(wanted)))),
        1 => {
            let shows = || {
                end.consume(wanted, |_| {
                    if one_in(4) {
                        panic_deliberately();
                    }
                })
            };
            dropping(|| guarded(shows));
        }
        // If the closure panics, one of many drops what it was not given.
        2 => {
            let drains = || {
                end.drain(wanted, |item| {
                    desk.got(&item);
                    if one_in(4) {
                        panic_deliberately();
                    }
                })
            };
            dropping(|| guarded(drains));
        }
        _ => drop(guarded(|| end.try_iter().take(wanted).for_each(|item| desk.got(&item)))),
    }
    if !desk.owes.get() {
        guarded(|| drop(ManuallyDrop::into_inner(end)));
    }
}
