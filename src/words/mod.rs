//! Memory that a peer may write: words that are loaded once.
//!
//! Code that touches such memory is generic over two traits: [`ReadWords`] for words that the peer writes, and [`WriteWords`]
//! for words that we write. A word has 32 bits, is little-endian and naturally aligned, and is always accessed whole and
//! atomically. Implement the traits for memory of your own; the backends here are for the usual cases.
//!
//! The traits are safe. No code in this crate relies on an implementation telling the truth: each value is only what the peer
//! claims. A value that is copied through such words is an [`Entry`]; [`entry!`](crate::entry!) defines structs that are. A value
//! that not all words are valid for, such as a `bool` or an enum, crosses as [`Unchecked`].
//!
//! | backend | for |
//! |---|---|
//! | `&Window` ([`link`](crate::link)) | both sides in one address space; a kernel page |
//! | [`OwnMapping`], [`PeerMapping`] | a mapping that another process has too |
//! | [`Counting`] | tests: how many accesses an operation makes |
//! | [`Adversary`] | tests: a value of your choice behind every single load |
//!
//! # Examples
//!
//! A backend that returns the same value everywhere, and links over it:
//!
//! ```
//! use annulet::link::{Fault, Link, LinkError, Window};
//! use annulet::words::ReadWords;
//!
//! struct Same(u32);
//!
//! impl ReadWords for Same {
//!     fn read(&self, _: usize) -> u32 { self.0 }
//!     fn observe(&self, _: usize) -> u32 { self.0 }
//! }
//!
//! let mine = Window::<u32, 4>::new();
//! let mut link = Link::<u32, 4, _, _>::new(&mine, Same(1));
//! assert_eq!(link.try_recv(), Ok(1), "a tail of 1, and an entry");
//! assert_eq!(link.try_recv(), Err(LinkError::Empty));
//!
//! let mut link = Link::<u32, 4, _, _>::new(&mine, Same(9));
//! assert_eq!(link.try_recv(), Err(LinkError::Corrupt(Fault::Tail)), "nine entries in four slots");
//! ```
//!
//! # Guarantees
//!
//! | access | ordering | pairs with |
//! |---|---|---|
//! | [`ReadWords::observe`] | Acquire (of a mapping: Relaxed, and an Acquire fence) | the other side's `publish` of that word |
//! | [`WriteWords::publish`] | Release | the other side's `observe` of that word |
//! | `read`, `write` | Relaxed | ordered by the two above |

mod adversary;
#[cfg(feature = "zerocopy-v0.8")]
mod bytes;
mod counting;
mod entry;
mod entry_macro;
mod fingerprint;
mod image;
mod numbers;
mod tuples;
mod unchecked;
mod values;

pub use adversary::{Adversary, WordAccess};
#[cfg(feature = "zerocopy-v0.8")]
pub use bytes::{Bytes, words_of};
pub use counting::Counting;
pub use entry::Entry;
#[doc(hidden)]
pub use entry_macro::{discriminant_word, image_from_words, image_to_words};
pub use image::Image;
#[cfg(all(test, not(loom)))]
pub(crate) use image::sealed::Sealed as SealedImage;
pub use unchecked::{InvalidWord, TryEntry, Unchecked};

use core::marker::PhantomData;
use core::ptr::NonNull;

use crate::atomic::site::{Site, fence, order};
use crate::sync::{AtomicU32, Ordering};

/// Words that a peer writes.
///
/// `at` is a word's number from the start of the window. An implementation returns any number for any `at`,
/// as the peer could, and does not panic. Real backends return 0 beyond their end.
pub trait ReadWords {
    /// Loads a word once, Relaxed.
    fn read(&self, at: usize) -> u32;
    /// Loads a word once, Acquire: later reads see what the peer wrote before it published this value.
    fn observe(&self, at: usize) -> u32;
}

/// Words that we write, and never read back.
///
/// An implementation does not panic. Real backends ignore a write beyond their end.
pub trait WriteWords {
    /// Stores a word once, Relaxed.
    fn write(&self, at: usize, value: u32);
    /// Stores a word once, Release: a peer that observes this value sees what was written before.
    fn publish(&self, at: usize, value: u32);
}

