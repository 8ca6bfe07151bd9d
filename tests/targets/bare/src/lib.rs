//! Every operation that the crate exports for a target without an operating system, each in a function of its own
//! that a table names.
//!
//! The table is called through [`black_box`], with arguments that went through it too. So no operation is left
//! out, and none is specialised for the numbers it happens to be called with: what is linked is what a caller
//! that knows nothing would get.
//!
//! A new module of the crate gets a file here with a table of its own, and a line in [`run`].
#![no_std]

use core::hint::black_box;

/// Declares operations on a state, each a function of its own that may use two numbers, and `$all`, which calls every one of
/// them.
macro_rules! ops {
    (
        $all:ident $generics:tt $state:ty:
        $($(#[$attribute:meta])* $name:ident($on:pat, $a:pat, $b:pat) $body:block)*
    ) => {
        ops! { @fn $all $generics (state: &mut $state) {
            // Each by itself: the elements of an array would agree on one pointer, which may be too general.
            crate::call_all(&[$($(#[$attribute])* { $name as crate::Op<$state> }),*], state);
        }}
        $(
            ops! { @fn $(#[$attribute])* $name $generics ($on: &mut $state, $a: usize, $b: usize) -> usize $body }
        )*
    };
    (@fn $(#[$attribute:meta])* $name:ident [$($generics:tt)*] $($rest:tt)*) => {
        $(#[$attribute])*
        fn $name<$($generics)*> $($rest)*
    };
}

mod broadcast;
mod cap;
#[cfg(compare_and_swap)]
mod channel;
mod entries;
#[cfg(compare_and_swap)]
mod events;
mod lanes;
mod link;
#[cfg(compare_and_swap)]
mod many;
#[cfg(compare_and_swap)]
mod region;
mod spsc;
#[cfg(compare_and_swap)]
mod wait;

/// Runs every operation once. It is linked and looked at, hardly ever run.
pub fn run() {
    spsc::run::<u32>();
    spsc::run_copy::<u32>();
    spsc::run_copy::<[u8; 24]>();
    spsc::run::<item::Token>();
    #[cfg(compare_and_swap)]
    {
        many::run::<u32>();
        many::run::<item::Token>();
        many::run_copy::<[u8; 24]>();
        events::run();
        channel::run();
    }
    broadcast::run();
    lanes::run();
    link::run();
    entries::run();
    cap::run();
    #[cfg(compare_and_swap)]
    {
        region::run();
        wait::run();
    }
}

/// One operation on `S`, with two numbers that it may use as it likes.
type Op<S> = fn(&mut S, usize, usize) -> usize;

/// Calls every operation of `table` on `state`, telling the compiler nothing.
fn call_all<S>(table: &[Op<S>], state: &mut S) {
    for op in black_box(table) {
        black_box(op(black_box(&mut *state), black_box(1), black_box(2)));
    }
}

mod item {
    use core::sync::atomic::{AtomicUsize, Ordering};

    /// An item made from a number, and seen as one.
    pub trait Item {
        fn of(number: usize) -> Self;
        fn see(&self) -> usize;
    }

    impl Item for u32 {
        fn of(number: usize) -> Self {
            number as u32
        }
        fn see(&self) -> usize {
            *self as usize
        }
    }

    /// Longer than a word and not a power of two.
    impl Item for [u8; 24] {
        fn of(number: usize) -> Self {
            [number as u8; 24]
        }
        fn see(&self) -> usize {
            usize::from(self[23])
        }
    }

    /// Its `Drop` does something that can be seen.
    pub struct Token(usize);

    static LAST: AtomicUsize = AtomicUsize::new(0);

    impl Item for Token {
        fn of(number: usize) -> Self {
            Self(number)
        }
        fn see(&self) -> usize {
            self.0
        }
    }

    impl Drop for Token {
        fn drop(&mut self) {
            LAST.store(self.0, Ordering::Relaxed);
        }
    }
}
