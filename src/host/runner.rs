//! A thread that receives.

use core::any::Any;
use core::fmt;
use std::boxed::Box;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::string::String;
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::given_back::{Finished, Panicked, SpawnError};
use crate::channel::{ChannelRef, Receiver, RecvError, wake_receivers};
use crate::stats::RelaxedCounter;

/// A handler whose type can be written down, so that a struct can have a runner in it: `Runner<Arc<Jobs>>` is spawned with a
/// closure in a box.
pub type Handler<C> = Box<dyn FnMut(<C as ChannelRef>::Item) + Send>;

/// A thread that gives each item of a [`Receiver`] to a handler, asleep while there is none.
///
/// | | |
/// |---|---|
/// | [`stop`](Self::stop), or dropping it | what is there is handled first; then the thread ends |
/// | the channel is closed, or all senders are gone | likewise, by itself; `stop` gives back the receiver and the handler |
/// | the handler panics | the thread ends. The item it had is its business; none of the others is lost: the receiver comes back in [`Panicked`] |
/// | the waker of a task that waits for room panics, or the platform | likewise, and the item that made the room is gone |
/// | a broadcast overwrites what was not received | it is counted in [`lagged`](Self::lagged), and the handler gets the oldest item that is there |
/// | the thread cannot be started | the receiver and the handler come back in [`SpawnError`] |
/// | idle | no processor time, if the receiver's [`Strategy`](crate::wait::Strategy) ends in a sleep, as it does unless told otherwise |
///
/// It takes any receiver that outlives its thread: one that keeps its channel by an `Arc`, or one of a `static`. Of a
/// channel with many receivers several runners may share the work.
///
/// The receiver exists until `stop` returns it, or the runner is dropped. So senders that wait for room still wait after a
/// panic: look at [`is_running`](Self::is_running) now and then, or have the handler say what happened.
///
/// ```
/// use annulet::host::{Futex, Runner};
/// use annulet::{Channel, Mpsc};
///
/// let (mut tx, rx) = Channel::<Mpsc<u32, 64>, Futex>::new_split(Futex::new());
/// let mut sum = 0;
/// let runner = Runner::spawn("adder", rx, move |number| {
///     sum += number;
///     if number == 0 {
///         println!("the sum is {sum}");
///     }
/// })?;
/// for number in (0..10).rev() {
///     tx.send(number).unwrap();
/// }
/// let finished = runner.stop()?;
/// assert_eq!(finished.processed, 10); // none was lost
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "dropping it stops it, and waits for that"]
pub struct Runner<C: ChannelRef, H = Handler<C>> {
    state: Arc<State>,
    /// To wake the receiver, without being one.
    channel: C,
    /// Taken by `stop` or by `drop`.
    thread: Option<JoinHandle<Option<End<C, H>>>>,
}

#[derive(Debug, Default)]
struct State {
    /// Set once.
    stop: OnceLock<()>,
    /// The thread is done with everything but its end.
    done: Mutex<bool>,
    /// Notified then.
    ended: Condvar,
    processed: RelaxedCounter,
    lagged: RelaxedCounter,
}

/// How the thread ends.
struct End<C: ChannelRef, H> {
    receiver: Receiver<C>,
    result: Result<H, Payload>,
}

type Payload = Box<dyn Any + Send>;

/// Why a runner gave nothing back.
#[non_exhaustive]
pub enum StopError<C: ChannelRef, H> {
    /// The handler has panicked.
    Panicked(Box<Panicked<C>>),
    /// It was not done in time. It was told to stop, and this is it.
    Timeout(Runner<C, H>),
}