impl<W: ReadWords + ?Sized> ReadWords for &W {
    #[inline(always)]
    fn read(&self, at: usize) -> u32 {
        (**self).read(at)
    }
    #[inline(always)]
    fn observe(&self, at: usize) -> u32 {
        (**self).observe(at)
    }
}

impl<W: WriteWords + ?Sized> WriteWords for &W {
    #[inline(always)]
    fn write(&self, at: usize, value: u32) {
        (**self).write(at, value);
    }
    #[inline(always)]
    fn publish(&self, at: usize, value: u32) {
        (**self).publish(at, value);
    }
}

/// The accesses to one word in memory, for the backends that have memory.
pub(crate) trait SharedWord {
    fn get(&self) -> u32;
    fn acquire(&self) -> u32;
    fn set(&self, value: u32);
    fn release(&self, value: u32);
}

impl SharedWord for AtomicU32 {
    #[inline(always)]
    fn get(&self) -> u32 {
        u32::from_le(self.load(Ordering::Relaxed))
    }
    #[inline(always)]
    fn acquire(&self) -> u32 {
        // Pairs with `release` of the same word by its one writer.
        u32::from_le(self.load(order(Site::WordsObserve, Ordering::Acquire)))
    }
    #[inline(always)]
    fn set(&self, value: u32) {
        self.store(value.to_le(), Ordering::Relaxed);
    }
    #[inline(always)]
    fn release(&self, value: u32) {
        // Pairs with `acquire` of the same word by its reader.
        self.store(value.to_le(), order(Site::WordsPublish, Ordering::Release));
    }
}

/// The whole fence between asking for a notification, and the last look before a sleep. Of two sides that cross, one sees the
/// other.
#[inline]
pub(crate) fn sleeping() {
    // Pairs with `rousing`.
    fence(Site::SleepFence, Ordering::SeqCst);
}

/// The whole fence between what I have published, and the look whether the peer asks for a notification.
#[inline]
pub(crate) fn rousing() {
    // Pairs with `sleeping`.
    fence(Site::RouseFence, Ordering::SeqCst);
}

/// How many words a value takes in shared memory.
pub trait WordCount {
    /// The number of words.
    const WORDS: usize;
}

/// `X::WORDS` words in a mapping that `keep` keeps mapped.
///
/// Mapped memory is not part of this program. It is reached by atomic accesses through a pointer, and no reference to more
/// than one word of it ever exists.
#[derive(Debug)]
struct MappedWords<X, K> {
    base: NonNull<AtomicU32>,
    keep: K,
    extent: PhantomData<fn() -> X>,
}

impl<X: WordCount, K> MappedWords<X, K> {
    /// Words at `base`, which stays valid as the maker promises.
    fn new(base: NonNull<u32>, keep: K) -> Self {
        // In memory an atomic is its integer. A model's is larger, and there `base` points to atomics of the model.
        #[cfg(not(loom))]
        const {
            assert!(size_of::<AtomicU32>() == 4 && align_of::<AtomicU32>() == 4)
        };
        Self { base: base.cast(), keep, extent: PhantomData }
    }

    #[inline(always)]
    fn cell(&self, at: usize) -> Option<&AtomicU32> {
        if at >= X::WORDS {
            return None;
        }
        // SAFETY: `at` is below `X::WORDS`, and `base` is valid for that many words (the maker's promise).
        let word = unsafe { self.base.add(at) };
        // A reference where `AtomicU32::from_ptr` would ask for memory that can be written, too.
        // SAFETY:
        // - aligned and mapped as long as `keep` lives, which outlasts the borrow of `self` (maker's promise);
        // - in this process, only atomic accesses of this width are made to it while that is so (likewise);
        //   another process is not part of the memory model, and its stores tear no naturally aligned word;
        // - a word that is mapped read-only is only loaded, and Relaxed: see `PeerMapping`.
        Some(unsafe { word.as_ref() })
    }

    /// As `cell`, for the kernel's interfaces, which take core's atomic.
    #[cfg(not(loom))]
    fn word(&self, at: usize) -> Option<&core::sync::atomic::AtomicU32> {
        let word: NonNull<core::sync::atomic::AtomicU32> = NonNull::from(self.cell(at)?).cast();
        // SAFETY: it is one of the words, as `cell` has it, and every atomic of 32 bits has the layout of its integer
        // (`new` asserts it of ours). All accesses through either reference are atomic and of this width.
        Some(unsafe { word.as_ref() })
    }
}

