//! What types promise about themselves, checked when this file compiles.
#![cfg(not(loom))]

use core::cell::Cell;
use core::mem::align_of;
use std::rc::Rc;
use std::sync::MutexGuard;

use annulet::error::{ClaimError, PopError, PushError};
use annulet::ring::broadcast::{
    Gated, GatedReader, JoinError, LatestError, Overwrite, Pressure, ReadError, Reader, Writer,
};
use annulet::ring::lanes::{
    AdaptiveRoundRobin, LaneClaim, LaneConsumer, LaneProducer, Priority, RegisterError, RoundRobin,
};
use annulet::ring::{Consumer, Multi, Producer, ReadGrant, Ref, Sides, Single, TryIter, WriteGrant};
use annulet::stats::Counts;
use annulet::words::{Entry, InvalidWord, Unchecked};
use annulet::{Broadcast, Lanes, Mpmc, Spsc};
use static_assertions::{assert_impl_all, assert_not_impl_any, const_assert_eq};

/// May be sent, not shared.
type Sent = Cell<u8>;
/// May be shared, not sent.
type Shared = MutexGuard<'static, u8>;
/// Neither.
type Neither = Rc<u8>;

// A ring moves its items from one thread to another, and shares none: it asks for `Send`, and for nothing more.
assert_impl_all!(Spsc<Sent, 4>: Send, Sync);
assert_not_impl_any!(Spsc<Shared, 4>: Send, Sync);
assert_not_impl_any!(Spsc<Neither, 4>: Send, Sync);

