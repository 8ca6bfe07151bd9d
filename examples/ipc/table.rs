//! What is printed.

use std::fmt::Write as _;
use std::io::{self, ErrorKind, Write};
use std::path::Path;
use std::time::Duration;

use hdrhistogram::Histogram;

use crate::Failure;

/// A stream that ended.
pub struct Outcome<'a> {
    pub file: &'a Path,
    pub inline: bool,
    pub messages: u64,
    pub bytes: u64,
    /// Payload bytes that were copied on their way, by either side.
    pub copied: u64,
    /// From the first message to the last; `None` if there was none.
    pub elapsed: Option<Duration>,
    pub latency: &'a Histogram<u64>,
    pub depth: usize,
    pub sender: [u8; 32],
    pub receiver: [u8; 32],
    pub verified: bool,
}

fn hex(hash: &[u8; 32]) -> String {
    hash.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn micros(nanos: u64) -> String {
    format!("{:.1} us", nanos as f64 / 1000.0)
}

pub fn print(outcome: &Outcome<'_>) -> Result<(), Failure> {
    let seconds = outcome.elapsed.map_or(0.0, |elapsed| elapsed.as_secs_f64());
    let per_second = |count: u64| if seconds > 0.0 { count as f64 / seconds } else { 0.0 };
    let way = if outcome.inline { "inline messages" } else { "descriptors into a sealed region" };
    let rows = [
        ("file", outcome.file.display().to_string()),
        ("way", way.to_string()),
        ("messages", outcome.messages.to_string()),
        ("bytes", outcome.bytes.to_string()),
        ("bytes copied", outcome.copied.to_string()),
        ("messages/s", format!("{:.0}", per_second(outcome.messages))),
        ("throughput", format!("{:.1} MB/s, each byte hashed", per_second(outcome.bytes) / 1e6)),
        (
            "latency p50",
            format!(
                "{} ({} messages under way)",
                micros(outcome.latency.value_at_quantile(0.5)),
                outcome.depth
            ),
        ),
        ("latency p99", micros(outcome.latency.value_at_quantile(0.99))),
        ("sha256 sender", hex(&outcome.sender)),
        ("sha256 receiver", hex(&outcome.receiver)),
        ("verified", if outcome.verified { "yes" } else { "NO" }.to_string()),
    ];
    let lines = rows.map(|(name, value)| format!("{name:<16} {value}\n"));
    say(&lines.concat())
}

/// Writes to standard output. That nobody reads any more is no failure: the job is done all the same.
pub fn say(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(why) if why.kind() != ErrorKind::BrokenPipe => Err(format!("standard output: {why}").into()),
        _ => Ok(()),
    }
}
