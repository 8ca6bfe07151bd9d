//! annulet's rings measured beside their peers. The README says how to read what this prints.

mod broadcast;
mod crew;
mod crowd;
mod measure;
mod place;
mod regime;
mod rings;
mod rush;
mod scenarios;
mod table;
#[cfg(target_os = "linux")]
mod waiting;

use core::time::Duration;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use clap::Parser;

use crate::measure::Budget;
use crate::table::Sample;

/// Measures annulet's rings beside their peers.
#[derive(Debug, Parser)]
struct Options {
    /// How often each implementation of each scenario runs.
    #[arg(long, default_value_t = 20)]
    passes: usize,
    /// How long it runs each time.
    #[arg(long, default_value_t = 0.03)]
    seconds_per_row: f64,
    /// Only rows whose "scenario / implementation" contains this.
    #[arg(long, default_value = "", hide_default_value = true)]
    only: String,
    /// Also write every measurement to this file, one JSON object to a line.
    #[arg(long)]
    json: Option<PathBuf>,
}

fn main() -> io::Result<()> {
    let options = Options::parse();
    let time = Duration::try_from_secs_f64(options.seconds_per_row)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;

    let mut rows = scenarios::all();
    rows.retain(|row| format!("{} / {}", row.scenario, row.name).contains(&options.only));
    match place::processors() {
        Some([sends, receives]) => eprintln!("sending on processor {sends}, receiving on {receives}"),
        None => {
            eprintln!("there are no two processors to pin threads to: only what needs one is measured");
            rows.retain(|row| !row.two);
        }
    }

    let mut samples = Vec::new();
    for pass in 0..options.passes {
        eprint!("\rpass {} of {}", pass + 1, options.passes);
        for (index, row) in rows.iter().enumerate() {
            let before = row.two.then(regime::bracket);
            let figure = (row.run)(Budget { time, items: 0 });
            let brackets = before.map(|before| [before, regime::bracket()]);
            samples.push(Sample { row: index, pass, figure, brackets });
        }
    }
    eprintln!();

    if let Some(path) = &options.json {
        let mut file = BufWriter::new(File::create(path)?);
        table::json(&rows, &samples, &mut file)?;
        file.flush()?;
    }
    table::print(&rows, &samples, &mut io::stdout().lock())
}
