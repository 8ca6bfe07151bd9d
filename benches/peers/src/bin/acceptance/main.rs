//! What a channel must hold against its rivals where there are more threads than processors, and while it is idle.
//!
//! The README says how to run this and how to read it. Every measurement is a process of its own, that is killed if it does
//! not end: a channel that hangs shows as such, and takes nothing with it.

mod executor;
mod idle;
mod shares;
mod throughput;

use core::time::Duration;
use std::io::{self, Read};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Instant;

use clap::Parser;

/// Measures channels under more threads than processors, and idle ones.
#[derive(Debug, Parser)]
struct Options {
    /// How often each measurement is repeated.
    #[arg(long, default_value_t = 5)]
    passes: usize,
    /// How long each goes on.
    #[arg(long, default_value_t = 0.3)]
    seconds: f64,
    /// After how many seconds more it is killed.
    #[arg(long, default_value_t = 20.0)]
    patience: f64,
    /// Only those whose "scenario / implementation" contains this.
    #[arg(long, default_value = "", hide_default_value = true)]
    only: String,
    /// Runs that one here, and prints what it gives.
    #[arg(long, hide = true)]
    child: Option<String>,
}

/// What the numbers of a measurement are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    /// Million items a second: more is better.
    Rate,
    /// Percent of one processor: less is better.
    Use,
    /// The parts of all workers, in percent: even is best.
    Shares,
}

/// One implementation in one scenario.
struct Row {
    scenario: String,
    name: &'static str,
    ours: bool,
    unit: Unit,
    /// One number, or one for each worker.
    run: Box<dyn Fn(Duration) -> Vec<f64>>,
}

impl Row {
    fn title(&self) -> String {
        format!("{} / {}", self.scenario, self.name)
    }
}

fn main() -> io::Result<()> {
    let options = Options::parse();
    let mut rows = Vec::new();
    throughput::add(&mut rows);
    idle::add(&mut rows);
    shares::add(&mut rows);
    let time = Duration::from_secs_f64(options.seconds.clamp(0.001, 3600.0));
    if let Some(title) = &options.child {
        let row = rows.iter().find(|row| row.title() == *title);
        let row = row.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "there is no such row"))?;
        let words: Vec<String> = (row.run)(time).iter().map(f64::to_string).collect();
        println!("{}", words.join(" "));
        return Ok(());
    }
    rows.retain(|row| row.title().contains(&options.only));
    let patience = time + Duration::from_secs_f64(options.patience.clamp(0.001, 3600.0));
    // For each row what its passes gave: `None` is one that was killed, or failed.
    let mut given: Vec<Vec<Option<Vec<f64>>>> = rows.iter().map(|_| Vec::new()).collect();
    for pass in 0..options.passes {
        for (row, given) in rows.iter().zip(&mut given) {
            eprint!("\r\x1b[Kpass {} of {}: {}", pass + 1, options.passes, row.title());
            given.push(in_a_process(row, options.seconds, patience)?);
        }
    }
    eprintln!();
    print(&rows, &given);
    Ok(())
}

/// What the row gives in a process of its own; `None` if it is not over in time, or fails.
fn in_a_process(row: &Row, seconds: f64, patience: Duration) -> io::Result<Option<Vec<f64>>> {
    let mut child = Command::new(std::env::current_exe()?)
        .args(["--child", &row.title(), "--seconds", &seconds.to_string()])
        .stdout(Stdio::piped())
        .spawn()?;
    let start = Instant::now();
    let status = loop {
        match child.try_wait()? {
            Some(status) => break Some(status),
            None if start.elapsed() > patience => break None,
            None => thread::sleep(Duration::from_millis(2)),
        }
    };
    if status.is_none() {
        child.kill()?;
        child.wait()?;
    }
    let mut said = String::new();
    if let Some(mut out) = child.stdout.take() {
        out.read_to_string(&mut said)?;
    }
    let numbers = said.split_whitespace().map(str::parse).collect::<Result<Vec<f64>, _>>();
    Ok(numbers.ok().filter(|numbers| status.is_some_and(|status| status.success()) && !numbers.is_empty()))
}

/// The median of each number over the passes that gave one.
fn medians(given: &[Option<Vec<f64>>]) -> Option<Vec<f64>> {
    let given: Vec<&Vec<f64>> = given.iter().flatten().collect();
    let count = given.first()?.len();
    let median = |at: usize| {
        let mut values: Vec<f64> = given.iter().filter_map(|numbers| numbers.get(at).copied()).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or(0.0)
    };
    Some((0..count).map(median).collect())
}

fn print(rows: &[Row], given: &[Vec<Option<Vec<f64>>>]) {
    let mut last = "";
    for (row, passes) in rows.iter().zip(given) {
        if row.scenario != last {
            last = &row.scenario;
            let unit = match row.unit {
                Unit::Rate => "Mops/s | best rival = 1",
                Unit::Use => "% of a processor |",
                Unit::Shares => "% for each worker | largest / smallest",
            };
            println!("\n### {last}\n\n| implementation | {unit} | killed, or failed |\n|---|---:|---:|---:|");
        }
        // Of the rivals that take part in this.
        let best = rows
            .iter()
            .zip(given)
            .filter(|(other, _)| other.scenario == row.scenario && !other.ours)
            .filter_map(|(_, passes)| medians(passes)?.first().copied())
            .fold(0.0, f64::max);
        let mark = if row.ours { "**" } else { "" };
        let killed = passes.iter().filter(|pass| pass.is_none()).count();
        let (figure, ratio) = match (medians(passes), row.unit) {
            (None, _) => ("".into(), "".into()),
            (Some(value), Unit::Rate) if best > 0.0 => {
                (format!("{:.2}", value[0]), format!("{:.2}", value[0] / best))
            }
            (Some(value), Unit::Rate | Unit::Use) => (format!("{:.2}", value[0]), "".into()),
            (Some(value), Unit::Shares) => {
                let parts: Vec<String> = value.iter().map(|part| format!("{part:.1}")).collect();
                let (most, least) = (value[0], value[value.len() - 1]);
                let ratio = if least > 0.0 { format!("{:.2}", most / least) } else { "one gets none".into() };
                (parts.join(" / "), ratio)
            }
        };
        println!("| {mark}{}{mark} | {figure} | {ratio} | {killed} of {} |", row.name, passes.len());
    }
}
