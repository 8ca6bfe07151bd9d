//! One position of a ring, one committed length: the only place that names the ordering of indices.
//!
//! A cursor is written by one side and watched by the other. The methods are named for what they mean, and each
//! says what it pairs with; no ring spells an ordering. A [`Track`] is a cursor that never comes round, for those who
//! may be left behind by any number of laps.

use crate::sync::{AtomicPos, AtomicU32, AtomicUsize, Ordering, Pos, Site, const_fn, fence, order};

/// A position that never comes round. loom gets turns of two positions each, so that its models cross them.
pub(crate) type Seq = crate::span::Seq<{ if cfg!(loom) { 1 } else { Pos::BITS - 1 } }>;

/// One side's position, in shared memory.
#[derive(Debug)]
#[repr(transparent)]
pub struct Cursor(AtomicPos);

impl Cursor {
    const_fn! {
        pub(crate) const fn new(at: Pos) -> Self {
            Self(AtomicPos::new(at))
        }
    }

    /// My own position, read back when a handle is made.
    ///
    /// Relaxed: only this side stores it, and a handle that succeeds another one got its end through
    /// [`Bitmap::claim`](crate::bitmap::Bitmap::claim), whose Acquire pairs with the Release with which the
    /// earlier handle gave it back, or holds the ring exclusively. Of a side of many it is a guess, which an exchange confirms.
    #[inline(always)]
    pub(crate) fn own(&self) -> Pos {
        self.0.load(Ordering::Relaxed)
    }

    /// The other side's position.
    ///
    /// Acquire: pairs with its [`publish`](Self::publish). For a consumer, the items before the tail it sees
    /// are written; for a producer, the items before the head it sees have been moved out.
    #[inline(always)]
    pub(crate) fn observe(&self) -> Pos {
        self.0.load(order(Site::CursorObserve, Ordering::Acquire))
    }

    /// Moves my position on, handing over what is behind it.
    ///
    /// Release: pairs with the other side's [`observe`](Self::observe). What this side did to the slots (wrote
    /// them, or moved items out of them) happens before the other side may touch them.
    #[inline(always)]
    pub(crate) fn publish(&self, to: Pos) {
        self.0.store(to, order(Site::CursorPublish, Ordering::Release));
    }

    /// The position of a side that several ends move by [`claim`](Self::claim): a first guess, or a look whether
    /// it has moved.
    ///
    /// Acquire: pairs with `claim`. The slots themselves need none of it; but whoever sees this position, and then looks
    /// at the other side's, must not see one from before it was reached.
    #[cfg(compare_and_swap)]
    #[inline(always)]
    pub(crate) fn hint(&self) -> Pos {
        self.0.load(order(Site::CursorHint, Ordering::Acquire))
    }

    /// Moves a shared position on from `from` to `to`, unless another end of this side was faster.
    ///
    /// It takes numbers, and hands over no slot: that the slots of `from..to` are free (or filled) was seen by an
    /// Acquire of the other side's commits before the exchange, and stays so while the position is `from`, because
    /// only who moves it on may touch them.
    ///
    /// Release: pairs with [`hint`](Self::hint) and [`observe`](Self::observe), for those who compare positions.
    ///
    /// The error is where it was instead. Relaxed: a guess, as of [`own`](Self::own). Whoever finds nothing there to take
    /// looks by `hint` before it says so.
    #[cfg(compare_and_swap)]
    #[inline(always)]
    pub(crate) fn claim(&self, from: Pos, to: Pos) -> Result<(), Pos> {
        let release = order(Site::CursorClaim, Ordering::Release);
        self.0.compare_exchange(from, to, release, Ordering::Relaxed).map(|_| ())
    }

    /// The position, by exclusive access.
    pub(crate) fn get_mut(&mut self) -> Pos {
        #[cfg(not(loom))]
        {
            *self.0.get_mut()
        }
        #[cfg(loom)]
        self.0.with_mut(|at| *at)
    }
}

/// The commit of one slot, for a side that several ends share: up to which lap, and how it ended.
///
/// Each side has stamps of its own, which it alone stores.
#[cfg(compare_and_swap)]
#[derive(Debug)]
#[repr(transparent)]
pub struct Stamp(AtomicPos);

#[cfg(compare_and_swap)]
impl Stamp {
    const_fn! {
        pub(crate) const fn new() -> Self {
            Self(AtomicPos::new(0))
        }
    }

    /// What was last committed to the slot.
    ///
    /// Acquire: pairs with [`commit`](Self::commit). Whoever sees the slot written may read it; whoever sees it
    /// freed may write it.
    #[inline(always)]
    pub(crate) fn observe(&self) -> Pos {
        self.0.load(order(Site::StampObserve, Ordering::Acquire))
    }

