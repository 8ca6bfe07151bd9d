//! Random programs: tasks that send and receive in every way there is, more of them than seats, and are cancelled anywhere;
//! wakers that panic, or come back to the channel from inside; claims that are given up, committed in part or forgotten; ends
//! that are cloned and dropped; a close.
//!
//! After each program, and now and then within, everybody who was woken is polled until nobody is. Then nobody sleeps for
//! what is there: each task that waits is put aside, and tries. Items are received once, in the order of their sender, or
//! dropped.
//!
//! `ANNULET_PROGRAMS`: how many programs each kind of channel is put through. `ANNULET_PROGRAM`: the first of them; if it is
//! given, the default is one, whose story is told.use crate::common::waiting;

mod ends;
mod stage;

use std::cell::Cell;
use std::env;
use std::rc::Rc;
use std::sync::Arc;

use annulet::channel::{Receiver, Sender};
use annulet::ring::broadcast::Gated;
use annulet::ring::lanes::{Fair, Strict};
use annulet::ring::{Multi, Ring, Sides, Single};
use annulet::{Broadcast, Channel, Lanes};

use self::ends::{receiver, sender};
use self::stage::{
    Item, Order, Party, Scene, State, Still, actors, bells, calmly, dice, ended, ends, enter, fault,
    fault_of, one_in, queued, scene, set, still, strike, tell,
};
use crate::common::waiting;

/// More ends than that are not made of a party.
const ENDS: usize = 4;
/// Nobody has so many tasks awake at once without end.
const POLLS: usize = 2000;

/// After so many polls of all that bring nobody anything, nothing more comes.
const ROUNDS: usize = 3;

/// One step of a program: an end comes, or an actor does something.
fn step() {
    let all = actors(|_| true);
    let roll = dice(24);
    match roll {
        0 if ends(Party::Sender) < ENDS => _ = stage::guarded(|| scene().sender()),
        1 if ends(Party::Receiver) < ENDS => _ = stage::guarded(|| scene().receiver()),
        2 if one_in(16) => {
            tell(|| "it is closed".to_owned());
            stage::guarded(|| scene().close());
        }
        _ => {
            let Some(actor) = all.first() else { return };
            let order = match roll {
                0..14 => Some(Order::Act),
                14..18 => Some(Order::Cancel),
                18 if one_in(2) => Some(Order::Leave),
                _ => None,
            };
            // A clone makes one more.
            if !(order == Some(Order::Act) && all.len() > 3 * ENDS) {
                actor.poll(order);
            }
        }
    }
}

/// Polls those who were woken, until nobody is awake.
fn settle() {
    let (mut before, mut idle) = (ended(), 0);
    for _ in 0..POLLS {
        actors(|desk| desk.state.get() != State::Waits).iter().for_each(|actor| actor.desk.woken.set(false));
        let awake = actors(|desk| desk.woken.get());
        let Some(first) = awake.first() else { return };
        if scene().is_busy() {
            // All of them. One makes room for another one by going past slots that were given up.
            awake.iter().for_each(|actor| actor.poll(None));
            idle = if ended() == before { idle + 1 } else { 0 };
            before = ended();
        } else {
            first.poll(None);
        }
        if idle == ROUNDS || fault_of().is_some() {
            return;
        }
    }
    fault("somebody is awake for ever");
}

/// Nobody sleeps for what is there.
fn check() {
    calmly(look_at_all);
}

fn look_at_all() {
    // What is owed is told when its end is next used.
    actors(|desk| desk.owes.get() && desk.state.get() == State::Idle)
        .iter()
        .for_each(|actor| actor.poll(Some(Order::Pay)));
    settle();
    tell(|| "nobody is awake".to_owned());
    let nobody_has = |desk: &stage::Desk| desk.state.get() == State::Holds || desk.owes.get();
    if scene().is_owned() && ends(Party::Receiver) == 0 && actors(nobody_has).is_empty() && queued() > 0 {
        fault(format!("{} items outlive the last receiver", queued()));
    }
    probe(Party::Sender);
    let before = ended();
    if probe(Party::Receiver) && ended() != before {
        fault("a receiver slept, and would have made room by a look");
    }
}

/// Has each of a party that is asleep try, and then polls those who are awake. Returns whether there was one.
fn probe(party: Party) -> bool {
    let is_asleep =
        |desk: &stage::Desk| desk.state.get() == State::Waits && !desk.lost.get() && !desk.woken.get();
    let is_probed = |desk: &stage::Desk| {
        // Without a seat, it is always awake, and nobody has anything for it by now.
        desk.party == party && (is_asleep(desk) || scene().is_busy() && desk.state.get() == State::Waits)
    };
    let asleep = actors(is_probed);
    for actor in &asleep {
        if is_probed(&actor.desk) {
            actor.poll(Some(Order::Probe));
        }
    }
    settle();
    !asleep.is_empty()
}

