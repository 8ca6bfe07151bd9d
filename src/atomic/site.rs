//! The places of the crate whose ordering carries a happens-before edge, each of which a model weakens.

use crate::sync::Ordering;

/// The places of the crate whose ordering carries a happens-before edge.
///
/// Each has a loom model that fails when the ordering is weakened to `Relaxed`; `tests/loom` holds the table
/// of which. `SAFETY.md` says what each pairs with.
#[cfg_attr(not(loom), allow(unreachable_pub))]
// Without compare-and-swap, the sites that need it are not built.
// Without an allocator, nothing is made at a place that others then learn.
#[cfg_attr(not(arc), allow(dead_code))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
#[non_exhaustive]
pub enum Site {
    /// `Cursor::publish`: the Release store of a ring position.
    CursorPublish = 1,
    /// `Cursor::observe`: the Acquire load of the other side's position.
    CursorObserve,
    /// `Bitmap::claim`: the Acquire half of taking a number.
    BitmapClaim,
    /// `Bitmap::give_back`: the Release store that returns it.
    BitmapGiveBack,
    /// `SlotState::claim`: the Acquire half of taking a free table slot.
    SlotStateClaim,
    /// `SlotState::release`: the Release store that frees it.
    SlotStateRelease,
    /// `SlotState::open`: the Release store that makes a filled slot visible.
    SlotStateOpen,
    /// `SlotState::pin`: the Acquire half of entering a slot.
    SlotStatePin,
    /// `SlotState::unpin`: the Release half of leaving it.
    SlotStateUnpin,
    /// `SlotState::close`: the Acquire half of finding no reader left inside.
    SlotStateClose,
    /// `Length::commit`: the Release store of a committed length.
    LengthCommit,
    /// `Length::observe`: the Acquire load of a committed length.
    LengthObserve,
    /// `WriteWords::publish`: the Release store of a shared word.
    WordsPublish,
    /// `ReadWords::observe`: the Acquire load of a word the peer writes.
    WordsObserve,
    /// `Cursor::claim`: the Release exchange that moves a shared position.
    CursorClaim,
    /// `Cursor::hint`: the Acquire load of it.
    CursorHint,
    /// `Stamp::commit`: the Release store of one slot's commit.
    StampCommit,
    /// `Stamp::observe`: the Acquire load of it.
    StampObserve,
    /// `SplitCursor::publish`: the Release store of a position, or of its first word.
    SplitPublish,
    /// `SplitCursor::observe`: the Acquire load of a position that is one word.
    SplitObserve,
    /// `SplitCursor::observe`: the Acquire load of the first of two words.
    LoObserve,
    /// `SplitCursor::publish`: the Release store of a position's second word, hi.
    HiPublish,
    /// `SplitCursor::observe`: the Acquire load of it before the first word is loaded.
    HiObserve,
    /// `SplitCursor::observe`: the Acquire load of it after that, with which the next look begins.
    HiAgain,
    /// `SplitCursor::invalidate`: the Release fence between saying what goes, and overwriting it.
    InvalidateFence,
    /// `SplitCursor::validate`: the Acquire fence between copying something, and asking whether it was still there.
    ValidateFence,
    /// `fence::after_publish`: the whole fence between a writer's position, and its look at the readers.
    GateFence,
    /// `fence::after_join`: the whole fence between joining, and the look at the writer's position.
    JoinFence,
    /// `Bitmap::claimed`: the Acquire load of which numbers are claimed.
    BitmapHeld,
    /// `OnceBox::fill`: the Release half of telling where something is that was made.
    OncePublish,
    /// `OnceBox::get`: the Acquire load of it.
    OnceObserve,
    /// `fence::before_full`: the whole fence between a producer's looks at the two sides' positions.
    FullFence,
    /// `fence::before_empty`: the whole fence between a consumer's looks at them.
    EmptyFence,
    /// `fence::given_back`: the whole fence between giving an end back, and the look for what was left to its holder.
    DiscardFence,
    /// `words::PeerMapping::observe`: the Acquire fence after the load of a word the peer writes.
    MappingObserve,
    /// `words::sleeping`: the whole fence between saying that one sleeps, and the look at the peer's word.
    SleepFence,
    /// `words::rousing`: the whole fence between what was published, and the look whether the peer sleeps.
    RouseFence,
    /// `WaiterCount::fence_and_look`: the whole fence between a change, and the look for waiters.
    SignalFence,
    /// `WaiterCount::fence_thread`: the whole fence between counting a thread in, and its look.
    ThreadFence,
    /// `WaiterCount::fence_again`: the whole fence between counting a thread as uncalled, and its look.
    AgainFence,
    /// `WaiterCount::fence_task`: the whole fence between a task's waker, and its look.
    TaskFence,
    /// `WakerCell::arm`: the Release store that leaves a waker.
    TaskArm,
    /// `WakerCell::wake`: the Acquire half of taking the waker.
    TaskWake,
    /// `WakerCell::wake`: the Release half of leaving the cell again.
    TaskDone,
    /// `WakerCell::arm`: the Acquire load that finds the last waker taken.
    TaskRetake,
    /// `WakerCell::vacate`: the Acquire load of the exchange that finds the waker taken.
    TaskVacate,
    /// `WakerCell::free`: the Release store that gives a slot up.
    SlotGiveBack,
    /// `PeerCounts::leave`: the Release half of going.
    PartyLeave,
    /// `PeerCounts::close`: the Release half of closing.
    PartyClose,
    /// `PeerCounts::close`: the Release half of having done so.
    CloseEnd,
    /// `PeerCounts::open`: the last look for a close, Acquire and Release.
    OpenLook,
    /// `PeerCounts::is_disconnected`: the Acquire load of the peers that are still there.
    PartyLook,
    /// `PeerCounts::is_closed`: the Acquire load of whether it was closed.
    ClosedLook,
}