    /// Commits the slot.
    ///
    /// Release: pairs with [`observe`](Self::observe). What this end did to the slot, and to those it commits
    /// after it, happens before the other side touches it.
    #[inline(always)]
    pub(crate) fn commit(&self, to: Pos) {
        self.0.store(to, order(Site::StampCommit, Ordering::Release));
    }

    /// Sets it, by exclusive access.
    pub(crate) fn set(&mut self, to: Pos) {
        #[cfg(not(loom))]
        {
            *self.0.get_mut() = to;
        }
        #[cfg(loom)]
        self.0.with_mut(|stamp| *stamp = to);
    }
}

/// How many bytes of a region are committed. It only ever grows while the region lives.
#[derive(Debug)]
#[repr(transparent)]
pub(crate) struct Length(AtomicUsize);

#[cfg_attr(not(compare_and_swap), allow(dead_code))]
impl Length {
    const_fn! {
        pub(crate) const fn new() -> Self {
            Self(AtomicUsize::new(0))
        }
    }

    /// My own length, as the one writer, or whoever fills the slot.
    ///
    /// Relaxed: only the writer stores it, and a writer that succeeds another one got its place through a
    /// bitmap claim that synchronises with the earlier one's give-back.
    pub(crate) fn own(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// The writer's length. Acquire: pairs with [`commit`](Self::commit); the bytes before it are written.
    pub(crate) fn observe(&self) -> usize {
        self.0.load(order(Site::LengthObserve, Ordering::Acquire))
    }

    /// Commits the bytes before `to`. Release: pairs with [`observe`](Self::observe).
    pub(crate) fn commit(&self, to: usize) {
        self.0.store(to, order(Site::LengthCommit, Ordering::Release));
    }
}

/// A position of one writer, watched by many who may be far behind: it never comes round.
///
/// Where a word has 64 bits, it is one word; the second is not used. Elsewhere the writer stores the first word, and
/// then the second when its turn has changed ([`Seq`]).
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Track {
    low: AtomicPos,
    turn: AtomicU32,
}

const_fn! {
    /// Whether a position is two words: one that does not fit in a word. Under loom either form is, whatever fits.
    #[inline(always)]
    const fn is_split() -> bool {
        #[cfg(not(loom))]
        {
            Seq::SPLIT
        }
        #[cfg(loom)]
        crate::sync::form::is_split()
    }
}

const_fn! {
    /// The first word of a position, as it is stored.
    // Its bits are those of a `Pos` at most.
    #[allow(clippy::cast_possible_truncation, clippy::unnecessary_cast)]
    #[inline(always)]
    const fn low(at: Seq) -> Pos {
        (if is_split() { at.low() } else { at.number() }) as Pos
    }
}

impl Track {
    /// How often [`observe`](Self::observe) looks for two words of one time.
    const LOOKS: usize = 4;

    const_fn! {
        pub(crate) const fn new(at: Seq) -> Self {
            let turn = if is_split() { at.turn() } else { 0 };
            Self { low: AtomicPos::new(low(at)), turn: AtomicU32::new(turn) }
        }
    }

    /// My own position, read back when a handle is made.
    ///
    /// Relaxed, as for [`Cursor::own`]: only this side stores it, and no store of its own is under way.
    // In the narrow build a position is not a `u64`.
    #[allow(clippy::unnecessary_cast)]
    pub(crate) fn own(&self) -> Seq {
        let low = self.low.load(Ordering::Relaxed) as u64;
        if is_split() { Seq::join(self.turn.load(Ordering::Relaxed), low) } else { Seq::new(low) }
    }

    /// The writer's position: one that it had during the call, whatever it does meanwhile.
    ///
    /// Acquire: pairs with [`publish`](Self::publish); what was done before it is seen.
    ///
    /// Wait-free. Two words of one time are told by the second being the same before and after the first is loaded:
    /// - the first word is not older than the second, because loading a turn acquires what was stored before it, and
    ///   that is a first word of the same turn;
    /// - it is newer by one turn at most, because loading it acquires the turn that was stored before it, which is
    ///   that of the position, or the one before;
    /// - the bit that both have says which.
    ///
    /// If the writer starts a turn during each of the looks, the answer is where the last one started. So many turns
    /// are more than a ring of [`STRIDE`](crate::span::Seq::STRIDE) slots holds: whatever the writer's position was
    /// when the call began, the answer is more than such a ring ahead of it, and the writer has passed it.
    // In the narrow build a position is not a `u64`.
    #[allow(clippy::unnecessary_cast)]
    #[inline(always)]
    pub(crate) fn observe(&self) -> Seq {
        if !is_split() {
            return Seq::new(self.low.load(order(Site::TrackObserve, Ordering::Acquire)) as u64);
        }
        let mut turn = self.turn.load(order(Site::TurnObserve, Ordering::Acquire));
        for _ in 0..Self::LOOKS {
            let low = self.low.load(order(Site::LowObserve, Ordering::Acquire)) as u64;
            let again = self.turn.load(order(Site::TurnAgain, Ordering::Acquire));
            if again == turn {
                return Seq::join(turn, low);
            }
            turn = again;
        }
        Seq::start_of(turn)
    }

