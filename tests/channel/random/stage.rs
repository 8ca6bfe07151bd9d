//! Where a random program is played: its dice, its actors, and what all of them share.
//!
//! A program runs on one thread, so that it is the same every time. Everything it needs lies in one place of that thread,
//! which wakers and platforms reach from wherever they are called.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::mem::forget;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::thread;
use std::time::Duration;

use super::bells::Bell;
use super::items::{Fate, Good, missed};

/// How many steps are made inside of each other: a waker that makes one may be called by another one's step.
const DEPTH: usize = 2;

/// How long a thread waits, by the clock of the platform.
pub const SPAN: Duration = Duration::from_micros(1);
/// More than a ring holds.
pub const BATCH: usize = 5;

pub type Play = Pin<Box<dyn Future<Output = ()>>>;

/// How new ends of a channel are made.
pub trait Scene {
    /// Plays one more sender, if there can be.
    fn sender(&self);
    fn receiver(&self);
    fn close(&self);
    /// How many are counted as waiting for items and for room, if anybody has the channel who can say.
    fn waiting(&self) -> Option<(usize, usize)>;
    /// It drops what is queued when its last receiver goes.
    fn is_owned(&self) -> bool {
        false
    }
    /// Tasks without a slot try again and again.
    fn is_busy(&self) -> bool;
}

#[derive(Default)]
pub struct Stage {
    dice: Cell<u64>,
    pub actors: RefCell<Vec<Rc<Actor>>>,
    pub scene: RefCell<Option<Rc<dyn Scene>>>,
    pub fates: RefCell<Vec<Fate>>,
    fault: RefCell<Option<String>>,
    /// How many steps are under way.
    depth: Cell<usize>,
    /// How many calls are under way in which items may be dropped, and not received.
    pub drops: Cell<usize>,
    /// How many waits have ended.
    ended: Cell<usize>,
    /// How many wakers there are.
    pub bells: Cell<usize>,
    names: Cell<u32>,
    /// Which wakers there are, beside plain ones.
    pub rude: Cell<bool>,
    pub wild: Cell<bool>,
    /// Nobody does anything but what it waits for.
    calm: Cell<bool>,
    story: Cell<bool>,
}

thread_local! {
    static STAGE: Stage = Stage::default();
}

pub fn stage<R>(f: impl FnOnce(&Stage) -> R) -> R {
    STAGE.with(f)
}

/// Below `sides`.
pub fn dice(sides: usize) -> usize {
    stage(|stage| {
        // SplitMix64.
        let seed = stage.dice.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        stage.dice.set(seed);
        let mixed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % (sides as u64)).unwrap()
    })
}

pub fn one_in(sides: usize) -> bool {
    dice(sides) == 0
}

/// What must not be. The program ends at its next step, since this may be inside of whatever catches panics.
pub fn fault(what: impl Into<String>) {
    let what = what.into();
    tell(|| format!("FAULT: {what}"));
    stage(|stage| _ = stage.fault.borrow_mut().get_or_insert(what));
}

pub fn fault_of() -> Option<String> {
    stage(|stage| stage.fault.borrow().clone())
}

/// For who plays one program again.
pub fn tell(what: impl FnOnce() -> String) {
    stage(|stage| {
        if stage.story.get() {
            eprintln!("{}{}", "  ".repeat(stage.depth.get()), what());
        }
    });
}

/// The stage for a program.
pub fn set(seed: u64, scene: Rc<dyn Scene>, story: bool) {
    stage(|stage| {
        stage.dice.set(seed.wrapping_mul(0x0100_0000_01b3));
        *stage.scene.borrow_mut() = Some(scene);
        stage.actors.borrow_mut().clear();
        stage.fates.borrow_mut().clear();
        *stage.fault.borrow_mut() = None;
        for cell in [&stage.depth, &stage.drops, &stage.ended, &stage.bells] {
            cell.set(0);
        }
        stage.names.set(0);
        stage.story.set(story);
        stage.calm.set(false);
    });
    let flavour = dice(4);
    stage(|stage| {
        stage.rude.set(flavour & 1 != 0);
        stage.wild.set(flavour & 2 != 0);
    });
}

pub fn scene() -> Rc<dyn Scene> {
    stage(|stage| Rc::clone(stage.scene.borrow().as_ref().unwrap()))
}

/// The scene is over: whoever has the channel lets go of it.
pub fn strike() {
    stage(|stage| *stage.scene.borrow_mut() = None);
}

