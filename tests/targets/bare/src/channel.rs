//! `Channel` over every ring, lanes and both broadcasts: each way to send and to receive, by tries, asleep, polled.

use core::hint::black_box;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use core::time::Duration;

use annulet::channel::{LendsEnds, Receiver, RecvError, SendError, Sender, TryRecvError};
use annulet::ring::broadcast::{Gated, Overwrite};
use annulet::ring::lanes::{Priority, RoundRobin};
use annulet::ring::{Multi, Owner, Producer, Side, Sides, Single};
use annulet::stats::Counts;
use annulet::wait::Deadline;
#[cfg(target_has_atomic = "64")]
use annulet::wait::Metered;
use annulet::{Broadcast, Channel, Lanes, Mpmc, Mpsc, Spmc, Spsc};

use crate::call_all;
use crate::events::{Idle, strategy};
use crate::item::{Item, Token};

const N: usize = 8;

/// Both ends of a channel. They are there, except while they are something else.
struct Ends<C: LendsEnds, X: LendsEnds> {
    tx: Option<Sender<C>>,
    rx: Option<Receiver<X>>,
}

/// Nobody else uses any of these.
static ONE_ONE: Channel<Spsc<u32, N>, Idle> = Channel::over(Spsc::new(), Idle);
static MANY_ONE: Channel<Mpsc<Token, N>, Idle> = Channel::over(Mpsc::new(), Idle);
static ONE_MANY: Channel<Spmc<[u8; 24], N>, Idle> = Channel::over(Spmc::new(), Idle);
static MANY_MANY: Channel<Mpmc<Token, N>, Idle> = Channel::over(Mpmc::new(), Idle);
static NO_SEATS: Channel<Mpmc<u32, N>, Idle, 0> = Channel::over(Mpmc::new(), Idle);
static LANES: Channel<Lanes<u32, N, 3>, Idle> = Channel::over(Lanes::new(), Idle);
static NEWEST: Channel<Broadcast<u32, N>, Idle> = Channel::over(Broadcast::new(), Idle);
static SLOWEST: Channel<Broadcast<u32, N, Gated<3>>, Idle> = Channel::over(Broadcast::new(), Idle);
#[cfg(target_has_atomic = "64")]
static METERED: Channel<Spsc<u32, N>, Metered<Idle>> = Channel::over(Spsc::new(), Metered::new(Idle));

pub fn run() {
    if let Some((tx, rx)) = ONE_ONE.try_split() {
        call_all(&[reserve], &mut ends(tx, rx));
    }
    if let Some((tx, rx)) = ONE_MANY.try_split() {
        let mut ends = ends(tx, rx);
        call_all(&[clone_receiver], &mut ends);
        call_all(&[reserve], &mut ends);
    }
    if let Some((tx, rx)) = MANY_ONE.try_split() {
        call_all(&[clone_sender], &mut ends(tx, rx));
    }
    if let Some((tx, rx)) = MANY_MANY.try_split() {
        call_all(&[clone_sender, clone_receiver], &mut ends(tx, rx));
    }
    if let Some((tx, rx)) = NO_SEATS.try_split() {
        ends(tx, rx);
    }
    if let (Ok(tx), Some(rx)) = (LANES.register(), LANES.try_receiver(RoundRobin::default())) {
        ends(tx, rx);
    }
    by_reference(&mut &MANY_MANY);
    if let Some(tx) = NEWEST.try_sender() {
        drop(black_box((tx.subscribe(), tx.subscribe_at_oldest())));
        call_all(&[clone_receiver], &mut ends(tx, NEWEST.receiver_at_oldest()));
    }
    if let (Some(tx), Ok(rx)) = (SLOWEST.try_sender(), SLOWEST.join_at_newest()) {
        drop(black_box((tx.subscribe(), tx.subscribe_at_oldest())));
        ends(tx, rx);
    }
    #[cfg(target_has_atomic = "64")]
    if let Some((tx, rx)) = METERED.try_split() {
        ends(tx, rx);
        let metered = METERED.platform();
        black_box((metered.receivers().summary().mean(), metered.senders().summary()));
    }
    channels(&mut ());
}

