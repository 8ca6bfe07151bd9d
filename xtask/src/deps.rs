//! `.ci/deps`: which module uses which, which files import each other, where orderings are named and have a site, how long
//! a file is, and that nothing names one machine.

mod imports;
mod machine;
mod orderings;
mod tables;
#[cfg(test)]
mod tests;
mod uses;

use std::collections::BTreeSet;
use std::process::ExitCode;

use crate::Report;
use crate::paths::{self, Named};
use crate::rust::{self, Source};
use crate::tree::Tree;
use tables::LONGEST;

/// The parsed sources of a checkout.
struct Crates {
    /// Those of `src`.
    annulet: Vec<Parsed>,
    /// Those of `platform/src`.
    platform: Vec<Parsed>,
}

/// A source, and the paths that it names outside of its tests.
struct Parsed {
    source: Source,
    named: Vec<Named>,
}

impl Crates {
    fn of(tree: &Tree) -> Result<Self, String> {
        let parsed = |folder| {
            tree.within(folder, ".rs")
                .map(|(path, text)| {
                    let source = Source::parse(path, folder, text)?;
                    let named = paths::named(rust::tokens(&source.shipped), &source.module);
                    Ok(Parsed { source, named })
                })
                .collect::<Result<Vec<_>, String>>()
        };
        Ok(Self { annulet: parsed("src/")?, platform: parsed("platform/src/")? })
    }
}

pub fn check(tree: &Tree) -> Result<ExitCode, String> {
    let (report, figures) = judge(tree)?;
    Ok(report.close("deps", &figures))
}

fn judge(tree: &Tree) -> Result<(Report, String), String> {
    let crates = Crates::of(tree)?;
    let mut report = Report::default();
    uses::check(&crates, tables::DEVIATIONS, tree, &mut report);
    imports::check(&crates.annulet, tables::MUTUAL, &mut report);
    orderings::check_homes(&crates.annulet, &mut report);
    let sites = orderings::check_sites(&crates.annulet, tree, &mut report)?;
    let longest = check_lengths(&crates, &mut report);
    let files = machine::check(tree, &mut report);
    let modules: BTreeSet<_> =
        crates.annulet.iter().filter_map(|parsed| parsed.source.module.first()).collect();
    let figures = format!(
        "{} source files, {} modules, {} deviation(s), {sites} ordering sites, longest {} ({} lines), \
         {files} files without a machine's name",
        crates.annulet.len() + crates.platform.len(),
        modules.len(),
        tables::DEVIATIONS.len() + tables::MUTUAL.len(),
        longest.1,
        longest.0,
    );
    Ok((report, figures))
}

fn check_lengths(crates: &Crates, report: &mut Report) -> (usize, String) {
    let mut longest = (0, String::new());
    for Parsed { source, .. } in crates.annulet.iter().chain(&crates.platform) {
        let lines = source.lines_without_tests();
        longest = longest.max((lines, source.path.clone()));
        if lines > LONGEST {
            let text =
                format!("{lines} lines without its tests: more than {LONGEST} is two ideas in one file");
            report.problem(&source.path, LONGEST + 1, text);
        }
    }
    longest
}
