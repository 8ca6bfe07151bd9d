//! The ring across a trust boundary: two windows, each written by one side only.
//!
//! Use a [`Link`] between a kernel and a task, or between two processes, if one side may lie. Between parties that trust each
//! other, a [`Ring`](crate::ring::Ring) is cheaper. A link never waits; on Linux, a `host::Endpoint` is a link that does.
//!
//! Each side owns a [`Window`] that it alone can write, and sees the peer's, best read-only. A link is my window, the peer's
//! window, and what I know privately: my positions, the geometry (`N`, `E`), the epoch. No decision is based on a word of mine
//! that is read back from shared memory.
//!
//! ```text
//!        my window (I write)                    the peer's window (I only read)
//!   ┌──────┬──────┬───────────┐            ┌──────┬──────┬───────────┐
//!   │ tail │ head │ slots ... │            │ tail │ head │ slots ... │
//!   └──┬───┴───▲──┴─────┬─────┘            └──┬───┴───▲──┴─────┬─────┘
//!      └ what I send ───┘ ─── observed by ──────────┐  └ observed by me
//!                                             peer's head says how much of it was taken
//! ```
//!
//! An [`Entry`] that arrives is still what the peer chose to send: numbers. Descriptors among them become bytes only through
//! [`Validator::check`](crate::region::Validator::check), and a `bool` or an enum only through
//! [`Unchecked::check`](crate::words::Unchecked::check).
//!
//! # Examples
//!
//! ```
//! use annulet::link::{Link, LinkError, Window};
//!
//! let (kernel, task) = (Window::<u64, 8>::new(), Window::<u64, 8>::new());
//! let mut k = Link::<u64, 8, _, _>::new(&kernel, &task);
//! let mut t = Link::<u64, 8, _, _>::new(&task, &kernel);
//!
//! t.try_send(&42).unwrap();
//! assert_eq!(k.try_recv(), Ok(42));
//! assert_eq!(k.try_recv(), Err(LinkError::Empty));
//! ```
//!
//! # Guarantees
//!
//! Against a peer that writes anything at any time:
//!
//! | | |
//! |---|---|
//! | memory | only the two windows are touched, and only within their bounds |
//! | single fetch | an operation loads each shared word at most once, and decides by the copy it uses |
//! | receiving | `try_recv` loads at most one word and those of an entry, and stores one |
//! | sending | `try_send` loads at most one word, and stores one and those of an entry |
//! | batches | `try_drain` and `try_send_iter` load the peer's index at most once, at their start |
//! | bounded | no loop depends on shared data |
//! | panics | none: nothing overflows, and nothing is divided by |
//! | truth | an empty link is [`LinkError::Empty`], a lying peer is [`LinkError::Corrupt`] |
//! | poison | after `Corrupt`, each call answers [`LinkError::Poisoned`] without shared memory, until [`Link::reset`] |
//! | waiting | never; a caller that sleeps is woken by the peer: [`Link::enable_notification`] |
//! | a peer that stops | is `Empty` or `Full`: entries that were sent stay readable, half-written ones are invisible |

mod error;
mod header;
mod index_word;
mod look;
mod notification;
mod window;

pub use crate::words::{Entry, Image};
pub use error::{Fault, HeaderError, LinkError};
pub use header::{Geometry, HEADER_BYTES, WindowHeader};
pub use notification::Interest;
pub use window::Window;

use core::fmt;
use core::marker::PhantomData;

use crate::words::{ReadWords, WriteWords};
use window::{HEAD, SLOTS, TAIL, WAKE};