/// What all ends can do; they come back.
fn ends<T: Item, C: LendsEnds<Item = T>, X: LendsEnds<Item = T>>(
    tx: Sender<C>,
    rx: Receiver<X>,
) -> Ends<C, X> {
    let mut ends = Ends { tx: Some(tx), rx: Some(rx) };
    senders(&mut ends);
    receivers(&mut ends);
    #[cfg(feature = "futures-v0.3")]
    streams::run(&mut ends);
    ends
}

fn span(nanos: usize) -> Duration {
    Duration::from_nanos(nanos as u64)
}

fn of_try_recv<T: Item>(received: Result<T, TryRecvError>) -> usize {
    match received {
        Ok(item) => item.see(),
        Err(TryRecvError::Lagged(count)) => count as usize,
        Err(why) => usize::from(why == TryRecvError::Closed),
    }
}

fn of_recv(why: RecvError) -> usize {
    match why {
        RecvError::Lagged(count) => count as usize,
        why => usize::from(why == RecvError::Closed),
    }
}

fn of_send<T: Item>(sent: Result<(), SendError<T>>) -> usize {
    let why = |back: SendError<T>| {
        usize::from(back.is_timeout()) + 2 * usize::from(back.is_closed()) + back.into_inner().see()
    };
    sent.map_or_else(why, |()| 0)
}

/// Polls with a waker of which nothing is known.
fn poll<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(black_box(Waker::noop())))
}

/// Operations of one of the ends.
macro_rules! end_ops {
    ($all:ident of $end:ident: $($name:ident($on:pat, $a:pat, $b:pat) $body:block)*) => {
        ops! {
            $all[T: Item, C: LendsEnds<Item = T>, X: LendsEnds<Item = T>] Ends<C, X>:
            $($name(ends, $a, $b) {
                let Some($on) = &mut ends.$end else { return 0 };
                $body
            })*
        }
    };
}

end_ops! {
    senders of tx:
    try_send(tx, a, _) { tx.try_send(T::of(a)).map_or_else(|back| back.into_inner().see(), |()| 0) }
    send(tx, a, _) { of_send(tx.send(T::of(a))) }
    send_timeout(tx, a, b) { of_send(tx.send_timeout(T::of(a), span(b))) }
    send_deadline(tx, a, b) { of_send(tx.send_deadline(T::of(a), Deadline::at(b as u64))) }
    try_send_iter(tx, a, b) { tx.try_send_iter(&mut (a..b).map(T::of)).unwrap_or(0) }
    send_iter(tx, a, b) { tx.send_iter(&mut (a..b).map(T::of)).unwrap_or(0) }
    send_iter_timeout(tx, a, b) {
        tx.send_iter_timeout(&mut (0..a).map(T::of).filter(|item| item.see() != b), span(b)).unwrap_or(0)
    }
    send_iter_deadline(tx, a, b) {
        tx.send_iter_deadline(&mut (a..b).map(T::of), Deadline::at(b as u64)).unwrap_or(0)
    }
    send_async(tx, a, b) {
        let mut sending = tx.send_async(T::of(a));
        if let Poll::Ready(sent) = poll(&mut sending) {
            return of_send(sent);
        }
        drop(sending);
        let mut sending = tx.send_async(T::of(b));
        let pending = poll(&mut sending).is_pending() && poll(&mut sending).is_pending();
        sending.into_inner().map_or(0, |item| item.see()) + usize::from(pending)
    }
    send_ready(tx, _, _) {
        let mut ready = tx.ready();
        usize::from(poll(&mut ready).is_ready() || poll(&mut ready).is_ready())
    }
    sender_strategy(tx, a, b) {
        tx.set_strategy(strategy(a, b));
        0
    }
    sender_counts(tx, _, _) { tx.receivers() + usize::from(tx.is_closed()) }
    sender_end(tx, _, _) {
        drop(black_box(tx.end()));
        0
    }
    sender_close(tx, _, _) {
        tx.close();
        0
    }
}

