//! The channel itself, and how its ends are handed out.

use core::fmt;

use super::line::{For, Line, Told};
#[cfg(arc)]
use super::shared::Shared;
use super::{Receiver, Sender};
use crate::ring::broadcast::{Gated, GatedReader, JoinError, OverflowPolicy, Overwrite, Reader, Writer};
use crate::ring::lanes::{LaneConsumer, LaneProducer, Priority, RegisterError, Schedule, Storage};
#[cfg(arc)]
use crate::ring::{ArcRef, HasEnds};
use crate::ring::{Arity, Broadcast, Consumer, InChannel, Lanes, Producer, Ref, Ring, Single};
use crate::stats::{Off, Stats};
#[cfg(arc)]
use crate::sync::Arc;
use crate::sync::const_fn;
use crate::wait::{Meter, Wait};
use crate::words::Entry;

/// A ring whose ends can wait for each other: `R` is a [`Ring`], [`Lanes`] or a [`Broadcast`].
///
/// `W` is what the platform sleeps with (`host::Futex` on Linux). With `Latencies` for `M` it counts how long its ends
/// wait. Any number of threads, and with feature `alloc` of asynchronous tasks, waits on each side for nothing; without it,
/// `TASKS` tasks do, and more try again and again: see [`Event`](crate::wait::Event).
///
/// Like the ring in it, it is one place-free value, and if `W` has no state or may be zero, all-zero memory is an empty,
/// open channel.
///
/// # Guarantees
///
/// | | |
/// |---|---|
/// | order, progress of tries | the ring's |
/// | nobody waits | sending and receiving cost what they cost in the ring, and three loads |
/// | the last sender goes | receivers get everything that was sent, and then `Closed` |
/// | the last receiver goes | sends are refused, and give the item back |
/// | what is queued then | stays for the next receiver; of an owned channel (`new_split`), which can have none, it is dropped, and so is what a racing send still puts |
/// | [`close`](Sender::close) | both, for sends that begin after it |
/// | an item that was sent before a close | is received before `Closed`; a receiver waits for a sender that is in the middle of one in front of it |
/// | a waiting end | wakes up in each of these cases |
/// | a borrowed end ([`Sender::end`]) | signals what was done through it when its guard is dropped |
/// | data and room | are two events: a signal for one never goes to who waits for the other |
/// | an end of a party that was gone | can be made again: a task that starts anew goes on where the other one stopped |
/// | ends | of each party 2²⁸ are counted. If there were more at once, the channel no longer closes when they go |
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "std")] {
/// use annulet::{Channel, Mpsc, host::Futex};
///
/// static LOG: Channel<Mpsc<u32, 64>, Futex> = Channel::over(Mpsc::new(), Futex::new());
///
/// let (tx, mut rx) = LOG.try_split().unwrap();
/// for number in 0..4 {
///     let mut tx = tx.clone();
///     std::thread::spawn(move || tx.send(number).unwrap());
/// }
/// drop(tx);
/// assert_eq!(rx.iter().sum::<u32>(), 0 + 1 + 2 + 3);
/// # }
/// ```
#[repr(C)]
pub struct Channel<R, W, M = Off, const TASKS: usize = 8> {
    pub(super) line: Line<W, M, TASKS>,
    pub(super) ring: R,
}

/// A [`Sender`] of a ring.
pub type RingSender<'a, T, A, W, M = Off, const TASKS: usize = 8> =
    Sender<Producer<'a, T, A, InChannel<Ref<'a>>>, &'a Line<W, M, TASKS>>;
/// A [`Receiver`] of a ring.
pub type RingReceiver<'a, T, A, W, M = Off, const TASKS: usize = 8> =
    Receiver<Consumer<'a, T, A, InChannel<Ref<'a>>>, &'a Line<W, M, TASKS>>;
/// Both ends of a channel over a ring.
pub type RingEnds<'a, T, A, W, M = Off, const TASKS: usize = 8> =
    (RingSender<'a, T, A, W, M, TASKS>, RingReceiver<'a, T, A, W, M, TASKS>);
/// A [`Sender`] of a lane.
pub type LaneSender<'a, T, A, W, M = Off, const TASKS: usize = 8> =
    Sender<LaneProducer<'a, T, A>, &'a Line<W, M, TASKS>>;
/// A [`Receiver`] of lanes.
pub type LaneReceiver<
    'a,
    T,
    const N: usize,
    const L: usize,
    O,
    A,
    W,
    H = crate::ring::lanes::Inline,
    M = Off,
    const TASKS: usize = 8,
> = Receiver<LaneConsumer<'a, T, N, L, O, A, H>, &'a Line<W, M, TASKS>>;

impl<R, W, M: Meter, const TASKS: usize> Channel<R, W, M, TASKS> {
    const_fn! {
        /// A channel over this ring, lanes or broadcast, whose ends sleep by `wait`.
        #[must_use]
        pub const fn over(ring: R, wait: W) -> Self {
            Self { line: Line::new(wait), ring }
        }
    }

    /// What is in it. That it is borrowed exclusively proves that nobody has an end.
    #[must_use]
    pub const fn ring_mut(&mut self) -> &mut R {
        &mut self.ring
    }

    /// Closes it for both sides, as [`Sender::close`] does: by whoever supervises those who have the ends.
    pub fn close(&self)
    where
        W: Wait,
    {
        super::sender::close(&&self.line);
    }

    /// Returns whether it was closed, by an end or by [`close`](Self::close). That all ends of a side are gone is not asked: the
    /// other ends know it. What was sent before the close is in it now, or was received.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.line.is_closed()
    }

    /// What receivers, and what senders have waited, in this order: threads and tasks.
    #[must_use]
    pub fn meters(&self) -> (&M, &M) {
        self.line.meters()
    }

    /// Returns how many wait for items, and how many for room, in this order: a snapshot. Who spins is not counted.
    #[must_use]
    pub fn waiting(&self) -> (usize, usize) {
        self.line.waiting()
    }

    /// Returns how many times a task that waited for items, and one that waited for room, found no slot and kept its executor
    /// busy: see [`Event::crowded`](crate::wait::Event::crowded).
    #[must_use]
    pub fn crowded(&self) -> (u32, u32) {
        self.line.crowded()
    }

    /// Opens it again after it was closed. That it is borrowed exclusively proves that nobody has an end, and that whoever
    /// is still counted as waiting was forgotten; what is in it stays.
    pub fn reopen(&mut self) {
        self.line.reset();
    }
}

