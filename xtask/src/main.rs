//! The checks that read the source of annulet. Each is called by a script of `.ci`.
//!
//! They read tokens and items, not text: what stands in a comment or a string is no code, and a macro hides nothing.

mod bodies;
mod deps;
mod operations;
mod paths;
mod promises;
mod rust;
mod tree;

use std::process::ExitCode;

use tree::Tree;

/// What a check has found.
#[derive(Default)]
struct Report {
    problems: Vec<String>,
}

impl Report {
    fn problem(&mut self, file: &str, line: usize, text: impl std::fmt::Display) {
        self.problems.push(format!("{file}:{line}: {text}"));
    }

    /// Prints the problems, then the closing line of the check.
    fn close(self, name: &str, figures: &str) -> ExitCode {
        for problem in &self.problems {
            println!("{problem}");
        }
        if self.problems.is_empty() {
            println!("{name}: {figures}");
            ExitCode::SUCCESS
        } else {
            eprintln!("{name}: FAILED: {} problems", self.problems.len());
            ExitCode::FAILURE
        }
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match run(&arguments) {
        Ok(code) => code,
        Err(why) => {
            eprintln!("{}: FAILED: {why}", arguments.first().unwrap_or(&"xtask"));
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[&str]) -> Result<ExitCode, String> {
    match arguments {
        ["deps"] => deps::check(&Tree::load()?),
        ["promises", options @ ..] => promises::check(&Tree::load()?, options),
        ["operations"] => operations::check(&Tree::load()?),
        ["bodies", file] => bodies::print(file),
        _ => Err("usage: xtask deps | promises [--list] [--update] | operations | bodies FILE".into()),
    }
}
