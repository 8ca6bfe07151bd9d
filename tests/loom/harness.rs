//! Plays a model and its mutants, and counts.

use std::cell::Cell;
use std::fmt::Write;
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Once, OnceLock};

use annulet::model::{Site, form, weaken};

/// Which side the main thread plays. The other one is spawned. To loom they are not alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Main {
    Produces,
    Consumes,
}

pub const BOTH: [Main; 2] = [Main::Produces, Main::Consumes];

/// A small program and what must hold in each of its interleavings.
pub struct Model {
    pub name: &'static str,
    /// The program. It panics where something does not hold.
    pub play: fn(Main),
    /// The sites for which the program must fail when they are weakened, in either assignment of the sides.
    pub kills: &'static [Site],
    /// A program that breaks what the model demands, and must fail.
    pub mutant: Option<fn(Main)>,
    /// How often a thread may be pre-empted at most, where more would take too long.
    pub bound: Option<usize>,
    /// Filled when it has been played.
    pub outcome: OnceLock<Outcome>,
}

/// What came of playing a model and its mutants.
pub struct Outcome {
    pub executions: usize,
    /// What did not go as it must.
    pub wrong: Vec<String>,
    /// For each mutant and side of the main thread, after how many executions it failed.
    pub killed: Vec<(Option<Site>, Main, usize)>,
}

impl Model {
    pub const fn new(
        name: &'static str,
        play: fn(Main),
        kills: &'static [Site],
        mutant: Option<fn(Main)>,
        bound: Option<usize>,
    ) -> Self {
        Self { name, play, kills, mutant, bound, outcome: OnceLock::new() }
    }

    /// The test of this model.
    #[track_caller]
    pub fn check(&self) {
        let outcome = self.outcome();
        assert!(outcome.wrong.is_empty(), "{}:\n{}", self.name, outcome.wrong.join("\n"));
    }

    /// Plays the model unless that has been done.
    pub fn outcome(&self) -> &Outcome {
        self.outcome.get_or_init(|| self.run())
    }

    fn run(&self) -> Outcome {
        let mut outcome = Outcome { executions: 0, wrong: Vec::new(), killed: Vec::new() };
        for main in BOTH {
            let (executions, result) = explore(self.play, main, self.bound);
            outcome.executions += executions;
            if let Err(message) = result {
                outcome.wrong.push(format!("main {main:?}: fails after {executions} executions: {message}"));
            } else if executions < 2 {
                outcome.wrong.push(format!("main {main:?}: loom saw one execution: it explored nothing"));
            }
        }
        println!("model {}: {} executions", self.name, outcome.executions);
        if !outcome.wrong.is_empty() {
            return outcome;
        }
        if self.kills.is_empty() && self.mutant.is_none() {
            outcome.wrong.push("it has no mutant, so nothing shows that it can fail".into());
        }
        let sites = self.kills.iter().map(|site| (Some(*site), self.play));
        let mutants = sites.chain(self.mutant.map(|mutant| (None, mutant)));
        for (site, play) in mutants {
            let mut line = format!("negative {}", self.name);
            match site {
                Some(site) => write!(line, " {site:?} relaxed:").unwrap(),
                None => write!(line, " mutant:").unwrap(),
            }
            for main in BOTH {
                weaken::set(site);
                let (executions, result) = silently(|| explore(play, main, self.bound));
                weaken::set(None);
                match result {
                    // Too large is not wrong: nothing was found.
                    Err(message) if message.contains("maximum number") => {
                        outcome.wrong.push(format!("{line} main {main:?}: {message}"));
                    }
                    Err(_) => {
                        outcome.killed.push((site, main, executions));
                        write!(line, " main {main:?} killed after {executions}").unwrap();
                    }
                    Ok(()) => {
                        outcome.wrong.push(format!("{line} main {main:?} survives {executions} executions"));
                        write!(line, " main {main:?} SURVIVES {executions}").unwrap();
                    }
                }
            }
            println!("{line}");
        }
        outcome
    }
}