end_ops! {
    receivers of rx:
    try_recv(rx, _, _) { of_try_recv(rx.try_recv()) }
    recv(rx, _, _) { rx.recv().map_or_else(of_recv, |item| item.see()) }
    recv_timeout(rx, a, _) { rx.recv_timeout(span(a)).map_or_else(of_recv, |item| item.see()) }
    recv_deadline(rx, a, _) {
        rx.recv_deadline(Deadline::at(a as u64)).map_or_else(of_recv, |item| item.see())
    }
    try_drain(rx, a, _) {
        let mut sum = 0;
        sum ^ rx.try_drain(a, |item| sum ^= item.see()).unwrap_or(0)
    }
    drain(rx, a, _) {
        let mut sum = 0;
        rx.drain(a, |item| sum ^= item.see()).unwrap_or_else(of_recv) ^ sum
    }
    drain_timeout(rx, a, b) {
        let mut sum = 0;
        rx.drain_timeout(a, span(b), |item| sum ^= item.see()).unwrap_or_else(of_recv) ^ sum
    }
    drain_deadline(rx, a, b) {
        let mut sum = 0;
        rx.drain_deadline(a, Deadline::at(b as u64), |item| sum ^= item.see()).unwrap_or_else(of_recv) ^ sum
    }
    try_iter(rx, a, _) { rx.try_iter().take(a).fold(0, |sum, item| sum ^ item.see()) }
    recv_unless(rx, a, _) {
        let found = rx.recv_unless(|| black_box(a) > 0);
        found.map_or_else(of_recv, |item| item.map_or(0, |item| item.see()))
    }
    clear(rx, _, _) { rx.clear() }
    iter(rx, a, _) { rx.iter().take(a).fold(0, |sum, item| sum ^ item.see()) }
    recv_async(rx, _, _) {
        let mut receiving = rx.recv_async();
        match poll(&mut receiving) {
            Poll::Ready(received) => received.map_or_else(of_recv, |item| item.see()),
            Poll::Pending => usize::from(poll(&mut receiving).is_pending()),
        }
    }
    recv_ready(rx, _, _) {
        let mut ready = rx.ready();
        usize::from(poll(&mut ready).is_ready() || poll(&mut ready).is_ready())
    }
    receiver_strategy(rx, a, b) {
        rx.set_strategy(strategy(b, a));
        0
    }
    receiver_counts(rx, _, _) { rx.senders() + usize::from(rx.is_closed()) }
    receiver_end(rx, _, _) {
        drop(black_box(rx.end()));
        0
    }
    receiver_close(rx, _, _) {
        rx.close();
        0
    }
}

// Sides of many, without an end that is kept.
ops! {
    by_reference[] &'static Channel<Mpmc<Token, N>, Idle>:
    shared_tries(channel, a, _) {
        let sent = channel.try_send(Token::of(a)).is_ok();
        usize::from(sent) + of_try_recv(channel.try_recv())
    }
    shared_waits(channel, a, b) {
        let sent = of_send(channel.send(Token::of(a))) + of_send(channel.send_timeout(Token::of(b), span(a)));
        sent + channel.recv().map_or_else(of_recv, |item| item.see())
            + channel.recv_timeout(span(b)).map_or_else(of_recv, |item| item.see())
    }
    shared_deadlines(channel, a, b) {
        of_send(channel.send_deadline(Token::of(a), Deadline::at(b as u64)))
            + channel.recv_deadline(Deadline::at(a as u64)).map_or_else(of_recv, |item| item.see())
    }
    shared_async(channel, a, _) {
        let mut sending = core::pin::pin!(channel.send_async(Token::of(a)));
        let sent = sending.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready();
        let mut receiving = core::pin::pin!(channel.recv_async());
        let received = receiving.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready();
        usize::from(sent) + usize::from(received)
    }
    shared_ends(channel, a, _) {
        let (tx, rx) = (channel.sender(), channel.receiver());
        let sent = tx.shared().try_send(Token::of(a)).is_ok();
        usize::from(sent) + of_try_recv(rx.shared().try_recv())
    }
    shared_state(channel, _, _) {
        channel.wake_receivers();
        channel.clear() + usize::from(channel.try_reopen())
    }
}