// Each end goes to whichever thread wants it; it is one thread's at a time, and there is one of it.
assert_impl_all!(Producer<'static, Sent>: Send);
assert_impl_all!(Consumer<'static, Sent>: Send);
assert_not_impl_any!(Producer<'static, u8>: Sync, Clone, Copy);
assert_not_impl_any!(Consumer<'static, u8>: Sync, Clone, Copy);
assert_not_impl_any!(Producer<'static, Shared>: Send);
assert_not_impl_any!(Consumer<'static, Shared>: Send);
assert_not_impl_any!(Producer<'static, Neither>: Send);
assert_not_impl_any!(Consumer<'static, Neither>: Send);
assert_not_impl_any!(Ref<'static>: Clone, Copy);

// So do the grants, and what they lend is lent once.
assert_impl_all!(WriteGrant<'static, Sent>: Send);
assert_impl_all!(ReadGrant<'static, Sent>: Send);
assert_impl_all!(TryIter<'static, Sent>: Send);
assert_not_impl_any!(WriteGrant<'static, Neither>: Send);
assert_not_impl_any!(ReadGrant<'static, Neither>: Send);
assert_not_impl_any!(TryIter<'static, Neither>: Send);
assert_not_impl_any!(WriteGrant<'static, u8>: Clone, Copy);
assert_not_impl_any!(ReadGrant<'static, u8>: Clone, Copy);
// E06: an iterator that takes items out cannot be cloned half way.
assert_not_impl_any!(TryIter<'static, u8>: Clone, Copy);

// A broadcast ring holds numbers, whatever its items are made of. Its handles go to whichever thread wants them. There
// is one writer; a reader that nobody waits for can be cloned, one that has a place cannot.
type Numbers = Broadcast<[u32; 3], 4>;
assert_impl_all!(Numbers: Send, Sync);
assert_impl_all!(Broadcast<u64, 4, Gated<2>>: Send, Sync);
assert_impl_all!(Broadcast<u64, 4, Gated<2>, Counts>: Send, Sync);
assert_impl_all!(Writer<'static, u32, 4>: Send);
assert_impl_all!(Writer<'static, u32, 4, Gated<2>>: Send);
assert_impl_all!(Reader<'static, u32, 4>: Send, Clone);
assert_impl_all!(GatedReader<'static, u32, 4, 2>: Send);
assert_not_impl_any!(Writer<'static, u32, 4>: Clone, Copy);
assert_not_impl_any!(Writer<'static, u32, 4, Gated<2>>: Clone, Copy);
assert_not_impl_any!(GatedReader<'static, u32, 4, 2>: Clone, Copy);
assert_not_impl_any!(Reader<'static, u32, 4>: Copy);
assert_not_impl_any!(Overwrite: Clone, Copy);
assert_impl_all!(Unchecked<bool>: Copy, Send, Sync, Entry);
assert_not_impl_any!(bool: Entry);
assert_not_impl_any!(usize: Entry);
assert_impl_all!(InvalidWord: Copy, Send, Sync, core::error::Error);
assert_impl_all!(LatestError: Copy, Send, Sync, core::error::Error);
assert_impl_all!(ReadError: Copy, Send, Sync, core::error::Error);
assert_impl_all!(JoinError: Copy, Send, Sync, core::error::Error);
assert_impl_all!(Pressure: Copy, Send, Sync);
const_assert_eq!(size_of::<JoinError>(), 1);
const_assert_eq!(size_of::<Result<(), ReadError>>(), size_of::<Option<u64>>());

// Lanes are as the rings in them: a producer is one thread's at a time, a consumer too, and only one of many is cloned.
assert_impl_all!(Lanes<Sent, 4, 2>: Send, Sync);
assert_not_impl_any!(Lanes<Shared, 4, 2>: Send, Sync);
assert_not_impl_any!(Lanes<Neither, 4, 2>: Send, Sync);
assert_impl_all!(LaneProducer<'static, Sent>: Send);
assert_impl_all!(LaneConsumer<'static, Sent, 4, 2, RoundRobin>: Send);
assert_impl_all!(LaneConsumer<'static, Sent, 4, 2, AdaptiveRoundRobin, Sides<Single, Multi>>: Send, Clone);
assert_not_impl_any!(LaneProducer<'static, u8>: Sync, Clone, Copy);
assert_not_impl_any!(LaneProducer<'static, u8, Sides<Single, Multi>>: Sync, Clone, Copy);
assert_not_impl_any!(LaneProducer<'static, Neither>: Send);
assert_not_impl_any!(LaneConsumer<'static, u8, 4, 2, Priority>: Sync, Clone, Copy);
assert_not_impl_any!(LaneConsumer<'static, Neither, 4, 2, Priority>: Send);
assert_not_impl_any!(LaneClaim<'static>: Clone, Copy);
assert_impl_all!(RegisterError: Copy, Send, Sync, core::error::Error);
const_assert_eq!(size_of::<RegisterError>(), 1);

#[cfg(feature = "alloc")]
mod kept {
    use super::{Neither, Sent, Shared};
    use annulet::Spsc;
    use annulet::ring::lanes::GrowingLanes;
    use annulet::ring::{ArcRef, Multi, OwnedConsumer, OwnedProducer, Sides, Single};
    use static_assertions::{assert_impl_all, assert_not_impl_any};

    // Where each ring is on the heap, a pointer to it is: as a box of it.
    assert_impl_all!(GrowingLanes<Sent, 4, 2>: Send, Sync);
    assert_not_impl_any!(GrowingLanes<Shared, 4, 2>: Send, Sync);
    assert_not_impl_any!(GrowingLanes<Neither, 4, 2>: Send, Sync);
    assert_impl_all!(OwnedProducer<Sent, 4>: Send);
    assert_impl_all!(OwnedConsumer<Sent, 4>: Send);
    assert_impl_all!(OwnedProducer<Sent, 4, Sides<Multi, Single>>: Send, Clone);
    assert_not_impl_any!(OwnedProducer<u8, 4>: Sync, Clone, Copy);
    assert_not_impl_any!(OwnedConsumer<u8, 4>: Sync, Clone, Copy);
    assert_not_impl_any!(OwnedProducer<Shared, 4>: Send);
    assert_not_impl_any!(OwnedConsumer<Neither, 4>: Send);
    // A kept ring cannot be cloned through what keeps it, which would make a second holder of an end.
    assert_not_impl_any!(ArcRef<Spsc<u8, 4>>: Clone, Copy);
}

// A side of many can be cloned, a side of one cannot, whatever the other one is.
assert_impl_all!(Producer<'static, Sent, Sides<Multi, Single>>: Clone, Send);
assert_not_impl_any!(Consumer<'static, Sent, Sides<Multi, Single>>: Clone, Copy, Sync);
assert_impl_all!(Consumer<'static, Sent, Sides<Single, Multi>>: Clone, Send);
assert_not_impl_any!(Producer<'static, Sent, Sides<Single, Multi>>: Clone, Copy, Sync);
assert_not_impl_any!(Producer<'static, Neither, Sides<Multi, Multi>>: Send);
assert_not_impl_any!(Consumer<'static, Neither, Sides<Multi, Multi>>: Send);
assert_impl_all!(Mpmc<Sent, 4>: Send, Sync);
assert_not_impl_any!(Mpmc<Shared, 4>: Send, Sync);
assert_not_impl_any!(Mpmc<Neither, 4>: Send, Sync);

// Errors are small, say what they are, and go where their contents may go.
assert_impl_all!(PopError: Copy, Send, Sync, core::error::Error);
assert_impl_all!(ClaimError: Copy, Send, Sync, core::error::Error);
assert_impl_all!(PushError<Neither>: Clone, core::error::Error);
assert_not_impl_any!(PushError<Neither>: Copy, Send);
const_assert_eq!(size_of::<PopError>(), 1);
const_assert_eq!(size_of::<Result<(), PushError<u64>>>(), size_of::<Option<u64>>());
const_assert_eq!(size_of::<Result<u64, PopError>>(), size_of::<Option<u64>>());

// Nothing inside but the header and the slots, however many. The header is three lines where there are lines: each
// side's position, and who has the ends.
const ALIGN: usize = align_of::<Spsc<u8, 1>>();
const HEADER: usize = if cfg!(any(target_arch = "x86_64", target_arch = "aarch64")) {
    3 * 128
} else if cfg!(target_pointer_width = "64") {
    3 * 64
} else {
    3 * size_of::<usize>()
};
const_assert_eq!(size_of::<Spsc<(), 1>>(), HEADER.next_multiple_of(ALIGN));
const_assert_eq!(size_of::<Spsc<u8, 1>>(), (HEADER + 1).next_multiple_of(ALIGN));
const_assert_eq!(
    size_of::<Spsc<[usize; 3], 64>>(),
    (HEADER + 3 * 64 * size_of::<usize>()).next_multiple_of(ALIGN)
);

// An end has a pair of cache lines where there are such, and is otherwise as large as what it knows.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
const_assert_eq!(size_of::<Producer<'_, u8>>(), 128);
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
const_assert_eq!(size_of::<Consumer<'_, u8>>(), 128);

// It can be made when the program is compiled.
const _: Spsc<Box<u8>, 8> = Spsc::new();
static _RING: Spsc<Sent, 8> = Spsc::new();

// The same of a broadcast ring: one line and the slots, and as many lines as there are readers, and one more, where
// there are readers that the writer waits for.
const LINE: usize = HEADER / 3;
#[cfg(target_pointer_width = "64")]
const_assert_eq!(size_of::<Broadcast<[u32; 3], 64>>(), (LINE + 64 * 3 * 4).next_multiple_of(LINE));
#[cfg(target_pointer_width = "64")]
const_assert_eq!(
    size_of::<Broadcast<[u32; 3], 64, Gated<5>>>(),
    (LINE * 7 + 64 * 3 * 4).next_multiple_of(LINE)
);
// Counters: a set for the writer, two for the readers, on lines of their own.
#[cfg(target_pointer_width = "64")]
const_assert_eq!(
    size_of::<Broadcast<[u32; 3], 64, Overwrite, Counts>>(),
    size_of::<Broadcast<[u32; 3], 64>>()
        + (6 * size_of::<usize>()).next_multiple_of(LINE)
        + (12 * size_of::<usize>()).next_multiple_of(LINE)
);
#[cfg(not(target_pointer_width = "64"))]
const _: usize = LINE;

// Lanes are a line, and their rings.
#[cfg(target_pointer_width = "64")]
const_assert_eq!(size_of::<Lanes<u64, 16, 5>>(), LINE + 5 * size_of::<Spsc<u64, 16>>());
const _: Lanes<Box<u8>, 8, 4> = Lanes::new();
static _LANES: Lanes<Sent, 8, 32> = Lanes::new();

const _: Broadcast<u64, 8> = Broadcast::new();
const _: Broadcast<u64, 8, Overwrite, Counts> = Broadcast::new();
static _NUMBERS: Broadcast<[u32; 3], 8, Gated<32>> = Broadcast::new();

/// No two traits of the checked modules have one name: a kernel that takes all of both can name them.
mod names {
    use annulet::cap::*;
    use annulet::words::*;
    use static_assertions::assert_impl_all;

    assert_impl_all!(CapTable<4>: Access);
    assert_impl_all!(WordAccess: Copy);
}