/// Explores the interleavings of a program: how many there were, and whether one of them panicked.
fn explore(play: fn(Main), main: Main, bound: Option<usize>) -> (usize, Result<(), String>) {
    let mut builder = loom::model::Builder::new();
    let usual = builder.preemption_bound.unwrap_or(3);
    builder.preemption_bound = Some(bound.map_or(usual, |bound| bound.min(usual)));
    builder.max_branches = 20_000;
    let executions = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&executions);
    let result = catch_unwind(AssertUnwindSafe(|| {
        builder.check(move || {
            count.fetch_add(1, Ordering::Relaxed);
            form::set(true);
            play(main);
        });
    }));
    let message = result.map_err(|payload| match payload.downcast::<String>() {
        Ok(message) => *message,
        Err(payload) => payload.downcast_ref::<&str>().map_or_else(String::new, |message| (*message).into()),
    });
    (executions.load(Ordering::Relaxed), message)
}

/// Runs two sides at once, the first one on the main thread if that produces; what they return.
pub fn at_once<A: 'static, B: 'static>(
    main: Main,
    first: impl FnOnce() -> A + 'static,
    second: impl FnOnce() -> B + 'static,
) -> (A, B) {
    match main {
        Main::Produces => {
            let other = loom::thread::spawn(second);
            let a = first();
            (a, other.join().unwrap())
        }
        Main::Consumes => {
            let other = loom::thread::spawn(first);
            let b = second();
            (other.join().unwrap(), b)
        }
    }
}

/// Runs three programs at once, the first on the main thread if that produces, otherwise the last.
pub fn three<A: 'static, B: 'static, C: 'static>(
    main: Main,
    a: impl FnOnce() -> A + 'static,
    b: impl FnOnce() -> B + 'static,
    c: impl FnOnce() -> C + 'static,
) -> (A, B, C) {
    let b = loom::thread::spawn(b);
    match main {
        Main::Produces => {
            let c = loom::thread::spawn(c);
            let a = a();
            (a, b.join().unwrap(), c.join().unwrap())
        }
        Main::Consumes => {
            let a = loom::thread::spawn(a);
            let c = c();
            (a.join().unwrap(), b.join().unwrap(), c)
        }
    }
}

thread_local! {
    static SILENT: Cell<bool> = const { Cell::new(false) };
}

/// Runs `f`, in which a panic is expected, without its message.
fn silently<R>(f: impl FnOnce() -> R) -> R {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !SILENT.get() {
                usual(info);
            }
        }));
    });
    SILENT.set(true);
    let result = f();
    SILENT.set(false);
    result
}

/// Declares models, `MODELS`, the list of them, and a test for each.
///
/// `fn name = program, within bound kills [sites] mutant program;` where the mutant and the bound of pre-emptions may be left
/// out, and so may the program where it is the function `name`.
macro_rules! models {
    ($(
        fn $name:ident $(= $play:expr,)? $(within $bound:literal)? kills [$($site:ident)*] $(mutant $mutant:expr)?;
    )*) => {
        /// The models of this file.
        pub const MODELS: &[&crate::harness::Model] = &[$(&statics::$name),*];

        #[allow(non_upper_case_globals)]
        mod statics {
            // Not where each program is a function.
            #[allow(unused_imports)]
            use super::*;
            $(
                pub static $name: crate::harness::Model = crate::harness::Model::new(
                    stringify!($name),
                    models!(@play $name $(, $play)?),
                    &[$(annulet::model::Site::$site),*],
                    models!(@some $($mutant)?),
                    models!(@some $($bound)?),
                );
            )*
        }

        mod model {
            $(
                #[test]
                fn $name() {
                    super::statics::$name.check();
                }
            )*
        }
    };
    (@play $name:ident) => { super::$name };
    (@play $name:ident, $play:expr) => { $play };
    (@some) => { None };
    (@some $value:expr) => { Some($value) };
}