fn clone_sender<T: Item, C: LendsEnds<Item = T>, X: LendsEnds>(
    ends: &mut Ends<C, X>,
    a: usize,
    b: usize,
) -> usize
where
    Sender<C>: Clone,
{
    let Some(tx) = &ends.tx else { return 0 };
    tx.clone().with_strategy(strategy(a, b)).try_send(T::of(a)).is_ok().into()
}

fn clone_receiver<T: Item, C: LendsEnds, X: LendsEnds<Item = T>>(
    ends: &mut Ends<C, X>,
    a: usize,
    b: usize,
) -> usize
where
    Receiver<X>: Clone,
{
    let Some(rx) = &ends.rx else { return 0 };
    of_try_recv(rx.clone().with_strategy(strategy(a, b)).try_recv())
}

fn reserve<'p, T: Item, S: Side, K: Owner, C, X: LendsEnds>(
    ends: &mut Ends<C, X>,
    a: usize,
    _: usize,
) -> usize
where
    C: LendsEnds<SendEnd = Producer<'p, T, Sides<Single, S>, K>>,
{
    let Some(tx) = &mut ends.tx else { return 0 };
    drop(poll(&mut tx.reserve()));
    let mut reserve = tx.reserve();
    match poll(&mut reserve) {
        Poll::Ready(Some(permit)) => {
            let _ = permit.send(T::of(a));
            1
        }
        again => usize::from(again.is_pending() && poll(&mut reserve).is_pending()),
    }
}

// Channels as such: made, split, opened again, and dropped with what is in them.
ops! {
    channels[] ():
    spsc(_, a, _) {
        let mut channel = Channel::<Spsc<Token, 2>, Idle>::over(Spsc::new(), Idle);
        let (mut tx, rx) = channel.split();
        let sent = tx.try_send(Token::of(a)).is_ok();
        drop((tx, rx));
        channel.reopen();
        let waiting = channel.waiting();
        let crowded = channel.crowded();
        let numbers =
            channel.len() + channel.capacity() + usize::from(channel.is_empty()) + usize::from(channel.is_full());
        waiting.senders
            + waiting.receivers
            + (crowded.senders ^ crowded.receivers) as usize
            + numbers
            + channel.ring_mut().capacity()
            + usize::from(sent)
    }
    // What channels count, and say of what is in them.
    counted(_, a, _) {
        let ring = Channel::<Mpsc<u32, 2, Counts>, Idle>::over(Mpsc::new(), Idle);
        let lanes = Channel::<Lanes<u32, 2, 2>, Idle>::over(Lanes::new(), Idle);
        let newest = Channel::<Broadcast<u32, 2, Overwrite, Counts>, Idle>::over(Broadcast::new(), Idle);
        let sent = newest.try_sender().map_or(0, |mut tx| usize::from(tx.try_send(a as u32).is_ok()));
        let numbers = lanes.len() + newest.len() + newest.capacity();
        let empty = usize::from(lanes.is_empty()) + usize::from(newest.is_empty());
        let counts = ring.stats().producers.items ^ newest.stats().writer.items ^ newest.lagged().items;
        sent + numbers + empty + counts
    }
    mpmc(_, a, _) {
        let mut channel = Channel::<Mpmc<Token, 2>, Idle>::over(Mpmc::new(), Idle);
        let Some((tx, mut rx)) = channel.try_split() else { return 0 };
        let sent = tx.clone().try_send(Token::of(a)).is_ok();
        let received = of_try_recv(rx.try_recv());
        drop((tx, rx));
        let (mut tx, _rx) = channel.split();
        received ^ usize::from(sent && tx.try_send(Token::of(a)).is_ok())
    }
    lanes(_, a, _) {
        let mut channel = Channel::<Lanes<u32, 2, 2, Sides<Single, Multi>>, Idle>::over(Lanes::new(), Idle);
        let sent = channel.register_at(a as u32).map_or(0, |mut tx| usize::from(tx.try_send(7).is_ok()));
        let received = channel.try_receiver(Priority).map_or(0, |rx| of_try_recv(rx.clone().try_recv()));
        channel.reopen();
        sent ^ received
    }
    newest(_, a, _) {
        let channel = Channel::<Broadcast<u32, 2>, Idle>::over(Broadcast::new(), Idle);
        let mut rx = channel.receiver_at_newest();
        let sent = channel.try_sender().map_or(0, |mut tx| usize::from(tx.try_send(a as u32).is_ok()));
        sent ^ of_try_recv(rx.try_recv())
    }
    slowest(_, a, _) {
        let channel = Channel::<Broadcast<u32, 2, Gated<1>>, Idle>::over(Broadcast::new(), Idle);
        let Ok(mut rx) = channel.join_at_oldest() else { return 0 };
        let sent = channel.try_sender().map_or(0, |mut tx| usize::from(tx.try_send(a as u32).is_ok()));
        sent ^ of_try_recv(rx.try_recv()) ^ usize::from(channel.join_at_newest().is_err())
    }
    ends_one_by_one(_, a, _) {
        let channel = Channel::<Mpsc<u32, 2>, Idle>::over(Mpsc::new(), Idle);
        let sent = channel.try_sender().map_or(0, |mut tx| usize::from(tx.try_send(a as u32).is_ok()));
        sent ^ channel.try_receiver().map_or(0, |mut rx| of_try_recv(rx.try_recv()))
    }
}