impl<T, const N: usize, A: Arity, W: Wait, M: Meter, const TASKS: usize> Channel<Ring<T, N, A>, W, M, TASKS> {
    /// Both ends, for as long as the channel stays borrowed. It is open then, whatever was before.
    pub fn split(&mut self) -> RingEnds<'_, T, A, W, M, TASKS> {
        self.reopen();
        let (producer, consumer) = self.ring.split();
        let (producer, consumer) = (producer.map_owner(InChannel), consumer.map_owner(InChannel));
        (Sender::new(producer, &self.line), Receiver::new(consumer, &self.line))
    }

    /// Both ends, or `None` while somebody has an end of a single side. They go back on drop.
    #[must_use]
    pub fn try_split(&self) -> Option<RingEnds<'_, T, A, W, M, TASKS>> {
        let (producer, consumer) = self.ring.try_split()?;
        let (producer, consumer) = (producer.map_owner(InChannel), consumer.map_owner(InChannel));
        Some((Sender::new(producer, &self.line), Receiver::new(consumer, &self.line)))
    }

    /// A sender, or `None` while somebody has the only one.
    #[must_use]
    pub fn try_sender(&self) -> Option<RingSender<'_, T, A, W, M, TASKS>> {
        Some(Sender::new(self.ring.try_producer()?.map_owner(InChannel), &self.line))
    }

    /// A receiver, or `None` while somebody has the only one.
    #[must_use]
    pub fn try_receiver(&self) -> Option<RingReceiver<'_, T, A, W, M, TASKS>> {
        Some(Receiver::new(self.ring.try_consumer()?.map_owner(InChannel), &self.line))
    }
}

/// A [`Sender`] that keeps its channel alive by an `Arc`.
#[cfg(arc)]
#[cfg_attr(docsrs, doc(cfg(feature = "alloc")))]
pub type OwnedSender<T, const N: usize, A, W, M = Off, const TASKS: usize = 8> = Sender<
    Producer<'static, T, A, InChannel<ArcRef<Channel<Ring<T, N, A>, W, M, TASKS>>>>,
    Shared<Channel<Ring<T, N, A>, W, M, TASKS>>,