impl<C, H> Runner<C, H>
where
    C: ChannelRef<Item: Send> + Send + 'static,
    Receiver<C>: Send,
    H: FnMut(C::Item) + Send + 'static,
{
    /// Starts a thread with this name, which gives each item of `receiver` to `handler`.
    ///
    /// # Errors
    ///
    /// [`SpawnError`], if the system starts no thread, or there is a zero byte in `name` (`InvalidInput`).
    pub fn spawn(
        name: impl Into<String>,
        receiver: Receiver<C>,
        handler: H,
    ) -> Result<Self, Box<SpawnError<C, H>>> {
        let name = name.into();
        let state = Arc::new(State::default());
        let channel = receiver.channel_ref().clone();
        // They are handed over once there is a thread to take them.
        let (give, taken) = mpsc::sync_channel::<(Receiver<C>, H)>(1);
        let started = if name.contains('\0') {
            Err(io::Error::new(io::ErrorKind::InvalidInput, "the name of a thread has a zero byte"))
        } else {
            let state = Arc::clone(&state);
            thread::Builder::new().name(name).spawn(move || {
                let done = Done(state);
                let (receiver, handler) = taken.recv().ok()?;
                Some(run(&done.0, receiver, handler))
            })
        };
        let sent = match started {
            Ok(thread) => give.send((receiver, handler)).map(|()| thread).map_err(|unsent| (unsent.0, None)),
            Err(error) => Err(((receiver, handler), Some(error))),
        };
        match sent {
            Ok(thread) => Ok(Self { state, channel, thread: Some(thread) }),
            Err(((receiver, handler), error)) => {
                // Without one, the thread was gone before it had begun; nothing ends it there.
                let error = error.unwrap_or_else(|| io::Error::other("the thread has ended"));
                Err(Box::new(SpawnError { receiver, handler, error }))
            }
        }
    }
}

impl<C: ChannelRef, H> Runner<C, H> {
    /// Returns how many items were handled so far.
    #[must_use]
    pub fn processed(&self) -> usize {
        self.state.processed.get()
    }

    /// Returns how many items of a broadcast were overwritten so far before they were received.
    #[must_use]
    pub fn lagged(&self) -> usize {
        self.state.lagged.get()
    }

    /// Returns whether it will handle more: its channel is open or not empty, and its handler has not panicked.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.thread.as_ref().is_some_and(|thread| !thread.is_finished())
    }

    /// Has as many items handled as there are, waits for that, and ends the thread. Senders may go on: what they send
    /// after that is in the channel, whose receiver comes back. (Where newer items overtake older ones, as they do in lanes
    /// of unlike priority, some of the older ones may come back in their place.)
    ///
    /// A handler that has its own runner must not call this: it would wait for itself. It may drop it.
    ///
    /// # Errors
    ///
    /// [`Panicked`], if the handler has.
    pub fn stop(mut self) -> Result<Finished<C, H>, Box<Panicked<C>>> {
        self.tell();
        let end = match self.thread.take().map(JoinHandle::join) {
            Some(Ok(Some(end))) => end,
            // What runs there catches all panics. Not reached, and passed on.
            Some(Err(payload)) => std::panic::resume_unwind(payload),
            Some(Ok(None)) => unreachable!("`spawn` has given the thread its receiver"),
            None => unreachable!("the thread is taken by `stop` and by `drop` only"),
        };
        let (processed, lagged) = (self.processed(), self.lagged());
        let End { receiver, result } = end;
        match result {
            Ok(handler) => Ok(Finished { receiver, handler, processed, lagged }),
            Err(payload) => Err(Box::new(Panicked { receiver, processed, lagged, payload })),
        }
    }

    /// As [`stop`](Self::stop), and waits for up to `span`. It is told to stop in any case.
    ///
    /// # Errors
    ///
    /// [`StopError::Panicked`], if the handler has; [`StopError::Timeout`] with the runner, which is still at it.
    ///
    /// ```
    /// use annulet::channel::mpsc;
    /// use annulet::host::{Runner, StopError};
    /// use std::time::Duration;
    ///
    /// let (mut tx, rx) = mpsc::<Duration>(4);
    /// let runner = Runner::spawn("sleeper", rx, std::thread::sleep)?;
    /// tx.send(Duration::from_millis(200)).unwrap();
    /// let Err(StopError::Timeout(runner)) = runner.stop_timeout(Duration::from_millis(1)) else { panic!() };
    /// assert_eq!(runner.stop()?.processed, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn stop_timeout(self, span: Duration) -> Result<Finished<C, H>, StopError<C, H>> {
        self.tell();
        let done = self.state.done.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.state.ended.wait_timeout_while(done, span, |done| !*done);
        let done = *waited.unwrap_or_else(PoisonError::into_inner).0;
        if done { self.stop().map_err(StopError::Panicked) } else { Err(StopError::Timeout(self)) }
    }

    /// Tells the thread to stop, awake or asleep.
    fn tell(&self) {
        // A thread that finds it set sees what came before; and a change that is signalled after it was made is looked at by the
        // thread after that said that it waits.
        self.state.stop.get_or_init(|| ());
        wake_receivers(&self.channel);
    }
}