/// Everybody goes, and nothing is left.
fn finish() {
    check();
    if one_in(2) {
        // What was sent is there.
        actors(|_| true).iter().for_each(|actor| actor.poll(Some(Order::Cancel)));
        check();
    }
    loop {
        let all = actors(|_| true);
        let Some(actor) = all.first() else { break };
        if one_in(4) && fault_of().is_none() {
            check();
        } else {
            actor.poll(Some(Order::Leave));
        }
    }
    if let Some(waiting) = scene().waiting().filter(|waiting| *waiting != (0, 0)) {
        fault(format!("{waiting:?} are counted, and nobody waits"));
    }
}

/// Plays one program over a channel.
fn play(seed: u64, story: bool, make: impl FnOnce() -> Rc<dyn Scene>) -> Option<String> {
    set(seed, make(), story);
    scene().sender();
    scene().receiver();
    for _ in 0..dice(if cfg!(miri) { 40 } else { 120 }) {
        step();
        if one_in(24) {
            check();
        }
        if fault_of().is_some() {
            return fault_of();
        }
    }
    finish();
    None
}

/// Reads a number of the environment.
fn number(name: &str) -> Option<u64> {
    env::var(name).ok().map(|number| number.parse().expect(name))
}

/// Plays programs over a kind of channel. A program is played by its number: what was wrong, if something was.
fn programs(name: &str, program: impl Fn(u64, bool) -> Option<String>) {
    let from = number("ANNULET_PROGRAM");
    let usual = if cfg!(miri) { 6 } else { 600 };
    let count = number("ANNULET_PROGRAMS").unwrap_or(if from.is_some() { 1 } else { usual });
    for seed in from.unwrap_or(0)..from.unwrap_or(0).saturating_add(count) {
        let story = from.is_some() && count == 1;
        if let Some(fault) = program(seed, story) {
            stage::abandon();
            panic!("{fault}: play it again with ANNULET_PROGRAM={seed}, of this test alone");
        }
    }
    println!("{name}: {count} programs");
}

/// How many items each of them holds.
const N: usize = 4;

/// A channel that is lent to a program.
struct Lent<R: 'static, const TASKS: usize>(&'static Channel<R, Still, TASKS>);

/// The ends of a channel on the heap, until they have their parts.
struct Owned<X>(Cell<Option<X>>);

/// Plays a program over a channel that is lent to it.
fn lend<R: 'static, const TASKS: usize>(seed: u64, story: bool, ring: R) -> Option<String>
where
    Lent<R, TASKS>: Scene,
{
    let channel = Box::into_raw(Box::new(Channel::over(ring, still(seed & 1 == 1))));
    // SAFETY: it is alive until it is dropped below. After a fault, it is leaked.
    let lent = Lent(unsafe { &*channel });
    if let Some(fault) = play(seed, story, || Rc::new(lent)) {
        return Some(fault);
    }
    strike();
    stage::dropping_for_good();
    // SAFETY: it came from a box, and everybody who had it is gone: the actors, and the scene.
    drop(unsafe { Box::from_raw(channel) });
    None
}

/// After the channel is gone.
fn is_all_gone() -> Option<String> {
    if bells() > 0 {
        fault(format!("{} wakers are left", bells()));
    }
    if queued() > 0 {
        fault(format!("{} items are left", queued()));
    }
    fault_of()
}

/// Makes a test of programs over a kind of channel, with no seats, one or two for tasks on each side.
macro_rules! programs {
    ($test:ident, $seed:ident, $story:ident, $tasks:ident => $play:expr) => {
        #[test]
        fn $test() {
            programs(stringify!($test), |$seed, $story| {
                match $seed % 3 {
                    0 => programs!(@ $tasks = 0, $play),
                    1 => programs!(@ $tasks = 1, $play),
                    _ => programs!(@ $tasks = 2, $play),
                }
                .or_else(is_all_gone)
            });
        }
    };
    (@ $tasks:ident = $count:literal, $play:expr) => {{
        const $tasks: usize = $count;
        $play
    }};
}

