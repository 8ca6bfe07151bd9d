//! Dropping items that will not be read: of an owned channel whose receivers are gone.

use super::owner::Ref;
use super::slots::RingPtr;
use crate::atomic::fence;
use crate::index::{Arity, SideRules as _};
use crate::span::Counter;

impl<T, A: Arity> RingPtr<T, A> {
    /// Drops all items that are there and those that come while it is at it, unless another thread is at it: then that one
    /// does. What is on its way then is left to its producer, which calls this after it.
    pub(crate) fn discard(self) {
        discard_all(&|| self.skip_all(), &|| self.is_ready());
    }

    /// Drops all items that are there. Returns false if the consumer's end is in use.
    fn skip_all(self) -> bool {
        // SAFETY: the consumer is gone before this returns, until when the holder of this pointer keeps the ring alive, and gives
        // its end back to this ring.
        let consumer = unsafe { self.try_consumer_of(|| Ref::claimed(&self.index.header().ends.0)) };
        consumer.is_some_and(|mut consumer| {
            while consumer.skip(consumer.capacity()) > 0 {}
            true
        })
    }

    /// Returns whether the next slot holds an item, or was aborted.
    fn is_ready(self) -> bool {
        let (index, head) = (self.index, A::Consumers::observed(&self.index.header().head.0));
        index.written_until(head, 0, 1).since(head) > 0
            || (A::Producers::SHARED && index.slot_state(head).is_some())
    }
}

/// Drops what nobody will read, until there is nothing, or another thread is at it.
///
/// `skip_all` takes the consumer's end, drops what is there, and gives the end back. It returns false if the end is in use.
/// `is_ready` returns whether there is something.
pub(super) fn discard_all(skip_all: &dyn Fn() -> bool, is_ready: &dyn Fn() -> bool) {
    // If the drop of an item panics, the rest are dropped all the same.
    let resume = Resume(skip_all, is_ready);
    while skip_all() {
        // A producer that found the end taken has left its item to this thread. It has passed a fence between the
        // item and that, so the item is seen after this one. So is that of a producer that did not see, after its own
        // fence, that the receivers are gone, and that a thread watches: this thread has said that, or seen it.
        fence::given_back();
        if !is_ready() {
            break;
        }
    }
    core::mem::forget(resume);
}

/// Goes on with [`discard_all`] when it is dropped.
struct Resume<'r>(&'r dyn Fn() -> bool, &'r dyn Fn() -> bool);

impl Drop for Resume<'_> {
    fn drop(&mut self) {
        if !crate::sync::is_over() {
            discard_all(self.0, self.1);
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use crate::index::SideRules as _;
    use crate::ring::{Arity, Multi, Raw as _, Ring, Sides, Single};
    use std::cell::Cell;
    use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

    /// Counts its drops, and panics in it if it is a bomb.
    struct Item<'c> {
        drops: &'c Cell<u32>,
        is_bomb: bool,
    }

    impl Drop for Item<'_> {
        fn drop(&mut self) {
            self.drops.set(self.drops.get() + 1);
            if self.is_bomb {
                // Without the hook, which would print it.
                resume_unwind(Box::new(()));
            }
        }
    }

    #[test]
    fn what_nobody_will_read_is_dropped() {
        fn play<A: Arity>() {
            let drops = Cell::new(0);
            let item = |is_bomb| Item { drops: &drops, is_bomb };
            let ring = Ring::<Item<'_>, 4, A>::new();
            let mut tx = ring.try_producer().unwrap();
            ring.ptr().discard();
            assert!(tx.try_push(item(true)).is_ok());
            // A slot that was given up, if producers are many.
            drop(tx.try_claim(1));
            assert!(tx.try_push(item(false)).is_ok());
            assert!(
                catch_unwind(AssertUnwindSafe(|| ring.ptr().discard())).is_err(),
                "the panic comes through"
            );
            assert_eq!((drops.get(), ring.len()), (2, 0), "and the others are dropped all the same");

            // The holder of the end does it.
            let rx = ring.try_consumer();
            assert!(tx.try_push(item(false)).is_ok());
            ring.ptr().discard();
            assert_eq!(drops.get(), 2 + u32::from(A::Consumers::SHARED));
            drop(rx);
            ring.ptr().discard();
            assert_eq!(drops.get(), 3);
        }
        play::<Sides<Single, Single>>();
        play::<Sides<Multi, Single>>();
        play::<Sides<Single, Multi>>();
        play::<Sides<Multi, Multi>>();
    }

    /// Returns whether there is more to drop: an item, or a slot that was given up, which an item may come after.
    #[test]
    fn what_comes_meanwhile_is_seen() {
        fn play<A: Arity>() {
            let ring = Ring::<u32, 4, A>::new();
            let mut tx = ring.try_producer().unwrap();
            assert!(!ring.ptr().is_ready());
            tx.try_push(1).unwrap();
            assert!(ring.ptr().is_ready());
            ring.ptr().discard();
            let grant = tx.try_claim(1).unwrap();
            assert!(!ring.ptr().is_ready(), "whoever writes it comes here after that");
            drop(grant);
            assert_eq!(ring.ptr().is_ready(), A::Producers::SHARED);
        }
        play::<Sides<Single, Single>>();
        play::<Sides<Multi, Single>>();
        play::<Sides<Single, Multi>>();
        play::<Sides<Multi, Multi>>();
    }
}
