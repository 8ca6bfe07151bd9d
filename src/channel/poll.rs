//! Polls one end of a channel, for its futures.
//!
//! No future of a channel allocates; each is cancelled by dropping it.
//!
//! A future counts as waiting from its first poll that found nothing until it is ready or dropped. If it was woken and is
//! dropped before it is polled again, it wakes the next one, so no wake-up is lost with it. If it is forgotten, one may be,
//! and its slot at the event is taken until the channel is next split or reopened.

use core::task::{Context, Poll};

use super::channel_ref::ChannelRef;
use super::state::sealed::AnyChannel as _;
use super::state::{Condition, SignalOnDrop, WaitState};
use crate::wait::{Attempt, Outcome};

/// Polls for something at one end. Returns what was found, and whether it had waited. `takes`: what is found is taken, so that
/// a wake-up has done its work. If not, another party may have to be woken for it.
///
/// # Safety
/// The wait is one of this channel, and for `what`, until it is left.
pub(super) unsafe fn poll<C: ChannelRef, R, E>(
    channel: &C::Channel,
    what: Condition,
    state: &mut WaitState,
    context: &mut Context<'_>,
    takes: bool,
    look: impl FnMut() -> Attempt<Result<R, E>>,
) -> Poll<(Result<R, E>, bool)> {
    // SAFETY: as the caller says.
    let Poll::Ready(found) = (unsafe { channel.poll(what, state, context, look) }) else {
        return Poll::Pending;
    };
    let waited = state.waits();
    let outcome = if found.is_ok() { Outcome::Found } else { Outcome::Ended };
    // Even if the drop of a waker panics: what was taken is room, and what was sent is data.
    let other = takes.then(|| SignalOnDrop(channel, what.other(), u32::MAX));
    // SAFETY: as the caller says.
    unsafe { channel.leave(what, state, takes && found.is_ok(), outcome) };
    core::mem::forget(other);
    Poll::Ready((found, waited))
}
