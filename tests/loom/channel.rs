//! Models of channels: sending and receiving that wait for each other, and for the other side's end.

use std::future::Future;
use std::mem::{ManuallyDrop, forget};
use std::ops::DerefMut;
use std::pin::Pin;
use std::task::{Context, Wake, Waker};

use annulet::Broadcast;
use annulet::channel::{Channel, Receiver, RecvError, SendError, Sender, TryRecvError};
use annulet::ring::broadcast::Gated;
use annulet::ring::{Multi, Ring, Side, Sides, Single};

use crate::harness::{Main, at_once, three};
use crate::platform::{Platform, SOON, block_on, lent};

models! {
    fn d06_a_send_against_a_receive kills [SignalFence ThreadFence];
    fn nx10_a_sender_waits_for_room = |main| for_room(main, true),
        kills [SignalFence ThreadFence] mutant |main| for_room(main, false);
    fn nx10_tasks_wait_for_data_and_room kills [SignalFence TaskFence];
    fn d07_what_was_sent_comes_before_closed = |main| push_and_end(main, true, drop),
        kills [PartyLeave PartyLook] mutant |main| push_and_end(main, false, drop);
    fn d07_what_was_sent_comes_before_a_close kills [PartyClose PartyLook];
    fn d07_what_was_sent_is_in_a_closed_channel = |main| look_into(main, false),
        kills [PartyClose ClosedLook] mutant |main| look_into(main, true);
    fn a_close_against_an_opening kills [CloseEnd OpenLook];
    fn a_close_of_one_whose_ends_are_gone = |main| close_of_a_left_one(main, true),
        kills [] mutant |main| close_of_a_left_one(main, false);
    fn a_close_is_undone_by_an_opening_alone = |main| send_after_a_close(main, true),
        kills [] mutant |main| send_after_a_close(main, false);
    fn a_close_against_an_opening_wakes = |main| wait_while_it_opens(main, true),
        within 2 kills [] mutant |main| wait_while_it_opens(main, false);
    fn rm05_the_last_sender_goes kills [SignalFence ThreadFence] mutant rm05_mutant_keeps_the_sender;
    fn rm05_a_receiver_waits_for_a_close = |main| close_and_wait(main, true),
        kills [SignalFence ThreadFence] mutant |main| close_and_wait(main, false);
    fn rm05_a_task_waits_for_a_close kills [SignalFence TaskFence];
    fn d08_the_last_receiver_goes kills [SignalFence ThreadFence];
    fn d08_the_last_receiver_goes_from_a_task kills [SignalFence TaskFence];
    fn h15_two_receivers_and_a_deadline within 2 kills [SignalFence];
    // By one signal that is for two.
    fn nx10_two_receivers_and_a_batch = |main| two_receivers(main, |tx| assert_eq!(tx.send_iter(&mut [1, 2].into_iter()), Ok(2))),
        within 2 kills [SignalFence];
    fn nx10_two_receivers_and_one_signal within 2 kills [SignalFence];
    fn nx10_two_receivers_and_commits_out_of_order within 1 kills [SignalFence];
    fn rm05_a_close_overtakes_a_send within 1 kills [SignalFence];
    fn rm07_a_place_changes_hands_while_the_writer_waits = |main| place_changes_hands(main, true),
        within 2 kills [SignalFence] mutant |main| place_changes_hands(main, false);
    fn d06_a_slot_that_is_given_up_in_front_of_an_item = |main| give_up(main, true),
        kills [SignalFence ThreadFence AgainFence] mutant |main| give_up(main, false);
    fn d06_slots_that_are_given_up_are_room = |main| give_up_all(main, true),
        kills [SignalFence ThreadFence] mutant |main| give_up_all(main, false);
    fn d07_closed_comes_after_everything_that_was_sent = |main| close_in_the_middle(main, true),
        within 2 kills [SignalFence] mutant |main| close_in_the_middle(main, false);
}

type Of<const N: usize, P, C, const TASKS: usize> = Channel<Ring<u32, N, Sides<P, C>>, Platform, TASKS>;
type Tx<const N: usize, P, C, const TASKS: usize> = Sender<&'static Of<N, P, C, TASKS>>;
type Rx<const N: usize, P, C, const TASKS: usize> = Receiver<&'static Of<N, P, C, TASKS>>;