/// Streams and sinks.
#[cfg(feature = "futures-v0.3")]
mod streams {
    use futures_core::stream::{FusedStream, Stream};
    use futures_sink::Sink;

    use super::*;

    pub fn run<T: Item, C: LendsEnds<Item = T>, X: LendsEnds<Item = T>>(ends: &mut Ends<C, X>) {
        all(ends);
    }

    fn next<T: Item>(stream: &mut (impl FusedStream<Item = T> + Unpin)) -> usize {
        let mut context = Context::from_waker(black_box(Waker::noop()));
        let hint = stream.size_hint().0 + usize::from(stream.is_terminated());
        match Pin::new(stream).poll_next(&mut context) {
            Poll::Ready(Some(item)) => item.see() ^ hint,
            Poll::Ready(None) => hint,
            Poll::Pending => !hint,
        }
    }

    fn of_done<T: Item>(done: Result<(), annulet::channel::TrySendError<T>>) -> usize {
        done.map_or_else(|back| back.into_inner().see(), |()| 0)
    }

    fn of_polled<T: Item>(polled: Poll<Result<(), annulet::channel::TrySendError<T>>>) -> usize {
        match polled {
            Poll::Ready(done) => of_done(done),
            Poll::Pending => 1,
        }
    }

    ops! {
        all[T: Item, C: LendsEnds<Item = T>, X: LendsEnds<Item = T>] Ends<C, X>:
        stream(ends, _, _) {
            let Some(rx) = &mut ends.rx else { return 0 };
            let mut stream = rx.stream();
            next(&mut stream) ^ next(&mut stream) ^ stream.missed() as usize
        }
        into_stream(ends, _, _) {
            let Some(rx) = ends.rx.take() else { return 0 };
            let mut stream = rx.into_stream();
            let seen = next(&mut stream) ^ next(&mut stream) ^ stream.missed() as usize;
            ends.rx = Some(stream.into_inner());
            seen
        }
        into_sink(ends, a, b) {
            let Some(tx) = ends.tx.take() else { return 0 };
            let mut context = Context::from_waker(black_box(Waker::noop()));
            let mut sink = tx.into_sink();
            let mut seen = of_polled(Pin::new(&mut sink).poll_ready(&mut context));
            seen ^= of_done(Pin::new(&mut sink).start_send(T::of(a)));
            seen ^= of_polled(Pin::new(&mut sink).poll_flush(&mut context));
            if a == b {
                return seen ^ of_polled(Pin::new(&mut sink).poll_close(&mut context));
            }
            let (tx, item) = sink.into_inner();
            ends.tx = tx;
            seen ^ item.map_or(0, |item| item.see())
        }
    }
}
