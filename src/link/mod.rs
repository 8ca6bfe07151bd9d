//! The ring across a trust boundary: two windows, each written by one side only.
//!
//! Kernel and user task, or two processes, are the same thing: each side owns a [`Window`] it alone can write and
//! sees the other's, best read-only. A [`Link`] is my window, the peer's window, and what I know privately: my
//! positions, the geometry (`N`, `E`), the epoch. Nothing that I decide by is ever read back from shared memory.
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
//! # Guarantees, against a peer that writes anything at any time
//!
//! | | |
//! |---|---|
//! | memory | only the two windows are touched, and only within their bounds |
//! | single fetch | each shared word is loaded at most once in an operation; decision and use see the same copy |
//! | bounded | `try_recv` loads at most 1 + words of an entry and stores 1; `try_send` loads at most 1; no loop depends on shared data |
//! | batches | `try_drain` and `try_send_iter` look at the peer's index once, at their start, unless they know enough without: what it says is there then is used |
//! | panics | none, and nothing to overflow or divide by |
//! | truth | an empty link and a lying peer are never the same answer: [`LinkError::Empty`], [`LinkError::Corrupt`] |
//! | poison | after `Corrupt` every call answers [`LinkError::Poisoned`] without touching shared memory, until [`Link::reset`] |
//! | waiting | never; who waits for the peer by a sleep of his own is woken by it: [`Link::enable_notification`] |
//! | a peer that stops | costs nothing: `Empty`, `Full`; committed entries stay readable, half-written ones are invisible |
//!
//! What arrives is still what the peer chose to send: an [`Entry`] is numbers. Descriptors among them become
//! bytes only through [`Validator::check`](crate::region::Validator::check).
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
/// `E` is what it carries, `N` (a power of two) how many entries can be under way in each direction. There is one
/// `Link` per side; it is `Send`, and every method is one bounded try.
///
/// # Lifecycle
///
/// `close` says that nothing more will be sent or taken; the peer drains what was sent and then gets
/// [`LinkError::Closed`]. `Corrupt` poisons. [`reset`](Self::reset) begins a new epoch after either, dropping what
/// was under way; the peer is told by [`LinkError::PeerReset`] and follows with a reset of its own.
pub struct Link<E: Entry, const N: usize, M, F> {
    mine: M,
    theirs: F,
    state: LinkState,
    epoch: u32,
    /// My tail, and how far the peer had come with my entries when I looked.
    sent: u32,
    taken: u32,
    /// The first position I may not write: `taken + N`, or `sent` when I may not write at all.
    limit: u32,
    /// My head, and the peer's tail when I looked. Equal when I must look again.
    head: u32,
    tail: u32,
    /// The peer said that its tail, or its head, is final.
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

    /// A link over two fresh windows: mine, which only I write, and the peer's.
    ///
    /// Both sides must have made theirs with the same `E` and `N`; [`WindowHeader`] checks that for windows that came
    /// from elsewhere. Nothing is read or written yet.
    pub fn new(mine: M, theirs: F) -> Self {
        Self::starting_at(mine, theirs, 0)
    }

    /// Like `new`, with both directions at position `origin`, to test what happens when positions wrap. The
    /// windows must say so.
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

    /// Says that both directions stand at `origin`, as `starting_at` assumes.
    #[doc(hidden)]
    pub fn publish_origin(&self) {
        self.publish_index(TAIL, self.sent);
        self.publish_index(HEAD, self.head);
    }

    fn publish_index(&self, at: usize, position: u32) {
        self.mine.publish(at, index_word::encode(self.epoch, self.state == LinkState::Closed, position));
    }

    /// Sends one entry: it is visible to the peer when this returns.
    ///
    /// # Errors
    ///
    /// [`Full`](LinkError::Full) while the peer has not taken what was sent; [`Closed`](LinkError::Closed) after
    /// a close of mine, or of the peer's once it is seen (which is when there is no room);
    /// [`Corrupt`](LinkError::Corrupt) and [`Poisoned`](LinkError::Poisoned);
    /// [`StaleEpoch`](LinkError::StaleEpoch) and [`PeerReset`](LinkError::PeerReset) around a reset. Nothing was
    /// written then; the entry is still yours.
    #[inline]
    pub fn try_send(&mut self, entry: &E) -> Result<(), LinkError> {
        if self.sent == self.limit {
            self.look_for_room()?;
        }
        self.sent = self.put(self.sent, entry);
        self.publish_index(TAIL, self.sent);
        Ok(())
    }

