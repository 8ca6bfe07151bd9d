//! Where a random program is played: its dice, its actors, what becomes of its items, and the wakers of its tasks.
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
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread;

use annulet::wait::Deadline;

use crate::common::ByHand;

/// How many steps are made inside of each other: a waker that makes one may be called by another one's step.
const DEPTH: usize = 2;

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
    scene: RefCell<Option<Rc<dyn Scene>>>,
    fates: RefCell<Vec<Fate>>,
    fault: RefCell<Option<String>>,
    /// How many steps are under way.
    depth: Cell<usize>,
    /// How many calls are under way in which items may be dropped, and not received.
    drops: Cell<usize>,
    /// How many waits have ended.
    ended: Cell<usize>,
    /// How many wakers there are.
    bells: Cell<usize>,
    names: Cell<u32>,
    /// Which wakers there are, beside plain ones.
    rude: Cell<bool>,
    wild: Cell<bool>,
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

// --- items

/// What has become of an item.
#[derive(Clone, Copy, Default)]
struct Fate {
    by: u32,
    sent: bool,
    received: bool,
    dropped: bool,
}

/// What is sent: told from all others, and made by one sender after the other.
pub trait Good: Sized {
    /// Each is received once, or dropped; if not, each receiver gets each.
    const ONCE: bool;
    fn make(by: &Desk) -> Self;
    fn number(&self) -> u32;
}

/// Those that are copied count as dropped from the beginning.
fn number_of_one_more<T: Good>(by: &Desk) -> u32 {
    stage(|stage| {
        let mut fates = stage.fates.borrow_mut();
        fates.push(Fate { by: by.name, dropped: !T::ONCE, ..Fate::default() });
        u32::try_from(fates.len() - 1).unwrap()
    })
}

/// An item that is moved from hand to hand.
#[derive(Debug)]
pub struct Item(u32);

impl Good for Item {
    const ONCE: bool = true;
    fn make(by: &Desk) -> Self {
        Self(number_of_one_more::<Self>(by))
    }
    fn number(&self) -> u32 {
        self.0
    }
}

impl Drop for Item {
    fn drop(&mut self) {
        let (fate, may) = stage(|stage| {
            let fate = &mut stage.fates.borrow_mut()[self.0 as usize];
            (std::mem::replace(fate, Fate { dropped: true, ..*fate }), stage.drops.get() > 0)
        });
        tell(|| format!("{} is dropped", self.0));
        let abandoned = || scene_is_owned() && ends(Party::Receiver) == 0;
        if fate.dropped {
            fault(format!("item {} is dropped twice", self.0));
        } else if fate.sent && !fate.received && !may && !thread::panicking() && !abandoned() {
            fault(format!("item {} was sent, and is dropped", self.0));
        }
    }
}

fn scene_is_owned() -> bool {
    stage(|stage| stage.scene.borrow().as_ref().is_none_or(|scene| scene.is_owned()))
}

/// A word that each receiver copies.
impl Good for u64 {
    const ONCE: bool = false;
    fn make(by: &Desk) -> Self {
        number_of_one_more::<Self>(by).into()
    }
    fn number(&self) -> u32 {
        u32::try_from(*self).unwrap()
    }
}

/// It was sent, says whoever sent it.
pub fn sent(number: u32) {
    stage(|stage| stage.fates.borrow_mut()[number as usize].sent = true);
}

/// In `f`, items are dropped that were sent, as it says.
pub fn dropping<R>(f: impl FnOnce() -> R) -> R {
    struct Over;
    impl Drop for Over {
        fn drop(&mut self) {
            stage(|stage| stage.drops.set(stage.drops.get() - 1));
        }
    }
    stage(|stage| stage.drops.set(stage.drops.get() + 1));
    let _over = Over;
    f()
}

/// From now on, also after this.
pub fn dropping_for_good() {
    stage(|stage| stage.drops.set(stage.drops.get() + 1));
}

/// How many items are somewhere, and not with whoever sends them.
pub fn queued() -> usize {
    stage(|stage| {
        let there = stage.fates.borrow().iter().filter(|fate| !fate.dropped).count();
        let held: usize = stage.actors.borrow().iter().map(|actor| actor.desk.held.get()).sum();
        there.saturating_sub(held)
    })
}

/// Numbers that were sent between two that one receiver got, and that it did not get.
pub fn missed(got: &[u32]) -> Option<u32> {
    let (first, last) = (*got.first()?, *got.last()?);
    stage(|stage| {
        let fates = stage.fates.borrow();
        (first..last).find(|number| fates[*number as usize].sent && got.binary_search(number).is_err())
    })
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
    got: RefCell<Vec<u32>>,
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

// --- wakers

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tone {
    Plain,
    /// It panics, and the task knows that it was woken.
    Rude,
    /// It panics, and nobody knows.
    Mute,
    /// It panics when it is dropped.
    Sore,
    /// It polls the task, there and then.
    Inline,
    /// It does something with the channel, there and then.
    Wild,
}

struct Bell {
    name: u32,
    tone: Tone,
}

impl Bell {
    fn waker(name: u32) -> Waker {
        let (rude, wild) = stage(|stage| (stage.rude.get(), stage.wild.get()));
        let tone = match dice(12) {
            0 if rude => Tone::Rude,
            1 if rude => Tone::Mute,
            2 if rude => Tone::Sore,
            3..6 if wild => Tone::Inline,
            6 if wild => Tone::Wild,
            _ => Tone::Plain,
        };
        stage(|stage| stage.bells.set(stage.bells.get() + 1));
        Waker::from(Arc::new(Self { name, tone }))
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        let name = self.name;
        tell(|| format!("{name} is woken: {:?}", self.tone));
        let found =
            stage(|stage| stage.actors.borrow().iter().find(|actor| actor.desk.name == name).cloned());
        let Some(actor) = found else { return };
        match self.tone {
            Tone::Inline => actor.poll(None),
            Tone::Mute if !thread::panicking() => actor.desk.lost.set(true),
            _ => actor.desk.woken.set(true),
        }
        match self.tone {
            Tone::Rude | Tone::Mute => panic_deliberately(),
            Tone::Wild => meanwhile(),
            _ => {}
        }
    }
}

impl Drop for Bell {
    fn drop(&mut self) {
        stage(|stage| stage.bells.set(stage.bells.get() - 1));
        if self.tone == Tone::Sore {
            panic_deliberately();
        }
    }
}

// --- the platform

/// A platform on which others go on while a thread sleeps, and time does.
pub type Still = ByHand<'static>;

pub fn still(asymmetric: bool) -> Still {
    ByHand {
        tick: 1,
        asymmetric,
        sleep: Box::new(|platform, word, seen, until| {
            if word.get() != seen {
                return;
            }
            assert_ne!(until, Deadline::NEVER, "nobody sleeps for good");
            meanwhile();
            if word.get() == seen {
                platform.pass_until(until);
            }
        }),
        ..ByHand::default()
    }
}
