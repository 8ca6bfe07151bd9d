//! A platform without threads.

use super::clock::{Clock, NoClock};
use super::{Deadline, Notify, Wait, Word};

/// For channels and events on which only tasks wait: no thread ever sleeps, so there is nothing to sleep by.
///
/// Use it if both ends are tasks of an executor, or if one end is a task and the other one only tries: an interrupt handler
/// that sends, for example. It needs no operating system and no instruction of the processor.
///
/// A call that blocks its thread does not compile: `send`, `recv`, `drain`, their forms with a deadline, and
/// [`Event::wait_until`](super::Event::wait_until). The error comes when the program is built, not from `cargo check`, and
/// names no line of yours. For a time-out, race the future against a timer of your executor.
///
/// A value of it cannot be a `dyn Wait`, which could block.
///
/// ```
/// use annulet::{Channel, Spsc, wait::TasksOnly};
/// # use core::pin::pin;
/// # use core::task::{Context, Poll, Waker};
///
/// static READINGS: Channel<Spsc<u32, 4>, TasksOnly> = Channel::new(Spsc::new(), TasksOnly::new());
///
/// let (mut tx, mut rx) = READINGS.try_split().unwrap();
/// tx.try_send(7).unwrap(); // in an interrupt handler
/// let task = async { rx.recv_async().await };
/// # let polled = pin!(task).poll(&mut Context::from_waker(Waker::noop()));
/// # assert_eq!(polled, Poll::Ready(Ok(7)));
/// ```
///
/// ```compile_fail
/// # use annulet::{Channel, Spsc, wait::TasksOnly};
/// # static READINGS: Channel<Spsc<u32, 4>, TasksOnly> = Channel::new(Spsc::new(), TasksOnly::new());
/// let (tx, mut rx) = READINGS.try_split().unwrap();
/// rx.recv();
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct TasksOnly<C = NoClock> {
    clock: C,
}

impl TasksOnly {
    /// Makes one without a clock. Only a [`Meter`](super::Meter) would ask for the time.
    #[must_use]
    pub const fn new() -> Self {
        Self { clock: NoClock }
    }
}

impl<C: Clock> TasksOnly<C> {
    /// Makes one with a clock, for a [`Meter`](super::Meter).
    #[must_use]
    pub const fn with_clock(clock: C) -> Self {
        Self { clock }
    }
}

impl<C: Clock> Notify for TasksOnly<C> {
    /// No thread sleeps.
    fn notify(&self, _: &Word, _: u32) -> u32 {
        0
    }
}

impl<C: Clock> Wait for TasksOnly<C> {
    #[inline]
    fn now(&self) -> Deadline {
        self.clock.now()
    }

    /// Does not compile if it is called.
    fn wait(&self, _: &Word, _: u32, _: Deadline) {
        // Of each `C` anew, so it fails only in a program that has a call of this.
        const {
            panic!(
                "a thread waits over `TasksOnly`: use the calls `try_...` and `..._async`, or a platform by which threads sleep"
            );
        }
    }

    /// Returns at once. Only a platform that has a fence for the whole process would sleep for a task.
    fn sleep_until(&self, _: Deadline) {}
}

#[cfg(all(test, not(loom)))]
mod tests {
    use core::pin::pin;
    use core::task::{Context, Poll, Waker};

    use super::*;
    use crate::{Channel, Spsc};

    /// A task waits, is woken, and gets what was sent; and its clock is the one it was given.
    #[test]
    fn nx10_a_task_waits_without_a_platform() {
        let wait = TasksOnly::with_clock(|| Deadline::at(7));
        assert_eq!((wait.now(), TasksOnly::new().now()), (Deadline::at(7), Deadline::at(0)));
        let mut channel = Channel::new(Spsc::<u32, 4>::new(), wait);
        let (mut tx, mut rx) = channel.split();
        let mut context = Context::from_waker(Waker::noop());
        let mut receiving = pin!(rx.recv_async());
        assert!(receiving.as_mut().poll(&mut context).is_pending());
        tx.try_send(7).expect("there is room");
        assert_eq!(receiving.poll(&mut context), Poll::Ready(Ok(7)));
    }
}
