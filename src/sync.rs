//! The only switch between core atomics, portable-atomic and loom.
//!
//! Everything else in the crate takes its atomics from here, so that the code loom explores is the code that
//! ships. Three more things differ between the worlds, and live here for the same reason: the cache-line
//! padding of a target, the shadow cells that let loom see accesses made through raw pointers ([`Shadow`]), and
//! the ordering sites that a negative model weakens ([`Site`]).

#[cfg(all(not(loom), not(feature = "portable-atomic")))]
pub(crate) use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
#[cfg(loom)]
pub(crate) use loom::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
#[cfg(all(not(loom), feature = "portable-atomic"))]
pub(crate) use portable_atomic::{AtomicU32, AtomicUsize, Ordering};

#[cfg(all(not(loom), not(feature = "portable-atomic"), annulet_narrow))]
pub(crate) use core::sync::atomic::AtomicU8 as AtomicPos;
/// The atomic that holds a ring position, as wide as [`Pos`].
#[cfg(all(not(loom), not(feature = "portable-atomic"), not(annulet_narrow)))]
pub(crate) use core::sync::atomic::AtomicUsize as AtomicPos;
#[cfg(all(loom, annulet_narrow))]
pub(crate) use loom::sync::atomic::AtomicU8 as AtomicPos;
#[cfg(all(loom, not(annulet_narrow)))]
pub(crate) use loom::sync::atomic::AtomicUsize as AtomicPos;
#[cfg(all(not(loom), feature = "portable-atomic", annulet_narrow))]
pub(crate) use portable_atomic::AtomicU8 as AtomicPos;
#[cfg(all(not(loom), feature = "portable-atomic", not(annulet_narrow)))]
pub(crate) use portable_atomic::AtomicUsize as AtomicPos;

#[cfg(all(arc, not(loom)))]
pub(crate) use core::sync::atomic::AtomicPtr;
#[cfg(all(feature = "alloc", loom))]
pub(crate) use loom::sync::atomic::AtomicPtr;

/// For numbers that hand nothing over, also in a static: loom need not see them, and has no atomic for a static.
#[cfg(not(feature = "portable-atomic"))]
pub(crate) use core::sync::atomic::AtomicU32 as StaticU32;
/// For counters, that hand nothing over: loom need not see them.
#[cfg(target_has_atomic = "64")]
pub(crate) use core::sync::atomic::AtomicU64;
#[cfg(feature = "portable-atomic")]
pub(crate) use portable_atomic::AtomicU32 as StaticU32;

/// A ring position: a counter that runs freely and wraps at the integer.
#[cfg(not(annulet_narrow))]
pub(crate) type Pos = usize;
/// A ring position of eight bits, in the narrow build: its tests walk whole laps of the integer.
#[cfg(annulet_narrow)]
pub(crate) type Pos = u8;

/// `Arc` as the handles keep it: loom must see its reference count, or it would report the drop of the last
/// handle as a race.
#[cfg(all(arc, not(loom)))]
pub(crate) use alloc::sync::Arc;
#[cfg(all(feature = "alloc", loom))]
pub(crate) use loom::sync::Arc;