/// One side of a link, in both directions: it sends through `mine` and receives from `theirs`.
///
/// `E` is the type of its entries. `N`, a power of two, is how many can be under way in each direction. There is one `Link` for
/// each side. It is `Send`, and every method is one bounded try.
///
/// # Lifecycle
///
/// After [`close`](Self::close), nothing more is sent or taken. The peer drains what was sent, and then gets
/// [`LinkError::Closed`]. A peer that lies poisons the link. After either, [`reset`](Self::reset) begins a new epoch, and drops
/// what was under way. The peer then gets [`LinkError::PeerReset`], and follows with a reset of its own.
///
/// # Examples
///
/// ```
/// use annulet::link::{Link, LinkError, Window};
///
/// let (a, b) = (Window::<u32, 4>::new(), Window::<u32, 4>::new());
/// let mut tx = Link::<u32, 4, _, _>::new(&a, &b);
/// let mut rx = Link::<u32, 4, _, _>::new(&b, &a);
///
/// assert_eq!(tx.try_send_iter(1..), Ok(4));
/// assert_eq!(tx.try_send(&5), Err(LinkError::Full));
/// tx.close();
/// let mut seen = vec![];
/// assert_eq!(rx.try_drain(9, |entry| seen.push(entry)), Ok(4));
/// assert_eq!(seen, [1, 2, 3, 4]);
/// assert_eq!(rx.try_recv(), Err(LinkError::Closed));
///
/// tx.reset().unwrap();
/// assert_eq!(tx.try_recv(), Err(LinkError::StaleEpoch));
/// rx.reset().unwrap();
/// rx.try_send(&6).unwrap();
/// assert_eq!(tx.try_recv(), Ok(6));
/// ```
pub struct Link<E: Entry, const N: usize, M, F> {
    mine: M,
    theirs: F,
    state: LinkState,
    epoch: u32,
    /// My tail, and the peer's head when I last looked.
    sent: u32,
    taken: u32,
    /// The first position that I may not write: `taken + N`, or `sent` if I may not write at all.
    limit: u32,
    /// My head, and the peer's tail when I last looked. If they are equal, I must look again.
    head: u32,
    tail: u32,
    /// Whether the peer said that its tail, or its head, is final.
    no_more: bool,
    no_takers: bool,
    entry: PhantomData<fn() -> E>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LinkState {
    Open,
    Closed,
    Poisoned,
}

impl<E: Entry, const N: usize, M: WriteWords, F: ReadWords> Link<E, N, M, F> {
    /// `N` is asserted to be a power of two that fits a position.
    #[allow(clippy::cast_possible_truncation)]
    const CAPACITY: u32 = {
        let () = Window::<E, N>::CHECKED;
        N as u32
    };

    /// Makes a link of two new windows: mine, which only I write, and the peer's.
    ///
    /// Both sides must have made theirs with the same `E` and `N`. [`WindowHeader`] checks that for a window that another
    /// process made. Nothing is read or written yet.
    pub fn new(mine: M, theirs: F) -> Self {
        Self::starting_at(mine, theirs, 0)
    }

    /// As `new`, with both directions at position `origin`, to test what happens when positions wrap. The windows must
    /// be at it, too.
    #[doc(hidden)]
    pub fn starting_at(mine: M, theirs: F, origin: u32) -> Self {
        let origin = origin & index_word::MAX_POSITION;
        Self {
            mine,
            theirs,
            state: LinkState::Open,
            epoch: 0,
            sent: origin,
            taken: origin,
            limit: origin.wrapping_add(Self::CAPACITY) & index_word::MAX_POSITION,
            head: origin,
            tail: origin,
            no_more: false,
            no_takers: false,
            entry: PhantomData,
        }
    }

    /// Publishes that both directions are at `origin`, as `starting_at` assumes.
    #[doc(hidden)]
    pub fn publish_origin(&self) {
        self.publish_index(TAIL, self.sent);
        self.publish_index(HEAD, self.head);
    }

    fn publish_index(&self, at: usize, position: u32) {
        self.mine.publish(at, index_word::encode(self.epoch, self.state == LinkState::Closed, position));
    }

