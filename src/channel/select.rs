//! A thread that waits for several channels at once.
//!
//! It waits at each of them as a task does, with a waker that rings one bell, and sleeps until that rings.

use alloc::sync::Arc;
use alloc::task::Wake;
use alloc::vec::Vec;
use core::task::{Context, Waker};

use super::Receiver;
use super::channel_ref::ChannelRef;
use super::state::WaitState;
use crate::wait::{Deadline, TimedOut, Wait, Word};

/// A receiver, of whatever channel, as one of several that are waited for: see [`select`]. Sealed.
pub trait Selectable: sealed::Selectable {}

mod sealed {
    use core::task::{Context, Poll};

    use super::WaitState;

    pub trait Selectable {
        fn poll_ready(&mut self, state: &mut WaitState, context: &mut Context<'_>) -> Poll<()>;
        /// Ends the wait.
        fn leave(&self, state: &mut WaitState);
    }
}

impl<C: ChannelRef> Selectable for Receiver<C> {}
impl<C: ChannelRef> sealed::Selectable for Receiver<C> {
    fn poll_ready(&mut self, state: &mut WaitState, context: &mut Context<'_>) -> core::task::Poll<()> {
        self.poll_ready(state, context)
    }
    fn leave(&self, state: &mut WaitState) {
        self.leave(state);
    }
}

/// What the wakers of one wait ring.
struct Bell<W> {
    rung: Word,
    wait: W,
}

impl<W: Wait + Send + Sync> Wake for Bell<W> {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }
    fn wake_by_ref(self: &Arc<Self>) {
        self.rung.advance();
        self.wait.notify(&self.rung, 1);
    }
}

/// A receiver, and how it is waited for.
struct Waiting<'s, 'r> {
    end: &'s mut (dyn Selectable + 'r),
    state: WaitState,
}

impl Drop for Waiting<'_, '_> {
    fn drop(&mut self) {
        self.end.leave(&mut self.state);
    }
}

/// Waits until one of the receivers has an item, or gets none any more because its channel is closed. Returns which one: its number
/// in `receivers`, the lowest if there are several. Then its `try_recv` answers neither `Empty` nor `Pending`, as after
/// [`Receiver::ready`].
///
/// The thread sleeps by `wait`, which may be another platform than that of the channels. It takes nothing out of a channel. Put
/// first what is urgent, or change the order from call to call so that each has its turn.
///
/// In an asynchronous task, take the `select` of your executor, over [`Receiver::recv_async`] or [`Receiver::ready`].
///
/// # Errors
///
/// [`TimedOut`], not before the deadline. Without receivers, that is what it waits for.
///
/// ```
/// # #[cfg(feature = "std")] {
/// use annulet::channel::{mpsc, select, spsc};
/// use annulet::host::Futex;
/// use annulet::wait::Deadline;
///
/// let (_commands_tx, mut commands) = mpsc::<&str>(4);
/// let (mut tx, mut numbers) = spsc::<u32>(4);
/// std::thread::spawn(move || tx.send(7).unwrap());
/// match select(&Futex::new(), Deadline::NEVER, &mut [&mut commands, &mut numbers]) {
///     Ok(0) => println!("{:?}", commands.try_recv()),
///     Ok(_) => assert_eq!(numbers.try_recv(), Ok(7)),
///     Err(why) => println!("{why}"),
/// }
/// # }
/// ```
#[cfg_attr(docsrs, doc(cfg(feature = "alloc")))]
pub fn select<W: Wait + Clone + Send + Sync + 'static>(
    wait: &W,
    until: Deadline,
    receivers: &mut [&mut dyn Selectable],
) -> Result<usize, TimedOut> {
    let bell = Arc::new(Bell { rung: Word::new(), wait: wait.clone() });
    let waker = Waker::from(Arc::clone(&bell));
    let mut context = Context::from_waker(&waker);
    let mut waiting: Vec<_> =
        receivers.iter_mut().map(|end| Waiting { end: &mut **end, state: WaitState::NONE }).collect();
    loop {
        // Before the looks: a ring after them ends the sleep.
        let rung = bell.rung.get();
        for (number, Waiting { end, state }) in waiting.iter_mut().enumerate() {
            if end.poll_ready(state, &mut context).is_ready() {
                return Ok(number);
            }
        }
        if until != Deadline::NEVER && wait.now() >= until {
            return Err(TimedOut);
        }
        wait.wait(&bell.rung, rung, until);
    }
}