    /// Sends entries of `iter` until there is no room or it ends. Returns how many. The peer sees them together. If
    /// `iter` panics, none is sent.
    ///
    /// No entry is taken from `iter` without room for it; one call sends at most `N`. Room that the peer made before the
    /// call is used: its head is looked at, once, unless the room known is enough for all that `iter` can have.
    ///
    /// # Errors
    ///
    /// As [`try_send`](Self::try_send), when not a single entry could be sent.
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

    /// Receives one entry. Its slot is free for the peer when this returns, also if the entry's
    /// [`from_image`](Entry::from_image) panics: that entry is lost then.
    ///
    /// # Errors
    ///
    /// [`Empty`](LinkError::Empty) when nothing was sent that was not received;
    /// [`Closed`](LinkError::Closed) when, besides, the peer or I have closed; [`Corrupt`](LinkError::Corrupt) and
    /// [`Poisoned`](LinkError::Poisoned); [`StaleEpoch`](LinkError::StaleEpoch) and
    /// [`PeerReset`](LinkError::PeerReset) around a reset.
    #[inline]
    pub fn try_recv(&mut self) -> Result<E, LinkError> {
        if self.head == self.tail {
            self.look_for_entries()?;
        }
        Ok(PublishHead(self).0.take())
    }

    /// Gives up to `max` entries to `f`. Returns how many. Their slots become free together, also when `f` panics (then
    /// with the one that was shown).
    ///
    /// Everything that the peer sent before the call is there: its tail is looked at, once, unless `max` entries are
    /// known already. What it sends while `f` runs is for the next call.
    ///
    /// # Errors
    ///
    /// As [`try_recv`](Self::try_recv), when there was not a single entry; and [`Corrupt`](LinkError::Corrupt) whenever the look
    /// finds a lie.
    pub fn try_drain(&mut self, max: usize, mut f: impl FnMut(E)) -> Result<usize, LinkError> {
        if max == 0 && !self.is_poisoned() {
            return Ok(0);
        }
        let known = self.known_entries();
        if known == 0 || known < max {
            match self.look_for_entries() {
                // What arrived before comes first, whatever the peer has said since.
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

    /// Says that I will neither send nor take any more. What the peer has sent can still be received.
    pub fn close(&mut self) {
        if self.state == LinkState::Open {
            self.state = LinkState::Closed;
            self.limit = self.sent;
            self.publish_index(TAIL, self.sent);
            self.publish_index(HEAD, self.head);
        }
    }

    /// Begins a new epoch, in both directions, dropping what was under way; the way out of `Poisoned`, `Closed`
    /// and `PeerReset`.
    ///
    /// Until the peer has followed, its words are of an older epoch and calls answer
    /// [`StaleEpoch`](LinkError::StaleEpoch); my slots are not written before, since it may still be reading them. A
    /// peer that sleeps is to be woken: both its words change.
    ///
    /// # Errors
    ///
    /// [`Retired`](LinkError::Retired) when the epochs are used up (after 127 resets): the link needs new windows.
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
        // Said before a sleep that ended in poison, after which nothing was written.
        self.mine.write(WAKE, 0);
        self.publish_origin();
        Ok(())
    }

    /// Entries each direction can hold: `N`.
    #[must_use]
    pub const fn capacity(&self) -> usize {
        N
    }

    /// True once the peer was caught lying, until a reset; and once the epochs are used up.
    #[must_use]
    pub fn is_poisoned(&self) -> bool {
        self.state == LinkState::Poisoned
    }

    /// The current epoch: how many resets there were.
    #[must_use]
    pub const fn epoch(&self) -> u32 {
        self.epoch
    }

    /// What I write.
    pub fn mine(&self) -> &M {
        &self.mine
    }

    /// What the peer writes.
    pub fn theirs(&self) -> &F {
        &self.theirs
    }

    /// Writes an entry to my slot of that position, which there is room for; the position after it.
    #[inline(always)]
    fn put(&mut self, position: u32, entry: &E) -> u32 {
        let image = entry.to_image();
        let at = Self::slot(position);
        for (k, word) in image.as_ref().iter().enumerate() {
            self.mine.write(at + k, *word);
        }
        index_word::next(position)
    }

    /// Reads the peer's next entry, each word once. There is one: `head != tail`.
    #[inline(always)]
    fn take(&mut self) -> E {
        let mut image = E::Image::ZERO;
        let at = Self::slot(self.head);
        for (k, word) in image.as_mut().iter_mut().enumerate() {
            *word = self.theirs.read(at + k);
        }
        self.head = index_word::next(self.head);
        E::from_image(image)
    }

    /// The first word of the slot of `position`: in bounds for every position there is.
    #[inline(always)]
    fn slot(position: u32) -> usize {
        SLOTS + (position as usize & (N - 1)) * <E::Image as Image>::WORDS
    }
}

/// Says how far I have taken entries, on every way out.
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