/// `const fn` in the real world, `fn` under loom, whose atomics cannot be made in a constant (loom #170).
macro_rules! const_fn {
    ($(#[$meta:meta])* $vis:vis const fn $($rest:tt)*) => {
        #[cfg(not(loom))]
        $(#[$meta])* $vis const fn $($rest)*
        #[cfg(loom)]
        $(#[$meta])* $vis fn $($rest)*
    };
}
pub(crate) use const_fn;

/// Puts a value on cache lines of its own, so that the two sides of a ring do not fight over one line.
///
/// 128 bytes on x86-64 and aarch64 (adjacent-line prefetch, 128-byte lines on some cores), 64 on other 64-bit
/// targets, nothing where memory is scarce and there is no cache to share. It is `repr(C)` with the value at
/// offset 0.
#[cfg_attr(any(target_arch = "x86_64", target_arch = "aarch64"), repr(C, align(128)))]
#[cfg_attr(
    all(target_pointer_width = "64", not(any(target_arch = "x86_64", target_arch = "aarch64"))),
    repr(C, align(64))
)]
#[cfg_attr(not(target_pointer_width = "64"), repr(C))]
#[derive(Debug, Default)]
pub(crate) struct CachePadded<T>(pub(crate) T);

impl<T> core::ops::Deref for CachePadded<T> {
    type Target = T;
    #[inline(always)]
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> core::ops::DerefMut for CachePadded<T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

/// What loom needs to see accesses to slots that the code makes through raw pointers.
///
/// Outside loom it is empty and its methods vanish. Under loom there is one tracked cell per slot; an access is
/// recorded when a guard is made and again when it ends, so that an overlapping access of the other side is a
/// reported race.
#[derive(Debug)]
pub(crate) struct Shadow<const N: usize> {
    #[cfg(loom)]
    cells: [loom::cell::UnsafeCell<()>; N],
}

impl<const N: usize> Shadow<N> {
    const_fn! {
        pub(crate) const fn new() -> Self {
            Self {
                #[cfg(loom)]
                cells: core::array::from_fn(|_| loom::cell::UnsafeCell::new(())),
            }
        }
    }

    /// Records that a slot is written now; `slot` is below `N`.
    #[inline(always)]
    pub(crate) fn write(&self, slot: usize) {
        #[cfg(loom)]
        self.cells[slot].with_mut(|_| ());
        #[cfg(not(loom))]
        let _ = slot;
    }

    /// Records that a slot is read now; `slot` is below `N`.
    // Without compare-and-swap nobody joins the readers that are tracked.
    #[cfg_attr(not(compare_and_swap), allow(dead_code))]
    #[inline(always)]
    pub(crate) fn read(&self, slot: usize) {
        #[cfg(loom)]
        self.cells[slot].with(|_| ());
        #[cfg(not(loom))]
        let _ = slot;
    }

    /// The tracker that a handle keeps beside its pointers.
    pub(crate) fn tracker(&self) -> Tracker {
        Tracker {
            #[cfg(loom)]
            cells: core::ptr::NonNull::from(&self.cells[0]),
        }
    }
}

/// A pointer to the shadow cells of a ring (nothing outside loom).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tracker {
    #[cfg(loom)]
    cells: core::ptr::NonNull<loom::cell::UnsafeCell<()>>,
}

impl Tracker {
    /// Records that the slots of `span` are written (or moved out of) now.
    ///
    /// # Safety
    /// The ring that made this tracker is alive, and `span` lies in its capacity.
    #[inline(always)]
    pub(crate) unsafe fn write(self, span: crate::span::Span) {
        #[cfg(loom)]
        for slot in span.slots() {
            // SAFETY: the caller says that the slot is in range; the cells are one array.
            let cell = unsafe { self.cells.add(slot) };
            // SAFETY: the caller says that the ring is alive; the cells are only ever shared.
            let cell = unsafe { cell.as_ref() };
            cell.with_mut(|_| ());
        }
        #[cfg(not(loom))]
        let _ = span;
    }

    /// Records that the slots of `span` are read now.
    ///
    /// # Safety
    /// As for [`write`](Self::write).
    #[inline(always)]
    pub(crate) unsafe fn read(self, span: crate::span::Span) {
        #[cfg(loom)]
        for slot in span.slots() {
            // SAFETY: the caller says that the slot is in range; the cells are one array.
            let cell = unsafe { self.cells.add(slot) };
            // SAFETY: the caller says that the ring is alive; the cells are only ever shared.
            let cell = unsafe { cell.as_ref() };
            cell.with(|_| ());
        }
        #[cfg(not(loom))]
        let _ = span;
    }
}

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
    /// `Life::claim`: the Acquire half of taking a free table slot.
    LifeClaim,
    /// `Life::release`: the Release store that frees it.
    LifeRelease,
    /// `Life::open`: the Release store that makes a filled slot visible.
    LifeOpen,
    /// `Life::pin`: the Acquire half of entering a slot.
    LifePin,
    /// `Life::unpin`: the Release half of leaving it.
    LifeUnpin,
    /// `Life::close`: the Acquire half of finding nobody left inside.
    LifeClose,
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
    /// `Track::publish`: the Release store of a position, or of its first word.
    TrackPublish,
    /// `Track::observe`: the Acquire load of a position that is one word.
    TrackObserve,
    /// `Track::observe`: the Acquire load of the first of two words.
    LowObserve,
    /// `Track::publish`: the Release store of a position's turn.
    TurnPublish,
    /// `Track::observe`: the Acquire load of it before the first word is loaded.
    TurnObserve,
    /// `Track::observe`: the Acquire load of it after that, with which the next look begins.
    TurnAgain,
    /// `Track::announce`: the Release fence between saying what goes, and overwriting it.
    AnnounceFence,
    /// `Track::confirm`: the Acquire fence between copying something, and asking whether it was still there.
    ConfirmFence,
    /// `cursor::published`: the whole fence between a writer's position, and its look at who has joined.
    GateFence,
    /// `cursor::joined`: the whole fence between joining, and the look at the writer's position.
    JoinFence,
    /// `Bitmap::held`: the Acquire load of which numbers are claimed.
    BitmapHeld,
    /// `OnceBox::fill`: the Release half of telling where something is that was made.
    PlacePublish,
    /// `OnceBox::get`: the Acquire load of it.
    PlaceObserve,
    /// `cursor::before_full`: the whole fence between a producer's looks at the two sides' positions.
    FullFence,
    /// `cursor::before_empty`: the whole fence between a consumer's looks at them.
    EmptyFence,
    /// `cursor::given_back`: the whole fence between giving an end back, and the look for what was left to its holder.
    DiscardFence,
    /// `words::Foreign::observe`: the Acquire fence after the load of a word the peer writes.
    MappingObserve,
    /// `words::sleeping`: the whole fence between saying that one sleeps, and the look at the peer's word.
    SleepFence,
    /// `words::rousing`: the whole fence between what was published, and the look whether the peer sleeps.
    RouseFence,
    /// `Event::signal`: the whole fence between a change, and the look whether somebody waits for it.
    SignalFence,
    /// `Event::announce_thread`: the whole fence between counting a thread in, and its look.
    ThreadFence,
    /// `Event::await_again`: the whole fence between counting a thread as uncalled, and its look.
    AgainFence,
    /// `Event::fence_task`: the whole fence between a task's waker, and its look.
    TaskFence,
    /// `Cell::arm`: the Release store that leaves a waker.
    TaskArm,
    /// `Cell::wake`: the Acquire half of taking the waker.
    TaskWake,
    /// `Cell::wake`: the Release half of leaving the cell again.
    TaskDone,
    /// `Cell::arm`: the Acquire load that finds the last waker taken.
    TaskRetake,
    /// `Cell::vacate`: the Acquire load of the exchange that finds the waker taken.
    TaskVacate,
    /// `Cell::free`: the Release store that gives a slot up.
    SeatGiveBack,
    /// `Lifecycle::leave`: the Release half of going.
    PartyLeave,
    /// `Lifecycle::close`: the Release half of closing.
    PartyClose,
    /// `Lifecycle::is_over`: the Acquire load of who is still there.
    PartyLook,
    /// `Lifecycle::is_closed`: the Acquire load of whether it was closed.
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
    core::sync::atomic::fence(ordering);
    #[cfg(loom)]
    if weaken::weakened() != _site as u32 {
        loom::sync::atomic::fence(ordering);
    }
}

