//! Two processes that do not trust each other stream a file: as checked descriptors into a sealed region, whose
//! bytes are read where they are, or (`--copy`) as inline messages.
//!
//! ```text
//! cargo run --release --features std --example ipc -- [FILE] [--copy | --attack]
//! ```
//!
//! This process receives. It starts itself a second time as the sender, which it treats as hostile: windows and
//! regions are checked before they are mapped, and every message is checked against this process's own tables.
//! With `--attack` the sender is hostile indeed.

// A program exports nothing: `pub` here means "for the other files".
#![allow(unreachable_pub)]

mod attack;
mod message;
mod receiver;
mod sender;
mod table;

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;

type Failure = Box<dyn std::error::Error>;

/// Streams a file between two processes that do not trust each other.
#[derive(Parser, Debug)]
#[command(name = "ipc", version)]
struct Args {
    /// The file to stream; this program itself by default.
    file: Option<PathBuf>,
    /// Send the bytes inline, through the link, instead of descriptors.
    #[arg(long, conflicts_with = "attack")]
    copy: bool,
    /// Let the sender attack, and show what the receiver answers.
    #[arg(long)]
    attack: bool,
    /// What the second process does.
    #[arg(long, hide = true)]
    sender: Option<String>,
}

fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(why) if why.use_stderr() => {
            // The first line says what is wrong; the others are for who asks.
            let said = why.to_string();
            let line = said.lines().next().unwrap_or_default().trim_start_matches("error: ");
            eprintln!("ipc: {line} (see --help)");
            return ExitCode::from(2);
        }
        Err(asked) => asked.exit(),
    };
    let file = match file_of(&args) {
        Ok(file) => file,
        Err(why) => {
            eprintln!("ipc: {why}");
            return ExitCode::from(2);
        }
    };
    let done = match &args.sender {
        Some(role) => sender::run(role, &file).map(|()| true),
        None if args.attack => attack::run(&file),
        None if args.copy => receiver::run::<message::Inline, { message::INLINE_DEPTH }>("copy", &file),
        None => receiver::run::<annulet::region::Offer, { message::DEPTH }>("stream", &file),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("ipc: {}: {why}", if args.sender.is_some() { "sender" } else { "receiver" });
            ExitCode::FAILURE
        }
    }
}

/// The file to stream, known to be a regular file that can be read; otherwise one line that says why not.
fn file_of(args: &Args) -> Result<PathBuf, String> {
    let path = match &args.file {
        Some(path) => path.clone(),
        None => std::env::current_exe().map_err(|why| format!("this program's own file: {why}"))?,
    };
    readable(&path).map_err(|why| format!("{}: {why}", path.display()))?;
    Ok(path)
}

fn readable(path: &Path) -> Result<(), Failure> {
    // Looked at before it is opened: opening a pipe would wait for a writer.
    if !std::fs::metadata(path)?.is_file() {
        return Err("not a regular file".into());
    }
    // Some files open and cannot be read.
    let _ = File::open(path)?.read(&mut [0])?;
    Ok(())
}