/// Lends both ends of a channel to a play that joins its threads, and drops all ends.
fn stage<const N: usize, P: Side, C: Side, const TASKS: usize>(
    play: impl FnOnce(Tx<N, P, C, TASKS>, Rx<N, P, C, TASKS>),
) {
    lent(Of::<N, P, C, TASKS>::over(Ring::new(), Platform::new()), |channel| {
        let (tx, rx) = channel.split();
        play(tx, rx);
    });
}

/// Of one and one, with room for one item.
fn one_to_one<const TASKS: usize>(
    play: impl FnOnce(Tx<1, Single, Single, TASKS>, Rx<1, Single, Single, TASKS>),
) {
    stage::<1, Single, Single, TASKS>(play);
}

/// A channel that has no ends is opened again while a supervisor closes it: it is one or the other, for both sides.
fn a_close_against_an_opening(main: Main) {
    lent(Of::<1, Single, Single, 0>::over(Ring::new(), Platform::new()), |channel| {
        let channel = &*channel;
        channel.close();
        at_once(main, move || channel.close(), move || channel.try_reopen());
        let (tx, rx) = channel.try_split().unwrap();
        assert_eq!(tx.is_closed(), rx.is_closed());
    });
}

/// A channel that is open, whose ends are gone, is opened for new ones while a supervisor closes it: it is one or the other, for
/// both sides; or, if `looks` is false, it is never closed.
fn close_of_a_left_one(main: Main, looks: bool) {
    lent(Of::<1, Single, Single, 0>::over(Ring::new(), Platform::new()), |channel| {
        let channel = &*channel;
        drop(channel.try_split().unwrap());
        let ((), opened) = at_once(main, move || channel.close(), move || channel.try_reopen());
        let (tx, rx) = channel.try_split().unwrap();
        assert_eq!(tx.is_closed(), rx.is_closed());
        assert!(opened || tx.is_closed(), "not opened, and not closed");
        assert!(looks || !tx.is_closed(), "it was closed");
    });
}

/// What is sent after a close is refused, unless the channel was opened after that; or, if `looks` is false, always.
fn send_after_a_close(main: Main, looks: bool) {
    lent(Of::<1, Multi, Multi, 0>::over(Ring::new(), Platform::new()), |channel| {
        let channel = &*channel;
        channel.close();
        let close = move || {
            channel.close();
            channel.try_send(7)
        };
        let (sent, opened) = at_once(main, close, move || channel.try_reopen());
        assert!(sent.is_err() || (looks && opened), "sent after a close");
        assert!(opened || channel.is_closed(), "closed, and never opened");
    });
}

/// Whether a waker was called.
#[derive(Default)]
struct Flag(std::sync::atomic::AtomicBool);

impl Wake for Flag {
    fn wake(self: std::sync::Arc<Self>) {
        self.0.store(true, std::sync::atomic::Ordering::SeqCst);
    }
}

/// A receiver that found it open is woken by the close that comes then; or, if `looks` is false, always.
fn wait_while_it_opens(main: Main, looks: bool) {
    lent(Of::<1, Single, Single, 1>::over(Ring::new(), Platform::new()), |channel| {
        let channel = &*channel;
        channel.close();
        let flag = std::sync::Arc::new(Flag::default());
        let waker = Waker::from(std::sync::Arc::clone(&flag));
        let receive = move || {
            let mut rx = channel.try_receiver().unwrap();
            let mut receiving = rx.recv_async();
            let waits = Pin::new(&mut receiving).poll(&mut Context::from_waker(&waker)).is_pending();
            // It waits on.
            forget(receiving);
            forget(rx);
            waits
        };
        let ((), _, waits) = three(main, move || channel.close(), move || channel.try_reopen(), receive);
        let woken = flag.0.load(std::sync::atomic::Ordering::SeqCst);
        assert!(!waits || woken || (looks && !channel.is_closed()), "it is closed, and a receiver sleeps on");
    });
}

