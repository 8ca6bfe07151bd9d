//! Shadow cells, by which loom sees accesses to slots that are made through raw pointers.

use crate::sync::const_fn;

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
    // Without compare-and-swap no reader joins those that are tracked.
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