    /// Moves my position on from `from` to `to`, not further than [`STRIDE`](crate::span::Seq::STRIDE) at once,
    /// handing over what is behind it.
    ///
    /// Release: pairs with [`observe`](Self::observe). The turn is stored after the first position in it, as its
    /// observers rely on.
    #[inline(always)]
    pub(crate) fn publish(&self, from: Seq, to: Seq) {
        self.low.store(low(to), order(Site::TrackPublish, Ordering::Release));
        if is_split() && from.turn() != to.turn() {
            self.turn.store(to.turn(), order(Site::TurnPublish, Ordering::Release));
        }
    }

    /// As [`publish`](Self::publish), and whatever this side stores from now on is seen only by those who then see
    /// this position, too: *say that it is about to go, fence, overwrite it*.
    ///
    /// The fence is Release: it pairs with the Acquire fence of [`confirm`](Self::confirm). Whoever loads something
    /// that was stored after it, and then passes that fence, loads this position or a later one.
    #[inline(always)]
    pub(crate) fn announce(&self, from: Seq, to: Seq) {
        self.publish(from, to);
        fence(Site::AnnounceFence, Ordering::Release);
    }

    /// As [`observe`](Self::observe), after what this side has loaded: *copy it, fence, ask whether it was still
    /// there*.
    ///
    /// The fence is Acquire, and pairs with that of [`announce`](Self::announce).
    #[inline(always)]
    pub(crate) fn confirm(&self) -> Seq {
        fence(Site::ConfirmFence, Ordering::Acquire);
        self.observe()
    }
}

/// The writer's side of *publish, fence, look*: between the position that it publishes, and its look at who has
/// joined. A whole fence, because it orders a store before later loads. Pairs with [`joined`].
#[cfg_attr(not(compare_and_swap), allow(dead_code))]
#[inline(always)]
pub(crate) fn published() {
    fence(Site::GateFence, Ordering::SeqCst);
}

/// The joining side: between its own place, and its look at the writer's position. Pairs with [`published`].
///
/// Of two whole fences one is the first: either the writer, after its fence, sees who has joined; or whoever joins,
/// after its own, sees what the writer published.
#[cfg_attr(not(compare_and_swap), allow(dead_code))]
#[inline(always)]
pub(crate) fn joined() {
    fence(Site::JoinFence, Ordering::SeqCst);
}

/// Between a producer's look at its own side's position, and at the other's, before it says `Full` of a ring a side of
/// which has several ends. A whole fence. Pairs with [`before_empty`].
///
/// Without it one consumer may take an item, not see a third party's claim of the tail, and find the ring empty, while a
/// producer sees that claim, does not see the item taken, and finds it full. Of two such fences one is the first, and
/// what its end saw before it is seen by the other after its own; so the answers have an order.
#[inline(always)]
pub(crate) fn before_full() {
    fence(Site::FullFence, Ordering::SeqCst);
}

/// As [`before_full`], which it pairs with: before a consumer says `Empty`.
#[inline(always)]
pub(crate) fn before_empty() {
    fence(Site::EmptyFence, Ordering::SeqCst);
}

/// Between giving an end back, and the look whether there is something for it that another thread has left to its holder:
/// one that found the end taken. A whole fence. Pairs with that of a signal, which the other thread passes between putting it
/// there and looking for the end.
#[cfg_attr(not(arc), allow(dead_code))]
#[inline(always)]
pub(crate) fn given_back() {
    fence(Site::DiscardFence, Ordering::SeqCst);
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::{Seq, Track};

    /// Also by steps that start a turn each time. Where a position is two words (in the narrow build), either alone would
    /// be another position.
    #[test]
    fn d11_a_position_is_read_as_it_was_published() {
        let far = Seq::STRIDE;
        for start in [0, 5, far - 2, far, u64::MAX - 3] {
            let mut at = Seq::new(start);
            let track = Track::new(at);
            assert_eq!((track.own(), track.observe()), (at, at));
            for step in [1, 2, far, far, far, 1, far - 1, far - 1, far - 1, far / 2, far / 2, far / 2, 0, far]
            {
                let to = at.plus(step);
                track.publish(at, to);
                at = to;
                assert_eq!((track.own(), track.observe(), track.confirm()), (at, at, at), "{start} {step}");
            }
        }
    }
}