/// The ordering of a site: what the code asks for, or `Relaxed` while a negative model weakens the site.
#[cfg(not(loom))]
#[inline(always)]
pub(crate) const fn order(_site: Site, ordering: Ordering) -> Ordering {
    ordering
}

#[cfg(loom)]
pub(crate) fn order(site: Site, ordering: Ordering) -> Ordering {
    if weaken::weakened() == site as u32 { Ordering::Relaxed } else { ordering }
}

/// A fence of its own; none at all while a negative model weakens its site, since there is no Relaxed one.
#[inline(always)]
pub(crate) fn fence(_site: Site, ordering: Ordering) {
    #[cfg(not(loom))]
    crate::sync::fence(ordering);
    #[cfg(loom)]
    if weaken::weakened() != _site as u32 {
        crate::sync::fence(ordering);
    }
}

/// The light half of an asymmetric fence: nothing but that the compiler keeps the order. Loom has no such thing.
#[cfg(not(loom))]
#[cfg_attr(not(compare_and_swap), allow(dead_code))]
#[inline(always)]
pub(crate) fn light_fence() {
    crate::sync::compiler_fence(Ordering::SeqCst);
}

/// Under loom: weakens one [`Site`] for a negative model.
#[cfg(loom)]
pub mod weaken {
    use core::cell::Cell;

    std::thread_local! {
        /// Of this thread of the system: all threads of a model run on one.
        static WEAKENED: Cell<u32> = const { Cell::new(0) };
    }

    pub(crate) fn weakened() -> u32 {
        WEAKENED.get()
    }

    /// Weakens `site` in every model that runs on this thread from now on, or nothing.
    pub fn set(site: Option<super::Site>) {
        WEAKENED.set(site.map_or(0, |site| site as u32));
    }
}

/// Under loom: which form a position has that never comes round ([`SplitCursor`](crate::atomic::SplitCursor)), so that one build
/// explores both.
#[cfg(loom)]
pub mod form {
    use core::cell::Cell;

    std::thread_local! {
        /// Of this thread of the system, as in [`weaken`](super::weaken).
        static IS_SPLIT: Cell<bool> = const { Cell::new(true) };
    }

    pub(crate) fn is_split() -> bool {
        IS_SPLIT.get()
    }

    /// Makes such a position two words in every model that runs on this thread from now on, or one, as it is where words
    /// have 64 bits. Not while there is one.
    pub fn set(is_split: bool) {
        IS_SPLIT.set(is_split);
    }
}