/// One is sent, and received; both ends stay.
fn d06_a_send_against_a_receive(main: Main) {
    one_to_one::<0>(|mut tx, mut rx| {
        at_once(main, move || (tx.send(7), tx), move || (assert_eq!(rx.recv(), Ok(7)), rx)).0.0.unwrap();
    });
}

/// Uses an end without the signal that its guard gives when it is dropped.
fn silently<G: DerefMut, R>(guard: G, f: impl FnOnce(&mut G::Target) -> R) -> R {
    f(&mut ManuallyDrop::new(guard))
}

/// The ring is full. One more is sent, and both are received; or one, without telling the sender, if so.
fn for_room(main: Main, tells: bool) {
    one_to_one::<0>(|mut tx, mut rx| {
        tx.try_send(1).unwrap();
        let receive = move || {
            if tells {
                return ([rx.recv().unwrap(), rx.recv().unwrap()], rx);
            }
            ([silently(rx.end(), |end| end.try_pop()).unwrap(), 2], rx)
        };
        let (_, (got, _)) = at_once(main, move || (tx.send(2).unwrap(), tx), receive);
        assert_eq!(got, [1, 2]);
    });
}

/// The same of tasks.
fn nx10_tasks_wait_for_data_and_room(main: Main) {
    one_to_one::<1>(|mut tx, mut rx| {
        tx.try_send(1).unwrap();
        let send = move || {
            assert_eq!(wait_for(tx.send_async(2)), Ok(()));
            tx
        };
        let receive = move || {
            assert_eq!([wait_for(rx.recv_async()), wait_for(rx.recv_async())], [Ok(1), Ok(2)]);
            rx
        };
        drop(at_once(main, send, receive));
    });
}

fn wait_for<F: Future + Unpin>(mut future: F) -> F::Output {
    block_on(|context| Pin::new(&mut future).poll(context))
}

/// An item is pushed, if so, and then nothing more can come: because the last sender goes, or because it closes. Nobody is
/// told `Closed` before the item. (It is pushed without a signal, whose fence would order it.)
fn push_and_end(main: Main, pushes: bool, end: impl FnOnce(Tx<1, Single, Single, 0>) + 'static) {
    one_to_one::<0>(|mut tx, mut rx| {
        let first = move || {
            if pushes {
                silently(tx.end(), |end| end.try_push(7)).unwrap();
            }
            end(tx);
        };
        let second = move || match rx.try_recv() {
            Ok(7) => assert!(matches!(rx.try_recv(), Err(TryRecvError::Empty | TryRecvError::Closed))),
            Err(TryRecvError::Empty) => {}
            other => panic!("{other:?}"),
        };
        at_once(main, first, second);
    });
}

fn d07_what_was_sent_comes_before_a_close(main: Main) {
    push_and_end(main, true, |tx| {
        tx.close();
        // The life of a channel that is closed does not matter.
        std::mem::forget(tx);
    });
}

/// Whoever sees that a channel was closed sees what was sent before, unless it was received.
fn look_into(main: Main, takes: bool) {
    lent(Of::<1, Single, Single, 0>::over(Ring::new(), Platform::new()), |channel| {
        let channel = &*channel;
        let (mut tx, mut rx) = channel.try_split().unwrap();
        let close = move || {
            silently(tx.end(), |end| end.try_push(7)).unwrap();
            if takes {
                silently(rx.end(), |end| end.try_pop()).unwrap();
            }
            tx.close();
            forget((tx, rx));
        };
        at_once(main, close, move || assert!(!channel.is_closed() || !channel.is_empty()));
    });
}

/// A receiver waits, gets what was sent, and wakes up again when the last sender goes.
fn rm05_the_last_sender_goes(main: Main) {
    one_to_one::<0>(|mut tx, mut rx| {
        let send = move || {
            tx.try_send(7).unwrap();
            drop(tx);
        };
        at_once(main, send, move || {
            assert_eq!([rx.recv(), rx.recv()], [Ok(7), Err(RecvError::Closed)]);
        });
    });
}

fn rm05_mutant_keeps_the_sender(main: Main) {
    one_to_one::<0>(|tx, mut rx| {
        drop(at_once(main, move || tx, move || assert_eq!(rx.recv(), Err(RecvError::Closed))));
    });
}

