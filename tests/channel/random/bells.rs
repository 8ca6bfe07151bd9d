//! The wakers of a random program, which may panic or come back to the channel, and its platform.

use std::sync::Arc;
use std::task::{Wake, Waker};
use std::thread;

use annulet::wait::Deadline;

use super::stage::{dice, meanwhile, panic_deliberately, stage, tell};
use crate::common::ByHand;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tone {
    Plain,
    /// It panics, and the task knows that it was woken.
    Rude,
    /// It panics, and nobody knows.
    Mute,
    /// It panics when it is dropped.
    Sore,
    /// It polls the task, there and then.
    Inline,
    /// It does something with the channel, there and then.
    Wild,
}

pub struct Bell {
    name: u32,
    tone: Tone,
}

impl Bell {
    pub fn waker(name: u32) -> Waker {
        let (rude, wild) = stage(|stage| (stage.rude.get(), stage.wild.get()));
        let tone = match dice(12) {
            0 if rude => Tone::Rude,
            1 if rude => Tone::Mute,
            2 if rude => Tone::Sore,
            3..6 if wild => Tone::Inline,
            6 if wild => Tone::Wild,
            _ => Tone::Plain,
        };
        stage(|stage| stage.bells.set(stage.bells.get() + 1));
        Waker::from(Arc::new(Self { name, tone }))
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        let name = self.name;
        tell(|| format!("{name} is woken: {:?}", self.tone));
        let found =
            stage(|stage| stage.actors.borrow().iter().find(|actor| actor.desk.name == name).cloned());
        let Some(actor) = found else { return };
        match self.tone {
            Tone::Inline => actor.poll(None),
            Tone::Mute if !thread::panicking() => actor.desk.lost.set(true),
            _ => actor.desk.woken.set(true),
        }
        match self.tone {
            Tone::Rude | Tone::Mute => panic_deliberately(),
            Tone::Wild => meanwhile(),
            _ => {}
        }
    }
}

impl Drop for Bell {
    fn drop(&mut self) {
        stage(|stage| stage.bells.set(stage.bells.get() - 1));
        if self.tone == Tone::Sore {
            panic_deliberately();
        }
    }
}

/// A platform on which others go on while a thread sleeps, and time does.
pub type Still = ByHand<'static>;

pub fn still(asymmetric: bool) -> Still {
    ByHand {
        tick: 1,
        asymmetric,
        sleep: Box::new(|platform, word, seen, until| {
            if word.get() != seen {
                return;
            }
            assert_ne!(until, Deadline::NEVER, "nobody sleeps for good");
            meanwhile();
            if word.get() == seen {
                platform.pass_until(until);
            }
        }),
        ..ByHand::default()
    }
}