/// The light half of an asymmetric fence: nothing but that the compiler keeps the order. Loom has no such thing.
#[cfg(not(loom))]
#[cfg_attr(not(compare_and_swap), allow(dead_code))]
#[inline(always)]
pub(crate) fn light_fence() {
    core::sync::atomic::compiler_fence(Ordering::SeqCst);
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

/// Under loom: which form a position has that never comes round ([`Track`](crate::cursor::Track)), so that one build
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

/// Whether a model has failed, and its threads are unwound where they stand: what is dropped then can touch no atomic.
/// Never outside loom.
// Asked by who waits, for which compare-and-swap is needed.
#[cfg(compare_and_swap)]
#[inline(always)]
pub(crate) fn is_over() -> bool {
    #[cfg(loom)]
    return std::thread::panicking();
    #[cfg(not(loom))]
    false
}

/// Asks the cache for the line at `ptr`, to be written soon. A hint: it never faults, and any address will do.
#[inline(always)]
pub(crate) fn prefetch_write<T>(ptr: *const T) {
    #[cfg(all(target_arch = "x86_64", not(miri), not(loom)))]
    // SAFETY:
    // - PREFETCHW is a hint that never faults and changes no architectural state, whatever the address;
    // - every x86-64 processor decodes it (those without the feature treat it as a no-op);
    // - it touches no register but its input, no flag and no stack, as the options say.
    unsafe {
        core::arch::asm!("prefetchw [{}]", in(reg) ptr, options(nostack, preserves_flags, readonly));
    }
    #[cfg(all(target_arch = "aarch64", not(miri), not(loom)))]
    // SAFETY: PRFM is a hint that never faults and changes no architectural state, whatever the address; it
    // touches no register but its input, no flag and no stack, as the options say.
    unsafe {
        core::arch::asm!("prfm pstl1keep, [{}]", in(reg) ptr, options(nostack, preserves_flags, readonly));
    }
    #[cfg(not(all(any(target_arch = "x86_64", target_arch = "aarch64"), not(miri), not(loom))))]
    let _ = ptr;
}

/// Lets a moment pass: `times` hints to the processor that this thread waits for another one, of some 20 ns each on the
/// x86-64 processors of today. loom's hint says that only another thread can go on, which is not so here.
#[inline(always)]
pub(crate) fn pause(times: usize) {
    #[cfg(not(loom))]
    for _ in 0..times {
        core::hint::spin_loop();
    }
    #[cfg(loom)]
    let _ = times;
}