/// Says that the thread is done when it is dropped.
struct Done(Arc<State>);

impl Drop for Done {
    fn drop(&mut self) {
        *self.0.done.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.0.ended.notify_all();
    }
}

impl<C: ChannelRef, H> Drop for Runner<C, H> {
    /// Stops it, and waits for that. A panic of the handler goes unnoticed.
    fn drop(&mut self) {
        let Some(thread) = self.thread.take() else { return };
        self.tell();
        // Its own handler has dropped it: the thread ends when that is done with what is there.
        if thread.thread().id() != thread::current().id() {
            drop(thread.join());
        }
    }
}

/// What the thread does.
fn run<C: ChannelRef, H: FnMut(C::Item)>(
    state: &State,
    mut receiver: Receiver<C>,
    mut handler: H,
) -> End<C, H> {
    // Synchronises with `tell`: what was sent before the stop is seen by the look that comes after this one.
    let stopped = || state.stop.get().is_some();
    // How many more it handles; known once it was stopped, or senders that never pause would keep it for ever.
    let mut left = None;
    loop {
        if left.is_none() && stopped() {
            left = Some(receiver.pending());
        }
        if left == Some(0) {
            return End { receiver, result: Ok(handler) };
        }
        // One at a time: a panic in the middle of a batch would take the rest of it along.
        let step = catch_unwind(AssertUnwindSafe(|| {
            receiver.recv_unless(stopped).map(|received| received.map(&mut handler))
        }));
        match step {
            Ok(Ok(Some(()))) => {
                state.processed.add(1);
                left = left.map(|left| left - 1);
            }
            Ok(Ok(None) | Err(RecvError::Closed | RecvError::Timeout)) => {
                return End { receiver, result: Ok(handler) };
            }
            Ok(Err(RecvError::Lagged(count))) => {
                state.lagged.add(usize::try_from(count).unwrap_or(usize::MAX));
            }
            Err(payload) => {
                // Its drop may panic, too; the first panic is the one to report.
                if let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(handler))) {
                    core::mem::forget(second);
                }
                return End { receiver, result: Err(payload) };
            }
        }
    }
}

impl<C: ChannelRef, H> fmt::Debug for Runner<C, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runner")
            .field("processed", &self.processed())
            .field("lagged", &self.lagged())
            .field("running", &self.is_running())
            .finish_non_exhaustive()
    }
}

impl<C: ChannelRef, H> fmt::Debug for StopError<C, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Panicked(panicked) => f.debug_tuple("Panicked").field(panicked).finish(),
            Self::Timeout(runner) => f.debug_tuple("Timeout").field(runner).finish(),
        }
    }
}

impl<C: ChannelRef, H> fmt::Display for StopError<C, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Panicked(panicked) => panicked.fmt(f),
            Self::Timeout(_) => f.write_str("the runner was not done in time"),
        }
    }
}

impl<C: ChannelRef, H> core::error::Error for StopError<C, H> {}