/// After a fault, nobody is to go on, nor to go.
pub fn abandon() {
    stage(|stage| {
        forget(stage.actors.take());
        forget(stage.scene.take());
    });
}

pub fn bells() -> usize {
    stage(|stage| stage.bells.get())
}

pub fn ended() -> usize {
    stage(|stage| stage.ended.get())
}

// --- panics

/// A panic on purpose.
struct Deliberate;

/// Panics, unless that would end the process.
pub fn panic_deliberately() {
    if !thread::panicking() {
        resume_unwind(Box::new(Deliberate));
    }
}

/// `None` if it panics on purpose. Any other panic is a fault.
pub fn guarded<R>(f: impl FnOnce() -> R) -> Option<R> {
    catch_unwind(AssertUnwindSafe(f))
        .map_err(|why: Box<dyn Any + Send>| {
            if !why.is::<Deliberate>() {
                let said = why.downcast_ref::<&str>().map(ToString::to_string);
                fault(format!("panicked: {:?}", said.or_else(|| why.downcast_ref::<String>().cloned())));
            }
        })
        .ok()
}

// --- actors

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Party {
    Sender,
    Receiver,
}

/// What an actor is told. Without an order, it goes on with what it waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Does something of its own choice. With a grant: does something with that.
    Act,
    /// Gives up what it waits for, or holds.
    Cancel,
    /// Gives up what it waits for, and sees whether it could have had it.
    Probe,
    /// Gives the signal that it owes.
    Pay,
    /// Drops its end.
    Leave,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Idle,
    Waits,
    Holds,
}

/// What an actor and the others have in common.
pub struct Desk {
    pub name: u32,
    pub party: Party,
    pub order: Cell<Option<Order>>,
    pub state: Cell<State>,
    /// It has to be polled.
    pub woken: Cell<bool>,
    /// Its waker was called, and has panicked without telling.
    pub lost: Cell<bool>,
    /// Its end was borrowed, and the guard forgotten.
    pub owes: Cell<bool>,
    /// It is to leave.
    pub leaves: Cell<bool>,
    /// Its end is gone, or goes just now.
    pub gone: Cell<bool>,
    /// How many items it has that are not sent.
    pub held: Cell<usize>,
    /// It may have lost items.
    pub lossy: Cell<bool>,
    /// What it got.
    pub got: RefCell<Vec<u32>>,
}

pub struct Actor {
    pub desk: Rc<Desk>,
    play: RefCell<Option<Play>>,
}

/// Has one more actor.
pub fn enter(party: Party, play: impl FnOnce(Rc<Desk>) -> Play) {
    let name = stage(|stage| stage.names.replace(stage.names.get() + 1));
    let desk = Rc::new(Desk {
        name,
        party,
        order: Cell::new(None),
        state: Cell::new(State::Idle),
        woken: Cell::new(false),
        lost: Cell::new(false),
        owes: Cell::new(false),
        leaves: Cell::new(false),
        gone: Cell::new(false),
        held: Cell::new(0),
        lossy: Cell::new(false),
        got: RefCell::default(),
    });
    tell(|| format!("{name} is a {party:?}"));
    let play = RefCell::new(Some(play(Rc::clone(&desk))));
    stage(|stage| stage.actors.borrow_mut().push(Rc::new(Actor { desk, play })));
}

/// How many ends a party has.
pub fn ends(party: Party) -> usize {
    let is_one = |actor: &&Rc<Actor>| actor.desk.party == party && !actor.desk.gone.get();
    stage(|stage| stage.actors.borrow().iter().filter(is_one).count())
}

/// Those of whom this is true, in any order.
pub fn actors(are: impl Fn(&Desk) -> bool) -> Vec<Rc<Actor>> {
    let mut found: Vec<_> =
        stage(|stage| stage.actors.borrow().iter().filter(|actor| are(&actor.desk)).cloned().collect());
    for at in (1..found.len()).rev() {
        found.swap(at, dice(at + 1));
    }
    found
}