/// Somebody closes, if so, while a receiver waits.
fn close_and_wait(main: Main, closes: bool) {
    one_to_one::<0>(|tx, mut rx| {
        let receive = move || {
            assert_eq!(rx.recv(), Err(RecvError::Closed));
            rx
        };
        let close = move || {
            if closes {
                tx.close();
            }
            tx
        };
        drop(at_once(main, close, receive));
    });
}

fn rm05_a_task_waits_for_a_close(main: Main) {
    one_to_one::<1>(|tx, mut rx| {
        let receive = move || {
            assert_eq!(wait_for(rx.recv_async()), Err(RecvError::Closed));
            rx
        };
        drop(at_once(main, move || (tx.close(), tx), receive));
    });
}

/// A sender waits for room that will never be.
fn d08_the_last_receiver_goes(main: Main) {
    one_to_one::<0>(|mut tx, rx| {
        tx.try_send(1).unwrap();
        let send = move || {
            assert_eq!(tx.send(2), Err(SendError::Closed(2)));
            tx
        };
        drop(at_once(main, send, move || drop(rx)).0);
    });
}

fn d08_the_last_receiver_goes_from_a_task(main: Main) {
    one_to_one::<1>(|mut tx, rx| {
        tx.try_send(1).unwrap();
        let send = move || {
            assert_eq!(wait_for(tx.send_async(2)), Err(SendError::Closed(2)));
            tx
        };
        drop(at_once(main, send, move || drop(rx)).0);
    });
}

/// One of two receivers has a deadline, which comes at any moment. Who gets the item says so to the other one by closing.
fn h15_two_receivers_and_a_deadline(main: Main) {
    stage::<1, Single, Multi, 0>(|mut tx, rx| {
        let (mut hasty, mut patient) = (rx.clone(), rx);
        let hasty = move || {
            let got = hasty.recv_deadline(SOON);
            if got.is_ok() {
                hasty.close();
            }
            (got, hasty)
        };
        let patient = move || (patient.recv(), patient);
        let (_, hasty, patient) = three(main, move || (tx.try_send(7).unwrap(), tx), hasty, patient);
        let answers = (hasty.0, patient.0);
        assert!(
            matches!(answers, (Ok(7), Err(RecvError::Closed)) | (Err(RecvError::Timeout), Ok(7))),
            "{answers:?}"
        );
    });
}

/// Two receivers are asleep, and two items are sent.
fn two_receivers(main: Main, send: impl FnOnce(&mut Tx<2, Single, Multi, 0>) + 'static) {
    stage::<2, Single, Multi, 0>(|mut tx, rx| {
        let (mut one, mut two) = (rx.clone(), rx);
        let send = move || (send(&mut tx), tx);
        let one = move || (one.recv().unwrap(), one);
        let (_, one, two) = three(main, send, one, move || (two.recv().unwrap(), two));
        assert_eq!(one.0 + two.0, 3);
    });
}

/// By one signal that is for one: who is woken by it wakes the next.
fn nx10_two_receivers_and_one_signal(main: Main) {
    two_receivers(main, |tx| {
        silently(tx.end(), |end| end.try_push(1)).unwrap();
        tx.try_send(2).unwrap();
    });
}

/// Two items are sent at once, and may be committed in either order: of two signals, one may find nothing to be taken yet.
fn nx10_two_receivers_and_commits_out_of_order(main: Main) {
    stage::<2, Multi, Multi, 0>(|tx, rx| {
        let (mut first, mut second) = (tx.clone(), tx);
        let (mut one, mut two) = (rx.clone(), rx);
        let send = move || {
            let other = loom::thread::spawn(move || (second.try_send(2).unwrap(), second));
            first.try_send(1).unwrap();
            (other.join().unwrap(), first)
        };
        let (_, one, two) =
            three(main, send, move || (one.recv().unwrap(), one), move || (two.recv().unwrap(), two));
        assert_eq!(one.0 + two.0, 3);
    });
}