>;

/// A [`Receiver`] that keeps its channel alive by an `Arc`.
#[cfg(arc)]
#[cfg_attr(docsrs, doc(cfg(feature = "alloc")))]
pub type OwnedReceiver<T, const N: usize, A, W, M = Off, const TASKS: usize = 8> = Receiver<
    Consumer<'static, T, A, InChannel<ArcRef<Channel<Ring<T, N, A>, W, M, TASKS>>>>,
    Shared<Channel<Ring<T, N, A>, W, M, TASKS>>,
>;

/// Both ends of a channel that they keep alive by an `Arc`.
#[cfg(arc)]
#[cfg_attr(docsrs, doc(cfg(feature = "alloc")))]
pub type OwnedEnds<T, const N: usize, A, W, M = Off, const TASKS: usize = 8> =
    (OwnedSender<T, N, A, W, M, TASKS>, OwnedReceiver<T, N, A, W, M, TASKS>);

#[cfg(arc)]
impl<T, const N: usize, A: Arity, W, M, const TASKS: usize> HasEnds for Channel<Ring<T, N, A>, W, M, TASKS> {
    fn give_back(&self, end: u32) {
        self.ring.give_back(end);
    }
}

#[cfg(arc)]
#[cfg_attr(docsrs, doc(cfg(feature = "alloc")))]
impl<T, const N: usize, A: Arity, W: Wait, M: Meter, const TASKS: usize> Channel<Ring<T, N, A>, W, M, TASKS> {
    /// A new channel on the heap, made in the one place where it stays, however large it is.
    #[cfg(not(loom))]
    fn shared(wait: W) -> Arc<Self> {
        let channel = Arc::<Self>::new_uninit();
        let place = Arc::as_ptr(&channel).cast::<Self>().cast_mut();
        // SAFETY: of a new allocation with the layout of `Self`, to which there is no other `Arc`.
        let line = unsafe { &raw mut (*place).line };
        // SAFETY: likewise.
        let ring = unsafe { &raw mut (*place).ring };
        // SAFETY: a field of that allocation, so valid and aligned, and nobody else's.
        unsafe { line.write(Line::new(wait)) };
        // SAFETY: likewise.
        unsafe { crate::zeroed::make_at(ring) };
        // SAFETY: both of its fields are written.
        unsafe { channel.assume_init() }
    }

    /// Both ends of a new channel on the heap, where it is made in place; it goes with the last of them.
    ///
    /// When the last receiver goes, what is queued is dropped, since no other receiver can come: a request that carries
    /// the sender of its reply lets its client go, and an item that holds a sender of this channel does not keep it. A
    /// send that races with that is accepted, and its item dropped, or refused. A channel that is borrowed, or `static`,
    /// keeps what is queued for its next receiver.
    pub fn new_split(wait: W) -> OwnedEnds<T, N, A, W, M, TASKS> {
        #[cfg(loom)]
        let channel = Arc::new(Self::over(Ring::new(), wait));
        #[cfg(not(loom))]
        let channel = Self::shared(wait);
        channel.ring.hold_ends();
        // SAFETY: the ring is new, so these are its only ends, and each keeps an `Arc` of what it is in.
        let (producer, consumer) =
            unsafe { channel.ring.ends_owned_by(|| InChannel(ArcRef(Arc::clone(&channel)))) };
        (Sender::new(producer, Shared(Arc::clone(&channel))), Receiver::new(consumer, Shared(channel)))
    }
}

impl<
    T,
    const N: usize,
    const L: usize,
    A: Arity<Producers = Single>,
    H: Storage,
    W: Wait,
    M: Meter,
    const TASKS: usize,