    /// Sends one entry. It is visible to the peer when this returns.
    ///
    /// # Errors
    ///
    /// Nothing was written then.
    ///
    /// - [`Full`](LinkError::Full) while the peer has not taken what was sent.
    /// - [`Closed`](LinkError::Closed) after a close of mine; of the peer's once it is seen, which is when there is no room.
    /// - [`Corrupt`](LinkError::Corrupt) if the peer lied, and [`Poisoned`](LinkError::Poisoned) after that.
    /// - [`StaleEpoch`](LinkError::StaleEpoch) and [`PeerReset`](LinkError::PeerReset) around a reset.
    #[inline]
    pub fn try_send(&mut self, entry: &E) -> Result<(), LinkError> {
        if self.sent == self.limit {
            self.look_for_room()?;
        }
        self.sent = self.put(self.sent, entry);
        self.publish_index(TAIL, self.sent);
        Ok(())
    }

    /// Sends entries of `iter` until there is no room or it ends. Returns how many. The peer sees them together.
    ///
    /// No entry is taken from `iter` without room for it, and one call sends at most `N`. Room that the peer made before the
    /// call is used: the call looks at the peer's head once, unless it knows of enough room for all of `iter`. If `iter`
    /// panics, none is sent.
    ///
    /// # Errors
    ///
    /// As [`try_send`](Self::try_send), if there was no room for any entry.
    pub fn try_send_iter(&mut self, iter: impl IntoIterator<Item = E>) -> Result<usize, LinkError> {
        let iter = iter.into_iter();
        let most = iter.size_hint().1.map_or(N, |most| most.min(N));
        let mut room = index_word::since(self.limit, self.sent) as usize;
        if room == 0 || room < most {
            self.look_for_room()?;
            room = index_word::since(self.limit, self.sent) as usize;
        }
        let (mut count, mut at) = (0, self.sent);
        for entry in iter.take(room) {
            at = self.put(at, &entry);
            count += 1;
        }
        if count > 0 {
            self.sent = at;
            self.publish_index(TAIL, at);
        }
        Ok(count)
    }

    /// Receives one entry. Its slot is free for the peer when this returns.
    ///
    /// If the entry's [`from_image`](Entry::from_image) panics, the entry is lost, and its slot is free all the same.
    ///
    /// # Errors
    ///
    /// - [`Empty`](LinkError::Empty) if everything that was sent has been received.
    /// - [`Closed`](LinkError::Closed) if, besides, the peer or I have closed.
    /// - [`Corrupt`](LinkError::Corrupt) if the peer lied, and [`Poisoned`](LinkError::Poisoned) after that.
    /// - [`StaleEpoch`](LinkError::StaleEpoch) and [`PeerReset`](LinkError::PeerReset) around a reset.
    #[inline]
    pub fn try_recv(&mut self) -> Result<E, LinkError> {
        if self.head == self.tail {
            self.look_for_entries()?;
        }
        Ok(PublishHead(self).0.take())
    }

    /// Receives up to `max` entries into `f`. Returns how many. Their slots become free together.
    ///
    /// Everything that the peer sent before the call is there: the call looks at its tail once, unless it knows of `max` entries
    /// already. What the peer sends while `f` runs is for the next call. If `f` panics, the entries up to then are received.
    ///
    /// # Errors
    ///
    /// As [`try_recv`](Self::try_recv), if there was no entry. [`Corrupt`](LinkError::Corrupt) whenever the look finds a lie.
    pub fn try_drain(&mut self, max: usize, mut f: impl FnMut(E)) -> Result<usize, LinkError> {
        if max == 0 && !self.is_poisoned() {
            return Ok(0);
        }
        let known = self.known_entries();
        if known == 0 || known < max {
            match self.look_for_entries() {
                // Entries that arrived before come first, whatever the peer has said since.
                Err(LinkError::Closed | LinkError::PeerReset | LinkError::StaleEpoch) if known > 0 => {}
                looked => looked?,
            }
        }
        let count = max.min(self.known_entries());
        let said = PublishHead(self);
        for _ in 0..count {
            let entry = said.0.take();
            f(entry);
        }
        drop(said);
        Ok(count)
    }