/// It is closed while one is sent, for which both receivers may wait by then. Whoever does not get it hears of the end.
fn rm05_a_close_overtakes_a_send(main: Main) {
    stage::<1, Multi, Multi, 0>(|mut tx, rx| {
        let closes = tx.clone();
        let (mut one, mut two) = (rx.clone(), rx);
        let send = move || {
            let other = loom::thread::spawn(move || (closes.close(), closes));
            let sent = tx.try_send(7).is_ok();
            (sent, other.join().unwrap(), tx)
        };
        let receive = |rx: &mut Rx<1, Multi, Multi, 0>| rx.recv();
        let (sent, one, two) =
            three(main, send, move || (receive(&mut one), one), move || (receive(&mut two), two));
        let got = [one.0, two.0].into_iter().filter(|got| *got == Ok(7)).count();
        // Who is told of the end before the item is there leaves it.
        assert!(got <= usize::from(sent.0));
    });
}

/// A slot is claimed, an item is sent behind it, and the slot is given up: the receiver, which may be put aside for either,
/// hears of it.
fn give_up(main: Main, tells: bool) {
    stage::<2, Multi, Single, 0>(|mut tx, mut rx| {
        let mut other = tx.clone();
        let send = move || {
            let mut end = tx.end();
            let grant = end.try_claim(1).unwrap();
            other.try_send(7).unwrap();
            drop(grant);
            if tells {
                drop(end)
            } else {
                forget(end)
            }
            // As for the signals of a sender that goes.
            ManuallyDrop::new((tx, other))
        };
        at_once(main, send, move || (assert_eq!(rx.recv(), Ok(7)), forget(rx)));
    });
}

/// All slots are claimed and given up while the receiver waits. The sender that waits for their room gets it from the receiver,
/// which goes past them.
fn give_up_all(main: Main, tells: bool) {
    stage::<1, Multi, Single, 0>(|mut tx, mut rx| {
        let mut other = tx.clone();
        let send = move || {
            let mut end = tx.end();
            drop(end.try_claim(1).unwrap());
            if tells {
                drop(end)
            } else {
                forget(end)
            }
            other.send(7).unwrap();
            ManuallyDrop::new((tx, other))
        };
        at_once(main, send, move || (assert_eq!(rx.recv(), Ok(7)), forget(rx)));
    });
}

/// A sender is in the middle of an item, behind which there is another, when the channel is closed; then it commits, and both
/// senders go. The receiver gets both, and then `Closed`. If the sender forgets its claim and itself, the receiver waits for it.
fn close_in_the_middle(main: Main, commits: bool) {
    stage::<2, Multi, Single, 0>(|mut tx, mut rx| {
        let mut other = tx.clone();
        let send = move || {
            let mut end = tx.end();
            let mut grant = end.try_claim(1).unwrap();
            other.try_send(2).unwrap();
            other.close();
            drop(other);
            if commits {
                grant.push(1).unwrap();
                grant.commit_all();
                drop(end);
                drop(tx);
            } else {
                forget(grant);
                forget(end);
                forget(tx);
            }
        };
        let receive = move || {
            let got = [rx.recv(), rx.recv(), rx.recv()];
            forget(rx);
            got
        };
        let (_, got) = at_once(main, send, receive);
        assert_eq!(got, [Ok(1), Ok(2), Err(RecvError::Closed)]);
    });
}

/// The last receiver of an owned channel goes while something is sent: whatever the order, it is not there any more when both
/// are done.
#[cfg(feature = "alloc")]
pub mod owned {
    use std::sync::Arc;

    use super::{
        Channel, Main, Multi, Of, Place, Platform, RecvError, Ring, Side, Sides, Single, at_once, three,
    };
    use annulet::channel::{Receiver, Sender};
    use loom::sync::Arc as Kept;

    models! {
        fn d08_a_send_against_the_last_receiver kills [SignalFence DiscardFence] mutant d08_mutant_keeps_what_is_queued;
        fn d08_two_sends_against_the_last_receiver within 2 kills [SignalFence DiscardFence];
        fn d08_a_reply_that_is_dropped_with_its_request within 2 kills [SignalFence];
    }

    type Item = Arc<()>;

    type Owned<P, C> = Kept<Channel<Ring<Item, 2, Sides<P, C>>, Platform, 0>>;

    type Ends<C> = (Sender<C>, Receiver<C>);