impl Actor {
    /// Polls it once. If it is in the middle of something, it is to be polled later.
    pub fn poll(&self, order: Option<Order>) {
        let Ok(mut play) = self.play.try_borrow_mut() else {
            self.desk.woken.set(true);
            return;
        };
        let Some(future) = play.as_mut() else { return };
        tell(|| format!("{} {:?}: {order:?}", self.desk.name, self.desk.state.get()));
        self.desk.order.set(order);
        self.desk.woken.set(false);
        self.desk.lost.set(false);
        let waker = Bell::waker(self.desk.name);
        let over = future.as_mut().poll(&mut Context::from_waker(&waker)).is_ready();
        guarded(|| drop(waker));
        if over {
            *play = None;
            let found = |actor: &Rc<Actor>| actor.desk.name == self.desk.name;
            stage(|stage| stage.actors.borrow_mut().retain(|actor| !found(actor)));
        }
    }
}

/// What came of a wait.
pub enum Came<R> {
    Done(R),
    Cancelled,
    Probed,
}

impl Desk {
    /// The next order, for who waits for nothing else.
    pub async fn next(&self) -> Order {
        poll_fn(|_| self.order.take().map_or(Poll::Pending, Poll::Ready)).await
    }

    /// Waits for a future, until there is another order.
    pub async fn wait<R>(&self, mut poll: impl FnMut(&mut Context<'_>) -> Poll<R>) -> Came<R> {
        let came = poll_fn(|context| {
            match self.order.take() {
                Some(Order::Probe) => return Poll::Ready(Came::Probed),
                Some(Order::Cancel) => return Poll::Ready(Came::Cancelled),
                Some(Order::Leave) => {
                    self.leaves.set(true);
                    return Poll::Ready(Came::Cancelled);
                }
                None | Some(Order::Act | Order::Pay) => {}
            }
            match guarded(|| poll(context)) {
                Some(Poll::Ready(found)) => {
                    stage(|stage| stage.ended.set(stage.ended.get() + 1));
                    return Poll::Ready(Came::Done(found));
                }
                Some(Poll::Pending) => {}
                None => {
                    // It has to be polled to know how it stands.
                    self.woken.set(true);
                    self.lost.set(false);
                    self.lossy.set(true);
                }
            }
            self.state.set(State::Waits);
            Poll::Pending
        })
        .await;
        self.state.set(State::Idle);
        came
    }

    pub async fn wait_for<F: Future + Unpin>(&self, future: &mut F) -> Came<F::Output> {
        self.wait(|context| Pin::new(&mut *future).poll(context)).await
    }

    pub fn does(&self, what: &str) {
        tell(|| format!("{} {what}", self.name));
    }

    /// It has got an item.
    pub fn got<T: Good>(&self, item: &T) {
        let number = item.number();
        tell(|| format!("{} got {number}", self.name));
        let fate = stage(|stage| {
            let fate = &mut stage.fates.borrow_mut()[number as usize];
            std::mem::replace(fate, Fate { received: true, ..*fate })
        });
        if T::ONCE && (fate.received || fate.dropped) {
            fault(format!("item {number} is received twice, or after it was dropped"));
        }
        let by = |number: u32| stage(|stage| stage.fates.borrow()[number as usize].by);
        let last = self.got.borrow().iter().rev().copied().find(|last| by(*last) == fate.by);
        if last.is_some_and(|last| last >= number) {
            fault(format!("{} got {number} after {last:?}, of one sender", self.name));
        }
        self.got.borrow_mut().push(number);
    }

    /// Its end is gone.
    pub fn looks_back<T: Good>(&self) {
        if !T::ONCE && !self.lossy.get() {
            if let Some(number) = missed(&self.got.borrow()) {
                fault(format!("{} has missed {number}", self.name));
            }
        }
    }
}

/// What others do while something is under way that lets them: some steps, or none.
pub fn meanwhile() {
    let (depth, calm) = stage(|stage| (stage.depth.get(), stage.calm.get()));
    if depth < DEPTH && !calm && one_in(2) {
        stage(|stage| stage.depth.set(depth + 1));
        (0..=dice(3)).for_each(|_| super::step());
        stage(|stage| stage.depth.set(depth));
    }
}

/// In `f`, actors go on with what they wait for, and begin nothing.
pub fn calmly(f: impl FnOnce()) {
    stage(|stage| stage.calm.set(true));
    f();
    stage(|stage| stage.calm.set(false));
}

/// Gives the signal that it owes, if it does.
pub fn pays(desk: &Desk, pay: impl FnOnce()) {
    // If it panics, it has signalled all the same.
    desk.owes.set(false);
    guarded(pay);
}

/// Now and then a panic.
pub fn may_panic() {
    if one_in(4) {
        panic_deliberately();
    }
}