    /// Closes both directions: I neither send nor take any more. What the peer has sent can still be received.
    pub fn close(&mut self) {
        if self.state == LinkState::Open {
            self.state = LinkState::Closed;
            self.limit = self.sent;
            self.publish_index(TAIL, self.sent);
            self.publish_index(HEAD, self.head);
        }
    }

    /// Begins a new epoch in both directions, and drops what was under way.
    ///
    /// It is the way out of `Poisoned`, `Closed` and `PeerReset`. Until the peer has followed, calls answer
    /// [`StaleEpoch`](LinkError::StaleEpoch). My slots are not written before that, since the peer may still be reading them.
    /// A peer that sleeps is to be woken: both of its words change.
    ///
    /// # Errors
    ///
    /// [`Retired`](LinkError::Retired) after 127 resets: the epochs are used up, and the link needs new windows.
    pub fn reset(&mut self) -> Result<(), LinkError> {
        if self.epoch >= index_word::LAST_EPOCH {
            self.poison();
            return Err(LinkError::Retired);
        }
        self.epoch += 1;
        self.state = LinkState::Open;
        // No room until the peer's head is seen in this epoch: it may still be reading my slots.
        (self.sent, self.taken, self.limit) = (0, 0, 0);
        (self.head, self.tail) = (0, 0);
        (self.no_more, self.no_takers) = (false, false);
        // A sleep that ended in poison has not disabled notifications.
        self.mine.write(WAKE, 0);
        self.publish_origin();
        Ok(())
    }

    /// Returns the number of entries that each direction holds: `N`.
    #[must_use]
    pub const fn capacity(&self) -> usize {
        N
    }

    /// Returns true after the peer was caught lying, until a reset; and after the epochs are used up.
    #[must_use]
    pub fn is_poisoned(&self) -> bool {
        self.state == LinkState::Poisoned
    }

    /// Returns the current epoch: how many resets there were.
    #[must_use]
    pub const fn epoch(&self) -> u32 {
        self.epoch
    }

    /// Returns the words that I write.
    pub fn mine(&self) -> &M {
        &self.mine
    }

    /// Returns the words that the peer writes.
    pub fn theirs(&self) -> &F {
        &self.theirs
    }

    /// Writes an entry to my slot of that position, for which there is room. Returns the next position.
    #[inline(always)]
    fn put(&mut self, position: u32, entry: &E) -> u32 {
        let mut at = Self::slot(position);
        entry.to_image().for_each_word(&mut |word| {
            self.mine.write(at, word);
            at += 1;
        });
        index_word::next(position)
    }

    /// Takes the peer's next entry, and reads each word once. There is one: `head != tail`.
    #[inline(always)]
    fn take(&mut self) -> E {
        let mut at = Self::slot(self.head);
        let image = E::Image::from_words(&mut || {
            let word = self.theirs.read(at);
            at += 1;
            word
        });
        self.head = index_word::next(self.head);
        E::from_image(image)
    }

    /// Returns the first word of the slot of `position`. It is in bounds for every position.
    #[inline(always)]
    fn slot(position: u32) -> usize {
        SLOTS + (position as usize & (N - 1)) * <E::Image as Image>::WORDS
    }
}

/// Publishes on every way out how far I have taken entries.
struct PublishHead<'l, E: Entry, const N: usize, M: WriteWords, F: ReadWords>(&'l mut Link<E, N, M, F>);

impl<E: Entry, const N: usize, M: WriteWords, F: ReadWords> Drop for PublishHead<'_, E, N, M, F> {
    fn drop(&mut self) {
        self.0.publish_index(HEAD, self.0.head);
    }
}

impl<E: Entry, const N: usize, M, F> fmt::Debug for Link<E, N, M, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link")
            .field("state", &self.state)
            .field("epoch", &self.epoch)
            .field("unread", &index_word::since(self.tail, self.head))
            .field("unacknowledged", &index_word::since(self.sent, self.taken))
            .field("capacity", &N)
            .finish_non_exhaustive()
    }
}