/// Lends channels of rings, lanes and broadcasts, and says how their ends are made, and one more of them.
macro_rules! lent {
    ($(
        $test:ident: $ring:ty, |$channel:ident|
            $sender:expr, $more_tx:expr;
            $receiver:expr, $more_rx:expr;
    )*) => {$(
        impl<const TASKS: usize> Scene for Lent<$ring, TASKS> {
            fn sender(&self) {
                let $channel = self.0;
                if let Some(tx) = $sender {
                    enter(Party::Sender, |desk| Box::pin(sender(tx, $more_tx, desk)));
                }
            }
            fn receiver(&self) {
                let $channel = self.0;
                if let Some(rx) = $receiver {
                    enter(Party::Receiver, |desk| Box::pin(receiver(rx, $more_rx, desk)));
                }
            }
            fn close(&self) {
                self.0.close();
            }
            fn waiting(&self) -> Option<(usize, usize)> {
                Some(waiting(self.0))
            }
            fn is_busy(&self) -> bool {
                TASKS == 0
            }
        }

        programs!($test, seed, story, TASKS => lend::<$ring, TASKS>(seed, story, <$ring>::new()));
    )*};
}

/// Both ends of a channel on the heap.
type OwnedEnds<A, const TASKS: usize> = (Sender<OnHeap<A, TASKS>>, Receiver<OnHeap<A, TASKS>>);
type OnHeap<A, const TASKS: usize> = Arc<Channel<Ring<Item, N, A>, Still, TASKS>>;

/// Plays over channels on the heap, each of whose ends is made once, and then cloned if it can be.
macro_rules! owned {
    ($($test:ident: $sides:ty, $more_tx:expr, $more_rx:expr;)*) => {$(
        impl<const TASKS: usize> Scene for Owned<OwnedEnds<$sides, TASKS>> {
            fn sender(&self) {
                if let Some((tx, rx)) = self.0.take() {
                    enter(Party::Sender, |desk| Box::pin(sender(tx, $more_tx, desk)));
                    enter(Party::Receiver, |desk| Box::pin(receiver(rx, $more_rx, desk)));
                }
            }
            fn receiver(&self) {}
            fn close(&self) {}
            fn waiting(&self) -> Option<(usize, usize)> {
                None
            }
            fn is_owned(&self) -> bool {
                true
            }
            fn is_busy(&self) -> bool {
                TASKS == 0
            }
        }

        programs!($test, seed, story, TASKS => {
            let still = still(seed & 1 == 1);
            let ends = Channel::<Ring<Item, N, $sides>, Still, TASKS>::new_split(still);
            let fault = play(seed, story, || Rc::new(Owned(Cell::new(Some(ends)))));
            if fault.is_none() {
                strike();
            }
            fault
        });
    )*};
}

type OneToOne = Sides<Single, Single>;
type ManyToOne = Sides<Multi, Single>;
type OneToMany = Sides<Single, Multi>;
type ManyToMany = Sides<Multi, Multi>;

lent! {
    d06_nobody_sleeps_for_what_is_there_of_one_and_one: Ring<Item, N, OneToOne>, |channel|
        channel.try_sender(), |_| None;
        channel.try_receiver(), |_| None;
    d06_nobody_sleeps_for_what_is_there_of_many_senders: Ring<Item, N, ManyToOne>, |channel|
        channel.try_sender(), |tx| Some(tx.clone());
        channel.try_receiver(), |_| None;
    d06_nobody_sleeps_for_what_is_there_of_many_receivers: Ring<Item, N, OneToMany>, |channel|
        channel.try_sender(), |_| None;
        channel.try_receiver(), |rx| Some(rx.clone());
    d06_nobody_sleeps_for_what_is_there_of_many_and_many: Ring<Item, N, ManyToMany>, |channel|
        channel.try_sender(), |tx| Some(tx.clone());
        channel.try_receiver(), |rx| Some(rx.clone());
    d06_nobody_sleeps_for_what_is_there_in_lanes: Lanes<Item, N, 3>, |channel|
        channel.register().ok(), |_| None;
        channel.try_receiver(Strict), |_| None;
    d06_nobody_sleeps_for_what_is_there_in_lanes_of_many_receivers: Lanes<Item, N, 3, OneToMany>, |channel|
        channel.register().ok(), |_| None;
        channel.try_receiver(Fair::default()), |rx| Some(rx.clone());
    // Whose writer waits for its readers.
    d06_nobody_sleeps_for_what_is_there_of_a_gated_broadcast: Broadcast<u64, N, Gated<3>>, |channel|
        channel.try_sender(), |_| None;
        if one_in(2) { channel.join_at_oldest().ok() } else { channel.join_at_newest().ok() }, |_| None;
}

owned! {
    d08_nothing_is_left_of_an_owned_channel_of_one_and_one: OneToOne, |_| None, |_| None;
    d08_nothing_is_left_of_an_owned_channel_of_many_senders: ManyToOne, |tx| Some(tx.clone()), |_| None;
    d08_nothing_is_left_of_an_owned_channel_of_many_receivers: OneToMany, |_| None, |rx| Some(rx.clone());
    d08_nothing_is_left_of_an_owned_channel_of_many_and_many: ManyToMany, |tx| Some(tx.clone()), |rx| Some(rx.clone());
}