macro_rules! place_access {
    ($name:ident: $trait:ident { $($body:tt)* } $(#[$meta:meta])* $word_vis:vis word) => {
        // SAFETY: the words are reached only by atomic accesses, which any thread may make, as long as the mapping
        // lives; what keeps it may itself move to another thread.
        unsafe impl<X, K: Send> Send for $name<X, K> {}
        // SAFETY: as above; shared use is atomic accesses too.
        unsafe impl<X, K: Sync> Sync for $name<X, K> {}

        impl<X: WordCount, K> $name<X, K> {
            /// Returns what keeps the words mapped.
            pub fn keep(&self) -> &K {
                &self.0.keep
            }

            /// Returns a word, for a system call that waits on it, or `None` beyond the end.
            ///
            /// In memory the word is little-endian.
            #[cfg(not(loom))]
            $(#[$meta])*
            $word_vis fn word(&self, at: usize) -> Option<&core::sync::atomic::AtomicU32> {
                self.0.word(at)
            }
        }

        impl<X: WordCount, K> $trait for $name<X, K> {
            $($body)*
        }
    };
}

/// A window of ours, in a mapping that a peer can read.
#[derive(Debug)]
pub struct OwnMapping<X, K>(MappedWords<X, K>);

impl<X: WordCount, K> OwnMapping<X, K> {
    /// Makes the window at `base`.
    ///
    /// # Safety
    ///
    /// - `base` is mapped readable and writable for `X::WORDS` words, aligned to 4, as long as `keep` lives,
    ///   wherever `keep` is moved.
    /// - As long as `keep` lives, this process touches those words only through `OwnMapping` and [`PeerMapping`] values,
    ///   or by atomic accesses of 32 bits.
    pub unsafe fn new(base: NonNull<u32>, keep: K) -> Self {
        Self(MappedWords::new(base, keep))
    }
}

place_access!(OwnMapping: WriteWords {
    #[inline(always)]
    fn write(&self, at: usize, value: u32) {
        if let Some(word) = self.0.cell(at) {
            word.set(value);
        }
    }
    #[inline(always)]
    fn publish(&self, at: usize, value: u32) {
        if let Some(word) = self.0.cell(at) {
            // Pairs with `PeerMapping::observe` of the same word in the peer.
            word.release(value);
        }
    }
} pub word);

/// A window that a peer writes, in a mapping of ours that may be read-only.
///
/// Of the atomic accesses, only Relaxed loads are promised to work on read-only memory. So an Acquire load is a Relaxed one and
/// a fence, as `core::sync::atomic` has it. The words are not public, since a caller could store to one:
///
/// ```compile_fail,E0624
/// fn harm<X: annulet::words::WordCount, K>(foreign: &annulet::words::PeerMapping<X, K>) {
///     foreign.word(0).unwrap().store(1, core::sync::atomic::Ordering::Relaxed);
/// }
/// ```
#[derive(Debug)]
pub struct PeerMapping<X, K>(MappedWords<X, K>);

impl<X: WordCount, K> PeerMapping<X, K> {
    /// Makes the window at `base`.
    ///
    /// # Safety
    ///
    /// - `base` is mapped readable for `X::WORDS` words, aligned to 4, as long as `keep` lives, wherever `keep`
    ///   is moved, and reading it cannot fault (see the module `host` for what that takes).
    /// - As long as `keep` lives, this process touches those words only through [`OwnMapping`] and `PeerMapping` values,
    ///   or by atomic accesses of 32 bits.
    pub unsafe fn new(base: NonNull<u32>, keep: K) -> Self {
        Self(MappedWords::new(base, keep))
    }
}

place_access!(PeerMapping: ReadWords {
    #[inline(always)]
    fn read(&self, at: usize) -> u32 {
        self.0.cell(at).map_or(0, SharedWord::get)
    }
    #[inline(always)]
    fn observe(&self, at: usize) -> u32 {
        let value = self.read(at);
        // Pairs with `OwnMapping::publish` of the same word in the peer.
        fence(Site::MappingObserve, Ordering::Acquire);
        value
    }
} #[cfg_attr(not(all(feature = "std", target_os = "linux")), allow(dead_code))] pub(crate) word);
