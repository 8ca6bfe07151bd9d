//! No file names one machine: a home directory, a registry of somebody's own.

use regex_lite::Regex;

use crate::Report;
use crate::tree::Tree;

/// What belongs to one machine. The group is what is reported. No pattern matches itself.
const OF_ONE_MACHINE: [&str; 6] = [
    r"(?:^|[^\w.}$)*~-])(/(?:home|root|Users|work|workspace|mnt|srv|builds?)/[\w.])",
    r"\b([Cc]:\\\\?Users)",
    r"\b((?:sparse\+)?https?://(?:localhost|127\.|10\.|192\.168\.|[\w.-]*\.(?:internal|local|lan|corp)\b))",
    r"\b(replace[-]with|registry[-]index)\b",
    r#"("(?:sparse|registry)\+[^"]*)"#,
    r"(--(?:extra-)?index-url)\b",
];

/// The registry of all.
const REGISTRY: &str = "\"registry+https://github.com/rust-lang/crates.io-index";

/// Returns how many files there are.
pub fn check(tree: &Tree, report: &mut Report) -> usize {
    let patterns = OF_ONE_MACHINE.map(|pattern| Regex::new(pattern).expect("a pattern"));
    let mut files = 0;
    for (file, text) in tree.all() {
        files += 1;
        for pattern in &patterns {
            for found in pattern.captures_iter(text).filter_map(|captures| captures.get(1)) {
                if !found.as_str().starts_with(REGISTRY) {
                    let line = text[..found.start()].matches('\n').count() + 1;
                    report.problem(file, line, format!("`{}` is of one machine", found.as_str()));
                }
            }
        }
        let name =
            file.rsplit_once(".cargo/").filter(|(before, _)| before.is_empty() || before.ends_with('/'));
        if name.is_some_and(|(_, name)| matches!(name, "config" | "config.toml")) {
            report.problem(file, 1, "the configuration of cargo is each machine's own");
        }
    }
    files
}