> Channel<Lanes<T, N, L, A, H>, W, M, TASKS>
{
    /// Open, with nobody there: that it is borrowed exclusively proves that nobody has an end, forgotten ones included.
    /// What is in the lanes stays.
    pub fn reset(&mut self) {
        self.reopen();
        drop(self.ring.split(Priority));
    }

    /// A receiver, which visits lanes in this order, or `None` while somebody has the only one.
    #[must_use]
    pub fn try_receiver<O: Schedule>(
        &self,
        schedule: O,
    ) -> Option<LaneReceiver<'_, T, N, L, O, A, W, H, M, TASKS>> {
        Some(Receiver::new(self.ring.try_consumer(schedule)?, &self.line))
    }

    /// A sender with a lane of its own.
    ///
    /// # Errors
    ///
    /// As for [`Lanes::register`].
    pub fn register(&self) -> Result<LaneSender<'_, T, A, W, M, TASKS>, RegisterError> {
        Ok(Sender::new(self.ring.register()?, &self.line))
    }

    /// A sender with this lane.
    ///
    /// # Errors
    ///
    /// As for [`Lanes::register_at`].
    pub fn register_at(&self, lane: u32) -> Result<LaneSender<'_, T, A, W, M, TASKS>, RegisterError> {
        Ok(Sender::new(self.ring.register_at(lane)?, &self.line))
    }
}

impl<T: Entry, const N: usize, P: OverflowPolicy, S: Stats, W: Wait, M: Meter, const TASKS: usize>
    Channel<Broadcast<T, N, P, S>, W, M, TASKS>
where
    for<'a> Writer<'a, T, N, P, S>: super::Feed,
{
    /// The sender, or `None` while somebody has it.
    #[must_use]
    pub fn try_sender(&self) -> Option<Sender<Writer<'_, T, N, P, S>, &Line<W, M, TASKS>>> {
        Some(Sender::new(self.ring.try_writer()?, &self.line))
    }
}

impl<T: Entry, const N: usize, S: Stats, W: Wait, M: Meter, const TASKS: usize>
    Channel<Broadcast<T, N, Overwrite, S>, W, M, TASKS>
{
    /// A receiver that begins with the oldest item that is there.
    pub fn receiver_at_oldest(&self) -> Receiver<Reader<'_, T, N, S>, &Line<W, M, TASKS>> {
        Receiver::new(self.ring.reader_at_oldest(), &self.line)
    }

    /// A receiver that begins with the next item.
    pub fn receiver_at_newest(&self) -> Receiver<Reader<'_, T, N, S>, &Line<W, M, TASKS>> {
        Receiver::new(self.ring.reader_at_newest(), &self.line)
    }
}

/// A [`Receiver`] of a broadcast whose writer waits for it.
pub type GatedReceiver<'a, T, const N: usize, const R: usize, W, S = Off, M = Off, const TASKS: usize = 8> =
    Receiver<GatedReader<'a, T, N, R, S>, &'a Line<W, M, TASKS>>;

impl<T: Entry, const N: usize, const R: usize, S: Stats, W: Wait, M: Meter, const TASKS: usize>
    Channel<Broadcast<T, N, Gated<R>, S>, W, M, TASKS>
{
    /// A receiver that begins with the oldest item that is there.
    ///
    /// # Errors
    ///
    /// As for [`Broadcast::join_at_oldest`].
    pub fn join_at_oldest(&self) -> Result<GatedReceiver<'_, T, N, R, W, S, M, TASKS>, JoinError> {
        self.joined(self.ring.join_at_oldest())
    }

    /// A receiver that begins with the next item.
    ///
    /// # Errors
    ///
    /// As for [`Broadcast::join_at_newest`].
    pub fn join_at_newest(&self) -> Result<GatedReceiver<'_, T, N, R, W, S, M, TASKS>, JoinError> {
        self.joined(self.ring.join_at_newest())
    }

    fn joined<'a>(
        &'a self,
        reader: Result<GatedReader<'a, T, N, R, S>, JoinError>,
    ) -> Result<GatedReceiver<'a, T, N, R, W, S, M, TASKS>, JoinError> {
        // Before a reader was where it begins, its place was where its last holder had left it, or an earlier try. If the
        // writer has found that in its way, and waits, nobody else tells it that it is not there any more.
        let line = &self.line;
        let _room = Told(&line, For::Room, u32::MAX);
        Ok(Receiver::new(reader?, &self.line))
    }
}

impl<R: fmt::Debug, W, M: Meter, const TASKS: usize> fmt::Debug for Channel<R, W, M, TASKS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel").field("ring", &self.ring).field("line", &self.line).finish()
    }
}
