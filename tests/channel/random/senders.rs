//! What senders of a random program do.

use std::mem::forget;
use std::rc::Rc;

use annulet::channel::{LendsEnds, Permit, SendEnd, SendError, Sender, TrySendError};
use annulet::ring::broadcast::{Gated, Writer};
use annulet::ring::{Multi, Owner, Producer, Side, Sides, Single};
use annulet::stats::Stats;

use super::items::{Good, Item, sent};
use super::stage::{
    BATCH, Came, Desk, Order, Party, SPAN, State, dice, enter, fault, guarded, meanwhile, one_in,
    panic_deliberately, pays, tell,
};
use crate::common::silently;

/// A sender that is told what to do until its end is gone. `more`: one more of them.
pub async fn sender<X: LendsEnds<Item: Good, SendEnd: Grants>>(
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
                4..7 => sends(&mut tx, &desk, false),
                7..9 => sends_several(&mut tx, &desk),
                9 => sends(&mut tx, &desk, true),
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

fn make<T: Good>(desk: &Desk) -> T {
    let item = T::make(desk);
    tell(|| format!("{} makes {}", desk.name, item.number()));
    item
}

/// Sends one item at once, or in time.
fn sends<X: LendsEnds<Item: Good>>(tx: &mut Sender<X>, desk: &Desk, in_time: bool) {
    desk.does(if in_time { "sends in time" } else { "tries to send" });
    let item: X::Item = make(desk);
    let number = item.number();
    // Others are told how many items there are while it waits.
    desk.held.set(in_time.into());
    let is_sent =
        guarded(|| if in_time { tx.send_timeout(item, SPAN).is_ok() } else { tx.try_send(item).is_ok() });
    if is_sent == Some(true) {
        sent(number);
    }
    desk.held.set(0);
}

fn sends_several<X: LendsEnds<Item: Good>>(tx: &mut Sender<X>, desk: &Desk) {
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

async fn waits_to_send<X: LendsEnds<Item: Good>>(tx: &mut Sender<X>, desk: &Desk) {
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

async fn waits_for_room<X: LendsEnds<Item: Good>>(tx: &mut Sender<X>, desk: &Desk) {
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
async fn sinks<X: LendsEnds<Item: Good>>(tx: Sender<X>, desk: &Desk) -> Option<Sender<X>> {
    use std::pin::Pin;

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
fn is_kept_waiting<X: LendsEnds<Item: Good>>(tx: &mut Sender<X>, desk: &Desk) -> bool {
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
    async fn holds<X: LendsEnds<Item: Good, SendEnd = Self>>(tx: &mut Sender<X>, desk: &Desk)
    where
        Self: Sized;
}

impl<const N: usize, const R: usize, S: Stats> Grants for Writer<'static, u64, N, Gated<R>, S> {
    async fn holds<X: LendsEnds<Item: Good, SendEnd = Self>>(tx: &mut Sender<X>, desk: &Desk) {
        if one_in(2) {
            guarded(|| drop(tx.end()));
        }
        desk.owes.set(false);
    }
}

impl<C: Side, S: Stats, K: Owner> Grants for Producer<'static, Item, Sides<Multi, C, S>, K> {
    async fn holds<X: LendsEnds<Item: Good, SendEnd = Self>>(tx: &mut Sender<X>, desk: &Desk) {
        grants(tx, desk).await;
    }
}

impl<C: Side, S: Stats, K: Owner> Grants for Producer<'static, Item, Sides<Single, C, S>, K> {
    async fn holds<X: LendsEnds<Item: Good, SendEnd = Self>>(tx: &mut Sender<X>, desk: &Desk) {
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
async fn uses<C: Side, S: Stats, X: LendsEnds>(
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
    X: LendsEnds<SendEnd = Producer<'static, Item, Sides<P, C, S>, K>>,
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