    fn ends<P: Side, C: Side>() -> Ends<Owned<P, C>> {
        Channel::new_split(Platform::new())
    }

    fn d08_a_send_against_the_last_receiver(main: Main) {
        let (tx, rx) = ends::<Single, Single>();
        let (mut tx, rx, item) = (Place::of(tx), Place::of(rx), Item::default());
        let again = Arc::clone(&item);
        let (tx, ()) = at_once(main, move || (drop(tx.0.try_send(again)), tx).1, move || drop(rx));
        assert_eq!(Arc::strong_count(&item), 1, "it was dropped while the sender is there");
        drop(tx);
    }

    /// As a borrowed channel does.
    fn d08_mutant_keeps_what_is_queued(main: Main) {
        super::lent(Of::<2, Single, Single, 0>::over(Ring::new(), Platform::new()), |channel| {
            let channel = &*channel;
            let (tx, rx) = channel.try_split().unwrap();
            let (mut tx, rx) = (Place::of(tx), Place::of(rx));
            let (tx, ()) = at_once(main, move || (tx.0.try_send(7).is_ok(), tx).1, move || drop(rx));
            assert!(channel.is_empty());
            drop(tx);
        });
    }

    fn d08_two_sends_against_the_last_receiver(main: Main) {
        let (tx, rx) = ends::<Multi, Single>();
        let (mut other, mut tx, rx) = (Place::of(tx.clone()), Place::of(tx), Place::of(rx));
        let item = Item::default();
        let (one, two) = (Arc::clone(&item), Arc::clone(&item));
        let send = move || (drop(tx.0.try_send(one)), tx).1;
        let (tx, (), other) =
            three(main, send, move || drop(rx), move || (drop(other.0.try_send(two)), other).1);
        assert_eq!(Arc::strong_count(&item), 1, "both were dropped while the senders are there");
        drop((tx, other));
    }

    /// A request carries the sender of its reply, which its client waits for.
    fn d08_a_reply_that_is_dropped_with_its_request(main: Main) {
        type Owned<T> = Channel<Ring<T, 1>, Platform, 0>;
        let (requests, server) = Owned::new_split(Platform::new());
        let (reply, replies) = Owned::<u32>::new_split(Platform::new());
        let (mut requests, server) = (Place::of(requests), Place::of(server));
        let (reply, mut replies) = (Place::of(reply), Place::of(replies));
        let ask = move || {
            drop(requests.0.try_send(reply));
            assert_eq!(replies.0.recv(), Err(RecvError::Closed));
            requests
        };
        drop(at_once(main, ask, move || drop(server)));
    }
}

/// An end that gives its place back when it is dropped; but not when a model has failed, and loom is gone.
struct Place<T>(ManuallyDrop<T>);

impl<T> Place<T> {
    fn of(end: T) -> Self {
        Self(ManuallyDrop::new(end))
    }
}

impl<T> Drop for Place<T> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // SAFETY: dropped here only.
            unsafe { ManuallyDrop::drop(&mut self.0) };
        }
    }
}

/// The writer of a gated broadcast waits for a reader, which goes, if so. Another one takes its place, to begin with the next
/// item; the writer does not wait for what is in that place before.
fn place_changes_hands(main: Main, goes: bool) {
    type Gates = Channel<Broadcast<u32, 2, Gated<2>>, Platform, 0>;
    lent(Gates::over(Broadcast::new(), Platform::new()), |channel| {
        let channel = &*channel;
        let mut tx = Place::of(channel.try_sender().unwrap());
        let slow = Place::of(channel.join_at_newest().unwrap());
        (0..2).for_each(|number| tx.0.try_send(number).unwrap());
        // There is always somebody, or the writer is told that it is over.
        let idle = Place::of(channel.join_at_newest().unwrap());
        let send = move || {
            tx.0.send(2).unwrap();
            drop(tx);
        };
        let join = move || {
            if let Ok(rx) = channel.join_at_newest() {
                let mut rx = Place::of(rx);
                while rx.0.recv() != Err(RecvError::Closed) {}
            }
        };
        let leave = move || if goes { drop(slow) } else { std::mem::forget(slow) };
        three(main, send, leave, join);
        drop(idle);
    });
}
